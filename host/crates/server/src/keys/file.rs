//! The file of keys: whole or not at all, for its owner alone.

use std::path::Path;
use std::sync::Arc;

use playbook_files::{read_regular, write_secret};
use playbook_model::{Digest, UnixMs};
use serde::{Deserialize, Serialize};

use super::{Key, KeyRequest, Record, Records};
use crate::error::{Result, ServerError};
use crate::role::Role;

/// The layout that this program writes.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysFile {
    version: u32,
    keys: Vec<KeyRow>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRow {
    id: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    label: String,
    made_at_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at_ms: Option<i64>,
    secret_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_sha256: Option<String>,
}

/// Reads the keys; a row that is not whole is an error, never one key less.
pub(super) fn read(path: &Path) -> Result<Records> {
    let bytes = read_regular(path)?;
    let malformed = |line, column, problem: String| ServerError::KeysMalformed {
        path: path.to_owned(),
        line,
        column,
        problem,
    };
    let file: KeysFile = serde_json::from_slice(&bytes)
        .map_err(|e| malformed(e.line(), e.column(), e.to_string()))?;
    if file.version != VERSION {
        let problem = format!("has version {}, this program knows {VERSION}", file.version);
        return Err(malformed(1, 0, problem));
    }
    let mut records = Records::new();
    for row in file.keys {
        let id = row.id.clone();
        let told = |problem: &str| malformed(1, 0, format!("the key `{id}` {problem}"));
        let record = record(row).ok_or_else(|| {
            told("has a digest that is none, or a brand that does not go with its role")
        })?;
        if records.insert(id.clone(), Arc::new(record)).is_some() {
            return Err(told("stands there twice"));
        }
    }
    Ok(records)
}

/// Writes the keys in place of those that stand there.
pub(super) fn write(path: &Path, records: &Records) -> Result<()> {
    let keys = records.values().map(|record| row(record)).collect();
    let file = KeysFile { version: VERSION, keys };
    let mut bytes = serde_json::to_vec_pretty(&file).expect("texts and numbers are JSON");
    bytes.push(b'\n');
    Ok(write_secret(path, &bytes)?)
}

fn record(row: KeyRow) -> Option<Record> {
    if row.role.is_of_a_brand() != row.brand.is_some() {
        return None;
    }
    let request = match row.request_sha256 {
        Some(text) => Some(KeyRequest(Digest::from_hex(&text)?)),
        None => None,
    };
    let key = Key {
        id: row.id,
        role: row.role,
        brand: row.brand.map(Into::into),
        label: row.label,
        made_at: UnixMs(row.made_at_ms),
        revoked_at: row.revoked_at_ms.map(UnixMs),
    };
    Some(Record { key: Arc::new(key), secret: Digest::from_hex(&row.secret_sha256)?, request })
}

fn row(record: &Record) -> KeyRow {
    let key = &record.key;
    KeyRow {
        id: key.id.clone(),
        role: key.role,
        brand: key.brand.as_deref().map(str::to_owned),
        label: key.label.clone(),
        made_at_ms: key.made_at.0,
        revoked_at_ms: key.revoked_at.map(|at| at.0),
        secret_sha256: record.secret.hex(),
        request_sha256: record.request.map(|request| request.0.hex()),
    }
}
