//! Holds the repository to its own rules: edges between crates, owners of dependencies, headers, maps, links.
//!
//! Every check is a function from a tree of texts to a list of complaints. It runs on the repository, and on
//! small trees with one fault each, which shows that it can fail.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which crate may depend on which; the same table stands in docs/ARCHITECTURE.md.
const EDGES: [(&str, &[&str]); 12] = [
    ("playbook-model", &[]),
    ("playbook-toml", &["playbook-model"]),
    ("playbook-runtime", &["playbook-model"]),
    ("playbook-ledger", &["playbook-model"]),
    ("playbook-features", &["playbook-model"]),
    ("playbook-report", &["playbook-model"]),
    ("playbook-sample", &["playbook-model"]),
    ("playbook-builder", &["playbook-model"]),
    ("playbook-cycle", &["playbook-model", "playbook-toml", "playbook-runtime", "playbook-ledger"]),
    ("playbook-batch", &["playbook-model", "playbook-toml", "playbook-features", "playbook-cycle"]),
    (
        "playbook-host",
        &[
            "playbook-model",
            "playbook-toml",
            "playbook-runtime",
            "playbook-ledger",
            "playbook-cycle",
            "playbook-batch",
            "playbook-report",
            "playbook-sample",
            "playbook-builder",
        ],
    ),
    ("playbook-sdk", &[]),
];

/// What reference plugins, and guests of tests, may know of the workspace.
const PLUGIN_EDGES: [&str; 1] = ["playbook-sdk"];

/// Dependencies that only their owners may name.
const OWNERS: [(&str, &[&str]); 20] = [
    ("wasmtime", &["playbook-runtime"]),
    ("wasmparser", &["playbook-runtime", "playbook-builder"]),
    ("wit-component", &["playbook-builder"]),
    ("wit-parser", &["playbook-builder"]),
    ("wit-bindgen", &["playbook-sdk", "hostile-scoring", "hostile-incentive"]),
    ("datafusion", &["playbook-batch"]),
    ("tokio", &["playbook-batch"]),
    ("arrow", &["playbook-batch", "playbook-sample"]),
    ("parquet", &["playbook-batch", "playbook-sample"]),
    ("rusqlite", &["playbook-ledger"]),
    ("toml", &["playbook-toml"]),
    ("toml_parser", &["playbook-toml"]),
    ("charts-rs", &["playbook-report"]),
    ("maud", &["playbook-report"]),
    ("clap", &["playbook-host"]),
    ("clap_complete", &["playbook-host"]),
    ("anyhow", &["playbook-host"]),
    ("miette", &["playbook-host"]),
    ("indicatif", &["playbook-host"]),
    ("comfy-table", &["playbook-host"]),
];

/// Endings of files that are read; other files only count as being there.
const TEXTS: [&str; 13] =
    ["rs", "toml", "md", "wit", "txt", "py", "sh", "css", "html", "json", "sql", "yml", "gitignore"];

/// The map of the repository.
const MAP: &str = "docs/ARCHITECTURE.md";

// ---- the tree ----------------------------------------------------------------------------------

/// Files of a repository by path relative to its root; files that are no text are empty.
struct Tree(BTreeMap<String, String>);

