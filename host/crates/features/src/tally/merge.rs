//! Merging two tallies of one plan.

use super::bytes::TallyError;
use super::plan::{Fold, TallyPlan};
use super::state::{Counts, List, Tally};

impl Tally {
    /// Adds another tally of the same plan, moment and members. The values depend neither on the order of merging nor
    /// on how rows were divided among tallies.
    ///
    /// # Errors
    /// [`TallyError::Other`] where the two are not of the same moment and as many members; nothing is added then.
    pub fn merge(&mut self, plan: &TallyPlan, other: Self) -> Result<(), TallyError> {
        if (self.moment, self.members) != (other.moment, other.members)
            || !self.is_of(plan)
            || !other.is_of(plan)
        {
            return Err(TallyError::Other);
        }
        self.counts.merge(&other.counts);
        let width = plan.folds.len();
        for (at, (mine, theirs)) in self.numbers.iter_mut().zip(&other.numbers).enumerate() {
            *mine = match plan.folds[at % width] {
                Fold::Least => *theirs.min(mine),
                Fold::Greatest => *theirs.max(mine),
                Fold::Bits => *mine | theirs,
                Fold::Sum => {
                    let (sum, is_beyond) = mine.overflowing_add(*theirs);
                    if is_beyond {
                        *self.carries.entry(at).or_default() += theirs.signum();
                    }
                    sum
                }
            };
        }
        for (at, carries) in other.carries {
            *self.carries.entry(at).or_default() += carries;
        }
        for (mine, theirs) in self.lists.iter_mut().zip(other.lists) {
            mine.merge(theirs);
        }
        let rules = plan.picks.iter().cycle();
        for ((mine, theirs), rule) in self.picks.iter_mut().zip(&other.picks).zip(rules) {
            if let Some(theirs) = theirs {
                theirs.offer(mine, *rule);
            }
        }
        Ok(())
    }
}

impl Counts {
    fn merge(&mut self, other: &Self) {
        for at in 0..self.small.len() {
            if other.small[at] == 0 {
                continue;
            }
            let sum = self.get(at) + other.get(at);
            match u16::try_from(sum) {
                Ok(small) => self.small[at] = small,
                Err(_) => {
                    let beyond = u32::try_from(sum - i64::from(u16::MAX)).unwrap_or(u32::MAX);
                    self.small[at] = u16::MAX;
                    self.beyond.insert(at, beyond);
                }
            }
        }
    }
}

impl List {
    fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Days(mine), Self::Days(theirs)) => mine.extend(theirs),
            (Self::Values(mine), Self::Values(theirs)) => mine.extend(theirs),
            // Two tallies of one plan have the same lists.
            (Self::Days(_), Self::Values(_)) | (Self::Values(_), Self::Days(_)) => {}
        }
    }
}
