//! Requests within bounds: time, bytes, redirects. TLS beyond this machine, plain HTTP on it alone.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use playbook_model::is_loopback;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;

use crate::error::shown;
use crate::{RegistryError, Result};

/// Bytes of an answer that says no.
const REFUSAL_BYTES_MAX: u64 = 8 << 10;

/// What a registry may take of this machine.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of a component: the ceiling of the sandbox.
    pub component_bytes_max: u64,
    /// Bytes of a manifest, a configuration, a list or signatures.
    pub words_bytes_max: u64,
    /// Time to connect.
    pub connect: Duration,
    /// Time of a call that moves words, and longest silence in the middle of one that moves a component.
    pub call: Duration,
    /// Time of a call that moves a component.
    pub transfer: Duration,
    /// Redirects that one call follows.
    pub redirects_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            component_bytes_max: 32 << 20,
            words_bytes_max: 1 << 20,
            connect: Duration::from_secs(10),
            call: Duration::from_secs(30),
            transfer: Duration::from_mins(5),
            redirects_max: 3,
        }
    }
}

/// Clients of registries.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) bounds: Bounds,
    beyond: Client,
    local: Client,
}

impl Transport {
    pub(crate) fn new(bounds: Bounds) -> Result<Self> {
        // Whoever was first has set the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = || {
            Client::builder()
                .user_agent(concat!("playbook/", env!("CARGO_PKG_VERSION")))
                .redirect(redirects(bounds.redirects_max))
                .referer(false)
                .connect_timeout(bounds.connect)
                .read_timeout(bounds.call)
        };
        let unusable = |error: reqwest::Error| RegistryError::Client(chain(&error));
        Ok(Self {
            bounds,
            beyond: client().https_only(true).build().map_err(unusable)?,
            // A proxy is beyond this machine.
            local: client().no_proxy().build().map_err(unusable)?,
        })
    }

    /// The address of something at a registry.
    pub(crate) fn url(host: &str, path: &str) -> Result<Url> {
        let scheme = if is_plain(host) { "http" } else { "https" };
        Url::parse(&format!("{scheme}://{host}/v2/{path}")).map_err(|error| {
            RegistryError::Unreachable { host: host.to_owned(), why: error.to_string() }
        })
    }

    /// A request of at most this time.
    pub(crate) fn request(&self, method: Method, url: Url, time: Duration) -> RequestBuilder {
        let client = match url.host_str() {
            Some(host) if url.scheme() == "http" && is_loopback(host) => &self.local,
            _ => &self.beyond,
        };
        client.request(method, url).timeout(time)
    }

    /// Sends a request.
    pub(crate) async fn send(host: &str, request: RequestBuilder) -> Result<Response> {
        request.send().await.map_err(|error| fault(host, error))
    }
}

/// Whether a registry is spoken to without TLS.
pub(crate) fn is_plain(host: &str) -> bool {
    let url = Url::parse(&format!("http://{host}"));
    url.is_ok_and(|url| url.host_str().is_some_and(is_loopback))
}

/// Whether an address that a registry names may be asked, where the registry is.
pub(crate) fn may_be_asked(url: &Url, host: &str) -> Result<(), String> {
    let there = url.host_str().unwrap_or_default();
    match (url.scheme(), is_plain(host)) {
        ("https", false) => Ok(()),
        ("http", true) if is_loopback(there) => Ok(()),
        (other, _) => Err(format!(
            "`{}://{}` is another scheme or another machine",
            shown(other),
            shown(there)
        )),
    }
}

