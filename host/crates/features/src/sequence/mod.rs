//! Sequences: sessions, funnels and conversions, each by one pass over a member's rows in order of time.
//!
//! The rows themselves are kept, 24 bytes each, because parts that merge cannot say what follows what. [`SequenceRow`]
//! has a total order that depends on neither files nor ids: by time, then earlier steps first. Rows equal in both are
//! interchangeable, so the result is the same wherever rows come from. [`fold_members`] folds the rows of many
//! members.

mod parts;
mod sql;

use playbook_model::{Definition, FeatureDef, Give, SequenceDef, SequenceRule, Steps};

pub use parts::Parts;
pub use sql::SequenceRequest;

use parts::{ConversionParts, FunnelParts, SessionParts};

/// One column that a feature asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The feature.
    pub feature: FeatureDef,
    /// What its name has more than the feature's.
    pub suffix: String,
    /// The value to give.
    pub give: Give,
}

/// A sequence with all columns that features ask of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The sequence.
    pub sequence: SequenceDef,
    /// The columns; there is one at least.
    pub asks: Vec<Ask>,
}

/// Groups features by sequence: those that differ only in the value they ask for are one.
#[must_use]
pub fn asked(features: &[FeatureDef]) -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    for feature in features {
        let Definition::Sequence(sequence) = &feature.definition else { continue };
        let is_same = |asked: &&mut Asked| {
            asked.sequence == SequenceDef { give: asked.sequence.give, ..sequence.clone() }
        };
        let asks = asks(feature, sequence);
        match all.iter_mut().find(is_same) {
            Some(asked) => asked.asks.extend(asks),
            None => all.push(Asked { sequence: sequence.clone(), asks }),
        }
    }
    all
}

fn asks(feature: &FeatureDef, sequence: &SequenceDef) -> Vec<Ask> {
    let ask = |suffix, give| Ask { feature: feature.clone(), suffix, give };
    if !sequence.is_by_step() {
        return vec![ask(String::new(), sequence.give)];
    }
    let steps = 1..=sequence.rule.steps().len();
    steps.map(|step| ask(format!(".{step}"), Give::Reached(Some(step)))).collect()
}

/// A row of a sequence. Rows sort by group and member, then into the order in which they are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SequenceRow {
    group: u32,
    member: u32,
    /// Session and time, or time and steps.
    place: [i64; 2],
}

impl SequenceRow {
    /// A row of `member` within `group`: a value of the split, or of the subject. `mark` is what
    /// [`SequenceRequest::sql`] gives: steps as bits, or a number for the session.
    #[must_use]
    pub fn new(rule: &SequenceRule, group: u32, member: u32, time: i64, mark: i64) -> Self {
        let place = match rule {
            SequenceRule::SessionsById(_) => [mark, time],
            SequenceRule::SessionsByGap(_) => [time, 0],
            SequenceRule::Funnel(_) | SequenceRule::Conversion(_) => [time, in_order(mark)],
        };
        Self { group, member, place }
    }

    /// The same row in another group.
    #[must_use]
    pub fn in_group(self, group: u32) -> Self {
        Self { group, ..self }
    }

    /// The group that it was given.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.group
    }
}

/// Bits of steps as a number that sorts by the lowest step, then by the others. Of rows at the same time, one that
/// could take the first or the second step then comes first and takes the first, which leaves the second to the next
/// row.
fn in_order(steps: i64) -> i64 {
    i64::from(steps.trailing_zeros()) << 32 | steps
}

/// Whether the row of this place takes the step.
fn takes(place: [i64; 2], step: usize) -> bool {
    place[1] >> step & 1 == 1
}

/// Sorts the rows and calls `take` with the parts of each member of each group, ascending.
pub fn fold_members(
    rule: &SequenceRule,
    rows: &mut [SequenceRow],
    mut take: impl FnMut(u32, u32, Parts),
) {
    rows.sort_unstable();
    for rows in rows.chunk_by(|a, b| (a.group, a.member) == (b.group, b.member)) {
        take(rows[0].group, rows[0].member, fold(rule, rows));
    }
}

/// The parts of one member of one group; the rows are sorted.
fn fold(rule: &SequenceRule, rows: &[SequenceRow]) -> Parts {
    match rule {
        SequenceRule::SessionsByGap(gap_ms) => {
            let is_one = |a: &SequenceRow, b: &SequenceRow| b.place[0] - a.place[0] <= *gap_ms;
            Parts::Sessions(sessions(rows.chunk_by(is_one), |row| row.place[0]))
        }
        SequenceRule::SessionsById(_) => {
            let is_one = |a: &SequenceRow, b: &SequenceRow| a.place[0] == b.place[0];
            Parts::Sessions(sessions(rows.chunk_by(is_one), |row| row.place[1]))
        }
        SequenceRule::Funnel(steps) => Parts::Funnel(funnel(steps, rows)),
        SequenceRule::Conversion(steps) => Parts::Conversion(conversion(steps, rows)),
    }
}

fn sessions<'a>(
    sessions: impl Iterator<Item = &'a [SequenceRow]>,
    time: impl Fn(&SequenceRow) -> i64,
) -> SessionParts {
    let mut parts = SessionParts::default();
    for rows in sessions {
        let (first, last) = (time(&rows[0]), time(&rows[rows.len() - 1]));
        parts.sessions += 1;
        parts.events += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        parts.singles += i64::from(rows.len() == 1);
        parts.length_ms += i128::from(last - first);
        parts.last_begin = parts.last_begin.max(Some(first));
    }
    parts
}

fn is_within(steps: &Steps, ms: i64) -> bool {
    steps.within_ms.is_none_or(|within| ms <= within)
}

/// An attempt begins with every row of the first step. Of attempts at the same step only the one that began last is
/// kept: it has the most time left, so it reaches whatever another could (dynamic programming over steps).
fn funnel(steps: &Steps, rows: &[SequenceRow]) -> FunnelParts {
    let count = steps.steps.len();
    let mut began: Vec<Option<i64>> = vec![None; count];
    let mut parts = FunnelParts { reached: vec![0; count], ..FunnelParts::default() };
    for row in rows {
        let time = row.place[0];
        // From the last step down, so that the row takes one step of an attempt.
        for step in (0..count).rev().filter(|step| takes(row.place, *step)) {
            let begin = match step.checked_sub(1) {
                None => Some(time),
                Some(before) => began[before].filter(|begin| is_within(steps, time - begin)),
            };
            let Some(begin) = begin else { continue };
            began[step] = began[step].max(Some(begin));
            if step + 1 == count && parts.reached[step] == 0 {
                parts.time_ms += i128::from(time - begin);
            }
            parts.reached[step] = 1;
        }
    }
    parts
}

/// From the last row back: the next row of the second step is the nearest.
fn conversion(steps: &Steps, rows: &[SequenceRow]) -> ConversionParts {
    let mut parts = ConversionParts::default();
    let mut next: Option<i64> = None;
    let mut first: Option<i64> = None;
    for row in rows.iter().rev() {
        let time = row.place[0];
        if takes(row.place, 0) {
            parts.begun += 1;
            let wait = next.map(|next| next - time).filter(|ms| is_within(steps, *ms));
            parts.followed += i64::from(wait.is_some());
            first = wait.or(first);
        }
        if takes(row.place, 1) {
            next = Some(time);
        }
    }
    parts.members += i64::from(first.is_some());
    parts.time_ms += i128::from(first.unwrap_or(0));
    parts
}

#[cfg(test)]
mod tests;
