//! What a plugin says of itself: description, needs, products, actions, reasons.

use serde::{Deserialize, Serialize};

use crate::{CellType, Level};

/// The six kinds of plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// Scores per row.
    Scoring,
    /// One segment per row.
    Segmentation,
    /// Proposals of rewards per row.
    Incentive,
    /// A plan over time.
    Campaign,
    /// What was worth its cost.
    Roi,
    /// How the community is.
    Diagnosis,
}

impl Kind {
    /// All kinds in the order of the loop.
    pub const ALL: [Self; 6] = [
        Self::Scoring,
        Self::Segmentation,
        Self::Incentive,
        Self::Campaign,
        Self::Roi,
        Self::Diagnosis,
    ];

    /// Name as the contract and playbook files write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scoring => "scoring",
            Self::Segmentation => "segmentation",
            Self::Incentive => "incentive",
            Self::Campaign => "campaign",
            Self::Roi => "roi",
            Self::Diagnosis => "diagnosis",
        }
    }
}

/// A text in the languages that reports are written in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// English.
    pub en: String,
    /// Chinese; English is shown where it is absent.
    pub zh: Option<String>,
}

impl Words {
    /// The text in `lang` ("en" or "zh").
    #[must_use]
    pub fn in_lang(&self, lang: &str) -> &str {
        match &self.zh {
            Some(zh) if lang == "zh" => zh,
            _ => &self.en,
        }
    }
}

impl From<&str> for Words {
    fn from(en: &str) -> Self {
        Self { en: en.to_owned(), zh: None }
    }
}

impl From<(String, String)> for Words {
    fn from((en, zh): (String, String)) -> Self {
        Self { en, zh: Some(zh) }
    }
}

/// Fixed facts of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Which of the six.
    pub kind: Kind,
    /// Kebab-case, at most 64 letters.
    pub name: String,
    /// Semantic version of the plugin.
    pub version: String,
    /// What it does.
    pub summary: Words,
    /// JSON Schema 2020-12 of the settings.
    pub settings_schema: String,
}

/// Where a column comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Source {
    /// A feature of the playbook.
    Feature(String),
    /// `plugin.output` of an earlier stage of this cycle.
    Output(String),
    /// This plugin's own output for the same subject, n closed cycles ago (1 or 2).
    Previous((u8, String)),
    /// Pseudonym of the subject.
    Key,
}

impl Source {
    /// Name under which people meet the column: "feature", "plugin.output", "previous.1.output", "key".
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Feature(name) | Self::Output(name) => name.clone(),
            Self::Previous((ago, name)) => format!("previous.{ago}.{name}"),
            Self::Key => "key".to_owned(),
        }
    }
}

/// A column that a plugin wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Where it comes from.
    pub source: Source,
    /// Its type.
    pub cell_type: CellType,
    /// "count", "day", "minor", "ratio", "unix-ms", or "".
    pub unit: String,
    /// Whether a playbook without it is refused.
    pub required: bool,
    /// Closed list of a category, in index order.
    pub categories: Vec<String>,
}

/// A table that a plugin wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableNeed {
    /// "member", "channel", "community", "brand" ...
    pub subject: String,
    /// Columns in the order they are delivered.
    pub columns: Vec<Need>,
}

/// What an output is to readers that do not know the plugin.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Role {
    /// No role: shown by its name alone.
    #[default]
    Other,
    /// How something does on a scale of its own.
    Score,
    /// The score of one measured feature, part of a dimension ([`Produce::group`]).
    Indicator,
    /// The score of a dimension, named by [`Produce::group`].
    Dimension,
    /// The one score over all dimensions.
    Total,
    /// A named step of a scale.
    Level,
    /// A named group that a row belongs to.
    Segment,
    /// A worth or an amount.
    Value,
    /// Gain by cost, as a fraction.
    ReturnOnCost,
    /// A chance, 0 to 1.
    Probability,
    /// How much of what an answer rests on was there, 0 to 1.
    Coverage,
}

impl Role {
    /// Name as the contract writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Score => "score",
            Self::Indicator => "indicator",
            Self::Dimension => "dimension",
            Self::Total => "total",
            Self::Level => "level",
            Self::Segment => "segment",
            Self::Value => "value",
            Self::ReturnOnCost => "return-on-cost",
            Self::Probability => "probability",
            Self::Coverage => "coverage",
        }
    }
}

