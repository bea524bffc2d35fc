//! One webhook while it runs: takes effects up, sends them, and keeps how far it is.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::kept::{Undelivered, WebhookJob, read_overtaken, read_position, read_undelivered};
use super::lanes::{Failure, Lanes};
use super::{DeliveryFailed, Message, Standing, Told, WebhookOptions};
use crate::alerts::{Alarm, AlertRule, Evidence};
use crate::brand::{Brand, Effect};
use crate::claims::{BEAT, Claimant, LEASE, Work};
use crate::error::OnlineError;
use crate::store::read_effects;
use crate::writer::Job;

/// Effects that are open at once; further ones wait where they are.
const OPEN_MAX: usize = 4_096;
/// Effects that are read at once.
const READ: usize = 256;
/// How often it is kept how far the webhook is: what was sent since is sent again after a kill.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// How long what is on its way may take once the service stops.
const DRAIN: Duration = Duration::from_secs(3);
/// Longest wait that a receiver may ask for.
const ASKED_MAX: Duration = Duration::from_secs(3_600);

/// Why a host sends no more.
enum End {
    /// The service stops.
    Stopped,
    /// The writer is gone.
    Gone,
    /// Another host sends, or may.
    Lost,
}

/// How long this host is the one that sends.
struct Held {
    /// When it says so again.
    beats_at: Instant,
    /// Until when nobody else may be.
    ends_at: Instant,
}

impl Held {
    fn since(moment: Instant) -> Self {
        Self { beats_at: moment + BEAT, ends_at: moment + LEASE - BEAT }
    }
}

/// A webhook that runs.
pub(super) struct Run {
    brand: Arc<Brand>,
    options: WebhookOptions,
    standing: Arc<Standing>,
    effects: watch::Receiver<u64>,
    lanes: Lanes,
    flights: JoinSet<Result<(), DeliveryFailed>>,
    flying: HashMap<Id, u64>,
    /// Effects that were given up and do not stand on disk as that.
    given_up: Vec<(u64, Undelivered)>,
    began: Instant,
    /// The position on disk.
    written: u64,
    /// When it is kept how far it is; `None`: it is kept.
    keep_at: Option<Instant>,
}

impl Run {
    /// Reads where it stood. One that never began begins after the last effect that there is.
    pub(super) fn open(brand: Arc<Brand>, options: WebhookOptions) -> Result<Self, OnlineError> {
        let effects = brand.effects_seen();
        let known = read_position(&brand.reader)?;
        let written = known.unwrap_or_else(|| *effects.borrow());
        let told = Told { taken: written, ..Told::default() };
        let standing = Arc::new(Standing { told: told.into(), ..Standing::default() });
        let undelivered = read_undelivered(&brand.reader, 0, usize::MAX)?.len() as u64;
        {
            let state = &mut standing.told().state;
            state.to.clone_from(&options.to);
            (state.sent_up_to, state.undelivered) = (written, undelivered);
        }
        if brand.webhook.set(Arc::clone(&standing)).is_err() {
            return Err(OnlineError::Commit("a brand has one webhook".to_owned()));
        }
        let run = Self {
            brand,
            options,
            standing,
            effects,
            lanes: Lanes::after(written),
            flights: JoinSet::new(),
            flying: HashMap::new(),
            given_up: Vec::new(),
            began: Instant::now(),
            written,
            keep_at: None,
        };
        if known.is_none() {
            // Before anything is granted: what is granted from now on goes out.
            let job = WebhookJob::Begin(written);
            run.brand.queue.ask_and_wait(|reply| Job::Webhook(job, reply))?;
        }
        Ok(run)
    }

