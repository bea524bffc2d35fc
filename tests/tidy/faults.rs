//! Every check can fail: small trees with one fault each.

use crate::codes::{DOMAIN, codes};
use crate::crates::{edges, edges_on_the_map, lints, natives, owners};
use crate::models::tables;
use crate::pages::{
    commands, folders_on_the_map, index, invariants, links, schema_lines, test_command, titles,
};
use crate::sources::{
    contract_docs, contract_files, contract_frozen, forgotten_tests, headers, leftovers, spaces,
};
use crate::tree::{MAP, Tree};

/// The tree passes; each change of one file makes the check complain.
#[track_caller]
fn can_fail(check: fn(&Tree) -> Vec<String>, good: &[(&str, &str)], faults: &[(&str, &str)]) {
    assert_eq!(check(&Tree::of(good)), Vec::<String>::new(), "the good tree");
    for fault in faults {
        let mut tree = Tree::of(good);
        tree.0.insert(fault.0.to_owned(), fault.1.to_owned());
        assert!(!check(&tree).is_empty(), "no complaint about {fault:?}");
    }
}

#[test]
fn a_crate_without_lints_is_found() {
    let good = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n";
    can_fail(
        lints,
        &[("a/Cargo.toml", good)],
        &[("a/Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\n")],
    );
}

#[test]
fn a_second_owner_is_found_and_a_dev_dependency_is_none() {
    let dev =
        "[package]\nname = \"playbook-cycle\"\n[dev-dependencies]\nwasmtime.workspace = true\n";
    let faults = [
        "[dependencies]\nwasmtime.workspace = true\n",
        "[dependencies.wasmtime]\nversion = \"48\"\n",
        "[build-dependencies]\nwasmtime = { workspace = true }\n",
        "[target.'cfg(unix)'.dependencies]\nwasmtime = \"48\"\n",
    ];
    for fault in faults {
        let fault = format!("[package]\nname = \"playbook-cycle\"\n{fault}");
        can_fail(owners, &[("c/Cargo.toml", dev)], &[("c/Cargo.toml", fault.as_str())]);
    }
}

#[test]
fn a_number_of_two_spaces_is_found() {
    let of = |second: &str| {
        format!("    pub(crate) const A: u8 = 1;\n    pub(crate) const B: u8 = {second};\n")
    };
    let path = "host/crates/online/src/store.rs";
    can_fail(spaces, &[(path, of("2").as_str())], &[(path, of("1").as_str())]);
}

#[test]
fn a_plugin_that_is_not_timed_natively_is_found() {
    let manifest =
        ("tests/benchmarks/native/Cargo.toml", "[dev-dependencies]\na = { path = \"a\" }\n");
    let list =
        ("tests/benchmarks/native/plugins.rs", "plugins! {\n    \"a\" => a::A: Scores,\n}\n");
    let plugin = ("plugins/a/Cargo.toml", "[package]\nname = \"a\"\n");
    can_fail(
        natives,
        &[manifest, list, plugin],
        &[(manifest.0, "[dev-dependencies]\n"), (list.0, "plugins! {\n}\n")],
    );
}

#[test]
fn a_forbidden_edge_is_found() {
    let model = ("host/crates/model/Cargo.toml", "[package]\nname = \"playbook-model\"\n");
    let cycle = (
        "host/crates/cycle/Cargo.toml",
        "[package]\nname = \"playbook-cycle\"\n[dependencies]\nplaybook-model.workspace = true\n",
    );
    can_fail(
        edges,
        &[model, cycle],
        &[
            (
                model.0,
                "[package]\nname = \"playbook-model\"\n[dependencies]\nplaybook-cycle.workspace = true\n",
            ),
            (
                "plugins/a/Cargo.toml",
                "[package]\nname = \"a\"\n[dependencies]\nplaybook-model.workspace = true\n",
            ),
            ("host/crates/new/Cargo.toml", "[package]\nname = \"playbook-new\"\n"),
        ],
    );
    assert!(
        !edges_on_the_map(&Tree::of(&[(MAP, "| `playbook-model` | `playbook-cycle` |\n")]))
            .is_empty()
    );
}

#[test]
fn faults_of_sources_are_found() {
    let good = [("a.rs", "#![allow(dead_code)]\n//! Owns a.\n"), ("b.rs", "//! Owns b.\n")];
    can_fail(headers, &good, &[("a.rs", "use std::fs;\n"), ("b.rs", "//!\n"), ("c.rs", "")]);
    can_fail(leftovers, &good, &[("a.md", concat!("# A\nTO", "DO: finish\n"))]);
    let host = ("host/Cargo.toml", "[[test]]\npath = \"../tests/a.rs\"\n");
    can_fail(
        forgotten_tests,
        &[host, ("tests/a.rs", ""), ("tests/hostile/x/src/main.rs", ""), ("tests/end/part.rs", "")],
        &[("tests/b.rs", ""), ("tests/end/main.rs", "")],
    );
}

#[test]
fn faults_of_the_contract_are_found() {
    let path = "wit/v0.1/plugin.wit";
    let good = "/// A.\ninterface a {\n  /// R.\n  record r {\n    /// X.\n    x: u32,\n  }\n  /// E.\n  enum e { x, y }\n  /// F.\n  f: func(x: u32) -> u32;\n}\n";
    for undocumented in ["/// A.\n", "/// R.\n", "/// X.\n", "/// E.\n", "/// F.\n"] {
        let fault = good.replace(undocumented, "");
        can_fail(contract_docs, &[(path, good)], &[(path, fault.as_str())]);
    }
    can_fail(contract_docs, &[(path, good)], &[(path, "/// R.\nrecord r { x: u32 }\n")]);
    can_fail(
        contract_files,
        &[(path, good), ("wit/Cargo.toml", ""), ("wit/src/lib.rs", "")],
        &[("wit/notes.md", ""), ("wit/v0.1/old.txt", ""), ("wit/draft/a.wit", "")],
    );
}

