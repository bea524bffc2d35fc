//! Retention and lifetime value of subscribers by the shifted beta-geometric model (domain SC-10).

pub mod retention;

use playbook_domain::fit::Told;
use playbook_sdk::codec::{decode, encode};
use playbook_sdk::prelude::*;
use retention::{Renewals, Retention};

settings! {
    /// Horizon, worth and the bounds of the fit.
    pub struct Settings {
        /// Renewals ahead that are expected and valued.
        pub horizon: u32 where within(1..=520) = 12,
        /// Margin per revenue; value is margin.
        pub margin_rate: f64 where within(0.0..=1.0) = 0.30,
        /// How much less a renewal is worth for each period until it, as a fraction: 0.10 is 10 % a period.
        pub discount_rate: f64 where within(0.0..=1.0) = 0.0,
        /// Fewest subscribers of a fit.
        pub subscribers_min: u32 where within(10..=1_000_000) = 100,
        /// Fewest subscribers of a fit who ended, and fewest who renewed.
        pub events_min: u32 where within(5..=1_000_000) = 30,
    }
}

declare! {
    /// What is known of a subscriber.
    needs Member {
        RENEWALS: integer("renewals").unit("count"),
        ENDED: integer("subscription_ended").unit("count"),
        FEE: integer("fee_minor").unit("minor").optional(),
    }
    /// What is said of a subscriber.
    outputs Said {
        RETENTION: real("p_renews").role(Role::Probability).between(0.0, 1.0)
            .meaning(words("Probability that the subscriber renews the next time", "下次續訂概率")),
        EXPECTED: real("expected_renewals").role(Role::Value).at_least(0.0)
            .meaning(words("Expected renewals over the horizon", "預測期內期望續訂次數")),
        LTV: integer("ltv_minor").role(Role::Value).unit("minor").at_least(0.0)
            .meaning(words("Expected margin of the renewals to come", "未來續訂期望毛利")),
    }
    reasons Why {
        NO_SUBSCRIPTION: "no-subscription" => words("no subscription", "沒有訂閱"),
        INCONSISTENT: "inconsistent" => words("the subscription's history contradicts itself", "訂閱歷史自相矛盾"),
        ENDED: "ended" => words("the subscription has ended", "訂閱已結束"),
        FEE_UNKNOWN: "fee-unknown" => words("no fee to value renewals by", "缺少訂閱費用"),
    }
}

/// Most renewals that are told apart; who has more counts as one of these.
const RENEWALS_MAX: i64 = 1_000;
/// Names of the parameters.
const NAMES: [&str; 2] = ["alpha", "beta"];

/// The opened plugin.
#[derive(Debug)]
pub struct Ltv {
    retention: Retention,
    settings: Settings,
}

impl Plugin for Ltv {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "ltv-sbg",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Retention and lifetime value of subscribers",
            "訂閱會員的留存與生命周期價值預測",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let fits = settings.events_min <= settings.subscribers_min;
        problems.check(fits, "/events_min", "must be at most `subscribers_min`");
        problems.into_result()?;
        let shape = Shape::rows("member").needs(Member::all()).produces(Said::all());
        Ok(shape.reasons(Why::all()).fit_passes(1))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let model = opening.model.ok_or_else(|| Problems::one("", "opens with a model only"))?;
        let [alpha, beta]: [f64; 2] = decode(model).map_err(|text| Problems::one("", text))?;
        if ![alpha, beta].iter().all(|number| number.is_finite() && *number > 0.0) {
            return Err(Problems::one("", "the model has a parameter that is not above 0"));
        }
        Ok(Self { retention: Retention { alpha, beta }, settings })
    }
}

/// A subscription that is known and can be.
fn subscription(rows: &Rows<'_>, row: usize) -> Result<(i64, bool), u32> {
    let (renewals, ended) = (rows.get(Member::RENEWALS).get(row), rows.get(Member::ENDED).get(row));
    match (renewals.ok_or(Why::NO_SUBSCRIPTION)?, ended.ok_or(Why::NO_SUBSCRIPTION)?) {
        (renewals @ 0.., ended @ 0..=1) => Ok((renewals, ended == 1)),
        _ => Err(Why::INCONSISTENT),
    }
}

