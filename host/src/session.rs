//! What commands share: the home folder, the sandbox, playbooks with their plugins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use playbook_cycle::{Cancel, PrepareProblem, Prepared, fall_back, prepare};
use playbook_model::{Digest, Fault, Limits, OnFault, PluginRef, StageDef};
use playbook_runtime::{
    Compiler, LoadError, LoadOptions, Metering, Plugin, Runtime, RuntimeOptions,
};
use playbook_toml::{Loaded, Override, Problem, Problems, ReadFiles, load_with};

use crate::cli::Cli;
use crate::home::Home;
use crate::terminal::Terminal;

/// Everything a command needs of the process.
pub(crate) struct Session {
    pub(crate) home: Home,
    pub(crate) terminal: Terminal,
    pub(crate) cancel: Cancel,
    runtime: std::sync::OnceLock<Runtime>,
}

/// The playbook itself is at fault: shown with its places, not as a chain of causes.
#[derive(Debug)]
pub(crate) struct Faulty(pub(crate) Box<Problems>);

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the playbook has {} problems", self.0.problems.len() + self.0.more)
    }
}

impl std::error::Error for Faulty {}

/// Components of a finished run or of the last closed cycle, by stage.
pub(crate) type Pinned = BTreeMap<String, Digest>;

impl Session {
    pub(crate) fn new(cli: &Cli) -> Result<Self> {
        Ok(Self {
            home: Home::open(cli.home.as_deref())?,
            terminal: Terminal::new(cli.color),
            cancel: Cancel::default(),
            runtime: std::sync::OnceLock::new(),
        })
    }

    /// Stops cleanly on the first Ctrl-C or SIGTERM, at once on the second.
    pub(crate) fn listen(&self) -> Result<()> {
        let cancel = self.cancel.clone();
        ctrlc::set_handler(move || {
            if cancel.is_cancelled() {
                Terminal::note("stopped at once");
                std::process::abort();
            }
            Terminal::note("stopping; once more stops at once");
            cancel.cancel();
        })
        .context("cannot listen for Ctrl-C")
    }

    /// The sandbox, started once.
    pub(crate) fn runtime(&self) -> Result<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let program =
            std::env::current_exe().context("the host does not know its own program file")?;
        let compiler = Compiler::Child { program, arguments: vec![OsString::from("__compile")] };
        let options = RuntimeOptions::new(self.home.dir(), compiler);
        let runtime = Runtime::new(options)?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Reads and checks a playbook.
    pub(crate) fn load(
        &self,
        file: &Path,
        overrides: &[Override],
        files: &dyn ReadFiles,
    ) -> Result<Loaded> {
        load_with(file, overrides, &Limits::ceiling(), files)
            .map_err(|problems| Faulty(Box::new(problems)).into())
    }

    /// Loads the plugin of every stage; those that are pinned come from `components` by digest.
    pub(crate) fn prepare(
        &self,
        loaded: &Loaded,
        metering: Metering,
        components: &Path,
        pinned: &Pinned,
        last_good: &Pinned,
    ) -> Result<Vec<Prepared>> {
        let runtime = self.runtime()?;
        let mut plugins = Vec::new();
        let mut problems = Vec::new();
        for stage in &loaded.playbook.stages {
            let path = match pinned.get(&stage.name) {
                Some(digest) => {
                    let kept = components.join(format!("{digest}.wasm"));
                    // A dry run keeps no components; what is installed serves while its digest is the same.
                    if kept.is_file() { Ok(kept) } else { self.component(stage) }
                }
                None => self.component(stage),
            };
            let options = options(stage, metering, pinned.get(&stage.name).copied());
            match path.map(|path| runtime.load_file(&path, &options)) {
                Ok(Ok(plugin)) => plugins.push(plugin),
                Ok(Err(LoadError::Host(fault))) => return Err(fault.into()),
                Ok(Err(fault)) => problems.push(plugin_problem(loaded, stage, &chain(&fault))),
                Err(fault) => problems.push(plugin_problem(loaded, stage, &format!("{fault:#}"))),
            }
        }
        if !problems.is_empty() {
            return Err(Faulty(Box::new(loaded.problems(problems))).into());
        }
        let mut stages = match prepare(&loaded.playbook, plugins)? {
            Ok(stages) => stages,
            Err(found) => return Err(Faulty(Box::new(prepare_problems(loaded, found))).into()),
        };
        for at in 0..stages.len() {
            let stage = &stages[at];
            let before = last_good.get(&stage.def.name).filter(|d| **d != stage.plugin.digest());
            if stage.def.on_fault == OnFault::LastGood
                && let Some(digest) = before
            {
                let path = components.join(format!("{digest}.wasm"));
                let position = stage.position;
                let options = options(&stage.def, metering, Some(*digest));
                match runtime.load_file(&path, &options) {
                    Ok(plugin) => {
                        let before = fall_back(&loaded.playbook, &stages, position, plugin)?;
                        stages[at].last_good = before.map(Box::new);
                    }
                    Err(fault) => tracing::warn!(%fault, "the last good plugin cannot be loaded"),
                }
            }
        }
        Ok(stages)
    }

    /// The component file of a stage.
    pub(crate) fn component(&self, stage: &StageDef) -> Result<PathBuf> {
        match &stage.plugin {
            PluginRef::Path(path) => Ok(path.clone()),
            PluginRef::Named { name, version } => self.home.find(name, version),
        }
    }

    /// Loads a component file, or an installed plugin by name.
    pub(crate) fn plugin(&self, file_or_name: &str) -> Result<(PathBuf, Plugin)> {
        let path = PathBuf::from(file_or_name);
        let path = if path.is_file() {
            path
        } else if file_or_name.ends_with(".wasm") || file_or_name.contains('/') {
            anyhow::bail!("there is no component file `{file_or_name}`")
        } else {
            let (name, version) = file_or_name.split_once('@').unwrap_or((file_or_name, "*"));
            self.home.find(name, version)?
        };
        let options = LoadOptions { grants_log: true, ..LoadOptions::default() };
        let plugin = self
            .runtime()?
            .load_file(&path, &options)
            .with_context(|| format!("`{}` is not accepted", path.display()))?;
        Ok((path, plugin))
    }
}

fn options(stage: &StageDef, metering: Metering, digest: Option<Digest>) -> LoadOptions {
    LoadOptions {
        limits: stage.limits.clone(),
        metering,
        grants_log: stage.allow.iter().any(|import| import == "log"),
        digest,
    }
}

fn chain(fault: &LoadError) -> String {
    let mut text = fault.to_string();
    let mut source = std::error::Error::source(fault);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

fn plugin_problem(loaded: &Loaded, stage: &StageDef, message: &str) -> Problem {
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

/// Keeps a copy of every component that a run uses, so that it can be replayed and fallen back to.
pub(crate) fn keep_components(
    session: &Session,
    stages: &[Prepared],
    components: &Path,
) -> Result<()> {
    fs::create_dir_all(components)
        .with_context(|| format!("cannot create `{}`", components.display()))?;
    for stage in stages {
        let path = components.join(format!("{}.wasm", stage.plugin.digest()));
        if path.exists() {
            continue;
        }
        let bytes = fs::read(session.component(&stage.def)?)?;
        if Digest::of(&bytes) == stage.plugin.digest() {
            let aside = components.join(format!(".{}", std::process::id()));
            fs::write(&aside, &bytes).and_then(|()| fs::rename(&aside, &path))?;
        }
    }
    Ok(())
}
