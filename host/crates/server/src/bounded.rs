//! A request body that ends with an error where it is too large or comes too slowly.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::codes::Code;
use crate::problem::Problem;
use crate::settings::BodyLimits;

/// A request body within [`BodyLimits`].
pub(crate) struct Bounded {
    body: Body,
    left_bytes: u64,
    limits: BodyLimits,
    whole_until: Instant,
    /// Ends when the next bytes are late; runs only while bytes are waited for.
    late: Option<Pin<Box<Sleep>>>,
}

/// Why a body was not read to its end.
#[derive(Debug, Clone)]
pub(crate) enum BodyFault {
    /// It has more bytes than it may.
    TooLarge {
        /// Bytes that it may have.
        max: u64,
    },
    /// Its bytes came too slowly.
    TooSlow,
    /// The client went away, or sent what is no HTTP.
    Broken,
}

impl Bounded {
    pub(crate) fn new(body: Body, limits: BodyLimits) -> Self {
        let whole_until = Instant::now() + limits.whole;
        Self { body, left_bytes: limits.bytes_max, limits, whole_until, late: None }
    }

    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let (stall, whole_until) = (self.limits.stall, self.whole_until);
        let late = self.late.get_or_insert_with(|| {
            let until_whole = whole_until.saturating_duration_since(Instant::now());
            Box::pin(sleep(stall.min(until_whole)))
        });
        late.as_mut().poll(context).is_ready()
    }
}

impl http_body::Body for Bounded {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let frame = match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending if self.is_late(context) => {
                return Poll::Ready(Some(Err(BodyFault::TooSlow)));
            }
            Poll::Pending => return Poll::Pending,
        };
        self.late = None;
        let Some(frame) = frame else { return Poll::Ready(None) };
        let Ok(frame) = frame else { return Poll::Ready(Some(Err(BodyFault::Broken))) };
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left_bytes.checked_sub(bytes) {
            Some(left) => self.left_bytes = left,
            None => {
                let max = self.limits.bytes_max;
                return Poll::Ready(Some(Err(BodyFault::TooLarge { max })));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl BodyFault {
    /// What the client is told, of an error that reading a body came to.
    pub(crate) fn problem_of(error: axum::Error) -> Problem {
        match error.into_inner().downcast::<Self>() {
            Ok(fault) => fault.problem(),
            Err(_) => Problem::new(Code::RequestInvalid).detail("the body ended too early"),
        }
    }

    pub(crate) fn problem(&self) -> Problem {
        match self {
            Self::TooLarge { max } => {
                Problem::new(Code::BodyTooLarge).detail(format!("a body may have {max} bytes here"))
            }
            Self::TooSlow => Problem::new(Code::BodyTooSlow),
            Self::Broken => Problem::new(Code::RequestInvalid).detail("the body ended too early"),
        }
    }
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problem().code().row().title)
    }
}

impl std::error::Error for BodyFault {}
