//! The stages over a whole community, wave by wave; and one stage: its fit, its call over whole tables, its calls over
//! rows, and what happens where its plugin fails.

use std::sync::Arc;

use playbook_model::{
    Batch, CampaignPlan, Digest, Filling, Kind, Limits, OnFault, Outcome, Playbook, Stretch,
    TableAnswer,
};
use playbook_runtime::Reuse;
use rayon::ThreadPool;
use rayon::prelude::*;
use tracing::{Span, info_span};

use crate::book::Money;
use crate::community::{Community, TableColumns};
use crate::error::CycleError;
use crate::fit::{Buckets, CycleRows, FitStart, fit};
use crate::gather::{Gather, fillings, scatter};
use crate::ground::StageGround;
use crate::laps::Laps;
use crate::options::CycleOptions;
use crate::prepare::Prepared;
use crate::proposal::Candidate;
use crate::result::{ModelFacts, PlanMoney, StageRun, StageUsage};
use crate::source::DataSource;
use crate::stream::{RowFault, RowOutputs, Stream, missing_columns, stream, streams};

/// What a stage gave.
#[derive(Debug)]
struct StageEnd {
    /// Of the rows that it answers one by one.
    rows: RowOutputs,
    /// Of whole tables.
    tables: Vec<TableColumns>,
    /// How it ran.
    run: StageRun,
}

/// A stage while it runs, with the record of its run so far.
struct Attempt<'c> {
    community: &'c Community<'c>,
    stage: &'c Prepared,
    options: &'c CycleOptions<'c>,
    run: StageRun,
}

impl Community<'_> {
    /// The second step: takes the community through all stages, those of a wave at the same time; returns the
    /// proposals.
    ///
    /// # Errors
    /// A host's fault; a guest's only where its stage closes on faults.
    pub fn evaluate(
        &mut self,
        stages: &[Prepared],
        source: &mut dyn DataSource,
        money: &Money<'_>,
        options: &CycleOptions<'_>,
        pool: &ThreadPool,
        laps: &mut Laps,
    ) -> Result<Vec<Candidate>, CycleError> {
        let mut candidates = Vec::new();
        let cycle = Span::current();
        for wave in stages.chunk_by(|a, b| a.wave == b.wave) {
            let mut inputs = Vec::with_capacity(wave.len());
            for (at, stage) in wave.iter().enumerate() {
                inputs.push((at, stage, self.tables_of(stage, source)?));
            }
            laps.end("tables");
            // Stages that fit come first: a fit ends on one thread, and the other stages keep the other threads busy
            // then.
            inputs.sort_by_key(|(_, stage, _)| stage.shape.fit_passes_max == 0);
            let run = |(at, stage, tables): (usize, &Prepared, Vec<Batch>)| {
                let def = &stage.def;
                let Playbook { brand, id: playbook, .. } = self.playbook;
                let (name, plugin) = (&def.name, &stage.about.name);
                let _span =
                    info_span!(parent: &cycle, "stage", brand, playbook, stage = name, plugin)
                        .entered();
                let rules = &self.playbook.guardrails;
                let money = money.plan_money(&def.name, def.pool.as_deref(), rules);
                (at, self.run_stage(stage, tables.into(), money, options))
            };
            let mut ends: Vec<_> = pool.install(|| inputs.into_par_iter().map(run).collect());
            // Outputs join the frames in the order of stages, whichever ended first.
            ends.sort_by_key(|(at, _)| *at);
            for (at, end) in ends {
                let StageEnd { rows, tables, run } = end?;
                candidates.extend(rows.candidates);
                let subject = wave[at].shape.rows.as_ref().map_or("member", |t| t.subject.as_str());
                let of_rows = (subject.to_owned(), rows.columns);
                self.keep(std::iter::once(of_rows).chain(tables).collect(), run);
            }
            laps.end("stages");
        }
        self.remaining_tables(source)?;
        laps.end("tables");
        Ok(candidates)
    }

    /// Runs a stage; where its plugin fails, the version before, or nothing, or the end: as the playbook says.
    fn run_stage(
        &self,
        stage: &Prepared,
        tables: Arc<[Batch]>,
        money: PlanMoney,
        options: &CycleOptions<'_>,
    ) -> Result<StageEnd, CycleError> {
        let begin = |stage| Attempt { community: self, stage, options, run: blank(self, stage) };
        let mut first = begin(stage);
        let fault = match first.go(Arc::clone(&tables), money)? {
            Ok((rows, tables)) => return Ok(StageEnd { rows, tables, run: first.run }),
            Err(fault) => fault,
        };
        let name = &stage.def.name;
        match (stage.def.on_fault, &stage.last_good) {
            (OnFault::LastGood, Some(before)) => {
                tracing::warn!(stage = %name, %fault, "falling back to the version that closed the last cycle");
                let mut second = begin(before);
                let (rows, tables) =
                    second.go(tables, money)?.map_err(|fault| before.closed(fault, None))?;
                let mut run = second.run;
                let about = &stage.about;
                run.log.push(format!("{} {} failed: {fault}", about.name, about.version));
                Ok(StageEnd { rows, tables, run })
            }
            (OnFault::Skip, _) => {
                tracing::warn!(stage = %name, %fault, "left out");
                let rows = streamed_rows(self, stage);
                let columns =
                    if streams(stage) { missing_columns(stage, rows) } else { Vec::new() };
                let rows = RowOutputs { columns, ..RowOutputs::default() };
                let run = StageRun { fault: Some(fault), ..first.run };
                Ok(StageEnd { rows, tables: Vec::new(), run })
            }
            (OnFault::Close | OnFault::LastGood, _) => {
                Err(stage.closed(fault, first.run.fault_row))
            }
        }
    }
}

