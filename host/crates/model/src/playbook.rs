//! A checked playbook: plain values, every default filled in, every name resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::{
    Aggregate, ArtefactRef, BrandValue, CellType, ConsentRule, DataClass, Digest, FeatureDef,
    GoalDef, GrantTerms, Kind, LawDef, LawTrack, Limits, Minor, NumberMarks, QuietHours, SaysDef,
    SqlLimits, Subject, TargetDef, TradeDef, UnixMs, Words,
};

/// A checked playbook.
#[derive(Debug, Clone)]
pub struct Playbook {
    /// Kebab-case id, unique per host.
    pub id: String,
    /// Brand whose data, ledger and budget this is; kebab-case.
    pub brand: String,
    /// Title for reports.
    pub title: Words,
    /// Industry preset that the playbook names, for display.
    pub industry: Option<String>,
    /// ISO 4217 code of the one currency.
    pub currency: String,
    /// Digits after the decimal point of that currency: minor units per unit are `10^digits`.
    pub currency_digits: u8,
    /// IANA time zone of days, weeks and months.
    pub time_zone: String,
    /// Mixed into everything that is drawn.
    pub seed: u64,
    /// Mixed into pseudonyms, so that partners cannot join members across brands.
    pub pseudonym_salt: String,
    /// When the cycle is.
    pub cycle: CycleDef,
    /// Kinds of events of the brand's own, beside the host's; ascending.
    pub event_kinds: Vec<String>,
    /// Where data comes from.
    pub sources: Vec<SourceDef>,
    /// Tables that give fields to rows of sources.
    pub lookups: Vec<LookupDef>,
    /// What is computed per subject.
    pub features: Vec<FeatureDef>,
    /// Plugins in the order of the file; the cycle orders them by their needs.
    pub stages: Vec<StageDef>,
    /// Bounds of each query of the playbook's own SQL.
    pub sql: SqlLimits,
    /// Money.
    pub budget: Option<BudgetDef>,
    /// Rules that no plugin can switch off.
    pub guardrails: Guardrails,
    /// What is written.
    pub outputs: OutputDef,
    /// The brand's own words for names of segments, actions, levels, channels and other values.
    pub labels: BTreeMap<String, Label>,
    /// Features that carry data of class D or E, which no plugin receives (H5).
    pub withheld: BTreeMap<String, DataClass>,
    /// Features that are computed only where a stage asks for them.
    pub catalogue: CatalogueDef,
    /// SHA-256 of the playbook as loaded: all files after `extends` and `include`.
    pub digest: Digest,
    /// Folder of the top file; relative plugin paths start there.
    pub folder: PathBuf,
}

/// Features that are there for whoever asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogueDef {
    /// Each with the names that it rests on.
    pub rests: BTreeMap<String, BTreeSet<String>>,
    /// What the file itself asks for.
    pub asked: BTreeSet<String>,
    /// Those that this playbook cannot have, each with the reason.
    pub withheld: BTreeMap<String, String>,
}

impl Playbook {
    /// The features that are computed where stages ask for `asked`: all that the file names, and of the catalogue those that are
    /// asked for, with what they rest on.
    #[must_use]
    pub fn features_for<'a>(&self, asked: impl IntoIterator<Item = &'a str>) -> Vec<FeatureDef> {
        let CatalogueDef { rests, asked: by_file, .. } = &self.catalogue;
        let mut wanted = BTreeSet::new();
        let mut open: Vec<&str> = asked.into_iter().collect();
        open.extend(by_file.iter().map(String::as_str));
        while let Some(name) = open.pop() {
            if let Some((name, below)) = rests.get_key_value(name)
                && wanted.insert(name.as_str())
            {
                open.extend(below.iter().map(String::as_str));
            }
        }
        let is_wanted = |name: &str| !rests.contains_key(name) || wanted.contains(name);
        self.features.iter().filter(|feature| is_wanted(&feature.name)).cloned().collect()
    }
}

