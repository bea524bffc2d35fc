//! Programs that call the service through clients made of its own document, as the guide of the platform team says.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::bench::{Place, root, succeed, tools};
use crate::serve::{Service, get, served};
use crate::servers::module;

/// The lines that an example prints, and how it ended.
fn told(mut example: Command, service: &Service, key: &str, member: &str) -> (bool, String) {
    example.args(["club", member]).env("PLAYBOOK_KEY", key);
    let call = example.env("PLAYBOOK_URL", format!("http://{}", service.address)).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (call.status.success(), text(&call.stdout) + &text(&call.stderr))
}

/// An example sends events, asks, and tells what it got; what it sends again is known.
fn sends_and_asks(example: impl Fn() -> Command, service: &Service, key: &str, member: &str) {
    let (worked, first) = told(example(), service, key, member);
    assert!(worked, "{first}");
    let count = |said: &str, word: &str| said.lines().filter(|line| line.ends_with(word)).count();
    assert_eq!(count(&first, ": accepted"), 5, "{first}");
    assert!(first.contains("get ") || first.contains("gets "), "{first}");
    assert!(first.contains("\ndecision "), "{first}");
    let (_, again) = told(example(), service, key, member);
    assert_eq!(count(&again, ": duplicate"), 5, "{again}");
    let (worked, refused) = told(example(), service, "pb_0000000000000000_x", member);
    assert!(!worked && refused.contains("key-unknown"), "{refused}");
}

#[test]
fn a_generated_client_of_python_sends_events_and_asks_for_decisions() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let document = place.beside("openapi.json");
    fs::write(&document, get(&service, &key, "/v1/openapi.json").1).unwrap();
    let config = root().join("docs/clients/openapi-python-client.yaml");
    let mut generate = module("openapi_python_client");
    generate.args(["generate", "--meta", "none", "--path"]).arg(&document);
    generate.arg("--config").arg(config).current_dir(&place.dir);
    let said = succeed(&generate.output().unwrap());
    assert!(!said.contains("WARNING"), "{said}");
    let example = || {
        let mut call = Command::new("python3");
        call.arg(root().join("docs/clients/decide.py"));
        let packages = format!("{}:{}", tools().display(), place.dir.path().display());
        call.env("PYTHONPATH", packages);
        call
    };
    sends_and_asks(example, &service, &key, "m-py");
}

#[test]
fn a_client_of_javascript_sends_events_and_asks_for_decisions() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    // Modules are looked for beside the script.
    let script = place.beside("decide.mjs");
    fs::copy(root().join("docs/clients/decide.mjs"), &script).unwrap();
    symlink(tools().join("npm/node_modules"), place.beside("node_modules")).unwrap();
    let example = || {
        let mut call = Command::new("node");
        call.arg(&script);
        call
    };
    sends_and_asks(example, &service, &key, "m-js");
}
