//! The one writer of a brand: takes what comes in order of arrival, decides and writes it in commit groups, and answers
//! when a group is on disk. No lock and no retry: whatever decisions rest on is in its memory.

mod together;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use playbook_cycle::{Decided, LiveGroup, LiveMoney, MoneyRole};
use playbook_ledger::store::OnRow;
use playbook_ledger::{Closure, CycleRef, Ledger, LedgerError, SettleAnswer, Turn};
use playbook_model::{Digest, Playbook, UnixMs};
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};
use tracing::info_span;

pub(crate) use self::together::tell_last_effect;

use crate::access::{AccessGrant, AccessJob, step};
use crate::accounts::{Identity, PartJob, erase_identities, identify, may_identify, part};
use crate::alerts::{Alert, Alerts, ChangeAlert, Written};
use crate::brand::Now;
use crate::cache::Cache;
use crate::candidate::micros_since;
use crate::claims::{self, ClaimJob};
use crate::counts::{Counts, Number, Presence, Tally, WriterState, writer_alarm};
use crate::decision::Kept;
use crate::epochs::Pending;
use crate::error::OnlineError;
use crate::foresee::foresee;
use crate::freezes::{Freeze, FreezeJob, freeze};
use crate::grants::{Followed, close_grant, end_due, follow_up, read_next_end};
use crate::made::{Made, put_made};
use crate::moves::Moves;
use crate::notes::Notes;
use crate::once::{Known, Step};
use crate::overtaken::{Overtaken, Seen};
use crate::previous::{self, SetJob};
use crate::record::Packed;
use crate::refunds::{Refund, find_order, refunded_before, refused_by_refund, take_back};
use crate::requests::{MoneyRequest, MoneyRequestJob, money_request};
use crate::reviews::{ReviewJob, decide_review, read_last_review};
use crate::store::{
    BRAND, ConsentRow, MemberRow, ReadRows as _, put_bytes, put_new_member, put_value, put_version,
    read_decision, read_last_effect, read_member, read_record, read_value, space,
};
use crate::version::{Evaluated, Version};
use crate::versions::Source;
use crate::webhook::kept::{self, WebhookJob};
use crate::withdrawn::{end_unconsented, takes_back};

/// Requests that wait at most; more are refused at once.
const QUEUE_MAX: u64 = 4_096;
/// Requests of one commit group at most.
const GROUP_MAX: u64 = 1_024;
/// A group takes half of those who wait, or so many. Where it takes all, clients that wait for their answers come again all at once:
/// evaluations stand still during a commit and the writer during evaluations (a convoy), and neither keeps up.
const GROUP_WHOLE: u64 = 16;
/// Moments of one commit group lie this close together: a group has one time.
const GROUP_MS: i64 = 1_000;
/// How long the writer waits for a request before it looks around.
const IDLE: Duration = Duration::from_secs(60);
/// How long it waits after a commit that failed, before it tries by itself: a host that is not ready is sent no requests.
const RETRY: Duration = Duration::from_secs(2);
/// Cycles whose money is held.
const CYCLES_HELD: usize = 3;

/// Sends an answer once its group is on disk.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, OnlineError>>;

/// A request for the writer.
pub(crate) enum Job {
    Events(Vec<NewEvent>, Reply<Vec<EventFate>>),
    Member(Box<MemberJob>, Reply<()>),
    /// An account is parted from the others of its member.
    Part(Box<PartJob>, Reply<()>),
    /// Answered with none where the member was changed since, so that it is evaluated anew: by another host, or because it
    /// took back a consent or was erased.
    Decide(Box<DecideJob>, Reply<Option<DecisionAnswer>>),
    Close(Box<CloseJob>, Reply<SettleAnswer>),
    /// A person decides on a review.
    Review(Box<ReviewJob>, Reply<()>),
    /// A person asks for access to data, or another one answers.
    Access(Box<AccessJob>, Reply<AccessGrant>),
    /// A person freezes a stage or the brand, or ends that.
    Freeze(Box<FreezeJob>, Reply<Freeze>),
    /// Somebody asks for money for a pool, or answers that.
    Money(Box<MoneyRequestJob>, Reply<MoneyRequest>),
    /// Grants whose time is over are released.
    End,
    /// Everything that is kept of a member goes.
    Erase(String, DecisionKey, Reply<Option<ErasedOf>>),
    /// A version is kept, to be made the one that decides some day.
    Keep(Arc<Version>, Box<Source>, Reply<()>),
    /// This host does some work for the brand, or not any more.
    Claim(ClaimJob, Reply<bool>),
    /// Outputs of a closed cycle are kept, or go.
    Set(SetJob, Reply<u64>),
    /// How far the webhook is, or what it is to send again.
    Webhook(WebhookJob, Reply<bool>),
    /// Something is written: what waits beside requests, or to see whether that is possible.
    Try,
    /// An alert is seen, or closed.
    ChangeAlert(Box<ChangeAlert>, Reply<Alert>),
    /// Decisions rest on another version from now on.
    Version(Arc<Version>, Box<Step>, Reply<()>),
    /// Decisions rest on the version of this activation of another host from now on.
    Follow(Arc<Version>, u64, Reply<()>),
    /// There is another candidate from now on, or none.
    Candidate(Option<Arc<Version>>, Known, Reply<()>),
}

