//! A version of a brand's playbook, opened: everything that a decision needs beside the member. It never changes; a swap
//! puts another one in its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use playbook_cycle::{
    Asking, Candidate, CapUse, CycleError, Evaluation, FactColumns, FactPlan, Foreseen, LiveMoney,
    MemberRows, MoneyRole, Policy, Prepared, StageFuel, StageGround, Watch, budget_plan, cap_use,
    caps_window_ms, cycle_number, spenders,
};
use playbook_features::{
    BrandClock, ConsentState, FoldError, MemberPlan, MemberRecord, MemberRequest, SaidOf, Unfit,
    UnknownTimeZone, holds_ages,
};
use playbook_ledger::{BudgetPlan, GroupWork, Ledger, LedgerError, PastGrants, Turn};
use playbook_model::{
    Cells, Column, Context, DataClass, Digest, Fault, Frame, LawTrack, LocalTime, OnFault,
    Playbook, SourceTable, UnixMs,
};

use crate::breaker::Breakers;
use crate::cache::Cache;
use crate::columns::TableColumns;
use crate::counts::StageStates;
use crate::epochs::{Epochs, Erasing, Pending, first_key};
use crate::facts::{StageFacts, VersionFacts};
use crate::grants::{ActionTerms, TermsOf, terms_of};
use crate::pace::Pace;
use crate::packed::Unreadable;
use crate::previous::Previous;
use crate::record::{FieldPlaces, Record};
use crate::stages::{StageState, StageWatch, Watched};
use crate::store::ConsentRow;
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
    /// What closed cycles left cannot be read.
    #[error("what closed cycles left of the member cannot be read")]
    Previous(#[source] LedgerError),
    /// A stage that closes on faults, or a host's fault.
    #[error(transparent)]
    Cycle(#[from] CycleError),
}

impl EvaluateError {
    /// Whether a stage failed that closes on faults.
    pub(crate) fn is_of_a_stage(&self) -> bool {
        matches!(self, Self::Cycle(error) if error.stage_at_fault().is_some())
    }
}

/// Purposes that a member has refused since a moment, that moment included, and not granted again: nothing is done today against
/// a no of today, as of whatever moment it is decided. Of several accounts, what one refused no other one grants.
fn refused_since(record: &MemberRecord<'_>, at: i64) -> Vec<String> {
    let later = || {
        let answers = record.consents.iter();
        answers.filter_map(|said| Some((said, said.time.filter(|time| *time >= at)?)))
    };
    let is_last = |said: &SaidOf<'_>, time: i64| {
        !later().any(|(other, then)| {
            let is_same = other.account == said.account && other.purpose == said.purpose;
            is_same && then > time && other.state == ConsentState::Granted
        })
    };
    later()
        .filter(|(said, _)| matches!(said.state, ConsentState::First | ConsentState::Refused))
        .filter(|(said, time)| is_last(said, *time))
        .map(|(said, _)| said.purpose.to_owned())
        .collect()
}

/// The flag of a purpose that a member does not consent to.
fn no_consent(purpose: &str) -> Column {
    let (name, cells) = (format!("consent.{purpose}"), Cells::Small(vec![0]));
    Column { name, unit: String::new(), cells, valid: None }
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
    epochs: Arc<Epochs>,
    events: TableColumns,
    members: TableColumns,
    consents: TableColumns,
    identities: TableColumns,
    plan: MemberPlan,
    places: FieldPlaces,
    evaluation: Evaluation,
    policy: Policy,
    guards: FactPlan,
    budget: BudgetPlan,
    watch: StageWatch,
    pace: Pace,
    actions: TermsOf,
    previous: Previous,
}

