//! What the checks of arbitration need to know of members, read from features and outputs.
//!
//! Guards fail closed. A guard that the playbook declares holds for a member unless a value says that it does not: a
//! value that is missing, whether for one member or because its stage was left out, counts as the strictest one.

use std::collections::BTreeMap;
use std::sync::Arc;

use playbook_model::{Cells, Column, Frame, Guardrails, Kind, LawDef, LawTrack, LocalTime, UnixMs};
use rayon::prelude::*;

use crate::arbitrate::{SHARED_FROM, in_holdout};
use crate::decide::Policy;
use crate::prepare::Prepared;
use crate::proposal::{Candidate, ContactCaps, History, LocalFacts, MemberFacts, TradeFacts};
use crate::trade::Trade;

/// The age band of those whom commercial actions may reach (GR-13).
const ADULT: &str = "adult";

/// The age bands of those who consent for themselves (GR-13).
const CONSENTING: [&str; 2] = [ADULT, "14_17"];

/// The churn level at which a member gets messages of the service only (GR-12).
pub const CRITICAL: &str = "critical";

/// Whether a member of an age band consents for itself; of whom no band is known, a guardian does (GR-13).
#[must_use]
pub fn consents_alone(age_band: Option<&str>) -> bool {
    age_band.is_some_and(|band| CONSENTING.contains(&band))
}

/// Positions in a frame of members of the columns that guards read: looked up once, by name.
#[derive(Debug)]
pub struct FactPlan {
    rules: Arc<Guardrails>,
    /// The flag of each consent purpose.
    consents: Vec<Option<usize>>,
    law: Option<LawPlan>,
    member: Option<usize>,
    unknown: Option<usize>,
    held: Option<usize>,
    fraud: Option<Named>,
    complaint: Option<Named>,
    churn: Option<Named>,
    age_band: Option<Named>,
    stage: Option<Named>,
    segment: Option<Named>,
    community: Option<Named>,
    trades: Vec<Trade>,
    /// Minute of the member's day, and how long it has lasted.
    local: Option<(usize, usize)>,
}

/// A column that a guard of the playbook reads.
#[derive(Debug, Clone, Copy)]
struct Named {
    /// Its position; `None` where no column has its name.
    at: Option<usize>,
    /// Position in the playbook of the stage whose output it is.
    giver: Option<usize>,
}

impl Named {
    /// The column; `None` where it is absent or its stage was left out, so that nothing is known of any member.
    fn column<'f>(self, members: &'f Frame, skipped: &[usize]) -> Option<&'f Column> {
        let is_skipped = self.giver.is_some_and(|giver| skipped.contains(&giver));
        self.at.filter(|_| !is_skipped).and_then(|at| members.columns().get(at))
    }
}

/// What the law of a playbook reads.
#[derive(Debug)]
struct LawPlan {
    /// The column of tracks; `None`: everybody falls under both laws.
    track: Option<usize>,
    /// By the position of a track, the flags of the consents that it demands.
    demands: [Vec<Option<usize>>; 3],
    /// The flag of the consent of a guardian.
    guardian: Option<usize>,
}

impl LawPlan {
    fn new(law: &LawDef, like: &Frame) -> Self {
        let flag = |purpose: &str| like.position(&format!("consent.{purpose}"));
        Self {
            track: like.position(LawDef::COLUMN),
            demands: LawTrack::ALL.map(|track| law.purposes(track).map(flag).collect()),
            guardian: flag(LawDef::GUARDIAN),
        }
    }
}

/// A stage whose outputs guards may read: its position in the playbook, its name, and whether it segments members.
type Giver<'a> = (usize, &'a str, bool);

