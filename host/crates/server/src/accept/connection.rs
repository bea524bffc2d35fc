//! One connection: HTTP/1.1 or HTTP/2, whichever the client speaks, within the limits.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower::ServiceExt as _;

use super::activity::Activity;
use crate::held::until_sent;
use crate::settings::ConnectionLimits;

/// How long a client may keep open a connection that was told to end.
const CLOSE: Duration = Duration::from_secs(2);
/// How long a connection that finds no place may take for its one request.
const LAST: Duration = Duration::from_secs(1);
/// Headers that the HTTP/1 parser has room for without being told.
const PARSED_HEADERS: usize = 100;
/// How often a client of HTTP/2 is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);

/// What all connections of a kind have in common.
pub(super) struct Connections {
    router: Router,
    builder: Builder<TokioExecutor>,
    idle: Duration,
    stop: watch::Receiver<Option<Instant>>,
}

impl Connections {
    /// Connections that stay open for further requests.
    pub(super) fn new(
        router: Router,
        limits: &ConnectionLimits,
        stop: watch::Receiver<Option<Instant>>,
    ) -> Self {
        Self { router, builder: builder(limits), idle: limits.idle, stop }
    }

    /// Connections that are closed after their first answer.
    pub(super) fn last(
        router: Router,
        limits: &ConnectionLimits,
        stop: watch::Receiver<Option<Instant>>,
    ) -> Self {
        let mut builder = builder(limits);
        builder.http1().keep_alive(false);
        Self { router, builder, idle: LAST, stop }
    }

    /// Serves a connection to its end.
    pub(super) async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let activity = Activity::begin();
        let service = service_fn(|request: Request<Incoming>| {
            let busy = activity.busy();
            let router = self.router.clone();
            async move {
                let response = router.oneshot(request.map(Body::new)).await?;
                Ok::<_, Infallible>(until_sent(response, busy))
            }
        });
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        let mut stop = self.stop.clone();
        let (mut stopping, mut closing) = (false, None);
        loop {
            let until = match closing {
                None => activity.idles_at(self.idle),
                Some(since) => activity.idles_at(self.close()).max(since + self.close()),
            };
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection failed");
                    }
                    return;
                }
                _ = stop.wait_for(Option::is_some), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = sleep_until(until) => {
                    let now = Instant::now();
                    // It may have done something while this slept.
                    let idle = if closing.is_some() { self.close() } else { self.idle };
                    if activity.idles_at(idle) > now {
                        continue;
                    }
                    if closing.replace(now).is_some() {
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }

    /// How long a client has to close a connection that was told to end.
    fn close(&self) -> Duration {
        CLOSE.min(self.idle)
    }
}

fn builder(limits: &ConnectionLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    http1
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(limits.header_bytes_max);
    if limits.headers_max >= PARSED_HEADERS {
        http1.max_headers(limits.headers_max + 1);
    }
    let header_bytes = u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(header_bytes)
        .max_concurrent_streams(limits.streams_max)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}
