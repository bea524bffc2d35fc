//! Parquet files as a table of the engine, some rows of which may be left out.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::{ListingTable, PartitionedFile};
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use parquet::arrow::arrow_reader::RowSelection;

/// A table of files. Rows that are left out are not even decoded, so that no query pays for them.
#[derive(Debug)]
pub(crate) struct Files {
    listed: ListingTable,
    /// Rows that stay, by the path of their file.
    kept: OnceLock<HashMap<String, ParquetRowSelection>>,
}

impl Files {
    pub(crate) fn new(listed: ListingTable) -> Self {
        Self { listed, kept: OnceLock::new() }
    }

    /// Leaves out rows for good: their numbers, ascending, in the order in which `state` reads the files, which is
    /// on one thread. A second call changes nothing.
    pub(crate) async fn leave_out(&self, state: &dyn Session, rows: &[u64]) -> Result<()> {
        let plan = self.listed.scan(state, None, &[], None).await?;
        let mut kept = HashMap::new();
        let (mut first, mut rows) = (0, rows);
        for file in config_of(&plan)?.file_groups.iter().flat_map(FileGroup::iter) {
            let count = file.statistics.as_ref().and_then(|s| s.num_rows.get_value().copied());
            let count =
                count.ok_or_else(|| fault("a Parquet file does not say how many rows it has"))?;
            let end = first + count as u64;
            let (inside, later) = rows.split_at(rows.partition_point(|row| *row < end));
            if !inside.is_empty() {
                let ranges = between(
                    inside.iter().map(|row| usize::try_from(row - first).unwrap_or(count)),
                    count,
                );
                let selection = RowSelection::from_consecutive_ranges(ranges, count);
                kept.insert(file.object_meta.location.to_string(), selection.into());
            }
            (first, rows) = (end, later);
        }
        // Rows that were left out before stay so: a second call changes nothing.
        self.kept.set(kept).ok();
        Ok(())
    }
}

/// The ranges of `0..count` that lie between single rows, which ascend; a range may be empty.
fn between(rows: impl Iterator<Item = usize>, count: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    rows.chain([count]).map(move |row| std::mem::replace(&mut start, row + 1)..row)
}

fn fault(text: &str) -> DataFusionError {
    DataFusionError::Internal(text.to_owned())
}

fn config_of(plan: &Arc<dyn ExecutionPlan>) -> Result<&FileScanConfig> {
    let source = plan.downcast_ref::<DataSourceExec>().map(DataSourceExec::data_source);
    let config = source.and_then(|source| source.downcast_ref::<FileScanConfig>());
    config.ok_or_else(|| fault("files are read by something else than a scan"))
}

#[async_trait]
impl TableProvider for Files {
    fn schema(&self) -> SchemaRef {
        self.listed.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.listed.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(kept) = self.kept.get() else {
            return self.listed.scan(state, projection, filters, limit).await;
        };
        // Without the limit: files are chosen for it by counts that no longer hold.
        let plan = self.listed.scan(state, projection, filters, None).await?;
        let Ok(config) = config_of(&plan) else { return Ok(plan) };
        let selected = |mut file: PartitionedFile| {
            if let Some(kept) = kept.get(file.object_meta.location.as_ref()) {
                file.statistics =
                    file.statistics.map(|s| Arc::new(s.as_ref().clone().to_inexact()));
                file = file.with_extension(kept.clone());
            }
            file
        };
        let groups = config.file_groups.iter();
        let groups = groups
            .map(|group| group.iter().cloned().map(selected).collect::<Vec<_>>().into())
            .collect();
        let statistics = config.statistics().to_inexact();
        let config = FileScanConfigBuilder::from(config.clone())
            .with_file_groups(groups)
            .with_statistics(statistics);
        Ok(DataSourceExec::from_data_source(config.build()))
    }
}

#[cfg(test)]
mod tests {
    use super::between;

    #[test]
    fn ranges_lie_between_the_rows_that_are_left_out() {
        let ranges: Vec<_> =
            between([0, 3, 4].into_iter(), 6).filter(|range| !range.is_empty()).collect();
        assert_eq!(ranges, [1..3, 5..6]);
        assert!(between(std::iter::empty(), 2).eq(std::iter::once(0..2)));
    }
}
