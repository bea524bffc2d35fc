//! The first step, as far as it needs no data: from a playbook and its plugins to stages that are ready to be opened.
//! Shapes, wiring, order.

use std::collections::BTreeMap;
use std::sync::Arc;

use playbook_model::{
    Description, Fault, FeatureDef, Label, Playbook, Shape, StageDef, Term, canonical_json,
};
use playbook_runtime::{Plugin, RuntimeError};

use crate::error::CycleError;
use crate::gather::WrongType;
use crate::graph::{GraphProblem, Input, Offer, Wiring, order};

/// A stage with its plugin, shape and wiring; cheap to clone.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Position in the playbook.
    pub position: usize,
    /// Stages of one wave do not read each other's outputs and run at the same time.
    pub wave: usize,
    /// The stage as the playbook declares it.
    pub def: Arc<StageDef>,
    /// Its settings as the plugin takes them, canonical JSON.
    pub settings: Arc<str>,
    /// Its plugin.
    pub plugin: Plugin,
    /// What the plugin says of itself.
    pub about: Description,
    /// What it needs and gives under the playbook's settings.
    pub shape: Arc<Shape>,
    /// Where its inputs come from.
    pub wiring: Arc<Wiring>,
    /// The version that closed the last cycle, for stages that fall back to it.
    pub last_good: Option<Arc<Self>>,
}

impl Prepared {
    /// The plugin's fault as an error, where the playbook closes on it.
    /// `row` is what it fails on alone.
    #[must_use]
    pub fn closed(&self, fault: Fault, row: Option<String>) -> CycleError {
        let plugin = format!("{} {}", self.about.name, self.about.version);
        CycleError::Stage { stage: self.def.name.clone(), plugin, fault, row }
    }

    /// A column that cannot serve one of its needs, as an error.
    pub(crate) fn wrong_type(&self, problem: WrongType) -> CycleError {
        CycleError::WrongType { stage: self.def.name.clone(), problem }
    }
}

/// Why a stage cannot run.
#[derive(Debug)]
pub enum PrepareProblem {
    /// The guest refused its settings, or failed to describe itself.
    Fault {
        /// Stage of the playbook.
        stage: String,
        /// What it said or did.
        fault: Fault,
    },
    /// The plugin of a stage is of another kind.
    WrongKind {
        /// Stage of the playbook.
        stage: String,
        /// Kind in the playbook.
        wanted: &'static str,
        /// Kind of the plugin.
        found: &'static str,
    },
    /// The playbook has terms for an action that the plugin does not grant.
    UnknownAction {
        /// Stage of the playbook.
        stage: String,
        /// The action of the playbook.
        action: String,
        /// Actions of the plugin.
        known: Vec<String>,
    },
    /// A rule about what may stand together names a family that no action has.
    UnknownFamily {
        /// Name of the rule.
        rule: String,
        /// The family of the playbook.
        family: String,
        /// Families of all actions.
        known: Vec<String>,
    },
    /// A need that the playbook cannot meet, or a loop.
    Graph(GraphProblem),
}

