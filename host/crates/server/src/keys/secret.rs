//! The text of a key: what its holder presents, and what is compared.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use playbook_model::Digest;
use subtle::ConstantTimeEq as _;

use crate::error::{Result, ServerError};

/// Random bytes of an id: enough that ids never meet. They are no secret.
const ID_BYTES: usize = 8;
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// The whole text of a key, `pb_<id>_<secret>`: shown once, kept nowhere, and not by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Draws a new one; gives its id too.
    pub(super) fn new() -> Result<(Self, String)> {
        let mut id = [0; ID_BYTES];
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut id).map_err(ServerError::Random)?;
        getrandom::fill(&mut secret).map_err(ServerError::Random)?;
        // In hexadecimal, so that it has no underscore: the first one after it ends it.
        let id = format!("{:016x}", u64::from_be_bytes(id));
        Ok((Self(format!("pb_{id}_{}", URL_SAFE_NO_PAD.encode(secret))), id))
    }

    /// The key as its holder writes it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(super) fn digest(&self) -> Digest {
        let (_, digest) = parts(&self.0).expect("it was put together here");
        digest
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The id in a key's text, and the digest of its secret.
pub(super) fn parts(text: &str) -> Option<(&str, Digest)> {
    let (id, secret) = text.strip_prefix("pb_")?.split_once('_')?;
    let bytes: [u8; SECRET_BYTES] = URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?;
    Some((id, Digest::of(&bytes)))
}

/// Whether two digests are the same, in a time that does not tell how much of them is.
pub(super) fn same(kept: &Digest, presented: &Digest) -> bool {
    kept.0.ct_eq(&presented.0).into()
}
