//! One cycle from members to decisions: every stage in order, then arbitration, then the ledger.

use std::collections::BTreeMap;

use playbook_ledger::Ledger;
use playbook_model::{
    Batch, CampaignPlan, Context, Digest, Filling, Frame, Kind, Limits, OnFault, Outcome, Playbook,
    Stretch, Subject, TableNeed, pseudonym,
};
use playbook_runtime::{OpenedPlugin, Opening, Reuse};
use rayon::prelude::*;

use crate::arbitrate::Candidate;
use crate::error::CycleError;
use crate::evaluate::StageGround;
use crate::facts::member_facts;
use crate::fit::{Buckets, CycleRows, FitStart, fit};
use crate::gather::{Gather, Rows, fillings, scatter};
use crate::graph::Input;
use crate::laps::Laps;
use crate::money::{Answer, Desk, Money, budget_plan, spenders};
use crate::prepare::Prepared;
use crate::progress::{Cancel, Progress};
use crate::result::{CycleRun, LedgerSpan, ModelFacts, StageRun, StageUsage};
use crate::source::{DataSource, Intake, SourceError};
use crate::stream::{Stream, Streamed, missing_columns, stream, streams};

/// Most rows of a table that goes to a plugin as a whole.
const TABLE_ROWS_MAX: usize = 65_536;

/// Takes the finished table of members.
pub type TakeMembers<'a> = dyn Fn(&Frame) -> Result<(), SourceError> + Sync + 'a;

/// Gives the run key of what was read.
pub type RunKey<'a> = dyn Fn(&Intake) -> Digest + Sync + 'a;

/// How a cycle runs.
pub struct CycleOptions<'a> {
    /// What stands for all inputs of the run, worked out from their digests.
    pub run_key: &'a RunKey<'a>,
    /// Whether grants are booked; false computes everything and grants nothing.
    pub books: bool,
    /// Threads that call plugins.
    pub threads: usize,
    /// Stops between batches.
    pub cancel: Cancel,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
    /// Gets the finished table of members while decisions are made, to write it meanwhile.
    pub members_done: Option<&'a TakeMembers<'a>>,
}

impl std::fmt::Debug for CycleOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CycleOptions").field("books", &self.books).finish_non_exhaustive()
    }
}

/// Returns the number of the cycle that a local minute falls into.
#[must_use]
pub fn cycle_number(local_min: i64, length_days: u32) -> i64 {
    local_min.div_euclid(24 * 60).div_euclid(i64::from(length_days.max(1)))
}

/// Runs one cycle. `ledger` is a rehearsal where nothing is to be booked.
///
/// # Errors
/// A host's fault; a guest's only where its stage closes on faults.
pub fn run_cycle(
    playbook: &Playbook,
    stages: &[Prepared],
    source: &mut dyn DataSource,
    ledger: &Ledger,
    options: &CycleOptions<'_>,
) -> Result<CycleRun, CycleError> {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(options.threads.max(1)).build();
    let pool = threads.map_err(|e| CycleError::Source(SourceError::new(e)))?;
    let mut laps = Laps::start();
    let members = source.members()?;
    laps.end("features");
    let mut cycle = Cycle::begin(playbook, stages, members, source, options)?;
    laps.end("keys");
    let run_key = (options.run_key)(source.digested()?);
    let plan = budget_plan(playbook);
    let money = Money::open(ledger, &plan, cycle.run.number, &cycle.context, run_key)?;
    laps.end("ledger");
    for wave in stages.chunk_by(|a, b| a.wave == b.wave) {
        let mut inputs = Vec::with_capacity(wave.len());
        for (at, stage) in wave.iter().enumerate() {
            inputs.push((at, stage, cycle.tables_of(stage, source)?));
        }
        laps.end("tables");
        // Fits end on one thread; begun first, they leave the others something to do meanwhile.
        inputs.sort_by_key(|(_, stage, _)| stage.shape.fit_passes_max == 0);
        let run = |(at, stage, tables): (usize, &Prepared, Vec<Batch>)| {
            (
                at,
                cycle.stage(
                    stage,
                    tables,
                    money.pool_available(stage.def.pool.as_deref()),
                    options,
                ),
            )
        };
        let mut done: Vec<(usize, Result<Done, CycleError>)> =
            pool.install(|| inputs.into_par_iter().map(run).collect());
        done.sort_by_key(|(at, _)| *at);
        for (at, done) in done {
            cycle.keep(&wave[at], done?);
        }
        laps.end("stages");
    }
    cycle.remaining_tables(source)?;
    laps.end("tables");
    let candidates = std::mem::take(&mut cycle.candidates);
    let (decided, taken) = pool.install(|| {
        let take = || options.members_done.map_or(Ok(()), |done| done(&cycle.run.members));
        rayon::join(|| cycle.decide(stages, candidates, &money, &mut laps), take)
    });
    laps.end("table of members");
    taken?;
    let answer = decided?;
    cycle.run.decisions = answer.decisions;
    cycle.run.accounts = answer.accounts;
    cycle.run.ledger = answer.span;
    cycle.run.laps = laps;
    cycle.run.booked = options.books;
    Ok(cycle.run)
}

