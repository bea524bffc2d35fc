//! The file in which a host's platform team says what it serves, and within which bounds.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use playbook_model::{
    Digest, HostBrand, HostData, HostFile, HostLimits, HostListen, HostLog, HostPublisher,
    HostRate, HostTraces, HostTrust, HostWebhook, LogFormat, LogLevel,
};

use crate::alone::{self, Alone};
use crate::connections::secret_at;
use crate::files::{FILE_BYTES_MAX, ReadFiles};
use crate::layout::HOST;
use crate::problem::{Place, Problem, Problems, Sink};
use crate::tree::{Entry, Node, Table, Value};
use crate::values;

/// What the parser of HTTP/1 takes at least for headers.
const HEADER_BYTES_LEAST: u64 = 8_192;
/// Memory of records at least: each of the cache's parts holds some.
const RECORDS_BYTES_LEAST: u64 = 1 << 20;

/// Reads the file of a host. Paths in the file start at its folder.
///
/// # Errors
/// Every problem of the file, and playbooks that it names and that cannot be read.
pub fn host_file(path: &Path, files: &dyn ReadFiles) -> Result<HostFile, Problems> {
    let mut sink = Sink::default();
    let read = alone::read(path, files, "the file of the host", &HOST, &mut sink);
    let Some(Alone { root, sources, is_whole }) = read else {
        return Err(sink.into_problems(Vec::new()));
    };
    if !is_whole {
        return Err(sink.into_problems(sources));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let said = Reading { folder, files, sink: &mut sink }.file(&root);
    if sink.problems.is_empty() { Ok(said) } else { Err(sink.into_problems(sources)) }
}

struct Reading<'a> {
    folder: &'a Path,
    files: &'a dyn ReadFiles,
    sink: &'a mut Sink,
}