/// The body of an answer, of at most so many bytes.
pub(crate) async fn body(
    host: &str,
    mut answer: Response,
    what: &str,
    bytes_max: u64,
) -> Result<Vec<u8>> {
    let too_large = || RegistryError::TooLarge { what: what.to_owned(), bytes_max };
    if answer.content_length().is_some_and(|bytes| bytes > bytes_max) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| fault(host, error))? {
        if (bytes.len() + chunk.len()) as u64 > bytes_max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What an answer that says no comes to.
pub(crate) async fn refusal(host: &str, answer: Response, what: &str) -> RegistryError {
    let status = answer.status();
    let said = words(host, answer).await;
    let (host, what) = (host.to_owned(), what.to_owned());
    match status {
        StatusCode::NOT_FOUND => RegistryError::Absent { host, what, said },
        status => RegistryError::Answer { host, status: status.as_u16(), what, said },
    }
}

/// What a registry says of its refusal, as far as it is meant for people.
pub(crate) async fn words(host: &str, answer: Response) -> String {
    #[derive(Deserialize)]
    struct Envelope {
        errors: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    // Why there are no words is of no use to anybody: the status is told.
    let Ok(bytes) = body(host, answer, "the refusal", REFUSAL_BYTES_MAX).await else {
        return String::new();
    };
    if let Ok(envelope) = serde_json::from_slice::<Envelope>(&bytes) {
        let entry = |entry: &Entry| format!("{} ({})", entry.message, entry.code);
        return shown(&envelope.errors.iter().map(entry).collect::<Vec<_>>().join("; "));
    }
    let text = String::from_utf8_lossy(&bytes);
    // A page is for browsers.
    if text.trim_start().starts_with('<') { String::new() } else { shown(&text) }
}

/// Why a redirect is not followed.
#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

fn redirects(redirects_max: usize) -> Policy {
    Policy::custom(move |attempt| {
        let (to, from) = (attempt.url(), attempt.previous().first());
        let scheme = from.map_or(to.scheme(), Url::scheme);
        let why = if attempt.previous().len() > redirects_max {
            format!("there are more than {redirects_max} in a row")
        } else if to.scheme() != scheme {
            format!("it leads from `{scheme}` to `{}`", to.scheme())
        } else if scheme == "http" && !to.host_str().is_some_and(is_loopback) {
            "it leads from this machine to another, without TLS".to_owned()
        } else {
            return attempt.follow();
        };
        attempt.error(Refused(why))
    })
}

/// Why there was no answer, or not all of it. Addresses are left out: those of redirects may hold secrets.
fn fault(host: &str, error: reqwest::Error) -> RegistryError {
    let error = error.without_url();
    let host = host.to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(Refused(why)) = inner.downcast_ref() {
            return RegistryError::Redirect { host, why: why.clone() };
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        return RegistryError::Slow { host };
    }
    let why = chain(&error);
    match error.is_body() || error.is_decode() {
        true => RegistryError::BrokenOff { host, why },
        false => RegistryError::Unreachable { host, why },
    }
}

/// An error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    shown(&text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use reqwest::Url;

    use super::{Transport, is_plain, may_be_asked};

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for host in ["127.0.0.1:5000", "localhost", "[::1]:5000"] {
            assert!(is_plain(host), "{host}");
            assert_eq!(Transport::url(host, "a").unwrap().scheme(), "http");
        }
        for host in ["registry.example.com", "10.0.0.1:5000", "127.0.0.1.example.com"] {
            assert!(!is_plain(host), "{host}");
            assert_eq!(Transport::url(host, "a").unwrap().scheme(), "https");
        }
    }

    #[test]
    fn no_registry_sends_credentials_or_bytes_to_another_scheme() {
        let asked = |to: &str, host: &str| may_be_asked(&Url::parse(to).unwrap(), host);
        assert!(asked("https://auth.example.com/token", "registry.example.com").is_ok());
        assert!(asked("http://127.0.0.1:9/token", "127.0.0.1:5000").is_ok());
        for (to, host) in [
            ("http://auth.example.com/token", "registry.example.com"),
            ("http://127.0.0.1/token", "registry.example.com"),
            ("http://auth.example.com/token", "127.0.0.1:5000"),
            ("https://auth.example.com/token", "127.0.0.1:5000"),
            ("file:///etc/passwd", "registry.example.com"),
        ] {
            assert!(asked(to, host).unwrap_err().contains("another scheme"), "{to} of {host}");
        }
    }
}
