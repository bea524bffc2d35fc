//! Community health diagnosis: 28 indicators, 7 dimensions, level, weakest points and remedies (domain DG-1).

pub mod health;
pub mod indicators;

use std::collections::BTreeMap;

use health::{Health, LEVELS, SCORE_MAX, WEAKEST, diagnose};
use indicators::{DIMENSIONS, INDICATORS, PACKAGES, all};
use playbook_sdk::prelude::*;

settings! {
    /// What is diagnosed and where scores begin and end.
    pub struct Settings {
        /// What the rows are: brand or community.
        pub subject: String where length(1..) = "brand",
        /// Bounds [measure of score 0, measure of score 5] of single indicators by feature name; the
        /// second is the lower one where less is better. Others keep the bounds of the model.
        pub bounds: BTreeMap<String, [f64; 2]> = {},
        /// Totals from which on a community is weak, watched, healthy; below the first it is critical.
        pub levels: [f64; 3] = [2.0, 3.0, 4.0],
        /// Score below which one of the weakest indicators is a finding.
        pub finding_below: f64 where within(0.0..=5.0) = 3.0,
    }
}

/// Outputs that come first: a score of each indicator, then of each dimension.
const SCORES: usize = INDICATORS + DIMENSIONS.len();

declare! {
    /// What is said of a community after its scores.
    outputs Said after SCORES {
        TOTAL: real("total").role(Role::Total).between(0.0, SCORE_MAX).meaning(words("Mean of the dimensions", "健康度總分")),
        LEVEL: category("level", LEVELS).role(Role::Level).meaning(words("Level of the total", "健康度等級")),
    }
    /// Reasons after those of the indicators.
    reasons Why after INDICATORS {
        TOTAL_LOW: "total-low" => words("the community is in poor health", "社群整體健康度不足"),
    }
}

/// The output that names the `nth` weakest indicator, from 0.
fn weakest(nth: usize) -> Out<Category> {
    Out::at(SCORES + Said::COUNT + nth)
}

/// The opened plugin.
#[derive(Debug)]
pub struct Diagnose {
    bounds: [[f64; 2]; INDICATORS],
    settings: Settings,
}

impl Plugin for Diagnose {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "health-7x28",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Community health in 7 dimensions and 28 indicators",
            "社群健康度診斷模型：7 維度 28 指標",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        check(settings)?;
        let needs =
            all().map(|indicator| need::real(indicator.name).unit(indicator.unit).optional());
        let shape = Shape::whole_tables().table(table(settings.subject.clone()).needs(needs));
        Ok(with_reasons(with_outputs(shape, settings.levels)))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        let mut bounds = [[0.0; 2]; INDICATORS];
        for (bounds, indicator) in bounds.iter_mut().zip(all()) {
            let own = settings.bounds.get(indicator.name);
            *bounds = own.copied().unwrap_or([indicator.low, indicator.high]);
        }
        Ok(Self { bounds, settings })
    }
}

fn with_outputs(shape: Shape, levels: [f64; 3]) -> Shape {
    let score = |name: String, en: &str, zh: &str| {
        let meaning = (format!("Score of {en}"), format!("{zh}評分"));
        output::real(name).between(0.0, SCORE_MAX).meaning(meaning)
    };
    let indicators = DIMENSIONS.iter().flat_map(|d| d.indicators.iter().map(move |i| (d, i)));
    let indicators = (0..).zip(indicators).map(|(need, (d, i))| {
        let scored = score(format!("{}_score", i.name), i.en, i.zh);
        scored.role(Role::Indicator).group(d.name).input(need)
    });
    let dimensions = DIMENSIONS
        .iter()
        .map(|d| score(d.name.to_owned(), d.en, d.zh).role(Role::Dimension).group(d.name));
    let shape = shape.produces_in(0, indicators.chain(dimensions));
    let [total, level] = Said::all();
    let shape = shape.produces_in(0, [total, level.bounds(levels)]);
    (1..=WEAKEST).fold(shape, |shape, nth| {
        let names = all().map(|indicator| indicator.name);
        let meaning = (format!("Weakest indicator, place {nth}"), format!("最弱指標第{nth}位"));
        shape.produce_in(0, output::category(format!("weakest_{nth}"), names).meaning(meaning))
    })
}

