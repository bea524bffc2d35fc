//! `plugin dev`: each change of a plugin is built, tested and held against the build before.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::bench::{Place, command, root, succeed};

/// Longest time that a build may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(300);

struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(mut call: Command) -> Self {
        let mut child = call.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = channel();
        let pipes: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for pipe in pipes {
            let send = send.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    drop(send.send(line));
                }
            });
        }
        Self { child, lines }
    }

    /// What is told up to the line that has these words.
    fn until(&self, words: &str) -> String {
        let mut told = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("nobody said `{words}`:\n{told}"));
            told.push_str(&line);
            told.push('\n');
            if line.contains(words) {
                return told;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn scaffold(place: &Place) -> std::path::PathBuf {
    let folder = place.beside("dev-score");
    let mut call = command(["plugin", "new", "dev-score", "--kind", "scoring", "--dir"]);
    succeed(&call.arg(&folder).current_dir(root()).output().unwrap());
    folder
}

#[test]
fn a_profile_says_in_which_functions_the_time_goes() {
    let place = Place::new();
    let (folder, out) = (scaffold(&place), place.beside("flame.svg"));
    let mut call = command(["plugin", "profile", "--rows", "65536", "--seconds", "1", "--json"]);
    let told = call.arg(&folder).arg("--out").arg(&out).output().unwrap();
    succeed(&told);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let functions = told["functions"].as_array().unwrap();
    let names: Vec<&str> = functions.iter().map(|of| of["function"].as_str().unwrap()).collect();
    // All of it is below the function that was asked, and the build keeps names.
    let asked = functions.iter().find(|of| of["function"] == "score").unwrap();
    assert_eq!(asked["whole"].as_f64(), Some(1.0), "{names:?}");
    assert!(names.iter().any(|name| name.contains("dev_score")), "{names:?}");
    let flame = fs::read_to_string(&out).unwrap();
    assert!(flame.contains("<svg") && flame.contains("dev-score 0.1.0, 65536 rows a call"));
}

#[test]
fn a_change_is_built_tested_and_held_against_the_build_before() {
    let place = Place::new();
    let folder = scaffold(&place);
    let mut call = command(["plugin", "dev"]);
    call.arg(&folder);
    let watching = Watching::start(call);
    let told = watching.until("watching");
    assert!(
        told.contains("checks hold in the sandbox") && told.contains("native tests pass"),
        "{told}"
    );
    assert!(!told.contains("FAIL"), "{told}");

    let source = folder.join("src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    assert!(text.contains("= 20,"), "{text}");
    fs::write(&source, text.replace("= 20,", "= 25,")).unwrap();
    let told = watching.until("made-up rows are answered otherwise");
    assert!(
        told.contains("breaking: the default of setting `days_full` was 20 and is 25"),
        "{told}"
    );
    let told = watching.until("watching");
    assert!(told.contains("        was  ") && told.contains("        is   "), "{told}");

    fs::write(&source, format!("{text}\nfn broken( {{\n")).unwrap();
    let told = watching.until("watching");
    assert!(told.contains("FAIL") && told.contains("lib.rs"), "{told}");

    // What does not compile is no build: the next one is held against the one before it.
    fs::write(&source, text.replace("= 20,", "= 25,")).unwrap();
    let told = watching.until("watching");
    assert!(told.contains("made-up rows are answered as before"), "{told}");
}

#[test]
fn a_crate_is_written_built_and_tested_without_a_checkout() {
    let place = Place::new();
    let away = place.beside("away");
    fs::create_dir_all(&away).unwrap();
    let call = |arguments: &[&str]| {
        let told = command(arguments.iter().copied()).current_dir(&away).output().unwrap();
        succeed(&told);
        String::from_utf8_lossy(&told.stdout).into_owned()
    };
    call(&["plugin", "new", "away-score", "--kind", "scoring"]);
    let manifest = fs::read_to_string(away.join("away-score/Cargo.toml")).unwrap();
    assert!(
        manifest.contains("playbook-sdk = { path = \"playbook-sdk/plugin-sdk\" }"),
        "{manifest}"
    );
    let told = call(&["plugin", "test", "away-score"]);
    assert!(told.contains("checks hold in the sandbox"), "{told}");
    assert!(told.contains("of the native test"), "{told}");
}
