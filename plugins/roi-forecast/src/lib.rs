//! How good forecasts of returns were, when money is back, and what the next period needs (domain RO-7).

use playbook_domain::{forecast_error, nearest, next_need, payback};
use playbook_sdk::prelude::*;

settings! {
    /// Goals of forecasts, and how the next period is foreseen.
    pub struct Settings {
        /// What the rows are: campaign, strategy, channel.
        pub subject: String where length(1..) = "campaign",
        /// Error of a forecast that is still within the goal, as a fraction of what came.
        pub error_goal: f64 where within(0.0..=10.0) = 0.05,
        /// Error beyond which a forecast may not pass gates.
        pub error_most: f64 where within(0.0..=10.0) = 0.20,
        /// Periods in which money should be back; null: there is no goal.
        pub payback_goal: Option<i64> where within(0..=1200) = null,
        /// Periods that come as columns `net_0_minor`, `net_1_minor` ..., where flows come as no list.
        pub net_columns: u32 where within(0..=120) = 0,
        /// Foresees the need of resources too: the playbook then has rows of `resource_subject`.
        pub demand: bool = true,
        /// What the rows of resources are.
        pub resource_subject: String where length(1..) = "resource",
        /// Periods after which a phase comes again.
        pub phase: u32 where within(1..=366) = 3,
        /// Least trend that is read from the past.
        pub trend_least: f64 where within(0.0..=1.0) = 0.5,
        /// Greatest trend that is read from the past.
        pub trend_most: f64 where within(1.0..=100.0) = 2.0,
        /// Past periods that come as columns `used_1_minor` (the last one), `used_2_minor` ..., where they come as no list.
        pub used_columns: u32 where within(0..=120) = 0,
    }
}

/// Positions of the tables.
const ROWS: usize = 0;
const RESOURCES: usize = 1;

/// What an error says of a forecast.
const STATES: [&str; 3] = ["within-goal", "flagged", "unusable"];

