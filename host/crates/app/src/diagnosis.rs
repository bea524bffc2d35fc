//! Diagnoses for pages: what each output is comes from its role, never from its name.

use playbook_cycle::{CycleRun, Input, StageRun};
use playbook_model::{Cells, Column, Frame, Kind, Produce, Role, Words};
use playbook_report::{DimensionRow, Health, IndicatorRow, LevelMark, OutputRow, StepRow};

use crate::stages::{meaning, plugin_of};

/// What all diagnosis stages say of tables with one row.
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
            if frame.rows() == 1 {
                let before = run.previous.of(&need.subject).first();
                found.push(Row { stage, table, frame, before }.health(&produces));
            }
        }
    }
    found
}

/// A row of a table that a stage diagnosed.
struct Row<'a> {
    stage: &'a StageRun,
    table: u32,
    frame: &'a Frame,
    /// Its table in the last closed cycle.
    before: Option<&'a Frame>,
}

/// The row of a table that has but one.
const ROW: usize = 0;

/// Steps that are a funnel.
const STEPS_FEWEST: usize = 3;

impl Row<'_> {
    fn health(&self, produces: &[&Produce]) -> Health {
        let Self { stage, .. } = self;
        let of = |role: Role| produces.iter().copied().filter(move |p| p.role == role);
        let dimensions: Vec<&Produce> = of(Role::Dimension).collect();
        let counts = of(Role::Value).filter(|p| p.unit == "count" && !p.group.is_empty());
        let steps: Vec<&Produce> = counts.collect();
        let steps = if steps.len() < STEPS_FEWEST { Vec::new() } else { steps };
        let marks = of(Role::Level).find(|p| !p.bounds.is_empty());
        let scores = of(Role::Total).chain(of(Role::Dimension));
        Health {
            plugin: plugin_of(stage),
            total: of(Role::Total).find_map(|p| self.real(p)),
            most: scores.filter_map(|p| p.most).reduce(f64::max),
            level: of(Role::Level).next().and_then(|p| self.level(p)),
            dimensions: dimensions
                .iter()
                .map(|p| DimensionRow {
                    words: self.named(&p.group, p),
                    score: self.real(p),
                    level: self.level_of_score(p, marks),
                    score_before: self.before(p),
                })
                .collect(),
            indicators: of(Role::Indicator)
                .map(|p| self.indicator(p, &dimensions, marks))
                .collect(),
            steps: steps
                .iter()
                .map(|p| StepRow { words: meaning(p), count: self.real(p) })
                .collect(),
            others: produces
                .iter()
                .filter(|p| !is_placed(p, of(Role::Level).next()))
                .filter(|p| !steps.iter().any(|step| step.name == p.name))
                .map(|p| OutputRow { words: meaning(p), value: self.shown(p) })
                .collect(),
        }
    }

    fn column(&self, produce: &Produce) -> Option<&Column> {
        self.frame.column(&format!("{}.{}", self.stage.name, produce.name))
    }

    fn before(&self, produce: &Produce) -> Option<f64> {
        let name = format!("{}.{}", self.stage.name, produce.name);
        self.before?.column(&name)?.real(ROW)
    }

    fn real(&self, produce: &Produce) -> Option<f64> {
        self.column(produce)?.real(ROW)
    }

    fn level(&self, produce: &Produce) -> Option<LevelMark> {
        let name = self.column(produce)?.text(ROW)?;
        let at = produce.categories.iter().position(|category| category == name)?;
        mark(self.stage, produce, at)
    }

    /// Level of a score by the bounds that the plugin gives.
    fn level_of_score(&self, produce: &Produce, marks: Option<&Produce>) -> Option<LevelMark> {
        let (score, marks) = (self.real(produce)?, marks?);
        mark(self.stage, marks, marks.bounds.iter().filter(|bound| **bound <= score).count())
    }

    fn indicator(
        &self,
        produce: &Produce,
        dimensions: &[&Produce],
        marks: Option<&Produce>,
    ) -> IndicatorRow {
        let of_group = |d: &&Produce| !produce.group.is_empty() && d.group == produce.group;
        let (name, feature, unit) = self.input(produce.input).unwrap_or_default();
        IndicatorRow {
            dimension: dimensions.iter().position(of_group),
            words: self.named(&name, produce),
            value: self.frame.column(&feature).and_then(|column| column.real(ROW)),
            score: self.real(produce),
            level: self.level_of_score(produce, marks),
            unit,
            feature,
        }
    }

    /// What the score is of, in the plugin's words for that name: that it is a score is said where it stands.
    fn named(&self, name: &str, produce: &Produce) -> Words {
        let term = self.stage.shape.terms.iter().find(|term| term.name == name);
        term.map_or_else(|| meaning(produce), |term| term.text.clone())
    }

    /// The name of a need of the table, the column that feeds it, and its unit.
    fn input(&self, need: u32) -> Option<(String, String, String)> {
        let (table, at) = (self.table as usize, need as usize);
        let need = self.stage.shape.tables.get(table)?.columns.get(at)?;
        let column = match self.stage.wiring.tables.get(table)?.get(at)? {
            Input::Feature(name) | Input::Output(name) => name.clone(),
            _ => need.source.name(),
        };
        Some((need.source.name(), column, need.unit.clone()))
    }

    /// A value as a page shows it.
    fn shown(&self, produce: &Produce) -> Option<Words> {
        let column = self.column(produce)?;
        match &column.cells {
            Cells::Category { .. } | Cells::Text(_) => {
                Some(self.stage.shape.words_of(column.text(ROW)?))
            }
            Cells::Integer(_) | Cells::Small(_) => {
                Some(column.integer(ROW)?.to_string().as_str().into())
            }
            Cells::Real(_) => {
                let rounded = (column.real(ROW)? * 1e4).round() / 1e4;
                Some(rounded.to_string().as_str().into())
            }
        }
    }
}