/// A column that a plugin gives back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Produce {
    /// Output name; other stages read `plugin.name`.
    pub name: String,
    /// What it is to readers that do not know the plugin.
    pub role: Role,
    /// Dimension or family, "" where there is none.
    pub group: String,
    /// Need of its table that it is the score of, or [`NONE_INDEX`](crate::NONE_INDEX).
    pub input: u32,
    /// Position in [`Shape::tables`]; `None`: the streamed rows.
    pub table: Option<u32>,
    /// Its type.
    pub cell_type: CellType,
    /// Its unit.
    pub unit: String,
    /// Least value, inclusive.
    pub least: Option<f64>,
    /// Greatest value, inclusive.
    pub most: Option<f64>,
    /// Closed list of a category.
    pub categories: Vec<String>,
    /// Of a level: where each category but the first begins on the scale of the scores beside it; empty: no such scale.
    pub bounds: Vec<f64>,
    /// Of a level: how serious each category is, in their order; empty: the plugin does not say.
    pub alarms: Vec<Level>,
    /// What it means.
    pub meaning: Words,
}

/// A reason that answers refer to by position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonInfo {
    /// Stable code.
    pub code: String,
    /// In words.
    pub text: Words,
}

/// A name that answers use, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// The name as answers write it: a category, a phase, a mix, a format, a layer, a theme.
    pub name: String,
    /// In words.
    pub text: Words,
}

/// A segment, in ascending rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentInfo {
    /// Kebab-case name.
    pub name: String,
    /// In words.
    pub text: Words,
}

/// Class of an action in arbitration, most urgent first (domain H9: P0 to P5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// P0.
    Transaction,
    /// P1.
    Service,
    /// P2.
    Retention,
    /// P3.
    Campaign,
    /// P4.
    Content,
    /// P5.
    Promotion,
}

impl Priority {
    /// Name as the contract writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Service => "service",
            Self::Retention => "retention",
            Self::Campaign => "campaign",
            Self::Content => "content",
            Self::Promotion => "promotion",
        }
    }
}

/// How often an action may happen to one subject; the host makes the key of a grant of it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Frequency {
    /// Once in a cycle of the playbook.
    #[default]
    OnceACycle,
    /// Once on a day of the brand's calendar.
    OnceADay,
    /// Once for each event that triggers a decision; a cycle without one counts as one event.
    OnceAnEvent,
}

impl Frequency {
    /// Name as the contract writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OnceACycle => "once-a-cycle",
            Self::OnceADay => "once-a-day",
            Self::OnceAnEvent => "once-an-event",
        }
    }
}

/// Something that may be done to or for a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionInfo {
    /// Kebab-case name.
    pub name: String,
    /// Class in arbitration.
    pub priority: Priority,
    /// Same family within the window is a duplicate.
    pub family: String,
    /// Consent purpose, "" where none is needed.
    pub purpose: String,
    /// Counts against commercial caps.
    pub commercial: bool,
    /// Counts against frequency caps as a direct message.
    pub contacts_member: bool,
    /// How often it may happen to one subject.
    pub frequency: Frequency,
    /// A person approves before it happens.
    pub needs_approval: bool,
    /// In words.
    pub text: Words,
}

/// What a plugin needs and gives under given settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// The streamed table, one answer per row; `None` for a plugin of whole tables.
    pub rows: Option<TableNeed>,
    /// Tables handed over whole.
    pub tables: Vec<TableNeed>,
    /// Columns given back.
    pub produces: Vec<Produce>,
    /// Segments in ascending rank.
    pub segments: Vec<SegmentInfo>,
    /// Actions that proposals refer to.
    pub actions: Vec<ActionInfo>,
    /// Reasons that answers refer to.
    pub reasons: Vec<ReasonInfo>,
    /// Names of answers in words.
    pub terms: Vec<Term>,
    /// Passes that a fit may take; 0: no fit.
    pub fit_passes_max: u32,
}

impl Shape {
    /// A name of the answers in words; the name itself where no term says more.
    #[must_use]
    pub fn words_of(&self, name: &str) -> Words {
        let known = self.terms.iter().find(|term| term.name == name);
        known.map_or_else(|| name.into(), |term| term.text.clone())
    }
}

/// A fault in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// JSON Pointer into the settings, "" for the whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}
