//! Failures: each comes out as a problem with its code, whoever noticed it first.

use std::sync::atomic::Ordering;

use playbook_server::CODES;

use crate::harness::{Answer, Call, Host};

/// The answer is a whole problem of this code.
#[track_caller]
fn is_problem(answer: &Answer, code: &str) {
    let row = CODES.iter().find(|row| row.name == code).unwrap();
    let json = answer.json();
    assert_eq!(json["code"], code, "{json}");
    assert_eq!(answer.status.as_u16(), row.status);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(json["status"], row.status);
    assert_eq!(json["title"], row.title);
    assert_eq!(json["hint"], row.hint);
    assert_eq!(json["type"], format!("/docs/api#{code}"));
    assert_eq!(json["instance"], answer.header("x-request-id"));
    assert!(!answer.header("x-request-id").is_empty());
    is_dressed(answer);
}

#[track_caller]
fn is_dressed(answer: &Answer) {
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn every_failure_of_a_request_is_a_problem_with_its_code() {
    let host = Host::start(|settings| settings.bodies.bytes_max = 1_000).await;
    let keys = "/v1/keys";
    let post = |body: &str| Call::post(keys, body).key(&host.admin);
    let bare = || Call::new("POST", keys).key(&host.admin);
    let get = |path: &str| Call::get(path).key(&host.admin);
    let admin = r#"{"role":"platform-admin"}"#;
    let many = (0..70).fold(get(keys), |call, at| call.header(&format!("x-{at}"), "a"));
    let cases = [
        (Call::get("/"), "path-not-found"),
        (Call::get("/v1/none"), "path-not-found"),
        (Call::get("/v1/keys/"), "path-not-found"),
        (Call::new("PATCH", keys), "method-not-allowed"),
        (Call::new("OPTIONS", "/v1/brands"), "method-not-allowed"),
        (Call::get(keys), "key-missing"),
        (Call::get(keys).key("pb_1_1"), "key-unknown"),
        (Call::get(keys).header("authorization", "Basic YTpi"), "key-unknown"),
        (Call::get(keys).header("authorization", "Bearer"), "key-unknown"),
        (get(keys).key(&host.admin), "key-unknown"),
        (get("/v1/keys?limit=0"), "query-invalid"),
        (get("/v1/keys?limit=501"), "query-invalid"),
        (get("/v1/keys?limit=-1"), "query-invalid"),
        (get("/v1/keys?limit=many"), "query-invalid"),
        (get("/v1/keys?page=2"), "query-invalid"),
        (get("/v1/keys?cursor=made-up"), "cursor-invalid"),
        (get("/v1/brands/absent"), "brand-not-found"),
        (bare().json(admin), "idempotency-key-missing"),
        (bare().once("").json(admin), "idempotency-key-invalid"),
        (bare().once("a b").json(admin), "idempotency-key-invalid"),
        (bare().once(&"a".repeat(129)).json(admin), "idempotency-key-invalid"),
        (bare().once("a").once("b").json(admin), "idempotency-key-invalid"),
        (Call::new("DELETE", "/v1/keys/a").key(&host.admin), "idempotency-key-missing"),
        (Call::new("DELETE", "/v1/keys/a").key(&host.admin).once("a"), "key-not-found"),
        (Call::new("DELETE", "/v1/keys/%ff").key(&host.admin).once("a"), "request-invalid"),
        (bare().once("a").body(admin), "content-type-unsupported"),
        (
            bare().once("a").header("content-type", "text/plain").body(admin),
            "content-type-unsupported",
        ),
        (post(""), "json-malformed"),
        (post("{"), "json-malformed"),
        (post("nonsense"), "json-malformed"),
        (post(&format!("{admin} {admin}")), "json-malformed"),
        (post(r#"["platform-admin",null,""]"#), "json-unexpected"),
        (post("\u{feff}{}"), "json-malformed"),
        (post("[]"), "json-unexpected"),
        (post("{}"), "json-unexpected"),
        (post(r#"{"role":"owner"}"#), "json-unexpected"),
        (post(r#"{"role":"partner","role":"partner"}"#), "json-unexpected"),
        (post(r#"{"role":"platform-admin","more":1}"#), "json-unexpected"),
        (post(r#"{"role":"partner"}"#), "field-invalid"),
        (post(r#"{"role":"partner","brand":"absent"}"#), "field-invalid"),
        (post(r#"{"role":"platform-admin","brand":"acme"}"#), "field-invalid"),
        (post(&format!("{{\"label\":\"{}\"}}", "a".repeat(1_000))), "body-too-large"),
        (many, "headers-too-many"),
    ];
    for (call, code) in cases {
        is_problem(&host.send(call).await, code);
    }
}

#[tokio::test]
async fn nesting_without_end_is_malformed_and_hurts_nobody() {
    let host = Host::start(|_| {}).await;
    let deep = "[".repeat(500_000);
    let answer = host.send(Call::post("/v1/keys", &deep).key(&host.admin)).await;
    assert_eq!(answer.status, 422, "{}", answer.json());
    let deep = format!("{{\"label\":{deep}");
    let answer = host.send(Call::post("/v1/keys", &deep).key(&host.admin)).await;
    assert!(answer.status.is_client_error(), "{}", answer.json());
}

#[tokio::test]
async fn a_fault_in_json_is_told_with_line_and_column() {
    let host = Host::start(|_| {}).await;
    let cases =
        [("{\n  \"role\": \"partner\",\n  oops\n}", 3, 3), ("{\n  \"role\": \"owner\"\n}", 2, 17)];
    for (body, line, column) in cases {
        let json = host.send(Call::post("/v1/keys", body).key(&host.admin)).await.json();
        assert_eq!((&json["line"], &json["column"]), (&line.into(), &column.into()), "{json}");
        assert!(!json["detail"].as_str().unwrap().contains(" at line "), "{json}");
    }
    let body = r#"{"role":"partner","brand":"absent"}"#;
    let json = host.send(Call::post("/v1/keys", body).key(&host.admin)).await.json();
    assert_eq!(json["field"], "brand");
}

#[tokio::test]
async fn another_method_is_told_which_there_are() {
    let host = Host::start(|_| {}).await;
    let allow = async |method: &str, path: &str| {
        let answer = host.send(Call::new(method, path)).await;
        assert_eq!(answer.status, 405);
        let mut allow: Vec<String> =
            answer.header("allow").split(',').map(|method| method.trim().to_owned()).collect();
        allow.sort_unstable();
        allow
    };
    assert_eq!(allow("PUT", "/v1/keys").await, ["GET", "HEAD", "POST"]);
    assert_eq!(allow("GET", "/v1/keys/a").await, ["DELETE"]);
    assert_eq!(allow("POST", "/docs/api").await, ["GET", "HEAD"]);
}

#[tokio::test]
async fn a_panic_is_answered_and_says_nothing_of_the_host() {
    let host = Host::start(|_| {}).await;
    let answer = host.send(Call::get("/v1/brands/panics").key(&host.admin)).await;
    is_problem(&answer, "internal");
    assert!(!String::from_utf8(answer.body).unwrap().contains("secret"));
    assert_eq!(host.send(Call::get("/v1/brands").key(&host.admin)).await.status, 200);
}

#[tokio::test]
async fn readiness_follows_the_host_and_life_does_not() {
    let host = Host::start(|_| {}).await;
    assert_eq!(host.send(Call::get("/health/ready")).await.json()["status"], "ready");
    host.brands.ready.store(false, Ordering::Relaxed);
    is_problem(&host.send(Call::get("/health/ready")).await, "not-ready");
    assert_eq!(host.send(Call::get("/health/live")).await.json()["status"], "live");
}

#[tokio::test]
async fn an_id_is_taken_from_the_client_where_a_log_can_take_it() {
    let host = Host::start(|_| {}).await;
    let id = async |sent: &str| {
        let answer = host.send(Call::get("/health/live").header("x-request-id", sent)).await;
        is_dressed(&answer);
        answer.header("x-request-id").to_owned()
    };
    assert_eq!(id("order-17:retry.2").await, "order-17:retry.2");
    let longest = "a".repeat(64);
    assert_eq!(id(&longest).await, longest);
    for bad in ["", "a b", "a\"b", &"a".repeat(65)] {
        let made = id(bad).await;
        assert!(made != bad && made.contains('-'), "{made}");
    }
    assert_ne!(id("").await, id("").await);
}
