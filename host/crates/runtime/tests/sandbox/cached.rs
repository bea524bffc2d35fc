//! Compiled code on disk: reused where it verifies, compiled again where it does not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use playbook_runtime::{Compiler, LoadError, LoadOptions, Metering, Runtime, RuntimeError};

use crate::support::{Host, behaves, incentive, opening, options, scoring};

fn stored(host: &Host) -> Vec<PathBuf> {
    let folder = host.folder.path().join("compiled");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A second runtime on the same folders that cannot compile.
fn cannot_compile(host: &Host) -> Runtime {
    let broken = Compiler::Child { program: "/nonexistent".into(), arguments: Vec::new() };
    Runtime::new(options(host.folder.path(), |o| o.compiler = broken)).unwrap()
}

fn loads(runtime: &Runtime) -> bool {
    match runtime.load(scoring(), &LoadOptions::default()) {
        Ok(plugin) => behaves(&plugin.open(opening("good")).unwrap().unwrap()),
        Err(LoadError::Host(RuntimeError::CompileChild { .. })) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn compiled_code_is_reused_by_the_next_process() {
    let host = Host::new();
    assert!(!loads(&cannot_compile(&host)));
    assert!(loads(&host.runtime));
    assert_eq!(stored(&host).len(), 1);
    assert!(loads(&cannot_compile(&host)));
}

#[test]
fn each_metering_has_an_artefact_of_its_own() {
    let host = Host::new();
    for metering in [Metering::FuelAndEpoch, Metering::EpochOnly] {
        let options = LoadOptions { metering, ..LoadOptions::default() };
        assert!(behaves(&host.open("good", &options)));
    }
    assert_eq!(stored(&host).len(), 2);
}

#[test]
fn code_compiled_in_this_process_is_the_code_of_the_child() {
    let code = |compiler| {
        let host = Host::with(|options| {
            options.compiler = compiler;
        });
        assert!(loads(&host.runtime));
        // The tag differs by key; the code follows it.
        fs::read(&stored(&host)[0]).unwrap().split_off(40)
    };
    assert!(code(Compiler::InProcess) == code(crate::support::child()));
}

/// Changes the stored file in some way; it must not be used, and must be replaced.
fn is_compiled_again(forge: impl FnOnce(&Host, Vec<u8>) -> Vec<u8>) {
    let host = Host::new();
    assert!(loads(&host.runtime));
    let file = stored(&host).remove(0);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, forge(&host, whole.clone())).unwrap();
    assert!(!loads(&cannot_compile(&host)), "forged code must not be used");
    assert!(loads(&host.runtime));
    assert!(fs::read(&file).unwrap() == whole, "forged code must be replaced");
}

#[test]
fn forged_code_is_compiled_again() {
    is_compiled_again(|_, mut bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    });
}

#[test]
fn forged_tag_is_compiled_again() {
    is_compiled_again(|_, mut bytes| {
        bytes[8] ^= 1;
        bytes
    });
}

#[test]
fn truncated_empty_and_foreign_files_are_compiled_again() {
    is_compiled_again(|_, bytes| bytes[..bytes.len() / 2].to_vec());
    is_compiled_again(|_, bytes| bytes[..20].to_vec());
    is_compiled_again(|_, _| Vec::new());
    is_compiled_again(|_, _| b"\x7fELF and more that is no code of ours".to_vec());
}

#[test]
fn code_of_another_component_is_not_taken_though_its_tag_is_genuine() {
    is_compiled_again(|host, _| {
        let before = stored(host);
        host.runtime.load(incentive(), &LoadOptions::default()).unwrap();
        let other = stored(host).into_iter().find(|f| !before.contains(f)).unwrap();
        fs::read(other).unwrap()
    });
}

#[test]
fn code_under_another_key_is_compiled_again() {
    let host = Host::new();
    assert!(loads(&host.runtime));
    fs::remove_file(host.folder.path().join("keys/compiled-code.key")).unwrap();
    assert!(!loads(&cannot_compile(&host)));
}

#[test]
fn key_is_private_and_a_key_that_others_may_read_is_refused() {
    let host = Host::new();
    let key = host.folder.path().join("keys/compiled-code.key");
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let again = Runtime::new(options(host.folder.path(), |_| {}));
    assert!(matches!(again, Err(RuntimeError::Key { .. })));
}

#[test]
fn cache_that_cannot_be_written_costs_time_and_nothing_else() {
    let host = Host::new();
    fs::remove_dir_all(host.folder.path().join("compiled")).unwrap();
    assert!(loads(&host.runtime));
}

#[test]
fn compiling_to_measure_takes_nothing_from_the_cache_and_keeps_nothing() {
    let host = Host::new();
    let compiled = |runtime: &Runtime| runtime.compile(scoring(), &LoadOptions::default());
    assert!(compiled(&host.runtime).unwrap() > 10_000);
    assert_eq!(stored(&host).len(), 0);
    assert!(loads(&host.runtime));
    let broken = compiled(&cannot_compile(&host));
    assert!(matches!(broken, Err(LoadError::Host(RuntimeError::CompileChild { .. }))));
}

#[test]
fn code_is_held_once_while_anybody_holds_it() {
    let host = Host::new();
    let first = host.runtime.load(scoring(), &LoadOptions::default()).unwrap();
    let file = stored(&host).remove(0);
    fs::write(&file, b"no code").unwrap();
    let second = host.runtime.load(scoring(), &LoadOptions::default()).unwrap();
    drop(first);
    assert!(behaves(&second.open(opening("good")).unwrap().unwrap()));
    assert_eq!(fs::read(&file).unwrap(), b"no code", "what is in memory is not read again");
    drop(second);
    assert!(loads(&host.runtime));
    assert!(fs::read(&file).unwrap() != b"no code", "the last one took it along");
}

#[test]
fn who_wants_the_same_code_at_once_has_it_compiled_once() {
    let host = Host::new();
    let plugins: Vec<_> = std::thread::scope(|scope| {
        let load = || host.runtime.load(scoring(), &LoadOptions::default()).unwrap();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(stored(&host).len(), 1);
    assert!(plugins.iter().all(|plugin| behaves(&plugin.open(opening("good")).unwrap().unwrap())));
}
