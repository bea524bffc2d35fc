//! Value score (domain SC-4): recency, frequency and spend of a year, with fixed or fitted cut points.

mod cuts;
mod fit;

use playbook_sdk::prelude::*;

pub use cuts::{Cuts, Digits};
pub use fit::Buyers;

settings! {
    /// How a year of orders becomes a value score.
    pub struct Settings {
        /// Most days since the last order for a recency of 5, 4, 3 and 2.
        #[schemars(inner(range(min = 0)))]
        pub r_days: [i64; 4] = [7, 30, 90, 180],
        /// Fewest orders of 365 days for a frequency of 5, 4, 3 and 2.
        #[schemars(inner(range(min = 0)))]
        pub f_orders: [i64; 4] = [12, 6, 3, 2],
        /// Least spend of 365 days for a monetary score of 5, 4, 3 and 2, in minor units.
        #[schemars(inner(range(min = 0)))]
        pub m_minor: [i64; 4] = [300_000, 100_000, 30_000, 10_000],
        /// Least sum for the tiers mid and high.
        #[schemars(inner(range(min = 1, max = 15)))]
        pub tier_bounds: [i64; 2] = [7, 12],
        /// Whether the cut points are the quintiles of those who ordered within a year, frozen at
        /// the start of each cycle.
        pub quantile_mode: bool = false,
        /// Community bonus: added to the sum (which stays at most 15); 0 switches it off.
        #[schemars(range(min = 0, max = 15))]
        pub bonus: i64 = 1,
        /// Reviews and coupon shares of 90 days, together, from which the bonus is given.
        #[schemars(range(min = 1))]
        pub bonus_from: i64 = 5,
    }
}

// Positions of the needs; the key comes only with quantile_mode.
pub(crate) const DAYS: usize = 0;
pub(crate) const ORDERS: usize = 1;
pub(crate) const SPEND: usize = 2;
const REVIEWS: usize = 3;
const SHARES: usize = 4;
pub(crate) const KEY: usize = 5;
// Positions of the outputs.
const CODE: usize = 0;
const SUM: usize = 1;
const TIER: usize = 2;
/// Position of a member who never bought among the codes.
const NEVER: usize = 0;
/// Greatest sum.
const SUM_MAX: i64 = 15;

/// Value score with its cut points at hand.
#[derive(Debug, Clone)]
pub struct ValueRfm {
    cuts: Cuts,
    settings: Settings,
}

impl Plugin for ValueRfm {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "value-rfm",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Value of members from recency, frequency and spend",
            "按最近消費、頻次與金額評估會員價值",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        check(settings)?;
        let shape = Shape::rows("member")
            .need(need::integer("days_since_last_order").unit("day"))
            .need(need::integer("orders_365d").unit("count"))
            .need(need::integer("spend_365d_minor").unit("minor"))
            .need(need::integer("reviews_90d").unit("count").optional())
            .need(need::integer("coupon_shares_90d").unit("count").optional())
            .produce(output::category("code", Digits::codes()).meaning(words(
                "Recency, frequency and spend, each 1 to 5; 000 for who never bought",
                "近度、頻次、金額各 1 至 5 分；從未購買為 000",
            )))
            .produce(
                output::integer("sum")
                    .between(0.0, 15.0)
                    .meaning(words("Sum of the three scores and the bonus", "三項得分與加分之和")),
            )
            .produce(
                output::category("tier", ["low", "mid", "high"])
                    .meaning(words("Value level", "價值層級")),
            )
            .reason("never_bought", words("Has never bought", "從未購買"))
            .reason("community_bonus", words("Raised by reviews and shares", "評價與分享加分"));
        Ok(if settings.quantile_mode { shape.need(need::key()).fit_passes(1) } else { shape })
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let cuts = match (settings.quantile_mode, opening.model) {
            (false, _) => Cuts::fixed(&settings),
            (true, Some(model)) => Cuts::from_model(model)?,
            (true, None) => {
                return Err(Problems::one("/quantile_mode", "needs a model from a fit"));
            }
        };
        Ok(Self { cuts, settings })
    }
}

/// Tells every setting that is out of order.
fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    if !settings.r_days.is_sorted() {
        problems.at("/r_days", "must ascend").hint("for example [7, 30, 90, 180]");
    }
    let descends = |cuts: &[i64; 4]| cuts.iter().rev().is_sorted();
    if !descends(&settings.f_orders) {
        problems.at("/f_orders", "must descend").hint("for example [12, 6, 3, 2]");
    }
    if !descends(&settings.m_minor) {
        problems.at("/m_minor", "must descend").hint("for example [300000, 100000, 30000, 10000]");
    }
    if !settings.tier_bounds.is_sorted() {
        problems.at("/tier_bounds", "must ascend").hint("for example [7, 12]");
    }
    problems.into_result()
}

impl ValueRfm {
    fn tier(&self, sum: i64) -> usize {
        self.settings.tier_bounds.iter().filter(|&&bound| sum >= bound).count()
    }

    fn bonus(&self, reviews: Option<i64>, shares: Option<i64>) -> i64 {
        let done = reviews.unwrap_or(0).saturating_add(shares.unwrap_or(0));
        if done >= self.settings.bonus_from { self.settings.bonus } else { 0 }
    }
}

impl Scoring for ValueRfm {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let (days, orders, spend) = (rows.integer(DAYS), rows.integer(ORDERS), rows.integer(SPEND));
        let (reviews, shares) = (rows.integer(REVIEWS), rows.integer(SHARES));
        for row in 0..rows.len() {
            let Some(days) = days.get(row) else {
                out.category(CODE, row, NEVER);
                out.integer(SUM, row, 0);
                out.category(TIER, row, 0);
                out.reason(row, 0);
                continue;
            };
            let digits = self.cuts.digits(days, orders.get(row), spend.get(row));
            let bonus = self.bonus(reviews.get(row), shares.get(row));
            let sum = (digits.sum() + bonus).min(SUM_MAX);
            out.category(CODE, row, digits.position());
            out.integer(SUM, row, sum);
            out.category(TIER, row, self.tier(sum));
            if bonus > 0 {
                out.reason(row, 1);
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "scores of 0 to 15")]
    fn explain(&self, _: &Context, rows: &Rows<'_>) -> Result<Vec<Factor>, String> {
        let Some(days) = rows.integer(DAYS).get(0) else { return Ok(Vec::new()) };
        let (orders, spend) = (rows.integer(ORDERS).get(0), rows.integer(SPEND).get(0));
        let digits = self.cuts.digits(days, orders, spend);
        let bonus = self.bonus(rows.integer(REVIEWS).get(0), rows.integer(SHARES).get(0));
        let factor = |input: usize, part: i64| Factor {
            input: input as u32,
            output: SUM as u32,
            contribution: part as f64,
        };
        let mut factors = vec![
            factor(DAYS, digits.recency),
            factor(ORDERS, digits.frequency),
            factor(SPEND, digits.monetary),
        ];
        let given = bonus.min(SUM_MAX - digits.sum());
        if given > 0 {
            factors.push(factor(REVIEWS, given));
        }
        Ok(factors)
    }
}

export!(ValueRfm: fitted scoring);
