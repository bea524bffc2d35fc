//! Guests of interpreters: they fit into an instance, answer as crates do, and their exceptions have words.

use playbook_builder::{Language, Options, Scaffold, build_one, scaffold};
use playbook_model::{Batch, Columns, Context, Fault, Kind, Limit};
use playbook_runtime::{LoadOptions, Opening};

use crate::support::Host;

/// The component of a new scoring plugin, with texts in the file of the plugin replaced by others.
fn changed(language: Language, file: &str, name: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join(name);
    let (name, kind) = (name.to_owned(), Kind::Scoring);
    scaffold(&Scaffold { name, kind, language, folder: folder.clone() }).unwrap();
    let plugin = folder.join(file);
    let mut text = std::fs::read_to_string(&plugin).unwrap();
    for (was, is) in changes {
        assert!(text.contains(was), "{was}");
        text = text.replace(was, is);
    }
    std::fs::write(&plugin, text).unwrap();
    let built = build_one(&folder, &Options::of_user(), &mut |_| {}).unwrap();
    let bytes = std::fs::read(&built.component).unwrap();
    // The folder is gone after the test, and with it whoever could want the component again.
    std::fs::remove_file(&built.component).unwrap();
    std::fs::remove_file(built.component.with_extension("from")).unwrap();
    bytes
}

fn javascript(name: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    changed(Language::JavaScript, "plugin.js", name, changes)
}

fn python(name: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    changed(Language::Python, "plugin.py", name, changes)
}

/// Three members: ten active days, none known, thirty.
fn days() -> Batch {
    let columns =
        Columns { integers: vec![10, 0, 30], valid: Some(vec![0b101]), ..Columns::default() };
    Batch { rows: 3, columns }
}

fn opening(settings: &str) -> Opening {
    Opening { settings: settings.into(), ..Opening::default() }
}

/// Settings, answers and refusals of the plugin that the template begins with.
fn answers_and_refuses(component: &[u8], name: &str) {
    let host = Host::new();
    let plugin = host.runtime.load(component, &LoadOptions::default()).unwrap();
    assert_eq!(plugin.describe().unwrap().unwrap().name, name);
    let problems = |settings: &str| match plugin.check(settings).unwrap() {
        Err(Fault::Settings(problems)) => problems,
        other => panic!("{settings:.40} gives {other:?}"),
    };
    let wrong = problems("{\"days_full\":0,\"odd\":1}");
    let paths: Vec<&str> = wrong.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["/odd", "/days_full"]);
    assert_eq!(problems("[")[0].path, "");
    // Text so deep is a problem, or more than the stack of a guest holds; the host hands over none that it did not read itself.
    let deep = plugin.check(&"[".repeat(100_000)).unwrap().unwrap_err();
    assert!(
        matches!(deep, Fault::Settings(_) | Fault::LimitHit { limit: Limit::Stack, .. }),
        "{deep}"
    );
    let opened = plugin.open(opening("{\"days_full\":20}")).unwrap().unwrap();
    let answer = opened.score(&Context::default(), &days()).unwrap().unwrap();
    assert_eq!(answer.columns.reals, [50.0, 0.0, 100.0]);
    assert_eq!(answer.columns.valid, Some(vec![0b101]));
    let empty = Batch { rows: 0, columns: Columns::default() };
    assert!(opened.score(&Context::default(), &empty).unwrap().is_ok());
}

/// What the operator reads when a call over three members stops the instance.
fn last_words(component: &[u8]) -> String {
    let host = Host::new();
    let plugin = host.runtime.load(component, &LoadOptions::default()).unwrap();
    let opened = plugin.open(opening("{}")).unwrap().unwrap();
    let fault = opened.score(&Context::default(), &days()).unwrap().unwrap_err();
    let text = fault.to_string();
    assert!(matches!(fault, Fault::Trap { .. }), "{text}");
    text
}

#[test]
fn javascript_answers_and_refuses_in_the_sandbox() {
    answers_and_refuses(&javascript("js-score", &[]), "js-score");
}

#[test]
fn python_answers_and_refuses_in_the_sandbox() {
    answers_and_refuses(&python("py-score", &[]), "py-score");
}

#[test]
fn an_exception_of_javascript_traps_with_type_text_and_place() {
    let text = last_words(&javascript("js-broken", &[("days.get(row)", "days.gte(row)")]));
    assert!(text.contains("TypeError") && text.contains("plugin.js:"), "{text}");
}

#[test]
fn an_exception_of_python_traps_with_type_text_and_place() {
    let text = last_words(&python("py-broken", &[("100 *", "days.real_part *")]));
    let wanted = "AttributeError: 'int' object has no attribute 'real_part' at plugin.py:";
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn what_python_asks_of_the_outside_is_refused_in_words() {
    let ask = "full = call.settings.days_full\n        ";
    let odd = "full = call.settings.days_full\n        \
               asked = (time.time, lambda: time.sleep(1), lambda: open('/etc/passwd'))[int(call.now)]\n        \
               asked()\n        ";
    let import = "from playbook_sdk import";
    let changes = [(import, &*format!("import time\n{import}")), (ask, odd)];
    let component = python("py-outside", &changes);
    let host = Host::new();
    let plugin = host.runtime.load(&component, &LoadOptions::default()).unwrap();
    for (now, wanted) in [(0, "there is no clock"), (1, "`time.sleep`"), (2, "`open`")] {
        let opened = plugin.open(opening("{}")).unwrap().unwrap();
        let context = Context { now, ..Context::default() };
        let text = opened.score(&context, &days()).unwrap().unwrap_err().to_string();
        assert!(text.contains("RuntimeError") && text.contains(wanted), "{text}");
    }
}
