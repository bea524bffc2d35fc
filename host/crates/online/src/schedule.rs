//! What time brings about: closing cycles when the schedules of playbooks say so, and telling of requests that nobody answered. On a
//! thread of its own, one cycle at a time, so that neighbours keep
//! their share of the machine.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::tz::TimeZone;
use playbook_features::Schedule;
use playbook_model::{Digest, reasons};

use crate::brand::Brand;
use crate::error::OnlineError;
use crate::store::read_source;
use crate::versions::How;

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
}

impl<'b> Closer<'b> {
    fn new(brand: &'b Brand) -> Self {
        Self { brand, tried: None, schedules: HashMap::new() }
    }

    fn look(&mut self) {
        let brand = self.brand.name();
        if let Err(error) = self.brand.tend_money_requests() {
            tracing::error!(%error, brand, "requests for money cannot be read");
        }
        match self.due() {
            Ok(None) => {}
            Ok(Some(end)) => {
                self.tried = Some(end);
                match self.brand.close_cycle(Some(end), BY) {
                    Ok(_) => tracing::info!(brand, end, "a cycle was closed by its schedule"),
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

    /// The end of the cycle that is to be closed now: the last time that has passed, if it is after all that was closed. So
    /// times that were missed are made up for by one, and a clock that is put back closes nothing twice.
    fn due(&mut self) -> Result<Option<i64>, OnlineError> {
        let version = self.brand.version();
        let playbook = version.playbook();
        let Some(text) = &playbook.cycle.close else { return Ok(None) };
        if !self.schedules.contains_key(text) {
            if self.brand.is_shared() {
                // Each host would close it, and what plugins call `previous` lies with one of them.
                let brand = self.brand.name();
                tracing::warn!(
                    brand,
                    "several hosts share its ledger: its cycles are closed by a call, not by the schedule"
                );
            }
            let zone = TimeZone::get(&playbook.time_zone).ok();
            let schedule = zone.and_then(|zone| Schedule::new(text, zone).ok());
            self.schedules = HashMap::from([(text.clone(), schedule)]);
        }
        if self.brand.is_shared() {
            return Ok(None);
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
        if let Some(until) = *closed {
            return Ok(until);
        }
        let history = self.activations();
        let mut until = history.last().map_or(i64::MIN, |first| first.at);
        let closings = history.iter().filter(|one| one.how == How::Cycle).take(CLOSINGS);
        for closing in closings {
            let source = read_source(&mut &*self.reader, &Digest(closing.version))?;
            until = until.max(source.and_then(|source| source.closed.at).unwrap_or(until));
        }
        *closed = Some(until);
        Ok(until)
    }
}
