//! Lifetime value by formula and purchase tendency by a logistic score (domain SC-10).
//!
//! Nothing is learned: where `calibrate` is set, a fit holds the tendencies of the cycle before against the orders that
//! came, and tells how far they were off.

use playbook_sdk::libm::{exp, log1p};
use playbook_sdk::prelude::*;

settings! {
    /// Factor of the value by tier (RO-1).
    pub struct Coefficient {
        /// Of silent members.
        pub silent: f64 where within(0.0..=10.0) = 1.0,
        /// Of prospects.
        pub prospect: f64 where within(0.0..=10.0) = 1.0,
        /// Of active members.
        pub active: f64 where within(0.0..=10.0) = 1.4,
        /// Of core members.
        pub core: f64 where within(0.0..=10.0) = 1.8,
    }
}

settings! {
    /// The logistic score of an order in the next cycle: 1 / (1 + exp(-sum)).
    pub struct Logistic {
        /// What the sum begins with.
        pub intercept: f64 where within(-20.0..=20.0) = -1.5,
        /// For each 30 days since the last order.
        pub recency: f64 where within(-20.0..=20.0) = -0.5,
        /// For the natural logarithm of 1 and the orders of 365 days.
        pub frequency: f64 where within(-20.0..=20.0) = 1.0,
        /// For the share of messages of 30 days that the member clicked, 0 to 1.
        pub clicks: f64 where within(-20.0..=20.0) = 1.0,
    }
}

settings! {
    /// What a member is worth and how likely the next order is.
    pub struct Settings {
        /// Margin per revenue; value is margin.
        pub margin_rate: f64 where within(0.0..=1.0) = 0.30,
        /// Share of members who stay for another year, as a fraction, where no feature tells it; none: without the feature
        /// there is no value.
        pub annual_retention: Option<f64> where within(0.0..=1.0) = null,
        /// Most years that a member is expected to stay.
        pub life_years_max: f64 where within(0.1..=50.0) = 5.0,
        /// Factor of the value by tier.
        pub coefficient: Coefficient = {},
        /// Coefficients of the purchase tendency.
        pub tendency: Logistic = {},
        /// Days since the last order beyond which more of them change nothing.
        pub recency_days_max: i64 where within(1..=3650) = 365,
        /// Whether the tendencies of the cycle before are held against the orders that came.
        pub calibrate: bool = false,
        /// Fewest members with a tendency and orders known that a calibration rests on.
        pub members_min: u32 where within(1..=1_000_000) = 100,
    }
}

declare! {
    /// What is known of a member.
    needs Member {
        AOV: integer("aov_minor").unit("minor").optional(),
        ORDERS: integer("orders_365d").unit("count"),
        DAYS: integer("days_since_last_order").unit("day"),
        CLICKS: real("push_click_rate_30d").unit("ratio").optional(),
        RETENTION: real("annual_retention").unit("ratio").optional(),
        TIER: category("tier", TIERS).output_of("tier-interactions").optional(),
    }
    /// What a calibration needs beside that.
    needs Before after (Member::COUNT) {
        TENDENCY: real("purchase_tendency").previous(1),
        SINCE: integer("orders_30d").unit("count"),
    }
    /// What is said of a member.
    outputs Said {
        LTV: integer("ltv_minor").role(Role::Value).unit("minor").at_least(0.0)
            .meaning(words("Expected margin of the years to come", "未來年份期望毛利")),
        TENDENCY: real("purchase_tendency").role(Role::Probability).between(0.0, 1.0)
            .meaning(words("Score of an order in the next cycle", "購買傾向：下一周期下單概率")),
    }
    reasons Why {
        NEVER_BOUGHT: "never-bought" => words("no order so far", "尚無訂單"),
        ORDERS_UNKNOWN: "orders-unknown" => words("orders or their mean are not known", "缺少訂單或客單價"),
        RETENTION_UNKNOWN: "retention-unknown" => words("no retention to expect years by", "缺少年留存率"),
    }
}

/// The tiers that carry a factor, in the order of its settings.
const TIERS: [&str; 4] = ["silent", "prospect", "active", "core"];
/// Days that make one unit of recency.
const RECENCY_UNIT_DAYS: f64 = 30.0;
/// Bands of tendency that a calibration tells apart.
const BANDS: usize = 10;
/// Tendencies are summed as whole numbers of this many parts, so that the order of rows does not show.
const PARTS: f64 = 1e9;

/// The opened plugin.
#[derive(Debug)]
pub struct Ltv {
    settings: Settings,
}

impl Plugin for Ltv {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "ltv",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Lifetime value and purchase tendency by formula",
            "以公式估算用戶生命周期價值與購買傾向",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let shape = Shape::rows("member").needs(Member::all()).produces(Said::all());
        let shape = shape.reasons(Why::all());
        Ok(if settings.calibrate { shape.needs(Before::all()).fit_passes(1) } else { shape })
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// Years that a member is expected to stay: `1 / (1 - retention)`, at most `most`.
#[must_use]
pub fn life_years(retention: f64, most: f64) -> f64 {
    // A retention of 1 gives infinity, and so the most.
    (1.0 / (1.0 - retention.min(1.0))).min(most)
}

impl Ltv {
    fn coefficient(&self, tier: Option<usize>) -> f64 {
        let Coefficient { silent, prospect, active, core } = self.settings.coefficient;
        tier.map_or(1.0, |tier| [silent, prospect, active, core][tier])
    }

