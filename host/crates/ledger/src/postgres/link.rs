//! A connection to the database: how it is made, what holds on it, its prepared statements.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use ::postgres::config::SslMode;
use ::postgres::error::{Severity, SqlState};
use ::postgres::fallible_iterator::FallibleIterator as _;
use ::postgres::types::ToSql;
use ::postgres::{
    Client, Config, Error, NoTls, Row, RowIter, SimpleQueryMessage, SimpleQueryRow, Statement,
};
use playbook_model::Digest;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::BUSY_WAIT;
use super::waiting::waiting;
use crate::store::{Access, Head};
use crate::{LedgerError, Place};

/// After which silence of the line the system asks whether the other end is still there.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// After how long without an answer to that, or to what was sent, the line counts as broken.
const GIVEN_UP: Duration = Duration::from_secs(30);

/// Number and end of the chain as text, which is all that statements without parameters give.
const HEAD: &str = "SELECT number, past - 1, encode(seal, 'hex') FROM groups \
     WHERE brand = current_setting('playbook.brand') ORDER BY number DESC LIMIT 1";

/// What holds on a connection. Each statement goes the way of its keys, whatever the planner would think of a table that was
/// empty when it planned. The server gives up a host that is gone, and with it what that held; and what is kept is kept on
/// disk, whatever the database's own settings say.
const SETTINGS: &str = "SELECT set_config('playbook.brand', $1, false), set_config('lock_timeout', $2, false), \
     set_config('default_transaction_read_only', $3, false), \
     set_config('search_path', 'playbook_ledger, pg_temp', false), \
     set_config('plan_cache_mode', 'force_generic_plan', false), set_config('jit', 'off', false), \
     set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false), \
     set_config('enable_mergejoin', 'off', false), set_config('enable_material', 'off', false), \
     set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false), \
     set_config('tcp_keepalives_count', '4', false), set_config('tcp_user_timeout', '30000', false), \
     CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END";

/// Whether the rules that keep brands apart hold for the user.
const GUARDED: &str =
    "SELECT NOT (rolsuper OR rolbypassrls) FROM pg_catalog.pg_roles WHERE rolname = current_user";

/// A database and who uses it.
#[derive(Clone)]
pub struct PostgresServer {
    /// Name or address of the server, or the folder of its socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database.
    pub database: String,
    /// User, who may pass by no row-level security.
    pub user: String,
    /// The user's password, where one is asked for.
    pub password: Option<String>,
    /// How TLS is spoken; without it nothing is encrypted, which is for loopback and sockets.
    pub tls: Option<rustls::ClientConfig>,
    /// Longest wait for a connection.
    pub connect_wait: Duration,
}

impl fmt::Debug for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PostgresServer");
        shown.field("host", &self.host).field("port", &self.port);
        shown.field("database", &self.database).field("user", &self.user).finish_non_exhaustive()
    }
}

impl PostgresServer {
    fn connect(&self) -> Result<Client, Error> {
        let mut config = Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .dbname(&self.database)
            .user(&self.user)
            .application_name("playbook ledger")
            .keepalives_idle(KEEPALIVE)
            .tcp_user_timeout(GIVEN_UP)
            .connect_timeout(self.connect_wait);
        if let Some(password) = &self.password {
            config.password(password);
        }
        match &self.tls {
            Some(tls) if !self.host.starts_with('/') => {
                config.ssl_mode(SslMode::Require).connect(MakeRustlsConnect::new(tls.clone()))
            }
            _ => config.ssl_mode(SslMode::Disable).connect(NoTls),
        }
    }
}

/// The ledger of a brand in a database, and how to reach it.
#[derive(Debug)]
pub(super) struct Spot {
    server: PostgresServer,
    pub(super) brand: String,
    pub(super) place: Place,
    looks_only: bool,
}

impl Spot {
    pub(super) fn of(server: &PostgresServer, brand: &str) -> Self {
        let place = Self::place_of(server);
        Self { server: server.clone(), brand: brand.to_owned(), place, looks_only: false }
    }

    pub(super) fn place_of(server: &PostgresServer) -> Place {
        let PostgresServer { host, port, database, .. } = server;
        Place::Database(format!("PostgreSQL at {host}:{port}, database `{database}`"))
    }

    /// The same for somebody who changes nothing.
    pub(super) fn looking(self) -> Self {
        Self { looks_only: true, ..self }
    }

    /// Connects as this brand.
    pub(super) fn connect(&self) -> Result<Link, LedgerError> {
        waiting(|| self.connected())
    }

    fn connected(&self) -> Result<Link, LedgerError> {
        let mut client = self.server.connect()?;
        let wait = BUSY_WAIT.as_millis().to_string();
        let read_only = if self.looks_only { "on" } else { "off" };
        client.query_one(SETTINGS, &[&self.brand, &wait, &read_only])?;
        if !client.query_one(GUARDED, &[])?.try_get::<_, bool>(0)? {
            let (place, user) = (self.place.clone(), self.server.user.clone());
            return Err(LedgerError::Unguarded { place, user });
        }
        Ok(Link { client: Some(client), statements: HashMap::new(), broken: false })
    }

    /// Where the brand's hosts tell each other that something changed. A digest: whoever listens to all learns no name.
    pub(super) fn channel(&self) -> String {
        format!("playbook_{}", &Digest::of(self.brand.as_bytes()).hex()[..32])
    }

    pub(super) fn busy(&self, waited: Duration) -> LedgerError {
        LedgerError::Busy { brand: self.brand.clone(), place: self.place.clone(), waited }
    }

