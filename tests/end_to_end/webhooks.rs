//! Effects that go out by webhook: the built program against a receiver that fails in every way.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Place, command, write};
use crate::serve::{CLUB, Client, DAY, Service, T, metrics, until};

/// What a receiver does with a message.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Status(u16),
    /// 429, and to come again after so many seconds.
    Later(u16),
    /// Nothing at all.
    Silence,
    /// The connection is cut once the message is there.
    Cut,
    /// To another address.
    Redirect,
}

/// A message that came whole.
#[derive(Debug, Clone)]
struct Got {
    path: String,
    id: String,
    at: String,
    signature: String,
    body: Vec<u8>,
    /// Whether it was answered 200.
    is_taken: bool,
}

impl Got {
    fn effect(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A receiver on loopback.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    got: Arc<Mutex<Vec<Got>>>,
}

type Plan = dyn Fn(&Value, usize) -> Answer + Send + Sync;

impl Receiver {
    /// `plan`: what it does with an effect that comes for that time, from 0.
    pub(crate) fn start(plan: impl Fn(&Value, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let (kept, plan): (_, Arc<Plan>) = (Arc::clone(&got), Arc::new(plan));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, plan) = (Arc::clone(&kept), Arc::clone(&plan));
                std::thread::spawn(move || receive(stream, &kept, &*plan));
            }
        });
        Self { port, got }
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Numbers of the effects that were taken, by member, in the order in which they came.
    pub(crate) fn taken(&self) -> BTreeMap<String, Vec<u64>> {
        let mut by_member: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for got in self.got().iter().filter(|got| got.is_taken) {
            let effect = got.effect();
            let member = effect["member"].as_str().unwrap().to_owned();
            by_member.entry(member).or_default().push(effect["number"].as_u64().unwrap());
        }
        by_member
    }
}

