//! How a fit runs: rows in buckets by key, a part of each bucket, parts merged in bucket order, pass by pass.
//!
//! Buckets depend on keys alone and each is seen in key order, so that the model is the same to the last byte on any
//! machine, with any number of threads, natively and in the sandbox.

use crate::{FitStep, Fitted};

/// Buckets of a fit in the host, whatever the population and the machine.
pub const BUCKETS: usize = 16;
/// Rows of one `observe` at most.
pub const OBSERVED_ROWS: usize = 4_096;

/// Cuts rows by their keys: positions of the rows by bucket, each bucket in key order, equal keys in row order.
///
/// Of more than `rows_max` rows those of the lowest keys stay: keys are keyed hashes, so that these are a sample, the
/// same in every fit.
///
/// # Panics
/// Where `buckets` is 0.
#[must_use]
pub fn cut(keys: &[i64], buckets: usize, rows_max: u64) -> Vec<Vec<u32>> {
    let mut order: Vec<(i64, u32)> = keys.iter().copied().zip(0_u32..).collect();
    let rows_max = usize::try_from(rows_max).unwrap_or(usize::MAX);
    if rows_max < order.len() {
        order.select_nth_unstable(rows_max);
        order.truncate(rows_max);
    }
    order.sort_unstable();
    let mut cut = vec![Vec::with_capacity(order.len() / buckets + 1); buckets];
    let count = i64::try_from(buckets).expect("buckets are few");
    for (key, row) in order {
        let bucket = usize::try_from(key.rem_euclid(count)).expect("a remainder is not negative");
        cut[bucket].push(row);
    }
    cut
}

/// Why a fit that broke no rule of the contract came to no model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoModel {
    /// The plugin says that the data cannot support a fit.
    Refused(String),
    /// The plugin asks for more passes than its shape allows.
    TooManyPasses {
        /// What the shape allows.
        passes_max: u32,
    },
}

impl std::fmt::Display for NoModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(text) => f.write_str(text),
            Self::TooManyPasses { passes_max } => {
                write!(
                    f,
                    "the fit asks for more than the {passes_max} passes that its shape allows"
                )
            }
        }
    }
}

/// A plugin that fits, in the sandbox or as native code.
pub trait Fitter {
    /// An instance that has begun a pass.
    type Instance;
    /// Why a fit stops without a model.
    type Stop: From<NoModel>;

    /// Begins a pass on an instance of its own.
    ///
    /// # Errors
    /// What stops the fit, as for all calls here.
    fn begin(&self, pass: u32, carried: &[u8]) -> Result<Self::Instance, Self::Stop>;

    /// Shows the instance all rows of a bucket, in key order, at most [`OBSERVED_ROWS`] at a time.
    ///
    /// # Errors
    /// What stops the fit.
    fn observe(&self, instance: &mut Self::Instance, bucket: usize) -> Result<(), Self::Stop>;

    /// State of all rows that the instance has seen; its last call.
    ///
    /// # Errors
    /// What stops the fit.
    fn part(&self, instance: Self::Instance) -> Result<Vec<u8>, Self::Stop>;

    /// Joins two states, left before right.
    ///
    /// # Errors
    /// What stops the fit.
    fn merge(
        &self,
        instance: &mut Self::Instance,
        left: &[u8],
        right: &[u8],
    ) -> Result<Vec<u8>, Self::Stop>;

    /// Ends the pass; the instance's last call.
    ///
    /// # Errors
    /// What stops the fit.
    fn finish(&self, instance: Self::Instance, state: &[u8]) -> Result<FitStep, Self::Stop>;

    /// Part of one bucket.
    ///
    /// # Errors
    /// What stops the fit.
    fn part_of(&self, pass: u32, carried: &[u8], bucket: usize) -> Result<Vec<u8>, Self::Stop> {
        let mut instance = self.begin(pass, carried)?;
        self.observe(&mut instance, bucket)?;
        self.part(instance)
    }

    /// Parts of all buckets in their order; a host with threads makes them at the same time.
    ///
    /// # Errors
    /// What stops the fit.
    fn parts(&self, pass: u32, carried: &[u8], buckets: usize) -> Result<Vec<Vec<u8>>, Self::Stop> {
        (0..buckets).map(|bucket| self.part_of(pass, carried, bucket)).collect()
    }
}