impl Job {
    /// Whether it leaves anything in the store.
    fn writes(&self) -> bool {
        match self {
            Self::Decide(job, _) => job.request.is_some(),
            Self::Follow(..) | Self::Candidate(_, Known::Already(_), _) => false,
            _ => true,
        }
    }
}

/// An event of a member.
#[derive(Debug)]
pub(crate) struct NewEvent {
    pub(crate) account: i64,
    pub(crate) member_id: Arc<str>,
    pub(crate) id: String,
    pub(crate) refund: Option<Refund>,
    pub(crate) bytes: Vec<u8>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFate {
    /// It is kept.
    Accepted,
    /// It was kept before.
    Duplicate,
    /// Another event of the member has its id.
    OtherEvent,
    /// The member has more events than a record may hold.
    RecordFull,
    /// It refunds an order that the member did not pay, as far as is known.
    WithoutOrder,
}

/// Changes of a member's profile and consents.
#[derive(Debug)]
pub(crate) struct MemberJob {
    pub(crate) account: i64,
    pub(crate) id: String,
    /// Fields to set; those that are not named stay.
    pub(crate) profile: Vec<(String, crate::packed::Kept)>,
    pub(crate) consents: Vec<ConsentRow>,
    pub(crate) identities: Vec<Identity>,
    /// Digest of the request's key, and of the request.
    pub(crate) request: (DecisionKey, Digest),
}

/// A decision to be made.
#[derive(Debug)]
pub(crate) struct DecideJob {
    pub(crate) version: Arc<Version>,
    pub(crate) member: i64,
    /// Further accounts of the member.
    pub(crate) accounts: Vec<i64>,
    pub(crate) member_id: String,
    pub(crate) evaluated: Evaluated,
    pub(crate) event: Option<String>,
    /// The person who asks for it, where one does.
    pub(crate) by: Option<String>,
    /// Digest of the request's key, and of the request; `None`: a look without effect.
    pub(crate) request: Option<(DecisionKey, Digest)>,
    /// Last note of other hosts that had been heard before the member's record was taken.
    pub(crate) heard: u64,
    /// Last step of [`Overtaken`] that had been seen before.
    pub(crate) seen: u64,
}

/// Digest of the key under which a decision was asked for, shortened: it is compared among those of one member.
pub(crate) type DecisionKey = [u8; 16];

/// A decision, and whether it was made before.
#[derive(Debug)]
pub(crate) struct DecisionAnswer {
    pub(crate) kept: Kept,
    pub(crate) is_repeated: bool,
    /// The member, or its account, under which it is kept.
    pub(crate) of: i64,
    /// Whether that is another account.
    pub(crate) is_joined: bool,
}

/// What an erasure took away, and the ids that it erased.
#[derive(Debug)]
pub(crate) struct ErasedOf {
    pub(crate) said: Erased,
    /// Empty where it was done before.
    pub(crate) ids: Vec<String>,
}

/// What an erasure took away. Entries of the ledger stay: they name the member by pseudonym alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Unix-ms.
    pub at: i64,
    /// Events.
    pub events: u64,
    /// Answers about consents.
    pub consents: u64,
    /// Decisions.
    pub decisions: u64,
    /// Digest that proves it: it is kept, and what it is made of names nobody.
    pub receipt: String,
}

/// A grant to be settled or released.
#[derive(Debug)]
pub(crate) struct CloseJob {
    pub(crate) member: i64,
    pub(crate) cycle: CycleRef,
    pub(crate) key: Digest,
    pub(crate) closure: Closure,
}

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    pub(crate) counts: Arc<Counts>,
    /// Last step that records in memory have: see [`Overtaken`].
    pub(crate) seen: Seen,
}

