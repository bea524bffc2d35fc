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
use super::patience::{Due, Patience};
use crate::settings::ConnectionLimits;

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
    patience: Patience,
    stop: watch::Receiver<Option<Instant>>,
}

impl Connections {
    /// Connections that stay open for further requests.
    pub(super) fn new(
        router: Router,
        limits: &ConnectionLimits,
        stop: watch::Receiver<Option<Instant>>,
    ) -> Self {
        let patience = Patience::new(limits.idle, limits.write_stall);
        Self { router, builder: builder(limits), patience, stop }
    }

    /// Connections that are closed after their first answer.
    pub(super) fn last(
        router: Router,
        limits: &ConnectionLimits,
        stop: watch::Receiver<Option<Instant>>,
    ) -> Self {
        let mut builder = builder(limits);
        builder.http1().keep_alive(false);
        Self { router, builder, patience: Patience::new(LAST, LAST), stop }
    }

    /// Serves a connection to its end.
    pub(super) async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let activity = Activity::begin();
        let service = service_fn(|request: Request<Incoming>| {
            let busy = activity.busy();
            let router = self.router.clone();
            async move {
                let response = router.oneshot(request.map(Body::new)).await?;
                Ok::<_, Infallible>(busy.follow(response))
            }
        });
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(stream), service));
        let mut stop = self.stop.clone();
        let mut patience = self.patience;
        let mut stopping = false;
        loop {
            let look_at = patience.look_at(activity.waits(), Instant::now());
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
                () = sleep_until(look_at) => match patience.due(activity.waits(), Instant::now()) {
                    Due::Nothing => {}
                    Due::Close => connection.as_mut().graceful_shutdown(),
                    Due::Cut => return,
                },
            }
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::routing::get;
    use futures::{StreamExt as _, stream};
    use http_body_util::BodyExt as _;
    use hyper::Request;
    use hyper::body::Incoming;
    use hyper::client::conn::http2;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::sync::watch;
    use tokio::time::{sleep, timeout};

    use super::Connections;
    use crate::settings::ConnectionLimits;

    const STALL: Duration = Duration::from_millis(300);

    /// Serves answers without end, and ones that are silent for longer than anything may stall.
    fn connections(stop: watch::Receiver<Option<tokio::time::Instant>>) -> Connections {
        let chunk = || Ok::<_, std::io::Error>(Bytes::from(vec![0; 64 * 1_024]));
        let endless = get(async move || Body::from_stream(stream::repeat_with(chunk)));
        let silent = get(async || {
            let late = stream::once(sleep(STALL * 4)).map(|()| Ok::<_, std::io::Error>("late"));
            Body::from_stream(late)
        });
        let router = Router::new().route("/endless", endless).route("/silent", silent);
        let limits = ConnectionLimits { idle: STALL, write_stall: STALL, ..Default::default() };
        Connections::new(router, &limits, stop)
    }

    /// Hands the answer to `client`; true where the connection still stands when that is through.
    async fn stands(path: &str, client: impl AsyncFnOnce(hyper::Response<Incoming>)) -> bool {
        let (_stop, stopped) = watch::channel(None);
        let (near, far) = tokio::io::duplex(1 << 20);
        let served = tokio::spawn(async move { connections(stopped).serve(far).await });
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(format!("http://a{path}")).body(Body::empty()).unwrap();
        client(sender.send_request(request).await.unwrap()).await;
        !served.is_finished()
    }

    #[tokio::test]
    async fn a_client_of_http2_that_takes_no_answer_loses_its_connection() {
        let takes_none = async |answer| {
            sleep(STALL * 5).await;
            drop(answer);
        };
        assert!(!stands("/endless", takes_none).await);
    }

    #[tokio::test]
    async fn a_client_that_takes_its_answer_or_waits_for_it_keeps_its_connection() {
        let takes = async |mut answer: hyper::Response<Incoming>| {
            let taking = async { while let Some(Ok(_)) = answer.frame().await {} };
            timeout(STALL * 5, taking).await.unwrap_err();
        };
        assert!(stands("/endless", takes).await);
        let waits = async |answer: hyper::Response<Incoming>| {
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, "late");
        };
        assert!(stands("/silent", waits).await);
    }
}
