//! Expected orders, lifetime value and purchase tendency of buyers by BG/NBD and Gamma-Gamma (domain SC-10).
//!
//! BG/NBD lets a member drop out only right after an order that repeats, so every one-time buyer is
//! alive with probability 1 however long ago the order was. Warning of churn is not its job.

pub mod minimise;
pub mod orders;
pub mod special;
pub mod spend;

use std::collections::BinaryHeap;

use orders::{History, Orders};
use playbook_sdk::codec::{decode, encode};
use playbook_sdk::prelude::*;
use spend::{Purse, Spend};

settings! {
    /// Horizons, margin and the bounds of the fit.
    pub struct Settings {
        /// Days ahead that orders and value are expected over.
        pub horizon_days: u32 where within(1..=3650) = 365,
        /// Days ahead that the purchase tendency is about.
        pub tendency_days: u32 where within(1..=3650) = 30,
        /// Margin per revenue; value is margin.
        pub margin_rate: f64 where within(0.0..=1.0) = 0.30,
        /// Days of the time unit of the reported `alpha`.
        pub unit_days: u32 where within(1..=366) = 7,
        /// Minor units of the money unit of the reported `v`.
        pub unit_minor: u32 where within(1..=1_000_000) = 100,
        /// Most buyers that a fit looks at; of a larger population the same ones on every machine.
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
        ALIVE: real("p_alive").role(Role::Probability).between(0.0, 1.0).meaning(words(
            "Probability that the member still orders; 1 for every one-time buyer",
            "仍為活躍買家的概率（單次購買者恆為 1）",
        )),
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
            "one order: the model cannot tell whether the member left",
            "僅一次訂單，模型無法判斷流失",
        ),
    }
}

/// Slope of the mean log-likelihood beyond which a fit has not settled.
const SLOPE_SETTLED: f64 = 1e-6;
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
        let (orders, spend): ([f64; 4], Option<[f64; 3]>) = decode(model)
            .map_err(|text| Problems::one("", format!("the model is not readable: {text}")))?;
        if !above_zero(&orders) || !spend.is_none_or(|spend| above_zero(&spend)) {
            return Err(Problems::one("", "the model has a parameter that is not above 0"));
        }
        let [r, alpha, a, b] = orders;
        let spend = spend.map(|[p, q, v]| Spend { p, q, v });
        Ok(Self { orders: Orders { r, alpha, a, b }, spend, settings })
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

impl Ltv {
    /// Expected margin of a member in minor units, rounded half away from zero; none where spend is
    /// not known.
    fn value(&self, repeats: i64, spend_minor: Option<i64>, orders: f64) -> Option<i64> {
        let spend = self.spend?;
        let unit = f64::from(self.settings.unit_minor);
        let mean =
            if repeats > 0 { spend_minor?.max(0) as f64 / repeats as f64 / unit } else { 0.0 };
        let order_minor = spend.expected(repeats as f64, mean) * unit;
        Some((orders * order_minor * self.settings.margin_rate).round() as i64)
    }
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
            let value = orders.and_then(|orders| self.value(history.repeat_days, spend, orders));
            out.set_or_missing(Said::EXPECTED_ORDERS, row, orders);
            out.set(Said::ALIVE, row, self.orders.alive(repeats, span, age));
            out.set(Said::TENDENCY, row, self.orders.tendency(repeats, span, age, tendency));
            out.set_or_missing(Said::LTV, row, value);
            if value.is_none() {
                out.reason(row, Why::SPEND_UNKNOWN);
            } else if history.repeat_days == 0 {
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
        let groups = Groups::of(state);
        if groups.buyers < settings.buyers_min || groups.repeat_buyers < settings.repeat_buyers_min
        {
            return Ok(Outcome::Refused(format!(
                "{} buyers with {} repeat buyers are too few: {} and {} are needed",
                groups.buyers,
                groups.repeat_buyers,
                settings.buyers_min,
                settings.repeat_buyers_min
            )));
        }
        let fitted = orders::fit(&groups.histories, f64::from(settings.unit_days));
        if fitted.slope_max.is_nan() || fitted.slope_max > SLOPE_SETTLED {
            return Ok(Outcome::Refused(format!(
                "the order model has not settled after {} rounds",
                fitted.rounds
            )));
        }
        let Orders { r, alpha, a, b } = fitted.orders;
        let mut measures = Measures::default();
        measures.add(&[
            ("r", r),
            ("alpha", alpha),
            ("a", a),
            ("b", b),
            ("log_likelihood", fitted.log_likelihood),
            ("orders_rounds", f64::from(fitted.rounds)),
            ("buyers", f64::from(groups.buyers)),
            ("repeat_buyers", f64::from(groups.repeat_buyers)),
        ]);
        let error = groups.calibration_error(&fitted.orders, settings.unit_days);
        if error.is_finite() {
            measures.add(&[("calibration_error", error)]);
        }
        let spend = fit_spend(settings, &groups, &mut measures);
        Ok(Outcome::Model { model: encode(&([r, alpha, a, b], spend)), measures: measures.0 })
    }
}

