//! References to artefacts in OCI registries: `oci://HOST[:PORT]/REPOSITORY[:TAG][@sha256:...]`.

use std::fmt;
use std::net::IpAddr;

use crate::Digest;

/// What every reference begins with.
const SCHEME: &str = "oci://";
/// Longest reference that is read.
const LETTERS_MAX: usize = 512;
/// Longest tag, as the distribution specification says.
const TAG_LETTERS_MAX: usize = 128;
/// Longest repository, as registries take it together with their host.
const REPOSITORY_LETTERS_MAX: usize = 255;

/// A place of an artefact, and which of its bytes are meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtefactRef {
    /// Name or address of the registry, with its port where one is said.
    pub host: String,
    /// Path of the repository.
    pub repository: String,
    /// A name that the registry may move to other bytes.
    pub tag: Option<String>,
    /// Digest of the manifest: these bytes and no others.
    pub digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadArtefactRef {
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub expected: &'static str,
}

impl fmt::Display for BadArtefactRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; expected {}", self.what, self.expected)
    }
}

impl std::error::Error for BadArtefactRef {}

/// The whole form, for messages.
const FORM: &str = "oci://HOST[:PORT]/REPOSITORY[:TAG]@sha256:DIGEST";

impl ArtefactRef {
    /// Reads a reference.
    ///
    /// # Errors
    /// What is wrong with it; a password in it is not repeated.
    pub fn parse(text: &str) -> Result<Self, BadArtefactRef> {
        let bad = |what: String, expected| Err(BadArtefactRef { what, expected });
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return bad("a reference to a registry begins with `oci://`".to_owned(), FORM);
        };
        if text.len() > LETTERS_MAX {
            return bad(format!("the reference has more than {LETTERS_MAX} letters"), FORM);
        }
        let Some((host, path)) = rest.split_once('/') else {
            return bad("the reference names no repository".to_owned(), FORM);
        };
        if host.contains('@') {
            let what = "the reference has a user or a password in it".to_owned();
            return bad(what, "credentials in the file of `docker login`, and none here");
        }
        check_host(host)?;
        let (name, digest) = match path.split_once('@') {
            None => (path, None),
            Some((name, digest)) => (name, Some(read_digest(digest)?)),
        };
        let (repository, tag) = match name.split_once(':') {
            None => (name, None),
            Some((repository, tag)) => (repository, Some(tag)),
        };
        check_repository(repository)?;
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return bad(
                format!("`{tag}` is no tag"),
                "letters, digits, `.`, `_` and `-`, for example a version as 1.2.0",
            );
        }
        Ok(Self {
            host: host.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// Whether a text means a registry, well written or not.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The same repository with these bytes.
    #[must_use]
    pub fn pinned(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// The same repository with this tag, whatever its bytes are.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Self {
        Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() }
    }

    /// Whether the registry is on this machine, so that nothing is said over a network.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(host_without_port(&self.host))
    }
}

impl fmt::Display for ArtefactRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.host, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@sha256:{digest}")?;
        }
        Ok(())
    }
}

/// Whether a host, as it stands in an address, is this machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn host_without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

fn check_host(host: &str) -> Result<(), BadArtefactRef> {
    let name = host_without_port(host);
    let port = host.strip_prefix(name).and_then(|rest| rest.strip_prefix(':'));
    let is_name = |name: &str| {
        let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        name.split('.').all(|part| !part.is_empty() && letters(part) && !part.starts_with('-'))
    };
    let is_address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let is_host = is_name(name) || is_address.is_some_and(|a| a.parse::<IpAddr>().is_ok());
    if is_host && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Ok(());
    }
    Err(BadArtefactRef {
        what: format!("`{host}` is no host of a registry"),
        expected: "a name or an address, and perhaps a port: registry.example.com:5000",
    })
}

