//! The table of members: aggregates over events, attributes, consents and expressions.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter;
use playbook_features::{
    FieldType, Item, Pass, Request, RowTable, TallyPlan, by_values_sql, plan, quote_name, recipe,
    where_clause,
};
use playbook_model::{
    Aggregate, AggregateDef, Bitmap, CellType, Column, Definition, FeatureDef, Frame, Grain,
    SourceTable,
};

use crate::cells::{Target, column};
use crate::error::feature_sql;
use crate::expressions::{evaluate, missing};
use crate::identity::MEMBERS_OF_ACCOUNTS;
use crate::jobs::done_by;
use crate::keys::{Collector, Keys, NO_ROW, texts};
use crate::overflow::is_overflow;
use crate::source::{Aggregation, BatchSource};
use crate::{BatchError, Result};

/// Columns that a split may give.
pub(crate) const BY_VALUES_MAX: usize = 256;

/// Aggregated parts of one pass over the rows: with a million members each takes some 30 MB while it runs.
pub(crate) const PARTS_MAX: usize = 12;

/// A declared aggregate with the columns that it gives.
pub(crate) struct AggregateFeature<'a> {
    pub(crate) def: &'a FeatureDef,
    pub(crate) aggregate: &'a AggregateDef,
    /// `None`: one column; else one per value.
    pub(crate) values: Option<Vec<String>>,
}

impl AggregateFeature<'_> {
    fn items(&self) -> Vec<Item<'_>> {
        match &self.values {
            None => vec![Item {
                name: self.def.name.clone(),
                aggregate: self.aggregate,
                by_value: None,
            }],
            Some(values) => values
                .iter()
                .map(|value| Item {
                    name: format!("{}.{value}", self.def.name),
                    aggregate: self.aggregate,
                    by_value: Some(value.clone()),
                })
                .collect(),
        }
    }
}

/// Whether an aggregate reads the member itself, which rows by account do not tell.
pub(crate) fn reads_member(aggregate: &AggregateDef) -> bool {
    [&aggregate.field, &aggregate.by].into_iter().flatten().any(|column| column == "member")
}

/// Table that an aggregate's rows are in.
pub(crate) fn source_table(grain: Grain) -> SourceTable {
    match grain {
        Grain::Events => SourceTable::Events,
        Grain::Members => SourceTable::Members,
        Grain::Costs => SourceTable::Costs,
        Grain::Entries => SourceTable::Entries,
    }
}

