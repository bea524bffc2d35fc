//! `playbook plugin bench`: which plugins are measured under which settings, and the figures as a table or JSON.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use playbook_app::{AppError, looking};
use playbook_contract::Case;
use playbook_cycle::CycleError;
use playbook_files::read_regular;
use playbook_model::{Description, Limits, PluginRef, StageDef, canonical_json};
use playbook_runtime::{LoadOptions, Plugin};
use playbook_toml::{Disk, ReadFiles, card_facts};
use serde::Serialize;

use crate::cli::PluginBenchArgs;
use crate::commands::plugin::{build_noisily, canonical};
use crate::conformance::guest;
use crate::failure::Answered;
use crate::made_up::Trial;
use crate::measure::{Measured, MeasuredCall, ROWS, Subject, compiled};
use crate::session::Session;
use crate::terminal::{Terminal, counted};

/// Goal for the size of a component in bytes (docs/benchmarks.md); the limit of the host is far above it.
const COMPONENT_BYTES_GOAL: u64 = 150_000;

/// A component and the settings under which it is measured.
struct Target {
    component: PathBuf,
    under: Vec<Under>,
}

/// Settings, and the card that they are of.
struct Under {
    card: Option<String>,
    settings: String,
}

/// All figures of a plugin under settings.
#[derive(Debug, Serialize)]
struct Figures {
    plugin: String,
    version: String,
    kind: &'static str,
    card: Option<String>,
    file: PathBuf,
    digest: String,
    metering: &'static str,
    bytes: u64,
    bytes_goal: u64,
    bytes_max: u64,
    /// Median of the whole compilation by the clock; the limit is of the processor's time.
    compile_ms: f64,
    compile_cpu_ms_max: u64,
    compiled_bytes: u64,
    #[serde(flatten)]
    measured: Measured,
    /// What was not measured, and why.
    stopped: Vec<String>,
}

/// Measures plugins and shows the figures.
pub(crate) fn bench(session: &Session, args: &PluginBenchArgs) -> Result<()> {
    let targets = targets(session, args)?;
    let options = looking(args.metering.metering());
    let kept = args.keep.as_deref();
    if let Some(folder) = kept {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let count: usize = targets.iter().map(|target| target.under.len()).sum();
    let (mut figures, mut faults) = (Vec::new(), 0);
    for target in &targets {
        let one = One::load(session, &target.component, &options)?;
        for under in &target.under {
            if count > 1 {
                let name = shown(&one.about.name, under.card.as_deref());
                Terminal::note(&format!("  {} of {count}  {name}", figures.len() + 1));
            }
            let (measured, is_fault) = one.measure(session, under, kept)?;
            figures.push(measured);
            faults += usize::from(is_fault);
        }
    }
    if !args.json {
        table(session, &figures, &options.limits)?;
    }
    if faults > 0 {
        let told =
            anyhow!("{faults} of {} measurements ended with a fault of the plugin", figures.len());
        return Err(Answered::with(serde_json::to_value(&figures)?, told));
    }
    if args.json { Terminal::json(&figures) } else { Ok(()) }
}

/// What is measured, in the order in which it was named.
fn targets(session: &Session, args: &PluginBenchArgs) -> Result<Vec<Target>> {
    let card = args.card.as_deref().map(|card| stage_of(session, card)).transpose()?;
    let mut components = Vec::new();
    if args.all {
        let mut installed = session.host.home().installed()?;
        // The newest version of each stands first.
        installed.dedup_by(|later, first| later.name == first.name);
        components.extend(installed.into_iter().map(|plugin| plugin.path));
        if components.is_empty() {
            bail!(
                "no plugin is installed; `playbook plugin install` and `plugin build --install` install some"
            );
        }
    }
    for named in &args.plugins {
        let path = Path::new(named);
        let is_crate = path.is_dir() && (named.contains('/') || path.join("Cargo.toml").exists());
        components.push(match is_crate {
            true => build_noisily(&[path])?.remove(0).component,
            false => session.host.named(named)?,
        });
    }
    if let (Some(stage), []) = (&card, components.as_slice()) {
        components.push(session.host.component(stage)?);
    }
    let target = |component: PathBuf| {
        let name =
            guest(&component.to_string_lossy(), session.host.accepted(&component)?.describe()?)?
                .name;
        let under = match (&card, &args.settings) {
            (Some(stage), _) => vec![of_card(stage, &name)?],
            (None, Some(settings)) => vec![Under { card: None, settings: canonical(settings)? }],
            (None, None) => of_name(&name),
        };
        Ok(Target { component, under })
    };
    components.into_iter().map(target).collect()
}

/// Settings of each shipped card of a plugin; its defaults where there is none.
fn of_name(name: &str) -> Vec<Under> {
    let is_of = |engine: &str| engine.split('@').next() == Some(name);
    let cards = card_facts().into_iter().filter(|facts| is_of(&facts.engine));
    let mut under: Vec<Under> = cards
        .map(|facts| Under {
            card: Some(facts.card.name),
            settings: canonical_json(&facts.settings),
        })
        .collect();
    if under.is_empty() {
        under.push(Under { card: None, settings: "{}".to_owned() });
    }
    under
}

/// Settings of the card that was named, which must be one of the plugin.
fn of_card(stage: &StageDef, name: &str) -> Result<Under> {
    let card = stage.card.as_ref().map_or(&stage.name, |card| &card.name);
    if let PluginRef::Named { name: engine, .. } = &stage.plugin
        && engine != name
    {
        bail!("the card `{card}` is settings of `{engine}`, not of `{name}`");
    }
    Ok(Under { card: Some(card.clone()), settings: canonical_json(&stage.settings) })
}

/// The stage that takes a card and says nothing else, checked as in a playbook.
fn stage_of(session: &Session, card: &str) -> Result<StageDef> {
    let path = Path::new(card);
    let is_file = card.contains('/') || path.extension().is_some();
    let folder = path.parent().filter(|_| is_file).unwrap_or(Path::new(""));
    let name = path.file_name().filter(|_| is_file).map_or(card.into(), |n| n.to_string_lossy());
    // A text of JSON is one of TOML too.
    let text = format!("{PLAYBOOK}card = {}\n", serde_json::Value::from(name));
    let file = folder.join("--card");
    let loaded = session.host.read(&file, &[], &Around { file: file.clone(), text })?;
    loaded.playbook.stages.into_iter().next().context("the card makes no stage")
}

/// A playbook around a card, as far as one must say more.
const PLAYBOOK: &str = r#"
playbook = { id = "bench", brand = "bench", currency = "CNY", time_zone = "UTC" }
budget = { total = "1000.00" }

[[source]]
name = "events"
table = "events"
path = "events.csv"
map = { member = "member", kind = "kind", time = "time" }

[[stage]]
"#;

/// One text, and the disk beside it.
#[derive(Debug)]
struct Around {
    file: PathBuf,
    text: String,
}

impl ReadFiles for Around {
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        if path == self.file {
            Ok(self.text.clone().into_bytes())
        } else {
            Disk.read(path, bytes_max)
        }
    }
}

