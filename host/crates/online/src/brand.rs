//! A brand live: what a service asks of it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use playbook_cycle::LiveMoney;
use playbook_ledger::{Balance, Closure, Ledger, LedgerError, SettleAnswer};
use playbook_model::{Digest, Minor, UnixMs};
use serde_json::{Map, Value as Json};

use crate::cache::Cache;
use crate::columns::{FieldError, time};
use crate::decision::{Decision, Kept};
use crate::error::OnlineError;
use crate::facts::VersionFacts;
use crate::packed::pack;
use crate::record::Record;
use crate::store::{
    ConsentRow, MemberRow, ReadRows as _, put_version, read_decision, read_record, read_versions,
    space, value_of,
};
use crate::version::Version;
use crate::writer::{CloseJob, DecideJob, DecisionKey, EventFate, Job, MemberJob, NewEvent, Queue};

/// Fields of an event that are not among its values.
const OF_EVENT: [&str; 3] = ["event_id", "member", "time"];
/// Letters of an id at most.
const ID_BYTES_MAX: usize = 256;
/// How far ahead of the clock an event may lie: clocks of shops are wrong by minutes, dates of another zone by a day.
const AHEAD_MS: i64 = 24 * 3_600_000;

/// Tells the time, unix-ms.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How a brand is opened.
pub struct BrandOptions {
    /// File of the ledger; it is made where there is none.
    pub ledger: PathBuf,
    /// Memory of records, in bytes.
    pub records_bytes_max: usize,
    /// The clock.
    pub now: Now,
}

impl std::fmt::Debug for BrandOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrandOptions").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

/// A brand that answers.
pub struct Brand {
    name: String,
    live: ArcSwap<Version>,
    queue: Queue,
    cache: Arc<Cache>,
    /// Reads beside the writer.
    reader: Ledger,
    versions: RwLock<HashMap<Digest, Arc<VersionFacts>>>,
    now: Now,
}

impl std::fmt::Debug for Brand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Brand").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A decision that is asked for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The member's id.
    pub member: String,
    /// The moment, unix-ms; `None`: now.
    pub at: Option<i64>,
    /// The event that triggers it, by id.
    pub event: Option<String>,
}

/// A decision with what a caller must know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// Whether it was made before, under the same key.
    pub is_repeated: bool,
}

/// A member as it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Its pseudonym.
    pub key: i64,
    /// Number of its events.
    pub events: u32,
    /// Its profile.
    pub profile: Map<String, Json>,
    /// Answers about consents: purpose, state, unix-ms.
    pub consents: Vec<(String, String, Option<i64>)>,
}

impl Brand {
    /// Opens a brand with its first version.
    ///
    /// # Errors
    /// A ledger that is unsound, or a fault of the storage.
    pub fn open(options: BrandOptions, version: Version) -> Result<Self, OnlineError> {
        let name = version.playbook().brand.clone();
        let ledger = Ledger::open_or_create(&options.ledger, &name)?;
        keep_version(&ledger, &version, UnixMs((options.now)()))?;
        let reader = Ledger::read(&options.ledger, &name)?;
        let versions = read_versions(&mut &reader)?;
        let versions = versions.into_iter().map(|facts| (facts.digest(), Arc::new(facts)));
        let cache = Arc::new(Cache::new(options.records_bytes_max));
        let version = Arc::new(version);
        let queue = Queue::start(ledger, Arc::clone(&version), Arc::clone(&cache));
        Ok(Self {
            name,
            live: ArcSwap::new(version),
            queue,
            cache,
            reader,
            versions: RwLock::new(versions.collect()),
            now: options.now,
        })
    }

    /// Name of the brand.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that decides.
    #[must_use]
    pub fn version(&self) -> Arc<Version> {
        self.live.load_full()
    }

