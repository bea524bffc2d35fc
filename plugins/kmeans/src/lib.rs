//! Clusters of standardised features, fitted on a bounded sample and frozen for a cycle (domain SG-9).
//!
//! A fit uses the members of whom every feature is known; members with gaps are assigned by what is
//! known of them, if that is at least half.

pub mod kernel;

use kernel::{Clusters, FEATURES_MAX, Fit as Fitted, fit};
use playbook_sdk::codec::{decode, encode};
use playbook_sdk::prelude::*;

settings! {
    /// What members are compared by and how finely.
    pub struct Settings {
        /// Numeric features, 1 to 32, each once.
        pub features: Vec<String> = ["interactions_30d", "active_days_30d", "orders_365d", "spend_365d_minor"]
            .map(str::to_owned).to_vec(),
        /// Number of clusters.
        #[schemars(range(min = 2, max = 16))]
        pub clusters: u32 = 4,
        /// Most members that a fit looks at; of a larger population the same ones on every machine.
        #[schemars(range(min = 100, max = 1_000_000))]
        pub sample_max: u32 = 65_536,
        /// Fewest members of whom every feature is known.
        #[schemars(range(min = 2, max = 1_000_000))]
        pub members_min: u32 = 100,
    }
}

/// Position of the key among the needs; features follow.
const KEY: usize = 0;
const FIRST_FEATURE: usize = 1;

/// Positions of the outputs.
const DISTANCE: usize = 0;
const MARK: usize = 1;
const SECOND_MARK: usize = 2;

/// Positions of the reasons.
const TOO_LITTLE_KNOWN: u32 = 0;

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
        check(settings)?;
        let shape = Shape::rows("member")
            .need(need::key())
            .needs(settings.features.iter().map(|name| need::real(name).optional()))
            .produce(output::real("distance").at_least(0.0).meaning(words(
                "Distance to the centre of the cluster in standard deviations",
                "與群中心的標準化距離",
            )))
            .produce(output::category("mark", marks(settings)).meaning(words(
                "What sets the cluster apart most: its largest centroid coordinate",
                "該群最突出的特徵",
            )))
            .produce(
                output::category("second_mark", marks(settings))
                    .meaning(words("What sets the cluster apart next", "該群次突出的特徵")),
            )
            .reason(
                "too-little-known",
                words("less than half of the features are known", "可用特徵不足一半"),
            )
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
    let marks = clusters.marks(cluster);
    let mark = |nth: usize| {
        let (feature, coordinate) = *marks.get(nth)?;
        // A coordinate of 0 is the mean of everybody: nothing that sets a cluster apart.
        (coordinate != 0.0).then_some(2 * feature + usize::from(coordinate < 0.0))
    };
    [mark(0), mark(1)]
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    let count = settings.features.len();
    problems.check(
        (1..=FEATURES_MAX).contains(&count),
        "/features",
        format!("must name 1 to {FEATURES_MAX} features"),
    );
    for (i, name) in settings.features.iter().enumerate() {
        let twice = settings.features[..i].contains(name);
        problems.check(
            !name.is_empty() && !twice,
            format!("/features/{i}"),
            "must be a name of its own",
        );
    }
    problems.check((2..=16).contains(&settings.clusters), "/clusters", "must lie between 2 and 16");
    problems.check(
        (100..=1_000_000).contains(&settings.sample_max),
        "/sample_max",
        "must lie between 100 and 1000000",
    );
    problems.check(
        (2..=settings.sample_max).contains(&settings.members_min),
        "/members_min",
        "must lie between 2 and `sample_max`",
    );
    problems.into_result()
}

impl Segmentation for KMeans {
    fn assign(&self, _: &Context, rows: &Rows<'_>, out: &mut Segments<'_>) -> Result<(), String> {
        let columns: Vec<Column<'_, f64>> =
            (0..self.clusters.width()).map(|at| rows.real(FIRST_FEATURE + at)).collect();
        let mut values = vec![None; columns.len()];
        for row in 0..rows.len() {
            for (value, column) in values.iter_mut().zip(&columns) {
                *value = column.get(row);
            }
            let Some(nearest) = self.clusters.nearest(&values) else {
                out.reason(row, TOO_LITTLE_KNOWN);
                continue;
            };
            out.segment(row, nearest.cluster as u32);
            out.real(DISTANCE, row, nearest.distance);
            let [mark, second] = self.marks[nearest.cluster];
            for (output, mark) in [(MARK, mark), (SECOND_MARK, second)] {
                if let Some(mark) = mark {
                    out.category(output, row, mark);
                }
            }
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
        let keys = rows.integer(KEY);
        let columns: Vec<Column<'_, f64>> =
            (0..pass.settings.features.len()).map(|at| rows.real(FIRST_FEATURE + at)).collect();
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
        let Settings { features, clusters, members_min, .. } = pass.settings;
        let seen = state.seen();
        if seen < u64::from(*members_min) {
            let text =
                format!("every feature is known of {seen} members only, {members_min} are needed");
            return Ok(Outcome::Refused(text));
        }
        let rows: Vec<f64> = state.into_rows().into_iter().flat_map(|(_, row)| row).collect();
        let Some(fitted) = fit(&rows, features.len(), *clusters as usize) else {
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
