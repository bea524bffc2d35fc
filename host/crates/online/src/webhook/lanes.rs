//! Which effect goes next: in order for each member, one of a member at a time, and again after a failure. Pure: moments are
//! milliseconds that its caller counts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Wait after the first failure.
const WAIT_MS: u64 = 1_000;
/// Longest wait, but for what a receiver asks for.
const WAIT_MS_MAX: u64 = 10 * 60_000;
/// Failures in a row after which the receiver as a whole counts as failing.
const FAILING: u32 = 16;

/// What has been tried of an effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tried {
    /// How often it failed.
    pub(super) attempts: u32,
    /// Time since the first attempt, as far as the service ran meanwhile.
    pub(super) ms: u64,
}

/// An effect that is not delivered yet.
#[derive(Debug)]
struct Open {
    member: i64,
    tried: Tried,
    /// Not before this moment.
    due: u64,
    /// When it was sent for the first time, or failed last.
    since: u64,
    /// What stands on disk of it.
    kept: Option<Tried>,
}

/// What becomes of an effect that failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is tried again.
    Again,
    /// It was tried for as long as it may.
    GivenUp(Tried),
}

/// What is to be written so that a restart loses nothing: every effect up to `position` is delivered, given up or kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(super) position: u64,
    /// Effects that are overtaken.
    pub(super) keep: Vec<(u64, Tried)>,
    /// Effects that were kept and are no longer open.
    pub(super) forget: Vec<u64>,
}

/// Effects that are open, by member.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    open: BTreeMap<u64, Open>,
    by_member: HashMap<i64, BTreeSet<u64>>,
    /// Members of whom an effect is on its way.
    busy: HashSet<i64>,
    /// The first effect of every other member.
    ready: BTreeSet<(u64, u64)>,
    /// Number up to which effects were taken up.
    pub(super) taken: u64,
    /// Effects that are no longer open and stand on disk.
    gone: Vec<u64>,
    paused_until: u64,
    failed_in_a_row: u32,
}

impl Lanes {
    /// Nothing is open; effects up to this number were taken up.
    pub(super) fn after(position: u64) -> Self {
        Self { taken: position, ..Self::default() }
    }

    /// Takes up an effect; `kept`: what stands on disk of it.
    pub(super) fn add(&mut self, number: u64, member: i64, kept: Option<Tried>, now: u64) {
        if self.open.contains_key(&number) {
            return;
        }
        self.unready(member);
        let tried = kept.unwrap_or_default();
        self.open.insert(number, Open { member, tried, due: now, since: now, kept });
        self.by_member.entry(member).or_default().insert(number);
        self.make_ready(member);
    }

    /// The effect that goes now.
    pub(super) fn next(&mut self, now: u64) -> Option<u64> {
        let (due, number) = *self.ready.first()?;
        if due > now || self.paused_until > now {
            return None;
        }
        self.ready.pop_first();
        let open = self.open.get_mut(&number)?;
        if open.tried.attempts == 0 {
            // The time that it waited for others is not its own.
            open.since = now;
        }
        self.busy.insert(open.member);
        Some(number)
    }

    /// When [`Lanes::next`] has one, unless something happens before.
    pub(super) fn wakes_at(&self) -> Option<u64> {
        self.ready.first().map(|(due, _)| (*due).max(self.paused_until))
    }

    /// An effect was delivered.
    pub(super) fn delivered(&mut self, number: u64) {
        self.failed_in_a_row = 0;
        self.close(number);
    }

    /// An effect failed. `drawn` is any number; `asked_ms` is the wait that the receiver asks for, from everybody.
    pub(super) fn failed(
        &mut self,
        number: u64,
        (now, drawn): (u64, u64),
        asked_ms: Option<u64>,
        give_up_ms: u64,
    ) -> Failure {
        self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
        if let Some(ms) = asked_ms {
            self.paused_until = self.paused_until.max(now.saturating_add(ms));
        }
        let Some(open) = self.open.get_mut(&number) else { return Failure::Again };
        let tried = &mut open.tried;
        tried.ms = tried.ms.saturating_add(now.saturating_sub(open.since));
        tried.attempts = tried.attempts.saturating_add(1);
        if tried.ms >= give_up_ms {
            let tried = *tried;
            self.close(number);
            return Failure::GivenUp(tried);
        }
        open.since = now;
        open.due = now.saturating_add(wait_ms(open.tried.attempts, drawn));
        let member = open.member;
        self.busy.remove(&member);
        self.make_ready(member);
        Failure::Again
    }

