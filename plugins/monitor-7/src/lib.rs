//! Seven dimensions in one number, with weights that follow what moves the main goal (domain DG-7).

pub mod weights;

use playbook_domain::{Known, held};
use playbook_sdk::prelude::*;
use weights::{DIMENSIONS, Rule, correlation};

settings! {
    /// What is watched, and how weights move.
    pub struct Settings {
        /// What is watched: brand or community.
        pub subject: String where length(1..) = "brand",
        /// Stage whose outputs are the seven scores; without one they are features, NAME_score.
        pub stage: String = "",
        /// Full score of a dimension.
        pub score_max: f64 where above(0) = 5.0,
        /// The farthest that a weight moves in a month.
        pub step: f64 where within(0.0..=0.1) = 0.02,
        /// The least weight of a dimension.
        pub least: f64 where within(0.0..=0.14) = 0.05,
        /// The greatest weight of a dimension.
        pub most: f64 where within(0.15..=1.0) = 0.3,
        /// Dimensions that gain, and that lose, in a month.
        pub movers: u32 where within(0..=3) = 3,
        /// Months in which both a dimension and the goal are known before they are compared.
        pub months: u32 where within(3..=60) = 6,
    }
}

/// Dimensions: name and words.
const NAMES: [(&str, &str, &str); DIMENSIONS] = [
    ("profile", "profile", "用戶畫像"),
    ("content", "content effect", "內容效果"),
    ("interaction", "depth of interaction", "互動深度"),
    ("conversion", "conversion", "轉化"),
    ("retention", "retention", "留存"),
    ("opinion", "opinion", "輿情"),
    ("competitors", "competitors", "競品"),
];

/// Places of the outputs: weights, correlations, the total.
const TOTAL: usize = 2 * DIMENSIONS;

declare! {
    reasons Why {
        MOVED: "weights-moved" => words("weights moved towards what goes with the main goal", "權重向與主目標相關的維度調整"),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct Monitor {
    settings: Settings,
    rule: Rule,
}

fn scores(stage: &str) -> impl Iterator<Item = Need> {
    NAMES.iter().map(move |(name, ..)| {
        let need = if stage.is_empty() {
            need::real((*name).to_owned() + "_score")
        } else {
            need::real(*name).output_of(stage)
        };
        need.optional()
    })
}

fn weight_name(name: &str) -> String {
    name.to_owned() + "_weight"
}

impl Plugin for Monitor {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "monitor-7",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Seven dimensions with weights that follow what moves the main goal",
            "七維監測體系：權重按月隨主目標調整",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let before =
            |ago| NAMES.iter().map(move |(name, ..)| need::real(weight_name(name)).previous(ago));
        let watched = table(settings.subject.as_str())
            .needs(scores(&settings.stage))
            .needs(before(1))
            .needs(before(2));
        let months = table("month").needs(scores("")).need(need::real("main_goal").optional());
        let weights = NAMES.iter().map(|(name, en, zh)| {
            let meaning = ("Weight of ".to_owned() + en, (*zh).to_owned() + "權重");
            output::real(weight_name(name))
                .group(*name)
                .unit("ratio")
                .between(0.0, 1.0)
                .meaning(meaning)
        });
        let correlations = NAMES.iter().map(|(name, en, zh)| {
            let meaning = (
                "Correlation with the main goal: ".to_owned() + en,
                (*zh).to_owned() + "與主目標的相關",
            );
            let name_out = (*name).to_owned() + "_correlation";
            output::real(name_out).group(*name).between(-1.0, 1.0).meaning(meaning)
        });
        let total = output::real("total")
            .role(Role::Total)
            .between(0.0, settings.score_max)
            .meaning(words("Weighted mean of the seven dimensions", "七維加權總分"));
        let coverage = output::real("coverage")
            .role(Role::Coverage)
            .unit("ratio")
            .between(0.0, 1.0)
            .meaning(words("Share of the weight that was known", "可用維度的權重佔比"));
        let outputs = weights.chain(correlations).chain([total, coverage]);
        let shape = Shape::whole_tables().table(watched).table(months).produces_in(0, outputs);
        Ok(shape.reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        let Settings { step, least, most, movers, .. } = settings;
        Ok(Self { rule: Rule { step, least, most, movers: movers as usize }, settings })
    }
}

impl Monitor {
    /// How each dimension goes with the main goal.
    fn correlations(&self, months: &Rows<'_>) -> [Option<f64>; DIMENSIONS] {
        let goal = months.get(In::<Real>::at(DIMENSIONS));
        std::array::from_fn(|at| {
            let score = months.get(In::<Real>::at(at));
            let pairs = (0..months.len()).filter_map(|month| score.get(month).zip(goal.get(month)));
            correlation(pairs, self.settings.months as usize)
        })
    }
}

/// The weights of the last month, or of the one before; equal ones where neither has them all.
fn weights_before(rows: &Rows<'_>, row: usize) -> [f64; DIMENSIONS] {
    for first in [DIMENSIONS, 2 * DIMENSIONS] {
        let found: [Option<f64>; DIMENSIONS] =
            std::array::from_fn(|at| rows.get(In::<Real>::at(first + at)).get(row));
        if found.iter().all(Option::is_some) {
            return found.map(Option::unwrap_or_default);
        }
    }
    [1.0 / DIMENSIONS as f64; DIMENSIONS]
}

impl Diagnosis for Monitor {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let correlations = self.correlations(&tables.table(1));
        let rows = tables.table(0);
        let full = self.settings.score_max;
        for row in 0..rows.len() {
            let before = weights_before(&rows, row);
            let weights = self.rule.next(before, &correlations);
            let said = out.table(0);
            for at in 0..DIMENSIONS {
                said.set(Out::<Real>::at(at), row, held(weights[at], 0.0, 1.0));
                said.set_or_missing(Out::<Real>::at(DIMENSIONS + at), row, correlations[at]);
            }
            let share = |at| {
                let score: Option<f64> = rows.get(In::<Real>::at(at)).get(row);
                score.map(|score| held(score, 0.0, full) / full)
            };
            let known = Known::of((0..DIMENSIONS).map(|at| (weights[at], share(at))));
            said.set_or_missing(Out::<Real>::at(TOTAL), row, known.mean(full));
            said.set(Out::<Real>::at(TOTAL + 1), row, known.covered());
            let moved =
                weights.iter().zip(before).fold(0.0_f64, |most, (w, b)| most.max((w - b).abs()));
            if moved > 0.0 {
                let finding = Finding::new(Level::Watch, Why::MOVED).at(0, row as u32);
                out.finding(finding.measured(moved, self.settings.step));
            }
        }
        Ok(())
    }
}

export!(Monitor: diagnosis);
