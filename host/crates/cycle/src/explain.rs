//! Why a member stands where it stands: stages that answered for the member are asked again, for its row alone.

use playbook_model::{Context, Factor, Fault, Filling, Kind, NONE_INDEX, Outcome, Stretch};
use playbook_runtime::Reuse;

use crate::error::CycleError;
use crate::gather::{Gather, Rows};
use crate::prepare::Prepared;
use crate::result::{CycleRun, StageRun};
use crate::stream::{Said, ask, outputs, streams, write};

/// The reason and the factors that a stage gives for a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Why {
    /// Position in `Shape::reasons`, where the plugin gives one.
    pub reason: Option<u32>,
    /// By how much each input moved an output; empty where the model has no additive parts.
    pub factors: Vec<Factor>,
}

/// Asks a stage of a finished cycle for its reasons about a row of members. `None` where it gives no outputs of
/// members, or proposes actions: the reasons of proposals stand in the decisions.
///
/// # Errors
/// A host's fault. The guest's is in the outcome; one that answers otherwise than in the cycle is at fault, too.
pub fn explain(
    stage: &Prepared,
    ran: &StageRun,
    run: &CycleRun,
    context: Context,
    row: usize,
) -> Result<Option<Outcome<Why>>, CycleError> {
    let Some(need) = stage.shape.rows.as_ref().filter(|need| need.subject == "member") else {
        return Ok(None);
    };
    let kind = stage.def.kind;
    if ran.fault.is_some() || !streams(stage) || matches!(kind, Kind::Incentive | Kind::Campaign) {
        return Ok(None);
    }
    let opened = match stage.plugin.open(ran.ground.opening(stage, context, Reuse::Fresh))? {
        Ok(opened) => opened,
        Err(fault) => return Ok(Some(Err(fault))),
    };
    let previous = run.previous.of("member");
    let gather = Gather::new(&need.columns, &ran.wiring.rows, &run.members, previous, &run.keys)
        .map_err(|problem| stage.wrong_type(problem))?;
    let picked = [u32::try_from(row).unwrap_or(u32::MAX)];
    let batch = gather.batch(Rows::Picked(&picked));
    let said = match ask(kind, &opened, &context, ran.ground.phase, &batch)? {
        Ok(said) => said,
        Err(fault) => return Ok(Some(Err(fault))),
    };
    if let Some(column) = other_than(stage, &said, run, row) {
        let what = format!("it says another `{column}` of the row alone than in the cycle");
        return Ok(Some(Err(Fault::Malformed(what))));
    }
    let factors = match kind {
        Kind::Scoring => match opened.explain(&context, &batch)? {
            Ok(factors) => factors,
            Err(fault) => return Ok(Some(Err(fault))),
        },
        _ => Vec::new(),
    };
    let reasons = match &said {
        Said::Rows(answer) => &answer.reasons[..],
        Said::Segments(answer) => &answer.answer.reasons,
        Said::Proposals(_) => &[],
    };
    let reason = reasons.first().copied().filter(|reason| *reason != NONE_INDEX);
    Ok(Some(Ok(Why { reason, factors })))
}

/// The first output of the row that differs from the cycle's.
fn other_than(stage: &Prepared, said: &Said, run: &CycleRun, row: usize) -> Option<String> {
    let mut columns = outputs(stage, 1);
    let mut stretches: Vec<Stretch<'_>> = columns.iter_mut().flat_map(Filling::stretches).collect();
    write(stage, said, 0, 1, &mut stretches);
    let mut columns = columns.into_iter().map(Filling::finish);
    let differs = columns.find(|now| {
        run.members.column(&now.name).is_none_or(|then| {
            then.is_valid(row) != now.is_valid(0)
                || then.integer(row) != now.integer(0)
                || then.real(row).map(f64::to_bits) != now.real(0).map(f64::to_bits)
                || then.text(row) != now.text(0)
        })
    });
    differs.map(|column| column.name)
}
