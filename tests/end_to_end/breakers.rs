//! Breakers of a served brand: a plugin that fails again and again is left out, closed, or replaced by the one before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Place, command, root, succeed, write};
use crate::serve::{CLUB, Client, Reply, Service, T, metrics, until};

/// An hour before the plugin answers.
const EARLY: i64 = T - 3_600_000;
/// Faults that open a breaker.
const FAULTS_OPEN: usize = 16;
/// How long it stays open at first.
const PAUSE: Duration = Duration::from_millis(5_100);

/// A component that proposes soundly from the moment [`T`] on, and not before.
fn component() -> PathBuf {
    let folder = root().join("tests/hostile/incentive");
    let built = command(["plugin", "build", "--json"]).arg(folder).output().unwrap();
    let built: Value = serde_json::from_str(&succeed(&built)).unwrap();
    PathBuf::from(built[0]["component"].as_str().unwrap())
}

/// The club's playbook with one more stage of that component.
fn with_stage(component: &Path, on_fault: &str) -> String {
    format!(
        "{CLUB}\n[[stage]]\nname = \"extra\"\nkind = \"incentive\"\nplugin = {{ path = {component:?} }}\n\
         settings = {{ mode = \"fails-before-july\" }}\non_fault = \"{on_fault}\"\n"
    )
}

fn started(place: &Place, text: &str) -> (Service, Client) {
    let file = write(place, "club.toml", text);
    let service = Service::start(&file, &place.beside("service"));
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    club.welcome("m1", 60);
    (service, club)
}

fn decide(club: &Client, once: &str, at: i64) -> Reply {
    club.send("POST", "decisions", once, &json!({ "member": "m1", "at": at })).unwrap()
}

/// How the stage does.
fn status(club: &Client) -> Value {
    let stages = club.get("plugins").body["stages"].clone();
    let extra = stages.as_array().unwrap().iter().find(|stage| stage["stage"] == "extra");
    extra.unwrap().clone()
}

fn rules(club: &Client) -> Vec<String> {
    let listed = club.get("alerts").body;
    let items = listed["items"].as_array().unwrap().iter();
    items.map(|item| item["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn y117_a_plugin_that_fails_again_and_again_is_left_out_and_comes_back_when_it_answers() {
    let place = Place::new();
    let (service, club) = started(&place, &with_stage(&component(), "skip"));
    assert_eq!(status(&club)["state"], "answering");
    let why = |reply: &Reply| reply.body["left_out"][0]["why"].as_str().unwrap().to_owned();
    for number in 0..FAULTS_OPEN {
        let made = decide(&club, &format!("early-{number}"), EARLY);
        assert_eq!((made.status, made.body["left_out"][0]["stage"].clone()), (200, json!("extra")));
        assert!(why(&made).contains("malformed"), "{}", made.body);
    }
    let before = status(&club);
    let told = ["state", "faults", "on_fault"].map(|name| before[name].clone());
    assert_eq!(told, [json!("open"), json!(FAULTS_OPEN), json!("skip")], "{before}");
    assert!(before["last_fault"].as_str().unwrap().contains("malformed"), "{before}");
    assert!(before["mean_fuel"].as_u64().unwrap() > 100, "{before}");
    // It is not called any more, and the decision says why.
    let made = decide(&club, "open", T);
    assert!(made.status == 200 && why(&made).contains("not called"), "{}", made.body);
    assert_eq!(status(&club)["calls"], before["calls"]);
    let series = metrics(&service, &club.key);
    assert_eq!(series["playbook_brand_stages{brand=\"club\",state=\"open\"}"], 1.0);
    until("the alert", || rules(&club) == ["breaker-opened"]);

    std::thread::sleep(PAUSE);
    assert_eq!(status(&club)["state"], "half-open");
    for number in 0..3 {
        let made = decide(&club, &format!("late-{number}"), T);
        assert_eq!(made.body["left_out"], json!([]), "{}", made.body);
    }
    assert_eq!(status(&club)["state"], "failed", "lately, and it answers");
    until("the alert", || rules(&club) == ["breaker-closed", "breaker-opened"]);
    service.stop();
}

#[test]
fn a_stage_that_closes_is_answered_503_without_a_call_while_its_breaker_is_open() {
    let place = Place::new();
    let (service, club) = started(&place, &with_stage(&component(), "close"));
    for number in 0..FAULTS_OPEN {
        let failed = decide(&club, &format!("early-{number}"), EARLY);
        assert_eq!((failed.status, &failed.body["code"]), (502, &json!("stage-failed")));
    }
    let calls = status(&club)["calls"].clone();
    let closed = decide(&club, "open", T);
    assert_eq!((closed.status, &closed.body["code"]), (503, &json!("stage-closed")));
    assert!(closed.body["detail"].as_str().unwrap().contains("extra"), "{}", closed.body);
    assert_eq!(status(&club)["calls"], calls);
    std::thread::sleep(PAUSE);
    // A probe that fails keeps it open, for longer.
    assert_eq!(decide(&club, "probe", EARLY).status, 502);
    assert_eq!(decide(&club, "still", T).status, 503);
    std::thread::sleep(2 * PAUSE);
    (0..3).for_each(|number| assert_eq!(decide(&club, &format!("late-{number}"), T).status, 200));
    assert_ne!(status(&club)["state"], "open");
    service.stop();
}

#[test]
fn a_stage_falls_back_to_the_component_that_was_last_good() {
    let place = Place::new();
    let bad = component();
    // The same component, which does not mean it: it answers at any moment.
    let mut bytes = std::fs::read(&bad).unwrap();
    let summary = b"Breaks proposals on purpose";
    let found: Vec<usize> =
        (0..bytes.len() - summary.len()).filter(|at| bytes[*at..].starts_with(summary)).collect();
    assert!(!found.is_empty(), "the summary stands in the component");
    found.into_iter().for_each(|at| bytes[at + summary.len() - 1] = b'E');
    let good = write(&place, "good.wasm", bytes);
    let (service, club) = started(&place, &with_stage(&good, "last-good"));
    assert_eq!(decide(&club, "good", EARLY).status, 200);
    let first = status(&club)["component"].clone();
    // What was decided so far lies at another moment: a trial would show that it fails.
    for number in 0..200 {
        assert_eq!(decide(&club, &format!("before-{number}"), T).status, 200);
    }
    write(&place, "club.toml", with_stage(&bad, "last-good"));
    until("the other component", || status(&club)["component"] != first);
    let version = club.get("versions").body["items"][0]["version"].clone();
    for number in 0..FAULTS_OPEN {
        assert_eq!(decide(&club, &format!("early-{number}"), EARLY).status, 502);
    }
    until("the component of before", || status(&club)["component"] == first);
    let made = decide(&club, "fallen-back", EARLY);
    assert_eq!(made.status, 200, "{}", made.body);
    let plugins = made.body["plugins"].as_array().unwrap().clone();
    assert!(plugins.iter().any(|plugin| plugin["component"] == first), "{}", made.body);
    let entry = club.get("versions").body["items"][0].clone();
    let told = ["how", "by", "version", "before"].map(|name| entry[name].clone());
    assert_eq!(told, [json!("breaker"), json!("host"), made.body["version"].clone(), version]);
    assert_eq!(rules(&club), ["breaker-opened"]);
    service.stop();
    // It goes on after a restart, while the file is the same.
    let service = Service::start(&place.beside("club.toml"), &place.beside("service"));
    let club = Client { address: service.address.clone(), ..club };
    assert_eq!(decide(&club, "restarted", EARLY).body["version"], made.body["version"]);
    service.stop();
}
