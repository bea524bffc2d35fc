//! What a brand counts while it answers: plain numbers for whoever watches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use playbook_model::{Distribution, Histogram, MICROS_BOUNDS, RefusalCode};

use crate::alerts::{Alarm, AlertLevel, AlertRule, Alerts, Evidence};
use crate::writer::EventFate;

/// What is counted, by many threads.
#[derive(Debug)]
pub(crate) struct Counts {
    numbers: [AtomicU64; NUMBERS],
    refused: [AtomicU64; RefusalCode::ALL.len()],
    commit_micros: Histogram,
    /// Whether the last commit failed.
    fails: AtomicBool,
    /// Whether the writer is gone.
    is_gone: AtomicBool,
}

/// A number that is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Decisions,
    Repeated,
    Previews,
    Granted,
    GrantedBefore,
    EventsAccepted,
    EventsDuplicate,
    EventsOther,
    EventsFull,
    EventsWithoutOrder,
    EventsInvalid,
    Waiting,
    TurnedAway,
    Groups,
    GroupRequests,
    CommitsFailed,
    CandidatesReturned,
    CyclesClosed,
    CyclesFailed,
    TransfersMoved,
    TransfersMovedBefore,
    TransfersSuggested,
    TransfersRefused,
    AlertsEscalated,
    ZonesUnknown,
}

const NUMBERS: usize = Number::ZonesUnknown as usize + 1;

/// What a commit group did; it counts once the group is on disk.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    numbers: [u64; NUMBERS],
    refused: [u64; RefusalCode::ALL.len()],
}

/// What a brand counted since it was opened, and what it holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Decisions that were made and kept.
    pub decisions: u64,
    /// Requests for a decision that was made before, under the same key.
    pub repeated: u64,
    /// Looks without effect.
    pub previews: u64,
    /// Effects that were granted.
    pub granted: u64,
    /// Proposals of what was granted before.
    pub granted_before: u64,
    /// Proposals that were refused, by the position of their code among [`RefusalCode::ALL`].
    pub refused: [u64; RefusalCode::ALL.len()],
    /// Events.
    pub events: EventFigures,
    /// Requests that wait for the writer now.
    pub waiting: u64,
    /// Requests that found too many waiting.
    pub turned_away: u64,
    /// Commit groups.
    pub groups: u64,
    /// Requests in all of them.
    pub group_requests: u64,
    /// Commit groups that failed.
    pub commits_failed: u64,
    /// Candidates that a guard took back.
    pub candidates_returned: u64,
    /// Cycles that were closed.
    pub cycles_closed: u64,
    /// Cycles that could not be closed.
    pub cycles_failed: u64,
    /// Transfers that stages of closed cycles asked for.
    pub transfers: TransferFigures,
    /// Decisions by the brand's clock, because nothing said the zone of the member, or what said it is none.
    pub zones_unknown: u64,
    /// Microseconds of each commit group, failed ones included.
    pub commit_micros: Distribution,
    /// Members whose records are in memory.
    pub records: u64,
    /// Bytes of these.
    pub record_bytes: u64,
    /// Records that left memory to make room.
    pub evicted: u64,
    /// Stages of the version that decides.
    pub stages: StageStates,
    /// Alerts that are open, by level.
    pub alerts: [u64; AlertLevel::ALL.len()],
    /// Critical alerts that were told again, because nobody had seen them.
    pub alerts_escalated: u64,
}

/// Events by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventFigures {
    /// Kept.
    pub accepted: u64,
    /// Kept before.
    pub duplicate: u64,
    /// Another event of the member has the id.
    pub other_event: u64,
    /// The member has more events than a record may hold.
    pub record_full: u64,
    /// Refunds of an order that the member did not pay.
    pub without_order: u64,
    /// Fields that cannot be taken.
    pub invalid: u64,
}