    /// Sends until the service stops; of several hosts that share the store, one does at a time.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let Some(host) = self.brand.host() else {
            self.or_log(Self::take_overtaken);
            self.serve(&mut stop, None).await;
            return;
        };
        let mut claimant = Claimant::new(Work::Webhook, host);
        while !*stop.borrow() {
            match self.gets(&mut claimant).await.and_then(|gets| self.begun(gets)) {
                Ok(false) => {}
                Ok(true) => match self.serve(&mut stop, Some(&claimant)).await {
                    End::Stopped => {
                        let job = claimant.lets_go();
                        // Else it is taken over when it has not beaten for a while.
                        let _ = self.brand.queue.ask(|reply| Job::Claim(job, reply)).await;
                        return;
                    }
                    End::Gone => return,
                    End::Lost => {
                        let brand = self.brand.name();
                        tracing::warn!(brand, "another host sends to the webhook from now on");
                        self.dropped();
                    }
                },
                Err(error) => {
                    tracing::warn!(%error, brand = self.brand.name(), "who sends to the webhook is not known");
                }
            }
            tokio::select! {
                () = sleep(BEAT / 2) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Asks whether this host is to send.
    async fn gets(&self, claimant: &mut Claimant) -> Result<bool, OnlineError> {
        let claim = self.brand.claim(Work::Webhook)?;
        let Some(job) = claimant.wants(claim.as_ref(), Instant::now().into_std()) else {
            return Ok(false);
        };
        self.brand.queue.ask(|reply| Job::Claim(job, reply)).await
    }

    /// Stands where the webhook stands, which other hosts sent to; where this one is to send, takes up what is left.
    fn begun(&mut self, is_to_send: bool) -> Result<bool, OnlineError> {
        let position = read_position(&self.brand.reader)?.unwrap_or(self.written);
        let undelivered = read_undelivered(&self.brand.reader, 0, usize::MAX)?.len() as u64;
        self.written = position;
        self.lanes = Lanes::after(position);
        self.standing.told().state.undelivered = undelivered;
        if is_to_send {
            self.take_overtaken()?;
        }
        self.tell();
        Ok(is_to_send)
    }

    /// Forgets what is on its way: another host sends it again.
    fn dropped(&mut self) {
        self.flights = JoinSet::new();
        self.flying.clear();
        self.given_up.clear();
        self.keep_at = None;
    }

    async fn serve(
        &mut self,
        stop: &mut watch::Receiver<bool>,
        claimant: Option<&Claimant>,
    ) -> End {
        let standing = Arc::clone(&self.standing);
        let mut held = Held::since(Instant::now());
        while !*stop.borrow() {
            if let Some(claimant) = claimant
                && !self.holds(claimant, &mut held).await
            {
                return End::Lost;
            }
            self.take_up();
            self.start();
            if self.keep_at.is_some_and(|at| at <= Instant::now()) {
                self.keep().await;
            }
            self.tell();
            let wakes_at = self.wakes_at();
            let wakes_at = claimant.map_or(wakes_at, |_| wakes_at.min(held.beats_at));
            tokio::select! {
                Some(landed) = self.flights.join_next_with_id() => self.landed(landed),
                changed = self.effects.changed() => if changed.is_err() {
                    tracing::error!(brand = self.brand.name(), "a webhook ends: the writer is gone");
                    return End::Gone;
                },
                () = standing.again.notified() => self.or_log(Self::take_overtaken),
                () = sleep_until(wakes_at) => {}
                _ = stop.changed() => {}
            }
        }
        let landing = async {
            while let Some(landed) = self.flights.join_next_with_id().await {
                self.landed(landed);
            }
        };
        // What is not answered by then is sent again.
        let _ = timeout(DRAIN, landing).await;
        self.keep().await;
        End::Stopped
    }

    /// Whether this host is the one that sends still. Before another one may be, it stops by itself.
    async fn holds(&mut self, claimant: &Claimant, held: &mut Held) -> bool {
        if Instant::now() < held.beats_at {
            return true;
        }
        let begun = Instant::now();
        let asked = self.brand.queue.ask(|reply| Job::Claim(claimant.beats(), reply));
        match timeout_at(held.ends_at, asked).await {
            Ok(Ok(true)) => {
                *held = Held::since(begun);
                // Others may have been asked to send something again.
                self.or_log(Self::take_overtaken);
                true
            }
            Ok(Ok(false)) => false,
            Ok(Err(_)) => {
                held.beats_at = begun + BEAT / 4;
                begun < held.ends_at
            }
            Err(_) => false,
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn wakes_at(&self) -> Instant {
        let is_full = self.flights.len() >= self.options.in_flight_max;
        let next = self.lanes.wakes_at().filter(|_| !is_full);
        let next = next.map(|ms| self.began + Duration::from_millis(ms));
        let idle = Instant::now() + Duration::from_secs(3_600);
        next.into_iter().chain(self.keep_at).fold(idle, Instant::min)
    }

    fn or_log(&mut self, work: impl FnOnce(&mut Self) -> Result<(), OnlineError>) {
        if let Err(error) = work(self) {
            tracing::error!(%error, brand = self.brand.name(), "a webhook cannot read effects");
        }
    }

    fn take_up(&mut self) {
        self.or_log(|run| {
            let last = *run.effects.borrow_and_update();
            while run.lanes.taken < last && run.lanes.len() < OPEN_MAX && run.lanes.takes_more() {
                let now = run.now();
                let rows = read_effects(&run.brand.reader, run.lanes.taken, READ)?;
                if rows.is_empty() {
                    break;
                }
                for (number, row, _) in rows {
                    run.lanes.add(number, row.member, None, now);
                    run.lanes.taken = number;
                }
            }
            Ok(())
        });
    }

    /// Takes up what is kept and not open: after a start, and what is to be sent again.
    fn take_overtaken(&mut self) -> Result<(), OnlineError> {
        let now = self.now();
        for (number, tried) in read_overtaken(&self.brand.reader)? {
            if self.lanes.knows(number) {
                continue;
            }
            let row = read_effects(&self.brand.reader, number.saturating_sub(1), 1)?.pop();
            if let Some((_, row, _)) = row.filter(|(found, ..)| *found == number) {
                self.lanes.add(number, row.member, Some(tried), now);
            }
        }
        Ok(())
    }

    fn start(&mut self) {
        while self.flights.len() < self.options.in_flight_max {
            let Some(number) = self.lanes.next(self.now()) else { return };
            match self.message(number) {
                Ok(Some(message)) => {
                    let deliver = Arc::clone(&self.options.deliver);
                    let flight = async move { deliver.deliver(message).await };
                    self.flying.insert(self.flights.spawn(flight).id(), number);
                }
                Ok(None) => {
                    self.lanes.close(number);
                    self.is_changed();
                }
                Err(error) => {
                    tracing::error!(%error, brand = self.brand.name(), "an effect cannot be read");
                    let why = "the host could not read the effect".to_owned();
                    self.failed(number, DeliveryFailed { why, wait: None });
                }
            }
        }
    }

    /// `None`: its member was erased, or its stage's effects do not go out.
    fn message(&self, number: u64) -> Result<Option<Message>, OnlineError> {
        let (effects, _) = self.brand.effects(number.saturating_sub(1), 1)?;
        let stages = &self.options.stages;
        let goes_out = |stage: &String| stages.is_empty() || stages.contains(stage);
        let effect = effects.into_iter().find(|effect| effect.number == number);
        let effect = effect.filter(|effect| goes_out(&effect.effect.stage));
        Ok(effect.map(|effect| Message {
            id: message_id(&effect),
            at_s: (self.brand.now)().div_euclid(1_000),
            body: (self.options.body)(effect),
        }))
    }

    fn landed(&mut self, landed: Result<(Id, Result<(), DeliveryFailed>), JoinError>) {
        let (id, result) = landed.unwrap_or_else(|error| {
            let why = "the host failed while it sent".to_owned();
            tracing::error!(%error, brand = self.brand.name(), "a message was not sent");
            (error.id(), Err(DeliveryFailed { why, wait: None }))
        });
        let Some(number) = self.flying.remove(&id) else { return };
        match result {
            Ok(()) => {
                self.lanes.delivered(number);
                self.is_changed();
                let state = &mut self.standing.told().state;
                state.sent += 1;
                state.failing_since = None;
            }
            Err(failed) => self.failed(number, failed),
        }
    }

    fn failed(&mut self, number: u64, failed: DeliveryFailed) {
        self.is_changed();
        let DeliveryFailed { why, wait } = failed;
        let brand = self.brand.name();
        tracing::warn!(brand, number, why, "an effect was not delivered");
        let asked = wait.map(|wait| wait.min(ASKED_MAX).as_millis());
        let asked = asked.and_then(|ms| u64::try_from(ms).ok());
        let drawn = RandomState::new().hash_one(number);
        let give_up = u64::try_from(self.options.give_up.as_millis()).unwrap_or(u64::MAX);
        let failure = self.lanes.failed(number, (self.now(), drawn), asked, give_up);
        let at = (self.brand.now)();
        let mut told = self.standing.told();
        let state = &mut told.state;
        state.failed += 1;
        state.failing_since.get_or_insert(at);
        state.last_error = Some(why.clone());
        if let Failure::GivenUp(tried) = failure {
            let attempts = tried.attempts;
            tracing::error!(brand, number, attempts, why, "an effect was given up");
            state.given_up += 1;
            state.undelivered += 1;
            drop(told);
            #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
            let figures = [("effect", number as f64), ("attempts", f64::from(attempts))];
            self.brand.raise(Alarm {
                rule: AlertRule::EffectGivenUp,
                scope: "webhook".to_owned(),
                words: format!("the webhook gave up an effect after {attempts} attempts: {why}"),
                evidence: Evidence {
                    figures: figures.map(|(name, figure)| (name.to_owned(), figure)).to_vec(),
                    ..Evidence::default()
                },
            });
            self.given_up.push((number, Undelivered { at, attempts, error: why }));
        }
    }

    /// Something is to be kept.
    fn is_changed(&mut self) {
        self.keep_at.get_or_insert_with(|| Instant::now() + KEEP_EVERY);
    }

    async fn keep(&mut self) {
        self.keep_at = None;
        let changes = self.lanes.changes();
        let by = self.brand.host();
        let job = WebhookJob::Progress(Box::new(changes.clone()), self.given_up.clone(), by);
        match self.brand.queue.ask(|reply| Job::Webhook(job, reply)).await {
            // Another host sends, and keeps how far it is.
            Ok(false) => {}
            Ok(true) => {
                self.lanes.written(&changes);
                self.given_up.clear();
                self.written = changes.position;
            }
            Err(error) => {
                tracing::warn!(%error, brand = self.brand.name(), "a webhook's position is not kept");
                self.is_changed();
            }
        }
    }

    fn tell(&self) {
        let mut told = self.standing.told();
        told.state.sent_up_to = self.written;
        (told.taken, told.open) = (self.lanes.taken, self.lanes.len() as u64);
        told.oldest = self.lanes.oldest();
    }
}

/// What a receiver knows a message by. A ledger that was restored gives numbers again, but no key of a grant to another grant;
/// what undoes an effect is another message than the effect.
fn message_id(effect: &Effect) -> String {
    let of = effect.effect.grant.as_ref().unwrap_or(&effect.decision);
    match effect.reversal {
        None => of.clone(),
        Some(_) => format!("{of}-{}", effect.number),
    }
}