/// The brand's own words for a name. A language without words keeps those that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// English.
    pub en: Option<String>,
    /// Chinese.
    pub zh: Option<String>,
}

impl Label {
    /// Lays the brand's words over those that there are.
    #[must_use]
    pub fn over(&self, words: &Words) -> Words {
        Words {
            en: self.en.clone().unwrap_or_else(|| words.en.clone()),
            zh: self.zh.clone().or_else(|| words.zh.clone()),
        }
    }
}

/// When a cycle is and how long.
#[derive(Debug, Clone)]
pub struct CycleDef {
    /// End of the period that features describe; `None`: midnight after the last event.
    pub as_of: Option<UnixMs>,
    /// Length in whole days; a cycle's number is floor(local day of as-of / length).
    pub length_days: u32,
    /// When a service closes a cycle by itself, a line of a crontab; `None`: when it is asked to.
    pub close: Option<String>,
}

impl Playbook {
    /// The class of a field of a table: the highest that a mapping says, or that of what members do.
    #[must_use]
    pub fn class_of(&self, table: SourceTable, field: &str) -> DataClass {
        let sources = self.sources.iter().filter(|source| source.table == table);
        let rows = sources.flat_map(|source| &source.mapping).filter(|row| row.to == field);
        // What a person is known by, whatever a mapping says of it.
        let is_key = table == SourceTable::Identities && field == "key_hash";
        let least = if is_key { DataClass::D } else { DataClass::A };
        rows.map(|row| row.class).max().unwrap_or(DataClass::C).max(least)
    }

    /// Everything that is read: the sources, then the lookups, whose rows are found and taken in the same ways.
    pub fn sources_and_lookups(&self) -> impl Iterator<Item = &SourceDef> {
        self.sources.iter().chain(self.lookups.iter().map(|lookup| &lookup.source))
    }
}

/// Table that a source fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceTable {
    /// Events of members.
    Events,
    /// Members with their attributes.
    Members,
    /// Keys of channel accounts that belong to one person.
    Identities,
    /// What channels, campaigns and people cost.
    Costs,
    /// Dated manual or imported figures.
    Entries,
    /// Consents per member and purpose.
    Consents,
    /// None of the host's: a lookup of the brand's own.
    Lookup,
}

/// Format of a source's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFormat {
    /// Delimited text.
    Csv {
        /// One ASCII character.
        delimiter: u8,
        /// Whether the first line names the columns.
        header: bool,
    },
    /// Columns separated by runs of blanks.
    Whitespace {
        /// Whether the first line names the columns.
        header: bool,
    },
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

/// How repeated rows are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dedupe {
    /// By event id where the mapping gives one, else nothing is removed.
    #[default]
    EventId,
    /// By (source, member, kind, time to the second, object): domain H1's fallback.
    Content,
    /// Never.
    None,
}

/// A data source with its mapping table.
#[derive(Debug, Clone)]
pub struct SourceDef {
    /// Unique name.
    pub name: String,
    /// Table that it fills.
    pub table: SourceTable,
    /// Path or glob, relative to `--data` or the playbook's folder, or to the place of a connection; empty where a
    /// database is asked.
    pub path: String,
    /// Where the rows are before they are taken.
    pub origin: Origin,
    /// What the files are.
    pub container: Container,
    /// Format of the rows, as they lie or as they were taken.
    pub format: SourceFormat,
    /// Label of the encoding of text files (WHATWG), as `gb18030`; `None`: UTF-8, or what a byte order mark says.
    pub encoding: Option<String>,
    /// IANA zone of times that carry none; `None`: the brand's.
    pub time_zone: Option<String>,
    /// Column names of a text file without header, in order.
    pub columns: Vec<String>,
    /// Lookups whose columns its rows have beside their own, in this order.
    pub joins: Vec<JoinDef>,
    /// Mapping rows.
    pub mapping: Vec<MapRow>,
    /// Event kind of all rows, where the mapping gives none.
    pub event: Option<String>,
    /// How repeated rows are recognised.
    pub dedupe: Dedupe,
    /// Whether rows are lines of the order whose id is their event id: amounts add up, an order counts once.
    pub lines: bool,
    /// Share of rows that may be rejected before the run fails.
    pub rejects_max: f64,
    /// Whether the source may be absent.
    pub optional: bool,
}