impl BatchSource {
    /// Computes the members' frame.
    pub(crate) fn member_frame(&mut self) -> Result<Frame> {
        let features: Vec<FeatureDef> =
            self.playbook.features.iter().filter(|f| f.subject.0 == "member").cloned().collect();
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        let mut keys = Arc::new(self.universe(false)?);
        for grain in [Grain::Events, Grain::Costs, Grain::Entries] {
            let Some(rows) = self.rows(source_table(grain)).cloned() else { continue };
            if !rows.columns.contains_key("member") {
                continue;
            }
            let mut aggregates = self.aggregates(&features, grain, &rows, |_| None)?;
            if grain == Grain::Events {
                aggregates = self.tallied(aggregates, &rows, &mut keys, &mut columns)?;
            }
            for pass in self.passes(&aggregates, &rows, Some("member"))? {
                let batches = self.run_pass("features", &pass)?;
                place_pass(&pass, &batches, &keys, true, &declared(&aggregates), &mut columns)?;
            }
        }
        self.keys = Some(Arc::clone(&keys));
        let (source, of_keys) = (&*self, &keys);
        let (attributes, consents) = thread::scope(|scope| {
            let consents = scope.spawn(|| source.consent_columns(of_keys));
            let attributes = source.attributes(&features, of_keys, &mut columns);
            (attributes, consents.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        attributes?;
        let free = self.free_sql(&features, &keys)?;
        columns.extend(free.into_iter().map(|column| (column.name.clone(), column)));
        let mut frame = Frame::with_rows(keys.len());
        frame.push(keys.column("member"));
        push_in_order(&mut frame, &features, columns);
        evaluate(&features, &mut frame, self.options.partitions)?;
        consents?.into_iter().for_each(|column| frame.push(column));
        self.options.progress.finished("features");
        Ok(frame)
    }

    /// Computes in one scan of the events what a tally holds; returns the aggregates that are left for SQL.
    fn tallied<'a>(
        &self,
        aggregates: Vec<AggregateFeature<'a>>,
        rows: &RowTable,
        keys: &mut Arc<Keys>,
        columns: &mut BTreeMap<String, Column>,
    ) -> Result<Vec<AggregateFeature<'a>>> {
        if self.options.aggregation == Aggregation::Sql {
            *keys = Arc::new(self.universe(true)?);
            return Ok(aggregates);
        }
        // A value that a row gives as it is, is a text where its field is one.
        let is_held = |one: &AggregateFeature<'_>| {
            if reads_member(one.aggregate) {
                return false;
            }
            let picks = matches!(
                one.aggregate.function,
                Aggregate::First | Aggregate::Last | Aggregate::Min | Aggregate::Max
            );
            let field = one.aggregate.field.as_ref().and_then(|field| rows.columns.get(field));
            match one.def.cell_type {
                CellType::Integer | CellType::Real => !picks || field != Some(&FieldType::Text),
                CellType::Text | CellType::Category => picks && field == Some(&FieldType::Text),
                _ => false,
            }
        };
        let (numeric, mut left): (Vec<_>, Vec<_>) = aggregates.into_iter().partition(is_held);
        let plan = || TallyPlan::new(&self.request(&numeric, rows, Some("member")));
        let (first, rest) = plan()?;
        let mut taken: Vec<(&FeatureDef, String)> = Vec::new();
        let mut is_left = vec![false; numeric.len()];
        let items = (0..).zip(&numeric).flat_map(|(at, one)| {
            one.items().into_iter().map(move |item| (at, one.def, item.name))
        });
        for (number, (at, def, name)) in items.enumerate() {
            // The columns of a split are held, or left, together.
            if rest.binary_search(&number).is_ok() {
                is_left[at] = true;
            } else {
                taken.push((def, name));
            }
        }
        let by_account = self.tables.rows_by_account(SourceTable::Events).unwrap_or(rows);
        // An optimistic scan: it takes the table of members for all members, and starts over with the members of
        // the events at the first event whose member is not listed. That saves a scan for the keys alone.
        let may_scan = !taken.is_empty() && keys.len() > 0 && first.oldest().is_none();
        let mut done = if may_scan { self.tally(first, &taken, by_account, keys)? } else { None };
        if done.is_none() {
            *keys = Arc::new(self.universe(true)?);
            if !taken.is_empty() {
                done = self.tally(plan()?.0, &taken, by_account, keys)?;
            }
        }
        columns.extend(done.into_iter().flatten().map(|column| (column.name.clone(), column)));
        left.extend(
            numeric.into_iter().zip(is_left).filter(|(_, is_left)| *is_left).map(|(one, _)| one),
        );
        Ok(left)
    }

