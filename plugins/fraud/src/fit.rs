//! Amounts of the last weeks, segment by segment.

use playbook_domain::Spread;
use playbook_sdk::codec::encode;
use playbook_sdk::prelude::*;

use crate::{Fraud, Order, Settings, segments};

/// Exact sums of amounts: their mean and deviation do not depend on the order in which they were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Amounts {
    count: i128,
    sum: i128,
    squares: i128,
}

codec!(Amounts { count, sum, squares });

impl Amounts {
    fn add(&mut self, amount: i64) {
        let amount = i128::from(amount);
        self.count += 1;
        self.sum = self.sum.saturating_add(amount);
        self.squares = self.squares.saturating_add(amount.saturating_mul(amount));
    }

    fn join(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum.saturating_add(other.sum),
            squares: self.squares.saturating_add(other.squares),
        }
    }

    fn spread(&self) -> Option<Spread> {
        Spread::of_sums(self.count, self.sum, self.squares)
    }

    /// Amount above which an order is unusual; none of too few orders.
    pub(crate) fn limit(&self, orders_min: i64, sigmas: f64) -> Option<f64> {
        let spread = self.spread().filter(|_| self.count >= i128::from(orders_min))?;
        Some(spread.mean + sigmas * spread.deviation)
    }
}

/// Amounts of each segment, and then of all orders.
#[derive(Debug, Clone)]
pub struct Seen {
    amounts: Vec<Amounts>,
}

codec!(Seen { amounts });

impl Fit for Fraud {
    type State = Seen;

    fn begin(pass: &Pass<'_, Settings>) -> Result<Seen, Problems> {
        Ok(Seen { amounts: vec![Amounts::default(); pass.settings.segments.len() + 1] })
    }

    fn observe(pass: &Pass<'_, Settings>, seen: &mut Seen, rows: &Rows<'_>) -> Result<(), String> {
        let (amounts, days_ago) = (rows.get(Order::AMOUNT), rows.get(Order::DAYS_AGO));
        let segments = segments(pass.settings, rows);
        let all = pass.settings.segments.len();
        for row in 0..rows.len() {
            let is_recent =
                days_ago.get(row).is_some_and(|days| (0..pass.settings.days).contains(&days));
            let Some(amount) = amounts.get(row).filter(|amount| is_recent && *amount >= 0) else {
                continue;
            };
            let segment = pass.settings.segment(segments.as_ref(), row);
            if segment < all {
                seen.amounts[segment].add(amount);
            }
            seen.amounts[all].add(amount);
        }
        Ok(())
    }

    fn merge(_: &Pass<'_, Settings>, left: Seen, right: Seen) -> Result<Seen, String> {
        if left.amounts.len() != right.amounts.len() {
            return Err("the states are of different segments".to_owned());
        }
        let pairs = left.amounts.into_iter().zip(right.amounts);
        Ok(Seen { amounts: pairs.map(|(left, right)| left.join(right)).collect() })
    }

    fn finish(pass: &Pass<'_, Settings>, seen: Seen) -> Result<Outcome, String> {
        let Settings { segments, orders_min, sigmas, .. } = pass.settings;
        let names = segments.iter().map(String::as_str).chain(["all"]);
        let mut measures = Vec::new();
        for (name, amounts) in names.zip(&seen.amounts) {
            let value = amounts.count as f64;
            measures.push(Measure { name: format!("{name}.orders"), value });
            if let Some(value) = amounts.limit(*orders_min, *sigmas) {
                measures.push(Measure { name: format!("{name}.amount_limit"), value });
            }
        }
        Ok(Outcome::Model { model: encode(&seen.amounts), measures })
    }
}
