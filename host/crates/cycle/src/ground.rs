//! What stages stand on: models, whole tables, the running phase.

use std::sync::Arc;

use playbook_model::{Batch, Context};
use playbook_runtime::{Opening, Reuse};

use crate::prepare::Prepared;

/// What a stage is opened with beside its settings; shared with whoever opened it.
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
    /// What the stage's plugin is opened with on this ground; nothing of it is copied.
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
