//! What a service keeps: cycles that close by a schedule, backups while it runs, a brand's log out of it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use playbook_ledger::{Ledger, Proof};
use serde_json::{Value, json};

use crate::bench::{Place, command, csv, succeed, write};
use crate::serve::{CLUB, Client, Service, T, metrics, served};

fn client(service: &Service, key: &str) -> Client {
    Client { address: service.address.clone(), key: key.to_owned(), brand: "club" }
}

#[test]
fn a_cycle_closes_by_its_schedule_while_decisions_go_on_and_once() {
    let place = Place::new();
    let text = CLUB.replace("length = \"28d\"", "length = \"28d\"\nclose = \"* * * * *\"");
    let (file, data) = (write(&place, "club.toml", text), place.beside("service"));
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = client(&service, &key);
    club.welcome("m1", 60);
    let closings = |club: &Client| -> Vec<Value> {
        let listed = club.get("versions").body["items"].as_array().unwrap().clone();
        listed.into_iter().filter(|one| one["how"] == json!("cycle")).collect()
    };
    let begun = Instant::now();
    while closings(&club).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(90), "no cycle was closed");
        assert_eq!(club.decide("m1", "while").unwrap().status, 200);
        std::thread::sleep(Duration::from_millis(200));
    }
    let closed = closings(&club);
    assert_eq!(closed[0]["by"], json!("schedule"));
    let watched = metrics(&service, &key);
    assert!(watched[r#"playbook_brand_cycles_total{brand="club",result="closed"}"#] >= 1.0);
    assert_eq!(watched[r#"playbook_brand_cycles_total{brand="club",result="failed"}"#], 0.0);
    let count = closed.len();
    service.stop();
    // What was closed is known after a restart: within the same minute nothing is closed again.
    let service = Service::start(&file, &data);
    let club = client(&service, &key);
    std::thread::sleep(Duration::from_secs(3));
    let minutes = begun.elapsed().as_secs() / 60 + 1;
    assert!(closings(&club).len() <= count + minutes as usize);
}

/// What a backup or restore says.
fn json_of(arguments: &[&str], folders: &[(&str, &Path)]) -> Value {
    let mut call = command(arguments.iter());
    for (name, folder) in folders {
        call.arg(name).arg(folder);
    }
    let output = call.arg("--json").output().unwrap();
    succeed(&output);
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn refused(arguments: &[&str], folders: &[(&str, &Path)]) -> String {
    let mut call = command(arguments.iter());
    for (name, folder) in folders {
        call.arg(name).arg(folder);
    }
    let output = call.output().unwrap();
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn y118_a_backup_under_load_holds_what_was_answered_before_and_serves_again() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = client(&service, &key);
    (0..8).for_each(|member| club.welcome(&format!("m{member}"), 60));
    let before: Vec<Value> =
        (0..8).map(|member| club.decide(&format!("m{member}"), "before").unwrap().body).collect();
    let (to, stop) = (place.beside("backup"), AtomicBool::new(false));
    let first = std::thread::scope(|scope| {
        for worker in 0..2 {
            let (club, stop) = (&club, &stop);
            scope.spawn(move || {
                for round in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let member = format!("w{worker}-{round}");
                    club.welcome(&member, 60);
                    assert_eq!(club.decide(&member, "meanwhile").unwrap().status, 200);
                }
            });
        }
        let told = json_of(&["data", "backup"], &[("--data", &data), ("--to", &to)]);
        // A later one takes the place of the first.
        let later = json_of(&["data", "backup"], &[("--data", &data), ("--to", &to)]);
        stop.store(true, Ordering::Relaxed);
        assert!(later["brands"][0]["groups"].as_i64() >= told["brands"][0]["groups"].as_i64());
        later
    });
    let other = place.beside("other");
    let in_use = refused(&["data", "restore", "--replace"], &[("--from", &to), ("--data", &data)]);
    assert!(in_use.contains("a service runs over the data folder"), "{in_use}");
    service.kill();
    let drill = std::time::Instant::now();
    let restored = json_of(&["data", "restore"], &[("--from", &to), ("--data", &other)]);
    assert_eq!(restored, first);
    let there = refused(&["data", "restore"], &[("--from", &to), ("--data", &other)]);
    assert!(there.contains("holds something already"), "{there}");
    json_of(&["data", "restore", "--replace"], &[("--from", &to), ("--data", &other)]);
    assert!(place.beside("other.before-1").join("keys.json").is_file(), "nothing is thrown away");
    let ledger = Ledger::read(&other.join("brands/club/ledger.sqlite"), "club").unwrap();
    let Proof::Sound { groups, .. } = ledger.prove().unwrap() else { panic!("it does not prove") };
    assert_eq!(json!(groups), first["brands"][0]["groups"]);
    drop(ledger);
    // Keys, decisions and members are those of before.
    let service = Service::start(&file, &other);
    assert_eq!(service.key, None, "the keys were restored");
    // The domain asks for four hours, of far more data.
    assert!(drill.elapsed() < std::time::Duration::from_secs(300), "{:?}", drill.elapsed());
    let club = client(&service, &key);
    for made in before {
        let id = made["id"].as_str().unwrap();
        let told = club.get(&format!("decisions/{id}"));
        assert_eq!((told.status, &told.body["granted"]), (200, &made["granted"]));
        let again = club.decide(made["member"].as_str().unwrap(), "before").unwrap().body;
        assert_eq!((&again["id"], &again["repeated"]), (&made["id"], &json!(true)));
    }
}

#[test]
fn a_backup_that_was_altered_or_is_of_a_later_layout_restores_nothing() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    client(&service, &key).welcome("m1", 3);
    let to = place.beside("backup");
    json_of(&["data", "backup"], &[("--data", &data), ("--to", &to)]);
    service.stop();
    let other = place.beside("other");
    let refused = || refused(&["data", "restore"], &[("--from", &to), ("--data", &other)]);
    let ledger = to.join("brands/club/ledger.sqlite");
    let whole = fs::read(&ledger).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(&ledger, flipped).unwrap();
    assert!(refused().contains("`brands/club/ledger.sqlite` is not what it was"));
    fs::remove_file(&ledger).unwrap();
    assert!(refused().contains("lacks the file `brands/club/ledger.sqlite`"));
    fs::write(&ledger, whole).unwrap();
    fs::write(to.join("more"), "").unwrap();
    assert!(refused().contains("holds `more`, which is no part of the backup"));
    fs::remove_file(to.join("more")).unwrap();
    let list = fs::read_to_string(to.join("backup.json")).unwrap();
    fs::write(to.join("backup.json"), list.replace("\"layout\": 1", "\"layout\": 9")).unwrap();
    assert!(refused().contains("is of layout 9, this program knows layouts up to 1"));
    assert!(!other.exists(), "nothing was restored");
    // A service is as strict, and takes a folder that tells no layout for one of the first.
    fs::remove_file(data.join("layout.json")).unwrap();
    let service = Service::start(&file, &data);
    assert_eq!(client(&service, &key).get("members/m1").body["events"], json!(3));
    service.stop();
    fs::write(data.join("layout.json"), "{\"layout\":9}").unwrap();
    let output = command(["serve"]).arg(&file).arg("--data").arg(&data).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("is of layout 9"), "{told}");
}

#[test]
fn an_export_runs_and_gives_the_features_that_the_service_has() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = client(&service, &key);
    let counts = [("m0", 60), ("m1", 3), ("m2", 117)];
    counts.iter().for_each(|(member, events)| club.welcome(member, *events));
    let to = place.beside("export");
    let told = json_of(&["data", "export", "club"], &[("--data", &data), ("--to", &to)]);
    assert_eq!(
        (&told["events"], &told["members"], &told["consents"]),
        (&json!(180), &json!(3), &json!(9))
    );
    let out = place.beside("out");
    let run = command(["run"])
        .arg(to.join("playbook.toml"))
        .args(["--as-of", "2026-07-01T00:00:00+08:00", "--out"])
        .arg(&out)
        .arg("--state")
        .arg(place.beside("state"))
        .output()
        .unwrap();
    succeed(&run);
    let grants = csv(&out.join("grants.csv"));
    let mut compared = 0;
    for (member, _) in counts {
        let ask = json!({ "member": member, "at": T });
        let made = club.ok("POST", "decisions/preview", "look", &ask);
        let own: Vec<_> = grants.iter().filter(|grant| grant["member"] == member).collect();
        let granted = made["granted"].as_array().unwrap();
        assert_eq!(own.len(), granted.len(), "{member}: {granted:?}");
        for (own, granted) in own.iter().zip(granted) {
            assert_eq!(own["action"], granted["action"].as_str().unwrap());
            assert_eq!(own["cost_minor"], granted["cost_minor"].to_string());
            compared += 1;
        }
    }
    assert!(compared >= 2, "{compared}");
    // Into a brand that has nothing, and then once more.
    service.stop();
    let other = place.beside("other");
    let import = || {
        let arguments = ["data", "import", file.to_str().unwrap()];
        json_of(&arguments, &[("--data", &other), ("--from", &to)])
    };
    let first = import();
    assert_eq!(
        (&first["events"], &first["known"], &first["refused"]),
        (&json!(180), &json!(0), &json!(0))
    );
    let second = import();
    assert_eq!(
        (&second["events"], &second["known"], &second["members"]),
        (&json!(0), &json!(180), &json!(3))
    );
    let again = place.beside("again");
    let told = json_of(&["data", "export", "club"], &[("--data", &other), ("--to", &again)]);
    assert_eq!(
        (&told["events"], &told["members"], &told["consents"]),
        (&json!(180), &json!(3), &json!(9))
    );
    let unknown = refused(&["data", "export", "other"], &[("--data", &data), ("--to", &to)]);
    assert!(unknown.contains("has no brand `other` that was served"), "{unknown}");
}
