//! The same members, the same log, the same playbook: a service says what a cycle says, once it has closed one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::bench::{Place, command, csv, root, run, succeed, write};
use crate::serve::{Client, Service};

/// The end of the cycle that `demo-club` says.
pub(crate) const END: &str = "2026-07-01T00:00:00+08:00";
const END_MS: i64 = 1_782_835_200_000;

/// The demo's playbook.
pub(crate) fn playbook() -> String {
    fs::read_to_string(root().join("playbooks/club.toml")).unwrap()
}

/// A row of a table as fields of a request: numbers where the service wants them.
fn fields(
    row: &std::collections::BTreeMap<String, String>,
    numbers: &[&str],
) -> Map<String, Value> {
    let value = |name: &str, text: &str| match numbers.contains(&name) {
        true => {
            text.parse::<i64>().map_or_else(|_| json!(text.parse::<f64>().unwrap()), |n| json!(n))
        }
        false => json!(text),
    };
    let present = row.iter().filter(|(_, text)| !text.is_empty());
    present.map(|(name, text)| (name.clone(), value(name, text))).collect()
}

/// A folder with the sample community in a format.
pub(crate) fn sample(place: &Place, format: &str, members: usize) -> PathBuf {
    let folder = place.beside(format);
    let members = members.to_string();
    let call =
        command(["sample", "--members", &members, "--seed", "5", "--format", format, "--out"])
            .arg(&folder)
            .output()
            .unwrap();
    succeed(&call);
    folder
}

/// Sends events, profiles, consents and verified keys of a sample in CSV files; returns its members, accounts that are joined with an
/// older one not among them.
pub(crate) fn feed(club: &Client, rows: &Path) -> Vec<String> {
    let numbers = ["time", "amount_minor", "cost_of_goods_minor", "sentiment", "value"];
    let events: Vec<Value> = csv(&rows.join("events.csv"))
        .iter()
        .map(|row| Value::Object(fields(row, &numbers)))
        .collect();
    for batch in events.chunks(5_000) {
        let taken = club.lines(batch);
        assert_eq!(taken["refused"], json!([]), "{}", taken["refused"]);
    }
    let consents = csv(&rows.join("consents.csv"));
    let identities = csv(&rows.join("identities.csv"));
    let members = csv(&rows.join("members.csv"));
    for row in &members {
        let mut profile = fields(row, &["joined", "followers"]);
        let id = profile.remove("member").unwrap();
        if let Some(followers) = profile.remove("followers") {
            profile.insert("attr_followers".to_owned(), followers);
        }
        let own = consents.iter().filter(|consent| consent["member"] == row["member"]);
        let own: Vec<Value> = own
            .map(|consent| {
                let mut consent = fields(consent, &["time"]);
                consent.remove("member");
                Value::Object(consent)
            })
            .collect();
        let keys = identities.iter().filter(|key| key["member"] == row["member"]);
        let keys: Vec<Value> = keys
            .map(|key| {
                let mut key = fields(key, &[]);
                key.remove("member");
                let is_verified = matches!(key["verified"].as_str(), Some("true" | "1"));
                key.insert("verified".to_owned(), json!(is_verified));
                Value::Object(key)
            })
            .collect();
        let change = json!({ "profile": profile, "consents": own, "identities": keys });
        club.ok("PUT", &format!("members/{}", id.as_str().unwrap()), "put", &change);
    }
    let ids = members.into_iter().map(|mut row| row.remove("member").unwrap());
    ids.filter(|id| club.get(&format!("members/{id}")).body["member"] == json!(id)).collect()
}