impl Tree {
    /// Reads the repository around the package under test.
    fn of_repository() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let ignored = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
        let ignored: BTreeSet<String> =
            ignored.lines().map(|l| l.trim().trim_matches('/').to_owned()).filter(|l| !l.is_empty()).collect();
        let mut files = BTreeMap::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(root.join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let path = folder.join(entry.file_name());
                let name = path.to_str().unwrap().replace('\\', "/");
                let last = name.rsplit('/').next().unwrap_or(&name);
                if ignored.contains(&name) || [".git", "target", "__pycache__"].contains(&last) {
                    continue;
                }
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                    continue;
                }
                let ending = name.rsplit(['.', '/']).next().unwrap_or("");
                let is_text = TEXTS.contains(&ending) || !last.contains('.');
                let text = if is_text { fs::read_to_string(entry.path()).unwrap_or_default() } else { String::new() };
                files.insert(name, text);
            }
        }
        Self(files)
    }

    /// A small tree for a test of a check.
    fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    fn text(&self, path: &str) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }

    fn ending<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a String, &'a String)> {
        self.0.iter().filter(move |(path, _)| path.ends_with(ending))
    }

    /// Whether a file or folder is there.
    fn has(&self, path: &str) -> bool {
        let below = format!("{path}/");
        path.is_empty() || self.0.contains_key(path) || self.0.keys().any(|p| p.starts_with(&below))
    }

    /// Packages of the workspace: name, folder, manifest.
    fn packages(&self) -> Vec<Package<'_>> {
        self.ending("Cargo.toml")
            .filter_map(|(path, text)| {
                let name = entries(text).into_iter().find(|e| e.section == "package" && e.key == "name")?;
                Some(Package { name: name.value.trim_matches('"').to_owned(), path, text })
            })
            .collect()
    }
}

struct Package<'a> {
    name: String,
    path: &'a str,
    text: &'a str,
}

impl Package<'_> {
    /// Names under [dependencies] and [build-dependencies], for any target; not [dev-dependencies].
    fn dependencies(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for entry in entries(self.text) {
            let (table, named) = match entry.section.split_once("dependencies.") {
                Some((before, name)) => (format!("{before}dependencies"), Some(name.to_owned())),
                None => (entry.section.clone(), None),
            };
            let counts = table == "dependencies" || table.ends_with(".dependencies") || table == "build-dependencies";
            if counts {
                let own = entry.key.split('.').next().unwrap_or("").to_owned();
                names.insert(named.unwrap_or(own).trim_matches('"').to_owned());
            }
        }
        names
    }
}

struct Entry {
    section: String,
    key: String,
    value: String,
}

/// Keys of a manifest by section, line by line: manifests here put one key on a line.
fn entries(manifest: &str) -> Vec<Entry> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, value)) = line.split_once('=')
            && !line.starts_with('#')
        {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            found.push(Entry { section: section.clone(), key, value });
        }
    }
    found
}

// ---- crates ------------------------------------------------------------------------------------

/// Every crate inherits the workspace's lints.
fn lints(tree: &Tree) -> Vec<String> {
    let inherits = |p: &Package<'_>| {
        entries(p.text).iter().any(|e| {
            (e.section == "lints" && e.key == "workspace" || e.key == "lints.workspace") && e.value == "true"
        })
    };
    let without = tree.packages().into_iter().filter(|p| !inherits(p));
    without.map(|p| format!("{}: add `[lints]` with `workspace = true`", p.path)).collect()
}

/// Only owners name a heavy dependency.
fn owners(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in tree.packages() {
        let named = package.dependencies();
        for (dependency, owners) in OWNERS {
            if named.contains(dependency) && !owners.contains(&package.name.as_str()) {
                complaints.push(format!("{}: `{dependency}` belongs to {}", package.path, owners.join(", ")));
            }
        }
    }
    complaints
}

/// Crates know only the crates that the table allows.
fn edges(tree: &Tree) -> Vec<String> {
    let packages = tree.packages();
    let names: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let mut complaints = Vec::new();
    for package in &packages {
        let listed = EDGES.iter().find(|(name, _)| *name == package.name).map(|(_, to)| *to);
        let allowed = match listed {
            Some(to) => to,
            None if ["plugins/", "tests/"].iter().any(|at| package.path.starts_with(at)) => &PLUGIN_EDGES,
            None => {
                complaints.push(format!("{}: `{}` is not in the table of edges", package.path, package.name));
                continue;
            }
        };
        for to in package.dependencies() {
            if names.contains(to.as_str()) && !allowed.contains(&to.as_str()) {
                complaints.push(format!("{}: `{}` may not depend on `{to}`", package.path, package.name));
            }
        }
    }
    complaints
}

