//! Expected orders, lifetime value and purchase tendency of buyers by BG/NBD and Gamma-Gamma (domain SC-10).
//!
//! BG/NBD lets a member drop out only right after an order that repeats, so every one-time buyer is
//! alive with probability 1 however long ago the order was; MBG/NBD lets them leave after the first order too.

pub mod orders;

use orders::Orders;
use playbook_domain::buyers::{Buyers, History};
use playbook_domain::fit::Told;
use playbook_domain::spend::Spend;
use playbook_sdk::codec::{decode, encode};
use playbook_sdk::prelude::*;

settings! {
    /// When a member may leave.
    pub enum Model { Bgnbd = "bgnbd", Mbgnbd = "mbgnbd" }
}

settings! {
    /// Horizons, margin and the bounds of the fit.
    pub struct Settings {
        /// When members may leave: after repeats (bgnbd), after the first order too (mbgnbd).
        pub model: Model = "bgnbd",
        /// Days that orders and value are expected over.
        pub horizon_days: u32 where within(1..=3650) = 365,
        /// Days of the purchase tendency.
        pub tendency_days: u32 where within(1..=3650) = 30,
        /// Margin per revenue; value is margin.
        pub margin_rate: f64 where within(0.0..=1.0) = 0.30,
        /// Days of the time unit of `alpha`.
        pub unit_days: u32 where within(1..=366) = 7,
        /// Minor units of the money unit of `v`.
        pub unit_minor: u32 where within(1..=1_000_000) = 100,
        /// Most buyers of a fit.
        pub sample_max: u32 where within(100..=1_000_000) = 65536,
        /// Fewest buyers of a fit.
        pub buyers_min: u32 where within(10..=1_000_000) = 100,
        /// Fewest repeat buyers of a fit.
        pub repeat_buyers_min: u32 where within(5..=1_000_000) = 30,
    }
}

declare! {
    /// What is known of a member.
    needs Member {
        KEY: key(),
        REPEAT_DAYS: integer("repeat_days").unit("count"),
        SPAN_DAYS: integer("span_days").unit("day"),
        AGE_DAYS: integer("age_days").unit("day"),
        REPEAT_SPEND: integer("repeat_spend_minor").unit("minor").optional(),
    }
    /// What is said of a member.
    outputs Said {
        EXPECTED_ORDERS: real("expected_orders").role(Role::Value).at_least(0.0)
            .meaning(words("Expected days with an order over the horizon", "預測期內期望下單次數")),
        ALIVE: real("p_alive").role(Role::Probability).between(0.0, 1.0)
            .meaning(words("Probability that the member still orders", "仍為活躍買家的概率")),
        TENDENCY: real("purchase_tendency").role(Role::Probability).between(0.0, 1.0).meaning(words(
            "Probability of an order within the tendency days",
            "購買傾向：近期下單概率",
        )),
        LTV: integer("ltv_minor").role(Role::Value).unit("minor").at_least(0.0)
            .meaning(words("Expected margin over the horizon", "預測期內期望毛利")),
    }
    reasons Why {
        NEVER_BOUGHT: "never-bought" => words("no order so far", "尚無訂單"),
        INCONSISTENT: "inconsistent" => words("the order history contradicts itself", "訂單歷史自相矛盾"),
        SPEND_UNKNOWN: "spend-unknown" => words("no spend to value orders by", "缺少可用的消費金額"),
        ONE_ORDER: "one-order" => words(
            "one order: whether the member left is open",
            "僅一次訂單，模型無法判斷流失",
        ),
    }
}

/// Names of the parameters.
const NAMES: [&str; 4] = ["r", "alpha", "a", "b"];
/// What stands in the sample for spend that is not known.
const NO_SPEND: f64 = -1.0;

/// The opened plugin.
#[derive(Debug)]
pub struct Ltv {
    orders: Orders,
    spend: Option<Spend>,
    settings: Settings,
}

impl Plugin for Ltv {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "ltv-bgnbd",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Expected orders, lifetime value and purchase tendency of buyers",
            "用戶生命周期價值與購買傾向預測",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        for (path, count) in [
            ("/buyers_min", settings.buyers_min),
            ("/repeat_buyers_min", settings.repeat_buyers_min),
        ] {
            problems.check(count <= settings.sample_max, path, "must be at most `sample_max`");
        }
        problems.into_result()?;
        let shape = Shape::rows("member").needs(Member::all()).produces(Said::all());
        Ok(shape.reasons(Why::all()).fit_passes(1))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let model = opening.model.ok_or_else(|| Problems::one("", "opens with a model only"))?;
        let (orders, spend): ([f64; 4], Option<[f64; 3]>) =
            decode(model).map_err(|text| Problems::one("", text))?;
        if !above_zero(&orders) || !spend.is_none_or(|spend| above_zero(&spend)) {
            return Err(Problems::one("", "the model has a parameter that is not above 0"));
        }
        let [r, alpha, a, b] = orders;
        let spend = spend.map(|[p, q, v]| Spend { p, q, v });
        let early = settings.model.early();
        Ok(Self { orders: Orders { r, alpha, a, b, early }, spend, settings })
    }
}

