//! Registries that break off, never end, send elsewhere, or say what they should not.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../../../tests/servers/mod.rs"]
mod servers;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use playbook_model::{ArtefactRef, Digest};
use playbook_registry::{Bounds, Credentials, Login, Registry, RegistryError, Store};
use servers::oci::{Scripted, said};

const COMPONENT: &[u8] = b"\0asm and what a component holds";

fn bounds() -> Bounds {
    let (call, transfer) = (Duration::from_secs(2), Duration::from_secs(2));
    Bounds { call, transfer, connect: Duration::from_secs(2), ..Bounds::default() }
}

/// A manifest of a component that says it has so many bytes.
fn manifest(bytes: u64) -> Vec<u8> {
    let digest = Digest::of(COMPONENT);
    format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"application/vnd.wasm.config.v0+json","digest":"sha256:{digest}","size":2}},"layers":[{{"mediaType":"application/wasm","digest":"sha256:{digest}","size":{bytes}}}]}}"#
    )
    .into_bytes()
}

fn reference(host: &str, manifest: &[u8]) -> ArtefactRef {
    ArtefactRef::parse(&format!("oci://{host}/a@sha256:{}", Digest::of(manifest))).unwrap()
}

/// What fetching comes to, where the manifest is as it should be and the component is answered so.
fn fetch(answer: Vec<u8>, size: u64) -> RegistryError {
    let manifest = manifest(size);
    let server = Scripted::start(vec![
        ("GET /v2/a/manifests/sha256:", said("200 OK", "", &manifest)),
        ("GET /v2/a/blobs/", answer),
    ]);
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path(), bounds(), Credentials::default(), None);
    let told = store.fetch(&reference(&server.host(), &manifest)).unwrap_err();
    assert!(!dir.path().join("manifests").exists(), "nothing of it is kept");
    told
}

fn ask(
    answers: Vec<(&'static str, Vec<u8>)>,
    credentials: Credentials,
) -> (RegistryError, Scripted) {
    let server = Scripted::start(answers);
    let told = asked(&server, credentials);
    (told, server)
}

fn asked(server: &Scripted, credentials: Credentials) -> RegistryError {
    let registry = Registry::new(bounds(), credentials).unwrap();
    let tag = ArtefactRef::parse(&format!("oci://{}/a:1.0.0", server.host())).unwrap();
    registry.resolve(&tag).unwrap_err()
}

#[test]
fn a_download_that_breaks_off_is_told_and_kept_nowhere() {
    let whole = said("200 OK", "", COMPONENT);
    let told = fetch(whole[..whole.len() - 10].to_vec(), COMPONENT.len() as u64);
    assert!(matches!(told, RegistryError::BrokenOff { .. }) && told.is_away(), "{told}");
}

#[test]
fn more_bytes_than_are_taken_are_not_read() {
    let told = fetch(said("200 OK", "", COMPONENT), 33 << 20);
    assert!(matches!(told, RegistryError::TooLarge { .. }), "{told}");
    assert!(told.to_string().contains("33554432 bytes"), "{told}");
    // Its manifest says little, its answer says more than is taken, and a last one says nothing and never ends.
    let large = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
    assert!(matches!(fetch(large, 31), RegistryError::TooLarge { .. }));
    let endless = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![b'x'; 33 << 20]];
    assert!(matches!(fetch(endless.concat(), 31), RegistryError::TooLarge { .. }));
}

