//! Aggregates over the members' events in one scan: rows of all threads into numbers by member.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use playbook_features::{
    FieldType, Number, Row, RowTable, Tally, TallyPlan, quote_name, where_clause,
};
use playbook_model::{CellType, Cells, Column, FeatureDef, Filling, Stretch};

use crate::cells::of_texts;
use crate::clock::OffsetReader;
use crate::error::engine;
use crate::functions::micro;
use crate::jobs::done_by;
use crate::keys::{Keys, NO_ROW};
use crate::source::BatchSource;
use crate::{BrandClock, Result};

const STAGE: &str = "features";
/// Members of a shard, which one thread adds to at a time.
const SHARD_MEMBERS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 14;

/// What the threads of a scan share.
struct Shared {
    plan: TallyPlan,
    keys: Arc<Keys>,
    clock: BrandClock,
    shards: Vec<Mutex<Option<Tally>>>,
    /// Positions of the optional columns in a batch.
    kind: Option<usize>,
    channel: Option<usize>,
    weight: Option<usize>,
    fields: Vec<(usize, FieldType)>,
    /// Codes of texts.
    codes: Mutex<HashMap<String, i64>>,
    /// Whether an event's member is not among the keys, which ends the scan.
    met_stranger: AtomicBool,
}

impl BatchSource {
    /// Computes the columns of a plan over the members' events, in the order of `features`; `None` where an event's
    /// member is not among the keys.
    pub(crate) fn tally(
        &self,
        plan: TallyPlan,
        features: &[&FeatureDef],
        rows: &RowTable,
        keys: &Arc<Keys>,
    ) -> Result<Option<Vec<Column>>> {
        let mut selected = vec!["member AS key".to_owned(), "time".to_owned()];
        let mut select = |wanted: bool, name: &str| {
            wanted.then(|| {
                selected.push(quote_name(name));
                selected.len() - 1
            })
        };
        let kind = select(plan.reads_kind(), "kind");
        let channel = select(plan.reads_channel(), "channel");
        let weight = select(rows.weighted, "weight");
        let fields =
            plan.fields().iter().filter_map(|(name, t)| Some((select(true, name)?, *t))).collect();
        let mut conditions = rows.in_time(self.intake.as_of, Some("member"));
        conditions.extend(plan.least_time().map(|least| format!("time >= {least}")));
        let filter = where_clause(&conditions);
        let sql = format!("SELECT {} FROM {}{filter}", selected.join(", "), quote_name(&rows.name));
        let shards = keys.len().div_ceil(SHARD_MEMBERS);
        let shared = Arc::new(Shared {
            plan,
            keys: Arc::clone(keys),
            clock: self.clock.clone(),
            shards: (0..shards).map(|_| Mutex::new(None)).collect(),
            kind,
            channel,
            weight,
            fields,
            codes: Mutex::default(),
            met_stranger: AtomicBool::new(false),
        });
        let scan = Arc::clone(&shared);
        self.session.scan(STAGE, &sql, &self.options.progress, move |_, batch| scan.take(batch))?;
        let shared = Arc::into_inner(shared).expect("the threads of the scan are done");
        if shared.met_stranger.load(Ordering::Relaxed) {
            return Ok(None);
        }
        Ok(Some(shared.finish(features, self.options.partitions)))
    }
}

