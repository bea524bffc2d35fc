//! What is wrong with a playbook beyond its own text, each at its place in the file: SQL, plugins, settings, needs.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use playbook_cycle::{PrepareProblem, Prepared};
use playbook_model::{Fault, FeatureDef, MapRow, Need, Playbook, SourceDef, SourceTable, StageDef};
use playbook_toml::{
    Loaded, NamedPlugin, Place, Problem, Problems, SettingPlace, nearest, standard_catalogue,
};

use crate::Result;
use crate::guards::guard_warnings;
use crate::home::Home;

/// The warnings about stages that are ready: optional needs that nothing fills, guardrails that a fault would close.
#[must_use]
pub fn warnings(loaded: &Loaded, stages: &[Prepared]) -> Problems {
    let mut unfilled: BTreeMap<(&str, Place, &str), Vec<&Need>> = BTreeMap::new();
    for stage in stages {
        for (subject, need) in stage.wiring.unfilled(&stage.shape) {
            let place = place_of(loaded, &stage.def.name, &need.source.name());
            unfilled.entry((&stage.def.name, place, subject)).or_default().push(need);
        }
    }
    let warning = |((stage, place, subject), needs): (_, Vec<&Need>)| {
        warning(loaded, stage, place, subject, &needs)
    };
    let unfilled = unfilled.into_iter().map(warning);
    loaded.problems(unfilled.chain(guard_warnings(loaded, stages)).collect())
}

/// How windows of the playbook count, in words, with the sources whose times are dates by their format.
#[must_use]
pub fn windows(playbook: &Playbook) -> String {
    let is_dated = |source: &&SourceDef| {
        let format = |row: &MapRow| row.to == "time" && row.format.as_deref().is_some_and(is_date);
        source.table == SourceTable::Events && source.mapping.iter().any(format)
    };
    let dated: Vec<String> =
        playbook.sources.iter().filter(is_dated).map(|s| format!("`{}`", s.name)).collect();
    let of = match dated.as_slice() {
        [] => String::new(),
        dated => format!(" (as in {})", dated.join(", ")),
    };
    format!(
        "windows: dates{of} count in whole days of {}; times of day to the millisecond",
        playbook.time_zone
    )
}

/// Whether a format of times has no time of day.
fn is_date(format: &str) -> bool {
    let hours = ["%H", "%I", "%k", "%l", "%T", "%R", "%X", "%c", "%r", "%s"];
    format.contains('%') && !hours.iter().any(|directive| format.contains(directive))
}

fn warning(loaded: &Loaded, stage: &str, place: Place, subject: &str, needs: &[&Need]) -> Problem {
    let names: Vec<String> = needs.iter().map(|need| need.source.name()).collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let what = match quoted.as_slice() {
        [one] => format!("{one} of subject {subject}"),
        many => format!("{} optional needs of subject {subject}: {}", many.len(), many.join(", ")),
    };
    let unit = match needs[0].unit.as_str() {
        "" => String::new(),
        unit => format!(", unit `{unit}`"),
    };
    let first = &names[0];
    let near =
        names.iter().find_map(|name| Some((name, nearest(name, features_of(loaded, subject))?)));
    Problem::new(
        "unfilled-need",
        place,
        format!("stage `{stage}`: nothing fills {what}; what is not there counts as missing"),
    )
    .expected(format!(
        "a feature or an output such as `{first}` ({}{unit})",
        needs[0].cell_type.name()
    ))
    .hint(match near {
        Some((name, near)) => format!("bind it, if it is that: bind = {{ {name} = \"{near}\" }}"),
        None => format!("declare [features.{first}], or leave it where it is known to be missing"),
    })
    .warning()
}

fn features_of<'a>(loaded: &'a Loaded, subject: &'a str) -> impl Iterator<Item = &'a str> {
    let features = loaded.playbook.features.iter();
    features
        .filter(move |feature| feature.subject.0 == subject)
        .map(|feature| feature.name.as_str())
}

/// Features that settings name and nobody declares: the plugin takes them for optional, whoever wrote them did not.
pub(crate) fn misnamed(loaded: &Loaded, stages: &[Prepared]) -> Vec<Problem> {
    let is_ready = |name: &str| stages.iter().any(|stage| stage.def.name == name);
    // What a stage gives that could not be made ready, nobody knows.
    let may_be_given = |name: &str| {
        let stage = name.split_once('.').map(|(stage, _)| stage);
        let declared = |stage: &&str| loaded.playbook.stages.iter().any(|s| s.name == **stage);
        stage.filter(declared).is_some_and(|stage| !is_ready(stage))
    };
    let mut problems = Vec::new();
    for stage in stages {
        for (subject, need) in stage.wiring.unfilled(&stage.shape) {
            let name = need.source.name();
            if may_be_given(&name) {
                continue;
            }
            let found = loaded.place_in_settings(&stage.def.name, &name);
            let Some(SettingPlace::Value(place)) = found else { continue };
            // A card names all that it could use; what a brand has no data for is told as unfilled.
            if loaded.is_in_card(place) {
                continue;
            }
            let message = format!(
                "stage `{}`: the settings name `{name}`, and {subject} has no such feature",
                stage.def.name
            );
            let problem = Problem::new("unknown-feature", place, message)
                .expected(format!("a feature of subject {subject}, or `stage.output`"))
                .nearest(&name, features_of(loaded, subject));
            problems.push(problem);
        }
    }
    problems
}

/// Where a need of a stage comes from: the setting that names it, else the plugin.
fn place_of(loaded: &Loaded, stage: &str, need: &str) -> Place {
    match loaded.place_in_settings(stage, need) {
        Some(SettingPlace::Value(place) | SettingPlace::Key(place)) => place,
        None => plugin_place(loaded, stage),
    }
}

