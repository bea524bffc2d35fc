//! What is not accepted as a plugin, and in which words.

use playbook_model::{Digest, Limits};
use playbook_runtime::{Compiler, LoadError, LoadOptions, RuntimeError};

use crate::support::{Host, behaves, contract, dummy, loading, scoring};

/// Loads beside a well-behaved plugin and returns why not.
fn refusal(bytes: &[u8]) -> LoadError {
    let host = Host::new();
    let good = host.open("good", &LoadOptions::default());
    let error = host.runtime.load(bytes, &LoadOptions::default()).expect_err("it must be refused");
    assert!(behaves(&good));
    error
}

fn of_version(version: &str) -> Vec<u8> {
    let text = contract().replace("playbook:plugin@0.1.0", &format!("playbook:plugin@{version}"));
    dummy(&text, "", "scoring-plugin")
}

fn importing(import: &str, packages: &str) -> Vec<u8> {
    let extra = format!(
        "package acme:extra;
         world odd {{ include playbook:plugin/scoring-plugin@0.1.0; import {import}; }}
         {packages}"
    );
    dummy(&contract(), &extra, "odd")
}

#[test]
fn plain_world_of_the_contract_is_accepted() {
    let host = Host::new();
    let plugin = host.runtime.load(&of_version("0.1.0"), &LoadOptions::default()).unwrap();
    assert_eq!(plugin.kind().name(), "scoring");
    assert!(!plugin.is_fitted());
    assert_eq!(plugin.contract_version().to_string(), "0.1.0");
    // Functions of a dummy trap.
    assert!(plugin.describe().unwrap().is_err());
}

#[test]
fn good_plugin_describes_itself() {
    let host = Host::new();
    let plugin = host.runtime.load(scoring(), &LoadOptions::default()).unwrap();
    let said = plugin.describe().unwrap().unwrap();
    assert_eq!((said.name.as_str(), said.version.as_str()), ("hostile", "0.1.0"));
    assert!(plugin.is_fitted());
    assert_eq!(plugin.imports(), ["playbook:plugin/log@0.1.0", "playbook:plugin/types@0.1.0"]);
    assert_eq!(plugin.digest(), Digest::of(scoring()));
}

#[test]
fn older_contract_is_refused_with_both_versions() {
    assert_eq!(
        refusal(&of_version("0.0.9")).to_string(),
        "component is built for contract 0.0.9, older than 0.1.0, the oldest that this host serves; \
         build it again with the current SDK"
    );
}

#[test]
fn newer_contract_is_refused_even_where_the_engine_would_link_it() {
    for version in ["0.1.1", "0.2.0", "1.0.0"] {
        let error = refusal(&of_version(version));
        let LoadError::ContractTooNew { found, newest } = error else { panic!("{error}") };
        assert_eq!((found.as_str(), newest.as_str()), (version, "0.1.0"));
    }
}

#[test]
fn foreign_component_is_refused_with_what_it_exports() {
    let foreign = dummy(
        "package acme:greeter; interface hello { hi: func() -> string; } world w { export hello; }",
        "",
        "w",
    );
    assert_eq!(
        refusal(&foreign).to_string(),
        "component exports nothing of `playbook:plugin`; it exports `acme:greeter/hello`"
    );
}

#[test]
fn component_of_two_kinds_or_of_none_is_refused() {
    let world = |body: &str| {
        let extra = format!("package acme:extra; world odd {{ {body} }}");
        dummy(&contract(), &extra, "odd")
    };
    let two =
        world("include playbook:plugin/scoring-plugin@0.1.0; export playbook:plugin/roi@0.1.0;");
    assert!(matches!(refusal(&two), LoadError::NotAPlugin { .. }));
    let none = world("export playbook:plugin/plugin@0.1.0;");
    assert!(matches!(refusal(&none), LoadError::NotAPlugin { .. }));
}

#[test]
fn unknown_import_is_refused_by_name() {
    let bytes = importing(
        "playbook:clock/now",
        "package playbook:clock { interface now { now: func() -> u64; } }",
    );
    assert_eq!(
        refusal(&bytes).to_string(),
        "component imports `playbook:clock/now`, which is not offered; the only import is `playbook:plugin/log`"
    );
}

#[test]
fn wasi_import_is_refused_with_how_to_build_without_it() {
    let bytes = importing(
        "wasi:cli/environment@0.2.12",
        "package wasi:cli@0.2.12 { interface environment { get-environment: func() -> list<tuple<string, string>>; } }",
    );
    let error = refusal(&bytes);
    assert!(matches!(error, LoadError::Wasi { .. }));
    let text = error.to_string();
    assert!(
        text.starts_with("component imports `wasi:cli/environment@0.2.12`, and no WASI is offered"),
        "{text}"
    );
    assert!(text.contains("wasm32-unknown-unknown"), "{text}");
}

