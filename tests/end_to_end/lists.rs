//! Lists of a brand over HTTP: decisions, entries of the ledger, what is used of caps.

use serde_json::{Value, json};

use crate::bench::Place;
use crate::serve::{Client, Service, served};

/// All rows of a list, page by page.
fn walked(club: &Client, list: &str, limit: usize) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    let sign = if list.contains('?') { '&' } else { '?' };
    loop {
        let page = club.get(&format!("{list}{sign}limit={limit}{cursor}"));
        assert_eq!(page.status, 200, "{}", page.body);
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= limit, "{}", page.body);
        rows.extend(items.iter().cloned());
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

fn told<'v>(rows: &'v [Value], field: &str) -> Vec<&'v str> {
    rows.iter().map(|row| row[field].as_str().unwrap()).collect()
}

#[test]
fn decisions_entries_and_caps_are_listed_and_filtered() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    club.welcome("m1", 60);
    club.welcome("m2", 60);
    let complaint = json!({ "event_id": "c1", "member": "m2", "kind": "complaint",
        "time": "2026-06-20T10:00:00+08:00", "severity": "minor" });
    club.ok("POST", "events", "complaint", &complaint);
    let mut made: Vec<Value> = Vec::new();
    for (member, once) in [("m1", "a"), ("m2", "b"), ("m1", "c"), ("m2", "d")] {
        made.push(club.decide(member, once).unwrap().body);
    }
    made.reverse();
    let all = walked(&club, "decisions", 500);
    assert_eq!(told(&all, "id"), told(&made, "id"), "the newest first");
    assert_eq!(told(&walked(&club, "decisions", 1), "id"), told(&all, "id"));
    for field in ["granted", "refused", "at", "version", "segments"] {
        assert_eq!(all[3][field], made[3][field]);
    }
    let refused = walked(&club, "decisions?refusal=R10", 2);
    assert_eq!(told(&refused, "member"), ["m2", "m2"]);
    assert_eq!(refused[0]["refused"][0]["refusal"]["text"], "commercial cap of the stage");
    assert_eq!(told(&walked(&club, "decisions?member=m1", 1), "member"), ["m1", "m1"]);
    let action = made[3]["granted"][0]["action"].as_str().unwrap();
    assert_eq!(
        walked(&club, &format!("decisions?action={action}&refusal=R15"), 9),
        [] as [Value; 0]
    );
    assert_eq!(walked(&club, "decisions?to=2026-06-01T00:00:00Z", 9), [] as [Value; 0]);
    assert_eq!(walked(&club, "decisions?from=2026-06-01T00:00:00Z", 9).len(), 4);
    for wrong in ["decisions?refusal=R1", "decisions?colour=red", "ledger/entries?kind=gift"] {
        let answer = club.get(wrong);
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (400, &json!("query-invalid")),
            "{wrong}"
        );
    }
    let cursor = club.get("decisions").body["next"].clone();
    assert_eq!(cursor, Value::Null);
    let other = club.get("ledger/entries?limit=1").body["next"].as_str().unwrap().to_owned();
    let answer = club.get(&format!("decisions?cursor={other}"));
    assert_eq!(answer.body["code"], "cursor-invalid");

    let grant = made[3]["granted"][0]["grant"].as_str().unwrap();
    let settle = format!("decisions/{}/grants/{grant}/settle", made[3]["id"].as_str().unwrap());
    club.ok("POST", &settle, "paid", &json!({ "paid_minor": 1 }));
    let entries = walked(&club, "ledger/entries", 3);
    let numbers: Vec<i64> = entries.iter().map(|row| row["number"].as_i64().unwrap()).collect();
    assert!(numbers.iter().copied().eq((1..=numbers[0]).rev()), "{numbers:?}");
    let own = walked(&club, &format!("ledger/entries?grant={grant}"), 9);
    assert_eq!(told(&own, "kind"), ["settle", "reserve"]);
    assert_eq!((&own[0]["amount_minor"], &own[0]["closes"]), (&json!(1), &own[1]["number"]));
    assert_eq!((&own[1]["member"], &own[1]["action"]), (&json!("m1"), &json!(action)));
    assert_eq!(own[0]["bound_minor"], made[3]["granted"][0]["cost_minor"]);
    let of_m1 = walked(&club, "ledger/entries?member=m1", 9);
    assert_eq!(told(&of_m1, "kind").iter().filter(|kind| **kind == "settle").count(), 1);
    assert_eq!(walked(&club, "ledger/entries?member=m2", 9), [] as [Value; 0]);
    assert!(!walked(&club, "ledger/entries?account=club&kind=allocate", 9).is_empty());

    let caps = club.get("members/m1/caps?at=2026-07-01T01:00:00Z").body;
    assert!(!caps["families"].as_array().unwrap().is_empty(), "{caps}");
    let later = club.get("members/m1/caps?at=2026-09-01T00:00:00Z").body;
    assert_eq!(later["families"], json!([]), "{later}");
    assert_eq!(club.get("members/who/caps").body["code"], "member-not-found");
}