/// Asks every plugin for its shape and wires the stages; the result stands in the order in which they run.
///
/// `plugins` holds one loaded plugin per stage of the playbook, in its order; a stage without one is left out, and
/// what its outputs would fill is no problem of others.
///
/// # Errors
/// A host's fault outside; every problem of the playbook inside.
pub fn prepare(
    playbook: &Playbook,
    plugins: Vec<Option<Plugin>>,
) -> Result<Result<Vec<Prepared>, Vec<PrepareProblem>>, RuntimeError> {
    let mut problems = Vec::new();
    let mut ready = Vec::new();
    for (position, (def, plugin)) in playbook.stages.iter().zip(plugins).enumerate() {
        let Some(plugin) = plugin else { continue };
        match unwired(position, def, plugin, &playbook.labels)? {
            Ok(stage) => {
                problems.extend(unknown_actions(&stage));
                ready.push(stage);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if ready.len() == playbook.stages.len() {
        problems.extend(unknown_families(playbook, &ready));
    }
    // Needs are wired even where another stage failed, so that every problem is reported at once.
    wire(playbook, &mut ready, &mut problems);
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let (defs, shapes) = parts(&ready);
    let wirings: Vec<Wiring> = ready.iter().map(|p| Wiring::clone(&p.wiring)).collect();
    let features = features_for(playbook, &ready);
    let waves = match order(&defs, &shapes, &wirings, &features) {
        Ok(waves) => waves,
        Err(problem) => return Ok(Err(vec![PrepareProblem::Graph(problem)])),
    };
    let mut slots: Vec<Option<Prepared>> = ready.into_iter().map(Some).collect();
    let mut stages = Vec::with_capacity(slots.len());
    for (number, wave) in waves.into_iter().enumerate() {
        for mut stage in wave.into_iter().filter_map(|at| slots[at].take()) {
            stage.wave = number;
            stages.push(stage);
        }
    }
    Ok(Ok(stages))
}

/// The features of a playbook that its stages, and what else names features, ask for.
#[must_use]
pub fn features_for(playbook: &Playbook, stages: &[Prepared]) -> Vec<FeatureDef> {
    let inputs = |stage: &'_ Prepared| {
        let Wiring { rows, tables } = &*stage.wiring;
        let all = rows.iter().chain(tables.iter().flatten()).cloned();
        all.filter_map(|input| match input {
            Input::Feature(name) => Some(name),
            Input::List(columns) => columns.into_iter().next(),
            _ => None,
        })
        .collect::<Vec<String>>()
    };
    let asked: Vec<String> = stages.iter().flat_map(inputs).collect();
    let stem =
        |name: &'_ String| name.split_once('.').map_or(name.clone(), |(stem, _)| stem.to_owned());
    let names: Vec<String> = asked.iter().map(stem).collect();
    playbook.features_for(names.iter().map(String::as_str))
}

/// A stage with what its plugin says of itself, before anything is wired.
fn unwired(
    position: usize,
    def: &StageDef,
    plugin: Plugin,
    labels: &BTreeMap<String, Label>,
) -> Result<Result<Prepared, PrepareProblem>, RuntimeError> {
    if plugin.kind() != def.kind {
        return Ok(Err(PrepareProblem::WrongKind {
            stage: def.name.clone(),
            wanted: def.kind.name(),
            found: plugin.kind().name(),
        }));
    }
    let settings = canonical_json(&def.settings);
    let shape = plugin.check(&settings)?;
    Ok(match (plugin.describe()?, shape) {
        (Ok(mut about), Ok(shape)) => Ok(Prepared {
            about: {
                // Readers of pages know the card, not the engine behind it.
                def.card.iter().for_each(|card| about.summary.clone_from(&card.summary));
                about
            },
            position,
            wave: 0,
            def: Arc::new(def.clone()),
            settings: settings.into(),
            plugin,
            shape: Arc::new(approved(labelled(shape, labels), def)),
            wiring: Arc::default(),
            last_good: None,
        }),
        (Err(fault), _) | (_, Err(fault)) => {
            Err(PrepareProblem::Fault { stage: def.name.clone(), fault })
        }
    })
}

/// Terms of the playbook for actions that the plugin does not grant.
fn unknown_actions(stage: &Prepared) -> Vec<PrepareProblem> {
    let known: Vec<String> = stage.shape.actions.iter().map(|a| a.name.clone()).collect();
    let unknown = stage.def.actions.keys().filter(|action| !known.contains(action));
    let problem = |action: &String| PrepareProblem::UnknownAction {
        stage: stage.def.name.clone(),
        action: action.clone(),
        known: known.clone(),
    };
    unknown.map(problem).collect()
}

/// Rules about what may stand together that name what is not there: they would hold nobody to anything.
fn unknown_families(playbook: &Playbook, stages: &[Prepared]) -> Vec<PrepareProblem> {
    let all = stages.iter().flat_map(|stage| &stage.shape.actions).map(|a| a.family.clone());
    let known: std::collections::BTreeSet<String> = all.collect();
    let rules = playbook.guardrails.stacking.iter();
    let named = rules.flat_map(|rule| rule.families.iter().map(move |family| (rule, family)));
    let unknown = named.filter(|(_, family)| !known.contains(*family));
    let problem = |(rule, family): (&playbook_model::StackRule, &String)| {
        let (rule, family) = (rule.name.clone(), family.clone());
        PrepareProblem::UnknownFamily { rule, family, known: known.iter().cloned().collect() }
    };
    unknown.map(problem).collect()
}

/// The shape whose actions need approval where they speak of a topic that does (H14).
fn approved(mut shape: Shape, def: &StageDef) -> Shape {
    for action in &mut shape.actions {
        let topics = def.says.get(&action.name).map(|says| &says.topics[..]);
        action.needs_approval |= topics.is_some_and(|topics| !topics.is_empty());
    }
    shape
}

/// The shape with the brand's words for the names in it.
fn labelled(mut shape: Shape, labels: &BTreeMap<String, Label>) -> Shape {
    let segments = shape.segments.iter_mut().map(|segment| (&segment.name, &mut segment.text));
    let actions = shape.actions.iter_mut().map(|action| (&action.name, &mut action.text));
    for (name, text) in segments.chain(actions) {
        if let Some(label) = labels.get(name) {
            *text = label.over(text);
        }
    }
    for (name, label) in labels {
        let text = label.over(&shape.words_of(name));
        match shape.terms.iter_mut().find(|term| term.name == *name) {
            Some(term) => term.text = text,
            None => shape.terms.push(Term { name: name.clone(), text }),
        }
    }
    shape
}

/// Wires the stages that are ready; a need that nothing offers is a problem.
fn wire(playbook: &Playbook, ready: &mut [Prepared], problems: &mut Vec<PrepareProblem>) {
    let (defs, shapes) = parts(ready);
    let all = playbook.stages.iter().map(|stage| stage.name.as_str());
    let failed: Vec<&str> = all.filter(|name| !defs.iter().any(|d| d.name == *name)).collect();
    let offer = Offer::new(playbook, &defs, &shapes);
    for stage in ready {
        match offer.wire(&stage.def, &stage.shape) {
            Ok(wiring) => stage.wiring = Arc::new(wiring),
            Err(missing) => problems.extend(
                missing
                    .into_iter()
                    // Outputs of a failed stage are not a problem of its readers.
                    .filter(|p| !failed.iter().any(|f| p.message.contains(&format!("`{f}."))))
                    .map(PrepareProblem::Graph),
            ),
        }
    }
}

/// The definitions and shapes of stages.
fn parts(stages: &[Prepared]) -> (Vec<StageDef>, Vec<Shape>) {
    stages.iter().map(|p| (StageDef::clone(&p.def), Shape::clone(&p.shape))).unzip()
}

/// Wires a second plugin for a stage that is prepared already: the version that closed the last cycle.
///
/// # Errors
/// A host's fault; a plugin that no longer fits is `None`.
pub fn fall_back(
    playbook: &Playbook,
    stages: &[Prepared],
    position: usize,
    plugin: Plugin,
) -> Result<Option<Prepared>, RuntimeError> {
    let Some(stage) = stages.iter().find(|s| s.position == position) else { return Ok(None) };
    let (Ok(about), Ok(shape)) = (plugin.describe()?, plugin.check(&stage.settings)?) else {
        return Ok(None);
    };
    let shape = approved(labelled(shape, &playbook.labels), &stage.def);
    let (defs, shapes) = parts(stages);
    let offer = Offer::new(playbook, &defs, &shapes);
    let same_outputs =
        shape.produces == stage.shape.produces && shape.segments == stage.shape.segments;
    let wired = offer
        .wire(&stage.def, &shape)
        .ok()
        .filter(|_| same_outputs && about.kind == stage.def.kind);
    Ok(wired.map(|wiring| Prepared {
        plugin,
        about,
        shape: Arc::new(shape),
        wiring: Arc::new(wiring),
        last_good: None,
        ..stage.clone()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use playbook_model::{SegmentInfo, Words};

    #[test]
    fn the_brands_words_stand_over_those_of_a_plugin() {
        let words =
            |en: &str, zh: Option<&str>| Words { en: en.to_owned(), zh: zh.map(ToOwned::to_owned) };
        let segment = |name: &str, text| SegmentInfo { name: name.to_owned(), text };
        let shape = Shape {
            segments: vec![
                segment("core", words("Core", Some("核心"))),
                segment("rest", words("Rest", None)),
            ],
            terms: vec![Term { name: "low".to_owned(), text: words("low", Some("低")) }],
            ..Shape::default()
        };
        let label = |en: Option<&str>, zh: Option<&str>| Label {
            en: en.map(ToOwned::to_owned),
            zh: zh.map(ToOwned::to_owned),
        };
        let labels = [
            ("core", label(Some("Friends"), None)),
            ("low", label(None, Some("低價值"))),
            ("web", label(None, Some("網店"))),
        ];
        let labels = labels.map(|(name, label)| (name.to_owned(), label)).into();
        let shape = labelled(shape, &labels);
        assert_eq!(shape.segments[0].text, words("Friends", Some("核心")));
        assert_eq!(shape.segments[1].text, words("Rest", None));
        assert_eq!(shape.words_of("low"), words("low", Some("低價值")));
        assert_eq!(shape.words_of("web"), words("web", Some("網店")));
        assert_eq!(shape.words_of("mid"), words("mid", None));
    }
}
