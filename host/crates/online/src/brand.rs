//! A brand live: what a service asks of it.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use playbook_cycle::MoneyRole;
use playbook_ledger::{
    Balance, Closure, CycleRef, Flows, Follow, Ledger, LedgerError, SettleAnswer,
};
use playbook_model::{Digest, Minor, UnixMs};
use serde_json::{Map, Value as Json};
use tokio::sync::watch;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span, info_span};

use crate::accounts::identity;
use crate::alerts::Alerts;
use crate::breaker::Breakers;
use crate::cache::Cache;
use crate::candidate::{Asked, Breach, Candidate, micros_since};
use crate::columns::FieldError;
use crate::counts::{Figures, Number, WriterState};
use crate::decision::{Decision, EffectSaid, Kept};
use crate::epochs::Epochs;
use crate::error::OnlineError;
use crate::facts::VersionFacts;
use crate::grants::{Reversal, read_note};
use crate::intake::{consent_row, id_error, new_event};
use crate::ledgers::Ledgers;
use crate::notes::Notes;
use crate::pace::{Lanes, evaluate};
use crate::record::{Consent, Record, json};
use crate::requests::NextDue;
use crate::store::{
    put_activation, put_version, read_activations, read_decision, read_effects, read_member,
    read_record, read_version, read_versions,
};
use crate::version::Version;
use crate::versions::{Activation, Opened, Opener, Shelf, Source, deciding};
use crate::webhook::Standing;
use crate::writer::{
    CloseJob, DecideJob, DecisionAnswer, DecisionKey, Erased, EventFate, Job, Marks, MemberJob,
    Queue,
};

/// Evaluations of one request at most: each one beyond the first is due to another host.
const EVALUATIONS_MAX: usize = 16;

/// Tells the time, unix-ms.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How a brand is opened.
pub struct BrandOptions {
    /// Its ledger.
    pub ledgers: Ledgers,
    /// Memory of records, in bytes.
    pub records_bytes_max: usize,
    /// The clock.
    pub now: Now,
    /// Opens further versions.
    pub opener: Arc<dyn Opener>,
    /// Those of the host.
    pub lanes: Arc<Lanes>,
    /// Digest of the playbook's file, where the first version is of one.
    pub file: Option<String>,
}

impl std::fmt::Debug for BrandOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrandOptions").field("ledgers", &self.ledgers).finish_non_exhaustive()
    }
}

/// A brand that answers.
pub struct Brand {
    core: Arc<Core>,
    /// Work that no request waits for. It ends before the brand does.
    aside: Mutex<Vec<JoinHandle<()>>>,
}

/// All that a brand is, shared by those who ask it and by the work that is done aside: whatever either may ask, the other may, too.
pub struct Core {
    name: String,
    /// The version that decides.
    pub(crate) live: ArcSwap<Version>,
    /// The version that is to decide one day.
    pub(crate) candidate: ArcSwapOption<Candidate>,
    pub(crate) queue: Queue,
    pub(crate) cache: Arc<Cache>,
    /// Reads beside the writer.
    pub(crate) reader: Arc<Ledger>,
    pub(crate) versions: RwLock<HashMap<Digest, Arc<VersionFacts>>>,
    pub(crate) shelf: Mutex<Shelf>,
    /// Which version decided from when on. Locked while versions are swapped.
    pub(crate) history: Mutex<Vec<Activation>>,
    pub(crate) opener: Arc<dyn Opener>,
    lanes: Arc<Lanes>,
    /// Number of the last effect that is on disk.
    pub(crate) effects: watch::Sender<u64>,
    pub(crate) alerts: Arc<Alerts>,
    pub(crate) breakers: Arc<Breakers>,
    pub(crate) money_due: NextDue,
    pub(crate) flows: Mutex<Flows>,
    pub(crate) webhook: OnceLock<Arc<Standing>>,
    /// The number of the last activation that was looked at for it, and the end of the last cycle that was closed, unix-ms; `None`: the
    /// history was not read for it.
    pub(crate) closed: Mutex<Option<(u64, i64)>>,
    pub(crate) now: Now,
    /// What hosts that share the store tell each other; `None`: this one is alone.
    pub(crate) notes: Option<Arc<Notes>>,
    /// Listens to other hosts, until somebody does ([`crate::Following`]).
    pub(crate) follow: Mutex<Option<Box<dyn Follow>>>,
    /// Why it does not follow the version that other hosts decide by, where that is so.
    pub(crate) behind: Mutex<Option<String>>,
}

