//! Sending: one request a message, no redirects, a bounded answer.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use playbook_model::{HostWebhook, SecretRef};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::tls::Certificate;
use reqwest::{Client, Response, Url};

use super::NotTaken;
use super::address::{PublicAlone, is_public, refusal};
use super::signature::Keys;
use crate::error::{Cause, said};
use crate::secret::told_at;
use crate::{Result, SourcesError, tls};

/// Longest time of a message where nobody says one.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a secret of a file is used before the file is read again.
const SECRET_AGE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A receiver of messages.
#[derive(Debug)]
pub struct Webhook {
    brand: String,
    url: Url,
    host: String,
    secret: SecretRef,
    keys: Mutex<(Instant, Arc<Keys>)>,
    client: Client,
    timeout: Duration,
}

impl Webhook {
    /// Reads the secret and the certificates of a webhook. Nothing is sent.
    ///
    /// # Errors
    /// [`SourcesError::Webhook`]: an address, a secret or certificates that cannot be used.
    pub fn open(brand: &str, told: &HostWebhook) -> Result<Self> {
        let fault = |what: String, source: Option<Cause>| SourcesError::Webhook {
            brand: brand.to_owned(),
            what,
            source,
        };
        let url = Url::parse(&told.url)
            .map_err(|error| fault("its address is none".to_owned(), Some(error.into())))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        // In a URL an address of IPv6 stands in brackets.
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let (Ok(address), false) = (literal, told.private)
            && !is_public(address)
        {
            return Err(fault(refusal(address), None));
        }
        let keys = keys(&told.secret).map_err(|what| fault(what, None))?;
        tls::provide();
        let timeout = told.timeout.unwrap_or(TIMEOUT);
        let mut client = Client::builder()
            .user_agent("playbook")
            // Who is asked does not say who else is.
            .redirect(Policy::none())
            .no_proxy()
            .https_only(url.scheme() == "https")
            .connect_timeout(timeout)
            .timeout(timeout);
        if !told.private {
            client = client.dns_resolver(PublicAlone);
        }
        let unusable = |from: &str, cause: Cause| {
            fault(format!("the certificates of {from} cannot be used"), Some(cause))
        };
        if let Some(file) = &told.ca_file {
            let from = format!("`{}`", file.display());
            let roots = tls::certificates(file).map_err(|cause| unusable(&from, cause))?;
            let roots: Result<Vec<_>, _> =
                roots.iter().map(|root| Certificate::from_der(root)).collect();
            let roots = roots.map_err(|error| unusable(&from, error.into()))?;
            client = client.tls_certs_only(roots);
        }
        let client = client.build().map_err(|error| unusable("the system", error.into()))?;
        Ok(Self {
            brand: brand.to_owned(),
            host,
            url,
            secret: told.secret.clone(),
            keys: Mutex::new((Instant::now(), Arc::new(keys))),
            client,
            timeout,
        })
    }

    /// The host that it leads to: a path may hold what nobody else is to know.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends a message at a moment, seconds since 1970; done when the receiver answers 2xx.
    ///
    /// # Errors
    /// Why the receiver did not take it.
    pub async fn send(&self, id: &str, at_s: i64, body: Vec<u8>) -> Result<(), NotTaken> {
        let signature = self.keys().sign(id, at_s, &body);
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at_s)
            .header("webhook-signature", signature)
            .body(body);
        let answer = request.send().await.map_err(|error| self.no_answer(error))?;
        let (status, wait) = (answer.status(), wait(&answer));
        drain(answer).await;
        if status.is_success() {
            return Ok(());
        }
        let more = if status.is_redirection() { "; redirects are not followed" } else { "" };
        let host = &self.host;
        Err(NotTaken { why: format!("{host} answered {status}{more}"), wait })
    }

    fn no_answer(&self, error: reqwest::Error) -> NotTaken {
        let host = &self.host;
        let why = if error.is_timeout() {
            format!("{host} did not answer within {} ms", self.timeout.as_millis())
        } else {
            format!("{host} did not answer: {}", said(&error.without_url()))
        };
        NotTaken { why, wait: None }
    }

    /// The secrets that hold now: a file may have changed.
    fn keys(&self) -> Arc<Keys> {
        let mut held = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(self.secret, SecretRef::File(_)) && held.0.elapsed() > SECRET_AGE {
            held.0 = Instant::now();
            match keys(&self.secret) {
                Ok(keys) => held.1 = Arc::new(keys),
                Err(why) => {
                    tracing::error!(
                        brand = self.brand,
                        why,
                        "a webhook goes on with the secret of before"
                    );
                }
            }
        }
        Arc::clone(&held.1)
    }
}

fn keys(secret: &SecretRef) -> Result<Keys, String> {
    let (text, place) = told_at(secret)?;
    Keys::read(text.told()).map_err(|why| format!("{place} {why}"))
}

/// Reads an answer to its end, within a bound.
async fn drain(mut answer: Response) {
    let mut left = ANSWER_BYTES_MAX;
    // The head has said all; a body that breaks off costs the connection.
    while let Ok(Some(part)) = answer.chunk().await {
        let Some(fewer) = left.checked_sub(part.len()) else { return };
        left = fewer;
    }
}

/// What the receiver asks for: seconds, or a moment.
fn wait(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    wait_of(text, Timestamp::now())
}

fn wait_of(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    at.duration_since(now).try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::wait_of;

    #[test]
    fn a_receiver_asks_for_seconds_or_for_a_moment() {
        let now = "2026-07-01T00:00:00Z".parse().unwrap();
        assert_eq!(wait_of("120", now), Some(Duration::from_secs(120)));
        let at = "Wed, 01 Jul 2026 00:01:30 GMT";
        assert_eq!(wait_of(at, now), Some(Duration::from_secs(90)));
        for none in ["", "-1", "soon", "Wed, 01 Jul 2020 00:01:30 GMT"] {
            assert_eq!(wait_of(none, now), None, "{none}");
        }
    }
}
