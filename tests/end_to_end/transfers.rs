//! Money that an ROI plugin moves between pools: checked, booked once, for the cycles that follow, by a run and by a service.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use playbook_ledger::{Ledger, Proof};
use serde_json::{Value, json};

use crate::bench::{Place, command, community, csv, root, run, succeed, write};
use crate::browser::Browser;
use crate::serve::{Client, DAY, Service, T, metrics};

/// The demo with a pool for each channel and a plugin that moves money between the first and the last.
fn brand(place: &Place, rules: &str) -> PathBuf {
    let own = root().join("tests/end_to_end/roi-margin");
    let call = command(["plugin", "build", "--json"]).arg(own).output().unwrap();
    let built: Value = serde_json::from_str(&succeed(&call)).unwrap();
    let component = built[0]["component"].as_str().unwrap();
    fs::copy(root().join("playbooks/club.toml"), place.beside("base.toml")).unwrap();
    let file = place.beside("mover.toml");
    let text = format!(
        r#"extends = "base.toml"

[playbook]
id = "mover"
brand = "mover"

[[stage]]
name = "roi-base"
kind = "roi"
plugin = {{ path = "{component}" }}
settings = {{ move_minor = 100_000 }}

[budget.pools]
base = 0.0
messaging = 0.10
short-video = 0.10
seeding = 0.08
microblog = 0.07
web-shop = 0.05

{rules}
"#
    );
    fs::write(&file, text).unwrap();
    file
}

/// What became of the transfers of a run.
fn fates(place: &Place, out: &str) -> Vec<(String, String)> {
    let rows = csv(&place.beside(out).join("transfers.csv"));
    rows.iter().map(|row| (row["became"].clone(), row["refusal"].clone())).collect()
}

/// A run into a folder of its own.
fn run_into(place: &Place, file: &std::path::Path, out: &str, more: &[&str]) -> Value {
    let other = Place {
        out: place.beside(out),
        state: place.state.clone(),
        dir: tempfile::tempdir().unwrap(),
    };
    run(file, &community(), &other, more)
}

/// What the pools of the brand hold.
fn pools(place: &Place) -> BTreeMap<String, i64> {
    let shown =
        command(["ledger", "show", "mover", "--json", "--state"]).arg(&place.state).output();
    let shown: Vec<Value> = serde_json::from_str(&succeed(&shown.unwrap())).unwrap();
    let pool = |account: &Value| {
        let path = account["account"].as_str()?;
        let name = path.strip_prefix("mover/mover/")?;
        (!name.contains('/'))
            .then(|| (name.to_owned(), account["allocated_minor"].as_i64().unwrap()))
    };
    shown.iter().filter_map(pool).collect()
}

fn replays(place: &Place, out: &str) {
    let said = succeed(&command(["replay"]).arg(place.beside(out)).output().unwrap());
    assert!(said.contains("not a byte differs"), "{said}");
}

fn pair(a: (&str, &str), b: (&str, &str)) -> Vec<(String, String)> {
    let mut both = [a, b].map(|(became, refusal)| (became.to_owned(), refusal.to_owned()));
    both.sort();
    both.into()
}

fn sorted(mut fates: Vec<(String, String)>) -> Vec<(String, String)> {
    fates.sort();
    fates
}

#[test]
fn a_transfer_moves_once_within_its_bounds_and_only_for_the_cycles_that_follow() {
    let place = Place::new();
    let file = brand(&place, "[budget.transfers]\nsubject = \"channel\"\ncool_down = \"90d\"");
    let first = run_into(&place, &file, "first", &["--as-of", "2026-06-01"]);
    let moved = pair(("moved", ""), ("refused", "not-better"));
    assert_eq!(sorted(fates(&place, "first")), moved);
    let after = pools(&place);
    assert_eq!(after.values().sum::<i64>(), 20_000_000, "nothing came or went: {after:?}");
    // First and last by name.
    let changes = [after["messaging"] - 1_800_000, after["web-shop"] - 900_000];
    assert_eq!(changes.map(i64::abs), [100_000; 2], "{after:?}");
    let page = fs::read_to_string(place.beside("first").join("report.html")).unwrap();
    assert!(page.contains("refused: the receiver promises no higher return"));
    let booked = csv(&place.beside("first").join("ledger.csv"));
    assert_eq!(booked.iter().filter(|row| row["kind"] == "transfer").count(), 1);
    replays(&place, "first");

    // The same cycle again, whatever the day: nothing moves twice, and nothing new is granted for it.
    let second = run_into(&place, &file, "second", &["--as-of", "2026-06-01"]);
    let before = pair(("moved before", ""), ("refused", "not-better"));
    assert_eq!(sorted(fates(&place, "second")), before);
    assert_eq!(pools(&place), after);
    assert_eq!(second["counts"]["grants"], 0);
    assert_eq!(second["counts"]["granted_before"], first["counts"]["grants"]);
    replays(&place, "second");

    // The next cycle has the money, and the pair must cool down.
    run_into(&place, &file, "next", &["--as-of", "2026-06-29"]);
    let cools = pair(("refused", "cool-down"), ("refused", "not-better"));
    assert_eq!(sorted(fates(&place, "next")), cools);
    assert_eq!(pools(&place), after);
    for out in ["first", "next"] {
        replays(&place, out);
    }
    let proof = command(["ledger", "prove", "mover", "--state"]).arg(&place.state).output();
    assert!(succeed(&proof.unwrap()).contains("the ledger holds"));
}

