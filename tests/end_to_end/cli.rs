//! What a person meets on the command line: help, errors with places, exit codes.

use std::fs;

use crate::bench::{Place, command, community, playbook, root, succeed};

#[test]
fn a_faulty_playbook_exits_with_3_and_names_line_and_hint() {
    let place = Place::new();
    let file = place.beside("faulty.toml");
    let text = fs::read_to_string(root().join("playbooks/demo-club.toml")).unwrap();
    fs::write(&file, text.replacen("[budget]", "[budgte]", 1)).unwrap();
    let call = command(["check".as_ref(), file.as_os_str()]).output().unwrap();
    assert_eq!(call.status.code(), Some(3));
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(
        said.contains("budgte") && said.contains("budget") && said.contains("faulty.toml:"),
        "{said}"
    );
}

#[test]
fn a_plugin_checks_its_own_settings_and_the_place_is_the_files() {
    let place = Place::new();
    let file = place.beside("setting.toml");
    let base = place.beside("base.toml");
    fs::copy(root().join("playbooks/demo-club.toml"), base).unwrap();
    fs::write(&file, "extends = \"base.toml\"\n\n[[stage]]\nname = \"tier-interactions\"\nkind = \"segmentation\"\nplugin = \"tier-interactions\"\nsettings = { bounds = [9, 3, 1] }\n").unwrap();
    let call = command(["check".as_ref(), file.as_os_str()]).arg("--json").output().unwrap();
    assert_eq!(call.status.code(), Some(3), "{}", String::from_utf8_lossy(&call.stderr));
    let said: serde_json::Value = serde_json::from_slice(&call.stdout).unwrap();
    let problem = &said["problems"][0];
    assert_eq!(problem["code"], "bad-setting", "{said}");
    assert_eq!(problem["line"], 7, "{said}");
}

#[test]
fn ready_made_playbooks_are_in_order() {
    for name in ["demo-club.toml", "cd-shop.toml"] {
        let call = command(["check"]).arg(root().join("playbooks").join(name)).output().unwrap();
        assert!(succeed(&call).contains("in order"), "{name}");
    }
}

#[test]
fn results_never_replace_a_folder_that_is_not_a_run() {
    let place = Place::new();
    fs::create_dir_all(&place.out).unwrap();
    fs::write(place.out.join("precious.txt"), "keep me").unwrap();
    let call = command(["run"])
        .arg(root().join("playbooks/demo-club.toml"))
        .arg("--data")
        .arg(community())
        .arg("--out")
        .arg(&place.out)
        .output()
        .unwrap();
    assert_eq!(call.status.code(), Some(1));
    assert_eq!(fs::read_to_string(place.out.join("precious.txt")).unwrap(), "keep me");
}

#[test]
fn completions_schema_and_help_are_printed() {
    assert!(succeed(&playbook(["completions", "bash"])).contains("_playbook"));
    let schema: serde_json::Value = serde_json::from_str(&succeed(&playbook(["schema"]))).unwrap();
    assert!(schema["properties"]["stage"].is_object());
    assert!(succeed(&playbook(["--help"])).contains("replay"));
}

#[test]
fn a_new_plugin_builds_and_holds_to_the_contract() {
    let place = Place::new();
    let dir = place.beside("first-score");
    let call = command(["plugin", "new", "first-score", "--kind", "scoring", "--dir"])
        .arg(&dir)
        .current_dir(root())
        .output()
        .unwrap();
    succeed(&call);
    let call = command(["plugin", "test"]).arg(&dir).output().unwrap();
    let said = succeed(&call);
    assert!(said.contains("native test `score_grows_to_100_and_no_further`"), "{said}");
    assert!(said.contains("checks hold in the sandbox"), "{said}");

    // A plugin that computes otherwise in the sandbox than its tests saw natively.
    let library = dir.join("src/lib.rs");
    let text = fs::read_to_string(&library).unwrap();
    let full = "let full = if cfg!(target_arch = \"wasm32\") { 99.5 } else { 100.0 };";
    let changed = text.replace(
        "out.set(Said::SCORE, row, 100.0 *",
        &format!("{full}\nout.set(Said::SCORE, row, full *"),
    );
    assert_ne!(changed, text);
    fs::write(&library, changed).unwrap();
    let call = command(["plugin", "test"]).arg(&dir).output().unwrap();
    let said = String::from_utf8_lossy(&call.stdout).into_owned();
    assert_eq!(call.status.code(), Some(1), "{said}");
    assert!(
        said.contains("FAIL  gives the") && said.contains("native test `score_grows"),
        "{said}"
    );
    assert!(said.contains("99.5"), "{said}");
    assert!(
        said.contains("ok    gives the 1 answer of the native test `settings_out_of_range"),
        "{said}"
    );
}

#[test]
fn every_reference_plugin_answers_in_the_sandbox_as_in_its_native_tests() {
    let mut seen = 0;
    for entry in fs::read_dir(root().join("plugins")).unwrap() {
        let folder = entry.unwrap().path();
        let call = command(["plugin", "test", "--json"]).arg(&folder).output().unwrap();
        let said = String::from_utf8_lossy(&call.stdout).into_owned();
        assert!(call.status.success(), "{}: {said}", folder.display());
        let checks: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
        let of_tests = checks
            .iter()
            .filter(|c| c["check"].as_str().unwrap().contains("of the native test"))
            .count();
        assert!(checks.len() - of_tests >= 7 && of_tests >= 5, "{}: {said}", folder.display());
        seen += 1;
    }
    assert_eq!(seen, 12);
}