impl SourceDef {
    /// Share of rows that may be rejected where the playbook says nothing.
    pub const REJECTS_MAX: f64 = 0.01;

    /// Name among sources and lookups alike: `orders`, `lookup.products`.
    #[must_use]
    pub fn key(&self) -> String {
        match self.table {
            SourceTable::Lookup => self.entry(),
            _ => self.name.clone(),
        }
    }

    /// Path in the playbook: `source.orders`, `lookup.products`.
    #[must_use]
    pub fn entry(&self) -> String {
        format!("{}.{}", self.list(), self.name)
    }

    /// What it is called in a sentence: source `orders`, lookup `products`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} `{}`", self.list(), self.name)
    }

    fn list(&self) -> &'static str {
        match self.table {
            SourceTable::Lookup => "lookup",
            _ => "source",
        }
    }
}

/// A lookup that a source joins: its rows have the columns of the lookup's row of their key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinDef {
    /// What the columns are named by: `name.column`.
    pub name: String,
    /// Name of the lookup.
    pub lookup: String,
    /// Column of the source, or `name.column` of a join before this one, with the key.
    pub by: String,
}

impl JoinDef {
    /// The join, by its place among `joins`, and the column that a name such as `products.department` reads; `None` for a
    /// column of the source itself.
    #[must_use]
    pub fn read_by<'n>(joins: &[Self], name: &'n str) -> Option<(usize, &'n str)> {
        let (join, column) = name.split_once('.')?;
        Some((joins.iter().position(|known| known.name == join)?, column))
    }
}

/// A table of the brand's own whose rows give fields to rows of sources: products, campaigns, stores.
#[derive(Debug, Clone)]
pub struct LookupDef {
    /// Its files. Its mapping names the columns that are read, each by its own name.
    pub source: SourceDef,
    /// Column with the key of its rows.
    pub key: String,
}

/// Where the rows of a source are before a run takes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// In files of the data folder.
    #[default]
    Files,
    /// In objects of a store: the connection.
    Objects(String),
    /// In a database: the connection, and what is asked.
    Database(String, Asked),
}

/// What the files of a source are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Container {
    /// Rows of the source's format.
    #[default]
    Rows,
    /// SQLite files; their answers are read as rows.
    Sqlite(Asked),
    /// Excel workbooks, of which this sheet is read, or the first one.
    Excel(Option<String>),
}

/// What a database is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A table or view, its schema before a dot where it is not the usual one.
    Relation(String),
    /// What a query gives.
    Query(String),
}

/// Type of a mapped value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MapType {
    /// Text.
    Text,
    /// `i64`.
    Integer,
    /// `f64`.
    Real,
    /// Money: a decimal text or number, times `unit`, half away from zero to minor units.
    Money,
    /// Time by `format`, in the brand's zone unless the text carries one; to unix-ms.
    Time,
    /// true/false, yes/no, 1/0.
    Flag,
}

/// What happens to a row whose value cannot be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum OnError {
    /// The row goes to the rejects file and counts against `rejects_max`.
    #[default]
    Reject,
    /// The value becomes missing.
    Null,
    /// The row goes to the rejects file and does not count.
    Quarantine,
}

/// Change of a value before it is typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Transform {
    /// As it is.
    #[default]
    Copy,
    /// Without blanks at both ends.
    Trim,
    /// Trimmed, in lower case.
    Lower,
    /// The digits of a whole number that a program wrote as a real: `12345.0` is `12345`.
    Whole,
    /// Looked up in `values`; a value outside it is an error.
    EnumMap(BTreeMap<String, String>),
    /// SHA-256 hex of the trimmed value with the playbook's salt: for contact identifiers.
    Hash,
}

