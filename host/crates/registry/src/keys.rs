//! Keys that sign artefacts: ed25519, secret ones as PKCS#8 in files for their owner alone, public ones as a line of text.

use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use playbook_files::{FileError, read_regular, write_new, write_secret_once};
use playbook_model::Digest;

use crate::{RegistryError, Result};

/// What a public key's text begins with.
const PREFIX: &str = "ed25519:";
/// What a public key must be, for messages.
const FORM: &str =
    "expected `ed25519:` and 64 hexadecimal digits, as `playbook plugin keygen` prints them";

/// A key that others check signatures with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads the text of a key; `place` is where it was written.
    ///
    /// # Errors
    /// [`RegistryError::BadKey`] where it is none.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let bad = |why: &str| RegistryError::BadKey {
            place: place.to_owned(),
            what: "public key",
            why: why.to_owned(),
        };
        if text.contains("PRIVATE KEY") {
            return Err(bad(
                "it is a secret one; its public key stands in the file that ends in .pub",
            ));
        }
        let hex = text.trim().strip_prefix(PREFIX).ok_or_else(|| bad(FORM))?;
        let Digest(bytes) = Digest::from_hex(hex).ok_or_else(|| bad(FORM))?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| bad("no such key exists"))?;
        // With such a key anything verifies.
        if key.is_weak() { Err(bad("such a key protects nothing")) } else { Ok(Self(key)) }
    }

    /// Reads the file that [`SecretKey::generate`] wrote beside the secret key.
    ///
    /// # Errors
    /// A file that cannot be read, or holds no key.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_regular(path)?;
        Self::parse(&String::from_utf8_lossy(&bytes), &format!("`{}`", path.display()))
    }

    /// Whether it made a signature of a message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", Digest(self.0.to_bytes()).hex())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A key that signs. Nothing shows it; it is wiped from memory when it is dropped.