    /// Logistic score; what is not known of clicks adds nothing.
    fn tendency(&self, orders: i64, days: i64, clicks: Option<f64>) -> f64 {
        let Logistic { intercept, recency, frequency, clicks: by_clicks } = self.settings.tendency;
        let days = days.min(self.settings.recency_days_max) as f64;
        let sum = intercept
            + recency * days / RECENCY_UNIT_DAYS
            + frequency * log1p(orders.max(0) as f64)
            + by_clicks * clicks.unwrap_or(0.0);
        1.0 / (1.0 + exp(-sum))
    }
}

impl Scoring for Ltv {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let (aov, orders) = (rows.get(Member::AOV), rows.get(Member::ORDERS));
        let (days, clicks) = (rows.get(Member::DAYS), rows.get(Member::CLICKS));
        let (retention, tier) = (rows.get(Member::RETENTION), rows.get(Member::TIER));
        for row in 0..rows.len() {
            let Some(count) = orders.get(row) else {
                out.reason(row, Why::ORDERS_UNKNOWN);
                continue;
            };
            if let Some(days) = days.get(row) {
                out.set(Said::TENDENCY, row, self.tendency(count, days, clicks.get(row)));
            }
            // Without orders there is no mean of them, and no value.
            let spend =
                if count == 0 { Some(0.0) } else { aov.get(row).map(|aov| aov.max(0) as f64) };
            let kept = retention.get(row).or(self.settings.annual_retention);
            let (Some(spend), Some(kept)) = (spend, kept) else {
                let lacks_orders = spend.is_none();
                out.reason(
                    row,
                    if lacks_orders { Why::ORDERS_UNKNOWN } else { Why::RETENTION_UNKNOWN },
                );
                continue;
            };
            let value = spend
                * count.max(0) as f64
                * self.settings.margin_rate
                * life_years(kept, self.settings.life_years_max)
                * self.coefficient(tier.get(row));
            out.set(Said::LTV, row, value.round() as i64);
            if days.get(row).is_none() {
                out.reason(row, Why::NEVER_BOUGHT);
            }
        }
        Ok(())
    }
}

/// Members of a band of tendency: how many, their tendencies in parts, and how many of them ordered.
type Band = [u64; 3];

impl Fit for Ltv {
    type State = Vec<u64>;

    fn begin(_: &Pass<'_, Settings>) -> Result<Vec<u64>, Problems> {
        Ok(vec![0; 3 * BANDS])
    }

    fn observe(
        _: &Pass<'_, Settings>,
        state: &mut Vec<u64>,
        rows: &Rows<'_>,
    ) -> Result<(), String> {
        let (before, since) = (rows.get(Before::TENDENCY), rows.get(Before::SINCE));
        for row in 0..rows.len() {
            let (Some(tendency), Some(orders)) = (before.get(row), since.get(row)) else {
                continue;
            };
            let tendency = tendency.clamp(0.0, 1.0);
            let band = ((tendency * BANDS as f64) as usize).min(BANDS - 1);
            let parts = (tendency * PARTS).round() as u64;
            for (sum, more) in state[3 * band..].iter_mut().zip([1, parts, u64::from(orders > 0)]) {
                *sum += more;
            }
        }
        Ok(())
    }

    fn merge(
        _: &Pass<'_, Settings>,
        mut left: Vec<u64>,
        right: Vec<u64>,
    ) -> Result<Vec<u64>, String> {
        if left.len() != right.len() {
            return Err("two states of different make cannot be joined".to_owned());
        }
        left.iter_mut().zip(right).for_each(|(sum, more)| *sum += more);
        Ok(left)
    }

    fn finish(pass: &Pass<'_, Settings>, state: Vec<u64>) -> Result<Outcome, String> {
        let mut all: Band = [0; 3];
        let mut off = 0.0;
        for band in state.chunks_exact(3) {
            all.iter_mut().zip(band).for_each(|(sum, more)| *sum += more);
            off += (band[1] as f64 / PARTS - band[2] as f64).abs();
        }
        let [members, parts, ordered] = all;
        let mut measures =
            vec![Measure { name: "calibrated_members".to_owned(), value: members as f64 }];
        // The first cycle has none before it: nothing to hold against, and no reason to refuse.
        if members >= u64::from(pass.settings.members_min) {
            let (said, came) =
                (parts as f64 / PARTS / members as f64, ordered as f64 / members as f64);
            for (name, value) in [
                ("tendency_mean", said),
                ("ordered_share", came),
                ("calibration_error", off / members as f64),
            ] {
                measures.push(Measure { name: name.to_owned(), value });
            }
        }
        Ok(Outcome::Model { model: Vec::new(), measures })
    }
}

export!(Ltv: fitted scoring);