/// One row of a mapping table: source field to host field.
#[derive(Debug, Clone, PartialEq)]
pub struct MapRow {
    /// Column of the source, or `lookup.column` of one that is joined; `None` for a constant and what is computed.
    pub from: Option<String>,
    /// Constant for all rows.
    pub constant: Option<String>,
    /// Expression over columns of the source and of joined lookups.
    pub compute: Option<String>,
    /// Field of the host's table.
    pub to: String,
    /// Type of the value.
    pub map_type: MapType,
    /// strftime-like format of a time, or "unix-ms", "unix-s", "rfc3339".
    pub format: Option<String>,
    /// How numbers are written.
    pub marks: NumberMarks,
    /// Most decimals that an amount may be written with, so that what is beyond the currency's is rounded; `None`: those
    /// of the currency, and an amount with more is an error.
    pub decimals: Option<u8>,
    /// Factor of a number or money before rounding (`unit = "cent"` gives 0.01).
    pub factor: f64,
    /// Change before typing.
    pub transform: Transform,
    /// The words that the host knows for this field; another one is an error. `None`: any text.
    pub words: Option<Vec<String>>,
    /// Whether a file may lack the column; its values are then missing.
    pub optional: bool,
    /// Whether a missing value is an error.
    pub required: bool,
    /// What an error does.
    pub on_error: OnError,
    /// How close the value is to a person.
    pub class: DataClass,
}

impl MapRow {
    /// A row that reads a column as it is, with every default.
    #[must_use]
    pub fn plain(column: &str, to: &str, map_type: MapType) -> Self {
        Self {
            from: Some(column.to_owned()),
            constant: None,
            compute: None,
            to: to.to_owned(),
            map_type,
            format: None,
            marks: NumberMarks::default(),
            decimals: None,
            factor: 1.0,
            transform: Transform::Copy,
            words: None,
            optional: false,
            required: false,
            on_error: OnError::Reject,
            class: DataClass::C,
        }
    }
}

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginRef {
    /// A component file.
    Path(PathBuf),
    /// A reference or installed plugin by name and semver requirement ("*", "0.1", "^0.1.2").
    Named {
        /// Kebab-case name.
        name: String,
        /// Semver requirement.
        version: String,
    },
    /// An artefact of a registry, with its digest.
    Artefact(ArtefactRef),
}

/// What happens when a stage's plugin fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnFault {
    /// The run fails with the fault.
    Close,
    /// Outputs of the stage are missing; the run goes on and says so.
    Skip,
    /// The version that closed the last cycle takes over; of a service, the component that the stage had before.
    LastGood,
}

impl OnFault {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Close, Self::Skip, Self::LastGood];

    /// As playbooks write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Skip => "skip",
            Self::LastGood => "last-good",
        }
    }
}

/// A plugin in the loop.
#[derive(Debug, Clone)]
pub struct StageDef {
    /// Unique in the playbook; outputs are `name.output`. As a rule the plugin's name.
    pub name: String,
    /// The card that it takes; its settings are in `settings` already.
    pub card: Option<CardDef>,
    /// Kind that the plugin must have.
    pub kind: Kind,
    /// Where it comes from.
    pub plugin: PluginRef,
    /// Settings as canonical JSON (sorted keys).
    pub settings: serde_json::Value,
    /// Needs of the plugin bound to other names: need -> feature or `stage.output`.
    pub bind: BTreeMap<String, String>,
    /// Bounds, defaults filled in.
    pub limits: Limits,
    /// What a fault does; stages that spend money close by default.
    pub on_fault: OnFault,
    /// Imports that the playbook grants, of those the host allows.
    pub allow: Vec<String>,
    /// Pool that pays for grants of an incentive or campaign stage.
    pub pool: Option<String>,
    /// Terms of its grants.
    pub terms: GrantTerms,
    /// Terms of actions that have their own.
    pub actions: BTreeMap<String, GrantTerms>,
    /// What actions offer and say (H14).
    pub says: BTreeMap<String, SaysDef>,
}