impl Shared {
    fn take(&self, batch: &RecordBatch) -> Result<ControlFlow<()>> {
        let fault = |error: arrow::error::ArrowError| engine(STAGE)(error.into());
        let integers = |at: usize| cast(batch.column(at), &DataType::Int64).map_err(fault);
        let places = self.keys.places(batch.column(0));
        let is_strange =
            |(at, place): (usize, &u32)| *place == NO_ROW && batch.column(0).is_valid(at);
        if places.iter().enumerate().any(is_strange) {
            self.met_stranger.store(true, Ordering::Relaxed);
        }
        if self.met_stranger.load(Ordering::Relaxed) {
            return Ok(ControlFlow::Break(()));
        }
        let times = integers(1)?;
        let times = times.as_primitive::<Int64Type>();
        let kinds =
            self.kind.map(|at| of_texts(batch.column(at), |kind| self.plan.kind_code(kind)));
        let channels =
            self.channel.map(|at| of_texts(batch.column(at), |name| self.plan.channel_code(name)));
        let weights = self.weight.map(integers).transpose()?;
        let mut fields = Vec::with_capacity(self.fields.len());
        for (at, field_type) in &self.fields {
            fields.push(match field_type {
                FieldType::Real => {
                    let values = cast(batch.column(*at), &DataType::Float64).map_err(fault)?;
                    Field::Real(values.as_primitive::<Float64Type>().clone())
                }
                FieldType::Integer => {
                    Field::Integer(integers(*at)?.as_primitive::<Int64Type>().clone())
                }
                FieldType::Text => Field::Integer(self.text_codes(batch.column(*at))),
            });
        }
        let mut row = BatchRow {
            at: 0,
            times: times.values(),
            weights: weights
                .as_ref()
                .map(|weights| weights.as_primitive::<Int64Type>().values().as_ref()),
            fields: &fields,
            days: self.clock.offsets(),
        };
        let other = (self.plan.kind_code(None), self.plan.channel_code(None));
        let class_of = |at: usize| {
            let kind = kinds.as_ref().map_or(other.0, |codes| codes[at]);
            let channel = channels.as_ref().map_or(other.1, |codes| codes[at]);
            self.plan.class(kind, channel, times.value(at))
        };
        // Rows by shard, so that each shard is taken once.
        let mut wanted: Vec<(u32, u32, u32)> = Vec::with_capacity(places.len());
        for (at, place) in places.iter().enumerate() {
            if *place == NO_ROW || times.is_null(at) {
                continue;
            }
            let class = class_of(at);
            if self.plan.counts(class) {
                let small = |n: usize| u32::try_from(n).expect("batches and classes are small");
                wanted.push((*place, small(at), small(class)));
            }
        }
        let shard_of = |row: &(u32, u32, u32)| row.0 >> SHARD_BITS;
        wanted.sort_by_key(shard_of);
        for rows in wanted.chunk_by(|a, b| shard_of(a) == shard_of(b)) {
            let shard = shard_of(&rows[0]) as usize;
            let mut tally = locked(&self.shards[shard]);
            let tally = tally.get_or_insert_with(|| Tally::new(&self.plan, self.members(shard)));
            for (place, at, class) in rows {
                row.at = *at as usize;
                tally.add(&self.plan, *class as usize, *place as usize % SHARD_MEMBERS, &mut row);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// A code per text, the same in all batches; which is whose does not matter.
    fn text_codes(&self, column: &ArrayRef) -> Int64Array {
        let mut known = locked(&self.codes);
        let code = |text: Option<&str>| {
            let text = text?;
            let next = i64::try_from(known.len()).unwrap_or(i64::MAX);
            Some(*known.entry(text.to_owned()).or_insert(next))
        };
        of_texts(column, code).into_iter().collect()
    }

    /// Members of a shard.
    fn members(&self, shard: usize) -> usize {
        SHARD_MEMBERS.min(self.keys.len() - shard * SHARD_MEMBERS)
    }

    /// Turns the numbers of all shards into columns; each shard is freed once it is read.
    fn finish(self, features: &[&FeatureDef], threads: usize) -> Vec<Column> {
        let members = self.keys.len();
        let mut columns: Vec<Filling> = (0..)
            .zip(features)
            .map(|(at, f)| filling(f, self.plan.is_small(at), members))
            .collect();
        let mut stretches: Vec<Vec<Stretch<'_>>> = self.shards.iter().map(|_| Vec::new()).collect();
        for column in &mut columns {
            column.stretches().zip(&mut stretches).for_each(|(stretch, shard)| shard.push(stretch));
        }
        let jobs = self.shards.iter().zip(stretches).enumerate();
        done_by(threads, jobs, |(at, (tally, mut stretches))| {
            let tally = locked(tally).take();
            let tally = tally.unwrap_or_else(|| Tally::new(&self.plan, self.members(at)));
            let local_ms = |time| self.clock.local_ms(time);
            tally.finish(&self.plan, local_ms, |column, first, values| {
                for (member, value) in (first..).zip(values) {
                    put(&mut stretches[column], member, *value);
                }
            });
        });
        columns.into_iter().map(Filling::finish).collect()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A field of a batch.
enum Field {
    Integer(Int64Array),
    Real(Float64Array),
}

/// A row of a batch, as a tally reads it.
struct BatchRow<'a> {
    at: usize,
    times: &'a [i64],
    weights: Option<&'a [i64]>,
    fields: &'a [Field],
    days: OffsetReader<'a>,
}

impl Row for BatchRow<'_> {
    fn time(&self) -> i64 {
        self.times[self.at]
    }

    fn local_day(&mut self) -> i64 {
        self.days.local_ms(self.times[self.at]).div_euclid(crate::clock::DAY_MS)
    }

    fn weight(&self) -> i64 {
        self.weights.map_or(1, |weights| weights[self.at])
    }

    fn value(&self, field: usize) -> Option<i64> {
        match &self.fields[field] {
            Field::Integer(values) => values.is_valid(self.at).then(|| values.value(self.at)),
            Field::Real(values) => {
                values.is_valid(self.at).then(|| micro(values.value(self.at))).flatten()
            }
        }
    }
}

/// The column of a feature while shards fill it.
fn filling(feature: &FeatureDef, is_small: bool, rows: usize) -> Filling {
    let cells = match feature.cell_type {
        CellType::Real => Cells::Real(Vec::new()),
        _ if is_small => Cells::Small(Vec::new()),
        _ => Cells::Integer(Vec::new()),
    };
    let column =
        Column { name: feature.name.clone(), unit: feature.unit.clone(), cells, valid: None };
    Filling::new(column, rows, SHARD_MEMBERS)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the feature declares the type"
)]
fn put(stretch: &mut Stretch<'_>, at: usize, value: Number) {
    match (stretch.is_real(), value) {
        (true, Number::Real(value)) if value.is_finite() => stretch.real(at, value),
        (true, Number::Integer(value)) => stretch.real(at, value as f64),
        (false, Number::Integer(value)) => stretch.integer(at, value),
        (false, Number::Real(value)) if value.abs() < 9.2e18 => {
            stretch.integer(at, value.round() as i64)
        }
        _ => stretch.miss(at),
    }
}
