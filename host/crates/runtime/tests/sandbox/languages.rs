//! Guests of interpreters: they fit into an instance, answer as crates do, and their exceptions have words.

use playbook_builder::{Language, Options, Scaffold, build_one, scaffold};
use playbook_model::{Batch, Columns, Context, Fault, Kind};
use playbook_runtime::{LoadOptions, Opening};

use crate::support::Host;

/// The component of a new scoring plugin in JavaScript, with one word of it replaced by another.
fn javascript(name: &str, was: &str, is: &str) -> Vec<u8> {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join(name);
    let (name, kind) = (name.to_owned(), Kind::Scoring);
    let language = Language::JavaScript;
    scaffold(&Scaffold { name, kind, language, folder: folder.clone() }).unwrap();
    let plugin = folder.join("plugin.js");
    let text = std::fs::read_to_string(&plugin).unwrap();
    assert!(text.contains(was), "{was}");
    std::fs::write(&plugin, text.replace(was, is)).unwrap();
    let built = build_one(&folder, &Options::of_user(), &mut |_| {}).unwrap();
    let bytes = std::fs::read(&built.component).unwrap();
    // The folder is gone after the test, and with it whoever could want the component again.
    std::fs::remove_file(&built.component).unwrap();
    std::fs::remove_file(built.component.with_extension("from")).unwrap();
    bytes
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

#[test]
fn javascript_answers_and_refuses_in_the_sandbox() {
    let host = Host::new();
    let component = javascript("js-score", "100 *", "100 *");
    let plugin = host.runtime.load(&component, &LoadOptions::default()).unwrap();
    assert_eq!(plugin.describe().unwrap().unwrap().name, "js-score");
    let Err(Fault::Settings(problems)) = plugin.check("{\"days_full\":0,\"odd\":1}").unwrap()
    else {
        panic!("the settings are accepted");
    };
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["/odd", "/days_full"]);
    let opened = plugin.open(opening("{\"days_full\":20}")).unwrap().unwrap();
    let answer = opened.score(&Context::default(), &days()).unwrap().unwrap();
    assert_eq!(answer.columns.reals, [50.0, 0.0, 100.0]);
    assert_eq!(answer.columns.valid, Some(vec![0b101]));
    let empty = Batch { rows: 0, columns: Columns::default() };
    assert!(opened.score(&Context::default(), &empty).unwrap().is_ok());
}

#[test]
fn an_exception_of_javascript_traps_with_type_text_and_place() {
    let host = Host::new();
    let component = javascript("js-broken", "days.get(row)", "days.gte(row)");
    let plugin = host.runtime.load(&component, &LoadOptions::default()).unwrap();
    let opened = plugin.open(opening("{}")).unwrap().unwrap();
    let fault = opened.score(&Context::default(), &days()).unwrap().unwrap_err();
    let text = fault.to_string();
    assert!(matches!(fault, Fault::Trap { .. }), "{text}");
    assert!(text.contains("TypeError") && text.contains("plugin.js:"), "{text}");
}
