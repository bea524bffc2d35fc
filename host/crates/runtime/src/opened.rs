//! A plugin opened with settings, model and tables: typed calls from any number of threads.

use std::sync::{Arc, Weak};

use playbook_model::{
    Batch, CampaignPlan, CellType, Context, Factor, Fault, Kind, Minor, Outcome, Proposals,
    RowAnswer, Segments, Shape, TableAnswer, Validator,
};
use wasmtime::Store;

use crate::idle::Idle;
use crate::input::{check_rows, check_tables};
use crate::instance::{Budget, Guests, Instance, KindGuest};
use crate::plugin::{Plugin, refusal};
use crate::pool::GiveUp;
use crate::state::{LogLine, State};
use crate::usage::{Counters, Usage};
use crate::{Reuse, RuntimeError, convert};

/// What the host reckons for a cell of a wide column in an answer, in bytes.
const WIDE_CELL_BYTES: u64 = 256;
/// A row's entries in all lists of [`Proposals`], in bytes.
const PROPOSAL_BYTES: u64 = 44;
/// Proposals for one row beyond which more actions do not raise what may be returned.
const PROPOSALS_PER_ROW: u64 = 8;
/// A finding or transfer with its suggestions, in bytes.
const FINDING_BYTES: u64 = 256;
/// Most that a plan may be, in bytes as the host holds it: every list at its bound.
const PLAN_BYTES_MAX: u64 = 16 << 20;

/// What an instance is opened with. Shared rather than copied: instances are made from it again and again, and the
/// host keeps it for the decisions that follow.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// As-of time of the cycle, and its seed.
    pub context: Context,
    /// Settings, canonical JSON.
    pub settings: Arc<str>,
    /// Model that a fit gave for the same settings.
    pub model: Option<Arc<[u8]>>,
    /// The tables of the shape, in its order.
    pub tables: Arc<[Batch]>,
    /// How long instances live.
    pub reuse: Reuse,
}

/// A plugin ready to answer. Calls take a warm instance or open another; a trap or a limit costs that
/// instance and nothing else.
#[derive(Debug)]
pub struct OpenedPlugin {
    plugin: Plugin,
    validator: Validator,
    opening: Opening,
    table_rows: Vec<u32>,
    idle: Arc<Idle>,
    counters: Counters,
}

/// Result of a generated call: the guest's answer, or its own words why not.
type Said<R> = wasmtime::Result<Result<R, String>>;

impl Plugin {
    /// Checks settings and opens the first instance with them; further ones are opened as calls ask for them.
    ///
    /// # Errors
    /// A host's fault, such as a table without the columns of the shape.
    pub fn open(&self, opening: Opening) -> Result<Outcome<OpenedPlugin>, RuntimeError> {
        OpenedPlugin::open(self.clone(), opening)
    }
}

impl OpenedPlugin {
    pub(crate) fn open(plugin: Plugin, opening: Opening) -> Result<Outcome<Self>, RuntimeError> {
        let mut instance = match plugin.loaded.instance(plugin.loaded.limits.memory_bytes_max)? {
            Ok(instance) => instance,
            Err(fault) => return Ok(Err(fault)),
        };
        let shape = match plugin.loaded.check(&mut instance, &opening.settings)? {
            Ok(shape) => shape,
            Err(fault) => return Ok(Err(fault)),
        };
        let validator = Validator::new(shape);
        check_tables(&validator, &opening.tables)?;
        let table_rows = opening.tables.iter().map(|t| t.rows).collect();
        let idle = Arc::new(Idle::default());
        plugin.loaded.runtime.places.register(Arc::downgrade(&idle) as Weak<dyn GiveUp>);
        let counters = Counters::default();
        let opened = Self { plugin, validator, opening, table_rows, idle, counters };
        Ok(match opened.open_instance(&mut instance)? {
            Ok(()) => {
                opened.give_back(instance);
                Ok(opened)
            }
            Err(fault) => Err(fault),
        })
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What it needs and gives under its settings.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        self.validator.shape()
    }

    /// What its answers are held against.
    #[must_use]
    pub fn validator(&self) -> &Validator {
        &self.validator
    }

