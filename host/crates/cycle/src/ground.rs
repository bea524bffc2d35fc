//! The inputs with which stages are opened beside settings: models, whole tables, the running phase.

use std::sync::Arc;

use playbook_model::{Batch, Context};
use playbook_runtime::{Opening, Reuse};

use crate::prepare::Prepared;

/// The inputs with which a stage is opened beside its settings; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StageGround {
    /// Model of a fit, where the stage has one.
    pub model: Option<Arc<[u8]>>,
    /// The whole tables of its shape.
    pub tables: Arc<[Batch]>,
    /// Running phase of a campaign.
    pub phase: u32,
}

impl StageGround {
    /// The opening of the stage's plugin with these inputs; nothing is copied.
    pub(crate) fn opening(&self, stage: &Prepared, context: Context, reuse: Reuse) -> Opening {
        Opening {
            context,
            settings: Arc::clone(&stage.settings),
            model: self.model.clone(),
            tables: Arc::clone(&self.tables),
            reuse,
        }
    }
}
