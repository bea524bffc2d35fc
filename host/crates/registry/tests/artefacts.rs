//! Artefacts in a real registry on loopback: pushed, signed, pulled, judged, cached; and what goes wrong with them.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../../../tests/servers/mod.rs"]
mod servers;

use std::fs;
use std::path::Path;

use glob::Pattern;
use playbook_model::{ArtefactRef, Digest};
use playbook_registry::{
    About, Bounds, Credentials, Login, Push, Pushed, Registry, RegistryError, SecretKey, Store,
    Trust, TrustRule, Untrusted, Verdict,
};
use servers::PASSWORD;
use servers::oci::{OciRegistry, USER};

const COMPONENT: &[u8] = b"\0asm and what a component holds";

fn about(version: &str) -> About {
    About {
        name: "acme-score".to_owned(),
        version: version.to_owned(),
        kind: "scoring".to_owned(),
        summary: "Scores members".to_owned(),
        ..About::default()
    }
}

fn repository(host: &str) -> ArtefactRef {
    ArtefactRef::parse(&format!("oci://{host}/acme/acme-score")).unwrap()
}

fn registry(credentials: Credentials) -> Registry {
    Registry::new(Bounds::default(), credentials).unwrap()
}

fn key(dir: &Path, name: &str) -> SecretKey {
    SecretKey::generate(&dir.join(name)).unwrap().0
}

fn push(host: &str, component: &[u8], version: &str, key: Option<&SecretKey>) -> Pushed {
    try_push(host, component, version, key, false).unwrap()
}

fn try_push(
    host: &str,
    component: &[u8],
    version: &str,
    key: Option<&SecretKey>,
    replace: bool,
) -> playbook_registry::Result<Pushed> {
    let (repository, about) = (repository(host), about(version));
    let push = Push { repository: &repository, component, about: &about, key, replace };
    registry(Credentials::default()).push(&push)
}

/// A push of the component without a key.
fn plain<'a>(repository: &'a ArtefactRef, about: &'a About) -> Push<'a> {
    Push { repository, component: COMPONENT, about, key: None, replace: false }
}

fn trusting(keys: &[&SecretKey]) -> Trust {
    let plugins = vec![Pattern::new("acme-*").unwrap()];
    let keys = keys.iter().map(|key| key.public()).collect();
    Trust { rules: vec![TrustRule { plugins, keys }], unsigned: Vec::new() }
}

fn store(dir: &Path, trust: Option<Trust>) -> Store {
    Store::new(dir, Bounds::default(), Credentials::default(), trust)
}

fn untrusted(told: RegistryError) -> Untrusted {
    match told {
        RegistryError::Untrusted(why) => why,
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_pushed_is_pulled_with_the_same_bytes_and_serves_when_the_registry_is_gone() {
    let mut server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let acme = key(dir.path(), "acme");
    let pushed = push(&server.host(), COMPONENT, "1.2.0", Some(&acme));
    assert_eq!(pushed.reference.tag.as_deref(), Some("1.2.0"));
    assert!(!pushed.was_there && pushed.reference.digest.is_some());
    assert!(push(&server.host(), COMPONENT, "1.2.0", None).was_there);
    let artefacts = store(dir.path(), Some(trusting(&[&acme])));
    let fetched = artefacts.fetch(&pushed.reference).unwrap();
    assert_eq!(fs::read(&fetched.component).unwrap(), COMPONENT);
    assert_eq!(fetched.component_digest, Digest::of(COMPONENT));
    assert_eq!(fetched.about, about("1.2.0"));
    assert_eq!(fetched.verdict, Verdict::Signed(acme.public()));
    assert!(!fetched.was_cached);
    server.kill();
    // Another process, without the registry.
    let artefacts = store(dir.path(), Some(trusting(&[&acme])));
    let again = artefacts.fetch(&pushed.reference).unwrap();
    assert!(again.was_cached && again.verdict == Verdict::Signed(acme.public()));
    // What is installed by its name has the same bytes, and so the same signature.
    let component = Digest::of(COMPONENT);
    assert_eq!(artefacts.judge("acme-score", component), Ok(Verdict::Signed(acme.public())));
    assert!(artefacts.judge("acme-score", Digest::of(b"other")).is_err());
    let elsewhere = store(&dir.path().join("other"), None);
    let told = elsewhere.fetch(&pushed.reference).unwrap_err();
    assert!(told.is_away() && told.to_string().contains("cannot be reached"), "{told}");
}

#[test]
fn an_artefact_is_in_the_layout_of_wasm_tools() {
    let server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let pushed = push(&server.host(), COMPONENT, "1.0.0", Some(&key(dir.path(), "acme")));
    let read = |digest: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(server.blob(digest)).unwrap()).unwrap()
    };
    let manifest = read(&pushed.reference.digest.unwrap().hex());
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["annotations"]["org.opencontainers.image.title"], "acme-score");
    let config = read(manifest["config"]["digest"].as_str().unwrap().split_at(7).1);
    assert_eq!(config["layerDigests"][0], format!("sha256:{}", Digest::of(COMPONENT)));
    assert_eq!(config["architecture"], "wasm");
    let tags = registry(Credentials::default()).tags(&repository(&server.host())).unwrap();
    let signature = format!("sha256-{}.sig", pushed.reference.digest.unwrap());
    assert!(tags.contains(&signature) && tags.contains(&"1.0.0".to_owned()), "{tags:?}");
}