impl Reading<'_> {
    fn file(mut self, root: &Table) -> HostFile {
        let none = Table::default();
        let table = |name: &str| root.table(name).unwrap_or(&none);
        HostFile {
            listen: self.listen(table("listen")),
            limits: self.limits(table("limits")),
            data: HostData {
                folder: self.path(table("data"), "folder"),
                records_bytes_max: self.records(table("data")),
                ledgers: table("data").text("ledgers").map(str::to_owned),
            },
            brands: self.brands(root.list("brand")),
            log: log(table("log")),
            traces: self.traces(table("traces")),
            trust: root.table("trust").map(|table| self.trust(table)),
        }
    }

    fn trust(&mut self, table: &Table) -> HostTrust {
        let publishers = table.list("publisher").iter().filter_map(Node::table);
        let publishers = publishers.map(|table| HostPublisher {
            plugins: self.texts(table, "plugins", "bad-name", is_pattern, PATTERN),
            keys: self.texts(table, "keys", "bad-key", is_key, KEY),
        });
        HostTrust {
            publishers: publishers.collect(),
            unsigned: self.texts(table, "unsigned", "bad-name", is_pattern, PATTERN),
        }
    }

    /// Texts of a list that are of one form.
    fn texts(
        &mut self,
        table: &Table,
        key: &str,
        code: &'static str,
        is_one: fn(&str) -> bool,
        expected: &str,
    ) -> Vec<String> {
        let items = table.list(key).iter().filter_map(|node| Some((node.text()?, node.place)));
        let (good, bad): (Vec<_>, Vec<_>) = items.partition(|(text, _)| is_one(text));
        for (text, place) in bad {
            let message = format!("`{key}` cannot have `{text}`");
            self.sink.add(Problem::new(code, place, message).expected(expected));
        }
        good.into_iter().map(|(text, _)| text.to_owned()).collect()
    }

    fn listen(&mut self, table: &Table) -> HostListen {
        let [certificate, key] = ["tls_certificate", "tls_key"];
        for (one, other) in [(certificate, key), (key, certificate)] {
            if let (Some(entry), None) = (table.entry(one), table.entry(other)) {
                let message = format!("`{one}` stands without `{other}`");
                self.sink.add(
                    Problem::new("missing-key", entry.key_place, message)
                        .expected("both files, or none of them"),
                );
            }
        }
        HostListen {
            address: table.text("address").and_then(values::address),
            tls: self.path(table, certificate).zip(self.path(table, key)),
            plain: table.flag("plain"),
        }
    }

    fn limits(&mut self, table: &Table) -> HostLimits {
        let none = Table::default();
        HostLimits {
            connections_max: count(table, "connections"),
            waiting_max: count(table, "connections_waiting"),
            wait: self.time(table, "connection_wait"),
            header_read: self.time(table, "header_time"),
            header_bytes_max: self
                .size(table, "header_bytes", HEADER_BYTES_LEAST)
                .and_then(|bytes| usize::try_from(bytes).ok()),
            headers_max: count(table, "headers"),
            streams_max: count(table, "streams").and_then(|streams| u32::try_from(streams).ok()),
            idle: self.time(table, "idle"),
            answer_stall: self.time(table, "answer_stall"),
            body_bytes_max: self.size(table, "body_bytes", 1),
            body_stall: self.time(table, "body_stall"),
            body_time: self.time(table, "body_time"),
            drain: table.duration_ms("drain").map(Duration::from_millis),
            key: rate(table.table("key").unwrap_or(&none)),
            brand: rate(table.table("brand").unwrap_or(&none)),
        }
    }

    fn brands(&mut self, items: &[Node]) -> Vec<HostBrand> {
        let mut brands = Vec::new();
        let mut named: BTreeMap<PathBuf, Place> = BTreeMap::new();
        for table in items.iter().filter_map(Node::table) {
            let Some(entry) = table.entry("playbook") else { continue };
            let Some(playbook) = self.path(table, "playbook") else { continue };
            match named.insert(playbook.clone(), entry.node.place) {
                Some(before) => self.sink.add(
                    Problem::new("duplicate-name", entry.node.place, "this playbook stands twice")
                        .expected("a playbook of another brand")
                        .related(before, "it stands here already"),
                ),
                None => self.is_there(&playbook, entry),
            }
            let none = Table::default();
            let rate = rate(table.table("rate").unwrap_or(&none));
            let records_bytes_max = self.records(table);
            let webhook = table.entry("webhook").and_then(|entry| self.webhook(entry));
            brands.push(HostBrand { playbook, records_bytes_max, rate, webhook });
        }
        brands
    }

    fn traces(&mut self, table: &Table) -> HostTraces {
        let share = table.real("share");
        if let (Some(entry), None) = (table.entry("share"), table.entry("endpoint")) {
            self.sink.add(
                Problem::new("needless-key", entry.key_place, "`share` has no effect here")
                    .expected("`endpoint`, where spans go to, beside it"),
            );
        }
        let endpoint = table.get("endpoint");
        if let Some((node, url)) = endpoint.and_then(|node| Some((node, node.text()?)))
            && !is_address(url, &["https://", "http://"])
        {
            self.sink.add(
                Problem::new("bad-path", node.place, format!("`endpoint` cannot be `{url}`"))
                    .expected("http://HOST:PORT of a collector, without /v1/traces"),
            );
        }
        HostTraces { endpoint: endpoint.and_then(Node::text).map(str::to_owned), share }
    }

    fn webhook(&mut self, entry: &Entry) -> Option<HostWebhook> {
        let table = entry.node.table()?;
        let private = table.flag("private").unwrap_or(false);
        let url = table.text("url")?.to_owned();
        let schemes: &[&str] = if private { &["https://", "http://"] } else { &["https://"] };
        if !is_address(&url, schemes) {
            let place = table.get("url").map_or(entry.key_place, |node| node.place);
            self.sink.add(
                Problem::new("bad-path", place, format!("`url` cannot be `{url}`"))
                    .expected("https://HOST with a path; http:// only with `private = true`"),
            );
        }
        let secret = secret_at(table, self.folder, "secret");
        match (&secret, table.entry("secret_env"), table.entry("secret_file")) {
            (None, ..) => self.sink.add(
                Problem::new("missing-key", entry.key_place, "a webhook needs a secret")
                    .expected("`secret_env` or `secret_file`: where the secret is that signs"),
            ),
            (_, Some(before), Some(both)) => self.sink.add(
                Problem::new("needless-key", both.key_place, "`secret_file` has no effect here")
                    .expected("one of `secret_env` and `secret_file`; either may hold several")
                    .related(before.key_place, "the secret is said here already"),
            ),
            _ => {}
        }
        Some(HostWebhook {
            url,
            secret: secret?,
            ca_file: self.path(table, "ca_file"),
            private,
            timeout: self.time(table, "timeout"),
            in_flight_max: count(table, "in_flight"),
            give_up: self.time(table, "give_up"),
            stages: table.list("stages").iter().filter_map(Node::text).map(str::to_owned).collect(),
        })
    }

    /// A playbook's own problems are told when it is read; that there is none belongs to this file.
    fn is_there(&mut self, playbook: &Path, entry: &Entry) {
        if let Err(error) = self.files.read(playbook, FILE_BYTES_MAX) {
            let said = entry.node.text().unwrap_or_default();
            let message = format!("the playbook `{said}` cannot be read: {error}");
            self.sink.add(
                Problem::new("cannot-read", entry.node.place, message)
                    .expected("a file, its path from the folder of this one"),
            );
        }
    }

    fn path(&self, table: &Table, key: &str) -> Option<PathBuf> {
        table.text(key).map(|path| self.folder.join(path))
    }

    fn records(&mut self, table: &Table) -> Option<usize> {
        let bytes = self.size(table, "records", RECORDS_BYTES_LEAST)?;
        usize::try_from(bytes).ok()
    }

    fn size(&mut self, table: &Table, key: &str, least: u64) -> Option<u64> {
        let bytes = table.bytes(key)?;
        if bytes < least {
            self.too_small(table, key, &format!("at least {least} bytes"));
        }
        Some(bytes)
    }

    /// A time within which something has to happen; none at all would cut everybody off.
    fn time(&mut self, table: &Table, key: &str) -> Option<Duration> {
        let ms = table.duration_ms(key)?;
        if ms == 0 {
            self.too_small(table, key, "a length of time that is not zero");
        }
        Some(Duration::from_millis(ms))
    }

    fn too_small(&mut self, table: &Table, key: &str, expected: &str) {
        let Some(node) = table.get(key) else { return };
        let said = match &node.value {
            Value::Text(text) => text.clone(),
            _ => node.integer().unwrap_or_default().to_string(),
        };
        let message = format!("`{key}` cannot be {said}");
        self.sink.add(Problem::new("out-of-range", node.place, message).expected(expected));
    }
}

