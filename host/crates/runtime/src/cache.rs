//! Compiled code on disk, authenticated with a key of the host's own.
//!
//! Compiled code is machine code: whoever can forge it runs code in this process. So every file carries an
//! HMAC-SHA256 over its component's digest, the engine's settings and its bytes; what does not verify
//! is compiled again. This is the only module with an unsafe call.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use playbook_files::{write_secret_once, write_whole};
use playbook_model::Digest;
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::RuntimeError;

const MAGIC: &[u8; 8] = b"PBCODE01";
const TAG_BYTES: usize = 32;
const KEY_BYTES: usize = 32;
const KEY_FILE: &str = "compiled-code.key";

/// Compiled code on disk.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
}

/// Which compiled code: of what component, for what engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CodeId {
    pub(crate) component: Digest,
    pub(crate) settings: Digest,
}

impl Cache {
    /// Opens the cache; makes folders and key where absent.
    pub(crate) fn open(folder: &Path, key_folder: &Path) -> Result<Self, RuntimeError> {
        fs::create_dir_all(folder).map_err(|e| fault("create", folder, e))?;
        let key = read_or_make_key(key_folder)?;
        Ok(Self { folder: folder.to_owned(), key })
    }

    /// Returns the stored code, `None` where there is none that verifies and fits the engine.
    pub(crate) fn load(&self, engine: &Engine, id: CodeId) -> Option<Component> {
        let path = self.path(id);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return None,
            Err(e) => {
                tracing::warn!(path = %path.display(), error = %e, "compiled code cannot be read; compiling again");
                return None;
            }
        };
        let Some(code) = self.verified(id, &bytes) else {
            tracing::warn!(path = %path.display(), "compiled code does not verify; compiling again");
            return None;
        };
        match instantiable(engine, code) {
            Ok(component) => Some(component),
            Err(e) => {
                tracing::warn!(path = %path.display(), error = %format!("{e:#}"), "compiled code does not fit; compiling again");
                None
            }
        }
    }

    /// Stores code that this process or its own compiling child has just made, and returns it ready for use.
    pub(crate) fn store(
        &self,
        engine: &Engine,
        id: CodeId,
        code: &[u8],
    ) -> Result<Component, RuntimeError> {
        let component = instantiable(engine, code)
            .map_err(|e| RuntimeError::Engine { detail: format!("{e:#}") })?;
        let path = self.path(id);
        let tag = self.tag(id, code).finalize().into_bytes();
        if let Err(e) = write_whole(&path, &[MAGIC.as_slice(), &tag, code].concat()) {
            // The cache only saves time: a full disk must not stop the plugin.
            tracing::warn!(path = %path.display(), error = %e.source, "compiled code cannot be stored");
        }
        Ok(component)
    }

    /// File of some code.
    pub(crate) fn path(&self, id: CodeId) -> PathBuf {
        self.folder.join(format!("{}-{}.bin", id.component.hex(), &id.settings.hex()[..16]))
    }

    fn verified<'a>(&self, id: CodeId, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (tag, code) = rest.split_at_checked(TAG_BYTES)?;
        self.tag(id, code).verify_slice(tag).ok()?;
        Some(code)
    }

    fn tag(&self, id: CodeId, code: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(MAGIC);
        mac.update(&id.component.0);
        mac.update(&id.settings.0);
        mac.update(code);
        mac
    }
}

/// Makes compiled code ready for use.
#[expect(
    unsafe_code,
    reason = "wasmtime cannot check that compiled code was compiled; the callers can"
)]
fn instantiable(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` is machine code that a wasmtime of this very build made from a validated component. The
    // callers hold to that: `load` passes only bytes whose HMAC under this host's secret key verifies in memory,
    // and only `store` makes such tags; `store` passes what `Engine::precompile_component` returned in this process,
    // or in a child process that is our own program and handed the bytes over a private pipe.
    unsafe { Component::deserialize(engine, code) }
}

fn fault(doing: &'static str, path: &Path, source: io::Error) -> RuntimeError {
    RuntimeError::Io { doing, path: path.to_owned(), source }
}

/// Reads the key, making it first where there is none.
fn read_or_make_key(folder: &Path) -> Result<[u8; KEY_BYTES], RuntimeError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| fault("create", folder, e))?;
    let path = folder.join(KEY_FILE);
    match read_key(&path)? {
        Some(key) => Ok(key),
        None => {
            make_key(&path)?;
            read_key(&path)?.ok_or(RuntimeError::Key { path, detail: "vanished" })
        }
    }
}

fn read_key(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, RuntimeError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fault("read", path, e)),
    };
    let facts = file.metadata().map_err(|e| fault("read", path, e))?;
    let wrong = |detail| Err(RuntimeError::Key { path: path.to_owned(), detail });
    if facts.mode() & 0o077 != 0 {
        return wrong("may be read by others: set its mode to 0600, or remove it to get a new one");
    }
    if facts.len() != KEY_BYTES as u64 {
        return wrong("does not hold 32 bytes: remove it to get a new one");
    }
    let mut key = [0; KEY_BYTES];
    file.read_exact(&mut key).map_err(|e| fault("read", path, e))?;
    Ok(Some(key))
}

/// Writes a new key, unless another process has just done so: both then take the one that is there.
fn make_key(path: &Path) -> Result<(), RuntimeError> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|e| RuntimeError::Random { detail: e.to_string() })?;
    write_secret_once(path, &key).map_err(|e| fault(e.doing, &e.path, e.source))?;
    Ok(())
}
