//! What the last decisions of a brand say together: who is in which segment and moved where, what was granted and refused.

use std::collections::{BTreeMap, HashMap};

use playbook_online::{Brand, Decision, DecisionFilter, OnlineError};

/// Decisions that are looked at.
const LOOKED: usize = 500;

/// A stage that segments, as the last decisions have it.
#[derive(Debug, Default)]
pub(super) struct Segmented {
    /// Members by the segment of their last decision.
    pub(super) now: BTreeMap<String, u64>,
    /// Members with two decisions or more, by the segments of the first and of the last.
    pub(super) moved: BTreeMap<(String, String), u64>,
}

/// What became of an action's proposals.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    pub(super) granted: u64,
    pub(super) before: u64,
    pub(super) waits: u64,
    pub(super) refused: u64,
    /// Greatest cost of what was granted anew, minor units.
    pub(super) cost_minor: i64,
}

/// The last decisions.
#[derive(Debug, Default)]
pub(super) struct Recent {
    pub(super) decisions: u64,
    pub(super) members: u64,
    /// Moments of the first and the last one, unix-ms.
    pub(super) span: Option<(i64, i64)>,
    pub(super) segments: BTreeMap<String, Segmented>,
    /// By stage and action.
    pub(super) actions: BTreeMap<(String, String), Outcomes>,
    /// Refusals by code.
    pub(super) refusals: BTreeMap<&'static str, u64>,
}

impl Recent {
    /// Reads the last decisions of a brand.
    pub(super) fn read(brand: &Brand) -> Result<Self, OnlineError> {
        let part = brand.decisions(&DecisionFilter::default(), None, LOOKED)?;
        Ok(Self::of(&part.decisions))
    }

    /// Of decisions, the newest first.
    fn of(decisions: &[Decision]) -> Self {
        let mut recent = Self { decisions: decisions.len() as u64, ..Self::default() };
        // The newest decision of a member comes first, the oldest last.
        let mut by_member: HashMap<&str, (&Decision, &Decision)> = HashMap::new();
        for decision in decisions {
            let seen = by_member.entry(&decision.member).or_insert((decision, decision));
            seen.1 = decision;
            recent.count(decision);
        }
        recent.members = by_member.len() as u64;
        for (last, first) in by_member.values() {
            recent.place(first, last);
        }
        recent
    }

    fn count(&mut self, decision: &Decision) {
        let (from, to) = self.span.unwrap_or((decision.at, decision.at));
        self.span = Some((from.min(decision.at), to.max(decision.at)));
        for effect in decision.granted.iter().chain(&decision.refused) {
            let place = (effect.stage.clone(), effect.action.clone());
            let outcomes = self.actions.entry(place).or_default();
            match effect.status {
                "granted" => {
                    outcomes.granted += 1;
                    outcomes.cost_minor = outcomes.cost_minor.saturating_add(effect.cost_minor);
                }
                "granted-before" => outcomes.before += 1,
                "waits-for-approval" => outcomes.waits += 1,
                _ => outcomes.refused += 1,
            }
            if let Some(refusal) = &effect.refusal {
                *self.refusals.entry(refusal.code).or_default() += 1;
            }
        }
    }

    /// Puts a member where its last decision says, and says where it came from.
    fn place(&mut self, first: &Decision, last: &Decision) {
        for said in &last.segments {
            let of_stage = self.segments.entry(said.stage.clone()).or_default();
            *of_stage.now.entry(said.segment.clone()).or_default() += 1;
            let before = first.segments.iter().find(|before| before.stage == said.stage);
            if let Some(before) = before.filter(|_| !std::ptr::eq(first, last)) {
                let way = (before.segment.clone(), said.segment.clone());
                *of_stage.moved.entry(way).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use playbook_online::{Decision, EffectSaid, RefusalSaid, SegmentSaid};
    use serde_json::Map;

    use super::Recent;

    fn effect(status: &'static str, code: Option<&'static str>) -> EffectSaid {
        EffectSaid {
            stage: "points".to_owned(),
            action: "coupon".to_owned(),
            text: String::new(),
            quantity: 1,
            cost_minor: 5,
            expected_output_minor: 9,
            after_min: 0,
            until_min: None,
            reason: None,
            status,
            refusal: code.map(|code| RefusalSaid { code, text: "", rule: String::new() }),
            grant: None,
        }
    }

    fn decision(member: &str, at: i64, segment: &str, effects: &[EffectSaid]) -> Decision {
        let is_refused = |effect: &EffectSaid| effect.refusal.is_some();
        let (refused, granted) = effects.iter().cloned().partition(is_refused);
        let said = SegmentSaid {
            stage: "tiers".to_owned(),
            segment: segment.to_owned(),
            text: String::new(),
        };
        Decision {
            id: None,
            member: member.to_owned(),
            at,
            cycle: 1,
            is_preview: false,
            track: None,
            playbook: String::new(),
            version: String::new(),
            playbook_digest: String::new(),
            plugins: Vec::new(),
            fuel: None,
            closed: None,
            currency: "EUR".to_owned(),
            segments: vec![said],
            outputs: Map::new(),
            features: Map::new(),
            granted,
            refused,
            left_out: Vec::new(),
        }
    }

    #[test]
    fn members_stand_where_their_last_decision_says_and_come_from_their_first() {
        let decisions = [
            decision("a", 9, "core", &[effect("granted", None), effect("refused", Some("R05"))]),
            decision("b", 8, "new", &[effect("granted-before", None)]),
            decision("a", 7, "new", &[effect("refused", Some("R05"))]),
            decision("a", 3, "silent", &[effect("waits-for-approval", None)]),
            decision("c", 5, "core", &[]),
            decision("c", 4, "core", &[]),
        ];
        let recent = Recent::of(&decisions);
        assert_eq!((recent.decisions, recent.members, recent.span), (6, 3, Some((3, 9))));
        let tiers = &recent.segments["tiers"];
        let count = |name: &str, n: u64| (name.to_owned(), n);
        assert_eq!(tiers.now, BTreeMap::from([count("core", 2), count("new", 1)]));
        let way = |from: &str, to: &str| ((from.to_owned(), to.to_owned()), 1);
        // Of who was decided on once, nothing is known of moves.
        assert_eq!(tiers.moved, BTreeMap::from([way("silent", "core"), way("core", "core")]));
        let sums = &recent.actions[&("points".to_owned(), "coupon".to_owned())];
        let counts = (sums.granted, sums.before, sums.waits, sums.refused, sums.cost_minor);
        assert_eq!(counts, (1, 1, 1, 2, 5));
        assert_eq!(recent.refusals, BTreeMap::from([("R05", 2)]));
        assert_eq!(Recent::of(&[]).span, None);
    }
}
