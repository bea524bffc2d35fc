//! The JSON Schema and the reference page say what the loader does.
//!
//! `UPDATE=1 cargo test -p playbook-toml` writes both anew.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

mod validate;

use playbook_model::Limits;
use playbook_toml::{
    Disk, ReadFiles, host_file, host_reference, host_schema, load_with, reference, schema,
};
use serde_json::{Value, json};

fn root() -> PathBuf {
    std::env::current_dir().unwrap().join("../../..")
}

/// The file as JSON, dates as texts, as editors hand it to a schema.
fn json_of(path: &Path) -> Option<Value> {
    fn convert(value: &toml::Value) -> Value {
        match value {
            toml::Value::String(text) => json!(text),
            toml::Value::Integer(number) => json!(number),
            toml::Value::Float(number) => json!(number),
            toml::Value::Boolean(flag) => json!(flag),
            toml::Value::Datetime(time) => json!(time.to_string()),
            toml::Value::Array(items) => items.iter().map(convert).collect(),
            toml::Value::Table(table) => {
                table.iter().map(|(key, value)| (key.clone(), convert(value))).collect()
            }
        }
    }
    let text = std::fs::read_to_string(path).ok()?;
    let table: toml::Table = toml::from_str(&text).ok()?;
    Some(convert(&toml::Value::Table(table)))
}

fn same_or_update(path: &Path, text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == text,
        "{} is out of date: run UPDATE=1 cargo test -p playbook-toml",
        path.display()
    );
}

#[test]
fn the_schema_beside_the_playbooks_is_the_current_one() {
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    same_or_update(&root().join("playbooks/playbook.schema.json"), &text);
}

#[test]
fn the_reference_page_is_the_current_one() {
    same_or_update(&root().join("docs/playbook-reference.md"), &reference());
}

#[test]
fn the_reference_page_of_the_file_of_the_host_is_the_current_one() {
    same_or_update(&root().join("docs/host-reference.md"), &host_reference());
}

/// One file, and any other that is asked for.
#[derive(Debug)]
struct Given(String);

impl ReadFiles for Given {
    fn read(&self, path: &Path, _: usize) -> std::io::Result<Vec<u8>> {
        let is_it = path == Path::new("/etc/playbook/host.toml");
        Ok(if is_it { self.0.clone().into_bytes() } else { Vec::new() })
    }
}

#[test]
fn the_file_of_the_host_in_the_guide_loads_and_says_every_key() {
    let page = std::fs::read_to_string(root().join("docs/platform.md")).unwrap();
    let start = page.find("```toml\n[listen]").unwrap() + "```toml\n".len();
    let example = &page[start..start + page[start..].find("```").unwrap()];
    let given = Given(example.to_owned());
    let read = host_file(Path::new("/etc/playbook/host.toml"), &given);
    let file = read.unwrap_or_else(|problems| panic!("{}", problems.render()));
    assert_eq!(file.brands[0].playbook, Path::new("/etc/playbook/brands/acme.toml"));
    let (schema, folder) = (host_schema(), tempfile::tempdir().unwrap());
    let path = folder.path().join("host.toml");
    std::fs::write(&path, example).unwrap();
    let errors = validate::errors(&schema, &json_of(&path).unwrap());
    assert!(errors.is_empty(), "{errors:?}");
    let mut known = Vec::new();
    keys(&schema, &mut known);
    for key in known {
        let said = [format!("{key} = "), format!("[{key}]"), format!(".{key}]")];
        assert!(said.iter().any(|said| example.contains(said)), "`{key}` is not in the example");
    }
}

