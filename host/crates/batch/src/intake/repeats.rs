//! Finds keys that occur in more than one row: by a bitset where they are integers near together, else by sorting
//! hashes.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};

use crate::Result;
use crate::hashes::{HashedSet, for_each_hash};
use crate::intake::job::IntakeJob;
use crate::keys::texts;

const STAGE: &str = "duplicates";

/// A bitset over the range of integer keys is used within these bounds: bits per row, and bits in all (256 MiB).
const BITS_PER_ROW_MAX: i64 = 64;
const BITS_MAX: i64 = 1 << 31;

/// Hashes of the keys that occur more than once; the hash of an integer is the integer itself. `known` is the range of
/// integer keys and the number of rows, where these are known without a query.
pub(crate) fn repeated(
    job: &IntakeJob<'_>,
    view: &str,
    key: &str,
    known: Option<(RangeInclusive<i64>, u64)>,
) -> Result<HashSet<u64>> {
    match integers_near_together(job, view, key, known)? {
        Some(repeated) => Ok(repeated),
        None => repeated_hashes(job, view, key),
    }
}

/// Type and range of the keys of a view.
enum Bounds {
    OfTexts,
    /// Integers: least, greatest and count; `None` where every key is missing.
    Of(Option<(i64, i64, i64)>),
}

fn bounds(job: &IntakeJob<'_>, view: &str, key: &str) -> Result<Bounds> {
    let sql = format!("SELECT min({key}), max({key}), count({key}) FROM {view}");
    let batches = job.session.collect(STAGE, &sql)?;
    let Some(batch) = batches.first() else { return Ok(Bounds::Of(None)) };
    if *batch.column(0).data_type() != DataType::Int64 {
        return Ok(Bounds::OfTexts);
    }
    let value = |at: usize| {
        let column = batch.column(at).as_primitive::<Int64Type>();
        column.is_valid(0).then(|| column.value(0))
    };
    let all = value(0).zip(value(1)).zip(value(2));
    Ok(Bounds::Of(all.map(|((least, most), rows)| (least, most, rows))))
}

/// Integer keys that occur more than once, found by a bitset over their range; `None` where keys are texts, or where
/// the bitset would exceed its bounds.
fn integers_near_together(
    job: &IntakeJob<'_>,
    view: &str,
    key: &str,
    known: Option<(RangeInclusive<i64>, u64)>,
) -> Result<Option<HashSet<u64>>> {
    let bounds = match known {
        Some((range, rows)) => Some((*range.start(), *range.end(), rows.cast_signed())),
        None => match bounds(job, view, key)? {
            Bounds::OfTexts => return Ok(None),
            Bounds::Of(bounds) => bounds,
        },
    };
    let Some((least, most, rows)) = bounds.filter(|(least, most, _)| least <= most) else {
        return Ok(Some(HashSet::new()));
    };
    let Some(span) = most.checked_sub(least).and_then(|span| span.checked_add(1)) else {
        return Ok(None);
    };
    if span > BITS_MAX || span > rows.saturating_mul(BITS_PER_ROW_MAX) {
        return Ok(None);
    }
    let words = usize::try_from(span / 64 + 1).expect("the span is bounded");
    let mut seen = vec![0_u64; words];
    let mut repeated = HashSet::new();
    let sql = format!("SELECT {key} FROM {view} WHERE {key} IS NOT NULL");
    job.session.stream(STAGE, &sql, &crate::Silent, |batch| {
        for value in batch.column(0).as_primitive::<Int64Type>().values() {
            let at = value.wrapping_sub(least).unsigned_abs();
            let word = &mut seen[usize::try_from(at / 64).expect("keys lie in the span")];
            if *word >> (at % 64) & 1 == 1 {
                repeated.insert(value.cast_unsigned());
            }
            *word |= 1 << (at % 64);
        }
        Ok(())
    })?;
    Ok(Some(repeated))
}

