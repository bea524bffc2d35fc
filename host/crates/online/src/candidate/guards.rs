//! Guards of a share: what a candidate may do worse than the version that decides, before it is taken back by itself.

use serde::{Deserialize, Serialize};

use crate::candidate::side::{Side, SideFigures};

/// Decisions of a block; guards look at the last one to two blocks of each version.
const BLOCK: u64 = 500;
/// Guards look at every so many decisions of the candidate.
const LOOK: u64 = 8;
/// Up to this p99 no evaluation is too slow, however fast the other version is, in microseconds.
const LATENCY_LEAST: f64 = 5_000.0;
/// Proposals of each version before shares of them say anything.
const PROPOSALS_MIN: u64 = 50;

/// Bounds of the guards.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// Decisions of the candidate before any guard speaks, 1 to 500.
    pub decisions_min: u64,
    /// Faults: by how much its share of decisions with a failed stage may be above that of the version that decides.
    pub faults_more: f64,
    /// Latency: how many times the p99 of evaluations may be that of the version that decides; up to 5 ms none is too slow.
    pub latency_ratio: f64,
    /// Refusals: by how much its share of refused proposals may be above that of the version that decides.
    pub refusals_more: f64,
    /// Spend: how many times the cost of a decision may be what the trial expected, or what the version that decides spends,
    /// whichever is more.
    pub spend_ratio: f64,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            decisions_min: 200,
            faults_more: 0.02,
            latency_ratio: 3.0,
            refusals_more: 0.2,
            spend_ratio: 1.5,
        }
    }
}

/// What a guard watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guard {
    /// Decisions with a failed stage.
    Faults,
    /// Time of evaluations.
    Latency,
    /// Proposals that are refused.
    Refusals,
    /// Cost of a decision.
    Spend,
}

impl Guard {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Faults => "faults",
            Self::Latency => "latency",
            Self::Refusals => "refusals",
            Self::Spend => "spend",
        }
    }

    /// What its figures are.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Faults => "share of decisions with a failed stage",
            Self::Latency => "p99 of evaluations in microseconds",
            Self::Refusals => "share of proposals that are refused",
            Self::Spend => "cost of a decision in minor units",
        }
    }
}

/// That a candidate was beyond a guard.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// Which guard.
    pub guard: Guard,
    /// The candidate's figure.
    pub found: f64,
    /// What it may be at most.
    pub bound: f64,
    /// Decisions of the candidate that this rests on.
    pub decisions: u64,
}

/// What a decision of the candidate is expected to cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Forecast {
    /// Minor units.
    pub(crate) cost: f64,
    /// Decisions that this was seen on. A member's first decisions cost more than those that follow, so that fewer of the candidate's
    /// say nothing.
    pub(crate) decisions: u64,
}

/// What the two versions of a share did, the one that decides first.
#[derive(Debug, Default)]
pub(crate) struct Arms {
    whole: [Side; 2],
    before: [Side; 2],
    block: [Side; 2],
}

impl Arms {
    /// Counts a decision; says whether guards are to look now.
    pub(crate) fn note(&mut self, arm: usize, note: impl Fn(&mut Side)) -> bool {
        if self.block[arm].decisions() == BLOCK {
            self.before[arm] = std::mem::take(&mut self.block[arm]);
        }
        note(&mut self.whole[arm]);
        note(&mut self.block[arm]);
        arm == 1 && self.block[arm].decisions() % LOOK == 0
    }

    /// What they did since the share began.
    pub(crate) fn whole(&self) -> [SideFigures; 2] {
        [0, 1].map(|arm| self.whole[arm].read())
    }

    /// What they did in their last blocks.
    fn lately(&self) -> [SideFigures; 2] {
        [0, 1].map(|arm| self.block[arm].read().with(&self.before[arm].read()))
    }

    /// The first guard that the candidate is beyond.
    pub(crate) fn breach(&self, guards: &Guards, forecast: Option<Forecast>) -> Option<Breach> {
        let candidates = self.block[1].decisions() + self.before[1].decisions();
        if candidates < guards.decisions_min {
            return None;
        }
        let [other, found] = self.lately();
        // A version that decides too seldom to be compared with is held to be without faults, and says nothing else.
        let is_known = other.decisions >= guards.decisions_min;
        let has_proposals =
            [&other, &found].into_iter().all(|side| side.proposals() >= PROPOSALS_MIN);
        let spends = is_known.then(|| other.cost_per_decision());
        let checks = [
            (Guard::Faults, found.fault_share(), Some(other.fault_share() + guards.faults_more)),
            (
                Guard::Latency,
                found.micros.quantile(0.99),
                is_known.then(|| {
                    (guards.latency_ratio * other.micros.quantile(0.99)).max(LATENCY_LEAST)
                }),
            ),
            (
                Guard::Refusals,
                found.refused_share(),
                (is_known && has_proposals).then(|| other.refused_share() + guards.refusals_more),
            ),
            (
                Guard::Spend,
                found.cost_per_decision(),
                // Below one minor unit a ratio says nothing.
                forecast.filter(|forecast| candidates >= forecast.decisions).map(|forecast| {
                    guards.spend_ratio * forecast.cost.max(spends.unwrap_or(0.0)).max(1.0)
                }),
            ),
        ];
        let mut beyond = checks.into_iter().filter_map(|(guard, found, bound)| {
            let bound = bound.filter(|bound| found > *bound)?;
            Some(Breach { guard, found, bound, decisions: candidates })
        });
        beyond.next()
    }
}