impl std::fmt::Debug for Brand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Brand").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Deref for Brand {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

impl Drop for Brand {
    fn drop(&mut self) {
        let aside = self.aside.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in aside.drain(..) {
            // One that panicked has nothing left to finish.
            let _ = thread.join();
        }
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

/// What the writer answered, and who was asked.
struct Answered {
    answer: DecisionAnswer,
    /// The member's id, where it is another one than that of an account.
    member: Option<String>,
    at: i64,
    live: Arc<Version>,
    /// Which of the two made it.
    version: Arc<Version>,
    /// Where what it does is noted.
    candidate: Option<Arc<Candidate>>,
    record: Arc<Record>,
    /// Of the evaluation.
    micros: u64,
}

/// An effect to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Its number among the brand's; ascending.
    pub number: u64,
    /// Id of the decision that granted it.
    pub decision: String,
    /// The member's id.
    pub member: String,
    /// When it was granted, unix-ms.
    pub at: i64,
    /// What it is.
    pub effect: EffectSaid,
    /// Where it was told before and is to be undone: how much of it, and why.
    pub reversal: Option<Reversal>,
}

/// A change of an account: fields of its profile, answers about consents, keys.
pub type MemberChange<'a> =
    (&'a Map<String, Json>, &'a [Map<String, Json>], &'a [Map<String, Json>]);

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
    /// Answers about consents.
    pub consents: Vec<Consent>,
}

impl Brand {
    /// Opens a brand with its first version.
    ///
    /// # Errors
    /// A ledger that is unsound, or a fault of the storage.
    pub fn open(options: BrandOptions, first: Opened) -> Result<Self, OnlineError> {
        let BrandOptions { ledgers, records_bytes_max, now, opener, lanes, file } = options;
        let Ledgers { writes: ledger, reads: reader, follow } = ledgers;
        let Opened { mut version, source } = first;
        let name = version.playbook().brand.clone();
        let (history, notes) =
            begin((&ledger, follow.is_some()), &version, &source, (now(), file))?;
        let versions = read_versions(&mut &*reader)?;
        let versions = versions.into_iter().map(|facts| (facts.digest(), Arc::new(facts)));
        let cache = Arc::new(Cache::new(records_bytes_max));
        let alerts =
            Arc::new(Alerts::read(&mut &*reader, &name, Arc::clone(&now), notes.is_some())?);
        let breakers = Arc::new(Breakers::new(Arc::clone(&alerts)));
        version.join(&breakers, (&reader, &cache), &Arc::new(Epochs::read(&reader)?));
        let version = Arc::new(version);
        let mut shelf = Shelf::default();
        shelf.put(&version);
        let activation = history.last().map_or(0, |last| last.number);
        let marks = Marks::read(&reader)?;
        let money_due = NextDue::read(&mut &*reader)?;
        let (effects, _) = watch::channel(marks.last_effect);
        let queue = Queue::start(
            (ledger, Arc::clone(&reader)),
            Arc::clone(&version),
            Arc::clone(&cache),
            (Arc::clone(&now), effects.clone()),
            (notes.clone(), activation),
            marks,
            &alerts,
        );
        let core = Core {
            name,
            live: ArcSwap::new(version),
            candidate: ArcSwapOption::empty(),
            queue,
            cache,
            reader,
            versions: RwLock::new(versions.collect()),
            shelf: Mutex::new(shelf),
            history: Mutex::new(history),
            opener,
            lanes,
            effects,
            alerts,
            breakers,
            money_due,
            flows: Mutex::default(),
            webhook: OnceLock::new(),
            closed: Mutex::new(None),
            now,
            notes,
            follow: Mutex::new(follow),
            behind: Mutex::default(),
        };
        core.restore_candidate()?;
        Ok(Self { core: Arc::new(core), aside: Mutex::default() })
    }