fn plugin_place(loaded: &Loaded, stage: &str) -> Place {
    loaded.place(&format!("stage.{stage}.plugin")).unwrap_or_default()
}

/// The plugins that are not installed, or not in a version that is asked for.
pub(crate) fn absent_plugins(home: &Home, named: &[NamedPlugin]) -> Vec<Problem> {
    let absent = |plugin: &NamedPlugin| {
        let fault = home.find(&plugin.name, &plugin.version).err()?;
        Some(bad_plugin(plugin.place, &plugin.stage, &fault))
    };
    named.iter().filter_map(absent).collect()
}

/// What is wrong with the SQL of features, at its place in the file.
pub(crate) fn sql_problems(loaded: &Loaded) -> Result<Vec<Problem>> {
    let problem = |(feature, fault): (String, playbook_batch::SqlFault)| {
        let path = format!("features.{feature}.sql");
        let inside = fault.at.and_then(|bytes| loaded.place_inside(&path, bytes));
        let place = inside.or_else(|| loaded.place(&path)).unwrap_or_default();
        let message = format!("the SQL of `{feature}` is refused: {}", fault.message);
        Problem::new("bad-sql", place, message).expected(fault.expected)
    };
    Ok(playbook_batch::check_sql(&loaded.playbook)?.into_iter().map(problem).collect())
}

pub(crate) fn plugin_problem(
    loaded: &Loaded,
    stage: &StageDef,
    fault: &dyn std::error::Error,
) -> Problem {
    bad_plugin(plugin_place(loaded, &stage.name), &stage.name, fault)
}

fn bad_plugin(place: Place, stage: &str, fault: &dyn std::error::Error) -> Problem {
    Problem::new("bad-plugin", place, format!("stage `{stage}`: {}", chain(fault)))
}

/// An error with its causes, on one line.
fn chain(fault: &dyn std::error::Error) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// What kept stages from being ready.
pub(crate) fn prepare_problems(loaded: &Loaded, found: Vec<PrepareProblem>) -> Vec<Problem> {
    let mut settings = Vec::new();
    let mut problems = Vec::new();
    // Read where a need is unmet, once for all of them.
    let catalogue = LazyCell::new(standard_catalogue);
    for problem in found {
        match problem {
            PrepareProblem::Fault { stage, fault: Fault::Settings(found) } => {
                settings.extend(found.into_iter().map(|p| (stage.clone(), p)));
            }
            PrepareProblem::Fault { stage, fault } => problems.push(Problem::new(
                "bad-plugin",
                plugin_place(loaded, &stage),
                format!("stage `{stage}`: plugin {fault}"),
            )),
            PrepareProblem::WrongKind { stage, wanted, found } => {
                let place = loaded.place(&format!("stage.{stage}.kind")).unwrap_or_default();
                problems.push(
                    Problem::new(
                        "wrong-kind",
                        place,
                        format!("stage `{stage}` has a plugin of kind {found}"),
                    )
                    .expected(format!("a plugin of kind {wanted}"))
                    .hint(format!("write kind = \"{found}\", or take another plugin")),
                );
            }
            PrepareProblem::UnknownAction { stage, action, known } => {
                let path = format!("stage.{stage}.actions.{action}");
                let place = loaded.place(&path).unwrap_or_default();
                let message = format!("stage `{stage}` grants no action `{action}`");
                let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
                let expected = match known.is_empty() {
                    true => "a stage whose plugin grants something".to_owned(),
                    false => format!("an action of its plugin: {}", known.join(", ")),
                };
                problems.push(Problem::new("unknown-action", place, message).expected(expected));
            }
            PrepareProblem::UnknownFamily { rule, family, known } => {
                let place = loaded.place("guardrails.stacking").unwrap_or_default();
                let message =
                    format!("the stacking rule `{rule}`: no action is of the family `{family}`");
                let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
                let expected = format!("families of the plugins' actions: {}", known.join(", "));
                problems.push(Problem::new("unknown-family", place, message).expected(expected));
            }
            PrepareProblem::Graph(problem) => {
                let stage = &problem.stage;
                let place = match &problem.need {
                    Some(need) => place_of(loaded, stage, need),
                    None => plugin_place(loaded, stage),
                };
                let message = format!("stage `{stage}`: {}", problem.message);
                let told = Problem::new("unmet-need", place, message);
                let need = problem.need.as_deref();
                let of_catalogue = need
                    .filter(|_| loaded.place("catalogue").is_none())
                    .and_then(|need| catalogue_has(&catalogue, need));
                problems.push(match of_catalogue.or(problem.hint) {
                    Some(hint) => told.hint(hint),
                    None => told,
                });
            }
        }
    }
    problems.extend(loaded.settings_problems(&settings).problems);
    problems
}

/// What the program's catalogue would give for a need.
fn catalogue_has(catalogue: &[(FeatureDef, String)], need: &str) -> Option<String> {
    let (feature, about) = catalogue.iter().find(|(feature, _)| feature.name == need)?;
    let subject = &feature.subject.0;
    Some(format!(
        "the catalogue has `{need}` of {subject} ({about}): include = [\"catalogue:standard\"]"
    ))
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn a_format_without_an_hour_is_of_dates() {
        for format in ["%Y%m%d", "%d/%m/%Y", "%F"] {
            assert!(is_date(format), "{format}");
        }
        for format in ["%Y-%m-%d %H:%M", "%F %T", "%c", "%s", "rfc3339", "unix-ms"] {
            assert!(!is_date(format), "{format}");
        }
    }
}
