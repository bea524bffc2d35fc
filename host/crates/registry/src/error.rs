//! Why an artefact could not be had, given or trusted.

use std::path::PathBuf;

use playbook_files::FileError;
use playbook_model::{ArtefactRef, Digest, one_line};

/// What something with a registry comes to, or why it does not.
pub type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// Letters of a registry's own words that are shown.
const TOLD_LETTERS_MAX: usize = 300;

/// Why an artefact could not be had, given or trusted. Words of a registry in it are on one line, escaped and cut.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// No answer.
    #[error("registry `{host}` cannot be reached: {why}")]
    Unreachable {
        /// The registry.
        host: String,
        /// Why not.
        why: String,
    },
    /// No whole answer in time.
    #[error("registry `{host}` did not answer in time")]
    Slow {
        /// The registry.
        host: String,
    },
    /// An answer that ended before its end.
    #[error("the answer of registry `{host}` broke off: {why}; try again")]
    BrokenOff {
        /// The registry.
        host: String,
        /// What was seen of it.
        why: String,
    },
    /// A redirect that is not followed.
    #[error("registry `{host}` sends on to another place, which is not followed: {why}")]
    Redirect {
        /// The registry.
        host: String,
        /// Why it is not.
        why: String,
    },
    /// The registry does not let this user do it.
    #[error("registry `{host}` does not allow to {action} `{repository}`: {why}{}", told(said))]
    Denied {
        /// The registry.
        host: String,
        /// "pull from" or "push to".
        action: &'static str,
        /// The repository.
        repository: String,
        /// What there was of credentials, and what to do.
        why: String,
        /// The registry's own words.
        said: String,
    },
    /// The registry has no such thing.
    #[error("there is no {what} at registry `{host}`{}", told(said))]
    Absent {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// The registry's own words.
        said: String,
    },
    /// Another answer than the protocol has.
    #[error("registry `{host}` answered {status} to {what}{}", told(said))]
    Answer {
        /// The registry.
        host: String,
        /// Status of HTTP.
        status: u16,
        /// What was asked.
        what: String,
        /// The registry's own words.
        said: String,
    },
    /// An answer in another form than the protocol has.
    #[error("registry `{host}` answered to {what} in a form that cannot be read: {why}")]
    Unreadable {
        /// The registry.
        host: String,
        /// What was asked.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// More bytes than are taken.
    #[error("{what} has more than {bytes_max} bytes, which is the most that is taken")]
    TooLarge {
        /// What it is.
        what: String,
        /// How many are taken.
        bytes_max: u64,
    },
    /// Other bytes than were asked for.
    #[error(
        "{what} is not what was asked for: its digest is sha256:{found}, and sha256:{wanted} was asked for; it was changed on \
         the way or in the registry, and is not used"
    )]
    OtherBytes {
        /// What it is.
        what: String,
        /// Digest of what was received.
        found: Digest,
        /// Digest that was asked for.
        wanted: Digest,
    },
    /// An artefact that holds no plugin.
    #[error("`{reference}` is no plugin: {why}")]
    NoPlugin {
        /// The artefact.
        reference: String,
        /// What it is instead.
        why: String,
    },
    /// A reference that may mean other bytes tomorrow.
    #[error(
        "`{0}` names no digest, so that it may be other bytes tomorrow; `playbook plugin pull {0}` shows its digest"
    )]
    Unpinned(Box<ArtefactRef>),
    /// A version that is there with other bytes.
    #[error(
        "`{reference}` is published already with other bytes (sha256:{there}); give the new ones a version of their own, or say \
         --replace"
    )]
    Published {
        /// Repository and tag.
        reference: Box<ArtefactRef>,
        /// What is there.
        there: Digest,
    },
    /// A manifest that nobody else can sign.
    #[error(
        "there are {signatures_max} signatures already, which is the most that a plugin may have"
    )]
    Crowded {
        /// How many there may be.
        signatures_max: usize,
    },
    /// A text that is no key.
    #[error("{place} is no {what}: {why}")]
    BadKey {
        /// Where it was written.
        place: String,
        /// "public key" or "secret key".
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A secret key that others may read.
    #[error("the secret key `{}` may be read by others: `chmod 600` it, and make a new one if others are on this machine", path.display())]
    OpenKey {
        /// The file.
        path: PathBuf,
    },
    /// A key that is not overwritten.
    #[error("`{}` is there already, and a key is never overwritten; choose another name", path.display())]
    KeyThere {
        /// The file.
        path: PathBuf,
    },
    /// An artefact that the policy does not let in.
    #[error(transparent)]
    Untrusted(#[from] crate::Untrusted),
    /// Credentials that cannot be used.
    #[error("the credentials for registry `{host}` cannot be used: {why}")]
    Credentials {
        /// The registry.
        host: String,
        /// Why not.
        why: String,
    },
    /// A client that cannot be made.
    #[error("no connection to registries can be made: {0}")]
    Client(String),
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl RegistryError {
    /// Whether the registry could not be asked at all, so that what is kept of it may serve.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Slow { .. } | Self::BrokenOff { .. } => true,
            Self::Answer { status, .. } => *status >= 500,
            _ => false,
        }
    }
}

/// The registry's own words at the end of a sentence.
fn told(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!("; it says: {said}") }
}

/// Words of a registry as they may be shown: one line, escaped, cut.
pub(crate) fn shown(words: &str) -> String {
    let words = words.trim();
    let cut: String = words.chars().take(TOLD_LETTERS_MAX).collect();
    let more = if cut.len() < words.len() { " ..." } else { "" };
    format!("{}{more}", one_line(&cut))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn words_of_a_registry_stay_on_one_line_and_steer_nothing() {
        assert_eq!(shown(" no\n\u{1b}[2Jsuch "), "no\\n\\u{1b}[2Jsuch");
        let long = shown(&"é".repeat(1_000));
        assert_eq!(long.chars().count(), 304);
    }
}