fn check_repository(repository: &str) -> Result<(), BadArtefactRef> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_part = |part: &str| {
        let ends = [part.bytes().next(), part.bytes().last()];
        let mut runs = part.split(|c: char| letter(c.try_into().unwrap_or(0)));
        let is_separator = |run: &str| {
            matches!(run, "" | "." | "_" | "__") || run.bytes().all(|byte| byte == b'-')
        };
        ends.iter().all(|end| end.is_some_and(letter)) && runs.all(is_separator)
    };
    if repository.len() <= REPOSITORY_LETTERS_MAX && repository.split('/').all(is_part) {
        return Ok(());
    }
    let what = match repository {
        "" => "the reference names no repository".to_owned(),
        said => format!("`{said}` is no repository"),
    };
    let expected = "lower-case words joined by `-`, `_` or `.`, and `/` between folders: acme/plugins/acme-score";
    Err(BadArtefactRef { what, expected })
}

fn is_tag(tag: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let first = tag.bytes().next().is_some_and(letter);
    let rest = tag.bytes().all(|b| letter(b) || b == b'.' || b == b'-');
    first && rest && tag.len() <= TAG_LETTERS_MAX
}

fn read_digest(text: &str) -> Result<Digest, BadArtefactRef> {
    let hex = text.strip_prefix("sha256:").filter(|hex| *hex == hex.to_ascii_lowercase());
    hex.and_then(Digest::from_hex).ok_or_else(|| BadArtefactRef {
        what: format!("`{text}` is no digest"),
        expected: "sha256: and 64 lower-case hexadecimal digits, as `playbook plugin push` prints it",
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::ArtefactRef;

    const DIGEST: &str = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

    #[test]
    fn a_reference_reads_and_writes_as_the_same_text() {
        for text in [
            "oci://registry.example.com/acme/score:1.2.0",
            "oci://127.0.0.1:5000/a__b/c-d.e",
            "oci://[::1]:5000/score:v1_2",
            "oci://localhost/score",
        ] {
            for text in [text.to_owned(), format!("{text}@{DIGEST}")] {
                let read = ArtefactRef::parse(&text).unwrap();
                assert_eq!(read.to_string(), text);
                assert_eq!(read.digest.is_some(), text.contains('@'));
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_reference_is_said() {
        for (text, what) in [
            ("registry.example.com/score", "begins with `oci://`"),
            ("https://registry.example.com/score", "begins with `oci://`"),
            ("oci://registry.example.com", "names no repository"),
            ("oci://registry.example.com/", "names no repository"),
            ("oci:///score", "`` is no host"),
            ("oci://a b/score", "`a b` is no host"),
            ("oci://host:0/score", "`host:0` is no host"),
            ("oci://host:70000/score", "`host:70000` is no host"),
            ("oci://-host/score", "`-host` is no host"),
            ("oci://host/Acme/score", "`Acme/score` is no repository"),
            ("oci://host/a//b", "`a//b` is no repository"),
            ("oci://host/a/../b", "`a/../b` is no repository"),
            ("oci://host/a..b", "`a..b` is no repository"),
            ("oci://host/積", "`積` is no repository"),
            ("oci://host/a:", "`` is no tag"),
            ("oci://host/a:-x", "`-x` is no tag"),
            ("oci://host/a:1:2", "`1:2` is no tag"),
            ("oci://host/a?x=1", "`a?x=1` is no repository"),
            ("oci://host/a@sha256:00", "`sha256:00` is no digest"),
            ("oci://host/a@sha512:00", "`sha512:00` is no digest"),
            ("oci://host/a@", "`` is no digest"),
        ] {
            let told = ArtefactRef::parse(text).unwrap_err().to_string();
            assert!(told.contains(what), "{text}: {told}");
            assert!(told.contains("; expected "), "{told}");
        }
        let upper = DIGEST.to_uppercase().replace("SHA256", "sha256");
        assert!(ArtefactRef::parse(&format!("oci://host/a@{upper}")).is_err());
    }

    #[test]
    fn a_password_in_a_reference_is_not_repeated() {
        let told = ArtefactRef::parse("oci://me:hunter2@host/score").unwrap_err().to_string();
        assert!(told.contains("docker login") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let host = |host: &str| ArtefactRef::parse(&format!("oci://{host}/a")).unwrap();
        for name in
            ["localhost", "localhost:5000", "127.0.0.1", "127.8.8.8:1", "[::1]", "[::1]:5000"]
        {
            assert!(host(name).is_loopback(), "{name}");
        }
        for name in ["localhost.example.com", "10.0.0.1", "127.0.0.1.example.com", "[::2]:5000"] {
            assert!(!host(name).is_loopback(), "{name}");
        }
    }
}
