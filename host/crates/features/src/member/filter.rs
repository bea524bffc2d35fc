//! Which rows count: kinds, channels and conditions, tested row by row.

use playbook_model::{Bitmap, CellType, Cells, Column, EventFilter};

use super::events::{EventRows, Value};
use super::fields::{FieldAt, Fields};
use crate::FeatureError;
use crate::expression::{Compiled, Expression, Values};
use crate::rows::FieldType;

/// The conditions of a plan, each compiled once, however many features have it.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    all: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    text: String,
    compiled: Compiled,
    /// The fields that it reads, in the order of its names.
    reads: Vec<(FieldAt, FieldType)>,
}

impl Conditions {
    /// The number of a condition, compiled where it is new.
    ///
    /// # Errors
    /// A condition that cannot be used.
    pub(super) fn number(
        &mut self,
        feature: &str,
        text: &str,
        fields: &mut Fields,
    ) -> Result<usize, FeatureError> {
        if let Some(known) = self.all.iter().position(|condition| condition.text == text) {
            return Ok(known);
        }
        let fault = |source| FeatureError::Condition { feature: feature.to_owned(), source };
        let expression = Expression::parse(text).map_err(fault)?;
        let type_of = |name: &str| fields.type_of(name).map(cell_type);
        let compiled = expression.compile(type_of).map_err(fault)?;
        let reads = compiled
            .names()
            .iter()
            .map(|name| fields.at(feature, name))
            .collect::<Result<_, _>>()?;
        self.all.push(Condition { text: text.to_owned(), compiled, reads });
        Ok(self.all.len() - 1)
    }

    /// Of each condition, the rows that meet it. A comparison with nothing is not met.
    pub(super) fn met(&self, rows: &EventRows<'_>, member: &str) -> Vec<Vec<bool>> {
        self.all.iter().map(|condition| condition.met(rows, member)).collect()
    }
}

impl Condition {
    fn met(&self, rows: &EventRows<'_>, member: &str) -> Vec<bool> {
        let columns: Vec<Column> = self
            .reads
            .iter()
            .map(|(at, field_type)| column(rows, *at, *field_type, member))
            .collect();
        let columns: Vec<&Column> = columns.iter().collect();
        let count = u32::try_from(rows.len()).expect("a member has fewer than 2^32 events");
        // A condition compares and computes nothing, so that no row can be at fault.
        match self.compiled.evaluate(&columns, 0..count) {
            Ok(Values::Integers(flags)) => flags.iter().map(|flag| *flag == Some(1)).collect(),
            _ => vec![false; rows.len()],
        }
    }
}

fn cell_type(field_type: FieldType) -> CellType {
    match field_type {
        FieldType::Integer => CellType::Integer,
        FieldType::Real => CellType::Real,
        FieldType::Text => CellType::Text,
    }
}

/// A field of all rows as a column.
fn column(rows: &EventRows<'_>, at: FieldAt, field_type: FieldType, member: &str) -> Column {
    let values = || (0..rows.len()).map(|row| at.of(rows, row, member));
    let cells = match field_type {
        FieldType::Integer => {
            Cells::Integer(values().map(|value| value.integer().unwrap_or(0)).collect())
        }
        FieldType::Real => Cells::Real(
            values().map(|value| if let Value::Real(real) = value { real } else { 0.0 }).collect(),
        ),
        FieldType::Text => {
            Cells::Text(values().map(|value| value.text().unwrap_or_default()).collect())
        }
    };
    let mut valid = Bitmap::default();
    values().for_each(|value| valid.push(value != Value::Missing));
    Column { name: String::new(), unit: String::new(), cells, valid: Some(valid) }
}

/// A filter of events, with its condition by number.
#[derive(Debug)]
pub(super) struct RowFilter {
    kinds: Vec<String>,
    channels: Vec<String>,
    kind_at: Option<FieldAt>,
    channel_at: Option<FieldAt>,
    condition: Option<usize>,
}

impl RowFilter {
    pub(super) fn new(
        feature: &str,
        filter: &EventFilter,
        fields: &mut Fields,
        conditions: &mut Conditions,
    ) -> Result<Self, FeatureError> {
        let mut at = |name: &str, wanted: &[String]| match wanted {
            [] => Ok(None),
            _ => fields.at(feature, name).map(|(at, _)| Some(at)),
        };
        let kind_at = at("kind", &filter.kinds)?;
        let channel_at = at("channel", &filter.channels)?;
        let condition = filter.condition.as_deref();
        let condition =
            condition.map(|text| conditions.number(feature, text, fields)).transpose()?;
        let (kinds, channels) = (filter.kinds.clone(), filter.channels.clone());
        Ok(Self { kinds, channels, kind_at, channel_at, condition })
    }

    pub(super) fn takes(&self, rows: &EventRows<'_>, row: usize, met: &[Vec<bool>]) -> bool {
        let is_among = |at: Option<FieldAt>, wanted: &[String]| {
            at.is_none_or(|at| {
                let text = at.of(rows, row, "").text();
                text.is_some_and(|text| wanted.iter().any(|wanted| wanted == text))
            })
        };
        is_among(self.kind_at, &self.kinds)
            && is_among(self.channel_at, &self.channels)
            && self.condition.is_none_or(|condition| met[condition][row])
    }
}
