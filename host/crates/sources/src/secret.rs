//! Secrets, read where a connection says they are, when they are needed, and kept nowhere.

#![cfg_attr(
    not(any(
        feature = "postgres",
        feature = "mysql",
        feature = "object-store",
        feature = "webhooks"
    )),
    allow(dead_code, reason = "a build without them tells no server a secret")
)]

use std::fmt;
use std::path::Path;

use playbook_files::read_regular;
use playbook_model::{Connection, ConnectionKind, SecretRef};

use crate::{Result, SourcesError};

/// Longest secret that a file may hold; keys of service accounts are files of their own.
const SECRET_BYTES_MAX: usize = 64 << 10;

/// A secret; nothing shows it.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    #[cfg(any(
        feature = "postgres",
        feature = "mysql",
        feature = "object-store",
        feature = "webhooks"
    ))]
    pub(crate) fn told(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Reads a secret of a connection.
pub(crate) fn secret(connection: &Connection, place: &SecretRef) -> Result<Secret> {
    let told = told_at(place).map(|(secret, _)| secret);
    told.map_err(|what| SourcesError::Secret { connection: connection.name.clone(), what })
}

/// Reads a secret; with the words for where it is, or why there is none.
pub(crate) fn told_at(place: &SecretRef) -> std::result::Result<(Secret, String), String> {
    let text = match place {
        SecretRef::Plain(text) => return Ok((Secret(text.clone()), shown(place))),
        SecretRef::Env(name) => std::env::var(name).map_err(|error| {
            let why = match error {
                std::env::VarError::NotPresent => "is not set",
                std::env::VarError::NotUnicode(_) => "is no UTF-8 text",
            };
            format!("the environment variable `{name}` {why}")
        })?,
        SecretRef::File(path) => from_file(path)?,
    };
    if text.is_empty() {
        return Err(format!("{} is empty", shown(place)));
    }
    Ok((Secret(text), shown(place)))
}

fn from_file(path: &Path) -> std::result::Result<String, String> {
    let shown = format!("the file `{}`", path.display());
    let bytes = read_regular(path).map_err(|fault| format!("{shown}: {}", fault.source))?;
    if bytes.len() > SECRET_BYTES_MAX {
        return Err(format!("{shown} is too large for a secret"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is no UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn shown(place: &SecretRef) -> String {
    match place {
        SecretRef::Env(name) => format!("the environment variable `{name}`"),
        SecretRef::File(path) => format!("the file `{}`", path.display()),
        SecretRef::Plain(_) => "the name".to_owned(),
    }
}

/// Checks that all secrets of a connection are where it says.
///
/// # Errors
/// Which one is not.
pub fn check_secrets(connection: &Connection) -> Result<()> {
    let places = match &connection.kind {
        ConnectionKind::Postgres(server) | ConnectionKind::MySql(server) => {
            [server.password.as_ref(), None]
        }
        ConnectionKind::Objects(place) => [place.account.as_ref(), place.secret.as_ref()],
    };
    places.into_iter().flatten().try_for_each(|place| secret(connection, place).map(|_| ()))
}
