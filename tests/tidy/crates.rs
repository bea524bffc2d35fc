//! Rules of crates: lints, owners of heavy dependencies, edges.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{MAP, Package, Tree, entries};

/// Which crate may depend on which; the same table stands in docs/ARCHITECTURE.md.
const EDGES: [(&str, &[&str]); 22] = [
    ("playbook-contract", &[]),
    ("playbook-model", &["playbook-contract"]),
    ("playbook-files", &[]),
    ("playbook-toml", &["playbook-model", "playbook-files", "playbook-features"]),
    ("playbook-runtime", &["playbook-contract", "playbook-model", "playbook-files"]),
    ("playbook-ledger", &["playbook-model"]),
    ("playbook-features", &["playbook-model"]),
    ("playbook-report", &["playbook-model"]),
    ("playbook-sample", &["playbook-model", "playbook-files"]),
    ("playbook-builder", &["playbook-model", "playbook-files"]),
    (
        "playbook-server",
        &[
            "playbook-model",
            "playbook-files",
            "playbook-toml",
            "playbook-ledger",
            "playbook-online",
            "playbook-report",
        ],
    ),
    ("playbook-sources", &["playbook-model", "playbook-files"]),
    ("playbook-registry", &["playbook-model", "playbook-files"]),
    (
        "playbook-cycle",
        &["playbook-contract", "playbook-model", "playbook-runtime", "playbook-ledger"],
    ),
    (
        "playbook-batch",
        &["playbook-model", "playbook-files", "playbook-features", "playbook-cycle"],
    ),
    (
        "playbook-online",
        &[
            "playbook-model",
            "playbook-toml",
            "playbook-features",
            "playbook-ledger",
            "playbook-cycle",
        ],
    ),
    (
        "playbook-app",
        &[
            "playbook-model",
            "playbook-files",
            "playbook-toml",
            "playbook-runtime",
            "playbook-ledger",
            "playbook-cycle",
            "playbook-batch",
            "playbook-online",
            "playbook-sources",
            "playbook-registry",
            "playbook-report",
        ],
    ),
    (
        "playbook-host",
        &[
            "playbook-app",
            "playbook-contract",
            "playbook-library",
            "playbook-model",
            "playbook-files",
            "playbook-toml",
            "playbook-runtime",
            "playbook-ledger",
            "playbook-cycle",
            "playbook-batch",
            "playbook-online",
            "playbook-server",
            "playbook-report",
            "playbook-sample",
            "playbook-builder",
            "playbook-registry",
        ],
    ),
    ("playbook-sdk", &["playbook-contract"]),
    ("playbook-domain", &[]),
    ("playbook-engine", &["playbook-sdk", "playbook-domain"]),
    ("playbook-library", &[]),
];

/// What reference plugins, and guests of tests, may know of the workspace.
const PLUGIN_EDGES: [&str; 3] = ["playbook-sdk", "playbook-domain", "playbook-engine"];

/// Dependencies that only their owners may name.
const OWNERS: [(&str, &[&str]); 47] = [
    ("wasmtime", &["playbook-runtime"]),
    ("wasmparser", &["playbook-runtime", "playbook-builder"]),
    ("wit-component", &["playbook-builder"]),
    ("wit-parser", &["playbook-builder"]),
    ("wit-bindgen", &["playbook-sdk", "hostile-scoring", "hostile-incentive"]),
    ("datafusion", &["playbook-batch"]),
    (
        "tokio",
        &[
            "playbook-batch",
            "playbook-ledger",
            "playbook-sources",
            "playbook-registry",
            "playbook-online",
            "playbook-server",
            "playbook-host",
        ],
    ),
    ("axum", &["playbook-server"]),
    ("hyper", &["playbook-server"]),
    ("hyper-util", &["playbook-server"]),
    ("tower", &["playbook-server"]),
    ("utoipa", &["playbook-server"]),
    ("utoipa-axum", &["playbook-server"]),
    ("governor", &["playbook-server"]),
    ("tokio-rustls", &["playbook-server"]),
    ("prometheus-client", &["playbook-server"]),
    ("arrow", &["playbook-batch", "playbook-sample", "playbook-sources"]),
    ("parquet", &["playbook-batch", "playbook-sample", "playbook-sources"]),
    ("rusqlite", &["playbook-ledger", "playbook-sources"]),
    ("tokio-postgres", &["playbook-sources"]),
    ("tokio-postgres-rustls", &["playbook-sources", "playbook-ledger"]),
    ("postgres", &["playbook-ledger"]),
    ("mysql_async", &["playbook-sources"]),
    ("object_store", &["playbook-sources"]),
    ("reqwest", &["playbook-sources", "playbook-registry", "playbook-host"]),
    (
        "rustls",
        &[
            "playbook-sources",
            "playbook-registry",
            "playbook-server",
            "playbook-ledger",
            "playbook-host",
        ],
    ),
    ("ed25519-dalek", &["playbook-registry"]),
    ("docker_credential", &["playbook-registry"]),
    ("http-auth", &["playbook-registry"]),
    ("opentelemetry", &["playbook-host"]),
    ("opentelemetry_sdk", &["playbook-host"]),
    ("opentelemetry-otlp", &["playbook-host"]),
    ("opentelemetry-http", &["playbook-host"]),
    ("tracing-opentelemetry", &["playbook-host"]),
    ("calamine", &["playbook-sources"]),
    ("nix", &["playbook-online"]),
    ("rustix", &["playbook-files"]),
    ("toml", &["playbook-toml", "playbook-sdk", "playbook-builder"]),
    ("toml_parser", &["playbook-toml"]),
    ("charts-rs", &["playbook-report"]),
    ("maud", &["playbook-report", "playbook-server"]),
    ("clap", &["playbook-host"]),
    ("clap_complete", &["playbook-host"]),
    ("anyhow", &["playbook-host"]),
    ("miette", &["playbook-host"]),
    ("indicatif", &["playbook-host"]),
    ("comfy-table", &["playbook-host"]),
];

