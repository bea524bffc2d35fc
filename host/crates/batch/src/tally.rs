//! Aggregates over the members' events in one scan. Members are cut into shards, each with a tally behind its own lock,
//! and all threads add to them.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use playbook_features::{
    Cut, Dimension, FieldType, Given, Moment, Number, Reading, Row, RowTable, Tally, TallyPlan,
    code, filled, filling, micro, ordered, put, quote_name, where_clause,
};
use playbook_model::{Column, Definition, FeatureDef, Filling, Stretch};

use crate::cells::of_texts;
use crate::error::engine;
use crate::identity::AccountPlaces;
use crate::keys::{Keys, NO_ROW, texts};
use crate::source::BatchSource;
use crate::{BatchError, BrandClock, Result};
use playbook_features::OffsetReader;
use playbook_features::done_by;

const STAGE: &str = "features";
/// Members of a shard.
const SHARD_MEMBERS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 14;

/// What the threads of a scan share.
struct Shared {
    plan: TallyPlan,
    moment: Moment,
    keys: Arc<Keys>,
    account_places: AccountPlaces,
    clock: BrandClock,
    /// T in local time, where windows must be cut by local days because a source has dates only.
    local_as_of: Option<i64>,
    shards: Vec<Mutex<Option<Tally>>>,
    /// Positions of the columns in a batch: of weights, of dimensions and of fields in the order of the plan.
    weight: Option<usize>,
    dimensions: Vec<usize>,
    fields: Vec<usize>,
    /// Position of the event ids, where they decide which of two rows of one time comes first.
    tie: Option<usize>,
    /// Fields with the features that read them.
    readers: Vec<(String, String)>,
    /// Set by the first event whose member is not among the keys; it ends the optimistic scan.
    unknown_member: AtomicBool,
}

impl BatchSource {
    /// Computes the columns of a plan over events by account, in the order of `features`; `None` where the optimistic
    /// scan met a member who is not among the keys.
    pub(crate) fn tally(
        &self,
        plan: TallyPlan,
        features: &[(&FeatureDef, String)],
        rows: &RowTable,
        keys: &Arc<Keys>,
    ) -> Result<Option<Vec<Column>>> {
        let mut selected: Vec<String> = Vec::new();
        // Each column is selected once, however many aggregates read it.
        let mut select = |column: String| {
            let known = selected.iter().position(|known| *known == column);
            2 + known.unwrap_or_else(|| {
                selected.push(column);
                selected.len() - 1
            })
        };
        let weight = rows.weighted.then(|| select(quote_name("weight")));
        // Splits and conditions compare texts, as SQL does; numbers are cast to their text form.
        let text_of = |name: &str| match rows.columns.get(name) {
            Some(FieldType::Text) | None => quote_name(name),
            Some(_) => format!("CAST({} AS VARCHAR)", quote_name(name)),
        };
        let text_of_dimension = |d: &Dimension| d.sql.clone().unwrap_or_else(|| text_of(&d.column));
        let dimensions = plan.dimensions().iter().map(|d| select(text_of_dimension(d))).collect();
        let fields = plan.fields().iter().map(|field| select(quote_name(&field.name))).collect();
        let has_ids = plan.needs_ties() && rows.columns.contains_key("event_id");
        let tie = has_ids.then(|| select(quote_name("event_id")));
        // Names of their own, because the engine names a number and its text form alike.
        let named = selected.iter().enumerate().map(|(at, column)| format!("{column} AS c{at}"));
        let selected: Vec<String> =
            ["member AS key", "time AS at"].map(str::to_owned).into_iter().chain(named).collect();
        let mut conditions = rows.in_time(self.intake.as_of, Some("member"));
        let as_of = self.intake.as_of.0;
        let cut = |bound: &i64| Cut::new(&self.clock, self.intake.as_of, -bound);
        let oldest = plan.oldest().map(|oldest| cut(&oldest).earliest());
        let cuts_dates = plan.bounds().iter().any(|bound| cut(bound).midnight.is_some());
        conditions.extend(oldest.map(|oldest| format!("time >= {oldest}")));
        let filter = where_clause(&conditions);
        let sql = format!("SELECT {} FROM {}{filter}", selected.join(", "), quote_name(&rows.name));
        let shards = keys.len().div_ceil(SHARD_MEMBERS);
        let shared = Arc::new(Shared {
            plan,
            moment: Moment { as_of, local_day: self.clock.local_day(as_of) },
            keys: Arc::clone(keys),
            account_places: self.tables.aliases().places(Arc::clone(keys)),
            clock: self.clock.clone(),
            local_as_of: cuts_dates.then(|| self.clock.local_ms(as_of)),
            shards: (0..shards).map(|_| Mutex::new(None)).collect(),
            weight,
            dimensions,
            fields,
            tie,
            readers: features.iter().filter_map(|(feature, name)| reader(feature, name)).collect(),
            unknown_member: AtomicBool::new(false),
        });
        let scan = Arc::clone(&shared);
        self.session.scan(STAGE, &sql, &self.options.progress, move |_, batch| scan.take(batch))?;
        let shared = Arc::into_inner(shared).expect("the threads of the scan are done");
        if shared.unknown_member.load(Ordering::Relaxed) {
            return Ok(None);
        }
        shared.finish(features, self.options.partitions).map(Some)
    }
}

