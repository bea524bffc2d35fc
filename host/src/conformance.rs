//! Holds a component to the contract in the real sandbox, on rows made up from its own needs.

use std::borrow::Cow;

use anyhow::Result;
use playbook_cycle::{CycleError, StageUsage};
use playbook_model::{
    Batch, CellType, Columns, Fault, Kind, Layout, Minor, NONE_INDEX, Outcome, Proposals,
};
use playbook_runtime::{LogLine, OpenedPlugin, Plugin, Reuse, Usage};

use crate::made_up::{TABLE_ROWS, Trial, answered, told};

/// Rows of the made-up batch.
const ROWS: usize = 257;

/// One thing that must hold.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) name: Cow<'static, str>,
    pub(crate) failure: Option<String>,
    /// The made-up row on which it does not hold, where it is one row's.
    pub(crate) row: Option<String>,
}

/// What a run found.
#[derive(Debug, Default)]
pub(crate) struct Conformance {
    pub(crate) checks: Vec<Check>,
    /// What the first call took, over all rows or tables.
    pub(crate) call: Option<Usage>,
    /// Lines that were logged and kept in that call.
    pub(crate) log: Vec<LogLine>,
    /// Its answers in words: one for each made-up row, or one of the whole tables.
    pub(crate) answers: Vec<Answer>,
}

/// What was answered to a made-up row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The row, `name = value` for each of its columns; empty: the whole tables.
    pub(crate) row: String,
    /// What the plugin says of it.
    pub(crate) text: String,
}

/// Runs all checks that apply to the plugin's kind.
pub(crate) fn run(plugin: &Plugin, settings: &str) -> Result<Conformance> {
    let about = guest("under test", plugin.describe()?)?;
    let shape = guest(&about.name, plugin.check(settings)?)?;
    let checks = vec![
        check("describes itself the same way twice", plugin.describe()? == Ok(about.clone())),
        check("gives the same shape twice", plugin.check(settings)? == Ok(shape.clone())),
        wrong_settings(plugin)?,
        schema(&about.settings_schema),
    ];
    let mut run = Conformance { checks, ..Conformance::default() };
    let trial = Trial { plugin, settings, shape: &shape };
    let model = match trial.model()? {
        Ok(model) => model,
        // Data that cannot support a fit is refused in words, and made-up rows may be such.
        Err(Fault::Refusal(_)) => {
            run.checks.push(check("refuses made-up rows in words", true));
            return Ok(run);
        }
        Err(fault) => {
            run.checks.push(failed("fits made-up rows", &fault));
            return Ok(run);
        }
    };
    if shape.fit_passes_max > 0 {
        run.checks.push(trial.fit_is_stable(model.as_deref())?);
    }
    if streams(about.kind) {
        trial.ask_rows(model.as_deref(), about.kind, &mut run)?;
    } else {
        trial.ask_tables(model.as_deref(), about.kind, &mut run)?;
    }
    Ok(run)
}

impl Conformance {
    /// Notes what an opened plugin took so far, and what it logged.
    fn note(&mut self, opened: &OpenedPlugin) {
        self.call.get_or_insert_with(|| opened.usage());
        self.log.extend(opened.take_log());
    }
}

impl Check {
    fn on(self, row: Option<String>) -> Self {
        Self { row, ..self }
    }
}

fn fails(name: &'static str, failure: String) -> Check {
    Check { name: name.into(), failure: Some(failure), row: None }
}

fn check(name: &'static str, holds: bool) -> Check {
    Check { name: name.into(), failure: (!holds).then(|| "it does not".to_owned()), row: None }
}

fn failed(name: &'static str, fault: &Fault) -> Check {
    fails(name, fault.to_string())
}

fn wrong_settings(plugin: &Plugin) -> Result<Check, CycleError> {
    let name = "answers wrong settings with problems, never with a trap";
    for settings in ["[]", "{\"no-such-setting\":1}", "{", "null", "\"\""] {
        match plugin.check(settings)? {
            Ok(_) | Err(Fault::Settings(_)) => {}
            Err(fault) => {
                return Ok(fails(name, format!("settings `{settings}`: {fault}")));
            }
        }
    }
    Ok(check(name, true))
}

fn schema(text: &str) -> Check {
    let name = "gives a settings schema that is a JSON object";
    let object = serde_json::from_str::<serde_json::Value>(text).is_ok_and(|v| v.is_object());
    check(name, object)
}