impl Queue {
    /// Starts the writer's thread.
    pub(crate) fn start(
        ledgers: (Ledger, Arc<Ledger>),
        version: Arc<Version>,
        cache: Arc<Cache>,
        (now, effects): (Now, watch::Sender<u64>),
        (notes, activation): (Option<Arc<Notes>>, u64),
        marks: Marks,
        alerts: &Arc<Alerts>,
    ) -> Self {
        // Bounded by the count of those who wait: a bounded channel has room for all of them from the beginning.
        let (sender, jobs) = channel();
        let (ledger, reader) = ledgers;
        let counts = Arc::new(Counts::default());
        let (money, of_writer) = (BTreeMap::new(), Arc::clone(&counts));
        let seen = Seen::default();
        let writer = Writer {
            ledger: Arc::new(ledger),
            reader,
            version,
            candidate: None,
            cache,
            now,
            effects,
            marks,
            money,
            notes,
            activation,
            counts: of_writer,
            alerts: Arc::clone(alerts),
            overtaken: Overtaken::new(&seen),
        };
        let presence = Presence { counts: Arc::clone(&counts), alerts: Arc::clone(alerts) };
        let thread = std::thread::Builder::new().name("writer".to_owned());
        let thread = thread.spawn(move || {
            let _present = presence;
            writer.run(&jobs);
        });
        let thread = thread.expect("a thread can be started");
        Self { sender: Some(sender), thread: Some(thread), counts, seen }
    }

    /// Hands a request over and waits for its answer.
    pub(crate) async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, OnlineError> {
        self.send(job)?.await.map_err(|_| unanswered())?
    }

    /// Has the writer write: what waits beside requests, or to see whether that is possible. Where it is busy it does so anyway.
    pub(crate) fn nudge(&self) {
        if let Some(sender) = &self.sender
            && self.counts.waits(QUEUE_MAX)
            && sender.send(Job::Try).is_err()
        {
            self.counts.waited();
        }
    }

    fn send<T>(
        &self,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Result<oneshot::Receiver<Result<T, OnlineError>>, OnlineError> {
        let (reply, answer) = oneshot::channel();
        let sender = self.sender.as_ref().ok_or(OnlineError::Stopping)?;
        // Before it is there: the writer takes it at once.
        if !self.counts.waits(QUEUE_MAX) {
            self.counts.add(Number::TurnedAway, 1);
            return Err(OnlineError::Busy);
        }
        sender.send(job(reply)).map_err(|_| {
            self.counts.waited();
            OnlineError::Stopping
        })?;
        Ok(answer)
    }

    /// As [`Queue::ask`], for threads that may wait.
    pub(crate) fn ask_and_wait<T>(
        &self,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Result<T, OnlineError> {
        self.send(job)?.blocking_recv().map_err(|_| unanswered())?
    }
}

/// The writer let a request go: the group that it stood in failed before its turn came.
fn unanswered() -> OnlineError {
    OnlineError::Commit("another request of the group failed".to_owned())
}

impl Drop for Queue {
    /// Lets the writer finish what waits.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

struct Writer {
    ledger: Arc<Ledger>,
    /// Reads what is committed: nobody may see an event of a group that fails.
    reader: Arc<Ledger>,
    version: Arc<Version>,
    /// The candidate: its stages draw on the same budget.
    candidate: Option<Arc<Version>>,
    cache: Arc<Cache>,
    now: Now,
    /// Tells the number of the last effect that is on disk.
    effects: watch::Sender<u64>,
    marks: Marks,
    money: BTreeMap<i64, LiveMoney>,
    /// What hosts that share the store tell each other; `None`: this one is alone.
    notes: Option<Arc<Notes>>,
    /// Number of the activation whose version decides here.
    activation: u64,
    counts: Arc<Counts>,
    alerts: Arc<Alerts>,
    overtaken: Overtaken,
}

/// Sends an answer that was worked out in a group, or the group's failure.
type Answer = Box<dyn FnOnce(Result<(), &str>)>;

/// How far numbers have come that the writer gives out, and when it has something to do by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Number of the last effect.
    pub(crate) last_effect: u64,
    /// Number of the last review.
    pub(crate) last_review: u64,
    /// When the next grant ends, unix-ms.
    pub(crate) next_end: Option<i64>,
    /// The last change of a profile: see [`MemberRow::changed`].
    last_change: i64,
}

impl Marks {
    /// As the last writer left them.
    pub(crate) fn read(ledger: &Ledger) -> Result<Self, LedgerError> {
        Ok(Self {
            last_effect: read_last_effect(&mut &*ledger)?,
            last_review: read_last_review(ledger)?,
            next_end: read_next_end(ledger)?,
            last_change: 0,
        })
    }
}

/// What a group did: how to answer, and what to change in the cache.
#[derive(Default)]
pub(crate) struct Done {
    answers: Vec<Answer>,
    changes: Vec<(i64, Change)>,
    /// The writer's clock, unix-ms: of one moment for the whole group.
    pub(crate) now: i64,
    /// The marks with what the group did.
    pub(crate) marks: Marks,
    /// Decisions, in order.
    made: Vec<Made>,
    /// By how many the number of members changed.
    members: i64,
    /// Number of the last activation, that of the group included.
    activation: u64,
    /// Number of the note that the group left for other hosts.
    note: Option<u64>,
    pub(crate) tally: Tally,
    /// What it did to alerts.
    alerts: Written,
    /// Alerts that were seen or closed, with their places.
    took: Vec<(u16, Alert)>,
    /// Members who took back a consent or were erased.
    overtaken: Vec<i64>,
    /// Ids that it erased, and accounts that it joined or parted.
    pub(crate) ids: Pending,
}

/// What a group reads and changes beside the ledger.
struct Beside<'a> {
    cache: &'a Cache,
    reader: &'a Ledger,
    alerts: &'a Alerts,
    notes: Option<&'a Notes>,
    /// The version that decides.
    version: &'a Version,
    overtaken: &'a Overtaken,
}

/// Applies to the record of a member, where that is in memory, what a group did to it.
type Change = Box<dyn FnOnce(&Cache)>;

impl Done {
    /// Notes a change of a member's record.
    fn changes(&mut self, member: i64, change: impl FnOnce(&Cache) + 'static) {
        self.changes.push((member, Box::new(change)));
    }