impl Shared {
    fn take(&self, batch: &RecordBatch) -> Result<ControlFlow<()>> {
        let fault = |error: arrow::error::ArrowError| engine(STAGE)(error.into());
        let integers = |at: usize| cast(batch.column(at), &DataType::Int64).map_err(fault);
        let places = self.account_places.of(batch.column(0));
        let is_unknown =
            |(at, place): (usize, &u32)| *place == NO_ROW && batch.column(0).is_valid(at);
        if places.iter().enumerate().any(is_unknown) {
            self.unknown_member.store(true, Ordering::Relaxed);
        }
        if self.unknown_member.load(Ordering::Relaxed) {
            return Ok(ControlFlow::Break(()));
        }
        let times = integers(1)?;
        let times = times.as_primitive::<Int64Type>();
        let codes: Vec<Vec<u16>> = self
            .dimensions
            .iter()
            .zip(self.plan.dimensions())
            .map(|(at, dimension)| of_texts(batch.column(*at), |text| dimension.code(text)))
            .collect();
        let weights = self.weight.map(integers).transpose()?;
        let mut fields = Vec::with_capacity(self.fields.len());
        for (at, field) in self.fields.iter().zip(self.plan.fields()) {
            let reals = || -> Result<Float64Array> {
                let values = cast(batch.column(*at), &DataType::Float64).map_err(fault)?;
                Ok(values.as_primitive::<Float64Type>().clone())
            };
            fields.push(match field.reading {
                Reading::Micro => Values::Micro(reals()?),
                Reading::Ordered => Values::Ordered(reals()?),
                Reading::Integer => {
                    Values::Integer(integers(*at)?.as_primitive::<Int64Type>().clone())
                }
                Reading::Code => Values::Integer(
                    of_texts(batch.column(*at), |text| text.map(code)).into_iter().collect(),
                ),
                Reading::Text => Values::Text(texts(batch.column(*at))),
            });
        }
        let ties = self.tie.map(|at| -> Result<Values> {
            Ok(match batch.column(at).data_type() {
                DataType::Int64 => {
                    Values::Integer(integers(at)?.as_primitive::<Int64Type>().clone())
                }
                _ => Values::Text(texts(batch.column(at))),
            })
        });
        let mut row = BatchRow {
            at: 0,
            ties: ties.transpose()?,
            times: times.values(),
            weights: weights
                .as_ref()
                .map(|weights| weights.as_primitive::<Int64Type>().values().as_ref()),
            fields: &fields,
            beyond: Cell::new(None),
            days: self.clock.offsets(),
        };
        let mut dates = self.clock.offsets();
        let relatives: Vec<i64> = match self.local_as_of {
            None => times.values().iter().map(|time| self.moment.relative(*time)).collect(),
            Some(t) => {
                let of_date = |time| self.moment.relative_to_dates(time, dates.local_ms(time), t);
                times.values().iter().copied().map(of_date).collect()
            }
        };
        let classes = self.plan.classes(&codes, &relatives);
        // Rows sorted by shard, so that each shard is locked once a batch.
        let mut wanted: Vec<(u32, u32, u32)> = Vec::with_capacity(places.len());
        for (at, place) in places.iter().enumerate() {
            if *place == NO_ROW || times.is_null(at) {
                continue;
            }
            let class = classes[at];
            if self.plan.counts(class as usize) {
                wanted.push((*place, u32::try_from(at).expect("batches are small"), class));
            }
        }
        let shard_of = |row: &(u32, u32, u32)| row.0 >> SHARD_BITS;
        wanted.sort_by_key(shard_of);
        for rows in wanted.chunk_by(|a, b| shard_of(a) == shard_of(b)) {
            let shard = shard_of(&rows[0]) as usize;
            let mut tally = locked(&self.shards[shard]);
            let tally = tally
                .get_or_insert_with(|| Tally::new(&self.plan, self.moment, self.members(shard)));
            for (place, at, class) in rows {
                row.at = *at as usize;
                tally.add(&self.plan, *class as usize, *place as usize % SHARD_MEMBERS, &mut row);
                if let Some(field) = row.beyond.get() {
                    return Err(self.too_large(&self.plan.fields()[field].name, *place as usize));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The error for a value of `field` that is too large for a sum.
    fn too_large(&self, field: &str, member: usize) -> BatchError {
        let reads = |(name, _): &&(String, String)| name == field;
        let names: Vec<&str> = self.readers.iter().filter(reads).map(|(_, f)| f.as_str()).collect();
        no_value(&names.join("`, `"), &self.keys, member)
    }

    /// Members of a shard.
    fn members(&self, shard: usize) -> usize {
        SHARD_MEMBERS.min(self.keys.len() - shard * SHARD_MEMBERS)
    }

    /// Turns the tallies into columns; each shard is freed as soon as it is read.
    fn finish(self, features: &[(&FeatureDef, String)], threads: usize) -> Result<Vec<Column>> {
        let members = self.keys.len();
        let mut columns: Vec<Filling> = (0..)
            .zip(features)
            .map(|(at, (f, name))| filling(f, name, self.plan.is_small(at), members, SHARD_MEMBERS))
            .collect();
        let mut stretches: Vec<Vec<Stretch<'_>>> = self.shards.iter().map(|_| Vec::new()).collect();
        for column in &mut columns {
            column.stretches().zip(&mut stretches).for_each(|(stretch, shard)| shard.push(stretch));
        }
        let jobs = self.shards.iter().zip(stretches).enumerate();
        let too_large = done_by(threads, jobs, |(at, (tally, mut stretches))| {
            let mut too_large = None;
            let tally = locked(tally).take();
            let tally =
                tally.unwrap_or_else(|| Tally::new(&self.plan, self.moment, self.members(at)));
            let local_ms = |time| self.clock.local_ms(time);
            tally.finish(&self.plan, local_ms, |column, first, values| {
                for (member, value) in (first..).zip(values) {
                    put(&mut stretches[column], member, *value);
                    if *value == Number::TooLarge {
                        too_large = too_large.or(Some((at * SHARD_MEMBERS + member, column)));
                    }
                }
            });
            too_large
        });
        if let Some((member, column)) = too_large.into_iter().flatten().min() {
            return Err(no_value(&features[column].1, &self.keys, member));
        }
        Ok(columns.into_iter().zip(features).map(|(c, (feature, _))| filled(feature, c)).collect())
    }
}

/// The field of an aggregate with the feature's name.
fn reader(feature: &FeatureDef, name: &str) -> Option<(String, String)> {
    match &feature.definition {
        Definition::Aggregate(aggregate) => {
            aggregate.field.clone().map(|field| (field, name.to_owned()))
        }
        _ => None,
    }
}

fn no_value(feature: &str, keys: &Keys, member: usize) -> BatchError {
    BatchError::NoValue {
        feature: feature.to_owned(),
        subject: "member".to_owned(),
        key: keys.key(member),
        reason: "the sum goes beyond 64 bits".to_owned(),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The values of a field in a batch.
enum Values {
    Text(StringArray),
    Integer(Int64Array),
    Micro(Float64Array),
    Ordered(Float64Array),
}

/// A row of a batch, as a tally reads it.
struct BatchRow<'a> {
    at: usize,
    /// Ids of the events.
    ties: Option<Values>,
    times: &'a [i64],
    weights: Option<&'a [i64]>,
    fields: &'a [Values],
    /// The field whose value was too large for a sum.
    beyond: Cell<Option<usize>>,
    days: OffsetReader<'a>,
}

impl Row for BatchRow<'_> {
    fn time(&self) -> i64 {
        self.times[self.at]
    }

    fn local_day(&mut self) -> i64 {
        self.days.local_ms(self.times[self.at]).div_euclid(playbook_features::DAY_MS)
    }

    fn weight(&self) -> i64 {
        self.weights.map_or(1, |weights| weights[self.at])
    }

    fn value(&self, field: usize) -> Option<i64> {
        match &self.fields[field] {
            Values::Text(_) => None,
            Values::Integer(values) => values.is_valid(self.at).then(|| values.value(self.at)),
            Values::Micro(values) | Values::Ordered(values) if values.is_null(self.at) => None,
            Values::Micro(values) => micro(values.value(self.at)).unwrap_or_else(|_| {
                self.beyond.set(Some(field));
                None
            }),
            Values::Ordered(values) => {
                Some(values.value(self.at)).filter(|value| !value.is_nan()).map(ordered)
            }
        }
    }

    fn text(&self, field: usize) -> Option<&str> {
        match &self.fields[field] {
            Values::Text(texts) => texts.is_valid(self.at).then(|| texts.value(self.at)),
            _ => None,
        }
    }

    fn tie(&self) -> Given<'_> {
        match &self.ties {
            Some(Values::Integer(ids)) if ids.is_valid(self.at) => {
                Given::Number(ids.value(self.at))
            }
            Some(Values::Text(ids)) if ids.is_valid(self.at) => Given::Text(ids.value(self.at)),
            _ => Given::Nothing,
        }
    }
}
