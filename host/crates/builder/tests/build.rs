//! Real builds: scaffolded crates of all kinds, and crates that cannot become plugins.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use playbook_builder::{
    BuildError, Language, Options, Progress, Scaffold, SdkSource, build, build_one, facts,
    scaffold, test_natively,
};
use playbook_model::{Digest, Kind};

fn rust() -> Language {
    Language::Rust(SdkSource::Path(std::env::current_dir().unwrap().join("../../../plugin-sdk")))
}

/// A fresh folder of crates, always at the same place, so that what cargo keeps for it is replaced
/// and not piled up; builds share the user's target folder, as they do in use.
struct Place {
    folder: PathBuf,
    options: Options,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, options: Options::of_user() }
    }

    fn scaffold(&self, name: &str, kind: Kind) -> PathBuf {
        let folder = self.folder.join(name);
        let name = name.to_owned();
        scaffold(&Scaffold { name, kind, language: rust(), folder: folder.clone() }).unwrap();
        folder
    }

    fn build(&self, path: &Path) -> Result<playbook_builder::Built, BuildError> {
        build_one(path, &self.options, &mut |_| {})
    }
}

/// Makes members of one workspace out of crates that stand alone, as the template tells.
fn join_workspace(root: &Path, members: &[PathBuf]) {
    for member in members {
        let manifest = std::fs::read_to_string(member.join("Cargo.toml")).unwrap();
        std::fs::write(member.join("Cargo.toml"), manifest.replace("[workspace]", "")).unwrap();
        std::fs::rename(member.join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
    }
    std::fs::write(root.join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n")
        .unwrap();
}

#[test]
fn scaffolded_crates_of_all_kinds_become_components_in_one_run_of_cargo() {
    let place = Place::new("all-kinds");
    let paths: Vec<PathBuf> = Kind::ALL
        .iter()
        .map(|kind| place.scaffold(&format!("new-{}", kind.name()), *kind))
        .collect();
    join_workspace(&place.folder, &paths);
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let mut runs = 0;
    let mut count = |progress| runs += usize::from(matches!(progress, Progress::Compiling(_)));
    let built = build(&paths, &place.options, &mut count).unwrap();
    assert_eq!(runs, 1);
    for (kind, built) in Kind::ALL.into_iter().zip(&built) {
        let bytes = std::fs::read(&built.component).unwrap();
        assert_eq!(Digest::of(&bytes), built.digest);
        let facts = facts(&bytes).unwrap();
        assert_eq!(facts.kind(), Some(kind));
        assert_eq!(facts.contract_version(), Some("0.1.0"));
        assert!(!facts.is_fitted());
        assert!(facts.foreign_import().is_none(), "{:?}", facts.imports);
        assert!(built.bytes < 150 << 10, "{} has {} bytes", built.plugin, built.bytes);
    }
    let again = build(&paths, &place.options, &mut |_| {}).unwrap();
    assert!(again.iter().all(|built| built.fresh), "nothing changed");
    for (first, second) in built.iter().zip(&again) {
        assert_eq!(first.digest, second.digest);
    }
}

/// A scoring crate named "twin" in a folder of its own, with a helper package that its workspace does not list.
fn twin(place: &Place, folder: &str, most: &str) -> PathBuf {
    let path = place.folder.join(folder).join("twin");
    let (name, kind) = ("twin".to_owned(), Kind::Scoring);
    let language = rust();
    scaffold(&Scaffold { name, kind, language, folder: path.clone() }).unwrap();
    std::fs::create_dir_all(path.join("helper/src")).unwrap();
    let helper =
        "[package]\nname = \"helper\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(path.join("helper/Cargo.toml"), helper).unwrap();
    std::fs::write(path.join("helper/src/lib.rs"), format!("pub const MOST: f64 = {most};\n"))
        .unwrap();
    let manifest = std::fs::read_to_string(path.join("Cargo.toml")).unwrap();
    let manifest = manifest
        .replace("[dependencies]", "[dependencies]\nhelper = { path = \"helper\" }")
        .replace("[workspace]", "[workspace]\nexclude = [\"helper\"]");
    std::fs::write(path.join("Cargo.toml"), manifest).unwrap();
    let library = path.join("src/lib.rs");
    let text = std::fs::read_to_string(&library).unwrap();
    assert!(text.contains("100.0 * share"));
    std::fs::write(&library, text.replace("100.0 * share", "helper::MOST * share")).unwrap();
    path
}

#[test]
fn crates_of_one_name_in_two_folders_are_each_their_own_component() {
    let place = Place::new("twins");
    let (older, newer) = (twin(&place, "older", "100.0"), twin(&place, "newer", "90.0"));
    let digest = |path: &Path| place.build(path).unwrap().digest;
    let first = digest(&older);
    let second = digest(&newer);
    assert_ne!(first, second);
    // The files of the older one are older than the build of the newer one.
    assert_eq!(digest(&older), first);
    assert_eq!(digest(&newer), second);
    let both = build(&[&older, &newer], &place.options, &mut |_| {}).unwrap();
    assert_eq!(both.iter().map(|built| built.digest).collect::<Vec<_>>(), [first, second]);
    // Nor are the native tests of one those of the other.
    let passes =
        |path: &Path| test_natively(path, &[], &place.options, &mut |_| {}).unwrap().passed;
    assert!(passes(&older));
    assert!(!passes(&newer), "the test wants 100");
    assert!(passes(&older));
}

/// Projects of a language become components, which stay until a source changes; `broken` is a plugin that no test accepts.
fn stay_until_a_source_changes(language: &Language, plugin: &str, note: &str, broken: &str) {
    let place = Place::new(plugin);
    for kind in [Kind::Scoring, Kind::Segmentation, Kind::Incentive] {
        let name = format!("new-{}", kind.name());
        let folder = place.folder.join(&name);
        let language = language.clone();
        scaffold(&Scaffold { name, kind, language, folder: folder.clone() }).unwrap();
        let tests = test_natively(&folder, &[], &place.options, &mut |_| {}).unwrap();
        assert!(tests.passed, "{}", tests.output);
        let built = place.build(&folder).unwrap();
        let facts = facts(&std::fs::read(&built.component).unwrap()).unwrap();
        assert_eq!(facts.kind(), Some(kind));
        assert!(facts.foreign_import().is_none(), "{:?}", facts.imports);
        // The tests have left files of their own, and are no sources themselves.
        let tests = test_natively(&folder, &[], &place.options, &mut |_| {}).unwrap();
        assert!(tests.passed, "{}", tests.output);
        let again = place.build(&folder).unwrap();
        assert!(again.fresh && again.digest == built.digest, "{again:?}");
        let plugin = folder.join(plugin);
        let text = std::fs::read_to_string(&plugin).unwrap();
        if kind == Kind::Scoring {
            std::fs::write(&plugin, format!("{text}{note} changed\n")).unwrap();
            assert!(!place.build(&folder).unwrap().fresh);
        }
        std::fs::write(&plugin, broken).unwrap();
        assert!(!test_natively(&folder, &[], &place.options, &mut |_| {}).unwrap().passed);
    }
}

#[test]
fn projects_of_javascript_become_components_and_keep_them_until_a_source_changes() {
    let broken = "export default 1;\n";
    stay_until_a_source_changes(&Language::JavaScript, "plugin.js", "//", broken);
}

#[test]
fn projects_of_python_become_components_and_keep_them_until_a_source_changes() {
    stay_until_a_source_changes(&Language::Python, "plugin.py", "#", "Plugin = 1\n");
}

#[test]
fn a_manifest_of_python_that_says_no_kind_is_refused_with_what_it_needs() {
    let place = Place::new("manifests");
    std::fs::create_dir_all(&place.folder).unwrap();
    for (manifest, wanted) in [
        (
            "[project]\nname = \"odd\"\n",
            "it needs `kind = KIND` under `[tool.playbook]`, one of scoring",
        ),
        ("[tool.playbook]\nkind = \"scoring\"\n", "it has no `name`"),
        ("tool = 1\nproject = 2\n", "it has no `name`"),
        ("[project\n", "it is no TOML: "),
    ] {
        std::fs::write(place.folder.join("pyproject.toml"), manifest).unwrap();
        let error = place.build(&place.folder).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_plugin_of_python_whose_kind_is_not_the_manifests_makes_no_component() {
    let place = Place::new("other-kind");
    let (kind, language) = (Kind::Scoring, Language::Python);
    let folder = place.folder.join("odd");
    scaffold(&Scaffold { name: "odd".to_owned(), kind, language, folder: folder.clone() }).unwrap();
    let manifest = folder.join("pyproject.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("scoring", "incentive")).unwrap();
    let error = place.build(&folder).unwrap_err().to_string();
    assert!(error.contains("of kind scoring, pyproject.toml says incentive"), "{error}");
}

#[test]
fn the_test_of_a_scaffolded_crate_passes_natively_and_a_broken_one_is_told() {
    let place = Place::new("native");
    let path = place.scaffold("new-test", Kind::Scoring);
    let tests = test_natively(&path, &[], &place.options, &mut |_| {}).unwrap();
    assert!(tests.passed, "{}", tests.output);
    let library = std::fs::read_to_string(path.join("src/lib.rs")).unwrap();
    std::fs::write(path.join("src/lib.rs"), library.replace("100.0 * share", "50.0 * share"))
        .unwrap();
    let tests = test_natively(&path, &[], &place.options, &mut |_| {}).unwrap();
    assert!(!tests.passed);
    assert!(tests.output.contains("score_grows_to_100"), "{}", tests.output);
}

#[test]
fn the_compilers_words_reach_the_author() {
    let place = Place::new("broken");
    let path = place.scaffold("new-broken", Kind::Scoring);
    let library = std::fs::read_to_string(path.join("src/lib.rs")).unwrap();
    std::fs::write(path.join("src/lib.rs"), library.replace("rows.get", "rows.gte")).unwrap();
    let error = place.build(&path).unwrap_err();
    let BuildError::Cargo { crates, messages } = &error else { panic!("{error}") };
    assert_eq!(crates, "new-broken");
    assert!(messages.contains("no method named `gte`"), "{messages}");
    assert!(messages.contains("src/lib.rs:"), "{messages}");
}

#[test]
fn a_crate_without_export_is_told_what_is_missing() {
    let place = Place::new("silent");
    let path = place.scaffold("new-silent", Kind::Scoring);
    let library = std::fs::read_to_string(path.join("src/lib.rs")).unwrap();
    std::fs::write(path.join("src/lib.rs"), library.replace("export!(", "// export!(")).unwrap();
    let error = place.build(&path).unwrap_err();
    assert!(matches!(error, BuildError::World { .. }), "{error}");
    assert!(error.to_string().contains("export!"), "{error}");
}

#[test]
fn an_import_from_outside_is_named_with_advice() {
    let place = Place::new("outside");
    let path = place.scaffold("new-outside", Kind::Scoring);
    let mut library = std::fs::read_to_string(path.join("src/lib.rs")).unwrap();
    library.push_str(
        "#[link(wasm_import_module = \"wasi_snapshot_preview1\")]\n\
         unsafe extern \"C\" { fn clock_time_get(id: u32, precision: u64, time: *mut u64) -> u16; }\n\
         #[unsafe(no_mangle)]\n\
         pub extern \"C\" fn now() -> u16 { let mut time = 0; unsafe { clock_time_get(0, 0, &mut time) } }\n",
    );
    std::fs::write(path.join("src/lib.rs"), library).unwrap();
    let error = place.build(&path).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, BuildError::Import { .. }), "{text}");
    assert!(text.contains("wasi_snapshot_preview1.clock_time_get"), "{text}");
    assert!(text.contains("wasm32-unknown-unknown"), "{text}");
}

#[test]
fn what_is_no_plugin_crate_is_told_apart() {
    let place = Place::new("no-plugin");
    let empty = place.folder.join("empty");
    std::fs::create_dir(&empty).unwrap();
    let text = place.build(&empty).unwrap_err().to_string();
    assert!(text.contains("there is no Cargo.toml"), "{text}");
    let plain = place.scaffold("new-plain", Kind::Roi);
    let manifest = std::fs::read_to_string(plain.join("Cargo.toml")).unwrap();
    let manifest = manifest.replace("crate-type = [\"cdylib\", \"rlib\"]", "");
    std::fs::write(plain.join("Cargo.toml"), manifest).unwrap();
    let text = place.build(&plain).unwrap_err().to_string();
    assert!(text.contains("cdylib"), "{text}");
}

#[test]
fn the_reference_plugins_build_together_and_keep_to_the_contract() {
    let folder = std::env::current_dir().unwrap().join("../../../plugins");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let place = Place::new("reference");
    let mut runs = 0;
    let mut count = |progress| runs += usize::from(matches!(progress, Progress::Compiling(_)));
    let built = build(&paths, &place.options, &mut count).unwrap();
    assert_eq!((runs, built.len()), (1, paths.len()));
    for (path, built) in paths.iter().zip(&built) {
        assert!(path.ends_with(&built.plugin), "components come in the order asked for");
        let facts = facts(&std::fs::read(&built.component).unwrap()).unwrap();
        assert!(facts.kind().is_some(), "{}", built.plugin);
        assert!(built.bytes < 240 << 10, "{} has {} bytes", built.plugin, built.bytes);
        let source = std::fs::read_to_string(path.join("src/lib.rs")).unwrap();
        assert_eq!(facts.is_fitted(), source.contains(": fitted "), "{}", built.plugin);
    }
}
