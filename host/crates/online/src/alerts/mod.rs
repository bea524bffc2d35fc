//! Alerts of a brand: what a person should look at, kept until somebody says what became of it.
//!
//! Raising one waits for nothing. It stands in memory at once and on disk with the writer's next group, so that also the writer
//! itself can raise one: that it cannot write.

mod book;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use playbook_ledger::LedgerError;
use playbook_model::Digest;
use serde::{Deserialize, Serialize};

use crate::alerts::book::Book;
use crate::brand::{Core, Now, shortened};
use crate::columns::FieldError;
use crate::error::OnlineError;
use crate::store::{ReadRows, put_alert, read_alert, read_alerts};
use crate::writer::{DecisionKey, Job};

/// How soon the same is counted and not raised anew (H12).
const AGAIN_MS: i64 = 24 * 3_600_000;
/// How long a critical alert that nobody has seen waits, before it is told again (H12).
const UNSEEN_MS: i64 = 3_600_000;
/// Bytes of what may be said about an alert.
const NOTE_BYTES_MAX: usize = 2_000;
/// Bytes of an alert's words that are kept.
const WORDS_BYTES_MAX: usize = 2_000;

/// How much an alert matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AlertLevel {
    /// To be known.
    Watch,
    /// To be looked at today.
    Warn,
    /// To be looked at now.
    Critical,
}

impl AlertLevel {
    /// Every level, ascending.
    pub const ALL: [Self; 3] = [Self::Watch, Self::Warn, Self::Critical];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Warn => "warn",
            Self::Critical => "critical",
        }
    }
}

/// What raises alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertRule {
    /// A changed playbook or plugin file was refused.
    FileRefused,
    /// A cycle could not be closed.
    CycleFailed,
    /// The brand's writer cannot write, or is gone.
    WriterFailed,
    /// A guard took the candidate back.
    CandidateReturned,
    /// A plugin failed too often and is not called for a while.
    BreakerOpened,
    /// A plugin that was not called for a while answers again.
    BreakerClosed,
    /// The component that was last good cannot take over.
    FallBackFailed,
    /// Nobody answered a request for money in time.
    RequestLate,
    /// The webhook gave up an effect.
    EffectGivenUp,
}

impl AlertRule {
    /// Its code, which never changes its meaning.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FileRefused => "file-refused",
            Self::CycleFailed => "cycle-failed",
            Self::WriterFailed => "writer-failed",
            Self::CandidateReturned => "candidate-returned",
            Self::BreakerOpened => "breaker-opened",
            Self::BreakerClosed => "breaker-closed",
            Self::FallBackFailed => "fall-back-failed",
            Self::RequestLate => "request-late",
            Self::EffectGivenUp => "effect-given-up",
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn level(self) -> AlertLevel {
        match self {
            Self::FileRefused
            | Self::CycleFailed
            | Self::CandidateReturned
            | Self::RequestLate
            | Self::EffectGivenUp => AlertLevel::Warn,
            Self::WriterFailed | Self::BreakerOpened | Self::FallBackFailed => AlertLevel::Critical,
            Self::BreakerClosed => AlertLevel::Watch,
        }
    }
}

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertEnd {
    /// What it told of is over.
    Resolved,
    /// There was nothing to tell.
    False,
    /// Somebody lives with it.
    Accepted,
}

impl AlertEnd {
    /// Every end.
    pub const ALL: [Self; 3] = [Self::Resolved, Self::False, Self::Accepted];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::False => "false",
            Self::Accepted => "accepted",
        }
    }
}

/// Something that a person should look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// What raises it.
    pub rule: AlertRule,
    /// What it is about: a stage, a version, a file. The same of the same rule is one alert a day.
    pub scope: String,
    /// What happened.
    pub words: String,
    /// What it rests on.
    pub evidence: Evidence,
}

/// What an alert rests on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Digest of the version that it is about.
    pub version: Option<[u8; 32]>,
    /// Name of the stage that it is about.
    pub stage: Option<String>,
    /// Numbers by name.
    pub figures: Vec<(String, f64)>,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number among the brand's, from 1.
    pub number: u64,
    /// When it was raised, unix-ms.
    pub at: i64,
    /// When it happened last.
    pub last: i64,
    /// How often it happened.
    pub times: u64,
    /// What raised it.
    pub rule: AlertRule,
    /// What it is about.
    pub scope: String,
    /// What happened first.
    pub words: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// What became of it; `None` while it is open.
    pub closed: Option<AlertClosing>,
    /// Who has seen it and looks after it.
    #[serde(skip)]
    pub seen: Option<AlertSeen>,
    /// When it was told again because nobody had seen it, unix-ms.
    #[serde(skip)]
    pub escalated: Option<i64>,
}

