//! One JSON object a line: the mapped members of it as text.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::intake::field::FieldReader;

/// Members of one line that the mapping names.
pub(crate) struct JsonRow {
    names: Vec<String>,
    texts: Vec<Option<String>>,
    unmapped: BTreeSet<String>,
}

impl JsonRow {
    pub(crate) fn new(fields: &[FieldReader]) -> Self {
        Self {
            names: fields.iter().map(|field| field.from.clone()).collect(),
            texts: vec![None; fields.len()],
            unmapped: BTreeSet::new(),
        }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// The reason, and that the row counts against the bound of rejected rows.
    pub(crate) fn read(&mut self, line: &[u8]) -> Result<(), (String, bool)> {
        self.texts.iter_mut().for_each(|text| *text = None);
        let object: serde_json::Map<String, Value> = serde_json::from_slice(line)
            .map_err(|_| ("the line is not a JSON object".to_owned(), true))?;
        for (name, value) in object {
            let mut mapped = false;
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text),
                other => Some(other.to_string()),
            };
            for (at, wanted) in self.names.iter().enumerate() {
                if *wanted == name {
                    self.texts[at].clone_from(&text);
                    mapped = true;
                }
            }
            if !mapped && !self.unmapped.contains(&name) {
                self.unmapped.insert(name);
            }
        }
        Ok(())
    }

    pub(crate) fn field(&self, at: usize) -> Option<&[u8]> {
        self.texts[at].as_deref().map(str::as_bytes)
    }

    pub(crate) fn into_unmapped(self) -> BTreeSet<String> {
        self.unmapped
    }
}