#[cfg(test)]
mod tests {
    use super::{Arms, BLOCK, Forecast, Guard, Guards};
    use crate::candidate::side::Side;
    use crate::decision::{Became, Kept};

    /// A decision with these outcomes, and whether a stage failed.
    fn made(outcomes: &[Became], fails: bool) -> Kept {
        Kept::of_outcomes(outcomes, fails)
    }

    fn noted(arms: &mut Arms, arm: usize, count: u64, kept: &Kept, micros: u64) {
        for _ in 0..count {
            arms.note(arm, |side: &mut Side| side.note(Some(kept), micros));
        }
    }

    const GRANTED: &[Became] = &[Became::Granted(100)];
    const REFUSED: &[Became] = &[Became::Refused(4)];

    fn breach(sound: &Kept, bad: &Kept, micros: [u64; 2]) -> Option<Guard> {
        let (guards, mut arms) = (Guards::default(), Arms::default());
        noted(&mut arms, 0, 300, sound, micros[0]);
        noted(&mut arms, 1, guards.decisions_min - 1, bad, micros[1]);
        let forecast = Some(Forecast { cost: 100.0, decisions: 200 });
        assert_eq!(arms.breach(&guards, forecast), None, "it is too soon to say anything");
        noted(&mut arms, 1, 1, bad, micros[1]);
        arms.breach(&guards, forecast).map(|breach| breach.guard)
    }

    #[test]
    fn each_guard_speaks_for_what_it_watches_alone() {
        let sound = made(GRANTED, false);
        assert_eq!(breach(&sound, &sound, [100, 100]), None, "as good as the other");
        assert_eq!(breach(&sound, &made(GRANTED, true), [100, 100]), Some(Guard::Faults));
        assert_eq!(breach(&sound, &sound, [2_000, 20_000]), Some(Guard::Latency));
        assert_eq!(breach(&sound, &sound, [20, 4_000]), None, "4 ms harm nobody");
        assert_eq!(breach(&sound, &made(REFUSED, false), [100, 100]), Some(Guard::Refusals));
        let dear = made(&[Became::Granted(151)], false);
        assert_eq!(breach(&sound, &dear, [100, 100]), Some(Guard::Spend));
        assert_eq!(breach(&sound, &made(&[Became::Granted(149)], false), [100, 100]), None);
    }

    #[test]
    fn spend_is_compared_over_as_many_decisions_as_the_forecast_rests_on() {
        let (guards, mut arms) =
            (Guards { decisions_min: 40, ..Guards::default() }, Arms::default());
        let forecast = Some(Forecast { cost: 10.0, decisions: 200 });
        noted(&mut arms, 1, 20, &made(GRANTED, false), 10);
        noted(&mut arms, 1, 100, &made(&[Became::GrantedBefore], false), 10);
        assert_eq!(arms.breach(&guards, forecast), None, "first decisions cost more");
        noted(&mut arms, 1, 80, &made(&[Became::GrantedBefore], false), 10);
        assert_eq!(arms.breach(&guards, forecast), None, "as was expected");
        noted(&mut arms, 1, 20, &made(GRANTED, false), 10);
        let breach = arms.breach(&guards, forecast);
        assert_eq!(breach.map(|breach| breach.guard), Some(Guard::Spend));
    }

    #[test]
    fn what_both_versions_do_is_not_the_candidates_doing() {
        let bad = made(REFUSED, true);
        assert_eq!(breach(&bad, &bad, [50_000, 50_000]), None);
        let dear = made(&[Became::Granted(1_000)], false);
        assert_eq!(breach(&dear, &dear, [100, 100]), None, "a dear day is dear for both");
    }

    #[test]
    fn guards_look_at_what_happened_lately() {
        let (guards, mut arms) = (Guards::default(), Arms::default());
        let (sound, bad) = (made(GRANTED, false), made(GRANTED, true));
        noted(&mut arms, 0, 300, &sound, 100);
        noted(&mut arms, 1, 1_000_000, &sound, 100);
        assert_eq!(arms.breach(&guards, None), None);
        noted(&mut arms, 1, BLOCK / 10, &bad, 100);
        let breach = arms.breach(&guards, None).expect("a tenth of a block fails");
        assert!(breach.guard == Guard::Faults && breach.found > breach.bound, "{breach:?}");
        assert!(breach.decisions <= 2 * BLOCK, "{breach:?}");
        assert_eq!(arms.whole()[1].faults, BLOCK / 10);
    }

    #[test]
    fn without_another_version_to_compare_with_faults_and_spend_are_watched() {
        let guards = Guards::default();
        let spoken = |kept: &Kept, micros: u64| {
            let mut arms = Arms::default();
            noted(&mut arms, 1, guards.decisions_min, kept, micros);
            let forecast = Some(Forecast { cost: 10.0, decisions: 200 });
            arms.breach(&guards, forecast).map(|breach| breach.guard)
        };
        assert_eq!(spoken(&made(&[], true), 10), Some(Guard::Faults));
        assert_eq!(spoken(&made(GRANTED, false), 10), Some(Guard::Spend));
        assert_eq!(spoken(&made(REFUSED, false), 1_000_000), None);
    }
}
