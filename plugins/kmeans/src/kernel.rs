//! Lloyd's algorithm on standardised rows from several starts, none of which leaves anything to chance.

use playbook_domain::is_enough;
use playbook_sdk::mix;

use crate::starts::{Draws, farthest, square, start};

/// Rounds after which the search ends, settled or not (domain SG-9).
pub const ROUNDS_MAX: u32 = 50;

/// Most features of a row.
pub const FEATURES_MAX: usize = 32;

/// What was learnt: how to standardise a row and where the clusters lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Clusters {
    /// Mean of each feature.
    pub means: Vec<f64>,
    /// Population standard deviation of each feature; 0 where it does not vary.
    pub deviations: Vec<f64>,
    /// Centroids in standard deviations from the mean, one row of features after the other.
    pub centroids: Vec<f64>,
}

/// How a fit went.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The clusters.
    pub clusters: Clusters,
    /// Rows of each cluster.
    pub sizes: Vec<u32>,
    /// Rounds until nothing moved, at most [`ROUNDS_MAX`].
    pub rounds: u32,
    /// Share of the spread that lies between clusters, 0..=1.
    pub explained: f64,
}

/// Nearest cluster of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Position of the cluster.
    pub cluster: usize,
    /// Distance in standard deviations, as if every feature were known.
    pub distance: f64,
}

/// Rows on which drawn starts are tried, so that a fit of many rows costs little more than two of one start.
pub const TRIED_MAX: usize = 4_096;

/// Where a fit begins.
#[derive(Debug, Clone, Copy)]
pub struct Starts {
    /// How many; of their ends the one with the least spread within clusters is kept.
    pub count: u32,
    /// What all but the first are drawn with.
    pub seed: u64,
}

/// Fits `count` clusters to rows of `width` features in key order.
///
/// Returns none when fewer than `count` rows differ. The first start is the first row, then the row
/// farthest from all starts so far; the others are drawn by k-means++ and tried on at most [`TRIED_MAX`]
/// of the rows, the best of them then on all. Ties go to the lower start, row and cluster. Clusters stand in the order of their first rows, whichever start they came from.
#[must_use]
pub fn fit(rows: &[f64], width: usize, count: usize, starts: Starts) -> Option<Fit> {
    let height = rows.len() / width.max(1);
    if height == 0 || count == 0 {
        return None;
    }
    let (means, deviations) = standard(rows, width);
    let scaled: Vec<f64> = rows
        .iter()
        .enumerate()
        .map(|(at, v)| scale(*v, means[at % width], deviations[at % width]))
        .collect();
    let mut best = settle(&scaled, width, start(&scaled, width, count, farthest)?);
    if let Some(drawn) = best_drawn(&scaled, width, count, starts)
        && drawn.within < best.within
    {
        best = drawn;
    }
    let (sizes, centroids) = in_order(&best, width, count);
    let whole: f64 = scaled.iter().map(|v| v * v).sum();
    let explained = if whole > 0.0 { (1.0 - best.within / whole).clamp(0.0, 1.0) } else { 0.0 };
    let clusters = Clusters { means, deviations, centroids };
    Some(Fit { clusters, sizes, rounds: best.rounds, explained })
}

/// The best end of the drawn starts, tried on a part of the rows where there are many; none where none was drawn.
fn best_drawn(scaled: &[f64], width: usize, count: usize, starts: Starts) -> Option<End> {
    // Keys say nothing of their members, so that every n-th row in their order is a fair part.
    let step = (scaled.len() / width).div_ceil(TRIED_MAX);
    let part: Vec<f64> = scaled.chunks_exact(width).step_by(step).flatten().copied().collect();
    let mut best: Option<End> = None;
    for nth in 1..starts.count {
        let mut draws = Draws::new(mix(u64::from(nth), starts.seed));
        // The part may have too few distinct places, or rounding may hide one from the draws.
        let Some(centroids) = start(&part, width, count, |gaps| draws.spread(gaps)) else {
            continue;
        };
        let end = settle(&part, width, centroids);
        if best.as_ref().is_none_or(|best| end.within < best.within) {
            best = Some(end);
        }
    }
    if step == 1 { best } else { Some(settle(scaled, width, best?.centroids)) }
}

