//! Why a member of a finished run stands where it stands: what each stage read and said of it, and what became of
//! every proposal.
//!
//! The run is repeated from what it saved, as a replay does, and the stages are asked again about that one member, so
//! that nothing is said here that the plugins would not say.

use std::path::Path;
use std::sync::Arc;

use playbook_cycle::{CycleRun, Prepared, Progress, StageRun, explain as ask_why};
use playbook_model::{Factor, Fault, Frame, Kind, Words};
use serde::Serialize;
use serde_json::Value;

use crate::finished::Finished;
use crate::inputs::{InputSaid, inputs_said};
use crate::outputs::{cell, status, winner};
use crate::replay::repeat;
use crate::stages::stage_of;
use crate::write::run_id;
use crate::{AppError, Host, Result, clock};

/// A member of a run, explained.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// Its id.
    pub member: String,
    /// What plugins and the ledger know it by.
    pub pseudonym: i64,
    /// Brand of the run.
    pub brand: String,
    /// Its playbook.
    pub playbook: String,
    /// Number of the cycle.
    pub cycle: i64,
    /// As-of time, RFC 3339.
    pub as_of: String,
    /// What people call the run.
    pub run_id: String,
    /// Currency of all amounts.
    pub currency: String,
    /// Its digits after the point.
    pub currency_digits: u8,
    /// Whether the run granted nothing.
    pub dry_run: bool,
    /// What stages read and said of the member, in the order in which they ran.
    pub stages: Vec<StageSaid>,
    /// What became of each proposal, in order of arbitration.
    pub decisions: Vec<DecisionSaid>,
    /// What differs between the run and its repetition, which this explains; empty: not a byte.
    pub differences: Vec<String>,
}

/// A code with its words.
#[derive(Debug, Clone, Serialize)]
pub struct Reason {
    /// Stable code.
    pub code: String,
    /// In words.
    pub text: Words,
}

/// How much an input moved an output.
#[derive(Debug, Clone, Serialize)]
pub struct FactorSaid {
    /// Name of the input in the plugin.
    pub input: String,
    /// In the unit of the output.
    pub contribution: f64,
}

/// A value that a stage gave.
#[derive(Debug, Clone, Serialize)]
pub struct OutputSaid {
    /// Name in the plugin.
    pub name: String,
    /// What it means.
    pub meaning: Words,
    /// Its unit.
    pub unit: String,
    /// The value; null: missing.
    pub value: Value,
    /// The value in words, where it is a name.
    pub text: Option<Words>,
    /// The value in the last closed cycle, where it is known.
    pub before: Value,
    /// What it is made of, where the model has additive parts.
    pub factors: Vec<FactorSaid>,
}

/// What a stage read and said of the member.
#[derive(Debug, Clone, Serialize)]
pub struct StageSaid {
    /// Name in the playbook.
    pub stage: String,
    /// Kind of its plugin.
    pub kind: &'static str,
    /// Name of the plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// The fault for which the run left it out.
    pub skipped: Option<String>,
    /// Why it could not be asked again.
    pub unexplained: Option<String>,
    /// Why it says what it says, where it tells.
    pub reason: Option<Reason>,
    /// What it read.
    pub inputs: Vec<InputSaid>,
    /// What it said; of a segmentation the segment first.
    pub outputs: Vec<OutputSaid>,
}

/// What became of a proposal.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionSaid {
    /// Stage that proposed it.
    pub stage: String,
    /// Name of the action.
    pub action: String,
    /// The action in words.
    pub text: Words,
    /// Points, units or 1.
    pub quantity: i64,
    /// Greatest cost in minor units.
    pub cost_minor: i64,
    /// Expected output in minor units.
    pub expected_output_minor: i64,
    /// Why the plugin proposed it.
    pub reason: Option<Reason>,
    /// "granted", "waits for approval", "granted before" or "refused".
    pub status: &'static str,
    /// Why it was refused.
    pub refusal: Option<RefusalSaid>,
}

/// Why a proposal was refused.
#[derive(Debug, Clone, Serialize)]
pub struct RefusalSaid {
    /// "R01" to "R15".
    pub code: &'static str,
    /// In words.
    pub text: Words,
    /// The rule that it comes from.
    pub rule: &'static str,
    /// The proposal that won instead, as STAGE/ACTION.
    pub lost_to: Option<String>,
}

/// Explains a member of a finished run.
///
/// # Errors
/// Where the folder is no run's, the member is not in it, the data changed since, or the run cannot be repeated.
pub fn explain(
    host: &Host,
    run: &Path,
    member: &str,
    progress: Arc<dyn Progress>,
) -> Result<Explanation> {
    let (finished, differences) = repeat(host, run, progress)?;
    let Finished { loaded, run, intake, .. } = &finished;
    let row = row_of(&run.members, member).ok_or_else(|| AppError::NoMember {
        member: member.to_owned(),
        rows: run.members.rows(),
    })?;
    let playbook = &loaded.playbook;
    let context = intake.context(playbook.seed);
    let mut stages = Vec::new();
    for ran in &run.stages {
        let Some(stage) = component_of(&finished.stages, ran) else { continue };
        let Some(said) = said_of_members(run, ran, row) else { continue };
        let why = ask_why(stage, ran, run, context, row)?;
        stages.push(match why {
            None => said,
            Some(Err(fault)) => StageSaid { unexplained: Some(told(&fault)), ..said },
            Some(Ok(why)) => explained(said, ran, why.reason, &why.factors),
        });
    }
    Ok(Explanation {
        member: member.to_owned(),
        pseudonym: run.keys[row],
        brand: playbook.brand.clone(),
        playbook: playbook.id.clone(),
        cycle: run.number,
        as_of: clock::rfc3339(intake.as_of, &playbook.time_zone),
        run_id: run_id(&finished),
        currency: playbook.currency.clone(),
        currency_digits: playbook.currency_digits,
        dry_run: finished.dry_run,
        stages,
        decisions: decisions(run, row),
        differences,
    })
}