    /// Notes that a member is another one than before: its record is read anew, and what was evaluated of it is evaluated anew.
    pub(crate) fn overtakes(&mut self, member: i64) {
        self.overtaken.push(member);
        self.changes(member, move |cache| cache.forget(member));
    }

    /// Notes by how many the number of members changed.
    pub(crate) fn count_members(&mut self, more: i64) {
        self.members += more;
    }

    /// The number of a change of a profile, after all before it; made of the clock, so that it ascends over hosts, too.
    fn next_change(&mut self) -> i64 {
        let last = self.marks.last_change.saturating_add(1);
        self.marks.last_change = self.now.saturating_mul(1_000).max(last);
        self.marks.last_change
    }
}

fn answer<T: 'static>(reply: Reply<T>, result: Result<T, OnlineError>) -> Answer {
    Box::new(move |committed| {
        let result = match committed {
            Ok(()) => result,
            Err(why) => Err(OnlineError::Commit(why.to_owned())),
        };
        // Whoever asked may have gone.
        let _ = reply.send(result);
    })
}

/// Requests of a commit group at most, where so many wait.
fn group_max(waiting: u64) -> u64 {
    (waiting / 2).clamp(GROUP_WHOLE, GROUP_MAX)
}

impl Writer {
    fn run(mut self, jobs: &Receiver<Job>) {
        let (mut held, mut looked): (Option<Job>, _) = (None, Instant::now());
        loop {
            if self.notes.is_some() && looked.elapsed() >= IDLE {
                looked = Instant::now();
                self.alerts.look(&mut &*self.reader);
            }
            let first = match held.take() {
                Some(job) => job,
                None => match jobs.recv_timeout(self.patience()) {
                    Ok(job) => {
                        self.counts.waited();
                        job
                    }
                    Err(RecvTimeoutError::Timeout) if self.fails() || self.is_unseen() => Job::Try,
                    Err(RecvTimeoutError::Timeout) if self.has_due() => Job::End,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return,
                },
            };
            let most = group_max(self.counts.waiting());
            let mut group = vec![first];
            let mut place = Place::of(&group[0]);
            while (group.len() as u64) < most
                && let Ok(job) = jobs.try_recv()
            {
                self.counts.waited();
                match place.joined(&Place::of(&job)) {
                    Some(joined) => {
                        place = joined;
                        group.push(job);
                    }
                    None => {
                        held = Some(job);
                        break;
                    }
                }
            }
            self.take(group, &place);
        }
    }

    fn fails(&self) -> bool {
        self.counts.writer() == WriterState::Fails
    }

    /// Whether an alert is to be told again.
    fn is_unseen(&self) -> bool {
        self.alerts.next_escalation() <= (self.now)()
    }

    /// Whether a grant's time is over.
    fn has_due(&self) -> bool {
        self.marks.next_end.is_some_and(|end| end <= (self.now)())
    }

    fn patience(&self) -> Duration {
        if self.fails() {
            return RETRY;
        }
        // A clock that was set to another time is noticed within `IDLE`.
        let due = self.marks.next_end.into_iter().chain([self.alerts.next_escalation()]).min();
        let until = due.map(|due| due.saturating_sub((self.now)()).max(0));
        let until = until.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        until.map_or(IDLE, |until| until.min(IDLE))
    }

