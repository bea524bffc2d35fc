//! Churn early warning (流失預警, domain SC-6): a level, a risk and the drop behind them.

mod rule;

use playbook_sdk::prelude::*;

pub use rule::{Level as ChurnLevel, Member, Verdict, judge};

settings! {
    /// When a member who falls silent is worth a warning.
    pub struct Settings {
        /// Drop of weekly interactions from which the level is `watch`, as a fraction.
        pub drop_watch: f64 where within(0.0..=1.0) = 0.3,
        /// Drop from which the level is `warn`.
        pub drop_warn: f64 where within(0.0..=1.0) = 0.5,
        /// Drop from which the level is `critical`.
        pub drop_critical: f64 where within(0.0..=1.0) = 0.8,
        /// Interactions of the week before below which a drop means nothing.
        pub baseline_min: i64 where within(1..) = 3,
        /// Mean sentiment of 30 days below which the level goes one up, -1 to 1.
        pub sentiment_below: f64 where within(-1.0..=1.0) = -0.3,
        /// Open complaints above which the level goes one up.
        pub complaints_above: i64 where within(0..) = 0,
        /// Without a baseline: days of silence from which the level is `watch`.
        pub silent_watch_days: i64 where within(1..) = 14,
        /// Without a baseline: days of silence from which the member counts as `lapsed`.
        pub silent_lapsed_days: i64 where within(1..) = 30,
        /// Members who joined fewer days ago are not judged.
        pub first_days: i64 where within(0..) = 14,
        /// Weight of the drop in the risk.
        pub risk_drop: f64 where within(0.0..=1.0) = 0.6,
        /// Weight of the days of silence in the risk.
        pub risk_silence: f64 where within(0.0..=1.0) = 0.2,
        /// Weight of negative sentiment in the risk.
        pub risk_sentiment: f64 where within(0.0..=1.0) = 0.2,
        /// Days of silence at which their part of the risk is full.
        pub risk_silence_days: i64 where within(1..) = 30,
    }
}

declare! {
    /// What is known of a member.
    needs Known {
        PREVIOUS: integer("interactions_prev7d").unit("count"),
        RECENT: integer("interactions_7d").unit("count"),
        SILENT_DAYS: integer("days_since_last_interaction").unit("day"),
        SENTIMENT: real("sentiment_30d").optional(),
        COMPLAINTS: integer("open_complaints").unit("count").optional(),
        JOINED_DAYS: integer("days_since_join").unit("day"),
    }
    /// What is said of a member.
    outputs Said {
        LEVEL: category("level", ChurnLevel::NAMES).role(Role::Level).alarms(ALARMS).meaning(words("Warning level", "預警級別")),
        RISK: real("risk").role(Role::Probability).unit("ratio").between(0.0, 1.0).meaning(words(
            "Churn risk; missing where no drop can be computed",
            "流失風險；無法計算降幅時缺失",
        )),
        DROP: real("drop").unit("ratio").meaning(words(
            "Share of last week's interactions that is gone; negative where they grew",
            "較上週減少的互動比例；增長時為負",
        )),
    }
    pub(crate) reasons Why {
        WEEKLY_DROP: "weekly_drop" => words("Interactions fell within the week", "一週內互動下降"),
        SILENT_DAYS: "silent_days" => words("Silent for days, too little before", "多日沉默且基數過小"),
        NEGATIVE_FEELING: "negative_feeling" => words("Raised by sentiment or complaint", "因情緒或投訴升級"),
        FIRST_DAYS: "first_days" => words("Joined too recently to judge", "入群時間太短"),
    }
}

/// The levels in Chinese.
/// How serious each level is, in the order of the levels.
const ALARMS: [Level; 6] =
    [Level::None, Level::Watch, Level::Warn, Level::Critical, Level::Warn, Level::None];
const LEVELS_ZH: [&str; 6] = ["正常", "關注", "警告", "危急", "已流失", "暫不評級"];

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
        let shape = Shape::rows("member").needs(Known::all());
        let shape = shape.produces(Said::all()).reasons(Why::all());
        let levels = ChurnLevel::NAMES.iter().zip(LEVELS_ZH);
        Ok(levels.fold(shape, |shape, (name, zh)| shape.term(*name, words(name, zh))))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Scoring for ChurnSevenDays {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let (previous, recent) = (rows.get(Known::PREVIOUS), rows.get(Known::RECENT));
        let (silent, sentiment) = (rows.get(Known::SILENT_DAYS), rows.get(Known::SENTIMENT));
        let (complaints, joined) = (rows.get(Known::COMPLAINTS), rows.get(Known::JOINED_DAYS));
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
            out.set_or_missing(Said::LEVEL, row, verdict.level.map(|level| level as usize));
            out.set_or_missing(Said::RISK, row, verdict.risk);
            out.set_or_missing(Said::DROP, row, verdict.drop);
            if let Some(reason) = verdict.reason {
                out.reason(row, reason);
            }
        }
        Ok(())
    }
}

export!(ChurnSevenDays: scoring);
