//! Several hosts, each a process of its own, over one PostgreSQL database.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::bench::{Place, command, succeed, write};
use crate::serve::{
    CLUB, Client, DAY, Service, T, call, decides_and_tells_why, get,
    leaves_no_data_of_an_erased_member, survives, swaps_versions,
    tells_effects_in_pages_and_as_a_stream, until,
};
use crate::started::{PASSWORD, Postgres};
use crate::webhooks::{Answer, Receiver};

/// A database for ledgers, and the files of hosts that share it.
struct Shared {
    place: Place,
    server: Postgres,
}

impl Shared {
    fn new() -> Self {
        let server = Postgres::start(&[]);
        server.sql(&format!("CREATE ROLE host LOGIN PASSWORD '{PASSWORD}'"));
        server.sql("CREATE DATABASE ledgers OWNER host");
        let place = Place::new();
        write(&place, "club.toml", CLUB);
        write(&place, "password", PASSWORD);
        let shared = Self { place, server };
        shared.connects("host", "[]");
        shared
    }

    /// Writes the file of connections.
    fn connects(&self, user: &str, brands: &str) {
        let port = self.server.port;
        let text = format!(
            "[connection.ledgers]\nkind = \"postgres\"\nbrands = {brands}\nhost = \"127.0.0.1\"\nport = {port}\n\
             database = \"ledgers\"\nuser = \"{user}\"\npassword_file = \"password\"\ntls = \"off\"\n"
        );
        write(&self.place, "connections.toml", text);
    }

    /// The file of a host; `more` belongs to its brand.
    fn file(&self, name: &str, ledgers: &str, more: &str) -> PathBuf {
        let text = format!(
            "[listen]\naddress = \"127.0.0.1:0\"\n[data]\nfolder = \"{name}\"\nledgers = \"{ledgers}\"\n\
             [[brand]]\nplaybook = \"club.toml\"\n{more}"
        );
        write(&self.place, &format!("{name}.toml"), text)
    }

    fn start(&self, name: &str) -> Service {
        self.start_with(name, "")
    }

    fn start_with(&self, name: &str, more: &str) -> Service {
        let connections = self.place.beside("connections.toml");
        let file = self.file(name, "ledgers", more);
        let connections = connections.to_str().unwrap();
        Service::with(&["--config", file.to_str().unwrap(), "--connections", connections])
    }

    /// What a host says that does not start.
    fn refused(&self, ledgers: &str) -> String {
        let file = self.file("refused", ledgers, "");
        let mut call = command(["serve", "--config"]);
        call.arg(&file).arg("--connections").arg(self.place.beside("connections.toml"));
        let output = call.output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.contains(PASSWORD), "{said}");
        said
    }
}

fn club(service: &Service) -> Client {
    let key = service.key.clone().expect("the first start shows the admin's key");
    Client { address: service.address.clone(), key, brand: "club" }
}

#[test]
fn a_brand_over_a_database_decides_and_tells_why() {
    let shared = Shared::new();
    decides_and_tells_why(&|| shared.start("one"));
}

#[test]
fn a_member_erased_from_a_database_leaves_no_data_and_a_receipt() {
    let shared = Shared::new();
    leaves_no_data_of_an_erased_member(&|| shared.start("one"));
}

#[test]
fn effects_over_a_database_come_in_pages_and_as_a_stream() {
    let shared = Shared::new();
    tells_effects_in_pages_and_as_a_stream(&|| shared.start("one"));
}

#[test]
fn versions_over_a_database_are_tried_activated_and_taken_back() {
    let shared = Shared::new();
    swaps_versions(&|| shared.start("one"), &shared.place.beside("club.toml"));
}