/// A cycle while it runs.
struct Cycle<'a> {
    playbook: &'a Playbook,
    context: Context,
    run: CycleRun,
    buckets: Option<Buckets>,
    candidates: Vec<Candidate>,
}

/// Columns that a stage adds to tables, by subject.
type TableColumns = Vec<(String, Vec<playbook_model::Column>)>;

/// What a stage gave.
#[derive(Default)]
struct Done {
    streamed: Streamed,
    tables: TableColumns,
    run: Option<StageRun>,
}

impl<'a> Cycle<'a> {
    fn begin(
        playbook: &'a Playbook,
        stages: &[Prepared],
        members: Frame,
        source: &mut dyn DataSource,
        options: &CycleOptions<'_>,
    ) -> Result<Self, CycleError> {
        let intake = source.intake();
        let context = intake.context(playbook.seed);
        let number = cycle_number(intake.local_min, playbook.cycle.length_days);
        let salt = format!("{}\0{}", playbook.brand, playbook.pseudonym_salt);
        let ids = members.column("member");
        let keys: Vec<i64> = (0..members.rows())
            .into_par_iter()
            .map(|row| pseudonym(salt.as_bytes(), ids.and_then(|c| c.text(row)).unwrap_or("")))
            .collect();
        let previous = previous(stages, source, &members)?;
        let buckets = stages
            .iter()
            .any(|s| s.shape.fit_passes_max > 0)
            .then(|| Buckets::cut(&keys, Limits::default().fit_rows_max));
        if options.cancel.is_cancelled() {
            return Err(CycleError::Cancelled);
        }
        Ok(Self {
            playbook,
            context,
            run: CycleRun {
                number,
                members,
                keys,
                previous,
                tables: BTreeMap::new(),
                stages: Vec::new(),
                decisions: Vec::new(),
                accounts: Vec::new(),
                ledger: LedgerSpan::default(),
                booked: false,
                laps: Laps::start(),
            },
            buckets,
            candidates: Vec::new(),
        })
    }

    /// Makes sure that every table that the stage reads is there; returns their rows for the guest.
    fn tables_of(
        &mut self,
        stage: &Prepared,
        source: &mut dyn DataSource,
    ) -> Result<Vec<Batch>, CycleError> {
        let rows = stage.shape.rows.iter().map(|t| t.subject.as_str());
        let wanted = stage.shape.tables.iter().map(|t| t.subject.as_str()).chain(rows);
        for subject in wanted.filter(|s| *s != "member") {
            if !self.run.tables.contains_key(subject) {
                let table = source.table(&Subject(subject.to_owned()), &self.run.members)?;
                self.run.tables.insert(subject.to_owned(), table);
            }
        }
        stage
            .shape
            .tables
            .iter()
            .zip(&stage.wiring.tables)
            .map(|(need, inputs)| self.whole(stage, need, inputs))
            .collect()
    }