#[test]
fn a_changed_word_of_a_released_contract_is_found_and_another_comment_is_none() {
    let path = "wit/v0.1/plugin.wit";
    let tree = Tree::of_repository();
    let text = tree.0.get(path).unwrap().clone();
    let other_comment = text.replacen("///", "/// Said otherwise.\n  ///", 1);
    let other_word = text.replacen("u32", "u64", 1);
    can_fail(contract_frozen, &[(path, other_comment.as_str())], &[(path, other_word.as_str())]);
}

#[test]
fn faults_of_pages_are_found() {
    let map = (MAP, "# Map\n`docs/` `host/` `crates/model/`\n");
    let good = [
        map,
        ("host/crates/model/src/lib.rs", ""),
        ("docs/README.md", "# Index\n[map](ARCHITECTURE.md)\n"),
    ];
    can_fail(folders_on_the_map, &good, &[("new/a.rs", ""), ("host/crates/new/a.rs", "")]);
    let map = (MAP, "# Map\n## Invariants\n`a_test_of_four_words` in `a.rs`\n## Edges\n");
    can_fail(
        invariants,
        &[map, ("a.rs", "fn a_test_of_four_words() {}")],
        &[("a.rs", "fn another_test_of_words() {}"), (MAP, "# Map\n")],
    );
    can_fail(titles, &good, &[("docs/a.md", "no title"), ("docs/a.md", "# A\n# B\n")]);
    can_fail(titles, &good, &[("docs/a.md", "```\n# no title\n```\n")]);
    can_fail(links, &good, &[("docs/a.md", "[a](b.md)"), ("docs/a.md", "![a](../../b.png)")]);
    can_fail(index, &good, &[("docs/a.md", "# A\n")]);
    let schema = ("playbooks/s.json", "{}");
    can_fail(
        schema_lines,
        &[schema, ("playbooks/a.toml", "#:schema ./s.json\n")],
        &[
            ("playbooks/a.toml", "# a\n#:schema ./s.json\n"),
            ("playbooks/a.toml", "#:schema ./t.json\n"),
        ],
    );
}

#[test]
fn invented_commands_are_found() {
    let cli = (
        "host/src/cli.rs",
        "enum Command {\n    Run(RunArgs),\n    Plugin(P),\n    New {\n    dry_run: bool,\n",
    );
    let page = |line: &str| format!("# A\n```sh\n{line}\n```\n");
    let good = page("playbook run A --dry-run # really\nplaybook plugin new a");
    for line in [
        "playbook walk A",
        "playbook run A --wet-run",
        "playbook plugin run-away x",
        "cargo run --release -- walk",
    ] {
        can_fail(commands, &[cli, ("a.md", good.as_str())], &[("a.md", page(line).as_str())]);
    }
    let readme = page("cargo test --release");
    let ci = (".ci/run", "grep README.md");
    can_fail(
        test_command,
        &[ci, ("README.md", readme.as_str())],
        &[("README.md", "# A\n"), (".ci/run", "cargo test --release # README.md")],
    );
}

#[test]
fn undefined_codes_are_found() {
    let page = "# Domain\n### 0.1 Numbers\nSee H9.\n### H9 Caps\n| GR-5 | floor |\n| R15 | budget |\n| P0 | first |\n";
    let source = "/// Caps (H9), GR-5's floor, \"R15\"; P0-R15. UTF-8, SHA-256, P90, domain 0.1.\n";
    // Codes that nothing defines stand in halves, so that this file cites none of them.
    let vector = ("a.html", concat!("<path d=\"M1 H", "30\"/>"));
    let good = [(DOMAIN, page), ("a.rs", source), vector];
    let faults = [
        ("a.rs", concat!("// GR", "-6")),
        ("a.rs", concat!("Some(\"H", "7\")")),
        ("b/c.md", concat!("R15, R", "16.")),
        ("b/c.md", concat!("GR-5..GR", "-7")),
        ("a.toml", concat!("# XY", "-3")),
        ("a.rs", concat!("RefusalCode::R", "02,")),
        ("a.rs", concat!("P", "1: second")),
        ("a.rs", concat!("(domain 0", ".3)")),
        (
            DOMAIN,
            concat!("### H9 Caps\n### H9 Caps again\n### 0.1 Numbers\n| GR-5 |\n| R15 |\n| P0 |\n"),
        ),
        (DOMAIN, "# Domain\n"),
    ];
    can_fail(codes, &good, &faults);
}

#[test]
fn a_test_that_waits_stands_in_the_table_of_models_too() {
    let of = |text: &str| tables(&Tree::of(&[("a.rs", text)]));
    assert!(of("#[test]\nfn sc_1_counts() {}\n").contains("`sc_1_counts` (a.rs)"));
    assert!(of("#[tokio::test]\nasync fn sc_1_waits() {}\n").contains("`sc_1_waits` (a.rs)"));
    assert!(!of("async fn sc_1_helps() {}\n").contains("sc_1_helps"));
}