    /// Does something that no request waits for.
    fn aside(&self, work: impl FnOnce(&Core) + Send + 'static) {
        let core = Arc::clone(&self.core);
        let thread = std::thread::Builder::new().name("aside".to_owned());
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.retain(|thread| !thread.is_finished());
        match thread.spawn(move || work(&core)) {
            Ok(thread) => aside.push(thread),
            Err(error) => tracing::error!(%error, brand = self.name(), "no thread can be started"),
        }
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
        self.queue.counts.add(Number::EventsInvalid, (events.len() - taken.len()) as u64);
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
        self.decide_for(ask, key, None).await
    }

    /// As [`Brand::decide`], at the request of a person: somebody else has to approve what waits for approval.
    ///
    /// # Errors
    /// [`OnlineError`].
    pub async fn decide_for(
        &self,
        ask: &Ask,
        key: &str,
        by: Option<&str>,
    ) -> Result<Decided, OnlineError> {
        let request = Digest::of_parts([
            ask.member.as_bytes(),
            &ask.at.unwrap_or(i64::MIN).to_be_bytes(),
            ask.event.as_deref().unwrap_or("").as_bytes(),
        ]);
        self.ask(ask, Some((shortened(key), request)), by).await
    }

    /// What a decision would be now, without any effect.
    ///
    /// # Errors
    /// [`OnlineError`].
    pub async fn preview(&self, ask: &Ask) -> Result<Decision, OnlineError> {
        Ok(self.ask(ask, None, None).await?.decision)
    }

    async fn ask(
        &self,
        ask: &Ask,
        request: Option<(DecisionKey, Digest)>,
        by: Option<&str>,
    ) -> Result<Decided, OnlineError> {
        let id_errors = id_error("member", &ask.member).into_iter().collect::<Vec<_>>();
        if !id_errors.is_empty() {
            return Err(OnlineError::Fields(id_errors));
        }
        let span = info_span!("decision", brand = self.name, playbook = Empty, version = Empty);
        let Answered { answer, member, at, live, version, candidate, record, micros } =
            self.answer(ask, request, by).instrument(span).await?;
        let member = member.as_deref().unwrap_or(&ask.member);
        if request.is_some() && !answer.is_repeated {
            self.shelf().decided(member, at);
            if let Some(candidate) = candidate {
                self.noted(&candidate, candidate.note(&version, Some(&answer.kept), micros));
                let (member, event) = (member.to_owned(), ask.event.clone());
                candidate.shadow(&live, || Asked { member, at, event, record });
            }
        }
        let id = request.map(|(key, _)| decision_id(answer.of, &key));
        // One that was made for an account before it was joined is told as it was.
        let before = match answer.is_joined {
            true => read_member(&mut &*self.reader, answer.of)?.map(|row| row.id),
            false => None,
        };
        let decision = self.told(&answer.kept, id, before.as_deref().unwrap_or(member))?;
        Ok(Decided { decision, is_repeated: answer.is_repeated })
    }

    /// Evaluates a member and asks the writer; anew, where another host changed the member in between.
    async fn answer(
        &self,
        ask: &Ask,
        request: Option<(DecisionKey, Digest)>,
        by: Option<&str>,
    ) -> Result<Answered, OnlineError> {
        for _ in 0..EVALUATIONS_MAX {
            // Before the record is taken, which is no older then.
            let heard = self.notes.as_ref().map_or(0, |notes| notes.heard());
            let seen = self.queue.seen.load(Ordering::Acquire);
            let live = self.live.load_full();
            let member = live.key(&ask.member);
            let candidate = self.candidate.load_full();
            let draws = candidate.as_ref().filter(|candidate| candidate.decides_on(member));
            let version =
                draws.map_or_else(|| Arc::clone(&live), |drawn| Arc::clone(&drawn.version));
            let span = Span::current();
            span.record("playbook", &version.facts().playbook);
            span.record("version", display(version.digest()));
            let candidate = candidate.filter(|_| request.is_some());
            let (record, accounts) = (self.record(member)?, live.accounts(member));
            let id = record.joined_id().unwrap_or(&ask.member);
            let at = ask.at.unwrap_or_else(|| (self.now)());
            let begun = candidate.as_ref().map(|_| Instant::now());
            let evaluated = evaluate(&self.lanes, &version, id, &record, at).await?;
            let micros = begun.map_or(0, micros_since);
            if self.breakers.has_news() {
                self.aside(Core::tend_breakers);
            }
            let evaluated = evaluated.inspect_err(|error| {
                if let (Some(candidate), true) = (&candidate, error.is_of_a_stage()) {
                    self.noted(candidate, candidate.note(&version, None, micros));
                }
            })?;
            let job = Box::new(DecideJob {
                version: Arc::clone(&version),
                member,
                accounts,
                member_id: id.to_owned(),
                evaluated,
                event: ask.event.clone(),
                by: by.map(str::to_owned),
                request,
                heard,
                seen,
            });
            if let Some(answer) = self.queue.ask(|reply| Job::Decide(job, reply)).await? {
                let member = record.joined_id().map(str::to_owned);
                return Ok(Answered {
                    answer,
                    member,
                    at,
                    live,
                    version,
                    candidate,
                    record,
                    micros,
                });
            }
        }
        Err(OnlineError::Busy)
    }

