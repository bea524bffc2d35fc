//! Playbook files and files of hosts that chance has changed: what they say, or their problems, each at a place of the file (see
//! `tests/fuzz/mod.rs`).
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../../../tests/fuzz/mod.rs"]
mod target;

use target::Target;

#[test]
fn playbook_files() {
    playbook_toml::ship(playbook_library::FILES);
    let read = |path: &str| std::fs::read(path).unwrap();
    let corpus = [
        read("../../../playbooks/club.toml"),
        read("../../../playbooks/cd-shop.toml"),
        b"[playbook]\nid = \"a\"\nbrand = \"a\"\ncurrency = \"USD\"\ntime_zone = \"UTC\"\npseudonym_salt = \"s\"\n\
          [[source]]\nname = \"orders\"\ntable = \"events\"\npath = \"a.csv\"\nevent = \"order_paid\"\n\
          [source.map]\nmember = \"m\"\ntime = { from = \"t\", format = \"%Y\" }\n\
          [features]\nn = { count = \"order_paid\" }\ntwice = { expression = \"n * 2\" }\n"
            .to_vec(),
    ];
    let words: [&[u8]; 14] = [
        b"[[stage]]",
        b"[",
        b"]",
        b"{",
        b"}",
        b"=",
        b"\"\"\"",
        b"'",
        b"\\u0000",
        b"9999999999999999999",
        b"1979-05-27T07:32:00Z",
        b"%",
        b"extends = \"a.toml\"\n",
        b"\xf0\x9f\x98\x80",
    ];
    let kept = env!("CARGO_TARGET_TMPDIR");
    let target =
        Target { name: "playbook-files", rounds: 3000, corpus: &corpus, words: &words, kept };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("book.toml");
    target.run(|bytes| {
        std::fs::write(&file, bytes).unwrap();
        match playbook_toml::load(&file) {
            Ok(_) => Ok(()),
            Err(problems) if problems.to_string().is_empty() => {
                Err("no problem is told".to_owned())
            }
            Err(_) => Ok(()),
        }
    });
}

#[test]
fn host_files() {
    let corpus = [b"[listen]\naddress = \"0.0.0.0:1\"\ntls_certificate = \"a\"\ntls_key = \"b\"\n[limits]\nidle = \"75s\"\n\
        body_bytes = 1\n[limits.key]\nburst = 1\n[data]\nrecords = \"1GiB\"\n[[brand]]\nplaybook = \"a.toml\"\n\
        [brand.rate]\nin_flight = 2\n[brand.webhook]\nurl = \"https://a/b\"\nsecret_env = \"S\"\n\
        private = true\ntimeout = \"9s\"\nstages = [\"s\"]\n[log]\nformat = \"json\"\nlevel = \"info\"\n"
        .to_vec()];
    let words: [&[u8]; 8] = [
        b"[[brand]]",
        b"[",
        b"=",
        b"\"\"\"",
        b"0",
        b"9999999999999999999",
        b"999999999999GiB",
        b"\xf0\x9f\x98\x80",
    ];
    let kept = env!("CARGO_TARGET_TMPDIR");
    let target = Target { name: "host-files", rounds: 3000, corpus: &corpus, words: &words, kept };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.toml");
    target.run(|bytes| {
        std::fs::write(&file, bytes).unwrap();
        match playbook_toml::host_file(&file, &playbook_toml::Disk) {
            Ok(_) => Ok(()),
            Err(problems) if problems.to_string().is_empty() => {
                Err("no problem is told".to_owned())
            }
            Err(_) => Ok(()),
        }
    });
}
