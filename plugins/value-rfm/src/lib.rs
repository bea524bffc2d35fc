//! Value score (domain SC-4): recency, frequency and spend of a year, with fixed or fitted cut points.

mod cuts;
mod fit;

use playbook_domain::rung;
use playbook_sdk::prelude::*;

pub use cuts::{Cuts, Digits};
pub use fit::Buyers;

settings! {
    /// How a year of orders becomes a value score.
    pub struct Settings {
        /// Most days since the last order for a recency of 5, 4, 3 and 2.
        pub r_days: [i64; 4] where each(within(0..)) = [7, 30, 90, 180],
        /// Fewest orders of 365 days for a frequency of 5, 4, 3 and 2.
        pub f_orders: [i64; 4] where each(within(0..)) = [12, 6, 3, 2],
        /// Least spend of 365 days for a monetary score of 5, 4, 3 and 2, in minor units.
        pub m_minor: [i64; 4] where each(within(0..)) = [300000, 100000, 30000, 10000],
        /// Least sum for the tiers mid and high.
        pub tier_bounds: [i64; 2] where each(within(1..=15)) = [7, 12],
        /// Whether the cut points are the quintiles of those who ordered within a year, frozen at
        /// the start of each cycle.
        pub quantile_mode: bool = false,
        /// Community bonus: added to the sum (which stays at most 15); 0 switches it off.
        pub bonus: i64 where within(0..=15) = 1,
        /// Reviews and coupon shares of 90 days, together, from which the bonus is given.
        pub bonus_from: i64 where within(1..) = 5,
    }
}

declare! {
    /// What is known of a member.
    pub(crate) needs Member {
        DAYS: integer("days_since_last_order").unit("day"),
        ORDERS: integer("orders_365d").unit("count"),
        SPEND: integer("spend_365d_minor").unit("minor"),
        REVIEWS: integer("reviews_90d").unit("count").optional(),
        SHARES: integer("coupon_shares_90d").unit("count").optional(),
    }
    /// What a fit needs beside that.
    pub(crate) needs Fitted after (Member::COUNT) {
        KEY: key(),
    }
    /// What is said of a member.
    outputs Said {
        CODE: category("code", Digits::codes()).meaning(words(
            "Recency, frequency and spend, each 1 to 5; 000 for who never bought",
            "近度、頻次、金額各 1 至 5 分；從未購買為 000",
        )),
        SUM: integer("sum").role(Role::Score).between(0.0, SUM_MAX as f64)
            .meaning(words("Sum of the three scores and the bonus", "三項得分與加分之和")),
        TIER: category("tier", TIERS.map(|tier| tier.0)).role(Role::Level).meaning(words("Value level", "價值層級")),
    }
    reasons Why {
        NEVER_BOUGHT: "never_bought" => words("Has never bought", "從未購買"),
        COMMUNITY_BONUS: "community_bonus" => words("Raised by reviews and shares", "評價與分享加分"),
    }
}

/// Value tiers in words.
const TIERS: [(&str, &str, &str); 3] =
    [("low", "low", "低"), ("mid", "middle", "中"), ("high", "high", "高")];
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
        let shape = Shape::rows("member").needs(Member::all()).produces(Said::all());
        let shape = shape.reasons(Why::all());
        let shape =
            TIERS.iter().fold(shape, |shape, (name, en, zh)| shape.term(*name, words(en, zh)));
        Ok(if settings.quantile_mode { shape.needs(Fitted::all()).fit_passes(1) } else { shape })
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
    fn bonus(&self, reviews: Option<i64>, shares: Option<i64>) -> i64 {
        let done = reviews.unwrap_or(0).saturating_add(shares.unwrap_or(0));
        if done >= self.settings.bonus_from { self.settings.bonus } else { 0 }
    }
}

impl Scoring for ValueRfm {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let (days, orders) = (rows.get(Member::DAYS), rows.get(Member::ORDERS));
        let spend = rows.get(Member::SPEND);
        let (reviews, shares) = (rows.get(Member::REVIEWS), rows.get(Member::SHARES));
        for row in 0..rows.len() {
            let Some(days) = days.get(row) else {
                out.set(Said::CODE, row, NEVER);
                out.set(Said::SUM, row, 0);
                out.set(Said::TIER, row, 0);
                out.reason(row, Why::NEVER_BOUGHT);
                continue;
            };
            let digits = self.cuts.digits(days, orders.get(row), spend.get(row));
            let bonus = self.bonus(reviews.get(row), shares.get(row));
            let sum = (digits.sum() + bonus).min(SUM_MAX);
            out.set(Said::CODE, row, digits.position());
            out.set(Said::SUM, row, sum);
            out.set(Said::TIER, row, rung(sum, &self.settings.tier_bounds));
            if bonus > 0 {
                out.reason(row, Why::COMMUNITY_BONUS);
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "scores of 0 to 15")]
    fn explain(&self, _: &Context, rows: &Rows<'_>) -> Result<Vec<Factor>, String> {
        let value = |column: In<Integer>| rows.get(column).get(0);
        let Some(days) = value(Member::DAYS) else { return Ok(Vec::new()) };
        let digits = self.cuts.digits(days, value(Member::ORDERS), value(Member::SPEND));
        let bonus = self.bonus(value(Member::REVIEWS), value(Member::SHARES));
        let factor = |input: In<Integer>, part: i64| factor(input, Said::SUM, part as f64);
        let mut factors = vec![
            factor(Member::DAYS, digits.recency),
            factor(Member::ORDERS, digits.frequency),
            factor(Member::SPEND, digits.monetary),
        ];
        let given = bonus.min(SUM_MAX - digits.sum());
        if given > 0 {
            factors.push(factor(Member::REVIEWS, given));
        }
        Ok(factors)
    }
}

export!(ValueRfm: fitted scoring);