#[derive(Debug)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// Makes a key and writes it to `path`, for its owner alone, and its public key beside it with the ending `.pub`.
    ///
    /// # Errors
    /// [`RegistryError::KeyThere`] where either file is there; a folder that cannot be written.
    pub fn generate(path: &Path) -> Result<(Self, PathBuf)> {
        let public = beside(path);
        for there in [path, &public] {
            if there.symlink_metadata().is_ok() {
                return Err(RegistryError::KeyThere { path: there.to_owned() });
            }
        }
        let mut seed = [0; 32];
        let no_entropy = |error: getrandom::Error| io::Error::other(error.to_string());
        getrandom::fill(&mut seed)
            .map_err(no_entropy)
            .map_err(FileError::of("draw a key for", path))?;
        let key = Self(SigningKey::from_bytes(&seed));
        // Without the public key in it, which older readers of PKCS#8 do not know.
        let pair = KeypairBytes { secret_key: seed, public_key: None };
        let text = pair.to_pkcs8_pem(LineEnding::LF).expect("32 bytes always have this form");
        if !write_secret_once(path, text.as_bytes())? {
            return Err(RegistryError::KeyThere { path: path.to_owned() });
        }
        if !write_new(&public, format!("{}\n", key.public()).as_bytes())? {
            return Err(RegistryError::KeyThere { path: public });
        }
        Ok((key, public))
    }

    /// Reads a key that its owner alone may read: PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` makes it too.
    ///
    /// # Errors
    /// A file that cannot be read, that others may read, or that holds no such key.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_regular(path)?;
        let text = String::from_utf8_lossy(&bytes);
        let bad = |why: &str| RegistryError::BadKey {
            place: format!("`{}`", path.display()),
            what: "secret key",
            why: why.to_owned(),
        };
        if text.trim().starts_with(PREFIX) {
            return Err(bad("it is a public one; the secret key stands in the file without .pub"));
        }
        let found = std::fs::metadata(path).map_err(FileError::of("read", path))?;
        if found.permissions().mode() & 0o077 != 0 {
            return Err(RegistryError::OpenKey { path: path.to_owned() });
        }
        let why = match text.contains("ENCRYPTED") {
            true => "it is encrypted, which is not read; `openssl pkey` decrypts it",
            false => "expected an ed25519 key as `playbook plugin keygen` writes it (PKCS#8, PEM)",
        };
        SigningKey::from_pkcs8_pem(&text).map(Self).map_err(|_| bad(why))
    }

    /// The key that others check its signatures with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Where the public key of a secret one stands.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::{PublicKey, SecretKey};
    use crate::RegistryError;

    #[test]
    fn a_key_is_for_its_owner_alone_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("acme.key");
        let (key, public) = SecretKey::generate(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(PublicKey::read(&public).unwrap(), key.public());
        assert_eq!(SecretKey::read(&path).unwrap().public(), key.public());
        let there = SecretKey::generate(&path).unwrap_err();
        assert!(matches!(there, RegistryError::KeyThere { .. }), "{there}");
        fs::remove_file(&path).unwrap();
        let there = SecretKey::generate(&path).unwrap_err().to_string();
        assert!(there.contains("acme.key.pub"), "{there}");
        assert!(!path.exists());
    }

    #[test]
    fn a_key_that_others_may_read_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("acme.key");
        SecretKey::generate(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let told = SecretKey::read(&path).unwrap_err().to_string();
        assert!(told.contains("chmod 600"), "{told}");
    }

    #[test]
    fn no_text_shows_a_secret_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("acme.key");
        let (key, _) = SecretKey::generate(&path).unwrap();
        let seed = playbook_model::Digest(key.0.to_bytes()).hex();
        assert!(!format!("{key:?}").contains(&seed));
        assert_eq!(key.public().to_string().len(), "ed25519:".len() + 64);
    }

    #[test]
    fn what_is_no_key_is_told_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        let (_, public) = SecretKey::generate(&path).unwrap();
        let secret = fs::read_to_string(&path).unwrap();
        let told = SecretKey::read(&public).unwrap_err().to_string();
        assert!(told.contains("is no secret key: it is a public one"), "{told}");
        let identity = format!("ed25519:01{}", "00".repeat(31));
        for (text, what) in [
            (secret.as_str(), "it is a secret one"),
            ("", "64 hexadecimal digits"),
            ("ed25519:12", "64 hexadecimal digits"),
            (identity.as_str(), "protects nothing"),
        ] {
            let told = PublicKey::parse(text, "`keys`").unwrap_err().to_string();
            assert!(told.starts_with("`keys` is no public key: ") && told.contains(what), "{told}");
            assert!(!told.contains("BEGIN"), "{told}");
        }
    }

    #[test]
    fn openssl_reads_the_keys_and_checks_the_signatures() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let (key, _) = SecretKey::generate(&at("a.key")).unwrap();
        fs::write(at("message"), b"bytes").unwrap();
        fs::write(at("signature"), key.sign(b"bytes")).unwrap();
        let run = |line: &str| {
            let mut call = Command::new("openssl");
            let done = call.args(line.split(' ')).current_dir(dir.path()).output().unwrap();
            assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
        };
        run("pkey -in a.key -pubout -out a.pem");
        run("pkeyutl -verify -pubin -inkey a.pem -rawin -in message -sigfile signature");
        // And the other way round.
        run("genpkey -algorithm ed25519 -out b.key");
        fs::set_permissions(at("b.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let other = SecretKey::read(&at("b.key")).unwrap();
        run("pkeyutl -sign -inkey b.key -rawin -in message -out signature");
        let signature = fs::read(at("signature")).unwrap().try_into().unwrap();
        assert!(other.public().verifies(b"bytes", &signature));
        assert!(!other.public().verifies(b"other bytes", &signature));
        assert!(!key.public().verifies(b"bytes", &signature));
    }
}
