//! A connection's place as an object store.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::client::{ClientOptions, HttpClient, HttpConnector};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::path::Path as Key;
use object_store::{ObjectStore, RetryConfig};
use playbook_model::{Connection, ObjectPlace, SecretRef, Tls};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::tls::Certificate;

use crate::error::said;
use crate::secret::{Secret, secret};
use crate::{Result, SourcesError, tls};

/// After a fault of the server a request is made so often again, for so long.
const RETRIES: usize = 3;
const RETRY_TIME: Duration = Duration::from_secs(30);
/// Longest silence of a server in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);

/// What kind of server it is, as far as that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Store,
    /// Gives single files, and takes none.
    Web,
}

/// A place of objects.
pub(super) struct Store {
    pub(super) kind: Kind,
    pub(super) objects: Arc<dyn ObjectStore>,
    /// What paths of playbooks stand behind.
    prefix: String,
    address: String,
}

impl Store {
    pub(super) fn open(connection: &Connection, place: &ObjectPlace) -> Result<Self> {
        tls::provide();
        let options = client_options(connection, place);
        let retry = RetryConfig {
            max_retries: RETRIES,
            retry_timeout: RETRY_TIME,
            ..RetryConfig::default()
        };
        let (scheme, rest) = place.address.split_once("://").unwrap_or_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let account = told(connection, place.account.as_ref())?;
        let key = told(connection, place.secret.as_ref())?;
        let is_web = scheme.starts_with("http");
        let connector = Connector::new(connection, place, key.as_ref().filter(|_| is_web))?;
        let opened: object_store::Result<Arc<dyn ObjectStore>> = match scheme {
            "s3" => {
                let mut s3 = AmazonS3Builder::new()
                    .with_bucket_name(bucket)
                    .with_http_connector(connector)
                    .with_client_options(options)
                    .with_retry(retry)
                    .with_allow_http(place.tls == Tls::Off)
                    .with_region(place.region.as_deref().unwrap_or("us-east-1"));
                if let Some(endpoint) = &place.endpoint {
                    s3 = s3.with_endpoint(endpoint);
                }
                match (&account, &key) {
                    (Some(id), Some(key)) => {
                        s3 = s3.with_access_key_id(id.told()).with_secret_access_key(key.told());
                    }
                    _ => s3 = s3.with_skip_signature(true),
                }
                s3.build().map(|store| Arc::new(store) as _)
            }
            "gs" => {
                let mut gs = GoogleCloudStorageBuilder::new()
                    .with_bucket_name(bucket)
                    .with_http_connector(connector)
                    .with_client_options(options)
                    .with_retry(retry);
                if let Some(endpoint) = &place.endpoint {
                    gs = gs.with_base_url(endpoint);
                }
                gs = match &place.service_account {
                    Some(file) => gs.with_service_account_path(file.to_string_lossy()),
                    // Without a token of its own the library asks the machine's metadata server for one before it writes.
                    None => gs.with_skip_signature(true).with_bearer_token(""),
                };
                gs.build().map(|store| Arc::new(store) as _)
            }
            "az" => {
                let mut az = MicrosoftAzureBuilder::new()
                    .with_container_name(bucket)
                    .with_http_connector(connector)
                    .with_client_options(options)
                    .with_retry(retry)
                    .with_allow_http(place.tls == Tls::Off);
                if let Some(endpoint) = &place.endpoint {
                    az = az.with_endpoint(endpoint.clone());
                }
                if let Some(account) = &account {
                    az = az.with_account(account.told());
                }
                az = match &key {
                    Some(key) => az.with_access_key(key.told()),
                    None => az.with_skip_signature(true),
                };
                az.build().map(|store| Arc::new(store) as _)
            }
            _ => {
                let web = HttpBuilder::new()
                    .with_url(format!("{scheme}://{bucket}"))
                    .with_client_options(options)
                    .with_http_connector(connector)
                    .with_retry(retry);
                web.build().map(|store| Arc::new(store) as _)
            }
        };
        let objects = opened.map_err(|source| SourcesError::Connect {
            connection: connection.name.clone(),
            server: place.address.clone(),
            source: said(&source),
        })?;
        let kind = if is_web { Kind::Web } else { Kind::Store };
        let prefix = prefix.trim_matches('/').to_owned();
        Ok(Self { kind, objects, prefix, address: place.address.clone() })
    }

    /// The key of a path of a playbook; a path leads below the place or nowhere.
    pub(super) fn key(&self, path: &str) -> Result<Key> {
        let fault = |why: String| SourcesError::Path {
            path: path.to_owned(),
            place: self.address.clone(),
            why,
        };
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(fault("it has empty parts, `.` or `..`".to_owned()));
        }
        let whole = if self.prefix.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.prefix)
        };
        Key::parse(&whole).map_err(|error| fault(error.to_string()))
    }

    /// The path of a key below the place.
    pub(super) fn path<'a>(&self, key: &'a Key) -> Option<&'a str> {
        if self.prefix.is_empty() {
            return Some(key.as_ref());
        }
        key.as_ref().strip_prefix(self.prefix.as_str())?.strip_prefix('/')
    }

    /// The key below which everything that a path names lies; `None`: all of it.
    pub(super) fn below(&self, folder: &str) -> Result<Option<Key>> {
        match (folder.is_empty(), self.prefix.is_empty()) {
            (true, true) => Ok(None),
            (true, false) => Ok(Some(Key::from(self.prefix.as_str()))),
            (false, _) => self.key(folder).map(Some),
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

fn told(connection: &Connection, place: Option<&SecretRef>) -> Result<Option<Secret>> {
    place.map(|place| secret(connection, place)).transpose()
}

fn client_options(connection: &Connection, place: &ObjectPlace) -> ClientOptions {
    ClientOptions::new()
        .with_timeout(Duration::from_millis(connection.time_ms_max))
        .with_allow_http(place.tls == Tls::Off)
}

/// The one client of a place.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl Connector {
    fn new(connection: &Connection, place: &ObjectPlace, token: Option<&Secret>) -> Result<Self> {
        let mut client = reqwest::Client::builder()
            .user_agent("playbook")
            // A server that may be asked does not say who else is.
            .redirect(Policy::none())
            .no_proxy()
            .https_only(place.tls != Tls::Off)
            .connect_timeout(Duration::from_millis(connection.connect_ms_max))
            .timeout(Duration::from_millis(connection.time_ms_max))
            .read_timeout(SILENCE)
            .default_headers(headers(connection, token)?);
        let unusable = |source: reqwest::Error| SourcesError::Certificates {
            connection: connection.name.clone(),
            from: match &place.tls {
                Tls::Only(file) => format!("`{}`", file.display()),
                Tls::System | Tls::Off => "the system".to_owned(),
            },
            source: source.into(),
        };
        if let Tls::Only(_) = &place.tls {
            let roots = tls::roots(connection, &place.tls)?;
            let roots: Result<Vec<_>, _> =
                roots.iter().map(|root| Certificate::from_der(root)).collect();
            client = client.tls_certs_only(roots.map_err(unusable)?);
        }
        Ok(Self(client.build().map_err(unusable)?))
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// Headers of every request: the token of a web server.
fn headers(connection: &Connection, token: Option<&Secret>) -> Result<HeaderMap> {
    let Some(token) = token else { return Ok(HeaderMap::new()) };
    let value = HeaderValue::from_str(&format!("Bearer {}", token.told()));
    let mut value = value.map_err(|_| SourcesError::Secret {
        connection: connection.name.clone(),
        what: "its token has letters that no header may have".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}
