//! Installing plugins: whose component is installed, and what other bytes under a name and a version meet.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::bench::{Place, command, root, succeed};

/// A new scoring crate in a folder of its own, with the default of its one setting.
fn scaffold(folder: &Path, days_full: &str) {
    let mut new = command(["plugin", "new", "twin-score", "--kind", "scoring", "--dir"]);
    succeed(&new.arg(folder).current_dir(root()).output().unwrap());
    let library = folder.join("src/lib.rs");
    let text = fs::read_to_string(&library).unwrap();
    let changed =
        text.replace("where within(1..=30) = 20", &format!("where within(1..=30) = {days_full}"));
    fs::write(library, changed).unwrap();
}

#[test]
fn other_bytes_under_a_name_and_version_are_refused_and_what_differs_is_told() {
    let place = Place::new();
    let (first, second) = (place.beside("first/twin"), place.beside("second/twin"));
    scaffold(&first, "20");
    scaffold(&second, "25");
    let home = place.beside("home");
    let build = |folder: &Path, more: &[&str]| -> Output {
        let mut call = Command::new(env!("CARGO_BIN_EXE_playbook"));
        call.arg("--home").arg(&home).args(["plugin", "build", "--install"]).args(more);
        call.arg(folder).output().unwrap()
    };
    let said = succeed(&build(&first, &[]));
    assert!(said.contains("twin-score@0.1.0.wasm"), "{said}");
    let installed = home.join("plugins/twin-score@0.1.0.wasm");
    let bytes = fs::read(&installed).unwrap();
    succeed(&build(&first, &[]));

    let refused = build(&second, &[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("`twin-score` 0.1.0 is installed with other bytes"), "{said}");
    assert!(said.contains("the default of setting `days_full` was 20 and is 25"), "{said}");
    assert!(said.contains("--replace"), "{said}");
    assert_eq!(fs::read(&installed).unwrap(), bytes);

    succeed(&build(&second, &["--replace"]));
    let other = fs::read(&installed).unwrap();
    assert_ne!(other, bytes);
    // The folder that was named is the one that is installed, though another of its name was built since.
    succeed(&build(&first, &["--replace"]));
    assert_eq!(fs::read(&installed).unwrap(), bytes);
}
