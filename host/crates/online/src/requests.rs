//! Requests for money: somebody asks that a pool gets more, out of another pool or of the emergency reserve, and somebody else answers
//! (domain H7). The reserve opens to a contingency plan alone, and never below [`RESERVE_MIN`] of the budget. A request that nobody
//! answers in [`ANSWER_MS`] raises an alert.

use std::sync::atomic::{AtomicI64, Ordering};

use playbook_cycle::LiveGroup;
use playbook_ledger::store::OnRow;
use playbook_ledger::{Balance, LedgerError, Movement};
use playbook_model::{Digest, Minor};
use serde::{Deserialize, Serialize};

use crate::alerts::{Alarm, AlertRule, Evidence};
use crate::brand::{Brand, Core};
use crate::columns::FieldError;
use crate::error::OnlineError;
use crate::once::{By, Once};
use crate::store::{BRAND, ReadRows, bytes_of, put_value, read_value, space};
use crate::version::Version;
use crate::writer::{Done, Job};

/// Within this time a request is answered: the fast lane of domain H7.
pub const ANSWER_MS: i64 = 4 * 3_600_000;
/// Least share of the budget that stays in the reserve (GR-6).
const RESERVE_MIN: f64 = 0.05;
/// The account of the emergency reserve.
const RESERVE: &str = "reserve";
/// Requests that wait at most: more than anybody could answer in time.
const WAITING_MAX: usize = 1_000;
/// Letters of a plan's id.
const PLAN_LETTERS_MAX: usize = 128;

/// What money is asked for; the first comes first (domain H7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Need {
    /// Members need it.
    User,
    /// The strategy needs it.
    Strategic,
    /// It saves cost.
    Cost,
}

impl Need {
    /// All of them, the first first.
    pub const ALL: [Self; 3] = [Self::User, Self::Strategic, Self::Cost];

    /// As it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Strategic => "strategic",
            Self::Cost => "cost",
        }
    }

    /// The need of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|need| need.name() == name)
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyAsk {
    /// Pool that gets it.
    pub to: String,
    /// Pool that gives it, or "reserve".
    pub from: String,
    /// How much.
    pub amount_minor: i64,
    /// What for.
    pub need: Need,
    /// Id of the contingency plan that was triggered; the reserve opens to nothing else.
    pub plan: Option<String>,
    /// Why, in the words of whoever asks.
    pub reason: String,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoneyRequestState {
    /// Nobody has answered.
    Waiting,
    /// The money moved.
    Approved,
    /// It did not.
    Refused,
}

impl MoneyRequestState {
    /// As it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }
}

/// Who answered a request, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyAnswer {
    /// Unix-ms.
    pub at: i64,
    /// Id of a key.
    pub by: String,
    /// In the words of whoever answered.
    pub reason: String,
}

/// A request for money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyRequest {
    /// Its number among the brand's, from 1.
    pub number: u64,
    /// When it was asked, unix-ms.
    pub at: i64,
    /// Who asks: id of a key.
    pub by: String,
    /// Playbook whose budget it is.
    pub playbook: String,
    /// What is asked for.
    pub ask: MoneyAsk,
    /// Where it stands.
    pub state: MoneyRequestState,
    /// The answer, once there is one.
    pub answer: Option<MoneyAnswer>,
}

impl MoneyRequest {
    /// Until when it is to be answered, unix-ms.
    #[must_use]
    pub const fn due(&self) -> i64 {
        self.at.saturating_add(ANSWER_MS)
    }
}

/// Something that is to be done about a request.
#[derive(Debug)]
pub(crate) enum MoneyRequestJob {
    Ask { ask: MoneyAsk, by: String, once: Option<Once> },
    Answer { number: u64, approves: bool, by: String, reason: String },
}

/// The requests of a brand as a whole.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Queue {
    /// Number of the last one.
    last: u64,
    /// Numbers of those that wait.
    waiting: Vec<u64>,
}