    fn whole(
        &self,
        stage: &Prepared,
        need: &TableNeed,
        inputs: &[Input],
    ) -> Result<Batch, CycleError> {
        let frame = self.frame(&need.subject);
        if frame.rows() > TABLE_ROWS_MAX {
            return Err(CycleError::TableTooLong {
                stage: stage.def.name.clone(),
                subject: need.subject.clone(),
                rows: frame.rows(),
            });
        }
        let keys = self.keys_of(&need.subject);
        let gather = Gather::new(&need.columns, inputs, frame, &self.run.previous, &keys)
            .map_err(|problem| stage.wrong_type(problem))?;
        Ok(gather.batch(Rows::Range { start: 0, len: frame.rows() }))
    }

    fn frame(&self, subject: &str) -> &Frame {
        static NOTHING: std::sync::OnceLock<Frame> = std::sync::OnceLock::new();
        if subject == "member" {
            &self.run.members
        } else {
            self.run.tables.get(subject).unwrap_or_else(|| NOTHING.get_or_init(Frame::default))
        }
    }

    /// Pseudonyms of a subject's rows.
    fn keys_of(&self, subject: &str) -> Vec<i64> {
        if subject == "member" {
            return self.run.keys.clone();
        }
        let frame = self.frame(subject);
        let column = frame.columns().first();
        let text = |row| column.and_then(|c| c.text(row)).unwrap_or("");
        (0..frame.rows()).map(|row| pseudonym(subject.as_bytes(), text(row))).collect()
    }

    /// Runs a stage; where its plugin fails, the version before, or nothing, or the end: as the playbook says.
    fn stage(
        &self,
        stage: &Prepared,
        tables: Vec<Batch>,
        budget: playbook_model::Minor,
        options: &CycleOptions<'_>,
    ) -> Result<Done, CycleError> {
        let mut run = self.blank(stage);
        let fault = match self.attempt(stage, &mut run, tables.clone(), budget, options)? {
            Ok(mut done) => {
                done.run = Some(run);
                return Ok(done);
            }
            Err(fault) => fault,
        };
        let name = &stage.def.name;
        match (stage.def.on_fault, &stage.last_good) {
            (OnFault::LastGood, Some(before)) => {
                tracing::warn!(stage = %name, %fault, "falling back to the version that closed the last cycle");
                let mut run = self.blank(before);
                match self.attempt(before, &mut run, tables, budget, options)? {
                    Ok(mut done) => {
                        run.log.push(format!(
                            "{} {} failed: {fault}",
                            stage.about.name, stage.about.version
                        ));
                        done.run = Some(run);
                        Ok(done)
                    }
                    Err(fault) => Err(before.closed(fault)),
                }
            }
            (OnFault::Skip, _) => {
                tracing::warn!(stage = %name, %fault, "left out");
                run.fault = Some(fault);
                let rows = self.streamed_rows(stage);
                let columns =
                    if streams(stage) { missing_columns(stage, rows) } else { Vec::new() };
                let streamed = Streamed { columns, ..Streamed::default() };
                Ok(Done { streamed, run: Some(run), ..Done::default() })
            }
            (OnFault::Close | OnFault::LastGood, _) => Err(stage.closed(fault)),
        }
    }

    fn blank(&self, stage: &Prepared) -> StageRun {
        let places = stage.shape.tables.iter().map(|t| {
            let frame = self.frame(&t.subject);
            let key = frame.columns().first();
            (0..frame.rows())
                .map(|r| key.and_then(|k| k.text(r)).unwrap_or("").to_owned())
                .collect()
        });
        StageRun {
            position: stage.position,
            name: stage.def.name.clone(),
            about: stage.about.clone(),
            digest: stage.plugin.digest(),
            shape: stage.shape.clone(),
            wiring: stage.wiring.clone(),
            ground: StageGround::default(),
            model: None,
            plan: None,
            findings: Vec::new(),
            transfers: Vec::new(),
            refused_slots: Vec::new(),
            places: places.collect(),
            usage: StageUsage::default(),
            log: Vec::new(),
            fault: None,
        }
    }

