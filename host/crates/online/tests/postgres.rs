//! What holds of a brand, in a PostgreSQL database.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

#[path = "suites/accounts.rs"]
mod accounts;
#[path = "suites/brand.rs"]
mod brand;
#[path = "postgres/candidates.rs"]
mod candidates;
#[path = "suites/closed.rs"]
mod closed;
#[path = "postgres/closings.rs"]
mod closings;
#[path = "postgres/fall_backs.rs"]
mod fall_backs;
#[path = "postgres/faults.rs"]
mod faults;
#[path = "postgres/pace.rs"]
mod pace;
#[path = "suites/schedules.rs"]
mod schedules;
#[path = "../../../../tests/servers/mod.rs"]
mod servers;
#[path = "postgres/together.rs"]
mod together;
#[path = "suites/transfers.rs"]
mod transfers;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use playbook_ledger::{PostgresServer, Vault};
use playbook_model::Digest;
use servers::{PASSWORD, Postgres};

/// The server of all tests that are running: it ends with the last of them, and the next one starts it again.
fn server() -> Arc<Postgres> {
    static RUNNING: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    // A test that failed while it held this left it as it was.
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Postgres::start(&["max_connections=300"]));
        server.sql(&format!("CREATE ROLE host LOGIN PASSWORD '{PASSWORD}'"));
        *running = Arc::downgrade(&server);
        server
    })
}

/// A database that holds nothing yet; it goes with its server.
struct Place {
    folder: tempfile::TempDir,
    _server: Arc<Postgres>,
}

impl Place {
    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// A place that holds nothing yet.
fn place() -> Place {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    server.sql(&format!("CREATE DATABASE {} OWNER host", database(folder.path())));
    Place { folder, _server: server }
}

/// The database that stands for a folder.
fn database(folder: &Path) -> String {
    format!("of_{}", &Digest::of(folder.as_os_str().as_encoded_bytes()).hex()[..16])
}

/// The ledgers of a place.
fn vault(folder: &Path) -> Arc<dyn Vault> {
    Arc::new(reached(server().port, &database(folder)))
}

fn reached(port: u16, database: &str) -> PostgresServer {
    PostgresServer {
        host: "127.0.0.1".to_owned(),
        port,
        database: database.to_owned(),
        user: "host".to_owned(),
        password: Some(PASSWORD.to_owned()),
        tls: None,
        connect_wait: Duration::from_secs(10),
    }
}
