//! Churn early warning (流失預警, domain SC-6): a level, a risk and the drop behind them.

mod rule;

use playbook_sdk::prelude::*;

pub use rule::{Level as ChurnLevel, Member, Verdict, judge};

settings! {
    /// When a member who falls silent is worth a warning.
    #[schemars(title = "churn-7d")]
    pub struct Settings {
        /// Drop of weekly interactions from which the level is `watch`, as a fraction.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub drop_watch: f64 = 0.3,
        /// Drop from which the level is `warn`.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub drop_warn: f64 = 0.5,
        /// Drop from which the level is `critical`.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub drop_critical: f64 = 0.8,
        /// Interactions of the week before below which a drop means nothing.
        #[schemars(range(min = 1))]
        pub baseline_min: i64 = 3,
        /// Mean sentiment of 30 days below which the level goes one up, -1 to 1.
        #[schemars(range(min = -1.0, max = 1.0))]
        pub sentiment_below: f64 = -0.3,
        /// Open complaints above which the level goes one up.
        #[schemars(range(min = 0))]
        pub complaints_above: i64 = 0,
        /// Without a baseline: days of silence from which the level is `watch`.
        #[schemars(range(min = 1))]
        pub silent_watch_days: i64 = 14,
        /// Without a baseline: days of silence from which the member counts as `lapsed`.
        #[schemars(range(min = 1))]
        pub silent_lapsed_days: i64 = 30,
        /// Members who joined fewer days ago are not judged.
        #[schemars(range(min = 0))]
        pub first_days: i64 = 14,
        /// Weight of the drop in the risk.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub risk_drop: f64 = 0.6,
        /// Weight of the days of silence in the risk.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub risk_silence: f64 = 0.2,
        /// Weight of negative sentiment in the risk.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub risk_sentiment: f64 = 0.2,
        /// Days of silence at which their part of the risk is full.
        #[schemars(range(min = 1))]
        pub risk_silence_days: i64 = 30,
    }
}

// Positions of the needs.
const PREVIOUS: usize = 0;
const RECENT: usize = 1;
const SILENT_DAYS: usize = 2;
const SENTIMENT: usize = 3;
const COMPLAINTS: usize = 4;
const JOINED_DAYS: usize = 5;
// Positions of the outputs.
const LEVEL: usize = 0;
const RISK: usize = 1;
const DROP: usize = 2;

/// Churn early warning over one week.
#[derive(Debug, Clone)]
pub struct ChurnSevenDays {
    settings: Settings,
}

impl Plugin for ChurnSevenDays {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "churn-7d",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Early warning of members whose interactions fall within a week",
            "一週內互動下降的會員流失預警",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let drops = [settings.drop_watch, settings.drop_warn, settings.drop_critical];
        if !drops.is_sorted() {
            problems
                .at("/drop_warn", "drop_watch, drop_warn and drop_critical must ascend")
                .hint("for example 0.3, 0.5 and 0.8");
        }
        if settings.silent_lapsed_days < settings.silent_watch_days {
            problems
                .at("/silent_lapsed_days", "comes before silent_watch_days")
                .hint(format!("at least {}", settings.silent_watch_days));
        }
        problems.into_result()?;
        Ok(Shape::rows("member")
            .need(need::integer("interactions_prev7d").unit("count"))
            .need(need::integer("interactions_7d").unit("count"))
            .need(need::integer("days_since_last_interaction").unit("day"))
            .need(need::real("sentiment_30d").optional())
            .need(need::integer("open_complaints").unit("count").optional())
            .need(need::integer("days_since_join").unit("day"))
            .produce(
                output::category("level", ChurnLevel::NAMES)
                    .meaning(words("Warning level", "預警級別")),
            )
            .produce(output::real("risk").unit("ratio").between(0.0, 1.0).meaning(words(
                "Churn risk; missing where no drop can be computed",
                "流失風險；無法計算降幅時缺失",
            )))
            .produce(output::real("drop").unit("ratio").meaning(words(
                "Share of last week's interactions that is gone; negative where they grew",
                "較上週減少的互動比例；增長時為負",
            )))
            .reason("weekly_drop", words("Interactions fell within the week", "一週內互動下降"))
            .reason(
                "silent_days",
                words("Silent for days, too little before", "多日沉默且基數過小"),
            )
            .reason(
                "negative_feeling",
                words("Raised by sentiment or complaint", "因情緒或投訴升級"),
            )
            .reason("first_days", words("Joined too recently to judge", "入群時間太短")))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Scoring for ChurnSevenDays {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let (previous, recent) = (rows.integer(PREVIOUS), rows.integer(RECENT));
        let (silent, sentiment) = (rows.integer(SILENT_DAYS), rows.real(SENTIMENT));
        let (complaints, joined) = (rows.integer(COMPLAINTS), rows.integer(JOINED_DAYS));
        for row in 0..rows.len() {
            let member = Member {
                previous: previous.get(row),
                recent: recent.get(row),
                silent_days: silent.get(row),
                sentiment: sentiment.get(row),
                complaints: complaints.get(row),
                joined_days: joined.get(row),
            };
            let verdict = judge(&self.settings, &member);
            if let Some(level) = verdict.level {
                out.category(LEVEL, row, level as usize);
            }
            out.real_or_missing(RISK, row, verdict.risk);
            out.real_or_missing(DROP, row, verdict.drop);
            if let Some(reason) = verdict.reason {
                out.reason(row, reason as u32);
            }
        }
        Ok(())
    }
}

export!(ChurnSevenDays: scoring);
