//! A lookup in memory: the hash table with which sources are joined.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use foldhash::fast::FixedState;
use playbook_model::LookupDef;

use crate::{BatchError, Result};

/// A lookup as a hash table: the build side of the join.
#[derive(Debug)]
pub(crate) struct Lookup {
    /// Row number by key; keys are trimmed.
    rows: HashMap<Box<str>, usize, FixedState>,
    /// The columns that sources use.
    columns: BTreeMap<String, StringArray>,
}

impl Lookup {
    /// Builds the hash table. A key may occur twice only with the same values.
    pub(crate) fn by_key(definition: &LookupDef, rows: &RecordBatch) -> Result<Self> {
        let schema = rows.schema();
        let named = schema.fields().iter().map(|field| field.name().clone()).zip(rows.columns());
        let columns: BTreeMap<String, StringArray> =
            named.map(|(name, column)| (name, column.as_string::<i32>().clone())).collect();
        let mut by_key: HashMap<Box<str>, usize, FixedState> = HashMap::default();
        let keys = columns.get(&definition.key);
        for (row, key) in keys.into_iter().flatten().enumerate() {
            let Some(key) = key.map(str::trim_ascii) else { continue };
            let Some(first) = by_key.insert(key.into(), row) else { continue };
            let value = |column: &StringArray, row| {
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let differs = columns.iter().find(|(name, column)| {
                **name != definition.key && value(column, first) != value(column, row)
            });
            if let Some((name, column)) = differs {
                let shown = |row| value(column, row).unwrap_or_default();
                return Err(BatchError::LookupTwice {
                    lookup: definition.source.name.clone(),
                    key: key.to_owned(),
                    column: name.clone(),
                    values: (shown(first), shown(row)),
                });
            }
        }
        Ok(Self { rows: by_key, columns })
    }

    /// The row number of a key.
    pub(crate) fn row(&self, key: &[u8]) -> Option<usize> {
        self.rows.get(std::str::from_utf8(key).ok()?).copied()
    }

    pub(crate) fn column(&self, name: &str) -> Option<&StringArray> {
        self.columns.get(name)
    }
}
