//! The columns of events that a plan reads, and where each stands in the rows of a member.

use std::collections::BTreeMap;

use playbook_model::MapType;

use super::events::{EventRows, Value};
use crate::FeatureError;
use crate::columns::field_type;
use crate::rows::{FieldType, RowTable};
use crate::wall::WallField;

/// Where a column of events stands in the rows of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldAt {
    Time,
    Id,
    Member,
    Account,
    Weight,
    Value(usize),
}

impl FieldAt {
    pub(super) fn of<'a>(self, rows: &EventRows<'a>, row: usize, member: &'a str) -> Value<'a> {
        match self {
            Self::Time => Value::Integer(rows.times[row]),
            Self::Id => Value::Text(rows.ids[row]),
            Self::Member => Value::Text(member),
            Self::Account => Value::Text(rows.account(row).unwrap_or(member)),
            Self::Weight => Value::Integer(rows.weights[row]),
            Self::Value(field) => rows.value(row, field),
        }
    }
}

/// The columns of events that there are, and those that a plan reads so far.
#[derive(Debug)]
pub(super) struct Fields {
    table: RowTable,
    pub(super) read: Vec<String>,
}

impl Fields {
    pub(super) fn new(columns: &BTreeMap<String, MapType>) -> Self {
        let mut types: BTreeMap<String, FieldType> =
            columns.iter().map(|(name, map_type)| (name.clone(), field_type(*map_type))).collect();
        for text in ["event_id", "member", "account", "kind"] {
            types.insert(text.to_owned(), FieldType::Text);
        }
        for integer in ["time", "weight"].into_iter().chain(WallField::ALL.map(WallField::name)) {
            types.insert(integer.to_owned(), FieldType::Integer);
        }
        let table = RowTable {
            name: "events".to_owned(),
            columns: types,
            timed: true,
            weighted: true,
            ..RowTable::default()
        };
        Self { table, read: Vec::new() }
    }

    pub(super) fn table(&self) -> &RowTable {
        &self.table
    }

    pub(super) fn type_of(&self, name: &str) -> Option<FieldType> {
        self.table.columns.get(name).copied()
    }

    /// Where a column stands, which the plan reads from now on, and its type.
    ///
    /// # Errors
    /// [`FeatureError::UnknownField`].
    pub(super) fn at(
        &mut self,
        feature: &str,
        name: &str,
    ) -> Result<(FieldAt, FieldType), FeatureError> {
        let field_type = self.table.field(feature, name)?;
        let at = match name {
            "time" => FieldAt::Time,
            "event_id" => FieldAt::Id,
            "member" => FieldAt::Member,
            "account" => FieldAt::Account,
            "weight" => FieldAt::Weight,
            other => FieldAt::Value(self.position(other)),
        };
        Ok((at, field_type))
    }

    /// The position of a column among those that are read.
    pub(super) fn position(&mut self, name: &str) -> usize {
        let known = self.read.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.read.push(name.to_owned());
            self.read.len() - 1
        })
    }
}
