//! The service as a host starts and stops it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;

use crate::accept::Acceptor;
use crate::codes::Code;
use crate::console;
use crate::directory::Directory;
use crate::docs;
use crate::error::{Result, ServerError};
use crate::keys::KeyStore;
use crate::layers::bodies::bodies;
use crate::layers::guard::guard;
use crate::layers::observe::observe;
use crate::openapi::{self, Document};
use crate::problem::Problem;
use crate::routes;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::tls::Certificate;

/// A service that can be started.
pub struct Server {
    settings: Settings,
    tls: Option<Arc<Certificate>>,
    shared: Arc<Shared>,
    served: Router,
    full: Router,
}

/// A service that runs. Dropped, it stops at once.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    speaks_tls: bool,
    stop: watch::Sender<Option<Instant>>,
    accepting: JoinHandle<Drained>,
    shared: Arc<Shared>,
}

/// A service that runs on threads of its own, for hosts without any.
#[derive(Debug)]
pub struct Hosted {
    running: Running,
    threads: Runtime,
}

/// What a stop came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut because they did not end in time.
    pub cut: usize,
}

impl Server {
    /// Puts a service together; nothing is listened on yet.
    ///
    /// # Errors
    /// Where a setting cannot be kept, plain HTTP would be spoken beyond loopback, or the certificate cannot be used.
    pub fn new(
        settings: Settings,
        keys: Arc<KeyStore>,
        directory: Arc<dyn Directory>,
    ) -> Result<Self> {
        settings.check()?;
        let tls = settings.listen.tls.as_ref().map(Certificate::open).transpose()?.map(Arc::new);
        let (routes, api) =
            OpenApiRouter::with_openapi(openapi::base()).merge(routes::all()).split_for_parts();
        let document = Document::of(api)?;
        let shared = Arc::new(Shared::new(&settings, keys, directory, document)?);
        let state = || Arc::clone(&shared);
        let served = routes
            // On routes alone: a path that is not there needs no key to be told so.
            .route_layer(from_fn_with_state(state(), guard))
            .merge(docs::routes())
            .merge(console::routes(&shared))
            .fallback(async || Problem::new(Code::PathNotFound))
            .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
            .layer(from_fn_with_state(state(), bodies))
            .layer(from_fn_with_state(state(), observe))
            .with_state(state());
        let full = Router::new()
            .fallback(async || Problem::new(Code::ServerFull).retry_after(Duration::from_secs(1)))
            .layer(from_fn_with_state(state(), observe));
        Ok(Self { settings, tls, shared, served, full })
    }

    /// Listens, and serves until it is stopped.
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub async fn start(self) -> Result<Running> {
        let asked = self.settings.listen.address;
        let fault = |source| ServerError::Listen { address: asked, source };
        let listener = TcpListener::bind(asked).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let (stop, stopped) = watch::channel(None);
        let speaks_tls = self.tls.is_some();
        if let Some(certificate) = &self.tls {
            let look = self.settings.listen.tls_look;
            tokio::spawn(Certificate::watch(Arc::downgrade(certificate), look));
        }
        let bounds = (self.settings.connections, Arc::clone(&self.shared.places));
        let acceptor = Acceptor::new(listener, self.tls, bounds, (self.served, self.full), stopped);
        let accepting = tokio::spawn(acceptor.run());
        tracing::info!(%address, speaks_tls, "listening");
        Ok(Running { address, speaks_tls, stop, accepting, shared: self.shared })
    }

    /// As [`Server::start`], on threads of its own.
    ///
    /// # Errors
    /// As [`Server::start`], and where the system gives no threads.
    pub fn start_hosted(self) -> Result<Hosted> {
        let threads = Builder::new_multi_thread()
            .thread_name("playbook-http")
            .enable_all()
            .build()
            .map_err(ServerError::Threads)?;
        let running = threads.block_on(self.start())?;
        Ok(Hosted { running, threads })
    }
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to type into a browser.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.speaks_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Takes no further connection, says that it is not ready, waits for what is in flight at most so long, and cuts the
    /// rest.
    pub async fn stop(mut self, within: Duration) -> Drained {
        self.shared.stop();
        self.stop.send_replace(Some(Instant::now() + within));
        match (&mut self.accepting).await {
            Ok(drained) => drained,
            Err(error) => {
                tracing::error!(%error, "connections were not drained");
                Drained { cut: 0 }
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Hosted {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// What to type into a browser.
    #[must_use]
    pub fn url(&self) -> String {
        self.running.url()
    }

    /// As [`Running::stop`]; the thread that calls waits.
    pub fn stop(self, within: Duration) -> Drained {
        let drained = self.threads.block_on(self.running.stop(within));
        // Work that waits for a disk ends by itself; nobody waits for its answer any more.
        self.threads.shutdown_background();
        drained
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("settings", &self.settings).finish_non_exhaustive()
    }
}
