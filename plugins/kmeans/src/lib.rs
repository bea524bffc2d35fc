//! Clusters of standardised features, fitted on a bounded sample and frozen for a cycle (domain SG-9).
//!
//! A fit uses the members of whom every feature is known; members with gaps are assigned by what is
//! known of them, if that is at least half.

pub mod kernel;
mod starts;

use kernel::{Clusters, FEATURES_MAX, Fit as Fitted, Starts, fit};
use playbook_sdk::codec::{decode, encode};
use playbook_sdk::prelude::*;

settings! {
    /// What members are compared by and how finely.
    pub struct Settings {
        /// Numeric features, 1 to 32, each once.
        pub features: Vec<String> where length(1..=FEATURES_MAX), each(length(1..)), distinct
            = ["interactions_30d", "active_days_30d", "orders_365d", "spend_365d_minor"],
        /// Number of clusters.
        pub clusters: u32 where within(2..=16) = 4,
        /// Starts of a fit, the first by distance and the others drawn with the playbook's seed; the best end is kept.
        pub starts: u32 where within(1..=64) = 8,
        /// Most members that a fit looks at; of a larger population the same ones on every machine.
        pub sample_max: u32 where within(100..=1_000_000) = 65536,
        /// Fewest members of whom every feature is known.
        pub members_min: u32 where within(2..=1_000_000) = 100,
    }
}

declare! {
    /// What comes before the features of a member.
    needs Member {
        KEY: key(),
    }
    /// What is said of a member.
    outputs Said(settings: &Settings) {
        DISTANCE: real("distance").at_least(0.0).meaning(words(
            "Distance to the centre of the cluster in standard deviations",
            "與群中心的標準化距離",
        )),
        MARK: category("mark", marks(settings)).meaning(words(
            "What sets the cluster apart most: its largest centroid coordinate",
            "該群最突出的特徵",
        )),
        SECOND_MARK: category("second_mark", marks(settings))
            .meaning(words("What sets the cluster apart next", "該群次突出的特徵")),
    }
    reasons Why {
        TOO_LITTLE_KNOWN: "too-little-known" =>
            words("less than half of the features are known", "可用特徵不足一半"),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct KMeans {
    clusters: Clusters,
    /// Positions in the list of marks, of the largest and second coordinate of each cluster.
    marks: Vec<[Option<usize>; 2]>,
}

impl Plugin for KMeans {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "kmeans",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Clusters of members by standardised features", "K-means 聚類分群"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        if settings.members_min > settings.sample_max {
            return Err(Problems::one("/members_min", "must be at most `sample_max`"));
        }
        let shape = Shape::rows("member")
            .needs(Member::all())
            .needs(settings.features.iter().map(|name| need::real(name).optional()))
            .produces(Said::all(settings))
            .reasons(Why::all())
            .fit_passes(1);
        Ok((1..=settings.clusters).fold(shape, |shape, nth| {
            shape
                .segment(format!("cluster-{nth}"), (format!("Cluster {nth}"), format!("第{nth}群")))
        }))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let model = opening.model.ok_or_else(|| Problems::one("", "opens with a model only"))?;
        let (means, (deviations, centroids)): (Vec<f64>, (Vec<f64>, Vec<f64>)) = decode(model)
            .map_err(|text| Problems::one("", format!("the model is not readable: {text}")))?;
        let width = settings.features.len();
        let fits = means.len() == width
            && deviations.len() == width
            && centroids.len() == width * settings.clusters as usize;
        if !fits {
            return Err(Problems::one("", "the model was fitted under other settings"));
        }
        let clusters = Clusters { means, deviations, centroids };
        let marks =
            (0..settings.clusters as usize).map(|cluster| top_marks(&clusters, cluster)).collect();
        Ok(Self { clusters, marks })
    }
}

/// Two marks a feature, "high-x" and "low-x", with `_` as `-`.
fn marks(settings: &Settings) -> Vec<String> {
    let both = |name: &String| {
        let name = name.replace(['_', '.'], "-");
        [format!("high-{name}"), format!("low-{name}")]
    };
    settings.features.iter().flat_map(both).collect()
}

fn top_marks(clusters: &Clusters, cluster: usize) -> [Option<usize>; 2] {
    // A coordinate of 0 is the mean of everybody: nothing that sets a cluster apart.
    let mark = |(feature, coordinate): (usize, f64)| {
        (coordinate != 0.0).then_some(2 * feature + usize::from(coordinate < 0.0))
    };
    clusters.marks(cluster).map(|largest| largest.and_then(mark))
}

