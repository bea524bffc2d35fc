//! Why the service cannot start, or cannot keep its keys.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use playbook_files::FileError;

/// What starting the service or changing its keys comes to.
pub type Result<T, E = ServerError> = std::result::Result<T, E>;

/// Why the service cannot start, or cannot keep its keys. These texts are for the host; clients are told codes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Keys would cross a network in clear.
    #[error("`{address}` is reached from other machines, and there is no certificate")]
    PlainBeyondLoopback {
        /// Where it should have listened.
        address: SocketAddr,
    },
    /// The address is not this machine's, or taken.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// Where it should have listened.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A certificate or key file without what it should hold.
    #[error("`{}` holds no {expected} in PEM", path.display())]
    NotPem {
        /// Which.
        path: PathBuf,
        /// "certificate" or "private key".
        expected: &'static str,
    },
    /// Certificate and key cannot be used together.
    #[error("the certificate `{}` cannot be used with the key `{}`", certificate.display(), key.display())]
    Certificate {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// A limit that the HTTP implementation cannot keep.
    #[error("`{setting}` is {found}, at least {least} is needed")]
    Setting {
        /// Which.
        setting: &'static str,
        /// Its value.
        found: usize,
        /// The least value.
        least: usize,
    },
    /// The file of keys holds something else.
    #[error("`{}` is no file of keys, at line {line}, column {column}: {problem}", path.display())]
    KeysMalformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1; 0 where the whole line is meant.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// Another process keeps the keys of this folder.
    #[error("the keys in `{}` are kept by another process", folder.display())]
    KeysInUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// There is no such key, or it was revoked and forgotten.
    #[error("there is no key `{id}`")]
    NoKey {
        /// What was asked for.
        id: String,
    },
    /// Nobody could make keys any more.
    #[error("`{id}` is the last key of a platform admin")]
    LastAdminKey {
        /// The key.
        id: String,
    },
    /// A bound of the file of keys.
    #[error("there are {max} keys, no more are kept")]
    TooManyKeys {
        /// How many there may be.
        max: usize,
    },
    /// A key was asked for that cannot be.
    #[error("`{field}`: {problem}")]
    KeyRefused {
        /// Which field of the request.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The same request was carried out before, and its secret is not kept.
    #[error("this request made the key `{id}` before")]
    MadeBefore {
        /// The key.
        id: String,
    },
    /// An idempotency key that stood for another request.
    #[error("this idempotency key made the key `{id}` of another kind before")]
    OnceReused {
        /// The key.
        id: String,
    },
    /// The system gives no random bits.
    #[error("the system gives no random bits: {0}")]
    Random(getrandom::Error),
    /// The system gives no threads.
    #[error("cannot start the threads of the service")]
    Threads(#[source] io::Error),
    /// Routes and the table of operations do not agree: a fault of the program.
    #[error("routes and the table of operations disagree: {0}")]
    Operations(String),
}

impl ServerError {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::PlainBeyondLoopback { .. } => {
                "give a certificate and its key, listen on 127.0.0.1, or allow plain HTTP where something in front speaks TLS"
            }
            Self::Listen { .. } => {
                "choose an address of this machine and a port that nothing else uses"
            }
            Self::NotPem { .. } => "give a file with a block that starts with `-----BEGIN`",
            Self::Certificate { .. } => "give the key that the certificate was made for",
            Self::KeysMalformed { .. } => {
                "bring the file back from a backup; without it a new admin key is made and all other keys end"
            }
            Self::KeysInUse { .. } => {
                "stop the other process, or give this one a data folder of its own"
            }
            Self::LastAdminKey { .. } => "make another admin key first",
            Self::TooManyKeys { .. } => "revoke keys that nobody uses",
            _ => return None,
        })
    }
}
