//! Return less its risk, present value at a rate by risk level, and the rate of return (domain RO-5).

use playbook_domain::{FLOWS_MAX, irr, nearest, npv, roi_adjusted, rung};
use playbook_sdk::prelude::*;

settings! {
    /// Levels of risk and what they cost.
    pub struct Settings {
        /// What the rows are: campaign, strategy, channel, community.
        pub subject: String where length(1..) = "campaign",
        /// Risk coefficients from which on a risk is medium, high, severe.
        pub levels: [f64; 3] where each(within(0.0..=1.0)) = [0.2, 0.4, 0.6],
        /// Discount rate a period at low risk.
        pub rate_low: f64 where within(0.0..=10.0) = 0.08,
        /// Discount rate a period at medium risk.
        pub rate_medium: f64 where within(0.0..=10.0) = 0.10,
        /// Discount rate a period at high risk.
        pub rate_high: f64 where within(0.0..=10.0) = 0.14,
        /// Discount rate a period at severe risk.
        pub rate_severe: f64 where within(0.0..=10.0) = 0.22,
        /// Rate at which the search for the rate of return begins.
        pub irr_least: f64 where within(-0.99..=0.0) = -0.99,
        /// Rate at which it ends.
        pub irr_most: f64 where within(0.01..=100.0) = 10.0,
        /// Periods that come as columns `flow_0_minor`, `flow_1_minor` ..., where flows come as no list.
        pub flow_columns: u32 where within(0..=120) = 0,
    }
}

/// Levels of risk, ascending.
const LEVELS: [&str; 4] = ["low", "medium", "high", "severe"];

declare! {
    /// What is known of a row; columns of flows follow.
    needs Row {
        ROI: real("roi").unit("ratio").optional(),
        RISK: real("risk").unit("ratio"),
        FLOWS: integers("cash_flows_minor").unit("minor").optional(),
    }
    /// What is said of it.
    outputs Said {
        ADJUSTED: real("roi_adj").role(Role::ReturnOnCost).unit("ratio")
            .meaning(words("Return less its risk", "風險調整後回報率")),
        LEVEL: category("risk_level", LEVELS).role(Role::Level)
            .alarms([Level::None, Level::Watch, Level::Warn, Level::Critical])
            .meaning(words("Level of the risk", "風險等級")),
        RATE: real("discount_rate").unit("ratio").at_least(0.0)
            .meaning(words("Discount rate of that level, a period", "該等級的貼現率（每期）")),
        NPV: integer("npv_minor").role(Role::Value).unit("minor")
            .meaning(words("Present value of the flows at that rate", "淨現值")),
        IRR: real("irr").unit("ratio").meaning(words(
            "Rate at which the flows are worth nothing, a period",
            "內部回報率（每期）",
        )),
    }
    reasons Why {
        UNKNOWN: "risk-unknown" => words(
            "without a risk coefficient neither return nor value can be adjusted",
            "風險係數未知，無法調整",
        ),
        HIGH: "high-risk" => words("the risk is high: a plan is mandatory", "高風險：必須有預案"),
        SEVERE: "severe-risk" => words("the risk is severe: avoid it", "嚴重風險：應予規避"),
        LOSES: "negative-value" => words(
            "at the rate of its risk the investment loses value",
            "按風險貼現率計算淨現值為負",
        ),
        TOO_LONG: "too-many-flows" => words(
            "there are more than 120 periods: their value is not computed",
            "期數超過120，不計算現值",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct RoiRisk {
    settings: Settings,
}

impl Plugin for RoiRisk {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "roi-risk",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Return less its risk, present value and rate of return",
            "風險調整後回報、淨現值與內部回報率",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let rises = |values: &[f64]| values.is_sorted_by(|left, right| left < right);
        if !rises(&settings.levels) {
            problems.at("/levels", "must ascend").hint("[0.2, 0.4, 0.6]");
        }
        let rates = settings.rates();
        let falls = rates.is_sorted();
        problems.check(falls, "/rate_severe", "a higher risk has no lower rate");
        problems.into_result()?;
        let flow =
            |period: u32| need::integer(format!("flow_{period}_minor")).unit("minor").optional();
        let rows = table(settings.subject.clone())
            .needs(Row::all())
            .needs((0..settings.flow_columns).map(flow));
        let [adjusted, level, rest @ ..] = Said::all();
        let shape = Shape::whole_tables()
            .table(rows)
            .produces_in(0, [adjusted, level.bounds(settings.levels)])
            .produces_in(0, rest)
            .reasons(Why::all());
        let words_of = ["低", "中", "高", "嚴重"];
        Ok(LEVELS
            .iter()
            .zip(words_of)
            .fold(shape, |shape, (name, zh)| shape.term(*name, words(name, zh))))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Settings {
    fn rates(&self) -> [f64; 4] {
        [self.rate_low, self.rate_medium, self.rate_high, self.rate_severe]
    }
}

impl Roi for RoiRisk {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let Settings { levels, irr_least, irr_most, .. } = self.settings;
        let rates = self.settings.rates();
        let rows = tables.table(0);
        let (rois, risks, lists) = (rows.get(Row::ROI), rows.get(Row::RISK), rows.get(Row::FLOWS));
        let periods = Row::COUNT..Row::COUNT + self.settings.flow_columns as usize;
        let columns: Vec<_> = periods.map(|at| rows.get(In::<Integer>::at(at))).collect();
        let mut of_columns = Vec::with_capacity(columns.len());
        for row in 0..rows.len() {
            let risk = risks.get(row).map(|risk| risk.clamp(0.0, 1.0));
            let roi = rois.get(row);
            let level = risk.map(|risk| rung(risk, &levels));
            let rate = level.map(|level| rates[level]);
            // The list, else the columns up to the first that is missing.
            let flows = lists.get(row).unwrap_or_else(|| {
                of_columns.clear();
                of_columns.extend(columns.iter().map_while(|flow| flow.get(row)));
                &of_columns
            });
            let is_short = flows.len() <= FLOWS_MAX;
            let value = rate.filter(|_| !flows.is_empty() && is_short).map(|rate| npv(flows, rate));
            let mut find = |finding: Finding| out.finding(finding.at(0, row as u32));
            match (risk, level) {
                (Some(risk), Some(3)) => {
                    find(Finding::new(Level::Critical, Why::SEVERE).measured(risk, levels[2]));
                }
                (Some(risk), Some(2)) => {
                    find(Finding::new(Level::Warn, Why::HIGH).measured(risk, levels[1]));
                }
                (None, _) => find(Finding::new(Level::Watch, Why::UNKNOWN)),
                _ => {}
            }
            if let Some(value) = value.filter(|value| *value < 0.0) {
                find(Finding::new(Level::Warn, Why::LOSES).measured(value, 0.0));
            }
            if !is_short {
                find(Finding::new(Level::Watch, Why::TOO_LONG));
            }
            let outputs = out.table(0);
            let adjusted = roi.zip(risk).map(|(roi, risk)| roi_adjusted(roi, risk));
            outputs.set_or_missing(Said::ADJUSTED, row, adjusted);
            outputs.set_or_missing(Said::LEVEL, row, level);
            outputs.set_or_missing(Said::RATE, row, rate);
            outputs.set_or_missing(Said::NPV, row, value.map(nearest));
            outputs.set_or_missing(Said::IRR, row, irr(flows, [irr_least, irr_most]));
        }
        Ok(())
    }
}

export!(RoiRisk: roi);
