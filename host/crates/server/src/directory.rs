//! The brands that the host serves, as this room sees them.

use std::sync::Arc;

use playbook_model::CallMeters;
use serde::Serialize;
use utoipa::ToSchema;

/// The brands that the host serves. It is asked on every request, so it answers from memory and never waits.
pub trait Directory: Send + Sync + 'static {
    /// The brand of that name.
    fn brand(&self, name: &str) -> Option<Brand>;

    /// The brand of that name, where it serves.
    fn live(&self, name: &str) -> Option<Arc<playbook_online::Brand>> {
        let _ = name;
        None
    }

    /// At most `limit` brands with names after `after`, ascending by name.
    fn brands(&self, after: Option<&str>, limit: usize) -> Vec<Brand>;

    /// What calls of plugins take, where the host runs any.
    fn calls(&self) -> Option<Arc<CallMeters>> {
        None
    }

    /// Whether the host can serve; false while it loads.
    fn is_ready(&self) -> bool;
}

/// A brand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Brand {
    /// Its name, kebab-case.
    #[schema(example = "acme")]
    pub name: String,
    /// Whether it answers.
    pub status: BrandStatus,
}

/// Whether a brand answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BrandStatus {
    /// It loads.
    Starting,
    /// It answers.
    Serving,
    /// It answers without some of its plugins.
    Degraded,
    /// It was stopped.
    Stopped,
}
