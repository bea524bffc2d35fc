//! Candidates of a served brand: in shadow, with a share of the members, taken back by people and by guards.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::bench::{Place, command, hostile, succeed, write};
use crate::serve::{CLUB, Client, Service, T, call, metrics, served, until};

/// An hour after the moment at which decisions are made.
const LATER: i64 = T + 3_600_000;

fn started(place: &Place) -> (Service, Client) {
    begun(served(place))
}

fn begun((file, data): (PathBuf, PathBuf)) -> (Service, Client) {
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    (service, club)
}

/// Offers a playbook and returns the digest of its version.
fn offer(club: &Client, text: &str) -> String {
    let body = ("application/toml", text);
    let made =
        call(&club.address, &club.key, ("POST", "/v1/brands/club/versions"), Some("offer"), body)
            .unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    made.body["version"].as_str().unwrap().to_owned()
}

/// The club's playbook with one more stage that grants, whose plugin misbehaves as `mode` says.
fn with_stage(mode: &str) -> String {
    format!(
        "{CLUB}\n[[stage]]\nname = \"extra\"\nkind = \"incentive\"\nplugin = \"{}\"\n\
         settings = {{ mode = \"{mode}\" }}\non_fault = \"skip\"\nlimits = {{ fuel_base = 1000000000 }}\n",
        hostile()
    )
}

/// Decides on members 0 to `count`; returns those on whom `version` decided.
fn drawn(club: &Client, count: usize, once: &str, version: &str) -> BTreeSet<usize> {
    let is_of = |member: &usize| {
        let made = club.decide(&format!("m{member}"), once).unwrap();
        assert_eq!(made.status, 200, "{}", made.body);
        made.body["version"] == version
    };
    (0..count).filter(is_of).collect()
}

