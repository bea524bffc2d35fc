//! What a host may set of its service, with the values that hold when it sets nothing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderMap;
use tracing::Span;

use crate::error::{Result, ServerError};
use crate::tls::Certificate;

/// The least room for headers that the HTTP/1 parser takes.
const HEADER_BYTES_LEAST: usize = 8_192;

/// All settings of the service.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where it listens, and how.
    pub listen: Listen,
    /// Bounds of connections.
    pub connections: ConnectionLimits,
    /// Bounds of what clients send.
    pub bodies: BodyLimits,
    /// Bounds of how often clients call.
    pub rates: Rates,
    /// Gives the span of a request the parent that its headers name; `None`: it has none.
    pub parent: Option<fn(&HeaderMap, &Span)>,
}

impl Settings {
    /// Checks everything that can be known before anything is listened on.
    ///
    /// # Errors
    /// Where a setting cannot be kept, plain HTTP would be spoken beyond loopback, or the certificate cannot be used.
    pub fn check(&self) -> Result<()> {
        let address = self.listen.address;
        let is_plain = self.listen.tls.is_none();
        if is_plain && !address.ip().is_loopback() && !self.listen.plain_beyond_loopback {
            return Err(ServerError::PlainBeyondLoopback { address });
        }
        let connections = &self.connections;
        let own =
            self.rates.own.values().map(|rate| ("rates.own.in_flight_max", rate.in_flight_max, 1));
        let least = [
            ("connections.open_max", connections.open_max, 1),
            ("connections.header_bytes_max", connections.header_bytes_max, HEADER_BYTES_LEAST),
            ("connections.headers_max", connections.headers_max, 1),
            ("connections.streams_max", connections.streams_max as usize, 1),
            ("rates.key.in_flight_max", self.rates.key.in_flight_max, 1),
            ("rates.brand.in_flight_max", self.rates.brand.in_flight_max, 1),
        ];
        let too_small = least.into_iter().chain(own).find(|(_, found, least)| found < least);
        if let Some((setting, found, least)) = too_small {
            return Err(ServerError::Setting { setting, found, least });
        }
        self.listen.tls.as_ref().map(Certificate::open).transpose().map(drop)
    }
}

/// Where the service listens, and how.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Address and port; port 0 takes a free one.
    pub address: SocketAddr,
    /// Certificate and key; without them the service speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// How often they are looked at: renewed files are taken up while the service runs.
    pub tls_look: Duration,
    /// Whether plain HTTP may be spoken beyond loopback: keys then cross the network in clear, so something in front has to
    /// speak TLS.
    pub plain_beyond_loopback: bool,
}

/// The files of a certificate, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Bounds of connections.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Connections that are served at once.
    pub open_max: usize,
    /// Connections that wait for one of these to end; further ones are answered 503 at once.
    pub waiting_max: usize,
    /// How long one waits before it is answered 503.
    pub wait: Duration,
    /// How long a client may take for the headers of a request, and for a TLS handshake.
    pub header_read: Duration,
    /// How long a connection may stand without a request.
    pub idle: Duration,
    /// How long a client may take no byte of an answer.
    pub write_stall: Duration,
    /// Bytes of all headers of a request, with its path; at least 8,192.
    pub header_bytes_max: usize,
    /// Headers of a request.
    pub headers_max: usize,
    /// Requests at once in one HTTP/2 connection.
    pub streams_max: u32,
}

/// Bounds of request bodies.
#[derive(Debug, Clone)]
pub struct BodyLimits {
    /// Bytes of a body.
    pub bytes_max: u64,
    /// How long a client may send nothing in the middle of a body.
    pub stall: Duration,
    /// How long a client may take for a whole body.
    pub whole: Duration,
}

/// Bounds of how often clients call.
#[derive(Debug, Clone, Default)]
pub struct Rates {
    /// For each key.
    pub key: Rate,
    /// For each brand, over all of its keys.
    pub brand: Rate,
    /// For brands with a rate of their own, by name.
    pub own: BTreeMap<String, Rate>,
}

/// How often, and how much at once.
#[derive(Debug, Clone)]
pub struct Rate {
    /// Requests a second, in the long run.
    pub per_second: NonZeroU32,
    /// Requests that may come at once after a silence.
    pub burst: NonZeroU32,
    /// Requests in flight.
    pub in_flight_max: usize,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8750),
            tls: None,
            tls_look: Duration::from_secs(10),
            plain_beyond_loopback: false,
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            open_max: 4_096,
            waiting_max: 1_024,
            wait: Duration::from_secs(2),
            header_read: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write_stall: Duration::from_secs(30),
            header_bytes_max: 16 * 1_024,
            headers_max: 64,
            streams_max: 128,
        }
    }
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { bytes_max: 1 << 20, stall: Duration::from_secs(10), whole: Duration::from_secs(60) }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            per_second: const { NonZeroU32::new(10_000).expect("it is not zero") },
            burst: const { NonZeroU32::new(20_000).expect("it is not zero") },
            in_flight_max: 512,
        }
    }
}
