//! Plans, findings and transfers that plugins of whole tables give back.

use serde::{Deserialize, Serialize};

use crate::Minor;

/// Table and row that something concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Place {
    /// Position in `Shape::tables`.
    pub table: u32,
    /// Row of that table.
    pub row: u32,
}

/// How much a person should care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Information.
    None,
    /// Keep an eye on it.
    Watch,
    /// Act soon.
    Warn,
    /// Act now.
    Critical,
}

impl Level {
    /// Name as the contract writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Watch => "watch",
            Self::Warn => "warn",
            Self::Critical => "critical",
        }
    }
}

/// Something that a person should see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// Position in `Shape::reasons`.
    pub reason: u32,
    /// What it concerns; `None`: the whole brand.
    pub place: Option<Place>,
    /// Measured value.
    pub value: Option<f64>,
    /// What it was held against.
    pub threshold: Option<f64>,
    /// Positions in `Shape::actions`, most useful first.
    pub suggests: Vec<u32>,
}

impl Finding {
    /// Returns a finding about the whole brand.
    #[must_use]
    pub fn new(level: Level, reason: u32) -> Self {
        Self { level, reason, place: None, value: None, threshold: None, suggests: Vec::new() }
    }

    /// Says which row of which table it is about.
    #[must_use]
    pub fn at(mut self, table: u32, row: u32) -> Self {
        self.place = Some(Place { table, row });
        self
    }

    /// Gives the measured value and what it was held against.
    #[must_use]
    pub fn measured(mut self, value: f64, threshold: f64) -> Self {
        (self.value, self.threshold) = (Some(value), Some(threshold));
        self
    }

    /// Suggests actions by their position in the shape, most useful first.
    #[must_use]
    pub fn suggests(mut self, actions: impl IntoIterator<Item = u32>) -> Self {
        self.suggests = actions.into_iter().collect();
        self
    }
}

/// Money that should move between two rows of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Transfer {
    /// Position in `Shape::tables`.
    pub table: u32,
    /// Giving row.
    pub from_row: u32,
    /// Receiving row.
    pub to_row: u32,
    /// How much, at least 0.
    pub amount: Minor,
    /// Position in `Shape::reasons`.
    pub reason: u32,
}

/// A stretch of a campaign; days count from the day of the as-of time, which is day 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Kebab-case name.
    pub name: String,
    /// First day.
    pub first_day: u32,
    /// Length, at least 1.
    pub days: u32,
    /// Money of the phase.
    pub budget: Minor,
    /// Position in `Shape::reasons`, or `NONE_INDEX`.
    pub reason: u32,
}

/// Money of a phase on a row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Allocation {
    /// Position in [`CampaignPlan::phases`].
    pub phase: u32,
    /// Row that gets it.
    pub place: Place,
    /// How much, at least 0.
    pub amount: Minor,
}

/// Share of a content category in a phase, fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContentShare {
    /// Position in [`CampaignPlan::phases`].
    pub phase: u32,
    /// Which mix, for example "format".
    pub mix: String,
    /// Category of the mix.
    pub category: String,
    /// Lower bound.
    pub least: f64,
    /// Target.
    pub target: f64,
    /// Upper bound.
    pub most: f64,
}

/// A planned publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Position in [`CampaignPlan::phases`].
    pub phase: u32,
    /// Day of the plan.
    pub day: u32,
    /// Minute of the brand's local day.
    pub minute: u16,
    /// What it is for; `None`: the whole brand.
    pub place: Option<Place>,
    /// Category in the mix "format".
    pub format: String,
    /// Category in the mix "layer".
    pub layer: String,
    /// Theme.
    pub theme: String,
    /// Counts against the commercial share.
    pub commercial: bool,
}

/// How a measured value is held against a gate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// >=
    AtLeast,
    /// >
    MoreThan,
    /// <=
    AtMost,
    /// <
    LessThan,
}

/// What must hold before a phase may start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Position in [`CampaignPlan::phases`].
    pub phase: u32,
    /// Feature or `plugin.output`.
    pub metric: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// In the metric's unit.
    pub value: f64,
    /// Fewest observations.
    pub sample_min: u32,
}

/// A plan over time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CampaignPlan {
    /// In order of time.
    pub phases: Vec<Phase>,
    /// Money per phase and channel.
    pub allocations: Vec<Allocation>,
    /// Content shares.
    pub content: Vec<ContentShare>,
    /// Planned publications.
    pub slots: Vec<Slot>,
    /// Conditions of phases.
    pub gates: Vec<Gate>,
    /// What a person should see.
    pub findings: Vec<Finding>,
}
