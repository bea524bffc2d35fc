//! The operating loop in four steps, the same for a community and for one member:
//!
//! 1. *prepare*: stages wired ([`prepare()`]) and opened with settings, models and tables, columns planned
//!    ([`Evaluation::open`], [`FactPlan::new`]); a community read ([`Community::prepare`]).
//! 2. *evaluate*: rows through the stages ([`Evaluation::evaluate`], [`Community::evaluate`]).
//! 3. *decide*: guardrails, arbitration, money; pure ([`decide()`]).
//! 4. *book*: what was granted goes to the ledger ([`MoneyTurn::book`]). A service takes the last two steps for many
//!    members in one commit group ([`LiveMoney`]).
//!
//! Knows no storage engine and no HTTP; data comes through [`DataSource`].

mod arbitrate;
mod book;
mod caps;
mod community;
mod decide;
mod error;
mod evaluate;
mod explain;
mod facts;
mod fit;
mod fixture;
mod gather;
mod graph;
mod ground;
mod laps;
mod lists;
mod live;
mod options;
mod prepare;
mod previous;
mod progress;
mod proposal;
mod recall;
mod result;
mod run;
mod slots;
mod source;
mod stage;
mod stream;
mod trade;
mod transfers;

pub use arbitrate::in_holdout;
pub use book::{Booking, Money, MoneyTurn, bound_with, budget_plan, grant_key};
pub use caps::{CapUse, CommercialUse, StackUse, Used, cap_use, caps_window_ms};
pub use community::Community;
pub use decide::{Policy, Spender, decide, spenders};
pub use error::CycleError;
pub use evaluate::{Evaluated, Evaluation, MemberRows, Part, StageFuel, Watch};
pub use explain::{Why, explain};
pub use facts::{CRITICAL, FactColumns, FactPlan, consents_alone};
pub use fit::{FitEnd, FitRows, FitStart, FitStop, fit};
pub use fixture::{Case, cases, rows_of};
pub use gather::WrongType;
pub use graph::{GraphProblem, Input, Offer, Wiring, order, outputs_of};
pub use ground::StageGround;
pub use laps::Laps;
pub use live::{Asking, Decided, Foreseen, LiveGroup, LiveMoney, MoneyRole, PastMoves};
pub use options::{CycleOptions, RunKey, TakeMembers, cycle_number};
pub use prepare::{PrepareProblem, Prepared, fall_back, features_for, prepare};
pub use previous::Previous;
pub use progress::{Cancel, Progress, Silent};
pub use proposal::{
    ActionFacts, Arbitration, Candidate, ContactCaps, Decision, Earlier, History, LocalFacts,
    MemberFacts, Proposal, Refusal, StageStanding, Standing, TradeFacts,
};
pub use result::{AccountUse, CycleRun, LedgerSpan, ModelFacts, PlanMoney, StageRun, StageUsage};
pub use run::run_cycle;
pub use source::{DataSource, Intake, IntakeFinding, SourceError, SourceIntake};
pub use transfers::AskedTransfer;
