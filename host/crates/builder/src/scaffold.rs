//! New plugins from templates: a crate that builds, with a test that passes.

use std::path::{Path, PathBuf};

use playbook_model::Kind;

use crate::{BuildError, rust_sdk, sdk};

/// Where a new crate takes the SDK from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SdkSource {
    /// The SDK's folder.
    Path(PathBuf),
    /// The copy that travels with the program; the new crate gets it.
    Copied,
}

/// Language of a new plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Language {
    /// A crate, and where it takes the SDK from.
    Rust(SdkSource),
    /// A project of node, with its own copy of the SDK, which travels with the program.
    JavaScript,
    /// A project of Python, with its own copy of the SDK likewise.
    Python,
}

/// What to scaffold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaffold {
    /// Name of the plugin and of its crate: kebab-case.
    pub name: String,
    /// Kind of the plugin.
    pub kind: Kind,
    /// Language that it is written in.
    pub language: Language,
    /// Folder of the new plugin; made where it is not there.
    pub folder: PathBuf,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaffoldedFile {
    /// Its path within the folder.
    pub path: &'static str,
    /// Number of its lines.
    pub lines: usize,
}

macro_rules! template {
    ($path:expr) => {
        include_str!(concat!("../../../../plugin-sdk/templates/", $path))
    };
}

const MANIFEST: &str = template!("rust/Cargo.toml.txt");
const IGNORE: &str = template!("rust/gitignore.txt");

/// Library and test of a kind.
fn sources(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Scoring => {
            (template!("rust/scoring/lib.rs.txt"), template!("rust/scoring/test.rs.txt"))
        }
        Kind::Segmentation => {
            (template!("rust/segmentation/lib.rs.txt"), template!("rust/segmentation/test.rs.txt"))
        }
        Kind::Incentive => {
            (template!("rust/incentive/lib.rs.txt"), template!("rust/incentive/test.rs.txt"))
        }
        Kind::Campaign => {
            (template!("rust/campaign/lib.rs.txt"), template!("rust/campaign/test.rs.txt"))
        }
        Kind::Roi => (template!("rust/roi/lib.rs.txt"), template!("rust/roi/test.rs.txt")),
        Kind::Diagnosis => {
            (template!("rust/diagnosis/lib.rs.txt"), template!("rust/diagnosis/test.rs.txt"))
        }
    }
}

/// Writes a new plugin.
///
/// # Errors
/// Where the name cannot be that of a plugin, the folder holds something, or writing fails.
pub fn scaffold(wanted: &Scaffold) -> Result<Vec<ScaffoldedFile>, BuildError> {
    check_name(&wanted.name)?;
    let folder = &wanted.folder;
    let holds = |mut files: std::fs::ReadDir| files.next().is_some();
    if folder.is_file() || std::fs::read_dir(folder).is_ok_and(holds) {
        return Err(BuildError::Exists(folder.clone()));
    }
    match &wanted.language {
        Language::Rust(sdk) => new_crate(wanted, sdk),
        Language::JavaScript => new_project(wanted, &JAVASCRIPT),
        Language::Python => new_project(wanted, &PYTHON),
    }
}

