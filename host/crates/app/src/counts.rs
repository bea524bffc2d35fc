//! Decisions in numbers: the one count that the record, the summary, the report and comparisons show.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use playbook_cycle::{Candidate, Decision};
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
    fn one(candidate: &Candidate) -> Self {
        let Candidate { cost, expected_output, .. } = *candidate;
        Self { grants: 1, cost: Minor(cost), expected_output: Minor(expected_output) }
    }

    /// Both together. Sums that leave 64 bits stay at the greatest number.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            grants: self.grants + more.grants,
            cost: sum(self.cost, more.cost),
            expected_output: sum(self.expected_output, more.expected_output),
        }
    }
}

/// Proposals of one action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfAction {
    /// How many.
    pub proposals: u64,
    /// What this run granted.
    pub granted: Granted,
    /// Quantity of what this run granted.
    pub quantity: i64,
    /// What an earlier run of the cycle had granted already.
    pub before: Granted,
}

/// Proposals that were refused with one code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfCode {
    /// How many.
    pub proposals: u64,
    /// What they would have cost.
    pub cost: Minor,
    /// How many by the rule that refused them.
    pub rules: BTreeMap<&'static str, u64>,
}

impl OfAction {
    /// Everything that the cycle granted, in this run and before.
    #[must_use]
    pub fn granted_in_all(&self) -> Granted {
        self.granted.and(self.before)
    }

    fn add(&mut self, granted: &Decision) {
        let one = Granted::one(&granted.candidate);
        if granted.is_new() {
            self.granted = self.granted.and(one);
            self.quantity = self.quantity.saturating_add(granted.candidate.quantity);
        } else {
            self.before = self.before.and(one);
        }
    }
}

impl OfCode {
    fn add(&mut self, rule: &'static str, candidate: &Candidate) {
        self.proposals += 1;
        self.cost = sum(self.cost, Minor(candidate.cost));
        *self.rules.entry(rule).or_default() += 1;
    }

    /// The rule that refused most; of equal ones the first by name.
    #[must_use]
    pub fn main_rule(&self) -> Option<&'static str> {
        let most = self.rules.iter().max_by_key(|(rule, n)| (**n, Reverse(**rule)));
        most.map(|(rule, _)| *rule)
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
    pub refused: BTreeMap<RefusalCode, OfCode>,
    /// Proposals by the position of their stage and by their action.
    pub actions: BTreeMap<(u16, u16), OfAction>,
}

impl Counts {
    /// Counts decisions.
    #[must_use]
    pub fn of(decisions: &[Decision]) -> Self {
        let mut counts = Self::default();
        let mut members = Vec::new();
        for decision in decisions {
            let candidate = &decision.candidate;
            let action = counts.actions.entry((candidate.stage, candidate.action)).or_default();
            action.proposals += 1;
            match &decision.refusal {
                Some(refusal) => {
                    counts.refused.entry(refusal.code).or_default().add(refusal.rule, candidate);
                }
                None => {
                    action.add(decision);
                    members.push(candidate.row);
                }
            }
        }
        for action in counts.actions.values() {
            counts.granted = counts.granted.and(action.granted);
            counts.before = counts.before.and(action.before);
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
        self.refused.values().map(|of| of.proposals).sum()
    }

    /// All proposals.
    #[must_use]
    pub fn proposals(&self) -> u64 {
        self.granted_in_all().grants + self.refused_in_all()
    }
}

fn sum(a: Minor, b: Minor) -> Minor {
    Minor(a.0.saturating_add(b.0))
}

/// Cost of each member's grants, those of earlier runs of the cycle included, by row.
pub(crate) fn cost_by_member(decisions: &[Decision], rows: usize) -> Vec<Minor> {
    let mut costs = vec![Minor::ZERO; rows];
    for decision in decisions.iter().filter(|d| d.refusal.is_none()) {
        if let Some(cost) = costs.get_mut(decision.candidate.row as usize) {
            *cost = sum(*cost, Minor(decision.candidate.cost));
        }
    }
    costs
}

#[cfg(test)]
mod tests {
    use playbook_cycle::Decision;
    use playbook_model::{Minor, RefusalCode};

    use super::{Counts, Granted, OfAction, cost_by_member};
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
        let refused = &counts.refused[&RefusalCode::R14];
        assert_eq!((counts.refused.len(), counts.refused_in_all()), (1, 2));
        assert_eq!((refused.cost, refused.main_rule()), (Minor(1_998), Some("H9")));
        let gift = OfAction { proposals: 4, granted: of(1, 100), quantity: 2, before: of(1, 1) };
        let call = OfAction { proposals: 1, granted: of(1, 50), quantity: 2, before: of(0, 0) };
        assert_eq!(
            counts.actions.into_iter().collect::<Vec<_>>(),
            [((1, 0), gift), ((1, 1), call)]
        );
        let costs = cost_by_member(&decisions, 8);
        assert_eq!((costs[3], costs[7], costs[0]), (Minor(1), Minor(150), Minor(0)));
    }

    #[test]
    fn the_main_rule_of_a_code_is_the_one_that_refused_most_then_the_first_by_name() {
        let by = |rule| {
            let mut decision = refused(0, 0, 1, None);
            decision.refusal.iter_mut().for_each(|refusal| refusal.rule = rule);
            decision
        };
        let rule = |rules: &[&'static str]| {
            let decisions: Vec<Decision> = rules.iter().map(|rule| by(rule)).collect();
            Counts::of(&decisions).refused[&RefusalCode::R14].main_rule()
        };
        assert_eq!(rule(&["GR-6", "GR-7", "GR-7"]), Some("GR-7"));
        assert_eq!(rule(&["GR-7", "GR-6"]), Some("GR-6"));
    }

    #[test]
    fn sums_stay_at_the_greatest_number() {
        let half = i64::MAX / 2;
        let counts = Counts::of(&[granted(0, 0, half), granted(1, 0, half), granted(1, 1, half)]);
        assert_eq!(counts.granted.cost, Minor(i64::MAX));
        assert_eq!((counts.proposals(), counts.refused_in_all()), (3, 0));
    }
}
