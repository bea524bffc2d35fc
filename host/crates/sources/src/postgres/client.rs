//! The way to a PostgreSQL server.

use std::time::Duration;

use playbook_model::{Connection, DatabaseServer, Tls};
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::said;
use crate::reach::{Bound, within};
use crate::secret::secret;
use crate::{Result, SourcesError, tls};

pub(super) const PORT: u16 = 5432;
/// After which silence of the line the system asks whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connects; the connection lives as long as the client.
pub(super) async fn connect(connection: &Connection, server: &DatabaseServer) -> Result<Client> {
    let port = server.port.unwrap_or(PORT);
    let is_socket = server.host.starts_with('/');
    let mut config = Config::new();
    config
        .host(&server.host)
        .port(port)
        .dbname(&server.database)
        .user(&server.user)
        .application_name("playbook")
        .keepalives_idle(KEEPALIVE)
        .tcp_user_timeout(2 * KEEPALIVE)
        .connect_timeout(Duration::from_millis(connection.connect_ms_max));
    if let Some(place) = &server.password {
        config.password(secret(connection, place)?.told());
    }
    let refused = |source: tokio_postgres::Error| SourcesError::Connect {
        connection: connection.name.clone(),
        server: format!("PostgreSQL at {}:{port}", server.host),
        source: said(&source),
    };
    let connecting = async {
        if is_socket || server.tls == Tls::Off {
            config.ssl_mode(SslMode::Disable);
            let (client, line) = config.connect(NoTls).await.map_err(refused)?;
            tokio::spawn(line);
            return Ok(client);
        }
        config.ssl_mode(SslMode::Require);
        let tls = MakeRustlsConnect::new(tls::client_config(connection, &server.tls)?);
        let (client, line) = config.connect(tls).await.map_err(refused)?;
        tokio::spawn(line);
        Ok(client)
    };
    within(connection, Bound::Connecting, "connecting to PostgreSQL", connecting).await
}
