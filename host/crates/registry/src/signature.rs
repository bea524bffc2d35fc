//! Detached signatures: who vouches for a manifest, and so for every byte that it names.

use playbook_model::Digest;
use serde::{Deserialize, Serialize};

use crate::{PublicKey, RegistryError, Result, SecretKey};

/// Signatures of one manifest at most.
const SIGNATURES_MAX: usize = 32;

/// What stands under the tag of signatures.
#[derive(Serialize, Deserialize)]
struct File {
    /// The manifest, for people; what counts is what is verified.
    manifest: String,
    signatures: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    key: String,
    signature: String,
}

/// Signatures that verify, of one manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    manifest: Digest,
    entries: Vec<(PublicKey, [u8; 64])>,
    /// Entries that do not verify.
    broken: usize,
}

impl Signatures {
    /// None yet.
    #[must_use]
    pub fn none(manifest: Digest) -> Self {
        Self { manifest, entries: Vec::new(), broken: 0 }
    }

    /// Reads signatures of a manifest; what does not verify is counted and left out.
    pub(crate) fn read(manifest: Digest, bytes: &[u8]) -> Result<Self, String> {
        let file: File = serde_json::from_slice(bytes)
            .map_err(|error| format!("its signatures cannot be read: {error}"))?;
        if file.signatures.len() > SIGNATURES_MAX {
            return Err(format!("it has more than {SIGNATURES_MAX} signatures"));
        }
        let mut read = Self::none(manifest);
        for entry in &file.signatures {
            match verified(manifest, entry) {
                Some(entry) => read.add(entry),
                None => read.broken += 1,
            }
        }
        Ok(read)
    }

    /// The bytes that [`Signatures::read`] takes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let entry = |(key, signature): &(PublicKey, [u8; 64])| Entry {
            key: key.to_string(),
            signature: hex(signature),
        };
        let file = File {
            manifest: format!("sha256:{}", self.manifest),
            signatures: self.entries.iter().map(entry).collect(),
        };
        serde_json::to_vec(&file).expect("texts always have a form in JSON")
    }

    /// Adds the signature of a key; returns whether it was not there.
    ///
    /// # Errors
    /// [`RegistryError::Crowded`] where there is no room for another.
    pub fn sign(&mut self, key: &SecretKey) -> Result<bool> {
        if self.keys().any(|known| known == key.public()) {
            return Ok(false);
        }
        if self.entries.len() == SIGNATURES_MAX {
            return Err(RegistryError::Crowded { signatures_max: SIGNATURES_MAX });
        }
        self.add((key.public(), key.sign(&message(self.manifest))));
        Ok(true)
    }

    fn add(&mut self, entry: (PublicKey, [u8; 64])) {
        self.entries.retain(|(known, _)| *known != entry.0);
        self.entries.push(entry);
    }

    /// The manifest that is signed.
    #[must_use]
    pub fn manifest(&self) -> Digest {
        self.manifest
    }

    /// Keys that signed it.
    pub fn keys(&self) -> impl Iterator<Item = PublicKey> {
        self.entries.iter().map(|(key, _)| *key)
    }

    /// How many entries there were that do not verify.
    #[must_use]
    pub fn broken(&self) -> usize {
        self.broken
    }
}

/// What is signed: the digest with words before it, so that a signature made for another purpose is none here.
fn message(manifest: Digest) -> Vec<u8> {
    format!("playbook plugin sha256:{manifest}").into_bytes()
}

fn verified(manifest: Digest, entry: &Entry) -> Option<(PublicKey, [u8; 64])> {
    let key = PublicKey::parse(&entry.key, "").ok()?;
    let signature = unhex(&entry.signature)?;
    key.verifies(&message(manifest), &signature).then_some((key, signature))
}

fn hex(signature: &[u8; 64]) -> String {
    let (first, second) = signature.split_at(32);
    [first, second].map(|half| Digest(half.try_into().expect("half of 64")).hex()).concat()
}

fn unhex(text: &str) -> Option<[u8; 64]> {
    let (first, second) = text.split_at_checked(64)?;
    let halves = [Digest::from_hex(first)?.0, Digest::from_hex(second)?.0];
    halves.concat().try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use playbook_model::Digest;

    use super::Signatures;
    use crate::SecretKey;

    fn key(name: &str) -> SecretKey {
        let dir = tempfile::tempdir().unwrap();
        SecretKey::generate(&dir.path().join(name)).unwrap().0
    }

    #[test]
    fn signatures_are_read_again_and_belong_to_one_manifest() {
        let (manifest, other) = (Digest::of(b"a"), Digest::of(b"b"));
        let (first, second) = (key("a"), key("b"));
        let mut signed = Signatures::none(manifest);
        assert!(signed.sign(&first).unwrap() && signed.sign(&second).unwrap());
        assert!(!signed.sign(&first).unwrap());
        let read = Signatures::read(manifest, &signed.bytes()).unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.keys().collect::<Vec<_>>(), [first.public(), second.public()]);
        let moved = Signatures::read(other, &signed.bytes()).unwrap();
        assert_eq!((moved.keys().count(), moved.broken()), (0, 2));
    }

    #[test]
    fn a_signature_under_another_key_is_broken() {
        let manifest = Digest::of(b"a");
        let (first, second) = (key("a"), key("b"));
        let mut signed = Signatures::none(manifest);
        signed.sign(&first).unwrap();
        let text = String::from_utf8(signed.bytes()).unwrap();
        let text = text.replace(&first.public().to_string(), &second.public().to_string());
        let read = Signatures::read(manifest, text.as_bytes()).unwrap();
        assert_eq!((read.keys().count(), read.broken()), (0, 1));
    }

    #[test]
    fn what_is_no_list_of_signatures_is_told() {
        for text in ["", "[]", "{\"manifest\":\"\"}", "{\"manifest\":1,\"signatures\":[]}"] {
            let told = Signatures::read(Digest::of(b"a"), text.as_bytes()).unwrap_err();
            assert!(told.contains("cannot be read"), "{told}");
        }
        let entry = "{\"key\":\"\",\"signature\":\"\"}";
        let many = vec![entry; 33].join(",");
        let text = format!("{{\"manifest\":\"\",\"signatures\":[{many}]}}");
        let told = Signatures::read(Digest::of(b"a"), text.as_bytes()).unwrap_err();
        assert!(told.contains("more than 32"), "{told}");
    }

    #[test]
    fn no_signature_makes_room_for_another() {
        let mut signed = Signatures::none(Digest::of(b"a"));
        (0..32).for_each(|_| assert!(signed.sign(&key("a")).unwrap()));
        let told = signed.sign(&key("a")).unwrap_err().to_string();
        assert!(told.contains("32 signatures"), "{told}");
        assert_eq!(signed.keys().count(), 32);
    }
}