#[test]
fn the_schema_of_the_host_finds_structural_faults() {
    let schema = host_schema();
    let mut seen = 0;
    for entry in std::fs::read_dir("tests/faulty").unwrap() {
        let path = entry.unwrap().path().join("host.toml");
        let Some(file) = json_of(&path) else { continue };
        let problems = host_file(&path, &Disk).unwrap_err().problems;
        // What a value means beyond its form is the loader's to say.
        let beyond =
            ["out-of-range", "missing-key", "needless-key", "duplicate-name", "cannot-read"];
        if problems.iter().any(|problem| !beyond.contains(&problem.code)) {
            assert!(!validate::errors(&schema, &file).is_empty(), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen} files");
}

#[test]
fn the_ready_made_playbooks_satisfy_the_schema() {
    let schema = schema();
    let mut count = 0;
    let folders = ["playbooks", "playbooks/presets"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    for entry in files {
        let path = entry.unwrap().path();
        let is_playbook = path.extension().is_some_and(|ending| ending == "toml");
        if is_playbook && !path.ends_with("Cargo.toml") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("#:schema "), "{} names its schema", path.display());
            let file = json_of(&path).unwrap();
            let errors = validate::errors(&schema, &file);
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            count += 1;
        }
    }
    assert!(count > 0);
}

/// Codes that the structure of one file shows; a schema can see them.
const STRUCTURAL: &[&str] = &[
    "bad-choice",
    "bad-duration",
    "bad-name",
    "bad-reference",
    "bad-size",
    "long-text",
    "missing-key",
    "out-of-range",
    "too-many",
    "unknown-currency",
    "unknown-field",
    "unknown-key",
    "wrong-type",
];

#[test]
fn the_schema_finds_structural_faults_and_no_others() {
    let schema = schema();
    let (mut structural, mut others) = (0, 0);
    for entry in std::fs::read_dir(std::env::current_dir().unwrap().join("tests/faulty")).unwrap() {
        let case = entry.unwrap().path();
        let path = case.join("playbook.toml");
        let Some(file) = json_of(&path) else { continue };
        if file.get("extends").is_some()
            || file.get("include").is_some()
            || case.join("overrides.txt").exists()
        {
            continue;
        }
        let problems = load_with(&path, &[], &Limits::ceiling(), &Disk).unwrap_err().problems;
        let valid = validate::errors(&schema, &file).is_empty();
        if problems.iter().all(|problem| !STRUCTURAL.contains(&problem.code)) {
            // Kinds of events and closed lists in mappings stand in the schema where it can say them.
            let close = [
                "unknown-event",
                "too-deep",
                "long-key",
                "not-finite",
                "number-range",
                "bad-time",
                "secret-in-file",
            ];
            assert!(
                valid || problems.iter().any(|problem| close.contains(&problem.code)),
                "{}",
                case.display()
            );
            others += 1;
        } else if valid {
            // What a key means beside another one is the loader's to say.
            let between =
                ["missing-key", "out-of-range", "bad-choice", "unknown-field", "too-many"];
            let seen = problems.iter().filter(|problem| STRUCTURAL.contains(&problem.code));
            for problem in seen {
                assert!(
                    between.contains(&problem.code),
                    "{}: the schema misses {problem:?}",
                    case.display()
                );
            }
        } else {
            structural += 1;
        }
    }
    assert!(structural >= 15, "{structural} files");
    assert!(others >= 15, "{others} files");
}

/// All names of keys in the schema.
fn keys(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                if let ("properties", Value::Object(properties)) = (key.as_str(), value) {
                    found.extend(properties.keys().cloned());
                }
                if !["then", "if", "examples", "default"].contains(&key.as_str()) {
                    keys(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn every_key_of_the_schema_stands_in_the_reference() {
    let mut found = Vec::new();
    keys(&schema(), &mut found);
    assert!(found.len() > 100, "{} keys", found.len());
    // Not the file: with UPDATE another test may be writing it now.
    let page = reference();
    for key in found.iter().filter(|key| !["en", "zh"].contains(&key.as_str())) {
        assert!(page.contains(&format!("| `{key}` |")), "`{key}` is not in the reference");
    }
}

#[test]
fn the_example_of_the_reference_loads() {
    let page = reference();
    let start = page.find("```toml\n#:schema ./playbook.schema.json\n\n[playbook]").unwrap()
        + "```toml\n".len();
    let example = &page[start..start + page[start..].find("```").unwrap()];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tea-house.toml");
    std::fs::write(&path, example).unwrap();
    if let Err(problems) = load_with(&path, &[], &Limits::ceiling(), &Disk) {
        panic!("{}", problems.render());
    }
}
