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
        pub subject: String = "brand".to_owned(),
        /// Bounds [measure of score 0, measure of score 5] of single indicators by feature name; the
        /// second is the lower one where less is better. Others keep the bounds of the model.
        pub bounds: BTreeMap<String, [f64; 2]> = BTreeMap::new(),
        /// Totals from which on a community is weak, watched, healthy; below the first it is critical.
        pub levels: [f64; 3] = [2.0, 3.0, 4.0],
        /// Score below which one of the weakest indicators is a finding.
        #[schemars(range(min = 0.0, max = 5.0))]
        pub finding_below: f64 = 3.0,
    }
}

/// Positions of the outputs: indicators first.
const FIRST_DIMENSION: usize = INDICATORS;
const TOTAL: usize = FIRST_DIMENSION + DIMENSIONS.len();
const LEVEL: usize = TOTAL + 1;
const FIRST_WEAKEST: usize = LEVEL + 1;

/// Positions of the reasons: one per indicator, then the total.
const TOTAL_LOW: u32 = INDICATORS as u32;

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
        Ok(with_reasons(with_outputs(shape)))
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

fn with_outputs(shape: Shape) -> Shape {
    let score = |name: String| output::real(name).between(0.0, SCORE_MAX);
    let meaning = |en: &str, zh: &str| (format!("Score of {en}"), format!("{zh}評分"));
    let shape = all().fold(shape, |shape, i| {
        shape.produce_in(0, score(format!("{}_score", i.name)).meaning(meaning(i.en, i.zh)))
    });
    let shape = DIMENSIONS.iter().fold(shape, |shape, d| {
        shape.produce_in(0, score(d.name.to_owned()).meaning(meaning(d.en, d.zh)))
    });
    let shape = shape
        .produce_in(
            0,
            score("total".to_owned()).meaning(words("Mean of the dimensions", "健康度總分")),
        )
        .produce_in(
            0,
            output::category("level", LEVELS).meaning(words("Level of the total", "健康度等級")),
        );
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
    let shape =
        shape.reason("total-low", words("the community is in poor health", "社群整體健康度不足"));
    PACKAGES.iter().fold(shape, |shape, (name, en, zh)| {
        shape.action(action(*name, Priority::Campaign, words(en, zh)).needs_approval())
    })
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    problems.check(!settings.subject.is_empty(), "/subject", "must name the rows");
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
        for (at, score) in health.indicators.iter().enumerate() {
            out.real_or_missing(at, row, *score);
        }
        for (at, score) in health.dimensions.iter().enumerate() {
            out.real_or_missing(FIRST_DIMENSION + at, row, *score);
        }
        out.real_or_missing(TOTAL, row, health.total);
        if let Some(level) = health.level {
            out.category(LEVEL, row, level);
        }
        for (at, indicator) in health.weakest.iter().enumerate() {
            out.category(FIRST_WEAKEST + at, row, *indicator);
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
            out.finding(Finding::new(level, TOTAL_LOW).at(0, row as u32).measured(total, watched));
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
        let columns: [Column<'_, f64>; INDICATORS] = std::array::from_fn(|at| rows.real(at));
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