/// The table of edges on the map is the one that is enforced.
fn edges_on_the_map(tree: &Tree) -> Vec<String> {
    let rows = tree.text(MAP).lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `playbook-")?.split('|');
        let name = format!("playbook-{}", cells.next()?.trim().trim_matches('`'));
        let to: BTreeSet<String> =
            cells.next()?.split('`').filter(|t| t.starts_with("playbook-")).map(ToOwned::to_owned).collect();
        Some((name, to))
    });
    let shown: BTreeMap<String, BTreeSet<String>> = rows.collect();
    let mut complaints = Vec::new();
    for (name, to) in EDGES {
        let enforced: BTreeSet<String> = to.iter().map(|t| (*t).to_owned()).collect();
        match shown.get(name) {
            Some(to) if *to == enforced => {}
            Some(to) => complaints.push(format!("{MAP}: `{name}` has {to:?}, enforced is {enforced:?}")),
            None => complaints.push(format!("{MAP}: the table of edges has no row for `{name}`")),
        }
    }
    let strange = shown.keys().filter(|name| !EDGES.iter().any(|(known, _)| known == name));
    complaints.extend(strange.map(|name| format!("{MAP}: no crate `{name}` is enforced")));
    complaints
}

// ---- sources -----------------------------------------------------------------------------------

/// Every source file says first what it owns.
fn headers(tree: &Tree) -> Vec<String> {
    let sources = tree.ending(".rs").filter(|(path, _)| !path.contains("/templates/"));
    let headless = sources.filter(|(_, text)| {
        let first = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with("#!") && !l.starts_with("#["));
        !first.is_some_and(|line| line.starts_with("//!") && line.len() > 5)
    });
    headless.map(|(path, _)| format!("{path}: begin with a line `//! ...` that says what the file owns")).collect()
}

/// Nothing unfinished is left behind.
fn leftovers(tree: &Tree) -> Vec<String> {
    // In halves, so that this file has none of them.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let mut complaints = Vec::new();
    for (path, text) in tree.0.iter().filter(|(path, _)| *path != "Cargo.lock") {
        for (at, line) in text.lines().enumerate() {
            let mut words = line.split(|c: char| !c.is_alphanumeric());
            if let Some(mark) = words.find(|word| marks.contains(word)) {
                complaints.push(format!("{path}:{}: `{mark}` is left", at + 1));
            }
        }
    }
    complaints
}

/// A test file that no target names is never run.
fn forgotten_tests(tree: &Tree) -> Vec<String> {
    let manifest = tree.text("host/Cargo.toml");
    let files = tree.0.keys().filter(|path| {
        let inner = path.strip_prefix("tests/").unwrap_or("");
        inner.ends_with(".rs") && (!inner.contains('/') || inner.ends_with("/main.rs") && !inner.contains("/src/"))
    });
    files
        .filter(|path| !manifest.contains(&format!("\"../{path}\"")))
        .map(|path| format!("host/Cargo.toml: no target runs {path}"))
        .collect()
}

// ---- the contract ------------------------------------------------------------------------------

/// The contract's folders hold the contract and nothing else.
fn contract_files(tree: &Tree) -> Vec<String> {
    let stray = tree.0.keys().filter(|path| {
        let Some(inner) = path.strip_prefix("wit/") else { return false };
        let versioned = inner.split_once('/').is_some_and(|(version, file)| {
            version.strip_prefix('v').is_some_and(|v| v.split('.').all(|n| n.parse::<u32>().is_ok()))
                && file.ends_with(".wit")
                && !file.contains('/')
        });
        !versioned
    });
    let mut complaints: Vec<String> = stray.map(|path| format!("{path}: does not belong to the contract")).collect();
    if !tree.0.contains_key("wit/v0.1/plugin.wit") {
        complaints.push("wit/v0.1/plugin.wit: is absent".to_owned());
    }
    complaints
}