/// When the first request is due that waits and was not told of, unix-ms; `i64::MAX`: none.
#[derive(Debug)]
pub(crate) struct NextDue(AtomicI64);

impl NextDue {
    pub(crate) fn read(rows: &mut dyn ReadRows) -> Result<Self, LedgerError> {
        let due = waiting(rows)?.iter().map(MoneyRequest::due).min();
        Ok(Self(AtomicI64::new(due.unwrap_or(i64::MAX))))
    }
}

fn queue(rows: &mut dyn ReadRows) -> Result<Queue, LedgerError> {
    Ok(read_value(rows, space::MONEY_QUEUE, BRAND, b"")?.unwrap_or_default())
}

fn read(rows: &mut dyn ReadRows, number: u64) -> Result<Option<MoneyRequest>, LedgerError> {
    read_value(rows, space::MONEY_REQUESTS, BRAND, &number.to_be_bytes())
}

fn waiting(rows: &mut dyn ReadRows) -> Result<Vec<MoneyRequest>, LedgerError> {
    let mut found = Vec::new();
    for number in queue(rows)?.waiting {
        found.extend(read(rows, number)?);
    }
    Ok(found)
}

fn fault(field: &str, what: &'static str, expected: impl Into<String>) -> OnlineError {
    let expected = expected.into();
    OnlineError::Fields(vec![FieldError { field: field.to_owned(), what, expected }])
}

/// Does what is asked of the writer.
pub(crate) fn money_request(
    live: &mut LiveGroup<'_, '_, '_>,
    job: MoneyRequestJob,
    (brand, version): (&str, &Version),
    done: &Done,
) -> Result<Result<MoneyRequest, OnlineError>, LedgerError> {
    match job {
        MoneyRequestJob::Ask { ask, by, once } => {
            asked(live, (ask, by, once.as_ref()), version, done)
        }
        MoneyRequestJob::Answer { number, approves, by, reason } => {
            answered(live, brand, (number, approves), MoneyAnswer { at: done.now, by, reason })
        }
    }
}

fn asked(
    live: &mut LiveGroup<'_, '_, '_>,
    (ask, by, once): (MoneyAsk, String, Option<&Once>),
    version: &Version,
    done: &Done,
) -> Result<Result<MoneyRequest, OnlineError>, LedgerError> {
    if let Some(once) = once
        && let Some(made) = once.made(live.rows())?
    {
        return match made {
            Ok(number) => read(live.rows(), number)?.map(Ok).ok_or_else(lost),
            Err(other) => Ok(Err(other)),
        };
    }
    let playbook = version.playbook();
    let Some(budget) = &playbook.budget else {
        return Ok(Err(fault("to", "is no pool", "a playbook with a budget")));
    };
    let pools = || budget.pools.keys().cloned().collect::<Vec<_>>().join(", ");
    if !budget.pools.contains_key(&ask.to) {
        return Ok(Err(fault("to", "is no pool", format!("one of {}", pools()))));
    }
    if ask.from == ask.to || (ask.from != RESERVE && !budget.pools.contains_key(&ask.from)) {
        let expected = format!("another one of {}, or {RESERVE}", pools());
        return Ok(Err(fault("from", "cannot give it", expected)));
    }
    let mut queue = queue(live.rows())?;
    if queue.waiting.len() >= WAITING_MAX {
        return Ok(Err(OnlineError::Busy));
    }
    queue.last += 1;
    queue.waiting.push(queue.last);
    let number = queue.last;
    let request = MoneyRequest {
        number,
        at: done.now,
        by,
        playbook: playbook.id.clone(),
        ask,
        state: MoneyRequestState::Waiting,
        answer: None,
    };
    put(live, &request, &queue)?;
    once.map_or(Ok(()), |once| once.keep(live.rows(), number))?;
    Ok(Ok(request))
}

fn lost() -> LedgerError {
    LedgerError::Damaged("a key names a request for money that is not kept".into())
}