    /// An effect is open no longer.
    pub(super) fn close(&mut self, number: u64) {
        let Some(open) = self.open.remove(&number) else { return };
        if open.kept.is_some() {
            self.gone.push(number);
        }
        let member = open.member;
        if let Some(lane) = self.by_member.get_mut(&member) {
            lane.remove(&number);
            if lane.is_empty() {
                self.by_member.remove(&member);
            }
        }
        self.busy.remove(&member);
        self.make_ready(member);
    }

    fn first_of(&self, member: i64) -> Option<(u64, u64)> {
        let number = *self.by_member.get(&member)?.first()?;
        Some((self.open[&number].due, number))
    }

    fn unready(&mut self, member: i64) {
        if let Some(first) = self.first_of(member) {
            self.ready.remove(&first);
        }
    }

    fn make_ready(&mut self, member: i64) {
        if !self.busy.contains(&member)
            && let Some(first) = self.first_of(member)
        {
            self.ready.insert(first);
        }
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether what stands on disk of an effect is known: it is open, or its row goes with the next commit.
    pub(super) fn knows(&self, number: u64) -> bool {
        self.open.contains_key(&number) || self.gone.contains(&number)
    }

    /// The open effect that was granted first.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.open.first_key_value().map(|(number, _)| *number)
    }

    /// Whether further effects are to be taken up: while nothing is delivered, those that are open are enough to find out
    /// when that changes.
    pub(super) fn takes_more(&self) -> bool {
        self.failed_in_a_row < FAILING || self.open.is_empty()
    }

    /// What a commit has to write; [`Lanes::written`] when it is on disk.
    pub(super) fn changes(&self) -> Changes {
        let mut changes = Changes { position: self.taken, ..Changes::default() };
        let mut fresh = None;
        for (number, open) in &self.open {
            let waits = || {
                // Behind one that failed, too: the position would never pass it otherwise.
                let first = self.first_of(open.member).map(|(_, first)| &self.open[&first]);
                first.is_some_and(|first| first.tried.attempts > 0)
            };
            match open.kept {
                Some(kept) if kept == open.tried => {}
                None if !waits() => {
                    fresh.get_or_insert(*number);
                }
                _ => changes.keep.push((*number, open.tried)),
            }
        }
        if let Some(fresh) = fresh {
            changes.position = fresh.saturating_sub(1);
        }
        changes.forget.clone_from(&self.gone);
        changes
    }

    /// Changes are on disk; nothing else happened since they were told.
    pub(super) fn written(&mut self, changes: &Changes) {
        for (number, tried) in &changes.keep {
            if let Some(open) = self.open.get_mut(number) {
                open.kept = Some(*tried);
            }
        }
        self.gone.clear();
    }
}

