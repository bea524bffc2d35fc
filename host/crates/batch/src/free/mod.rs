//! Playbooks' own SQL: bounded in memory and time, and with the same bytes on any number of threads.
//!
//! A query runs on one thread and reads files in their order, because sums of reals depend on the order of rows, and so
//! does the choice between rows that an `order by` leaves equal. Queries run in parallel with each other instead. What
//! could still differ from run to run is refused ([`check`]). A join of accounts with members changes the order of rows
//! within a batch, but in every run alike.

pub(crate) mod check;
mod functions;
mod memory;

use std::sync::Arc;

use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider};
use datafusion::common::Result;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

/// Catalog of the engine's own tables.
const CATALOG: &str = "datafusion";
/// Schema of the views that the playbook's own SQL sees; the engine's tables lie in another.
const SCHEMA: &str = "playbook";

/// A context for queries of the playbook: the functions of `of`, and no tables but those that are shown.
pub(crate) fn context(of: SessionState, config: SessionConfig) -> Result<SessionContext> {
    let mut config =
        config.with_target_partitions(1).with_default_catalog_and_schema(CATALOG, SCHEMA);
    config.options_mut().sql_parser.collect_spans = true;
    let state = SessionStateBuilder::new_from_existing(of)
        .with_config(config)
        .with_physical_optimizer_rule(Arc::new(memory::CountWindows))
        .build();
    let context = SessionContext::new_with_state(state);
    functions::register(&context)?;
    Ok(context)
}

/// Creates the schema for the views. To be called after all contexts were made: each new one clears the catalog that
/// they share.
pub(crate) fn make_schema(context: &SessionContext) -> Result<()> {
    let catalogs = Arc::clone(context.state().catalog_list());
    let catalog = catalogs.catalog(CATALOG).unwrap_or_else(|| {
        let new: Arc<dyn CatalogProvider> = Arc::new(MemoryCatalogProvider::new());
        catalogs.register_catalog(CATALOG.to_owned(), Arc::clone(&new));
        new
    });
    catalog.register_schema(SCHEMA, Arc::new(MemorySchemaProvider::new()))?;
    Ok(())
}

/// The same context with a memory pool of `memory_bytes` for one query, and without spilling to disk.
pub(crate) fn bounded(context: &SessionContext, memory_bytes: u64) -> Result<SessionContext> {
    let bytes = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(bytes)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let state =
        SessionStateBuilder::new_from_existing(context.state()).with_runtime_env(runtime).build();
    Ok(SessionContext::new_with_state(state))
}
