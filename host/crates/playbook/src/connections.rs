//! The file in which a host's platform team declares where its playbooks may reach out to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use playbook_model::{Connection, ConnectionKind, DatabaseServer, ObjectPlace, SecretRef, Tls};

use crate::alone::{self, Alone};
use crate::files::ReadFiles;
use crate::layout::CONNECTIONS;
use crate::problem::{Place, Problem, Problems, Sink};
use crate::tree::{Node, Table};

const CONNECT_MS_MAX: u64 = 10_000;
const TIME_MS_MAX: u64 = 30 * 60_000;
const BYTES_MAX: u64 = 16 << 30;

/// Reads the connections of a host, by name. Paths in the file start at its folder.
///
/// # Errors
/// Every problem of the file: unknown and missing keys, and secrets that stand in it.
pub fn connections(
    path: &Path,
    files: &dyn ReadFiles,
) -> Result<BTreeMap<String, Connection>, Problems> {
    let mut sink = Sink::default();
    let read = alone::read(path, files, "the file of connections", &CONNECTIONS, &mut sink);
    let Some(Alone { root, sources, .. }) = read else {
        return Err(sink.into_problems(Vec::new()));
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found = BTreeMap::new();
    if sink.problems.is_empty() {
        let tables = root.table("connection").map(|table| table.entries.as_slice());
        for entry in tables.unwrap_or_default() {
            let Some(table) = entry.node.table() else { continue };
            let one = One { table, whole: entry.key_place, folder, sink: &mut sink };
            found.extend(one.read(&entry.key).map(|read| (entry.key.clone(), read)));
        }
    }
    if sink.problems.is_empty() { Ok(found) } else { Err(sink.into_problems(sources)) }
}

/// One connection that is being read.
struct One<'a> {
    table: &'a Table,
    whole: Place,
    folder: &'a Path,
    sink: &'a mut Sink,
}

impl One<'_> {
    fn read(mut self, name: &str) -> Option<Connection> {
        let kind = match self.table.text("kind")? {
            "postgres" => ConnectionKind::Postgres(self.server()?),
            "mysql" => ConnectionKind::MySql(self.server()?),
            _ => ConnectionKind::Objects(self.objects()?),
        };
        let ms = |key: &str, usual: u64| self.table.duration_ms(key).unwrap_or(usual);
        Some(Connection {
            name: name.to_owned(),
            brands: self
                .table
                .list("brands")
                .iter()
                .filter_map(Node::text)
                .map(str::to_owned)
                .collect(),
            kind,
            delivers: self.table.flag("deliver").unwrap_or(false),
            connect_ms_max: ms("connect_timeout", CONNECT_MS_MAX),
            time_ms_max: ms("time", TIME_MS_MAX),
            bytes_max: self.table.bytes("bytes").unwrap_or(BYTES_MAX),
        })
    }

    fn server(&mut self) -> Option<DatabaseServer> {
        self.without(&["address", "endpoint", "region", "account", "account_env", "account_file"]);
        self.without(&["secret_env", "secret_file", "service_account_file"]);
        let [host, database, user] = ["host", "database", "user"].map(|key| self.needed(key));
        Some(DatabaseServer {
            host: host?,
            port: self.table.integer("port").and_then(|port| u16::try_from(port).ok()),
            database: database?,
            user: user?,
            password: self.secret("password"),
            tls: self.tls(),
        })
    }

    fn objects(&mut self) -> Option<ObjectPlace> {
        self.without(&["host", "port", "database", "user", "password_env", "password_file"]);
        let address = self.needed("address")?;
        let tls = self.tls();
        let schemes: &[&str] = match tls {
            Tls::Off => &["s3", "gs", "az", "https", "http"],
            _ => &["s3", "gs", "az", "https"],
        };
        let scheme = address.split_once("://").map_or("", |(scheme, _)| scheme);
        if !schemes.contains(&scheme) {
            let place = self.table.get("address").map_or(self.whole, |node| node.place);
            self.sink.add(
                Problem::new("bad-path", place, format!("`address` cannot be `{address}`"))
                    .expected(
                        "s3://BUCKET, gs://BUCKET, az://CONTAINER or https://HOST, each with the folder below which \
                         playbooks may read; http:// only with `tls = \"off\"`",
                    ),
            );
        }
        let plain = self.table.text("account").map(|name| SecretRef::Plain(name.to_owned()));
        Some(ObjectPlace {
            address,
            endpoint: self.table.text("endpoint").map(str::to_owned),
            region: self.table.text("region").map(str::to_owned),
            account: self.secret("account").or(plain),
            secret: self.secret("secret"),
            service_account: self.path("service_account_file"),
            tls,
        })
    }

    fn needed(&mut self, key: &str) -> Option<String> {
        let said = self.table.text(key).map(str::to_owned);
        if said.is_none() {
            let kind = self.table.text("kind").unwrap_or_default();
            self.sink.add(
                Problem::new("missing-key", self.whole, format!("`{key}` is missing"))
                    .expected(format!("a text: a connection of kind `{kind}` needs it")),
            );
        }
        said
    }

    fn without(&mut self, keys: &[&str]) {
        let kind = self.table.text("kind").unwrap_or_default();
        for entry in keys.iter().filter_map(|key| self.table.entry(key)) {
            self.sink.add(
                Problem::new(
                    "needless-key",
                    entry.key_place,
                    format!("`{}` has no effect here", entry.key),
                )
                .expected(format!("a connection of kind `{kind}` without it")),
            );
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        self.table.text(key).map(|path| self.folder.join(path))
    }

    fn secret(&self, key: &str) -> Option<SecretRef> {
        secret_at(self.table, self.folder, key)
    }

    fn tls(&self) -> Tls {
        match (self.table.text("tls"), self.path("ca_file")) {
            (Some("off"), _) => Tls::Off,
            (_, Some(file)) => Tls::Only(file),
            _ => Tls::System,
        }
    }
}

/// Where a secret is: in the variable of `KEY_env`, or in the file of `KEY_file`.
pub(crate) fn secret_at(table: &Table, folder: &Path, key: &str) -> Option<SecretRef> {
    let file = table.text(&format!("{key}_file")).map(|path| SecretRef::File(folder.join(path)));
    let variable = table.text(&format!("{key}_env"));
    variable.map(|name| SecretRef::Env(name.to_owned())).or(file)
}