/// Settings of an engine under a name of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CardDef {
    /// Its name, the one of its file.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Models of the domain that it is, such as "DG-1"; "" where it is none of them.
    pub model: String,
    /// What it does, in one sentence.
    pub summary: Words,
}

impl StageDef {
    /// Terms of the grants of an action.
    #[must_use]
    pub fn terms_of(&self, action: &str) -> GrantTerms {
        self.actions.get(action).copied().unwrap_or(self.terms)
    }
}

/// Money of a playbook (domain H7).
#[derive(Debug, Clone)]
pub struct BudgetDef {
    /// All money of the period.
    pub total: Minor,
    /// Share held back first, at least 0.05.
    pub reserve: f64,
    /// Shares of what is left, by pool; they sum to 1.
    pub pools: BTreeMap<String, f64>,
    /// Most that one plugin may spend in one cycle, share of its pool.
    pub plugin_share_max: f64,
    /// When money may move between pools; `None`: never, what plugins say of it is shown only.
    pub transfers: Option<TransferRules>,
}

/// What the host demands of a transfer between pools that an ROI plugin proposes (domain H7). A brand may tighten it.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferRules {
    /// Subject whose rows are pools: the row of key `app` is the pool `app`.
    pub subject: Subject,
    /// Feature or output of the subject: into a row of which it is not known to be 0 nothing moves; `None`: it has no red lines.
    pub red_line: Option<String>,
    /// Most that may leave a pool in one cycle, share of what it has free.
    pub share_max: f64,
    /// Least that a pool keeps, share of what its plan gave.
    pub kept_min: f64,
    /// Days that must pass between two transfers of the same two pools, in either direction.
    pub cool_down_days: u32,
}

impl TransferRules {
    /// The loosest value of [`TransferRules::share_max`].
    pub const SHARE_MAX: f64 = 0.20;
    /// The loosest value of [`TransferRules::kept_min`].
    pub const KEPT_MIN: f64 = 0.50;
    /// The loosest value of [`TransferRules::cool_down_days`].
    pub const COOL_DOWN_DAYS: u32 = 14;
}

/// Grants of some families may stand together for one member only so often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackRule {
    /// Its name.
    pub name: String,
    /// Families of actions.
    pub families: Vec<String>,
    /// Most grants of all of them in the window; 1: they exclude each other.
    pub most: u32,
    /// How long a grant counts.
    pub window_ms: i64,
}

