//! One host: its home folder and its sandbox; playbooks with their plugins, ready to run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use playbook_cycle::{Cancel, PrepareProblem, Prepared, fall_back, prepare};
use playbook_files::{FileError, read_regular, write_whole};
use playbook_model::{Digest, Fault, Limits, OnFault, Playbook, PluginRef, StageDef};
use playbook_runtime::{
    Compiler, LoadError, LoadOptions, Metering, Plugin, Runtime, RuntimeOptions,
};
use playbook_toml::{Loaded, Override, Problem, Problems, ReadFiles, load_with};

use crate::home::Home;
use crate::{AppError, Result};

/// Everything that use cases share.
#[derive(Debug)]
pub struct Host {
    home: Home,
    cancel: Cancel,
    compiler: Compiler,
    connections: Option<PathBuf>,
    runtime: OnceLock<Runtime>,
}

/// Components of a finished run or of the last closed cycle, by stage.
pub type Pinned = BTreeMap<String, Digest>;

/// How the plugins of a playbook are loaded.
#[derive(Debug)]
pub struct Stages<'a> {
    /// How their calls are bounded.
    pub metering: Metering,
    /// Folder with copies of components by digest.
    pub components: &'a Path,
    /// Stages that take exactly this component.
    pub pinned: &'a Pinned,
    /// Components that closed the last cycle, for stages that fall back to them.
    pub last_good: &'a Pinned,
}

impl Host {
    /// A host over a home folder; components are compiled by `compiler`, and `cancel` stops all its work.
    #[must_use]
    pub fn new(home: Home, compiler: Compiler, cancel: Cancel) -> Self {
        Self { home, cancel, compiler, connections: None, runtime: OnceLock::new() }
    }

    /// The same host with this file of connections, instead of that in the home folder.
    #[must_use]
    pub fn with_connections(mut self, file: Option<PathBuf>) -> Self {
        self.connections = file;
        self
    }

    /// The file of connections that was named.
    #[must_use]
    pub fn connections(&self) -> Option<&Path> {
        self.connections.as_deref()
    }

    /// The home folder.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// What stops all work.
    #[must_use]
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The sandbox, started once.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn runtime(&self) -> Result<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = Runtime::new(RuntimeOptions::new(self.home.dir(), self.compiler.clone()))?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Reads and checks a playbook.
    ///
    /// # Errors
    /// [`AppError::Faulty`] with every problem.
    pub fn load(
        &self,
        file: &Path,
        overrides: &[Override],
        files: &dyn ReadFiles,
    ) -> Result<Loaded> {
        let faulty = |problems| AppError::Faulty(Box::new(problems));
        let loaded = load_with(file, overrides, &Limits::ceiling(), files).map_err(faulty)?;
        let problems = sql_problems(&loaded)?;
        if problems.is_empty() { Ok(loaded) } else { Err(faulty(loaded.problems(problems))) }
    }

    /// Loads the plugin of every stage and wires the stages; the result stands in the order in which they run.
    ///
    /// # Errors
    /// [`AppError::Faulty`] with every problem; a host's fault.
    pub fn prepare(&self, loaded: &Loaded, how: &Stages<'_>) -> Result<Vec<Prepared>> {
        let plugins = self.plugins(loaded, how)?;
        let mut stages = match prepare(&loaded.playbook, plugins)? {
            Ok(stages) => stages,
            Err(found) => {
                return Err(AppError::Faulty(Box::new(prepare_problems(loaded, found))));
            }
        };
        for at in 0..stages.len() {
            let before = self.before(&loaded.playbook, &stages, at, how)?;
            stages[at].last_good = before.map(Arc::new);
        }
        Ok(stages)
    }

    /// The plugins in the order of the playbook.
    fn plugins(&self, loaded: &Loaded, how: &Stages<'_>) -> Result<Vec<Plugin>> {
        let runtime = self.runtime()?;
        let mut plugins = Vec::new();
        let mut problems = Vec::new();
        for stage in &loaded.playbook.stages {
            let digest = how.pinned.get(&stage.name).copied();
            let kept = digest.map(|digest| kept_component(how.components, digest));
            let path = match kept {
                Some(kept) if kept.is_file() => Ok(kept),
                // A dry run keeps no components; what is installed serves while its digest is the same.
                _ => self.component(stage),
            };
            let options = options(stage, how.metering, digest);
            match path.map(|path| runtime.load_file(&path, &options)) {
                Ok(Ok(plugin)) => plugins.push(plugin),
                Ok(Err(LoadError::Host(fault))) => return Err(fault.into()),
                Ok(Err(fault)) => problems.push(plugin_problem(loaded, stage, &fault)),
                Err(fault) => problems.push(plugin_problem(loaded, stage, &fault)),
            }
        }
        if problems.is_empty() {
            return Ok(plugins);
        }
        Err(AppError::Faulty(Box::new(loaded.problems(problems))))
    }

    /// The version of a stage that closed the last cycle, where the stage falls back to it and it is another one.
    fn before(
        &self,
        playbook: &Playbook,
        stages: &[Prepared],
        at: usize,
        how: &Stages<'_>,
    ) -> Result<Option<Prepared>> {
        let stage = &stages[at];
        let good = how.last_good.get(&stage.def.name).filter(|d| **d != stage.plugin.digest());
        let Some(digest) = good.filter(|_| stage.def.on_fault == OnFault::LastGood) else {
            return Ok(None);
        };
        let path = kept_component(how.components, *digest);
        match self.runtime()?.load_file(&path, &options(&stage.def, how.metering, Some(*digest))) {
            Ok(plugin) => Ok(fall_back(playbook, stages, stage.position, plugin)?),
            Err(fault) => {
                tracing::warn!(%fault, "the last good plugin cannot be loaded");
                Ok(None)
            }
        }
    }

