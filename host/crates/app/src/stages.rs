//! What pages and output files ask a finished cycle's stages and tables for.

use playbook_cycle::{CycleRun, StageRun};
use playbook_model::{Column, Comparison, Frame, Kind, Place, Words};
use playbook_report::Absence;

pub(crate) fn of_kind(run: &CycleRun, kind: Kind) -> impl Iterator<Item = &StageRun> {
    run.stages.iter().filter(move |s| s.kind() == kind)
}

/// Why a part is empty: no stage of the kind, or all of them skipped.
pub(crate) fn absent(run: &CycleRun, kind: Kind) -> Absence {
    match of_kind(run, kind).find_map(|s| s.fault.as_ref().map(|f| (s, f))) {
        Some((stage, fault)) => {
            Absence::Skipped { stage: stage.name.clone(), fault: fault.to_string() }
        }
        None if of_kind(run, kind).next().is_none() => Absence::NoStage(kind),
        None => Absence::Nothing,
    }
}

/// The feature of a figure that a table has.
pub(crate) fn figure_of<'t>(table: &'t Frame, features: &[String]) -> Option<&'t Column> {
    features.iter().find_map(|feature| table.column(feature))
}

pub(crate) fn place_name(stage: &StageRun, place: Option<Place>) -> String {
    place
        .and_then(|p| stage.places.get(p.table as usize)?.get(p.row as usize).cloned())
        .unwrap_or_default()
}

pub(crate) fn reason_words(stage: &StageRun, reason: u32) -> Words {
    match stage.shape.reasons.get(reason as usize) {
        Some(reason) => reason.text.clone(),
        None => Words { en: stage.name.clone(), zh: None },
    }
}

/// Name and version of a stage's plugin.
pub(crate) fn plugin_of(stage: &StageRun) -> String {
    format!("{} {}", stage.about.name, stage.about.version)
}

/// The stage at a position of the playbook.
pub(crate) fn stage_of(run: &CycleRun, position: u16) -> Option<&StageRun> {
    run.stages.iter().find(|s| s.position == usize::from(position))
}

/// The sign of a comparison.
pub(crate) fn comparison(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::AtLeast => ">=",
        Comparison::MoreThan => ">",
        Comparison::AtMost => "<=",
        Comparison::LessThan => "<",
    }
}