/// The record of a stage that has not run yet.
fn blank(community: &Community<'_>, stage: &Prepared) -> StageRun {
    let names = |subject: &str| community.names_of(subject).map(str::to_owned).collect();
    StageRun {
        position: stage.position,
        name: stage.def.name.clone(),
        about: stage.about.clone(),
        digest: stage.plugin.digest(),
        shape: Arc::clone(&stage.shape),
        wiring: Arc::clone(&stage.wiring),
        ground: StageGround::default(),
        model: None,
        plan: None,
        plan_money: None,
        findings: Vec::new(),
        transfers: Vec::new(),
        transfer_fates: Vec::new(),
        refused_slots: Vec::new(),
        places: stage.shape.tables.iter().map(|table| names(&table.subject)).collect(),
        usage: StageUsage::default(),
        log: Vec::new(),
        fault: None,
        fault_row: None,
    }
}

/// Rows that a stage answers one by one.
fn streamed_rows(community: &Community<'_>, stage: &Prepared) -> usize {
    stage.shape.rows.as_ref().map_or(0, |table| community.frame(&table.subject).rows())
}

impl Attempt<'_> {
    /// Fits, asks about whole tables, asks about rows. What it took stands in the record, whatever comes of it.
    fn go(
        &mut self,
        tables: Arc<[Batch]>,
        money: PlanMoney,
    ) -> Result<Outcome<(RowOutputs, Vec<TableColumns>)>, CycleError> {
        let (stage, community) = (self.stage, self.community);
        let need = stage.shape.rows.as_ref();
        let keys = need.map(|need| community.keys_of(&need.subject)).unwrap_or_default();
        let gather = match need {
            None => None,
            Some(need) => {
                let frame = community.frame(&need.subject);
                let inputs = &stage.wiring.rows;
                let previous = community.previous.of(&need.subject);
                let made = Gather::new(&need.columns, inputs, frame, previous, &keys);
                Some(made.map_err(|problem| stage.wrong_type(problem))?)
            }
        };
        let model = match self.fitted(gather.as_ref(), &tables)? {
            Ok(model) => model,
            Err(fault) => return Ok(Err(fault)),
        };
        self.run.ground = StageGround { model, tables, phase: 0 };
        let tables = match self.whole_tables(money)? {
            Ok(columns) => columns,
            Err(fault) => return Ok(Err(fault)),
        };
        self.run.ground.phase = running_phase(self.run.plan.as_ref());
        let rows = match gather.filter(|_| streams(stage)) {
            Some(gather) => self.rows(&gather)?,
            None => Ok(RowOutputs::default()),
        };
        Ok(rows.map(|rows| (rows, tables)))
    }

    /// Scores, segments, proposals, touches, screenings: calls over the rows.
    fn rows(&mut self, gather: &Gather<'_>) -> Result<Outcome<RowOutputs>, CycleError> {
        let input = Stream {
            stage: self.stage,
            context: self.community.context,
            gather,
            rows: streamed_rows(self.community, self.stage),
            ground: &self.run.ground,
            cancel: &self.options.cancel,
            progress: self.options.progress,
        };
        let mut log = Vec::new();
        let rows = stream(&input, &mut self.run.usage, &mut log)?;
        self.run.log.append(&mut log);
        Ok(rows.map_err(|RowFault { fault, row }| {
            let subject = self.stage.shape.rows.as_ref().map(|table| table.subject.as_str());
            self.run.fault_row = row.zip(subject).and_then(|(row, subject)| {
                let name = self.community.names_of(subject).nth(row)?;
                Some(format!("{subject} `{name}`"))
            });
            fault
        }))
    }

    fn fitted(
        &mut self,
        gather: Option<&Gather<'_>>,
        tables: &[Batch],
    ) -> Result<Outcome<Option<Arc<[u8]>>>, CycleError> {
        let (stage, community) = (self.stage, self.community);
        if stage.shape.fit_passes_max == 0 {
            return Ok(Ok(None));
        }
        let rows_max = stage.def.limits.fit_rows_max;
        let own;
        let subject = stage.shape.rows.as_ref().map(|table| table.subject.as_str());
        let buckets = match (subject, &community.buckets) {
            (Some("member"), Some(all)) if rows_max == Limits::default().fit_rows_max => all,
            _ => {
                let keys = subject.map(|subject| community.keys_of(subject)).unwrap_or_default();
                own = Buckets::cut(&keys, rows_max);
                &own
            }
        };
        let nothing = Gather::nothing();
        let start = FitStart {
            plugin: &stage.plugin,
            shape: &stage.shape,
            context: community.context,
            settings: &stage.settings,
            tables,
        };
        let part_name = format!("fit {}", stage.def.name);
        let rows = CycleRows {
            gather: gather.unwrap_or(&nothing),
            buckets,
            cancel: &self.options.cancel,
            progress: self.options.progress,
            part_name: &part_name,
        };
        Ok(fit(start, &rows, &mut self.run.usage)?.map(|end| {
            self.options.progress.finished(&part_name);
            self.run.model = Some(ModelFacts {
                digest: Digest::of(&end.fitted.model),
                bytes: end.fitted.model.len() as u64,
                passes: end.passes,
                measures: end.fitted.measures,
            });
            Some(end.fitted.model.into())
        }))
    }

    /// Plan, value or diagnose: one call over whole tables.
    fn whole_tables(&mut self, money: PlanMoney) -> Result<Outcome<Vec<TableColumns>>, CycleError> {
        let (stage, context) = (self.stage, self.community.context);
        if !matches!(stage.def.kind, Kind::Campaign | Kind::Roi | Kind::Diagnosis) {
            return Ok(Ok(Vec::new()));
        }
        let opening = self.run.ground.opening(stage, context, Reuse::Fresh);
        let opened = match stage.plugin.open(opening)? {
            Ok(opened) => opened,
            Err(fault) => return Ok(Err(fault)),
        };
        let answer = match stage.def.kind {
            Kind::Campaign => opened.plan(&context, money.budget())?.map(|plan| {
                self.plan(plan, money);
                None
            }),
            Kind::Roi => opened.value(&context)?.map(Some),
            _ => opened.diagnose(&context)?.map(Some),
        };
        let run = &mut self.run;
        run.usage.add(&StageUsage::from(opened.usage()));
        run.log.extend(opened.take_log().into_iter().map(|line| line.text));
        Ok(answer.map(|answer| answer.map_or_else(Vec::new, |answer| self.told(answer))))
    }

    fn plan(&mut self, plan: CampaignPlan, money: PlanMoney) {
        let share_max = self.community.playbook.guardrails.commercial_share_max;
        self.run.refused_slots = over_commercial(&plan, share_max);
        self.run.plan = Some(plan);
        self.run.plan_money = Some(money);
    }

    /// Records the findings and transfers of an answer about whole tables; returns its columns.
    fn told(&mut self, answer: TableAnswer) -> Vec<TableColumns> {
        self.run.findings = answer.findings;
        self.run.transfers = answer.transfers;
        let shape = &self.stage.shape;
        let rows = self.run.ground.tables.iter().map(|table| table.rows as usize);
        let tables = (0_u32..).zip(&shape.tables).zip(rows).zip(&answer.tables);
        let columns = tables.map(|(((at, need), rows), given)| {
            let of_table = || shape.produces.iter().filter(|p| p.table == Some(at));
            let whole = rows.next_multiple_of(8).max(8);
            let mut filled = fillings(&self.stage.def.name, of_table(), rows, whole);
            let mut stretches: Vec<Stretch<'_>> =
                filled.iter_mut().flat_map(Filling::stretches).collect();
            scatter(&mut stretches, of_table(), 0, rows, given);
            (need.subject.clone(), filled.into_iter().map(Filling::finish).collect())
        });
        columns.collect()
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

#[cfg(test)]
mod tests {
    use playbook_model::{CampaignPlan, Slot};

    use super::over_commercial;

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
}