    /// Makes a version the one that decides; requests that have begun end on the one before.
    ///
    /// # Errors
    /// A fault of the storage: then the version before goes on.
    pub async fn activate(&self, version: Arc<Version>) -> Result<(), OnlineError> {
        let facts = Arc::new(version.facts().clone());
        let next = Arc::clone(&version);
        self.queue.ask(|reply| Job::Version(next, reply)).await?;
        let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        versions.insert(version.digest(), facts);
        drop(versions);
        self.live.store(version);
        Ok(())
    }

    /// Takes events, each an object with `event_id`, `member`, `time` and fields of the playbook. The answer says of each
    /// what became of it, and what is accepted is on disk.
    ///
    /// # Errors
    /// A fault of the storage; an event that cannot be taken is in the answer.
    pub async fn events(
        &self,
        events: &[Map<String, Json>],
    ) -> Result<Vec<Result<EventFate, Vec<FieldError>>>, OnlineError> {
        let version = self.live.load();
        let now = (self.now)();
        let mut answers = Vec::with_capacity(events.len());
        let (mut places, mut taken) = (Vec::new(), Vec::new());
        for event in events {
            match new_event(&version, event, now) {
                Ok(event) => {
                    places.push(answers.len());
                    answers.push(Ok(EventFate::Accepted));
                    taken.push(event);
                }
                Err(errors) => answers.push(Err(errors)),
            }
        }
        if !taken.is_empty() {
            let fates = self.queue.ask(|reply| Job::Events(taken, reply)).await?;
            for (at, fate) in places.into_iter().zip(fates) {
                answers[at] = Ok(fate);
            }
        }
        Ok(answers)
    }

    /// Decides on a member. The same key again gives the same decision, and grants nothing.
    ///
    /// # Errors
    /// [`OnlineError`].
    pub async fn decide(&self, ask: &Ask, key: &str) -> Result<Decided, OnlineError> {
        let request = Digest::of_parts([
            ask.member.as_bytes(),
            &ask.at.unwrap_or(i64::MIN).to_be_bytes(),
            ask.event.as_deref().unwrap_or("").as_bytes(),
        ]);
        self.ask(ask, Some((shortened(key), request))).await
    }

    /// What a decision would be now, without any effect.
    ///
    /// # Errors
    /// [`OnlineError`].
    pub async fn preview(&self, ask: &Ask) -> Result<Decision, OnlineError> {
        Ok(self.ask(ask, None).await?.decision)
    }

    async fn ask(
        &self,
        ask: &Ask,
        request: Option<(DecisionKey, Digest)>,
    ) -> Result<Decided, OnlineError> {
        let id_errors = id_error("member", &ask.member).into_iter().collect::<Vec<_>>();
        if !id_errors.is_empty() {
            return Err(OnlineError::Fields(id_errors));
        }
        let version = self.live.load_full();
        let member = version.key(&ask.member);
        let record = self.record(member)?;
        let at = ask.at.unwrap_or_else(|| (self.now)());
        let evaluated = version.evaluate(&ask.member, &record, at)?;
        let job = Box::new(DecideJob {
            version,
            member,
            member_id: ask.member.clone(),
            evaluated,
            event: ask.event.clone(),
            request,
        });
        let answer = self.queue.ask(|reply| Job::Decide(job, reply)).await?;
        let id = request.map(|(key, _)| decision_id(member, &key));
        let decision = self.told(&answer.kept, id, &ask.member)?;
        Ok(Decided { decision, is_repeated: answer.is_repeated })
    }

    /// A decision that was made, in the words of the version that made it.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or a fault of the storage.
    pub fn decision(&self, id: &str) -> Result<Decision, OnlineError> {
        let (member, key) = parse_decision_id(id).ok_or(OnlineError::Unknown("decision"))?;
        let kept = read_decision(&mut &self.reader, member, &key)?;
        let kept = kept.ok_or(OnlineError::Unknown("decision"))?;
        let row = self.member_row(member)?.ok_or(OnlineError::Unknown("decision"))?;
        self.told(&kept, Some(id.to_owned()), &row.id)
    }

