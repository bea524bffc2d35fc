//! Figures along the bands of another, and what came of treating members.

use playbook_model::Words;

/// A figure along the bands of another, one line of points for each row of a subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What the figure is.
    pub words: Words,
    /// What the bands are of.
    pub along: Words,
    /// The feature; its columns are `feature.band`.
    pub feature: String,
    /// What the rows are of: "community" and so on.
    pub subject: String,
    /// Unit of the figure.
    pub unit: String,
    /// Names of the bands, ascending.
    pub bands: Vec<String>,
    /// Name of a row, with its figure at each band; `None`: nobody is in it.
    pub rows: Vec<(String, Vec<Option<f64>>)>,
}

/// Values of a feature in a group of members.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    /// Members with a value.
    pub members: u64,
    /// Arithmetic mean; 0 of nobody.
    pub mean: f64,
    /// Sum of the squares of the deviations from it.
    pub squares: f64,
}

impl Sample {
    /// Takes a value in (Welford's algorithm: one pass, no cancellation).
    #[expect(clippy::cast_precision_loss, reason = "a number of members")]
    pub fn add(&mut self, value: f64) {
        self.members += 1;
        let from_old = value - self.mean;
        self.mean += from_old / self.members as f64;
        self.squares += from_old * (value - self.mean);
    }

    /// Variance of the mean; `None` below 2 members.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number of members")]
    pub fn variance_of_mean(&self) -> Option<f64> {
        let members = self.members as f64;
        (self.members >= 2).then(|| self.squares / (members - 1.0) / members)
    }
}

/// What came of treating members, segment by segment.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The feature that tells it.
    pub feature: String,
    /// Its unit.
    pub unit: String,
    /// Of each segment, in their order, and of members without one: those who are treated, and those held out.
    pub segments: Vec<[Sample; 2]>,
    /// Of all.
    pub all: [Sample; 2],
}

/// What was foreseen of members in the cycle before, beside what came.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// What was foreseen.
    pub words: Words,
    /// `stage.output` that foresaw it.
    pub output: String,
    /// Feature that tells what came.
    pub came: String,
    /// Members by their forecast, the lowest first; empty where no cycle was closed before.
    pub groups: Vec<ForecastGroup>,
}

/// Members of about the same forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForecastGroup {
    /// How many they are.
    pub members: u64,
    /// Mean of what was foreseen.
    pub foreseen: f64,
    /// Mean of what came.
    pub came: f64,
}
