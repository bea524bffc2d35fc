//! Keys over HTTP: made once, shown once, and gone when they are revoked.

use serde_json::Value;

use crate::harness::{Call, Host};

fn made() -> Call {
    Call::new("POST", "/v1/keys").json(r#"{"role":"brand-operator","brand":"acme","label":"shop"}"#)
}

#[tokio::test]
async fn a_key_is_made_used_listed_without_its_secret_and_revoked() {
    let host = Host::start(|_| {}).await;
    let answer = host.send(made().key(&host.admin).once("one")).await;
    assert_eq!(answer.status, 201);
    let json = answer.json();
    let secret = json["secret"].as_str().unwrap();
    let id = json["key"]["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/v1/keys/{id}"));
    assert_eq!(secret.split('_').nth(1), Some(id));
    let read = || Call::get("/v1/brands/acme").key(secret);
    assert_eq!(host.send(read()).await.json()["name"], "acme");

    let listed = host.send(Call::get("/v1/keys").key(&host.admin)).await;
    let text = String::from_utf8(listed.body.clone()).unwrap();
    assert!(
        text.contains(id) && !text.contains(&secret[20..]) && !text.contains("sha256"),
        "{text}"
    );
    let of_list = |page: Value| {
        let items = page["items"].as_array().unwrap().clone();
        items.into_iter().find(|key| key["id"] == id).unwrap()
    };
    let key = of_list(listed.json());
    assert_eq!(key, json["key"]);
    assert_eq!((&key["role"], &key["label"]), (&"brand-operator".into(), &"shop".into()));
    assert!(key.get("revoked_at").is_none());

    for once in ["two", "three"] {
        let end = Call::new("DELETE", &format!("/v1/keys/{id}")).key(&host.admin).once(once);
        let ended = host.send(end).await;
        assert_eq!((ended.status.as_u16(), ended.body.len()), (204, 0));
    }
    assert_eq!(host.send(read()).await.code(), "key-unknown");
    let listed = host.send(Call::get("/v1/keys").key(&host.admin)).await;
    assert!(of_list(listed.json())["revoked_at"].is_string());
}

#[tokio::test]
async fn a_request_that_comes_a_hundred_times_at_once_makes_one_key() {
    let host = Host::start(|_| {}).await;
    let before = count(&host).await;
    let calls = (0..100).map(|_| host.send(made().key(&host.admin).once("same")));
    let answers = futures::future::join_all(calls).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let again = answers.iter().filter(|answer| answer.code() == "key-made-before").count();
    assert_eq!((made, again), (1, 99));
    assert_eq!(count(&host).await, before + 1);
    let other = Call::new("POST", "/v1/keys").json(r#"{"role":"platform-admin"}"#);
    let reused = host.send(other.key(&host.admin).once("same")).await;
    assert_eq!(reused.code(), "idempotency-key-reused");
}

async fn count(host: &Host) -> usize {
    let page = host.send(Call::get("/v1/keys?limit=500").key(&host.admin)).await.json();
    page["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_last_admin_key_stays() {
    let host = Host::start(|_| {}).await;
    let id = host.admin.split('_').nth(1).unwrap();
    let end = Call::new("DELETE", &format!("/v1/keys/{id}")).key(&host.admin).once("end");
    assert_eq!(host.send(end).await.code(), "last-admin-key");
    assert_eq!(host.send(Call::get("/v1/keys").key(&host.admin)).await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_stored_is_503_and_says_nothing_of_this_machine() {
    let host = Host::start(|_| {}).await;
    // A folder takes no file's place, whoever runs the test.
    let path = host.dir.path().join("keys.json");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("inner"), "").unwrap();
    let answer = host.send(made().key(&host.admin).once("one")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "storage-failed"));
    let text = String::from_utf8(answer.body).unwrap();
    assert!(!text.contains("keys.json") && !text.contains("directory"), "{text}");
    assert_eq!(count(&host).await, host.keys_made());
}
