//! Consents (domain H4): the latest answer per member and purpose holds, until it expires; where accounts were joined,
//! one refusal outweighs all grants (domain H2).

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use playbook_model::ConsentRule;

use crate::clock::BrandClock;

/// How long after the first act the second one may come, where consents are confirmed (domain H4).
const SECOND_ACT_MS: i64 = 7 * 86_400_000;
/// The time of answers that have none: before all others.
const UNDATED: i64 = i64::MIN + 1;

/// The state of a record of consents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentState {
    /// Nobody asked.
    Unasked,
    /// The first act: asked for, and not confirmed.
    First,
    /// Granted.
    Granted,
    /// Refused, withdrawn, or a word that is not documented.
    Refused,
}

impl ConsentState {
    /// Reads the word of a record. Fails closed: a missing word, or one that nobody knows, is no grant.
    #[must_use]
    pub fn of(word: Option<&str>) -> Self {
        match word {
            Some("none") => Self::Unasked,
            Some("requested" | "pending_second") => Self::First,
            Some("granted") => Self::Granted,
            _ => Self::Refused,
        }
    }
}

/// What a member says of a purpose, as far as the answers so far tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// When it was given, unix-ms.
    pub time: i64,
    /// Whether it holds.
    pub granted: bool,
    /// Whether it was a grant, and is too old to be one: see [`Answer::judged`].
    pub expired: bool,
    /// When the last first act was, unix-ms, whether or not the answer is later.
    pub first: i64,
}

impl Answer {
    /// Before any answer.
    pub const NEVER: Self = Self { time: i64::MIN, granted: true, expired: false, first: i64::MIN };

    /// An answer as a record of consents says it; `None`: it says that there is none. An answer without a time precedes all
    /// others.
    #[must_use]
    pub fn read(state: ConsentState, time: Option<i64>) -> Option<Self> {
        let granted = match state {
            ConsentState::Unasked => return None,
            ConsentState::Granted => true,
            ConsentState::First | ConsentState::Refused => false,
        };
        let time = time.unwrap_or(UNDATED);
        let first = if state == ConsentState::First { time } else { i64::MIN };
        Some(Self { time, granted, expired: false, first })
    }

    /// The answer under a rule. A grant before `oldest`, which is [`oldest_consent`], has expired; one without a time never
    /// does. Where consents are confirmed, a grant holds if its first act lies at most a week before it: what has no time proves
    /// nothing.
    #[must_use]
    pub fn judged(self, rule: ConsentRule, oldest: i64) -> Self {
        let is_old = self.time > UNDATED && self.time < oldest;
        let is_timed = self.first > UNDATED && self.time > UNDATED;
        let is_confirmed = is_timed && self.time.saturating_sub(self.first) <= SECOND_ACT_MS;
        let counts = !is_old && (is_confirmed || !rule.double);
        let expired = self.expired || (self.granted && is_old);
        Self { granted: self.granted && counts, expired, ..self }
    }

    /// Keeps the later of two answers of one account; of two at the same time the stricter one.
    pub fn hear(&mut self, other: Self) {
        let first = self.first.max(other.first);
        if other.time > self.time || (other.time == self.time && !other.granted) {
            *self = other;
        }
        self.first = first;
    }

    /// Joins the answer of another account of the same person; each was judged by acts of its own.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self {
            time: i64::MAX,
            first: i64::MAX,
            granted: self.granted && other.granted,
            expired: self.expired || other.expired,
        }
    }
}

/// The instant before which a consent must have been given to have expired at `as_of`, after so many months.
#[must_use]
pub fn oldest_consent(clock: &BrandClock, as_of: i64, months: u32) -> i64 {
    let wall = clock.local_ms(as_of);
    let earlier = Timestamp::from_millisecond(wall).ok().and_then(|wall| {
        let wall = wall.to_zoned(TimeZone::UTC);
        let earlier = wall.checked_sub(Span::new().months(i64::from(months))).ok()?;
        Some(earlier.timestamp().as_millisecond())
    });
    earlier.map_or(i64::MIN, |wall| clock.unix_ms(wall))
}