    fn streamed_rows(&self, stage: &Prepared) -> usize {
        stage.shape.rows.as_ref().map_or(0, |t| self.frame(&t.subject).rows())
    }

    fn attempt(
        &self,
        stage: &Prepared,
        run: &mut StageRun,
        tables: Vec<Batch>,
        budget: playbook_model::Minor,
        options: &CycleOptions<'_>,
    ) -> Result<Outcome<Done>, CycleError> {
        let keys;
        let gather = match &stage.shape.rows {
            None => None,
            Some(need) => {
                keys = self.keys_of(&need.subject);
                let frame = self.frame(&need.subject);
                let made = Gather::new(
                    &need.columns,
                    &stage.wiring.rows,
                    frame,
                    &self.run.previous,
                    &keys,
                );
                Some(made.map_err(|problem| stage.wrong_type(problem))?)
            }
        };
        let model = match self.fitted(stage, run, gather.as_ref(), &tables, options)? {
            Ok(model) => model,
            Err(fault) => return Ok(Err(fault)),
        };
        run.ground = StageGround { model: model.clone(), tables: tables.clone(), phase: 0 };
        let mut done = Done::default();
        if matches!(stage.def.kind, Kind::Campaign | Kind::Roi | Kind::Diagnosis) {
            match self.whole_tables(stage, run, model.clone(), tables.clone(), budget)? {
                Ok(columns) => done.tables = columns,
                Err(fault) => return Ok(Err(fault)),
            }
        }
        run.ground.phase = running_phase(run.plan.as_ref());
        if streams(stage)
            && let Some(gather) = &gather
        {
            let input = Stream {
                stage,
                context: self.context,
                gather,
                rows: self.streamed_rows(stage),
                model,
                tables,
                phase: run.ground.phase,
                cancel: &options.cancel,
                progress: options.progress,
            };
            match stream(&input, &mut run.usage)? {
                Ok(streamed) => done.streamed = streamed,
                Err(fault) => return Ok(Err(fault)),
            }
            run.log.append(&mut done.streamed.log);
        }
        Ok(Ok(done))
    }

    fn fitted(
        &self,
        stage: &Prepared,
        run: &mut StageRun,
        gather: Option<&Gather<'_>>,
        tables: &[Batch],
        options: &CycleOptions<'_>,
    ) -> Result<Outcome<Option<Vec<u8>>>, CycleError> {
        if stage.shape.fit_passes_max == 0 {
            return Ok(Ok(None));
        }
        let rows_max = stage.def.limits.fit_rows_max;
        let own;
        let buckets = match (stage.shape.rows.as_ref().map(|t| t.subject.as_str()), &self.buckets) {
            (Some("member"), Some(buckets)) if rows_max == Limits::default().fit_rows_max => {
                buckets
            }
            (subject, _) => {
                own = Buckets::cut(&subject.map_or_else(Vec::new, |s| self.keys_of(s)), rows_max);
                &own
            }
        };
        let empty;
        let gather = match gather {
            Some(gather) => gather,
            None => {
                empty = Gather::new(&[], &[], &self.run.members, &[], &[])
                    .map_err(|problem| stage.wrong_type(problem))?;
                &empty
            }
        };
        let settings = stage.settings();
        let start = FitStart {
            plugin: &stage.plugin,
            shape: &stage.shape,
            context: self.context,
            settings: &settings,
            tables,
        };
        let part_name = format!("fit {}", stage.def.name);
        let rows = CycleRows {
            gather,
            buckets,
            cancel: &options.cancel,
            progress: options.progress,
            part_name: &part_name,
        };
        Ok(fit(start, &rows, &mut run.usage)?.map(|end| {
            options.progress.finished(&part_name);
            run.model = Some(ModelFacts {
                digest: Digest::of(&end.fitted.model),
                bytes: end.fitted.model.len() as u64,
                passes: end.passes,
                measures: end.fitted.measures,
            });
            Some(end.fitted.model)
        }))
    }

