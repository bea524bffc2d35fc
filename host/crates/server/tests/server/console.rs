//! The console over HTTP: who gets in, what the pages are, and what their forms do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use playbook_ledger::LedgerFile;
use playbook_model::{Digest, Limits};
use playbook_online::{
    Alarm, AlertRule, Ask, Brand, BrandOptions, Evidence, Keeping, Lanes, Ledgers, OpenError,
    Opened, Opener, Source, Version,
};
use playbook_server::{Access, Operation, Role};
use serde_json::{Map, Value, json};

use crate::harness::{Answer, Call, Host};

const PLAYBOOK: &str = r#"
[playbook]
id = "club"
brand = "acme"
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

[features]
interactions = { count = "interaction", window = "90d" }
"#;

/// 2026-07-01T00:00 in Shanghai.
const T: i64 = 1_782_835_200_000;

/// Opens playbooks without stages: nothing of these tests runs a plugin.
struct Texts;

/// The files of a source, and nothing else.
#[derive(Debug)]
struct Kept<'a>(&'a Source);

impl playbook_toml::ReadFiles for Kept<'_> {
    fn read(&self, path: &Path, _: usize) -> std::io::Result<Vec<u8>> {
        let kept = self.0.files.iter().find(|(name, _)| Path::new(name) == path);
        kept.map(|(_, text)| text.clone().into_bytes()).ok_or(std::io::ErrorKind::NotFound.into())
    }
}

impl Opener for Texts {
    fn open(&self, source: &Source) -> Result<Opened, OpenError> {
        let file = Path::new(&source.file);
        let loaded = playbook_toml::load_with(file, &[], &Limits::ceiling(), &Kept(source));
        let loaded = loaded.map_err(|problems| OpenError::Faulty(Box::new(problems)))?;
        let version = Version::open(loaded.playbook, &[], &source.closed).unwrap();
        Ok(Opened { version, source: source.clone() })
    }

    fn close_cycle(&self, _: &Source, _: i64, _: &Keeping<'_>) -> Result<Opened, OpenError> {
        Err(OpenError::Foreign("no cycle is closed here".to_owned()))
    }
}

fn source(text: &str) -> Source {
    let file = "playbook.toml".to_owned();
    Source {
        files: vec![(file.clone(), text.to_owned())],
        file,
        components: BTreeMap::new(),
        ..Source::default()
    }
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("not an object") };
    object
}

/// A host whose brand `acme` answers, with a member of whom something is known.
async fn start() -> (Host, Arc<Brand>) {
    let host = Host::start(|_| {}).await;
    let file = LedgerFile::at(&host.dir.path().join("ledger.sqlite"));
    let options = BrandOptions {
        ledgers: Ledgers::open(&file, "acme").unwrap(),
        records_bytes_max: 1 << 20,
        now: Arc::new(|| T),
        opener: Arc::new(Texts),
        lanes: Arc::new(Lanes::new(2)),
        file: None,
    };
    let brand = Arc::new(Brand::open(options, Texts.open(&source(PLAYBOOK)).unwrap()).unwrap());
    let event = object(json!({ "event_id": "e1", "member": "m <1>", "kind": "comment",
        "time": T - 1_000, "topic": "<script>alert(1)</script>" }));
    assert!(brand.events(&[event]).await.unwrap()[0].is_ok());
    let ask = Ask { member: "m <1>".to_owned(), at: Some(T), event: None };
    brand.decide(&ask, "one").await.unwrap();
    host.brands.live.set(Arc::clone(&brand)).unwrap();
    (host, brand)
}

/// A browser: keeps cookies, follows nothing.
struct Browser<'h> {
    host: &'h Host,
    cookies: BTreeMap<String, String>,
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// The token of the first form of a page.
fn token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect("the page has a form");
    rest.split('"').next().unwrap().to_owned()
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    let plain =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", plain(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl<'h> Browser<'h> {
    fn new(host: &'h Host) -> Self {
        Self { host, cookies: BTreeMap::new() }
    }

    async fn send(&mut self, call: Call) -> Answer {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let answer = self.host.send(call.header("cookie", &cookies)).await;
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Call::get(path)).await
    }

    async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let call = Call::new("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(&encoded(pairs));
        self.send(call).await
    }

    async fn log_in(&mut self, key: &str) -> Answer {
        let page = text(&self.get("/console/login").await);
        self.post("/console/login", &[("token", &token(&page)), ("key", key)]).await
    }
}

async fn logged_in<'h>(host: &'h Host, key: &str) -> Browser<'h> {
    let mut browser = Browser::new(host);
    assert_eq!(browser.log_in(key).await.status, 303);
    browser
}

