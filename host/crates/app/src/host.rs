//! One host: its home folder and its sandbox; playbooks with their plugins, ready to run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use playbook_cycle::{Cancel, Prepared, fall_back, features_for, prepare};
use playbook_files::{FileError, read_regular, write_whole};
use playbook_model::{
    ArtefactRef, Digest, HostTrust, Limits, OnFault, Playbook, PluginRef, StageDef,
};
use playbook_registry::{Bounds, Credentials, Store};
use playbook_runtime::{
    Compiler, LoadError, LoadOptions, Metering, Plugin, Runtime, RuntimeOptions,
};
use playbook_toml::{Loaded, Override, Problem, ReadFiles, load_with};

use crate::artefacts::{named_by, policy};
use crate::check::{absent_plugins, misnamed, plugin_problem, prepare_problems, sql_problems};
use crate::guards::guard_problems;
use crate::home::Home;
use crate::{AppError, Result};

/// Everything that use cases share.
#[derive(Debug)]
pub struct Host {
    home: Home,
    cancel: Cancel,
    compiler: Compiler,
    connections: Option<PathBuf>,
    credentials: Credentials,
    /// The policy of a service's own file.
    trust: Option<HostTrust>,
    artefacts: OnceLock<Store>,
    runtime: OnceLock<Runtime>,
    /// Held while a cycle of a service is closed: one at a time, so that decisions keep their share of the machine.
    pub(crate) closing: Mutex<()>,
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
        Self {
            home,
            cancel,
            compiler,
            connections: None,
            credentials: Credentials::default(),
            trust: None,
            artefacts: OnceLock::new(),
            runtime: OnceLock::new(),
            closing: Mutex::new(()),
        }
    }

    /// The same host with this file of connections, instead of that in the home folder.
    #[must_use]
    pub fn with_connections(mut self, file: Option<PathBuf>) -> Self {
        self.connections = file;
        self
    }

    /// The same host with who it is to registries.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// The same host with this policy of trust, instead of that in the home folder.
    #[must_use]
    pub fn with_trust(mut self, trust: Option<HostTrust>) -> Self {
        self.trust = trust;
        self
    }

    /// Artefacts of registries, judged by the host's policy.
    ///
    /// # Errors
    /// A policy that cannot be read: then nothing is let in.
    pub fn artefacts(&self) -> Result<&Store> {
        if let Some(artefacts) = self.artefacts.get() {
            return Ok(artefacts);
        }
        let trust = policy(&self.home, self.trust.as_ref())?;
        let (dir, credentials) = (self.home.artefacts_dir(), self.credentials.clone());
        let store = Store::new(&dir, Bounds::default(), credentials, trust);
        Ok(self.artefacts.get_or_init(|| store))
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
    /// [`AppError::Faulty`] with every problem, plugins that are not installed among them.
    pub fn load(
        &self,
        file: &Path,
        overrides: &[Override],
        files: &dyn ReadFiles,
    ) -> Result<Loaded> {
        self.read(file, overrides, files).map_err(|error| match error {
            AppError::Faulty(problems) => {
                let absent = absent_plugins(&self.home, &problems.plugins);
                AppError::Faulty(Box::new(problems.and(absent)))
            }
            other => other,
        })
    }

    /// Reads and checks a playbook without a look at which plugins are installed.
    ///
    /// # Errors
    /// [`AppError::Faulty`] with every problem of the file.
    pub fn read(
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

    /// Loads the plugin of every stage and wires the stages; the result stands in the order in which they run. Features of the
    /// catalogue that no stage asks for are gone from the playbook then.
    ///
    /// # Errors
    /// [`AppError::Faulty`] with every problem; a host's fault.
    pub fn prepare(&self, loaded: &mut Loaded, how: &Stages<'_>) -> Result<Vec<Prepared>> {
        let (plugins, mut problems) = self.plugins(loaded, how)?;
        let mut stages = match prepare(&loaded.playbook, plugins)? {
            Ok(stages) => {
                problems.extend(misnamed(loaded, &stages));
                problems.extend(guard_problems(loaded, &stages));
                stages
            }
            Err(found) => {
                problems.extend(prepare_problems(loaded, found));
                Vec::new()
            }
        };
        if !problems.is_empty() {
            return Err(AppError::Faulty(Box::new(loaded.problems(problems))));
        }
        for at in 0..stages.len() {
            let before = self.before(&loaded.playbook, &stages, at, how)?;
            stages[at].last_good = before.map(Arc::new);
        }
        loaded.playbook.features = features_for(&loaded.playbook, &stages);
        Ok(stages)
    }

    /// The plugins in the order of the playbook, and why some of them cannot be had.
    fn plugins(
        &self,
        loaded: &Loaded,
        how: &Stages<'_>,
    ) -> Result<(Vec<Option<Plugin>>, Vec<Problem>)> {
        let runtime = self.runtime()?;
        // A policy of trust that cannot be read is the host's fault, no stage's.
        self.artefacts()?;
        let mut plugins = Vec::new();
        let mut problems = Vec::new();
        for stage in &loaded.playbook.stages {
            let digest = how.pinned.get(&stage.name).copied();
            let kept = digest.map(|digest| kept_component(how.components, digest));
            let kept = kept.filter(|kept| kept.is_file());
            // What a run kept serves without the registry that it came from.
            let is_kept = kept.is_some();
            // A dry run keeps no components; what is installed serves while its digest is the same.
            let path = kept.map_or_else(|| self.component(stage), Ok);
            let options = options(stage, how.metering, digest);
            let problem = match path.map(|path| runtime.load_file(&path, &options)) {
                Ok(Ok(plugin)) => match self.trusted(&stage.plugin, is_kept, &plugin) {
                    Ok(()) => {
                        plugins.push(Some(plugin));
                        continue;
                    }
                    Err(AppError::Runtime(fault)) => return Err(fault.into()),
                    Err(untrusted) => plugin_problem(loaded, stage, &untrusted),
                },
                Ok(Err(LoadError::Host(fault))) => return Err(fault.into()),
                Ok(Err(fault)) => plugin_problem(loaded, stage, &fault),
                Err(fault) => plugin_problem(loaded, stage, &fault),
            };
            problems.push(problem);
            plugins.push(None);
        }
        Ok((plugins, problems))
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
            Ok(plugin) => match self.trusted_file(&plugin) {
                Ok(()) => Ok(fall_back(playbook, stages, stage.position, plugin)?),
                Err(untrusted) => {
                    tracing::warn!(%untrusted, "the last good plugin is not taken");
                    Ok(None)
                }
            },
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
            PluginRef::Artefact(artefact) => Ok(self.artefacts()?.fetch(artefact)?.component),
        }
    }

    /// The component file that is named: by its path, as an installed plugin, or as an artefact with its digest.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(&self, file_or_name: &str) -> Result<PathBuf> {
        let path = PathBuf::from(file_or_name);
        if ArtefactRef::is_meant(file_or_name) {
            Ok(self.artefacts()?.fetch(&named_by(file_or_name)?)?.component)
        } else if path.exists() && !path.is_dir() {
            Ok(path)
        } else if file_or_name.ends_with(".wasm") || file_or_name.contains('/') {
            Err(AppError::NoComponent(file_or_name.to_owned()))
        } else {
            let (name, version) = file_or_name.split_once('@').unwrap_or((file_or_name, "*"));
            self.home.find(name, version)
        }
    }

    /// Loads a component file, or an installed plugin by name, for a look at it.
    ///
    /// # Errors
    /// Where there is none, or the sandbox does not take it.
    pub fn plugin(&self, file_or_name: &str) -> Result<(PathBuf, Plugin)> {
        let path = self.named(file_or_name)?;
        let plugin = self.accepted(&path)?;
        Ok((path, plugin))
    }

    /// Loads a component file for a look at it.
    ///
    /// # Errors
    /// Where the sandbox does not take it.
    pub fn accepted(&self, component: &Path) -> Result<Plugin> {
        self.accepted_with(component, &looking(Metering::FuelAndEpoch))
    }

    /// Loads a component file with options of its own.
    ///
    /// # Errors
    /// Where the sandbox does not take it.
    pub fn accepted_with(&self, component: &Path, options: &LoadOptions) -> Result<Plugin> {
        self.runtime()?
            .load_file(component, options)
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

/// How a component is loaded for a look at it: within the limits that hold where no playbook says otherwise.
#[must_use]
pub fn looking(metering: Metering) -> LoadOptions {
    LoadOptions { metering, grants_log: true, ..LoadOptions::default() }
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
        samples: false,
    }
}
