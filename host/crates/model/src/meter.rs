//! What many threads count together, for whoever watches the host: distributions with fixed bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use playbook_contract::Kind;

/// Microseconds of calls into plugins, of commits and of requests.
pub const MICROS_BOUNDS: &[u64] = &[
    1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000,
    250_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
];

/// Fuel of calls into plugins.
pub const FUEL_BOUNDS: &[u64] = &[
    1_000,
    3_000,
    10_000,
    30_000,
    100_000,
    300_000,
    1_000_000,
    3_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// A histogram that any number of threads add to.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what lies beyond.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    /// An empty one; each bound belongs to what lies below it, and bounds ascend.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a value.
    pub fn note(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        self.counts[at].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn read(&self) -> Distribution {
        Distribution {
            bounds: self.bounds,
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

/// A histogram at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// Upper bounds, ascending.
    pub bounds: &'static [u64],
    /// Values up to each bound and above the one before; the last one counts what lies beyond all.
    pub counts: Vec<u64>,
    /// Sum of all values.
    pub sum: u64,
}

impl Distribution {
    /// Number of all values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The value that a share of all values do not exceed, where they lie evenly between bounds; 0 where there is none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts and bounds are far below 2^53")]
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = share * self.count() as f64;
        let mut below = 0.0;
        for (at, count) in self.counts.iter().enumerate() {
            let count = *count as f64;
            if count > 0.0 && below + count >= wanted {
                let from = at.checked_sub(1).map_or(0.0, |at| self.bounds[at] as f64);
                // Of what lies beyond all bounds no more is known than that.
                let to = self.bounds.get(at).map_or(from, |bound| *bound as f64);
                return from + (to - from) * ((wanted - below) / count).clamp(0.0, 1.0);
            }
            below += count;
        }
        0.0
    }

    /// Mean of all values; 0 where there is none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts and sums are far below 2^53")]
    pub fn mean(&self) -> f64 {
        let count = self.count();
        if count == 0 { 0.0 } else { self.sum as f64 / count as f64 }
    }

    /// Adds what another one with the same bounds counted.
    pub fn add(&mut self, other: &Self) {
        debug_assert_eq!(self.bounds, other.bounds, "they count alike");
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.sum += other.sum;
    }
}

/// What calls of plugins take, over everything that one host runs, by kind.
#[derive(Debug)]
pub struct CallMeters([Arc<CallMeter>; Kind::ALL.len()]);

/// What calls of one kind of plugins take.
#[derive(Debug)]
pub struct CallMeter {
    /// Microseconds of each call.
    pub micros: Histogram,
    /// Fuel of each call; 0 where calls are not metered by it.
    pub fuel: Histogram,
    faults: AtomicU64,
}

impl Default for CallMeters {
    fn default() -> Self {
        Self(Kind::ALL.map(|_| Arc::default()))
    }
}

impl Default for CallMeter {
    fn default() -> Self {
        let (micros, fuel) = (Histogram::new(MICROS_BOUNDS), Histogram::new(FUEL_BOUNDS));
        Self { micros, fuel, faults: AtomicU64::new(0) }
    }
}

impl CallMeters {
    /// That of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &Arc<CallMeter> {
        let at = Kind::ALL.iter().position(|known| *known == kind);
        &self.0[at.expect("`ALL` has every kind")]
    }
}

impl CallMeter {
    /// Counts a fault.
    pub fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// Calls that ended with a guest's fault, or did not begin because of one.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn a_value_counts_up_to_its_bound_and_none_is_lost() {
        let histogram = Histogram::new(&[1, 10]);
        for value in [0, 1, 2, 10, 11, 500] {
            histogram.note(value);
        }
        let mut read = histogram.read();
        assert_eq!(
            (read.counts.as_slice(), read.sum, read.count()),
            ([2, 2, 2].as_slice(), 524, 6)
        );
        read.add(&histogram.read());
        assert_eq!((read.counts.as_slice(), read.sum), ([4, 4, 4].as_slice(), 1_048));
    }
    #[test]
    fn a_quantile_lies_between_the_bounds_of_its_value() {
        let histogram = Histogram::new(&[10, 20, 40]);
        assert_eq!((histogram.read().quantile(0.99), histogram.read().mean()), (0.0, 0.0));
        (0..99).for_each(|_| histogram.note(15));
        histogram.note(35);
        let read = histogram.read();
        let quantiles = [0.0, 0.495, 0.99, 1.0].map(|share| read.quantile(share));
        assert_eq!(quantiles, [10.0, 15.0, 20.0, 40.0]);
        assert!((read.mean() - 15.2).abs() < 1e-9);
        (0..1_000).for_each(|_| histogram.note(1_000));
        assert!((histogram.read().quantile(0.99) - 40.0).abs() < 1e-9, "beyond all bounds");
    }
}