/// Fits spend where enough repeat buyers have some; none where no mean order exists.
fn fit_spend(settings: &Settings, groups: &Groups, measures: &mut Measures) -> Option<[f64; 3]> {
    let payers: u32 = groups.purses.iter().map(|(_, buyers)| buyers).sum();
    if payers < settings.repeat_buyers_min {
        return None;
    }
    let fitted = spend::fit(&groups.purses, f64::from(settings.unit_minor));
    let Spend { p, q, v } = fitted.spend;
    measures.add(&[
        ("p", p),
        ("q", q),
        ("v", v),
        ("spend_rounds", f64::from(fitted.rounds)),
        ("spend_correlation", fitted.correlation),
    ]);
    // Up to q = 1 spend is so unequal that it has no mean, and no order can be valued.
    (q > 1.0 && fitted.slope_max <= SLOPE_SETTLED).then_some([p, q, v])
}

#[derive(Default)]
struct Measures(Vec<Measure>);

impl Measures {
    #[inline(never)]
    fn add(&mut self, named: &[(&str, f64)]) {
        for &(name, value) in named {
            self.0.push(Measure { name: name.to_owned(), value });
        }
    }
}

/// Equal buyers together, in order, so that a likelihood runs over distinct histories only.
struct Groups {
    histories: Vec<(History, u32)>,
    purses: Vec<(Purse, u32)>,
    buyers: u32,
    repeat_buyers: u32,
}

impl Groups {
    /// How far the orders that the model expects of such buyers since their first are from those that they
    /// made, by those: E[X(T)] of Fader, Hardie and Lee (2005), equation 9, against x.
    fn calibration_error(&self, orders: &Orders, unit_days: u32) -> f64 {
        let mut ages = Vec::new();
        let mut made = 0.0;
        for (history, buyers) in &self.histories {
            ages.push([history.age_days, i64::from(*buyers), 0]);
            made += history.repeat_days as f64 * f64::from(*buyers);
        }
        let unit = f64::from(unit_days);
        let expected: f64 = ascending(ages)
            .chunk_by(|left, right| left[0] == right[0])
            .map(|equal| {
                let buyers: i64 = equal.iter().map(|[_, buyers, _]| buyers).sum();
                buyers as f64 * orders.expected(0.0, 0.0, 0.0, equal[0][0] as f64 / unit)
            })
            .sum();
        (expected - made).abs() / made
    }

    fn of(sample: Sample) -> Self {
        let (mut histories, mut purses) = (Vec::new(), Vec::new());
        let (mut buyers, mut repeat_buyers) = (0, 0);
        for (_, row) in sample.into_rows() {
            let [repeat_days, span_days, age_days, repeat_spend_minor] =
                std::array::from_fn(|at| row.get(at).map_or(0, |number| *number as i64));
            buyers += 1;
            repeat_buyers += u32::from(repeat_days > 0);
            histories.push([repeat_days, span_days, age_days]);
            if repeat_days > 0 && repeat_spend_minor > 0 {
                purses.push([repeat_days, repeat_spend_minor, 0]);
            }
        }
        let history = |[repeat_days, span_days, age_days]: [i64; 3]| History {
            repeat_days,
            span_days,
            age_days,
        };
        let purse = |[repeat_days, repeat_spend_minor, _]: [i64; 3]| Purse {
            repeat_days,
            repeat_spend_minor,
        };
        Self {
            histories: counted(histories).into_iter().map(|(h, n)| (history(h), n)).collect(),
            purses: counted(purses).into_iter().map(|(p, n)| (purse(p), n)).collect(),
            buyers,
            repeat_buyers,
        }
    }
}

/// Each of the distinct ones with how often it is there, least first.
#[inline(never)]
fn counted(all: Vec<[i64; 3]>) -> Vec<([i64; 3], u32)> {
    let mut distinct: Vec<([i64; 3], u32)> = Vec::new();
    for one in ascending(all) {
        match distinct.last_mut().filter(|(last, _)| *last == one) {
            Some((_, count)) => *count += 1,
            None => distinct.push((one, 1)),
        }
    }
    distinct
}

/// Least first. One function for all that is sorted here, by a heap: a sort, or a map of each type, is ten times the code.
#[inline(never)]
fn ascending(all: Vec<[i64; 3]>) -> Vec<[i64; 3]> {
    BinaryHeap::from(all).into_sorted_vec()
}

export!(Ltv: fitted scoring);
