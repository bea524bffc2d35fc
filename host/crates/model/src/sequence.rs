//! Declared sequences: what the order of a member's events tells.

use crate::{CellType, EventFilter, Window};

/// Most steps of a funnel.
pub const STEPS_MAX: usize = 16;

/// A sequence over the events of each member: sessions, a funnel, or a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceDef {
    /// How the events are read.
    pub rule: SequenceRule,
    /// What is told of it.
    pub give: Give,
    /// Which events count at all; steps narrow it further.
    pub filter: EventFilter,
    /// When they count.
    pub window: Window,
    /// One column per value of this field of the rows; the events of each value are a sequence of their own.
    pub by: Option<String>,
}

/// How the events of a member, by their time, become a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SequenceRule {
    /// A session ends where more than so many milliseconds pass without an event.
    SessionsByGap(i64),
    /// Events with the same value of this field are a session; those without one are in none.
    SessionsById(String),
    /// Steps to be taken in this order.
    Funnel(Steps),
    /// Whether an event of the first step is followed by one of the second.
    Conversion(Steps),
}

/// Kinds of events that follow one another. An event stands for one step of an attempt; of events at the same time those
/// of earlier steps come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    /// Which events each step takes; at least 2, at most [`STEPS_MAX`].
    pub steps: Vec<EventFilter>,
    /// Most milliseconds from the first step to the last; `None`: no bound.
    pub within_ms: Option<i64>,
}

/// What is told of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Give {
    /// Number of sessions; of conversions, first events that were followed.
    Count,
    /// Mean events of a session.
    EventsMean,
    /// Mean minutes from the first to the last event of a session.
    LengthMean,
    /// Minutes of all sessions.
    LengthSum,
    /// Whole days since the last session began.
    Recency,
    /// Share of sessions of one event.
    SingleShare,
    /// Deepest step that the member took.
    Deepest,
    /// Members who took this step, counted from 1; `None`: one column for each step.
    Reached(Option<usize>),
    /// Members who took the last step.
    Complete,
    /// Share of the members at the first step who took the last; of first events those that were followed.
    Share,
    /// Days from the first step to the last, or from the first event that was followed to the one that followed it:
    /// of the first time that a member came so far, the mean over members.
    Time,
}

impl SequenceRule {
    /// What a playbook may ask of it, by name; the first is the default.
    #[must_use]
    pub fn gives(&self) -> &'static [(&'static str, Give)] {
        match self {
            Self::SessionsByGap(_) | Self::SessionsById(_) => &[
                ("count", Give::Count),
                ("events-mean", Give::EventsMean),
                ("length-mean", Give::LengthMean),
                ("length-sum", Give::LengthSum),
                ("recency", Give::Recency),
                ("single-share", Give::SingleShare),
            ],
            Self::Funnel(_) => &[
                ("deepest", Give::Deepest),
                ("reached", Give::Reached(None)),
                ("complete", Give::Complete),
                ("share", Give::Share),
                ("time", Give::Time),
            ],
            Self::Conversion(_) => {
                &[("share", Give::Share), ("count", Give::Count), ("time", Give::Time)]
            }
        }
    }

    /// The steps, where it has any.
    #[must_use]
    pub fn steps(&self) -> &[EventFilter] {
        match self {
            Self::SessionsByGap(_) | Self::SessionsById(_) => &[],
            Self::Funnel(steps) | Self::Conversion(steps) => &steps.steps,
        }
    }
}

impl SequenceDef {
    /// Whether events of every kind count.
    #[must_use]
    pub fn takes_any_kind(&self) -> bool {
        self.kinds().next().is_none() || self.rule.steps().iter().any(|step| step.kinds.is_empty())
    }

    /// The kinds of events that it names.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        let steps = self.rule.steps().iter().flat_map(|step| &step.kinds);
        self.filter.kinds.iter().chain(steps).map(String::as_str)
    }

    /// Whether it gives one column for each step.
    #[must_use]
    pub fn is_by_step(&self) -> bool {
        self.give == Give::Reached(None)
    }
}

impl Give {
    /// Type of the values.
    #[must_use]
    pub fn cell_type(self) -> CellType {
        match self {
            Self::Count | Self::Recency | Self::Deepest | Self::Reached(_) | Self::Complete => {
                CellType::Integer
            }
            Self::EventsMean
            | Self::LengthMean
            | Self::LengthSum
            | Self::SingleShare
            | Self::Share
            | Self::Time => CellType::Real,
        }
    }

    /// Unit of the values.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Count | Self::EventsMean | Self::Deepest | Self::Reached(_) | Self::Complete => {
                "count"
            }
            Self::LengthMean | Self::LengthSum => "minute",
            Self::Recency | Self::Time => "day",
            Self::SingleShare | Self::Share => "ratio",
        }
    }

    /// Whether a subject without any event gets 0 rather than nothing.
    #[must_use]
    pub fn zero_when_empty(self) -> bool {
        matches!(
            self,
            Self::Count | Self::LengthSum | Self::Deepest | Self::Reached(_) | Self::Complete
        )
    }
}
