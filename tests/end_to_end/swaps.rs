//! Versions change while decisions are made: 100 swaps, good and bad ones mixed, and no request fails.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Place, command, hostile, succeed};
use crate::serve::{CLUB, Client, Service, T, call, served};

const SWAPS: usize = 100;
const CLIENTS: usize = 4;
const MEMBERS: usize = 20;

/// Decisions of a run of the tests. A million by hand:
/// `PLAYBOOK_SWAP_DECISIONS=1000000` before the test command of the README with `--test end_to_end -- a_hundred_swaps`.
fn decisions() -> usize {
    let said = std::env::var("PLAYBOOK_SWAP_DECISIONS").ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// A connection that stays open.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(club: &Client) -> Self {
        let stream = TcpStream::connect(&club.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Decides on a member.
    fn decide(&mut self, club: &Client, member: usize, once: &str) -> (u16, Value) {
        let body = json!({ "member": format!("m{member}"), "at": T }).to_string();
        let request = format!(
            "POST /v1/brands/{}/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nIdempotency-Key: {once}\r\nContent-Length: {}\r\n\r\n{body}",
            club.brand,
            club.key,
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the connection was cut");
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            }
            if let Some(bytes) = line.strip_prefix("content-length:") {
                length = bytes.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

/// A version as it was offered: what its decisions must say.
#[derive(Debug, PartialEq)]
struct Known {
    playbook_digest: Value,
    /// Points for an interaction: no other version has as many.
    points: i64,
}

/// Versions by digest.
type Versions = Mutex<BTreeMap<String, Known>>;

fn playbook(points: i64) -> String {
    CLUB.replace("interactions * 100", &format!("interactions * {points}"))
}

/// Offers a playbook: code of the problem, or the digest of the version.
fn offer(club: &Client, text: &str) -> Result<String, Value> {
    let body = ("application/toml", text);
    let made =
        call(&club.address, &club.key, ("POST", "/v1/brands/club/versions"), Some("o"), body)
            .unwrap();
    match made.status {
        201 => Ok(made.body["version"].as_str().unwrap().to_owned()),
        _ => Err(made.body["code"].clone()),
    }
}

/// One swap of a bad version; says with which code it is refused.
fn bad(club: &Client, number: usize, trapping: &str) -> Value {
    match number % 4 {
        0 => offer(club, &CLUB.replace("[cycle]", "[cycle")).unwrap_err(),
        1 => offer(club, &CLUB.replace("brand = \"club\"", "brand = \"other\"")).unwrap_err(),
        2 => {
            offer(club, &CLUB.replace("ladder-exchange@^0.1", "nobody-has-this@^0.1")).unwrap_err()
        }
        _ => {
            // It opens, and fails on decisions.
            let version = offer(club, trapping).unwrap();
            let path = format!("versions/{version}/activate");
            let refused = club.send("POST", &path, "a", &json!({})).unwrap();
            assert_eq!(refused.status, 422, "{}", refused.body);
            refused.body["code"].clone()
        }
    }
}

fn swap(club: &Client, known: &Versions, made: &AtomicUsize, trapping: &str) {
    let mut active = Vec::new();
    for number in 0..SWAPS {
        // Spread over all decisions.
        while made.load(Ordering::Relaxed) < number * decisions() / SWAPS {
            std::thread::sleep(Duration::from_millis(1));
        }
        match number % 5 {
            0 | 3 => {
                let points = 101 + number as i64;
                let text = playbook(points);
                let body = ("application/toml", text.as_str());
                let path = ("POST", "/v1/brands/club/versions");
                let offered = call(&club.address, &club.key, path, Some("o"), body).unwrap().body;
                let version = offered["version"].as_str().unwrap().to_owned();
                let playbook_digest = offered["playbook_digest"].clone();
                known.lock().unwrap().insert(version.clone(), Known { playbook_digest, points });
                let path = format!("versions/{version}/activate");
                let once = format!("a{number}");
                assert_eq!(club.ok("POST", &path, &once, &json!({}))["version"], json!(version));
                active.push(version);
            }
            4 if active.len() > 1 => {
                active.pop();
                let once = format!("r{number}");
                let back = club.ok("POST", "versions/rollback", &once, &json!({}));
                assert_eq!(back["version"], json!(active.last().unwrap()));
            }
            _ => {
                let code = bad(club, number / 5 * 2 + number % 5, trapping);
                let codes = ["playbook-faulty", "playbook-foreign", "version-failing"];
                assert!(codes.iter().any(|known| code == *known), "{code}");
            }
        }
    }
}

#[test]
fn y115_a_hundred_swaps_good_and_bad_fail_no_decision_and_mix_none() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    let trapping = format!(
        "{CLUB}\n[[stage]]\nname = \"extra\"\nkind = \"incentive\"\nplugin = \"{}\"\n\
         settings = {{ mode = \"trap\" }}\n",
        hostile()
    );
    for member in 0..MEMBERS {
        club.welcome(&format!("m{member}"), 60);
    }
    let first = club.decide("m0", "first").unwrap().body;
    let known = Versions::default();
    let start = Known { playbook_digest: first["playbook_digest"].clone(), points: 100 };
    known.lock().unwrap().insert(first["version"].as_str().unwrap().to_owned(), start);
    let made = AtomicUsize::new(0);
    let seen = Mutex::new(Vec::new());
    let decide = |client: usize| {
        let mut connection = Connection::open(&club);
        let mut versions: BTreeMap<String, (Value, i64)> = BTreeMap::new();
        for number in 0..decisions() / CLIENTS {
            let member = (number * 7 + client) % MEMBERS;
            let (status, body) = connection.decide(&club, member, &format!("{client}-{number}"));
            assert_eq!(status, 200, "{body}");
            // All of it is of the version that it names.
            let points = body["features"]["points_90d"].as_i64().unwrap();
            assert_eq!(points % 60, 0, "{body}");
            let version = body["version"].as_str().unwrap().to_owned();
            let told = (body["playbook_digest"].clone(), points / 60);
            assert_eq!(*versions.entry(version).or_insert_with(|| told.clone()), told, "{body}");
            made.fetch_add(1, Ordering::Relaxed);
        }
        seen.lock().unwrap().extend(versions);
    };
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || decide(client));
        }
        swap(&club, &known, &made, &trapping);
    });
    let known = known.into_inner().unwrap();
    let seen = seen.into_inner().unwrap();
    let versions: BTreeSet<&String> = seen.iter().map(|(version, _)| version).collect();
    assert!(versions.len() > SWAPS / 4, "{} versions decided", versions.len());
    for (version, (playbook_digest, points)) in seen {
        let told = Known { playbook_digest, points };
        assert_eq!(known.get(&version), Some(&told), "a version that was activated, and no other");
    }
    let mut history = club.get("versions?limit=500").body["items"].as_array().unwrap().clone();
    history.retain(|entry| !known.contains_key(entry["version"].as_str().unwrap()));
    assert_eq!(history, Vec::<Value>::new(), "bad versions never decided");
    service.stop();
    let proof =
        command(["ledger", "prove", "club", "--state"]).arg(data.join("brands/club")).output();
    succeed(&proof.unwrap());
}
