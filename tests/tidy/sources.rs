//! Rules of source files and of the contract: headers, documentation, nothing unfinished, nothing forgotten.

use playbook_model::Digest;

use crate::tree::Tree;

/// Every source file says first what it owns.
pub(crate) fn headers(tree: &Tree) -> Vec<String> {
    let sources = tree.ending(".rs").filter(|(path, _)| !path.contains("/templates/"));
    let headless = sources.filter(|(_, text)| {
        let first = text
            .lines()
            .map(str::trim)
            .find(|l| !l.is_empty() && !l.starts_with("#!") && !l.starts_with("#["));
        !first.is_some_and(|line| line.starts_with("//!") && line.len() > 5)
    });
    headless
        .map(|(path, _)| {
            format!("{path}: begin with a line `//! ...` that says what the file owns")
        })
        .collect()
}

/// Nothing unfinished is left behind.
pub(crate) fn leftovers(tree: &Tree) -> Vec<String> {
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

/// Rows of two spaces with one number would be taken for each other.
pub(crate) fn spaces(tree: &Tree) -> Vec<String> {
    let path = "host/crates/online/src/store.rs";
    let mut known = std::collections::BTreeMap::new();
    let lines = tree.text(path).lines().map(str::trim);
    let named =
        lines.filter_map(|line| line.strip_prefix("pub(crate) const ")?.split_once(": u8 = "));
    let twice =
        named.filter_map(|(name, number)| Some((known.insert(number, name)?, name, number)));
    let told = |(first, second, number)| format!("{path}: {first} and {second} are both {number}");
    twice.map(told).collect()
}

/// A test file that no target names is never run.
pub(crate) fn forgotten_tests(tree: &Tree) -> Vec<String> {
    let manifest = tree.text("host/Cargo.toml");
    let files = tree.0.keys().filter(|path| {
        let inner = path.strip_prefix("tests/").unwrap_or("");
        inner.ends_with(".rs")
            && (!inner.contains('/') || inner.ends_with("/main.rs") && !inner.contains("/src/"))
    });
    files
        .filter(|path| !manifest.contains(&format!("\"../{path}\"")))
        .map(|path| format!("host/Cargo.toml: no target runs {path}"))
        .collect()
}

/// The contract's folder holds the contract and nothing else: its versions in WIT, and the crate of its types.
pub(crate) fn contract_files(tree: &Tree) -> Vec<String> {
    let stray = tree.0.keys().filter(|path| {
        let Some(inner) = path.strip_prefix("wit/") else { return false };
        let is_crate = inner == "Cargo.toml" || inner.starts_with("src/") && inner.ends_with(".rs");
        let versioned = inner.split_once('/').is_some_and(|(version, file)| {
            version
                .strip_prefix('v')
                .is_some_and(|v| v.split('.').all(|n| n.parse::<u32>().is_ok()))
                && file.ends_with(".wit")
                && !file.contains('/')
        });
        !versioned && !is_crate
    });
    let mut complaints: Vec<String> =
        stray.map(|path| format!("{path}: does not belong to the contract")).collect();
    if !tree.0.contains_key("wit/v0.1/plugin.wit") {
        complaints.push("wit/v0.1/plugin.wit: is absent".to_owned());
    }
    complaints
}

/// Released versions of the contract with the digest of their words, comments apart.
const RELEASED: [(&str, &str); 1] =
    [("wit/v0.1/plugin.wit", "5dc180985eaa61d56f69a6315cb6d09b3b9199dc9488bac5a5eed7b172b8ccb6")];

/// A released contract does not change: components of partners were built against it.
pub(crate) fn contract_frozen(tree: &Tree) -> Vec<String> {
    let changed = |(path, released): &(&str, &str)| {
        let text = tree.0.get(*path)?;
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        let now = Digest::of(words.join(" ").as_bytes()).hex();
        let what = "is released and must not change; a new version has a folder of its own";
        (now != *released).then(|| format!("{path}: {what} (digest {now})"))
    };
    RELEASED.iter().filter_map(changed).collect()
}

/// Every type, field and function of the contract is documented.
pub(crate) fn contract_docs(tree: &Tree) -> Vec<String> {
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
            let is_type = ["record ", "variant ", "enum ", "flags ", "resource ", "type "]
                .iter()
                .any(|k| line.starts_with(k));
            let is_function = line.contains(": func(");
            let is_field = inside_fields && line.contains(':') && !line.starts_with("//");
            let is_interface = line.starts_with("interface ");
            if (is_type || is_function || is_field || is_interface) && !documented {
                complaints.push(format!("{path}:{}: no doc comment before `{line}`", at + 1));
            }
            if line.starts_with("record ") {
                let body = line.split_once('{').map_or("", |(_, body)| body);
                if body.contains(':') {
                    complaints
                        .push(format!("{path}:{}: put each field on a line of its own", at + 1));
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