impl FactPlan {
    /// Looks the columns up in a frame like those that will be read.
    #[must_use]
    pub fn new(policy: &Policy, stages: &[Prepared], like: &Frame) -> Self {
        let giver = |stage: &'_ Prepared| {
            let of_members = stage.shape.rows.as_ref().is_some_and(|rows| rows.subject == "member");
            let segments = of_members && stage.def.kind == Kind::Segmentation;
            (stage.position, stage.def.name.clone(), segments)
        };
        let givers: Vec<_> = stages.iter().map(giver).collect();
        let givers: Vec<Giver<'_>> =
            givers.iter().map(|(at, name, segments)| (*at, name.as_str(), *segments)).collect();
        Self::of(policy, &givers, like)
    }

    fn of(policy: &Policy, givers: &[Giver<'_>], like: &Frame) -> Self {
        let rules = &policy.rules;
        let at = |name: &str| like.position(name);
        let giver_of = |name: &str| {
            let stage = name.split_once('.').map(|(stage, _)| stage);
            givers.iter().find(|(_, name, _)| Some(*name) == stage).map(|(position, ..)| *position)
        };
        let of = |name: &str| Named { at: at(name), giver: giver_of(name) };
        let named = |name: &Option<String>| name.as_deref().map(of);
        let segmentation = givers.iter().find(|(.., segments)| *segments);
        Self {
            rules: Arc::clone(rules),
            consents: policy.purposes.iter().map(|p| at(&format!("consent.{p}"))).collect(),
            law: rules.law.as_ref().map(|law| LawPlan::new(law, like)),
            member: at("member").filter(|_| rules.holdout > 0.0),
            unknown: at("unknown_identity"),
            held: at("fraud_hold"),
            fraud: named(&rules.fraud_output),
            complaint: named(&rules.complaint_feature),
            churn: named(&rules.churn_output),
            age_band: named(&rules.age_band_feature),
            stage: named(&rules.stage_output),
            segment: segmentation.map(|(_, name, _)| of(&format!("{name}.segment"))),
            community: named(&rules.trade.community_feature),
            trades: policy.trades.clone(),
            local: at(LocalTime::MINUTE).zip(at(LocalTime::DAY_MS)),
        }
    }

    /// Reads the facts that hold at a moment of the members that have candidates; rows of others have defaults. `skipped` are
    /// the positions in the playbook of stages that were left out.
    #[must_use]
    pub fn read(
        &self,
        members: &Frame,
        candidates: &[Candidate],
        skipped: &[usize],
        at: UnixMs,
    ) -> FactColumns {
        self.read_rows(members, &CandidateRows::of(candidates, members.rows()), skipped, at)
    }

    /// As [`FactPlan::read`], of every row.
    #[must_use]
    pub fn read_all(&self, members: &Frame, skipped: &[usize], at: UnixMs) -> FactColumns {
        self.read_rows(members, &CandidateRows::all(members.rows()), skipped, at)
    }

    fn read_rows(
        &self,
        members: &Frame,
        rows: &CandidateRows,
        skipped: &[usize],
        at: UnixMs,
    ) -> FactColumns {
        let rules = self.rules.as_ref();
        let column = |at: Option<usize>| at.and_then(|at| members.columns().get(at));
        let named = |of: Option<Named>| of.map(|named| named.column(members, skipped));
        let consents = |at| {
            column(at).map(|c| rows.map(false, |r| c.integer(r) == Some(1))).unwrap_or_default()
        };
        let raised = |at| {
            let raised =
                |c: &Column| rows.map(false, |r| c.real(r).is_none_or(|value| value != 0.0));
            column(at).map(raised).unwrap_or_default()
        };
        let critical = named(self.churn).map(|column| match column {
            Some(c) => rows.by_name(c, false, |level| level.is_none_or(|level| level == CRITICAL)),
            None => vec![true; rows.all],
        });
        let complains = named(self.complaint).map(|column| match column {
            Some(c) => rows.map(false, |r| c.real(r).is_none_or(|open| open > 0.0)),
            None => vec![true; rows.all],
        });
        let suspected = named(self.fraud).map(|column| match column {
            Some(c) => rows.map(false, |r| c.real(r).is_none_or(|risk| risk >= rules.fraud_from)),
            None => vec![true; rows.all],
        });
        let holdout = column(self.member).map(|ids| {
            rows.map(false, |r| ids.text(r).is_some_and(|id| in_holdout(id, rules.holdout)))
        });
        let not_adult = named(self.age_band).map(|column| match column {
            Some(c) => rows.by_name(c, true, |name| name != Some(ADULT)),
            None => vec![true; rows.all],
        });
        let consented = |at: Option<usize>, row: usize| {
            column(at).is_some_and(|flags| flags.integer(row) == Some(1))
        };
        let law = self.law.as_ref();
        let lacks_consent = law.map(|law| {
            let tracks = column(law.track);
            rows.map(true, |row| {
                let track = LawTrack::of(tracks.and_then(|tracks| tracks.text(row)));
                !law.demands[track as usize].iter().all(|at| consented(*at, row))
            })
        });
        let unguarded = law.map(|law| {
            let band = named(self.age_band).flatten();
            rows.map(true, |row| {
                let band = band.and_then(|band| band.text(row));
                !consents_alone(band) && !consented(law.guardian, row)
            })
        });
        let trade = |trade: &Trade| {
            let segment = named(self.segment).flatten();
            let community = named(self.community).flatten();
            let priced = |row| {
                let segment = segment.and_then(|column| column.text(row));
                trade.has_price(at, segment, community.and_then(|column| column.text(row)))
            };
            TradeFacts {
                is_unproven: !trade.is_proven(at),
                priced: if trade.asks_who() { rows.map(false, priced) } else { Vec::new() },
            }
        };
        let local = self.local.and_then(|(minute, day)| {
            let (minute, day) = (column(Some(minute))?, column(Some(day))?);
            Some(rows.map(LocalFacts { minute: 0, day_ms: 0 }, |row| LocalFacts {
                minute: minute.integer(row).and_then(|m| u32::try_from(m).ok()).unwrap_or(0),
                day_ms: day.integer(row).unwrap_or(0),
            }))
        });
        let strictest = rules.stage_caps.values().copied().min_by(f64::total_cmp);
        let stage_cap = named(self.stage).map(|column| match column {
            // A word that is no participation stage tells as little as none.
            Some(c) => rows.by_name(c, None, |name| {
                name.and_then(|name| rules.stage_caps.get(name)).copied().or(strictest)
            }),
            None => vec![strictest; rows.all],
        });
        FactColumns {
            consents: self.consents.iter().map(|at| consents(*at)).collect(),
            lacks_consent: lacks_consent.unwrap_or_default(),
            unguarded: unguarded.unwrap_or_default(),
            trades: self.trades.iter().map(trade).collect(),
            local: local.unwrap_or_default(),
            holdout: holdout.unwrap_or_default(),
            unknown: raised(self.unknown),
            held: either(self.held.map(|at| raised(Some(at))), suspected),
            stage_cap: stage_cap.unwrap_or_default(),
            service_only: either(critical, complains),
            not_adult: not_adult.unwrap_or_default(),
            contact_caps: contact_caps(rules, named(self.segment), rows),
        }
    }
}

