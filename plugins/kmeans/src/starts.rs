//! Rows from which Lloyd's algorithm begins: the farthest ones, or drawn by k-means++.

use playbook_sdk::mix;

/// Picks rows one after the other by their squared distances to those picked so far (infinite before the first);
/// none when the rows run out of distinct places.
pub(crate) fn start(
    scaled: &[f64],
    width: usize,
    count: usize,
    mut pick: impl FnMut(&[f64]) -> Option<usize>,
) -> Option<Vec<f64>> {
    let mut centroids = Vec::with_capacity(count * width);
    let mut gaps = vec![f64::INFINITY; scaled.len() / width];
    for _ in 0..count {
        let picked = &scaled[pick(&gaps)? * width..][..width];
        centroids.extend_from_slice(picked);
        for (row, gap) in scaled.chunks_exact(width).zip(&mut gaps) {
            *gap = square(row, picked).min(*gap);
        }
    }
    Some(centroids)
}

/// The row farthest from all picked, the lowest of equals: the first row before any is.
pub(crate) fn farthest(gaps: &[f64]) -> Option<usize> {
    let (mut farthest, mut gap_max) = (None, 0.0);
    for (row, gap) in gaps.iter().enumerate() {
        if *gap > gap_max {
            (farthest, gap_max) = (Some(row), *gap);
        }
    }
    farthest
}

/// Numbers of one start, the same on every machine.
#[derive(Debug)]
pub(crate) struct Draws {
    seed: u64,
    drawn: u64,
}

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// k-means++: a row by chance, those far from all picked more likely by the square of the distance.
    pub(crate) fn spread(&mut self, gaps: &[f64]) -> Option<usize> {
        self.drawn += 1;
        // The upper 53 bits as a fraction below 1.
        let fraction = (mix(self.drawn, self.seed) >> 11) as f64 / (1_u64 << 53) as f64;
        if self.drawn == 1 {
            return Some((fraction * gaps.len() as f64) as usize);
        }
        let mut left = fraction * gaps.iter().sum::<f64>();
        let mut last = None;
        for (row, gap) in gaps.iter().enumerate().filter(|(_, gap)| **gap > 0.0) {
            last = Some(row);
            left -= gap;
            if left < 0.0 {
                break;
            }
        }
        last
    }
}

/// Squared distance.
pub(crate) fn square(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(l, r)| (l - r) * (l - r)).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn draws_never_take_a_place_twice() {
        for seed in 0..200 {
            let mut draws = Draws::new(seed);
            let mut picked = start(&[5.0, 5.0, 1.0, 5.0, 9.0], 1, 3, |g| draws.spread(g)).unwrap();
            picked.sort_by(f64::total_cmp);
            assert_eq!(picked, [1.0, 5.0, 9.0], "{seed}");
        }
        let mut draws = Draws::new(1);
        assert!(start(&[5.0, 5.0], 1, 2, |gaps| draws.spread(gaps)).is_none());
    }

    #[test]
    fn farthest_first_takes_the_lower_row_of_equals() {
        // Rows 1 and 2 lie equally far from row 0.
        let scaled = [0.0, 1.0, -1.0];
        assert_eq!(start(&scaled, 1, 2, farthest).unwrap(), [0.0, 1.0]);
    }
}
