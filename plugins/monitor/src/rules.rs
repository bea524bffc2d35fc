//! The rules of a monitor once they are read, and how those that fired are ranked (domain DG-13, DG-14).

use playbook_domain::condition::{Amount, Condition, Lookup};
use playbook_engine::{Reading, check_name, pointer};

use crate::settings::Settings;

/// A rule as rows are asked.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) when: Condition,
    value: Option<Amount>,
    threshold: Option<Amount>,
    effect: Option<Amount>,
    evidence: Option<Amount>,
}

/// All rules, in the order of their names.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<Rule>,
    pub(crate) among: Condition,
}

/// A rule that fired, with what is known of its effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fired {
    pub(crate) rule: usize,
    /// Expected effect, where enough cases tell it.
    pub(crate) effect: Option<f64>,
    pub(crate) evidence: Option<f64>,
}

/// Reads the rules; none where any of them is a problem.
pub(crate) fn read(settings: &Settings, reading: &mut Reading<'_>) -> Option<Rules> {
    let among = reading.condition(&["among"], &settings.among);
    let mut rules = Vec::new();
    for (name, rule) in settings.rule.iter() {
        check_name(&mut reading.problems, &["rule", name], name);
        for (at, package) in rule.suggests.iter().enumerate() {
            let path = pointer(&["rule", name, "suggests", &at.to_string()]);
            reading.problems.check(settings.package.has(package), path, "is no name of `package`");
        }
        if !rule.effect.is_empty() {
            let path = pointer(&["rule", name, "effect"]);
            let message = "counts where cases tell it: name them in `evidence`";
            reading.problems.check(!rule.evidence.is_empty(), path, message);
        }
        for (key, text) in [("effect", &rule.effect), ("evidence", &rule.evidence)] {
            let is_ranked = settings.rank.is_some() || text.is_empty();
            let message = "is only read where suggestions are ranked: set `rank`";
            reading.problems.check(is_ranked, pointer(&["rule", name, key]), message);
        }
        let when = reading.condition(&["rule", name, "when"], &rule.when);
        let mut amount = |key: &str, text: &str| match text {
            "" => None,
            text => reading.amount(&["rule", name, key], text),
        };
        let (value, threshold) =
            (amount("value", &rule.value), amount("threshold", &rule.threshold));
        let (effect, evidence) =
            (amount("effect", &rule.effect), amount("evidence", &rule.evidence));
        rules.extend(when.map(|when| Rule { when, value, threshold, effect, evidence }));
    }
    for name in settings.package.keys() {
        check_name(&mut reading.problems, &["package", name], name);
    }
    reading.problems.is_empty().then_some(Rules { rules, among: among? })
}

impl Rule {
    /// What is measured and what it is held against.
    pub(crate) fn measured(&self, row: &impl Lookup) -> (Option<f64>, Option<f64>) {
        let of = |amount: &Option<Amount>| amount.as_ref().and_then(|amount| amount.of(row));
        (of(&self.value), of(&self.threshold))
    }

    /// The rule as one that fired, at this place among the rules.
    pub(crate) fn fired(&self, rule: usize, evidence_min: u32, row: &impl Lookup) -> Fired {
        let evidence = self.evidence.as_ref().and_then(|evidence| evidence.of(row));
        let is_enough = evidence.is_some_and(|cases| cases >= f64::from(evidence_min));
        let effect = self.effect.as_ref().and_then(|effect| effect.of(row));
        Fired { rule, effect: effect.filter(|_| is_enough), evidence }
    }
}

/// Puts the greatest known effect first, then what is not known; equals keep the order of their names.
pub(crate) fn rank(fired: &mut [Fired]) {
    // Few rules fire at once: an insertion sort is a tenth of the code of the standard library's.
    for end in 1..fired.len() {
        let mut at = end;
        while at > 0 && is_before(&fired[at], &fired[at - 1]) {
            fired.swap(at, at - 1);
            at -= 1;
        }
    }
}

fn is_before(left: &Fired, right: &Fired) -> bool {
    match (left.effect, right.effect) {
        (Some(left), Some(right)) => left > right,
        (known, other) => known.is_some() && other.is_none(),
    }
}