    /// Writes a group and answers.
    fn take(&mut self, group: Vec<Job>, place: &Place) {
        let now = (self.now)();
        let at = place.at.unwrap_or(now);
        let cycle = place.cycle.unwrap_or_else(|| self.version.cycle(at));
        let mut done =
            Done { now, marks: self.marks, activation: self.activation, ..Done::default() };
        let before = (Arc::clone(&self.version), self.candidate.clone());
        let (requests, begun) = (group.len() as u64, Instant::now());
        let Playbook { brand, id: playbook, .. } = before.0.playbook();
        let _span = info_span!("commit", brand, playbook, requests).entered();
        let written = self.write(group, cycle, UnixMs(at), &mut done);
        let written = written.or_else(|fault| self.asked(fault, &done));
        let micros = micros_since(begun);
        if let Err(error) = &written {
            tracing::error!(%error, brand = before.0.playbook().brand, "a commit group failed");
            (self.version, self.candidate) = before;
            self.money.clear();
            self.counts.failed(micros);
            self.alerts
                .raise(writer_alarm("commit", "a commit failed; the log of the host says why"));
        }
        if written.is_ok() {
            self.counts.committed(&done.tally, requests, micros);
            let changes = std::mem::take(&mut done.changes);
            // Before records are forgotten: who reads one afterwards reads all accounts of it.
            let epochs = self.version.epochs();
            done.ids.linking.iter().for_each(|(number, row)| epochs.links().note(*number, *row));
            self.apply(&done, changes);
            done.took.iter().for_each(|(place, alert)| self.alerts.took(*place, alert));
            let epochs = self.version.epochs();
            done.ids.erasing.iter().for_each(|(number, row)| epochs.note(*number, *row));
        }
        let told_again = self.alerts.wrote(std::mem::take(&mut done.alerts), written.is_ok(), now);
        self.counts.add(Number::AlertsEscalated, told_again);
        self.overtaken.note(&done.overtaken);
        let told = written.map_err(|error| error.to_string());
        done.answers
            .into_iter()
            .for_each(|answer| answer(told.as_ref().map(|()| ()).map_err(String::as_str)));
    }

    fn write(
        &mut self,
        group: Vec<Job>,
        cycle: i64,
        at: UnixMs,
        done: &mut Done,
    ) -> Result<(), LedgerError> {
        // Nobody else writes from here on.
        let ledger = Arc::clone(&self.ledger);
        let turn = ledger.turn()?;
        let mut role = self.catch_up(done)?;
        let Some(group) = self.switched(group, &mut role, done)? else { return Ok(()) };
        let Self { reader, version, candidate, cache, money, notes, alerts, overtaken, .. } = self;
        let notes = notes.as_deref();
        let beside = Beside { cache, reader, alerts, notes, version, overtaken };
        let versions = (&**version, candidate.as_deref());
        let live = held(money, &turn, versions, (cycle, role), at)?;
        let writes = group.iter().any(Job::writes);
        live.group(&turn, at, |live| {
            let first = done.marks.last_effect;
            beside.alerts.write(live.rows(), done.now, &mut done.alerts)?;
            if let Some(notes) = notes {
                foresee(live, &group, first, notes)?;
            }
            end_due(live, done)?;
            for job in group {
                one(live, job, &beside, done)?;
            }
            if done.marks.last_effect != first {
                let place = (space::LAST_EFFECT, BRAND, &b""[..]);
                put_value(live.rows(), place, &done.marks.last_effect, OnRow::Goes)?;
            }
            put_made(live.rows(), &done.made, done.members)?;
            let writes = writes || done.marks.last_effect != first;
            if let (Some(notes), true) = (notes, writes) {
                let members = done.changes.iter().map(|(member, _)| *member).collect();
                let said = (done.marks.last_effect, done.activation);
                done.note = Some(notes.leave(live.rows(), members, said)?);
            }
            Ok(())
        })
    }
}

/// The money of a cycle, opened where it is not held, for the version that decides and the candidate.
pub(crate) fn held<'m>(
    money: &'m mut BTreeMap<i64, LiveMoney>,
    turn: &Turn<'_>,
    (version, candidate): (&Version, Option<&Version>),
    (cycle, role): (i64, MoneyRole),
    at: UnixMs,
) -> Result<&'m mut LiveMoney, LedgerError> {
    if !money.contains_key(&cycle) {
        while money.len() >= CYCLES_HELD {
            money.pop_first();
        }
        money.insert(cycle, version.money(turn, (cycle, role), candidate, at)?);
    }
    let live = money.get_mut(&cycle).expect("it was just put there");
    live.takes(role);
    Ok(live)
}

/// Where a request stands in money and time; requests that do not ask for money stand anywhere.
#[derive(Debug, Clone, Copy)]
struct Place {
    cycle: Option<i64>,
    at: Option<i64>,
    /// Another version or candidate begins a group of its own.
    is_alone: bool,
}

impl Place {
    fn of(job: &Job) -> Self {
        let (cycle, at) = match job {
            Job::Decide(job, _) => (Some(job.evaluated.cycle), Some(job.evaluated.at)),
            Job::Version(_, step, _) => step.closing.moves.as_ref().and_then(Moves::place).unzip(),
            _ => (None, None),
        };
        let is_alone = matches!(job, Job::Version(..) | Job::Follow(..) | Job::Candidate(..));
        Self { cycle, at, is_alone }
    }

