//! The service: the built program over real connections, killed and started again.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Place, command, coupons, root, succeed, write};

/// 2026-07-01T00:00 in Shanghai.
pub(crate) const T: i64 = 1_782_835_200_000;
pub(crate) const DAY: i64 = 86_400_000;

/// A club whose members get coupons by their points, as a service takes it: nothing of its file has to lie anywhere.
pub(crate) const CLUB: &str = concat!(
    r#"
[playbook]
id = "club"
brand = "club"
currency = "CNY"
time_zone = "Asia/Shanghai"
pseudonym_salt = "salt"

[cycle]
length = "28d"

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
complaints = { count = "complaint", window = "30d" }
"#,
    coupons!(),
    r#"complaint_feature = "complaints"
"#
);

/// The program while it serves.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: String,
    /// The admin's key, where this start showed it.
    pub(crate) key: Option<String>,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Service {
    pub(crate) fn start(file: &Path, data: &Path) -> Self {
        let data = data.to_str().unwrap();
        Self::with(&[file.to_str().unwrap(), "--data", data, "--listen", "127.0.0.1:0"])
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        let mut call = command(["serve"]);
        call.args(arguments);
        Self::called(call)
    }

    /// Where a limit on the size of files does not end the program, but makes its writes fail.
    fn with_failing_disk(arguments: &[&str]) -> Self {
        let plain = command(["serve"]);
        let mut call = Command::new("sh");
        call.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(plain.get_program());
        call.args(plain.get_args()).args(arguments);
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => call.env(name, value),
                None => call.env_remove(name),
            };
        }
        Self::called(call)
    }

    pub(crate) fn called(mut call: Command) -> Self {
        let mut child = call.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = String::new();
        let (mut address, mut key) = (None, None);
        for line in lines.by_ref() {
            let line = line.unwrap();
            told.push_str(&line);
            if let Some((_, url)) = line.split_once(" at http://") {
                address = Some(url.trim().to_owned());
            }
            if line.contains("platform admin") {
                key = line.split_whitespace().next().map(str::to_owned);
            }
            if line.contains("keys, ledgers, members") {
                break;
            }
        }
        let address = address.unwrap_or_else(|| {
            let mut error = String::new();
            child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
            panic!("it does not serve: {told}\n{error}")
        });
        Self { child, address, key }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, name: &str) {
        let call = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(call.unwrap().success());
    }

    /// Ctrl-C.
    pub(crate) fn stop(mut self) {
        self.signal("-INT");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One request on a connection of its own; `None` where none came back whole.
pub(crate) fn call(
    address: &str,
    key: &str,
    (method, path): (&str, &str),
    once: Option<&str>,
    (media, body): (&str, &str),
) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let once = once.map(|once| format!("Idempotency-Key: {once}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {key}\r\nContent-Type: {media}\r\n{once}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    Some(Reply { status, body: serde_json::from_str(body).ok()? })
}

/// What is at a path that is no brand's.
pub(crate) fn get(service: &Service, key: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(&service.address).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split_whitespace().nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// What a call makes that is about no brand.
pub(crate) fn made(service: &Service, key: &str, path: &str, body: &Value) -> Value {
    let once = format!("made-{}", body["label"].as_str().unwrap_or_default().replace(' ', "-"));
    let body = ("application/json", &*body.to_string());
    let reply = call(&service.address, key, ("POST", path), Some(&once), body).unwrap();
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.body
}

/// Every series of the metrics with its value.
pub(crate) fn metrics(service: &Service, key: &str) -> BTreeMap<String, f64> {
    let (status, text) = get(service, key, "/metrics");
    assert_eq!(status, 200, "{text}");
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    lines
        .filter(|(name, _)| name.starts_with("playbook_"))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

/// A client of one brand.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) key: String,
    pub(crate) brand: &'static str,
}

impl Client {
    pub(crate) fn send(&self, method: &str, path: &str, once: &str, body: &Value) -> Option<Reply> {
        let path = format!("/v1/brands/{}/{path}", self.brand);
        let body = ("application/json", &*body.to_string());
        call(&self.address, &self.key, (method, &path), Some(once), body)
    }

    pub(crate) fn ok(&self, method: &str, path: &str, once: &str, body: &Value) -> Value {
        let reply = self.send(method, path, once, body).unwrap();
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.body);
        reply.body
    }

    /// What comes back as text, whatever it is.
    pub(crate) fn text(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "GET /v1/brands/{}/{path} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            self.brand, self.key
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{text}");
        body.to_owned()
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        let path = format!("/v1/brands/{}/{path}", self.brand);
        call(&self.address, &self.key, ("GET", &path), None, ("application/json", "")).unwrap()
    }

    pub(crate) fn lines(&self, events: &[Value]) -> Value {
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        let path = format!("/v1/brands/{}/events/batch", self.brand);
        let body = ("application/x-ndjson", &*lines.join("\n"));
        let reply = call(&self.address, &self.key, ("POST", &path), Some("batch"), body).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    /// An adult who may be written to, with so many interactions.
    pub(crate) fn welcome(&self, member: &str, interactions: usize) {
        let event = |number| {
            json!({ "event_id": format!("{member}-{number}"), "member": member, "kind": "comment",
                "time": T - DAY - number as i64 * 1_000, "channel": "web" })
        };
        let taken = self.lines(&(0..interactions).map(event).collect::<Vec<_>>());
        assert_eq!(taken["accepted"], json!(interactions), "{taken}");
        let granted = |purpose| json!({ "purpose": purpose, "state": "granted", "time": "2026-06-01T10:00:00+08:00" });
        let change = json!({ "profile": { "age_band": "adult" },
            "consents": [granted("marketing"), granted("service"), granted("profiling")] });
        self.ok("PUT", &format!("members/{member}"), "put", &change);
    }

    pub(crate) fn decide(&self, member: &str, once: &str) -> Option<Reply> {
        self.send("POST", "decisions", once, &json!({ "member": member, "at": T }))
    }
}

/// A club's playbook, and a folder to serve it over.
pub(crate) fn served(place: &Place) -> (PathBuf, PathBuf) {
    (write(place, "club.toml", CLUB), place.beside("service"))
}

#[test]
fn a_served_brand_takes_events_decides_and_tells_why() {
    let place = Place::new();
    let (file, data) = served(&place);
    decides_and_tells_why(&|| Service::start(&file, &data));
}

/// The claim of the test above, over whatever store.
pub(crate) fn decides_and_tells_why(start: &dyn Fn() -> Service) {
    let service = start();
    let key = service.key.clone().expect("the first start shows the admin's key");
    let club = Client { address: service.address.clone(), key: key.clone(), brand: "club" };
    club.welcome("m1", 60);
    let preview = club.ok("POST", "decisions/preview", "look", &json!({ "member": "m1", "at": T }));
    let made = club.decide("m1", "first").unwrap();
    assert_eq!(made.status, 200, "{}", made.body);
    let decision = made.body;
    assert_eq!(preview["granted"], decision["granted"]);
    assert_eq!(decision["features"]["points_90d"], json!(6_000));
    let grant = &decision["granted"][0];
    assert!(grant["cost_minor"].as_i64().unwrap() > 0, "{decision}");

    // Who complained gets nothing but service, and the answer says which rule it was.
    club.welcome("m2", 60);
    let complaint = json!({ "event_id": "c1", "member": "m2", "kind": "complaint",
        "time": "2026-06-20T10:00:00+08:00", "severity": "minor" });
    assert_eq!(club.ok("POST", "events", "e", &complaint)["status"], "accepted");
    assert_eq!(club.ok("POST", "events", "e", &complaint)["status"], "duplicate");
    let refused = club.decide("m2", "first").unwrap().body;
    assert_eq!(refused["granted"], json!([]));
    let refusal = &refused["refused"][0]["refusal"];
    assert_eq!((&refusal["code"], &refusal["rule"]), (&json!("R10"), &json!("GR-12")), "{refused}");

    // The same again is the same; the same key for something else is not.
    let again = club.decide("m1", "first").unwrap().body;
    assert_eq!((&again["id"], &again["repeated"]), (&decision["id"], &json!(true)));
    let other = club.send("POST", "decisions", "first", &json!({ "member": "m1", "at": T + 1 }));
    let other = other.unwrap();
    assert_eq!((other.status, &other.body["code"]), (422, &json!("idempotency-key-reused")));

    let id = decision["id"].as_str().unwrap();
    let path = format!("decisions/{id}/grants/{}/settle", grant["grant"].as_str().unwrap());
    club.ok("POST", &path, "paid", &json!({ "paid_minor": 1 }));
    let spent = club.get("budgets").body["accounts"][0]["spent_minor"].clone();
    assert_eq!(spent, json!(1));
    let wrong = json!({ "event_id": "x", "member": "m1", "kind": "bought", "time": "soon" });
    let wrong = club.send("POST", "events", "w", &wrong).unwrap();
    let fields: Vec<&str> = wrong.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!((wrong.status, fields), (422, vec!["time", "kind"]));
    let none = Client { brand: "other", ..club.clone() }.decide("m1", "x").unwrap();
    assert_eq!((none.status, &none.body["code"]), (404, &json!("brand-not-found")));
    service.stop();

    // What was answered is there after a restart, under the same key.
    let service = start();
    assert!(service.key.is_none(), "keys are shown once");
    let club = Client { address: service.address.clone(), ..club };
    let mut told = club.get(&format!("decisions/{id}")).body;
    told["repeated"] = json!(false);
    assert_eq!(told, decision);
    assert_eq!(club.get("members/m1").body["events"], json!(60));
}

#[test]
fn an_erased_member_leaves_no_data_and_a_receipt() {
    let place = Place::new();
    let (file, data) = served(&place);
    leaves_no_data_of_an_erased_member(&|| Service::start(&file, &data));
    let proof =
        command(["ledger", "prove", "club", "--state"]).arg(data.join("brands/club")).output();
    succeed(&proof.unwrap());
}

/// The claim of the test above, over whatever store.
pub(crate) fn leaves_no_data_of_an_erased_member(start: &dyn Fn() -> Service) {
    let service = start();
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    for member in ["secret-name", "other-name"] {
        club.welcome(member, 60);
        assert_eq!(club.decide(member, "once").unwrap().status, 200);
    }
    let copy = club.get("members/secret-name/copy").body;
    assert_eq!(copy["events"].as_array().unwrap().len(), 60);
    assert_eq!(copy["events"][0]["kind"], "comment");
    assert_eq!(copy["decisions"][0]["member"], "secret-name");
    let reserved = club.get("budgets").body["accounts"][0]["reserved_minor"].clone();
    let erased = club.ok("DELETE", "members/secret-name", "e", &json!({}));
    let told = [&erased["events"], &erased["consents"], &erased["decisions"]];
    assert_eq!(told, [&json!(60), &json!(3), &json!(1)]);
    assert_eq!(erased["receipt"].as_str().unwrap().len(), 64);
    for path in ["members/secret-name", "members/secret-name/copy"] {
        assert_eq!(club.get(path).body["code"], "member-not-found");
    }
    let again = club.ok("DELETE", "members/secret-name", "e", &json!({}));
    assert_eq!(again, erased, "the answer may have been lost");
    let other = club.send("DELETE", "members/secret-name", "f", &json!({})).unwrap();
    assert_eq!(other.status, 404);
    let gone = format!("decisions/{}", copy["decisions"][0]["id"].as_str().unwrap());
    assert_eq!(club.get(&gone).body["code"], "decision-not-found");
    assert_eq!(club.get("members/other-name").body["events"], json!(60));
    let budgets = club.get("budgets").body;
    assert_eq!(budgets["accounts"][0]["reserved_minor"], reserved, "the ledger stays");
    service.stop();
}

/// Reads a stream of effects until so many came; returns their numbers and members.
fn streamed(club: &Client, after: Option<u64>, count: usize) -> Vec<(u64, String)> {
    let mut stream = TcpStream::connect(&club.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let after = after.map(|after| format!("Last-Event-ID: {after}\r\n")).unwrap_or_default();
    let request = format!(
        "GET /v1/brands/{}/effects/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{after}\r\n",
        club.brand, club.key
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut seen = Vec::new();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            let effect: Value = serde_json::from_str(data).unwrap();
            let member = effect["member"].as_str().unwrap().to_owned();
            seen.push((effect["number"].as_u64().unwrap(), member));
            if seen.len() == count {
                break;
            }
        }
    }
    seen
}

#[test]
fn effects_come_in_pages_and_as_a_stream_and_none_is_missed() {
    let place = Place::new();
    let (file, data) = served(&place);
    tells_effects_in_pages_and_as_a_stream(&|| Service::start(&file, &data));
}

/// The claim of the test above, over whatever store.
pub(crate) fn tells_effects_in_pages_and_as_a_stream(start: &dyn Fn() -> Service) {
    let service = start();
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    for member in 0..6 {
        club.welcome(&format!("m{member}"), 60);
    }
    let decide = |member: usize| {
        let made = club.decide(&format!("m{member}"), "once").unwrap().body;
        assert_eq!(made["granted"].as_array().unwrap().len(), 1, "{made}");
    };
    // One listens before anything is granted, one comes later, and one comes again.
    std::thread::scope(|scope| {
        let first = scope.spawn(|| streamed(&club, Some(0), 4));
        (0..3).for_each(decide);
        assert_eq!(streamed(&club, Some(1), 2), [(2, "m1".to_owned()), (3, "m2".to_owned())]);
        decide(3);
        let numbers: Vec<u64> = first.join().unwrap().iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
    });
    club.decide("m3", "again").unwrap();
    service.stop();
    let service = start();
    let club = Client { address: service.address.clone(), ..club };
    club.ok("DELETE", "members/m1", "e", &json!({}));
    club.decide("m4", "once").unwrap();
    let page = club.get("effects?limit=2").body;
    let of = |page: &Value| -> Vec<(u64, String)> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| {
                (item["number"].as_u64().unwrap(), item["member"].as_str().unwrap().to_owned())
            })
            .collect()
    };
    assert_eq!(of(&page), [(1, "m0".to_owned()), (3, "m2".to_owned())], "an erased member is gone");
    let next = page["next"].as_str().unwrap();
    let page = club.get(&format!("effects?cursor={next}")).body;
    assert_eq!(of(&page), [(4, "m3".to_owned()), (5, "m4".to_owned())]);
}

/// Waits for a change that the service sees by itself.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what} did not come within 20 seconds");
}

