//! What a scenario makes of an investment (domain RO-13).

use crate::Scenario;

/// An investment as a scenario meets it; shares are none where they are not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// Money that is put in.
    pub amount: f64,
    /// Money that is expected out.
    pub output: f64,
    /// Share of the output that opinion consumers bring.
    pub koc_share: Option<f64>,
    /// Share of the money that buys new members.
    pub acquisition_share: Option<f64>,
}

/// Returns what the item loses in the scenario, money in less money out, below 0 for a gain; none where the scenario
/// turns on a share that is not known.
#[must_use]
pub fn loss(item: &Item, scenario: &Scenario, period_days: f64) -> Option<f64> {
    let needed = |share: Option<f64>, counts: bool| if counts { share } else { Some(0.0) };
    let koc = needed(item.koc_share, scenario.koc_lost > 0.0)?;
    let acquisition = needed(item.acquisition_share, scenario.acquisition_cost != 1.0)?;
    let days = (1.0 - scenario.days_lost / period_days).max(0.0);
    let output = item.output * scenario.output / scenario.divided_by
        * (1.0 - scenario.koc_lost * koc)
        * days;
    let cost = item.amount * (1.0 + (scenario.acquisition_cost - 1.0) * acquisition);
    Some(cost - output)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: Item =
        Item { amount: 100.0, output: 150.0, koc_share: Some(0.4), acquisition_share: Some(0.5) };

    fn lost(scenario: &Scenario) -> f64 {
        loss(&ITEM, scenario, 28.0).unwrap_or(f64::NAN)
    }

    #[test]
    fn a_scenario_changes_output_cost_and_days() {
        let plain = Scenario::default();
        for (scenario, want) in [
            (plain.clone(), -50.0),
            (Scenario { output: 0.7, ..plain.clone() }, -5.0),
            (Scenario { divided_by: 1.5, ..plain.clone() }, 0.0),
            (Scenario { acquisition_cost: 1.67, ..plain.clone() }, -16.5),
            (Scenario { koc_lost: 1.0, ..plain.clone() }, 10.0),
            (Scenario { days_lost: 7.0, ..plain.clone() }, -12.5),
            (Scenario { days_lost: 99.0, ..plain }, 100.0),
        ] {
            assert!((lost(&scenario) - want).abs() < 1e-9, "{scenario:?}");
        }
    }

    #[test]
    fn a_share_that_is_not_known_matters_only_where_it_counts() {
        let blind = Item { koc_share: None, acquisition_share: None, ..ITEM };
        let plain = Scenario::default();
        assert!(loss(&blind, &plain, 28.0).is_some());
        assert_eq!(loss(&blind, &Scenario { koc_lost: 0.5, ..plain.clone() }, 28.0), None);
        assert_eq!(loss(&blind, &Scenario { acquisition_cost: 2.0, ..plain }, 28.0), None);
    }
}
