//! Quintiles of those who ordered within a year, from a bounded sample.

use playbook_domain::quintiles;
use playbook_sdk::codec;
use playbook_sdk::prelude::*;

use crate::cuts::{Cuts, YEAR_DAYS};
use crate::{Fitted, Member, Settings, ValueRfm};

/// Members of the sample: quintiles of a larger population are off by less than half a per cent.
const SAMPLE_ROWS_MAX: usize = 65_536;

/// Sample of (days, orders, spend) of members who ordered within a year.
#[derive(Debug, Clone)]
pub struct Buyers {
    sample: Sample,
}

codec!(Buyers { sample });

impl Fit for ValueRfm {
    type State = Buyers;

    fn begin(pass: &Pass<'_, Settings>) -> Result<Buyers, Problems> {
        Ok(Buyers { sample: Sample::new(3, SAMPLE_ROWS_MAX, pass.context.seed) })
    }

    #[expect(clippy::cast_precision_loss, reason = "days, counts and amounts below 2^53")]
    fn observe(_: &Pass<'_, Settings>, state: &mut Buyers, rows: &Rows<'_>) -> Result<(), String> {
        let (days, orders) = (rows.get(Member::DAYS), rows.get(Member::ORDERS));
        let spend = rows.get(Member::SPEND);
        for (row, key) in rows.get(Fitted::KEY).values().iter().enumerate() {
            if let Some(days) = days.get(row).filter(|&days| days <= YEAR_DAYS) {
                let (orders, spend) = (orders.get(row).unwrap_or(0), spend.get(row).unwrap_or(0));
                state.sample.observe(*key, &[days as f64, orders as f64, spend as f64]);
            }
        }
        Ok(())
    }

    fn merge(_: &Pass<'_, Settings>, left: Buyers, right: Buyers) -> Result<Buyers, String> {
        Ok(Buyers { sample: left.sample.merge(right.sample)? })
    }

    #[expect(clippy::cast_precision_loss, reason = "a count")]
    fn finish(pass: &Pass<'_, Settings>, state: Buyers) -> Result<Outcome, String> {
        let buyers = state.sample.seen();
        let [days, mut orders, mut spend] =
            [0, 1, 2].map(|at| integers(state.sample.ascending(at)));
        orders.reverse();
        spend.reverse();
        let cuts = match (quintiles(&days), quintiles(&orders), quintiles(&spend)) {
            (Some(days), Some(orders), Some(spend)) => Cuts { days, orders, spend },
            // Where nobody has bought every member is 000, whatever the cut points.
            _ => Cuts::fixed(pass.settings),
        };
        let measures = vec![Measure { name: "buyers".to_owned(), value: buyers as f64 }];
        Ok(Outcome::Model { model: codec::encode(&cuts), measures })
    }
}

/// Integers that the sample kept as reals.
#[expect(clippy::cast_possible_truncation, reason = "the values were integers below 2^53")]
fn integers(values: Vec<f64>) -> Vec<i64> {
    values.into_iter().map(|value| value as i64).collect()
}