#[test]
fn unsigned_and_wrongly_signed_components_are_refused_and_a_signature_lets_them_in() {
    let server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let (acme, other) = (key(dir.path(), "acme"), key(dir.path(), "other"));
    let pushed = push(&server.host(), COMPONENT, "1.0.0", None);
    let artefacts = store(dir.path(), Some(trusting(&[&acme])));
    let refused = || untrusted(artefacts.fetch(&pushed.reference).unwrap_err());
    assert!(matches!(refused(), Untrusted::Unsigned { .. }));
    let signs = |key| registry(Credentials::default()).sign(&pushed.reference, key).unwrap();
    signs(&other);
    let told = refused();
    assert!(matches!(told, Untrusted::OtherKey { .. }), "{told}");
    assert!(told.to_string().contains(&other.public().to_string()), "{told}");
    // What is refused takes no room.
    assert!(!dir.path().join("components").exists());
    assert_eq!(signs(&acme).keys().count(), 2);
    assert_eq!(artefacts.fetch(&pushed.reference).unwrap().verdict, Verdict::Signed(acme.public()));
    // Without a policy the digest alone counts.
    let open = store(&dir.path().join("open"), None).fetch(&pushed.reference).unwrap();
    assert_eq!(open.verdict, Verdict::NoPolicy);
}

#[test]
fn a_policy_that_changes_counts_for_what_is_cached_too() {
    let server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let (acme, new) = (key(dir.path(), "acme"), key(dir.path(), "new"));
    let pushed = push(&server.host(), COMPONENT, "1.0.0", Some(&acme));
    store(dir.path(), Some(trusting(&[&acme]))).fetch(&pushed.reference).unwrap();
    // The key is withdrawn.
    let strict = store(dir.path(), Some(trusting(&[&new])));
    let told = untrusted(strict.fetch(&pushed.reference).unwrap_err());
    assert!(matches!(told, Untrusted::OtherKey { .. }), "{told}");
    // And the artefact signed with the next one, which the cache learns of.
    registry(Credentials::default()).sign(&pushed.reference, &new).unwrap();
    let fetched = strict.fetch(&pushed.reference).unwrap();
    assert_eq!((fetched.verdict, fetched.was_cached), (Verdict::Signed(new.public()), true));
}

