//! Connections: taken within bounds, served, and ended when they idle, stall or the service stops.

mod activity;
mod connection;
mod patience;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use self::connection::Connections;
use crate::server::Drained;
use crate::settings::ConnectionLimits;
use crate::tls::Certificate;

/// Connections that are told at the same time that the server is full; further ones are closed without a word.
const TURNED_AWAY_MAX: usize = 64;
/// How long the loop pauses where the system has no more files or memory for connections.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until it is told to stop.
pub(crate) struct Acceptor {
    listener: TcpListener,
    stop: watch::Receiver<Option<Instant>>,
    inner: Arc<Inner>,
}

struct Inner {
    limits: ConnectionLimits,
    tls: Option<Arc<Certificate>>,
    /// Answers requests.
    served: Connections,
    /// Answers all of them that the server is full.
    full: Connections,
    places: Arc<Places>,
    turned_away: Semaphore,
}

/// Places for connections: those that are served, and those that wait for one of these to end.
#[derive(Debug)]
pub(crate) struct Places {
    open: Arc<Semaphore>,
    open_max: usize,
    waiting: Semaphore,
    waiting_max: usize,
}

impl Places {
    pub(crate) fn new(limits: &ConnectionLimits) -> Self {
        let ConnectionLimits { open_max, waiting_max, .. } = *limits;
        let (open, waiting) = (Arc::new(Semaphore::new(open_max)), Semaphore::new(waiting_max));
        Self { open, open_max, waiting, waiting_max }
    }

    /// How many are taken: of those that are served, and of those that wait.
    pub(crate) fn taken(&self) -> (usize, usize) {
        let open = self.open_max - self.open.available_permits();
        (open, self.waiting_max - self.waiting.available_permits())
    }
}

impl Acceptor {
    /// `served` answers requests, `full` those of connections that find no place.
    pub(crate) fn new(
        listener: TcpListener,
        tls: Option<Arc<Certificate>>,
        (limits, places): (ConnectionLimits, Arc<Places>),
        routers: (Router, Router),
        stop: watch::Receiver<Option<Instant>>,
    ) -> Self {
        let (served, full) = routers;
        let inner = Inner {
            served: Connections::new(served, &limits, stop.clone()),
            full: Connections::last(full, &limits, stop.clone()),
            places,
            turned_away: Semaphore::new(TURNED_AWAY_MAX),
            limits,
            tls,
        };
        Self { listener, stop, inner: Arc::new(inner) }
    }

    /// Serves until it is told to stop, then waits for what is in flight until the moment it is told.
    pub(crate) async fn run(mut self) -> Drained {
        let mut connections = JoinSet::new();
        let until = loop {
            tokio::select! {
                biased;
                until = stopped(&mut self.stop) => break until,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(Arc::clone(&self.inner).take(stream))),
                    Err(error) => pause(&error).await,
                },
            }
        };
        // Nobody is left in the system's queue to wait for an answer that never comes.
        drop(self.listener);
        drain(connections, until).await
    }
}

/// The moment until which connections may go on, when the service is told to stop.
async fn stopped(stop: &mut watch::Receiver<Option<Instant>>) -> Instant {
    match stop.wait_for(Option::is_some).await {
        Ok(until) => until.unwrap_or_else(Instant::now),
        // Whoever could say so is gone.
        Err(_) => Instant::now(),
    }
}

async fn drain(mut connections: JoinSet<()>, until: Instant) -> Drained {
    while !connections.is_empty() {
        if timeout_at(until, connections.join_next()).await.is_err() {
            break;
        }
    }
    let cut = connections.len();
    connections.shutdown().await;
    Drained { cut }
}

/// A connection that failed before it was taken is its own matter; where the system has no room, connections have to end
/// first.
async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(%error, "no connection can be taken");
        sleep(PAUSE).await;
    }
}

impl Inner {
    /// One connection, to its end.
    async fn take(self: Arc<Self>, stream: TcpStream) {
        // Answers are written whole; waiting to fill packets would only delay them.
        drop(stream.set_nodelay(true));
        match self.place().await {
            Some(place) => {
                self.serve(&self.served, stream).await;
                drop(place);
            }
            None => {
                let Ok(_told) = self.turned_away.try_acquire() else { return };
                self.serve(&self.full, stream).await;
            }
        }
    }

    /// A place among those that are served, after a bounded wait in a bounded room.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places.open).try_acquire_owned() {
            return Some(place);
        }
        let _waits = self.places.waiting.try_acquire().ok()?;
        timeout(self.limits.wait, Arc::clone(&self.places.open).acquire_owned()).await.ok()?.ok()
    }

    async fn serve(&self, connections: &Connections, stream: TcpStream) {
        let mut stream = tokio_io_timeout::TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write_stall));
        let stream = Box::pin(stream);
        let Some(tls) = &self.tls else { return connections.serve(stream).await };
        match timeout(self.limits.header_read, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => connections.serve(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS came about"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }
}
