//! Native tests of plugins: the same path as in the sandbox, with plain `cargo test`.
//!
//! Answers are held to the checks of the host: lengths, finite numbers, declared bounds, known
//! positions, no negative money. Rows are also asked one by one, because a row must get the same
//! answer alone as in a batch; fits are also cut into several buckets, because the model must have
//! the same bytes. `playbook plugin test` asks the component in the sandbox what the tests asked
//! here; it must answer with the same bytes.

mod answers;
mod cases;
mod data;
mod fitting;

use playbook_contract::{Asked, Validator};

use crate::guest::{self, Instance};
use crate::log::Severity;
use crate::plugin::{Campaign, Diagnosis, Incentive, Plugin, Roi, Scoring, Segmentation};
use crate::problem::Problems;
use crate::types::{self, CampaignPlan, Context, Factor};
use cases::keep;

pub use answers::{Given, Proposed, RowsGiven, SegmentsGiven, TablesGiven};
pub use data::{Cell, Data};
pub use serde_json::json;

/// Rows that are also asked one by one.
const ALONE_ROWS_MAX: usize = 64;

/// Takes the lines that this thread's plugins have logged so far.
#[must_use]
pub fn logged() -> Vec<(Severity, String)> {
    crate::log::take_lines()
}

/// A plugin about to be opened.
#[derive(Debug, Clone)]
pub struct Test<P> {
    settings: String,
    context: Context,
    tables: Vec<Data>,
    model: Option<Vec<u8>>,
    plugin: std::marker::PhantomData<fn() -> P>,
}

/// Starts a test of `P` with settings `{}`, at 2025-01-01T00:00Z with seed 1.
#[must_use]
pub fn plugin<P: Plugin>() -> Test<P> {
    let now = 1_735_689_600_000;
    Test {
        settings: "{}".to_owned(),
        context: Context { now, local_min: now / 60_000, seed: 1 },
        tables: Vec::new(),
        model: None,
        plugin: std::marker::PhantomData,
    }
}

