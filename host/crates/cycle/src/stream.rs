//! Stages that answer row by row: scoring, segmentation, incentives, touches of a campaign.
//!
//! Rows are cut into groups of fixed size. A group is served by one instance from its first batch to its
//! last, so that fuel is the same whatever the number of threads; groups run in parallel.

use playbook_model::{
    Batch, Cells, Column, Context, Fault, Kind, NONE_INDEX, Outcome, Produce, Proposals,
};
use playbook_runtime::{OpenedPlugin, Opening, Reuse, RuntimeError};
use rayon::prelude::*;

use crate::arbitrate::Candidate;
use crate::error::CycleError;
use crate::gather::{Gather, Rows, Scatter};
use crate::prepare::Prepared;
use crate::progress::{Cancel, Progress};
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
    pub(crate) model: Option<Vec<u8>>,
    pub(crate) tables: Vec<Batch>,
    /// Running phase of a campaign.
    pub(crate) phase: u32,
    pub(crate) cancel: &'a Cancel,
    pub(crate) progress: &'a dyn Progress,
}

/// What a streamed stage came to.
#[derive(Debug, Default)]
pub(crate) struct Streamed {
    pub(crate) columns: Vec<Column>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) log: Vec<String>,
}

/// Answers of one batch.
enum Answer {
    Rows(playbook_model::RowAnswer),
    Segments(playbook_model::Segments),
    Proposals(Proposals),
}

#[derive(Default)]
struct Group {
    answers: Vec<(usize, usize, Answer)>,
    usage: StageUsage,
    log: Vec<String>,
}

/// Runs a streamed stage; the guest's fault is in the outcome.
pub(crate) fn stream(
    input: &Stream<'_>,
    usage: &mut StageUsage,
) -> Result<Outcome<Streamed>, CycleError> {
    let opening = Opening {
        context: input.context,
        settings: input.stage.settings(),
        model: input.model.clone(),
        tables: input.tables.clone(),
        reuse: Reuse::Warm { calls_max: u32::MAX },
    };
    let starts: Vec<usize> = (0..input.rows.max(1)).step_by(GROUP_ROWS).collect();
    let groups: Vec<Result<Outcome<Group>, CycleError>> =
        starts.par_iter().map(|start| group(input, &opening, *start)).collect();
    let mut out = Streamed::default();
    let mut scatter = Scatter::new(&input.stage.def.name, row_produces(input.stage), input.rows);
    let mut segments: Vec<u32> = Vec::new();
    let mut faulted = None;
    for group in groups {
        let group = match group? {
            Ok(group) => group,
            Err(fault) => {
                usage.faults += 1;
                faulted = faulted.or(Some(fault));
                continue;
            }
        };
        usage.add(&group.usage);
        out.log.extend(group.log);
        for (start, rows, answer) in group.answers {
            match answer {
                Answer::Rows(answer) => scatter.append(&answer.columns, rows),
                Answer::Segments(answer) => {
                    segments.extend_from_slice(&answer.segment);
                    scatter.append(&answer.answer.columns, rows);
                }
                Answer::Proposals(proposals) => {
                    candidates(input.stage.position, start, &proposals, &mut out.candidates);
                }
            }
        }
    }
    if let Some(fault) = faulted {
        return Ok(Err(fault));
    }
    if input.stage.def.kind == Kind::Segmentation {
        out.columns.push(segment_column(input.stage, segments));
    }
    if matches!(input.stage.def.kind, Kind::Scoring | Kind::Segmentation) {
        out.columns.extend(scatter.finish());
    }
    input.progress.finished(&input.stage.def.name);
    Ok(Ok(out))
}

/// Outputs of the streamed rows.
pub(crate) fn row_produces(stage: &Prepared) -> impl Iterator<Item = &Produce> {
    stage.shape.produces.iter().filter(|p| p.table.is_none())
}

fn group(input: &Stream<'_>, opening: &Opening, start: usize) -> Result<Outcome<Group>, CycleError> {
    let opened = match input.stage.plugin.open(opening.clone())? {
        Ok(opened) => opened,
        Err(fault) => return Ok(Err(fault)),
    };
    let mut group = Group::default();
    let end = (start + GROUP_ROWS).min(input.rows);
    for at in (start..end).step_by(BATCH_ROWS) {
        if input.cancel.is_cancelled() {
            return Err(CycleError::Cancelled);
        }
        let len = BATCH_ROWS.min(end - at);
        let batch = input.gather.batch(Rows::Range { start: at, len });
        match call(input, &opened, &batch)? {
            Ok(answer) => group.answers.push((at, len, answer)),
            Err(fault) => return Ok(Err(fault)),
        }
        input.progress.advanced(&input.stage.def.name, len as u64, Some(input.rows as u64));
    }
    group.usage = StageUsage::from(opened.usage());
    group.log = opened.take_log().into_iter().map(|line| line.text).collect();
    Ok(Ok(group))
}

fn call(
    input: &Stream<'_>,
    opened: &OpenedPlugin,
    batch: &Batch,
) -> Result<Outcome<Answer>, RuntimeError> {
    let context = &input.context;
    Ok(match input.stage.def.kind {
        Kind::Scoring => opened.score(context, batch)?.map(Answer::Rows),
        Kind::Segmentation => opened.assign(context, batch)?.map(Answer::Segments),
        Kind::Incentive => opened.propose(context, batch)?.map(Answer::Proposals),
        Kind::Campaign => opened.touch(context, input.phase, batch)?.map(Answer::Proposals),
        Kind::Roi | Kind::Diagnosis => {
            Err(Fault::Malformed("the plugin answers whole tables, not rows".to_owned()))
        }
    })
}

fn candidates(position: usize, start: usize, from: &Proposals, out: &mut Vec<Candidate>) {
    let stage = u16::try_from(position).unwrap_or(u16::MAX);
    let minute = |list: &[u32], i: usize| list.get(i).copied().unwrap_or(0);
    for i in 0..from.row.len() {
        out.push(Candidate {
            stage,
            action: u16::try_from(from.action[i]).unwrap_or(u16::MAX),
            row: u32::try_from(start).unwrap_or(u32::MAX).saturating_add(from.row[i]),
            quantity: from.quantity[i],
            cost: from.cost[i],
            expected_output: from.expected_output[i],
            reason: from.reason[i],
            after_min: minute(&from.after_min, i),
            until_min: minute(&from.until_min, i),
        });
    }
}

fn segment_column(stage: &Prepared, segments: Vec<u32>) -> Column {
    let missing = segments.contains(&NONE_INDEX);
    let valid = missing.then(|| {
        let mut bits = playbook_model::Bitmap::default();
        segments.iter().for_each(|s| bits.push(*s != NONE_INDEX));
        bits
    });
    Column {
        name: format!("{}.segment", stage.def.name),
        unit: String::new(),
        cells: Cells::Category {
            codes: segments.into_iter().map(|s| if s == NONE_INDEX { 0 } else { s }).collect(),
            names: stage.shape.segments.iter().map(|s| s.name.clone()).collect(),
        },
        valid,
    }
}

/// Columns of a stage that was left out: everything missing.
pub(crate) fn missing_columns(stage: &Prepared, rows: usize) -> Vec<Column> {
    let mut scatter = Scatter::new(&stage.def.name, row_produces(stage), rows);
    scatter.append_missing(rows);
    let mut columns = Vec::new();
    if stage.def.kind == Kind::Segmentation {
        columns.push(segment_column(stage, vec![NONE_INDEX; rows]));
    }
    columns.extend(scatter.finish());
    columns
}