#[test]
fn contract_with_a_function_missing_is_refused() {
    let text = contract()
        .replace("  score: func(ctx: context, rows: batch) -> result<row-answer, string>;", "");
    let error = refusal(&dummy(&text, "", "scoring-plugin"));
    assert!(matches!(error, LoadError::ContractMismatch { .. }), "{error}");
}

#[test]
fn core_module_is_refused_as_such() {
    assert!(matches!(refusal(b"\0asm\x01\0\0\0"), LoadError::CoreModule));
}

#[test]
fn text_and_nothing_are_refused() {
    assert!(matches!(refusal(b"not wasm at all"), LoadError::Invalid { .. }));
    assert!(matches!(refusal(b""), LoadError::Invalid { .. }));
}

#[test]
fn truncated_component_is_refused() {
    let host = Host::new();
    let good = host.open("good", &LoadOptions::default());
    let whole = scoring();
    for part in 1..12 {
        let cut = &whole[..whole.len() * part / 12];
        let error = host.runtime.load(cut, &LoadOptions::default()).expect_err("it is truncated");
        assert!(!matches!(error, LoadError::Host(_)), "{error}");
    }
    assert!(behaves(&good));
}

#[test]
fn corrupted_component_never_brings_the_host_down() {
    let host = Host::new();
    let good = host.open("good", &LoadOptions::default());
    let mut refused = 0;
    for part in 0..24 {
        let mut bytes = scoring().to_vec();
        let at = bytes.len() * part / 24;
        bytes[at] ^= 0xff;
        match host.runtime.load(&bytes, &LoadOptions::default()) {
            // A flip may fall into data or a custom section; then it is another plugin, and harmless.
            Ok(plugin) => drop(plugin.describe().unwrap()),
            Err(LoadError::Host(e)) => panic!("flip at {at} is a fault of the host: {e}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
    assert!(behaves(&good));
}

#[test]
fn component_over_the_size_limit_is_not_even_parsed() {
    let host = Host::new();
    let limits = Limits { component_bytes_max: 10, ..Limits::default() };
    let error = host.runtime.load(b"longer than ten", &loading(limits.clone())).unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { bytes: 15, max: 10 }), "{error}");
    let file = host.folder.path().join("guest.wasm");
    std::fs::write(&file, b"longer than ten").unwrap();
    let error = host.runtime.load_file(&file, &loading(limits)).unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { bytes: 15, max: 10 }), "{error}");
}

#[test]
fn other_bytes_than_the_pinned_ones_are_refused() {
    let host = Host::new();
    let pin = |digest| LoadOptions { digest: Some(digest), ..LoadOptions::default() };
    assert!(host.runtime.load(scoring(), &pin(Digest::of(scoring()))).is_ok());
    let error = host.runtime.load(scoring(), &pin(Digest::of(b"another"))).unwrap_err();
    assert!(matches!(error, LoadError::DigestMismatch { .. }), "{error}");
}

#[test]
fn limit_above_the_ceiling_of_the_host_is_refused_by_name() {
    let host = Host::new();
    let limits = Limits { memory_bytes_max: 1 << 40, ..Limits::default() };
    assert_eq!(
        host.runtime.load(scoring(), &loading(limits)).unwrap_err().to_string(),
        "limit `memory_bytes_max` is 1099511627776, the host's ceiling is 1073741824"
    );
}

#[test]
fn compilation_past_its_memory_is_stopped_in_the_child() {
    let host = Host::new();
    let limits = Limits { compile_bytes_max: 24 << 20, ..Limits::default() };
    let error = host.runtime.load(scoring(), &loading(limits)).unwrap_err();
    assert!(matches!(error, LoadError::CompileLimit { limit: "memory", .. }), "{error}");
}

#[test]
fn child_at_its_cpu_limit_is_told_apart_from_a_broken_child() {
    let with = |program: &str, script: &str| {
        let host = Host::with(|options| {
            options.compiler = Compiler::Child {
                program: program.into(),
                arguments: vec!["-c".into(), script.into()],
            };
        });
        host.runtime.load(scoring(), &LoadOptions::default()).unwrap_err()
    };
    let stopped = with("/bin/sh", "kill -XCPU $$");
    assert!(matches!(stopped, LoadError::CompileLimit { limit: "cpu", max: 60, .. }), "{stopped}");
    let broken = with("/bin/sh", "echo out of order >&2; exit 9");
    assert!(
        matches!(&broken, LoadError::Host(RuntimeError::CompileChild { detail, .. }) if detail.contains("out of order")),
        "{broken}"
    );
    let absent = with("/nonexistent/program", "");
    assert!(matches!(absent, LoadError::Host(RuntimeError::CompileChild { .. })), "{absent}");
}
