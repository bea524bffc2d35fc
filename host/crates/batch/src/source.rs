//! A brand's data for one cycle: opened once, then asked for tables.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use playbook_cycle::{DataSource, Intake, IntakeFinding, SourceError, SourceIntake};
use playbook_features::RowTable;
use playbook_model::{Digest, Frame, Playbook, SourceTable, Subject, UnixMs};

use crate::closed::Wanted;
use crate::findings::finding;
use crate::intake::files::{DataPlaces, TakenFile};
use crate::intake::job::{Digesting, IntakeJob, MappedSource};
use crate::intake::read_sources;
use crate::intake::rejects::Reject;
use crate::keys::Keys;
use crate::session::Session;
use crate::tables::{Tables, create_tables};
use crate::{BatchError, BrandClock, Cancel, Progress, Result, Silent};
use playbook_features::DAY_MS;

/// How aggregates over members' events are computed. Both ways give the same values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// By tallies in one scan of the events, and by SQL what tallies cannot hold.
    #[default]
    Numbers,
    /// SQL alone.
    Sql,
}

/// Default of [`BatchOptions::sequence_rows`]: 1.5 GiB.
const SEQUENCE_ROWS: usize = 1 << 26;

/// How a run reads and computes.
#[derive(Clone)]
pub struct BatchOptions {
    /// Folder where relative data paths start.
    pub data: PathBuf,
    /// Folders outside it where sources may be read too.
    pub data_also: Vec<PathBuf>,
    /// Files with the rows of sources and lookups that lie elsewhere, by [`playbook_model::SourceDef::key`].
    pub taken: BTreeMap<String, Vec<TakenFile>>,
    /// Existing folder for files that live as long as the source; the caller removes it.
    pub scratch: PathBuf,
    /// Folder with the outputs of closed cycles; `None`: there are none.
    pub state: Option<PathBuf>,
    /// As-of time that replaces the playbook's.
    pub as_of: Option<UnixMs>,
    /// Threads and partitions, at least 1. Results do not depend on it.
    pub partitions: usize,
    /// How aggregates are computed.
    pub aggregation: Aggregation,
    /// Most rows of a sequence that are held in memory, 24 bytes each. Where there are more, members are taken in
    /// ranges, of at least 16,384 members. Results do not depend on it.
    pub sequence_rows: usize,
    /// Stops the work.
    pub cancel: Cancel,
    /// Receives the progress of the work.
    pub progress: Arc<dyn Progress>,
}

impl BatchOptions {
    /// Options with two partitions, no state, and no progress reports.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>, scratch: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            data_also: Vec::new(),
            taken: BTreeMap::new(),
            scratch: scratch.into(),
            state: None,
            as_of: None,
            partitions: 2,
            aggregation: Aggregation::default(),
            sequence_rows: SEQUENCE_ROWS,
            cancel: Cancel::default(),
            progress: Arc::new(Silent),
        }
    }
}

impl std::fmt::Debug for BatchOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchOptions")
            .field("data", &self.data)
            .field("data_also", &self.data_also)
            .field("scratch", &self.scratch)
            .field("state", &self.state)
            .field("as_of", &self.as_of)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

/// The data of one cycle, read through the playbook's mapping.
#[derive(Debug)]
pub struct BatchSource {
    pub(crate) playbook: Playbook,
    pub(crate) options: BatchOptions,
    pub(crate) clock: BrandClock,
    pub(crate) session: Session,
    pub(crate) tables: Tables,
    pub(crate) intake: Intake,
    /// Sources whose files are still being digested: position in the intake, and the thread.
    digesting: Vec<(usize, Digesting)>,
    pub(crate) rejects: Vec<Reject>,
    /// The members, once they are computed.
    pub(crate) keys: Option<Arc<Keys>>,
}

