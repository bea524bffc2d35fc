//! Guardrails beside the stages whose outputs they read: outputs that no stage gives, and stages that may be left out.

use playbook_cycle::{CRITICAL, Prepared};
use playbook_model::{CellType, Guardrails, Kind, OnFault, Shape};
use playbook_toml::{Loaded, Place, Problem};

/// A guardrail that reads a feature or an output of members.
struct Guard<'a> {
    /// Its key in the playbook.
    key: &'static str,
    /// What it reads.
    name: &'a str,
    /// Whether that is a number; else it is words.
    reads_number: bool,
    /// What holds where the value is not known.
    closed: &'static str,
}

const SERVICE_ONLY: &str = "all members get messages of the service only (R10, GR-12)";

/// The guardrails of a playbook that read something.
fn guards(rules: &Guardrails) -> impl Iterator<Item = Guard<'_>> {
    let guards = [
        ("churn_output", &rules.churn_output, false, SERVICE_ONLY),
        ("complaint_feature", &rules.complaint_feature, true, SERVICE_ONLY),
        (
            "stage_output",
            &rules.stage_output,
            false,
            "all members have the least of `stage_caps` (R10, GR-1)",
        ),
        (
            "age_band_feature",
            &rules.age_band_feature,
            false,
            "no member gets a commercial action (R07, GR-13)",
        ),
    ];
    guards.into_iter().filter_map(|(key, name, reads_number, closed)| {
        Some(Guard { key, name: name.as_deref()?, reads_number, closed })
    })
}

/// The output of members of that name: its type, and the words of a category.
fn output<'s>(stage: &'s Prepared, name: &str) -> Option<(CellType, Vec<&'s str>)> {
    if !is_of_members(&stage.shape) {
        return None;
    }
    if stage.def.kind == Kind::Segmentation && name == "segment" {
        let segments = stage.shape.segments.iter().map(|segment| segment.name.as_str());
        return Some((CellType::Category, segments.collect()));
    }
    let mut produces = stage.shape.produces.iter().filter(|produce| produce.table.is_none());
    let found = produces.find(|produce| produce.name == name)?;
    Some((found.cell_type, found.categories.iter().map(String::as_str).collect()))
}

fn is_of_members(shape: &Shape) -> bool {
    shape.rows.as_ref().is_some_and(|rows| rows.subject == "member")
}

/// Guardrails that read an output which no stage gives, or that could refuse nobody.
pub(crate) fn guard_problems(loaded: &Loaded, stages: &[Prepared]) -> Vec<Problem> {
    let problem = |guard: Guard<'_>| {
        let (stage, name) = guard.name.split_once('.')?;
        let stage = stages.iter().find(|ready| ready.def.name == stage)?;
        let place = place_of(loaded, &guard);
        match output(stage, name) {
            Some((cell_type, words)) => unfit(&guard, place, cell_type, &words),
            None => Some(unknown_output(stage, name, place)),
        }
    };
    guards(&loaded.playbook.guardrails).filter_map(problem).collect()
}

fn unknown_output(stage: &Prepared, name: &str, place: Place) -> Problem {
    let outputs = playbook_cycle::outputs_of(&stage.def, &stage.shape);
    let names = outputs.iter().filter_map(|output| Some(output.split_once('.')?.1));
    let of_members: Vec<&str> = names.filter(|name| output(stage, name).is_some()).collect();
    let message = format!("stage `{}` gives no output `{name}` of members", stage.def.name);
    Problem::new("unknown-output", place, message)
        .expected(format!("an output of members; it has {}", listed(&of_members)))
        .nearest(name, of_members)
}

/// An output that its guardrail cannot read, or by which it would refuse nobody.
fn unfit(guard: &Guard<'_>, place: Place, cell_type: CellType, words: &[&str]) -> Option<Problem> {
    let (key, name) = (guard.key, guard.name);
    let (fits, wanted) = match guard.reads_number {
        true => (matches!(cell_type, CellType::Integer | CellType::Real), "an integer or a real"),
        false => (matches!(cell_type, CellType::Category | CellType::Text), "a category or a text"),
    };
    if !fits {
        let message = format!("`{name}` is {}, which `{key}` cannot read", cell_type.name());
        return Some(Problem::new("type-mismatch", place, message).expected(wanted));
    }
    let is_closed_list = key == "churn_output" && cell_type == CellType::Category;
    (is_closed_list && !words.contains(&CRITICAL)).then(|| {
        let message = format!("`{name}` is never `{CRITICAL}`, so that `{key}` refuses nobody");
        Problem::new("type-mismatch", place, message)
            .expected(format!("an output with the level `{CRITICAL}`; it has {}", listed(words)))
    })
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

/// The warnings about stages that guardrails read and that may be left out.
pub(crate) fn guard_warnings(loaded: &Loaded, stages: &[Prepared]) -> Vec<Problem> {
    let skipped = |name: &str| {
        let stage = stages.iter().find(|stage| stage.def.name == name)?;
        (stage.def.on_fault == OnFault::Skip).then_some(&stage.def.name)
    };
    let mut warnings = Vec::new();
    for guard in guards(&loaded.playbook.guardrails) {
        let stage = guard.name.split_once('.').and_then(|(stage, _)| skipped(stage));
        if let Some(stage) = stage {
            let what = format!("`{}` is not known", guard.key);
            warnings.push(may_close(loaded, stage, place_of(loaded, &guard), &what, guard.closed));
        }
    }
    let mut segmentations = stages.iter().filter(|stage| stage.def.kind == Kind::Segmentation);
    let first = segmentations.find(|stage| is_of_members(&stage.shape));
    if let Some(stage) = first.and_then(|stage| skipped(&stage.def.name)) {
        let place = loaded.place(&format!("stage.{stage}.plugin")).unwrap_or_default();
        let closed = "all members have the least caps of messages (R13, H9)";
        warnings.push(may_close(loaded, stage, place, "the segments are not known", closed));
    }
    warnings
}

fn may_close(loaded: &Loaded, stage: &str, place: Place, what: &str, closed: &str) -> Problem {
    let message = format!(
        "stage `{stage}` is left out where its plugin fails (`on_fault = \"skip\"`); then {what}, and {closed}"
    );
    let place = loaded.place(&format!("stage.{stage}.on_fault")).unwrap_or(place);
    Problem::new("guard-may-close", place, message)
        .expected("`on_fault` \"close\" or \"last-good\" for a stage that a guardrail reads")
        .warning()
}

fn place_of(loaded: &Loaded, guard: &Guard<'_>) -> Place {
    loaded.place(&format!("guardrails.{}", guard.key)).unwrap_or_default()
}
