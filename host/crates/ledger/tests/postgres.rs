//! What holds of every ledger, in a PostgreSQL database; and what holds only there.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests; a child reports to its killer"
)]

mod postgres {
    pub(crate) mod brands;
    mod cuts;
    mod places;
}
#[path = "../../../../tests/servers/mod.rs"]
mod servers;
mod shared;
mod suites;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use playbook_ledger::{Ledger, PostgresServer};
use servers::{PASSWORD, Postgres};
use shared::BRAND;

/// User of a host.
const USER: &str = "host";

/// The server of all tests that are running: it ends with the last of them, and the next one starts it again.
fn server() -> Arc<Postgres> {
    static RUNNING: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    // A test that failed while it held this left it as it was.
    let mut running = RUNNING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Postgres::start(&["max_connections=300"]));
        server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'"));
        *running = Arc::downgrade(&server);
        server
    })
}

/// A database of its own that holds a ledger; it goes with its server.
struct Home {
    server: Option<Arc<Postgres>>,
    at: PostgresServer,
}

impl Home {
    fn new() -> Self {
        static DATABASES: AtomicU64 = AtomicU64::new(0);
        let server = server();
        let database = format!("ledgers_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        server.sql(&format!("CREATE DATABASE {database} OWNER {USER}"));
        Self { at: reached(server.port, &database), server: Some(server) }
    }

    /// The place that another process has told.
    fn of(told: &str) -> Self {
        let (port, database) = told.split_once('/').unwrap();
        Self { server: None, at: reached(port.parse().unwrap(), database) }
    }

    fn told(&self) -> String {
        format!("{}/{}", self.at.port, self.at.database)
    }

    fn open(&self) -> Ledger {
        self.of_brand(BRAND)
    }

    fn of_brand(&self, brand: &str) -> Ledger {
        Ledger::postgres(&self.at, brand).unwrap()
    }

    /// Runs statements as the superuser; returns what they print.
    fn sql(&self, text: &str) -> String {
        let connect =
            format!("\\connect {}\nSET search_path = playbook_ledger, public;\n", self.at.database);
        self.server.as_ref().unwrap().sql(&(connect + text))
    }
}

fn reached(port: u16, database: &str) -> PostgresServer {
    PostgresServer {
        host: "127.0.0.1".to_owned(),
        port,
        database: database.to_owned(),
        user: USER.to_owned(),
        password: Some(PASSWORD.to_owned()),
        tls: None,
        connect_wait: Duration::from_secs(10),
    }
}

fn fresh() -> (Home, Ledger) {
    let home = Home::new();
    let ledger = home.open();
    (home, ledger)
}