fn hows(club: &Client) -> Vec<String> {
    let listed = club.get("versions").body;
    let items = listed["items"].as_array().unwrap().iter();
    items.map(|item| item["how"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_share_keeps_its_members_while_it_grows_and_through_a_restart() {
    const MEMBERS: usize = 120;
    let place = Place::new();
    let (service, club) = started(&place);
    let first = club.get("versions").body["items"][0]["version"].as_str().unwrap().to_owned();
    let version = offer(&club, &CLUB.replace("interactions * 100", "interactions * 90"));
    let share = |percent: u8| {
        let path = format!("versions/{version}/share");
        club.ok("POST", &path, &format!("s{percent}"), &json!({ "percent": percent }))
    };
    let begun = share(10);
    let told = ["how", "version", "before", "percent"].map(|name| begun[name].clone());
    assert_eq!(told, [json!("share"), json!(version), json!(first), json!(10)]);
    let of_ten = drawn(&club, MEMBERS, "ten", &version);
    assert!((1..=40).contains(&of_ten.len()), "{} of {MEMBERS}", of_ten.len());
    share(50);
    let of_fifty = drawn(&club, MEMBERS, "fifty", &version);
    assert!(of_fifty.is_superset(&of_ten) && (30..=90).contains(&of_fifty.len()), "{of_fifty:?}");
    assert_eq!(drawn(&club, MEMBERS, "ten", &version), of_ten, "what was decided stays so");
    let candidate = club.get("versions/candidate").body;
    let [decides, new] = ["decides", "candidate"].map(|side| candidate[side]["decisions"].as_u64());
    assert_eq!(new, Some((of_ten.len() + of_fifty.len()) as u64), "{candidate}");
    assert_eq!(decides.unwrap() + new.unwrap(), 2 * MEMBERS as u64);
    assert!(candidate["candidate"]["evaluation_p99_micros"].as_f64().unwrap() > 0.0);

    service.stop();
    let (file, data) = (place.beside("club.toml"), place.beside("service"));
    let service = Service::start(&file, &data);
    let club = Client { address: service.address.clone(), ..club.clone() };
    assert_eq!(drawn(&club, MEMBERS, "again", &version), of_fifty, "the candidate goes on");
    // A closed cycle is another version; the candidate goes on with what it left, and keeps its members.
    club.ok("POST", "cycles/close", "c", &json!({ "at": T }));
    let carried = club.get("versions/candidate").body["version"].as_str().unwrap().to_owned();
    assert_ne!(carried, version);
    assert_eq!(drawn(&club, MEMBERS, "closed", &carried), of_fifty);
    let path = format!("versions/{carried}");
    club.ok("POST", &format!("{path}/share"), "s100", &json!({ "percent": 100 }));
    assert_eq!(drawn(&club, MEMBERS, "all", &carried).len(), MEMBERS);
    club.ok("POST", &format!("{path}/activate"), "a", &json!({}));
    assert_eq!(club.get("versions/candidate").body["code"], "candidate-not-found");
    let wanted = ["activated", "share", "share", "cycle", "share", "share", "start"];
    assert_eq!(hows(&club), wanted);
    let own =
        club.send("POST", &format!("{path}/share"), "own", &json!({ "percent": 10 })).unwrap();
    assert_eq!(own.body["code"], "playbook-foreign", "it decides on all already: {}", own.body);
    let none = club.send("POST", "versions/00/share", "s", &json!({ "percent": 10 })).unwrap();
    assert_eq!(none.body["code"], "version-not-found");
    let wrong = json!({ "percent": 0, "guards": { "decisions_min": 501, "spend_ratio": 0.5 } });
    let wrong = club.send("POST", &format!("{path}/share"), "s", &wrong).unwrap();
    let fields: Vec<&Value> =
        wrong.body["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["percent", "guards.decisions_min", "guards.spend_ratio"]);
    service.stop();
}

#[test]
fn a_candidate_in_shadow_is_counted_and_grants_nothing() {
    let place = Place::new();
    let (service, club) = started(&place);
    let version =
        offer(&club, &with_stage("good").replace("interactions * 100", "interactions * 0"));
    let accounts = club.get("budgets").body["accounts"].as_array().unwrap().len();
    let begun = club.ok("POST", &format!("versions/{version}/shadow"), "s", &json!({}));
    assert_eq!((&begun["how"], &begun["version"]), (&json!("shadow"), &json!(version)));
    let mut cost = 0;
    for member in 0..10 {
        club.welcome(&format!("m{member}"), 60);
        let made = club.decide(&format!("m{member}"), "first").unwrap().body;
        assert_ne!(made["version"], json!(version));
        assert_eq!(made["granted"].as_array().unwrap().len(), 1, "{made}");
        cost += made["granted"][0]["cost_minor"].as_i64().unwrap();
    }
    let read = || club.get("versions/candidate").body;
    until("the comparison", || read()["candidate"]["decisions"] == json!(10));
    let seen = read();
    // It would grant what its own stage proposes, and nothing for points.
    for (side, granted, cost) in [("decides", 10, cost), ("candidate", 10, 1_000)] {
        let side = &seen[side];
        let told = ["granted", "cost_minor", "faults"].map(|name| side[name].clone());
        assert_eq!(told, [json!(granted), json!(cost), json!(0)], "{seen}");
        assert!(side["evaluation_mean_micros"].as_f64().unwrap() > 0.0, "{seen}");
    }
    assert_eq!((&seen["dropped"], &seen["percent"]), (&json!(0), &json!(0)));
    let budgets = club.get("budgets").body["accounts"].as_array().unwrap().clone();
    assert_eq!((budgets.len(), &budgets[0]["reserved_minor"]), (accounts, &json!(cost)));
    // Looks are no decisions.
    club.ok("POST", "decisions/preview", "look", &json!({ "member": "m1", "at": T }));
    club.decide("m1", "first").unwrap();
    service.stop();

    let service = Service::start(&place.beside("club.toml"), &place.beside("service"));
    let club = Client { address: service.address.clone(), ..club };
    assert_eq!(club.get("versions/candidate").body["version"], json!(version), "it goes on");
    assert_eq!(club.ok("DELETE", "versions/candidate", "d", &json!({}))["how"], "withdrawn");
    let again = club.send("DELETE", "versions/candidate", "e", &json!({})).unwrap();
    assert_eq!((again.status, &again.body["code"]), (404, &json!("candidate-not-found")));
    assert_eq!(hows(&club), ["withdrawn", "shadow", "start"]);
    service.stop();
}

/// An adult of whom nothing else is known: no stage of the club itself proposes anything.
fn adult(club: &Client, member: &str) {
    club.ok(
        "PUT",
        &format!("members/{member}"),
        "put",
        &json!({ "profile": { "age_band": "adult" } }),
    );
}

#[test]
fn each_guard_takes_back_a_candidate_that_breaks_it_and_a_sound_one_stays() {
    const MEMBERS: usize = 20;
    let place = Place::new();
    // Budgets are wide: what a guard sees is what its case does.
    let wide = |text: &str| text.replace("total = \"1000.00\"", "total = \"100000.00\"");
    let (service, club) = begun((write(&place, "club.toml", wide(CLUB)), place.beside("service")));
    let first = club.get("versions").body["items"][0]["version"].clone();
    let decide = |member: &str, once: &str, at: i64| {
        let made = club.send("POST", "decisions", once, &json!({ "member": member, "at": at }));
        let made = made.unwrap();
        assert_eq!(made.status, 200, "no decision fails: {}", made.body);
        made.body
    };
    for member in 0..MEMBERS {
        adult(&club, &format!("poor{member}"));
        let rich = format!("rich{member}");
        club.welcome(&rich, 60);
        (0..10).for_each(|time| drop(decide(&rich, &format!("before-{time}"), T)));
    }
    let share = |mode: &str| {
        let text = with_stage(mode).replace("interactions * 100", "interactions * 0");
        let version = offer(&club, &wide(&text));
        let terms = json!({ "percent": 50, "guards": { "decisions_min": 40 } });
        club.ok("POST", &format!("versions/{version}/share"), mode, &terms);
        version
    };
    let returned = "playbook_brand_candidates_returned_total{brand=\"club\"}";
    // What a member gets once a cycle costs nothing the second time: spend is seen on new members.
    let cases = [
        ("dear-later", "spend", "new"),
        ("negative-cost", "faults", "poor"),
        ("slow", "latency", "poor"),
        ("greedy", "refusals", "rich"),
    ];
    for (at, (mode, guard, who)) in cases.into_iter().enumerate() {
        let version = share(mode);
        let is_there = || club.get("versions/candidate").status == 200;
        let mut decisions = 0;
        while is_there() {
            assert!(decisions < 1_000, "{mode}: {}", club.get("versions/candidate").body);
            for number in 0..MEMBERS {
                let number = if who == "new" { decisions + number } else { number };
                let member = format!("{who}{number}");
                if who == "new" {
                    adult(&club, &member);
                }
                decide(&member, &format!("{mode}-{decisions}"), LATER);
            }
            decisions += MEMBERS;
        }
        assert_eq!(decide("poor0", &format!("{mode}-after"), LATER)["version"], first);
        until("the history", || hows(&club)[0] == "returned");
        let entry = club.get("versions").body["items"][0].clone();
        assert_eq!(entry["breach"]["guard"], json!(guard), "{mode}: {entry}");
        assert_eq!((&entry["version"], &entry["before"]), (&first, &json!(version)));
        let [found, bound] = ["found", "bound"].map(|name| entry["breach"][name].as_f64().unwrap());
        assert!(found > bound && entry["by"] == "host", "{entry}");
        let alert = club.get("alerts?state=open").body["items"][0].clone();
        assert_eq!(
            (&alert["rule"], &alert["scope"]),
            (&json!("candidate-returned"), &json!(version))
        );
        assert!(alert["words"].as_str().unwrap().contains(guard), "{alert}");
        assert_eq!(alert["evidence"]["figures"]["found"].as_f64(), Some(found));
        assert_eq!(metrics(&service, &club.key)[returned], (at + 1) as f64);
    }
    let sound = share("good");
    for time in 0..25 {
        (0..MEMBERS).for_each(|number| {
            decide(&format!("poor{number}"), &format!("good-{time}"), LATER);
        });
    }
    let candidate = club.get("versions/candidate").body;
    assert_eq!(candidate["version"], json!(sound), "{candidate}");
    let side = &candidate["candidate"];
    assert!(side["decisions"].as_u64().unwrap() >= 100, "{candidate}");
    assert_eq!((&side["faults"], &side["refused"]), (&json!(0), &json!({})), "{candidate}");
    service.stop();
    let state = place.beside("service/brands/club");
    succeed(&command(["ledger", "prove", "club", "--state"]).arg(state).output().unwrap());
}

#[test]
fn a_change_of_versions_happens_once_under_its_key_also_after_a_restart() {
    let place = Place::new();
    let (service, club) = started(&place);
    club.welcome("m1", 60);
    let [one, two] = [90, 80].map(|points| {
        offer(&club, &CLUB.replace("interactions * 100", &format!("interactions * {points}")))
    });
    let to = |version: &str, step: &str| format!("versions/{version}/{step}");
    let share = json!({ "percent": 25 });
    let steps = [
        ("POST", to(&one, "shadow"), json!({})),
        ("POST", to(&one, "share"), share.clone()),
        ("DELETE", "versions/candidate".to_owned(), json!({})),
        ("POST", to(&one, "activate"), json!({})),
        ("POST", to(&two, "activate"), json!({})),
        ("POST", "versions/rollback".to_owned(), json!({})),
        ("POST", "cycles/close".to_owned(), json!({ "at": T })),
    ];
    let made: Vec<Value> = (steps.iter().enumerate())
        .map(|(at, (method, path, body))| club.ok(method, path, &format!("k{at}"), body))
        .collect();
    let history = club.get("versions").body;
    assert_eq!(history["items"].as_array().unwrap().len(), 1 + steps.len(), "{history}");
    let again = |club: &Client| {
        for (at, (method, path, body)) in steps.iter().enumerate() {
            assert_eq!(club.ok(method, path, &format!("k{at}"), body), made[at], "{path}");
            // Another request has no right to the key.
            let other = &steps[(at + 1) % steps.len()];
            let reused = club.send(other.0, &other.1, &format!("k{at}"), &other.2).unwrap();
            let told = (reused.status, reused.body["code"].clone());
            assert_eq!(told, (422, json!("idempotency-key-reused")), "{path}");
        }
        let more = json!({ "percent": 50 });
        let reused = club.send("POST", &to(&one, "share"), "k1", &more).unwrap();
        assert_eq!(reused.body["code"], "idempotency-key-reused", "{}", reused.body);
        assert_eq!(club.get("versions").body, history);
    };
    again(&club);
    service.kill();
    let service = Service::start(&place.beside("club.toml"), &place.beside("service"));
    let club = Client { address: service.address.clone(), ..club };
    again(&club);
    service.stop();
}
