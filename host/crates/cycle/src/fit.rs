//! Fitting in the sandbox: the contract's driver of fits, with its buckets on all threads.

use std::sync::{Mutex, PoisonError};

use playbook_contract::{BUCKETS, Fitter, NoModel, OBSERVED_ROWS, cut, fit as drive};
use playbook_model::{Batch, Context, Fault, FitStep, Fitted, Outcome, Shape, Validator};
use playbook_runtime::{Fitting, Plugin, RuntimeError, Starting, refusal};
use rayon::prelude::*;

use crate::error::CycleError;
use crate::gather::{Gather, Rows};
use crate::progress::{Cancel, Progress};
use crate::result::StageUsage;

/// The inputs of a fit beside its rows.
#[derive(Debug, Clone, Copy)]
pub struct FitStart<'a> {
    /// Plugin that is fitted.
    pub plugin: &'a Plugin,
    /// Its shape under the settings.
    pub shape: &'a Shape,
    /// Context of the cycle.
    pub context: Context,
    /// Settings, canonical JSON.
    pub settings: &'a str,
    /// The whole tables of the shape.
    pub tables: &'a [Batch],
}

/// Rows of a fit, by bucket.
pub trait FitRows: Sync {
    /// Number of buckets.
    fn buckets(&self) -> usize;

    /// Shows all rows of a bucket, batch by batch.
    ///
    /// # Errors
    /// What `see` fails with, or a fault of the host's own.
    fn show(
        &self,
        bucket: usize,
        see: &mut dyn FnMut(&Batch) -> Result<(), FitStop>,
    ) -> Result<(), FitStop>;
}

/// Why a fit stops.
#[derive(Debug)]
pub enum FitStop {
    /// The guest's fault.
    Guest(Fault),
    /// The host's fault.
    Host(CycleError),
}

impl From<NoModel> for FitStop {
    fn from(none: NoModel) -> Self {
        Self::Guest(match none {
            NoModel::Refused(words) => refusal(&words),
            NoModel::TooManyPasses { .. } => Fault::Malformed(none.to_string()),
        })
    }
}

/// A model with the passes that it took.
#[derive(Debug, Clone)]
pub struct FitEnd {
    /// The model and how the fit went.
    pub fitted: Fitted,
    /// Passes over the rows.
    pub passes: u32,
}

/// Fits a plugin, with the buckets in parallel; the guest's fault is in the outcome. Adds what it used to `usage`.
///
/// # Errors
/// A host's fault.
pub fn fit(
    start: FitStart<'_>,
    rows: &dyn FitRows,
    usage: &mut StageUsage,
) -> Result<Outcome<FitEnd>, CycleError> {
    let sandboxed = Sandboxed {
        start,
        rows,
        validator: Validator::new(start.shape.clone()),
        used: Mutex::default(),
    };
    let fitted = drive(&sandboxed, start.shape.fit_passes_max, rows.buckets());
    usage.add(&sandboxed.used.into_inner().unwrap_or_else(PoisonError::into_inner));
    match fitted {
        Ok((fitted, passes)) => Ok(Ok(FitEnd { fitted, passes })),
        Err(FitStop::Guest(fault)) => Ok(Err(fault)),
        Err(FitStop::Host(error)) => Err(error),
    }
}

struct Sandboxed<'a> {
    start: FitStart<'a>,
    rows: &'a dyn FitRows,
    validator: Validator,
    used: Mutex<StageUsage>,
}

fn given<T>(outcome: Result<Outcome<T>, RuntimeError>) -> Result<T, FitStop> {
    outcome.map_err(|error| FitStop::Host(error.into()))?.map_err(FitStop::Guest)
}

impl Sandboxed<'_> {
    /// Adds the usage of an instance that is no longer needed.
    fn done(&self, fitting: &Fitting) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.add(&StageUsage::from(fitting.usage()));
    }
}

impl Fitter for Sandboxed<'_> {
    type Instance = Fitting;
    type Stop = FitStop;

    fn begin(&self, pass: u32, carried: &[u8]) -> Result<Fitting, FitStop> {
        let FitStart { plugin, context, settings, tables, .. } = self.start;
        let starting = Starting { validator: &self.validator, settings, pass, carried, tables };
        given(plugin.begin_fit(&context, &starting))
    }

    fn observe(&self, fitting: &mut Fitting, bucket: usize) -> Result<(), FitStop> {
        self.rows.show(bucket, &mut |batch| given(fitting.observe(batch)))
    }

    fn part(&self, mut fitting: Fitting) -> Result<Vec<u8>, FitStop> {
        let part = given(fitting.part());
        self.done(&fitting);
        part
    }

    fn merge(&self, fitting: &mut Fitting, left: &[u8], right: &[u8]) -> Result<Vec<u8>, FitStop> {
        given(fitting.merge(left, right))
    }

    fn finish(&self, mut fitting: Fitting, state: &[u8]) -> Result<FitStep, FitStop> {
        let step = given(fitting.finish(state));
        self.done(&fitting);
        step
    }

    fn parts(&self, pass: u32, carried: &[u8], buckets: usize) -> Result<Vec<Vec<u8>>, FitStop> {
        let part = |bucket| self.part_of(pass, carried, bucket);
        // All buckets are waited for: the fault of the first bucket is reported, on any number of threads.
        let parts: Vec<Result<Vec<u8>, FitStop>> = (0..buckets).into_par_iter().map(part).collect();
        parts.into_iter().collect()
    }
}

/// Rows by bucket, each bucket in key order.
#[derive(Debug)]
pub(crate) struct Buckets(Vec<Vec<u32>>);

impl Buckets {
    /// Cuts rows by their keys. Keys are hashes, so that of more than `rows_max` rows those of the lowest keys are a
    /// uniform sample (bottom-k), the same one in every run.
    pub(crate) fn cut(keys: &[i64], rows_max: u64) -> Self {
        Self(cut(keys, BUCKETS, rows_max))
    }
}

/// Rows of the cycle's frames.
pub(crate) struct CycleRows<'a> {
    pub(crate) gather: &'a Gather<'a>,
    pub(crate) buckets: &'a Buckets,
    pub(crate) cancel: &'a Cancel,
    pub(crate) progress: &'a dyn Progress,
    /// Name of the part whose progress is shown.
    pub(crate) part_name: &'a str,
}

impl FitRows for CycleRows<'_> {
    fn buckets(&self) -> usize {
        self.buckets.0.len()
    }

    fn show(
        &self,
        bucket: usize,
        see: &mut dyn FnMut(&Batch) -> Result<(), FitStop>,
    ) -> Result<(), FitStop> {
        let total: usize = self.buckets.0.iter().map(Vec::len).sum();
        for rows in self.buckets.0[bucket].chunks(OBSERVED_ROWS) {
            if self.cancel.is_cancelled() {
                return Err(FitStop::Host(CycleError::Cancelled));
            }
            see(&self.gather.batch(Rows::Picked(rows)))?;
            self.progress.advanced(self.part_name, rows.len() as u64, Some(total as u64));
        }
        Ok(())
    }
}