#[test]
fn versions_are_tried_activated_taken_back_and_a_changed_file_goes_live() {
    let place = Place::new();
    let (file, data) = served(&place);
    swaps_versions(&|| Service::start(&file, &data), &file);
}

/// The claim of the test above, over whatever store.
pub(crate) fn swaps_versions(start: &dyn Fn() -> Service, file: &Path) {
    let service = start();
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key, brand: "club" };
    for member in 0..10 {
        club.welcome(&format!("m{member}"), 60);
        assert_eq!(club.decide(&format!("m{member}"), "first").unwrap().status, 200);
    }
    let version_of = |once: &str| club.decide("m0", once).unwrap().body["version"].clone();
    let offer = |text: &str| {
        let body = ("application/toml", text);
        call(&club.address, &club.key, ("POST", "/v1/brands/club/versions"), Some("o"), body)
            .unwrap()
    };
    let first = version_of("first");
    let listed = club.get("versions").body;
    assert_eq!(
        (&listed["items"][0]["how"], &listed["items"][0]["version"]),
        (&json!("start"), &first)
    );

    // A playbook with problems is refused as a whole, each problem with its place.
    let faulty = offer(
        &CLUB.replace("window = \"90d\"", "window = \"ninety\"").replace("[cycle]", "[cycles]"),
    );
    assert_eq!((faulty.status, &faulty.body["code"]), (422, &json!("playbook-faulty")));
    let problems = faulty.body["problems"].as_array().unwrap();
    assert!(
        problems.len() >= 2 && problems.iter().all(|p| p["line"].is_number()),
        "{}",
        faulty.body
    );
    // It came over the network: it names no file of the host.
    let named = offer(&CLUB.replace("\"ladder-exchange@^0.1\"", "{ path = \"/opt/any.wasm\" }"));
    assert_eq!((named.status, &named.body["code"]), (422, &json!("playbook-faulty")));
    let problem = named.body["problems"][0].clone();
    let line = CLUB.lines().position(|line| line.contains("ladder-exchange")).unwrap() + 1;
    assert_eq!((&problem["code"], &problem["line"]), (&json!("bad-path"), &json!(line)));
    assert!(problem["column"].is_number() && problem["hint"].is_string(), "{problem}");
    let foreign = offer(&CLUB.replace("currency = \"CNY\"", "currency = \"EUR\""));
    assert_eq!(foreign.body["code"], "playbook-foreign", "{}", foreign.body);

    // Half the points: nobody gets any more, and the trial says so before anything changes.
    let poorer = CLUB.replace("interactions * 100", "interactions * 0");
    let offered = offer(&poorer);
    assert_eq!(offered.status, 201, "{}", offered.body);
    let next = offered.body["version"].clone();
    let path = format!("versions/{}", next.as_str().unwrap());
    let trial = club.ok("POST", &format!("{path}/trial"), "t", &json!({}));
    assert_eq!(trial["compared"], json!(10), "{trial}");
    assert!(trial["granted_before"].as_u64() > trial["granted_after"].as_u64(), "{trial}");
    assert_eq!(version_of("before"), first);
    let done = club.ok("POST", &format!("{path}/activate"), "a", &json!({}));
    assert_eq!((&done["how"], &done["before"]), (&json!("activated"), &first));
    assert_eq!(version_of("after"), next);
    // A decision of before is told in the words of its version.
    assert_eq!(version_of("first"), first);
    service.stop();
    let service = start();
    let club = Client { address: service.address.clone(), ..club };
    let version_of = |once: &str| club.decide("m0", once).unwrap().body["version"].clone();
    assert_eq!(
        version_of("restarted"),
        next,
        "what was activated goes on while its file is the same"
    );
    let back = club.ok("POST", "versions/rollback", "r", &json!({}));
    assert_eq!((&back["how"], &back["version"]), (&json!("rolled-back"), &first));
    assert_eq!(version_of("back"), first);
    let none = club.send("POST", "versions/rollback", "again", &json!({})).unwrap();
    assert_eq!(none.body["code"], "version-not-found");

    // A file that is broken changes nothing; mended, it goes live by itself.
    std::fs::write(file, CLUB.replace("[cycle]", "[cycle")).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(version_of("broken"), first);
    std::fs::write(file, &poorer).unwrap();
    let how = || club.get("versions").body["items"][0]["how"].clone();
    until("the changed file", || how() == "file");
    assert_eq!(version_of("mended"), next, "the same text is the same version");
    assert_eq!(club.get("versions?limit=2").body["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_host_is_what_its_file_says_and_the_command_line_wins() {
    let place = Place::new();
    write(&place, "club.toml", CLUB);
    write(&place, "other.toml", &CLUB.replace("brand = \"club\"", "brand = \"other\""));
    let said = "[listen]\naddress = \"127.0.0.1:1\"\n[limits]\nbody_bytes = 100\n[data]\nfolder = \"kept\"\n\
        [[brand]]\nplaybook = \"club.toml\"\nrate = { per_second = 1, burst = 1 }\n\
        [[brand]]\nplaybook = \"other.toml\"\n";
    let file = write(&place, "host.toml", said);
    // Port 1 is the system's.
    let service = Service::with(&["--config", file.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let key = service.key.clone().unwrap();
    assert!(file.with_file_name("kept").join("brands/club").is_dir());
    let club = Client { address: service.address.clone(), key, brand: "club" };
    let other = Client { brand: "other", ..club.clone() };
    assert_eq!(club.get("budgets").status, 200);
    let held = club.get("budgets");
    assert_eq!((held.status, &held.body["code"]), (429, &json!("brand-rate-exceeded")));
    (0..5).for_each(|_| assert_eq!(other.get("budgets").status, 200));
    let long = json!({ "member": "m".repeat(200) });
    assert_eq!(other.send("POST", "decisions", "a", &long).unwrap().status, 413);
    service.stop();
}

#[test]
fn a_faulty_host_file_or_playbook_starts_nothing_and_tells_all() {
    let place = Place::new();
    let fails = |name: &str, said: &str| {
        let file = write(&place, name, said);
        let output = command(["serve", "--config"]).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(!file.with_file_name("kept").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    write(&place, "club.toml", CLUB);
    for name in ["one", "two"] {
        write(&place, &format!("{name}.toml"), &CLUB.replace("CNY", &name.to_uppercase()));
    }
    let told = fails(
        "host.toml",
        "[listen]\nadress = \"x\"\n[data]\nfolder = \"kept\"\n[[brand]]\nplaybook = \"none.toml\"\n",
    );
    for words in ["host.toml:2:1", "did you mean `address`?", "host.toml:6:12", "2 problems"] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    let brands =
        ["club", "one", "two"].map(|name| format!("[[brand]]\nplaybook = \"{name}.toml\"\n"));
    let told = fails("brands.toml", &format!("[data]\nfolder = \"kept\"\n{}", brands.concat()));
    assert!(told.contains("`ONE`") && told.contains("`TWO`"), "{told}");
}

#[test]
fn metrics_are_what_a_brand_did() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key: key.clone(), brand: "club" };
    // Two groups for each member: events, then the profile.
    club.welcome("m1", 60);
    club.welcome("m2", 60);
    let complaint = json!({ "event_id": "c1", "member": "m2", "kind": "complaint",
        "time": "2026-06-20T10:00:00+08:00", "severity": "minor" });
    club.ok("POST", "events", "e", &complaint);
    club.ok("POST", "events", "e", &complaint);
    let mut other = complaint.clone();
    other["severity"] = json!("major");
    club.send("POST", "events", "e", &other).unwrap();
    club.send("POST", "events", "e", &json!({ "event_id": "x", "member": "m1" })).unwrap();
    club.ok("POST", "decisions/preview", "look", &json!({ "member": "m1", "at": T }));
    let made = [("m1", "first"), ("m1", "first"), ("m1", "again"), ("m2", "first")]
        .map(|(member, once)| club.decide(member, once).unwrap().body);
    let effects = |list: &str| {
        let of = |at: usize| made[at][list].as_array().unwrap().clone();
        [0, 2, 3].into_iter().flat_map(of).collect::<Vec<_>>()
    };
    let granted = effects("granted");
    let new = granted.iter().filter(|effect| effect["status"] == "granted").count();
    let refused = effects("refused");
    assert!(new > 0 && granted.len() > new && !refused.is_empty(), "{made:?}");

    let series = metrics(&service, &key);
    let of = |name: &str, label: &str| {
        let name = format!("playbook_brand_{name}{{brand=\"club\"{label}}}");
        *series.get(&name).unwrap_or_else(|| panic!("{name} in {series:#?}"))
    };
    for (name, value) in [
        ("decisions_total", 3),
        ("decisions_repeated_total", 1),
        ("previews_total", 1),
        ("effects_granted_total", new),
        ("effects_granted_before_total", granted.len() - new),
        // Of each member two, three events that the writer sees, a look, four decisions.
        ("group_requests_total", 4 + 3 + 1 + 4),
        ("groups_total", 4 + 3 + 1 + 4),
        ("commits_failed_total", 0),
        ("queue", 0),
        ("queue_refused_total", 0),
        ("records", 2),
        ("records_evicted_total", 0),
        ("writes", 1),
    ] {
        assert_eq!(of(name, ""), value as f64, "{name}");
    }
    assert!(of("record_bytes", "") > 1_000.0);
    for number in 1..=15 {
        let code = format!("R{number:02}");
        let count = refused.iter().filter(|effect| effect["refusal"]["code"] == code).count();
        assert_eq!(
            of("effects_refused_total", &format!(",code=\"{code}\"")),
            count as f64,
            "{code}"
        );
    }
    let events = [
        ("accepted", 121),
        ("duplicate", 1),
        ("other-event", 1),
        ("record-full", 0),
        ("invalid", 1),
    ];
    for (result, count) in events {
        let found = of("events_total", &format!(",result=\"{result}\""));
        assert_eq!(found, f64::from(count), "{result}");
    }
    for account in club.get("budgets").body["accounts"].as_array().unwrap() {
        let label = format!(",account={}", account["account"]);
        assert_eq!(of("budget_left_minor", &label), account["available_minor"].as_f64().unwrap());
    }
    let [answering, waiting, failed] = ["answering", "waiting", "failed"]
        .map(|state| of("stages", &format!(",state=\"{state}\"")));
    assert!(answering > 0.0 && failed == 0.0, "{answering} {waiting} {failed}");
    assert_eq!(series["playbook_commit_seconds_count"], of("groups_total", ""));
    // A look and four decisions went through the stage that grants.
    assert_eq!(series["playbook_plugin_call_seconds_count{kind=\"incentive\"}"], 5.0 * answering);
    assert!(series["playbook_plugin_call_fuel_sum{kind=\"incentive\"}"] > 1_000.0);
    assert_eq!(series["playbook_plugin_faults_total{kind=\"incentive\"}"], 0.0);
    // Members and events name no series.
    assert!(series.keys().all(|name| !name.contains("m1") && !name.contains("c1")));
    service.stop();
}

#[test]
fn a_brand_whose_stages_failed_lately_is_degraded() {
    let built: Value = serde_json::from_str(&succeed(
        &command(["plugin", "build", "--json"])
            .arg(root().join("tests/hostile/incentive"))
            .output()
            .unwrap(),
    ))
    .unwrap();
    let place = Place::new();
    let moody = format!(
        "\n[[stage]]\nname = \"moody\"\nkind = \"incentive\"\nplugin = {{ path = {} }}\n\
         settings = {{ mode = \"negative-cost\" }}\non_fault = \"skip\"\n",
        built[0]["component"]
    );
    let text = format!("{CLUB}{moody}");
    let (file, data) = (write(&place, "club.toml", text), place.beside("service"));
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key: key.clone(), brand: "club" };
    let status = || {
        let (_, body) = get(&service, &key, "/v1/brands/club");
        serde_json::from_str::<Value>(&body).unwrap()["status"].clone()
    };
    assert_eq!(status(), "serving");
    club.welcome("m1", 60);
    let made = club.decide("m1", "first").unwrap();
    assert_eq!(
        (made.status, &made.body["left_out"][0]["stage"]),
        (200, &json!("moody")),
        "{}",
        made.body
    );
    assert_eq!(status(), "degraded");
    let series = metrics(&service, &key);
    assert_eq!(series["playbook_brand_stages{brand=\"club\",state=\"failed\"}"], 1.0);
    assert_eq!(series["playbook_plugin_faults_total{kind=\"incentive\"}"], 1.0);
    // It can keep what it answers all the same.
    assert_eq!(get(&service, &key, "/health/ready").0, 200);
    service.stop();
}

#[test]
fn a_brand_that_cannot_write_makes_the_host_unready_until_it_can() {
    let place = Place::new();
    let (file, data) = served(&place);
    let [file, data] = [&file, &data].map(|path| path.to_str().unwrap());
    let arguments = [file, "--data", data, "--listen", "127.0.0.1:0", "--log", "json"];
    let mut service = Service::with_failing_disk(&arguments);
    let mut stderr = service.child.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text).unwrap()
    });
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key: key.clone(), brand: "club" };
    let files_hold = |bytes: &str| {
        let process = service.child.id().to_string();
        let limit = format!("--fsize={bytes}:");
        let set = Command::new("prlimit").args(["--pid", &process, &limit]).status().unwrap();
        assert!(set.success());
    };
    let event = json!({ "event_id": "e1", "member": "m1", "kind": "comment", "time": T - DAY });
    assert_eq!(get(&service, &key, "/health/ready").0, 200);
    files_hold("1");
    assert_eq!(club.send("POST", "events", "e", &event).unwrap().status, 503);
    let (status, body) = get(&service, &key, "/health/ready");
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &problem["code"]), (503, &json!("not-ready")));
    assert!(!body.contains("club") && !body.contains("commit"), "{body}");
    assert_eq!(get(&service, &key, "/health/live").0, 200);
    let writes = "playbook_brand_writes{brand=\"club\"}";
    let series = metrics(&service, &key);
    assert_eq!(series[writes], 0.0);
    assert!(series["playbook_brand_commits_failed_total{brand=\"club\"}"] >= 1.0);
    let alert = || club.get("alerts?state=open").body["items"][0].clone();
    let raised = alert();
    assert_eq!((&raised["rule"], &raised["level"]), (&json!("writer-failed"), &json!("critical")));
    // No request comes to a host that is not ready, so it finds out by itself.
    files_hold("unlimited");
    until("readiness", || get(&service, &key, "/health/ready").0 == 200);
    assert_eq!(metrics(&service, &key)[writes], 1.0);
    assert_eq!(club.ok("POST", "events", "e", &event)["status"], "accepted");
    let kept = alert();
    service.stop();
    // What is logged of a request says which it was, though requests themselves are not logged.
    let log = log.join().unwrap();
    let told = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let failed = told.filter(|line| line["message"] == "a brand could not store a request").last();
    let span = &failed.unwrap_or_else(|| panic!("{log}"))["span"];
    assert_eq!(
        (&span["brand"], &span["operation"]),
        (&json!("club"), &json!("add_event")),
        "{log}"
    );
    // What could not be written when it was raised is on disk since something could.
    let service = Service::with(&[file, "--data", data, "--listen", "127.0.0.1:0"]);
    let club = Client { address: service.address.clone(), ..club };
    assert_eq!(club.get("alerts?state=open").body["items"], json!([kept]));
    service.stop();
}

