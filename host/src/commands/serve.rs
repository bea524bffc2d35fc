//! `playbook serve`: brands over HTTP, until it is stopped.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use playbook_app as app;
use playbook_model::{CallMeters, Digest, HostBrand};
use playbook_online::{
    Brand, Following, Lanes, OpenError, Schedules, StageStates, SwapError, Webhooks, WriterState,
};
use playbook_server::{
    Brand as Listed, BrandStatus, Directory, KeyStore, OpenedKeys, Server, effect_body,
};
use playbook_toml::Loaded;

use crate::commands::data;
use crate::commands::demo::{PLAYBOOK, checkout, install_reference_plugins};
use crate::commands::serve_config::Config;
use crate::failure;
use crate::logs;
use crate::session::Session;
use crate::terminal::Terminal;

/// How often the service looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);
/// How often it looks whether a playbook or a plugin has changed; two looks in a row decide.
const FILES_LOOK: Duration = Duration::from_millis(300);

/// Brands that answer.
struct Brands {
    by_name: BTreeMap<String, Served>,
    /// What calls of their plugins take.
    calls: Arc<CallMeters>,
}

/// A brand to be served, with its playbook as it was read.
struct Named {
    brand: HostBrand,
    loaded: Loaded,
}

/// A brand that answers.
struct Served {
    /// Ends before the brand does.
    _following: Following,
    brand: Arc<Brand>,
    /// What was last told of its writer.
    told: Mutex<WriterState>,
}

impl Served {
    fn new(brand: Brand) -> Self {
        let brand = Arc::new(brand);
        let _following = Following::start(&brand);
        Self { _following, brand, told: Mutex::new(WriterState::Works) }
    }

    /// Whether it can keep what it answers. Why not stands in the log, once for each change.
    fn can_write(&self) -> bool {
        let (now, brand) = (self.brand.writer(), self.brand.name());
        let told =
            std::mem::replace(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner), now);
        match now {
            _ if told == now => {}
            WriterState::Works => tracing::warn!(brand, "ready again: the brand can write"),
            WriterState::Fails => {
                tracing::error!(brand, "not ready: the brand's last commit failed")
            }
            WriterState::Gone => {
                tracing::error!(brand, "not ready: the brand's writer has stopped")
            }
        }
        // Why it is behind stands in the log already.
        now == WriterState::Works && self.brand.behind().is_none()
    }

    fn listed(&self) -> Listed {
        let status = match self.brand.writer() {
            WriterState::Gone => BrandStatus::Stopped,
            _ => match self.brand.version().stage_states() {
                StageStates { failed: 0, open: 0, .. } => BrandStatus::Serving,
                _ => BrandStatus::Degraded,
            },
        };
        Listed { name: self.brand.name().to_owned(), status }
    }
}

impl Directory for Brands {
    fn brand(&self, name: &str) -> Option<Listed> {
        self.by_name.get(name).map(Served::listed)
    }

    fn live(&self, name: &str) -> Option<Arc<Brand>> {
        self.by_name.get(name).map(|served| Arc::clone(&served.brand))
    }

    fn brands(&self, after: Option<&str>, limit: usize) -> Vec<Listed> {
        let is_later = |name: &str| after.is_none_or(|after| name > after);
        let later = self.by_name.iter().filter(|(name, _)| is_later(name));
        later.take(limit).map(|(_, served)| served.listed()).collect()
    }

    fn calls(&self) -> Option<Arc<CallMeters>> {
        Some(Arc::clone(&self.calls))
    }

    fn is_ready(&self) -> bool {
        // Every brand is looked at, so that the log tells of each.
        self.by_name.values().filter(|served| !served.can_write()).count() == 0
    }
}

pub(crate) fn serve(session: &Session, mut config: Config) -> Result<()> {
    config.settings.check().map_err(hinted)?;
    let data = data::folder(session, config.data.as_deref());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let named = named(session, &config, threads)?;
    app::open_data(&data)?;
    for Named { brand, loaded } in &named {
        let rate = config.rate(brand).map(|rate| (loaded.playbook.brand.clone(), rate));
        config.settings.rates.own.extend(rate);
    }
    let shared = config.ledgers.as_deref();
    let shared = shared.map(|name| app::shared_ledgers(&session.host, name)).transpose()?;
    let lanes = Arc::new(Lanes::new(threads));
    let open = |Named { brand, loaded }: &Named| {
        let options = app::ServeOptions {
            records_bytes_max: brand.records_bytes_max.unwrap_or(config.records_bytes_max),
            now: app::system_clock(),
            lanes: Arc::clone(&lanes),
            shared: shared.clone(),
        };
        let state = app::brand_state(&data, &loaded.playbook.brand);
        let opened = app::open_brand(&session.host, loaded, &state, options)?;
        // Before anybody is told: a change of what was read is one.
        let watched = app::Watched::new(&session.host, &brand.playbook, loaded.clone());
        Ok((Served::new(opened), watched))
    };
    // Before many threads want it at once.
    session.host.runtime()?;
    let (mut live, mut webhooks, mut watched) = (BTreeMap::new(), Vec::new(), Vec::new());
    let opened = side_by_side(threads, &named, open).into_iter().collect::<Result<Vec<_>>>()?;
    for ((served, files), Named { brand, loaded }) in opened.into_iter().zip(named) {
        watched.push((Arc::clone(&served.brand), files));
        if let Some(told) = &brand.webhook {
            let webhook = app::webhook(&served.brand, told, effect_body)?;
            webhooks.push((Arc::clone(&served.brand), webhook));
        }
        live.insert(loaded.playbook.brand, served);
    }
    let calls = session.host.runtime()?.meters();
    let brands = Arc::new(Brands { by_name: live, calls });
    let OpenedKeys { store, first } = KeyStore::open(&data)
        .with_context(|| format!("the keys in `{}` cannot be opened", data.display()))?;
    let served = Arc::clone(&brands);
    // After the folder is held: another service over it may be sending them.
    let webhooks = Webhooks::start(webhooks)?;
    config.settings.parent = Some(logs::parent);
    let server = Server::new(config.settings, Arc::new(store), served).map_err(hinted)?;
    let running = server.start_hosted().map_err(hinted)?;
    let live = brands.by_name.values().map(|served| Arc::clone(&served.brand));
    let schedules = Schedules::start(live.collect())?;
    let url = running.url();
    Terminal::out(&format!("serving {} at {url}\n", names(&brands)))?;
    Terminal::out(&format!("  {url}/console  the console: log in with a key\n"))?;
    Terminal::out(&format!("  {url}/docs/api  the API, to read and to try\n"))?;
    if let Some(key) = first {
        Terminal::out(&format!(
            "  {}  key of the platform admin, shown this once\n",
            key.expose()
        ))?;
    }
    Terminal::out(&format!("  {}  keys, ledgers, members\n", data.display()))?;
    watch(session, watched);
    let drained = running.stop(config.drain);
    if drained.cut > 0 {
        Terminal::note(&format!("{} connections did not end in time and were cut", drained.cut));
    }
    drop(schedules);
    drop(webhooks);
    // The last one: writers finish what waits.
    drop(brands);
    Terminal::note("stopped; what was answered is kept");
    Ok(())
}

