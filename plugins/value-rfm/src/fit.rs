//! Quintiles of those who ordered within a year, from a bounded sample.

use playbook_sdk::codec;
use playbook_sdk::prelude::*;

use crate::cuts::Cuts;
use crate::{DAYS, KEY, ORDERS, SPEND, Settings, ValueRfm};

/// Members of the sample: quintiles of a larger population are off by less than half a per cent.
const SAMPLE_ROWS_MAX: usize = 65_536;
/// Days since the last order within which a member counts.
const YEAR_DAYS: i64 = 365;

/// Sample of (days, orders, spend) of members who ordered within a year.
#[derive(Debug, Clone, PartialEq)]
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
        let (days, orders, spend) = (rows.integer(DAYS), rows.integer(ORDERS), rows.integer(SPEND));
        for (row, key) in rows.integer(KEY).values().iter().enumerate() {
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
    fn finish(pass: &Pass<'_, Settings>, mut state: Buyers) -> Result<Outcome, String> {
        let buyers = state.sample.seen();
        let cuts = if buyers == 0 {
            // Where nobody has bought every member is 000, whatever the cut points.
            Cuts::fixed(pass.settings)
        } else {
            Cuts {
                days: quintiles(state.sample.column(0), Best::Low),
                orders: quintiles(state.sample.column(1), Best::High),
                spend: quintiles(state.sample.column(2), Best::High),
            }
        };
        let measures = vec![Measure { name: "buyers".to_owned(), value: buyers as f64 }];
        Ok(Outcome::Model { model: codec::encode(&cuts), measures })
    }
}

/// Which end of the values is worth most.
#[derive(Debug, Clone, Copy)]
enum Best {
    Low,
    High,
}

/// Values at the ends of the best 20, 40, 60 and 80 per cent (nearest rank); ties go to the better
/// score.
#[expect(clippy::cast_possible_truncation, reason = "the values were integers below 2^53")]
fn quintiles(mut values: Vec<f64>, best: Best) -> [i64; 4] {
    values.sort_unstable_by(f64::total_cmp);
    if matches!(best, Best::High) {
        values.reverse();
    }
    [1, 2, 3, 4].map(|fifth| {
        let rank = (values.len() * fifth).div_ceil(5);
        values.get(rank.saturating_sub(1)).map_or(0, |value| *value as i64)
    })
}