/// One message, if it comes whole.
fn receive(mut stream: TcpStream, kept: &Mutex<Vec<Got>>, plan: &Plan) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let header = |name: &str| headers.get(name).cloned();
    let mut got = Got {
        path,
        id: header("webhook-id")?,
        at: header("webhook-timestamp")?,
        signature: header("webhook-signature")?,
        body,
        is_taken: false,
    };
    let answer = {
        let mut kept = kept.lock().unwrap();
        let before = kept.iter().filter(|before| before.id == got.id).count();
        let answer = plan(&got.effect(), before);
        got.is_taken = matches!(answer, Answer::Status(200));
        kept.push(got);
        answer
    };
    let head = match answer {
        Answer::Status(status) => format!("{status} X"),
        Answer::Later(seconds) => format!("429 X\r\nRetry-After: {seconds}"),
        Answer::Redirect => "307 X\r\nLocation: /elsewhere".to_owned(),
        Answer::Cut => return None,
        Answer::Silence => {
            std::thread::sleep(Duration::from_secs(20));
            return None;
        }
    };
    let text = format!("HTTP/1.1 {head}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    stream.write_all(text.as_bytes()).ok()
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The file of a host whose brand has a webhook.
fn hosted(place: &Place, port: u16, more: &str) -> (PathBuf, PathBuf) {
    write(place, "club.toml", CLUB);
    write(place, "secret", SECRET);
    let data = place.beside("service");
    let text = format!(
        "[listen]\naddress = \"127.0.0.1:0\"\n[data]\nfolder = \"{}\"\n[[brand]]\nplaybook = \"club.toml\"\n\
         [brand.webhook]\nurl = \"http://127.0.0.1:{port}/hook?token=hidden\"\nsecret_file = \"secret\"\n\
         private = true\ntimeout = \"1s\"\n{more}",
        data.display()
    );
    (write(place, "host.toml", &text), data)
}

fn start(host: &Path, key: &mut Option<String>) -> (Service, Client) {
    let service = Service::with(&["--config", host.to_str().unwrap()]);
    *key = key.take().or(service.key.clone());
    let (address, key) = (service.address.clone(), key.clone().unwrap());
    (service, Client { address, key, brand: "club" })
}

/// One effect of each member in each cycle.
fn grant(club: &Client, members: &[&str], cycles: std::ops::Range<i64>) {
    for cycle in cycles {
        for member in members {
            let ask = json!({ "member": member, "at": T + cycle * 28 * DAY });
            let made = club.ok("POST", "decisions", &format!("cycle-{cycle}"), &ask);
            assert_eq!(made["granted"].as_array().unwrap().len(), 1, "{made}");
        }
    }
}

/// The signature by another implementation.
fn signed(got: &Got) -> String {
    let text = "import sys,hmac,base64,hashlib as h\n\
                key=base64.b64decode(sys.argv[1][6:])\n\
                sent=sys.argv[2].encode()+sys.stdin.buffer.read()\n\
                print('v1,'+base64.b64encode(hmac.new(key,sent,h.sha256).digest()).decode())";
    let mut call = std::process::Command::new("python3");
    call.args(["-c", text, SECRET, &format!("{}.{}.", got.id, got.at)]);
    call.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = call.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&got.body).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn effects_go_out_signed_and_in_order_of_each_member_whatever_the_receiver_does() {
    let receiver = Receiver::start(|effect, before| {
        let member = effect["member"].as_str().unwrap();
        match (member, before) {
            ("m0", 0) => Answer::Status(500),
            ("m1", 0) => Answer::Silence,
            ("m2", 0) => Answer::Cut,
            ("m3", 0) => Answer::Later(1),
            ("m4", 0) => Answer::Redirect,
            _ => Answer::Status(200),
        }
    });
    let place = Place::new();
    let (host, _) = hosted(&place, receiver.port, "");
    let (service, club) = start(&host, &mut None);
    let members = ["m0", "m1", "m2", "m3", "m4", "m5"];
    members.iter().for_each(|member| club.welcome(member, 60));
    grant(&club, &members, 0..3);
    let all = |taken: &BTreeMap<String, Vec<u64>>| taken.values().map(Vec::len).sum::<usize>();
    until("every effect", || all(&receiver.taken()) == 18);
    let listed = club.get("effects?limit=50").body["items"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 18);
    for (at, member) in members.into_iter().enumerate() {
        let numbers = [1, 7, 13].map(|first| first + at as u64);
        assert_eq!(receiver.taken()[member], numbers, "in order, and none twice");
    }
    let got = receiver.got();
    assert!(got.iter().all(|got| got.path == "/hook?token=hidden"), "nobody is redirected");
    for got in got.iter().filter(|got| got.is_taken) {
        let effect = got.effect();
        assert!(listed.contains(&effect), "the body is the effect as it is listed: {effect}");
        assert_eq!(effect["effect"]["grant"], json!(got.id));
        assert_eq!(signed(got), got.signature);
    }
    let state = || club.get("webhooks").body["items"][0].clone();
    until("the position", || state()["sent_up_to"] == json!(18));
    let state = state();
    assert_eq!((&state["to"], &state["waiting"]), (&json!("127.0.0.1"), &json!(0)), "{state}");
    assert_eq!((&state["sent"], &state["undelivered"]), (&json!(18), &json!(0)), "{state}");
    assert!(state["failed"].as_u64().unwrap() >= 13, "{state}");
    assert_eq!(state["failing_since"], Value::Null, "{state}");
    assert!(!state.to_string().contains("hidden"), "{state}");
    let watched = metrics(&service, &club.key);
    let of = |name: &str| watched[name];
    let sent = r#"playbook_brand_webhook_messages_total{brand="club",result="sent"}"#;
    assert_eq!((of(sent), of(r#"playbook_brand_webhook_waiting{brand="club"}"#)), (18.0, 0.0));
}

#[test]
fn what_is_given_up_is_listed_and_goes_out_when_it_is_asked_for() {
    let takes = Arc::new(Mutex::new(false));
    let does_take = Arc::clone(&takes);
    let receiver = Receiver::start(move |effect, _| {
        let is_taken = effect["member"] != json!("m0") || *does_take.lock().unwrap();
        Answer::Status(if is_taken { 200 } else { 503 })
    });
    let place = Place::new();
    let (host, _) = hosted(&place, receiver.port, "give_up = \"1s\"\n");
    let mut key = None;
    let (service, club) = start(&host, &mut key);
    ["m0", "m1"].iter().for_each(|member| club.welcome(member, 60));
    grant(&club, &["m0", "m1"], 0..2);
    let undelivered = |club: &Client| club.get("webhooks/undelivered").body["items"].clone();
    until("both are given up", || undelivered(&club).as_array().unwrap().len() == 2);
    assert_eq!(receiver.taken(), BTreeMap::from([("m1".to_owned(), vec![2, 4])]));
    let alerts = club.get("alerts?state=open").body["items"].clone();
    let told = ["rule", "level", "scope"].map(|name| alerts[0][name].clone());
    assert_eq!(told, [json!("effect-given-up"), json!("warn"), json!("webhook")], "{alerts}");
    let first = &undelivered(&club)[0];
    assert_eq!(first["number"], json!(1), "{first}");
    assert!(first["error"].as_str().unwrap().contains("answered 503"), "{first}");
    assert!(first["attempts"].as_u64().unwrap() >= 2, "{first}");
    let page = club.get("webhooks/undelivered?limit=1").body;
    let next = format!("webhooks/undelivered?limit=1&cursor={}", page["next"].as_str().unwrap());
    assert_eq!(club.get(&next).body["items"][0]["number"], json!(3));
    let again = |club: &Client, number: u64| {
        let path = format!("webhooks/undelivered/{number}/resend");
        club.send("POST", &path, "again", &json!({})).unwrap()
    };
    let unknown = again(&club, 2);
    assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("undelivered-not-found")));
    assert_eq!(again(&club, u64::MAX).status, 404);
    // What was given up is known after a restart.
    service.kill();
    let (_service, club) = start(&host, &mut key);
    assert_eq!(club.get("webhooks").body["items"][0]["undelivered"], json!(2));
    *takes.lock().unwrap() = true;
    for number in [3, 1, 1] {
        let reply = again(&club, number);
        let is_sent = receiver.taken().get("m0").is_some_and(|taken| taken.contains(&number));
        assert!(reply.status == 200 || is_sent, "{number}: {}", reply.body);
    }
    until("both are sent", || receiver.taken().get("m0").is_some_and(|taken| taken.len() >= 2));
    let mut taken = receiver.taken()["m0"].clone();
    taken.sort_unstable();
    assert_eq!(taken, [1, 3]);
    assert_eq!(undelivered(&club), json!([]));
}

#[test]
fn no_effect_is_lost_when_the_host_is_killed_again_and_again() {
    // Each effect fails at first, and some are on their way whenever the host is killed.
    let receiver = Receiver::start(|effect, before| {
        std::thread::sleep(Duration::from_millis(5));
        let number = effect["number"].as_u64().unwrap();
        if number % 3 == 0 && before == 0 { Answer::Status(500) } else { Answer::Status(200) }
    });
    let place = Place::new();
    let (host, data) = hosted(&place, receiver.port, "in_flight = 3\n");
    let mut key = None;
    for round in 0..5_u64 {
        let (service, club) = start(&host, &mut key);
        let names: Vec<String> = (0..5).map(|member| format!("m{round}-{member}")).collect();
        let members: Vec<&str> = names.iter().map(String::as_str).collect();
        members.iter().for_each(|member| club.welcome(member, 60));
        grant(&club, &members, 0..3);
        std::thread::sleep(Duration::from_millis(37 * round % 200));
        service.kill();
    }
    let (service, club) = start(&host, &mut key);
    let state = || club.get("webhooks").body["items"][0].clone();
    until("every effect", || state()["sent_up_to"] == json!(75) && state()["waiting"] == json!(0));
    let taken = receiver.taken();
    assert_eq!(taken.len(), 25);
    for (member, numbers) in taken {
        // Some come again after a kill; what is new comes in order.
        let mut firsts: Vec<u64> = Vec::new();
        for number in numbers {
            if !firsts.contains(&number) {
                firsts.push(number);
            }
        }
        assert!(firsts.len() == 3 && firsts.is_sorted(), "{member}: {firsts:?}");
    }
    service.stop();
    // A stop keeps how far it was: nothing comes again.
    let before = receiver.got().len();
    let (_service, club) = start(&host, &mut key);
    until("it looks", || club.get("webhooks").body["items"][0]["waiting"] == json!(0));
    assert_eq!(receiver.got().len(), before);
    assert!(data.is_dir());
}

#[test]
fn a_webhook_that_cannot_be_used_starts_nothing_and_shows_no_secret() {
    let place = Place::new();
    let (host, _) = hosted(&place, 1, "stages = [\"coupons\"]\n");
    let text = std::fs::read_to_string(&host).unwrap();
    let refused = |text: &str| {
        let host = write(&place, "host.toml", text);
        let output = command(["serve", "--config"]).arg(&host).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let stage = refused(&text);
    assert!(
        stage.contains("names the stage `coupons`; the playbook has ladder-exchange"),
        "{stage}"
    );
    let plain = text.replace("stages = [\"coupons\"]\n", "");
    let public = plain.replace("private = true", "private = false").replace("http:", "https:");
    let public = refused(&public);
    assert!(public.contains("127.0.0.1 is no public address"), "{public}");
    write(&place, "secret", "hunter2");
    let secret = refused(&plain);
    assert!(secret.contains("24 to 64 random bytes"), "{secret}");
    assert!(!secret.contains("hunter2") && !secret.contains("hidden"), "{secret}");
}
