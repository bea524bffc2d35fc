//! Tier of a member by its interactions of 30 days, with downward moves held back (domain SG-1).

pub mod tier;

use playbook_sdk::prelude::*;
use tier::{Stood, TIERS, settle, tier};

settings! {
    /// Where tiers begin and how fast a member falls.
    pub struct Settings {
        /// Least interactions in 30 days of prospect, active and core, ascending; below the first is silent.
        pub bounds: [i64; TIERS - 1] = [1, 11, 51],
        /// Lower evaluations in a row after which a member moves down; 0 or 1 moves at once. Upward
        /// moves and first evaluations never wait.
        #[schemars(range(min = 0, max = 52))]
        pub hysteresis_cycles: i64 = 2,
        /// Days of membership below which a member is flagged young.
        #[schemars(range(min = 0, max = 3650))]
        pub min_history_days: i64 = 7,
    }
}

/// The tiers in ascending rank.
const NAMES: [(&str, &str, &str); TIERS] = [
    ("silent", "Silent", "沉默"),
    ("prospect", "Prospect", "潛客"),
    ("active", "Active", "活躍"),
    ("core", "Core", "核心"),
];

/// Positions of the needs.
const INTERACTIONS: usize = 0;
const DAYS_SINCE_JOIN: usize = 1;
const PREVIOUS_TIER: usize = 2;
const PREVIOUS_LOWER_RUN: usize = 3;

/// Positions of the outputs.
const TIER: usize = 0;
const COUNTED: usize = 1;
const LOWER_RUN: usize = 2;
const YOUNG: usize = 3;

/// Positions of the reasons.
const HELD: u32 = 0;
const IS_YOUNG: u32 = 1;

/// The opened plugin.
#[derive(Debug)]
pub struct TierInteractions {
    settings: Settings,
}

impl Plugin for TierInteractions {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "tier-interactions",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Silent, prospect, active and core by monthly interactions",
            "按月互動次數分層：沉默、潛客、活躍、核心",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        if !settings.bounds.is_sorted_by(|left, right| left < right) {
            problems.at("/bounds", "must ascend").hint("[1, 11, 51]");
        }
        problems.into_result()?;
        let names = || NAMES.iter().map(|(name, _, _)| *name);
        let shape =
            Shape::rows("member")
                .need(need::integer("interactions_30d").unit("count"))
                .need(need::integer("days_since_join").unit("day").optional())
                .need(need::category("tier", names()).previous(1))
                .need(need::integer("lower_run").previous(1))
                .produce(
                    output::category("tier", names())
                        .meaning(words("Tier, falls held back", "分層（下行延後）")),
                )
                .produce(output::category("counted_tier", names()).meaning(words(
                    "Tier by this month's interactions alone",
                    "僅按當月互動的分層",
                )))
                .produce(output::integer("lower_run").unit("count").at_least(0.0).meaning(words(
                    "Evaluations in a row that gave a lower tier than the member holds",
                    "連續低於現有分層的評估次數",
                )))
                .produce(output::integer("young").between(0.0, 1.0).meaning(words(
                    "1 where the membership is too short to judge by",
                    "入群時間過短為 1",
                )))
                .reason(
                    "fall-held",
                    words("a fall waits for another lower evaluation", "下行待再次評估確認"),
                )
                .reason("young", words("member for too short a time", "入群時間過短"));
        Ok(NAMES.iter().fold(shape, |shape, (name, en, zh)| shape.segment(*name, words(en, zh))))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Segmentation for TierInteractions {
    fn assign(&self, _: &Context, rows: &Rows<'_>, out: &mut Segments<'_>) -> Result<(), String> {
        let interactions = rows.integer(INTERACTIONS);
        let days_since_join = rows.integer(DAYS_SINCE_JOIN);
        let previous_tier = rows.category(PREVIOUS_TIER);
        let previous_run = rows.integer(PREVIOUS_LOWER_RUN);
        for row in 0..rows.len() {
            let young = days_since_join.get(row).map(|days| days < self.settings.min_history_days);
            out.integer_or_missing(YOUNG, row, young.map(i64::from));
            let Some(count) = interactions.get(row) else { continue };
            let counted = tier(count, self.settings.bounds);
            let before = previous_tier
                .get(row)
                .map(|tier| Stood { tier, lower_run: previous_run.get(row).unwrap_or(0) });
            let now = settle(counted, before, self.settings.hysteresis_cycles);
            out.segment(row, now.tier as u32);
            out.category(TIER, row, now.tier);
            out.category(COUNTED, row, counted);
            out.integer(LOWER_RUN, row, now.lower_run);
            if now.tier > counted {
                out.reason(row, HELD);
            } else if young == Some(true) {
                out.reason(row, IS_YOUNG);
            }
        }
        Ok(())
    }
}

export!(TierInteractions: segmentation);
