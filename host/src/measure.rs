//! Measures a plugin in the sandbox on made-up rows: how it starts, what its calls take, each beside what the host allows.

use std::hint::black_box;
use std::time::{Duration, Instant};

use playbook_contract::{Asked, Case, Opening as Opened};
use playbook_cycle::{CycleError, StageUsage};
use playbook_model::{Batch, Fault, Kind, Limits, Minor, Outcome, Shape};
use playbook_runtime::{OpenedPlugin, Reuse, Stacks};
use serde::Serialize;

use crate::made_up::{TABLE_ROWS, Trial, answered};

/// Rows of the calls: one decision, a small batch, the batch of a cycle.
pub(crate) const ROWS: [usize; 3] = [1, 256, 4_096];
/// Rows that a fit sees.
const FIT_ROWS: usize = 4_096;
/// Money that a campaign plans with, in minor units.
const PLAN_BUDGET: Minor = Minor(100_000_000);
/// How long one figure is measured.
const FIGURE_TIME: Duration = Duration::from_millis(300);
/// How long an instance is started again and again.
const START_TIME: Duration = Duration::from_millis(100);
/// One sample takes at least so long, so that looking at the clock counts for nothing.
const SAMPLE_TIME: Duration = Duration::from_micros(500);
/// Samples of which the median is taken, however long one takes.
const SAMPLES_MIN: usize = 5;
/// Samples of a fit, which takes long.
const FIT_SAMPLES_MIN: usize = 3;

/// A guest's fault that ended a measurement.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// What was asked.
    at: String,
    fault: Fault,
    /// Whether the plugin failed. It did not where it said no in its own words: made-up rows may be what no answer can stand
    /// on. Nor where it was asked about large tables, which some cannot have: it is good to know how far it goes.
    pub(crate) is_failure: bool,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.at, self.fault)
    }
}

/// What a plugin takes under its settings.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Measured {
    /// Making an instance, in microseconds.
    pub(crate) instantiate_us: f64,
    /// Making one, checking the settings and opening it, in microseconds.
    pub(crate) open_us: f64,
    /// Greatest linear memory of an instance that answered, in bytes.
    pub(crate) memory_bytes: u64,
    pub(crate) memory_bytes_max: u64,
    pub(crate) calls: Vec<MeasuredCall>,
}

/// One function of the contract.
#[derive(Debug, Serialize)]
pub(crate) struct MeasuredCall {
    pub(crate) call: &'static str,
    pub(crate) sizes: Vec<MeasuredSize>,
}

/// Calls over so many rows.
#[derive(Debug, Serialize)]
pub(crate) struct MeasuredSize {
    pub(crate) rows: usize,
    /// Calls that were timed.
    pub(crate) timed: u64,
    /// Median time of a call.
    pub(crate) us_a_call: f64,
    pub(crate) ns_a_row: f64,
    pub(crate) call_ms_max: u64,
    /// Fuel of a call; `None` where calls are not metered by it.
    pub(crate) fuel: Option<u64>,
    pub(crate) fuel_max: u64,
}

/// A function that is measured, with the rows that it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Score,
    Assign,
    Propose,
    Plan,
    Touch,
    Value,
    Diagnose,
    Screen,
}

