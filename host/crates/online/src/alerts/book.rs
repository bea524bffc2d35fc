//! The alerts of a brand in memory, each at a place of its own: the number of places is bounded, in memory and on disk.

use std::collections::BTreeSet;

use crate::alerts::{AGAIN_MS, Alarm, Alert, AlertEnd, AlertLevel, UNSEEN_MS};

/// Alerts that are kept.
const ALERTS_MAX: usize = 1_000;

/// Alerts by their places.
#[derive(Debug, Default)]
pub(super) struct Book {
    all: Vec<Alert>,
    /// Places whose alerts are not on disk as they are here.
    unsaved: BTreeSet<u16>,
}

impl Book {
    /// Those that are kept, in order of their places.
    pub(super) fn of(all: Vec<Alert>) -> Self {
        Self { all, unsaved: BTreeSet::new() }
    }

    /// Raises an alert and returns its number; `None` where the same was raised lately, which is counted then. One that was
    /// resolved and happens again is another one.
    pub(super) fn raise(&mut self, alarm: Alarm, at: i64) -> Option<u64> {
        let Alarm { rule, scope, words, evidence } = alarm;
        let (number, times) = (0, 1);
        let (closed, seen, escalated) = (None, None, None);
        let last = at;
        self.tell(Alert {
            number,
            at,
            last,
            times,
            rule,
            scope,
            words,
            evidence,
            closed,
            seen,
            escalated,
        })
    }

    /// Takes what an alert tells: counts it with the one that tells of the same, or gives it a number and a place.
    fn tell(&mut self, alert: Alert) -> Option<u64> {
        let is_same = |known: &Alert| {
            let is_over =
                known.closed.as_ref().is_some_and(|closing| closing.end == AlertEnd::Resolved);
            known.rule == alert.rule
                && known.scope == alert.scope
                && !is_over
                && alert.at.saturating_sub(known.at) < AGAIN_MS
        };
        if let Some(place) = self.all.iter().position(is_same) {
            let known = &mut self.all[place];
            known.times += alert.times;
            known.last = known.last.max(alert.last);
            self.change(place);
            return None;
        }
        let number = self.all.iter().map(|alert| alert.number).max().unwrap_or(0) + 1;
        let place = self.room();
        let alert = Alert { number, ..alert };
        match self.all.get_mut(place) {
            Some(taken) => *taken = alert,
            None => self.all.push(alert),
        }
        self.change(place);
        Some(number)
    }

    /// Takes over those that are kept, which other hosts wrote, too. What is not on disk yet is told again on top of them: it may
    /// get another number.
    pub(super) fn meet(&mut self, kept: Vec<Alert>) {
        let told = self.take_unsaved();
        self.all = kept;
        for (place, mut alert) in told {
            let is_it = |kept: &Alert| {
                (kept.number, kept.rule, kept.at) == (alert.number, alert.rule, alert.at)
                    && kept.scope == alert.scope
            };
            if let Some(kept) = self.all.get_mut(usize::from(place)).filter(|kept| is_it(kept)) {
                alert.closed = kept.closed.take();
                alert.seen = kept.seen.take();
                alert.escalated = alert.escalated.or(kept.escalated);
                *kept = alert;
                self.change(usize::from(place));
            } else {
                self.tell(alert);
            }
        }
    }

    /// A place: a new one, that of the oldest closed alert, or where none is closed that of the oldest.
    fn room(&self) -> usize {
        if self.all.len() < ALERTS_MAX {
            return self.all.len();
        }
        let age = |alert: &Alert| (alert.closed.is_none(), alert.number);
        let oldest = self.all.iter().enumerate().min_by_key(|(_, alert)| age(alert));
        let (place, alert) = oldest.expect("there are many");
        if alert.closed.is_none() {
            let (number, rule) = (alert.number, alert.rule.code());
            tracing::error!(number, rule, "an open alert is forgotten: too many are open");
        }
        place
    }

    fn change(&mut self, place: usize) {
        self.unsaved.insert(u16::try_from(place).expect("places are few"));
    }

    pub(super) fn take_unsaved(&mut self) -> Vec<(u16, Alert)> {
        let places = std::mem::take(&mut self.unsaved);
        places.into_iter().map(|place| (place, self.all[usize::from(place)].clone())).collect()
    }