/// Transfers by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransferFigures {
    /// Moved.
    pub moved: u64,
    /// Moved when the cycle was closed the first time.
    pub moved_before: u64,
    /// Left to a person: the playbook lets nothing move there.
    pub suggested: u64,
    /// Refused.
    pub refused: u64,
}

/// How many stages of a version are how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageStates {
    /// Answer.
    pub answering: u64,
    /// Wait for a first closed cycle.
    pub waiting: u64,
    /// Failed lately.
    pub failed: u64,
    /// Are not called for a while, because they failed too often.
    pub open: u64,
}

/// Whether a brand can keep what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriterState {
    /// It can.
    Works,
    /// The last commit failed, and none has succeeded since.
    Fails,
    /// The writer is gone; only a new start helps.
    Gone,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            numbers: std::array::from_fn(|_| AtomicU64::new(0)),
            refused: std::array::from_fn(|_| AtomicU64::new(0)),
            commit_micros: Histogram::new(MICROS_BOUNDS),
            fails: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
        }
    }
}

impl Counts {
    pub(crate) fn add(&self, number: Number, more: u64) {
        self.numbers[number as usize].fetch_add(more, Ordering::Relaxed);
    }

    /// A request joins those that wait; false where `most` wait already.
    pub(crate) fn waits(&self, most: u64) -> bool {
        let waiting = &self.numbers[Number::Waiting as usize];
        let one_more = |waiting: u64| (waiting < most).then_some(waiting + 1);
        waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    /// How many requests wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.numbers[Number::Waiting as usize].load(Ordering::Relaxed)
    }

    /// A request waits no longer.
    pub(crate) fn waited(&self) {
        self.numbers[Number::Waiting as usize].fetch_sub(1, Ordering::Relaxed);
    }

    /// A group of so many requests is on disk.
    pub(crate) fn committed(&self, tally: &Tally, requests: u64, micros: u64) {
        let both = self.numbers.iter().zip(&tally.numbers);
        let both = both.chain(self.refused.iter().zip(&tally.refused));
        for (number, more) in both.filter(|(_, more)| **more > 0) {
            number.fetch_add(*more, Ordering::Relaxed);
        }
        self.add(Number::Groups, 1);
        self.add(Number::GroupRequests, requests);
        self.commit_micros.note(micros);
        self.fails.store(false, Ordering::Relaxed);
    }

    /// A group could not be written.
    pub(crate) fn failed(&self, micros: u64) {
        self.add(Number::CommitsFailed, 1);
        self.commit_micros.note(micros);
        self.fails.store(true, Ordering::Relaxed);
    }

    pub(crate) fn writer(&self) -> WriterState {
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        match (is(&self.is_gone), is(&self.fails)) {
            (true, _) => WriterState::Gone,
            (_, true) => WriterState::Fails,
            _ => WriterState::Works,
        }
    }

    pub(crate) fn decisions(&self) -> u64 {
        self.numbers[Number::Decisions as usize].load(Ordering::Relaxed)
    }

    /// The numbers now; what others hold is left at 0.
    pub(crate) fn read(&self) -> Figures {
        let of = |number: Number| self.numbers[number as usize].load(Ordering::Relaxed);
        Figures {
            decisions: of(Number::Decisions),
            repeated: of(Number::Repeated),
            previews: of(Number::Previews),
            granted: of(Number::Granted),
            granted_before: of(Number::GrantedBefore),
            refused: std::array::from_fn(|at| self.refused[at].load(Ordering::Relaxed)),
            events: EventFigures {
                accepted: of(Number::EventsAccepted),
                duplicate: of(Number::EventsDuplicate),
                other_event: of(Number::EventsOther),
                record_full: of(Number::EventsFull),
                without_order: of(Number::EventsWithoutOrder),
                invalid: of(Number::EventsInvalid),
            },
            waiting: of(Number::Waiting),
            turned_away: of(Number::TurnedAway),
            groups: of(Number::Groups),
            group_requests: of(Number::GroupRequests),
            commits_failed: of(Number::CommitsFailed),
            candidates_returned: of(Number::CandidatesReturned),
            cycles_closed: of(Number::CyclesClosed),
            cycles_failed: of(Number::CyclesFailed),
            transfers: TransferFigures {
                moved: of(Number::TransfersMoved),
                moved_before: of(Number::TransfersMovedBefore),
                suggested: of(Number::TransfersSuggested),
                refused: of(Number::TransfersRefused),
            },
            zones_unknown: of(Number::ZonesUnknown),
            commit_micros: self.commit_micros.read(),
            records: 0,
            record_bytes: 0,
            evicted: 0,
            stages: StageStates::default(),
            alerts: [0; AlertLevel::ALL.len()],
            alerts_escalated: of(Number::AlertsEscalated),
        }
    }
}

