//! What all requests share.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use tracing::Span;

use crate::accept::Places;
use crate::console::Sessions;
use crate::directory::Directory;
use crate::error::{Result, ServerError};
use crate::keys::KeyStore;
use crate::layers::observe::RequestIds;
use crate::limits::{Limits, Whose};
use crate::meters::Meters;
use crate::openapi::Document;
use crate::operations::Operation;
use crate::settings::{BodyLimits, Settings};

/// What all requests share.
pub(crate) struct Shared {
    /// Who calls.
    pub(crate) keys: Arc<KeyStore>,
    /// Which brands there are.
    pub(crate) directory: Arc<dyn Directory>,
    /// How often each key may call.
    pub(crate) key_limits: Limits,
    /// How often each brand may be called.
    pub(crate) brand_limits: Limits,
    /// Bounds of bodies.
    pub(crate) bodies: BodyLimits,
    /// Headers that a request may have.
    pub(crate) headers_max: usize,
    /// Gives the span of a request the parent that its headers name.
    pub(crate) parent: Option<fn(&HeaderMap, &Span)>,
    /// Ids of requests.
    pub(crate) request_ids: RequestIds,
    /// Whether clients speak TLS to this process.
    pub(crate) speaks_tls: bool,
    /// The document of the API, as it is sent.
    pub(crate) document: Bytes,
    /// The page that tries calls, as it is sent.
    pub(crate) docs_page: Bytes,
    /// What requests came to.
    pub(crate) meters: Meters,
    /// Who is logged in to the console.
    pub(crate) console: Sessions,
    /// Places for connections.
    pub(crate) places: Arc<Places>,
    operations: HashMap<(Method, String), &'static Operation>,
    stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        settings: &Settings,
        keys: Arc<KeyStore>,
        directory: Arc<dyn Directory>,
        document: Document,
    ) -> Result<Self> {
        Ok(Self {
            keys,
            directory,
            key_limits: Limits::new(Whose::Key, settings.rates.key.clone(), BTreeMap::new()),
            brand_limits: Limits::new(
                Whose::Brand,
                settings.rates.brand.clone(),
                settings.rates.own.clone(),
            ),
            bodies: settings.bodies.clone(),
            headers_max: settings.connections.headers_max,
            parent: settings.parent,
            request_ids: RequestIds::new().map_err(ServerError::Random)?,
            speaks_tls: settings.listen.tls.is_some(),
            document: document.text,
            docs_page: document.page,
            meters: Meters::new(),
            console: Sessions::new(),
            places: Arc::new(Places::new(&settings.connections)),
            operations: document.operations,
            stopping: AtomicBool::new(false),
        })
    }

    /// The operation of a method and the path of its route.
    pub(crate) fn operation(&self, method: &Method, path: &str) -> Option<&'static Operation> {
        // A tuple of borrowed parts is no key of this map; a short text is cheap beside a request.
        self.operations.get(&(method.clone(), path.to_owned())).copied()
    }

    /// From now on the host is not ready.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the host stops.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Whether new requests should come here.
    pub(crate) fn is_ready(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed) && self.directory.is_ready()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