impl Trial<'_> {
    /// The model of made-up rows, where the plugin is fitted.
    pub(crate) fn model(&self) -> Result<Outcome<Option<Vec<u8>>>, CycleError> {
        if self.shape.fit_passes_max == 0 {
            return Ok(Ok(None));
        }
        Ok(self.model_of(1)?.map(Some))
    }

    /// The model of made-up rows cut into so many buckets.
    fn model_of(&self, buckets: usize) -> Result<Outcome<Vec<u8>>, CycleError> {
        let end = self.fit(&self.buckets(ROWS, buckets), &mut StageUsage::default())?;
        Ok(end.map(|end| end.fitted.model))
    }

    fn fit_is_stable(&self, model: Option<&[u8]>) -> Result<Check, CycleError> {
        let name = "fits to the same bytes however the rows are cut";
        for buckets in [1, 2, 7] {
            match self.model_of(buckets)? {
                Ok(again) if Some(again.as_slice()) == model => {}
                Ok(_) => return Ok(fails(name, format!("another model from {buckets} parts"))),
                Err(fault) => return Ok(failed(name, &fault)),
            }
        }
        Ok(check(name, true))
    }

    fn ask_rows(
        &self,
        model: Option<&[u8]>,
        kind: Kind,
        run: &mut Conformance,
    ) -> Result<(), CycleError> {
        let whole = self.rows(0..ROWS);
        let warm = match self.open(model, Reuse::default(), TABLE_ROWS)? {
            Ok(opened) => opened,
            Err(fault) => {
                run.checks.push(failed("opens", &fault));
                return Ok(());
            }
        };
        let Ok(fresh) = self.open(model, Reuse::Fresh, TABLE_ROWS)? else { return Ok(()) };
        let first = self.ask(&warm, kind, &whole)?;
        run.note(&warm);
        let first = match first {
            Ok(rows) => rows,
            Err(fault) => {
                let row = self.failing_alone(&warm, kind)?;
                run.note(&warm);
                run.checks.push(failed("answers made-up rows", &fault).on(row));
                return Ok(());
            }
        };
        let answers = first.iter().enumerate();
        let answers = answers
            .map(|(row, text)| Answer { row: self.row_told(row), text: text.trim().to_owned() });
        run.answers = answers.collect();
        let checks = &mut run.checks;
        checks.push(check("answers made-up rows", true));
        let again = self.ask(&warm, kind, &whole)?;
        checks.push(self.alike("answers the same rows with the same bytes", &first, again));
        let cold = self.ask(&fresh, kind, &whole)?;
        let name = "answers alike from a warm and from a fresh instance";
        checks.push(self.alike(name, &first, cold));
        checks.push(self.one_by_one(&warm, kind, &first)?);
        let empty = self.ask(&warm, kind, &self.rows(0..0))?;
        checks.push(match empty {
            Ok(rows) => check("answers an empty batch with nothing", rows.is_empty()),
            Err(fault) => failed("answers an empty batch with nothing", &fault),
        });
        let sparse = self.ask(&warm, kind, &self.sparse_rows(0..ROWS))?;
        let name = "copes with missing optional columns";
        checks.push(match sparse {
            Ok(_) | Err(Fault::Refusal(_)) => check(name, true),
            Err(fault) => failed(name, &fault),
        });
        Ok(())
    }

    /// The first made-up row that the plugin cannot answer alone, if any.
    fn failing_alone(
        &self,
        opened: &OpenedPlugin,
        kind: Kind,
    ) -> Result<Option<String>, CycleError> {
        for row in 0..ROWS {
            if self.ask(opened, kind, &self.rows(row..row + 1))?.is_err() {
                return Ok(Some(self.row_told(row)));
            }
        }
        Ok(None)
    }

    fn row_told(&self, row: usize) -> String {
        told(&self.need(), &self.rows(row..row + 1), 0)
    }

    /// Whether an answer is the first one again, row by row.
    fn alike(&self, name: &'static str, first: &[String], again: Outcome<Vec<String>>) -> Check {
        let again = match again {
            Ok(again) => again,
            Err(fault) => return failed(name, &fault),
        };
        let differing = first.iter().zip(&again).position(|(first, again)| first != again);
        let Some(row) = differing else { return check(name, first.len() == again.len()) };
        let failure = format!("row {row}: first {}, then {}", first[row], again[row]);
        fails(name, failure).on(Some(self.row_told(row)))
    }

    fn one_by_one(
        &self,
        opened: &OpenedPlugin,
        kind: Kind,
        whole: &[String],
    ) -> Result<Check, CycleError> {
        let name = "answers a batch of one like the row of a batch";
        for row in (0..ROWS).step_by(16) {
            match self.ask(opened, kind, &self.rows(row..row + 1))? {
                Ok(one) if one.first() == whole.get(row) => {}
                Ok(one) => {
                    let one = one.first().cloned().unwrap_or_default();
                    let failure = format!("row {row}: alone {one}, in the batch {}", whole[row]);
                    return Ok(fails(name, failure).on(Some(self.row_told(row))));
                }
                Err(fault) => return Ok(failed(name, &fault).on(Some(self.row_told(row)))),
            }
        }
        Ok(check(name, true))
    }

    /// Asks for rows; each row's answer is written out bit by bit.
    fn ask(
        &self,
        opened: &OpenedPlugin,
        kind: Kind,
        batch: &Batch,
    ) -> Result<Outcome<Vec<String>>, CycleError> {
        let context = Self::context();
        let rows = batch.rows as usize;
        let layout = &opened.validator().layouts().row_outputs;
        let produces = self.shape.produces.iter().filter(|produce| produce.table.is_none());
        let names: Vec<&str> = produces.map(|produce| produce.name.as_str()).collect();
        let cells = |columns: &Columns, at: usize| row(columns, layout, &names, rows, at);
        Ok(match kind {
            Kind::Scoring => opened.score(&context, batch)?.map(|a| {
                (0..rows)
                    .map(|r| format!("{}{}", cells(&a.columns, r), reason(&a.reasons, r)))
                    .collect()
            }),
            Kind::Segmentation => opened.assign(&context, batch)?.map(|a| {
                (0..rows)
                    .map(|r| {
                        let rest = cells(&a.answer.columns, r);
                        let name = self.segment(a.segment[r]);
                        format!("segment {name}, {rest}{}", reason(&a.answer.reasons, r))
                    })
                    .collect()
            }),
            _ => {
                opened.propose(&context, batch)?.map(|p| (0..rows).map(|r| of_row(&p, r)).collect())
            }
        })
    }

    fn segment(&self, place: u32) -> &str {
        let segment = usize::try_from(place).ok().and_then(|place| self.shape.segments.get(place));
        segment.map_or("none", |segment| segment.name.as_str())
    }

    fn ask_tables(
        &self,
        model: Option<&[u8]>,
        kind: Kind,
        run: &mut Conformance,
    ) -> Result<(), CycleError> {
        let mut seen = Vec::new();
        for _ in 0..2 {
            match self.whole(model, kind, TABLE_ROWS, run)? {
                Ok(answer) => seen.push(answer),
                Err(fault) => {
                    run.checks.push(failed("answers made-up tables", &fault));
                    return Ok(());
                }
            }
        }
        run.answers = vec![Answer { row: String::new(), text: seen[0].clone() }];
        run.checks.push(check("answers made-up tables", true));
        run.checks.push(check("answers the same tables with the same bytes", seen[0] == seen[1]));
        let name = "copes with empty tables";
        let empty = self.whole(model, kind, 0, run)?;
        run.checks.push(match empty {
            Ok(_) | Err(Fault::Refusal(_)) => check(name, true),
            Err(fault) => failed(name, &fault),
        });
        Ok(())
    }

    fn whole(
        &self,
        model: Option<&[u8]>,
        kind: Kind,
        rows: usize,
        run: &mut Conformance,
    ) -> Result<Outcome<String>, CycleError> {
        let opened = answered!(self.open(model, Reuse::Fresh, rows));
        let context = Self::context();
        let answer = match kind {
            Kind::Campaign => opened.plan(&context, Minor(1_000_000))?.map(|a| format!("{a:?}")),
            Kind::Roi => opened.value(&context)?.map(|a| format!("{a:?}")),
            _ => opened.diagnose(&context)?.map(|a| format!("{a:?}")),
        };
        run.note(&opened);
        Ok(answer)
    }
}