/// Rows for which one of two guards holds; a guard that is not declared holds for none.
fn either(one: Option<Vec<bool>>, other: Option<Vec<bool>>) -> Vec<bool> {
    match (one, other) {
        (Some(a), Some(b)) => a.into_iter().zip(b).map(|(a, b)| a || b).collect(),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

/// What the checks need to know of the members, by row; see [`MemberFacts`].
#[derive(Debug, Default)]
pub struct FactColumns {
    consents: Vec<Vec<bool>>,
    lacks_consent: Vec<bool>,
    unguarded: Vec<bool>,
    trades: Vec<TradeFacts>,
    local: Vec<LocalFacts>,
    holdout: Vec<bool>,
    unknown: Vec<bool>,
    held: Vec<bool>,
    stage_cap: Vec<Option<f64>>,
    service_only: Vec<bool>,
    not_adult: Vec<bool>,
    contact_caps: Vec<ContactCaps>,
}

impl FactColumns {
    /// Of one member of whom only caps are known.
    #[cfg(test)]
    pub(crate) fn of_one(caps: ContactCaps, stage_cap: Option<f64>) -> Self {
        Self { contact_caps: vec![caps], stage_cap: vec![stage_cap], ..Self::default() }
    }

    /// Borrows the facts, with the members' keyed hashes and their history in the ledger.
    #[must_use]
    pub fn of<'a>(&'a self, keys: &'a [i64], history: &'a [(u32, History)]) -> MemberFacts<'a> {
        MemberFacts {
            consents: &self.consents,
            lacks_consent: &self.lacks_consent,
            unguarded: &self.unguarded,
            trades: &self.trades,
            local: &self.local,
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

/// The rows that have a candidate, ascending. Only their facts are computed.
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

    fn all(all: usize) -> Self {
        Self { rows: (0..).take(all).collect(), all }
    }

    /// Computes a value for each row with a candidate; all others get `other`.
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

    /// As [`CandidateRows::map`], from the text of a column. Where a category has fewer names than there are rows,
    /// `of` is called once for each name.
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

/// Caps of H9 by the member's segment; "" is the cap of every other segment, and of a playbook that segments nobody. A
/// member whose segment is not known has the strictest caps.
fn contact_caps(
    rules: &Guardrails,
    segment: Option<Option<&Column>>,
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
    let of = |name: &str| ContactCaps {
        all_day: cap(&rules.contacts_per_day_max, name),
        commercial_day: cap(&rules.commercial_per_day_max, name),
        commercial_week: cap(&rules.commercial_per_week_max, name),
    };
    let least = |caps: &BTreeMap<String, u32>| caps.values().copied().min().unwrap_or(u32::MAX);
    let strictest = ContactCaps {
        all_day: least(&rules.contacts_per_day_max),
        commercial_day: least(&rules.commercial_per_day_max),
        commercial_week: least(&rules.commercial_per_week_max),
    };
    match segment {
        Some(Some(column)) => {
            rows.by_name(column, ContactCaps::NONE, |name| name.map_or(strictest, of))
        }
        Some(None) => vec![strictest; rows.all],
        None => vec![of(""); rows.all],
    }
}

#[cfg(test)]
mod tests {
    use playbook_model::{Bitmap, Cells, Column, Frame, Guardrails, UnixMs};

    use super::{Candidate, FactColumns, FactPlan, Policy};

    fn read(rules: &Guardrails, members: &Frame, skipped: &[usize]) -> FactColumns {
        let givers = [(3, "churn", false), (5, "tiers", true)];
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
        let policy = Policy::new(rules, Vec::new());
        FactPlan::of(&policy, &givers, members).read(members, &candidates, skipped, UnixMs(0))
    }

    fn not_adult(rules: &Guardrails, members: &Frame) -> Vec<bool> {
        read(rules, members, &[]).not_adult
    }

    /// Six members of whom stages said this, and of the last nothing.
    fn said(columns: &[(&str, &str)]) -> Frame {
        let mut members = Frame::with_rows(6);
        for (name, text) in columns {
            let mut valid = Bitmap::filled(6, true);
            valid.set(5, false);
            let cells = Cells::Text([*text; 6].into_iter().collect());
            let (name, unit) = ((*name).to_owned(), String::new());
            members.push(Column { name, unit, cells, valid: Some(valid) });
        }
        members
    }

    #[test]
    fn a_guard_whose_stage_was_left_out_refuses_everybody() {
        let rules = Guardrails {
            churn_output: Some("churn.level".to_owned()),
            stage_output: Some("churn.phase".to_owned()),
            stage_caps: [("trust".to_owned(), 0.05), ("creation".to_owned(), 0.2)].into(),
            contacts_per_day_max: [("silent".to_owned(), 1), (String::new(), 2)].into(),
            ..Guardrails::default()
        };
        let members =
            said(&[("churn.level", "low"), ("churn.phase", "creation"), ("tiers.segment", "core")]);
        let known = read(&rules, &members, &[]);
        assert_eq!(known.service_only[..5], [false; 5]);
        assert_eq!(known.stage_cap[..5], [Some(0.2); 5]);
        assert_eq!(known.contact_caps[0].all_day, 2);
        // Of the last member the stages said nothing.
        assert!(known.service_only[5]);
        assert_eq!((known.stage_cap[5], known.contact_caps[5].all_day), (Some(0.05), 1));
        // Stages that were left out give columns without values, or none.
        let left_out = read(&rules, &members, &[3, 5]);
        let absent = read(&rules, &said(&[]), &[]);
        for facts in [&left_out, &absent] {
            assert_eq!(facts.service_only, [true; 6]);
            assert_eq!(facts.stage_cap, [Some(0.05); 6]);
        }
        for facts in [&left_out, &absent] {
            assert!(facts.contact_caps.iter().all(|caps| caps.all_day == 1));
        }
        // One guard that is not known is enough; a playbook without guards has none.
        let complaint = Guardrails {
            complaint_feature: Some("churn.complaint".to_owned()),
            ..Guardrails::default()
        };
        assert_eq!(read(&complaint, &members, &[]).service_only, [true; 6]);
        let none = read(&Guardrails::default(), &members, &[3, 5]);
        assert!(none.service_only.is_empty() && none.stage_cap.is_empty());
    }

    #[test]
    fn a_guard_holds_for_a_member_of_whom_its_value_is_missing() {
        let rules = Guardrails {
            complaint_feature: Some("complaints".to_owned()),
            ..Guardrails::default()
        };
        let mut valid = Bitmap::filled(6, true);
        valid.set(5, false);
        let mut members = Frame::with_rows(6);
        for name in ["complaints", "unknown_identity", "fraud_hold"] {
            let cells = Cells::Integer(vec![0, 1, 2, 0, 0, 0]);
            let (name, unit) = (name.to_owned(), String::new());
            members.push(Column { name, unit, cells, valid: Some(valid.clone()) });
        }
        let facts = read(&rules, &members, &[]);
        // A count of cases holds a member as a flag does.
        let holds = [false, true, true, false, false, true];
        assert_eq!(facts.service_only, holds);
        assert_eq!((&facts.unknown[..], &facts.held[..]), (&holds[..], &holds[..]));
        // What the playbook does not declare holds nobody.
        let facts = read(&Guardrails::default(), &said(&[]), &[]);
        assert!(facts.unknown.is_empty() && facts.held.is_empty() && facts.service_only.is_empty());
    }

    #[test]
    fn fraud_holds_by_a_flag_or_from_a_risk_on_and_where_neither_is_known() {
        let number = |name: &str, cells: [f64; 6]| {
            let mut valid = Bitmap::filled(6, true);
            valid.set(5, false);
            let cells = Cells::Real(cells.to_vec());
            let (name, unit) = (name.to_owned(), String::new());
            Column { name, unit, cells, valid: Some(valid) }
        };
        let rules = Guardrails {
            fraud_output: Some("churn.risk".to_owned()),
            fraud_from: 0.7,
            ..Guardrails::default()
        };
        let mut members = Frame::with_rows(6);
        members.push(number("churn.risk", [0.0, 0.69, 0.7, 0.9, 0.1, 0.0]));
        let by_risk = [false, false, true, true, false, true];
        assert_eq!(read(&rules, &members, &[]).held, by_risk);
        assert_eq!(read(&rules, &members, &[3]).held, [true; 6], "the stage was left out");
        members.push(number("fraud_hold", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]));
        assert_eq!(read(&rules, &members, &[]).held, [true, false, true, true, false, true]);
        let flag = read(&Guardrails::default(), &members, &[]);
        assert_eq!(flag.held, [true, false, false, false, false, true]);
    }

    #[test]
    fn a_word_that_is_no_participation_stage_has_the_least_cap() {
        let rules =
            Guardrails { stage_output: Some("churn.phase".to_owned()), ..Guardrails::default() };
        let facts = read(&rules, &said(&[("churn.phase", "active")]), &[]);
        assert_eq!(facts.stage_cap, [Some(0.0); 6]);
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