/// Doubles with each attempt; half of it is drawn, so that many do not come at once.
fn wait_ms(attempts: u32, drawn: u64) -> u64 {
    let longest = (WAIT_MS << attempts.saturating_sub(1).min(20)).min(WAIT_MS_MAX);
    longest / 2 + drawn % (longest / 2 + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Changes, Failure, Lanes, Tried, WAIT_MS, WAIT_MS_MAX, wait_ms};

    const DAY_MS: u64 = 86_400_000;

    fn tried(attempts: u32, ms: u64) -> Tried {
        Tried { attempts, ms }
    }

    /// Effects 1 to 4, of members 7, 7, 8 and 7.
    fn four() -> Lanes {
        let mut lanes = Lanes::default();
        for (number, member) in [(1, 7), (2, 7), (3, 8), (4, 7)] {
            lanes.add(number, member, None, 0);
        }
        lanes.taken = 4;
        lanes
    }

    #[test]
    fn members_wait_for_themselves_alone() {
        let mut lanes = four();
        assert_eq!([lanes.next(0), lanes.next(0), lanes.next(0)], [Some(1), Some(3), None]);
        assert_eq!(lanes.failed(1, (10, 0), None, DAY_MS), Failure::Again);
        lanes.delivered(3);
        assert_eq!((lanes.next(10), lanes.wakes_at()), (None, Some(510)));
        assert_eq!(lanes.next(510), Some(1));
        lanes.delivered(1);
        assert_eq!((lanes.next(510), lanes.next(510)), (Some(2), None));
    }

    #[test]
    fn the_position_passes_what_failed_and_what_waits_for_it() {
        let mut lanes = four();
        assert_eq!(lanes.changes(), Changes::default(), "nothing is delivered yet");
        lanes.next(0);
        lanes.next(0);
        lanes.failed(1, (10, 0), None, DAY_MS);
        let held = vec![(1, tried(1, 10)), (2, tried(0, 0)), (4, tried(0, 0))];
        let changes = lanes.changes();
        assert_eq!((changes.position, &changes.keep), (2, &held), "the third is on its way");
        lanes.written(&changes);
        lanes.delivered(3);
        let changes = lanes.changes();
        assert_eq!(changes, Changes { position: 4, ..Changes::default() });
        lanes.next(DAY_MS);
        lanes.delivered(1);
        let changes = lanes.changes();
        assert_eq!((changes.position, &changes.forget), (4, &vec![1]), "what is kept stays kept");
        lanes.written(&changes);
        assert_eq!(lanes.changes().forget, Vec::<u64>::new());
    }

    #[test]
    fn an_effect_is_given_up_when_its_time_is_over_and_the_next_goes() {
        let mut lanes = four();
        let (mut now, mut attempts) = (0, 0);
        loop {
            now = lanes.wakes_at().map_or(now, |at| at.max(now));
            let Some(number) = lanes.next(now) else { continue };
            if number == 3 {
                lanes.delivered(3);
                continue;
            }
            assert_eq!(number, 1, "nobody overtakes");
            attempts += 1;
            if let Failure::GivenUp(told) = lanes.failed(1, (now, u64::MAX), None, DAY_MS) {
                assert_eq!(told.attempts, attempts);
                assert!((DAY_MS..DAY_MS + WAIT_MS_MAX).contains(&told.ms), "{told:?}");
                break;
            }
        }
        assert!((100..400).contains(&attempts), "{attempts}");
        assert_eq!(lanes.next(now), Some(2));
    }

    #[test]
    fn time_that_an_effect_waits_for_another_is_not_its_own() {
        let mut lanes = four();
        lanes.next(0);
        lanes.failed(1, (5, 0), None, 5);
        assert_eq!(lanes.next(DAY_MS), Some(2));
        assert_eq!(lanes.failed(2, (DAY_MS + 4, 0), None, 5), Failure::Again);
    }

    #[test]
    fn time_that_was_tried_before_a_restart_counts() {
        let mut lanes = Lanes::default();
        lanes.add(1, 7, Some(tried(90, DAY_MS - 5)), 0);
        lanes.next(0);
        assert_eq!(lanes.failed(1, (5, 0), None, DAY_MS), Failure::GivenUp(tried(91, DAY_MS)));
        assert_eq!(lanes.changes().forget, [1]);
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it_from_everybody() {
        let mut lanes = four();
        lanes.next(0);
        lanes.failed(1, (0, 0), Some(30_000), DAY_MS);
        assert_eq!((lanes.next(29_999), lanes.wakes_at()), (None, Some(30_000)));
        assert_eq!(lanes.next(30_000), Some(3));
    }

    #[test]
    fn an_effect_that_is_sent_again_goes_before_later_ones_of_its_member() {
        let mut lanes = Lanes::default();
        lanes.add(5, 7, None, 0);
        lanes.add(2, 7, Some(Tried::default()), 0);
        lanes.taken = 5;
        assert_eq!((lanes.next(0), lanes.next(0)), (Some(2), None));
        lanes.add(1, 7, Some(Tried::default()), 0);
        lanes.delivered(2);
        assert_eq!((lanes.next(0), lanes.oldest()), (Some(1), Some(1)));
        assert_eq!((lanes.changes().position, lanes.len()), (4, 2));
    }

    #[test]
    fn while_everything_fails_nothing_further_is_taken_up_but_in_place_of_the_last() {
        let mut lanes = Lanes::default();
        (0..20).for_each(|number| lanes.add(number, number as i64, None, 0));
        let fail = |lanes: &mut Lanes, give_up: u64| {
            let number = lanes.next(u64::MAX / 2).unwrap();
            lanes.failed(number, (u64::MAX / 2, 0), None, give_up)
        };
        (0..15).for_each(|_| assert_eq!(fail(&mut lanes, u64::MAX), Failure::Again));
        assert!(lanes.takes_more());
        fail(&mut lanes, u64::MAX);
        assert!(!lanes.takes_more());
        while lanes.len() > 0 {
            assert!(!lanes.takes_more());
            let number = lanes.wakes_at().and_then(|at| lanes.next(at)).unwrap();
            lanes.failed(number, (u64::MAX, 0), None, 0);
        }
        assert!(lanes.takes_more(), "or nothing would ever go out again");
        lanes.add(20, 20, None, 0);
        lanes.next(0);
        lanes.delivered(20);
        assert!(lanes.takes_more());
    }

    #[test]
    fn what_was_delivered_is_known_until_its_row_is_gone() {
        let mut lanes = Lanes::default();
        lanes.add(3, 7, Some(Tried::default()), 0);
        lanes.next(0);
        lanes.delivered(3);
        assert!(lanes.knows(3), "or a look at the disk would send it again");
        lanes.written(&lanes.changes());
        assert!(!lanes.knows(3));
    }

    #[test]
    fn waits_double_up_to_a_bound_and_differ() {
        assert_eq!((wait_ms(1, 0), wait_ms(1, 500), wait_ms(2, 0)), (500, WAIT_MS, WAIT_MS));
        for attempts in [11, 40, u32::MAX] {
            assert_eq!(wait_ms(attempts, 0), WAIT_MS_MAX / 2);
            assert!((WAIT_MS_MAX / 2..=WAIT_MS_MAX).contains(&wait_ms(attempts, u64::MAX)));
        }
    }

    /// Whatever fails, and wherever the process is killed: each effect is delivered, those of a member in order.
    #[test]
    fn nothing_is_lost_and_no_member_is_out_of_order_whatever_happens() {
        for seed in 1..200_u64 {
            let mut drawn = seed;
            let mut draw = |of: u64| {
                drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (drawn >> 33) % of
            };
            let member = |number: u64| (number % 5) as i64;
            let (mut disk, mut position) = (BTreeMap::new(), 0);
            let mut lanes = Lanes::default();
            let mut flying = Vec::new();
            let mut delivered = BTreeSet::new();
            for now in 0_u64.. {
                let now = now * 300;
                while lanes.taken < 60 && lanes.len() < 9 {
                    lanes.taken += 1;
                    let number = lanes.taken;
                    lanes.add(number, member(number), None, now);
                }
                if flying.len() < 3 {
                    flying.extend(lanes.next(now));
                }
                if !flying.is_empty() && draw(2) == 0 {
                    let number = flying.remove(draw(flying.len() as u64) as usize);
                    if draw(3) > 0 {
                        // After a kill some come again; what is new comes in order.
                        let before = number.checked_sub(5).filter(|before| *before > 0);
                        let is_next = before.is_none_or(|before| delivered.contains(&before));
                        assert!(is_next, "seed {seed}: {number} after {delivered:?}");
                        delivered.insert(number);
                        lanes.delivered(number);
                    } else {
                        lanes.failed(number, (now, draw(1_000)), None, u64::MAX);
                    }
                }
                if draw(4) == 0 {
                    let changes = lanes.changes();
                    assert!(changes.position >= position, "seed {seed}: it goes forward");
                    position = changes.position;
                    disk.extend(changes.keep.iter().copied());
                    disk.retain(|number, _| !changes.forget.contains(number));
                    lanes.written(&changes);
                }
                if draw(40) == 0 {
                    flying.clear();
                    lanes = Lanes::after(position);
                    for (number, tried) in &disk {
                        lanes.add(*number, member(*number), Some(*tried), now);
                    }
                }
                if delivered.len() == 60 && lanes.len() == 0 && lanes.taken == 60 {
                    break;
                }
                assert!(now < 30_000_000, "seed {seed}: {delivered:?}");
            }
        }
    }
}
