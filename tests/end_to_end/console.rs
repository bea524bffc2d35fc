//! The console in a browser: a person logs in, finds out why somebody got nothing, and takes a version back.

use serde_json::{Value, json};

use crate::bench::{Place, write};
use crate::both_ways::{END, feed, playbook, sample};
use crate::browser::Browser;
use crate::serve::{Client, Service};

/// Members about whom is decided.
const DECIDED: usize = 60;

/// The demo's brand, live, with decisions about some of its members.
fn served(place: &Place) -> (Service, Client) {
    let file = write(place, "club.toml", playbook());
    let rows = sample(place, "csv", 1_000);
    let service = Service::start(&file, &place.beside("service"));
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "demo-club" };
    let members = feed(&club, &rows);
    for (number, member) in members.iter().take(DECIDED).enumerate() {
        let asked = json!({ "member": member, "at": END });
        club.ok("POST", "decisions", &format!("decision-{number}"), &asked);
    }
    (service, club)
}

#[test]
fn a_person_logs_in_finds_a_refusal_and_rolls_a_version_back() {
    let place = Place::new();
    let (service, club) = served(&place);
    let refused = club.get("decisions?limit=500").body;
    let refused = refused["items"].as_array().unwrap().iter();
    let refused = refused.filter_map(|one| Some((one, one["refused"].get(0)?)));
    let (decision, effect): (Value, Value) =
        refused.map(|(one, effect)| (one.clone(), effect.clone())).next().expect("a refusal");
    let code = effect["refusal"]["code"].as_str().unwrap();

    let mut browser = Browser::start();
    browser.width(1_280);
    let home = format!("http://{}/console", service.address);
    browser.go(&home);
    // By the keyboard alone: the field of the key has the focus.
    browser.type_in("pb_0000000000000000_wrong");
    browser.enter();
    assert!(browser.text().contains("This key is not known"), "{}", browser.text());
    browser.type_in(&club.key);
    browser.enter();
    assert!(browser.text().contains("demo-club"), "{}", browser.text());
    browser.follow("main a[href$='/brands/demo-club']");
    let overview = browser.text();
    // The sample has 1,000 accounts, of fewer people.
    for part in ["Segments and their flow", "Budget", "tier-interactions", "984"] {
        assert!(overview.contains(part), "{part}\n{overview}");
    }
    assert_ne!(browser.value("document.querySelectorAll('svg').length"), json!(0));

    // Why somebody got nothing: the filter, the decision, the code in words, the plugin's reason.
    browser.follow("nav a[href$='/decisions']");
    browser.value(&format!("document.querySelector('#refusal').value = {}", json!(code)));
    browser.follow("form.filters button");
    let list = browser.text();
    assert!(list.contains(code) && list.contains(decision["member"].as_str().unwrap()), "{list}");
    let link = format!("a[href$='/decisions/{}']", decision["id"].as_str().unwrap());
    browser.follow(&link);
    let page = browser.text();
    for part in [
        format!("{code} {}", effect["refusal"]["text"].as_str().unwrap()),
        effect["reason"]["text"].as_str().unwrap().to_owned(),
    ] {
        assert!(page.contains(&part), "{part}\n{page}");
    }
    browser.follow("main a[href*='/members?member=']");
    let page = browser.text();
    assert!(page.contains("Timeline") && page.contains("Consents"), "{page}");

    // A version that was activated is taken back by one button.
    browser.follow("nav a[href$='/versions']");
    let first = club.get("versions").body["items"][0]["version"].clone();
    let other = playbook().replacen("seed = 2026", "seed = 2027", 1);
    browser.value(&format!("document.querySelector('#playbook').value = {}", json!(other)));
    browser.follow("form.offer button");
    assert!(browser.text().contains("+ seed = 2027"), "{}", browser.text());
    browser.follow("form[action$='/trial'] button");
    assert!(browser.text().contains("Decisions compared"), "{}", browser.text());
    browser.follow("form[action$='/activate'] button");
    assert_ne!(club.get("versions").body["items"][0]["version"], first);
    browser.follow("form[action$='/rollback'] button");
    let last = club.get("versions").body["items"][0].clone();
    assert_eq!((&last["how"], &last["version"]), (&json!("rolled-back"), &first));
    assert!(browser.text().contains("rolled back"), "{}", browser.text());

    // The live page goes on by itself, and stands still while it is paused.
    browser.follow("nav a[href$='/live']");
    let decide = |once: &str, member: &str| {
        club.ok("POST", "decisions", once, &json!({ "member": member, "at": END }));
    };
    browser.wait("document.querySelector('#live a[href*=\"member=\"]') !== null");
    decide("live", "somebody-new");
    browser.wait("document.querySelector('#live').innerText.includes('somebody-new')");
    browser.value("document.querySelector('#pause').click()");
    decide("paused", "somebody-else");
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let page = browser.text();
    assert!(!page.contains("somebody-else") && page.contains("Go on"), "{page}");
    browser.value("document.querySelector('#pause').click()");
    browser.wait("document.querySelector('#live').innerText.includes('somebody-else')");

    // In Chinese, and on the narrowest telephone: nothing is wider than the screen.
    browser.follow("a.lang");
    assert!(browser.text().contains("實時"), "{}", browser.text());
    browser.width(320);
    for page in ["", "/decisions", "/members?member=somebody-new", "/versions", "/ledger", "/live"]
    {
        browser.go(&format!("{home}/brands/demo-club{page}"));
        let width = browser.value("document.documentElement.scrollWidth").as_u64().unwrap();
        assert!(width <= 320, "{page} is {width} pixels wide");
    }
    // Why a stage was left out is said in Chinese as well.
    let decided = club.get("decisions?member=somebody-new").body;
    let decision = decided["items"][0]["id"].as_str().unwrap();
    browser.go(&format!("{home}/brands/demo-club/decisions/{decision}"));
    let page = browser.text();
    assert!(page.contains("等待首個週期關閉") && !page.contains("waits for"), "{page}");
    browser.follow("form[action='/console/logout'] button");
    browser.go(&format!("{home}/brands/demo-club"));
    assert!(browser.text().contains("密鑰"), "{}", browser.text());
}