#[test]
fn without_leave_of_the_playbook_nothing_moves() {
    let place = Place::new();
    let file = brand(&place, "");
    run_into(&place, &file, "out", &["--as-of", "2026-06-01"]);
    let suggested = pair(("suggested", ""), ("suggested", ""));
    assert_eq!(fates(&place, "out"), suggested);
    assert_eq!(pools(&place)["messaging"], 1_800_000);
    let page = fs::read_to_string(place.beside("out").join("report.html")).unwrap();
    assert!(page.contains("suggestion"));
}

/// A club of three communities with a pool each, whose money a plugin moves from where conversion is weak.
const COMMUNITIES: &str = r#"
[playbook]
id = "club"
brand = "club"
currency = "CNY"
time_zone = "Asia/Shanghai"
pseudonym_salt = "salt"

[cycle]
length = "7d"

[[source]]
name = "events"
table = "events"
path = "events.csv"
[source.map]
event_id = "id"
member = "member"
kind = "kind"
time = "time"
channel = "channel"
community = "community"
amount_minor = "amount"

[[source]]
name = "members"
table = "members"
path = "members.csv"
[source.map]
member = "member"
age_band = "age_band"

[[source]]
name = "consents"
table = "consents"
path = "consents.csv"
[source.map]
member = "member"
purpose = "purpose"
state = "state"
time = "time"

[features]
interactions = { count = "interaction", window = "90d" }
points_90d = { expression = "interactions * 100", type = "integer" }
age_band = { attribute = "age_band" }
views_1 = { count = "view", window = "7d", subject = "community" }
views_2 = { count = "view", window = { from = "14d", to = "7d" }, subject = "community" }
orders_1 = { count = "order_paid", window = "7d", subject = "community" }
orders_2 = { count = "order_paid", window = { from = "14d", to = "7d" }, subject = "community" }
conversion_week_1 = { expression = "orders_1 * 1.0 / nullif(views_1, 0)", subject = "community", unit = "ratio" }
conversion_week_2 = { expression = "orders_2 * 1.0 / nullif(views_2, 0)", subject = "community", unit = "ratio" }
roi_adj = { expression = "orders_1 * 0.5", subject = "community", unit = "ratio" }
complaints_1 = { count = "complaint", window = "7d", subject = "community" }

[[stage]]
name = "pools"
kind = "roi"
plugin = "elastic-pool@^0.1"

[[stage]]
kind = "incentive"
plugin = "ladder-exchange@^0.1"
pool = "tea"
bind = { points_balance = "points_90d" }

[budget]
total = "1000.00"

[budget.pools]
tea = 0.4
coffee = 0.4
juice = 0.2

[budget.transfers]
subject = "community"
red_line = "complaints_1"

[guardrails]
holdout = 0.0
age_band_feature = "age_band"
"#;

/// A week of a community that ends at a moment: ten views, and so many orders.
fn week(community: &str, end: i64, orders: usize) -> Vec<Value> {
    let event = move |kind: &str, number: usize| {
        json!({ "event_id": format!("{community}-{end}-{kind}-{number}"), "member": format!("of-{community}"),
            "kind": kind, "time": end - DAY - number as i64 * 60_000, "channel": "web",
            "community": community, "amount_minor": 100 })
    };
    let views = (0..10).map(|number| event("view", number));
    views.chain((0..orders).map(|number| event("order_paid", number))).collect()
}

/// What the accounts of the pools hold and have free.
fn funds(club: &Client) -> BTreeMap<String, (i64, i64)> {
    let budgets = club.get("budgets").body;
    let accounts = budgets["accounts"].as_array().unwrap().iter();
    let amount = |account: &Value, name: &str| account[name].as_i64().unwrap();
    let pool = |account: &Value| {
        let pool = account["account"].as_str()?.strip_prefix("club/club/")?;
        let both = (amount(account, "allocated_minor"), amount(account, "available_minor"));
        (!pool.contains('/')).then(|| (pool.to_owned(), both))
    };
    accounts.filter_map(pool).collect()
}

