//! Fitting: rows in a fixed number of buckets by key, parts merged in bucket order, pass by pass.
//!
//! Buckets depend on keys alone and each is seen in key order, so that the model is the same to the last
//! byte on any machine and with any number of threads.

use playbook_model::{Batch, Context, Digest, FitStep, Fitted, Outcome};
use playbook_runtime::{Fitting, RuntimeError, Starting};
use rayon::prelude::*;

use crate::error::CycleError;
use crate::gather::{Gather, Rows};
use crate::prepare::Prepared;
use crate::progress::{Cancel, Progress};
use crate::result::{ModelFacts, StageUsage};

/// Buckets of a fit, whatever the population and the machine.
const BUCKETS: usize = 16;
/// Rows of one `observe`.
const BATCH_ROWS: usize = 4_096;

/// Rows by bucket, each bucket in key order.
#[derive(Debug)]
pub(crate) struct Buckets(Vec<Vec<u32>>);

impl Buckets {
    /// Cuts rows by their keys; equal keys keep the order of rows. Of more than `rows_max` rows those of the
    /// lowest keys stay: keys are keyed hashes, so that these are a sample, the same in every fit.
    pub(crate) fn cut(keys: &[i64], rows_max: u64) -> Self {
        let mut order: Vec<u32> = (0..u32::try_from(keys.len()).unwrap_or(u32::MAX)).collect();
        let place = |row: &u32| (keys[*row as usize], *row);
        let rows_max = usize::try_from(rows_max).unwrap_or(usize::MAX);
        if rows_max < order.len() {
            order.select_nth_unstable_by_key(rows_max, place);
            order.truncate(rows_max);
        }
        order.par_sort_unstable_by_key(place);
        let mut buckets = vec![Vec::new(); BUCKETS];
        for row in order {
            let bucket = keys[row as usize].rem_euclid(BUCKETS as i64);
            buckets[usize::try_from(bucket).unwrap_or(0)].push(row);
        }
        Self(buckets)
    }
}

/// What a fit works on.
pub(crate) struct FitInput<'a> {
    pub(crate) stage: &'a Prepared,
    pub(crate) context: Context,
    pub(crate) gather: &'a Gather<'a>,
    pub(crate) buckets: &'a Buckets,
    pub(crate) tables: &'a [Batch],
    pub(crate) cancel: &'a Cancel,
    pub(crate) progress: &'a dyn Progress,
}

/// Fits a plugin; the guest's fault is in the outcome.
pub(crate) fn fit(
    input: &FitInput<'_>,
    usage: &mut StageUsage,
) -> Result<Outcome<(Fitted, ModelFacts)>, CycleError> {
    let settings = input.stage.settings();
    let mut carried = Vec::new();
    let part_name = format!("fit {}", input.stage.def.name);
    for pass in 0..input.stage.shape.fit_passes_max {
        let starting = Starting {
            shape: &input.stage.shape,
            settings: &settings,
            pass,
            carried: &carried,
            tables: input.tables,
        };
        let (parts, used) = match parts(input, &starting, &part_name)? {
            Ok(parts) => parts,
            Err(fault) => return Ok(Err(fault)),
        };
        add(usage, &used);
        let step = match join(input, &starting, parts, usage)? {
            Ok(step) => step,
            Err(fault) => return Ok(Err(fault)),
        };
        match step {
            FitStep::Again(bytes) => carried = bytes,
            FitStep::Model(fitted) => {
                input.progress.finished(&part_name);
                let facts = ModelFacts {
                    digest: Digest::of(&fitted.model),
                    bytes: fitted.model.len() as u64,
                    passes: pass + 1,
                    measures: fitted.measures.clone(),
                };
                return Ok(Ok((fitted, facts)));
            }
        }
    }
    Ok(Err(playbook_model::Fault::Malformed(format!(
        "the fit asks for more than the {} passes that its shape allows",
        input.stage.shape.fit_passes_max
    ))))
}