impl Call {
    /// What plugins of a kind are asked about members and tables under their shape.
    fn of(kind: Kind, shape: &Shape) -> Vec<Self> {
        let if_rows = |call| shape.rows.is_some().then_some(call);
        match kind {
            Kind::Scoring => vec![Self::Score],
            Kind::Segmentation => vec![Self::Assign],
            Kind::Incentive => vec![Self::Propose],
            Kind::Roi => vec![Self::Value],
            Kind::Campaign => {
                [Some(Self::Plan), if_rows(Self::Touch)].into_iter().flatten().collect()
            }
            Kind::Diagnosis => {
                let diagnose = (!shape.tables.is_empty()).then_some(Self::Diagnose);
                [diagnose, if_rows(Self::Screen)].into_iter().flatten().collect()
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Assign => "assign",
            Self::Propose => "propose",
            Self::Plan => "plan",
            Self::Touch => "touch",
            Self::Value => "value",
            Self::Diagnose => "diagnose",
            Self::Screen => "screen",
        }
    }

    /// The call over so many rows, in words.
    fn of_rows(self, rows: usize) -> String {
        format!("{} of {rows}", self.name())
    }

    /// Whether it is asked about the tables of the opening; the others are about streamed rows.
    fn is_of_tables(self) -> bool {
        matches!(self, Self::Plan | Self::Value | Self::Diagnose)
    }

    /// Asks once.
    fn ask(self, opened: &OpenedPlugin, rows: &Batch) -> Result<Outcome<()>, CycleError> {
        let context = &Trial::context();
        Ok(match self {
            Self::Score => opened.score(context, rows)?.map(|a| drop(black_box(a))),
            Self::Assign => opened.assign(context, rows)?.map(|a| drop(black_box(a))),
            Self::Propose => opened.propose(context, rows)?.map(|a| drop(black_box(a))),
            Self::Plan => opened.plan(context, PLAN_BUDGET)?.map(|a| drop(black_box(a))),
            Self::Touch => opened.touch(context, 0, rows)?.map(|a| drop(black_box(a))),
            Self::Value => opened.value(context)?.map(|a| drop(black_box(a))),
            Self::Diagnose => opened.diagnose(context)?.map(|a| drop(black_box(a))),
            Self::Screen => opened.screen(context, rows)?.map(|a| drop(black_box(a))),
        })
    }

    /// Question and answer, as native tests keep them.
    fn asked(self, opened: &OpenedPlugin, rows: Batch) -> Result<Asked, CycleError> {
        fn told<T>(outcome: Outcome<T>) -> Result<T, String> {
            outcome.map_err(|fault| fault.to_string())
        }
        let context = &Trial::context();
        Ok(match self {
            Self::Score => {
                let answer = told(opened.score(context, &rows)?);
                Asked::Score(rows, answer)
            }
            Self::Assign => {
                let answer = told(opened.assign(context, &rows)?);
                Asked::Assign(rows, answer)
            }
            Self::Propose => {
                let answer = told(opened.propose(context, &rows)?);
                Asked::Propose(rows, answer)
            }
            Self::Plan => Asked::Plan(PLAN_BUDGET.0, told(opened.plan(context, PLAN_BUDGET)?)),
            Self::Touch => {
                let answer = told(opened.touch(context, 0, &rows)?);
                Asked::Touch(0, rows, answer)
            }
            Self::Value => Asked::Value(told(opened.value(context)?)),
            Self::Diagnose => Asked::Diagnose(told(opened.diagnose(context)?)),
            Self::Screen => {
                let answer = told(opened.screen(context, &rows)?);
                Asked::Screen(rows, answer)
            }
        })
    }
}

/// A plugin that is measured under settings.
pub(crate) struct Subject<'a> {
    pub(crate) trial: Trial<'a>,
    pub(crate) name: &'a str,
    pub(crate) limits: &'a Limits,
}

