//! The way to a MySQL or MariaDB server.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error, OptsBuilder, SslOpts};
use playbook_model::{Connection, DatabaseServer, Tls};

use crate::error::said;
use crate::reach::{Bound, within};
use crate::secret::secret;
use crate::{Result, SourcesError, tls};

const PORT: u16 = 3306;
/// After which silence of the line the system asks whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Connects, within the connection's bound.
pub(super) async fn connect(connection: &Connection, server: &DatabaseServer) -> Result<Conn> {
    let port = server.port.unwrap_or(PORT);
    let password = match &server.password {
        Some(place) => Some(secret(connection, place)?.told().to_owned()),
        None => None,
    };
    let mut opts = OptsBuilder::default()
        .user(Some(&server.user))
        .pass(password)
        .db_name(Some(&server.database))
        .tcp_keepalive(Some(KEEPALIVE))
        .prefer_socket(false)
        .stmt_cache_size(0);
    opts = if server.host.starts_with('/') {
        opts.socket(Some(&server.host))
    } else {
        opts.ip_or_hostname(&server.host).tcp_port(port)
    };
    if server.tls != Tls::Off && !server.host.starts_with('/') {
        tls::provide();
        let roots = tls::roots(connection, &server.tls)?;
        let roots = roots.iter().map(|root| root.to_vec().into());
        let ssl = SslOpts::default().with_disable_built_in_roots(true);
        opts = opts.ssl_opts(Some(ssl.with_root_certs(roots.collect())));
    }
    let connecting = async {
        Conn::new(opts).await.map_err(|source| SourcesError::Connect {
            connection: connection.name.clone(),
            server: format!("MySQL at {}:{port}", server.host),
            source: said(&source),
        })
    };
    within(connection, Bound::Connecting, "connecting to MySQL", connecting).await
}

/// Bounds each statement of a session, and sets its clock to UTC.
pub(super) async fn bound(connection: &Connection, conn: &mut Conn) -> Result<()> {
    let fault = || answer(connection, "opening a session");
    let version: Option<String> = conn.query_first("SELECT VERSION()").await.map_err(fault())?;
    let ms = connection.time_ms_max;
    // The server stops too, where nobody is left to tell it.
    let bound = match version.is_some_and(|version| version.contains("MariaDB")) {
        true => format!("SET SESSION max_statement_time = {}", ms.div_ceil(1_000)),
        false => format!("SET SESSION max_execution_time = {ms}"),
    };
    conn.query_drop(bound).await.map_err(fault())?;
    conn.query_drop("SET SESSION time_zone = '+00:00'").await.map_err(fault())
}

/// What the server, or the way to it, said.
pub(super) fn answer(
    connection: &Connection,
    doing: &str,
) -> impl FnOnce(Error) -> SourcesError + use<> {
    let (connection, doing) = (connection.name.clone(), doing.to_owned());
    move |source| SourcesError::Answer { connection, doing, source: said(&source) }
}