/// The plugin of a stage, and how it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginStatus {
    /// Stage of the playbook.
    pub stage: String,
    /// Kind of its plugin.
    pub kind: String,
    /// Name of its plugin.
    pub plugin: String,
    /// Version of its plugin.
    pub version: String,
    /// Digest of its component.
    pub component: String,
    /// What a fault does.
    pub on_fault: OnFault,
    /// How it does.
    pub state: StageState,
    /// Calls since the version was opened.
    pub calls: u64,
    /// Of these, how many failed.
    pub faults: u64,
    /// Mean fuel of a call.
    pub mean_fuel: u64,
    /// What happened last, where something did.
    pub last_fault: Option<String>,
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
    /// Fuel of each stage that was asked.
    pub fuel: StageFuel,
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
            rules: &playbook.guardrails,
            clock: clock.clone(),
        })
        .map_err(VersionError::Unfit)?;
        let frame =
            plan.fold(playbook_features::MemberRecord::default(), 0).map_err(VersionError::Fold)?;
        let features = frame.columns().len();
        let previous = Previous::new(stages, closed, &playbook.id);
        let like = MemberRows { frame, previous: previous.without_values(), keys: vec![0] };
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
        let facts = VersionFacts::new(
            &playbook,
            stages,
            (closed, &grounds),
            (features, evaluation.gives()),
        );
        let watched = evaluation.stages().map(|(at, name, waits)| {
            let stage = stages.iter().find(|stage| stage.position == at);
            let stage = stage.expect("stages are opened of these");
            let called = (stage.plugin.digest().hex(), Digest::of(stage.settings.as_bytes()));
            let names = [name, &stage.about.name].map(str::to_owned);
            Watched::new((at, names, called), stage.def.on_fault, waits)
        });
        let whose = [playbook.brand.clone(), playbook.id.clone()];
        let watch = StageWatch::new(facts.digest(), whose, watched.collect());
        Ok(Self {
            salt: format!("{}\0{}", playbook.brand, playbook.pseudonym_salt),
            epochs: Arc::default(),
            budget: budget_plan(&playbook),
            places: FieldPlaces::new(&plan, |field| {
                let features = playbook.features.iter();
                let of_members = features.filter(|feature| feature.subject.0 == "member");
                holds_ages(&playbook.guardrails, of_members, field)
            }),
            facts,
            clock,
            events,
            members,
            consents: TableColumns::new(&playbook, SourceTable::Consents),
            identities: TableColumns::new(&playbook, SourceTable::Identities),
            plan,
            evaluation,
            policy,
            guards,
            watch,
            pace: Pace::default(),
            actions: terms_of(stages),
            previous,
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

    /// Columns of verified keys of accounts.
    #[must_use]
    pub fn identities(&self) -> &TableColumns {
        &self.identities
    }

    /// The class of a field of a table (domain H5).
    #[must_use]
    pub fn class_of(&self, table: SourceTable, field: &str) -> DataClass {
        self.playbook.class_of(table, field)
    }

    /// Whether some field is of a class that is withheld.
    #[must_use]
    pub fn has_withheld_fields(&self) -> bool {
        let mut rows = self.playbook.sources.iter().flat_map(|source| &source.mapping);
        rows.any(|row| row.class.is_withheld())
    }

    /// Whether a member was to be judged by its own clock, and nobody knows its zone.
    pub(crate) fn lacks_zone(&self, evaluated: &Evaluated) -> bool {
        let is_own = |column: &playbook_model::Column| column.integer(0) == Some(1);
        self.playbook.guardrails.time_zone_feature.is_some()
            && !evaluated.frame.column(LocalTime::IS_OWN).is_some_and(is_own)
    }

    /// How its stages do.
    #[must_use]
    pub fn stage_states(&self) -> StageStates {
        self.watch.states()
    }

    /// From now on its breakers are those of a brand, it reads what the brand's closed cycles left, and it knows by an id whom the
    /// brand does.
    pub(crate) fn join(
        &mut self,
        breakers: &Arc<Breakers>,
        (ledger, cache): (&Arc<Ledger>, &Arc<Cache>),
        epochs: &Arc<Epochs>,
    ) {
        self.watch.join(breakers);
        self.previous.join(ledger, cache);
        self.epochs = Arc::clone(epochs);
    }

    /// What its stages read of closed cycles.
    pub(crate) fn previous(&self) -> &Previous {
        &self.previous
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(crate) fn watch(&self) -> &StageWatch {
        &self.watch
    }

    /// The plugins of its stages, and how they do.
    #[must_use]
    pub fn plugins(&self) -> Vec<PluginStatus> {
        let calls: BTreeMap<usize, (u64, u64, u64)> = self
            .evaluation
            .calls()
            .map(|(at, calls, faults, fuel)| (at, (calls, faults, fuel)))
            .collect();
        let status = |stage: &StageFacts| {
            let (state, watched) = self.watch.state_at(stage.position);
            let (calls, faults, fuel) = calls.get(&stage.position).copied().unwrap_or_default();
            let def = self.playbook.stages.get(stage.position);
            PluginStatus {
                stage: stage.name.clone(),
                kind: stage.kind.clone(),
                plugin: stage.plugin.clone(),
                version: stage.version.clone(),
                component: stage.component.clone(),
                on_fault: def.map_or(OnFault::Close, |def| def.on_fault),
                state,
                calls,
                faults,
                mean_fuel: fuel.checked_div(calls).unwrap_or(0),
                last_fault: watched.and_then(Watched::last_fault),
            }
        };
        self.facts.stages.iter().map(status).collect()
    }

    /// The pseudonym of the member whom an id names: one of its accounts.
    #[must_use]
    pub fn key(&self, member: &str) -> i64 {
        self.key_by(&self.epochs, member)
    }

    /// As [`Version::key`], where these ids were erased and these accounts joined.
    pub(crate) fn key_by(&self, epochs: &Epochs, member: &str) -> i64 {
        epochs.key(&self.salt, member, &Pending::default())
    }

    /// The pseudonym of the account that an id names, whomever it belongs to.
    pub(crate) fn own_key(&self, account: &str) -> i64 {
        self.epochs.own_key(&self.salt, account, &[])
    }

    /// As [`Version::own_key`], after what a group did that is not on disk yet.
    pub(crate) fn own_key_after(&self, account: &str, pending: &Pending) -> i64 {
        self.epochs.own_key(&self.salt, account, &pending.erasing)
    }

    /// The member that an account belongs to, after what a group did that is not on disk yet.
    pub(crate) fn person_after(&self, account: i64, pending: &Pending) -> i64 {
        let link = self.epochs.links().of(account, &pending.linking);
        link.map_or(account, |(person, _)| person)
    }

    /// The member's accounts beside that whose id is its own. Empty for nearly all, and takes no memory then.
    pub(crate) fn accounts(&self, member: i64) -> Vec<i64> {
        self.epochs.links().accounts(member, &[])
    }

    /// As [`Version::accounts`], after what a group did that is not on disk yet.
    pub(crate) fn accounts_after(&self, member: i64, pending: &Pending) -> Vec<i64> {
        self.epochs.links().accounts(member, &pending.linking)
    }

    /// Writes that the id of an account was erased.
    pub(crate) fn erases(
        &self,
        rows: &mut GroupWork<'_, '_>,
        account: &str,
        pending: &[Erasing],
    ) -> Result<Erasing, LedgerError> {
        self.epochs.put(rows, (&self.salt, account), pending)
    }

    /// The same for every request to erase an id, whoever has it.
    pub(crate) fn first_key(&self, member: &str) -> i64 {
        first_key(&self.salt, member)
    }

    /// Whom ids name.
    pub(crate) fn epochs(&self) -> &Arc<Epochs> {
        &self.epochs
    }

    /// What the playbook says of an action.
    pub(crate) fn action(&self, stage: u16, action: u16) -> Option<&ActionTerms> {
        self.actions.get(&(stage, action))
    }

    /// The purpose of an action by its names, where it has one; `None`: there is no such action.
    pub(crate) fn purpose_of(&self, stage: &str, action: &str) -> Option<Option<&str>> {
        let known =
            self.actions.values().find(|known| known.stage == stage && known.name == action);
        known.map(|known| known.purpose.as_deref())
    }

    /// Whether a member of a track who gave these answers, each by one of its accounts, consents to a purpose at a moment, answers of
    /// that moment included.
    pub(crate) fn consents_to(
        &self,
        answers: &[(usize, ConsentRow)],
        of: (&str, Option<LawTrack>),
        at: i64,
    ) -> bool {
        let read = answers.iter().map(|(account, row)| SaidOf {
            account: *account,
            purpose: row.purpose.as_str(),
            state: ConsentState::of(Some(&row.state)),
            time: row.time,
        });
        let read: Vec<SaidOf<'_>> = read.collect();
        self.plan.consents_to(&read, of, at.saturating_add(1)) == Some(true)
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

    /// Whether another version may decide on some members beside this one, and why not: both have one calendar and one budget.
    pub(crate) fn shares_with(&self, other: &Self) -> Result<(), String> {
        let (now, then) = (&self.playbook, &other.playbook);
        if now.time_zone != then.time_zone || now.cycle.length_days != then.cycle.length_days {
            return Err("it counts cycles otherwise than the version that decides; two calendars \
                        cannot share one budget"
                .to_owned());
        }
        let pools = other.budget.plugins.iter().filter_map(|plugin| plugin.pool.as_ref());
        match pools.filter(|pool| !self.budget.pools.contains_key(*pool)).min() {
            None => Ok(()),
            Some(pool) => Err(format!(
                "its pool `{pool}` is not in the budget of the version that decides, which both share"
            )),
        }
    }

    /// The money of a cycle in the ledger of a turn. Stages of a candidate draw on the same budget.
    pub(crate) fn money(
        &self,
        turn: &Turn<'_>,
        (cycle, role): (i64, MoneyRole),
        candidate: Option<&Self>,
        at: UnixMs,
    ) -> Result<LiveMoney, LedgerError> {
        let mut plan = self.budget.clone();
        for more in candidate.into_iter().flat_map(|candidate| &candidate.budget.plugins) {
            if plan.plugins.iter().all(|known| known.stage != more.stage) {
                plan.plugins.push(more.clone());
            }
        }
        LiveMoney::open(turn, plan, cycle, self.digest(), (at, role))
    }

    /// What the money is asked for a member with further accounts whom this version evaluated.
    pub(crate) fn asking<'a>(
        &'a self,
        (member, accounts): (i64, &'a [i64]),
        evaluated: &'a Evaluated,
        event: Option<&'a str>,
    ) -> Asking<'a> {
        Asking {
            policy: &self.policy,
            facts: &evaluated.guards,
            member,
            accounts,
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
    pub(crate) fn caps(&self, evaluated: &Evaluated, past: &PastGrants) -> CapUse {
        let left_out = left_out(&evaluated.failed, &evaluated.waiting);
        let facts = self.guards.read_all(&evaluated.frame, &left_out, UnixMs(evaluated.at));
        cap_use(&self.policy, &facts, past, UnixMs(evaluated.at))
    }

    /// As [`Version::asking`], before it is asked.
    pub(crate) fn foreseen<'a>(
        &'a self,
        (member, accounts): (i64, &'a [i64]),
        evaluated: &'a Evaluated,
        event: Option<&'a str>,
    ) -> Foreseen<'a> {
        let Evaluated { local_day, candidates, .. } = evaluated;
        Foreseen {
            policy: &self.policy,
            member,
            accounts,
            local_day: *local_day,
            event,
            candidates,
        }
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
        self.evaluated(member, record, at, (&mut self.watch.gate(), true))
    }

    /// As [`Version::evaluate`], where nobody gets the answer: breakers stand aside, and faults say nothing of how its stages do.
    pub(crate) fn evaluate_aside(
        &self,
        member: &str,
        record: &Record,
        at: i64,
    ) -> Result<Evaluated, EvaluateError> {
        self.evaluated(member, record, at, (&mut (), false))
    }

    fn evaluated(
        &self,
        member: &str,
        record: &Record,
        at: i64,
        (watch, has_effect): (&mut impl Watch, bool),
    ) -> Result<Evaluated, EvaluateError> {
        let context = self.context(at);
        let (key, cycle) = (self.key(member), self.cycle(at));
        let record = record.read(member, &self.plan, &self.places)?;
        let refused = if has_effect { refused_since(&record, at) } else { Vec::new() };
        let mut frame = self.plan.fold(record, at)?;
        for column in refused.iter().map(|purpose| no_consent(purpose)) {
            // Of purposes that no action names there is no column.
            if frame.column(&column.name).is_some() {
                frame.push(column);
            }
        }
        let mut rows = MemberRows {
            frame,
            previous: self.previous.of(key, cycle).map_err(EvaluateError::Previous)?,
            keys: vec![key],
        };
        let said = self.evaluation.evaluate_watched(&context, &mut rows, watch)?;
        let left_out = left_out(&said.skipped, &said.waiting);
        let guards = self.guards.read(&rows.frame, &said.candidates, &left_out, UnixMs(at));
        Ok(Evaluated {
            at,
            local_day: context.local_day(),
            cycle,
            frame: rows.frame,
            candidates: said.candidates,
            guards,
            failed: said.skipped,
            waiting: said.waiting,
            fuel: said.fuel,
        })
    }
}