/// Runs a fit over `buckets` buckets; returns the model and the number of passes that it took.
///
/// # Errors
/// What stops the fit; [`NoModel`] where the plugin refuses or never ends.
pub fn fit<F: Fitter>(
    fitter: &F,
    passes_max: u32,
    buckets: usize,
) -> Result<(Fitted, u32), F::Stop> {
    let mut carried = Vec::new();
    for pass in 0..passes_max {
        let mut parts = fitter.parts(pass, &carried, buckets)?.into_iter();
        let mut joining = fitter.begin(pass, &carried)?;
        let mut state = parts.next().unwrap_or_default();
        for part in parts {
            state = fitter.merge(&mut joining, &state, &part)?;
        }
        match fitter.finish(joining, &state)? {
            FitStep::Model(fitted) => return Ok((fitted, pass + 1)),
            FitStep::Again(bytes) => carried = bytes,
            FitStep::Refused(text) => return Err(NoModel::Refused(text).into()),
        }
    }
    Err(NoModel::TooManyPasses { passes_max }.into())
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Fitter, NoModel, cut, fit};
    use crate::{FitStep, Fitted};

    #[test]
    fn of_too_many_rows_those_of_the_lowest_keys_stay() {
        let keys: Vec<i64> = (0..1000).map(|i| (i * 7919) % 1000 - 500).collect();
        let rows = cut(&keys, BUCKETS, 100).concat();
        let mut seen: Vec<i64> = rows.iter().map(|row| keys[*row as usize]).collect();
        seen.sort_unstable();
        assert_eq!(seen, (-500..-400).collect::<Vec<_>>());
    }

    #[test]
    fn buckets_depend_on_keys_alone_and_are_in_key_order() {
        let keys: Vec<i64> = (0..1000).map(|i| (i * 7919) % 1000 - 500).collect();
        let buckets = cut(&keys, BUCKETS, 1000);
        assert_eq!(buckets.iter().map(Vec::len).sum::<usize>(), 1000);
        for (i, bucket) in (0_i64..).zip(&buckets) {
            let seen: Vec<i64> = bucket.iter().map(|r| keys[*r as usize]).collect();
            assert!(seen.is_sorted());
            assert!(seen.iter().all(|key| key.rem_euclid(16) == i));
        }
    }

    /// Joins texts: a state shows in which order its parts came.
    struct Joined {
        asks_again: u32,
    }

    impl Fitter for Joined {
        type Instance = (String, Vec<u8>);
        type Stop = String;

        fn begin(&self, pass: u32, carried: &[u8]) -> Result<Self::Instance, String> {
            Ok((format!("{pass}:"), carried.to_vec()))
        }
        fn observe(&self, instance: &mut Self::Instance, bucket: usize) -> Result<(), String> {
            instance.0.push_str(&bucket.to_string());
            Ok(())
        }
        fn part(&self, instance: Self::Instance) -> Result<Vec<u8>, String> {
            Ok(instance.0.into_bytes())
        }
        fn merge(
            &self,
            _: &mut Self::Instance,
            left: &[u8],
            right: &[u8],
        ) -> Result<Vec<u8>, String> {
            Ok([left, b"+", right].concat())
        }
        fn finish(&self, instance: Self::Instance, state: &[u8]) -> Result<FitStep, String> {
            let all = [&instance.1, state].concat();
            Ok(if instance.0.starts_with(&self.asks_again.to_string()) {
                FitStep::Model(Fitted { model: all, measures: Vec::new() })
            } else {
                FitStep::Again(all)
            })
        }
    }

    impl From<NoModel> for String {
        fn from(none: NoModel) -> Self {
            none.to_string()
        }
    }

    #[test]
    fn parts_are_merged_in_bucket_order_and_passes_carry_on() {
        let (fitted, passes) = fit(&Joined { asks_again: 1 }, 2, 3).expect("a model");
        assert_eq!(String::from_utf8_lossy(&fitted.model), "0:0+0:1+0:21:0+1:1+1:2");
        assert_eq!(passes, 2);
        let endless = fit(&Joined { asks_again: 9 }, 2, 3).expect_err("too many passes");
        assert!(endless.contains("more than the 2 passes"), "{endless}");
    }
}