    /// A guard of the candidate has spoken, or none has. It decides on nobody from this moment; what is to be written of it
    /// waits for the writer, and nobody for that.
    fn noted(&self, candidate: &Arc<Candidate>, breach: Option<Breach>) {
        let Some(breach) = breach else { return };
        self.candidate.compare_and_swap(candidate, None);
        let activation = candidate.activation.clone();
        self.aside(move |core| core.take_back(&activation, breach));
    }

    /// A decision that was made, in the words of the version that made it.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or a fault of the storage.
    pub fn decision(&self, id: &str) -> Result<Decision, OnlineError> {
        let (member, key) = parse_decision_id(id).ok_or(OnlineError::Unknown("decision"))?;
        let kept = read_decision(&mut &*self.reader, member, &key)?;
        let kept = kept.ok_or(OnlineError::Unknown("decision"))?;
        let row =
            read_member(&mut &*self.reader, member)?.ok_or(OnlineError::Unknown("decision"))?;
        self.told(&kept, Some(id.to_owned()), &row.id)
    }

    pub(crate) fn told(
        &self,
        kept: &Kept,
        id: Option<String>,
        member: &str,
    ) -> Result<Decision, OnlineError> {
        let facts = self.facts(&Digest(kept.version))?.ok_or_else(|| {
            LedgerError::Damaged("a decision names a version that is not kept".to_owned())
        })?;
        let mut told = kept.told(id, member, &facts);
        // Only guards read them; who may see them reads them with the member.
        let live = self.version();
        told.features.retain(|name, _| !live.playbook().withheld.contains_key(name));
        Ok(told)
    }

