//! What a host's platform team says of its service in one file. What is not said stays `None`: the command line or the
//! program's own value holds there.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::SecretRef;

/// The whole file; paths in it start at its folder already.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostFile {
    /// Where the service listens, and how.
    pub listen: HostListen,
    /// Bounds of connections, bodies and rates.
    pub limits: HostLimits,
    /// What is kept, and where.
    pub data: HostData,
    /// Brands to serve, in the order of the file.
    pub brands: Vec<HostBrand>,
    /// What is logged, and how.
    pub log: HostLog,
    /// Where spans go to.
    pub traces: HostTraces,
    /// Who may publish which plugins; `None`: whatever is pinned by its digest is taken.
    pub trust: Option<HostTrust>,
}

/// Who may publish which plugins. What nobody may publish is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostTrust {
    /// Publishers; a plugin may be of several.
    pub publishers: Vec<HostPublisher>,
    /// Names of files of the host that need no signature; `*` stands for any letters.
    pub unsigned: Vec<String>,
}

/// A publisher of plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostPublisher {
    /// Names of its plugins; `*` stands for any letters.
    pub plugins: Vec<String>,
    /// Its public keys, each of which is enough: `ed25519:` and 64 hexadecimal digits.
    pub keys: Vec<String>,
}

/// Where a service listens, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostListen {
    /// Address and port.
    pub address: Option<SocketAddr>,
    /// Certificate and key for TLS, both PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Whether plain HTTP may be spoken beyond loopback.
    pub plain: Option<bool>,
}

/// Bounds of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostLimits {
    /// Connections that are served at once.
    pub connections_max: Option<usize>,
    /// Connections that wait for one of these to end.
    pub waiting_max: Option<usize>,
    /// How long one waits.
    pub wait: Option<Duration>,
    /// How long the headers of a request may take.
    pub header_read: Option<Duration>,
    /// Bytes of all headers of a request.
    pub header_bytes_max: Option<usize>,
    /// Headers of a request.
    pub headers_max: Option<usize>,
    /// Requests at once in one HTTP/2 connection.
    pub streams_max: Option<u32>,
    /// How long a connection may stand without a request.
    pub idle: Option<Duration>,
    /// How long a client may take no byte of an answer.
    pub answer_stall: Option<Duration>,
    /// Bytes of a body.
    pub body_bytes_max: Option<u64>,
    /// How long a client may send nothing in the middle of a body.
    pub body_stall: Option<Duration>,
    /// How long a whole body may take.
    pub body_time: Option<Duration>,
    /// How long requests in flight may take once the service stops.
    pub drain: Option<Duration>,
    /// How often each key may call.
    pub key: HostRate,
    /// How often each brand may be called, over all of its keys.
    pub brand: HostRate,
}

/// How often, and how much at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostRate {
    /// Requests a second, in the long run.
    pub per_second: Option<NonZeroU32>,
    /// Requests that may come at once after a silence.
    pub burst: Option<NonZeroU32>,
    /// Requests in flight.
    pub in_flight_max: Option<usize>,
}

/// What is kept, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostData {
    /// Folder of keys, ledgers and members.
    pub folder: Option<PathBuf>,
    /// Memory of members' records for each brand, in bytes.
    pub records_bytes_max: Option<usize>,
    /// Connection to the database with the ledgers of all brands, if hosts share one.
    pub ledgers: Option<String>,
}

/// A brand to serve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostBrand {
    /// File of its playbook.
    pub playbook: PathBuf,
    /// Memory of its members' records, in bytes.
    pub records_bytes_max: Option<usize>,
    /// How often it may be called, where that is not what holds for each brand.
    pub rate: HostRate,
    /// Where its effects go out to.
    pub webhook: Option<HostWebhook>,
}

/// Where effects of a brand go out to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostWebhook {
    /// Address that messages are posted to.
    pub url: String,
    /// Where the secret is that signs them.
    pub secret: SecretRef,
    /// Certificates that the receiver's must come from, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether it may lead to an address that is not of the public internet.
    pub private: bool,
    /// Longest time of a message.
    pub timeout: Option<Duration>,
    /// Messages on their way at once.
    pub in_flight_max: Option<usize>,
    /// How long an effect is tried.
    pub give_up: Option<Duration>,
    /// Stages whose effects go out; empty: all of them.
    pub stages: Vec<String>,
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostLog {
    /// How an event is written.
    pub format: Option<LogFormat>,
    /// The least that is logged.
    pub level: Option<LogLevel>,
}

/// Where spans go to, as OTLP over HTTP.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostTraces {
    /// Base address of the collector; `None`: spans are not sent.
    pub endpoint: Option<String>,
    /// Share of traces that are sent where nobody upstream has chosen, 0 to 1; `None`: all.
    pub share: Option<f64>,
}

/// How an event of the log is written, on one line either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: an object.
    Json,
}

/// The least that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// What went wrong with the host.
    Error,
    /// What somebody should look at.
    Warn,
    /// What the service does as a whole.
    Info,
    /// Each request.
    Debug,
    /// Everything.
    Trace,
}

impl LogFormat {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl LogLevel {
    /// All of them, the least talkative first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
