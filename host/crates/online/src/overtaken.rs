//! What was evaluated of a member and does not hold any more, because it took back a consent or was erased meanwhile: such
//! decisions are evaluated anew, so that what was answered is kept to at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Members that are remembered; beyond, all decisions that are under way are evaluated anew.
const MEMBERS_MAX: usize = 4_096;

/// The number of the last step that is in memory, for those who evaluate: they read it before they take a record.
pub(crate) type Seen = Arc<AtomicU64>;

/// Which members took such a step, and when: the writer's.
#[derive(Debug, Default)]
pub(crate) struct Overtaken {
    seen: Seen,
    last: u64,
    /// Steps up to this one are forgotten.
    floor: u64,
    steps: HashMap<i64, u64>,
}

impl Overtaken {
    pub(crate) fn new(seen: &Seen) -> Self {
        Self { seen: Arc::clone(seen), ..Self::default() }
    }

    /// Whether a record that was taken after the step `seen` is older than what the member did.
    pub(crate) fn is_stale(&self, member: i64, seen: u64) -> bool {
        seen < self.floor || self.steps.get(&member).is_some_and(|step| seen < *step)
    }

    /// Notes what members did in a group, once records in memory say so too, or the group has failed.
    pub(crate) fn note(&mut self, members: &[i64]) {
        if members.is_empty() {
            return;
        }
        self.last += 1;
        if self.steps.len() + members.len() > MEMBERS_MAX {
            self.steps.clear();
            self.floor = self.last;
        }
        self.steps.extend(members.iter().map(|member| (*member, self.last)));
        self.seen.store(self.last, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::{MEMBERS_MAX, Overtaken, Seen};

    #[test]
    fn what_was_taken_before_a_step_is_stale_and_what_came_after_is_not() {
        let seen = Seen::default();
        let mut overtaken = Overtaken::new(&seen);
        let before = seen.load(Ordering::Acquire);
        overtaken.note(&[7]);
        assert!(overtaken.is_stale(7, before) && !overtaken.is_stale(8, before));
        assert!(!overtaken.is_stale(7, seen.load(Ordering::Acquire)));
        // Those that are forgotten are stale once more rather than never.
        for member in 0..=MEMBERS_MAX as i64 {
            overtaken.note(&[member]);
        }
        assert!(overtaken.is_stale(7, before) && overtaken.is_stale(1 << 40, before));
        assert!(!overtaken.is_stale(7, seen.load(Ordering::Acquire)));
    }
}
