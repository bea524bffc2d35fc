//! Stages that answer row by row: scoring, segmentation, incentives, touches of a campaign, screening.
//!
//! Rows are cut into groups of fixed size. A group is served by one instance from its first batch to its
//! last, so that fuel is the same whatever the number of threads; groups run in parallel.

use std::ops::Range;

use playbook_model::{
    Batch, Bitmap, Cells, Column, Context, Fault, Filling, Kind, NONE_INDEX, Outcome, Produce,
    Proposals, RowAnswer, Segments, Stretch,
};
use playbook_runtime::{OpenedPlugin, Opening, Reuse, RuntimeError};
use rayon::prelude::*;

use crate::error::CycleError;
use crate::gather::{Gather, Rows, columns, scatter};
use crate::ground::StageGround;
use crate::prepare::Prepared;
use crate::progress::{Cancel, Progress};
use crate::proposal::Candidate;
use crate::result::StageUsage;

/// Rows of one call.
pub(crate) const BATCH_ROWS: usize = 4_096;
/// Rows that one instance serves.
const GROUP_ROWS: usize = 4 * BATCH_ROWS;

/// What a streamed stage works on.
pub(crate) struct Stream<'a> {
    pub(crate) stage: &'a Prepared,
    pub(crate) context: Context,
    pub(crate) gather: &'a Gather<'a>,
    pub(crate) rows: usize,
    pub(crate) ground: &'a StageGround,
    pub(crate) cancel: &'a Cancel,
    pub(crate) progress: &'a dyn Progress,
}

/// What a stage said of rows: columns, or proposals.
#[derive(Debug, Default)]
pub(crate) struct RowOutputs {
    pub(crate) columns: Vec<Column>,
    pub(crate) candidates: Vec<Candidate>,
}

/// What a group came to, besides the rows that it filled.
#[derive(Default)]
struct Group {
    candidates: Vec<Candidate>,
    usage: StageUsage,
    log: Vec<String>,
}

/// A guest's fault, with the row that it cannot be asked about, where it is one row's.
pub(crate) struct RowFault {
    pub(crate) fault: Fault,
    pub(crate) row: Option<usize>,
}

impl From<Fault> for RowFault {
    fn from(fault: Fault) -> Self {
        Self { fault, row: None }
    }
}

/// Runs a streamed stage; the guest's fault is in the outcome. `usage` and `log` get what it took and said.
pub(crate) fn stream(
    input: &Stream<'_>,
    usage: &mut StageUsage,
    log: &mut Vec<String>,
) -> Result<Result<RowOutputs, RowFault>, CycleError> {
    let reuse = Reuse::Warm { calls_max: u32::MAX };
    let opening = input.ground.opening(input.stage, input.context, reuse);
    let starts: Vec<usize> = (0..input.rows.max(1)).step_by(GROUP_ROWS).collect();
    let mut columns = outputs(input.stage, input.rows);
    let mut stretches: Vec<Vec<Stretch<'_>>> = starts.iter().map(|_| Vec::new()).collect();
    for column in &mut columns {
        column.stretches().zip(&mut stretches).for_each(|(stretch, group)| group.push(stretch));
    }
    let groups: Vec<Result<Result<Group, RowFault>, CycleError>> = starts
        .par_iter()
        .zip(stretches)
        .map(|(start, mut stretches)| group(input, &opening, *start, &mut stretches))
        .collect();
    let mut out = RowOutputs::default();
    let mut faulted = None;
    for group in groups {
        match group? {
            Ok(mut group) => {
                usage.add(&group.usage);
                log.append(&mut group.log);
                out.candidates.append(&mut group.candidates);
            }
            Err(fault) => {
                usage.faults += 1;
                faulted = faulted.or(Some(fault));
            }
        }
    }
    if let Some(fault) = faulted {
        return Ok(Err(fault));
    }
    out.columns = columns.into_iter().map(Filling::finish).collect();
    input.progress.finished(&input.stage.def.name);
    Ok(Ok(out))
}