#[test]
fn two_hosts_over_one_database_are_one_service() {
    let shared = Shared::new();
    let services = ["one", "other"].map(|name| shared.start(name));
    let [one, other] = services.each_ref().map(club);
    for member in 0..8 {
        [&one, &other][member % 2].welcome(&format!("m{member}"), 60);
    }
    // The same request to both at once.
    let decided: Vec<Value> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..32)
            .map(|number| {
                let client = [&one, &other][number % 2];
                scope.spawn(move || client.decide("m0", "once").unwrap().body)
            })
            .collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(decided.iter().filter(|made| made["repeated"] == json!(false)).count(), 1);
    assert!(decided.iter().all(|made| made["id"] == decided[0]["id"]));
    // What one takes is in the next decision of the other.
    for round in 0..10 {
        let event = json!({ "event_id": format!("e{round}"), "member": "m1", "kind": "comment", "time": T - DAY });
        let (taker, decider) = if round % 2 == 0 { (&one, &other) } else { (&other, &one) };
        taker.ok("POST", "events", "e", &event);
        let made = decider.decide("m1", &format!("d{round}")).unwrap().body;
        assert_eq!(made["features"]["interactions"], json!(61 + round), "{made}");
    }
    let budgets = |client: &Client| client.get("budgets").body["accounts"].clone();
    assert_eq!(budgets(&one), budgets(&other));

    // Offered here, activated there, taken back here.
    let first = one.get("versions").body["items"][0]["version"].clone();
    let poorer = CLUB.replace("interactions * 100", "interactions * 0");
    let body = ("application/toml", &*poorer);
    let offered =
        call(&one.address, &one.key, ("POST", "/v1/brands/club/versions"), Some("o"), body)
            .unwrap();
    assert_eq!(offered.status, 201, "{}", offered.body);
    let next = offered.body["version"].clone();
    let path = format!("versions/{}/activate", next.as_str().unwrap());
    let version_of = |client: &Client, once: &str| {
        let made =
            client.ok("POST", "decisions/preview", once, &json!({ "member": "m0", "at": T }));
        made["version"].clone()
    };
    other.ok("POST", &path, "a", &json!({}));
    let answered = Instant::now();
    assert_eq!(version_of(&other, "p"), next);
    until("the version", || version_of(&one, "p") == next);
    eprintln!(
        "an activation reached the other process within {} ms",
        answered.elapsed().as_millis()
    );
    let back = one.ok("POST", "versions/rollback", "r", &json!({}));
    assert_eq!(back["version"], first);
    until("the step back", || version_of(&other, "p") == first);

    // The database goes and comes; both hosts find out by themselves.
    let Shared { mut server, place } = shared;
    server.kill();
    for (service, client) in services.iter().zip([&one, &other]) {
        until("that it is not ready", || get(service, &client.key, "/health/ready").0 == 503);
        assert_eq!(client.decide("m2", "away").unwrap().status, 503);
    }
    server.start_again();
    for (service, client) in services.iter().zip([&one, &other]) {
        until("that it is ready", || get(service, &client.key, "/health/ready").0 == 200);
        assert_eq!(client.decide("m2", "back").unwrap().status, 200);
    }
    services.into_iter().for_each(Service::stop);
    let mut prove = command(["ledger", "prove", "club", "--over", "ledgers", "--connections"]);
    succeed(&prove.arg(place.beside("connections.toml")).output().unwrap());
}

#[test]
fn one_of_two_hosts_sends_to_the_webhook_and_the_other_takes_over() {
    let shared = Shared::new();
    let receiver = Receiver::start(|_, _| Answer::Status(200));
    write(&shared.place, "secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let more = format!(
        "[brand.webhook]\nurl = \"http://127.0.0.1:{}/hook\"\nsecret_file = \"secret\"\nprivate = true\n",
        receiver.port
    );
    let mut services = ["one", "other"].map(|name| Some(shared.start_with(name, &more)));
    let clubs = services.each_ref().map(|service| club(service.as_ref().unwrap()));
    let grant = |clubs: &[&Client], cycle: i64| {
        for member in 0..8 {
            let ask = json!({ "member": format!("m{member}"), "at": T + cycle * 28 * DAY });
            let club = clubs[(member + cycle as usize) % clubs.len()];
            let made = club.ok("POST", "decisions", &format!("cycle-{cycle}"), &ask);
            assert_eq!(made["granted"].as_array().unwrap().len(), 1, "{made}");
        }
    };
    for member in 0..8 {
        clubs[member % 2].welcome(&format!("m{member}"), 60);
    }
    let both = [&clubs[0], &clubs[1]];
    (0..2).for_each(|cycle| grant(&both, cycle));
    let taken = |count: usize| receiver.taken().values().all(|numbers| numbers.len() >= count);
    until("all effects", || receiver.taken().len() == 8 && taken(2));
    for (member, numbers) in receiver.taken() {
        assert!(numbers.len() == 2 && numbers.is_sorted(), "{member}: {numbers:?}");
    }
    let sent = |club: &Client| club.get("webhooks").body["items"][0]["sent"].as_u64().unwrap();
    let sender = usize::from(sent(&clubs[1]) > 0);
    assert_eq!([sent(&clubs[sender]), sent(&clubs[1 - sender])], [16, 0], "one of them sent all");

    // It is killed, and what the other grants goes out all the same; nothing is lost and nobody's effects change their order.
    services[sender].take().unwrap().kill();
    let left = [&clubs[1 - sender]];
    grant(&left, 2);
    until("the effects after it", || {
        receiver.taken().values().flatten().collect::<BTreeSet<_>>().len() == 24
    });
    for (member, numbers) in receiver.taken() {
        let mut first = Vec::new();
        numbers.iter().for_each(|number| {
            if !first.contains(number) {
                first.push(*number);
            }
        });
        assert!(first.len() == 3 && first.is_sorted(), "{member}: {numbers:?}");
    }
    // One that ends in order lets go at once, and the one that comes goes on.
    services[1 - sender].take().unwrap().stop();
    let again = shared.start_with("one", &more);
    let key = clubs[0].key.clone();
    let club = Client { address: again.address.clone(), key, brand: "club" };
    grant(&[&club], 3);
    until("the last effects", || {
        receiver.taken().values().flatten().collect::<BTreeSet<_>>().len() == 32
    });
    again.stop();
}