fn put(
    live: &mut LiveGroup<'_, '_, '_>,
    request: &MoneyRequest,
    queue: &Queue,
) -> Result<(), LedgerError> {
    let key = request.number.to_be_bytes();
    put_value(live.rows(), (space::MONEY_REQUESTS, BRAND, &key), request, OnRow::Goes)?;
    put_value(live.rows(), (space::MONEY_QUEUE, BRAND, b""), queue, OnRow::Goes).map(|_| ())
}

fn answered(
    live: &mut LiveGroup<'_, '_, '_>,
    brand: &str,
    (number, approves): (u64, bool),
    answer: MoneyAnswer,
) -> Result<Result<MoneyRequest, OnlineError>, LedgerError> {
    let Some(mut request) = read(live.rows(), number)? else {
        return Ok(Err(OnlineError::Unknown("request")));
    };
    let state = if approves { MoneyRequestState::Approved } else { MoneyRequestState::Refused };
    if let Some(before) = &request.answer {
        let same =
            (request.state, &before.by, &before.reason) == (state, &answer.by, &answer.reason);
        return Ok(if same { Ok(request) } else { Err(OnlineError::Answered(request.state)) });
    }
    if approves {
        if request.by == answer.by {
            return Ok(Err(OnlineError::SamePerson));
        }
        if let Err(why) = moved(live, brand, &request)? {
            return Ok(Err(why));
        }
    }
    (request.state, request.answer) = (state, Some(answer));
    let mut queue = queue(live.rows())?;
    queue.waiting.retain(|waiting| *waiting != number);
    put(live, &request, &queue)?;
    Ok(Ok(request))
}

/// Moves the money of a request, in the transaction that keeps its answer.
fn moved(
    live: &mut LiveGroup<'_, '_, '_>,
    brand: &str,
    request: &MoneyRequest,
) -> Result<Result<(), OnlineError>, LedgerError> {
    let MoneyRequest { number, ask, playbook, .. } = request;
    let path = |pool: &str| format!("{brand}/{playbook}/{pool}");
    let [from, to] = [&ask.from, &ask.to].map(|pool| live.rows().account(&path(pool)).cloned());
    // A version since may have taken a pool out of the budget.
    let Some((from, to)) = from.zip(to) else {
        return Ok(Err(OnlineError::NotFree { free: Minor::ZERO }));
    };
    let whole = live.rows().account(&format!("{brand}/{playbook}"));
    let free = free_of(&from, &ask.from, whole);
    if ask.amount_minor > free.0 {
        return Ok(Err(OnlineError::NotFree { free }));
    }
    let key = Digest::of_parts([&b"money request"[..], brand.as_bytes(), &number.to_be_bytes()]);
    let movement = Movement::Transfer { from: from.id, to: to.id, amount: Minor(ask.amount_minor) };
    live.rows().move_money(movement, key)?;
    Ok(Ok(()))
}

/// What a pool can give; the reserve keeps its least share of the budget, rounded up.
fn free_of(from: &Balance, name: &str, whole: Option<&Balance>) -> Minor {
    let kept = match whole.filter(|_| name == RESERVE) {
        Some(whole) => whole.planned.0 - whole.planned.share_down(1.0 - RESERVE_MIN).0,
        None => 0,
    };
    Minor((from.available().0 - kept).max(0))
}