#[tokio::test]
async fn a_key_begins_a_session_whose_cookie_no_script_reads() {
    let (host, _) = start().await;
    let mut browser = Browser::new(&host);
    let before = browser.get("/console/brands/acme/ledger?kind=settle").await;
    assert_eq!(before.status, 303);
    assert_eq!(
        before.header("location"),
        "/console/login?to=%2Fconsole%2Fbrands%2Facme%2Fledger%3Fkind%3Dsettle"
    );
    let page = browser.get(before.header("location")).await;
    let page = text(&page);
    assert!(page.contains("value=\"/console/brands/acme/ledger?kind=settle\""), "{page}");
    let pairs = [("token", &*token(&page)), ("key", "pb_0_0")];
    let wrong = browser.post("/console/login", &pairs).await;
    assert_eq!(wrong.status, 401);
    assert!(
        text(&wrong).contains("role=\"alert\"")
            && !browser.cookies.contains_key("playbook-session")
    );
    let operator = host.key(Role::BrandOperator, "acme");
    let to = "/console/brands/acme/ledger?kind=settle";
    let pairs = [("token", &*token(&text(&wrong))), ("key", operator), ("to", to)];
    let entered = browser.post("/console/login", &pairs).await;
    assert_eq!((entered.status.as_u16(), entered.header("location")), (303, to));
    let lines = entered.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let line = lines.into_iter().find(|line| line.starts_with("playbook-session=")).unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/console"] {
        assert!(line.split("; ").any(|known| known == part), "{line}");
    }
    assert!(!line.contains(operator) && browser.cookies["playbook-session"].len() == 43);
    assert_eq!(browser.get(to).await.status, 200);
    for away in ["https://elsewhere", "//elsewhere", "/v1/brands", "/console/\\elsewhere"] {
        let mut other = Browser::new(&host);
        let page = text(&other.get("/console/login").await);
        let pairs = [("token", &*token(&page)), ("key", operator), ("to", away)];
        let entered = other.post("/console/login", &pairs).await;
        assert_eq!(entered.header("location"), "/console", "{away}");
    }
    // Logging out ends the session, and so does the end of its key.
    let page = text(&browser.get("/console/brands/acme").await);
    let kept = browser.cookies.clone();
    assert_eq!(browser.post("/console/logout", &[("token", &token(&page))]).await.status, 303);
    browser.cookies = kept;
    assert_eq!(browser.get("/console/brands/acme").await.status, 303);
    let mut browser = logged_in(&host, operator).await;
    let id = operator.split('_').nth(1).unwrap();
    let revoke = Call::new("DELETE", &format!("/v1/keys/{id}")).once("revoke").key(&host.admin);
    assert!(host.send(revoke).await.status.is_success());
    assert_eq!(browser.get("/console/brands/acme").await.status, 303);
    // A key in a header is for programs: pages have their session.
    let call = Call::get("/console/brands/acme").key(&host.admin);
    assert_eq!(host.send(call).await.status, 303);
}