/// A loaded component with what does not depend on settings.
struct One<'a> {
    component: &'a Path,
    plugin: Plugin,
    about: Description,
    options: &'a LoadOptions,
    bytes: u64,
    compile_ms: f64,
    compiled_bytes: u64,
}

impl<'a> One<'a> {
    fn load(session: &Session, component: &'a Path, options: &'a LoadOptions) -> Result<Self> {
        let plugin = session.host.accepted_with(component, options)?;
        let about = guest(&component.to_string_lossy(), plugin.describe()?)?;
        let bytes = read_regular(component)?;
        let runtime = session.host.runtime()?;
        let (compile_ms, compiled_bytes) = compiled(|| {
            stop_if_asked(session)?;
            Ok(runtime.compile(&bytes, options)?)
        })?;
        let bytes = bytes.len() as u64;
        Ok(Self { component, plugin, about, options, bytes, compile_ms, compiled_bytes })
    }

    /// All figures under settings, and whether the plugin failed.
    fn measure(
        &self,
        session: &Session,
        under: &Under,
        kept: Option<&Path>,
    ) -> Result<(Figures, bool)> {
        let (about, limits) = (&self.about, &self.options.limits);
        let shape = guest(&about.name, self.plugin.check(&under.settings)?)?;
        let trial = Trial { plugin: &self.plugin, settings: &under.settings, shape: &shape };
        let subject = Subject { trial, name: &about.name, limits };
        let mut cases = kept.map(|folder| cases(folder, &about.name, under)).transpose()?;
        let (measured, stopped) = subject.measure(&mut |case| {
            stop_if_asked(session)?;
            cases.as_mut().map_or(Ok(()), |file| write_case(file, case))
        })?;
        if let Some(mut file) = cases {
            file.flush().context("cannot write what was asked")?;
        }
        let figures = Figures {
            plugin: about.name.clone(),
            version: about.version.clone(),
            kind: about.kind.name(),
            card: under.card.clone(),
            file: self.component.to_owned(),
            digest: self.plugin.digest().hex(),
            metering: self.options.metering.name(),
            bytes: self.bytes,
            bytes_goal: COMPONENT_BYTES_GOAL,
            bytes_max: limits.component_bytes_max,
            compile_ms: self.compile_ms,
            compile_cpu_ms_max: limits.compile_cpu_s_max.saturating_mul(1_000),
            compiled_bytes: self.compiled_bytes,
            measured,
            stopped: stopped.iter().map(ToString::to_string).collect(),
        };
        Ok((figures, stopped.iter().any(|stopped| stopped.is_failure)))
    }
}