impl BatchSource {
    /// Reads all sources of a playbook.
    ///
    /// # Errors
    /// Files that are absent or cannot be read, mappings that do not fit them, more rejected rows than
    /// allowed, no as-of time.
    pub fn open(playbook: &Playbook, options: BatchOptions) -> Result<Self> {
        let clock = BrandClock::new(&playbook.time_zone)?;
        let (threads, salt) = (options.partitions.max(1), playbook.pseudonym_salt.as_str());
        let session = Session::new(threads, &clock, salt, options.cancel.clone())?;
        let job = IntakeJob {
            playbook,
            places: &DataPlaces::new(&options.data, &options.data_also)?,
            taken: &options.taken,
            scratch: &options.scratch,
            clock: &clock,
            threads: options.partitions.max(1),
            cancel: &options.cancel,
            progress: options.progress.as_ref(),
            session: &session,
        };
        let (mut mapped, mut lookups) = read_sources(&job)?;
        let rejected = mapped.iter_mut().map(|source| &mut source.rejects);
        let rejected = rejected.chain(lookups.iter_mut().map(|lookup| &mut lookup.rejects));
        let rejects = rejected.flat_map(|tally| std::mem::take(&mut tally.kept)).collect();
        let mut tables = create_tables(&session, &mapped)?;
        let last_event = last_event(&session, &tables, &mapped)?;
        tables.set_latest(last_event);
        let as_of = options
            .as_of
            .or(playbook.cycle.as_of)
            .or_else(|| last_event.map(|at| midnight_after(&clock, at)))
            .ok_or(BatchError::NoAsOf)?;
        let mut findings: Vec<IntakeFinding> =
            mapped.iter_mut().flat_map(|s| std::mem::take(&mut s.findings)).collect();
        findings.extend(lookups.iter_mut().flat_map(|l| std::mem::take(&mut l.findings)));
        if options.as_of.is_none() && playbook.cycle.as_of.is_none() {
            findings.extend(far_ahead(&session, as_of, playbook)?);
        }
        let accounts_merged = tables.finish(&session, as_of, &playbook.features, &mut findings)?;
        for source in &mapped {
            session.forget(&source.view)?;
            session.forget(&source.raw)?;
        }
        let digesting = mapped.iter_mut().enumerate();
        let digesting: Vec<_> =
            digesting.filter_map(|(at, source)| Some((at, source.digesting.take()?))).collect();
        let intake = Intake {
            last_event,
            as_of,
            local_min: clock.local_ms(as_of.0).div_euclid(60_000),
            digest: None,
            accounts_merged,
            findings,
            sources: mapped
                .into_iter()
                .map(|source| source.intake)
                .chain(lookups.into_iter().map(|lookup| lookup.intake))
                .collect(),
        };
        let playbook = playbook.clone();
        Ok(Self {
            playbook,
            options,
            clock,
            session,
            tables,
            intake,
            digesting,
            rejects,
            keys: None,
        })
    }

    /// Rows that could not be read, in the order of sources, files and lines; at most
    /// [`crate::REJECTS_KEPT_MAX`] per source, while the intake counts all.
    #[must_use]
    pub fn rejects(&self) -> &[Reject] {
        &self.rejects
    }

    /// Number of this cycle: the local day of the as-of time over the cycle's length, rounded down.
    #[must_use]
    pub fn cycle_number(&self) -> i64 {
        playbook_cycle::cycle_number(self.intake.local_min, self.playbook.cycle.length_days)
    }
}

/// Midnight of the brand's zone after `at`.
fn midnight_after(clock: &BrandClock, at: UnixMs) -> UnixMs {
    UnixMs(clock.day_start(clock.local_day(at.0) + 1))
}

fn last_event(
    session: &Session,
    tables: &Tables,
    mapped: &[MappedSource],
) -> Result<Option<UnixMs>> {
    if tables.rows(SourceTable::Events).is_none() {
        return Ok(None);
    }
    let events = mapped.iter().filter(|source| source.table == SourceTable::Events);
    let known: Option<Vec<_>> = events.map(|source| source.ranges.get("time")).collect();
    if let Some(ranges) = known {
        let filled = ranges.into_iter().filter(|range| !range.is_empty());
        return Ok(filled.map(|range| UnixMs(*range.end())).max());
    }
    let batches = session.collect("last event", "SELECT max(time) FROM events_mapped")?;
    let last = batches.first().map(|batch| batch.column(0).as_primitive::<Int64Type>().clone());
    Ok(last.filter(|last| !last.is_empty() && last.is_valid(0)).map(|last| UnixMs(last.value(0))))
}

