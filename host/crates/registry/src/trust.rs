//! Who may publish which plugins: the policy of a host.

use std::fmt;

use glob::Pattern;

use crate::{PublicKey, Signatures};

/// A publisher: the names that it may publish, and the keys that it signs with.
#[derive(Debug, Clone)]
pub struct TrustRule {
    /// Patterns of names of plugins; `*` stands for any letters.
    pub plugins: Vec<Pattern>,
    /// Keys, each of which is enough.
    pub keys: Vec<PublicKey>,
}

/// The policy of a host. Where there is none, anything that is pinned by its digest is taken.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Publishers; a name may be of several.
    pub rules: Vec<TrustRule>,
    /// Names of plugins that need no signature where they are files of the host, and no artefacts of a registry.
    pub unsigned: Vec<Pattern>,
}

/// Why a plugin is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The host has no policy.
    NoPolicy,
    /// The policy asks for no signature of a file of the host with this name.
    Unasked,
    /// This key signed it and is trusted with the name.
    Signed(PublicKey),
}

/// Why a plugin is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// Nobody may publish the name.
    #[error(
        "this host trusts nobody with the name `{name}`: add its publisher's key under `[[trust.publisher]]` in the host's file, \
         with `plugins = [\"{name}\"]`"
    )]
    NoPublisher {
        /// Name of the plugin.
        name: String,
    },
    /// No signature at all.
    #[error(
        "`{name}` is not signed, and this host takes it only with a signature of {}; its author signs what is in a registry with \
         `playbook plugin sign`",
        listed(trusted)
    )]
    Unsigned {
        /// Name of the plugin.
        name: String,
        /// Keys that are trusted with it.
        trusted: Vec<PublicKey>,
    },
    /// Signatures that are none of its manifest.
    #[error(
        "the signature of `{name}` is not one of these bytes: they were changed after they were signed, or the signature was taken \
         from another version; do not use them, and ask the author"
    )]
    Broken {
        /// Name of the plugin.
        name: String,
    },
    /// Signatures of others.
    #[error(
        "`{name}` is signed by {}, and this host trusts it only to {}; if the author has a new key, add it under \
         `[[trust.publisher]]` in the host's file",
        listed(signed),
        listed(trusted)
    )]
    OtherKey {
        /// Name of the plugin.
        name: String,
        /// Keys that signed it.
        signed: Vec<PublicKey>,
        /// Keys that are trusted with it.
        trusted: Vec<PublicKey>,
    },
}

impl Trust {
    /// Whether a file of the host may have a name without a signature.
    #[must_use]
    pub fn takes_unsigned(&self, name: &str) -> bool {
        self.unsigned.iter().any(|pattern| pattern.matches(name))
    }

    /// Judges a plugin by its name and the signatures of its manifest.
    ///
    /// # Errors
    /// Why it is not let in, and what to do.
    pub fn judge(&self, name: &str, signatures: Option<&Signatures>) -> Result<Verdict, Untrusted> {
        let named = |rule: &&TrustRule| rule.plugins.iter().any(|pattern| pattern.matches(name));
        let rules = self.rules.iter().filter(named);
        let trusted: Vec<PublicKey> = rules.flat_map(|rule| &rule.keys).copied().collect();
        let name = name.to_owned();
        if trusted.is_empty() {
            return Err(Untrusted::NoPublisher { name });
        }
        let signed: Vec<PublicKey> = signatures.iter().flat_map(|s| s.keys()).collect();
        if let Some(key) = signed.iter().find(|key| trusted.contains(key)) {
            return Ok(Verdict::Signed(*key));
        }
        Err(match signatures {
            Some(found) if signed.is_empty() && found.broken() > 0 => Untrusted::Broken { name },
            _ if signed.is_empty() => Untrusted::Unsigned { name, trusted },
            _ => Untrusted::OtherKey { name, signed, trusted },
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPolicy => {
                f.write_str("this host has no trust policy, so that nobody vouches for it")
            }
            Self::Unasked => f.write_str("this host asks for no signature of this name"),
            Self::Signed(key) => write!(f, "signed by {key}, which this host trusts with the name"),
        }
    }
}

/// Keys in a sentence.
fn listed(keys: &[PublicKey]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use glob::Pattern;
    use playbook_model::Digest;

    use super::{Trust, TrustRule, Untrusted, Verdict};
    use crate::{SecretKey, Signatures};

    fn key() -> SecretKey {
        let dir = tempfile::tempdir().unwrap();
        SecretKey::generate(&dir.path().join("a")).unwrap().0
    }

    fn patterns(names: &[&str]) -> Vec<Pattern> {
        names.iter().map(|name| Pattern::new(name).unwrap()).collect()
    }

    fn signed(manifest: Digest, key: &SecretKey) -> Signatures {
        let mut signed = Signatures::none(manifest);
        signed.sign(key).unwrap();
        signed
    }

    #[test]
    fn a_key_vouches_for_the_names_that_it_is_trusted_with() {
        let (acme, other, manifest) = (key(), key(), Digest::of(b"a"));
        let rule = |names: &[&str], key: &SecretKey| TrustRule {
            plugins: patterns(names),
            keys: vec![key.public()],
        };
        let trust = Trust {
            rules: vec![rule(&["acme-*", "shared"], &acme), rule(&["other-score"], &other)],
            unsigned: patterns(&["value-rfm"]),
        };
        let by_acme = signed(manifest, &acme);
        for name in ["acme-score", "acme-", "shared"] {
            assert_eq!(trust.judge(name, Some(&by_acme)), Ok(Verdict::Signed(acme.public())));
        }
        assert!(trust.takes_unsigned("value-rfm") && !trust.takes_unsigned("value-rfm-2"));
        let told = |name: &str, signatures: Option<&Signatures>| {
            let told = trust.judge(name, signatures).unwrap_err();
            (told.to_string(), told)
        };
        let (text, error) = told("other-score", Some(&by_acme));
        assert!(matches!(error, Untrusted::OtherKey { .. }), "{text}");
        assert!(
            text.contains(&acme.public().to_string()) && text.contains(&other.public().to_string())
        );
        let (text, error) = told("acme-score", None);
        assert!(
            matches!(error, Untrusted::Unsigned { .. }) && text.contains("plugin sign"),
            "{text}"
        );
        let (text, error) = told("value-rfm-2", Some(&by_acme));
        assert!(matches!(error, Untrusted::NoPublisher { .. }), "{text}");
        assert!(text.contains("plugins = [\"value-rfm-2\"]"), "{text}");
        let moved = Signatures::read(Digest::of(b"b"), &by_acme.bytes()).unwrap();
        let (text, error) = told("acme-score", Some(&moved));
        assert!(matches!(error, Untrusted::Broken { .. }), "{text}");
    }

    #[test]
    fn a_policy_that_names_nobody_lets_nothing_in() {
        let by_somebody = signed(Digest::of(b"a"), &key());
        let told = Trust::default().judge("acme-score", Some(&by_somebody)).unwrap_err();
        assert!(matches!(told, Untrusted::NoPublisher { .. }));
    }

    #[test]
    fn each_of_several_signatures_is_enough() {
        let (old, new, manifest) = (key(), key(), Digest::of(b"a"));
        let mut both = signed(manifest, &old);
        both.sign(&new).unwrap();
        let rule = TrustRule { plugins: patterns(&["*"]), keys: vec![new.public()] };
        let trust = Trust { rules: vec![rule], unsigned: Vec::new() };
        assert_eq!(trust.judge("any", Some(&both)), Ok(Verdict::Signed(new.public())));
    }
}