/// Guardrails that a batch cycle can meet (domain H8, H9). A brand may tighten, not loosen.
#[derive(Debug, Clone)]
pub struct Guardrails {
    /// Consent is demanded for actions that name a purpose (GR-13, R05).
    pub require_consent: bool,
    /// When a consent counts (H4).
    pub consent: ConsentRule,
    /// Prices and claims that actions are held to (H14).
    pub trade: TradeDef,
    /// The law that members fall under, by their region (H4, GR-13); `None`: one rule for all.
    pub law: Option<LawDef>,
    /// Feature with the participation stage, for the commercial caps of GR-1; `None`: not enforced.
    pub stage_output: Option<String>,
    /// Commercial share per stage (GR-1).
    pub stage_caps: BTreeMap<String, f64>,
    /// Forecast output / cost of a batch of grants (GR-5).
    pub incentive_ratio_min: f64,
    /// Share of the free pool that one grant batch of a stage may take (GR-7).
    pub single_investment_max: f64,
    /// Commercial share of planned slots (GR-2).
    pub commercial_share_max: f64,
    /// Direct messages per member and day, by segment; "" is the default (H9 caps).
    pub contacts_per_day_max: BTreeMap<String, u32>,
    /// Commercial direct messages per member and day, by segment; "" is the default (H9 caps).
    pub commercial_per_day_max: BTreeMap<String, u32>,
    /// Commercial direct messages per member and 7 days, by segment; "" is the default (H9 caps).
    pub commercial_per_week_max: BTreeMap<String, u32>,
    /// Hours within which a second proposal of the same family is a duplicate (H9).
    pub family_window_h: u32,
    /// Feature of members with their IANA time zone; `None`, and where it is missing or none: the brand's.
    pub time_zone_feature: Option<String>,
    /// Hours of the member's day without messages to it (H9); `None`: there are none.
    pub quiet_hours: Option<QuietHours>,
    /// Which grants may stand together for one member.
    pub stacking: Vec<StackRule>,
    /// Feature that is > 0 where a complaint is open (GR-12); `None`: not enforced.
    pub complaint_feature: Option<String>,
    /// `stage.output` with the churn level, and the value that allows service only (GR-12).
    pub churn_output: Option<String>,
    /// Feature or output that tells how likely a member's orders are fraud; from [`Guardrails::fraud_from`] on, and where it is
    /// missing, effects are held (R11); `None`: not enforced.
    pub fraud_output: Option<String>,
    /// Least value of [`Guardrails::fraud_output`] that holds effects.
    pub fraud_from: f64,
    /// Member attribute with the age band; who is not known to be an adult is refused (GR-13); `None`: not enforced.
    pub age_band_feature: Option<String>,
    /// Share of members kept free of every action (R06); assignment by domain H10.
    pub holdout: f64,
}

impl Guardrails {
    /// When a consent counts for a member of a track; `None`: of none.
    #[must_use]
    pub fn consent_rule(&self, track: Option<LawTrack>) -> ConsentRule {
        let of_track = self.law.as_ref().zip(track).map(|(law, track)| law.rule(track));
        of_track.map_or(self.consent, |rule| self.consent.and(rule))
    }

    /// Most commercial share by participation stage (GR-1).
    pub const STAGE_CAPS: [(&str, f64); 4] =
        [("cognition", 0.0), ("trust", 0.05), ("participation", 0.20), ("creation", 0.20)];
    /// Most direct messages a day by segment (H9); "" is the default.
    pub const CONTACTS_A_DAY: [(&str, u32); 6] =
        [("", 2), ("silent", 1), ("prospect", 2), ("active", 2), ("core", 5), ("koc", 5)];
    /// Most commercial direct messages a day by segment (H9); "" is the default.
    pub const COMMERCIAL_A_DAY: [(&str, u32); 6] =
        [("", 1), ("silent", 1), ("prospect", 1), ("active", 1), ("core", 2), ("koc", 2)];
    /// Most commercial direct messages in 7 days by segment (H9); "" is the default.
    pub const COMMERCIAL_A_WEEK: [(&str, u32); 6] =
        [("", 3), ("silent", 1), ("prospect", 3), ("active", 3), ("core", 5), ("koc", 5)];
}

impl Default for Guardrails {
    /// The loosest values that a playbook may have (domain H8, H9).
    fn default() -> Self {
        let caps = |caps: &[(&str, u32)]| {
            caps.iter().map(|(name, cap)| ((*name).to_owned(), *cap)).collect()
        };
        Self {
            require_consent: true,
            consent: ConsentRule::default(),
            trade: TradeDef::default(),
            law: None,
            stage_output: None,
            stage_caps: Self::STAGE_CAPS
                .iter()
                .map(|(name, cap)| ((*name).to_owned(), *cap))
                .collect(),
            incentive_ratio_min: 4.0,
            single_investment_max: 0.20,
            commercial_share_max: 0.20,
            contacts_per_day_max: caps(&Self::CONTACTS_A_DAY),
            commercial_per_day_max: caps(&Self::COMMERCIAL_A_DAY),
            commercial_per_week_max: caps(&Self::COMMERCIAL_A_WEEK),
            family_window_h: 24,
            time_zone_feature: None,
            quiet_hours: None,
            stacking: Vec::new(),
            complaint_feature: None,
            churn_output: None,
            fraud_output: None,
            fraud_from: 0.8,
            age_band_feature: None,
            holdout: 0.05,
        }
    }
}