impl Tally {
    pub(crate) fn add(&mut self, number: Number) {
        self.numbers[number as usize] += 1;
    }

    pub(crate) fn refused(&mut self, code: RefusalCode) {
        self.refused[code as usize] += 1;
    }

    pub(crate) fn event(&mut self, fate: EventFate) {
        self.add(match fate {
            EventFate::Accepted => Number::EventsAccepted,
            EventFate::Duplicate => Number::EventsDuplicate,
            EventFate::OtherEvent => Number::EventsOther,
            EventFate::RecordFull => Number::EventsFull,
            EventFate::WithoutOrder => Number::EventsWithoutOrder,
        });
    }
}

/// Held by the writer's thread: however the thread ends, it is known.
pub(crate) struct Presence {
    pub(crate) counts: Arc<Counts>,
    pub(crate) alerts: Arc<Alerts>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.counts.is_gone.store(true, Ordering::Relaxed);
        if std::thread::panicking() {
            self.alerts
                .raise(writer_alarm("gone", "the writer has stopped by a fault of the host"));
        }
    }
}

/// That a writer does not write.
pub(crate) fn writer_alarm(scope: &str, words: &str) -> Alarm {
    let (scope, words) = (scope.to_owned(), words.to_owned());
    Alarm { rule: AlertRule::WriterFailed, scope, words, evidence: Evidence::default() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use playbook_ledger::Ledger;
    use playbook_model::RefusalCode;

    use crate::alerts::Alerts;

    use super::{Counts, Number, Presence, Tally, WriterState};

    #[test]
    fn what_a_group_did_counts_once_it_is_on_disk() {
        let (counts, mut tally) = (Counts::default(), Tally::default());
        tally.add(Number::Decisions);
        tally.refused(RefusalCode::R10);
        counts.failed(5);
        assert_eq!((counts.read().decisions, counts.writer()), (0, WriterState::Fails));
        counts.committed(&tally, 3, 7);
        let read = counts.read();
        assert_eq!((read.decisions, read.refused[9], read.refused.iter().sum::<u64>()), (1, 1, 1));
        assert_eq!((read.groups, read.group_requests, read.commits_failed), (1, 3, 1));
        assert_eq!((read.commit_micros.count(), read.commit_micros.sum), (2, 12));
        assert_eq!(counts.writer(), WriterState::Works);
    }

    #[test]
    fn a_writer_that_ends_by_a_panic_is_known_to_be_gone() {
        let counts = Arc::new(Counts::default());
        let ledger = Ledger::in_memory("b").expect("memory is there");
        let alerts =
            Alerts::read(&mut &ledger, "b", Arc::new(|| 0), false).expect("there are none");
        let alerts = Arc::new(alerts);
        let presence = Presence { counts: Arc::clone(&counts), alerts: Arc::clone(&alerts) };
        let ended = std::thread::spawn(move || {
            let _present = presence;
            panic!("a fault of the host");
        });
        assert!(ended.join().is_err());
        assert_eq!(counts.writer(), WriterState::Gone);
        assert_eq!(alerts.open(), [0, 0, 1]);
    }
}
