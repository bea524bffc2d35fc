//! A cycle of the demo over a sample community, from which single members are decided again.

use std::path::{Path, PathBuf};

use playbook_batch::{BatchOptions, BatchSource};
use playbook_builder::{Options, build};
use playbook_cycle::{
    Cancel, CycleOptions, CycleRun, DataSource, Evaluation, MemberRows, Prepared, Silent, prepare,
    run_cycle,
};
use playbook_ledger::Ledger;
use playbook_model::{Context, Digest, Frame, Playbook, PluginRef};
use playbook_runtime::{Compiler, LoadOptions, Plugin, Runtime, RuntimeOptions};
use playbook_sample::{Format, SampleSpec, write_sample};

/// The demo's playbook after a cycle.
pub(crate) struct World {
    pub(crate) playbook: Playbook,
    pub(crate) context: Context,
    pub(crate) stages: Vec<Prepared>,
    pub(crate) run: CycleRun,
    /// Columns of the members that are features, before the outputs of stages.
    pub(crate) features: usize,
}

fn root() -> PathBuf {
    std::env::current_dir().unwrap().join("../../..")
}

/// Plugins of the checkout by name.
fn plugins(playbook: &Playbook, runtime: &Runtime) -> Vec<Plugin> {
    let name = |reference: &PluginRef| match reference {
        PluginRef::Named { name, .. } => name.clone(),
        other => panic!("the demo names its plugins, not {other:?}"),
    };
    let folders: Vec<PathBuf> = playbook
        .stages
        .iter()
        .map(|stage| root().join("plugins").join(name(&stage.plugin)))
        .collect();
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    let built = build(&folders, &Options::of_user(), &mut |_| {}).unwrap();
    let load = |(stage, built): (&playbook_model::StageDef, &playbook_builder::Built)| {
        let options = LoadOptions { limits: stage.limits.clone(), ..LoadOptions::default() };
        runtime.load_file(&built.component, &options).unwrap()
    };
    playbook.stages.iter().zip(&built).map(load).collect()
}

impl World {
    /// Runs a cycle over so many members.
    pub(crate) fn new(members: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let spec = SampleSpec { members, seed: 7, format: Format::Parquet, threads: None };
        write_sample(&spec, &data, &mut |_| {}).unwrap();
        playbook_toml::ship(playbook_library::FILES);
        let loaded = playbook_toml::load(&root().join("playbooks/club.toml")).unwrap();
        let playbook = &loaded.playbook;
        let runtime =
            Runtime::new(RuntimeOptions::new(folder.path(), Compiler::InProcess)).unwrap();
        let stages = prepare(playbook, plugins(playbook, &runtime).into_iter().map(Some).collect())
            .unwrap()
            .unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let mut source =
            BatchSource::open(playbook, BatchOptions::new(&data, scratch.path())).unwrap();
        let features = source.members().unwrap().columns().len();
        let intake = source.intake();
        let context = intake.context(playbook.seed);
        let ledger = Ledger::in_memory(&playbook.brand).unwrap();
        let options = CycleOptions {
            run_key: &|_| Digest([7; 32]),
            books: true,
            threads: 2,
            cancel: Cancel::default(),
            progress: &Silent,
            members_done: None,
        };
        let run = run_cycle(playbook, &stages, &mut source, &ledger, &options).unwrap();
        Self { playbook: loaded.playbook, context, stages, run, features }
    }

    /// A member before any stage has answered.
    pub(crate) fn member(&self, row: usize) -> MemberRows {
        MemberRows {
            frame: self.run.members.row(row, self.features),
            previous: vec![Frame::with_rows(1), Frame::with_rows(1)],
            keys: vec![self.run.keys[row]],
        }
    }

    /// The stages, opened with what the cycle left.
    pub(crate) fn open(&self) -> Evaluation {
        let ground = |stage: &Prepared| {
            let run = self.run.stages.iter().find(|run| run.position == stage.position);
            Some(run.unwrap().ground.clone())
        };
        Evaluation::open(&self.stages, self.context, ground, &self.member(0)).unwrap().unwrap()
    }
}
