//! Value of a brand from the activity of its community: premium and depreciation (domain RO-2, RO-3).

use crate::gap::Streak;
use crate::scale::held;

/// Terms of the premium.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Premium {
    /// Activity without a premium.
    pub baseline: f64,
    /// Premium of ten more points of activity.
    pub per_ten_points: f64,
    /// Least factor.
    pub least: f64,
    /// Greatest factor.
    pub most: f64,
}

impl Premium {
    /// Returns the factor on brand value for an activity.
    #[inline]
    #[must_use]
    pub fn factor(&self, activity: f64) -> f64 {
        held(self.wanted(activity), self.least, self.most)
    }

    /// Returns the factor that the activity alone would give, without the bounds.
    #[inline]
    #[must_use]
    pub fn wanted(&self, activity: f64) -> f64 {
        1.0 + self.per_ten_points * (activity - self.baseline) / 0.10
    }
}

/// Terms of the depreciation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decay {
    /// Activity below which a month counts as low.
    pub floor: f64,
    /// Low months that pass before the decay starts.
    pub months: u32,
    /// Share of the value that each further low month takes.
    pub rate: f64,
}

/// What depreciation has left of a brand's value so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// Share of the value that is left, 0 to 1.
    pub factor: f64,
    /// The low months in a row.
    pub low: Streak,
}

impl Default for Worth {
    fn default() -> Self {
        Self { factor: 1.0, low: Streak::default() }
    }
}

impl Worth {
    /// Takes in the next closed month: its activity, or none without a measure. Returns whether value fell.
    ///
    /// Months without a measure follow the gap rule (domain 0.1). A month at or above the floor ends a run of low
    /// ones and restores nothing.
    pub fn close(&mut self, activity: Option<f64>, decay: &Decay) -> bool {
        let is_low = activity.map(|activity| activity < decay.floor);
        let months = self.low.next(is_low);
        let falls = is_low == Some(true) && months > decay.months;
        if falls {
            self.factor *= 1.0 - decay.rate;
        }
        falls
    }
}

/// Returns the brand value factor after closed months, oldest first.
#[must_use]
pub fn brand_value_factor(activity: &[Option<f64>], decay: &Decay) -> f64 {
    let mut worth = Worth::default();
    for month in activity {
        worth.close(*month, decay);
    }
    worth.factor
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const PREMIUM: Premium =
        Premium { baseline: 0.20, per_ten_points: 0.03, least: 1.0, most: 1.3 };
    const DECAY: Decay = Decay { floor: 0.15, months: 3, rate: 0.05 };

    fn near(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }

    #[test]
    fn premium_stays_in_its_band() {
        near(PREMIUM.factor(0.30), 1.03);
        near(PREMIUM.factor(0.05), 1.0);
        near(PREMIUM.factor(5.0), 1.30);
        near(PREMIUM.wanted(0.05), 0.955);
    }

    fn factors(months: &[f64]) -> Vec<f64> {
        let months: Vec<Option<f64>> = months.iter().copied().map(Some).collect();
        (1..=months.len()).map(|n| brand_value_factor(&months[..n], &DECAY)).collect()
    }

    #[test]
    fn the_check_of_the_depreciation_is_met() {
        for (got, want) in
            factors(&[0.14, 0.13, 0.12, 0.11, 0.10]).iter().zip([1.0, 1.0, 1.0, 0.95, 0.9025])
        {
            near(*got, want);
        }
    }

    #[test]
    fn a_better_month_stops_the_decay_and_restores_nothing() {
        near(*factors(&[0.1, 0.1, 0.1, 0.1, 0.15, 0.1]).last().unwrap(), 0.95);
    }

    #[test]
    fn one_unmeasured_month_keeps_the_count_and_two_reset_it() {
        let low = Some(0.1);
        near(brand_value_factor(&[low, low, None, low, low], &DECAY), 0.95);
        near(brand_value_factor(&[low, low, low, None, None, low], &DECAY), 1.0);
    }

    #[test]
    fn months_may_be_closed_one_by_one() {
        let mut worth = Worth::default();
        let falls: Vec<bool> =
            [0.1, 0.1, 0.1, 0.1].map(|month| worth.close(Some(month), &DECAY)).to_vec();
        assert_eq!(falls, [false, false, false, true]);
        let mut later =
            Worth { low: Streak::resumed(worth.low.count(), worth.low.gaps()), ..worth };
        assert!(later.close(Some(0.1), &DECAY));
        near(later.factor, 0.9025);
    }
}
