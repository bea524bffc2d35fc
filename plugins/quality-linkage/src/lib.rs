//! Linkage of quality domains: excessive interaction lowers the cap of brand exposures, calm restores it (domain DG-2).

pub mod rule;

use playbook_sdk::prelude::*;
use rule::{Day, Rule, Stood, Turn};

settings! {
    /// When interaction is excessive, and how the cap of exposures answers.
    pub struct Settings {
        /// What the rows are: community or brand.
        pub subject: String where length(1..) = "community",
        /// Cap of brand exposures per member and week while all is calm.
        pub cap: f64 where above(0) = 7.0,
        /// Share of that cap below which it is never lowered.
        pub floor: f64 where above(0), within(..=1.0) = 0.5,
        /// Overload (interactions of a day by their 28 d median) above which interaction is excessive.
        pub excessive: f64 where above(0) = 2.0,
        /// Idle share of messages above which interaction is excessive.
        pub idle: f64 where within(0.0..=1.0) = 0.5,
        /// Overload up to which a day is calm.
        pub calm: f64 where above(0) = 1.2,
        /// Calm days in a row after which the cap rises.
        pub calm_days: i64 where within(1..=60) = 3,
        /// What the cap is multiplied by on a day of excess.
        pub lower: f64 where above(0), within(..=1.0) = 0.8,
        /// What the cap is multiplied by after calm days.
        pub raise: f64 where within(1.0..) = 1.1,
    }
}

declare! {
    /// What is known of a community.
    needs Community {
        INTERACTIONS: real("interactions_per_member_day").optional(),
        MEDIAN: real("interactions_per_member_day_median_28d").optional(),
        IDLE: real("idle_share").unit("ratio").optional(),
        CAP: real("cap").previous(1),
        CAP_BEFORE: real("cap").previous(2),
        CALM: integer("calm_run").unit("day").previous(1),
        CALM_BEFORE: integer("calm_run").unit("day").previous(2),
    }
    /// What is said of a community.
    outputs Said {
        OVERLOAD: real("overload").at_least(0.0)
            .meaning(words("Interactions of a day by their 28-day median", "互動量與28日中位數之比")),
        CAP: real("cap").at_least(0.0).meaning(words("Brand exposures per member and week, at most", "每成員每周品牌曝光上限")),
        CALM: integer("calm_run").unit("day").at_least(0.0).meaning(words("Calm days in a row", "連續平穩天數")),
    }
    reasons Why {
        LOWERED: "cap-lowered" => words("interaction is excessive: the cap of brand exposures falls", "互動過度：品牌曝光上限下調"),
        RAISED: "cap-raised" => words("interaction is calm again: the cap of brand exposures rises", "互動恢復平穩：品牌曝光上限回升"),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct QualityLinkage {
    rule: Rule,
}

impl Plugin for QualityLinkage {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "quality-linkage",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "The cap of brand exposures follows the interaction of a community",
            "質量域聯動：互動過度時自動下調品牌曝光",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let calm = settings.calm <= settings.excessive;
        problems.check(calm, "/calm", "must not lie above `excessive`");
        problems.into_result()?;
        let community = table(settings.subject.as_str()).needs(Community::all());
        let shape = Shape::whole_tables().table(community).produces_in(0, Said::all());
        Ok(shape.reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        let Settings { cap, excessive, idle, calm, calm_days, lower, raise, .. } = settings;
        let least = settings.floor * cap;
        let rule = Rule { cap, least, excessive, idle, calm, calm_days, lower, raise };
        Ok(Self { rule })
    }
}

impl Diagnosis for QualityLinkage {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let rows = tables.table(0);
        let real = |column| rows.get::<Real>(column);
        let (interactions, median) = (real(Community::INTERACTIONS), real(Community::MEDIAN));
        let idle = real(Community::IDLE);
        let caps = [real(Community::CAP), real(Community::CAP_BEFORE)];
        let runs = [rows.get(Community::CALM), rows.get(Community::CALM_BEFORE)];
        for row in 0..rows.len() {
            let day = Day {
                interactions: interactions.get(row),
                median: median.get(row),
                idle: idle.get(row),
            };
            let before = Stood {
                cap: caps[0].get(row).or(caps[1].get(row)),
                calm_runs: runs.map(|run| run.get(row)),
            };
            let now = self.rule.next(day, before);
            let said = out.table(0);
            said.set_or_missing(Said::OVERLOAD, row, day.overload());
            said.set(Said::CAP, row, now.cap);
            said.set_or_missing(Said::CALM, row, now.calm_run);
            let (level, reason, threshold) = match now.turn {
                Turn::Lowered => (Level::Warn, Why::LOWERED, self.rule.excessive),
                Turn::Raised => (Level::Watch, Why::RAISED, self.rule.calm),
                Turn::Kept => continue,
            };
            let finding = Finding::new(level, reason).at(0, row as u32);
            out.finding(match day.overload() {
                Some(overload) => finding.measured(overload, threshold),
                None => finding,
            });
        }
        Ok(())
    }
}

export!(QualityLinkage: diagnosis);
