//! A body that something follows until the last of it is sent or the client is gone.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::Response;
use http_body::{Frame, SizeHint};

/// Keeps `held` as long as the answer is being sent.
pub(crate) fn until_sent<T: Send + Unpin + 'static>(response: Response, held: T) -> Response {
    followed(response, move |_| {
        let _ = &held;
    })
}

/// Calls `turn` at each look for more of the answer, and says whether there is none yet: a body is asked for more when the
/// client has taken enough. It is dropped with the body.
pub(crate) fn followed(
    response: Response,
    turn: impl FnMut(bool) + Send + Unpin + 'static,
) -> Response {
    response.map(|body| Body::new(Followed { body, turn }))
}

struct Followed<F> {
    body: Body,
    turn: F,
}

impl<F: FnMut(bool) + Unpin> http_body::Body for Followed<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        (self.turn)(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