/// An account as it is told.
fn account(club: &Client, path: &str) -> Value {
    let budgets = club.get("budgets").body;
    assert_eq!(budgets["idle_share_max"], json!(0.4));
    let accounts = budgets["accounts"].as_array().unwrap().clone();
    accounts.into_iter().find(|account| account["account"] == json!(path)).unwrap()
}

/// Closes the weekly cycle that ends so many weeks after T; what its one transfer came to, or none.
fn closed(club: &Client, weeks: i64, once: &str) -> Option<Value> {
    let at = json!({ "at": T + weeks * 7 * DAY });
    let closed = club.ok("POST", "cycles/close", once, &at);
    assert_eq!(closed["how"], json!("cycle"));
    let transfers = closed["transfers"].as_array().cloned().unwrap_or_default();
    assert!(transfers.len() <= 1, "{transfers:?}");
    transfers.into_iter().next()
}

#[test]
fn y096_two_bad_weeks_move_20_percent_once_per_cool_down() {
    let place = Place::new();
    let (file, data) = (write(&place, "club.toml", COMMUNITIES), place.beside("service"));
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key: key.clone(), brand: "club" };
    for weeks in -1..=5 {
        let end = T + weeks * 7 * DAY;
        // Tea is well until the week that ends at T.
        let orders = [("tea", if weeks < 0 { 5 } else { 1 }), ("coffee", 5), ("juice", 4)];
        let events: Vec<Value> =
            orders.iter().flat_map(|(community, orders)| week(community, end, *orders)).collect();
        assert_eq!(club.lines(&events)["accepted"], json!(events.len()));
    }
    let pool = |amount| (amount, amount);
    let all = |tea, coffee| {
        let funds =
            [("tea", tea), ("coffee", coffee), ("juice", pool(18_000)), ("reserve", pool(10_000))];
        funds.map(|(pool, funds)| (pool.to_owned(), funds)).into()
    };
    assert_eq!(funds(&club), all(pool(36_000), pool(36_000)));
    club.welcome("m1", 60);
    let first = club.decide("m1", "first").unwrap().body;
    let reserved = first["granted"][0]["cost_minor"].as_i64().unwrap();
    assert!(reserved > 0);

    assert_eq!(closed(&club, 0, "first"), None, "one bad week moves nothing");
    let second = closed(&club, 1, "second").expect("two do");
    let moved = (36_000 - reserved) / 5;
    let said = |name: &str| second[name].clone();
    assert_eq!(
        (said("from"), said("to"), said("became")),
        (json!("tea"), json!("coffee"), json!("moved"))
    );
    assert_eq!(
        (said("moved_minor"), said("reason_code")),
        (json!(moved), json!("weak-conversion"))
    );
    let tea = 36_000 - moved;
    let after = all((tea, tea - reserved), pool(36_000 + moved));
    assert_eq!(funds(&club), after);
    let told = account(&club, "club/club/tea");
    let idle = (tea - reserved) as f64 / tea as f64;
    assert!((told["idle_share"].as_f64().unwrap() - idle).abs() < 1e-9, "{told}");
    assert_eq!(told["recovered_share"], json!(0.0));
    let entries = club.get("ledger/entries?kind=transfer").body["items"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    assert_eq!(
        (&entries[0]["account"], &entries[0]["to"], &entries[0]["amount_minor"]),
        (&json!("club/club/tea"), &json!("club/club/coffee"), &json!(moved))
    );
    let watched = metrics(&service, &key);
    assert_eq!(watched[r#"playbook_brand_transfers_total{brand="club",result="moved"}"#], 1.0);

    // Killed, it knows what moved; the same request and the same cycle move nothing again.
    service.kill();
    let service = Service::start(&file, &data);
    let club = Client { address: service.address.clone(), ..club };
    assert_eq!(closed(&club, 1, "second"), Some(second.clone()));
    let again = closed(&club, 1, "again").unwrap();
    assert_eq!((&again["became"], &again["moved_minor"]), (&json!("moved before"), &json!(moved)));
    assert_eq!(funds(&club), after);

    // A week later the pair cools down; 14 days after the move it may again.
    let third = closed(&club, 2, "third").unwrap();
    assert_eq!((&third["became"], &third["refusal"]), (&json!("refused"), &json!("cool-down")));
    assert_eq!(funds(&club), after);
    let fourth = closed(&club, 3, "fourth").unwrap();
    let more = (tea - reserved) / 5;
    assert_eq!((&fourth["became"], &fourth["moved_minor"]), (&json!("moved"), &json!(more)));
    assert_eq!(funds(&club), all((tea - more, tea - more - reserved), pool(36_000 + moved + more)));

    // A red line of the receiver keeps money away from it.
    let complaint = json!({ "event_id": "c", "member": "of-coffee", "kind": "complaint",
        "time": T + 34 * DAY, "channel": "web", "community": "coffee" });
    club.ok("POST", "events", "complaint", &complaint);
    // What the coupon had reserved comes back when it is released, and is told of.
    let grant = first["granted"][0]["grant"].as_str().unwrap();
    let way = format!("decisions/{}/grants/{grant}/release", first["id"].as_str().unwrap());
    club.ok("POST", &way, "release", &json!({}));
    let told = account(&club, "club/club/tea");
    assert_eq!((&told["idle_share"], &told["recovered_share"]), (&json!(1.0), &json!(1.0)));
    let stage = account(&club, "club/club/tea/ladder-exchange");
    assert_eq!((&stage["idle_share"], &stage["recovered_share"]), (&Value::Null, &json!(1.0)));
    let watched = metrics(&service, &key);
    for (name, account, value) in
        [("idle", "tea", 1.0), ("recovered", "tea", 1.0), ("idle", "juice", 1.0)]
    {
        let series = format!(
            r#"playbook_brand_budget_{name}_ratio{{brand="club",account="club/club/{account}"}}"#
        );
        assert_eq!(watched[&series], value, "{series}");
    }
    let fifth = closed(&club, 5, "fifth").unwrap();
    assert_eq!((&fifth["became"], &fifth["refusal"]), (&json!("refused"), &json!("red-line")));
    let listed = club.get("versions").body["items"][0]["transfers"][0].clone();
    assert_eq!(listed, fifth, "the history tells it");

    // So does the console, and how much lies idle and came back.
    let mut browser = Browser::start();
    let console = format!("http://{}/console", service.address);
    browser.go(&console);
    browser.type_in(&key);
    browser.enter();
    browser.go(&format!("{console}/brands/club/versions"));
    let page = browser.text();
    for part in [
        "tea → coffee at most CNY 1,000,000.00: refused: the receiver has a red line",
        "refused: money moved between the two a short time ago",
        "moved: CNY ",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    browser.go(&format!("{console}/brands/club"));
    let page = browser.text();
    assert!(page.contains("Idle") && page.contains("Came back"), "{page}");
}

#[test]
fn y096_killed_while_it_closes_a_cycle_it_moves_once() {
    let place = Place::new();
    let (file, data) = (write(&place, "club.toml", COMMUNITIES), place.beside("service"));
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let client = |service: &Service| Client {
        address: service.address.clone(),
        key: key.clone(),
        brand: "club",
    };
    let club = client(&service);
    for weeks in 0..=1 {
        let end = T + weeks * 7 * DAY;
        let events = [("tea", 1), ("coffee", 5), ("juice", 4)];
        let events: Vec<Value> =
            events.iter().flat_map(|(community, orders)| week(community, end, *orders)).collect();
        club.lines(&events);
    }
    // How long it takes, seen on a cycle in which nothing moves yet.
    let begun = Instant::now();
    assert_eq!(closed(&club, 0, "first"), None);
    let whole = begun.elapsed();
    let mut service = Some(service);
    for round in 1..=8 {
        let running = service.take().unwrap();
        let club = client(&running);
        std::thread::scope(|scope| {
            let at = json!({ "at": T + 7 * DAY });
            let ask = move || club.send("POST", "cycles/close", &format!("round {round}"), &at);
            let asked = scope.spawn(ask);
            std::thread::sleep(whole * round / 8);
            running.kill();
            drop(asked.join());
        });
        let started = Service::start(&file, &data);
        let moved = 36_000 / 5;
        let funds = funds(&client(&started));
        let tea = funds["tea"].0;
        assert!([36_000, 36_000 - moved].contains(&tea), "{funds:?}");
        assert_eq!(tea + funds["coffee"].0, 72_000);
        service = Some(started);
    }
    let service = service.unwrap();
    let club = client(&service);
    closed(&club, 1, "last");
    assert_eq!((funds(&club)["tea"].0, funds(&club)["coffee"].0), (28_800, 43_200));
    service.stop();
    let ledger = Ledger::read(&data.join("brands/club/ledger.sqlite"), "club").unwrap();
    assert!(matches!(ledger.prove().unwrap(), Proof::Sound { .. }));
}