#[test]
fn a_service_that_closed_a_cycle_says_what_the_cycle_says() {
    let place = Place::new();
    let file = write(&place, "club.toml", playbook());
    let (columns, rows) = (sample(&place, "parquet", 1_000), sample(&place, "csv", 1_000));
    let record = run(&file, &columns, &place, &[]);
    let of_run = record["plugins"].as_array().unwrap();

    let service = Service::start(&file, &place.beside("service"));
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "demo-club" };
    let members = feed(&club, &rows);
    // What no event tells lies as files where the service looks for it.
    let files = place.beside("service/brands/demo-club/files");
    fs::create_dir_all(&files).unwrap();
    for name in ["costs.parquet", "entries.parquet"] {
        fs::copy(columns.join(name), files.join(name)).unwrap();
    }
    let closed = club.ok("POST", "cycles/close", "close", &json!({ "at": END }));
    assert_eq!(closed["how"], "cycle");

    // Every member is in one segment, and the audience of a segment is who a decision says is in it.
    let mut audience: std::collections::BTreeMap<String, String> =
        std::collections::BTreeMap::new();
    for segment in ["silent", "prospect", "active", "core"] {
        let path = format!("segments/tier-interactions/{segment}/export?at={END_MS}");
        for line in club.text(&path).lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let member = row["member"].as_str().unwrap().to_owned();
            assert!(audience.insert(member, segment.to_owned()).is_none(), "{line} is in two");
        }
    }
    // As many persons as in the cycle, some of them with several accounts.
    assert_eq!(audience.len(), members.len());
    let joined = record["counts"]["accounts_merged"].as_u64().unwrap();
    assert!(joined > 5, "{joined} accounts are another's");
    assert_eq!(json!(members.len()), record["counts"]["members"], "{}", record["counts"]);
    let counts = club.get(&format!("segments?at={END_MS}")).body["items"].clone();
    for count in counts.as_array().unwrap().iter().filter(|c| c["stage"] == "tier-interactions") {
        let in_it = audience.values().filter(|segment| count["segment"] == **segment).count();
        assert_eq!(count["members"], json!(in_it), "{count}");
    }
    let page = club.get("segments/tier-interactions/core/members?limit=5").body;
    assert!(page["items"].is_array(), "{page}");
    assert_eq!(club.get("segments/kmeans/nobody/members").body["code"], "segment-not-found");

    let (mut compared, mut models) = (0, 0);
    let accounts = |id: &str| club.get(&format!("members/{id}/accounts")).body["items"].clone();
    let joined: Vec<(String, String)> = csv(&rows.join("members.csv"))
        .into_iter()
        .filter(|row| !members.contains(&row["member"]))
        .map(|row| {
            let person = club.get(&format!("members/{}", row["member"])).body["member"].clone();
            (row["member"].clone(), person.as_str().unwrap().to_owned())
        })
        .collect();
    assert!(accounts(&joined[0].0).as_array().unwrap().len() > 1);
    let some = members.iter().step_by(97).map(|id| (id.clone(), id.clone()));
    for (asked, id) in some.chain(joined) {
        let call =
            command(["explain"]).arg(&place.out).args(["--member", id.as_str(), "--json"]).output();
        let told: Value = serde_json::from_str(&succeed(&call.unwrap())).unwrap();
        let asked = json!({ "member": asked, "at": END });
        let decision = club.ok("POST", "decisions/preview", "look", &asked);
        assert_eq!((&decision["member"], &decision["left_out"]), (&json!(id), &json!([])));
        // It names the cycle that it rests on, and of what that left the same models as the cycle itself.
        assert_eq!(decision["closed_cycle"]["at"], json!("2026-06-30T16:00:00Z"), "{decision}");
        for plugin in decision["plugins"].as_array().unwrap() {
            assert!(plugin["fuel"].as_u64().unwrap() > 0, "{plugin}");
            let stage = of_run.iter().find(|stage| stage["stage"] == plugin["stage"]).unwrap();
            assert_eq!(plugin.get("model"), stage["model"].get("digest"), "{plugin}");
            models += usize::from(plugin.get("model").is_some());
        }
        assert_eq!(decision["outputs"]["tier-interactions.segment"], json!(audience[&id]));
        for stage in told["stages"].as_array().unwrap() {
            let name = stage["stage"].as_str().unwrap();
            for output in stage["outputs"].as_array().unwrap() {
                let full = format!("{name}.{}", output["name"].as_str().unwrap());
                assert_eq!(decision["outputs"][&full], output["value"], "{full} of {id}");
                compared += 1;
            }
        }
    }
    assert!(compared > 150 && models > 10, "{compared} values, {models} models");
}

/// The end of the cycle before.
const BEFORE: &str = "2026-06-03T00:00:00+08:00";

