//! What a client of somebody else needs to come over a connection.

use std::fmt;

use playbook_model::{Connection, DatabaseServer, Tls};

use super::client::PORT;
use crate::secret::secret;
use crate::{Result, tls};

/// What else than its place lets a client into a PostgreSQL server.
pub struct Access {
    /// Port.
    pub port: u16,
    /// The user's password, where the connection has one.
    pub password: Option<String>,
    /// How TLS is spoken; `None`: nothing is encrypted.
    pub tls: Option<rustls::ClientConfig>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("port", &self.port).finish_non_exhaustive()
    }
}

/// Reads what a connection says of the way to its server.
///
/// # Errors
/// A secret or certificates that are not where it says.
pub fn access(connection: &Connection, server: &DatabaseServer) -> Result<Access> {
    let place = server.password.as_ref();
    let password = place.map(|place| secret(connection, place)).transpose()?;
    let tls = match server.tls {
        Tls::Off => None,
        _ if server.host.starts_with('/') => None,
        _ => Some(tls::client_config(connection, &server.tls)?),
    };
    let password = password.map(|secret| secret.told().to_owned());
    Ok(Access { port: server.port.unwrap_or(PORT), password, tls })
}
