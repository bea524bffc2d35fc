//! Ledgers that several hosts share: a PostgreSQL database, reached over a connection that the platform team declared.

use std::sync::Arc;

use playbook_ledger::Vault;
use playbook_model::ConnectionKind;

use crate::taking::Connections;
use crate::{AppError, Host, Result};

/// The place of ledgers behind a connection of the host.
///
/// # Errors
/// Connections that cannot be read; one that is not declared, that leads to no PostgreSQL, or that playbooks may name;
/// secrets and certificates that are not where it says. The database itself is not asked yet.
pub fn shared_ledgers(host: &Host, connection: &str) -> Result<Arc<dyn Vault>> {
    let refused =
        |why: String| AppError::LedgerConnection { connection: connection.to_owned(), why };
    let known = Connections::read(host)?;
    let found = known.declared(connection);
    let found = found.map_err(|has| refused(format!("the host does not know it; {has}")))?;
    let ConnectionKind::Postgres(server) = &found.kind else {
        return Err(refused("it leads to no PostgreSQL server (`kind = \"postgres\"`)".to_owned()));
    };
    // A query of a playbook would have the rights of who keeps the ledgers of all brands.
    if !found.brands.is_empty() {
        let why =
            "playbooks may name it, and could read the ledgers of all brands; say `brands = []`";
        return Err(refused(why.to_owned()));
    }
    vault(found, server).map_err(|fault| AppError::LedgerAccess(Box::new(fault)))
}

#[cfg(feature = "postgres")]
use self::built::vault;
#[cfg(not(feature = "postgres"))]
use self::not_built::vault;

#[cfg(feature = "postgres")]
mod built {
    use std::sync::Arc;
    use std::time::Duration;

    use playbook_ledger::{PostgresServer, Vault};
    use playbook_model::{Connection, DatabaseServer};
    use playbook_sources::{Access, SourcesError, access};

    pub(super) fn vault(
        connection: &Connection,
        server: &DatabaseServer,
    ) -> Result<Arc<dyn Vault>, SourcesError> {
        let Access { port, password, tls } = access(connection, server)?;
        Ok(Arc::new(PostgresServer {
            host: server.host.clone(),
            port,
            database: server.database.clone(),
            user: server.user.clone(),
            password,
            tls,
            connect_wait: Duration::from_millis(connection.connect_ms_max),
        }))
    }
}

#[cfg(not(feature = "postgres"))]
mod not_built {
    use std::sync::Arc;

    use playbook_ledger::Vault;
    use playbook_model::{Connection, DatabaseServer};
    use playbook_sources::SourcesError;

    pub(super) fn vault(
        _: &Connection,
        _: &DatabaseServer,
    ) -> Result<Arc<dyn Vault>, SourcesError> {
        Err(SourcesError::NotBuilt { what: "PostgreSQL", feature: "postgres" })
    }
}
