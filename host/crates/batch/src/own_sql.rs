//! Features that are queries of the playbook's own.

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::filter;
use playbook_model::{Bitmap, Column, Definition, FeatureDef};

use crate::cells::{Target, column};
use crate::error::feature_sql;
use crate::keys::{Keys, NO_ROW, texts};
use crate::source::BatchSource;
use crate::{BatchError, Result};
use playbook_features::done_by;

impl BatchSource {
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

    /// Runs a query that returns the columns `subject` and `value`, each subject once. Subjects that the table does
    /// not have are left out.
    fn free_column(&self, feature: &FeatureDef, sql: &str, keys: &Keys) -> Result<Column> {
        let mut parts: Vec<(ArrayRef, Vec<u32>)> = Vec::new();
        let mut given = Bitmap::filled(keys.len(), false);
        let as_of = self.intake.as_of;
        self.session.free_query(&feature.name, sql, as_of, &self.playbook.sql, |batch| {
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
}
