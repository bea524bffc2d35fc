//! Expected orders, lifetime value and purchase tendency where members can order once an opportunity, by BG/BB and
//! Gamma-Gamma (domain SC-10): a month, an issue, an event of a series.

pub mod orders;

use orders::Orders;
use playbook_domain::buyers::{Buyers, History};
use playbook_domain::fit::Told;
use playbook_domain::spend::Spend;
use playbook_sdk::codec::{decode, encode};
use playbook_sdk::prelude::*;

settings! {
    /// Horizons, margin and the bounds of the fit.
    pub struct Settings {
        /// Opportunities ahead that orders and value are expected over.
        pub horizon: u32 where within(1..=520) = 12,
        /// Opportunities ahead that the purchase tendency is about.
        pub tendency: u32 where within(1..=520) = 1,
        /// Margin per revenue; value is margin.
        pub margin_rate: f64 where within(0.0..=1.0) = 0.30,
        /// Minor units of the money unit of the reported `v`.
        pub unit_minor: u32 where within(1..=1_000_000) = 100,
        /// Most buyers that a fit looks at.
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
        REPEAT_PERIODS: integer("repeat_periods").unit("count"),
        SPAN_PERIODS: integer("span_periods").unit("count"),
        AGE_PERIODS: integer("age_periods").unit("count"),
        REPEAT_SPEND: integer("repeat_spend_minor").unit("minor").optional(),
    }
    /// What is said of a member.
    outputs Said {
        EXPECTED_ORDERS: real("expected_orders").role(Role::Value).at_least(0.0)
            .meaning(words("Expected opportunities with an order over the horizon", "預測期內期望下單期數")),
        ALIVE: real("p_alive").role(Role::Probability).between(0.0, 1.0).meaning(words(
            "Probability that the member is there at the next opportunity",
            "下一期仍為活躍買家的概率",
        )),
        TENDENCY: real("purchase_tendency").role(Role::Probability).between(0.0, 1.0).meaning(words(
            "Probability of an order at the next opportunities",
            "購買傾向：近期下單概率",
        )),
        LTV: integer("ltv_minor").role(Role::Value).unit("minor").at_least(0.0)
            .meaning(words("Expected margin over the horizon", "預測期內期望毛利")),
    }
    reasons Why {
        NEVER_BOUGHT: "never-bought" => words("no order so far", "尚無訂單"),
        INCONSISTENT: "inconsistent" => words("the order history contradicts itself", "訂單歷史自相矛盾"),
        SPEND_UNKNOWN: "spend-unknown" => words("no spend to value orders by", "缺少可用的消費金額"),
    }
}

/// Names of the parameters.
const NAMES: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
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
        name: "ltv-bgbb",
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
        let [alpha, beta, gamma, delta] = orders;
        let spend = spend.map(|[p, q, v]| Spend { p, q, v });
        Ok(Self { orders: Orders { alpha, beta, gamma, delta }, spend, settings })
    }
}

#[inline(never)]
fn above_zero(numbers: &[f64]) -> bool {
    numbers.iter().all(|number| number.is_finite() && *number > 0.0)
}

/// Order history of a row, in opportunities: none without an order.
fn history(rows: &Rows<'_>, row: usize) -> Option<History> {
    Some(History {
        repeat_days: rows.get(Member::REPEAT_PERIODS).get(row)?,
        span_days: rows.get(Member::SPAN_PERIODS).get(row)?,
        age_days: rows.get(Member::AGE_PERIODS).get(row)?,
    })
}

impl Scoring for Ltv {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let Settings { horizon, tendency, unit_minor, margin_rate, .. } = self.settings;
        for row in 0..rows.len() {
            let Some(history) = history(rows, row) else {
                out.reason(row, Why::NEVER_BOUGHT);
                continue;
            };
            if !orders::is_possible(&history) {
                out.reason(row, Why::INCONSISTENT);
                continue;
            }
            let expected = self.orders.expected(&history, tendency, horizon);
            let spend = rows.get(Member::REPEAT_SPEND).get(row);
            let value = self.spend.and_then(|model| {
                let order = model.order_minor(history.repeat_days, spend, unit_minor)?;
                Some((expected.orders * order * margin_rate).round() as i64)
            });
            out.set(Said::EXPECTED_ORDERS, row, expected.orders);
            out.set(Said::ALIVE, row, expected.alive);
            out.set(Said::TENDENCY, row, expected.tendency);
            out.set_or_missing(Said::LTV, row, value);
            if value.is_none() {
                out.reason(row, Why::SPEND_UNKNOWN);
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
            let Some(history) = history(rows, row).filter(orders::is_possible) else { continue };
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
        let fit = orders::fit(&buyers.histories);
        if let Some(text) = fit.refusal(&NAMES) {
            return Ok(Outcome::Refused(text));
        }
        let [alpha, beta, gamma, delta] = fit.parameters;
        let orders = Orders { alpha, beta, gamma, delta };
        let mut told = Told::default();
        told.fit("orders", &fit, &NAMES, &fit.parameters);
        told.add("log_likelihood", fit.log_likelihood);
        told.add("buyers", f64::from(buyers.count));
        told.add("repeat_buyers", f64::from(buyers.repeat));
        let first = History { repeat_days: 0, span_days: 0, age_days: 0 };
        let new = |ahead: f64| orders.expected(&first, 0, ahead as u32).orders;
        told.add("calibration_error", buyers.calibration_error(&new));
        let spend = buyers.spend(settings.repeat_buyers_min, settings.unit_minor, &mut told);
        let spend = spend.map(|Spend { p, q, v }| [p, q, v]);
        let measures = told.0.into_iter().map(|(name, value)| Measure { name, value }).collect();
        Ok(Outcome::Model { model: encode(&(fit.parameters, spend)), measures })
    }
}

export!(Ltv: fitted scoring);
