//! Keys: who calls. Made, listed and revoked here, and kept in one file of the data folder.

mod file;
mod secret;

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use playbook_files::FileError;
use playbook_model::{Digest, UnixMs};

pub use self::secret::Secret;
use crate::error::{Result, ServerError};
use crate::role::Role;

/// Keys that may be in use at once.
const KEYS_MAX: usize = 10_000;
/// Revoked keys that are remembered; the ones revoked first are forgotten first.
const REVOKED_MAX: usize = 10_000;
/// Letters of what a key is for.
const LABEL_LETTERS_MAX: usize = 100;

/// A key as everybody may see it who may see keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Middle part of the key's text, 16 letters.
    pub id: String,
    /// What its holder is.
    pub role: Role,
    /// The brand it is for; none for a platform admin.
    pub brand: Option<Arc<str>>,
    /// What it is for, in its maker's words.
    pub label: String,
    /// When it was made.
    pub made_at: UnixMs,
    /// When it was revoked; none while it is in use.
    pub revoked_at: Option<UnixMs>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What its holder is.
    pub role: Role,
    /// The brand it is for; none for a platform admin.
    pub brand: Option<String>,
    /// What it is for, at most 100 letters.
    pub label: String,
}

/// The request that asks for a key, so that its repetition makes no second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRequest(Digest);

impl KeyRequest {
    /// The request of a caller under an idempotency key.
    #[must_use]
    pub fn of(caller: &str, idempotency_key: &str) -> Self {
        Self(Digest::of_parts([caller.as_bytes(), idempotency_key.as_bytes()]))
    }
}

/// A key with what is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    key: Arc<Key>,
    /// SHA-256 of the secret. Slow hashes are for words that people choose: nobody can guess 256 random bits, however fast
    /// each guess is, and a slow hash would only let strangers spend the host's time.
    secret: Digest,
    /// The request that made it, where there was one.
    request: Option<KeyRequest>,
}

type Records = BTreeMap<String, Arc<Record>>;

/// The keys of a host. One process keeps those of a data folder at a time.
#[derive(Debug)]
pub struct KeyStore {
    path: PathBuf,
    /// Replaced as a whole, so a reader that panicked left it as it was.
    records: RwLock<Arc<Records>>,
    /// Held while keys change: what is in memory is what stands in the file.
    changing: Mutex<()>,
    /// Locked as long as this lives.
    _lock: File,
}

/// Keys that were opened.
#[derive(Debug)]
pub struct OpenedKeys {
    /// The keys.
    pub store: KeyStore,
    /// The first start made this key of a platform admin; it is shown now or never.
    pub first: Option<Secret>,
}

impl KeyStore {
    /// Opens the keys of a data folder, which is there. Where there are none yet, makes one for a platform admin.
    ///
    /// # Errors
    /// Where the file cannot be read or written, holds something else, or another process keeps the keys.
    pub fn open(folder: &Path) -> Result<OpenedKeys> {
        let lock = lock_data(folder)?;
        let path = folder.join("keys.json");
        let absent = !path.try_exists().map_err(FileError::of("read", &path))?;
        let (records, first) = if absent {
            let new =
                NewKey { role: Role::PlatformAdmin, brand: None, label: "first start".to_owned() };
            let (record, secret) = made(new, None)?;
            let records = Records::from([(record.key.id.clone(), Arc::new(record))]);
            file::write(&path, &records)?;
            (records, Some(secret))
        } else {
            (file::read(&path)?, None)
        };
        let records = RwLock::new(Arc::new(records));
        let store = Self { path, records, changing: Mutex::new(()), _lock: lock };
        Ok(OpenedKeys { store, first })
    }

    /// The key in use whose text was presented, if it is one of these.
    #[must_use]
    pub fn authenticate(&self, presented: &str) -> Option<Arc<Key>> {
        let (id, secret) = secret::parts(presented)?;
        let record = Arc::clone(self.read().get(id)?);
        let same = secret::same(&record.secret, &secret);
        (same && record.key.revoked_at.is_none()).then(|| Arc::clone(&record.key))
    }

    /// The key of an id, where it is in use.
    #[must_use]
    pub fn in_use(&self, id: &str) -> Option<Arc<Key>> {
        let record = Arc::clone(self.read().get(id)?);
        record.key.revoked_at.is_none().then(|| Arc::clone(&record.key))
    }