/// What is written beside the fixed outputs.
#[derive(Debug, Clone, Default)]
pub struct OutputDef {
    /// Languages of the report that are written beside `--lang`.
    pub languages: Vec<String>,
    /// Features left out of members.parquet.
    pub omit_features: Vec<String>,
    /// Which features pages show as figures.
    pub figures: Figures,
    /// Tables that go to where people work.
    pub deliveries: Vec<DeliveryDef>,
    /// Figures of the brand that the report shows first (domain H16).
    pub indicators: Vec<IndicatorDef>,
    /// What figures of the brand should come to.
    pub targets: Vec<TargetDef>,
    /// What the brand stands for.
    pub brand_values: Vec<BrandValue>,
    /// Where figures of the brand should be by a day.
    pub goals: Vec<GoalDef>,
    /// The values of the brand that each campaign stage serves, by its name.
    pub serves: BTreeMap<String, Vec<String>>,
    /// Figures along the bands of another.
    pub curves: Vec<CurveDef>,
    /// What was foreseen of members, beside what came.
    pub forecasts: Vec<ForecastDef>,
    /// Features of members that tell what came of treating them: the held-out ones are the others.
    pub effects: Vec<String>,
}

/// What a stage foresaw of each member in the cycle before, beside what came (SC-6, SC-10: calibration).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastDef {
    /// `stage.output`: a probability, or an expected number.
    pub output: String,
    /// Feature of members that tells what came of it.
    pub came: String,
    /// What was foreseen, for people; the name where it says nothing.
    pub words: Words,
}

/// A figure along the bands of another, as conversion along activity (domain H16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurveDef {
    /// A feature with one column for each band, of any subject but the member.
    pub feature: String,
    /// What the figure is, for people; the name where it says nothing.
    pub words: Words,
    /// What the bands are of.
    pub along: Words,
}

impl OutputDef {
    /// Features and outputs of the brand that the report shows.
    pub fn shown_of_brand(&self) -> impl Iterator<Item = &str> {
        let indicators = self.indicators.iter().map(|indicator| indicator.name.as_str());
        let targets = self.targets.iter().map(|target| target.name.as_str());
        indicators.chain(targets).chain(self.goals.iter().map(|goal| goal.metric.as_str()))
    }
}

/// A figure of the brand that the report shows first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndicatorDef {
    /// Feature of the brand, or `stage.output` of its row.
    pub name: String,
    /// What the figure is, for people; the name where it says nothing.
    pub words: Words,
}

/// A table that goes to where people work, once the cycle is booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryDef {
    /// Unique name; its file in the results folder has it too.
    pub name: String,
    /// What is in it.
    pub what: Delivered,
    /// Connection that it goes over; `None`: it stays in the results folder.
    pub connection: Option<String>,
    /// Table of the database, or path of the object.
    pub to: String,
}

/// What a delivery holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// The segment of every member, by this stage.
    Segments(String),
    /// What was granted.
    Grants,
}

/// Features that pages show under a name of their own: the first of a list is summed for the summary, each is shown
/// beside the rows of its subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Members that were active.
    pub active: Vec<String>,
    /// Orders.
    pub orders: Vec<String>,
    /// Revenue in minor units, net of refunds.
    pub revenue: Vec<String>,
    /// Cost of all kinds in minor units.
    pub cost: Vec<String>,
}

/// Type of a feature's cell by its aggregate where the playbook names none.
#[must_use]
pub fn default_cell_type(function: Aggregate) -> CellType {
    match function {
        Aggregate::Mean | Aggregate::GapMean | Aggregate::GapSd => CellType::Real,
        _ => CellType::Integer,
    }
}