    /// Adds the attributes among `features`: columns of the members table as they are. A member's own row
    /// comes before those of accounts that were joined to it.
    pub(crate) fn attributes(
        &self,
        features: &[FeatureDef],
        keys: &Keys,
        columns: &mut BTreeMap<String, Column>,
    ) -> Result<()> {
        let mut wanted = Vec::new();
        for feature in features {
            if let Definition::Attribute { field } = &feature.definition {
                match self.rows(SourceTable::Members) {
                    Some(rows) => drop(rows.field(&feature.name, field)?),
                    None => {
                        columns.insert(feature.name.clone(), missing(feature, keys.len()));
                        continue;
                    }
                }
                wanted.push((feature, field));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let fields: Vec<_> = wanted.iter().map(|(_, field)| quote_name(field)).collect();
        let by_account = self.tables.rows_by_account(SourceTable::Members);
        let by_account = by_account.map_or("members", |rows| rows.name.as_str());
        let mut batches = Vec::new();
        if !self.tables.aliases().is_empty() {
            let of_alias = wanted.iter().map(|(_, field)| match field.as_str() {
                "member" => "a.member".to_owned(),
                field => format!("m.{}", quote_name(field)),
            });
            let sql = format!(
                "SELECT a.member AS key, {} FROM {MEMBERS_OF_ACCOUNTS} a JOIN {by_account} m \
                 ON a.account = m.account ORDER BY m.account DESC",
                of_alias.collect::<Vec<_>>().join(", ")
            );
            batches.extend(self.session.collect("members", &sql)?);
        }
        let joined = batches.len();
        // Rows of aliases have no place among the members.
        let own = format!("SELECT member, {} FROM {by_account}", fields.join(", "));
        batches.extend(self.session.collect("members", &own)?);
        let mut places: Vec<_> = batches.iter().map(|b| keys.places(b.column(0))).collect();
        if repeats(&places[joined..], keys.len()) {
            // A member listed twice: which row wins must not depend on who reads first.
            batches.truncate(joined);
            let order = format!("{own} ORDER BY member, {}", fields.join(", "));
            batches.extend(self.session.collect("members", &order)?);
            places = batches.iter().map(|batch| keys.places(batch.column(0))).collect();
        }
        for (at, (feature, _)) in wanted.iter().enumerate() {
            let target = Target {
                name: &feature.name,
                unit: &feature.unit,
                cell_type: feature.cell_type,
                rows: keys.len(),
                zero_when_empty: false,
            };
            let parts: Vec<_> = batches
                .iter()
                .zip(&places)
                .map(|(batch, places)| (batch.column(at + 1), places.as_slice()))
                .collect();
            columns.insert(feature.name.clone(), column(&target, &parts)?);
        }
        Ok(())
    }

    /// Runs the playbook's own queries among `features`, several at a time.
    pub(crate) fn free_sql(&self, features: &[FeatureDef], keys: &Keys) -> Result<Vec<Column>> {
        let queries: Vec<(&FeatureDef, &str)> = features
            .iter()
            .filter_map(|feature| match &feature.definition {
                Definition::Sql(sql) => Some((feature, sql.as_str())),
                _ => None,
            })
            .collect();
        let columns = done_by(self.options.partitions, queries.into_iter(), |(feature, sql)| {
            self.free_column(feature, sql, keys)
        });
        columns.into_iter().collect()
    }

    /// Runs a query that gives columns `subject` and `value`, each subject once. Subjects that are no row of the
    /// table are left out.
    fn free_column(&self, feature: &FeatureDef, sql: &str, keys: &Keys) -> Result<Column> {
        let mut parts: Vec<(ArrayRef, Vec<u32>)> = Vec::new();
        let mut given = Bitmap::filled(keys.len(), false);
        self.session.free_query(&feature.name, sql, &self.playbook.sql, |batch| {
            let column = |name| batch.column_by_name(name).expect("the plan gives these columns");
            let (subjects, values) = (column("subject"), column("value"));
            let mut places = keys.places(subjects);
            let is_known: BooleanArray = places.iter().map(|p| Some(*p != NO_ROW)).collect();
            for (row, place) in places.iter().enumerate().filter(|(_, place)| **place != NO_ROW) {
                if given.get(*place as usize) {
                    return Err(BatchError::SubjectTwice {
                        feature: feature.name.clone(),
                        subject: feature.subject.0.clone(),
                        key: texts(&subjects.slice(row, 1)).value(0).to_owned(),
                    });
                }
                given.set(*place as usize, true);
            }
            places.retain(|place| *place != NO_ROW);
            let known =
                filter(values, &is_known).map_err(|e| feature_sql(&feature.name)(e.into()))?;
            parts.push((known, places));
            Ok(())
        })?;
        let target = Target {
            name: &feature.name,
            unit: &feature.unit,
            cell_type: feature.cell_type,
            rows: keys.len(),
            zero_when_empty: false,
        };
        let parts: Vec<_> =
            parts.iter().map(|(value, places)| (value, places.as_slice())).collect();
        column(&target, &parts)
    }

    /// Members of the table of members and, where `of_events`, of the events before T.
    fn universe(&self, of_events: bool) -> Result<Keys> {
        let is_integer = self.tables.member_is_integer;
        let mut found = Collector::new(is_integer);
        let events = of_events.then_some(SourceTable::Events);
        for table in [SourceTable::Members].into_iter().chain(events) {
            let Some(rows) = self.tables.rows_by_account(table) else { continue };
            let filter = where_clause(&rows.in_time(self.intake.as_of, Some("member")));
            let sql = format!("SELECT member AS key FROM {}{filter}", quote_name(&rows.name));
            let parts = self.session.fold(
                "members",
                &sql,
                move |part: &mut Option<Collector>, batch| {
                    part.get_or_insert_with(|| Collector::new(is_integer)).take(batch.column(0));
                },
            )?;
            parts.into_iter().flatten().for_each(|part| found.merge(part));
        }
        Ok(found.finish().replaced(self.tables.aliases().pairs()))
    }

    /// The aggregates among `features` over one grain, with the values of their splits: those that `names` knows,
    /// else all that occur.
    pub(crate) fn aggregates<'a>(
        &self,
        features: &'a [FeatureDef],
        grain: Grain,
        rows: &RowTable,
        names: impl Fn(&str) -> Option<Vec<String>>,
    ) -> Result<Vec<AggregateFeature<'a>>> {
        let mut found = Vec::new();
        for def in features {
            let Definition::Aggregate(aggregate) = &def.definition else { continue };
            let is_absent = |name: &String| name.contains('.') && !rows.columns.contains_key(name);
            if aggregate.over != grain || aggregate.field.as_ref().is_some_and(is_absent) {
                continue;
            }
            let values = match &aggregate.by {
                None => None,
                // A stage that was skipped gives no output to split by.
                Some(by) if is_absent(by) => Some(Vec::new()),
                Some(by) => Some(match names(by) {
                    Some(names) => names,
                    None => self.by_values(def, aggregate, by, rows)?,
                }),
            };
            found.push(AggregateFeature { def, aggregate, values });
        }
        Ok(found)
    }

