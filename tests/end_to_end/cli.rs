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
    assert!(said.contains("budgte") && said.contains("budget") && said.contains("faulty.toml:"), "{said}");
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
    assert!(said.contains("conformance checks hold"), "{said}");
}

#[test]
fn every_reference_plugin_holds_to_the_contract_in_the_sandbox() {
    let listed: serde_json::Value =
        serde_json::from_str(&succeed(&playbook(["plugin", "list", "--json"]))).unwrap();
    let plugins = listed.as_array().unwrap();
    assert_eq!(plugins.len(), 12);
    for plugin in plugins {
        let call = command(["plugin", "test", plugin["file"].as_str().unwrap()]).output().unwrap();
        let said = String::from_utf8_lossy(&call.stdout).into_owned();
        assert!(call.status.success(), "{}: {said}", plugin["name"]);
    }
}