    /// Plan, value or diagnose: one call over whole tables.
    fn whole_tables(
        &self,
        stage: &Prepared,
        run: &mut StageRun,
        model: Option<Vec<u8>>,
        tables: Vec<Batch>,
        budget: playbook_model::Minor,
    ) -> Result<Outcome<TableColumns>, CycleError> {
        let rows: Vec<usize> = tables.iter().map(|t| t.rows as usize).collect();
        let opening = Opening {
            context: self.context,
            settings: stage.settings(),
            model,
            tables,
            reuse: Reuse::Fresh,
        };
        let opened: OpenedPlugin = match stage.plugin.open(opening)? {
            Ok(opened) => opened,
            Err(fault) => return Ok(Err(fault)),
        };
        let answer = match stage.def.kind {
            Kind::Campaign => opened.plan(&self.context, budget)?.map(|plan| {
                run.refused_slots =
                    over_commercial(&plan, self.playbook.guardrails.commercial_share_max);
                run.plan = Some(plan);
                None
            }),
            Kind::Roi => opened.value(&self.context)?.map(Some),
            Kind::Diagnosis => opened.diagnose(&self.context)?.map(Some),
            Kind::Scoring | Kind::Segmentation | Kind::Incentive => Ok(None),
        };
        run.usage.add(&StageUsage::from(opened.usage()));
        run.log.extend(opened.take_log().into_iter().map(|line| line.text));
        Ok(answer.map(|answer| {
            let Some(answer) = answer else { return Vec::new() };
            run.findings = answer.findings;
            run.transfers = answer.transfers;
            let mut columns = Vec::new();
            for (at, (need, given)) in stage.shape.tables.iter().zip(&answer.tables).enumerate() {
                let of_table =
                    || stage.shape.produces.iter().filter(|p| p.table == u32::try_from(at).ok());
                let whole = rows[at].next_multiple_of(8).max(8);
                let mut filled = fillings(&stage.def.name, of_table(), rows[at], whole);
                let mut stretches: Vec<Stretch<'_>> =
                    filled.iter_mut().flat_map(Filling::stretches).collect();
                scatter(&mut stretches, of_table(), 0, rows[at], given);
                columns.push((
                    need.subject.clone(),
                    filled.into_iter().map(Filling::finish).collect(),
                ));
            }
            columns
        }))
    }

    fn keep(&mut self, stage: &Prepared, done: Done) {
        let subject = stage.shape.rows.as_ref().map_or("member", |t| t.subject.as_str());
        for column in done.streamed.columns {
            if subject == "member" {
                self.run.members.push(column);
            } else if let Some(table) = self.run.tables.get_mut(subject) {
                table.push(column);
            }
        }
        for (subject, columns) in done.tables {
            let frame = if subject == "member" {
                Some(&mut self.run.members)
            } else {
                self.run.tables.get_mut(&subject)
            };
            if let Some(frame) = frame {
                columns.into_iter().for_each(|column| frame.push(column));
            }
        }
        self.candidates.extend(done.streamed.candidates);
        self.run.stages.extend(done.run);
    }

    /// Tables that the playbook declares and no stage asked for: the report shows them.
    fn remaining_tables(&mut self, source: &mut dyn DataSource) -> Result<(), CycleError> {
        for feature in &self.playbook.features {
            let subject = &feature.subject;
            if subject.0 != "member" && !self.run.tables.contains_key(&subject.0) {
                let table = source.table(subject, &self.run.members)?;
                self.run.tables.insert(subject.0.clone(), table);
            }
        }
        Ok(())
    }