#[test]
fn the_log_for_programs_is_an_object_a_line_whatever_clients_send() {
    let place = Place::new();
    let (file, data) = served(&place);
    let mut call = command(["serve"]);
    call.arg(&file).arg("--data").arg(&data).args(["--listen", "127.0.0.1:0", "--log", "json"]);
    call.env("PLAYBOOK_LOG", "debug");
    let mut service = Service::called(call);
    let key = service.key.clone().unwrap();
    let mut stderr = service.child.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text).unwrap()
    });
    let club = Client { address: service.address.clone(), key: key.clone(), brand: "club" };
    club.welcome("m1", 60);
    let hostile = "m\n{\"level\":\"error\"}\u{1b}[2J\u{202e}";
    let ask = json!({ "member": hostile, "at": T });
    assert_eq!(club.send("POST", "decisions", "hostile", &ask).unwrap().status, 422);
    assert_eq!(club.decide("m1", "first").unwrap().status, 200);
    assert_eq!(get(&service, &key, "/%0a%1b%5b2J{\"level\":\"error\"}").0, 404);
    service.stop();
    let log = log.join().unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    for line in &lines {
        for name in ["time", "level", "target", "message", "fields", "span"] {
            assert!(line.get(name).is_some(), "{name}: {line}");
        }
    }
    let told =
        |line: &&Value| line["message"] == "answered" && line["span"]["operation"] == "decide";
    let answered = lines.iter().filter(told).find(|line| line["fields"]["status"] == 200);
    let span = &answered.unwrap_or_else(|| panic!("{log}"))["span"];
    assert_eq!((&span["brand"], &span["method"]), (&json!("club"), &json!("POST")));
    assert_eq!(span["key"], json!(key.split('_').nth(1).unwrap()));
    assert!(span["id"].as_str().is_some_and(|id| id.len() > 10), "{span}");
    // Notes for people stand in it, too.
    assert!(
        lines.iter().any(|line| line["message"] == "stopped; what was answered is kept"),
        "{log}"
    );
    assert!(!log.contains(['\u{1b}', '\u{202e}']) && !log.contains(&key[20..]));
}