fn lay_over(below: &mut serde_json::Value, over: &serde_json::Value) {
    match (below, over) {
        (serde_json::Value::Object(below), serde_json::Value::Object(over)) => {
            for (key, value) in over {
                lay_over(below.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (below, over) => *below = over.clone(),
    }
}

/// An opened plugin.
#[derive(Debug)]
pub struct Opened<P> {
    instance: Instance<P>,
    context: Context,
    opening: types::Opening,
    validator: Validator,
    table_rows: Vec<u32>,
}

impl<P: Plugin> Test<P> {
    /// Sets the settings, as a value made by [`json!`] or as text.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a value made on the spot reads best")]
    pub fn settings(mut self, settings: impl ToString) -> Self {
        self.settings = settings.to_string();
        self
    }

    /// Sets the settings that a card ships: `[stage.settings]` of its text.
    ///
    /// # Panics
    /// Where the text is no card.
    #[must_use]
    pub fn card(mut self, text: &str) -> Self {
        let card: serde_json::Value = toml::from_str(text).expect("a card is TOML");
        self.settings = card.pointer("/stage/settings").expect("a card has settings").to_string();
        self
    }

    /// Lays settings over those that are set already, table by table, as a playbook does.
    ///
    /// # Panics
    /// Where the settings so far are no JSON.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a value made on the spot reads best")]
    pub fn with(mut self, over: serde_json::Value) -> Self {
        let mut settings = serde_json::from_str(&self.settings).expect("settings are JSON");
        lay_over(&mut settings, &over);
        self.settings = settings.to_string();
        self
    }

    /// Sets as-of time, local minute and seed.
    #[must_use]
    pub fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// Adds the next whole table, in the order of the shape.
    #[must_use]
    pub fn table(mut self, table: Data) -> Self {
        self.tables.push(table);
        self
    }

    /// Sets the model, for plugins that open with one without fitting.
    #[must_use]
    pub fn model(mut self, model: Vec<u8>) -> Self {
        self.model = Some(model);
        self
    }

    /// The shape under the settings.
    ///
    /// # Errors
    /// Every problem with the settings.
    pub fn shape(&self) -> Result<types::Shape, Problems> {
        let shape = self.checked();
        let asked = || Asked::Check(shape.clone().map_err(|problems| problems.0));
        keep(P::ABOUT.name, &self.context, &self.opening(Vec::new()), asked);
        shape
    }

    fn checked(&self) -> Result<types::Shape, Problems> {
        guest::check::<P>(&self.settings).map_err(Problems)
    }

    fn opening(&self, tables: Vec<types::Table>) -> types::Opening {
        types::Opening { settings: self.settings.clone(), model: self.model.clone(), tables }
    }

    /// The problems with the settings; empty where there is none.
    #[must_use]
    pub fn problems(&self) -> Problems {
        self.shape().err().unwrap_or_default()
    }

    fn tables(&self, shape: &types::Shape) -> Vec<types::Table> {
        let (declared, given) = (shape.tables.len(), self.tables.len());
        assert_eq!(declared, given, "the plugin needs {declared} tables, the test gives {given}");
        let table = |(need, data): (&types::TableNeed, &Data)| types::Table {
            rows: rows(data),
            columns: data.columns(&need.columns),
        };
        shape.tables.iter().zip(&self.tables).map(table).collect()
    }

    /// Opens the plugin.
    ///
    /// # Errors
    /// Problems with settings, tables or model.
    pub fn open(&self) -> Result<Opened<P>, Problems> {
        let shape = self.checked()?;
        let opening = self.opening(self.tables(&shape));
        let instance = Instance::new();
        let opened = instance.open(&self.context, opening.clone());
        keep(P::ABOUT.name, &self.context, &opening, || Asked::Open(opened.clone()));
        opened.map_err(Problems)?;
        let table_rows = self.tables.iter().map(rows).collect();
        let validator = Validator::new(shape);
        Ok(Opened { instance, context: self.context, opening, validator, table_rows })
    }
}

fn rows(data: &Data) -> u32 {
    u32::try_from(data.len()).expect("test data are small")
}

fn batch(shape: &types::Shape, data: &Data) -> Result<types::Batch, String> {
    let need = shape.rows.as_ref().ok_or("the shape streams no rows")?;
    Ok(types::Batch { rows: rows(data), columns: data.columns(&need.columns) })
}

/// Asks the first rows one by one; each must get the answer that it got in the batch.
fn alone<T: PartialEq + std::fmt::Debug>(
    data: &Data,
    together: impl Fn(usize) -> T,
    ask: impl Fn(&Data) -> Result<T, String>,
) -> Result<(), String> {
    if data.len() < 2 {
        return Ok(());
    }
    for row in 0..data.len().min(ALONE_ROWS_MAX) {
        let (one, many) = (ask(&data.rows_at(&[row]))?, together(row));
        if one != many {
            return Err(format!("row {row} answers {one:?} alone and {many:?} in the batch"));
        }
    }
    Ok(())
}

/// All values of one row of an answer, in words that can be compared.
fn row_words(given: &Given, row: usize) -> Vec<String> {
    let words = |p: &types::Produce| match p.cell_type {
        types::CellType::Real => format!("{:?}", given.real(&p.name, row)),
        types::CellType::Integer => format!("{:?}", given.integer(&p.name, row)),
        types::CellType::Category => format!("{:?}", given.category(&p.name, row)),
        types::CellType::Text => format!("{:?}", given.text(&p.name, row)),
        types::CellType::Reals => format!("{:?}", given.reals(&p.name, row)),
        types::CellType::Integers => format!("{:?}", given.integers(&p.name, row)),
        types::CellType::Texts => format!("{:?}", given.texts(&p.name, row)),
    };
    given.produces.iter().map(|p| format!("{} = {}", p.name, words(p))).collect()
}

/// An answer that the host would refuse is an error of its own; the plugin's refusal is an answer.
fn held<A>(
    answer: Result<A, String>,
    check: impl FnOnce(&A) -> Result<(), String>,
) -> Result<Result<A, String>, String> {
    answer.as_ref().map_or(Ok(()), check)?;
    Ok(answer)
}

impl<P: Plugin> Opened<P> {
    fn batch(&self, data: &Data) -> Result<types::Batch, String> {
        batch(self.validator.shape(), data)
    }

    fn keep(&self, asked: impl FnOnce() -> Asked) {
        keep(P::ABOUT.name, &self.context, &self.opening, asked);
    }
}

impl<P: Scoring> Opened<P> {
    fn score_once(&self, data: &Data) -> Result<RowsGiven, String> {
        let batch = self.batch(data)?;
        let check = |answer: &_| self.validator.row_answer(batch.rows, answer);
        let answer = held(self.instance.score(&self.context, &batch), check)?;
        self.keep(|| Asked::Score(batch.clone(), answer.clone()));
        Ok(RowsGiven::new(self.validator.shape(), data.len(), answer?))
    }

    /// Scores rows.
    ///
    /// # Errors
    /// The plugin's refusal, or an answer that the host would refuse.
    pub fn score(&self, data: &Data) -> Result<RowsGiven, String> {
        let given = self.score_once(data)?;
        let words =
            |given: &RowsGiven, row| (row_words(given, row), given.reason(row).map(str::to_owned));
        alone(data, |row| words(&given, row), |one| Ok(words(&self.score_once(one)?, 0)))?;
        Ok(given)
    }

    /// Explains the one row.
    ///
    /// # Errors
    /// The plugin's refusal, or factors that the host would refuse.
    pub fn explain(&self, data: &Data) -> Result<Vec<Factor>, String> {
        let batch = self.batch(data)?;
        let check = |factors: &Vec<Factor>| self.validator.factors(factors);
        let answer = held(self.instance.explain(&self.context, &batch), check)?;
        self.keep(|| Asked::Explain(batch.clone(), answer.clone()));
        answer
    }
}

impl<P: Segmentation> Opened<P> {
    fn assign_once(&self, data: &Data) -> Result<SegmentsGiven, String> {
        let batch = self.batch(data)?;
        let check = |answer: &_| self.validator.segments(batch.rows, answer);
        let answer = held(self.instance.assign(&self.context, &batch), check)?;
        self.keep(|| Asked::Assign(batch.clone(), answer.clone()));
        Ok(SegmentsGiven::new(self.validator.shape(), data.len(), answer?))
    }

    /// Assigns rows to segments.
    ///
    /// # Errors
    /// The plugin's refusal, or an answer that the host would refuse.
    pub fn assign(&self, data: &Data) -> Result<SegmentsGiven, String> {
        let given = self.assign_once(data)?;
        let words = |given: &SegmentsGiven, row| {
            let (segment, reason) = (given.segment(row), given.reason(row));
            (row_words(given, row), segment.map(str::to_owned), reason.map(str::to_owned))
        };
        alone(data, |row| words(&given, row), |one| Ok(words(&self.assign_once(one)?, 0)))?;
        Ok(given)
    }
}

fn of_row(proposed: &[Proposed], row: usize) -> Vec<Proposed> {
    let mine = proposed.iter().filter(|p| p.row == row).cloned();
    mine.map(|p| Proposed { row: 0, ..p }).collect()
}

impl<P: Incentive> Opened<P> {
    fn propose_once(&self, data: &Data) -> Result<Vec<Proposed>, String> {
        let batch = self.batch(data)?;
        let check = |answer: &_| self.validator.proposals(batch.rows, answer);
        let answer = held(self.instance.propose(&self.context, &batch), check)?;
        self.keep(|| Asked::Propose(batch.clone(), answer.clone()));
        Ok(answers::proposed(self.validator.shape(), &answer?))
    }

    /// Asks for proposals for rows.
    ///
    /// # Errors
    /// The plugin's refusal, or an answer that the host would refuse.
    pub fn propose(&self, data: &Data) -> Result<Vec<Proposed>, String> {
        let proposed = self.propose_once(data)?;
        alone(data, |row| of_row(&proposed, row), |one| self.propose_once(one))?;
        Ok(proposed)
    }
}

impl<P: Campaign> Opened<P> {
    /// Asks for a plan within `budget` minor units.
    ///
    /// # Errors
    /// The plugin's refusal, or a plan that the host would refuse.
    pub fn plan(&self, budget: i64) -> Result<CampaignPlan, String> {
        let check = |plan: &_| self.validator.plan(&self.table_rows, budget, plan);
        let answer = held(self.instance.plan(&self.context, budget), check)?;
        self.keep(|| Asked::Plan(budget, answer.clone()));
        answer
    }

    /// Asks for touches of rows in a phase.
    ///
    /// # Errors
    /// The plugin's refusal, or an answer that the host would refuse.
    pub fn touch(&self, phase: u32, data: &Data) -> Result<Vec<Proposed>, String> {
        let ask = |data: &Data| -> Result<Vec<Proposed>, String> {
            let batch = self.batch(data)?;
            let check = |answer: &_| self.validator.proposals(batch.rows, answer);
            let answer = held(self.instance.touch(&self.context, phase, &batch), check)?;
            self.keep(|| Asked::Touch(phase, batch.clone(), answer.clone()));
            Ok(answers::proposed(self.validator.shape(), &answer?))
        };
        let proposed = ask(data)?;
        alone(data, |row| of_row(&proposed, row), ask)?;
        Ok(proposed)
    }
}

impl<P: Roi> Opened<P> {
    /// Asks for the value of the whole tables.
    ///
    /// # Errors
    /// The plugin's refusal, or an answer that the host would refuse.
    pub fn value(&self) -> Result<TablesGiven, String> {
        let check = |answer: &_| self.validator.table_answer(&self.table_rows, answer);
        let answer = held(self.instance.value(&self.context), check)?;
        self.keep(|| Asked::Value(answer.clone()));
        Ok(TablesGiven::new(self.validator.shape(), &self.table_rows, answer?))
    }
}

impl<P: Diagnosis> Opened<P> {
    /// Asks for the diagnosis of the whole tables.
    ///
    /// # Errors
    /// The plugin's refusal, or an answer that the host would refuse.
    pub fn diagnose(&self) -> Result<TablesGiven, String> {
        let check = |answer: &_| self.validator.table_answer(&self.table_rows, answer);
        let answer = held(self.instance.diagnose(&self.context), check)?;
        self.keep(|| Asked::Diagnose(answer.clone()));
        Ok(TablesGiven::new(self.validator.shape(), &self.table_rows, answer?))
    }

    /// Screens rows.
    ///
    /// # Errors
    /// The plugin's refusal, or an answer that the host would refuse.
    pub fn screen(&self, data: &Data) -> Result<RowsGiven, String> {
        let batch = self.batch(data)?;
        let check = |answer: &_| self.validator.row_answer(batch.rows, answer);
        let answer = held(self.instance.screen(&self.context, &batch), check)?;
        self.keep(|| Asked::Screen(batch.clone(), answer.clone()));
        Ok(RowsGiven::new(self.validator.shape(), data.len(), answer?))
    }
}
