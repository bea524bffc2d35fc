//! What each aggregate keeps per subject, and how that becomes its value: the one place of these rules.

use playbook_model::{Aggregate, AggregateDef};

/// Greatest number of days that a window's day bits can tell apart.
pub const DAY_BITS_MAX: i64 = 62;

/// Milliseconds of a day of 24 hours.
pub const DAY_MS: i64 = 86_400_000;

/// Rows that the parts run over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowGrain {
    /// Each row by itself.
    Row,
    /// Rows of a subject collapsed to one per local calendar day.
    Day,
    /// Rows of a subject collapsed to one per value of the field.
    Value,
}

/// State kept per subject. All parts are integers or single values, and merging two states does not depend on
/// which came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Number of rows (or, at day or value grain, of days or values).
    Rows,
    /// Number of rows, of each day at most this many.
    CappedRows(u32),
    /// Number of rows that hold the field.
    Present,
    /// Exact sum of the field; reals in millionths.
    Sum,
    /// Least value of the field.
    Least,
    /// Greatest value of the field.
    Greatest,
    /// Least time.
    FirstTime,
    /// Greatest time.
    LastTime,
    /// Value of the field in the row of least (time, event id).
    FirstValue,
    /// Value of the field in the row of greatest (time, event id).
    LastValue,
    /// A bit per local day of a window of at most [`DAY_BITS_MAX`] days.
    DayBits,
    /// First local day.
    FirstDay,
    /// Last local day.
    LastDay,
    /// Exact sum of the field on the first local day.
    FirstDaySum,
    /// Sum of the squared gaps between successive days.
    GapSquares,
}

/// How parts become the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The one part as it is.
    Same,
    /// `Sum / Present`.
    Mean,
    /// `floor((local T - local LastTime) / day)`.
    DaysSinceLast,
    /// `floor((local T - local FirstTime) / day)`.
    DaysSinceFirst,
    /// `floor((local LastTime - local FirstTime) / day)`.
    DaysBetween,
    /// Number of bits.
    CountBits,
    /// Number of bits, less the first day.
    CountBitsButFirst,
    /// `Rows - 1`, at least 0.
    RowsButFirst,
    /// `Sum - FirstDaySum`.
    SumButFirst,
    /// `(LastDay - FirstDay) / (Rows - 1)`; missing below 2 days.
    GapMean,
    /// Sample standard deviation of the gaps; missing below 3 days.
    GapSd,
}

/// What an aggregate keeps and how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Rows that the parts run over.
    pub grain: RowGrain,
    /// State, in the order that the finish reads it.
    pub parts: Vec<Part>,
    /// How the parts become the value.
    pub finish: Finish,
    /// Whether a subject without any row gets 0 rather than nothing.
    pub zero_when_empty: bool,
}

/// Returns the recipe of an aggregate.
///
/// Windows of at most 62 days count distinct days in bits, others collapse rows by day first; both give the
/// same number.
#[must_use]
pub fn recipe(aggregate: &AggregateDef) -> Recipe {
    use {Aggregate as A, Finish as F, Part as P, RowGrain as G};
    let short = short_window(aggregate);
    let (grain, parts, finish) = match aggregate.function {
        A::Count if aggregate.field.is_some() => (G::Row, vec![P::Present], F::Same),
        A::Count => (G::Row, vec![P::Rows], F::Same),
        A::CappedCount => (G::Day, vec![P::CappedRows(aggregate.cap.unwrap_or(u32::MAX))], F::Same),
        A::Sum => (G::Row, vec![P::Sum], F::Same),
        A::Mean => (G::Row, vec![P::Sum, P::Present], F::Mean),
        A::Min => (G::Row, vec![P::Least], F::Same),
        A::Max => (G::Row, vec![P::Greatest], F::Same),
        A::Distinct => (G::Value, vec![P::Rows], F::Same),
        A::DistinctDays if short => (G::Row, vec![P::DayBits], F::CountBits),
        A::DistinctDays => (G::Day, vec![P::Rows], F::Same),
        A::Recency => (G::Row, vec![P::LastTime], F::DaysSinceLast),
        A::Age => (G::Row, vec![P::FirstTime], F::DaysSinceFirst),
        A::Span => (G::Row, vec![P::FirstTime, P::LastTime], F::DaysBetween),
        A::First => (G::Row, vec![P::FirstValue], F::Same),
        A::Last => (G::Row, vec![P::LastValue], F::Same),
        A::RepeatDays if short => (G::Row, vec![P::DayBits], F::CountBitsButFirst),
        A::RepeatDays => (G::Day, vec![P::Rows], F::RowsButFirst),
        A::RepeatSum => (G::Day, vec![P::Sum, P::FirstDaySum], F::SumButFirst),
        A::GapMean => (G::Day, vec![P::Rows, P::FirstDay, P::LastDay], F::GapMean),
        A::GapSd => (G::Day, vec![P::Rows, P::FirstDay, P::LastDay, P::GapSquares], F::GapSd),
    };
    let zero_when_empty = matches!(
        aggregate.function,
        A::Count
            | A::CappedCount
            | A::Sum
            | A::Distinct
            | A::DistinctDays
            | A::RepeatDays
            | A::RepeatSum
    );
    Recipe { grain, parts, finish, zero_when_empty }
}

fn short_window(aggregate: &AggregateDef) -> bool {
    // A window of n days of 24 hours touches at most n + 1 calendar days, one more where a clock changes.
    let to_ms = aggregate.window.to_ms;
    to_ms >= 0 && aggregate.window.from_ms.is_some_and(|from| from <= (DAY_BITS_MAX - 2) * DAY_MS)
}
