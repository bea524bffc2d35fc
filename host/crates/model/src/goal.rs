//! Goals: where a figure of the brand should be by a day, for which of the brand's values (Y047).

use crate::target::ROUNDING;
use crate::{Minor, UnixMs, Words};

/// Most that a goal may lag behind its path, as a share of its time: a milestone that slips further is alarmed (domain H11).
pub const SLIP_MAX: f64 = 0.15;

/// A value that the brand stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrandValue {
    /// Its name in the playbook.
    pub name: String,
    /// What it is, for people.
    pub words: Words,
}

/// A goal as SMART records it: specific, measured, attainable, relevant, with a time.
#[derive(Debug, Clone, PartialEq)]
pub struct GoalDef {
    /// Its name in the playbook.
    pub name: String,
    /// What it is, for people; the name where it says nothing.
    pub words: Words,
    /// What measures it: a feature of the brand, or `stage.output` of its row.
    pub metric: String,
    /// What the metric was at `from`, in its unit.
    pub baseline: f64,
    /// When that was.
    pub from: UnixMs,
    /// What it should be at the deadline; never equal to the baseline.
    pub target: f64,
    /// After `from`.
    pub deadline: UnixMs,
    /// Money of the budget that is meant for it.
    pub reserved: Minor,
    /// Names of the brand's values that it serves; at least one.
    pub serves: Vec<String>,
    /// The objective whose key result it is.
    pub objective: Option<String>,
}

/// How a goal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoalState {
    /// The target is reached.
    Reached,
    /// As far as its path, or further.
    OnTrack,
    /// Behind its path by at most [`SLIP_MAX`] of its time.
    Behind,
    /// Behind by more.
    Late,
    /// The deadline is over, and the target is not reached.
    Missed,
    /// There is no figure.
    NoData,
}

impl GoalDef {
    /// How much of the way is done: 0 at the baseline, 1 at the target; below and above for figures beyond them.
    #[must_use]
    pub fn progress(&self, figure: f64) -> f64 {
        (figure - self.baseline) / (self.target - self.baseline)
    }

    /// How much of the time is over at a moment, from 0 to 1.
    #[must_use]
    pub fn elapsed(&self, at: UnixMs) -> f64 {
        let (now, whole) = (at.0 - self.from.0, self.deadline.0 - self.from.0);
        #[expect(clippy::cast_precision_loss, reason = "a share of a time")]
        let share = now as f64 / whole as f64;
        share.clamp(0.0, 1.0)
    }

    /// What the metric should be at a moment: on a straight line from the baseline to the target.
    #[must_use]
    pub fn path(&self, at: UnixMs) -> f64 {
        self.baseline + (self.target - self.baseline) * self.elapsed(at)
    }

    /// How the goal stands at a moment.
    #[must_use]
    pub fn state(&self, figure: Option<f64>, at: UnixMs) -> GoalState {
        let Some(figure) = figure else { return GoalState::NoData };
        let progress = self.progress(figure);
        let slip = self.elapsed(at) - progress;
        match () {
            () if progress >= 1.0 => GoalState::Reached,
            () if at >= self.deadline => GoalState::Missed,
            // Half of the way less 0.15 of it is a little below 0.35, which is meant to be behind and not late.
            () if slip <= ROUNDING => GoalState::OnTrack,
            () if slip <= SLIP_MAX + ROUNDING => GoalState::Behind,
            () => GoalState::Late,
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "values of a straight line that are exact")]
mod tests {
    use super::*;
    use GoalState::{Behind, Late, Missed, NoData, OnTrack, Reached};

    /// From 1,000 at time 0 to the target at time 100.
    fn goal(target: f64) -> GoalDef {
        GoalDef {
            name: "fans".to_owned(),
            words: "Fans".into(),
            metric: "members".to_owned(),
            baseline: 1_000.0,
            from: UnixMs(0),
            target,
            deadline: UnixMs(100),
            reserved: Minor(0),
            serves: vec!["fresh".to_owned()],
            objective: None,
        }
    }

    #[test]
    fn y047_a_goal_is_held_against_its_path() {
        let more = goal(1_200.0);
        assert_eq!(more.path(UnixMs(50)), 1_100.0);
        assert_eq!(more.progress(1_150.0), 0.75);
        let states = |figures: &[f64], at: i64| -> Vec<GoalState> {
            figures.iter().map(|figure| more.state(Some(*figure), UnixMs(at))).collect()
        };
        assert_eq!(
            states(&[1_200.0, 1_100.0, 1_099.0, 1_070.0, 1_069.0], 50),
            [Reached, OnTrack, Behind, Behind, Late]
        );
        assert_eq!(states(&[1_200.0, 1_199.0], 100), [Reached, Missed]);
        assert_eq!(more.state(None, UnixMs(50)), NoData);
    }

    #[test]
    fn y047_a_goal_may_be_to_have_less() {
        let less = goal(800.0);
        assert_eq!(less.path(UnixMs(25)), 950.0);
        assert_eq!(less.state(Some(950.0), UnixMs(25)), OnTrack);
        assert_eq!(less.state(Some(1_000.0), UnixMs(25)), Late);
        assert_eq!(less.state(Some(790.0), UnixMs(25)), Reached);
    }

    #[test]
    fn before_it_begins_and_after_its_end_the_path_stands_still() {
        let goal = goal(1_200.0);
        assert_eq!(goal.path(UnixMs(-50)), 1_000.0);
        assert_eq!(goal.path(UnixMs(500)), 1_200.0);
        assert_eq!(goal.state(Some(1_000.0), UnixMs(-50)), OnTrack);
    }
}
