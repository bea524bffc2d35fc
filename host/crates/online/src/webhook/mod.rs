//! Effects on their way to a webhook: at least once, in order for each member, again after failures. Who sends them is handed
//! over; this room knows no HTTP.

pub(crate) mod kept;
mod lanes;
mod run;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::brand::{Brand, Effect};
use crate::error::OnlineError;
use crate::writer::Job;
pub use kept::Undelivered;
use kept::{WebhookJob, is_overtaken, read_undelivered};

/// Sends messages to a receiver.
pub trait Deliver: Send + Sync {
    /// Sends one message; done when the receiver has taken it.
    fn deliver(
        &self,
        message: Message,
    ) -> Pin<Box<dyn Future<Output = Result<(), DeliveryFailed>> + Send + '_>>;
}

/// An effect as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same each time that the effect is sent, and of no other effect.
    pub id: String,
    /// When it is sent, seconds since 1970.
    pub at_s: i64,
    /// The effect.
    pub body: Vec<u8>,
}

/// A message that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFailed {
    /// Why, in words.
    pub why: String,
    /// How long the receiver asks everybody to wait.
    pub wait: Option<Duration>,
}

/// The webhook of a brand.
pub struct WebhookOptions {
    /// Where it leads, as it may be shown.
    pub to: String,
    /// Stages whose effects go out; empty: all of them.
    pub stages: Vec<String>,
    /// Messages on their way at once.
    pub in_flight_max: usize,
    /// How long an effect is tried.
    pub give_up: Duration,
    /// Sends messages.
    pub deliver: Arc<dyn Deliver>,
    /// Writes an effect.
    pub body: fn(Effect) -> Vec<u8>,
}

impl std::fmt::Debug for WebhookOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookOptions").field("to", &self.to).finish_non_exhaustive()
    }
}

/// How a webhook does. Numbers of what happened count from the start of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookState {
    /// Where it leads.
    pub to: String,
    /// Every effect up to this number was sent, is overtaken by later ones, or was given up.
    pub sent_up_to: u64,
    /// Effects that wait, those that are overtaken included.
    pub waiting: u64,
    /// When the first of these was granted, unix-ms.
    pub oldest_at: Option<i64>,
    /// Effects that were given up, and not sent again.
    pub undelivered: u64,
    /// Since when no message was taken, unix-ms, where the last one was not.
    pub failing_since: Option<i64>,
    /// Why the last message that failed did.
    pub last_error: Option<String>,
    /// Messages that were taken.
    pub sent: u64,
    /// Messages that were not.
    pub failed: u64,
    /// Effects that were given up.
    pub given_up: u64,
}

/// How a webhook does, told by the thread that serves it.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    told: Mutex<Told>,
    /// An effect that was given up is to be sent again.
    again: Notify,
}

#[derive(Debug, Default)]
struct Told {
    state: WebhookState,
    /// Number up to which effects were taken up.
    taken: u64,
    open: u64,
    oldest: Option<u64>,
}

impl Standing {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that serves the webhooks of a host. It ends with this value, after what is on its way was answered or a few
/// seconds have passed.
#[derive(Debug)]
pub struct Webhooks {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Webhooks {
    /// Begins to send.
    ///
    /// # Errors
    /// Where a webhook stands cannot be read or written, or no thread can be started.
    pub fn start(webhooks: Vec<(Arc<Brand>, WebhookOptions)>) -> Result<Self, OnlineError> {
        let (stop, stopped) = watch::channel(false);
        let mut runs = Vec::new();
        for (brand, options) in webhooks {
            runs.push(run::Run::open(brand, options)?);
        }
        let failed = |error: std::io::Error| OnlineError::Commit(error.to_string());
        // A store may be far away: while one webhook waits for it, another thread goes on with the others.
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().map_err(failed)?;
        let thread = std::thread::Builder::new().name("webhooks".to_owned()).spawn(move || {
            runtime.block_on(async {
                let mut all = tokio::task::JoinSet::new();
                for run in runs {
                    all.spawn(run.run(stopped.clone()));
                }
                while let Some(ended) = all.join_next().await {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a webhook has stopped by a fault of the host");
                    }
                }
            });
            // A name that is being looked up holds a thread, for which nobody waits.
            runtime.shutdown_background();
        });
        Ok(Self { stop, thread: Some(thread.map_err(failed)?) })
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

impl Brand {
    /// How its webhook does; `None`: it has none.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn webhook(&self) -> Result<Option<WebhookState>, OnlineError> {
        let Some(standing) = self.webhook.get() else { return Ok(None) };
        let last = *self.effects_seen().borrow();
        let (mut state, oldest) = {
            let told = standing.told();
            let waiting = told.open + last.saturating_sub(told.taken);
            let oldest = told.oldest.or((told.taken < last).then_some(told.taken + 1));
            (WebhookState { waiting, ..told.state.clone() }, oldest)
        };
        if let Some(oldest) = oldest {
            // An erased member's effect tells nothing; it goes at the next look.
            let (effects, _) = self.effects(oldest.saturating_sub(1), 1)?;
            state.oldest_at = effects.first().map(|effect| effect.at);
        }
        Ok(Some(state))
    }

    /// Effects that its webhook gave up, with numbers after `after`, ascending, at most `most`.
    ///
    /// # Errors
    /// A fault of the storage.
    pub fn undelivered(
        &self,
        after: u64,
        most: usize,
    ) -> Result<Vec<(u64, Undelivered)>, OnlineError> {
        Ok(read_undelivered(&self.reader, after, most)?)
    }

    /// Sends an effect that was given up once more, as if it were new. Asked again while it waits, nothing changes.
    ///
    /// # Errors
    /// [`OnlineError::Unknown`] where it was not given up, or there is no webhook.
    pub async fn send_again(&self, number: u64) -> Result<(), OnlineError> {
        let unknown = OnlineError::Unknown("undelivered effect");
        let Some(standing) = self.webhook.get() else { return Err(unknown) };
        if number > *self.effects_seen().borrow() {
            return Err(unknown);
        }
        let job = WebhookJob::Again(number);
        if self.queue.ask(|reply| Job::Webhook(job, reply)).await? {
            let undelivered = &mut standing.told().state.undelivered;
            *undelivered = undelivered.saturating_sub(1);
            standing.again.notify_one();
            return Ok(());
        }
        if is_overtaken(&self.reader, number)? { Ok(()) } else { Err(unknown) }
    }
}
