//! Return and tier coefficient (domain RO-1).

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

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
}
