//! Diagnoses for pages: what each output is comes from its role, never from its name.

use playbook_cycle::{CycleRun, Input, StageRun};
use playbook_model::{Cells, Column, Frame, Kind, Produce, Role, Words};
use playbook_report::{DimensionRow, Health, IndicatorRow, LevelMark, OutputRow};

use crate::stages::plugin_of;

/// Rows of one table that a page shows, a part each.
const ROWS_SHOWN: usize = 12;

/// What all diagnosis stages say, one part a row of the tables that they diagnose.
pub(crate) fn diagnoses(run: &CycleRun) -> Vec<Health> {
    let stages = run.stages.iter().filter(|s| s.kind() == Kind::Diagnosis && s.fault.is_none());
    let mut found = Vec::new();
    for stage in stages {
        for (table, need) in (0_u32..).zip(&stage.shape.tables) {
            let Some(frame) = run.tables.get(&need.subject) else { continue };
            let produces: Vec<&Produce> =
                stage.shape.produces.iter().filter(|p| p.table == Some(table)).collect();
            if produces.is_empty() {
                continue;
            }
            let rows = 0..frame.rows().min(ROWS_SHOWN);
            found.extend(rows.map(|row| Row { stage, table, frame, row }.health(&produces)));
        }
    }
    found
}

/// A row of a table that a stage diagnosed.
struct Row<'a> {
    stage: &'a StageRun,
    table: u32,
    frame: &'a Frame,
    row: usize,
}

impl Row<'_> {
    fn health(&self, produces: &[&Produce]) -> Health {
        let Self { stage, frame, row, .. } = self;
        let of = |role: Role| produces.iter().copied().filter(move |p| p.role == role);
        let dimensions: Vec<&Produce> = of(Role::Dimension).collect();
        let key = || frame.columns().first().and_then(|key| key.text(*row)).unwrap_or("");
        let marks = of(Role::Level).find(|p| !p.bounds.is_empty());
        let scores = of(Role::Total).chain(of(Role::Dimension));
        Health {
            plugin: plugin_of(stage),
            place: if frame.rows() > 1 { key().to_owned() } else { String::new() },
            total: of(Role::Total).find_map(|p| self.real(p)),
            most: scores.filter_map(|p| p.most).reduce(f64::max),
            level: of(Role::Level).next().and_then(|p| self.level(p)),
            dimensions: dimensions
                .iter()
                .map(|p| DimensionRow {
                    words: meaning(p),
                    score: self.real(p),
                    level: self.level_of_score(p, marks),
                    score_before: None,
                })
                .collect(),
            indicators: of(Role::Indicator)
                .map(|p| self.indicator(p, &dimensions, marks))
                .collect(),
            others: produces
                .iter()
                .filter(|p| !is_placed(p, of(Role::Level).next()))
                .map(|p| OutputRow { words: meaning(p), value: self.shown(p) })
                .collect(),
        }
    }

    fn column(&self, produce: &Produce) -> Option<&Column> {
        self.frame.column(&format!("{}.{}", self.stage.name, produce.name))
    }

    fn real(&self, produce: &Produce) -> Option<f64> {
        self.column(produce)?.real(self.row)
    }

    fn level(&self, produce: &Produce) -> Option<LevelMark> {
        let name = self.column(produce)?.text(self.row)?;
        let at = produce.categories.iter().position(|category| category == name)?;
        self.mark(produce, at)
    }

    /// Level of a score by the bounds that the plugin gives.
    fn level_of_score(&self, produce: &Produce, marks: Option<&Produce>) -> Option<LevelMark> {
        let (score, marks) = (self.real(produce)?, marks?);
        self.mark(marks, marks.bounds.iter().filter(|bound| **bound <= score).count())
    }

    fn mark(&self, produce: &Produce, at: usize) -> Option<LevelMark> {
        let name = produce.categories.get(at)?;
        let steps = produce.categories.len().saturating_sub(1).max(1);
        #[expect(clippy::cast_precision_loss, reason = "levels are few")]
        let rank = at as f64 / steps as f64;
        Some(LevelMark { words: self.stage.shape.words_of(name), rank })
    }

    fn indicator(
        &self,
        produce: &Produce,
        dimensions: &[&Produce],
        marks: Option<&Produce>,
    ) -> IndicatorRow {
        let of_group = |d: &&Produce| !produce.group.is_empty() && d.group == produce.group;
        let (feature, unit) = self.input(produce.input).unwrap_or_default();
        IndicatorRow {
            dimension: dimensions.iter().position(of_group),
            words: meaning(produce),
            value: self.frame.column(&feature).and_then(|column| column.real(self.row)),
            score: self.real(produce),
            level: self.level_of_score(produce, marks),
            unit,
            feature,
        }
    }

    /// The column that feeds a need of the table, and its unit.
    fn input(&self, need: u32) -> Option<(String, String)> {
        let (table, at) = (self.table as usize, need as usize);
        let need = self.stage.shape.tables.get(table)?.columns.get(at)?;
        let column = match self.stage.wiring.tables.get(table)?.get(at)? {
            Input::Feature(name) | Input::Output(name) => name.clone(),
            _ => need.source.name(),
        };
        Some((column, need.unit.clone()))
    }

    /// A value as a page shows it.
    fn shown(&self, produce: &Produce) -> Option<Words> {
        let column = self.column(produce)?;
        match &column.cells {
            Cells::Category { .. } | Cells::Text(_) => {
                Some(self.stage.shape.words_of(column.text(self.row)?))
            }
            Cells::Integer(_) | Cells::Small(_) => {
                Some(column.integer(self.row)?.to_string().as_str().into())
            }
            Cells::Real(_) => {
                let rounded = (column.real(self.row)? * 1e4).round() / 1e4;
                Some(rounded.to_string().as_str().into())
            }
        }
    }
}

