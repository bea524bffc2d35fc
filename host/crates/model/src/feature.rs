//! Declared features: what is computed per subject, once for batch and online alike.

use crate::{CellType, SequenceDef};

/// What rows a feature describes: "member", "channel", "community", "brand", "segment" ...
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(pub String);

impl Subject {
    /// The subject of most features.
    #[must_use]
    pub fn member() -> Self {
        Self("member".to_owned())
    }
    /// The one row of the whole brand.
    #[must_use]
    pub fn brand() -> Self {
        Self("brand".to_owned())
    }
}

/// Half-open stretch of time before the as-of time T: `[T - from, T - to)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// Milliseconds before T where it starts; `None`: all history.
    pub from_ms: Option<i64>,
    /// Milliseconds before T where it ends; 0 as a rule.
    pub to_ms: i64,
}

/// Which events count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Event kinds (domain 0.2) after groups are expanded; empty: all.
    pub kinds: Vec<String>,
    /// Channels; empty: all.
    pub channels: Vec<String>,
    /// Condition on the fields of a row, in the language of expressions; `None`: all.
    pub condition: Option<String>,
}

/// Rows that an aggregate runs over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grain {
    /// Events of the cycle's log.
    #[default]
    Events,
    /// Members with their features and the outputs of earlier stages.
    Members,
    /// Dated manual or imported entries, and channel costs.
    Costs,
    /// Dated manual or imported entries.
    Entries,
}

/// Function of an aggregate. Results are integers or exact quotients of integers, so that no
/// order of summation shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// Number of rows.
    Count,
    /// Number of rows, of each calendar day at most the aggregate's cap.
    CappedCount,
    /// Sum of the field.
    Sum,
    /// Mean of the field; missing where there is no row.
    Mean,
    /// Least value of the field.
    Min,
    /// Greatest value of the field.
    Max,
    /// Distinct values of the field.
    Distinct,
    /// Distinct calendar days, in the brand's time zone.
    DistinctDays,
    /// Whole days from the last row to T; missing where there is none.
    Recency,
    /// Whole days from the first row to T; missing where there is none.
    Age,
    /// Whole days from the first row to the last; missing where there is none.
    Span,
    /// Value of the field in the first row (ties: least event id).
    First,
    /// Value of the field in the last row (ties: greatest event id).
    Last,
    /// Distinct days with a row after the first such day (repeat purchases).
    RepeatDays,
    /// Sum of the field after the first day with a row.
    RepeatSum,
    /// Mean days between successive days with a row; missing below 2 days.
    GapMean,
    /// Sample standard deviation of those gaps; missing below 3 days.
    GapSd,
}

impl Aggregate {
    /// All functions with the names that playbooks use.
    pub const ALL: [(&'static str, Self); 17] = [
        ("count", Self::Count),
        ("capped-count", Self::CappedCount),
        ("sum", Self::Sum),
        ("mean", Self::Mean),
        ("min", Self::Min),
        ("max", Self::Max),
        ("distinct", Self::Distinct),
        ("distinct-days", Self::DistinctDays),
        ("recency", Self::Recency),
        ("age", Self::Age),
        ("span", Self::Span),
        ("first", Self::First),
        ("last", Self::Last),
        ("repeat-days", Self::RepeatDays),
        ("repeat-sum", Self::RepeatSum),
        ("gap-mean", Self::GapMean),
        ("gap-sd", Self::GapSd),
    ];

    /// Whether a field must be named.
    #[must_use]
    pub fn needs_field(self) -> bool {
        matches!(
            self,
            Self::Sum
                | Self::Mean
                | Self::Min
                | Self::Max
                | Self::Distinct
                | Self::First
                | Self::Last
                | Self::RepeatSum
        )
    }
}

/// An aggregate over rows of one grain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateDef {
    /// What is aggregated.
    pub over: Grain,
    /// Which function.
    pub function: Aggregate,
    /// Which events count (only over events).
    pub filter: EventFilter,
    /// When they count.
    pub window: Window,
    /// Column of the rows that the function reads.
    pub field: Option<String>,
    /// Most rows of a day that count (only capped counts).
    pub cap: Option<u32>,
    /// One column per value of this category (a column, or `plugin.output`), named `feature.value`.
    pub by: Option<String>,
    /// One column per stretch of this many milliseconds of the window, a whole number of which it holds, named
    /// `feature.1` for the last one, `feature.2` for the one before, and so on.
    pub every_ms: Option<i64>,
}

impl AggregateDef {
    /// Into how many stretches its window is cut; 0 where it is not.
    #[must_use]
    pub fn stretch_count(&self) -> i64 {
        match (self.every_ms, self.window.from_ms) {
            (Some(every), Some(from)) => (from - self.window.to_ms) / every.max(1),
            _ => 0,
        }
    }

    /// Its stretches, the last one first; empty where it is not cut into any.
    #[must_use]
    pub fn stretches(&self) -> Vec<Self> {
        let (every, to) = (self.every_ms.unwrap_or_default(), self.window.to_ms);
        let stretch = |nth: i64| Self {
            window: Window { from_ms: Some(to + nth * every), to_ms: to + (nth - 1) * every },
            every_ms: None,
            ..self.clone()
        };
        (1..=self.stretch_count()).map(stretch).collect()
    }
}

/// How a feature is computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Definition {
    /// Declared aggregate; batch and online.
    Aggregate(AggregateDef),
    /// Declared sequence over the events of each member.
    Sequence(SequenceDef),
    /// A column of the members table as it is; only for members.
    Attribute {
        /// Its name there.
        field: String,
    },
    /// SQL scalar expression over other features of the same subject; batch only.
    Expression(String),
    /// Fixed value for all rows, from the playbook.
    Constant(f64),
    /// Free SQL giving columns `subject` and `value`; batch only.
    Sql(String),
}

impl Definition {
    /// What its columns are split by: a field of the rows, or `stage.output`.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        match self {
            Self::Aggregate(aggregate) => aggregate.by.as_deref(),
            Self::Sequence(sequence) => sequence.by.as_deref(),
            _ => None,
        }
    }

    /// Whether it gives several columns and none of its own name.
    #[must_use]
    pub fn is_split(&self) -> bool {
        match self {
            Self::Aggregate(aggregate) => aggregate.by.is_some() || aggregate.every_ms.is_some(),
            Self::Sequence(sequence) => sequence.by.is_some() || sequence.is_by_step(),
            _ => false,
        }
    }

    /// Whether `value` may name one of several columns that it gives, as `feature.value`.
    #[must_use]
    pub fn has_column(&self, value: &str) -> bool {
        match self {
            Self::Aggregate(aggregate) if aggregate.every_ms.is_some() => {
                let nth = value.parse().ok().filter(|nth: &i64| nth.to_string() == value);
                nth.is_some_and(|nth| (1..=aggregate.stretch_count()).contains(&nth))
            }
            Self::Sequence(sequence) if sequence.is_by_step() => true,
            other => other.by().is_some(),
        }
    }
}

/// A declared feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureDef {
    /// Name that needs refer to.
    pub name: String,
    /// What rows it describes.
    pub subject: Subject,
    /// Type of its values.
    pub cell_type: CellType,
    /// "count", "day", "minute", "minor", "ratio", "unix-ms", or "".
    pub unit: String,
    /// Value where a subject has no row at all: counts and sums are 0, others missing.
    pub definition: Definition,
    /// What it is, for people; "" where the playbook does not say.
    pub about: String,
}
