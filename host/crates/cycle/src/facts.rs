//! What the checks of arbitration need to know of members, read from features and outputs.

use std::collections::BTreeMap;

use playbook_model::{Cells, Column, Frame, Guardrails, Kind};
use rayon::prelude::*;

use crate::arbitrate::{SHARED_FROM, in_holdout};
use crate::decide::Policy;
use crate::prepare::Prepared;
use crate::proposal::{Candidate, ContactCaps, History, MemberFacts};

/// The age band of those whom commercial actions may reach (GR-13).
const ADULT: &str = "adult";

/// Where in a frame of members the facts stand that arbitration checks: columns are looked up once, by name.
#[derive(Debug)]
pub struct FactPlan<'a> {
    rules: &'a Guardrails,
    /// The flag of each consent purpose.
    consents: Vec<Option<usize>>,
    member: Option<usize>,
    unknown: Option<usize>,
    held: Option<usize>,
    complaint: Option<usize>,
    churn: Option<usize>,
    age_band: Option<usize>,
    stage: Option<usize>,
    segment: Option<usize>,
}

impl<'a> FactPlan<'a> {
    /// Looks the columns up in a frame like those that will be read.
    #[must_use]
    pub fn new(policy: &Policy<'a>, stages: &[Prepared], like: &Frame) -> Self {
        let rules = policy.rules;
        let at = |name: &str| like.position(name);
        let named = |name: &Option<String>| name.as_deref().and_then(at);
        let segments = stages.iter().filter(|stage| stage.def.kind == Kind::Segmentation);
        Self {
            rules,
            consents: policy.purposes.iter().map(|p| at(&format!("consent.{p}"))).collect(),
            member: at("member").filter(|_| rules.holdout > 0.0),
            unknown: at("unknown_identity"),
            held: at("fraud_hold"),
            complaint: named(&rules.complaint_feature),
            churn: named(&rules.churn_output),
            age_band: named(&rules.age_band_feature),
            stage: named(&rules.stage_output),
            segment: segments.map(|s| format!("{}.segment", s.def.name)).find_map(|name| at(&name)),
        }
    }

    /// Reads the facts of the members that have candidates. Rows of others are left as if nothing were known.
    #[must_use]
    pub fn read(&self, members: &Frame, candidates: &[Candidate]) -> FactColumns {
        let rules = self.rules;
        let rows = CandidateRows::of(candidates, members.rows());
        let column = |at: Option<usize>| at.and_then(|at| members.columns().get(at));
        let flag = |at| column(at).map(|c| rows.map(false, |r| c.integer(r) == Some(1)));
        let critical =
            column(self.churn).map(|c| rows.by_name(c, false, |name| name == Some("critical")));
        let complains = column(self.complaint)
            .map(|c| rows.map(false, |r| c.real(r).is_some_and(|value| value > 0.0)));
        let service_only = match (critical, complains) {
            (Some(a), Some(b)) => a.into_iter().zip(b).map(|(a, b)| a || b).collect(),
            (one, other) => one.or(other).unwrap_or_default(),
        };
        let holdout = column(self.member).map(|ids| {
            rows.map(false, |r| ids.text(r).is_some_and(|id| in_holdout(id, rules.holdout)))
        });
        // Whoever is not known to be an adult is none, even where the age is an output that nobody gave.
        let not_adult = rules.age_band_feature.as_ref().map(|_| match column(self.age_band) {
            Some(c) => rows.by_name(c, true, |name| name != Some(ADULT)),
            None => vec![true; rows.all],
        });
        let stage_cap = column(self.stage)
            .map(|c| rows.by_name(c, None, |name| rules.stage_caps.get(name?).copied()));
        FactColumns {
            consents: self.consents.iter().map(|at| flag(*at).unwrap_or_default()).collect(),
            holdout: holdout.unwrap_or_default(),
            unknown: flag(self.unknown).unwrap_or_default(),
            held: flag(self.held).unwrap_or_default(),
            stage_cap: stage_cap.unwrap_or_default(),
            service_only,
            not_adult: not_adult.unwrap_or_default(),
            contact_caps: contact_caps(rules, column(self.segment), &rows),
        }
    }
}

/// What the checks need to know of the members, by row; see [`MemberFacts`].
#[derive(Debug, Default)]
pub struct FactColumns {
    consents: Vec<Vec<bool>>,
    holdout: Vec<bool>,
    unknown: Vec<bool>,
    held: Vec<bool>,
    stage_cap: Vec<Option<f64>>,
    service_only: Vec<bool>,
    not_adult: Vec<bool>,
    contact_caps: Vec<ContactCaps>,
}