    /// Settles a grant of a decision with what was paid, or with what it reserved; or releases it.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], [`OnlineError::Closed`] where it was closed otherwise before, [`OnlineError::Ended`] where its
    /// time was over, [`OnlineError::Waits`] where it waits for a review.
    pub async fn close(
        &self,
        decision: &str,
        grant: &str,
        closure: Closure,
    ) -> Result<(), OnlineError> {
        let unknown = || OnlineError::Unknown("grant");
        let (member, key) = parse_decision_id(decision).ok_or_else(unknown)?;
        let kept = read_decision(&mut &*self.reader, member, &key)?.ok_or_else(unknown)?;
        let key = Digest::from_hex(grant).filter(|key| kept.has_grant(key)).ok_or_else(unknown)?;
        let facts = self.facts(&Digest(kept.version))?.ok_or_else(unknown)?;
        let cycle = CycleRef { playbook: facts.playbook.clone(), number: kept.cycle };
        let job = Box::new(CloseJob { member, cycle, key, closure });
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

    /// As [`Brand::identify_member`], without keys.
    ///
    /// # Errors
    /// As there.
    pub async fn put_member(
        &self,
        id: &str,
        profile: &Map<String, Json>,
        consents: &[Map<String, Json>],
        key: &str,
    ) -> Result<(), OnlineError> {
        self.identify_member(id, (profile, consents, &[]), key).await
    }

    /// Sets fields of the profile of an account, adds answers about consents, each an object with `purpose`, `state` and `time`, and
    /// keeps keys, each with `key_kind`, `key_hash` and `verified`: an equal verified key makes two accounts one member. The same change
    /// under the same key happens once.
    ///
    /// # Errors
    /// [`OnlineError::Fields`], or a fault of the storage.
    pub async fn identify_member(
        &self,
        id: &str,
        (profile, consents, identities): MemberChange<'_>,
        key: &str,
    ) -> Result<(), OnlineError> {
        let said = match identities {
            // As releases said it that knew no keys of accounts.
            [] => serde_json::to_vec(&(profile, consents)),
            identities => serde_json::to_vec(&(profile, consents, identities)),
        };
        let said = said.expect("JSON values are JSON");
        let request = (shortened(key), Digest::of(&said));
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
        let mut keys = Vec::new();
        for one in identities {
            match version.identities().read(one, &["member"]).and_then(identity) {
                Ok(key) => keys.push(key),
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(OnlineError::Fields(errors));
        }
        let job = MemberJob {
            account: version.own_key(id),
            id: id.to_owned(),
            profile,
            consents: answers,
            identities: keys,
            request,
        };
        self.queue.ask(|reply| Job::Member(Box::new(job), reply)).await
    }

    /// A member.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or a fault of the storage.
    pub fn member(&self, id: &str) -> Result<Member, OnlineError> {
        let key = self.live.load().key(id);
        let row = read_member(&mut &*self.reader, key)?.ok_or(OnlineError::Unknown("member"))?;
        let record = self.record(key)?;
        let profile = record.profile().iter();
        Ok(Member {
            id: row.id,
            key,
            events: record.events(),
            profile: profile.map(|(name, value)| (name.clone(), json(value.value()))).collect(),
            consents: record.consents().cloned().collect(),
        })
    }

    /// Takes away everything that is kept of a member: events, profile, consents, decisions. Entries of the ledger stay, which
    /// name a pseudonym alone. The same request under the same key is answered with the first receipt.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or a fault of the storage.
    pub async fn erase(&self, id: &str, key: &str) -> Result<Erased, OnlineError> {
        let (id, key) = (id.to_owned(), shortened(key));
        let erased = self.queue.ask(|reply| Job::Erase(id, key, reply)).await?;
        let erased = erased.ok_or(OnlineError::Unknown("member"))?;
        erased.ids.iter().for_each(|id| self.shelf().forget(id));
        Ok(erased.said)
    }

    /// Everything that is kept of a member, for the member: events as they came, and decisions in the words of their versions.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or a fault of the storage.
    pub fn copy_of(&self, id: &str) -> Result<(Member, Vec<Json>, Vec<Decision>), OnlineError> {
        let member = self.member(id)?;
        let record = self.record(member.key)?;
        let events =
            record.told(&member.id).map_err(|fault| LedgerError::Damaged(fault.to_string()))?;
        let decisions = self.all_decisions_of(id)?;
        Ok((member, events, decisions))
    }

    /// Effects to be carried out with numbers after `after`, ascending, at most `limit`; and the number to go on after. Effects
    /// of members who were erased are left out. They come in the order in which they were granted, so also in order for each
    /// member.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn effects(&self, after: u64, limit: usize) -> Result<(Vec<Effect>, u64), OnlineError> {
        let rows = read_effects(&self.reader, after, limit)?;
        let last = rows.last().map_or(after, |(number, ..)| *number);
        let mut effects = Vec::with_capacity(rows.len());
        for (number, row, reversal) in rows {
            let Some(member) = read_member(&mut &*self.reader, row.member)? else { continue };
            let kept = read_decision(&mut &*self.reader, row.member, &row.decision)?;
            let Some(kept) = kept else { continue };
            let facts = self.facts(&Digest(kept.version))?;
            let Some(effect) = facts.and_then(|facts| kept.effect(row.outcome, &facts)) else {
                continue;
            };
            let reversal = match reversal {
                None => None,
                Some(at) => match self.reversal(row.member, &effect, at)? {
                    None => continue,
                    reversal => reversal,
                },
            };
            let status = if reversal.is_some() { "reversed" } else { "granted" };
            let effect = EffectSaid { status, ..effect };
            let (decision, member) = (decision_id(row.member, &row.decision), member.id);
            effects.push(Effect { number, decision, member, at: kept.at, effect, reversal });
        }
        Ok((effects, last))
    }

    /// What was taken back of a grant, by its position.
    fn reversal(
        &self,
        member: i64,
        effect: &EffectSaid,
        at: usize,
    ) -> Result<Option<Reversal>, LedgerError> {
        let Some(key) = effect.grant.as_deref().and_then(Digest::from_hex) else { return Ok(None) };
        let note = read_note(&mut &*self.reader, member, &key)?;
        Ok(note.and_then(|note| note.reversals.into_iter().nth(at)))
    }

    /// Tells the number of the last effect whenever there is a new one.
    #[must_use]
    pub fn effects_seen(&self) -> watch::Receiver<u64> {
        self.effects.subscribe()
    }

    /// The accounts of the brand, parents before children.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn balances(&self) -> Result<Vec<Balance>, OnlineError> {
        Ok(self.reader.balances()?)
    }