    pub(super) fn not_saved(&mut self, places: &[u16]) {
        self.unsaved.extend(places);
    }

    pub(super) fn find(&self, number: u64) -> Option<(u16, Alert)> {
        let place = self.all.iter().position(|alert| alert.number == number)?;
        Some((u16::try_from(place).expect("places are few"), self.all[place].clone()))
    }

    /// Takes over that an alert was seen or closed. It may have happened again meanwhile.
    pub(super) fn took(&mut self, place: u16, alert: &Alert) {
        let known = &mut self.all[usize::from(place)];
        if known.number == alert.number {
            known.closed.clone_from(&alert.closed);
            known.seen.clone_from(&alert.seen);
        }
    }

    /// When the next alert is to be told again, unix-ms.
    pub(super) fn next_escalation(&self) -> Option<i64> {
        self.all.iter().filter_map(escalates_at).min()
    }

    /// Marks those that nobody has seen for too long; each once.
    pub(super) fn escalate(&mut self, now: i64) -> Vec<Alert> {
        let is_due = |alert: &Alert| escalates_at(alert).is_some_and(|at| at <= now);
        let places: Vec<usize> = (0..self.all.len()).filter(|at| is_due(&self.all[*at])).collect();
        let mark = |place: usize| {
            self.all[place].escalated = Some(now);
            self.change(place);
            self.all[place].clone()
        };
        places.into_iter().map(mark).collect()
    }

    pub(super) fn newest_first(&self) -> Vec<Alert> {
        let mut all = self.all.clone();
        all.sort_by_key(|alert| std::cmp::Reverse(alert.number));
        all
    }

    pub(super) fn open(&self) -> [u64; AlertLevel::ALL.len()] {
        let mut open = [0; AlertLevel::ALL.len()];
        for alert in self.all.iter().filter(|alert| alert.closed.is_none()) {
            open[alert.rule.level() as usize] += 1;
        }
        open
    }
}

/// When an alert is to be told again, unix-ms, where it is.
fn escalates_at(alert: &Alert) -> Option<i64> {
    let waits = alert.closed.is_none() && alert.seen.is_none() && alert.escalated.is_none();
    let is_critical = alert.rule.level() == AlertLevel::Critical;
    (waits && is_critical).then(|| alert.at.saturating_add(UNSEEN_MS))
}

#[cfg(test)]
mod tests {
    use super::{ALERTS_MAX, Book};
    use crate::alerts::{
        AGAIN_MS, Alarm, Alert, AlertClosing, AlertEnd, AlertRule, AlertSeen, Evidence, UNSEEN_MS,
    };

    fn alarm(scope: &str) -> Alarm {
        Alarm {
            rule: AlertRule::FileRefused,
            scope: scope.to_owned(),
            words: "it is broken".to_owned(),
            evidence: Evidence::default(),
        }
    }

    fn close(book: &mut Book, number: u64, end: AlertEnd) {
        let (place, mut alert) = book.find(number).expect("it is there");
        let request = ([0; 16], [0; 32]);
        let (by, note) = ("me".to_owned(), String::new());
        alert.closed = Some(AlertClosing { end, by, at: 0, note, request });
        book.took(place, &alert);
    }

    #[test]
    fn the_same_is_one_alert_a_day_unless_it_was_resolved() {
        let mut book = Book::default();
        assert_eq!(book.raise(alarm("a"), 0), Some(1));
        assert_eq!(book.raise(alarm("b"), 0), Some(2), "another scope");
        assert_eq!(book.raise(alarm("a"), AGAIN_MS - 1), None);
        let of_writer = Alarm { rule: AlertRule::WriterFailed, ..alarm("a") };
        assert_eq!(book.raise(of_writer, 1), Some(3), "another rule");
        let (_, first) = book.find(1).expect("it is there");
        assert_eq!((first.times, first.at, first.last), (2, 0, AGAIN_MS - 1));
        assert_eq!(book.raise(alarm("a"), AGAIN_MS), Some(4));
        assert_eq!(book.open(), [0, 3, 1]);
        close(&mut book, 4, AlertEnd::Accepted);
        assert_eq!(book.raise(alarm("a"), AGAIN_MS + 1), None, "somebody lives with it");
        close(&mut book, 4, AlertEnd::Resolved);
        assert_eq!(book.raise(alarm("a"), AGAIN_MS + 2), Some(5), "it was over");
        let numbers: Vec<u64> = book.newest_first().iter().map(|alert| alert.number).collect();
        assert_eq!(numbers, [5, 4, 3, 2, 1]);
    }

