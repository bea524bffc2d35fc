//! Features that are queries of the playbook's own.

use std::collections::BTreeSet;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter;
use arrow::error::ArrowError;
use playbook_model::{Bitmap, Column, Definition, FeatureDef};

use crate::cells::{Target, column, distinct_texts};
use crate::error::feature_sql;
use crate::free::check::Parameters;
use crate::keys::{Keys, NO_ROW, texts};
use crate::source::BatchSource;
use crate::{BatchError, Result};
use playbook_features::done_by;

impl BatchSource {
    /// Runs the playbook's own queries among `features`, several at a time.
    pub(crate) fn free_sql(&self, features: &[FeatureDef], keys: &Keys) -> Result<Vec<Column>> {
        self.each_query(features, |feature, sql| {
            let mut column = FreeColumn::new(feature, keys);
            self.query(feature, sql, |batch| column.take(batch))?;
            column.finish()
        })
    }

    /// What the queries of a subject answer, before the rows of its table are known.
    pub(crate) fn free_answers<'f>(
        &self,
        features: &'f [FeatureDef],
    ) -> Result<Vec<FreeAnswer<'f>>> {
        self.each_query(features, |feature, sql| {
            let bytes_max = self.playbook.sql.memory_bytes_max;
            let (mut batches, mut bytes) = (Vec::new(), 0);
            self.query(feature, sql, |batch| {
                bytes += batch.get_array_memory_size() as u64;
                batches.push(batch);
                if bytes <= bytes_max {
                    return Ok(());
                }
                let source = "its answer alone is larger".into();
                Err(BatchError::SqlMemory { feature: feature.name.clone(), bytes_max, source })
            })?;
            Ok(FreeAnswer { feature, batches })
        })
    }

    fn each_query<'f, T: Send>(
        &self,
        features: &'f [FeatureDef],
        run: impl Fn(&'f FeatureDef, &'f str) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let queries = features.iter().filter_map(|feature| match &feature.definition {
            Definition::Sql(sql) => Some((feature, sql.as_str())),
            _ => None,
        });
        let queries: Vec<_> = queries.collect();
        let run = |(feature, sql)| run(feature, sql);
        done_by(self.options.partitions, queries.into_iter(), run).into_iter().collect()
    }

    fn query(
        &self,
        feature: &FeatureDef,
        sql: &str,
        each: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let given = Parameters { as_of: self.intake.as_of, brand: self.playbook.brand.clone() };
        self.session.free_query(&feature.name, sql, &given, &self.playbook.sql, each)
    }
}

/// The answer of a query.
pub(crate) struct FreeAnswer<'f> {
    feature: &'f FeatureDef,
    batches: Vec<RecordBatch>,
}

impl FreeAnswer<'_> {
    /// The subjects that it names.
    pub(crate) fn keys(&self) -> BTreeSet<Box<str>> {
        let subjects = self.batches.iter().map(|batch| answered(batch).0);
        subjects.flat_map(|subjects| distinct_texts(subjects)).map(Box::from).collect()
    }

    /// Its values by the rows of a table.
    pub(crate) fn column(self, keys: &Keys) -> Result<Column> {
        let mut column = FreeColumn::new(self.feature, keys);
        self.batches.into_iter().try_for_each(|batch| column.take(batch))?;
        column.finish()
    }
}

/// The columns of an answer.
fn answered(batch: &RecordBatch) -> (&ArrayRef, &ArrayRef) {
    let column = |name| batch.column_by_name(name).expect("the plan gives these columns");
    (column("subject"), column("value"))
}

/// A column that is filled from answers; subjects that the table does not have are left out.
struct FreeColumn<'a> {
    feature: &'a FeatureDef,
    keys: &'a Keys,
    given: Bitmap,
    parts: Vec<(ArrayRef, Vec<u32>)>,
}

impl<'a> FreeColumn<'a> {
    fn new(feature: &'a FeatureDef, keys: &'a Keys) -> Self {
        Self { feature, keys, given: Bitmap::filled(keys.len(), false), parts: Vec::new() }
    }

    /// Takes rows of an answer, each subject once.
    fn take(&mut self, batch: RecordBatch) -> Result<()> {
        let (subjects, values) = answered(&batch);
        let mut places = self.keys.places(subjects);
        let is_known: BooleanArray = places.iter().map(|p| Some(*p != NO_ROW)).collect();
        for (row, place) in places.iter().enumerate().filter(|(_, place)| **place != NO_ROW) {
            if self.given.get(*place as usize) {
                return Err(BatchError::SubjectTwice {
                    feature: self.feature.name.clone(),
                    subject: self.feature.subject.0.clone(),
                    key: texts(&subjects.slice(row, 1)).value(0).to_owned(),
                });
            }
            self.given.set(*place as usize, true);
        }
        places.retain(|place| *place != NO_ROW);
        let fault = |e: ArrowError| feature_sql(&self.feature.name)(e.into());
        self.parts.push((filter(values, &is_known).map_err(fault)?, places));
        Ok(())
    }

    fn finish(self) -> Result<Column> {
        let target = Target {
            name: &self.feature.name,
            unit: &self.feature.unit,
            cell_type: self.feature.cell_type,
            rows: self.keys.len(),
            zero_when_empty: false,
        };
        let parts: Vec<_> =
            self.parts.iter().map(|(value, places)| (value, places.as_slice())).collect();
        column(&target, &parts)
    }
}
