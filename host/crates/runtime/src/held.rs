//! Code in memory, by what it is of: a thousand brands with one plugin hold it once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use crate::LoadError;
use crate::cache::CodeId;
use crate::plugin::Code;
use crate::pool::lock;

/// Code that some plugin holds; it goes with the last of them.
#[derive(Default)]
pub(crate) struct Held(Mutex<BTreeMap<CodeId, Slot>>);

/// Locked while its code is made: whoever wants the same waits for it, and nobody else does.
type Slot = Arc<Mutex<Weak<Code>>>;

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("slots", &lock(&self.0).len()).finish()
    }
}

impl Held {
    /// The code that is held, or else what `make` makes.
    ///
    /// # Errors
    /// Those of `make`; whoever waited tries it anew.
    pub(crate) fn get(
        &self,
        id: CodeId,
        make: impl FnOnce() -> Result<Code, LoadError>,
    ) -> Result<Arc<Code>, LoadError> {
        let slot = self.slot(id);
        let mut code = lock(&slot);
        if let Some(code) = code.upgrade() {
            return Ok(code);
        }
        let made = Arc::new(make()?);
        *code = Arc::downgrade(&made);
        Ok(made)
    }

    fn slot(&self, id: CodeId) -> Slot {
        let mut slots = lock(&self.0);
        if let Some(slot) = slots.get(&id) {
            return Arc::clone(slot);
        }
        // Nobody has it in hand, and its code is gone.
        slots.retain(|_, slot| Arc::strong_count(slot) > 1 || lock(slot).strong_count() > 0);
        Arc::clone(slots.entry(id).or_default())
    }
}
