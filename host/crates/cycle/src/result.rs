//! The result of a cycle: outputs, decisions, plans, findings, and the usage of each stage.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use playbook_model::{
    CampaignPlan, Column, Description, Digest, Fault, Finding, Frame, Kind, Measure, Minor, Shape,
    Transfer, TransferFate,
};

use crate::error::asked_about;
use crate::graph::Wiring;
use crate::ground::StageGround;
use crate::laps::Laps;
use crate::previous::Previous;
use crate::proposal::Decision;

/// The result of one cycle.
#[derive(Debug)]
pub struct CycleRun {
    /// Number of the cycle: local day of the as-of time divided by the cycle's length.
    pub number: i64,
    /// Members, one row each, ascending by id: features first, then a column per stage output.
    pub members: Frame,
    /// Pseudonym of each member, row for row.
    pub keys: Vec<i64>,
    /// Outputs of earlier closed cycles; those that stages or pages read.
    pub previous: Previous,
    /// Other subjects with their features and the outputs of stages of whole tables.
    pub tables: BTreeMap<String, Frame>,
    /// Stages in the order in which they ran.
    pub stages: Vec<StageRun>,
    /// Decisions on all proposals, in order of arbitration.
    pub decisions: Vec<Decision>,
    /// Accounts after the cycle, parents before children.
    pub accounts: Vec<AccountUse>,
    /// Between which commit groups of the ledger the cycle decided.
    pub ledger: LedgerSpan,
    /// Whether money was booked; false in a dry run.
    pub booked: bool,
    /// Where the time went.
    pub laps: Laps,
}

impl CycleRun {
    /// The tables beside the members that later cycles may ask for: those of the brand, and those that a stage gave something to.
    pub fn kept_tables(&self) -> impl Iterator<Item = (&str, &Frame)> {
        let gives = |subject: &str| self.stages.iter().any(|stage| stage.gives_to(subject));
        let tables = self.tables.iter().map(|(subject, table)| (subject.as_str(), table));
        tables.filter(move |(subject, _)| *subject == "brand" || gives(subject))
    }

    /// The table of a subject: the members, or one of the other tables.
    #[must_use]
    pub fn frame(&self, subject: &str) -> Option<&Frame> {
        if subject == "member" { Some(&self.members) } else { self.tables.get(subject) }
    }

    /// What a column of a subject, such as `stage.output`, was in the last closed cycle, row for row.
    #[must_use]
    pub fn before(&self, subject: &str, name: &str) -> Option<&Column> {
        self.previous.of(subject).first()?.column(name)
    }
}

/// One stage of a cycle.
#[derive(Debug)]
pub struct StageRun {
    /// Position in the playbook.
    pub position: usize,
    /// Name in the playbook.
    pub name: String,
    /// What the plugin says of itself.
    pub about: Description,
    /// Digest of its component.
    pub digest: Digest,
    /// What it needs and gives under the playbook's settings.
    pub shape: Arc<Shape>,
    /// Where its inputs came from.
    pub wiring: Arc<Wiring>,
    /// What it was opened with, so that decisions between cycles can be.
    pub ground: StageGround,
    /// Its fit, where it has one.
    pub model: Option<ModelFacts>,
    /// Plan of a campaign.
    pub plan: Option<CampaignPlan>,
    /// What that plan had to go by.
    pub plan_money: Option<PlanMoney>,
    /// What a person should see.
    pub findings: Vec<Finding>,
    /// Money that should move.
    pub transfers: Vec<Transfer>,
    /// The fate of each of them, position by position.
    pub transfer_fates: Vec<TransferFate>,
    /// Positions of planned slots that GR-2 refuses.
    pub refused_slots: Vec<usize>,
    /// Keys of each table's rows, for findings and plans that name a row.
    pub places: Vec<Vec<String>>,
    /// What its calls took.
    pub usage: StageUsage,
    /// Lines that it logged and that were kept.
    pub log: Vec<String>,
    /// The guest's fault, where the playbook says that the cycle goes on without the stage.
    pub fault: Option<Fault>,
    /// What the plugin was asked about when it failed, where it fails on that row alone: "member `a7`".
    pub fault_row: Option<String>,
}

impl StageRun {
    /// Its transfers with what became of each.
    pub fn transfers_with_fates(&self) -> impl Iterator<Item = (&Transfer, TransferFate)> {
        let fates = self.transfer_fates.iter().copied();
        self.transfers.iter().zip(fates.chain(std::iter::repeat(TransferFate::Suggested)))
    }