    fn told(&self, kept: &Kept, id: Option<String>, member: &str) -> Result<Decision, OnlineError> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        let facts = versions.get(&Digest(kept.version)).ok_or_else(|| {
            LedgerError::Damaged("a decision names a version that is not kept".to_owned())
        })?;
        Ok(kept.told(id, member, facts))
    }

    /// Settles a grant of a decision with what was paid, or with what it reserved; or releases it.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or [`OnlineError::Closed`] where it was closed otherwise before.
    pub async fn close(
        &self,
        decision: &str,
        grant: &str,
        closure: Closure,
    ) -> Result<(), OnlineError> {
        let unknown = || OnlineError::Unknown("grant");
        let (member, key) = parse_decision_id(decision).ok_or_else(unknown)?;
        let kept = read_decision(&mut &self.reader, member, &key)?.ok_or_else(unknown)?;
        let key = Digest::from_hex(grant).filter(|key| kept.has_grant(key)).ok_or_else(unknown)?;
        let at = (self.now)();
        let job = Box::new(CloseJob { member, cycle: kept.cycle, key, closure, at });
        match self.queue.ask(|reply| Job::Close(job, reply)).await? {
            SettleAnswer::Done { .. } | SettleAnswer::Already { .. } => Ok(()),
            SettleAnswer::Otherwise { .. } => {
                Err(OnlineError::Closed("the grant was settled or released otherwise before"))
            }
            SettleAnswer::TooMuch { .. } => {
                Err(OnlineError::Closed("a grant is settled with no more than it reserved"))
            }
        }
    }

    /// Sets fields of a member's profile and adds answers about consents; each answer an object with `purpose`, `state` and
    /// `time`.
    ///
    /// # Errors
    /// [`OnlineError::Fields`], or a fault of the storage.
    pub async fn put_member(
        &self,
        id: &str,
        profile: &Map<String, Json>,
        consents: &[Map<String, Json>],
    ) -> Result<(), OnlineError> {
        let version = self.live.load();
        let mut errors: Vec<FieldError> = id_error("member", id).into_iter().collect();
        let profile = version.members().read(profile, &["member"]);
        let profile = profile.unwrap_or_else(|found| {
            errors.extend(found);
            Vec::new()
        });
        let mut answers = Vec::new();
        for consent in consents {
            match version.consents().read(consent, &["member"]).and_then(consent_row) {
                Ok(row) => answers.push(row),
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(OnlineError::Fields(errors));
        }
        let member = version.key(id);
        let job = MemberJob { member, id: id.to_owned(), profile, consents: answers };
        self.queue.ask(|reply| Job::Member(Box::new(job), reply)).await
    }

    /// A member.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or a fault of the storage.
    pub fn member(&self, id: &str) -> Result<Member, OnlineError> {
        let key = self.live.load().key(id);
        let row = self.member_row(key)?.ok_or(OnlineError::Unknown("member"))?;
        let record = self.record(key)?;
        let profile = record.profile().iter();
        Ok(Member {
            id: row.id,
            key,
            events: record.events(),
            profile: profile.map(|(name, value)| (name.clone(), json(value))).collect(),
            consents: record.consents().to_vec(),
        })
    }

    /// The accounts of the brand, parents before children.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn balances(&self) -> Result<Vec<Balance>, OnlineError> {
        Ok(self.reader.balances()?)
    }

    /// Memory of records, in bytes, and their number.
    #[must_use]
    pub fn records_held(&self) -> (usize, usize) {
        self.cache.usage()
    }

    fn record(&self, member: i64) -> Result<Arc<Record>, LedgerError> {
        self.cache.get(member, || read_record(&mut &self.reader, member))
    }

    fn member_row(&self, member: i64) -> Result<Option<MemberRow>, LedgerError> {
        let bytes = (&self.reader).one(space::MEMBERS, member, b"")?;
        bytes.map(|bytes| value_of(&bytes)).transpose()
    }
}