/// The level at a position of an output's categories.
pub(crate) fn mark(stage: &StageRun, produce: &Produce, at: usize) -> Option<LevelMark> {
    let name = produce.categories.get(at)?;
    let alarm = produce.alarms.get(at).copied();
    Some(LevelMark { words: stage.shape.words_of(name), alarm })
}

/// Whether the output has a place of its own: scores, and the first level beside the total. All others are listed.
fn is_placed(produce: &Produce, level: Option<&Produce>) -> bool {
    matches!(produce.role, Role::Total | Role::Dimension | Role::Indicator)
        || level.is_some_and(|level| level.name == produce.name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_cycle::{Input, Previous, Wiring};
    use playbook_model::{
        CellType, Cells, Column, Finding, Frame, Kind, Level, NONE_INDEX, Need, Place, Produce,
        Role, Shape, Source, TableNeed, Term, Words,
    };
    use playbook_report::StageCell;

    use super::{LevelMark, diagnoses};
    use crate::page::stage_tables;
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
            alarms: Vec::new(),
            meaning: Words::default(),
        }
    }

    fn reals<const ROWS: usize>(name: &str, values: [f64; ROWS]) -> Column {
        let cells = Cells::Real(values.to_vec());
        Column { name: name.to_owned(), unit: String::new(), cells, valid: None }
    }

    /// Gardens, diagnosed by names that nothing in the host knows.
    fn gardens<const ROWS: usize>(
        names: [&str; ROWS],
        blooms: [f64; ROWS],
    ) -> playbook_cycle::CycleRun {
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
            alarms: vec![Level::Critical, Level::Watch, Level::None],
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
        let mut garden = Frame::with_rows(ROWS);
        garden.push(texts("garden", &names));
        garden.push(reals("rainfall", [0.5; ROWS]));
        garden.push(reals("gardener.wetness", [4.0; ROWS]));
        garden.push(reals("gardener.soil_health", [5.0; ROWS]));
        garden.push(reals("gardener.bloom", blooms));
        let names = ["dry", "moist", "wet"].map(str::to_owned).into();
        let cells = Cells::Category { codes: vec![2; ROWS], names };
        let (name, unit) = ("gardener.mood".to_owned(), String::new());
        garden.push(Column { name, unit, cells, valid: None });
        garden.push(reals("gardener.bees_per_hour", [80.0; ROWS]));
        let mut run = small::run(["low", "high"], Vec::new());
        run.tables.insert("garden".to_owned(), garden);
        run.stages.push(stage);
        run
    }

    #[test]
    fn a_diagnosis_that_nobody_has_seen_is_shown_in_full() {
        let found = diagnoses(&gardens(["south"], [7.0]));
        let [south] = found.as_slice() else { panic!("one part: {found:?}") };
        assert_eq!(south.plugin, "gardener 0.1.0");
        assert_eq!((south.total, south.most), (Some(7.0), Some(10.0)));
        let level = south.level.as_ref().unwrap();
        assert_eq!((level.words.en.as_str(), level.alarm), ("soaked", Some(Level::None)));
        assert_eq!(south.dimensions[0].score, Some(5.0));
        let of = |mark: &Option<LevelMark>| mark.as_ref().unwrap().words.en.clone();
        // A score at a bound is in the level that begins there.
        assert_eq!(of(&south.dimensions[0].level), "soaked");
        assert_eq!(of(&south.indicators[0].level), "moist");
        let indicator = &south.indicators[0];
        assert_eq!(indicator.dimension, Some(0));
        assert_eq!((indicator.value, indicator.score), (Some(0.5), Some(4.0)));
        assert_eq!((indicator.feature.as_str(), indicator.unit.as_str()), ("rainfall", "ratio"));
        let other = &south.others[0];
        assert_eq!(other.words.en, "bees per hour");
        assert_eq!(other.value.as_ref().unwrap().en, "80");
        assert_eq!(south.others.len(), 1);
    }

    #[test]
    fn several_rows_are_one_table_with_what_says_most_first() {
        let run = gardens(["north", "south"], [6.0, 7.0]);
        assert!(diagnoses(&run).is_empty());
        let tables = stage_tables(&run);
        let [table] = tables.as_slice() else { panic!("one table: {tables:?}") };
        assert_eq!((table.subject.as_str(), table.rows_left_out), ("garden", 0));
        assert_eq!(table.rows, ["north", "south"]);
        let heads: Vec<&str> = table.columns.iter().map(|c| c.words.en.as_str()).collect();
        assert_eq!(heads, ["bloom", "mood", "soil health", "bees per hour"]);
        let bloom = &table.columns[0];
        assert_eq!(bloom.cells, [StageCell::Number(6.0), StageCell::Number(7.0)]);
        assert_eq!(bloom.scale, Some((0.0, 10.0)));
        let StageCell::Level(mood) = &table.columns[1].cells[0] else { panic!("{table:?}") };
        assert_eq!((mood.words.en.as_str(), mood.alarm), ("soaked", Some(Level::None)));
    }

    #[test]
    fn of_a_long_table_the_rows_that_findings_name_and_the_last_are_shown() {
        let names: Vec<String> = (0..200).map(|n| format!("bed-{n:03}")).collect();
        let names: [&str; 200] = std::array::from_fn(|at| names[at].as_str());
        let mut run = gardens(names, [1.0; 200]);
        let finding = Finding {
            level: Level::Warn,
            reason: 0,
            place: Some(Place { table: 0, row: 7 }),
            value: None,
            threshold: None,
            suggests: Vec::new(),
        };
        run.stages.last_mut().unwrap().findings.push(finding);
        let table = &stage_tables(&run)[0];
        assert_eq!((table.rows.len(), table.rows_left_out), (60, 140));
        assert_eq!((table.rows[0].as_str(), table.rows[1].as_str()), ("bed-007", "bed-199"));
        assert_eq!(table.rows[59], "bed-141");
    }

    #[test]
    fn a_score_stands_beside_that_of_the_cycle_before() {
        let mut run = gardens(["south"], [7.0]);
        let before = gardens(["south"], [6.0]).tables.remove("garden").unwrap();
        run.previous = Previous::of_last("garden", before);
        assert_eq!(diagnoses(&run)[0].dimensions[0].score_before, Some(5.0));
    }
}
