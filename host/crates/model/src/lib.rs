//! Plain values that every room of the host shares: columns, shapes, money, outcomes, limits, features, playbooks.
//!
//! No I/O, no async, no engine. What crosses the sandbox has the types of `playbook-contract`, which are named here
//! too, so that rooms of the host know one crate of values.

mod artefact;
mod canonical;
mod class;
mod connection;
mod digest;
mod feature;
mod fill;
mod frame;
mod goal;
mod host_file;
mod law;
mod limits;
mod local;
mod marks;
mod meter;
mod money;
mod outcome;
mod playbook;
mod printable;
mod reasons;
mod refusal;
mod sequence;
mod target;
mod terms;
mod time;
mod trade;
mod transfer;

pub use artefact::{ArtefactRef, BadArtefactRef, is_loopback};
pub use canonical::canonical_json;
pub use class::DataClass;
pub use connection::{Connection, ConnectionKind, DatabaseServer, ObjectPlace, SecretRef, Tls};
pub use digest::{Digest, pseudonym};
pub use feature::{
    Aggregate, AggregateDef, Definition, EventFilter, FeatureDef, Grain, Subject, Window,
};
pub use fill::{Filling, Stretch};
pub use frame::{Cells, Column, Frame};
pub use goal::{BrandValue, GoalDef, GoalState, SLIP_MAX};
pub use host_file::{
    HostBrand, HostData, HostFile, HostLimits, HostListen, HostLog, HostPublisher, HostRate,
    HostTraces, HostTrust, HostWebhook, LogFormat, LogLevel,
};
pub use law::{ConsentRule, LawDef, LawTrack, TrackDef};
pub use limits::{Limits, SqlLimits};
pub use local::{LocalTime, QuietHours};
pub use marks::NumberMarks;
pub use meter::{CallMeter, CallMeters, Distribution, FUEL_BOUNDS, Histogram, MICROS_BOUNDS};
pub use money::{Minor, grouped};
pub use outcome::{Fault, Limit, Outcome};
pub use playbook::{
    Asked, BudgetDef, CardDef, CatalogueDef, Container, CurveDef, CycleDef, Dedupe, Delivered,
    DeliveryDef, Figures, ForecastDef, Guardrails, IndicatorDef, JoinDef, Label, LookupDef, MapRow,
    MapType, OnError, OnFault, Origin, OutputDef, Playbook, PluginRef, SourceDef, SourceFormat,
    SourceTable, StackRule, StageDef, TransferRules, Transform, default_cell_type,
};
pub use playbook_contract::{
    ActionInfo, Allocation, Batch, Bitmap, CampaignPlan, CellType, Columns, Comparison,
    ContentShare, Context, Description, Factor, Finding, FitStep, Fitted, Frequency, Gate, Kind,
    Layout, Layouts, Level, ListCells, Measure, NONE_INDEX, Need, Phase, Place, Priority, Problem,
    Produce, Proposals, ReasonInfo, Role, RowAnswer, SegmentInfo, Segments, Shape, Slot, Source,
    TableAnswer, TableNeed, Term, TextCells, TextLists, Transfer, Validator, Wide, Words, is_kebab,
    is_snake, span,
};
pub use printable::{escape, one_line, printable, steers};
pub use reasons::reasons;
pub use refusal::RefusalCode;
pub use sequence::{Give, STEPS_MAX, SequenceDef, SequenceRule, Steps};
pub use target::{TargetDef, TargetState};
pub use terms::{GrantTerms, RefundRule};
pub use time::UnixMs;
pub use trade::{ClaimDef, PriceGrant, SaysDef, TradeDef};
pub use transfer::{TransferFate, TransferRefusal};