impl Brand {
    /// Asks for money, once under a key.
    ///
    /// # Errors
    /// [`OnlineError::Fields`] for what cannot be asked for, [`OnlineError::OtherRequest`] where the key stood for another request,
    /// [`OnlineError::Busy`] where too many wait, or a fault of the storage.
    pub async fn ask_for_money(
        &self,
        ask: MoneyAsk,
        by: &str,
        key: &str,
    ) -> Result<MoneyRequest, OnlineError> {
        let ask = MoneyAsk { reason: crate::intake::reason(&ask.reason)?, ..ask };
        if ask.amount_minor <= 0 {
            return Err(fault("amount_minor", "is no amount", "more than 0, in minor units"));
        }
        let is_plan = |plan: &String| {
            let is_letter = |letter: char| letter.is_alphanumeric() || "-_.:".contains(letter);
            (1..=PLAN_LETTERS_MAX).contains(&plan.chars().count()) && plan.chars().all(is_letter)
        };
        if ask.plan.as_ref().map_or(ask.from == RESERVE, |plan| !is_plan(plan)) {
            let expected = "the id of the contingency plan that was triggered: the reserve opens to nothing else";
            return Err(fault("plan", "is no plan", expected));
        }
        let once = By { who: by, key: Some(key) };
        let once = once.once([b"ask for money", by.as_bytes(), &bytes_of(&ask)]);
        let job = MoneyRequestJob::Ask { ask, by: by.to_owned(), once };
        let made = self.queue.ask(|reply| Job::Money(Box::new(job), reply)).await?;
        if made.state == MoneyRequestState::Waiting {
            self.money_due.0.fetch_min(made.due(), Ordering::SeqCst);
        }
        Ok(made)
    }

    /// Answers a request: the money moves, or does not. The same answer again changes nothing.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], [`OnlineError::Answered`] where it was answered otherwise, [`OnlineError::SamePerson`] where `by`
    /// asked for it, [`OnlineError::NotFree`], [`OnlineError::Fields`] for a reason that is none, or a fault of the storage.
    pub async fn answer_money_request(
        &self,
        number: u64,
        approves: bool,
        by: &str,
        reason: &str,
    ) -> Result<MoneyRequest, OnlineError> {
        let reason = crate::intake::reason(reason)?;
        let job = MoneyRequestJob::Answer { number, approves, by: by.to_owned(), reason };
        self.queue.ask(|reply| Job::Money(Box::new(job), reply)).await
    }

    /// Requests that wait, what comes first first: by need, then as they came.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn waiting_money_requests(&self) -> Result<Vec<MoneyRequest>, OnlineError> {
        let mut found = waiting(&mut &*self.reader)?;
        found.sort_by_key(|request| (request.ask.need, request.number));
        Ok(found)
    }

    /// Requests with numbers below `before`, the newest first, at most `limit`.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn money_requests(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<MoneyRequest>, OnlineError> {
        let last = queue(&mut &*self.reader)?.last;
        let from = before.map_or(last, |before| last.min(before.saturating_sub(1)));
        let mut found = Vec::new();
        for number in (1..=from).rev().take(limit) {
            found.extend(read(&mut &*self.reader, number)?);
        }
        Ok(found)
    }
}

impl Core {
    /// Raises an alert for each request that nobody answered in time.
    ///
    /// # Errors
    /// A fault of the storage: it is looked again.
    pub fn tend_money_requests(&self) -> Result<(), OnlineError> {
        let now = (self.now)();
        let due = self.money_due.0.load(Ordering::SeqCst);
        if due > now {
            return Ok(());
        }
        let mut found = waiting(&mut &*self.reader)?;
        // The others were told of already.
        found.retain(|one| one.due() >= due);
        let (late, early): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.due() <= now);
        let next = early.iter().map(MoneyRequest::due).min().unwrap_or(i64::MAX);
        // One that was asked meanwhile is not lost: it is later than all that are read here, or looked at again.
        let _ = self.money_due.0.compare_exchange(due, next, Ordering::SeqCst, Ordering::SeqCst);
        for request in late {
            let MoneyRequest { number, ask, .. } = &request;
            let words = format!(
                "request {number} for {} minor units from {} to {} has waited longer than 4 hours",
                ask.amount_minor, ask.from, ask.to
            );
            let scope = format!("request {number}");
            let figures = vec![("amount_minor".to_owned(), ask.amount_minor as f64)];
            let evidence = Evidence { figures, ..Evidence::default() };
            self.raise(Alarm { rule: AlertRule::RequestLate, scope, words, evidence });
        }
        Ok(())
    }
}
