//! What the checks of arbitration need to know of members, read from features and outputs.

use std::collections::BTreeMap;

use playbook_model::{Cells, Column, Frame, Kind, Playbook};
use rayon::prelude::*;

use crate::arbitrate::{Candidate, ContactCaps, MemberFacts, in_holdout};
use crate::prepare::Prepared;

/// What the checks need to know of the members that have candidates, read from features and outputs. Rows of
/// others are left as if nothing were known.
pub(crate) fn member_facts(
    playbook: &Playbook,
    stages: &[Prepared],
    members: &Frame,
    purposes: &[String],
    candidates: &[Candidate],
) -> MemberColumns {
    let rules = &playbook.guardrails;
    let rows = Asked::of(candidates, members.rows());
    let flag =
        |name: &str| members.column(name).map(|c| rows.map(false, |r| c.integer(r) == Some(1)));
    let consents =
        purposes.iter().map(|p| flag(&format!("consent.{p}")).unwrap_or_default()).collect();
    let named = |name: &Option<String>| name.as_deref().and_then(|n| members.column(n));
    let complaint = named(&rules.complaint_feature);
    let churn = named(&rules.churn_output);
    let critical = churn.map(|c| rows.by_name(c, false, |name| name == Some("critical")));
    let complains = complaint.map(|c| rows.map(false, |r| c.real(r).is_some_and(|v| v > 0.0)));
    let service_only = match (critical, complains) {
        (Some(a), Some(b)) => a.into_iter().zip(b).map(|(a, b)| a || b).collect(),
        (one, other) => one.or(other).unwrap_or_default(),
    };
    let holdout = match (rules.holdout > 0.0, members.column("member")) {
        (true, Some(ids)) => {
            rows.map(false, |r| ids.text(r).is_some_and(|id| in_holdout(id, rules.holdout)))
        }
        _ => Vec::new(),
    };
    let minor = named(&rules.age_band_feature).map_or_else(Vec::new, |c| {
        rows.by_name(c, false, |name| matches!(name, Some("under_14" | "14_17")))
    });
    let stage_cap = named(&rules.stage_output).map_or_else(Vec::new, |c| {
        rows.by_name(c, None, |name| rules.stage_caps.get(name?).copied())
    });
    MemberColumns {
        consents,
        holdout,
        unknown: flag("unknown_identity").unwrap_or_default(),
        held: flag("fraud_hold").unwrap_or_default(),
        stage_cap,
        service_only,
        minor,
        contact_caps: contact_caps(playbook, stages, members, &rows),
    }
}

/// What the checks need to know of the members, by row; see [`MemberFacts`].
#[derive(Debug, Default)]
pub(crate) struct MemberColumns {
    consents: Vec<Vec<bool>>,
    holdout: Vec<bool>,
    unknown: Vec<bool>,
    held: Vec<bool>,
    stage_cap: Vec<Option<f64>>,
    service_only: Vec<bool>,
    minor: Vec<bool>,
    contact_caps: Vec<ContactCaps>,
}

impl MemberColumns {
    /// Lends them, under the members' keyed hashes.
    pub(crate) fn facts<'a>(&'a self, keys: &'a [i64]) -> MemberFacts<'a> {
        MemberFacts {
            consents: &self.consents,
            keys,
            holdout: &self.holdout,
            unknown: &self.unknown,
            held: &self.held,
            stage_cap: &self.stage_cap,
            service_only: &self.service_only,
            minor: &self.minor,
            contact_caps: &self.contact_caps,
            history: &[],
        }
    }
}

/// Rows that have a candidate, ascending.
struct Asked {
    rows: Vec<u32>,
    all: usize,
}

impl Asked {
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
        let found: Vec<T> =
            self.rows.par_iter().with_min_len(4_096).map(|row| of(*row as usize)).collect();
        let mut values = vec![other; self.all];
        self.rows.iter().zip(found).for_each(|(row, value)| values[*row as usize] = value);
        values
    }

    /// As [`Asked::map`], by the text of a column; each name of a category is looked at once.
    fn by_name<T: Copy + Send + Sync>(
        &self,
        column: &Column,
        other: T,
        of: impl Fn(Option<&str>) -> T + Sync,
    ) -> Vec<T> {
        let Cells::Category { codes, names } = &column.cells else {
            return self.map(other, |row| of(column.text(row)));
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
    playbook: &Playbook,
    stages: &[Prepared],
    members: &Frame,
    rows: &Asked,
) -> Vec<ContactCaps> {
    let rules = &playbook.guardrails;
    let all = [
        &rules.contacts_per_day_max,
        &rules.commercial_per_day_max,
        &rules.commercial_per_week_max,
    ];
    if all.iter().all(|caps| caps.is_empty()) {
        return Vec::new();
    }
    let segment = stages
        .iter()
        .filter(|s| s.def.kind == Kind::Segmentation)
        .find_map(|s| members.column(&format!("{}.segment", s.def.name)));
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
        None => vec![of(None); members.rows()],
    }
}
