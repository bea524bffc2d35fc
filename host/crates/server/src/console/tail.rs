//! Decisions as they are made. The page holds the last ones; a stream says when there are new ones, and the script asks for the
//! page anew. Without a script the page reloads by itself.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::stream;
use maud::html;
use playbook_online::{Brand, DecisionFilter};

use super::frame::{self, section};
use super::told::Told;
use super::visit::Visit;
use crate::live::{Live, apart};
use crate::problem::Problem;
use crate::shared::Shared;

/// Decisions that the page holds.
const SHOWN: usize = 25;
/// How often it is looked whether there are new ones.
const LOOK: Duration = Duration::from_millis(500);
/// How long the stream says nothing before it says that it is there.
const SILENCE: Duration = Duration::from_secs(15);
/// A stream ends after this long, and the browser asks again: by then the session may have ended.
const WHOLE: Duration = Duration::from_secs(300);

/// The page.
pub(super) async fn show(visit: Visit, Live(brand): Live) -> Result<Response, Problem> {
    let say = visit.say;
    let told = Told::new(&visit, Arc::clone(&brand));
    let last =
        apart(brand, |brand| brand.decisions(&DecisionFilter::default(), None, SHOWN)).await?;
    let body = html! {
        p.acts {
            button #pause type="button" hidden aria-pressed="false"
                data-pause=(say.say("Pause", "暫停")) data-resume=(say.say("Go on", "繼續")) { (say.say("Pause", "暫停")) }
            span #state role="status" data-lost=(say.say("no connection; it is tried again", "連線中斷，正在重試")) {}
        }
        div #live data-stream=(visit.to("/live/stream")) {
            @if last.decisions.is_empty() { p.empty { (say.say("No decision was made yet.", "尚無決策。")) } }
            @for decision in &last.decisions { (told.decision(decision)) }
        }
    };
    let lead = say.say("The last decisions, as they are made.", "最近的決策，實時更新。");
    let title = say.say("Live", "實時");
    Ok(frame::page(&visit, title, &section(title, lead, &body)))
}

/// Says how many decisions there are, whenever there are more.
pub(super) async fn stream(State(shared): State<Arc<Shared>>, Live(brand): Live) -> Response {
    let watching =
        Watching { shared, brand, seen: None, begun: Instant::now(), said: Instant::now() };
    let said = stream::unfold(watching, |watching| async { watching.next().await });
    let mut response = Response::new(Body::from_stream(said));
    let media = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}

struct Watching {
    shared: Arc<Shared>,
    brand: Arc<Brand>,
    /// Decisions that were told of.
    seen: Option<u64>,
    begun: Instant,
    said: Instant,
}

impl Watching {
    /// The next bytes; `None`: the service stops, or it is time to ask again.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if self.shared.is_stopping() || self.begun.elapsed() > WHOLE {
                return None;
            }
            let now = self.brand.decisions_made();
            if self.seen != Some(now) {
                self.seen = Some(now);
                return Some(self.say(format!("event: made\ndata: {now}\n\n")));
            }
            if self.said.elapsed() > SILENCE {
                return Some(self.say(": nothing new\n\n".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn say(mut self, text: String) -> (Result<Bytes, Infallible>, Self) {
        self.said = Instant::now();
        (Ok(text.into()), self)
    }
}