    /// The component file of a stage.
    ///
    /// # Errors
    /// Where no such plugin is installed.
    pub fn component(&self, stage: &StageDef) -> Result<PathBuf> {
        match &stage.plugin {
            PluginRef::Path(path) => Ok(path.clone()),
            PluginRef::Named { name, version } => self.home.find(name, version),
        }
    }

    /// Loads a component file, or an installed plugin by name, for a look at it.
    ///
    /// # Errors
    /// Where there is none, or the sandbox does not take it.
    pub fn plugin(&self, file_or_name: &str) -> Result<(PathBuf, Plugin)> {
        let path = PathBuf::from(file_or_name);
        let path = if path.exists() && !path.is_dir() {
            path
        } else if file_or_name.ends_with(".wasm") || file_or_name.contains('/') {
            return Err(AppError::NoComponent(file_or_name.to_owned()));
        } else {
            let (name, version) = file_or_name.split_once('@').unwrap_or((file_or_name, "*"));
            self.home.find(name, version)?
        };
        let plugin = self.accepted(&path)?;
        Ok((path, plugin))
    }

    /// Loads a component file for a look at it.
    ///
    /// # Errors
    /// Where the sandbox does not take it.
    pub fn accepted(&self, component: &Path) -> Result<Plugin> {
        let options = LoadOptions { grants_log: true, ..LoadOptions::default() };
        self.runtime()?
            .load_file(component, &options)
            .map_err(|source| AppError::Component { path: component.to_owned(), source })
    }

    /// Keeps a copy of every component that a run uses, so that it can be replayed and fallen back to.
    pub(crate) fn keep_components(&self, stages: &[Prepared], components: &Path) -> Result<()> {
        fs::create_dir_all(components).map_err(FileError::of("create", components))?;
        for stage in stages {
            let kept = kept_component(components, stage.plugin.digest());
            if kept.exists() {
                continue;
            }
            let path = self.component(&stage.def)?;
            let bytes = read_regular(&path)?;
            if Digest::of(&bytes) == stage.plugin.digest() {
                write_whole(&kept, &bytes)?;
            }
        }
        Ok(())
    }
}

/// Where the copy of a component lies.
pub(crate) fn kept_component(components: &Path, digest: Digest) -> PathBuf {
    components.join(format!("{digest}.wasm"))
}

fn options(stage: &StageDef, metering: Metering, digest: Option<Digest>) -> LoadOptions {
    LoadOptions {
        limits: stage.limits.clone(),
        metering,
        grants_log: stage.allow.iter().any(|import| import == "log"),
        digest,
    }
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

/// What is wrong with the SQL of features, at its place in the file.
fn sql_problems(loaded: &Loaded) -> Result<Vec<Problem>> {
    let problem = |(feature, fault): (String, playbook_batch::SqlFault)| {
        let path = format!("features.{feature}.sql");
        let inside = fault.at.and_then(|bytes| loaded.place_inside(&path, bytes));
        let place = inside.or_else(|| loaded.place(&path)).unwrap_or_default();
        let message = format!("the SQL of `{feature}` is refused: {}", fault.message);
        Problem::new("bad-sql", place, message).expected(fault.expected)
    };
    Ok(playbook_batch::check_sql(&loaded.playbook)?.into_iter().map(problem).collect())
}

fn plugin_problem(loaded: &Loaded, stage: &StageDef, fault: &dyn std::error::Error) -> Problem {
    let message = chain(fault);
    let place = loaded.place(&format!("stage.{}.plugin", stage.name)).unwrap_or_default();
    Problem::new("bad-plugin", place, format!("stage `{}`: {message}", stage.name))
}

fn prepare_problems(loaded: &Loaded, found: Vec<PrepareProblem>) -> Problems {
    let mut settings = Vec::new();
    let mut others = Vec::new();
    for problem in found {
        match problem {
            PrepareProblem::Fault { stage, fault: Fault::Settings(found) } => {
                settings.extend(found.into_iter().map(|p| (stage.clone(), p)));
            }
            PrepareProblem::Fault { stage, fault } => {
                let place = loaded.place(&format!("stage.{stage}.plugin")).unwrap_or_default();
                others.push(Problem::new(
                    "bad-plugin",
                    place,
                    format!("stage `{stage}`: plugin {fault}"),
                ));
            }
            PrepareProblem::WrongKind { stage, wanted, found } => {
                let place = loaded.place(&format!("stage.{stage}.kind")).unwrap_or_default();
                others.push(
                    Problem::new(
                        "wrong-kind",
                        place,
                        format!("stage `{stage}` has a plugin of kind {found}"),
                    )
                    .expected(format!("a plugin of kind {wanted}"))
                    .hint(format!("write kind = \"{found}\", or take another plugin")),
                );
            }
            PrepareProblem::Graph(problem) => {
                let place =
                    loaded.place(&format!("stage.{}.plugin", problem.stage)).unwrap_or_default();
                let mut out = Problem::new(
                    "unmet-need",
                    place,
                    format!("stage `{}`: {}", problem.stage, problem.message),
                );
                if let Some(hint) = problem.hint {
                    out = out.hint(hint);
                }
                others.push(out);
            }
        }
    }
    let mut problems = loaded.settings_problems(&settings);
    let more = loaded.problems(others);
    problems.problems.extend(more.problems);
    problems.problems.sort_by_key(|p| p.place);
    problems
}