/// Whether a stage answers row by row.
pub(crate) fn streams(stage: &Prepared) -> bool {
    match stage.def.kind {
        Kind::Scoring | Kind::Segmentation | Kind::Incentive => true,
        Kind::Campaign => stage.shape.rows.is_some(),
        // Rows without outputs are there for a fit alone.
        Kind::Diagnosis => row_produces(stage).next().is_some(),
        Kind::Roi => false,
    }
}

/// Columns that a streamed stage adds, without a row: its segment first.
pub(crate) fn output_columns(stage: &Prepared) -> Vec<Column> {
    let segment = (stage.def.kind == Kind::Segmentation).then(|| Column {
        name: format!("{}.segment", stage.def.name),
        unit: String::new(),
        cells: Cells::Category {
            codes: Vec::new(),
            names: stage.shape.segments.iter().map(|s| s.name.clone()).collect(),
        },
        valid: None,
    });
    segment.into_iter().chain(columns(&stage.def.name, row_produces(stage))).collect()
}

/// Columns like these while `rows` rows of them are filled.
pub(crate) fn filled(columns: &[Column], rows: usize) -> Vec<Filling> {
    columns.iter().map(|column| Filling::new(column.clone(), rows, GROUP_ROWS)).collect()
}

/// Columns like these, everything missing.
pub(crate) fn without_values(columns: &[Column], rows: usize) -> impl Iterator<Item = Column> {
    let all_missing =
        move |column: Column| Column { valid: Some(Bitmap::filled(rows, false)), ..column };
    filled(columns, rows).into_iter().map(move |filling| all_missing(filling.finish()))
}

/// Columns that a streamed stage fills.
pub(crate) fn outputs(stage: &Prepared, rows: usize) -> Vec<Filling> {
    filled(&output_columns(stage), rows)
}

/// Outputs of the streamed rows.
pub(crate) fn row_produces(stage: &Prepared) -> impl Iterator<Item = &Produce> {
    stage.shape.produces.iter().filter(|p| p.table.is_none())
}

