//! A brand live: members' records, the writer that decides in order of arrival, versions. Knows no HTTP.
//!
//! A member is the packed record of its own events ([`Record`]), folded when it is asked by the code that a cycle folds a
//! community with. [`Version`] is a playbook with its stages open; [`Brand`] answers: it evaluates on the caller's
//! thread, and decides and books on the writer's.

mod access;
mod accounts;
mod alerts;
mod brand;
mod breaker;
mod cache;
mod candidate;
mod claims;
mod columns;
mod counts;
mod decision;
mod epochs;
mod error;
mod facts;
mod fall_back;
mod follow;
mod foresee;
mod freezes;
mod grants;
mod intake;
mod ledgers;
mod links;
mod log;
mod made;
mod money;
mod moves;
mod notes;
mod once;
mod overtaken;
mod pace;
mod packed;
mod previous;
mod record;
mod refunds;
mod rehearsal;
mod requests;
mod reviews;
mod schedule;
mod segments;
mod stages;
mod store;
mod swap;
mod version;
mod versions;
mod webhook;
mod withdrawn;
mod writer;

pub use playbook_cycle::{AskedTransfer, CapUse, CommercialUse, StackUse, Used};

pub use access::{AccessGrant, AccessState, AccessStep};
pub use accounts::{Account, AccountKey};
pub use alerts::{
    Alarm, Alert, AlertClosing, AlertEnd, AlertLevel, AlertRule, AlertSeen, Evidence,
};
pub use brand::{Ask, Brand, BrandOptions, Decided, Effect, Member, MemberChange, Now, settled};
pub use candidate::{Breach, CandidateFigures, Guard, Guards, SideFigures, Terms};
pub use columns::{FieldError, TableColumns, time};
pub use counts::{EventFigures, Figures, StageStates, TransferFigures, WriterState};
pub use decision::{
    ClosedSaid, Decision, EffectSaid, LeftOut, PluginSaid, RefusalSaid, SegmentSaid,
};
pub use error::OnlineError;
pub use facts::{ClosedFacts, ColumnFacts, GroundFacts, NamedFacts, StageFacts, VersionFacts};
pub use follow::Following;
pub use freezes::{Freeze, FreezeScope};
pub use grants::{Reversal, TakenBack};
pub use ledgers::Ledgers;
pub use log::{LogPart, export_log};
pub use made::{DecisionFilter, DecisionPart, Totals};
pub use money::{BudgetUse, IDLE_SHARE_MAX, MoneyEntry};
pub use moves::CycleTransfer;
pub use once::By;
pub use pace::Lanes;
pub use packed::{Kept, Unreadable};
pub use previous::{Keeping, Outputs};
pub use record::{Consent, Record};
pub use requests::{ANSWER_MS, MoneyAnswer, MoneyAsk, MoneyRequest, MoneyRequestState, Need};
pub use reviews::{Review, ReviewState, Verdict, Why};
pub use schedule::Schedules;
pub use segments::SegmentCount;
pub use stages::StageState;
pub use swap::{SwapError, last_activated};
pub use version::{EvaluateError, Evaluated, Grounds, PluginStatus, Version, VersionError};
pub use versions::{Activation, Closed, How, KeptGround, OpenError, Opened, Opener, Source, Trial};
pub use webhook::{
    Deliver, DeliveryFailed, Message, Undelivered, WebhookOptions, WebhookState, Webhooks,
};
pub use writer::{Erased, EventFate};