/// Where Lloyd's algorithm ended.
struct End {
    centroids: Vec<f64>,
    /// Cluster of each row.
    members: Vec<usize>,
    rounds: u32,
    /// Squared distances of all rows to their centroids.
    within: f64,
}

fn settle(scaled: &[f64], width: usize, mut centroids: Vec<f64>) -> End {
    let mut members = vec![usize::MAX; scaled.len() / width];
    let mut rounds = 0;
    while rounds < ROUNDS_MAX {
        rounds += 1;
        let mut moved = false;
        for (row, member) in scaled.chunks_exact(width).zip(&mut members) {
            let cluster = closest(row, &centroids, width);
            moved |= cluster != *member;
            *member = cluster;
        }
        if !moved {
            break;
        }
        centre(scaled, &members, width, &mut centroids);
    }
    let rows = scaled.chunks_exact(width).zip(&members);
    let within = rows.map(|(row, at)| square(row, &centroids[at * width..][..width])).sum();
    End { centroids, members, rounds, within }
}

/// Sizes and centroids in the order of the clusters' first rows, those without rows last: the number of a cluster
/// does not hang on the start that found it.
fn in_order(end: &End, width: usize, count: usize) -> (Vec<u32>, Vec<f64>) {
    let mut order: Vec<usize> = Vec::with_capacity(count);
    let mut sizes = vec![0_u32; count];
    for &member in &end.members {
        if sizes[member] == 0 {
            order.push(member);
        }
        sizes[member] += 1;
    }
    order.extend((0..count).filter(|at| sizes[*at] == 0));
    let centroids = order.iter().flat_map(|at| &end.centroids[at * width..][..width]).copied();
    (order.iter().map(|at| sizes[*at]).collect(), centroids.collect())
}

impl Clusters {
    /// Returns the number of features.
    #[must_use]
    pub fn width(&self) -> usize {
        self.means.len()
    }

    /// Returns whether every number is finite: sums of huge features are not.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        let mut numbers = self.means.iter().chain(&self.deviations).chain(&self.centroids);
        numbers.all(|number| number.is_finite())
    }

    /// Returns the nearest cluster of a row with gaps, or none where fewer than half of the features
    /// are known; the distance over known features is stretched to all of them (domain 0.1).
    #[must_use]
    pub fn nearest(&self, row: &[Option<f64>]) -> Option<Nearest> {
        let width = self.width();
        let known = row.iter().flatten().count();
        if !is_enough(known as f64, width as f64) {
            return None;
        }
        // Cut to the width once, so that no access below can lie outside.
        let (mut scaled, mut counts) = ([0.0; FEATURES_MAX], [0.0; FEATURES_MAX]);
        let (scaled, counts) = (&mut scaled[..width], &mut counts[..width]);
        for (feature, value) in row.iter().enumerate() {
            if let Some(value) = value {
                scaled[feature] = scale(*value, self.means[feature], self.deviations[feature]);
                counts[feature] = 1.0;
            }
        }
        let mut best: Option<(usize, f64)> = None;
        for (cluster, centroid) in self.centroids.chunks_exact(width).enumerate() {
            let gaps = scaled.iter().zip(centroid).zip(counts.iter());
            let sum = gaps.fold(0.0, |sum, ((value, centre), counts)| {
                let gap = (value - centre) * counts;
                sum + gap * gap
            });
            if best.is_none_or(|(_, least)| sum < least) {
                best = Some((cluster, sum));
            }
        }
        best.map(|(cluster, sum)| Nearest {
            cluster,
            distance: (sum * width as f64 / known as f64).sqrt(),
        })
    }

    /// Returns the two features of a cluster with the largest centroid coordinates, ties to the lower feature;
    /// each with its coordinate.
    #[must_use]
    pub fn marks(&self, cluster: usize) -> [Option<(usize, f64)>; 2] {
        let width = self.width();
        let coordinates = &self.centroids[cluster * width..][..width];
        let largest_but = |other: Option<usize>| {
            let mut largest: Option<(usize, f64)> = None;
            for (feature, &coordinate) in coordinates.iter().enumerate() {
                let larger = largest.is_none_or(|(_, most)| coordinate.abs() > most.abs());
                if larger && other != Some(feature) {
                    largest = Some((feature, coordinate));
                }
            }
            largest
        };
        let first = largest_but(None);
        [first, largest_but(first.map(|(feature, _)| feature))]
    }
}