#[test]
fn a_signature_of_other_bytes_is_none() {
    let server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let acme = key(dir.path(), "acme");
    let good = push(&server.host(), COMPONENT, "1.0.0", Some(&acme)).reference;
    let bad = push(&server.host(), b"\0asm evil", "1.0.1", None).reference;
    // Whoever rules the registry puts the signature of one version under the tag of another.
    let tags = server
        .dir
        .path()
        .join("data/docker/registry/v2/repositories/acme/acme-score/_manifests/tags");
    let at =
        |reference: &ArtefactRef| tags.join(format!("sha256-{}.sig", reference.digest.unwrap()));
    let copied = std::process::Command::new("cp").arg("-r").arg(at(&good)).arg(at(&bad)).status();
    assert!(copied.unwrap().success());
    let artefacts = store(dir.path(), Some(trusting(&[&acme])));
    let told = untrusted(artefacts.fetch(&bad).unwrap_err());
    assert!(matches!(told, Untrusted::Broken { .. }), "{told}");
    artefacts.fetch(&good).unwrap();
}

#[test]
fn bytes_that_changed_in_the_registry_are_refused() {
    let server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let pushed = push(&server.host(), COMPONENT, "1.0.0", None);
    let component = server.blob(&Digest::of(COMPONENT).hex());
    let mut bytes = COMPONENT.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    for changed in [bytes.as_slice(), &COMPONENT[..10]] {
        fs::write(&component, changed).unwrap();
        let told = store(dir.path(), None).fetch(&pushed.reference).unwrap_err();
        assert!(matches!(told, RegistryError::OtherBytes { .. }), "{told}");
        assert!(told.to_string().contains("is not used"), "{told}");
    }
    fs::write(&component, COMPONENT).unwrap();
    let manifest = server.blob(&pushed.reference.digest.unwrap().hex());
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("acme-score", "acme-other")).unwrap();
    let told = store(dir.path(), None).fetch(&pushed.reference).unwrap_err();
    // This registry looks itself; others do not.
    let is_told = matches!(
        told,
        RegistryError::OtherBytes { .. }
            | RegistryError::Answer { .. }
            | RegistryError::Absent { .. }
    );
    assert!(is_told, "{told}");
    fs::write(&manifest, text).unwrap();
    store(dir.path(), None).fetch(&pushed.reference).unwrap();
}

#[test]
fn a_cache_that_was_changed_is_fetched_anew() {
    let mut server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let pushed = push(&server.host(), COMPONENT, "1.0.0", None);
    let component = store(dir.path(), None).fetch(&pushed.reference).unwrap().component;
    fs::write(&component, b"\0asm evil").unwrap();
    let fetched = store(dir.path(), None).fetch(&pushed.reference).unwrap();
    assert!(!fetched.was_cached);
    assert_eq!(fs::read(&component).unwrap(), COMPONENT);
    fs::write(&component, b"\0asm evil").unwrap();
    server.kill();
    assert!(store(dir.path(), None).fetch(&pushed.reference).unwrap_err().is_away());
}

#[test]
fn a_digest_counts_whatever_its_tag_is_now() {
    let server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let first = push(&server.host(), COMPONENT, "1.0.0", None).reference;
    let told = try_push(&server.host(), b"\0asm other", "1.0.0", None, false).unwrap_err();
    assert!(matches!(told, RegistryError::Published { .. }), "{told}");
    assert!(told.to_string().contains("a version of their own"), "{told}");
    let second = try_push(&server.host(), b"\0asm other", "1.0.0", None, true).unwrap().reference;
    assert_ne!(first.digest, second.digest);
    let artefacts = store(dir.path(), None);
    let read = |reference| fs::read(artefacts.fetch(reference).unwrap().component).unwrap();
    assert_eq!(read(&first), COMPONENT);
    assert_eq!(read(&second), b"\0asm other");
    // By the tag alone it would be either; so it is not taken, and what it is now can be asked.
    let by_tag = repository(&server.host()).tagged("1.0.0");
    let told = artefacts.fetch(&by_tag).unwrap_err();
    assert!(matches!(told, RegistryError::Unpinned(_)), "{told}");
    assert_eq!(artefacts.pin(&by_tag).unwrap(), second);
    assert_eq!(artefacts.pin(&first).unwrap(), first);
}

