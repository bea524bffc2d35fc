//! Classes of data: what reaches plugins, and what the holder of a key sees.

use serde_json::{Value, json};

use crate::bench::{Place, coupons, write};
use crate::cli::told;
use crate::serve::{CLUB, Client, Service, T, metrics};

/// The club, which keeps a phone and an income of its members.
fn with_people() -> String {
    let text = CLUB.replace(
        "age_band = \"age_band\"\n",
        "age_band = \"age_band\"\n\
         attr_phone = { from = \"phone\", pii_class = \"D\" }\n\
         attr_income = { from = \"income\", type = \"integer\", pii_class = \"E\" }\n",
    );
    let text = text.replace(
        "channel = \"channel\"\n",
        "channel = \"channel\"\nfield_address = { from = \"to\", pii_class = \"D\" }\n",
    );
    assert!(text.contains("attr_income") && text.contains("field_address"));
    text
}

#[test]
fn y090_a_plugin_never_receives_class_d_or_e() {
    let place = Place::new();
    let problems = |features: &str, bind: &str| {
        let text = with_people().replace("[features]\n", &format!("[features]\n{features}"));
        let text =
            text.replace(coupons!(), &coupons!().replace("points_balance = \"points_90d\"", bind));
        told(&write(&place, "people.toml", &text), &[], "problems")
    };
    let income = "income = { attribute = \"attr_income\" }\n";
    let rich = "rich = { expression = \"income * 2\", type = \"integer\" }\n";
    let sent = "sent = { count = \"comment\", where = \"field_address <> ''\" }\n";
    assert!(problems(&[income, rich, sent].concat(), "points_balance = \"points_90d\"").is_empty());
    // By name, through a feature that rests on it, and by a condition on it: each at its place.
    for (features, bound, class) in [
        (income.to_owned(), "income", "E"),
        ([income, rich].concat(), "rich", "E"),
        (sent.to_owned(), "sent", "D"),
    ] {
        let found = problems(&features, &format!("points_balance = \"{bound}\""));
        let [(code, line, column, message, _)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(code, "withheld-data", "{found:?}");
        assert!(*line > 40 && *column == 27, "{found:?}");
        assert!(message.contains(&format!("class {class}")), "{found:?}");
    }
    // What a plugin asks for by its own name is refused as it is wired.
    let asked = problems(
        &format!(
            "{income}aov_minor = {{ expression = \"income\", type = \"integer\", unit = \"minor\" }}\n"
        ),
        "points_balance = \"points_90d\"",
    );
    assert!(asked.iter().any(|problem| problem.3.contains("no plugin receives")), "{asked:?}");
}

/// A client with a new key of a role.
fn with_role(service: &Service, admin: &str, role: &str) -> Client {
    let asked = json!({ "role": role, "brand": "club", "label": role });
    let key = made_key(service, admin, &asked);
    Client { address: service.address.clone(), key, brand: "club" }
}

fn made_key(service: &Service, admin: &str, asked: &Value) -> String {
    let path = "/v1/keys";
    let once = asked["label"].as_str().unwrap();
    let body = ("application/json", &*asked.to_string());
    let reply = crate::serve::call(&service.address, admin, ("POST", path), Some(once), body);
    reply.unwrap().body["secret"].as_str().unwrap().to_owned()
}

#[test]
fn y091_each_role_sees_its_classes_and_what_is_not_listed_is_denied_counted_and_granted_by_two() {
    let place = Place::new();
    let service =
        Service::start(&write(&place, "club.toml", with_people()), &place.beside("service"));
    let admin = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key: admin.clone(), brand: "club" };
    club.welcome("m1", 60);
    let people = json!({ "profile": { "attr_phone": "13800138000", "attr_income": 1_234_567 } });
    club.ok("PUT", "members/m1", "people", &people);
    let parcel = json!({ "event_id": "p", "member": "m1", "kind": "comment", "time": T - 5,
        "field_address": "12 Long Street" });
    club.ok("POST", "events", "p", &parcel);
    let seen = |client: &Client| {
        let member = client.get("members/m1").body;
        let profile = &member["profile"];
        (profile["attr_phone"].clone(), profile["attr_income"].clone())
    };
    let none = || Value::Null;
    let role = |name: &str| with_role(&service, &admin, name);
    let (operator, shop, desk, law) = (
        role("brand-operator"),
        role("brand-application"),
        role("customer-service"),
        role("compliance"),
    );
    let ended = || json!("\u{2022}\u{2022}\u{2022}00");
    assert_eq!(seen(&operator), (ended(), none()));
    assert_eq!(seen(&shop), (ended(), none()));
    assert_eq!(seen(&desk), (json!("13800138000"), json!("\u{2022}\u{2022}\u{2022}67")));
    assert_eq!(seen(&law), (none(), none()));
    assert_eq!(seen(&club), (none(), none()), "the admin has no grant");
    // A copy tells the same of events, and says what it leaves out.
    let copy = operator.get("members/m1/copy").body;
    assert_eq!(copy["withheld"], json!(["field_address"]), "{copy}");
    assert!(
        !copy.to_string().contains("12 Long Street") && copy.to_string().contains("\u{2022}et\"")
    );
    // Nobody is told of them with a decision: no plugin read them.
    assert!(!club.decide("m1", "d").unwrap().body.to_string().contains("13800138000"));

    // What is not listed for a role is denied, and counted.
    let before = metrics(&service, &admin)["playbook_access_denied_total{role=\"marketing\"}"];
    for name in ["analyst", "marketing", "finance", "auditor"] {
        let client = role(name);
        let of_one = ["members/m1", "members/m1/copy", "members/m1/caps", "members/m1/accounts"];
        for path in of_one.into_iter().chain((name != "analyst").then_some("decisions")) {
            let reply = client.get(path);
            assert_eq!(
                (reply.status, &reply.body["code"]),
                (403, &json!("role-not-allowed")),
                "{name} {path}"
            );
        }
        assert_eq!(client.get("budgets").status, 200, "{name}");
        let listed = client.get("access").status;
        assert_eq!(listed == 200, name == "auditor", "{name}: {listed}");
        let entries = client.get("ledger/entries").status;
        assert_eq!(entries == 200, ["finance", "auditor"].contains(&name), "{name}: {entries}");
    }
    let after = metrics(&service, &admin)["playbook_access_denied_total{role=\"marketing\"}"];
    assert_eq!(after - before, 7.0);

    // Access by a grant: for so many days, asked for by one and approved by another.
    let ask = |client: &Client, once: &str, days: u32| {
        let asked = json!({ "class": "D", "days": days, "reason": "ticket 4711" });
        client.send("POST", "access", once, &asked).unwrap()
    };
    assert_eq!(ask(&desk, "a", 7).status, 403);
    assert_eq!(ask(&law, "b", 91).body["code"], "field-invalid");
    let asked = ask(&law, "c", 90).body;
    assert_eq!((&asked["number"], &asked["state"]), (&json!(1), &json!("asked")), "{asked}");
    let act = |client: &Client, what: &str| {
        let reply = client.send("POST", &format!("access/1/{what}"), what, &json!({})).unwrap();
        (reply.status, reply.body["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(act(&law, "approve"), (409, "same-person".to_owned()));
    assert_eq!(seen(&law), (none(), none()));
    assert_eq!(act(&operator, "approve").0, 200);
    assert_eq!(seen(&law), (json!("13800138000"), none()), "the other class stays withheld");
    let listed = operator.get("access").body;
    assert_eq!(listed["access"][0]["state"], "holds", "{listed}");
    assert_eq!(act(&operator, "end").0, 200);
    assert_eq!(seen(&law), (none(), none()));
    assert_eq!(act(&operator, "approve"), (409, "access-closed".to_owned()));
    let sensitive = json!({ "class": "E", "days": 1, "reason": "ticket 4712" });
    assert_eq!(law.ok("POST", "access", "e", &sensitive)["number"], 2);
    let refused = operator.send("POST", "access/2/approve", "g", &json!({})).unwrap();
    assert_eq!(refused.body["code"], "role-not-allowed", "an operator does not grant class E");
    assert_eq!(club.send("POST", "access/2/approve", "g", &json!({})).unwrap().status, 200);
    assert_eq!(seen(&law), (none(), json!(1_234_567)));
}

#[test]
fn y091_analysts_and_bookkeepers_know_members_by_pseudonym_and_marketing_how_many_there_are() {
    let place = Place::new();
    let text = CLUB.replace("[features]\n", "[features]\nwho = { attribute = \"member\" }\n");
    let service = Service::start(&write(&place, "club.toml", text), &place.beside("service"));
    let admin = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key: admin.clone(), brand: "club" };
    for member in ["ann-the-first", "bob-the-other"] {
        club.welcome(member, 60);
        assert_eq!(club.decide(member, "d").unwrap().status, 200);
    }
    let [analyst, finance, auditor, marketing] = ["analyst", "finance", "auditor", "marketing"]
        .map(|name| with_role(&service, &admin, name));
    let is_nameless = |told: &Value| {
        let told = told.to_string();
        !told.contains("ann-the") && !told.contains("bob-the")
    };
    let list = analyst.get("decisions").body;
    let items = list["items"].as_array().unwrap();
    assert!(items.len() == 2 && is_nameless(&list), "{list}");
    let named: Vec<&str> = items.iter().map(|item| item["member"].as_str().unwrap()).collect();
    assert!(named[0] != named[1] && named.iter().all(|name| name.len() == 16), "{named:?}");
    // The same for good, in every list, and what is asked for by it.
    let id = items[0]["id"].as_str().unwrap();
    let one = analyst.get(&format!("decisions/{id}")).body;
    assert!(one["member"] == named[0] && is_nameless(&one), "{one}");
    assert_eq!(club.get(&format!("decisions/{id}")).body["features"]["who"], "bob-the-other");
    let of_one = analyst.get(&format!("decisions?member={}", named[1])).body;
    assert_eq!(of_one["items"].as_array().unwrap().len(), 1);
    for guess in ["ann-the-first", "00000000000000ff", "zz"] {
        let reply = analyst.get(&format!("decisions?member={guess}"));
        assert_eq!(reply.body["code"], "member-not-found", "{guess}");
    }
    for books in [&finance, &auditor] {
        let entries = books.get("ledger/entries").body;
        let grants = entries["items"].as_array().unwrap().iter();
        let members: Vec<&Value> = grants.filter_map(|entry| entry.get("member")).collect();
        assert!(members.len() == 2 && is_nameless(&entries), "{entries}");
        assert!(members.iter().all(|member| named.contains(&member.as_str().unwrap())));
        let of_one = books.get(&format!("ledger/entries?member={}", named[0])).body;
        assert_eq!(of_one["items"].as_array().unwrap().len(), 1, "{of_one}");
    }
    // How many there are: this playbook sorts nobody into segments.
    let counts = marketing.get("segments");
    assert_eq!((counts.status, &counts.body["items"]), (200, &json!([])));
    assert_eq!(marketing.get("segments/a/b/members").status, 403);
    service.stop();
}