fn with_reasons(shape: Shape) -> Shape {
    let shape = all().fold(shape, |shape, i| {
        let code = format!("low-{}", i.name.replace('_', "-"));
        shape.reason(code, (format!("{} is weak", i.en), format!("{}偏弱", i.zh)))
    });
    let shape = shape.reasons(Why::all());
    let levels = ["危急", "偏弱", "關注", "健康"];
    let shape = LEVELS
        .iter()
        .zip(levels)
        .fold(shape, |shape, (level, zh)| shape.term(*level, ((*level).to_owned(), zh.to_owned())));
    let shape = all().fold(shape, |shape, i| shape.term(i.name, words(i.en, i.zh)));
    PACKAGES.iter().fold(shape, |shape, (name, en, zh)| {
        shape.action(action(*name, Priority::Campaign, words(en, zh)).needs_approval())
    })
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    for (name, [low, high]) in &settings.bounds {
        let path = format!("/bounds/{}", playbook_sdk::settings::escaped(name));
        if !all().any(|indicator| indicator.name == name) {
            problems
                .at(path.clone(), "is no indicator of the model")
                .hint("for example `wau_ratio`");
        }
        problems.check((low - high).abs() > 0.0, path, "must be two different measures");
    }
    if !settings.levels.is_sorted_by(|left, right| left < right) {
        problems.at("/levels", "must ascend").hint("[2, 3, 4]");
    }
    problems.into_result()
}

impl Diagnose {
    fn answer(&self, row: usize, health: &Health, out: &mut Outputs<'_>) {
        let scores = health.indicators.iter().chain(&health.dimensions);
        for (at, score) in scores.enumerate() {
            out.set_or_missing(Out::<Real>::at(at), row, *score);
        }
        out.set_or_missing(Said::TOTAL, row, health.total);
        out.set_or_missing(Said::LEVEL, row, health.level);
        for (nth, indicator) in health.weakest.iter().enumerate() {
            out.set(weakest(nth), row, *indicator);
        }
    }

    fn findings(
        &self,
        row: usize,
        measures: &[Option<f64>; INDICATORS],
        health: &Health,
        out: &mut TableAnswer<'_>,
    ) {
        let [weak, watched, _] = self.settings.levels;
        if let Some(total) = health.total.filter(|total| *total < watched) {
            let level = if total < weak { Level::Critical } else { Level::Warn };
            out.finding(
                Finding::new(level, Why::TOTAL_LOW).at(0, row as u32).measured(total, watched),
            );
        }
        let enough = self.settings.finding_below;
        for (indicator, at) in all().zip(0_usize..) {
            let (Some(score), Some(measure)) = (health.indicators[at], measures[at]) else {
                continue;
            };
            if score >= enough || !health.weakest.contains(&at) {
                continue;
            }
            let [low, high] = self.bounds[at];
            let threshold = low + enough / SCORE_MAX * (high - low);
            let level = if score < enough / 2.0 { Level::Warn } else { Level::Watch };
            let finding = Finding::new(level, at as u32).at(0, row as u32);
            out.finding(finding.measured(measure, threshold).suggests(indicator.packages));
        }
    }
}

impl Diagnosis for Diagnose {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let rows = tables.table(0);
        let columns: [Column<'_, f64>; INDICATORS] =
            std::array::from_fn(|at| rows.get(In::<Real>::at(at)));
        for row in 0..rows.len() {
            let measures = columns.each_ref().map(|column| column.get(row));
            let health = diagnose(&measures, &self.bounds, self.settings.levels);
            self.answer(row, &health, out.table(0));
            self.findings(row, &measures, &health, out);
        }
        Ok(())
    }
}

export!(Diagnose: diagnosis);