fn group(
    input: &Stream<'_>,
    opening: &Opening,
    start: usize,
    stretches: &mut [Stretch<'_>],
) -> Result<Result<Group, RowFault>, CycleError> {
    let opened = match input.stage.plugin.open(opening.clone())? {
        Ok(opened) => opened,
        Err(fault) => return Ok(Err(fault.into())),
    };
    let mut group = Group::default();
    let end = (start + GROUP_ROWS).min(input.rows);
    for at in (start..end).step_by(BATCH_ROWS) {
        if input.cancel.is_cancelled() {
            return Err(CycleError::Cancelled);
        }
        let len = BATCH_ROWS.min(end - at);
        let batch = input.gather.batch(Rows::Range { start: at, len });
        let place = (start, at - start);
        if let Err(fault) = call(input, &opened, &batch, place, stretches, &mut group.candidates)? {
            let of_row = failing_row(input, opening, at..at + len)?;
            return Ok(Err(of_row.unwrap_or_else(|| fault.into())));
        }
        input.progress.advanced(&input.stage.def.name, len as u64, Some(input.rows as u64));
    }
    group.usage = StageUsage::from(opened.usage());
    group.log = opened.take_log().into_iter().map(|line| line.text).collect();
    Ok(Ok(group))
}

/// The first of rows that fail together which fails alone, with the fault that it gives then: a binary search. `None`
/// where none does, and for limits and words, which are about many rows.
fn failing_row(
    input: &Stream<'_>,
    opening: &Opening,
    rows: Range<usize>,
) -> Result<Option<RowFault>, CycleError> {
    let fault_of = |rows: &Range<usize>| -> Result<Option<Fault>, CycleError> {
        let opened = match input.stage.plugin.open(opening.clone())? {
            Ok(opened) => opened,
            Err(_) => return Ok(None),
        };
        let picked: Vec<u32> = rows.clone().filter_map(|row| u32::try_from(row).ok()).collect();
        let batch = input.gather.batch(Rows::Picked(&picked));
        let phase = input.ground.phase;
        let said = ask(input.stage.def.kind, &opened, &input.context, phase, &batch)?;
        Ok(said.err().filter(|fault| matches!(fault, Fault::Trap { .. } | Fault::Malformed(_))))
    };
    let mut rows = rows;
    let Some(mut fault) = fault_of(&rows)? else { return Ok(None) };
    while rows.len() > 1 {
        if input.cancel.is_cancelled() {
            return Err(CycleError::Cancelled);
        }
        let middle = rows.start + rows.len() / 2;
        let halves = [rows.start..middle, middle..rows.end];
        let mut failing = None;
        for half in halves {
            if let Some(fault) = fault_of(&half)? {
                failing = Some((half, fault));
                break;
            }
        }
        let Some((half, of_half)) = failing else { return Ok(None) };
        (rows, fault) = (half, of_half);
    }
    Ok(Some(RowFault { fault, row: Some(rows.start) }))
}

/// What a stage says of rows.
pub(crate) enum Said {
    /// Outputs of scoring and of screening.
    Rows(RowAnswer),
    /// A segment a row, and outputs.
    Segments(Segments),
    /// Incentives and touches.
    Proposals(Proposals),
}

/// Asks an opened stage for the rows of a batch; `phase` is the running phase of a campaign.
pub(crate) fn ask(
    kind: Kind,
    opened: &OpenedPlugin,
    context: &Context,
    phase: u32,
    batch: &Batch,
) -> Result<Outcome<Said>, RuntimeError> {
    Ok(match kind {
        Kind::Scoring => opened.score(context, batch)?.map(Said::Rows),
        Kind::Diagnosis => opened.screen(context, batch)?.map(Said::Rows),
        Kind::Segmentation => opened.assign(context, batch)?.map(Said::Segments),
        Kind::Incentive => opened.propose(context, batch)?.map(Said::Proposals),
        Kind::Campaign => opened.touch(context, phase, batch)?.map(Said::Proposals),
        Kind::Roi => Err(Fault::Malformed("the plugin answers whole tables, not rows".to_owned())),
    })
}

/// Calls the plugin over the rows from `at` of the group on and writes what it answers.
fn call(
    input: &Stream<'_>,
    opened: &OpenedPlugin,
    batch: &Batch,
    (group_start, at): (usize, usize),
    stretches: &mut [Stretch<'_>],
    proposed: &mut Vec<Candidate>,
) -> Result<Outcome<()>, RuntimeError> {
    let said = ask(input.stage.def.kind, opened, &input.context, input.ground.phase, batch)?;
    Ok(said.map(|said| match said {
        Said::Proposals(proposals) => {
            candidates(input.stage.position, group_start + at, &proposals, proposed);
        }
        other => write(input.stage, &other, at, batch.rows as usize, stretches),
    }))
}

/// Writes what a stage said of `rows` rows to its columns, from row `at` of them on.
pub(crate) fn write(
    stage: &Prepared,
    said: &Said,
    at: usize,
    rows: usize,
    stretches: &mut [Stretch<'_>],
) {
    let (stretches, answer) = match said {
        Said::Proposals(_) => return,
        Said::Rows(answer) => (stretches, answer),
        Said::Segments(answer) => {
            let Some((segments, outputs)) = stretches.split_first_mut() else { return };
            for (row, segment) in (at..).zip(&answer.segment) {
                match *segment {
                    NONE_INDEX => segments.miss(row),
                    segment => segments.integer(row, i64::from(segment)),
                }
            }
            (outputs, &answer.answer)
        }
    };
    scatter(stretches, row_produces(stage), at, rows, &answer.columns);
}

/// Adds the proposals of rows from `start` on to the candidates.
pub(crate) fn candidates(
    position: usize,
    start: usize,
    from: &Proposals,
    out: &mut Vec<Candidate>,
) {
    let stage = u16::try_from(position).unwrap_or(u16::MAX);
    for i in 0..from.row.len() {
        out.push(Candidate {
            stage,
            action: u16::try_from(from.action[i]).unwrap_or(u16::MAX),
            row: u32::try_from(start).unwrap_or(u32::MAX).saturating_add(from.row[i]),
            quantity: from.quantity[i],
            cost: from.cost[i],
            expected_output: from.expected_output[i],
            reason: from.reason[i],
            after_min: from.after(i),
            until_min: from.until(i),
        });
    }
}

/// Columns of a stage that was left out: everything missing.
pub(crate) fn missing_columns(stage: &Prepared, rows: usize) -> Vec<Column> {
    without_values(&output_columns(stage), rows).collect()
}
