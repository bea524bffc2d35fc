//! Targets: what figures of the brand should come to.

use crate::{Comparison, Words};

/// What a figure of the brand should come to.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetDef {
    /// Feature of the brand, or `stage.output` of its row.
    pub name: String,
    /// How the figure is held against the value.
    pub comparison: Comparison,
    /// In the unit of the figure.
    pub value: f64,
    /// Share of the way to the value from which on it is near, above 0 and at most 1.
    pub near: f64,
    /// What the figure is, for people; the name where it says nothing.
    pub words: Words,
    /// Where the value comes from; "" where the playbook does not say.
    pub source: String,
    /// Whether people fill the figure in, so that it is due where there is none.
    pub form: bool,
}

/// Rounding that a share of a target, or of a way, carries.
pub(crate) const ROUNDING: f64 = 1e-9;

/// How far a figure is from its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetState {
    /// It is reached.
    Met,
    /// It is not, but near.
    Near,
    /// It is not.
    Missed,
    /// There is no figure.
    NoData,
}

impl TargetDef {
    /// How far `figure` is from the target. A value of 0 or below has nothing near it.
    #[must_use]
    pub fn state(&self, figure: Option<f64>) -> TargetState {
        let Some(figure) = figure else { return TargetState::NoData };
        let holds = |bound: f64| match self.comparison {
            Comparison::AtLeast => figure >= bound,
            Comparison::MoreThan => figure > bound,
            Comparison::AtMost => figure <= bound,
            Comparison::LessThan => figure < bound,
        };
        let wants_more = matches!(self.comparison, Comparison::AtLeast | Comparison::MoreThan);
        // 0.2 times 0.9 is a little above 0.18, which is meant to be near.
        let is_near = match wants_more {
            true => figure >= self.value * self.near * (1.0 - ROUNDING),
            false => figure <= self.value / self.near * (1.0 + ROUNDING),
        };
        match () {
            () if holds(self.value) => TargetState::Met,
            () if self.value > 0.0 && is_near => TargetState::Near,
            () => TargetState::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(comparison: Comparison, value: f64, near: f64) -> TargetDef {
        let (name, words, source) = ("x".to_owned(), "x".into(), String::new());
        TargetDef { name, comparison, value, near, words, source, form: false }
    }

    fn states(target: &TargetDef, figures: &[f64]) -> Vec<TargetState> {
        figures.iter().map(|figure| target.state(Some(*figure))).collect()
    }

    use Comparison::{AtLeast, AtMost, LessThan, MoreThan};
    use TargetState::{Met, Missed, Near, NoData};

    #[test]
    fn a_figure_is_met_near_or_missed_and_none_is_no_data() {
        let least = target(AtLeast, 0.20, 0.9);
        assert_eq!(states(&least, &[0.20, 0.199, 0.18, 0.179]), [Met, Near, Near, Missed]);
        let most = target(AtMost, 3.0, 0.75);
        assert_eq!(states(&most, &[3.0, 3.1, 4.0, 4.1]), [Met, Near, Near, Missed]);
        assert_eq!(least.state(None), NoData);
    }

    #[test]
    fn a_bound_that_is_excluded_is_not_met_by_itself() {
        let more = target(MoreThan, 40.0, 0.9);
        assert_eq!(states(&more, &[40.1, 40.0, 36.0, 35.9]), [Met, Near, Near, Missed]);
        let less = target(LessThan, 10.0, 0.5);
        assert_eq!(states(&less, &[9.9, 10.0, 20.0, 20.1]), [Met, Near, Near, Missed]);
    }

    #[test]
    fn nothing_is_near_a_target_of_nothing_or_below() {
        assert_eq!(states(&target(AtLeast, 0.0, 0.9), &[0.0, -0.01]), [Met, Missed]);
        assert_eq!(states(&target(AtLeast, -10.0, 0.9), &[-10.0, -10.5]), [Met, Missed]);
        assert_eq!(states(&target(AtMost, 0.0, 0.9), &[0.0, 0.01]), [Met, Missed]);
    }
}