/// Does something to each of many, on so many threads; returns what came of it in their order.
fn side_by_side<I: Sync, O: Send + Sync>(
    threads: usize,
    many: &[I],
    each: impl Fn(&I) -> O + Sync,
) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let done: Vec<OnceLock<O>> = many.iter().map(|_| OnceLock::new()).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let at = next.fetch_add(1, Ordering::Relaxed)
                    && let Some((one, came)) = many.get(at).zip(done.get(at))
                {
                    came.get_or_init(|| each(one));
                }
            });
        }
    });
    done.into_iter().map(|came| came.into_inner().expect("each of them was done")).collect()
}

/// Takes changed playbooks and plugins live, until the service is stopped.
fn watch(session: &Session, mut watched: Vec<(Arc<Brand>, app::Watched)>) {
    let mut last = Instant::now();
    while !session.host.cancel().is_cancelled() {
        std::thread::sleep(LOOK);
        if last.elapsed() < FILES_LOOK {
            continue;
        }
        last = Instant::now();
        for (brand, watched) in &mut watched {
            match watched.look(brand) {
                None => {}
                Some(Ok(done)) => {
                    let version = Digest(done.version).to_string();
                    tracing::info!(brand = brand.name(), version, "a changed file is live");
                    Terminal::note(&format!("{}: the changed playbook decides", brand.name()));
                }
                Some(Err(refused)) => {
                    tracing::error!(brand = brand.name(), "a changed file was refused");
                    let why = refusal(refused);
                    Terminal::note(&format!(
                        "{}: the changed playbook is refused, the one before goes on\n{why}",
                        brand.name()
                    ));
                }
            }
        }
    }
}

fn refusal(error: SwapError) -> String {
    match error {
        SwapError::Open(OpenError::Faulty(problems)) => problems.render(),
        other => format!("{:#}", anyhow::Error::from(other)),
    }
}

fn names(brands: &Brands) -> String {
    brands.by_name.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The brands to serve, in the order of their names. All playbooks are read before any brand goes live, and all that is wrong with any
/// of them is told.
fn named(session: &Session, config: &Config, threads: usize) -> Result<Vec<Named>> {
    let brands = match config.brands.as_slice() {
        [] => vec![HostBrand { playbook: demo_playbook(session)?, ..HostBrand::default() }],
        named => named.to_vec(),
    };
    let read = |brand: &HostBrand| session.host.read(&brand.playbook, &[], &playbook_toml::Disk);
    let all = side_by_side(threads, &brands, read).into_iter().zip(brands);
    let (mut named, mut faults) = (BTreeMap::new(), Vec::new());
    for (loaded, brand) in all {
        match loaded {
            Ok(loaded) => match named.entry(loaded.playbook.brand.clone()) {
                Entry::Vacant(vacant) => drop(vacant.insert(Named { brand, loaded })),
                Entry::Occupied(taken) => {
                    bail!(
                        "`{}` and `{}` are both of brand `{}`; a brand is served by one playbook at a time",
                        taken.get().brand.playbook.display(),
                        brand.playbook.display(),
                        taken.key()
                    );
                }
            },
            Err(fault) => faults.push(fault),
        }
    }
    let last = faults.pop();
    for fault in faults {
        failure::report(session.terminal, false, fault.into());
    }
    last.map_or_else(|| Ok(named.into_values().collect()), |fault| Err(fault.into()))
}

/// The demo's playbook, with its plugins built and installed.
fn demo_playbook(session: &Session) -> Result<PathBuf> {
    let root = checkout()?;
    Terminal::note("reference plugins");
    install_reference_plugins(session, &root)?;
    Ok(root.join(PLAYBOOK))
}

fn hinted(error: playbook_server::ServerError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => anyhow::Error::from(error).context(hint),
        None => error.into(),
    }
}