impl Model {
    /// Chances to leave before the first repeat.
    fn early(self) -> f64 {
        f64::from(u8::from(self == Self::Mbgnbd))
    }
}

#[inline(never)]
fn above_zero(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| number.is_finite() && *number > 0.0)
}

/// Order history of a row: none without an order.
fn history(rows: &Rows<'_>, row: usize) -> Option<History> {
    Some(History {
        repeat_days: rows.get(Member::REPEAT_DAYS).get(row)?,
        span_days: rows.get(Member::SPAN_DAYS).get(row)?,
        age_days: rows.get(Member::AGE_DAYS).get(row)?,
    })
}

impl Scoring for Ltv {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let unit = f64::from(self.settings.unit_days);
        let horizon = f64::from(self.settings.horizon_days) / unit;
        let tendency = f64::from(self.settings.tendency_days) / unit;
        for row in 0..rows.len() {
            let Some(history) = history(rows, row) else {
                out.reason(row, Why::NEVER_BOUGHT);
                continue;
            };
            if !history.is_consistent() {
                out.reason(row, Why::INCONSISTENT);
                continue;
            }
            let repeats = history.repeat_days as f64;
            let (span, age) = (history.span_days as f64 / unit, history.age_days as f64 / unit);
            let orders =
                Some(self.orders.expected(repeats, span, age, horizon)).filter(|n| n.is_finite());
            let spend = rows.get(Member::REPEAT_SPEND).get(row);
            let value = orders.zip(self.spend).and_then(|(orders, model)| {
                let order =
                    model.order_minor(history.repeat_days, spend, self.settings.unit_minor)?;
                Some((orders * order * self.settings.margin_rate).round() as i64)
            });
            out.set_or_missing(Said::EXPECTED_ORDERS, row, orders);
            out.set(Said::ALIVE, row, self.orders.alive(repeats, span, age));
            out.set(Said::TENDENCY, row, self.orders.tendency(repeats, span, age, tendency));
            out.set_or_missing(Said::LTV, row, value);
            if value.is_none() {
                out.reason(row, Why::SPEND_UNKNOWN);
            } else if history.repeat_days == 0 && self.settings.model == Model::Bgnbd {
                out.reason(row, Why::ONE_ORDER);
            }
        }
        Ok(())
    }
}

impl Fit for Ltv {
    type State = Sample;

    fn begin(pass: &Pass<'_, Settings>) -> Result<Sample, Problems> {
        Ok(Sample::new(4, pass.settings.sample_max as usize, pass.context.seed))
    }

    fn observe(_: &Pass<'_, Settings>, state: &mut Sample, rows: &Rows<'_>) -> Result<(), String> {
        let (keys, spend) = (rows.get(Member::KEY), rows.get(Member::REPEAT_SPEND));
        for row in 0..rows.len() {
            let Some(history) = history(rows, row).filter(History::is_consistent) else { continue };
            let spend = spend.get(row).map_or(NO_SPEND, |minor| minor as f64);
            let days =
                [history.repeat_days, history.span_days, history.age_days].map(|days| days as f64);
            if let Some(key) = keys.get(row) {
                state.observe(key, &[days[0], days[1], days[2], spend]);
            }
        }
        Ok(())
    }

    fn merge(_: &Pass<'_, Settings>, left: Sample, right: Sample) -> Result<Sample, String> {
        left.merge(right)
    }

    fn finish(pass: &Pass<'_, Settings>, state: Sample) -> Result<Outcome, String> {
        let settings = pass.settings;
        let buyers = Buyers::of(&mut state.into_rows().into_iter().map(|(_, row)| {
            std::array::from_fn(|at| row.get(at).map_or(0, |number| *number as i64))
        }));
        if let Some(text) = buyers.too_few(settings.buyers_min, settings.repeat_buyers_min) {
            return Ok(Outcome::Refused(text));
        }
        let unit = f64::from(settings.unit_days);
        let fitted = orders::fit(&buyers.histories, unit, settings.model.early());
        if let Some(text) = fitted.fit.refusal(&NAMES) {
            return Ok(Outcome::Refused(text));
        }
        let Orders { r, alpha, a, b, .. } = fitted.orders;
        let mut told = Told::default();
        told.fit("orders", &fitted.fit, &NAMES, &[r, alpha, a, b]);
        told.add("log_likelihood", fitted.fit.log_likelihood);
        told.add("buyers", f64::from(buyers.count));
        told.add("repeat_buyers", f64::from(buyers.repeat));
        let new = |days: f64| fitted.orders.expected(0.0, 0.0, 0.0, days / unit);
        told.add("calibration_error", buyers.calibration_error(&new));
        let spend = buyers.spend(settings.repeat_buyers_min, settings.unit_minor, &mut told);
        let spend = spend.map(|Spend { p, q, v }| [p, q, v]);
        let measures = told.0.into_iter().map(|(name, value)| Measure { name, value }).collect();
        Ok(Outcome::Model { model: encode(&([r, alpha, a, b], spend)), measures })
    }
}

export!(Ltv: fitted scoring);