    fn by_values(
        &self,
        def: &FeatureDef,
        aggregate: &AggregateDef,
        by: &str,
        rows: &RowTable,
    ) -> Result<Vec<String>> {
        let sql = by_values_sql(&def.name, aggregate, by, rows, self.intake.as_of)?;
        let mut values = Vec::new();
        for batch in self.session.collect("features", &sql)? {
            values.extend(crate::keys::texts(batch.column(0)).iter().flatten().map(str::to_owned));
        }
        if values.len() > BY_VALUES_MAX {
            return Err(BatchError::TooManyValues {
                feature: def.name.clone(),
                by: by.to_owned(),
                values: values.len(),
                max: BY_VALUES_MAX,
            });
        }
        Ok(values)
    }

    pub(crate) fn passes(
        &self,
        aggregates: &[AggregateFeature<'_>],
        rows: &RowTable,
        key: Option<&str>,
    ) -> Result<Vec<Pass>> {
        Ok(plan(&self.request(aggregates, rows, key))?)
    }

    fn request<'a>(
        &self,
        aggregates: &'a [AggregateFeature<'_>],
        rows: &'a RowTable,
        key: Option<&'a str>,
    ) -> Request<'a> {
        let items = aggregates.iter().flat_map(AggregateFeature::items).collect();
        Request { rows, key, as_of: self.intake.as_of, items, parts_max: PARTS_MAX }
    }

    pub(crate) fn run_pass(&self, stage: &'static str, pass: &Pass) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        let progress = self.options.progress.as_ref();
        self.session
            .stream(stage, &pass.sql, progress, |batch| {
                batches.push(batch);
                Ok(())
            })
            .map_err(|error| match error {
                BatchError::Engine { source, .. } if is_overflow(&*source) => {
                    let names: Vec<_> =
                        pass.columns.iter().map(|c| format!("`{}`", c.name)).collect();
                    BatchError::SumTooLarge { features: names.join(", ") }
                }
                other => other,
            })?;
        Ok(batches)
    }
}

