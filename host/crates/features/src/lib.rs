//! Declared features: one definition of each aggregate, as parts that merge and a finish; and its SQL.
//!
//! [`recipe`] says what an aggregate keeps per subject and how these parts become its value. [`plan()`] writes the
//! parts as SQL text; a [`Tally`] keeps them as numbers by member, in one scan. What follows what cannot be merged so:
//! [`fold_members`] reads the rows of a sequence member by member. [`Expression`] is the small language in
//! which features are computed from other features; [`Computed`] holds those of a subject.

mod clock;
mod columns;
mod computed;
mod consent;
mod cut;
mod expression;
mod finish;
mod identity;
mod jobs;
mod law;
mod local;
mod member;
mod plan;
mod quote;
mod recipe;
mod rows;
mod schedule;
mod sequence;
mod tally;
mod wall;

pub use clock::{BrandClock, OffsetReader, UnknownTimeZone};
pub use columns::{field_type, mapped_fields, merged_columns};
pub use computed::{ComputeError, Computed, missing, without_rows};
pub use consent::{Answer, ConsentState, oldest_consent};
pub use cut::{Clock, Cut, Utc};
pub use expression::{
    Compiled, Expression, ExpressionError, FUNCTIONS, Fault, FaultKind, Spot, Values, spot_in,
};
pub use identity::{HOLDERS_MAX, Person, VerifiedKey, YoungestAge, holds_ages, people};
pub use jobs::done_by;
pub use law::Tracks;
pub use local::Zones;
pub use member::{
    EventRows, FoldError, MemberPlan, MemberRecord, MemberRequest, SaidOf, Unfit, Value,
};
pub use plan::{Item, Pass, PassColumn, Request, items, plan, where_clause};
pub use quote::{quote_name, quote_text};
pub use recipe::{DAY_BITS_MAX, DAY_MS, Finish, Part, Recipe, RowGrain, recipe};
pub use rows::{FieldType, RowTable, by_values_sql, key_column};
pub use schedule::{Schedule, ScheduleError};
pub use sequence::{Ask, Asked, Parts, SequenceRequest, SequenceRow, asked, fold_members};
pub use tally::{
    Dimension, Field, Given, Moment, Number, Reading, Row, Tally, TallyError, TallyPlan, code,
    filled, filling, from_ordered, gives_declared_type, micro, ordered, put,
};
pub use wall::WallField;

/// Names of the scalar functions that the SQL text relies on; the engine's room registers them.
pub mod function {
    /// `local_day(unix_ms)`: days since 1970-01-01 on the brand's calendar.
    pub const LOCAL_DAY: &str = "local_day";
    /// `local_ms(unix_ms)`: milliseconds since 1970-01-01T00:00 on the brand's wall clock.
    pub const LOCAL_MS: &str = "local_ms";
    /// `micro(real)`: the value in millionths, half away from zero, so that sums are exact.
    pub const MICRO: &str = "micro";
    /// `day_bit(unix_ms, day)`: one bit, at the number of days before that local day; 0 outside 0 to 62.
    pub const DAY_BIT: &str = "day_bit";
    /// `count_bits(integer)`: number of bits that are 1.
    pub const COUNT_BITS: &str = "count_bits";
    /// `root(real)`: square root.
    pub const ROOT: &str = "root";
    /// `floor_days(ms)`: whole days of a stretch of time, rounded down.
    pub const FLOOR_DAYS: &str = "floor_days";
}

/// Why no SQL could be written for a feature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// The rows have no such column.
    #[error("feature `{feature}` reads `{field}`, which the {rows} do not have; they have {known}")]
    UnknownField {
        /// Feature that asks.
        feature: String,
        /// Column that is absent.
        field: String,
        /// Table that was asked.
        rows: String,
        /// Columns that exist, in words.
        known: String,
    },
    /// The column exists but cannot be used so.
    #[error("feature `{feature}` cannot take `{function}` of `{field}`, which is text")]
    NotANumber {
        /// Feature that asks.
        feature: String,
        /// Function that needs numbers.
        function: &'static str,
        /// Text column.
        field: String,
    },
    /// An aggregate without the field that it needs.
    #[error("feature `{feature}` names no field for `{function}`")]
    MissingField {
        /// Feature that asks.
        feature: String,
        /// Function that needs a field.
        function: &'static str,
    },
    /// A condition that cannot be used.
    #[error("the condition of feature `{feature}` cannot be used")]
    Condition {
        /// The feature.
        feature: String,
        /// What is wrong, and where.
        #[source]
        source: ExpressionError,
    },
    /// Windows, recency and days need rows with a time.
    #[error("feature `{feature}` needs a time, which the {rows} do not have")]
    NoTime {
        /// Feature that asks.
        feature: String,
        /// Table that was asked.
        rows: String,
    },
}