/// The columns of the features, after those that every member has.
fn features<'a>(rows: &Rows<'a>, width: usize) -> Vec<Column<'a, f64>> {
    (Member::COUNT..Member::COUNT + width).map(|at| rows.get(In::<Real>::at(at))).collect()
}

impl Segmentation for KMeans {
    fn assign(&self, _: &Context, rows: &Rows<'_>, out: &mut Segments<'_>) -> Result<(), String> {
        let columns = features(rows, self.clusters.width());
        let mut values = vec![None; columns.len()];
        for row in 0..rows.len() {
            for (value, column) in values.iter_mut().zip(&columns) {
                *value = column.get(row);
            }
            let Some(nearest) = self.clusters.nearest(&values) else {
                out.reason(row, Why::TOO_LITTLE_KNOWN);
                continue;
            };
            out.segment(row, nearest.cluster as u32);
            out.set(Said::DISTANCE, row, nearest.distance);
            let [mark, second] = self.marks[nearest.cluster];
            out.set_or_missing(Said::MARK, row, mark);
            out.set_or_missing(Said::SECOND_MARK, row, second);
        }
        Ok(())
    }
}

impl Fit for KMeans {
    type State = Sample;

    fn begin(pass: &Pass<'_, Settings>) -> Result<Sample, Problems> {
        let Settings { features, sample_max, .. } = pass.settings;
        Ok(Sample::new(features.len(), *sample_max as usize, pass.context.seed))
    }

    fn observe(
        pass: &Pass<'_, Settings>,
        state: &mut Sample,
        rows: &Rows<'_>,
    ) -> Result<(), String> {
        let keys = rows.get(Member::KEY);
        let columns = features(rows, pass.settings.features.len());
        let mut values = vec![0.0; columns.len()];
        for row in 0..rows.len() {
            let mut known = true;
            for (value, column) in values.iter_mut().zip(&columns) {
                match column.get(row) {
                    Some(v) => *value = v,
                    None => known = false,
                }
            }
            if let (true, Some(key)) = (known, keys.get(row)) {
                state.observe(key, &values);
            }
        }
        Ok(())
    }

    fn merge(_: &Pass<'_, Settings>, left: Sample, right: Sample) -> Result<Sample, String> {
        left.merge(right)
    }

    fn finish(pass: &Pass<'_, Settings>, state: Sample) -> Result<Outcome, String> {
        let Settings { features, clusters, starts, members_min, .. } = pass.settings;
        let seen = state.seen();
        if seen < u64::from(*members_min) {
            let text =
                format!("every feature is known of {seen} members only, {members_min} are needed");
            return Ok(Outcome::Refused(text));
        }
        let rows: Vec<f64> = state.into_rows().into_iter().flat_map(|(_, row)| row).collect();
        let starts = Starts { count: *starts, seed: pass.context.seed };
        let Some(fitted) = fit(&rows, features.len(), *clusters as usize, starts) else {
            return Ok(Outcome::Refused(format!("fewer than {clusters} members differ")));
        };
        if !fitted.clusters.is_finite() {
            return Ok(Outcome::Refused("features are too large to be compared".to_owned()));
        }
        let measures = measures(pass.settings, &fitted, seen);
        let Clusters { means, deviations, centroids } = fitted.clusters;
        Ok(Outcome::Model { model: encode(&(means, (deviations, centroids))), measures })
    }
}

fn measures(settings: &Settings, fitted: &Fitted, seen: u64) -> Vec<Measure> {
    let measure = |name: String, value: f64| Measure { name, value };
    let mut measures = vec![
        measure("members".to_owned(), seen as f64),
        measure("rounds".to_owned(), f64::from(fitted.rounds)),
        measure("explained".to_owned(), fitted.explained),
    ];
    let width = settings.features.len();
    for (cluster, (size, centroid)) in
        (1..).zip(fitted.sizes.iter().zip(fitted.clusters.centroids.chunks_exact(width)))
    {
        measures.push(measure(format!("cluster-{cluster}.members"), f64::from(*size)));
        for (name, coordinate) in settings.features.iter().zip(centroid) {
            measures.push(measure(format!("cluster-{cluster}.{name}"), *coordinate));
        }
    }
    measures
}

export!(KMeans: fitted segmentation);