    fn decide(
        &self,
        stages: &[Prepared],
        candidates: Vec<Candidate>,
        money: &Money<'_>,
        laps: &mut Laps,
    ) -> Result<Answer, CycleError> {
        let spenders = spenders(stages);
        let desk = Desk::new(&self.playbook.guardrails, &spenders);
        let purposes = &desk.purposes;
        let members = member_facts(self.playbook, stages, &self.run.members, purposes, &candidates);
        Ok(money.decide(&desk, members.facts(&self.run.keys), candidates, laps)?)
    }
}

/// The phase that runs on the day of the as-of time.
fn running_phase(plan: Option<&CampaignPlan>) -> u32 {
    let at = plan.and_then(|p| p.phases.iter().position(|f| f.first_day == 0));
    at.and_then(|at| u32::try_from(at).ok()).unwrap_or(0)
}

/// Slots in order of time that break GR-2: one more commercial slot fits when
/// c + 1 <= max(cap * (n + 1), 1 where cap > 0).
fn over_commercial(plan: &CampaignPlan, cap: f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.slots.len()).collect();
    order.sort_by_key(|i| (plan.slots[*i].day, plan.slots[*i].minute, *i));
    let (mut all, mut commercial) = (0.0, 0.0);
    let mut refused = Vec::new();
    for i in order {
        if plan.slots[i].commercial {
            let least = if cap > 0.0 { 1.0 } else { 0.0 };
            if commercial + 1.0 > (cap * (all + 1.0)).max(least) {
                refused.push(i);
                continue;
            }
            commercial += 1.0;
        }
        all += 1.0;
    }
    refused.sort_unstable();
    refused
}

/// Outputs of the last two closed cycles that stages read, and the segments for the report.
fn previous(
    stages: &[Prepared],
    source: &mut dyn DataSource,
    members: &Frame,
) -> Result<Vec<Frame>, CycleError> {
    let mut wanted: [Vec<String>; 2] = [Vec::new(), Vec::new()];
    for stage in stages {
        if stage.def.kind == Kind::Segmentation {
            wanted[0].push(format!("{}.segment", stage.def.name));
        }
        for input in &stage.wiring.rows {
            if let Input::Previous(ago, name) = input
                && let Some(list) = wanted.get_mut(usize::from(*ago).wrapping_sub(1))
            {
                list.push(name.clone());
            }
        }
    }
    let mut frames = Vec::new();
    for (ago, mut names) in (1_u8..).zip(wanted) {
        names.sort();
        names.dedup();
        frames.push(if names.is_empty() {
            Frame::with_rows(members.rows())
        } else {
            source.previous(ago, &names, members)?
        });
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use playbook_model::{CampaignPlan, Slot};

    use super::{cycle_number, over_commercial};

    fn slot(day: u32, commercial: bool) -> Slot {
        Slot {
            phase: 0,
            day,
            minute: 0,
            place: None,
            format: String::new(),
            layer: String::new(),
            theme: String::new(),
            commercial,
        }
    }

    #[test]
    fn commercial_slots_over_the_share_are_refused_latest_first() {
        let slots = (0..10).map(|day| slot(day, day % 2 == 0)).collect();
        let plan = CampaignPlan { slots, ..CampaignPlan::default() };
        // One is always allowed; a second fits only from the tenth publication on.
        assert_eq!(over_commercial(&plan, 0.2), [2, 4, 6, 8]);
        assert_eq!(over_commercial(&plan, 0.0), [0, 2, 4, 6, 8]);
        assert!(over_commercial(&plan, 1.0).is_empty());
    }

    #[test]
    fn cycles_are_numbered_by_the_local_day() {
        assert_eq!(cycle_number(28 * 24 * 60 - 1, 28), 0);
        assert_eq!(cycle_number(28 * 24 * 60, 28), 1);
        assert_eq!(cycle_number(-1, 28), -1);
    }
}