impl Subject<'_> {
    /// Measures all calls of its kind, as far as the plugin answers. What was asked and answered once for each figure goes to
    /// `keep`.
    pub(crate) fn measure(
        &self,
        keep: &mut dyn FnMut(&Case) -> anyhow::Result<()>,
    ) -> anyhow::Result<(Measured, Vec<Stopped>)> {
        let Trial { plugin, shape, .. } = self.trial;
        let mut measured =
            Measured { memory_bytes_max: self.limits.memory_bytes_max, ..Measured::default() };
        let mut stopped = Vec::new();
        let model = match self.start(&mut measured)? {
            Ok(model) => model,
            Err(stop) => return Ok((measured, vec![stop])),
        };
        for call in Call::of(plugin.kind(), shape) {
            let mut sizes = Vec::new();
            for rows in ROWS {
                match self.size(call, rows, model.as_deref())? {
                    Ok((size, memory_bytes, case)) => {
                        sizes.push(size);
                        measured.memory_bytes = measured.memory_bytes.max(memory_bytes);
                        keep(&case)?;
                    }
                    Err(fault) => {
                        let may_stop = call.is_of_tables() && rows > ROWS[0];
                        stopped.push(stopped_at(call.of_rows(rows), fault, may_stop));
                        break;
                    }
                }
            }
            measured.calls.push(MeasuredCall { call: call.name(), sizes });
        }
        Ok((measured, stopped))
    }

    /// How many rows each table has, and which rows are streamed, in a call over so many rows.
    fn asked_about(&self, call: Call, rows: usize) -> (usize, Batch) {
        match call.is_of_tables() {
            true => (rows, Batch::default()),
            false => (TABLE_ROWS, self.trial.rows(0..rows)),
        }
    }

    /// Asks each function of the kind for so long over so many rows; the stacks that were seen meanwhile, the function first.
    pub(crate) fn sampled(
        &self,
        rows: usize,
        time: Duration,
    ) -> Result<Outcome<Stacks>, CycleError> {
        let Trial { plugin, shape, .. } = self.trial;
        let model = answered!(self.trial.model());
        let mut seen = Stacks::new();
        for call in Call::of(plugin.kind(), shape) {
            let (table_rows, batch) = self.asked_about(call, rows);
            let opened = answered!(self.trial.open(model.as_deref(), Reuse::default(), table_rows));
            // What opening took is no part of the calls.
            drop(opened.take_stacks());
            let begun = Instant::now();
            while begun.elapsed() < time {
                answered!(call.ask(&opened, &batch));
            }
            for (stack, count) in opened.take_stacks() {
                let of_call = [call.name().to_owned()].into_iter().chain(stack).collect();
                *seen.entry(of_call).or_default() += count;
            }
        }
        Ok(Ok(seen))
    }

    /// Measures what comes before the first call, and gives the model that a fit made.
    fn start(
        &self,
        measured: &mut Measured,
    ) -> Result<Result<Option<Vec<u8>>, Stopped>, CycleError> {
        let Trial { plugin, shape, .. } = self.trial;
        match median(START_TIME, SAMPLES_MIN, || Ok(plugin.instantiate()?))? {
            Ok((ns, _)) => measured.instantiate_us = ns / 1e3,
            Err(fault) => return Ok(Err(stopped_at("start".to_owned(), fault, false))),
        }
        let mut model = None;
        if shape.fit_passes_max > 0 {
            match self.fit()? {
                Ok((call, fitted)) => {
                    measured.calls.push(call);
                    model = Some(fitted);
                }
                Err(fault) => return Ok(Err(stopped_at("fit".to_owned(), fault, false))),
            }
        }
        let opening =
            || Ok(self.trial.open(model.as_deref(), Reuse::default(), TABLE_ROWS)?.map(drop));
        match median(START_TIME, SAMPLES_MIN, opening)? {
            Ok((ns, _)) => measured.open_us = ns / 1e3,
            Err(fault) => return Ok(Err(stopped_at("open".to_owned(), fault, false))),
        }
        Ok(Ok(model))
    }

    /// Calls of one function over so many rows: the figures, the memory of the instance, and what was asked and answered.
    fn size(
        &self,
        call: Call,
        rows: usize,
        model: Option<&[u8]>,
    ) -> Result<Outcome<(MeasuredSize, u64, Case)>, CycleError> {
        let (table_rows, batch) = self.asked_about(call, rows);
        let opened = answered!(self.trial.open(model, Reuse::default(), table_rows));
        let ask = || call.ask(&opened, black_box(&batch));
        let (ns, timed) = answered!(median(FIGURE_TIME, SAMPLES_MIN, ask));
        // After the others, so that it is a warm instance, as all calls but the first are.
        let before = opened.usage().fuel;
        answered!(ask());
        let fuel = opened.usage().fuel - before;
        let limits = self.limits;
        // The host reckons with the rows of all tables.
        let tables = if call.is_of_tables() { self.trial.shape.tables.len() } else { 1 };
        let size = MeasuredSize {
            rows,
            timed,
            us_a_call: ns / 1e3,
            ns_a_row: ns / rows as f64,
            call_ms_max: limits.call_ms_max,
            fuel: Some(fuel).filter(|fuel| *fuel > 0),
            fuel_max: limits.call_fuel_max((rows * tables) as u64),
        };
        let case = Case {
            test: call.of_rows(rows),
            plugin: self.name.to_owned(),
            context: Trial::context(),
            opening: Opened {
                settings: self.trial.settings.to_owned(),
                model: model.map(<[u8]>::to_vec),
                tables: self.trial.tables(table_rows),
            },
            asked: call.asked(&opened, batch)?,
        };
        Ok(Ok((size, opened.usage().memory_bytes, case)))
    }

    /// A whole fit on one thread, from the first row to the model.
    fn fit(&self) -> Result<Outcome<(MeasuredCall, Vec<u8>)>, CycleError> {
        let buckets = self.trial.buckets(FIT_ROWS, 1);
        let mut usage = StageUsage::default();
        let end = answered!(self.trial.fit(&buckets, &mut usage));
        let fits = || Ok(self.trial.fit(&buckets, &mut StageUsage::default())?.map(drop));
        let (ns, timed) = answered!(median(FIGURE_TIME, FIT_SAMPLES_MIN, fits));
        let limits = self.limits;
        let reckoned = limits.fit_fuel_per_row.saturating_mul(FIT_ROWS as u64);
        let size = MeasuredSize {
            rows: FIT_ROWS,
            timed,
            us_a_call: ns / 1e3,
            ns_a_row: ns / FIT_ROWS as f64,
            call_ms_max: limits.fit_call_ms_max,
            fuel: Some(usage.fuel).filter(|fuel| *fuel > 0),
            fuel_max: limits.fit_fuel_base.saturating_add(reckoned),
        };
        Ok(Ok((MeasuredCall { call: "fit", sizes: vec![size] }, end.fitted.model)))
    }
}