/// Ends the command where Ctrl-C asked for it.
fn stop_if_asked(session: &Session) -> Result<()> {
    match session.host.cancel().is_cancelled() {
        true => Err(AppError::from(CycleError::Cancelled).into()),
        false => Ok(()),
    }
}

/// File of what a plugin is asked under settings.
fn cases(folder: &Path, plugin: &str, under: &Under) -> Result<BufWriter<File>> {
    let card = under.card.as_ref().map_or_else(String::new, |card| format!("@{card}"));
    let path = folder.join(format!("{plugin}{card}.jsonl"));
    let file = File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(BufWriter::new(file))
}

fn write_case(file: &mut BufWriter<File>, case: &Case) -> Result<()> {
    serde_json::to_writer(&mut *file, case)?;
    file.write_all(b"\n").context("cannot write what was asked")
}

/// A plugin, and the card whose settings it has.
fn shown(plugin: &str, card: Option<&str>) -> String {
    card.map_or_else(|| plugin.to_owned(), |card| format!("{plugin}: {card}"))
}

/// Shows a line for each call, under a line of what the host allows.
fn table(session: &Session, figures: &[Figures], limits: &Limits) -> Result<()> {
    let rows = ROWS.map(|rows| format!("ns at {}", counted(rows as u64)));
    let head = ["plugin", "KB", "compile ms", "start us", "open us", "call of"];
    let tail = ["fuel a row", "MiB"];
    let header: Vec<&str> =
        head.into_iter().chain(rows.iter().map(String::as_str)).chain(tail).collect();
    let compile_ms_max = limits.compile_cpu_s_max.saturating_mul(1_000);
    let mut most =
        ["at most".to_owned(), kilobytes(COMPONENT_BYTES_GOAL), counted(compile_ms_max)].to_vec();
    most.resize(head.len(), String::new());
    most.extend(ROWS.map(|rows| counted(limits.call_ms_max * 1_000_000 / rows as u64)));
    most.extend([
        counted(limits.fuel_per_row + limits.fuel_base / ROWS[2] as u64),
        mebibytes(limits.memory_bytes_max),
    ]);
    let mut lines = vec![most];
    let mut unmeasured = String::new();
    for one in figures {
        let full = shown(&one.plugin, one.card.as_deref());
        for stopped in &one.stopped {
            unmeasured.push_str(&format!("{full} is not measured further; {stopped}\n"));
        }
        let (start, open) = (one.measured.instantiate_us, one.measured.open_us);
        let times = [one.compile_ms, start, open].map(figure);
        // No card has the name of another one, or of a plugin.
        let name = one.card.as_ref().unwrap_or(&one.plugin);
        let mut head = [vec![name.clone(), kilobytes(one.bytes)], times.to_vec()].concat();
        for call in &one.measured.calls {
            let memory = mebibytes(one.measured.memory_bytes);
            lines.push([head.clone(), of_call(call), vec![memory]].concat());
            // Said once for all calls of a plugin.
            head.iter_mut().for_each(String::clear);
        }
    }
    let right: Vec<usize> = (1..header.len()).filter(|at| *at != 5).collect();
    Terminal::out(session.terminal.table(&header, &right, &lines))?;
    if unmeasured.is_empty() { Ok(()) } else { Terminal::out(unmeasured.as_str()) }
}

/// The cells of a call.
fn of_call(call: &MeasuredCall) -> Vec<String> {
    let of_rows = |rows: usize| call.sizes.iter().find(|size| size.rows == rows);
    let mut cells = vec![call.call.to_owned()];
    cells.extend(ROWS.map(|rows| of_rows(rows).map_or_else(String::new, |s| figure(s.ns_a_row))));
    let most = call.sizes.last();
    let fuel = most.and_then(|size| Some(counted(size.fuel? / size.rows as u64)));
    cells.push(fuel.unwrap_or_default());
    cells
}

/// A figure with three digits or more.
fn figure(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => counted(value.round() as u64),
    }
}

/// Bytes in thousands.
fn kilobytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e3)
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::{figure, kilobytes, mebibytes};

    #[test]
    fn figures_have_three_digits_or_more() {
        assert_eq!(
            [0.126, 9.9, 12.34, 99.96, 1234.5].map(figure),
            ["0.13", "9.90", "12.3", "100.0", "1,235"]
        );
        assert_eq!(
            (kilobytes(149_960), mebibytes(64 << 20)),
            ("150.0".to_owned(), "64.0".to_owned())
        );
    }
}
