//! Sequences of one member: the rules of [`crate::fold_members`] over the rows that the filters take.

use std::collections::BTreeMap;

use playbook_model::{Column, SequenceDef, SequenceRule, Window};

use super::events::{EventRows, Value};
use super::fields::{FieldAt, Fields};
use super::filter::{Conditions, RowFilter};
use crate::sequence::{Ask, Asked, Parts, SequenceRow, fold_members};
use crate::tally::{Number, code, filled, filling, put};
use crate::{BrandClock, FeatureError};

/// A sequence with everything that features ask of it.
#[derive(Debug)]
pub(super) struct MemberSequence {
    rule: SequenceRule,
    window: Window,
    filter: RowFilter,
    steps: Vec<RowFilter>,
    /// The field with the id of a session.
    session: Option<FieldAt>,
    by: Option<FieldAt>,
    /// The values that become columns; one that is empty without a split.
    values: Vec<String>,
    asks: Vec<Ask>,
    /// The places of its columns in the frame, in the order in which they are given.
    pub(super) places: Vec<usize>,
}

impl MemberSequence {
    pub(super) fn new(
        asked: Asked,
        values: Option<Vec<String>>,
        fields: &mut Fields,
        conditions: &mut Conditions,
    ) -> Result<Self, FeatureError> {
        let Asked { sequence, asks } = asked;
        let feature = asks[0].feature.name.clone();
        let SequenceDef { rule, filter, window, by, .. } = sequence;
        let mut compile = |filter| RowFilter::new(&feature, filter, fields, conditions);
        let steps = rule.steps().iter().map(&mut compile).collect::<Result<_, _>>()?;
        let filter = compile(&filter)?;
        let session = match &rule {
            SequenceRule::SessionsById(id) => Some(fields.at(&feature, id)?.0),
            _ => None,
        };
        let by = by.map(|by| fields.at(&feature, &by)).transpose()?.map(|(at, _)| at);
        let values = values.unwrap_or_else(|| vec![String::new()]);
        Ok(Self { rule, window, filter, steps, session, by, values, asks, places: Vec::new() })
    }

    /// Times relative to T at which the window begins and ends.
    pub(super) fn bounds(&self) -> impl Iterator<Item = i64> {
        let Window { from_ms, to_ms } = self.window;
        from_ms.into_iter().chain([to_ms]).map(|before| -before)
    }

    /// The columns of a member.
    pub(super) fn fold(
        &self,
        rows: &EventRows<'_>,
        relatives: &[i64],
        met: &[Vec<bool>],
        (member, as_of, clock): (&str, i64, &BrandClock),
        mut take: impl FnMut(Column),
    ) {
        let mut found: Vec<SequenceRow> = Vec::new();
        for row in 0..rows.len() {
            let is_within = self.window.from_ms.is_none_or(|from| relatives[row] >= -from)
                && relatives[row] < -self.window.to_ms;
            if rows.weights[row] != 1 || !is_within || !self.filter.takes(rows, row, met) {
                continue;
            }
            let (Some(mark), Some(group)) =
                (self.mark(rows, row, met, member), self.group(rows, row, member))
            else {
                continue;
            };
            found.push(SequenceRow::new(&self.rule, group, 0, rows.times[row], mark));
        }
        let mut parts: BTreeMap<u32, Parts> = BTreeMap::new();
        fold_members(&self.rule, &mut found, |group, _, of| {
            parts.insert(group, of);
        });
        for (ask, name, group) in self.columns() {
            let value = parts.get(&group).map_or(Number::Missing, |parts| {
                parts.value(ask.give, as_of, |time| clock.local_ms(time))
            });
            let value = match value {
                Number::Missing if ask.give.zero_when_empty() => Number::Integer(0),
                value => value,
            };
            let mut column = filling(&ask.feature, &name, true, 1, 8);
            put(&mut column.whole(), 0, value);
            take(filled(&ask.feature, column));
        }
    }

    /// What each column is asked, its name, and the number of its value.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&Ask, String, u32)> {
        self.asks.iter().flat_map(move |ask| {
            (0..).zip(&self.values).map(move |(group, value)| {
                let name = match self.by {
                    Some(_) => format!("{}.{value}", ask.feature.name),
                    None => format!("{}{}", ask.feature.name, ask.suffix),
                };
                (ask, name, group)
            })
        })
    }

    /// The bits of the steps that a row takes, or its session; `None`: it counts for nothing.
    fn mark(
        &self,
        rows: &EventRows<'_>,
        row: usize,
        met: &[Vec<bool>],
        member: &str,
    ) -> Option<i64> {
        if let Some(session) = self.session {
            return match session.of(rows, row, member) {
                Value::Integer(id) => Some(id),
                other => other.as_text().map(|text| code(&text)),
            };
        }
        if self.steps.is_empty() {
            return Some(0);
        }
        let takes = |(_, step): &(usize, &RowFilter)| step.takes(rows, row, met);
        let steps = self.steps.iter().enumerate().filter(takes);
        Some(steps.map(|(at, _)| 1_i64 << at).sum()).filter(|steps| *steps != 0)
    }

    /// The number of the value that the row is split by; `None`: no column has it.
    fn group(&self, rows: &EventRows<'_>, row: usize, member: &str) -> Option<u32> {
        let Some(by) = self.by else { return Some(0) };
        let text = by.of(rows, row, member).as_text()?;
        (0..).zip(&self.values).find(|(_, value)| **value == text).map(|(group, _)| group)
    }
}
