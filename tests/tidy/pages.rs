//! Rules of pages: titles, links, the map, commands that exist.

use std::collections::BTreeSet;

use crate::tree::{MAP, Tree};

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
    page.lines()
        .enumerate()
        .filter(|(at, _)| !prose.contains(at))
        .map(|(_, line)| line.trim())
        .collect()
}

/// Every folder at the top is on the map, and so is every crate of the host.
pub(crate) fn folders_on_the_map(tree: &Tree) -> Vec<String> {
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
pub(crate) fn invariants(tree: &Tree) -> Vec<String> {
    let map = tree.text(MAP);
    let invariants = map.split("\n## ").find(|part| part.starts_with("Invariants")).unwrap_or("");
    let names = invariants.split('`').skip(1).step_by(2);
    let tests = names.filter(|name| {
        name.matches('_').count() > 2 && name.chars().all(|c| c == '_' || c.is_alphanumeric())
    });
    let absent =
        |test: &&str| !tree.ending(".rs").any(|(_, text)| text.contains(&format!("fn {test}(")));
    let mut complaints: Vec<String> =
        tests.filter(absent).map(|test| format!("{MAP}: there is no test `{test}`")).collect();
    if invariants.is_empty() {
        complaints.push(format!("{MAP}: has no invariants"));
    }
    complaints
}

/// Every page has one title.
pub(crate) fn titles(tree: &Tree) -> Vec<String> {
    let pages = tree
        .ending(".md")
        .filter(|(path, _)| !path.contains("/src/") && !path.contains("/templates/"));
    pages
        .filter_map(|(path, text)| {
            let titles = prose(text).filter(|(_, line)| line.starts_with("# ")).count();
            (titles != 1).then(|| format!("{path}: has {titles} titles, one is right"))
        })
        .collect()
}

/// Links of pages lead to files that are there.
pub(crate) fn links(tree: &Tree) -> Vec<String> {
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

/// The index names every page beside it; the table of models names the pages of models.
pub(crate) fn index(tree: &Tree) -> Vec<String> {
    let pages = tree.ending(".md").filter_map(|(path, _)| path.strip_prefix("docs/"));
    let index_of = |page: &str| match page.starts_with("models/") {
        true => "docs/models.md",
        false => "docs/README.md",
    };
    pages
        .filter(|page| *page != "README.md")
        .filter(|page| !tree.text(index_of(page)).contains(&format!("]({page})")))
        .map(|page| format!("{}: no link to {page}", index_of(page)))
        .collect()
}

/// Commands and options on pages exist.
pub(crate) fn commands(tree: &Tree) -> Vec<String> {
    let cli = tree.text("host/src/cli.rs");
    let known = |word: &str| {
        let variant: String = word.split('-').map(capital).collect();
        cli.lines().map(str::trim).any(|l| {
            l.strip_prefix(variant.as_str()).is_some_and(|rest| rest.starts_with(['(', ' ', ',']))
        })
    };
    let option = |name: &str| {
        ["help", "version"].contains(&name)
            || cli.contains(&format!("{}: ", name.replace('-', "_")))
    };
    let mut complaints = Vec::new();
    for (path, text) in tree.ending(".md").filter(|(path, _)| !path.contains("/src/")) {
        for line in fenced(text) {
            let line = line.strip_prefix("$ ").unwrap_or(line);
            let Some(rest) =
                line.strip_prefix("playbook ").or(line.strip_prefix("cargo run --release -- "))
            else {
                continue;
            };
            // A key of that name, in a file.
            if rest.starts_with("= ") {
                continue;
            }
            let words: Vec<&str> =
                rest.split('#').next().unwrap_or("").split_whitespace().collect();
            let depth =
                if ["plugin", "ledger"].contains(words.first().unwrap_or(&"")) { 2 } else { 1 };
            for word in words.iter().take(depth) {
                if !known(word) {
                    complaints.push(format!("{path}: there is no command `{word}` in `{line}`"));
                }
            }
            for name in words
                .iter()
                .filter_map(|w| w.strip_prefix("--"))
                .map(|w| w.split('=').next().unwrap_or(w))
            {
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
pub(crate) fn test_command(tree: &Tree) -> Vec<String> {
    let found: Vec<&str> = fenced(tree.text("README.md"))
        .into_iter()
        .filter(|line| line.starts_with("cargo test"))
        .collect();
    let mut complaints = Vec::new();
    if found.len() != 1 {
        complaints.push(format!(
            "README.md: {} lines begin with `cargo test`, one is right",
            found.len()
        ));
    }
    let ci = tree.text(".ci/run");
    if !ci.contains("README.md") || ci.contains("cargo test -") {
        complaints.push(".ci/run: take the test command from README.md".to_owned());
    }
    complaints
}

/// Ready-made playbooks name the schema in their first line, so that editors complete them.
pub(crate) fn schema_lines(tree: &Tree) -> Vec<String> {
    let is_one = |path: &str| path.starts_with("playbooks/") && !path.ends_with("Cargo.toml");
    let playbooks = tree.ending(".toml").filter(|(path, _)| is_one(path));
    playbooks
        .filter(|(path, text)| {
            let schema = text.lines().next().and_then(|line| line.strip_prefix("#:schema "));
            !schema
                .and_then(|schema| resolved(path, schema.trim()))
                .is_some_and(|file| tree.has(&file))
        })
        .map(|(path, _)| format!("{path}: begin with `#:schema` and the path of the schema"))
        .collect()
}