#[tokio::test]
async fn wrong_keys_are_limited_and_a_right_one_is_let_in_all_the_same() {
    let (host, _) = start().await;
    let mut browser = Browser::new(&host);
    let mut held = None;
    for _ in 0..40 {
        let answer = browser.log_in("pb_0000000000000000_wrong").await;
        match answer.status.as_u16() {
            401 => assert!(held.is_none()),
            429 => held = Some(answer),
            other => panic!("{other}"),
        }
    }
    let held = held.expect("too many were tried");
    assert!(held.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(text(&held).contains("<code>keys-tried</code>"));
    assert_eq!(browser.log_in(&host.admin).await.status, 303);
}

#[tokio::test]
async fn a_form_without_the_token_of_its_session_does_nothing() {
    let (host, brand) = start().await;
    let mut browser = logged_in(&host, host.key(Role::BrandOperator, "acme")).await;
    let mut other = logged_in(&host, &host.admin).await;
    let foreign = token(&text(&other.get("/console").await));
    let before = brand.activations().len();
    let digest = brand.version().digest();
    let paths = [
        "/console/logout".to_owned(),
        "/console/brands/acme/versions".to_owned(),
        "/console/brands/acme/versions/rollback".to_owned(),
        format!("/console/brands/acme/versions/{digest}/trial"),
        format!("/console/brands/acme/versions/{digest}/activate"),
    ];
    for path in &paths {
        for wrong in ["", "x", &foreign] {
            let answer = browser.post(path, &[("token", wrong), ("playbook", PLAYBOOK)]).await;
            assert_eq!(answer.status, 403, "{path}");
            assert!(text(&answer).contains("<code>form-foreign</code>"), "{path}");
        }
        let json = browser.send(Call::new("POST", path).json("{}")).await;
        assert_eq!(json.status, 415, "{path}");
    }
    assert_eq!(brand.activations().len(), before);
    assert_eq!(browser.get("/console/brands/acme").await.status, 200, "it is logged in still");
    let mut stranger = Browser::new(&host);
    let pairs = [("token", ""), ("key", &*host.admin)];
    assert_eq!(stranger.post("/console/login", &pairs).await.status, 403);
}

/// Pages of a brand, with the operation that each is of.
const PAGES: [(&str, &str); 13] = [
    ("", "read_brand"),
    ("/decisions", "list_decisions"),
    ("/decisions?refusal=R10&stage=&member=", "list_decisions"),
    ("/members", "read_member"),
    ("/members?member=m+%3C1%3E", "read_member"),
    ("/members?member=nobody", "read_member"),
    ("/versions", "list_activations"),
    ("/ledger", "list_entries"),
    ("/ledger?account=acme&kind=reserve&member=", "list_entries"),
    ("/live", "list_decisions"),
    ("/alerts", "list_alerts"),
    ("/reviews", "list_reviews"),
    ("/decisions?from=2026-06-01T00:00:00Z&to=", "list_decisions"),
];

#[tokio::test]
async fn every_page_keeps_to_the_table_for_every_role_and_brand() {
    let (host, _) = start().await;
    for role in Role::ALL {
        if !Operation::of("list_brands").unwrap().access.roles().contains(&role) {
            let answer = Browser::new(&host).log_in(host.key(role, "acme")).await;
            assert_eq!(answer.status, 403, "no page is for {}", role.name());
            continue;
        }
        let mut browser = logged_in(&host, host.key(role, "acme")).await;
        for (page, operation) in PAGES {
            let operation = Operation::of(operation).unwrap();
            assert!(matches!(operation.access, Access::Brand(_)));
            let allowed = operation.access.roles().contains(&role);
            let answer = browser.get(&format!("/console/brands/acme{page}")).await;
            let want = if allowed { 200 } else { 403 };
            assert_eq!(answer.status.as_u16(), want, "{page} as {}", role.name());
            for (brand, want) in [("zeta", 503), ("absent", 404), ("ACME", 404)] {
                let want = if role.is_of_a_brand() { 404 } else { want };
                let answer = browser.get(&format!("/console/brands/{brand}{page}")).await;
                assert_eq!(answer.status.as_u16(), want, "{brand}{page} as {}", role.name());
                assert!(answer.header("content-type").starts_with("text/html"));
            }
        }
    }
}

/// What every page is held to.
fn assert_page(path: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|part| part == rule), "{path}: {rule} in {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}");
    assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
    // Drawings name the language that they are in by an address.
    let page = text(answer).replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert_eq!(page.matches("<script").count(), 1, "{path}");
    for inline in ["<style", " style=", " onclick", "javascript:", "http://", "https://"] {
        assert!(!page.contains(inline), "{path}: {inline}");
    }
    assert_eq!(page.matches("<h1").count(), 1, "{path}");
    let ids: Vec<&str> =
        page.split(" id=\"").skip(1).map(|p| p.split('"').next().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path}: {ids:?}");
    for named in page.split("<label for=\"").skip(1).map(|part| part.split('"').next().unwrap()) {
        assert!(ids.contains(&named), "{path}: a label of `{named}`");
    }
}

#[tokio::test]
async fn every_link_leads_to_a_page_that_runs_nothing_of_elsewhere() {
    let (host, brand) = start().await;
    let offered = brand.clone();
    let other = PLAYBOOK.replace("90d", "30d");
    tokio::task::spawn_blocking(move || offered.offer(&source(&other)).unwrap()).await.unwrap();
    let mut browser = logged_in(&host, &host.admin).await;
    let (mut seen, mut open) = (BTreeSet::new(), vec!["/console".to_owned()]);
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let answer = browser.get(&path).await;
        if path.starts_with("/console/brands/zeta") {
            assert_eq!(answer.status, 503);
            continue;
        }
        assert_eq!(answer.status, 200, "{path}");
        assert_page(&path, &answer);
        let page = text(&answer);
        assert!(!page.contains("<script>alert"), "{path}");
        for link in page.split("href=\"").skip(1).map(|part| part.split('"').next().unwrap()) {
            let link = link.replace("&amp;", "&");
            if link.starts_with("/console") && !link.ends_with(".css") {
                open.push(link);
            }
        }
    }
    let found = |part: &str| seen.iter().any(|path| path.contains(part));
    for part in ["/acme/decisions/", "/acme/members?member=m+%3C1%3E", "/acme/versions/", "/live"] {
        assert!(found(part), "{part} in {seen:?}");
    }
    assert!(seen.len() > 10, "{seen:?}");
    let page = text(&browser.get("/console").await);
    for file in page.split('"').filter(|part| part.starts_with("/console/files/")) {
        let answer = host.send(Call::get(file)).await;
        assert_eq!(answer.status, 200, "{file}");
        assert!(answer.header("cache-control").contains("immutable"), "{file}");
    }
    let nothing = browser.get("/console/nothing").await;
    assert_eq!(nothing.status, 404);
    assert_page("/console/nothing", &nothing);
}

