//! Decisions in numbers: the one count that the record, the summary, the report and comparisons show.

use std::collections::BTreeMap;

use playbook_cycle::Decision;
use playbook_model::{Minor, RefusalCode};

/// Grants in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Granted {
    /// How many.
    pub grants: u64,
    /// What they may cost.
    pub cost: Minor,
    /// What they are expected to bring.
    pub expected_output: Minor,
}

impl Granted {
    /// Both together. Sums that leave 64 bits stay at the greatest number.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        let sum = |a: Minor, b: Minor| Minor(a.0.saturating_add(b.0));
        Self {
            grants: self.grants + more.grants,
            cost: sum(self.cost, more.cost),
            expected_output: sum(self.expected_output, more.expected_output),
        }
    }
}

/// How many proposals there were, and what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// What this run granted.
    pub granted: Granted,
    /// What an earlier run of the cycle had granted already.
    pub before: Granted,
    /// Members with a grant, of this run or before.
    pub members_granted: u64,
    /// Refused proposals by code.
    pub refused: BTreeMap<RefusalCode, u64>,
}

impl Counts {
    /// Counts decisions.
    #[must_use]
    pub fn of(decisions: &[Decision]) -> Self {
        let mut counts = Self::default();
        let mut members = Vec::new();
        for decision in decisions {
            if let Some(refusal) = &decision.refusal {
                *counts.refused.entry(refusal.code).or_default() += 1;
                continue;
            }
            let candidate = &decision.candidate;
            let (cost, expected_output) = (Minor(candidate.cost), Minor(candidate.expected_output));
            let one = Granted { grants: 1, cost, expected_output };
            let sum = if decision.is_new() { &mut counts.granted } else { &mut counts.before };
            *sum = sum.and(one);
            members.push(candidate.row);
        }
        members.sort_unstable();
        members.dedup();
        counts.members_granted = members.len() as u64;
        counts
    }

    /// Everything that the cycle granted, in this run and before.
    #[must_use]
    pub fn granted_in_all(&self) -> Granted {
        self.granted.and(self.before)
    }

    /// Refused proposals, whatever the code.
    #[must_use]
    pub fn refused_in_all(&self) -> u64 {
        self.refused.values().sum()
    }

    /// All proposals.
    #[must_use]
    pub fn proposals(&self) -> u64 {
        self.granted_in_all().grants + self.refused_in_all()
    }
}

#[cfg(test)]
mod tests {
    use playbook_cycle::Decision;
    use playbook_model::{Minor, RefusalCode};

    use super::{Counts, Granted};
    use crate::small::{granted, refused};

    #[test]
    fn grants_are_summed_and_refusals_counted_by_code() {
        let before = Decision { granted_before: true, ..granted(3, 0, 1) };
        let decisions = [
            granted(7, 0, 100),
            granted(7, 1, 50),
            before,
            refused(7, 0, 999, None),
            refused(8, 0, 999, None),
        ];
        let counts = Counts::of(&decisions);
        let of =
            |grants, cost| Granted { grants, cost: Minor(cost), expected_output: Minor(2 * cost) };
        assert_eq!((counts.granted, counts.before), (of(2, 150), of(1, 1)));
        assert_eq!((counts.granted_in_all(), counts.members_granted), (of(3, 151), 2));
        assert_eq!(counts.refused.into_iter().collect::<Vec<_>>(), [(RefusalCode::R14, 2)]);
    }

    #[test]
    fn sums_stay_at_the_greatest_number() {
        let half = i64::MAX / 2;
        let counts = Counts::of(&[granted(0, 0, half), granted(1, 0, half), granted(1, 1, half)]);
        assert_eq!(counts.granted.cost, Minor(i64::MAX));
        assert_eq!((counts.proposals(), counts.refused_in_all()), (3, 0));
    }
}