impl Scoring for Ltv {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let Settings { horizon, margin_rate, discount_rate, .. } = self.settings;
        let kept = 1.0 / (1.0 + discount_rate);
        let fees = rows.get(Member::FEE);
        for row in 0..rows.len() {
            let (renewals, ended) = match subscription(rows, row) {
                Ok(known) => known,
                Err(why) => {
                    out.reason(row, why);
                    continue;
                }
            };
            if ended {
                out.set(Said::EXPECTED, row, 0.0);
                out.set(Said::LTV, row, 0);
                out.reason(row, Why::ENDED);
                continue;
            }
            let renewals = renewals as f64;
            out.set(Said::RETENTION, row, self.retention.renews(renewals));
            out.set(Said::EXPECTED, row, self.retention.expected(renewals, horizon, 1.0));
            let Some(fee) = fees.get(row) else {
                out.reason(row, Why::FEE_UNKNOWN);
                continue;
            };
            let worth = self.retention.expected(renewals, horizon, kept);
            let value = worth * fee.max(0) as f64 * margin_rate;
            out.set(Said::LTV, row, value.round() as i64);
        }
        Ok(())
    }
}

impl Fit for Ltv {
    type State = (Vec<u64>, Vec<u64>);

    fn begin(_: &Pass<'_, Settings>) -> Result<Self::State, Problems> {
        Ok((Vec::new(), Vec::new()))
    }

    fn observe(
        _: &Pass<'_, Settings>,
        state: &mut Self::State,
        rows: &Rows<'_>,
    ) -> Result<(), String> {
        let mut counts = counts(state);
        for row in 0..rows.len() {
            if let Ok((renewals, ended)) = subscription(rows, row) {
                counts.add(renewals.min(RENEWALS_MAX) as usize, ended);
            }
        }
        *state = (counts.running, counts.ended);
        Ok(())
    }

    fn merge(
        _: &Pass<'_, Settings>,
        mut left: Self::State,
        mut right: Self::State,
    ) -> Result<Self::State, String> {
        let mut all = counts(&mut left);
        all.join(&counts(&mut right));
        Ok((all.running, all.ended))
    }

    fn finish(pass: &Pass<'_, Settings>, mut state: Self::State) -> Result<Outcome, String> {
        let counts = counts(&mut state);
        let Settings { subscribers_min, events_min, .. } = *pass.settings;
        let [subscribers, ended, renewed] = counts.totals();
        if subscribers < u64::from(subscribers_min) || ended.min(renewed) < u64::from(events_min) {
            return Ok(Outcome::Refused(format!(
                "{subscribers} subscribers, of whom {ended} ended and {renewed} renewed, are too few: \
                 {subscribers_min}, {events_min} and {events_min} are needed"
            )));
        }
        let fit = counts.fit();
        if let Some(text) = fit.refusal(&NAMES) {
            return Ok(Outcome::Refused(text));
        }
        let [alpha, beta, ..] = fit.parameters;
        let mut told = Told::default();
        told.fit("renewals", &fit, &NAMES, &[alpha, beta]);
        told.add("log_likelihood", fit.log_likelihood);
        told.add("subscribers", subscribers as f64);
        told.add("subscribers_ended", ended as f64);
        let least = f64::from(events_min);
        let error = counts.calibration_error(&Retention { alpha, beta }, least);
        told.add("calibration_error", error);
        let measures = told.0.into_iter().map(|(name, value)| Measure { name, value }).collect();
        Ok(Outcome::Model { model: encode(&[alpha, beta]), measures })
    }
}

/// The state as counts.
fn counts((running, ended): &mut (Vec<u64>, Vec<u64>)) -> Renewals {
    Renewals { running: std::mem::take(running), ended: std::mem::take(ended) }
}

export!(Ltv: fitted scoring);