    /// Both in one group, where that can be.
    fn joined(&self, other: &Self) -> Option<Self> {
        if self.is_alone || other.is_alone {
            return None;
        }
        let (Some(cycle), Some(at)) = (self.cycle, self.at) else { return Some(*other) };
        let is_near = other.at.is_none_or(|other| (other - at).abs() <= GROUP_MS);
        let is_of_cycle = other.cycle.is_none_or(|other| other == cycle);
        (is_near && is_of_cycle).then_some(*self)
    }
}

/// Does one request of a group.
fn one(
    live: &mut LiveGroup<'_, '_, '_>,
    job: Job,
    beside: &Beside<'_>,
    done: &mut Done,
) -> Result<(), LedgerError> {
    match job {
        Job::Events(events, reply) => {
            let mut fates = Vec::with_capacity(events.len());
            for event in events {
                let fate = event_in(live, event, beside, done)?;
                done.tally.event(fate);
                fates.push(fate);
            }
            done.answers.push(answer(reply, Ok(fates)));
        }
        Job::Member(job, reply) => {
            let result = member_in(live, *job, beside.version, done)?;
            done.answers.push(answer(reply, result));
        }
        Job::Part(job, reply) => {
            let result = part(live, *job, beside.version, done)?;
            done.answers.push(answer(reply, result));
        }
        Job::Decide(job, reply) => {
            let is_stale = |notes: &Notes| notes.is_stale(job.member, job.heard);
            let is_stale = beside.notes.is_some_and(is_stale)
                || beside.overtaken.is_stale(job.member, job.seen)
                || done.overtaken.contains(&job.member);
            let result = match is_stale {
                true => Ok(None),
                false => decide(live, *job, done)?.map(Some),
            };
            done.answers.push(answer(reply, result));
        }
        Job::Close(job, reply) => {
            let result = close_grant(live, &job)?;
            done.answers.push(answer(reply, result));
        }
        Job::Review(job, reply) => {
            let result = decide_review(live, *job, beside.version, done)?;
            done.answers.push(answer(reply, result));
        }
        Job::Access(job, reply) => {
            let result = step(live.rows(), *job, done.now)?;
            done.answers.push(answer(reply, result));
        }
        Job::Freeze(job, reply) => {
            let result = freeze(live, beside.reader.brand(), *job, done)?;
            done.answers.push(answer(reply, result));
        }
        Job::Money(job, reply) => {
            let whose = (beside.reader.brand(), beside.version);
            let result = money_request(live, *job, whose, done)?;
            done.answers.push(answer(reply, result));
        }
        // They are released at the beginning of every group.
        Job::End => {}
        Job::Erase(id, key, reply) => {
            let erased = erase(live, &id, &key, beside.version, done)?;
            done.answers.push(answer(reply, Ok(erased)));
        }
        Job::Keep(version, source, reply) => {
            put_version(live.rows(), version.facts(), &source)?;
            done.answers.push(answer(reply, Ok(())));
        }
        Job::Webhook(job, reply) => {
            let result = kept::write(live.rows(), &job)?;
            done.answers.push(answer(reply, Ok(result)));
        }
        Job::Try => {
            let now = jiff::Timestamp::now().as_millisecond().to_be_bytes();
            put_bytes(live.rows(), (space::TRIES, BRAND, b""), &now, OnRow::Goes)?;
        }
        Job::ChangeAlert(request, reply) => {
            let took = beside.alerts.change(live.rows(), *request)?;
            done.took.extend(took.as_ref().ok().cloned());
            done.answers.push(answer(reply, took.map(|(_, alert)| alert)));
        }
        Job::Candidate(_, step, reply) => {
            if let Known::New(step) = step {
                step.write(live.rows())?;
            }
            done.answers.push(answer(reply, Ok(())));
        }
        Job::Claim(job, reply) => {
            let holds = claims::write(live.rows(), &job)?;
            done.answers.push(answer(reply, Ok(holds)));
        }
        Job::Set(job, reply) => {
            let result = previous::write(live.rows(), job)?;
            done.answers.push(answer(reply, result));
        }
        Job::Version(version, step, reply) => {
            previous::adopt(live.rows(), &version)?;
            step.write(live.rows())?;
            if let Some(moves) = &step.closing.moves {
                moves.book(live, step.activation.number, &mut done.tally)?;
            }
            done.answers.push(answer(reply, Ok(())));
        }
        Job::Follow(_, _, reply) => done.answers.push(answer(reply, Ok(()))),
    }
    Ok(())
}

