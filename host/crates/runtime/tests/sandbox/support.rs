//! Builds guests from source and opens them for a test.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use playbook_builder::{Options, build_one};
use playbook_model::{Batch, Columns, Context, Digest, Fault, Limits, Outcome, RowAnswer};
use playbook_runtime::{Compiler, LoadOptions, OpenedPlugin, Opening, Runtime, RuntimeOptions};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    std::env::current_dir().unwrap().join("../../..").canonicalize().unwrap()
}

/// The hostile scoring plugin.
pub(crate) fn scoring() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| built("scoring"))
}

/// The hostile incentive plugin.
pub(crate) fn incentive() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| built("incentive"))
}

fn built(kind: &str) -> Vec<u8> {
    let folder = root().join("tests/hostile").join(kind);
    let options = Options::of_user();
    let ready = where_it_would_be(&options, kind, &folder);
    let component = if is_newer_than_its_sources(&ready, &folder) {
        ready
    } else {
        build_one(&folder, &options, &mut |_| {}).expect("the hostile guests build").component
    };
    std::fs::read(component).unwrap()
}

/// Where the builder puts a component; asked for only to spare each test's process a run of cargo.
fn where_it_would_be(options: &Options, kind: &str, folder: &Path) -> PathBuf {
    let manifest = folder.join("Cargo.toml");
    let place = Digest::of(manifest.as_os_str().as_encoded_bytes()).hex();
    options.target_dir.join(format!("components/hostile-{kind}-{}.wasm", &place[..8]))
}

fn is_newer_than_its_sources(component: &Path, folder: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|facts| facts.modified());
    let Ok(made) = changed(component) else { return false };
    ["src/lib.rs", "Cargo.toml", "../../../wit/v0.1/plugin.wit"]
        .iter()
        .all(|source| changed(&folder.join(source)).is_ok_and(|at| at < made))
}

/// A component that only has the imports and exports of `world`; every function traps.
/// `contract` is the text of the contract, `extra` a package that may refer to it.
pub(crate) fn dummy(contract: &str, extra: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let contract = resolve.push_str("plugin.wit", contract).unwrap();
    let package =
        if extra.is_empty() { contract } else { resolve.push_str("extra.wit", extra).unwrap() };
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// The text of the contract.
pub(crate) fn contract() -> String {
    std::fs::read_to_string(root().join("wit/v0.1/plugin.wit")).unwrap()
}

/// A runtime in a folder of its own.
pub(crate) struct Host {
    pub(crate) runtime: Runtime,
    pub(crate) folder: TempDir,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut RuntimeOptions)) -> Self {
        let folder = TempDir::new().unwrap();
        let runtime = Runtime::new(options(folder.path(), change)).unwrap();
        Self { runtime, folder }
    }

    pub(crate) fn open(&self, mode: &str, options: &LoadOptions) -> OpenedPlugin {
        self.try_open(mode, options).unwrap()
    }

    pub(crate) fn try_open(&self, mode: &str, options: &LoadOptions) -> Outcome<OpenedPlugin> {
        self.runtime.load(scoring(), options).unwrap().open(opening(mode)).unwrap()
    }
}

pub(crate) fn options(folder: &Path, change: impl FnOnce(&mut RuntimeOptions)) -> RuntimeOptions {
    let mut options = RuntimeOptions::new(folder, child());
    options.instances_max = 8;
    change(&mut options);
    options
}

/// The child process that compiles.
pub(crate) fn child() -> Compiler {
    Compiler::Child {
        program: env!("CARGO_BIN_EXE_runtime-compile-child").into(),
        arguments: Vec::new(),
    }
}

pub(crate) fn settings(mode: &str) -> String {
    format!("{{\"mode\":\"{mode}\"}}")
}

pub(crate) fn opening(mode: &str) -> Opening {
    Opening { settings: settings(mode).into(), ..Opening::default() }
}

pub(crate) fn loading(limits: Limits) -> LoadOptions {
    LoadOptions { limits, ..LoadOptions::default() }
}

pub(crate) fn rows(count: u32) -> Batch {
    let reals = (0..count).map(f64::from).collect();
    Batch { rows: count, columns: Columns { reals, ..Columns::default() } }
}

pub(crate) fn score(opened: &OpenedPlugin, count: u32) -> Outcome<RowAnswer> {
    opened.score(&Context::default(), &rows(count)).unwrap()
}

/// Whether a plugin answers as it should.
pub(crate) fn behaves(opened: &OpenedPlugin) -> bool {
    score(opened, 4).is_ok_and(|answer| answer.columns.reals == [0.0, 2.0, 4.0, 6.0])
}

/// Calls a hostile plugin beside a well-behaved one on one host, and returns its fault.
pub(crate) fn fault_of(mode: &str, options: &LoadOptions, count: u32) -> Fault {
    let host = Host::new();
    let good = host.open("good", options);
    let bad = host.open(mode, options);
    assert!(behaves(&good));
    let fault = score(&bad, count).expect_err("the guest must be stopped");
    assert!(behaves(&good), "the neighbour of `{mode}` must go on");
    // The instance is replaced, so the same plugin is asked again and fails the same way.
    assert_eq!(score(&bad, count).expect_err("the guest must be stopped again"), fault);
    assert_eq!(bad.usage().faults, 2);
    fault
}