    /// A fault as it is told where the user lacks a right.
    pub(super) fn rights(&self, fault: LedgerError) -> LedgerError {
        let LedgerError::Storage(source) = &fault else { return fault };
        let said = source.downcast_ref::<Error>().and_then(Error::as_db_error);
        match said {
            Some(said) if *said.code() == SqlState::INSUFFICIENT_PRIVILEGE => LedgerError::Rights {
                place: self.place.clone(),
                user: self.server.user.clone(),
                said: said.message().to_owned(),
            },
            _ => fault,
        }
    }

    pub(super) fn overtaken(&self) -> LedgerError {
        LedgerError::Overtaken { brand: self.brand.clone(), place: self.place.clone() }
    }

    pub(super) fn unknown(&self, fault: Error) -> LedgerError {
        let (brand, place) = (self.brand.clone(), self.place.clone());
        LedgerError::UnknownCommit { brand, place, source: Box::new(fault) }
    }
}

/// How a transaction begins.
pub(super) struct Start {
    pub(super) head: Head,
    /// Number of the last lease that was given out; only of one that may write.
    pub(super) lease: Option<i64>,
}

/// An open connection of one brand.
pub(super) struct Link {
    /// Gone only while this is dropped.
    client: Option<Client>,
    statements: HashMap<&'static str, Statement>,
    broken: bool,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("broken", &self.broken).finish_non_exhaustive()
    }
}

/// Parameters of a statement.
pub(super) type Values<'v> = [&'v (dyn ToSql + Sync)];

impl Drop for Link {
    fn drop(&mut self) {
        // A client says goodbye, for which it waits.
        let client = self.client.take();
        waiting(|| drop(client));
    }
}

impl Link {
    pub(super) fn is_broken(&self) -> bool {
        self.broken || self.client.as_ref().is_none_or(Client::is_closed)
    }

    fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("it goes with the link")
    }

    /// Notes whether a fault ends the connection.
    fn heard<T>(&mut self, answer: Result<T, Error>) -> Result<T, Error> {
        self.broken |= answer.as_ref().is_err_and(broke);
        answer
    }

    /// Waits for a notification on a channel that was listened to, at most so long; whether one came.
    pub(super) fn notified(&mut self, wait: Duration) -> Result<bool, Error> {
        let heard = waiting(|| {
            let client = self.client();
            // Those that wait already are one.
            let mut heard = client.notifications();
            let first = heard.timeout_iter(wait).next()?;
            while first.is_some() && heard.iter().next()?.is_some() {}
            Ok(first.is_some())
        });
        self.heard(heard)
    }

    /// Begins a transaction. One that writes waits for the row of the brand, which a writer holds until it ends: writers of all
    /// hosts take turns there. Because each of them changes it, the view of one that waited is known to be stale.
    pub(super) fn begin(&mut self, access: Access) -> Result<Start, Error> {
        let sql = match access {
            Access::Read => format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {HEAD}"),
            Access::Write => format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE brands SET turns = turns + 1 \
                 WHERE brand = current_setting('playbook.brand') RETURNING lease; {HEAD}"
            ),
        };
        let mut start =
            Start { head: Head { group: 0, entry: 0, seal: Digest([0; 32]) }, lease: None };
        for row in self.told(&sql)? {
            if row.len() == 1 {
                start.lease = number(&row, 0);
            } else if let (Some(group), Some(entry), Some(seal)) =
                (number(&row, 0), number(&row, 1), row.get(2).and_then(Digest::from_hex))
            {
                start.head = Head { group, entry, seal };
            }
        }
        Ok(start)
    }

    /// Undoes the transaction that is open, if one is.
    pub(super) fn undo(&mut self) {
        // A connection that cannot even undo is closed, which undoes as well.
        self.broken |= waiting(|| self.client().batch_execute("ROLLBACK")).is_err();
    }

    /// Runs statements without parameters; returns their rows.
    pub(super) fn told(&mut self, sql: &str) -> Result<Vec<SimpleQueryRow>, Error> {
        let answer = waiting(|| self.client().simple_query(sql));
        let rows = self.heard(answer)?.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows.collect())
    }

    fn statement(&mut self, sql: &'static str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = waiting(|| self.client().prepare(sql));
        let statement = self.heard(statement)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Runs a statement and takes all its rows.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        values: &Values<'_>,
    ) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql)?;
        let answer = waiting(|| self.client().query(&statement, values));
        self.heard(answer)
    }

    /// Runs a statement; returns how many rows it changed.
    pub(super) fn execute(&mut self, sql: &'static str, values: &Values<'_>) -> Result<u64, Error> {
        let statement = self.statement(sql)?;
        let answer = waiting(|| self.client().execute(&statement, values));
        self.heard(answer)
    }

    /// Runs a statement whose rows come one by one; the caller waits for them ([`waiting`]).
    pub(super) fn stream(
        &mut self,
        sql: &'static str,
        values: &Values<'_>,
    ) -> Result<RowIter<'_>, Error> {
        let statement = self.statement(sql)?;
        self.client().query_raw(&statement, values.iter().copied())
    }
}

fn number(row: &SimpleQueryRow, at: usize) -> Option<i64> {
    row.get(at)?.parse().ok()
}

/// Whether a fault ends the connection; of a statement under way it is then not known what became of it.
pub(super) fn broke(fault: &Error) -> bool {
    fault.as_db_error().is_none_or(|said| {
        matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
    })
}

impl From<Error> for LedgerError {
    fn from(fault: Error) -> Self {
        match fault.code() {
            Some(code) if [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(code) => {
                let said =
                    fault.as_db_error().map_or_else(String::new, |said| said.message().to_owned());
                Self::Damaged(said)
            }
            _ => Self::Storage(Box::new(fault)),
        }
    }
}