fn stopped_at(at: String, fault: Fault, may_stop: bool) -> Stopped {
    let is_failure = !may_stop && !matches!(fault, Fault::Refusal(_));
    Stopped { at, fault, is_failure }
}

/// Median nanoseconds of a call, and how many were timed, in samples of enough calls for a clock. The first call warms up.
fn median(
    time: Duration,
    samples_min: usize,
    mut call: impl FnMut() -> Result<Outcome<()>, CycleError>,
) -> Result<Outcome<(f64, u64)>, CycleError> {
    answered!(call());
    let begun = Instant::now();
    answered!(call());
    let once = begun.elapsed().max(Duration::from_nanos(100));
    let each = SAMPLE_TIME.as_nanos().div_ceil(once.as_nanos()).max(1);
    let mut samples = Vec::new();
    let begun = Instant::now();
    while samples.len() < samples_min || begun.elapsed() < time {
        let begun = Instant::now();
        for _ in 0..each {
            answered!(call());
        }
        samples.push(begun.elapsed().as_nanos() as f64 / each as f64);
    }
    samples.sort_by(f64::total_cmp);
    let timed = u64::try_from(each).unwrap_or(u64::MAX).saturating_mul(samples.len() as u64);
    Ok(Ok((samples[samples.len() / 2], timed)))
}

/// Milliseconds to compile a component, none of it from the cache, and the size of the machine code.
pub(crate) fn compiled(compile: impl Fn() -> anyhow::Result<u64>) -> anyhow::Result<(f64, u64)> {
    let mut samples = Vec::new();
    let mut code_bytes = 0;
    for _ in 0..FIT_SAMPLES_MIN {
        let begun = Instant::now();
        code_bytes = compile()?;
        samples.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    samples.sort_by(f64::total_cmp);
    Ok((samples[samples.len() / 2], code_bytes))
}