#[test]
fn a_registry_that_is_silent_is_left_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let registry = Registry::new(bounds(), Credentials::default()).unwrap();
    let began = Instant::now();
    let tag = ArtefactRef::parse(&format!("oci://{host}/a:1.0.0")).unwrap();
    let told = registry.resolve(&tag).unwrap_err();
    assert!(matches!(told, RegistryError::Slow { .. }) && told.is_away(), "{told}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn no_redirect_leads_to_another_scheme_or_machine_and_none_goes_on_for_ever() {
    let moved = |to: &str| said("307 Temporary Redirect", &format!("Location: {to}\r\n"), b"");
    for (to, why) in [
        ("https://127.0.0.1:1/x?signature=hunter2", "from `http` to `https`"),
        ("http://192.0.2.1/x?signature=hunter2", "from this machine to another"),
        ("/v2/a/blobs/sha256:0", "more than 3 in a row"),
    ] {
        let told = fetch(moved(to), 31);
        assert!(matches!(told, RegistryError::Redirect { .. }), "{told}");
        let told = told.to_string();
        assert!(told.contains(why) && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn words_of_a_registry_are_escaped_and_cut() {
    let body = format!(
        r#"{{"errors":[{{"code":"DENIED","message":"\u001b[2Jno\nerror: all is lost {}"}}]}}"#,
        "x".repeat(2_000)
    );
    let (told, _) =
        ask(vec![("GET", said("403 Forbidden", "", body.as_bytes()))], Credentials::default());
    let told = told.to_string();
    assert!(told.contains("\\u{1b}[2Jno\\nerror") && told.len() < 800, "{told}");
    assert!(!told.contains(['\u{1b}', '\n']), "{told}");
    let page = said("502 Bad Gateway", "", b"<html><body>sorry</body></html>");
    let (told, _) = ask(vec![("GET", page)], Credentials::default());
    assert!(
        told.to_string().contains("answered 502") && !told.to_string().contains("sorry"),
        "{told}"
    );
    assert!(told.is_away());
    let huge = said("500 Internal Server Error", "", &vec![b'x'; 1 << 20]);
    let (told, _) = ask(vec![("GET", huge)], Credentials::default());
    assert!(told.to_string().len() < 200, "{told}");
}

#[test]
fn a_password_is_told_to_no_other_machine() {
    let login = |host: String| Login::Password {
        user: "me".to_owned(),
        password: format!("hunter2{}", host.len()),
    };
    for realm in ["http://192.0.2.1/token", "https://example.com/token", "ftp://127.0.0.1/token"] {
        let wanted = format!("WWW-Authenticate: Bearer realm=\"{realm}\"\r\n");
        let server = Scripted::start(vec![("GET", said("401 Unauthorized", &wanted, b""))]);
        let credentials =
            Credentials { docker_config: None, given: Some((server.host(), login(server.host()))) };
        let told = asked(&server, credentials).to_string();
        assert!(told.contains("asks for a token of elsewhere"), "{told}");
        let heard = server.heard.lock().unwrap().join("\n").to_lowercase();
        assert!(!heard.contains("authorization"), "{heard}");
    }
}

#[test]
fn a_token_is_asked_for_with_the_least_rights_and_a_redirect_takes_it_nowhere() {
    let other = Scripted::start(Vec::new());
    let to = format!("Location: http://{}/elsewhere\r\n", other.host());
    let token = said("200 OK", "", br#"{"access_token":"hunter2"}"#);
    let tokens = Scripted::start(vec![("GET /token?", token)]);
    let realm = format!("http://{}/token", tokens.host());
    let wanted = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"s\"\r\n");
    let server = Scripted::start(vec![
        ("GET /v2/a/manifests/2.0.0", said("302 Found", &to, b"")),
        ("GET", said("401 Unauthorized", &wanted, b"")),
    ]);
    let login = Login::Password { user: "me".to_owned(), password: "secret".to_owned() };
    let credentials = Credentials { docker_config: None, given: Some((server.host(), login)) };
    let registry = Registry::new(bounds(), credentials).unwrap();
    let tag = |tag: &str| {
        let text = format!("oci://{}/a:{tag}", server.host());
        registry.resolve(&ArtefactRef::parse(&text).unwrap()).unwrap_err()
    };
    let told = tag("1.0.0");
    assert!(matches!(told, RegistryError::Denied { .. }), "{told}");
    let asked = tokens.heard.lock().unwrap().join("\n");
    assert!(asked.starts_with("GET /token?scope=repository%3Aa%3Apull&service=s "), "{asked}");
    tag("2.0.0");
    let heard = server.heard.lock().unwrap().clone();
    let said = |at: usize, what: &str| heard[at].to_lowercase().contains(what);
    assert!(!said(0, "authorization") && said(1, "bearer hunter2"), "{heard:?}");
    // The redirect comes after the token was told, and is followed without it.
    assert!(said(2, "bearer hunter2"), "{heard:?}");
    let elsewhere = other.heard.lock().unwrap().join("\n").to_lowercase();
    assert!(elsewhere.starts_with("get /elsewhere"), "{elsewhere}");
    assert!(!elsewhere.contains("hunter2"), "{elsewhere}");
}

#[test]
fn nobody_there_is_told_with_the_host() {
    let port = servers::free_port();
    let registry = Registry::new(bounds(), Credentials::default()).unwrap();
    let tag = ArtefactRef::parse(&format!("oci://127.0.0.1:{port}/a:1.0.0")).unwrap();
    let told = registry.resolve(&tag).unwrap_err();
    assert!(matches!(told, RegistryError::Unreachable { .. }), "{told}");
    assert!(told.to_string().contains(&format!("`127.0.0.1:{port}`")), "{told}");
}