/// Every type, field and function of the contract is documented.
fn contract_docs(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.ending(".wit") {
        let mut documented = false;
        // Cases of an enum or variant and members of a world speak for themselves.
        let mut inside_fields = false;
        for (at, line) in text.lines().map(str::trim).enumerate() {
            if line.starts_with("///") {
                documented = true;
                continue;
            }
            let is_type = ["record ", "variant ", "enum ", "flags ", "resource ", "type "].iter().any(|k| line.starts_with(k));
            let is_function = line.contains(": func(");
            let is_field = inside_fields && line.contains(':') && !line.starts_with("//");
            let is_interface = line.starts_with("interface ");
            if (is_type || is_function || is_field || is_interface) && !documented {
                complaints.push(format!("{path}:{}: no doc comment before `{line}`", at + 1));
            }
            if line.starts_with("record ") {
                let body = line.split_once('{').map_or("", |(_, body)| body);
                if body.contains(':') {
                    complaints.push(format!("{path}:{}: put each field on a line of its own", at + 1));
                }
                inside_fields = !line.contains('}');
            } else if line.starts_with('}') {
                inside_fields = false;
            }
            documented = false;
        }
    }
    complaints
}

// ---- pages -------------------------------------------------------------------------------------

/// Lines of a page outside fenced blocks.
fn prose(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    page.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// Lines of a page inside fenced blocks.
fn fenced(page: &str) -> Vec<&str> {
    let prose: BTreeSet<usize> = prose(page).map(|(at, _)| at).collect();
    page.lines().enumerate().filter(|(at, _)| !prose.contains(at)).map(|(_, line)| line.trim()).collect()
}

/// Every folder at the top is on the map, and so is every crate of the host.
fn folders_on_the_map(tree: &Tree) -> Vec<String> {
    let map = tree.text(MAP);
    let tops = tree.0.keys().filter_map(|path| Some(path.split_once('/')?.0.to_owned()));
    let crates = tree.0.keys().filter_map(|path| {
        let name = path.strip_prefix("host/crates/")?.split('/').next()?;
        Some(format!("crates/{name}"))
    });
    let folders: BTreeSet<String> = tops.chain(crates).collect();
    let unnamed = folders.into_iter().filter(|folder| !map.contains(&format!("`{folder}/`")));
    unnamed.map(|folder| format!("{MAP}: name `{folder}/`, or list it in .gitignore")).collect()
}

/// Tests and files that the invariants name are there.
fn invariants(tree: &Tree) -> Vec<String> {
    let map = tree.text(MAP);
    let invariants = map.split("\n## ").find(|part| part.starts_with("Invariants")).unwrap_or("");
    let names = invariants.split('`').skip(1).step_by(2);
    let tests = names.filter(|name| name.matches('_').count() > 2 && name.chars().all(|c| c == '_' || c.is_alphanumeric()));
    let absent = |test: &&str| !tree.ending(".rs").any(|(_, text)| text.contains(&format!("fn {test}(")));
    let mut complaints: Vec<String> =
        tests.filter(absent).map(|test| format!("{MAP}: there is no test `{test}`")).collect();
    if invariants.is_empty() {
        complaints.push(format!("{MAP}: has no invariants"));
    }
    complaints
}

/// Every page has one title.
fn titles(tree: &Tree) -> Vec<String> {
    let pages = tree.ending(".md").filter(|(path, _)| !path.contains("/src/") && !path.contains("/templates/"));
    pages
        .filter_map(|(path, text)| {
            let titles = prose(text).filter(|(_, line)| line.starts_with("# ")).count();
            (titles != 1).then(|| format!("{path}: has {titles} titles, one is right"))
        })
        .collect()
}

/// Links of pages lead to files that are there.
fn links(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.ending(".md").filter(|(path, _)| !path.contains("/src/")) {
        for (at, line) in prose(text) {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let file = target.split('#').next().unwrap_or("");
                // Guides that rustdoc includes link to items, which rustdoc itself checks.
                if file.is_empty() || file.contains("::") || file.contains("://") {
                    continue;
                }
                if !resolved(path, file).is_some_and(|file| tree.has(&file)) {
                    complaints.push(format!("{path}:{}: `{target}` leads nowhere", at + 1));
                }
            }
        }
    }
    complaints
}

