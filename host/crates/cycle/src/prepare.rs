//! From a playbook and its plugins to stages that are ready to run: shapes, wiring, order.

use playbook_model::{Description, Fault, Playbook, Shape, StageDef, canonical_json};
use playbook_runtime::{Plugin, RuntimeError};

use crate::error::CycleError;
use crate::gather::WrongType;
use crate::graph::{GraphProblem, Offer, Wiring, order};

/// A stage with its plugin, shape and wiring.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Position in the playbook.
    pub position: usize,
    /// Stages of one wave do not read each other's outputs and run at the same time.
    pub wave: usize,
    /// The stage as the playbook declares it.
    pub def: StageDef,
    /// Its plugin.
    pub plugin: Plugin,
    /// What the plugin says of itself.
    pub about: Description,
    /// What it needs and gives under the playbook's settings.
    pub shape: Shape,
    /// Where its inputs come from.
    pub wiring: Wiring,
    /// The version that closed the last cycle, for stages that fall back to it.
    pub last_good: Option<Box<Self>>,
}

impl Prepared {
    /// Settings as the plugin takes them.
    #[must_use]
    pub fn settings(&self) -> String {
        canonical_json(&self.def.settings)
    }

    /// The plugin's fault as an error, where the playbook closes on it.
    pub(crate) fn closed(&self, fault: Fault) -> CycleError {
        CycleError::Stage { stage: self.def.name.clone(), digest: self.plugin.digest(), fault }
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
    /// A need that the playbook cannot meet, or a loop.
    Graph(GraphProblem),
}

/// Asks every plugin for its shape and wires the stages; the result stands in the order in which they run.
///
/// `plugins` holds one loaded plugin per stage of the playbook, in its order.
///
/// # Errors
/// A host's fault outside; every problem of the playbook inside.
pub fn prepare(
    playbook: &Playbook,
    plugins: Vec<Plugin>,
) -> Result<Result<Vec<Prepared>, Vec<PrepareProblem>>, RuntimeError> {
    let mut problems = Vec::new();
    let mut ready = Vec::new();
    for (position, (def, plugin)) in playbook.stages.iter().zip(plugins).enumerate() {
        if plugin.kind() != def.kind {
            problems.push(PrepareProblem::WrongKind {
                stage: def.name.clone(),
                wanted: def.kind.name(),
                found: plugin.kind().name(),
            });
            continue;
        }
        let shape = plugin.check(&canonical_json(&def.settings))?;
        match (plugin.describe()?, shape) {
            (Ok(about), Ok(shape)) => ready.push(Prepared {
                position,
                wave: 0,
                def: def.clone(),
                plugin,
                about,
                shape,
                wiring: Wiring::default(),
                last_good: None,
            }),
            (Err(fault), _) | (_, Err(fault)) => {
                problems.push(PrepareProblem::Fault { stage: def.name.clone(), fault });
            }
        }
    }
    // Needs are held against what is there even where another stage failed: every problem at once.
    let defs: Vec<StageDef> = ready.iter().map(|p| p.def.clone()).collect();
    let shapes: Vec<Shape> = ready.iter().map(|p| p.shape.clone()).collect();
    let failed: Vec<&str> = playbook
        .stages
        .iter()
        .map(|s| s.name.as_str())
        .filter(|name| !defs.iter().any(|d| d.name == *name))
        .collect();
    let offer = Offer::new(&playbook.features, &defs, &shapes);
    for stage in &mut ready {
        match offer.wire(&stage.def, &stage.shape) {
            Ok(wiring) => stage.wiring = wiring,
            Err(missing) => problems.extend(
                missing
                    .into_iter()
                    // Outputs of a failed stage are not a problem of its readers.
                    .filter(|p| !failed.iter().any(|f| p.message.contains(&format!("`{f}."))))
                    .map(PrepareProblem::Graph),
            ),
        }
    }
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let wirings: Vec<Wiring> = ready.iter().map(|p| p.wiring.clone()).collect();
    let waves = match order(&defs, &shapes, &wirings, &playbook.features) {
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
    let settings = stage.settings();
    let (Ok(about), Ok(shape)) = (plugin.describe()?, plugin.check(&settings)?) else {
        return Ok(None);
    };
    let defs: Vec<StageDef> = stages.iter().map(|s| s.def.clone()).collect();
    let shapes: Vec<Shape> = stages.iter().map(|s| s.shape.clone()).collect();
    let offer = Offer::new(&playbook.features, &defs, &shapes);
    let same_outputs =
        shape.produces == stage.shape.produces && shape.segments == stage.shape.segments;
    let wired = offer
        .wire(&stage.def, &shape)
        .ok()
        .filter(|_| same_outputs && about.kind == stage.def.kind);
    Ok(wired.map(|wiring| Prepared {
        position,
        wave: stage.wave,
        def: stage.def.clone(),
        plugin,
        about,
        shape,
        wiring,
        last_good: None,
    }))
}