#[test]
fn what_is_not_there_is_told_with_the_registrys_words() {
    let server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let pushed = push(&server.host(), COMPONENT, "1.0.0", None);
    let other = repository(&server.host()).pinned(Digest::of(b"other"));
    let told = store(dir.path(), None).fetch(&other).unwrap_err().to_string();
    assert!(told.contains("there is no `sha256:") && told.contains("MANIFEST_UNKNOWN"), "{told}");
    let tag = repository(&server.host()).tagged("9.9.9");
    let told = registry(Credentials::default()).resolve(&tag).unwrap_err().to_string();
    assert!(told.contains("there is no `9.9.9` of `acme/acme-score`"), "{told}");
    // A signature is no plugin.
    let tag = format!("sha256-{}.sig", pushed.reference.digest.unwrap());
    let signed = registry(Credentials::default()).sign(&pushed.reference, &key(dir.path(), "acme"));
    signed.unwrap();
    let signature = store(dir.path(), None).pin(&repository(&server.host()).tagged(&tag)).unwrap();
    let told = store(dir.path(), None).fetch(&signature).unwrap_err().to_string();
    assert!(told.contains("is no plugin: its configuration is"), "{told}");
}

#[test]
fn a_registry_with_logins_takes_those_of_docker_and_of_the_environment() {
    let server = OciRegistry::with_logins();
    let dir = tempfile::tempdir().unwrap();
    let (repository, about) = (repository(&server.host()), about("1.0.0"));
    let push = plain(&repository, &about);
    let told = registry(Credentials::default()).push(&push).unwrap_err().to_string();
    assert!(told.contains("there are no credentials for it; `docker login 127.0.0.1:"), "{told}");
    let docker = Credentials { docker_config: Some(server.docker_config()), given: None };
    let pushed = registry(docker.clone()).push(&push).unwrap();
    let login =
        |password: &str| Login::Password { user: USER.to_owned(), password: password.to_owned() };
    let given = |password| Credentials {
        docker_config: None,
        given: Some((server.host(), login(password))),
    };
    let store = |credentials| Store::new(dir.path(), Bounds::default(), credentials, None);
    let told = store(given("wrong-hunter3")).fetch(&pushed.reference).unwrap_err().to_string();
    assert!(told.contains("does not take the credentials") && !told.contains("hunter3"), "{told}");
    store(given(PASSWORD)).fetch(&pushed.reference).unwrap();
    assert!(!format!("{docker:?}{:?}", given(PASSWORD)).contains(PASSWORD));
    // What is here needs no login.
    assert!(store(Credentials::default()).fetch(&pushed.reference).unwrap().was_cached);
}

#[test]
fn a_registry_is_listed() {
    let server = OciRegistry::start();
    push(&server.host(), COMPONENT, "1.0.0", None);
    let second = push(&server.host(), b"\0asm other", "1.1.0", None).reference;
    let there = registry(Credentials::default());
    assert_eq!(there.repositories(&server.host()).unwrap(), ["acme/acme-score"]);
    let listed = there.listed(&second).unwrap();
    assert_eq!((listed.about, listed.bytes), (about("1.1.0"), 10));
    assert_eq!(listed.reference, second);
    let told = there.tags(&ArtefactRef::parse(&format!("oci://{}/none", server.host())).unwrap());
    assert!(matches!(told, Err(RegistryError::Absent { .. })));
}

#[test]
fn a_component_beyond_the_bound_is_neither_pushed_nor_fetched() {
    let server = OciRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let pushed = push(&server.host(), COMPONENT, "1.0.0", None);
    let bounds = Bounds { component_bytes_max: COMPONENT.len() as u64 - 1, ..Bounds::default() };
    let store = Store::new(dir.path(), bounds, Credentials::default(), None);
    let told = store.fetch(&pushed.reference).unwrap_err();
    assert!(matches!(told, RegistryError::TooLarge { .. }), "{told}");
    let (repository, about) = (repository(&server.host()), about("2.0.0"));
    let push = plain(&repository, &about);
    let told = Registry::new(bounds, Credentials::default()).unwrap().push(&push).unwrap_err();
    assert!(matches!(told, RegistryError::TooLarge { .. }), "{told}");
}