/// The reason of a row; no list at all means that no row has one.
fn reason(reasons: &[u32], row: usize) -> String {
    let reason = reasons.get(row).filter(|reason| **reason != NONE_INDEX);
    reason.map_or_else(String::new, |reason| format!("reason {reason}"))
}

fn of_row(proposals: &Proposals, row: usize) -> String {
    let row = u32::try_from(row).unwrap_or(u32::MAX);
    let mut text = String::new();
    for i in (0..proposals.row.len()).filter(|i| proposals.row[*i] == row) {
        text.push_str(&format!(
            "{} {} {} {} {} from {} until {};",
            proposals.action[i],
            proposals.quantity[i],
            proposals.cost[i],
            proposals.expected_output[i],
            proposals.reason[i],
            proposals.after(i),
            proposals.until(i).map_or_else(|| "the end".to_owned(), |minute| minute.to_string()),
        ));
    }
    text
}

/// The cells of a row with the names of their columns; two reals of different bits are written differently.
fn row(columns: &Columns, layout: &Layout, names: &[&str], rows: usize, row: usize) -> String {
    let mut text = String::new();
    for (at, place) in layout.places.iter().enumerate() {
        let value = match place.cell_type {
            CellType::Real => format!("{:?}", columns.reals[place.nth * rows + row]),
            CellType::Integer | CellType::Category => {
                columns.integers[place.nth * rows + row].to_string()
            }
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                let wide = columns.wides.as_ref().and_then(|wides| wides.get(place.nth));
                wide.map_or_else(String::new, |wide| wide.text_of(row))
            }
        };
        let value = if columns.is_valid(at, row, rows) { value.as_str() } else { "-" };
        text.push_str(&format!("{} {value}, ", names.get(at).unwrap_or(&"?")));
    }
    text
}

/// A guest's fault on the command line is an error in its own words.
pub(crate) fn guest<T>(plugin: &str, outcome: Outcome<T>) -> Result<T> {
    outcome.map_err(|fault| anyhow::anyhow!("plugin `{plugin}` {fault}"))
}

/// Kinds with whole tables have no rows to compare.
fn streams(kind: Kind) -> bool {
    matches!(kind, Kind::Scoring | Kind::Segmentation | Kind::Incentive)
}
