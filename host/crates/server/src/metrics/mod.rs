//! All numbers of the host as OpenMetrics text. What is counted stands where it happens: in this room's `meters`, in
//! the brands, in the sandbox. Series are those of fixed lists, times brands and their accounts; no label holds what a
//! client sent.

mod families;

use std::fmt;
use std::sync::Arc;

use playbook_model::{CallMeters, reasons};
use playbook_online::{BudgetUse, Figures, WebhookState, WriterState};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use crate::meters::RequestFigures;
use crate::shared::Shared;

/// Media type of the text.
pub(crate) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All numbers at one moment.
#[derive(Debug)]
struct Snapshot {
    requests: Vec<RequestFigures>,
    held: Vec<(&'static str, u64)>,
    /// Roles that asked for what they may not do.
    denied: Vec<(&'static str, u64)>,
    /// Connections that are open, and that wait for a place.
    connections: (usize, usize),
    brands: Vec<BrandSnapshot>,
    /// Unix-ms.
    at_ms: i64,
    calls: Option<Arc<CallMeters>>,
}

#[derive(Debug)]
struct BrandSnapshot {
    name: String,
    figures: Figures,
    writer: WriterState,
    budget: Vec<BudgetUse>,
    /// How its webhook does, where it has one.
    webhook: Option<WebhookState>,
}

/// Reads all numbers; balances are read from the storage, so threads that may not wait should not call it.
pub(crate) fn page(shared: &Shared) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Snapshot::of(shared)));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

impl Snapshot {
    fn of(shared: &Shared) -> Self {
        let listed = shared.directory.brands(None, usize::MAX);
        let brands = listed.into_iter().filter_map(|listed| {
            let brand = shared.directory.live(&listed.name)?;
            // Whatever else is known of a brand whose storage fails is of use just then.
            let budget = brand.budget_uses().unwrap_or_else(|error| {
                tracing::error!(
                    brand = listed.name,
                    reason = reasons(&error),
                    "the budget cannot be read"
                );
                Vec::new()
            });
            let webhook = brand.webhook().unwrap_or_else(|error| {
                tracing::error!(
                    brand = listed.name,
                    reason = reasons(&error),
                    "a webhook cannot be looked at"
                );
                None
            });
            let (figures, writer) = (brand.figures(), brand.writer());
            Some(BrandSnapshot { name: listed.name, figures, writer, budget, webhook })
        });
        Self {
            requests: shared.meters.requests(),
            held: shared.meters.held_back().to_vec(),
            denied: shared.meters.denials().to_vec(),
            connections: shared.places.taken(),
            brands: brands.collect(),
            at_ms: jiff::Timestamp::now().as_millisecond(),
            calls: shared.directory.calls(),
        }
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        families::requests(self, &mut encoder)?;
        families::brands(self, &mut encoder)?;
        families::money(self, &mut encoder)?;
        families::webhooks(self, &mut encoder)?;
        families::calls(self, &mut encoder)
    }
}