/// What a pattern of names is, for messages.
const PATTERN: &str = "a name of plugins, in which `*` stands for any letters: acme-*";
/// What a public key is, for messages.
const KEY: &str = "`ed25519:` and 64 hexadecimal digits, as `playbook plugin keygen` prints them";

fn is_pattern(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'*';
    !text.is_empty() && text.bytes().all(letter)
}

fn is_key(text: &str) -> bool {
    text.strip_prefix("ed25519:").and_then(Digest::from_hex).is_some()
}

/// Whether a text is an address of one of these schemes.
fn is_address(url: &str, schemes: &[&str]) -> bool {
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty()) && !url.contains(char::is_whitespace)
}

fn count(table: &Table, key: &str) -> Option<usize> {
    table.integer(key).and_then(|count| usize::try_from(count).ok())
}

fn rate(table: &Table) -> HostRate {
    let number = |key| {
        let said = table.integer(key).and_then(|number| u32::try_from(number).ok());
        said.and_then(NonZeroU32::new)
    };
    HostRate {
        per_second: number("per_second"),
        burst: number("burst"),
        in_flight_max: count(table, "in_flight"),
    }
}

fn log(table: &Table) -> HostLog {
    let level = |name: &str| LogLevel::ALL.into_iter().find(|level| level.name() == name);
    let format = |name: &str| LogFormat::ALL.into_iter().find(|format| format.name() == name);
    HostLog {
        format: table.text("format").and_then(format),
        level: table.text("level").and_then(level),
    }
}