/// Keeps what the decisions of a version are told by, before it decides for the first time.
fn keep_version(ledger: &Ledger, version: &Version, at: UnixMs) -> Result<(), LedgerError> {
    let turn = ledger.turn()?;
    let plan = version.budget().clone();
    let mut money = LiveMoney::open(&turn, plan, version.cycle(at.0), version.digest(), at)?;
    money.group(&turn, at, |group| put_version(group.rows(), version))
}

fn json(value: &crate::packed::Kept) -> Json {
    use crate::packed::Kept;
    match value {
        Kept::Integer(value) => Json::from(*value),
        Kept::Real(value) => Json::from(*value),
        Kept::Text(text) => Json::from(text.as_str()),
    }
}

fn id_error(field: &str, id: &str) -> Option<FieldError> {
    let is_right = !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.chars().any(char::is_control);
    (!is_right).then(|| FieldError {
        field: field.to_owned(),
        what: "is no id",
        expected: "a text of 1 to 256 bytes without control characters".to_owned(),
    })
}

/// An event as it is kept, or everything that is wrong with it.
fn new_event(
    version: &Version,
    event: &Map<String, Json>,
    now: i64,
) -> Result<NewEvent, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut id = |field: &str| {
        let id = event.get(field).and_then(Json::as_str).unwrap_or("");
        errors.extend(id_error(field, id));
        id
    };
    let (event_id, member_id) = (id("event_id"), id("member"));
    let at = event.get("time").and_then(time);
    let wrong_time = |what| FieldError {
        field: "time".to_owned(),
        what,
        expected: "a time of the past, as \"2026-01-31T12:00:00Z\" or unix milliseconds".to_owned(),
    };
    match at {
        None => errors.push(wrong_time("is no time")),
        Some(at) if at > now.saturating_add(AHEAD_MS) => {
            errors.push(wrong_time("lies more than a day ahead"));
        }
        Some(_) => {}
    }
    if !event.get("kind").is_some_and(Json::is_string) {
        let expected = "the kind of the event, as \"order_paid\"".to_owned();
        errors.push(FieldError { field: "kind".to_owned(), what: "is missing", expected });
    }
    let mut fields = version.events().read(event, &OF_EVENT).unwrap_or_else(|found| {
        errors.extend(found);
        Vec::new()
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value));
    Ok(NewEvent {
        member: version.key(member_id),
        member_id: member_id.into(),
        id: event_id.to_owned(),
        bytes: pack(at.unwrap_or_default(), fields),
    })
}

fn consent_row(fields: Vec<(String, crate::packed::Kept)>) -> Result<ConsentRow, Vec<FieldError>> {
    use crate::packed::Kept;
    let find = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let text = |name: &str| match find(name) {
        Some(Kept::Text(text)) => Ok(text.clone()),
        _ => Err(vec![FieldError {
            field: name.to_owned(),
            what: "is missing",
            expected: "a text".to_owned(),
        }]),
    };
    let time = match find("time") {
        Some(Kept::Integer(time)) => Some(*time),
        _ => None,
    };
    Ok(ConsentRow { purpose: text("purpose")?, state: text("state")?, time })
}

fn shortened(key: &str) -> DecisionKey {
    let digest = Digest::of(key.as_bytes());
    digest.0[..16].try_into().expect("a digest is longer")
}

/// A decision's id: whose it is, and under which key it was asked for.
fn decision_id(member: i64, key: &DecisionKey) -> String {
    let key = u128::from_be_bytes(*key);
    format!("{member:016x}{key:032x}")
}

fn parse_decision_id(id: &str) -> Option<(i64, DecisionKey)> {
    if id.len() != 48 || !id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return None;
    }
    let (member, key) = id.split_at(16);
    let member = i64::from_str_radix(member, 16).ok()?;
    Some((member, u128::from_str_radix(key, 16).ok()?.to_be_bytes()))
}

/// What was paid, as a closure says it.
#[must_use]
pub fn settled(paid_minor: Option<i64>) -> Closure {
    Closure::Settle(paid_minor.map(Minor))
}