/// Whether the output has a place of its own: scores, and the first level beside the total. All others are listed.
fn is_placed(produce: &Produce, level: Option<&Produce>) -> bool {
    matches!(produce.role, Role::Total | Role::Dimension | Role::Indicator)
        || level.is_some_and(|level| level.name == produce.name)
}

/// What the plugin says of the output, else its name.
fn meaning(produce: &Produce) -> Words {
    if produce.meaning.en.is_empty() {
        produce.name.replace('_', " ").as_str().into()
    } else {
        produce.meaning.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_cycle::{Input, Wiring};
    use playbook_model::{
        CellType, Cells, Column, Frame, Kind, NONE_INDEX, Need, Produce, Role, Shape, Source,
        TableNeed, Term, Words,
    };

    use super::{LevelMark, diagnoses};
    use crate::small::{self, english, texts};

    fn produce(name: &str, role: Role, group: &str, input: u32) -> Produce {
        Produce {
            name: name.to_owned(),
            role,
            group: group.to_owned(),
            input,
            table: Some(0),
            cell_type: CellType::Real,
            unit: String::new(),
            least: Some(0.0),
            most: Some(10.0),
            categories: Vec::new(),
            bounds: Vec::new(),
            meaning: Words::default(),
        }
    }

    fn reals(name: &str, values: [f64; 2]) -> Column {
        let cells = Cells::Real(values.to_vec());
        Column { name: name.to_owned(), unit: String::new(), cells, valid: None }
    }

    /// Two gardens, diagnosed by names that nothing in the host knows.
    fn gardens() -> playbook_cycle::CycleRun {
        let need = Need {
            source: Source::Feature("rain".to_owned()),
            cell_type: CellType::Real,
            unit: "ratio".to_owned(),
            required: true,
            categories: Vec::new(),
        };
        let mood = Produce {
            cell_type: CellType::Category,
            categories: ["dry", "moist", "wet"].map(str::to_owned).to_vec(),
            bounds: vec![2.5, 5.0],
            ..produce("mood", Role::Level, "", NONE_INDEX)
        };
        let shape = Shape {
            tables: vec![TableNeed { subject: "garden".to_owned(), columns: vec![need] }],
            produces: vec![
                produce("wetness", Role::Indicator, "soil", 0),
                produce("soil_health", Role::Dimension, "soil", NONE_INDEX),
                produce("bloom", Role::Total, "", NONE_INDEX),
                mood,
                produce("bees_per_hour", Role::Value, "", NONE_INDEX),
            ],
            terms: vec![Term { name: "wet".to_owned(), text: english("soaked") }],
            ..Shape::default()
        };
        let mut stage = small::stage(2, "gardener", Kind::Diagnosis, shape);
        stage.wiring =
            Wiring { rows: Vec::new(), tables: vec![vec![Input::Feature("rainfall".to_owned())]] }
                .into();
        let mut garden = Frame::with_rows(2);
        garden.push(texts("garden", &["north", "south"]));
        garden.push(reals("rainfall", [0.25, 0.5]));
        garden.push(reals("gardener.wetness", [2.0, 4.0]));
        garden.push(reals("gardener.soil_health", [3.0, 5.0]));
        garden.push(reals("gardener.bloom", [6.0, 7.0]));
        let names = ["dry", "moist", "wet"].map(str::to_owned).into();
        let cells = Cells::Category { codes: vec![1, 2], names };
        let (name, unit) = ("gardener.mood".to_owned(), String::new());
        garden.push(Column { name, unit, cells, valid: None });
        garden.push(reals("gardener.bees_per_hour", [12.5, 80.0]));
        let mut run = small::run(["low", "high"], Vec::new());
        run.tables.insert("garden".to_owned(), garden);
        run.stages.push(stage);
        run
    }

    #[test]
    fn a_diagnosis_that_nobody_has_seen_is_shown_in_full() {
        let found = diagnoses(&gardens());
        assert_eq!(found.len(), 2, "a part for each garden");
        let south = &found[1];
        assert_eq!((south.plugin.as_str(), south.place.as_str()), ("gardener 0.1.0", "south"));
        assert_eq!((south.total, south.most), (Some(7.0), Some(10.0)));
        let level = south.level.as_ref().unwrap();
        assert_eq!((level.words.en.as_str(), level.rank), ("soaked", 1.0));
        assert_eq!(found[0].level.as_ref().unwrap().words.en, "moist");
        assert_eq!(south.dimensions[0].score, Some(5.0));
        let of = |mark: &Option<LevelMark>| mark.as_ref().unwrap().words.en.clone();
        // A score at a bound is in the level that begins there.
        assert_eq!(of(&south.dimensions[0].level), "soaked");
        assert_eq!(of(&south.indicators[0].level), "moist");
        assert_eq!(of(&found[0].indicators[0].level), "dry");
        let indicator = &south.indicators[0];
        assert_eq!(indicator.dimension, Some(0));
        assert_eq!((indicator.value, indicator.score), (Some(0.5), Some(4.0)));
        assert_eq!((indicator.feature.as_str(), indicator.unit.as_str()), ("rainfall", "ratio"));
        let other = &south.others[0];
        assert_eq!(other.words.en, "bees per hour");
        assert_eq!(other.value.as_ref().unwrap().en, "80");
        assert_eq!(south.others.len(), 1);
    }
}