/// A link of the page `from`, as a path from the root; `None` outside the repository.
fn resolved(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The index names every page beside it.
fn index(tree: &Tree) -> Vec<String> {
    let index = tree.text("docs/README.md");
    let pages = tree.ending(".md").filter_map(|(path, _)| path.strip_prefix("docs/"));
    pages
        .filter(|page| *page != "README.md" && !index.contains(&format!("]({page})")))
        .map(|page| format!("docs/README.md: no link to {page}"))
        .collect()
}

/// Commands and options on pages exist.
fn commands(tree: &Tree) -> Vec<String> {
    let cli = tree.text("host/src/cli.rs");
    let known = |word: &str| {
        let variant: String = word.split('-').map(capital).collect();
        cli.lines().map(str::trim).any(|l| {
            l.strip_prefix(variant.as_str()).is_some_and(|rest| rest.starts_with(['(', ' ', ',']))
        })
    };
    let option = |name: &str| {
        ["help", "version"].contains(&name) || cli.contains(&format!("{}: ", name.replace('-', "_")))
    };
    let mut complaints = Vec::new();
    for (path, text) in tree.ending(".md").filter(|(path, _)| !path.contains("/src/")) {
        for line in fenced(text) {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let Some(rest) = line.strip_prefix("playbook ").or(line.strip_prefix("cargo run --release -- ")) else {
                continue;
            };
            let words: Vec<&str> = rest.split('#').next().unwrap_or("").split_whitespace().collect();
            let depth = if ["plugin", "ledger"].contains(words.first().unwrap_or(&"")) { 2 } else { 1 };
            for word in words.iter().take(depth) {
                if !known(word) {
                    complaints.push(format!("{path}: there is no command `{word}` in `{line}`"));
                }
            }
            for name in words.iter().filter_map(|w| w.strip_prefix("--")).map(|w| w.split('=').next().unwrap_or(w)) {
                if !option(name) {
                    complaints.push(format!("{path}: there is no option `--{name}` in `{line}`"));
                }
            }
        }
    }
    complaints
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// README.md has the one test command that .ci/run takes from it.
fn test_command(tree: &Tree) -> Vec<String> {
    let found: Vec<&str> =
        fenced(tree.text("README.md")).into_iter().filter(|line| line.starts_with("cargo test")).collect();
    let mut complaints = Vec::new();
    if found.len() != 1 {
        complaints.push(format!("README.md: {} lines begin with `cargo test`, one is right", found.len()));
    }
    let ci = tree.text(".ci/run");
    if !ci.contains("README.md") || ci.contains("cargo test -") {
        complaints.push(".ci/run: take the test command from README.md".to_owned());
    }
    complaints
}

/// Ready-made playbooks name the schema in their first line, so that editors complete them.
fn schema_lines(tree: &Tree) -> Vec<String> {
    let playbooks = tree.ending(".toml").filter(|(path, _)| path.starts_with("playbooks/"));
    playbooks
        .filter(|(path, text)| {
            let schema = text.lines().next().and_then(|line| line.strip_prefix("#:schema "));
            !schema.and_then(|schema| resolved(path, schema.trim())).is_some_and(|file| tree.has(&file))
        })
        .map(|(path, _)| format!("{path}: begin with `#:schema` and the path of the schema"))
        .collect()
}

// ---- the repository ----------------------------------------------------------------------------

#[track_caller]
fn holds(check: fn(&Tree) -> Vec<String>) {
    let complaints = check(&Tree::of_repository());
    assert!(complaints.is_empty(), "{} complaints\n  {}", complaints.len(), complaints.join("\n  "));
}

#[test]
fn every_crate_inherits_the_lints() {
    holds(lints);
}

#[test]
fn only_owners_name_a_heavy_dependency() {
    holds(owners);
}

#[test]
fn crates_know_only_what_the_table_allows() {
    holds(edges);
}

#[test]
fn the_map_shows_the_edges_that_are_enforced() {
    holds(edges_on_the_map);
}

#[test]
fn every_source_file_has_a_header() {
    holds(headers);
}

#[test]
fn nothing_unfinished_is_left() {
    holds(leftovers);
}

#[test]
fn every_test_file_is_run() {
    holds(forgotten_tests);
}

#[test]
fn the_contract_folder_holds_the_contract_alone() {
    holds(contract_files);
}

#[test]
fn the_contract_is_documented() {
    holds(contract_docs);
}

#[test]
fn every_folder_is_on_the_map() {
    holds(folders_on_the_map);
}

#[test]
fn tests_that_invariants_name_are_there() {
    holds(invariants);
}

#[test]
fn every_page_has_one_title() {
    holds(titles);
}

#[test]
fn every_link_leads_to_a_file() {
    holds(links);
}

#[test]
fn the_index_names_every_page() {
    holds(index);
}

#[test]
fn commands_on_pages_exist() {
    holds(commands);
}

#[test]
fn the_test_command_stands_in_the_readme_alone() {
    holds(test_command);
}

#[test]
fn ready_made_playbooks_name_their_schema() {
    holds(schema_lines);
}

// ---- the checks themselves ---------------------------------------------------------------------

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
    can_fail(lints, &[("a/Cargo.toml", good)], &[("a/Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\n")]);
}

#[test]
fn a_second_owner_is_found_and_a_dev_dependency_is_none() {
    let dev = "[package]\nname = \"playbook-cycle\"\n[dev-dependencies]\nwasmtime.workspace = true\n";
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
fn a_forbidden_edge_is_found() {
    let model = ("host/crates/model/Cargo.toml", "[package]\nname = \"playbook-model\"\n");
    let cycle = ("host/crates/cycle/Cargo.toml", "[package]\nname = \"playbook-cycle\"\n[dependencies]\nplaybook-model.workspace = true\n");
    can_fail(
        edges,
        &[model, cycle],
        &[
            (model.0, "[package]\nname = \"playbook-model\"\n[dependencies]\nplaybook-cycle.workspace = true\n"),
            ("plugins/a/Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nplaybook-model.workspace = true\n"),
            ("host/crates/new/Cargo.toml", "[package]\nname = \"playbook-new\"\n"),
        ],
    );
    assert!(!edges_on_the_map(&Tree::of(&[(MAP, "| `playbook-model` | `playbook-cycle` |\n")])).is_empty());
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
    can_fail(contract_files, &[(path, good)], &[("wit/notes.md", ""), ("wit/v0.1/old.txt", ""), ("wit/draft/a.wit", "")]);
}

#[test]
fn faults_of_pages_are_found() {
    let map = (MAP, "# Map\n`docs/` `host/` `crates/model/`\n");
    let good = [map, ("host/crates/model/src/lib.rs", ""), ("docs/README.md", "# Index\n[map](ARCHITECTURE.md)\n")];
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
        &[("playbooks/a.toml", "# a\n#:schema ./s.json\n"), ("playbooks/a.toml", "#:schema ./t.json\n")],
    );
}

#[test]
fn invented_commands_are_found() {
    let cli = ("host/src/cli.rs", "enum Command {\n    Run(RunArgs),\n    Plugin(P),\n    New {\n    dry_run: bool,\n");
    let page = |line: &str| format!("# A\n```sh\n{line}\n```\n");
    let good = page("playbook run A --dry-run # really\nplaybook plugin new a");
    for line in ["playbook walk A", "playbook run A --wet-run", "playbook plugin run-away x", "cargo run --release -- walk"] {
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