    /// What its calls took so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.counters.usage()
    }

    /// Takes the lines that were logged and kept since the last time.
    #[must_use]
    pub fn take_log(&self) -> Vec<LogLine> {
        self.counters.take_log()
    }

    /// Scores rows (kind scoring).
    ///
    /// # Errors
    /// A host's fault: another kind of plugin, a batch without the shape's columns, no free instance.
    pub fn score(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<RowAnswer>, RuntimeError> {
        self.expect(Kind::Scoring, "score")?;
        self.run_rows(
            batch,
            self.row_bytes(batch.rows, 4),
            |store, guest, batch| match guest {
                KindGuest::Scoring(guest) => {
                    guest.call_score(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::row_answer,
            |answer| self.validator.row_answer(batch.rows, answer),
        )
    }

    /// Explains the scores of one row (kind scoring).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn explain(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<Vec<Factor>>, RuntimeError> {
        self.expect(Kind::Scoring, "explain")?;
        self.run_rows(
            batch,
            self.plugin.loaded.limits.returned_bytes_max,
            |store, guest, batch| match guest {
                KindGuest::Scoring(guest) => {
                    guest.call_explain(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::factors,
            |answer| self.validator.factors(answer),
        )
    }

    /// Assigns one segment to each row (kind segmentation).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn assign(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<Segments>, RuntimeError> {
        self.expect(Kind::Segmentation, "assign")?;
        self.run_rows(
            batch,
            self.row_bytes(batch.rows, 8),
            |store, guest, batch| match guest {
                KindGuest::Segmentation(guest) => {
                    guest.call_assign(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::segments,
            |answer| self.validator.segments(batch.rows, answer),
        )
    }

    /// Proposes rewards for rows (kind incentive).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn propose(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<Proposals>, RuntimeError> {
        self.expect(Kind::Incentive, "propose")?;
        self.run_rows(
            batch,
            self.proposal_bytes(batch.rows),
            |store, guest, batch| match guest {
                KindGuest::Incentive(guest) => {
                    guest.call_propose(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::proposals,
            |answer| self.validator.proposals(batch.rows, answer),
        )
    }

    /// Plans a campaign of at most `budget` (kind campaign).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn plan(
        &self,
        context: &Context,
        budget: Minor,
    ) -> Result<Outcome<CampaignPlan>, RuntimeError> {
        self.expect(Kind::Campaign, "plan")?;
        self.run(
            self.all_table_rows(),
            PLAN_BYTES_MAX.max(self.plugin.loaded.limits.returned_bytes_max),
            |store, guests| match &guests.kind {
                KindGuest::Campaign(guest) => {
                    guest.call_plan(store, convert::context(context), budget.0)
                }
                _ => Err(other_kind()),
            },
            convert::plan,
            |answer| self.validator.plan(&self.table_rows, budget.0, answer),
        )
    }

    /// Proposes touches for rows in the running phase, by position in the plan (kind campaign).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn touch(
        &self,
        context: &Context,
        phase: u32,
        batch: &Batch,
    ) -> Result<Outcome<Proposals>, RuntimeError> {
        self.expect(Kind::Campaign, "touch")?;
        self.run_rows(
            batch,
            self.proposal_bytes(batch.rows),
            |store, guest, batch| match guest {
                KindGuest::Campaign(guest) => {
                    guest.call_touch(store, convert::context(context), phase, batch)
                }
                _ => Err(other_kind()),
            },
            convert::proposals,
            |answer| self.validator.proposals(batch.rows, answer),
        )
    }

    /// Values what was spent, from the tables of the opening (kind roi).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn value(&self, context: &Context) -> Result<Outcome<TableAnswer>, RuntimeError> {
        self.expect(Kind::Roi, "value")?;
        self.run(
            self.all_table_rows(),
            self.table_bytes(),
            |store, guests| match &guests.kind {
                KindGuest::Roi(guest) => guest.call_value(store, convert::context(context)),
                _ => Err(other_kind()),
            },
            convert::table_answer,
            |answer| self.validator.table_answer(&self.table_rows, answer),
        )
    }

    /// Diagnoses the community, from the tables of the opening (kind diagnosis).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn diagnose(&self, context: &Context) -> Result<Outcome<TableAnswer>, RuntimeError> {
        self.expect(Kind::Diagnosis, "diagnose")?;
        self.run(
            self.all_table_rows(),
            self.table_bytes(),
            |store, guests| match &guests.kind {
                KindGuest::Diagnosis(guest) => {
                    guest.call_diagnose(store, convert::context(context))
                }
                _ => Err(other_kind()),
            },
            convert::table_answer,
            |answer| self.validator.table_answer(&self.table_rows, answer),
        )
    }

    /// Screens rows such as orders or contents (kind diagnosis, where its shape has rows).
    ///
    /// # Errors
    /// As [`OpenedPlugin::score`].
    pub fn screen(
        &self,
        context: &Context,
        batch: &Batch,
    ) -> Result<Outcome<RowAnswer>, RuntimeError> {
        self.expect(Kind::Diagnosis, "screen")?;
        self.run_rows(
            batch,
            self.row_bytes(batch.rows, 4),
            |store, guest, batch| match guest {
                KindGuest::Diagnosis(guest) => {
                    guest.call_screen(store, convert::context(context), batch)
                }
                _ => Err(other_kind()),
            },
            convert::row_answer,
            |answer| self.validator.row_answer(batch.rows, answer),
        )
    }

    // ---- one way for all calls -----------------------------------------------------------------

    /// A call over the rows of a batch.
    fn run_rows<R, T>(
        &self,
        batch: &Batch,
        returned_bytes: u64,
        call: impl FnOnce(
            &mut Store<State>,
            &KindGuest,
            crate::bindings::playbook::plugin::types::Batch<'_>,
        ) -> Said<R>,
        convert: impl FnOnce(R) -> T,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) -> Result<Outcome<T>, RuntimeError> {
        let wides = self.check_batch(batch)?;
        let lent = convert::batch(batch, wides.as_deref());
        self.run(
            batch.rows,
            returned_bytes,
            |store, guests| call(store, &guests.kind, lent),
            convert,
            check,
        )
    }

    fn run<R, T>(
        &self,
        rows: u32,
        returned_bytes: u64,
        call: impl FnOnce(&mut Store<State>, &Guests) -> Said<R>,
        convert: impl FnOnce(R) -> T,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) -> Result<Outcome<T>, RuntimeError> {
        let mut instance = match self.take()? {
            Ok(instance) => instance,
            Err(fault) => {
                self.counters.fault();
                return Ok(Err(fault));
            }
        };
        let limits = &self.plugin.loaded.limits;
        let fuel =
            limits.fuel_base.saturating_add(limits.fuel_per_row.saturating_mul(u64::from(rows)));
        let budget = Budget { fuel, wall_ms: limits.call_ms_max, returned_bytes };
        let (said, spent) = instance.call(budget, call);
        self.counters.add(u64::from(rows), spent);
        let outcome = said.and_then(|said| said.map_err(|words| refusal(&words))).and_then(|raw| {
            let answer = convert(raw);
            check(&answer).map_err(Fault::Malformed)?;
            Ok(answer)
        });
        match &outcome {
            Ok(_) | Err(Fault::Refusal(_)) => {}
            // A guest that broke the contract once is not asked again.
            Err(_) => instance.spoilt = true,
        }
        if outcome.is_err() {
            self.counters.fault();
        }
        self.give_back(instance);
        Ok(outcome)
    }

    fn take(&self) -> Result<Outcome<Instance>, RuntimeError> {
        if let Some(instance) = self.idle.take() {
            return Ok(Ok(instance));
        }
        let loaded = &self.plugin.loaded;
        let mut instance = match loaded.instance(loaded.limits.memory_bytes_max)? {
            Ok(instance) => instance,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(self.open_instance(&mut instance)?.map(|()| instance))
    }

    fn give_back(&self, instance: Instance) {
        let lives = match self.opening.reuse {
            // The opened instance that no call has seen yet is still fresh.
            Reuse::Fresh => instance.calls == 0,
            Reuse::Warm { calls_max } => instance.calls < calls_max.max(1),
        };
        if lives && !instance.spoilt {
            self.idle.put(instance);
        }
    }

    fn open_instance(&self, instance: &mut Instance) -> Result<Outcome<()>, RuntimeError> {
        self.counters.instance();
        let wides: Vec<_> =
            self.opening.tables.iter().map(|t| convert::wides(&t.columns)).collect();
        let tables: Vec<_> = self
            .opening
            .tables
            .iter()
            .zip(&wides)
            .map(|(table, wides)| convert::table(table, wides.as_deref()))
            .collect();
        let opening = crate::bindings::playbook::plugin::types::Opening {
            settings: &self.opening.settings,
            model: self.opening.model.as_deref(),
            tables: &tables,
        };
        let mut budget = self.plugin.loaded.said_budget();
        let limits = &self.plugin.loaded.limits;
        let rows = u64::from(self.all_table_rows());
        budget.fuel = budget.fuel.saturating_add(limits.fuel_per_row.saturating_mul(rows));
        let context = convert::context(&self.opening.context);
        let (said, _) =
            instance.call(budget, |store, guests| guests.plugin.call_open(store, context, opening));
        // Only calls that answer count from here on.
        instance.calls = 0;
        Ok(match said {
            Ok(Ok(())) => Ok(()),
            Ok(Err(problems)) => Err(Fault::Settings(convert::problems(problems))),
            Err(fault) => Err(fault),
        })
    }

    // ---- what may come back --------------------------------------------------------------------

    /// Twice what the outputs of `rows` rows need, at least the bound of one decision.
    fn row_bytes(&self, rows: u32, index_bytes: u64) -> u64 {
        let needed = produced_bytes(self.shape(), None).saturating_add(index_bytes);
        self.batch_bytes(rows, needed)
    }

    fn proposal_bytes(&self, rows: u32) -> u64 {
        let actions = (self.shape().actions.len() as u64).clamp(1, PROPOSALS_PER_ROW);
        self.batch_bytes(rows, actions * PROPOSAL_BYTES)
    }

    fn batch_bytes(&self, rows: u32, bytes_a_row: u64) -> u64 {
        let least = self.plugin.loaded.limits.returned_bytes_max;
        if rows <= 1 { least } else { (2 * bytes_a_row * u64::from(rows)).max(least) }
    }

    fn table_bytes(&self) -> u64 {
        let columns: u64 = self
            .table_rows
            .iter()
            .zip(0_u32..)
            .map(|(rows, table)| {
                u64::from(*rows) * (produced_bytes(self.shape(), Some(table)) + FINDING_BYTES)
            })
            .sum();
        let reasons = self.shape().reasons.len() as u64 * FINDING_BYTES;
        (2 * (columns + reasons)).max(self.plugin.loaded.limits.returned_bytes_max)
    }

    // ---- what goes in --------------------------------------------------------------------------

    fn all_table_rows(&self) -> u32 {
        self.table_rows.iter().fold(0, |sum: u32, rows| sum.saturating_add(*rows))
    }

    fn expect(&self, kind: Kind, call: &'static str) -> Result<(), RuntimeError> {
        if self.plugin.kind() == kind {
            Ok(())
        } else {
            Err(RuntimeError::WrongKind { kind: self.plugin.kind(), call })
        }
    }

    fn check_batch<'a>(
        &self,
        batch: &'a Batch,
    ) -> Result<Option<Vec<WideParam<'a>>>, RuntimeError> {
        check_rows(batch.rows)?;
        self.validator.batch(batch).map_err(|detail| RuntimeError::Input { detail })?;
        Ok(convert::wides(&batch.columns))
    }
}

type WideParam<'a> = crate::bindings::playbook::plugin::types::WideParam<'a>;

/// Bytes of one row's outputs.
fn produced_bytes(shape: &Shape, table: Option<u32>) -> u64 {
    shape
        .produces
        .iter()
        .filter(|p| p.table == table)
        .map(|p| match p.cell_type {
            CellType::Real | CellType::Integer | CellType::Category => 9,
            CellType::Text | CellType::Reals | CellType::Integers | CellType::Texts => {
                WIDE_CELL_BYTES
            }
        })
        .sum()
}

/// Cannot happen: the kind is checked before the call.
fn other_kind() -> wasmtime::Error {
    wasmtime::Error::msg("plugin of another kind")
}