/// A minute of the club's clock that begins in at least so many seconds, as a schedule says it; and how long until then.
fn minute_after(least: u64) -> (String, Duration) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let minute = (now.as_secs() + least).div_ceil(60);
    let of_day = (minute + 8 * 60) % (24 * 60);
    let until = Duration::from_secs(minute * 60).saturating_sub(now);
    (format!("{} {} * * *", of_day % 60, of_day / 60), until)
}

#[test]
fn a_cycle_whose_host_dies_while_it_closes_is_closed_once_by_another() {
    let shared = Shared::new();
    let (minute, until_then) = minute_after(40);
    let begun = Instant::now();
    let length = "length = \"28d\"\n";
    let scheduled = CLUB.replace(length, &format!("{length}close = \"{minute}\"\n"));
    assert!(scheduled.contains("close"));
    write(&shared.place, "club.toml", scheduled);
    let (one, other) = (shared.start("one"), shared.start("other"));
    let clubs = [club(&one), club(&other)];
    // A log that takes a while.
    for member in 0..30 {
        clubs[member % 2].welcome(&format!("m{member}"), 5_000);
    }
    let is_early = begun.elapsed() < until_then;
    assert!(is_early, "the log took {:?}, longer than the schedule gives", begun.elapsed());
    // One alone is there when the time comes, and it is killed as soon as it has claimed the work.
    other.signal("-STOP");
    std::thread::sleep(until_then.saturating_sub(begun.elapsed()));
    let claims = "\\connect ledgers\nSELECT count(*) FROM playbook_ledger.rows WHERE space = 34";
    until("the claim", || shared.server.sql(claims).trim() == "1");
    one.kill();
    other.signal("-CONT");
    let closings = |club: &Client| {
        let items = club.get("versions").body["items"].clone();
        items.as_array().unwrap().iter().filter(|one| one["how"] == "cycle").count()
    };
    assert_eq!(closings(&clubs[1]), 0, "it was killed while it closed");
    // The claim of the dead is respected for ten seconds, then the other takes over.
    let killed = Instant::now();
    while closings(&clubs[1]) == 0 {
        assert!(killed.elapsed() < Duration::from_secs(60), "nobody took over");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(
        killed.elapsed() > Duration::from_secs(8),
        "{:?}: the claim was held",
        killed.elapsed()
    );
    // Whoever comes back closes it no second time.
    let again = shared.start("one");
    let back = Client { address: again.address.clone(), key: clubs[0].key.clone(), brand: "club" };
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!((closings(&clubs[1]), closings(&back)), (1, 1));
    let made = |club: &Client| club.decide("m1", "after").unwrap().body["closed_cycle"].clone();
    assert!(made(&back)["at"].is_string(), "{}", made(&back));
    assert_eq!(made(&back), made(&clubs[1]), "both rest on what it left");
    again.stop();
    other.stop();
    let mut prove = command(["ledger", "prove", "club", "--over", "ledgers", "--connections"]);
    succeed(&prove.arg(shared.place.beside("connections.toml")).output().unwrap());
}

#[test]
fn killed_at_any_moment_a_host_over_a_database_loses_and_doubles_nothing() {
    let shared = Shared::new();
    let kills = std::env::var("PLAYBOOK_KILLS").ok().and_then(|text| text.parse().ok());
    survives(kills.unwrap_or(20), || shared.start("one"));
    let mut prove = command(["ledger", "prove", "club", "--over", "ledgers", "--connections"]);
    succeed(&prove.arg(shared.place.beside("connections.toml")).output().unwrap());
}

#[test]
fn a_database_that_cannot_keep_ledgers_is_told_with_what_to_do() {
    let mut shared = Shared::new();
    let said = shared.refused("warehouse");
    assert!(said.contains("`warehouse`") && said.contains("it has `ledgers`"), "{said}");
    shared.connects("host", "[\"club\"]");
    let said = shared.refused("ledgers");
    assert!(said.contains("brands = []"), "{said}");
    shared.connects("admin", "[]");
    let said = shared.refused("ledgers");
    assert!(said.contains("without SUPERUSER and BYPASSRLS"), "{said}");
    shared.server.sql(&format!("CREATE ROLE second LOGIN PASSWORD '{PASSWORD}'"));
    shared.connects("second", "[]");
    let said = shared.refused("ledgers");
    assert!(said.contains("`second`") && said.contains("GRANT"), "{said}");
    shared.connects("host", "[]");
    shared.start("one").stop();
    shared
        .server
        .sql("\\connect ledgers\nINSERT INTO playbook_ledger.layouts (number) VALUES (99)");
    let said = shared.refused("ledgers");
    assert!(said.contains("has layout 99, this host reads 1"), "{said}");
    shared.server.kill();
    let said = shared.refused("ledgers");
    assert!(said.contains("PostgreSQL at 127.0.0.1") && said.contains("refused"), "{said}");
}