fn declared(aggregates: &[AggregateFeature<'_>]) -> Vec<(FeatureDef, Option<Vec<String>>)> {
    aggregates.iter().map(|a| (a.def.clone(), a.values.clone())).collect()
}

/// Whether any place occurs twice.
fn repeats(places: &[Vec<u32>], rows: usize) -> bool {
    let mut seen = Bitmap::filled(rows, false);
    places.iter().flatten().filter(|place| **place != NO_ROW).any(|place| {
        let place = *place as usize;
        let again = seen.get(place);
        seen.set(place, true);
        again
    })
}

/// Adds columns in the order of their features; the columns of a split ascend by value.
pub(crate) fn push_in_order(
    frame: &mut Frame,
    features: &[FeatureDef],
    mut columns: BTreeMap<String, Column>,
) {
    for feature in features {
        let split = format!("{}.", feature.name);
        let names: Vec<String> = columns
            .range(feature.name.clone()..)
            .take_while(|(name, _)| name.starts_with(&feature.name))
            .filter(|(name, _)| **name == feature.name || name.starts_with(&split))
            .map(|(name, _)| name.clone())
            .collect();
        names.iter().filter_map(|name| columns.remove(name)).for_each(|c| frame.push(c));
        if let (true, Definition::Aggregate(aggregate)) = (names.is_empty(), &feature.definition)
            && aggregate.by.is_none()
        {
            // No source fills the table that the feature reads.
            let mut empty = missing(feature, frame.rows());
            if recipe(aggregate).zero_when_empty {
                empty.valid = None;
            }
            frame.push(empty);
        }
    }
}

/// Aggregates by name with the values of their splits.
pub(crate) type Declared = [(FeatureDef, Option<Vec<String>>)];

/// Places the columns of a pass by key; without keys all are the one row.
pub(crate) fn place_pass(
    pass: &Pass,
    batches: &[RecordBatch],
    keys: &Keys,
    keyed: bool,
    declared: &Declared,
    columns: &mut BTreeMap<String, Column>,
) -> Result<()> {
    let places: Vec<_> = batches
        .iter()
        .map(|batch| if keyed { keys.places(batch.column(0)) } else { vec![0; batch.num_rows()] })
        .collect();
    for (at, found) in pass.columns.iter().enumerate() {
        let (unit, cell_type) = declared_type(&found.name, declared);
        let target = Target {
            name: &found.name,
            unit,
            cell_type,
            rows: keys.len(),
            zero_when_empty: found.zero_when_empty,
        };
        let parts: Vec<_> = batches
            .iter()
            .zip(&places)
            .map(|(batch, places)| (batch.column(at + usize::from(keyed)), places.as_slice()))
            .collect();
        columns.insert(found.name.clone(), column(&target, &parts)?);
    }
    Ok(())
}

/// Unit and type that the playbook declares for a column.
fn declared_type<'a>(name: &str, declared: &'a Declared) -> (&'a str, CellType) {
    let feature = declared.iter().find(|(def, values)| {
        let rest = name.strip_prefix(def.name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || (values.is_some() && rest.starts_with('.')))
    });
    feature.map_or(("", CellType::Integer), |(def, _)| (def.unit.as_str(), def.cell_type))
}