/// That somebody has seen an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertSeen {
    /// Who: id of a key.
    pub by: String,
    /// When, unix-ms.
    pub at: i64,
}

/// That an alert was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertClosing {
    /// What became of it.
    pub end: AlertEnd,
    /// Who says so: id of a key.
    pub by: String,
    /// When, unix-ms.
    pub at: i64,
    /// What there is to say about it.
    pub note: String,
    /// Digests of the key and of the request that closed it.
    pub(crate) request: (DecisionKey, [u8; 32]),
}

/// A request about an alert.
#[derive(Debug)]
pub(crate) struct ChangeAlert {
    number: u64,
    change: Change,
}

#[derive(Debug)]
enum Change {
    See(AlertSeen),
    Close(AlertClosing),
}

/// What a commit group did to alerts.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Places of those that it wrote.
    places: Vec<u16>,
    /// Those that are to be told again.
    escalated: Vec<Alert>,
}

/// The alerts of a brand.
pub(crate) struct Alerts {
    brand: String,
    now: Now,
    book: Mutex<Book>,
    /// Whether some are not on disk yet.
    waits: AtomicBool,
    /// When the next one is to be told again, unix-ms.
    next: AtomicI64,
    /// Whether other hosts write some, too.
    is_shared: bool,
}

impl std::fmt::Debug for Alerts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alerts").field("brand", &self.brand).finish_non_exhaustive()
    }
}

impl Alerts {
    /// Reads those that are kept.
    pub(crate) fn read(
        rows: &mut dyn ReadRows,
        brand: &str,
        now: Now,
        is_shared: bool,
    ) -> Result<Self, LedgerError> {
        let book = Mutex::new(Book::of(read_alerts(rows)?));
        let (waits, next) = (AtomicBool::new(false), AtomicI64::new(i64::MAX));
        let alerts = Self { brand: brand.to_owned(), now, book, waits, next, is_shared };
        alerts.changed(|_| ());
        Ok(alerts)
    }

    /// Takes over what other hosts wrote.
    fn meet(&self, rows: &mut dyn ReadRows) -> Result<(), LedgerError> {
        if self.is_shared {
            let kept = read_alerts(rows)?;
            self.changed(|book| book.meet(kept));
        }
        Ok(())
    }

    /// Raises an alert, or counts the one that tells of the same already.
    pub(crate) fn raise(&self, mut alarm: Alarm) {
        alarm.words.truncate(alarm.words.floor_char_boundary(WORDS_BYTES_MAX));
        let (brand, rule, level) = (&self.brand, alarm.rule.code(), alarm.rule.level());
        let (scope, words) = (alarm.scope.clone(), alarm.words.clone());
        let raised = self.changed(|book| book.raise(alarm, (self.now)()));
        self.waits.store(true, Ordering::Release);
        let Some(number) = raised else { return };
        match level {
            AlertLevel::Watch => tracing::info!(brand, number, rule, scope, words, "alert"),
            AlertLevel::Warn => tracing::warn!(brand, number, rule, scope, words, "alert"),
            AlertLevel::Critical => tracing::error!(brand, number, rule, scope, words, "alert"),
        }
    }

    /// All of them, the newest first.
    pub(crate) fn all(&self) -> Vec<Alert> {
        self.book().newest_first()
    }

    /// How many are open, by level.
    pub(crate) fn open(&self) -> [u64; AlertLevel::ALL.len()] {
        self.book().open()
    }

    /// When the next one is to be told again, unix-ms; `i64::MAX`: none is.
    pub(crate) fn next_escalation(&self) -> i64 {
        self.next.load(Ordering::Acquire)
    }

    /// Looks at what other hosts wrote: one that is gone may have left an alert that nobody has seen.
    pub(crate) fn look(&self, rows: &mut dyn ReadRows) {
        if let Err(error) = self.meet(rows) {
            tracing::warn!(%error, brand = self.brand, "the alerts of other hosts cannot be read");
        }
    }

    /// Writes those that are not on disk yet, in the writer's group, and marks those that nobody has seen for too long.
    pub(crate) fn write(
        &self,
        rows: &mut playbook_ledger::GroupWork<'_, '_>,
        now: i64,
        written: &mut Written,
    ) -> Result<(), LedgerError> {
        let waits = self.waits.load(Ordering::Acquire) && self.waits.swap(false, Ordering::Acquire);
        if !waits && now < self.next_escalation() {
            return Ok(());
        }
        self.meet(rows)?;
        let (escalated, unsaved) = self.changed(|book| (book.escalate(now), book.take_unsaved()));
        written.escalated.extend(escalated);
        written.places.extend(unsaved.iter().map(|(place, _)| *place));
        for (place, alert) in unsaved {
            put_alert(rows, place, &alert)?;
        }
        Ok(())
    }

