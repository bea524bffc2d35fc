//! What one of two versions did, counted alike for both, so that they can be compared.

use playbook_model::{Distribution, Histogram, RefusalCode};

use crate::decision::{Became, Kept};

/// Microseconds of an evaluation. Each bound is a quarter above the one before, so that a quantile is known within an eighth.
const EVALUATION_BOUNDS: &[u64] = &[
    20, 25, 31, 39, 49, 61, 76, 95, 119, 149, 186, 233, 291, 364, 455, 568, 711, 888, 1_110, 1_388,
    1_735, 2_168, 2_711, 3_388, 4_235, 5_294, 6_617, 8_272, 10_340, 12_925, 16_156, 20_195, 25_244,
    31_554, 39_443, 49_304, 61_630, 77_037, 96_296, 120_371, 150_463, 188_079, 235_099, 293_874,
    367_342, 459_177, 573_972, 717_465, 896_831, 1_121_039, 1_401_298, 1_751_623, 2_189_529,
    2_736_911, 3_421_139, 4_276_424, 5_345_529, 6_681_912, 8_352_390, 10_440_487,
];

/// What a version did.
#[derive(Debug)]
pub(crate) struct Side {
    figures: SideFigures,
    micros: Histogram,
}

/// What a version did, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideFigures {
    /// Decisions.
    pub decisions: u64,
    /// Decisions with a stage that failed, or that could not be made for one.
    pub faults: u64,
    /// Effects that were granted anew.
    pub granted: u64,
    /// Proposals of what was granted before.
    pub granted_before: u64,
    /// Proposals that were refused, by the position of their code among [`RefusalCode::ALL`].
    pub refused: [u64; RefusalCode::ALL.len()],
    /// What the effects that were granted cost at most, minor units.
    pub cost_minor: i64,
    /// Microseconds of each evaluation.
    pub micros: Distribution,
}

impl Default for Side {
    fn default() -> Self {
        let micros = Histogram::new(EVALUATION_BOUNDS);
        let figures = SideFigures {
            decisions: 0,
            faults: 0,
            granted: 0,
            granted_before: 0,
            refused: [0; RefusalCode::ALL.len()],
            cost_minor: 0,
            micros: micros.read(),
        };
        Self { figures, micros }
    }
}

impl Side {
    /// Counts a decision; `None`: a stage failed and closed.
    pub(crate) fn note(&mut self, made: Option<&Kept>, micros: u64) {
        self.micros.note(micros);
        let figures = &mut self.figures;
        figures.decisions += 1;
        figures.faults += u64::from(made.is_none_or(|kept| !kept.failed.is_empty()));
        for became in made.into_iter().flat_map(Kept::outcomes) {
            match became {
                Became::Granted(cost) => {
                    figures.granted += 1;
                    figures.cost_minor = figures.cost_minor.saturating_add(cost);
                }
                Became::GrantedBefore => figures.granted_before += 1,
                Became::Refused(code) => figures.refused[code] += 1,
            }
        }
    }

    pub(crate) fn decisions(&self) -> u64 {
        self.figures.decisions
    }

    pub(crate) fn read(&self) -> SideFigures {
        SideFigures { micros: self.micros.read(), ..self.figures.clone() }
    }
}

impl SideFigures {
    /// Both together.
    pub(crate) fn with(mut self, more: &Self) -> Self {
        self.decisions += more.decisions;
        self.faults += more.faults;
        self.granted += more.granted;
        self.granted_before += more.granted_before;
        self.refused.iter_mut().zip(more.refused).for_each(|(count, more)| *count += more);
        self.cost_minor = self.cost_minor.saturating_add(more.cost_minor);
        self.micros.add(&more.micros);
        self
    }

    /// Share of decisions with a fault; 0 where there is none.
    #[must_use]
    pub fn fault_share(&self) -> f64 {
        share(self.faults, self.decisions)
    }

    /// Proposals.
    #[must_use]
    pub fn proposals(&self) -> u64 {
        self.granted + self.granted_before + self.refused.iter().sum::<u64>()
    }

    /// Share of proposals that were refused; 0 where there is none.
    #[must_use]
    pub fn refused_share(&self) -> f64 {
        share(self.refused.iter().sum(), self.proposals())
    }

    /// What a decision costs, minor units; for comparing alone.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a figure to compare, never an amount")]
    pub fn cost_per_decision(&self) -> f64 {
        if self.decisions == 0 { 0.0 } else { self.cost_minor as f64 / self.decisions as f64 }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