    /// At most `limit` keys with ids after `after`, ascending by id, revoked ones among them.
    #[must_use]
    pub fn list(&self, after: Option<&str>, limit: usize) -> Vec<Key> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let records = self.read();
        let keys = records.range::<str, _>((from, Bound::Unbounded)).take(limit);
        keys.map(|(_, record)| Key::clone(&record.key)).collect()
    }

    /// Makes a key. Its secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// Where the key cannot be, the request made one before, there are too many, or the file cannot be written; then
    /// nothing changed.
    pub fn create(&self, new: NewKey, request: Option<KeyRequest>) -> Result<(Key, Secret)> {
        check(&new)?;
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.current();
        if let Some(before) = request.and_then(|request| made_by(&now, request)) {
            let id = before.key.id.clone();
            let same = before.key.role == new.role
                && before.key.brand.as_deref() == new.brand.as_deref()
                && before.key.label == new.label;
            return Err(match same {
                true => ServerError::MadeBefore { id },
                false => ServerError::OnceReused { id },
            });
        }
        if in_use(&now).count() >= KEYS_MAX {
            return Err(ServerError::TooManyKeys { max: KEYS_MAX });
        }
        let (record, secret) = made(new, request)?;
        let key = Key::clone(&record.key);
        let mut next = Records::clone(&now);
        next.insert(key.id.clone(), Arc::new(record));
        self.replace(next)?;
        drop(changing);
        tracing::info!(
            key = key.id,
            role = key.role.name(),
            brand = key.brand.as_deref(),
            "key made"
        );
        Ok((key, secret))
    }

    /// Ends a key. One that was ended before stays so, and that is no error.
    ///
    /// # Errors
    /// Where there is no such key, no admin would be left, or the file cannot be written; then nothing changed.
    pub fn revoke(&self, id: &str) -> Result<()> {
        let changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.current();
        let Some(record) = now.get(id) else {
            return Err(ServerError::NoKey { id: id.to_owned() });
        };
        if record.key.revoked_at.is_some() {
            return Ok(());
        }
        let is_admin = |key: &Key| key.role == Role::PlatformAdmin;
        if is_admin(&record.key) && in_use(&now).filter(|key| is_admin(key)).count() == 1 {
            return Err(ServerError::LastAdminKey { id: id.to_owned() });
        }
        let mut ended = Record::clone(record);
        Arc::make_mut(&mut ended.key).revoked_at = Some(clock());
        let mut next = Records::clone(&now);
        next.insert(id.to_owned(), Arc::new(ended));
        forget(&mut next);
        self.replace(next)?;
        drop(changing);
        tracing::info!(key = id, "key revoked");
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Arc<Records>> {
        self.records.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Arc<Records> {
        Arc::clone(&self.read())
    }

    /// Writes keys, then uses them.
    fn replace(&self, next: Records) -> Result<()> {
        file::write(&self.path, &next)?;
        *self.records.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }
}

/// Holds the data folder `folder` for this process, as long as the file lives.
///
/// # Errors
/// [`ServerError::KeysInUse`] where a service runs over it.
pub fn lock_data(folder: &Path) -> Result<File> {
    let path = folder.join("keys.lock");
    let fault = || FileError::of("lock", &path);
    let file = File::options().create(true).append(true).open(&path).map_err(fault())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(ServerError::KeysInUse { folder: folder.to_owned() })
        }
        Err(std::fs::TryLockError::Error(e)) => Err(fault()(e).into()),
    }
}

fn in_use(records: &Records) -> impl Iterator<Item = &Key> {
    records.values().map(|record| record.key.as_ref()).filter(|key| key.revoked_at.is_none())
}

fn made_by(records: &Records, request: KeyRequest) -> Option<&Record> {
    records.values().find(|record| record.request == Some(request)).map(AsRef::as_ref)
}

/// Removes the keys that were revoked first, where too many are remembered.
fn forget(records: &mut Records) {
    let ended = |record: &Arc<Record>| Some((record.key.revoked_at?, record.key.id.clone()));
    let mut revoked: Vec<_> = records.values().filter_map(ended).collect();
    revoked.sort_unstable();
    let too_many = revoked.len().saturating_sub(REVOKED_MAX);
    for (_, id) in revoked.drain(..too_many) {
        records.remove(&id);
    }
}

fn check(new: &NewKey) -> Result<()> {
    let refuse = |field, problem: String| Err(ServerError::KeyRefused { field, problem });
    let role = new.role.name();
    match &new.brand {
        None if new.role.is_of_a_brand() => {
            return refuse("brand", format!("a key of the role {role} names its brand"));
        }
        Some(_) if !new.role.is_of_a_brand() => {
            return refuse(
                "brand",
                format!("a key of the role {role} is for the whole host and names no brand"),
            );
        }
        _ => {}
    }
    let letters = new.label.chars().count();
    if letters > LABEL_LETTERS_MAX {
        return refuse(
            "label",
            format!("has {letters} letters, at most {LABEL_LETTERS_MAX} are kept"),
        );
    }
    if new.label.chars().any(playbook_model::steers) {
        return refuse("label", "has letters that are not shown as themselves".to_owned());
    }
    Ok(())
}

fn made(new: NewKey, request: Option<KeyRequest>) -> Result<(Record, Secret)> {
    let (secret, id) = Secret::new()?;
    let key = Key {
        id,
        role: new.role,
        brand: new.brand.map(Into::into),
        label: new.label,
        made_at: clock(),
        revoked_at: None,
    };
    Ok((Record { key: Arc::new(key), secret: secret.digest(), request }, secret))
}

fn clock() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