/// What a project of a language begins with.
struct Start {
    language: &'static str,
    /// Files of every kind by their paths in the project.
    files: &'static [(&'static str, &'static str)],
    /// Path of the plugin and of its test in the project.
    plugin: [&'static str; 2],
    /// Plugin and test of scoring, segmentation and incentive.
    kinds: [[&'static str; 2]; 3],
    /// Folder of the SDK's copy, and its files.
    sdk: (&'static str, &'static [(&'static str, &'static str)]),
}

macro_rules! kinds {
    ($folder:literal, $extension:literal) => {
        [
            kinds!($folder, "scoring", $extension),
            kinds!($folder, "segmentation", $extension),
            kinds!($folder, "incentive", $extension),
        ]
    };
    ($folder:literal, $kind:literal, $extension:literal) => {
        [
            template!(concat!($folder, "/", $kind, "/plugin.", $extension, ".txt")),
            template!(concat!($folder, "/", $kind, "/test.", $extension, ".txt")),
        ]
    };
}

const JAVASCRIPT: Start = Start {
    language: "JavaScript",
    files: &[
        ("package.json", template!("js/package.json.txt")),
        (".gitignore", template!("js/gitignore.txt")),
    ],
    plugin: ["plugin.js", "test/rules.test.js"],
    kinds: kinds!("js", "js"),
    sdk: ("playbook-sdk", sdk::JAVASCRIPT),
};

const PYTHON: Start = Start {
    language: "Python",
    files: &[
        ("pyproject.toml", template!("python/pyproject.toml.txt")),
        (".gitignore", template!("python/gitignore.txt")),
        // By it the test runner finds the folder.
        ("tests/__init__.py", ""),
    ],
    plugin: ["plugin.py", "tests/test_rules.py"],
    kinds: kinds!("python", "py"),
    sdk: ("playbook_sdk", sdk::PYTHON),
};

/// Writes a project with its copy of the SDK, so that neither the interpreter nor the builder looks for one elsewhere.
fn new_project(wanted: &Scaffold, start: &Start) -> Result<Vec<ScaffoldedFile>, BuildError> {
    let [scoring, segmentation, incentive] = start.kinds;
    let of_kind = match wanted.kind {
        Kind::Scoring => scoring,
        Kind::Segmentation => segmentation,
        Kind::Incentive => incentive,
        Kind::Campaign | Kind::Roi | Kind::Diagnosis => {
            let (kind, language) = (wanted.kind.name(), start.language);
            return Err(BuildError::NoTemplate { kind, language });
        }
    };
    let mut written = Vec::new();
    for (path, text) in start.plugin.into_iter().zip(of_kind).chain(start.files.iter().copied()) {
        let text = text.replace("{{name}}", &wanted.name).replace("{{kind}}", wanted.kind.name());
        write(&wanted.folder.join(path), &text)?;
        written.push(ScaffoldedFile { path, lines: text.lines().count() });
    }
    let (folder, files) = start.sdk;
    for (path, text) in files {
        write(&wanted.folder.join(folder).join(path), text)?;
    }
    Ok(written)
}

/// Writes a crate.
fn new_crate(wanted: &Scaffold, sdk: &SdkSource) -> Result<Vec<ScaffoldedFile>, BuildError> {
    let folder = &wanted.folder;
    let dependency = dependency(sdk)?;
    let (library, test) = sources(wanted.kind);
    let fill = |text: &str| {
        text.replace("{{name}}", &wanted.name)
            .replace("{{lib}}", &wanted.name.replace('-', "_"))
            .replace("{{type}}", &type_name(&wanted.name))
            .replace("{{sdk}}", &dependency)
    };
    let files = [
        ("Cargo.toml", fill(MANIFEST)),
        ("src/lib.rs", fill(library)),
        ("tests/rules.rs", fill(test)),
        (".gitignore", fill(IGNORE)),
    ];
    for (path, text) in &files {
        write(&folder.join(path), text)?;
    }
    if *sdk == SdkSource::Copied {
        for (path, text) in rust_sdk::files()? {
            write(&folder.join(rust_sdk::FOLDER).join(path), &text)?;
        }
    }
    copy_lock(wanted, sdk)?;
    Ok(files.map(|(path, text)| ScaffoldedFile { path, lines: text.lines().count() }).into())
}

fn write(path: &Path, text: &str) -> Result<(), BuildError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(BuildError::file(folder, "made"))?;
    }
    std::fs::write(path, text).map_err(BuildError::file(path, "written"))
}

/// Starts with the versions that the SDK itself was tested with; cargo drops what is not used.
fn copy_lock(wanted: &Scaffold, sdk: &SdkSource) -> Result<(), BuildError> {
    let SdkSource::Path(sdk) = sdk else {
        return write(&wanted.folder.join("Cargo.lock"), rust_sdk::LOCK);
    };
    let lock = sdk.join("../Cargo.lock");
    match std::fs::read_to_string(&lock) {
        Ok(text) => write(&wanted.folder.join("Cargo.lock"), &text),
        Err(_) => Ok(()),
    }
}

fn dependency(sdk: &SdkSource) -> Result<String, BuildError> {
    match sdk {
        SdkSource::Path(path) => {
            let path = path.canonicalize().map_err(BuildError::file(path, "read"))?;
            Ok(format!("{{ path = {:?} }}", path.to_string_lossy()))
        }
        SdkSource::Copied => Ok(format!("{{ path = {:?} }}", rust_sdk::CRATE)),
    }
}

/// Checks that a name is kebab-case, starts with a letter and has at most 64 letters.
fn check_name(name: &str) -> Result<(), BuildError> {
    let reason = if name.is_empty() || name.len() > 64 {
        "it must have 1 to 64 letters"
    } else if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        "only a to z, 0 to 9 and hyphens are allowed"
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        "it must start with a letter"
    } else if name.ends_with('-') || name.contains("--") {
        "hyphens stand between letters"
    } else if RESERVED.contains(&name) {
        "it is a word of the language or the name of a crate that is used"
    } else {
        return Ok(());
    };
    Err(BuildError::Name { name: name.to_owned(), reason })
}

/// Names that cannot be crates: words of Rust, and crates of every plugin.
const RESERVED: [&str; 46] = [
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "use",
    "playbook-sdk",
];

/// "value-rfm" as the name of a type: `ValueRfm`.
fn type_name(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|c| c.to_ascii_uppercase())
            .into_iter()
            .chain(letters)
            .collect::<String>()
    };
    let joined: String = name.split('-').map(word).collect();
    // These would hide a name of the SDK's prelude.
    const TAKEN: [&str; 12] = [
        "Settings",
        "Plugin",
        "Scoring",
        "Segmentation",
        "Incentive",
        "Campaign",
        "Roi",
        "Diagnosis",
        "Rows",
        "Answer",
        "Shape",
        "Context",
    ];
    if TAKEN.contains(&joined.as_str()) { format!("{joined}Plugin") } else { joined }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_become_types() {
        for (name, wanted) in
            [("value-rfm", "ValueRfm"), ("churn-7d", "Churn7d"), ("roi", "RoiPlugin")]
        {
            assert_eq!(type_name(name), wanted);
        }
    }

    #[test]
    fn names_that_no_crate_can_have_are_refused() {
        let long = "a".repeat(65);
        for name in ["", "7up", "Value", "a--b", "a-", "a_b", "../up", "fn", &long] {
            assert!(matches!(check_name(name), Err(BuildError::Name { .. })), "{name}");
        }
        assert!(check_name("value-rfm-2").is_ok());
    }

    #[test]
    fn no_template_has_a_place_left_to_fill() {
        let folder = std::env::temp_dir().join(format!("playbook-scaffold-{}", std::process::id()));
        for kind in Kind::ALL {
            let wanted = Scaffold {
                name: format!("my-{}", kind.name()),
                kind,
                language: Language::Rust(SdkSource::Copied),
                folder: folder.join(kind.name()),
            };
            for file in scaffold(&wanted).unwrap() {
                let text = std::fs::read_to_string(wanted.folder.join(file.path)).unwrap();
                assert!(!text.contains("{{"), "{} of {}", file.path, kind.name());
            }
            assert!(matches!(scaffold(&wanted), Err(BuildError::Exists(_))));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
