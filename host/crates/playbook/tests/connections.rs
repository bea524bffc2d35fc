//! The file of a host's connections: what it says, and how its faults are told.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use playbook_model::{ConnectionKind, SecretRef, Tls};
use playbook_toml::{Disk, Problems, connections};

fn read(text: &str) -> Result<Vec<playbook_model::Connection>, Problems> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("connections.toml");
    fs::write(&path, text).unwrap();
    connections(&path, &Disk).map(|found| found.into_values().collect())
}

const SERVER: &str = "[connection.warehouse]\nkind = \"postgres\"\nbrands = [\"shop\"]\nhost = \"db\"\n\
    database = \"shop\"\nuser = \"reader\"\n";

#[test]
fn a_connection_says_where_it_leads_for_whom_and_within_which_bounds() {
    let text = format!(
        "{SERVER}password_file = \"secrets/db\"\nca_file = \"ca.pem\"\ntime = \"5min\"\nbytes = \"1GiB\"\n"
    );
    let found = read(&text).unwrap();
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert!(one.serves("shop") && !one.serves("other") && !one.delivers);
    assert_eq!((one.connect_ms_max, one.time_ms_max, one.bytes_max), (10_000, 300_000, 1 << 30));
    let ConnectionKind::Postgres(server) = &one.kind else { panic!("{one:?}") };
    // Paths start at the folder of the file.
    let in_folder = |path: &std::path::Path, name: &str| path.is_absolute() && path.ends_with(name);
    assert!(
        matches!(&server.password, Some(SecretRef::File(path)) if in_folder(path, "secrets/db"))
    );
    assert!(matches!(&server.tls, Tls::Only(path) if in_folder(path, "ca.pem")));
}

#[test]
fn faults_are_told_at_their_place_and_secrets_are_not_shown() {
    let objects = "[connection.lake]\nkind = \"objects\"\nbrands = [\"*\"]\n";
    let cases = [
        (format!("{SERVER}password = \"hunter2\"\n"), "secret-in-file", "7:12"),
        (format!("{SERVER}password = hunter2\n"), "syntax", "7:"),
        (SERVER.replace("\"db\"", "\"postgres://me:hunter2@db\""), "secret-in-file", "4:8"),
        (SERVER.replace("host = \"db\"\n", ""), "missing-key", "`host` is missing"),
        (SERVER.replace("brands = [\"shop\"]\n", ""), "missing-key", "`brands` is missing"),
        (SERVER.replace("postgres", "oracle"), "bad-choice", "2:8"),
        (format!("{SERVER}pasword_env = \"X\"\n"), "unknown-key", "did you mean `password_env`"),
        (format!("{SERVER}address = \"s3://x\"\n"), "needless-key", "7:1"),
        (
            format!("{objects}address = \"http://host/a\"\n"),
            "bad-path",
            "only with `tls = \"off\"`",
        ),
        (format!("{objects}address = \"file:///etc\"\n"), "bad-path", "4:11"),
        (format!("{objects}address = \"/etc\"\n"), "bad-path", "s3://BUCKET"),
        (objects.to_owned(), "missing-key", "`address` is missing"),
    ];
    for (text, code, words) in cases {
        let told = read(&text).unwrap_err().render();
        assert!(
            told.contains(&format!("error[{code}]")) && told.contains(words),
            "{words}\n{told}"
        );
        assert!(!told.contains("hunter2"), "{told}");
    }
    let absent = connections(std::path::Path::new("/nowhere.toml"), &Disk).unwrap_err().render();
    assert!(absent.contains("cannot be read"), "{absent}");
}