/// Members by the tier that a decision at [`END`] says.
fn tiers(club: &Client) -> std::collections::BTreeMap<String, String> {
    let mut tiers = std::collections::BTreeMap::new();
    for tier in ["silent", "prospect", "active", "core"] {
        let lines = club.text(&format!("segments/tier-interactions/{tier}/export?at={END_MS}"));
        for line in lines.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            tiers.insert(row["member"].as_str().unwrap().to_owned(), tier.to_owned());
        }
    }
    tiers
}

#[test]
fn what_a_plugin_calls_previous_is_what_the_last_closed_cycle_left_both_ways() {
    let place = Place::new();
    let file = write(&place, "club.toml", playbook());
    let (columns, rows) = (sample(&place, "parquet", 1_000), sample(&place, "csv", 1_000));
    run(&file, &columns, &place, &["--as-of", "2026-06-03"]);
    run(&file, &columns, &place, &[]);

    let service = Service::start(&file, &place.beside("service"));
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "demo-club" };
    let members = feed(&club, &rows);
    let files = place.beside("service/brands/demo-club/files");
    fs::create_dir_all(&files).unwrap();
    for name in ["costs.parquet", "entries.parquet"] {
        fs::copy(columns.join(name), files.join(name)).unwrap();
    }
    // Nothing was closed: nobody stood anywhere before. The tier falls one step at a time, and only in the second cycle.
    let without = tiers(&club);
    assert_eq!(without.len(), members.len());
    club.ok("POST", "cycles/close", "before", &json!({ "at": BEFORE }));
    let with = tiers(&club);
    let others: Vec<&String> = members.iter().filter(|id| without[*id] != with[*id]).collect();
    assert!(others.len() > 5, "{} members stand otherwise because of before", others.len());
    club.ok("POST", "cycles/close", "close", &json!({ "at": END }));
    assert_eq!(
        tiers(&club),
        with,
        "a decision of a cycle does not read what the cycle left itself"
    );

    let agree = |club: &Client| {
        let some = members.iter().step_by(60).chain(others.iter().copied().take(10));
        for id in some {
            let mut call = command(["explain"]);
            call.arg(&place.out).args(["--member", id.as_str(), "--json"]);
            let told: Value = serde_json::from_str(&succeed(&call.output().unwrap())).unwrap();
            let asked = json!({ "member": id, "at": END });
            let decision = club.ok("POST", "decisions/preview", "look", &asked);
            for stage in told["stages"].as_array().unwrap() {
                let name = stage["stage"].as_str().unwrap();
                for output in stage["outputs"].as_array().unwrap() {
                    let full = format!("{name}.{}", output["name"].as_str().unwrap());
                    assert_eq!(decision["outputs"][&full], output["value"], "{full} of {id}");
                }
            }
        }
    };
    agree(&club);
    service.kill();
    let service = Service::start(&file, &place.beside("service"));
    let club = Client { address: service.address.clone(), ..club };
    agree(&club);
    // A step back reads what was read before; the step forward is a step like any other.
    club.ok("POST", "versions/rollback", "back", &json!({}));
    assert_eq!(tiers(&club), with);
    club.ok("POST", "versions/rollback", "further", &json!({}));
    assert_eq!(tiers(&club), without, "the version before the first cycle reads nothing");
    let last = club.get("versions").body["items"][2]["version"].as_str().unwrap().to_owned();
    club.ok("POST", &format!("versions/{last}/activate"), "forward", &json!({}));
    assert_eq!(tiers(&club), with);

    // Who was erased and comes again has stood nowhere.
    let id = others[0];
    club.ok("DELETE", &format!("members/{id}"), "erase", &json!({}));
    let events: Vec<Value> = csv(&rows.join("events.csv"))
        .iter()
        .filter(|row| row["member"] == *id)
        .map(|row| {
            let numbers = ["time", "amount_minor", "cost_of_goods_minor", "sentiment", "value"];
            Value::Object(fields(row, &numbers))
        })
        .collect();
    club.lines(&events);
    let asked = json!({ "member": id, "at": END });
    let decision = club.ok("POST", "decisions/preview", "look", &asked);
    assert_eq!(decision["outputs"]["tier-interactions.tier"], json!(without[id]), "{decision}");
    service.stop();
}