fn event_in(
    live: &mut LiveGroup<'_, '_, '_>,
    event: NewEvent,
    beside: &Beside<'_>,
    done: &mut Done,
) -> Result<EventFate, LedgerError> {
    let NewEvent { member_id, id, refund, bytes, .. } = event;
    // Whoever had the id may have been erased since the request came, or joined.
    let version = beside.version;
    let account = version.own_key_after(&member_id, &done.ids);
    let member = version.person_after(account, &done.ids);
    let others = version.epochs().links().others(account, &done.ids.linking);
    let record = beside
        .cache
        .get(member, || read_record(&mut &*beside.reader, member, &version.accounts(member)))?;
    let rows = live.rows();
    let packed = Packed { id: &id, bytes: &bytes };
    if !record.has_room(&packed) {
        return Ok(EventFate::RecordFull);
    }
    let order = match &refund {
        None => None,
        Some(refund) => match find_order(rows, (account, &others), refund)? {
            None => return Ok(EventFate::WithoutOrder),
            order => order,
        },
    };
    if put_bytes(rows, (space::EVENTS, account, id.as_bytes()), &bytes, OnRow::Stays)? {
        let known = rows.one(space::EVENTS, account, id.as_bytes())?;
        let is_same = known.as_deref() == Some(&bytes);
        return Ok(if is_same { EventFate::Duplicate } else { EventFate::OtherEvent });
    }
    done.members += i64::from(put_new_member(rows, account, member_id.to_string())?);
    if let Some((refund, (owner, order))) = refund.as_ref().zip(order) {
        take_back(live, owner, (&id, refund, order), done)?;
    }
    if !others.is_empty() {
        done.changes(member, move |cache| cache.forget(member));
        return Ok(EventFate::Accepted);
    }
    done.changes(member, move |cache| {
        cache.apply(member, |record| {
            // It is there already where the record was read after the commit.
            if record.add(&Packed { id: &id, bytes: &bytes }).is_err() {
                tracing::error!(member, "a record in memory cannot be read");
            }
        });
    });
    Ok(EventFate::Accepted)
}

/// Takes away everything but entries of the ledger, of all accounts of a member, once under a key; `None`: there is no such member. The receipt lies
/// under a digest of key and member, which says of neither what it was.
fn erase(
    live: &mut LiveGroup<'_, '_, '_>,
    id: &str,
    key: &DecisionKey,
    version: &Version,
    done: &mut Done,
) -> Result<Option<ErasedOf>, LedgerError> {
    let rows = live.rows();
    let first = version.first_key(id).to_be_bytes();
    let request = Digest::of_parts([&b"erasure request"[..], &first, key]);
    if let Some(said) = read_value(rows, space::ERASURES, BRAND, &request.0)? {
        return Ok(Some(ErasedOf { said, ids: Vec::new() }));
    }
    let account = version.own_key_after(id, &done.ids);
    let member = version.person_after(account, &done.ids);
    let others = version.accounts_after(member, &done.ids);
    let joined = others.len() as u64;
    let at = rows.at().0;
    let (mut gone, mut ids, mut accounts) = ([0; 4], Vec::new(), Vec::new());
    for account in std::iter::once(member).chain(others) {
        ids.extend(read_member(rows, account)?.map(|row| row.id));
        let spaces = [space::MEMBERS, space::EVENTS, space::CONSENTS, space::DECISIONS];
        for (count, space) in gone.iter_mut().zip(spaces) {
            *count += rows.remove_rows(space, account)?;
        }
        for space in [space::CHANGES, space::OF_ORDERS, space::GRANT_NOTES, space::REFUNDED] {
            rows.remove_rows(space, account)?;
        }
        previous::forget(rows, account)?;
        erase_identities(rows, account, version, done)?;
        accounts.push(account);
    }
    if gone == [0; 4] {
        return Ok(None);
    }
    accounts.into_iter().for_each(|account| done.overtakes(account));
    let [members, events, consents, decisions] = gone;
    // Of a person with several accounts one was counted.
    done.members -= members.saturating_sub(joined).cast_signed();
    let counts = gone.map(u64::to_be_bytes).concat();
    let digest =
        Digest::of_parts([&b"erasure"[..], &member.to_be_bytes(), &at.to_be_bytes(), &counts]);
    let said = Erased { at, events, consents, decisions, receipt: digest.hex() };
    put_value(rows, (space::ERASURES, BRAND, &request.0), &said, OnRow::Stays)?;
    if !ids.iter().any(|known| known == id) {
        ids.push(id.to_owned());
    }
    for id in &ids {
        let erasing = version.erases(rows, id, &done.ids.erasing)?;
        done.ids.erasing.push(erasing);
    }
    Ok(Some(ErasedOf { said, ids }))
}