/// Every crate inherits the workspace's lints.
pub(crate) fn lints(tree: &Tree) -> Vec<String> {
    let inherits = |p: &Package<'_>| {
        entries(p.text).iter().any(|e| {
            (e.section == "lints" && e.key == "workspace" || e.key == "lints.workspace")
                && e.value == "true"
        })
    };
    let without = tree.packages().into_iter().filter(|p| !inherits(p));
    without.map(|p| format!("{}: add `[lints]` with `workspace = true`", p.path)).collect()
}

/// Only owners name a heavy dependency.
pub(crate) fn owners(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in tree.packages() {
        let named = package.dependencies();
        for (dependency, owners) in OWNERS {
            if named.contains(dependency) && !owners.contains(&package.name.as_str()) {
                complaints.push(format!(
                    "{}: `{dependency}` belongs to {}",
                    package.path,
                    owners.join(", ")
                ));
            }
        }
    }
    complaints
}

/// Crates know only the crates that the table allows.
pub(crate) fn edges(tree: &Tree) -> Vec<String> {
    let packages = tree.packages();
    let names: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let mut complaints = Vec::new();
    for package in &packages {
        let listed = EDGES.iter().find(|(name, _)| *name == package.name).map(|(_, to)| *to);
        let allowed = match listed {
            Some(to) => to,
            None if ["plugins/", "tests/"].iter().any(|at| package.path.starts_with(at)) => {
                &PLUGIN_EDGES
            }
            None => {
                complaints.push(format!(
                    "{}: `{}` is not in the table of edges",
                    package.path, package.name
                ));
                continue;
            }
        };
        for to in package.dependencies() {
            if names.contains(to.as_str()) && !allowed.contains(&to.as_str()) {
                complaints
                    .push(format!("{}: `{}` may not depend on `{to}`", package.path, package.name));
            }
        }
    }
    complaints
}

/// The table of edges on the map is the one that is enforced.
pub(crate) fn edges_on_the_map(tree: &Tree) -> Vec<String> {
    let rows = tree.text(MAP).lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `playbook-")?.split('|');
        let name = format!("playbook-{}", cells.next()?.trim().trim_matches('`'));
        let to: BTreeSet<String> = cells
            .next()?
            .split('`')
            .filter(|t| t.starts_with("playbook-"))
            .map(ToOwned::to_owned)
            .collect();
        Some((name, to))
    });
    let shown: BTreeMap<String, BTreeSet<String>> = rows.collect();
    let mut complaints = Vec::new();
    for (name, to) in EDGES {
        let enforced: BTreeSet<String> = to.iter().map(|t| (*t).to_owned()).collect();
        match shown.get(name) {
            Some(to) if *to == enforced => {}
            Some(to) => {
                complaints.push(format!("{MAP}: `{name}` has {to:?}, enforced is {enforced:?}"))
            }
            None => complaints.push(format!("{MAP}: the table of edges has no row for `{name}`")),
        }
    }
    let strange = shown.keys().filter(|name| !EDGES.iter().any(|(known, _)| known == name));
    complaints.extend(strange.map(|name| format!("{MAP}: no crate `{name}` is enforced")));
    complaints
}

/// Folder of the benchmark that knows every reference plugin.
const NATIVE: &str = "tests/benchmarks/native";

/// Every reference plugin is timed as native code too: the benchmark, which no test compiles, has it in both its lists.
pub(crate) fn natives(tree: &Tree) -> Vec<String> {
    let lists = [("Cargo.toml", ""), ("plugins.rs", "\"")].map(|(file, quote)| {
        let path = format!("{NATIVE}/{file}");
        let lines: Vec<&str> = tree.text(&path).lines().map(str::trim).collect();
        (path, quote, lines)
    });
    let mut complaints = Vec::new();
    for package in tree.packages() {
        if !package.path.starts_with("plugins/") {
            continue;
        }
        for (path, quote, lines) in &lists {
            let begins = format!("{quote}{}{quote} =", package.name);
            if !lines.iter().any(|line| line.starts_with(&begins)) {
                complaints.push(format!("{path}: `{}` is missing", package.name));
            }
        }
    }
    complaints
}
