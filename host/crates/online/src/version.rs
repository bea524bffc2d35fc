//! A version of a brand's playbook, opened: everything that a decision needs beside the member. It never changes; a swap
//! puts another one in its place.

use std::collections::BTreeMap;
use std::time::Instant;

use playbook_cycle::{
    Asking, Candidate, CapUse, CycleError, Evaluation, FactColumns, FactPlan, Foreseen, LiveMoney,
    MemberRows, MoneyRole, Policy, Prepared, StageGround, budget_plan, cap_use, caps_window_ms,
    cycle_number, spenders,
};
use playbook_features::{BrandClock, FoldError, MemberPlan, MemberRequest, Unfit, UnknownTimeZone};
use playbook_ledger::{BudgetPlan, LedgerError, PastGrants, Turn};
use playbook_model::{Context, Digest, Fault, Frame, Playbook, SourceTable, UnixMs, pseudonym};

use crate::columns::TableColumns;
use crate::counts::StageStates;
use crate::facts::VersionFacts;
use crate::packed::Unreadable;
use crate::record::{FieldPlaces, Record};
use crate::stages::StageWatch;
use crate::versions::Closed;

/// Why a playbook cannot serve decisions.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// Features that cannot be had for one member at a time.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unfit(Vec<Unfit>),
    /// The playbook's time zone.
    #[error(transparent)]
    TimeZone(#[from] UnknownTimeZone),
    /// A stage that cannot be opened.
    #[error("a plugin cannot be opened: {0}")]
    Stage(Fault),
    /// An expression that has no value for a member of whom nothing is known.
    #[error(transparent)]
    Fold(FoldError),
    /// A host's fault.
    #[error(transparent)]
    Cycle(#[from] CycleError),
}

/// Why a member cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// Its record cannot be read.
    #[error(transparent)]
    Record(#[from] Unreadable),
    /// A feature without a value.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// A stage that closes on faults, or a host's fault.
    #[error(transparent)]
    Cycle(#[from] CycleError),
}

/// What the last closed cycle left: models and whole tables by the position of a stage.
pub type Grounds = BTreeMap<usize, StageGround>;

/// A version, opened.
#[derive(Debug)]
pub struct Version {
    playbook: Playbook,
    facts: VersionFacts,
    clock: BrandClock,
    salt: String,
    events: TableColumns,
    members: TableColumns,
    consents: TableColumns,
    plan: MemberPlan,
    places: FieldPlaces,
    evaluation: Evaluation,
    policy: Policy,
    guards: FactPlan,
    budget: BudgetPlan,
    watch: StageWatch,
}

/// A member at a moment, taken through all stages; nothing is decided yet.
#[derive(Debug)]
pub struct Evaluated {
    /// Unix-ms.
    pub at: i64,
    /// Day of the brand's calendar.
    pub local_day: i64,
    /// Number of the cycle that the moment falls into.
    pub cycle: i64,
    /// One row: features, then outputs of stages.
    pub frame: Frame,
    /// Proposals.
    pub candidates: Vec<Candidate>,
    /// What checks need to know of the member.
    pub guards: FactColumns,
    /// Stages that failed, by position in the playbook, with what happened.
    pub failed: Vec<(usize, Fault)>,
    /// Stages that wait for a first closed cycle, by position in the playbook.
    pub waiting: Vec<usize>,
}

/// Stages that did not answer, by position in the playbook.
fn left_out(failed: &[(usize, Fault)], waiting: &[usize]) -> Vec<usize> {
    failed.iter().map(|(at, _)| *at).chain(waiting.iter().copied()).collect()
}

impl Version {
    /// Opens the stages of a playbook. A stage with a model or with whole tables waits until a closed cycle has left what it
    /// needs.
    ///
    /// # Errors
    /// [`VersionError`].
    pub fn open(
        playbook: Playbook,
        stages: &[Prepared],
        closed: &Closed,
    ) -> Result<Self, VersionError> {
        let grounds = closed.grounds_of(stages);
        let clock = BrandClock::new(&playbook.time_zone)?;
        let events = TableColumns::new(&playbook, SourceTable::Events);
        let members = TableColumns::new(&playbook, SourceTable::Members);
        let policy = Policy::new(&playbook.guardrails, spenders(stages));
        let of_members = |source: &playbook_model::SourceDef| {
            matches!(source.table, SourceTable::Costs | SourceTable::Entries)
                && source.mapping.iter().any(|row| row.to == "member")
        };
        let plan = MemberPlan::new(&MemberRequest {
            features: &playbook.features,
            events: events.types(),
            profile: members.types(),
            dated_of_members: playbook.sources.iter().any(of_members),
            splits: &closed.splits,
            purposes: &policy.purposes,
            clock: clock.clone(),
        })
        .map_err(VersionError::Unfit)?;
        let frame =
            plan.fold(playbook_features::MemberRecord::default(), 0).map_err(VersionError::Fold)?;
        let features = frame.columns().len();
        let previous = vec![Frame::with_rows(1), Frame::with_rows(1)];
        let like = MemberRows { frame, previous, keys: vec![0] };
        let context = Context { now: 0, local_min: 0, seed: playbook.seed };
        let ground_of = |stage: &Prepared| match grounds.get(&stage.position) {
            Some(ground) => Some(ground.clone()),
            None => {
                let needs = stage.shape.fit_passes_max > 0 || !stage.shape.tables.is_empty();
                (!needs).then(StageGround::default)
            }
        };
        let evaluation =
            Evaluation::open(stages, context, ground_of, &like)?.map_err(VersionError::Stage)?;
        let guards = FactPlan::new(&policy, stages, evaluation.gives());
        let facts =
            VersionFacts::new(&playbook, stages, closed.digest(), (features, evaluation.gives()));
        let watched = evaluation.stages().map(|(at, name, waits)| (at, name.to_owned(), waits));
        let watch = StageWatch::new(watched);
        Ok(Self {
            salt: format!("{}\0{}", playbook.brand, playbook.pseudonym_salt),
            budget: budget_plan(&playbook),
            places: FieldPlaces::new(&plan),
            facts,
            clock,
            events,
            members,
            consents: TableColumns::new(&playbook, SourceTable::Consents),
            plan,
            evaluation,
            policy,
            guards,
            watch,
            playbook,
        })
    }

    /// The playbook.
    #[must_use]
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// What its decisions are told by.
    #[must_use]
    pub fn facts(&self) -> &VersionFacts {
        &self.facts
    }

    /// Digest of playbook and components.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.facts.digest()
    }

    /// Columns of events.
    #[must_use]
    pub fn events(&self) -> &TableColumns {
        &self.events
    }

    /// Columns of the table of members.
    #[must_use]
    pub fn members(&self) -> &TableColumns {
        &self.members
    }

    /// Columns of answers about consents.
    #[must_use]
    pub fn consents(&self) -> &TableColumns {
        &self.consents
    }

    /// How its stages do.
    #[must_use]
    pub fn stage_states(&self) -> StageStates {
        self.watch.states(Instant::now())
    }

    /// The pseudonym of a member.
    #[must_use]
    pub fn key(&self, member: &str) -> i64 {
        pseudonym(self.salt.as_bytes(), member)
    }

    /// Whether another version may take this one's place, and why not: members and money must stay what they are.
    pub(crate) fn takes(&self, next: &Self) -> Result<(), String> {
        let (now, then) = (&self.playbook, &next.playbook);
        let same = [
            ("brand", &now.brand, &then.brand),
            ("pseudonym_salt", &now.pseudonym_salt, &then.pseudonym_salt),
            ("currency", &now.currency, &then.currency),
        ];
        let other = same.into_iter().find(|(_, now, then)| now != then);
        other.map_or(Ok(()), |(key, ..)| {
            Err(format!("`{key}` of the playbook is another than that of the version that decides"))
        })
    }

    /// The money of a cycle in the ledger of a turn.
    pub(crate) fn money(
        &self,
        turn: &Turn<'_>,
        cycle: i64,
        at: UnixMs,
        role: MoneyRole,
    ) -> Result<LiveMoney, LedgerError> {
        LiveMoney::open(turn, self.budget.clone(), cycle, self.digest(), (at, role))
    }

    /// What the money is asked for a member whom this version evaluated.
    pub(crate) fn asking<'a>(
        &'a self,
        member: i64,
        evaluated: &'a Evaluated,
        event: Option<&'a str>,
    ) -> Asking<'a> {
        Asking {
            policy: &self.policy,
            facts: &evaluated.guards,
            member,
            local_day: evaluated.local_day,
            event,
            candidates: evaluated.candidates.clone(),
        }
    }

    /// How far back a grant counts in a cap, in milliseconds.
    pub(crate) fn caps_window_ms(&self) -> i64 {
        caps_window_ms(&self.policy)
    }

    /// What a member whom this version evaluated has used of its caps, by what it got before.
    pub(crate) fn caps(&self, member: i64, evaluated: &Evaluated, past: &PastGrants) -> CapUse {
        let left_out = left_out(&evaluated.failed, &evaluated.waiting);
        let facts = self.guards.read_all(&evaluated.frame, &left_out);
        cap_use(&self.policy, &facts, past, member, UnixMs(evaluated.at))
    }

    /// As [`Version::asking`], before it is asked.
    pub(crate) fn foreseen<'a>(
        &'a self,
        member: i64,
        evaluated: &'a Evaluated,
        event: Option<&'a str>,
    ) -> Foreseen<'a> {
        let Evaluated { local_day, candidates, .. } = evaluated;
        Foreseen { policy: &self.policy, member, local_day: *local_day, event, candidates }
    }

    /// What plugins are told of a moment.
    #[must_use]
    pub fn context(&self, at: i64) -> Context {
        let local_min = self.clock.local_ms(at).div_euclid(60_000);
        Context { now: at, local_min, seed: self.playbook.seed }
    }

    /// Number of the cycle that a moment falls into.
    #[must_use]
    pub fn cycle(&self, at: i64) -> i64 {
        cycle_number(self.context(at).local_min, self.playbook.cycle.length_days)
    }

    /// Folds a member's record and takes it through all stages.
    ///
    /// # Errors
    /// [`EvaluateError`].
    pub fn evaluate(
        &self,
        member: &str,
        record: &Record,
        at: i64,
    ) -> Result<Evaluated, EvaluateError> {
        let context = self.context(at);
        let record = record.read(member, &self.plan, &self.places)?;
        let mut rows = MemberRows {
            frame: self.plan.fold(record, at)?,
            previous: vec![Frame::with_rows(1), Frame::with_rows(1)],
            keys: vec![self.key(member)],
        };
        let said = self.evaluation.evaluate(&context, &mut rows).inspect_err(|error| {
            error.stage_at_fault().into_iter().for_each(|stage| self.watch.failed(stage));
        })?;
        said.skipped.iter().for_each(|(stage, _)| self.watch.failed_at(*stage));
        let left_out = left_out(&said.skipped, &said.waiting);
        let guards = self.guards.read(&rows.frame, &said.candidates, &left_out);
        Ok(Evaluated {
            at,
            local_day: context.local_day(),
            cycle: cycle_number(context.local_min, self.playbook.cycle.length_days),
            frame: rows.frame,
            candidates: said.candidates,
            guards,
            failed: said.skipped,
            waiting: said.waiting,
        })
    }
}