fn member_in(
    live: &mut LiveGroup<'_, '_, '_>,
    job: MemberJob,
    version: &Version,
    done: &mut Done,
) -> Result<Result<(), OnlineError>, LedgerError> {
    let MemberJob { id, profile, consents, identities, request: (key, digest), .. } = job;
    let account = version.own_key_after(&id, &done.ids);
    let rows = live.rows();
    // A change that comes again must not undo what came between.
    if let Some(made) = rows.one(space::CHANGES, account, &key)? {
        let is_same = made == digest.0;
        return Ok(if is_same { Ok(()) } else { Err(OnlineError::OtherRequest) });
    }
    if let Err(refused) = may_identify(rows, account, &identities, (version, &done.ids))? {
        return Ok(Err(refused));
    }
    put_bytes(rows, (space::CHANGES, account, &key), &digest.0, OnRow::Stays)?;
    let known = read_member(rows, account)?;
    done.members += i64::from(known.is_none());
    let mut row = known.unwrap_or_else(|| MemberRow { id, ..MemberRow::default() });
    let age = row.joined();
    if !profile.is_empty() {
        row.changed = done.next_change();
    }
    for (name, value) in profile {
        match row.profile.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => row.profile.push((name, value)),
        }
    }
    put_bytes(rows, (space::MEMBERS, account, b""), &row.bytes(), OnRow::Goes)?;
    let mut new = Vec::new();
    for consent in consents {
        let place = (space::CONSENTS, account, &consent.key()[..]);
        if !put_bytes(rows, place, &consent.bytes(), OnRow::Stays)? {
            new.push(consent);
        }
    }
    identify(live, account, (&identities, age != row.joined()), version, done)?;
    let member = version.person_after(account, &done.ids);
    if new.iter().any(takes_back) {
        end_unconsented(live, member, version, &new, done)?;
        done.overtaken.push(member);
    }
    let is_joined = account != member || !version.accounts_after(member, &done.ids).is_empty();
    done.changes(member, move |cache| {
        if is_joined {
            return cache.forget(member);
        }
        cache.apply(member, |record| {
            record.set_profile(row.profile);
            new.into_iter().for_each(|answer| record.add_consent(answer));
        });
    });
    Ok(Ok(()))
}

fn decide(
    live: &mut LiveGroup<'_, '_, '_>,
    job: DecideJob,
    done: &mut Done,
) -> Result<Result<DecisionAnswer, OnlineError>, LedgerError> {
    let DecideJob { version, member, accounts, member_id, evaluated, event, by, request, .. } = job;
    if let Some((key, digest)) = &request {
        for of in std::iter::once(member).chain(accounts.iter().copied()) {
            let Some(kept) = read_decision(live.rows(), of, key)? else { continue };
            let is_same = kept.request == digest.0;
            return Ok(match is_same {
                true => {
                    done.tally.add(Number::Repeated);
                    let is_joined = of != member;
                    Ok(DecisionAnswer { kept, is_repeated: true, of, is_joined })
                }
                false => Err(OnlineError::OtherRequest),
            });
        }
    }
    let made = |kept| DecisionAnswer { kept, is_repeated: false, of: member, is_joined: false };
    let mut asking = version.asking((member, &accounts), &evaluated, event.as_deref());
    let refunded = match &event {
        Some(event) => refunded_before(live.rows(), (member, &accounts), event)?,
        None => None,
    };
    let refused = refunded.map(|order| refused_by_refund(&version, order, &mut asking.candidates));
    let refused = refused.into_iter().flatten();
    let Some((key, digest)) = request else {
        let mut decided = live.preview(asking)?;
        decided.extend(refused);
        done.tally.add(Number::Previews);
        let kept = Kept::new(Digest([0; 32]), version.facts(), &evaluated, &decided, true);
        return Ok(Ok(made(kept)));
    };
    let mut decided: Vec<Decided> = live.decide(asking)?;
    decided.extend(refused);
    count(&decided, &mut done.tally);
    if version.lacks_zone(&evaluated) {
        done.tally.add(Number::ZonesUnknown);
    }
    let kept = Kept::new(digest, version.facts(), &evaluated, &decided, false);
    let rows = live.rows();
    put_bytes(rows, (space::DECISIONS, member, &key), &kept.bytes(), OnRow::Stays)?;
    done.members += i64::from(put_new_member(rows, member, member_id)?);
    done.made.push(Made::new(member, key, &kept));
    let followed = Followed {
        version: &version,
        kept: &kept,
        member,
        accounts: &accounts,
        decision: key,
        event: event.as_deref(),
        by: by.as_deref(),
        refunded,
    };
    follow_up(live, &followed, done)?;
    Ok(Ok(made(kept)))
}

fn count(decided: &[Decided], tally: &mut Tally) {
    tally.add(Number::Decisions);
    for Decided { decision, .. } in decided {
        match (decision.refusal, decision.granted_before) {
            (Some(refusal), _) => tally.refused(refusal.code),
            (None, true) => tally.add(Number::GrantedBefore),
            (None, false) => tally.add(Number::Granted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GROUP_MAX, GROUP_WHOLE, group_max};

    #[test]
    fn a_group_leaves_half_of_those_who_wait_to_the_next_one() {
        assert_eq!([0, 16, 32].map(group_max), [GROUP_WHOLE; 3], "few are taken whole");
        assert_eq!([64, 1_000].map(group_max), [32, 500]);
        assert_eq!(group_max(4_096), GROUP_MAX);
    }
}