#[cfg(test)]
mod tests {
    use playbook_model::ConsentRule;

    use super::{Answer, ConsentState};

    const SINGLE: ConsentRule = ConsentRule { double: false, months: 24 };
    const DOUBLE: ConsentRule = ConsentRule { double: true, months: 24 };

    fn answers(states: &[(&str, i64)]) -> Answer {
        let mut last = Answer::NEVER;
        for (state, time) in states {
            let answer = Answer::read(ConsentState::of(Some(state)), Some(*time));
            answer.into_iter().for_each(|answer| last.hear(answer));
        }
        last
    }

    #[test]
    fn the_latest_answer_holds_and_of_two_at_once_the_stricter() {
        assert!(answers(&[("withdrawn", 200), ("granted", 300)]).granted);
        assert!(!answers(&[("granted", 300), ("withdrawn", 200), ("withdrawn", 301)]).granted);
        assert!(!answers(&[("granted", 300), ("refused", 300)]).granted);
        assert!(!answers(&[("refused", 300), ("granted", 300)]).granted);
    }

    #[test]
    fn words_that_nobody_knows_are_no_grant_and_old_grants_expire() {
        assert!(!answers(&[("GRANTED", 300)]).granted);
        let old = answers(&[("granted", 99)]);
        assert!(!old.judged(SINGLE, 100).granted && old.judged(SINGLE, 100).expired);
        assert!(old.judged(SINGLE, 99).granted);
        assert!(!answers(&[("withdrawn", 99)]).judged(SINGLE, 100).expired);
        assert_eq!(answers(&[("none", 300)]), Answer::NEVER);
        assert!(!Answer::NEVER.judged(SINGLE, 100).expired);
        let undated = Answer::read(ConsentState::Granted, None);
        assert!(undated.is_some_and(|answer| answer.judged(SINGLE, 100).granted));
        assert_eq!(ConsentState::of(None), ConsentState::Refused);
    }

    #[test]
    fn a_grant_is_confirmed_by_an_act_of_the_week_before_it() {
        const DAY: i64 = 86_400_000;
        let holds = |days: &[(&str, i64)]| {
            let at: Vec<_> = days.iter().map(|(state, day)| (*state, 1_000 + day * DAY)).collect();
            let answer = answers(&at);
            (answer.granted, answer.judged(DOUBLE, 100).granted, answer.judged(SINGLE, 100).granted)
        };
        assert_eq!(holds(&[("granted", 30)]), (true, false, true));
        for first in ["requested", "pending_second"] {
            assert_eq!(holds(&[(first, 23), ("granted", 30)]), (true, true, true));
            assert_eq!(holds(&[("granted", 30), (first, 22)]), (true, false, true));
            assert_eq!(holds(&[("granted", 30), (first, 31)]), (false, false, false));
        }
        assert!(!holds(&[("requested", 28), ("granted", 30), ("withdrawn", 31)]).1);
        let undated = Answer::read(ConsentState::Granted, None).unwrap_or(Answer::NEVER);
        assert!(undated.granted && !undated.judged(DOUBLE, 100).granted);
        let (yes, no) =
            (answers(&[("requested", 200), ("granted", 300)]), answers(&[("granted", 9_000)]));
        let judged = |answer: Answer| answer.judged(DOUBLE, 100);
        assert!(!judged(yes).joined(judged(no)).granted);
        assert!(judged(yes).joined(judged(yes)).granted);
    }

    #[test]
    fn one_refusal_outweighs_the_grants_of_other_accounts() {
        let (yes, no) = (answers(&[("granted", 300)]), answers(&[("withdrawn", 150)]));
        assert!(yes.joined(yes).granted);
        assert!(!yes.joined(no).granted && !no.joined(yes).granted);
    }
}
