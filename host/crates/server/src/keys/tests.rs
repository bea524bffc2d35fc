//! Keys over a real folder.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{KEYS_MAX, KeyRequest, KeyStore, NewKey, OpenedKeys};
use crate::error::ServerError;
use crate::role::Role;

fn admin(label: &str) -> NewKey {
    NewKey { role: Role::PlatformAdmin, brand: None, label: label.to_owned() }
}

fn operator(brand: &str) -> NewKey {
    NewKey { role: Role::BrandOperator, brand: Some(brand.to_owned()), label: String::new() }
}

fn store(folder: &Path) -> KeyStore {
    KeyStore::open(folder).unwrap().store
}

#[test]
fn the_first_start_makes_one_admin_key_and_shows_it_once() {
    let dir = tempfile::tempdir().unwrap();
    let OpenedKeys { store, first } = KeyStore::open(dir.path()).unwrap();
    let secret = first.unwrap();
    let key = store.authenticate(secret.expose()).unwrap();
    assert_eq!((key.role, &key.brand), (Role::PlatformAdmin, &None));
    drop(store);
    let again = KeyStore::open(dir.path()).unwrap();
    assert!(again.first.is_none());
    assert!(again.store.authenticate(secret.expose()).is_some());
}

#[test]
fn a_secret_has_256_bits_stands_in_no_file_and_in_no_debug_text() {
    let dir = tempfile::tempdir().unwrap();
    let OpenedKeys { store, first } = KeyStore::open(dir.path()).unwrap();
    let secret = first.unwrap();
    let random = secret.expose().splitn(3, '_').last().unwrap();
    // 43 letters of 6 bits hold 32 bytes.
    assert_eq!(random.len(), 43);
    let kept = fs::read_to_string(dir.path().join("keys.json")).unwrap();
    assert!(!kept.contains(random) && kept.contains("secret_sha256"));
    assert_eq!(format!("{secret:?}"), "Secret(..)");
    assert!(!format!("{store:?}").contains(random));
    let mode = fs::metadata(dir.path().join("keys.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn only_the_whole_key_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let OpenedKeys { store, first } = KeyStore::open(dir.path()).unwrap();
    let right = first.unwrap().expose().to_owned();
    let (_, other) = store.create(admin("other"), None).unwrap();
    let flipped = |at: usize| {
        let mut bytes = right.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mixed = format!("{}{}", &right[..20], &other.expose()[20..]);
    let cases = [
        String::new(),
        "pb_".to_owned(),
        "pb__".to_owned(),
        right[..right.len() - 1].to_owned(),
        format!("{right}A"),
        format!("{right}="),
        right.to_uppercase(),
        flipped(0),
        flipped(3),
        flipped(20),
        flipped(40),
        mixed,
    ];
    for case in cases {
        assert!(store.authenticate(&case).is_none(), "{case}");
    }
    assert!(store.authenticate(&right).is_some());
}

#[test]
fn what_changes_stands_in_the_file_before_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let keys = store(dir.path());
    let (key, secret) = keys.create(operator("acme"), None).unwrap();
    drop(keys);
    let keys = store(dir.path());
    assert_eq!(*keys.authenticate(secret.expose()).unwrap(), key);
    keys.revoke(&key.id).unwrap();
    assert!(keys.authenticate(secret.expose()).is_none());
    keys.revoke(&key.id).unwrap();
    drop(keys);
    let keys = store(dir.path());
    assert!(keys.authenticate(secret.expose()).is_none());
    let listed = keys.list(None, 10);
    assert_eq!(listed.iter().filter(|key| key.revoked_at.is_some()).count(), 1);
    let mode = fs::metadata(dir.path().join("keys.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "after it was replaced too");
}

#[test]
fn a_change_that_cannot_be_written_did_not_happen() {
    let dir = tempfile::tempdir().unwrap();
    let keys = store(dir.path());
    let before = keys.list(None, 10);
    // A folder takes no file's place, whoever runs the test.
    fs::remove_file(dir.path().join("keys.json")).unwrap();
    fs::create_dir(dir.path().join("keys.json")).unwrap();
    fs::write(dir.path().join("keys.json/inner"), "").unwrap();
    assert!(matches!(keys.create(operator("acme"), None), Err(ServerError::File(_))));
    assert_eq!(keys.list(None, 10), before);
}

#[test]
fn a_request_makes_one_key_however_often_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let keys = store(dir.path());
    let request = KeyRequest::of("caller", "once");
    let (key, _) = keys.create(operator("acme"), Some(request)).unwrap();
    let again = keys.create(operator("acme"), Some(request)).unwrap_err();
    assert!(matches!(again, ServerError::MadeBefore { id } if id == key.id));
    let other = keys.create(operator("zeta"), Some(request)).unwrap_err();
    assert!(matches!(other, ServerError::OnceReused { .. }));
    keys.create(operator("acme"), Some(KeyRequest::of("another", "once"))).unwrap();
    drop(keys);
    let again = store(dir.path()).create(operator("acme"), Some(request)).unwrap_err();
    assert!(matches!(again, ServerError::MadeBefore { .. }), "after a start too");
}

#[test]
fn one_admin_key_is_always_left() {
    let dir = tempfile::tempdir().unwrap();
    let keys = store(dir.path());
    let first = keys.list(None, 1)[0].id.clone();
    assert!(matches!(keys.revoke(&first), Err(ServerError::LastAdminKey { .. })));
    let (second, _) = keys.create(admin("second"), None).unwrap();
    keys.revoke(&first).unwrap();
    assert!(matches!(keys.revoke(&second.id), Err(ServerError::LastAdminKey { .. })));
    assert!(matches!(keys.revoke("none"), Err(ServerError::NoKey { .. })));
}

#[test]
fn keys_that_cannot_be_are_refused_with_the_field() {
    let dir = tempfile::tempdir().unwrap();
    let keys = store(dir.path());
    let cases = [
        (NewKey { brand: None, ..operator("acme") }, "brand"),
        (NewKey { brand: Some("acme".to_owned()), ..admin("") }, "brand"),
        (admin(&"a".repeat(101)), "label"),
        (admin("\u{1b}[31m"), "label"),
    ];
    for (new, want) in cases {
        match keys.create(new, None) {
            Err(ServerError::KeyRefused { field, .. }) => assert_eq!(field, want),
            other => panic!("{other:?}"),
        }
    }
    keys.create(admin(&"積".repeat(100)), None).unwrap();
}

#[test]
fn a_faulty_file_is_an_error_and_never_new_keys() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path()));
    let path = dir.path().join("keys.json");
    let good = fs::read_to_string(&path).unwrap();
    let twice = {
        let from = good.find("    {").unwrap();
        let to = good.rfind("    }").unwrap() + 5;
        good.replace(&good[from..to], &format!("{0},\n{0}", &good[from..to]))
    };
    let cases = [
        String::new(),
        "{}".to_owned(),
        good[..good.len() - 4].to_owned(),
        good.replace("\"version\": 1", "\"version\": 2"),
        good.replace("platform-admin", "partner"),
        good.replace("platform-admin", "owner"),
        good.replace("\"label\"", "\"unknown\""),
        good.replace("secret_sha256\": \"", "secret_sha256\": \"x"),
        twice,
    ];
    for case in cases {
        fs::write(&path, &case).unwrap();
        let error = KeyStore::open(dir.path()).unwrap_err();
        assert!(matches!(error, ServerError::KeysMalformed { .. }), "{case}: {error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), case);
    }
    fs::write(&path, &good).unwrap();
    drop(store(dir.path()));
}

#[test]
fn one_process_keeps_the_keys_of_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let keys = store(dir.path());
    assert!(matches!(KeyStore::open(dir.path()), Err(ServerError::KeysInUse { .. })));
    drop(keys);
    drop(store(dir.path()));
}

#[test]
fn keys_have_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let keys = store(dir.path());
    // Written once: each creation alone would flush the disk.
    let mut full = super::Records::clone(&keys.current());
    let one = full.values().next().unwrap().as_ref().clone();
    for number in full.len()..KEYS_MAX {
        let mut record = one.clone();
        let id = format!("{number:016x}");
        std::sync::Arc::make_mut(&mut record.key).id.clone_from(&id);
        full.insert(id, record.into());
    }
    keys.replace(full).unwrap();
    assert!(matches!(keys.create(admin(""), None), Err(ServerError::TooManyKeys { .. })));
    keys.revoke(&one.key.id).unwrap();
    keys.create(admin(""), None).unwrap();
    drop(keys);
    assert_eq!(store(dir.path()).list(None, usize::MAX).len(), KEYS_MAX + 1);
}
