//! Questions of a finished cycle with their answers, to be asked again of another build of a plugin.

pub use playbook_contract::Case;
use playbook_contract::{Asked, Opening};
use playbook_model::{Context, Kind, Outcome};
use playbook_runtime::Reuse;

use crate::error::CycleError;
use crate::gather::{Gather, Rows};
use crate::prepare::Prepared;
use crate::result::{CycleRun, StageRun};
use crate::stream::{Said, ask, streams};

/// What a stage of a finished cycle was asked about whole tables, and about these `rows` of its subject, with what its
/// plugin answers; `test` names the questions. Rows are known by their pseudonyms alone. A stage with neither has none.
///
/// # Errors
/// A host's fault; the guest's is in the outcome.
pub fn cases(
    stage: &Prepared,
    ran: &StageRun,
    run: &CycleRun,
    context: Context,
    rows: &[u32],
    test: &str,
) -> Result<Outcome<Vec<Case>>, CycleError> {
    let opened = match stage.plugin.open(ran.ground.opening(stage, context, Reuse::Fresh))? {
        Ok(opened) => opened,
        Err(fault) => return Ok(Err(fault)),
    };
    let kind = stage.def.kind;
    let mut asked = Vec::new();
    let whole = match kind {
        Kind::Campaign => {
            let budget = ran.plan_money.unwrap_or_default().budget();
            Some(opened.plan(&context, budget)?.map(|plan| Asked::Plan(budget.0, Ok(plan))))
        }
        Kind::Roi => Some(opened.value(&context)?.map(|answer| Asked::Value(Ok(answer)))),
        Kind::Diagnosis => {
            Some(opened.diagnose(&context)?.map(|answer| Asked::Diagnose(Ok(answer))))
        }
        Kind::Scoring | Kind::Segmentation | Kind::Incentive => None,
    };
    match whole {
        Some(Err(fault)) => return Ok(Err(fault)),
        Some(Ok(whole)) => asked.push(whole),
        None => {}
    }
    let of_members = stage.shape.rows.as_ref().filter(|need| need.subject == "member");
    if let Some(need) = of_members.filter(|_| streams(stage) && !rows.is_empty()) {
        let previous = run.previous.of("member");
        let gather =
            Gather::new(&need.columns, &ran.wiring.rows, &run.members, previous, &run.keys)
                .map_err(|problem| stage.wrong_type(problem))?;
        let batch = gather.batch(Rows::Picked(rows));
        let phase = ran.ground.phase;
        let said = match ask(kind, &opened, &context, phase, &batch)? {
            Ok(said) => said,
            Err(fault) => return Ok(Err(fault)),
        };
        asked.push(match (said, kind) {
            (Said::Rows(answer), Kind::Diagnosis) => Asked::Screen(batch, Ok(answer)),
            (Said::Rows(answer), _) => Asked::Score(batch, Ok(answer)),
            (Said::Segments(answer), _) => Asked::Assign(batch, Ok(answer)),
            (Said::Proposals(answer), Kind::Campaign) => Asked::Touch(phase, batch, Ok(answer)),
            (Said::Proposals(answer), _) => Asked::Propose(batch, Ok(answer)),
        });
    }
    let opening = Opening {
        settings: stage.settings.to_string(),
        model: ran.ground.model.as_ref().map(|model| model.to_vec()),
        tables: ran.ground.tables.to_vec(),
    };
    let case = |asked| Case {
        test: test.to_owned(),
        plugin: stage.about.name.clone(),
        context,
        opening: opening.clone(),
        asked,
    };
    Ok(Ok(asked.into_iter().map(case).collect()))
}

/// Rows that a question is about; 0 where it is about whole tables.
#[must_use]
pub fn rows_of(case: &Case) -> u32 {
    match &case.asked {
        Asked::Score(batch, _)
        | Asked::Screen(batch, _)
        | Asked::Explain(batch, _)
        | Asked::Assign(batch, _)
        | Asked::Propose(batch, _)
        | Asked::Touch(_, batch, _) => batch.rows,
        Asked::Check(_)
        | Asked::Open(_)
        | Asked::Plan(..)
        | Asked::Value(_)
        | Asked::Diagnose(_)
        | Asked::Fit(..) => 0,
    }
}
