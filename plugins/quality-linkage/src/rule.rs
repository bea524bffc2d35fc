//! The rule of one day (domain DG-2).

use playbook_domain::card::run;

/// Numbers of the rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// The cap while all is calm.
    pub cap: f64,
    /// The least cap.
    pub least: f64,
    /// Overload above which interaction is excessive.
    pub excessive: f64,
    /// Idle share above which interaction is excessive.
    pub idle: f64,
    /// Overload up to which a day is calm.
    pub calm: f64,
    /// Calm days after which the cap rises.
    pub calm_days: i64,
    /// Factor of a fall.
    pub lower: f64,
    /// Factor of a rise.
    pub raise: f64,
}

/// What was measured on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Day {
    /// Interactions per member and day.
    pub interactions: Option<f64>,
    /// Their median of 28 days.
    pub median: Option<f64>,
    /// Share of idle messages.
    pub idle: Option<f64>,
}

impl Day {
    /// Interactions by their median; none where that is 0.
    #[must_use]
    pub fn overload(&self) -> Option<f64> {
        let overload = self.interactions? / self.median?;
        (overload.is_finite() && overload >= 0.0).then_some(overload)
    }
}

/// What stood at the end of the days before.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stood {
    /// The cap; none on the first day.
    pub cap: Option<f64>,
    /// Calm days in a row, one and two days ago.
    pub calm_runs: [Option<i64>; 2],
}

/// How the cap moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It fell.
    Lowered,
    /// It rose.
    Raised,
    /// It stayed.
    Kept,
}

/// What stands now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// The cap.
    pub cap: f64,
    /// Calm days in a row; none where the day is not known.
    pub calm_run: Option<i64>,
    /// How the cap moved.
    pub turn: Turn,
}

impl Rule {
    /// Takes in a day.
    ///
    /// Either measure alone may be excessive; a day is calm where both are known and in order.
    #[must_use]
    pub fn next(&self, day: Day, before: Stood) -> Now {
        let (overload, idle) = (day.overload(), day.idle);
        let excess = overload.is_some_and(|overload| overload > self.excessive)
            || idle.is_some_and(|idle| idle > self.idle);
        let calm = match (overload, idle) {
            _ if excess => Some(false),
            (Some(overload), Some(idle)) => Some(overload <= self.calm && idle <= self.idle),
            _ => None,
        };
        let calm_run = run(before.calm_runs, calm);
        let was = before.cap.unwrap_or(self.cap);
        let cap = if excess {
            (self.lower * was).max(self.least)
        } else if calm_run.is_some_and(|run| run >= self.calm_days) {
            (self.raise * was).min(self.cap)
        } else {
            was
        };
        let turn = if cap < was {
            Turn::Lowered
        } else if cap > was {
            Turn::Raised
        } else {
            Turn::Kept
        };
        Now { cap, calm_run, turn }
    }
}