type Part = (Vec<u8>, StageUsage);
type Parts = (Vec<Vec<u8>>, Vec<StageUsage>);

fn parts(
    input: &FitInput<'_>,
    starting: &Starting<'_>,
    part_name: &str,
) -> Result<Outcome<Parts>, CycleError> {
    let total: usize = input.buckets.0.iter().map(Vec::len).sum();
    let seen: Vec<Result<Outcome<Part>, CycleError>> = input
        .buckets
        .0
        .par_iter()
        .map(|rows| {
            let mut fitting = match input.stage.plugin.begin_fit(&input.context, starting)? {
                Ok(fitting) => fitting,
                Err(fault) => return Ok(Err(fault)),
            };
            for chunk in rows.chunks(BATCH_ROWS) {
                if input.cancel.is_cancelled() {
                    return Err(CycleError::Cancelled);
                }
                if let Err(fault) = fitting.observe(&input.gather.batch(Rows::Picked(chunk)))? {
                    return Ok(Err(fault));
                }
                input.progress.advanced(part_name, chunk.len() as u64, Some(total as u64));
            }
            let part = fitting.part()?;
            Ok(part.map(|part| (part, used(&fitting))))
        })
        .collect();
    let mut parts = (Vec::with_capacity(BUCKETS), Vec::with_capacity(BUCKETS));
    for one in seen {
        match one? {
            Ok((part, used)) => {
                parts.0.push(part);
                parts.1.push(used);
            }
            Err(fault) => return Ok(Err(fault)),
        }
    }
    Ok(Ok(parts))
}

fn join(
    input: &FitInput<'_>,
    starting: &Starting<'_>,
    parts: Vec<Vec<u8>>,
    usage: &mut StageUsage,
) -> Result<Outcome<FitStep>, RuntimeError> {
    let mut fitting = match input.stage.plugin.begin_fit(&input.context, starting)? {
        Ok(fitting) => fitting,
        Err(fault) => return Ok(Err(fault)),
    };
    let mut parts = parts.into_iter();
    let mut state = parts.next().unwrap_or_default();
    for part in parts {
        state = match fitting.merge(&state, &part)? {
            Ok(state) => state,
            Err(fault) => return Ok(Err(fault)),
        };
    }
    let step = fitting.finish(&state)?;
    add(usage, &[used(&fitting)]);
    Ok(step)
}

fn used(fitting: &Fitting) -> StageUsage {
    StageUsage::from(fitting.usage())
}

fn add(usage: &mut StageUsage, more: &[StageUsage]) {
    more.iter().for_each(|m| usage.add(m));
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Buckets};

    #[test]
    fn of_too_many_rows_those_of_the_lowest_keys_stay() {
        let keys: Vec<i64> = (0..1000).map(|i| (i * 7919) % 1000 - 500).collect();
        let Buckets(buckets) = Buckets::cut(&keys, 100);
        let mut seen: Vec<i64> = buckets.concat().iter().map(|row| keys[*row as usize]).collect();
        seen.sort_unstable();
        assert_eq!(seen, (-500..-400).collect::<Vec<_>>());
    }

    #[test]
    fn buckets_depend_on_keys_alone_and_are_in_key_order() {
        let keys: Vec<i64> = (0..1000).map(|i| (i * 7919) % 1000).collect();
        let Buckets(buckets) = Buckets::cut(&keys, 1000);
        assert_eq!(buckets.len(), BUCKETS);
        assert_eq!(buckets.iter().map(Vec::len).sum::<usize>(), 1000);
        for (i, bucket) in buckets.iter().enumerate() {
            let seen: Vec<i64> = bucket.iter().map(|r| keys[*r as usize]).collect();
            assert!(seen.is_sorted());
            assert!(seen.iter().all(|k| k % BUCKETS as i64 == i as i64));
        }
    }
}
