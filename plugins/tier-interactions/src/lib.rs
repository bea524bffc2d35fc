//! Tier of a member by its interactions of 30 days, with downward moves held back (domain SG-1).

use playbook_domain::{Stood, rung, settle};
use playbook_sdk::prelude::*;

settings! {
    /// Where tiers begin and how fast a member falls.
    pub struct Settings {
        /// Least interactions in 30 days of prospect, active and core, ascending; below the first is silent.
        pub bounds: [i64; 3] = [1, 11, 51],
        /// Lower evaluations in a row after which a member moves down; 0 or 1 moves at once. Upward
        /// moves and first evaluations never wait.
        pub hysteresis_cycles: i64 where within(0..=52) = 2,
        /// Days of membership below which a member is flagged young.
        pub min_history_days: i64 where within(0..=3650) = 7,
    }
}

declare! {
    /// The tiers in ascending rank.
    segments Tier {
        SILENT: "silent" => words("Silent", "沉默"),
        PROSPECT: "prospect" => words("Prospect", "潛客"),
        ACTIVE: "active" => words("Active", "活躍"),
        CORE: "core" => words("Core", "核心"),
    }
    /// What is known of a member.
    needs Member {
        INTERACTIONS: integer("interactions_30d").unit("count"),
        DAYS_SINCE_JOIN: integer("days_since_join").unit("day").optional(),
        PREVIOUS_TIER: category("tier", names()).previous(1),
        PREVIOUS_LOWER_RUN: integer("lower_run").previous(1),
    }
    /// What is said of a member.
    outputs Said {
        TIER: category("tier", names()).role(Role::Level).meaning(words("Tier, falls held back", "分層（下行延後）")),
        COUNTED_TIER: category("counted_tier", names())
            .meaning(words("Tier by this month's interactions alone", "僅按當月互動的分層")),
        LOWER_RUN: integer("lower_run").unit("count").at_least(0.0).meaning(words(
            "Evaluations in a row that gave a lower tier than the member holds",
            "連續低於現有分層的評估次數",
        )),
        YOUNG: integer("young").between(0.0, 1.0)
            .meaning(words("1 where the membership is too short to judge by", "入群時間過短為 1")),
    }
    reasons Why {
        HELD: "fall-held" => words("a fall waits for another lower evaluation", "下行待再次評估確認"),
        YOUNG: "young" => words("member for too short a time", "入群時間過短"),
    }
}

fn names() -> [&'static str; Tier::COUNT] {
    Tier::all().map(|(name, _)| name)
}

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
        let shape = Shape::rows("member").needs(Member::all()).produces(Said::all());
        Ok(shape.reasons(Why::all()).segments(Tier::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Segmentation for TierInteractions {
    fn assign(&self, _: &Context, rows: &Rows<'_>, out: &mut Segments<'_>) -> Result<(), String> {
        let interactions = rows.get(Member::INTERACTIONS);
        let days_since_join = rows.get(Member::DAYS_SINCE_JOIN);
        let previous_tier = rows.get(Member::PREVIOUS_TIER);
        let previous_run = rows.get(Member::PREVIOUS_LOWER_RUN);
        for row in 0..rows.len() {
            let young = days_since_join.get(row).map(|days| days < self.settings.min_history_days);
            out.set_or_missing(Said::YOUNG, row, young.map(i64::from));
            let Some(count) = interactions.get(row) else { continue };
            let counted = rung(count, &self.settings.bounds);
            let before = previous_tier
                .get(row)
                .map(|rung| Stood { rung, lower_run: previous_run.get(row).unwrap_or(0) });
            let now = settle(counted, before, self.settings.hysteresis_cycles);
            out.segment(row, now.rung as u32);
            out.set(Said::TIER, row, now.rung);
            out.set(Said::COUNTED_TIER, row, counted);
            out.set(Said::LOWER_RUN, row, now.lower_run);
            if now.rung > counted {
                out.reason(row, Why::HELD);
            } else if young == Some(true) {
                out.reason(row, Why::YOUNG);
            }
        }
        Ok(())
    }
}

export!(TierInteractions: segmentation);