    /// The fault in words, with what the plugin was asked about.
    #[must_use]
    pub fn fault_told(&self) -> Option<String> {
        let fault = self.fault.as_ref()?;
        Some(format!("{fault}{}", asked_about(self.fault_row.as_deref())))
    }

    /// Whether the rows of a subject have outputs of it.
    #[must_use]
    pub fn gives_to(&self, subject: &str) -> bool {
        let Shape { rows, tables, produces, .. } = &*self.shape;
        let rows = rows.as_ref().is_some_and(|need| need.subject == subject);
        let is_of = |at: Option<u32>| match at {
            None => rows,
            Some(at) => tables.get(at as usize).is_some_and(|need| need.subject == subject),
        };
        (rows && self.kind() == Kind::Segmentation) || produces.iter().any(|p| is_of(p.table))
    }

    /// Kind of the plugin.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.about.kind
    }
}

/// Money that a campaign may plan with, as it stood when the cycle was opened. Nothing is reserved by a plan: what it
/// wants to spend is proposed and granted like anything else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanMoney {
    /// Free in the stage's pool.
    pub pool: Minor,
    /// Free in the stage's own account.
    pub account: Minor,
    /// Most that the stage may take of its pool in one cycle (GR-7).
    pub share: Minor,
}

impl PlanMoney {
    /// The most that can be spent of it.
    #[must_use]
    pub fn budget(&self) -> Minor {
        self.pool.min(self.account).min(self.share)
    }
}

/// A finished fit.
#[derive(Debug, Clone)]
pub struct ModelFacts {
    /// Digest of the model bytes.
    pub digest: Digest,
    /// Size of the model.
    pub bytes: u64,
    /// Passes over the data.
    pub passes: u32,
    /// How it went.
    pub measures: Vec<Measure>,
}

/// The resources that a stage's calls used.
#[derive(Debug, Clone, Copy, Default)]
pub struct StageUsage {
    /// Calls, faults included.
    pub calls: u64,
    /// Rows handed over.
    pub rows: u64,
    /// Fuel; 0 where calls are not metered by it. The same on every machine and any number of threads.
    pub fuel: u64,
    /// Time inside calls, summed over threads.
    pub wall: Duration,
    /// Calls that ended with a fault.
    pub faults: u64,
    /// Lines logged, kept or not.
    pub log_lines: u64,
    /// Greatest linear memory of one instance, in bytes.
    pub memory_bytes: u64,
}

impl StageUsage {
    /// Adds the usage of other calls.
    pub(crate) fn add(&mut self, more: &Self) {
        self.calls += more.calls;
        self.rows += more.rows;
        self.fuel = self.fuel.saturating_add(more.fuel);
        self.wall += more.wall;
        self.faults += more.faults;
        self.log_lines += more.log_lines;
        self.memory_bytes = self.memory_bytes.max(more.memory_bytes);
    }
}

impl From<playbook_runtime::Usage> for StageUsage {
    fn from(usage: playbook_runtime::Usage) -> Self {
        Self {
            calls: usage.calls,
            rows: usage.rows,
            fuel: usage.fuel,
            wall: usage.wall,
            faults: usage.faults,
            log_lines: usage.log_lines,
            memory_bytes: usage.memory_bytes,
        }
    }
}

/// The part of a ledger's history in which a cycle decided and booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerSpan {
    /// Last commit group before, with its seal: deciding there again gives the same.
    pub decided_at: (i64, Digest),
    /// Last commit group afterwards, with its seal.
    pub booked_to: (i64, Digest),
}

impl Default for LedgerSpan {
    fn default() -> Self {
        let nothing = (0, Digest([0; 32]));
        Self { decided_at: nothing, booked_to: nothing }
    }
}

/// An account of the ledger after the cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountUse {
    /// "brand", "brand/playbook", "brand/playbook/pool" ...
    pub path: String,
    /// All money the account may use.
    pub allocated: Minor,
    /// Bound by grants of this cycle in all its calls: reserved, or paid where settled.
    pub granted: Minor,
    /// Bound by grants that wait for settling.
    pub reserved: Minor,
    /// Paid.
    pub spent: Minor,
    /// Free now.
    pub available: Minor,
}