#[tokio::test]
async fn pages_speak_the_language_that_is_asked_for_or_chosen() {
    let (host, _) = start().await;
    let mut browser = logged_in(&host, host.key(Role::BrandOperator, "acme")).await;
    let asked = |path: &str| Call::get(path).header("accept-language", "zh-TW,zh;q=0.9");
    let page = text(&browser.send(asked("/console/brands/acme")).await);
    assert!(page.contains("<html lang=\"zh-Hant\"") && page.contains("概覽"), "{page}");
    assert!(page.contains("href=\"?lang=en\""), "{page}");
    let filtered = text(&browser.send(asked("/console/brands/acme/ledger?kind=settle")).await);
    assert!(filtered.contains("href=\"?lang=en&amp;kind=settle\""), "{filtered}");
    let chosen = browser.get("/console/brands/acme/ledger?kind=settle&lang=en").await;
    assert_eq!(chosen.header("location"), "/console/brands/acme/ledger?kind=settle");
    let page = text(&browser.send(asked("/console/brands/acme")).await);
    assert!(page.contains("<html lang=\"en\"") && page.contains("Overview"), "{page}");
    let failure = text(&browser.get("/console/brands/zeta?x=1").await);
    assert!(failure.contains("There is nothing here"));
    browser.get("/console?lang=zh").await;
    let failure = text(&browser.get("/console/brands/zeta").await);
    assert!(failure.contains("找不到此頁") && failure.contains("brand-not-found"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_offered_tried_activated_and_taken_back_by_forms() {
    let (host, brand) = start().await;
    let first = brand.version().digest();
    let mut browser = logged_in(&host, host.key(Role::BrandOperator, "acme")).await;
    let path = "/console/brands/acme/versions";
    let page = text(&browser.get(path).await);
    assert!(!page.contains("versions/rollback"), "there is nothing to go back to");
    let token = token(&page);
    let faulty = PLAYBOOK.replace("length =", "lenght =");
    let refused = browser.post(path, &[("token", &token), ("playbook", &faulty)]).await;
    assert_eq!(refused.status, 422);
    let told = text(&refused);
    assert!(told.contains("lenght") && told.contains("line 10, column 1"), "{told}");
    let other = PLAYBOOK.replace("90d", "30d").replace('\n', "\r\n");
    let offered = browser.post(path, &[("token", &token), ("playbook", &other)]).await;
    assert_eq!(offered.status, 303, "{}", text(&offered));
    let version = offered.header("location").to_owned();
    let page = text(&browser.get(&version).await);
    assert!(page.contains("<span class=\"del\">− interactions"), "{page}");
    assert!(page.contains("<span class=\"ins\">+ interactions") && !page.contains("+ [playbook]"));
    let tried = browser.post(&format!("{version}/trial"), &[("token", &token)]).await;
    assert_eq!(tried.status, 200);
    assert!(text(&tried).contains("Decisions compared"), "{}", text(&tried));
    assert_eq!(brand.version().digest(), first, "nothing is changed yet");
    let shadow = browser.post(&format!("{version}/shadow"), &[("token", &token)]).await;
    assert_eq!((shadow.status.as_u16(), brand.version().digest()), (303, first));
    assert!(text(&browser.get(path).await).contains("it computes in shadow"));
    let shares = |percent| [("token", &*token), ("percent", percent)];
    let share = format!("{version}/share");
    assert_eq!(browser.post(&share, &shares("11")).await.status, 422);
    assert_eq!(browser.post(&share, &shares("25")).await.status, 303);
    assert!(text(&browser.get(path).await).contains("25 %"));
    let withdrawn = browser.post(&format!("{path}/withdraw"), &[("token", &token)]).await;
    assert_eq!((withdrawn.status.as_u16(), brand.candidate().is_none()), (303, true));
    let active = browser.post(&format!("{version}/activate"), &[("token", &token)]).await;
    assert_eq!(active.status, 303);
    let second = brand.version().digest();
    assert!(version.ends_with(&second.hex()));
    let by = host.key(Role::BrandOperator, "acme").split('_').nth(1).unwrap().to_owned();
    assert_eq!(brand.activations()[0].by, by);
    // A page that was opened before somebody changed the version takes no step that its reader did not see.
    let back = format!("{path}/rollback");
    let stale = browser.post(&back, &[("token", &token), ("number", "1")]).await;
    assert_eq!((stale.status.as_u16(), brand.version().digest()), (409, second));
    let page = text(&browser.get(path).await);
    assert!(page.contains("name=\"number\" value=\"5\""), "{page}");
    let done = browser.post(&back, &[("token", &token), ("number", "5")]).await;
    assert_eq!((done.status.as_u16(), brand.version().digest()), (303, first));
    let again = browser.post(&back, &[("token", &token), ("number", "5")]).await;
    assert_eq!((again.status.as_u16(), brand.version().digest()), (409, first));
    // Who reloads what a form led to is led to a page.
    for form in [format!("{version}/trial"), back, "/console/logout".to_owned()] {
        assert_eq!(browser.get(&form).await.header("location"), "/console", "{form}");
    }
    let absent = format!("{path}/{}", Digest::of(b"none"));
    assert_eq!(browser.get(&absent).await.status, 404);
}

#[tokio::test]
async fn the_stream_says_when_decisions_were_made() {
    let (host, brand) = start().await;
    let mut browser = logged_in(&host, host.key(Role::BrandApplication, "acme")).await;
    let page = text(&browser.get("/console/brands/acme/live").await);
    assert!(page.contains("data-stream=\"/console/brands/acme/live/stream\""), "{page}");
    assert!(page.contains("http-equiv=\"refresh\""), "without a script it reloads");
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = host.connect().await;
    let cookie = &browser.cookies["playbook-session"];
    let request = format!(
        "GET /console/brands/acme/live/stream HTTP/1.1\r\nHost: x\r\nCookie: playbook-session={cookie}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut told = String::new();
    let mut until = async |wanted: &str| {
        while !told.contains(wanted) {
            let mut part = [0; 4_096];
            let read = stream.read(&mut part);
            let read = tokio::time::timeout(std::time::Duration::from_secs(10), read).await;
            told.push_str(std::str::from_utf8(&part[..read.unwrap().unwrap()]).unwrap());
        }
    };
    until("event: made\ndata: 1\n\n").await;
    let ask = Ask { member: "m2".to_owned(), at: Some(T), event: None };
    brand.decide(&ask, "two").await.unwrap();
    until("event: made\ndata: 2\n\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_seen_and_closed_by_a_form() {
    let (host, brand) = start().await;
    let mut browser = logged_in(&host, host.key(Role::BrandOperator, "acme")).await;
    let words = "the file <club.toml> was refused";
    brand.raise(Alarm {
        rule: AlertRule::FileRefused,
        scope: "club.toml".to_owned(),
        words: words.to_owned(),
        evidence: Evidence::default(),
    });
    let shown = words.replace('<', "&lt;").replace('>', "&gt;");
    let path = "/console/brands/acme/alerts";
    let mut page = String::new();
    for _ in 0..100 {
        page = text(&browser.get(path).await);
        if page.contains(&shown) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(page.contains(&shown) && page.contains("warning"), "{page}");
    assert!(text(&browser.get("/console/brands/acme").await).contains(&shown));
    let number = brand.alerts().unwrap()[0].number;
    let close = format!("{path}/{number}/close");
    let token = token(&page);
    let wrong = browser.post(&close, &[("token", &token), ("state", "gone")]).await;
    assert_eq!(wrong.status, 422);
    let pairs = [("token", &*token), ("state", "resolved"), ("note", "mended")];
    assert_eq!(browser.post(&close, &pairs).await.status, 303);
    assert_eq!(browser.post(&close, &pairs).await.status, 303, "sent twice it is one");
    let closed = brand.alerts().unwrap()[0].closed.clone().unwrap();
    assert_eq!((closed.end.name(), &*closed.note), ("resolved", "mended"));
    assert!(text(&browser.get(path).await).contains("mended"));
    assert!(!text(&browser.get("/console/brands/acme").await).contains(&shown));
}