/// What clients were told, by member and key.
#[derive(Default)]
struct Told {
    decisions: Mutex<BTreeMap<(String, String), (String, Vec<(String, i64)>)>>,
    events: Mutex<BTreeMap<String, usize>>,
    unanswered: AtomicUsize,
}

/// Sends events and asks for decisions until it is stopped or the service is gone.
fn load(club: &Client, told: &Told, round: usize, worker: usize, stop: &AtomicBool) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let member = format!("m{}", (number * 7 + worker * 13 + round) % 40);
        let once = format!("{round}-{worker}-{number}");
        let event =
            json!({ "event_id": once, "member": member, "kind": "comment", "time": T - DAY });
        match club.send("POST", "events", "e", &event) {
            Some(reply) if reply.status == 200 => {
                *told.events.lock().unwrap().entry(member.clone()).or_default() += 1;
            }
            _ => {
                told.unanswered.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        match club.decide(&member, &once) {
            Some(reply) if reply.status == 200 => {
                let granted = reply.body["granted"].as_array().unwrap().iter();
                let new = granted.filter(|effect| effect["status"] == "granted").map(|effect| {
                    let key = effect["grant"].as_str().unwrap().to_owned();
                    (key, effect["cost_minor"].as_i64().unwrap())
                });
                let id = reply.body["id"].as_str().unwrap().to_owned();
                told.decisions.lock().unwrap().insert((member, once), (id, new.collect()));
            }
            _ => {
                told.unanswered.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}

/// Kills of a run of the tests; more by hand: `PLAYBOOK_KILLS=2000`.
fn kills() -> usize {
    std::env::var("PLAYBOOK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

#[test]
fn killed_at_any_moment_it_loses_and_doubles_nothing() {
    let place = Place::new();
    let (file, data) = served(&place);
    survives(kills(), || Service::start(&file, &data));
    let state = data.join("brands/club");
    let proof = command(["ledger", "prove", "club", "--state"]).arg(&state).output().unwrap();
    succeed(&proof);
    assert!(root().is_dir());
}

/// Kills a service under load, again and again: what it answered is there, once.
pub(crate) fn survives(kills: usize, start: impl Fn() -> Service) {
    let told = Arc::new(Told::default());
    let mut key = None;
    let mut draws = 88_172_645_463_325_252_u64;
    for round in 0..kills {
        let service = start();
        key = key.or(service.key.clone());
        let club =
            Client { address: service.address.clone(), key: key.clone().unwrap(), brand: "club" };
        if round == 0 {
            (0..40).for_each(|member| club.welcome(&format!("m{member}"), 60));
        }
        draws ^= draws << 13;
        draws ^= draws >> 7;
        draws ^= draws << 17;
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for worker in 0..4 {
                let (club, told, stop) = (&club, &told, &stop);
                scope.spawn(move || load(club, told, round, worker, stop));
            }
            std::thread::sleep(Duration::from_millis(draws % 120));
            service.kill();
            stop.store(true, Ordering::Relaxed);
        });
    }
    let service = start();
    let club = Client { address: service.address.clone(), key: key.unwrap(), brand: "club" };
    let decisions = told.decisions.lock().unwrap();
    assert!(decisions.len() > kills, "{} decisions were answered", decisions.len());
    assert!(told.unanswered.load(Ordering::Relaxed) > kills, "kills fell into requests");
    let mut granted: BTreeMap<&str, i64> = BTreeMap::new();
    for ((member, once), (id, grants)) in decisions.iter() {
        // Sampled, because each is a request of its own.
        if once.ends_with('1') {
            let again = club.decide(member, once).unwrap().body;
            assert_eq!(
                (&again["id"], &again["repeated"]),
                (&json!(id), &json!(true)),
                "{member} {once}"
            );
        }
        for (key, cost) in grants {
            assert!(granted.insert(key, *cost).is_none(), "a grant was answered twice as new");
        }
    }
    for (member, sent) in told.events.lock().unwrap().iter() {
        let kept = club.get(&format!("members/{member}")).body["events"].as_u64().unwrap();
        assert!(kept as usize >= sent + 60, "{member}: {kept} of {sent} answered are kept");
    }
    let account = club.get("budgets").body["accounts"][0].clone();
    let reserved = account["reserved_minor"].as_i64().unwrap();
    let answered: i64 = granted.values().sum();
    assert!(answered > 0 && reserved >= answered, "{answered} was answered, {reserved} is booked");
    assert!(account["available_minor"].as_i64().unwrap() >= 0);
    service.stop();
}