    #[test]
    fn a_critical_alert_that_nobody_has_seen_is_told_again_once() {
        let mut book = Book::default();
        let critical = |scope: &str| Alarm { rule: AlertRule::WriterFailed, ..alarm(scope) };
        book.raise(alarm("warning"), 0);
        assert_eq!(book.next_escalation(), None, "a warning has time");
        for scope in ["a", "b", "c"] {
            book.raise(critical(scope), 0);
        }
        // Somebody has seen one, another is closed.
        let (place, mut seen) = book.find(3).expect("it is there");
        seen.seen = Some(AlertSeen { by: "me".to_owned(), at: 1 });
        book.took(place, &seen);
        close(&mut book, 4, AlertEnd::Accepted);
        assert_eq!(book.next_escalation(), Some(UNSEEN_MS));
        assert!(book.escalate(UNSEEN_MS - 1).is_empty());
        book.take_unsaved();
        let told: Vec<u64> = book.escalate(UNSEEN_MS).iter().map(|alert| alert.number).collect();
        assert_eq!(told, [2]);
        assert_eq!(book.take_unsaved()[0].1.escalated, Some(UNSEEN_MS), "it is kept");
        assert!(book.escalate(9 * UNSEEN_MS).is_empty() && book.next_escalation().is_none());
        // Another host told it: this one does not.
        let (mut other, mut kept) = (Book::default(), book.all.clone());
        kept.truncate(2);
        other.meet(kept);
        assert_eq!(other.next_escalation(), None);
    }

    #[test]
    fn hosts_that_share_a_store_tell_of_the_same_once() {
        let (mut here, mut there) = (Book::default(), Book::default());
        let saved = |book: &mut Book| {
            book.take_unsaved();
            book.all.clone()
        };
        there.raise(alarm("a"), 1);
        let kept = saved(&mut there);
        here.raise(alarm("a"), 5);
        here.raise(alarm("b"), 6);
        here.meet(kept);
        let (_, same) = here.find(1).expect("it is kept");
        assert_eq!((same.times, same.at, same.last), (2, 1, 5));
        let (place, other) = here.find(2).expect("it is told again");
        assert_eq!((place, other.scope.as_str()), (1, "b"));
        close(&mut there, 1, AlertEnd::Accepted);
        here.raise(alarm("a"), 7);
        let mut kept = saved(&mut here);
        kept[0].closed.clone_from(&there.all[0].closed);
        here.raise(alarm("a"), 8);
        here.meet(kept);
        let (_, same) = here.find(1).expect("it is kept");
        assert_eq!((same.times, same.closed.is_some()), (4, true), "counted on, and closed still");
        assert_eq!(here.find(2).map(|(_, alert)| alert.times), Some(1));
    }

    #[test]
    fn places_are_bounded_and_closed_alerts_make_room_first() {
        let mut book = Book::default();
        for number in 0..ALERTS_MAX {
            book.raise(alarm(&number.to_string()), 0);
        }
        close(&mut book, 7, AlertEnd::False);
        let saved = book.take_unsaved();
        assert_eq!((saved.len(), book.take_unsaved().len()), (ALERTS_MAX, 0));
        let next = book.raise(alarm("next"), 0).expect("a new one");
        assert_eq!(
            book.find(next).map(|(place, _)| place),
            Some(6),
            "at the place of the closed one"
        );
        assert!(book.find(7).is_none());
        book.raise(alarm("another"), 0);
        assert!(book.find(1).is_none(), "the oldest of those that are open");
        let changed: Vec<u16> = book.take_unsaved().iter().map(|(place, _)| *place).collect();
        assert_eq!(changed, [0, 6]);
        let all: Vec<Alert> = book.newest_first();
        assert_eq!(all.len(), ALERTS_MAX);
    }
}
