//! Where a host reaches out to: databases and object stores that the platform team declared by name.

use std::path::PathBuf;

/// A place that playbooks of some brands may name; nothing of it stands in a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Name by which playbooks know it.
    pub name: String,
    /// Brands whose playbooks may name it; `*` stands for all.
    pub brands: Vec<String>,
    /// Where it leads.
    pub kind: ConnectionKind,
    /// Whether results may be delivered there.
    pub delivers: bool,
    /// Longest wait for a connection.
    pub connect_ms_max: u64,
    /// Longest time that one source may take, or one delivery.
    pub time_ms_max: u64,
    /// Most bytes that one source may give.
    pub bytes_max: u64,
}

impl Connection {
    /// Whether a brand's playbooks may name it.
    #[must_use]
    pub fn serves(&self, brand: &str) -> bool {
        self.brands.iter().any(|known| known == brand || known == "*")
    }
}

/// Where a connection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionKind {
    /// A PostgreSQL server.
    Postgres(DatabaseServer),
    /// A MySQL or MariaDB server.
    MySql(DatabaseServer),
    /// A part of an object store, or of a web server.
    Objects(ObjectPlace),
}

/// A database on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseServer {
    /// Name or address; for PostgreSQL also the folder of a socket.
    pub host: String,
    /// Port; `None`: the usual one.
    pub port: Option<u16>,
    /// Database.
    pub database: String,
    /// Who connects; a user that may only read what brands may see.
    pub user: String,
    /// Where the password is.
    pub password: Option<SecretRef>,
    /// How the way there is kept private.
    pub tls: Tls,
}

/// A part of an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPlace {
    /// `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or `https://host/folder`.
    pub address: String,
    /// Address of a server that speaks the store's protocol; `None`: the provider's.
    pub endpoint: Option<String>,
    /// Region of an S3 bucket.
    pub region: Option<String>,
    /// Id of the S3 access key, or name of the Azure account.
    pub account: Option<SecretRef>,
    /// S3 secret key, Azure account key, or the token of a web server.
    pub secret: Option<SecretRef>,
    /// File with the key of a Google service account.
    pub service_account: Option<PathBuf>,
    /// How the way there is kept private.
    pub tls: Tls,
}

/// How the way to a server is kept private.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tls {
    /// TLS, the server's certificate checked against those of the system.
    #[default]
    System,
    /// TLS, the certificate checked against those of this file alone.
    Only(PathBuf),
    /// Nothing is encrypted.
    Off,
}

/// Where a secret is; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file; its last line end is no part of the secret.
    File(PathBuf),
    /// No secret: a name that may stand in the file.
    Plain(String),
}