    /// The group is on disk, or failed; returns how many alerts were told again.
    pub(crate) fn wrote(&self, mut written: Written, is_kept: bool, now: i64) -> u64 {
        if !is_kept {
            // A brand that cannot write must not be silent about it: what was marked stays so, and is written later.
            written.escalated.extend(self.changed(|book| book.escalate(now)));
            if !written.places.is_empty() || !written.escalated.is_empty() {
                self.book().not_saved(&written.places);
                self.waits.store(true, Ordering::Release);
            }
        }
        for Alert { number, rule, scope, words, .. } in &written.escalated {
            let (brand, rule) = (&self.brand, rule.code());
            tracing::error!(brand, number, rule, scope, words, "alert that nobody has seen yet");
        }
        written.escalated.len() as u64
    }

    /// Sees or closes an alert in the writer's group. What is in memory changes with [`Alerts::took`], once the group is on disk.
    pub(crate) fn change(
        &self,
        rows: &mut playbook_ledger::GroupWork<'_, '_>,
        request: ChangeAlert,
    ) -> Result<Result<(u16, Alert), OnlineError>, LedgerError> {
        let ChangeAlert { number, change } = request;
        self.meet(rows)?;
        let Some((place, known)) = self.book().find(number) else {
            return Ok(Err(OnlineError::Unknown("alert")));
        };
        // Another request of the group may have closed it.
        let kept = read_alert(rows, place)?;
        let mut alert = kept.filter(|kept| kept.number == number).unwrap_or(known);
        match (change, &alert.closed) {
            // Whoever was first looks after it.
            (Change::See(_), _) if alert.seen.is_some() => return Ok(Ok((place, alert))),
            (Change::See(seen), None) => alert.seen = Some(seen),
            (Change::Close(closing), None) => alert.closed = Some(closing),
            (Change::Close(closing), Some(before)) if before.request == closing.request => {
                return Ok(Ok((place, alert)));
            }
            (Change::Close(closing), Some(before)) if before.request.0 == closing.request.0 => {
                return Ok(Err(OnlineError::OtherRequest));
            }
            (_, Some(_)) => return Ok(Err(OnlineError::AlertClosed)),
        }
        put_alert(rows, place, &alert)?;
        Ok(Ok((place, alert)))
    }

    /// An alert was seen or closed on disk.
    pub(crate) fn took(&self, place: u16, alert: &Alert) {
        self.changed(|book| book.took(place, alert));
    }

    /// Changes the book, and notes when the next alert is to be told again.
    fn changed<T>(&self, change: impl FnOnce(&mut Book) -> T) -> T {
        let mut book = self.book();
        let done = change(&mut book);
        self.next.store(book.next_escalation().unwrap_or(i64::MAX), Ordering::Release);
        done
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Raises an alert; it waits for nothing.
    pub fn raise(&self, alarm: Alarm) {
        self.alerts.raise(alarm);
        self.queue.nudge();
    }

    /// Alerts that are kept, the newest first.
    ///
    /// # Errors
    /// A fault of the storage, where other hosts write alerts, too.
    pub fn alerts(&self) -> Result<Vec<Alert>, OnlineError> {
        self.alerts.meet(&mut &*self.reader)?;
        Ok(self.alerts.all())
    }

    /// Says what became of an alert. The same under the same key happens once.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or [`OnlineError::AlertClosed`] where it was closed otherwise before.
    pub async fn close_alert(
        &self,
        number: u64,
        (end, note): (AlertEnd, &str),
        by: &str,
        key: &str,
    ) -> Result<Alert, OnlineError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(OnlineError::Fields(vec![FieldError {
                field: "note".to_owned(),
                what: "is too long",
                expected: format!("at most {NOTE_BYTES_MAX} bytes"),
            }]));
        }
        let said = Digest::of_parts([end.name().as_bytes(), note.as_bytes()]);
        let request = (shortened(key), said.0);
        let (by, note, at) = (by.to_owned(), note.to_owned(), (self.now)());
        let change = Change::Close(AlertClosing { end, by, at, note, request });
        self.change_alert(ChangeAlert { number, change }).await
    }

    /// Says that somebody has seen an alert and looks after it: it is not told again. Whoever was first stays.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`], or [`OnlineError::AlertClosed`].
    pub async fn see_alert(&self, number: u64, by: &str) -> Result<Alert, OnlineError> {
        let change = Change::See(AlertSeen { by: by.to_owned(), at: (self.now)() });
        self.change_alert(ChangeAlert { number, change }).await
    }

    async fn change_alert(&self, change: ChangeAlert) -> Result<Alert, OnlineError> {
        self.queue.ask(|reply| Job::ChangeAlert(Box::new(change), reply)).await
    }
}

impl Evidence {
    /// About a version.
    #[must_use]
    pub fn of_version(version: Digest) -> Self {
        Self { version: Some(version.0), ..Self::default() }
    }
}