impl FactColumns {
    /// Lends them, under the members' keyed hashes, with what the ledger knows of the members.
    #[must_use]
    pub fn of<'a>(&'a self, keys: &'a [i64], history: &'a [(u32, History)]) -> MemberFacts<'a> {
        MemberFacts {
            consents: &self.consents,
            keys,
            holdout: &self.holdout,
            unknown: &self.unknown,
            held: &self.held,
            stage_cap: &self.stage_cap,
            service_only: &self.service_only,
            not_adult: &self.not_adult,
            contact_caps: &self.contact_caps,
            history,
        }
    }
}

/// Rows that have a candidate, ascending; facts of others are not worked out.
struct CandidateRows {
    rows: Vec<u32>,
    all: usize,
}

impl CandidateRows {
    fn of(candidates: &[Candidate], all: usize) -> Self {
        let mut has = vec![false; all];
        for candidate in candidates {
            if let Some(has) = has.get_mut(candidate.row as usize) {
                *has = true;
            }
        }
        Self { rows: (0..).zip(has).filter_map(|(row, has)| has.then_some(row)).collect(), all }
    }

    /// A value for each row that is asked for, `other` for all others.
    fn map<T: Copy + Send>(&self, other: T, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
        let found: Vec<T> = if self.rows.len() < SHARED_FROM {
            self.rows.iter().map(|row| of(*row as usize)).collect()
        } else {
            self.rows.par_iter().with_min_len(SHARED_FROM).map(|row| of(*row as usize)).collect()
        };
        let mut values = vec![other; self.all];
        self.rows.iter().zip(found).for_each(|(row, value)| values[*row as usize] = value);
        values
    }

    /// As [`CandidateRows::map`], by the text of a column; each name of a category is looked at once where there are
    /// fewer names than rows.
    fn by_name<T: Copy + Send + Sync>(
        &self,
        column: &Column,
        other: T,
        of: impl Fn(Option<&str>) -> T + Sync,
    ) -> Vec<T> {
        let (codes, names) = match &column.cells {
            Cells::Category { codes, names } if names.len() < self.rows.len() => (codes, names),
            _ => return self.map(other, |row| of(column.text(row))),
        };
        let named: Vec<T> = names.iter().map(|name| of(Some(name))).collect();
        let missing = of(None);
        self.map(other, |row| {
            if column.is_valid(row) {
                named.get(codes[row] as usize).copied().unwrap_or(missing)
            } else {
                missing
            }
        })
    }
}

/// Caps of H9 by the member's segment; "" is the cap of every other segment.
fn contact_caps(
    rules: &Guardrails,
    segment: Option<&Column>,
    rows: &CandidateRows,
) -> Vec<ContactCaps> {
    let all = [
        &rules.contacts_per_day_max,
        &rules.commercial_per_day_max,
        &rules.commercial_per_week_max,
    ];
    if all.iter().all(|caps| caps.is_empty()) {
        return Vec::new();
    }
    let cap = |caps: &BTreeMap<String, u32>, segment: &str| {
        caps.get(segment).or_else(|| caps.get("")).copied().unwrap_or(u32::MAX)
    };
    let of = |segment: Option<&str>| {
        let name = segment.unwrap_or("");
        ContactCaps {
            all_day: cap(&rules.contacts_per_day_max, name),
            commercial_day: cap(&rules.commercial_per_day_max, name),
            commercial_week: cap(&rules.commercial_per_week_max, name),
        }
    };
    match segment {
        Some(column) => rows.by_name(column, ContactCaps::NONE, of),
        None => vec![of(None); rows.all],
    }
}

#[cfg(test)]
mod tests {
    use playbook_model::{Bitmap, Cells, Column, Frame, Guardrails};

    use super::{Candidate, FactPlan, Policy};

    fn not_adult(rules: &Guardrails, members: &Frame) -> Vec<bool> {
        let candidate = |row| Candidate {
            stage: 0,
            action: 0,
            row,
            quantity: 1,
            cost: 0,
            expected_output: 0,
            reason: 0,
            after_min: 0,
            until_min: None,
        };
        let candidates: Vec<_> = (0..6).map(candidate).collect();
        let policy = Policy::new(rules, &[]);
        FactPlan::new(&policy, &[], members).read(members, &candidates).not_adult
    }

    #[test]
    fn nobody_is_an_adult_whose_age_is_not_known_to_be_one() {
        let bands = ["adult", "14_17", "unknown", "Adult", "", "adult"];
        let mut valid = Bitmap::filled(6, true);
        valid.set(5, false);
        let cells = Cells::Text(bands.into_iter().collect());
        let mut members = Frame::with_rows(6);
        let (name, unit) = ("age".to_owned(), String::new());
        members.push(Column { name, unit, cells, valid: Some(valid) });
        let rules = |feature: Option<&str>| Guardrails {
            age_band_feature: feature.map(str::to_owned),
            ..Guardrails::default()
        };
        assert_eq!(not_adult(&rules(Some("age")), &members), [false, true, true, true, true, true]);
        assert_eq!(not_adult(&rules(Some("stage.age")), &members), [true; 6]);
        assert!(not_adult(&rules(None), &members).is_empty());
    }
}