fn scale(value: f64, mean: f64, deviation: f64) -> f64 {
    if deviation > 0.0 { (value - mean) / deviation } else { 0.0 }
}

/// Mean and population standard deviation per feature, in two passes.
fn standard(rows: &[f64], width: usize) -> (Vec<f64>, Vec<f64>) {
    let height = (rows.len() / width) as f64;
    let column = |feature: usize| rows.iter().skip(feature).step_by(width);
    let means: Vec<f64> = (0..width).map(|feature| column(feature).sum::<f64>() / height).collect();
    let deviations = (0..width)
        .map(|feature| {
            let spread: f64 =
                column(feature).map(|v| (v - means[feature]) * (v - means[feature])).sum();
            (spread / height).sqrt()
        })
        .collect();
    (means, deviations)
}

fn closest(row: &[f64], centroids: &[f64], width: usize) -> usize {
    let (mut best, mut gap_min) = (0, f64::INFINITY);
    for (cluster, centroid) in centroids.chunks_exact(width).enumerate() {
        let gap = square(row, centroid);
        if gap < gap_min {
            (best, gap_min) = (cluster, gap);
        }
    }
    best
}

/// Moves each centroid to the mean of its rows; one without rows stays.
fn centre(scaled: &[f64], members: &[usize], width: usize, centroids: &mut [f64]) {
    let count = centroids.len() / width;
    let mut sums = vec![0.0; centroids.len()];
    let mut sizes = vec![0.0; count];
    for (row, member) in scaled.chunks_exact(width).zip(members) {
        sizes[*member] += 1.0;
        for (sum, value) in sums[member * width..].iter_mut().zip(row) {
            *sum += value;
        }
    }
    for (at, centroid) in centroids.iter_mut().enumerate() {
        if sizes[at / width] > 0.0 {
            *centroid = sums[at] / sizes[at / width];
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Three clouds of five rows around (0, 0), (10, 0) and (0, 10).
    fn clouds() -> Vec<f64> {
        let mut rows = Vec::new();
        for step in 0..5 {
            let small = f64::from(step) * 0.1;
            for (x, y) in [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)] {
                rows.extend([x + small, y - small]);
            }
        }
        rows
    }

    const ONE: Starts = Starts { count: 1, seed: 1 };
    const EIGHT: Starts = Starts { count: 8, seed: 1 };

    /// Four clouds in a square, and two rows far from all of them and from each other.
    fn clouds_and_strays(of_each: u32) -> Vec<f64> {
        let mut rows = vec![0.0, 0.0];
        for step in 0..of_each {
            let small = f64::from(step % 10) * 0.05;
            for (x, y) in [(0.0, 0.0), (4.0, 0.0), (0.0, 4.0), (4.0, 4.0)] {
                rows.extend([x + small, y - small]);
            }
        }
        rows.extend([9.0, 9.0, -5.0, -5.0]);
        rows
    }

    #[test]
    fn the_best_of_several_starts_finds_clouds_that_one_start_joins() {
        let rows = clouds_and_strays(10);
        let one = fit(&rows, 2, 4, ONE).unwrap();
        let best = fit(&rows, 2, 4, EIGHT).unwrap();
        // Each stray takes a centroid of the farthest-first start and keeps it, so that clouds share one.
        assert!(one.sizes.contains(&1), "{one:?}");
        assert!(best.sizes.iter().all(|size| *size >= 10), "{best:?}");
        assert!(best.explained > one.explained + 0.03, "{} {}", best.explained, one.explained);
        // More starts are never worse, and the same ones give the same bits.
        let mut explained = one.explained;
        for count in 2..=8 {
            let more = fit(&rows, 2, 4, Starts { count, ..ONE }).unwrap().explained;
            assert!(more >= explained, "{count}");
            explained = more;
        }
        assert_eq!(fit(&rows, 2, 4, EIGHT).unwrap(), best);
    }

    #[test]
    fn starts_tried_on_a_part_of_many_rows_find_the_clouds_of_all() {
        let rows = clouds_and_strays(3_000);
        assert!(rows.len() / 2 > 2 * TRIED_MAX);
        let (one, best) = (fit(&rows, 2, 4, ONE).unwrap(), fit(&rows, 2, 4, EIGHT).unwrap());
        assert!(one.sizes.contains(&1), "{one:?}");
        assert!(best.sizes.iter().all(|size| *size >= 3_000), "{best:?}");
        assert_eq!(best.sizes.iter().sum::<u32>(), 12_003);
        assert!(best.explained > one.explained + 0.03, "{} {}", best.explained, one.explained);
    }

    #[test]
    fn clusters_stand_in_the_order_of_their_first_rows_whatever_the_start() {
        for seed in 0..20 {
            let rows = clouds();
            let found = fit(&rows, 2, 3, Starts { count: 3, seed }).unwrap();
            for (nth, row) in rows.chunks_exact(2).take(3).enumerate() {
                let nearest = found.clusters.nearest(&[Some(row[0]), Some(row[1])]).unwrap();
                assert_eq!(nearest.cluster, nth, "{seed}");
            }
        }
    }

    #[test]
    fn clouds_are_found_with_the_first_row_in_the_first_cluster() {
        let found = fit(&clouds(), 2, 3, EIGHT).unwrap();
        assert_eq!(found.sizes, [5, 5, 5]);
        assert!(found.rounds < 5 && found.explained > 0.99, "{found:?}");
        assert_eq!(found.clusters.nearest(&[Some(0.1), Some(0.0)]).unwrap().cluster, 0);
    }

    #[test]
    fn a_row_between_two_centroids_goes_to_the_lower() {
        assert_eq!(closest(&[0.0], &[1.0, -1.0], 1), 0);
        assert_eq!(closest(&[0.0], &[-1.0, 1.0], 1), 0);
    }

    #[test]
    fn too_few_distinct_rows_give_no_fit() {
        assert!(fit(&[1.0, 1.0, 1.0, 2.0], 1, 3, EIGHT).is_none());
        assert!(fit(&[], 1, 2, EIGHT).is_none());
        assert!(fit(&[1.0, 1.0, 2.0, 3.0], 1, 3, EIGHT).is_some());
    }

    #[test]
    fn a_feature_without_spread_moves_nothing() {
        let rows = [0.0, 7.0, 0.1, 7.0, 9.0, 7.0, 9.1, 7.0];
        let found = fit(&rows, 2, 2, EIGHT).unwrap();
        assert_eq!(found.clusters.deviations[1].to_bits(), 0.0_f64.to_bits());
        assert_eq!(found.sizes, [2, 2]);
        assert_eq!(found.clusters.marks(0)[0].unwrap().0, 0);
    }

    #[test]
    fn distance_over_half_of_the_features_is_stretched() {
        let clusters = Clusters {
            means: vec![0.0; 2],
            deviations: vec![1.0; 2],
            centroids: vec![0.0, 0.0, 4.0, 4.0],
        };
        let nearest = clusters.nearest(&[Some(3.0), None]).unwrap();
        assert_eq!(nearest.cluster, 1);
        assert!((nearest.distance - 2.0_f64.sqrt()).abs() < 1e-12);
        assert!(clusters.nearest(&[None, None]).is_none());
    }
}
