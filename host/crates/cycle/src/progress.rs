//! Progress reports of long work, and its cancellation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Receives progress reports, from several threads.
pub trait Progress: Send + Sync {
    /// `rows` more rows went through `part` ("read orders", "fit value-rfm", "score churn-7d" ...);
    /// `total` is how many there will be, where that is known.
    fn advanced(&self, part: &str, rows: u64, total: Option<u64>);
    /// `part` is done.
    fn finished(&self, part: &str);
}

/// Ignores progress reports.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn advanced(&self, _part: &str, _rows: u64, _total: Option<u64>) {}
    fn finished(&self, _part: &str) {}
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
}
