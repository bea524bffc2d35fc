//! The rows that aggregates run over, and which of them count.

use std::collections::{BTreeMap, BTreeSet};

use playbook_model::{AggregateDef, EventFilter, UnixMs, Window};

use crate::cut::{Clock, Cut};
use crate::expression::Expression;
use crate::{FeatureError, quote_name, quote_text};

/// Type of a column of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// `i64`: integers, money in minor units, times, flags.
    Integer,
    /// `f64`.
    Real,
    /// Text.
    Text,
}

/// The column of events that holds the keys of a subject.
#[must_use]
pub fn key_column(subject: &str) -> &str {
    if matches!(subject, "content" | "order") { "object" } else { subject }
}

/// A table of rows with a subject each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowTable {
    /// Its name in the engine.
    pub name: String,
    /// Its columns.
    pub columns: BTreeMap<String, FieldType>,
    /// Whether the column `time` (unix-ms) exists; rows at or after T do not count.
    pub timed: bool,
    /// Greatest time of any row, where it is known: bounds above it need no test.
    pub latest: Option<UnixMs>,
    /// Columns that no row lacks.
    pub complete: BTreeSet<String>,
    /// Whether rows of paid orders may be lines of one order, which `event_id` tells: they count once.
    pub lines: bool,
    /// Whether the column `weight` exists: 0 marks rows that correct a sum (refunds) and are no events of
    /// their own, 1 all others.
    pub weighted: bool,
}

impl RowTable {
    /// The condition that a row lies before `bound`, where any may not.
    pub(crate) fn before(&self, bound: i64) -> Option<String> {
        let all = self.latest.is_some_and(|latest| latest.0 < bound);
        (!all).then(|| format!("time < {bound}"))
    }

    /// The condition that a row has a value in `column`, where any may not.
    pub(crate) fn present(&self, column: &str) -> Option<String> {
        (!self.complete.contains(column)).then(|| format!("{} IS NOT NULL", quote_name(column)))
    }

    /// The conditions that a row lies before T and has a value in `key`, where one is named.
    #[must_use]
    pub fn in_time(&self, as_of: UnixMs, key: Option<&str>) -> Vec<String> {
        let before = if self.timed { self.before(as_of.0) } else { None };
        before.into_iter().chain(key.and_then(|key| self.present(key))).collect()
    }

    /// Returns the type of a column that `feature` reads.
    ///
    /// # Errors
    /// [`FeatureError::UnknownField`].
    pub fn field(&self, feature: &str, field: &str) -> Result<FieldType, FeatureError> {
        self.columns.get(field).copied().ok_or_else(|| FeatureError::UnknownField {
            feature: feature.to_owned(),
            field: field.to_owned(),
            rows: self.name.clone(),
            known: self.columns.keys().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "),
        })
    }

    /// SQL of the text form of a column that `feature` reads.
    pub(crate) fn text_sql(&self, feature: &str, column: &str) -> Result<String, FeatureError> {
        Ok(match self.field(feature, column)? {
            FieldType::Text => quote_name(column),
            _ => format!("CAST({} AS VARCHAR)", quote_name(column)),
        })
    }
}

/// Returns the SQL conditions under which a row counts: its kinds, channels, condition and window.
///
/// # Errors
/// A filter or window over rows without the columns for it.
pub(crate) fn row_condition(
    feature: &str,
    filter: &EventFilter,
    window: Window,
    rows: &RowTable,
    as_of: UnixMs,
    clock: &dyn Clock,
) -> Result<Vec<String>, FeatureError> {
    let mut conditions = filter_conditions(feature, filter, rows)?;
    let Window { from_ms, to_ms } = window;
    if rows.timed {
        if let Some(from) = from_ms {
            conditions.push(Cut::new(clock, as_of, from).after_sql());
        }
        let end = Cut::new(clock, as_of, to_ms);
        conditions.extend(rows.before(end.at).map(|_| end.before_sql()));
    } else if from_ms.is_some() || to_ms != 0 {
        return Err(FeatureError::NoTime { feature: feature.to_owned(), rows: rows.name.clone() });
    }
    Ok(conditions)
}

pub(crate) fn filter_conditions(
    feature: &str,
    filter: &EventFilter,
    rows: &RowTable,
) -> Result<Vec<String>, FeatureError> {
    let mut conditions = Vec::new();
    for (column, wanted) in [("kind", &filter.kinds), ("channel", &filter.channels)] {
        if wanted.is_empty() {
            continue;
        }
        rows.field(feature, column)?;
        let mut sorted = wanted.clone();
        sorted.sort();
        sorted.dedup();
        conditions.push(match sorted.as_slice() {
            [one] => format!("{column} = {}", quote_text(one)),
            many => {
                let list: Vec<_> = many.iter().map(|text| quote_text(text)).collect();
                format!("{column} IN ({})", list.join(", "))
            }
        });
    }
    conditions.extend(condition_sql(feature, filter, rows)?);
    Ok(conditions)
}

/// SQL of the condition of a filter.
pub(crate) fn condition_sql(
    feature: &str,
    filter: &EventFilter,
    rows: &RowTable,
) -> Result<Option<String>, FeatureError> {
    let Some(text) = &filter.condition else { return Ok(None) };
    let fault = |source| FeatureError::Condition { feature: feature.to_owned(), source };
    let condition = Expression::parse(text).map_err(fault)?;
    for (name, _) in condition.names() {
        rows.field(feature, name)?;
    }
    condition.condition_sql().map(Some).map_err(fault)
}

/// Returns SQL that lists the values of `by`, ascending, among the rows that count; column `value`.
///
/// # Errors
/// Unknown columns.
pub fn by_values_sql(
    feature: &str,
    aggregate: &AggregateDef,
    by: &str,
    rows: &RowTable,
    as_of: UnixMs,
    clock: &dyn Clock,
) -> Result<String, FeatureError> {
    rows.field(feature, by)?;
    let mut conditions =
        row_condition(feature, &aggregate.filter, aggregate.window, rows, as_of, clock)?;
    let name = quote_name(by);
    conditions.push(format!("{name} IS NOT NULL"));
    Ok(format!(
        "SELECT CAST({name} AS VARCHAR) AS value FROM {} WHERE {} GROUP BY {name} ORDER BY value",
        quote_name(&rows.name),
        conditions.join(" AND ")
    ))
}
