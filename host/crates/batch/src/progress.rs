//! How long work tells what it does, and how it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::BatchError;

/// Hears how far the data room is. Called from several threads.
pub trait Progress: Send + Sync {
    /// `rows` more rows went through `stage` ("read orders", "features", "write members" ...).
    fn advanced(&self, stage: &str, rows: u64);
    /// `stage` is done.
    fn finished(&self, stage: &str);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn advanced(&self, _stage: &str, _rows: u64) {}
    fn finished(&self, _stage: &str) {}
}

/// A flag that stops all work between two batches of rows.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks all work to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether work was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails where work was asked to stop.
    ///
    /// # Errors
    /// [`BatchError::Cancelled`].
    pub fn check(&self) -> Result<(), BatchError> {
        if self.is_cancelled() { Err(BatchError::Cancelled) } else { Ok(()) }
    }
}