pub(crate) fn row_of(members: &Frame, id: &str) -> Option<usize> {
    let ids = members.column("member")?;
    (0..members.rows()).find(|row| ids.text(*row) == Some(id))
}

/// The plugin that answered in the run: the stage's own, or the version that it fell back to.
pub(crate) fn component_of<'a>(stages: &'a [Prepared], ran: &StageRun) -> Option<&'a Prepared> {
    let stage = stages.iter().find(|stage| stage.position == ran.position)?;
    [Some(stage), stage.last_good.as_deref()]
        .into_iter()
        .flatten()
        .find(|stage| stage.plugin.digest() == ran.digest)
}

fn told(fault: &Fault) -> String {
    format!("its plugin {fault}")
}

/// What a stage that reads members one by one read and said of the member.
fn said_of_members(run: &CycleRun, ran: &StageRun, row: usize) -> Option<StageSaid> {
    ran.shape.rows.as_ref().filter(|need| need.subject == "member")?;
    Some(StageSaid {
        stage: ran.name.clone(),
        kind: ran.kind().name(),
        plugin: ran.about.name.clone(),
        version: ran.about.version.clone(),
        skipped: ran.fault.as_ref().map(told),
        unexplained: None,
        reason: None,
        inputs: inputs_said(run, ran, row),
        outputs: outputs_said(run, ran, row),
    })
}

fn outputs_said(run: &CycleRun, ran: &StageRun, row: usize) -> Vec<OutputSaid> {
    let output = |name: &str, meaning: Words, unit: &str, words: &dyn Fn(&str) -> Words| {
        let of_stage = format!("{}.{name}", ran.name);
        let value = run.members.column(&of_stage).map_or(Value::Null, |column| cell(column, row));
        OutputSaid {
            name: name.to_owned(),
            meaning,
            unit: unit.to_owned(),
            text: value.as_str().map(words),
            before: run.before("member", &of_stage).map_or(Value::Null, |column| cell(column, row)),
            value,
            factors: Vec::new(),
        }
    };
    let segment = |name: &str| {
        let known = ran.shape.segments.iter().find(|segment| segment.name == name);
        known.map_or_else(|| name.into(), |segment| segment.text.clone())
    };
    let meaning = ("segment".to_owned(), "分層".to_owned()).into();
    let segments =
        (ran.kind() == Kind::Segmentation).then(|| output("segment", meaning, "", &segment));
    let produced = ran.shape.produces.iter().filter(|produce| produce.table.is_none());
    let rest = produced.map(|produce| {
        let words = |name: &str| ran.shape.words_of(name);
        output(&produce.name, produce.meaning.clone(), &produce.unit, &words)
    });
    segments.into_iter().chain(rest).collect()
}

/// Adds what the stage said when it was asked again.
fn explained(
    mut said: StageSaid,
    ran: &StageRun,
    reason: Option<u32>,
    factors: &[Factor],
) -> StageSaid {
    said.reason = reason.and_then(|at| reason_of(ran, at));
    for factor in factors {
        let produce = ran.shape.produces.get(factor.output as usize);
        let output = produce
            .and_then(|produce| said.outputs.iter_mut().find(|output| output.name == produce.name));
        if let (Some(output), Some(input)) = (output, said.inputs.get(factor.input as usize)) {
            output
                .factors
                .push(FactorSaid { input: input.name.clone(), contribution: factor.contribution });
        }
    }
    said
}

fn reason_of(ran: &StageRun, at: u32) -> Option<Reason> {
    let reason = ran.shape.reasons.get(at as usize)?;
    Some(Reason { code: reason.code.clone(), text: reason.text.clone() })
}

fn decisions(run: &CycleRun, row: usize) -> Vec<DecisionSaid> {
    let own = run.decisions.iter().filter(|decision| decision.candidate.row as usize == row);
    own.filter_map(|decision| {
        let candidate = &decision.candidate;
        let stage = stage_of(run, candidate.stage)?;
        let action = stage.shape.actions.get(usize::from(candidate.action))?;
        let refusal = decision.refusal.as_ref().map(|refusal| {
            let [en, zh] = ["en", "zh"].map(|lang| refusal.code.words(lang).to_owned());
            RefusalSaid {
                code: refusal.code.code(),
                text: (en, zh).into(),
                rule: refusal.rule,
                lost_to: winner(run, refusal),
            }
        });
        Some(DecisionSaid {
            stage: stage.name.clone(),
            action: action.name.clone(),
            text: action.text.clone(),
            quantity: candidate.quantity,
            cost_minor: candidate.cost,
            expected_output_minor: candidate.expected_output,
            reason: reason_of(stage, candidate.reason),
            status: status(decision, stage),
            refusal,
        })
    })
    .collect()
}
