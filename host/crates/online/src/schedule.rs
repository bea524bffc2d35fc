//! What time brings about: closing cycles when the schedules of playbooks say so, and telling of requests that nobody answered. On a
//! thread of its own, one cycle at a time, so that neighbours keep
//! their share of the machine.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use playbook_features::Schedule;
use playbook_model::{Digest, reasons};

use crate::brand::Brand;
use crate::claims::{BEAT, ClaimJob, Claimant, UnderClaim, Work};
use crate::error::OnlineError;
use crate::store::read_source;
use crate::swap::SwapError;
use crate::versions::{Activation, How};
use crate::writer::Job;

/// How often it looks whether a cycle is to be closed.
const LOOK: Duration = Duration::from_secs(1);
/// Closings of the history that are looked at for the last end; some may have closed earlier cycles later.
const CLOSINGS: usize = 32;
/// Who closes a cycle by a schedule.
const BY: &str = "schedule";

/// The thread that closes cycles. It ends with this value, after a cycle that is being closed.
#[derive(Debug)]
pub struct Schedules {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Schedules {
    /// Begins to look.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(brands: Vec<Arc<Brand>>) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("cycles".to_owned());
        let thread = thread.spawn(move || run(&brands, &stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Schedules {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

fn run(brands: &[Arc<Brand>], stopped: &Receiver<()>) {
    let mut closers: Vec<Closer<'_>> = brands.iter().map(|brand| Closer::new(brand)).collect();
    while matches!(stopped.recv_timeout(LOOK), Err(RecvTimeoutError::Timeout)) {
        closers.iter_mut().for_each(Closer::look);
    }
}

/// Closes the cycles of one brand.
struct Closer<'b> {
    brand: &'b Brand,
    /// End that was tried last: one that failed is tried again at the next time.
    tried: Option<i64>,
    /// Schedules by their text, so that they are read once.
    schedules: HashMap<String, Option<Schedule>>,
    /// Where hosts share the store.
    claimant: Option<Claimant>,
}

impl<'b> Closer<'b> {
    fn new(brand: &'b Brand) -> Self {
        Self { brand, tried: None, schedules: HashMap::new(), claimant: None }
    }

    fn look(&mut self) {
        let brand = self.brand.name();
        if let Err(error) = self.brand.tend_money_requests() {
            tracing::error!(%error, brand, "requests for money cannot be read");
        }
        match self.due() {
            Ok(None) => {}
            Ok(Some(end)) => {
                let closed = match self.close(end) {
                    Ok(closed) => closed,
                    Err(error) => Some(Err(error.into())),
                };
                let Some(closed) = closed else { return };
                self.tried = Some(end);
                match closed {
                    Ok(_) => tracing::info!(brand, end, "a cycle was closed by its schedule"),
                    Err(SwapError::Online(OnlineError::ClosedElsewhere)) => {
                        tracing::info!(brand, end, "another host has closed the cycle");
                    }
                    Err(error) => {
                        let why = reasons(&error);
                        tracing::error!(
                            brand,
                            end,
                            why,
                            "a cycle could not be closed; what was before goes on"
                        );
                    }
                }
            }
            Err(error) => tracing::error!(%error, brand, "the last closed cycle cannot be read"),
        }
    }

    /// Closes a cycle, where no other host does; `None`: another one does.
    fn close(&mut self, end: i64) -> Result<Option<Result<Activation, SwapError>>, OnlineError> {
        let (brand, Some(host)) = (self.brand, self.brand.host()) else {
            return Ok(Some(self.brand.close_scheduled(end, BY, None)));
        };
        let claimant = self.claimant.get_or_insert_with(|| Claimant::new(Work::Cycles, host));
        let claim = brand.claim(Work::Cycles)?;
        if claim.as_ref().is_some_and(|claim| claim.done >= end) {
            return Ok(None);
        }
        let ask = |job: ClaimJob| brand.queue.ask_and_wait(|reply| Job::Claim(job, reply));
        let Some(job) = claimant.wants(claim.as_ref(), Instant::now()) else { return Ok(None) };
        if !ask(job)? {
            return Ok(None);
        }
        let (ended, ends) = channel::<()>();
        let closed = std::thread::scope(|scope| {
            let claimant = &*claimant;
            scope.spawn(move || {
                while matches!(ends.recv_timeout(BEAT), Err(RecvTimeoutError::Timeout)) {
                    // Where it is lost, the cycle is not closed by this host.
                    if let Err(error) = ask(claimant.beats()) {
                        tracing::warn!(%error, brand = brand.name(), "a claim did not beat");
                    }
                }
            });
            let closed = brand.close_scheduled(end, BY, Some(UnderClaim { host, end }));
            drop(ended);
            closed
        });
        // Where it failed, another host may be able to.
        if let Err(error) = ask(claimant.lets_go()) {
            tracing::warn!(%error, brand = brand.name(), "a claim was not let go of");
        }
        Ok(Some(closed))
    }

    /// The end of the cycle that is to be closed now: the last time that has passed, if it is after all that was closed. So
    /// times that were missed are made up for by one, and a clock that is put back closes nothing twice.
    fn due(&mut self) -> Result<Option<i64>, OnlineError> {
        let version = self.brand.version();
        let playbook = version.playbook();
        let Some(text) = &playbook.cycle.close else { return Ok(None) };
        if !self.schedules.contains_key(text) {
            let zone = TimeZone::get(&playbook.time_zone).ok();
            let schedule = zone.and_then(|zone| Schedule::new(text, zone).ok());
            self.schedules = HashMap::from([(text.clone(), schedule)]);
        }
        let schedule = self.schedules.get(text).and_then(Option::as_ref);
        let latest = schedule.and_then(|schedule| schedule.latest((self.brand.now)()));
        let Some(latest) = latest.filter(|latest| self.tried != Some(*latest)) else {
            return Ok(None);
        };
        Ok((latest > self.brand.closed_until()?).then_some(latest))
    }
}

impl Brand {
    /// End of the last cycle that was closed, unix-ms; before there was one, when the brand was first served.
    fn closed_until(&self) -> Result<i64, OnlineError> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let history = self.activations();
        let last = history.first().map_or(0, |last| last.number);
        let first = || history.last().map_or(i64::MIN, |first| first.at);
        let (known, mut until) = closed.unwrap_or_else(|| (0, first()));
        let closings = history.iter().filter(|one| one.how == How::Cycle && one.number > known);
        for closing in closings.take(CLOSINGS) {
            let source = read_source(&mut &*self.reader, &Digest(closing.version))?;
            until = until.max(source.and_then(|source| source.closed.at).unwrap_or(until));
        }
        *closed = Some((last, until));
        Ok(until)
    }
}