    /// What it counted since it was opened, and what it holds now.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let (bytes, count) = self.cache.usage();
        Figures {
            records: count as u64,
            record_bytes: bytes as u64,
            evicted: self.cache.evicted(),
            stages: self.live.load().stage_states(),
            alerts: self.alerts.open(),
            ..self.queue.counts.read()
        }
    }

    /// Whether it can keep what it answers.
    #[must_use]
    pub fn writer(&self) -> WriterState {
        self.queue.counts.writer()
    }
}

impl Core {
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

    /// What decisions of a version are told by; it may be one that another host opened.
    pub(crate) fn facts(&self, version: &Digest) -> Result<Option<Arc<VersionFacts>>, LedgerError> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = versions.get(version) {
            return Ok(Some(Arc::clone(known)));
        }
        drop(versions);
        let Some(facts) = read_version(&mut &*self.reader, version)? else { return Ok(None) };
        let facts = Arc::new(facts);
        let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        versions.insert(*version, Arc::clone(&facts));
        Ok(Some(facts))
    }

    pub(crate) fn record(&self, member: i64) -> Result<Arc<Record>, LedgerError> {
        // Which accounts there are is looked at within, for the same reason: a link is known before records are forgotten.
        self.cache.get(member, || {
            let accounts = self.live.load().accounts(member);
            read_record(&mut &*self.reader, member, &accounts)
        })
    }

    /// The pseudonyms of all accounts of a member.
    pub(crate) fn all_keys(&self, member: i64) -> Vec<i64> {
        std::iter::once(member).chain(self.live.load().accounts(member)).collect()
    }
}

/// Keeps the first version and that it decides, before it does for the first time; returns which version decided from
/// when on, and what hosts that share the store tell each other.
fn begin(
    (ledger, is_shared): (&Ledger, bool),
    version: &Version,
    source: &Source,
    (at, file): (i64, Option<String>),
) -> Result<(Vec<Activation>, Option<Arc<Notes>>), LedgerError> {
    // Within the turn: nobody else makes a version the one that decides meanwhile.
    let turn = ledger.turn()?;
    let mut history = read_activations(&mut &*ledger)?;
    let notes = match is_shared {
        true => Some(Arc::new(Notes::open(ledger, &history)?)),
        false => None,
    };
    let digest = version.digest();
    let is_new = deciding(&history).is_none_or(|last| last.version != digest.0);
    if is_new {
        let next = Activation::after(&history, version.facts(), at);
        history.push(Activation { file, ..next });
    }
    let last = history.last().filter(|_| is_new);
    let (cycle, leads) = (version.cycle(at), MoneyRole::Leads);
    let mut money = version.money(&turn, (cycle, leads), None, UnixMs(at))?;
    money.group(&turn, UnixMs(at), |group| {
        put_version(group.rows(), version.facts(), source)?;
        let Some(last) = last else { return Ok(()) };
        put_activation(group.rows(), last)?;
        notes.as_ref().map_or(Ok(()), |notes| notes.leave_of(group.rows(), last.number))
    })?;
    Ok((history, notes))
}

pub(crate) fn shortened(key: &str) -> DecisionKey {
    let digest = Digest::of(key.as_bytes());
    digest.0[..16].try_into().expect("a digest is longer")
}

/// A decision's id: whose it is, and under which key it was asked for.
pub(crate) fn decision_id(member: i64, key: &DecisionKey) -> String {
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
