//! Return, tier coefficient, premium and depreciation (domain RO-1, RO-2, RO-3).

use playbook_domain::{Streak, held};

/// Returns the tier coefficient of revenue: the mean of the coefficients, weighted by revenue.
///
/// `tiers` pairs revenue with its coefficient. Revenue of no tier counts with `ordinary`; where tiers
/// add up to more than the revenue they are the whole. None without revenue.
#[must_use]
pub fn ltv_coefficient(revenue_minor: i64, tiers: &[(i64, f64)], ordinary: f64) -> Option<f64> {
    let tiered: i128 = tiers.iter().map(|(revenue, _)| i128::from((*revenue).max(0))).sum();
    let whole = i128::from(revenue_minor).max(tiered);
    if whole <= 0 {
        return None;
    }
    let weighted: f64 =
        tiers.iter().map(|(revenue, coefficient)| (*revenue).max(0) as f64 * coefficient).sum();
    Some((weighted + (whole - tiered) as f64 * ordinary) / whole as f64)
}

/// Returns margin per unit of cost; none without a cost.
#[must_use]
pub fn margin_ratio(revenue_minor: i64, margin_rate: f64, cost_minor: i64) -> Option<f64> {
    (cost_minor > 0).then(|| revenue_minor as f64 * margin_rate / cost_minor as f64)
}

/// Returns the premium on brand value for an activity, 1.00 to `most`.
#[must_use]
pub fn premium(activity: f64, baseline: f64, per_ten_points: f64, most: f64) -> f64 {
    held(1.0 + per_ten_points * (activity - baseline) / 0.10, 1.0, most)
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

/// Returns the brand value factor after closed months, oldest first.
///
/// Months without a measure follow the gap rule (domain 0.1). A month at or above the floor ends a run of low
/// ones and restores nothing.
#[must_use]
pub fn brand_value_factor(activity: &[Option<f64>], decay: &Decay) -> f64 {
    let mut low = Streak::default();
    activity.iter().fold(1.0, |factor, month| {
        let is_low = month.map(|activity| activity < decay.floor);
        let months = low.next(is_low);
        let falls = is_low == Some(true) && months > decay.months;
        if falls { factor * (1.0 - decay.rate) } else { factor }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const DECAY: Decay = Decay { floor: 0.15, months: 3, rate: 0.05 };

    fn near(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }

    #[test]
    fn the_check_of_the_return_is_met() {
        let coefficient = ltv_coefficient(10_000_000, &[(4_000_000, 1.8)], 1.0).unwrap();
        near(coefficient, 1.32);
        let margin = margin_ratio(10_000_000, 0.3, 2_000_000).unwrap();
        near(margin, 1.5);
        near(margin * coefficient, 1.98);
        near(margin * coefficient * premium(0.30, 0.20, 0.03, 1.30), 2.0394);
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        assert_eq!(margin_ratio(1_000, 0.3, 0), None);
        assert_eq!(margin_ratio(1_000, 0.3, -5), None);
        assert_eq!(ltv_coefficient(0, &[(0, 1.8)], 1.0), None);
    }

    #[test]
    fn tiers_beyond_the_revenue_are_the_whole() {
        near(ltv_coefficient(100, &[(100, 1.0), (100, 1.8)], 1.0).unwrap(), 1.4);
        near(ltv_coefficient(100, &[(-50, 1.8)], 1.0).unwrap(), 1.0);
    }

    #[test]
    fn premium_stays_in_its_band() {
        near(premium(0.30, 0.20, 0.03, 1.30), 1.03);
        near(premium(0.05, 0.20, 0.03, 1.30), 1.0);
        near(premium(5.0, 0.20, 0.03, 1.30), 1.30);
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
}