declare! {
    /// What is known of a row; columns of flows follow.
    needs Row {
        FORECAST: real("roi_forecast").unit("ratio").optional(),
        ACTUAL: real("roi_actual").unit("ratio").optional(),
        FLOWS: integers("net_flows_minor").unit("minor").optional(),
    }
    /// What is said of a row.
    outputs Said {
        ERROR: real("forecast_error").unit("ratio").at_least(0.0)
            .meaning(words("Error of the forecast by what came", "預測誤差")),
        STATE: category("forecast_state", STATES)
            .meaning(words("What the error says of the forecast", "預測狀態")),
        PAYBACK: integer("payback_period").unit("").at_least(0.0).meaning(words(
            "First period, from 0, in which all money is back",
            "回本期（自0起的期序）",
        )),
    }
    /// What is known of a resource; columns of past periods follow.
    needs Resource {
        USED: integers("used_minor").unit("minor").optional(),
        TREND: real("trend").unit("ratio").optional(),
    }
    /// What is said of a resource.
    outputs ResourceSaid {
        NEED: integer("next_need_minor").role(Role::Value).unit("minor").at_least(0.0)
            .meaning(words("What the next period needs", "下期資源需求")),
        ERROR: real("need_error").unit("ratio").at_least(0.0).meaning(words(
            "Error that the same rule would have made for the last period",
            "同法回測上期的誤差",
        )),
    }
    reasons Why {
        FLAGGED: "forecast-off" => words("the forecast missed by more than the goal", "預測誤差超過目標"),
        UNUSABLE: "forecast-unusable" => words(
            "the forecast missed by too much: it may not pass gates",
            "預測誤差過大，不得用於門檻",
        ),
        LATE: "payback-late" => words("money is not back in time", "未能按期回本"),
        UNFORESEEN: "need-unknown" => words(
            "the past shows no phase or no trend: the next need is not known",
            "歷史不足，無法預測下期需求",
        ),
        UNCERTAIN: "need-uncertain" => words(
            "the rule would have missed the last period by much",
            "該法對上期的回測誤差較大",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct RoiForecast {
    settings: Settings,
}

impl Plugin for RoiForecast {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "roi-forecast",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Errors of forecasts, payback and the need of the next period",
            "動態回報模型：預測誤差、回本期與資源需求",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let ordered = settings.error_goal <= settings.error_most;
        problems.check(ordered, "/error_most", "must be at least `error_goal`");
        problems.into_result()?;
        let columns = |name: &'static str, from: u32, count: u32| {
            (from..from + count)
                .map(move |at| need::integer(format!("{name}_{at}_minor")).unit("minor").optional())
        };
        let rows = table(settings.subject.clone()).needs(Row::all()).needs(columns(
            "net",
            0,
            settings.net_columns,
        ));
        let shape = Shape::whole_tables()
            .table(rows)
            .produces_in(ROWS as u32, Said::all())
            .reasons(Why::all())
            .term("within-goal", words("within the goal", "達標"))
            .term("flagged", words("flagged", "已標記"))
            .term("unusable", words("not for gates", "不可用於門檻"));
        if !settings.demand {
            return Ok(shape);
        }
        let resources = table(settings.resource_subject.clone())
            .needs(Resource::all())
            .needs(columns("used", 1, settings.used_columns));
        Ok(shape.table(resources).produces_in(RESOURCES as u32, ResourceSaid::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// A list of a row, else its columns up to the first that is missing.
fn listed(
    rows: &Rows<'_>,
    row: usize,
    list: Option<&[i64]>,
    from: usize,
    columns: u32,
) -> Vec<i64> {
    let column = |at: usize| rows.get(In::<Integer>::at(from + at)).get(row);
    list.map_or_else(|| (0..columns as usize).map_while(column).collect(), <[i64]>::to_vec)
}

impl RoiForecast {
    fn rows(&self, rows: &Rows<'_>, out: &mut TableAnswer<'_>) {
        let Settings { error_goal, error_most, payback_goal, net_columns, .. } = self.settings;
        for row in 0..rows.len() {
            let (forecast, actual) =
                (rows.get(Row::FORECAST).get(row), rows.get(Row::ACTUAL).get(row));
            let error = forecast
                .zip(actual)
                .and_then(|(forecast, actual)| forecast_error(forecast, actual));
            let state = error
                .map(|error| usize::from(error > error_goal) + usize::from(error > error_most));
            let list = rows.get(Row::FLOWS).get(row);
            let flows = listed(rows, row, list, Row::COUNT, net_columns);
            let back = payback(&flows);
            let mut find = |finding: Finding| out.finding(finding.at(ROWS as u32, row as u32));
            match (error, state) {
                (Some(error), Some(2)) => {
                    find(Finding::new(Level::Critical, Why::UNUSABLE).measured(error, error_most));
                }
                (Some(error), Some(1)) => {
                    find(Finding::new(Level::Warn, Why::FLAGGED).measured(error, error_goal));
                }
                _ => {}
            }
            if let Some(goal) = payback_goal.filter(|_| !flows.is_empty()) {
                let goal_place = usize::try_from(goal).unwrap_or(0);
                // Known flows that end before the goal say nothing yet.
                let is_late = back.map_or(flows.len() > goal_place, |period| period > goal_place);
                if is_late {
                    let finding = Finding::new(Level::Warn, Why::LATE);
                    find(match back {
                        Some(period) => finding.measured(period as f64, goal as f64),
                        None => finding,
                    });
                }
            }
            let outputs = out.table(ROWS);
            outputs.set_or_missing(Said::ERROR, row, error);
            outputs.set_or_missing(Said::STATE, row, state);
            outputs.set_or_missing(Said::PAYBACK, row, back.map(|period| period as i64));
        }
    }

    fn resources(&self, rows: &Rows<'_>, out: &mut TableAnswer<'_>) {
        let Settings { phase, trend_least, trend_most, used_columns, error_most, .. } =
            self.settings;
        let (phase, bounds) = (phase as usize, [trend_least, trend_most]);
        for row in 0..rows.len() {
            let list = rows.get(Resource::USED).get(row);
            let is_list = list.is_some();
            let mut used: Vec<f64> = listed(rows, row, list, Resource::COUNT, used_columns)
                .into_iter()
                .map(|minor| minor.max(0) as f64)
                .collect();
            if !is_list {
                // Columns begin with the last period.
                used.reverse();
            }
            let trend = rows.get(Resource::TREND).get(row).map(|trend| trend.max(0.0));
            let need = next_need(&used, phase, trend, bounds);
            let error = used.split_last().and_then(|(last, before)| {
                forecast_error(next_need(before, phase, trend, bounds)?, *last)
            });
            let mut find = |finding: Finding| out.finding(finding.at(RESOURCES as u32, row as u32));
            if need.is_none() {
                find(Finding::new(Level::Watch, Why::UNFORESEEN));
            }
            if let Some(error) = error.filter(|error| *error > error_most) {
                find(Finding::new(Level::Watch, Why::UNCERTAIN).measured(error, error_most));
            }
            let outputs = out.table(RESOURCES);
            outputs.set_or_missing(ResourceSaid::NEED, row, need.map(nearest));
            outputs.set_or_missing(ResourceSaid::ERROR, row, error);
        }
    }
}

impl Roi for RoiForecast {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        self.rows(&tables.table(ROWS), out);
        if self.settings.demand {
            self.resources(&tables.table(RESOURCES), out);
        }
        Ok(())
    }
}

export!(RoiForecast: roi);