/// The finding where hardly any event lies in the cycle that ends with the last event: that one has a wrong date, or
/// the export ended long before.
fn far_ahead(
    session: &Session,
    as_of: UnixMs,
    playbook: &Playbook,
) -> Result<Option<IntakeFinding>> {
    let length_ms = i64::from(playbook.cycle.length_days) * DAY_MS;
    let from = as_of.0 - length_ms;
    // The common case ends early: the first batches hold an event of the cycle before.
    let near = format!(
        "SELECT time FROM events_mapped WHERE time >= {} AND time < {from} LIMIT 1",
        from - length_ms
    );
    if session.collect("last event", &near)?.iter().any(|batch| batch.num_rows() > 0) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT count(*), count(CASE WHEN time >= {from} THEN 1 END), \
         max(CASE WHEN time < {from} THEN time END) FROM events_mapped"
    );
    let batches = session.collect("last event", &sql)?;
    let Some(batch) = batches.first() else { return Ok(None) };
    let value = |at: usize| {
        let column = batch.column(at).as_primitive::<Int64Type>();
        column.is_valid(0).then(|| column.value(0))
    };
    let (Some(all), Some(late), Some(before)) = (value(0), value(1), value(2)) else {
        return Ok(None);
    };
    // Far ahead are at most one event in a hundred, after a gap of a whole cycle.
    if late * 100 > all || from - before < length_ms {
        return Ok(None);
    }
    let [last, before] = [as_of.0 - 1, before].map(|ms| date(ms, &playbook.time_zone));
    let en = format!(
        "only {late} of {all} events lie in the {} days before the as-of time, the last on {last}; all others end on \
         {before}: if those few are mistakes, correct them or set `cycle.as_of`, else every member looks lost",
        playbook.cycle.length_days
    );
    let zh = format!(
        "{all} 個事件中只有 {late} 個在截止時間前 {} 天內，最後一個在 {last}；其餘止於 {before}：若為錯誤資料，請更正或設定 `cycle.as_of`",
        playbook.cycle.length_days
    );
    Ok(Some(finding("events-far-ahead", None, late.unsigned_abs(), en, zh)))
}

/// The local date of a time.
fn date(unix_ms: i64, zone: &str) -> String {
    let time = jiff::Timestamp::from_millisecond(unix_ms).and_then(|time| time.in_tz(zone));
    time.map_or_else(|_| unix_ms.to_string(), |time| time.date().to_string())
}

/// Digest over the digests of all files, sorted by source and name.
fn input_digest(sources: &[SourceIntake]) -> Option<Digest> {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for source in sources {
        for (name, digest) in &source.files {
            parts.push(source.name.clone().into_bytes());
            parts.push(name.clone().into_bytes());
            parts.push(digest.0.to_vec());
        }
    }
    (!parts.is_empty()).then(|| Digest::of_parts(parts.iter().map(Vec::as_slice)))
}

impl DataSource for BatchSource {
    fn intake(&self) -> &Intake {
        &self.intake
    }

    fn digested(&mut self) -> Result<&Intake, SourceError> {
        for (at, digesting) in self.digesting.drain(..) {
            let files = digesting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            self.intake.sources[at].files = files.map_err(SourceError::new)?;
        }
        self.intake.digest = input_digest(&self.intake.sources);
        Ok(&self.intake)
    }

    fn members(&mut self) -> Result<Frame, SourceError> {
        self.member_frame().map_err(SourceError::new)
    }

    fn table(&mut self, subject: &Subject, outputs: &Frame) -> Result<Frame, SourceError> {
        self.subject_frame(subject, outputs).map_err(SourceError::new)
    }

    fn previous(
        &mut self,
        cycles_ago: u8,
        subject: &Subject,
        wanted: &[String],
        rows: &Frame,
    ) -> Result<Frame, SourceError> {
        let Some(state) = &self.options.state else {
            return Ok(Frame::with_rows(rows.rows()));
        };
        let id = &self.playbook.id;
        let wanted = Wanted { cycle: self.cycle_number(), cycles_ago, subject, columns: wanted };
        crate::closed::previous(state, id, &wanted, rows).map_err(SourceError::new)
    }
}

impl BatchSource {
    /// The rows of a table, where any source fills it.
    pub(crate) fn rows(&self, table: SourceTable) -> Option<&RowTable> {
        self.tables.rows(table)
    }
}
