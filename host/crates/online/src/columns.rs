//! The columns of events and members that a brand's playbook knows, with their types, and values of a request read as such.

use std::collections::{BTreeMap, BTreeSet};

use playbook_features::{mapped_fields, merged_columns};
use playbook_model::{MapType, Playbook, SourceTable};
use playbook_toml::{closed_values, host_fields};
use serde_json::{Map, Value as Json};

use crate::packed::Kept;

/// Letters of a text at most.
const TEXT_BYTES_MAX: usize = 4_096;

/// The columns of one table.
#[derive(Debug)]
pub struct TableColumns {
    table: SourceTable,
    types: BTreeMap<String, MapType>,
    /// Kinds of events of the brand's own.
    own_kinds: BTreeSet<String>,
}

/// A field of a request that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {what}; expected {expected}")]
pub struct FieldError {
    /// Name of the field.
    pub field: String,
    /// What is wrong.
    pub what: &'static str,
    /// What was expected.
    pub expected: String,
}

impl TableColumns {
    /// The host's columns of a table, and those that the playbook's mappings give beside them.
    #[must_use]
    pub fn new(playbook: &Playbook, table: SourceTable) -> Self {
        let sources = playbook.sources.iter().filter(|source| source.table == table);
        let mapped: Vec<_> = sources.map(mapped_fields).collect();
        let mut types = merged_columns(mapped.iter(), false);
        for (name, map_type) in host_fields(table) {
            types.entry(name.to_owned()).or_insert(map_type);
        }
        let own_kinds = match table {
            SourceTable::Events => playbook.event_kinds.iter().cloned().collect(),
            _ => BTreeSet::new(),
        };
        Self { table, types, own_kinds }
    }

    /// Columns with their types.
    #[must_use]
    pub fn types(&self) -> &BTreeMap<String, MapType> {
        &self.types
    }

    /// Reads the fields of an object, all but those that `besides` names; a null is no value.
    ///
    /// # Errors
    /// Every field that cannot be taken.
    pub fn read(
        &self,
        object: &Map<String, Json>,
        besides: &[&str],
    ) -> Result<Vec<(String, Kept)>, Vec<FieldError>> {
        let (mut fields, mut errors) = (Vec::new(), Vec::new());
        let others = object.iter().filter(|(name, _)| !besides.contains(&name.as_str()));
        for (name, value) in others.filter(|(_, value)| !value.is_null()) {
            match self.field(name, value) {
                Ok(value) => fields.push((name.clone(), value)),
                Err((what, expected)) => {
                    errors.push(FieldError { field: name.clone(), what, expected });
                }
            }
        }
        if errors.is_empty() { Ok(fields) } else { Err(errors) }
    }

    fn field(&self, name: &str, value: &Json) -> Result<Kept, (&'static str, String)> {
        let Some(map_type) = self.types.get(name) else {
            let known = self.types.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>();
            return Err(("is no field of the playbook", format!("one of {}", known.join(", "))));
        };
        let kept = typed(*map_type, value)
            .ok_or_else(|| ("has a value of another type", expected(*map_type).to_owned()))?;
        if let (Kept::Text(text), Some(closed)) = (&kept, closed_values(self.table, name))
            && !closed.contains(&text.as_str())
            && !(name == "kind" && self.own_kinds.contains(text))
        {
            let known = closed.iter().copied().map(|word| format!("`{word}`"));
            let own = self.own_kinds.iter().filter(|_| name == "kind").map(|k| format!("`{k}`"));
            let known: Vec<String> = known.chain(own).collect();
            return Err(("has a value that is not known", format!("one of {}", known.join(", "))));
        }
        Ok(kept)
    }
}

fn expected(map_type: MapType) -> &'static str {
    match map_type {
        MapType::Text => "a text of at most 4,096 bytes",
        MapType::Integer => "a whole number of 64 bits",
        MapType::Real => "a finite number",
        MapType::Money => "a whole number of minor units",
        MapType::Time => "a time such as \"2026-01-31T12:00:00Z\", or unix milliseconds",
        MapType::Flag => "true or false",
    }
}

fn typed(map_type: MapType, value: &Json) -> Option<Kept> {
    Some(match map_type {
        MapType::Text => {
            let text = value.as_str().filter(|text| text.len() <= TEXT_BYTES_MAX)?;
            Kept::Text(text.to_owned())
        }
        MapType::Integer | MapType::Money => Kept::Integer(value.as_i64()?),
        MapType::Real => Kept::Real(value.as_f64().filter(|real| real.is_finite())?),
        MapType::Time => Kept::Integer(time(value)?),
        MapType::Flag => Kept::Integer(i64::from(value.as_bool()?)),
    })
}

/// A moment as a request says it: RFC 3339 with an offset, or unix milliseconds.
#[must_use]
pub fn time(value: &Json) -> Option<i64> {
    match value {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => {
            let moment: jiff::Timestamp = text.parse().ok()?;
            Some(moment.as_millisecond())
        }
        _ => None,
    }
}