/// Hashes that occur more than once, found by sorting. Two keys may share a hash: callers compare the keys themselves.
fn repeated_hashes(job: &IntakeJob<'_>, view: &str, key: &str) -> Result<HashSet<u64>> {
    let sql = format!("SELECT {key} AS key FROM {view}");
    let parts = job.session.fold(STAGE, &sql, |runs: &mut Runs, batch| {
        for_each_hash(batch.column(0), |_, hash| runs.add(hash));
    })?;
    Ok(Runs::repeated(parts))
}

/// Run-length encoded hashes: a hash that is the successor of the one before extends its run, so that serial ids take
/// next to no memory.
#[derive(Default)]
pub(crate) struct Runs {
    open: Option<(u64, u64)>,
    single: Vec<u64>,
    /// First and last hash of each run of at least two.
    longer: Vec<(u64, u64)>,
}

impl Runs {
    pub(crate) fn add(&mut self, hash: u64) {
        match &mut self.open {
            Some((_, last)) if last.checked_add(1) == Some(hash) => *last = hash,
            open => {
                if let Some(run) = open.replace((hash, hash)) {
                    self.close(run);
                }
            }
        }
    }

    fn close(&mut self, run: (u64, u64)) {
        if run.0 == run.1 { self.single.push(run.0) } else { self.longer.push(run) }
    }

    /// The hashes that occur more than once in all parts together: a merge of the sorted runs and single hashes.
    pub(crate) fn repeated(mut parts: Vec<Self>) -> HashSet<u64> {
        for part in &mut parts {
            if let Some(run) = part.open.take() {
                part.close(run);
            }
        }
        let mut longer: Vec<(u64, u64)> =
            parts.iter_mut().flat_map(|part| std::mem::take(&mut part.longer)).collect();
        let mut single = parts
            .iter_mut()
            .map(|part| std::mem::take(&mut part.single))
            .collect::<Vec<_>>()
            .concat();
        drop(parts);
        longer.sort_unstable();
        // The stable sort is a merge sort: quick on the ascending stretches that files mostly have.
        single.sort();
        let mut repeated: HashSet<u64> =
            single.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        let mut covered: Option<u64> = None;
        let mut singles = single.into_iter().peekable();
        for (first, last) in longer {
            if let Some(covered) = covered.filter(|covered| *covered >= first) {
                repeated.extend(first..=last.min(covered));
            }
            covered = covered.max(Some(last));
            while singles.next_if(|hash| *hash < first).is_some() {}
            while let Some(hash) = singles.next_if(|hash| *hash <= last) {
                repeated.insert(hash);
            }
        }
        repeated
    }
}

/// Row numbers of all rows but the first of each repeated key, ascending.
pub(crate) fn all_but_first(
    job: &IntakeJob<'_>,
    view: &str,
    key: &str,
    repeated: &HashedSet,
) -> Result<Vec<u64>> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut rows = Vec::new();
    let mut first = 0;
    let sql = format!("SELECT {key} AS key FROM {view}");
    job.session.stream_in_order(STAGE, &sql, |batch| {
        let keys = batch.column(0);
        for_each_hash(keys, |row, hash| {
            if repeated.has(hash) {
                let key = texts(&keys.slice(row, 1));
                if !seen.insert(key.value(0).to_owned()) {
                    rows.push(first + row as u64);
                }
            }
        });
        first += batch.num_rows() as u64;
        Ok(())
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::Runs;

    #[test]
    fn runs_tell_what_stands_in_them_more_than_once() {
        let parts: [&[u64]; 3] =
            [&[1, 2, 3, 9, 20, 21, 22], &[3, 5, 9, u64::MAX], &[21, 2, 40, u64::MAX, 0]];
        let parts = parts.map(|hashes| {
            let mut runs = Runs::default();
            hashes.iter().for_each(|hash| runs.add(*hash));
            runs
        });
        let mut repeated: Vec<u64> = Runs::repeated(parts.into()).into_iter().collect();
        repeated.sort_unstable();
        assert_eq!(repeated, [2, 3, 9, 21, u64::MAX]);
        let mut twice = [Runs::default(), Runs::default()];
        twice.iter_mut().for_each(|runs| (10..100).for_each(|hash| runs.add(hash)));
        assert_eq!(Runs::repeated(twice.into()).len(), 90);
    }
}
