//! Made-up segments and scores.

use playbook_model::{Minor, Words};
use playbook_report::{
    Distribution, FlowEnd, FlowMatrix, Outside, ScoreRow, Section, SegmentRow, Segmentation,
};

use crate::words::{SEGMENTS, segment, w};

fn bell(bins: u32, center: f64, width: f64, members: f64) -> Vec<u64> {
    (0..bins)
        .map(|i| {
            let x = (f64::from(i) + 0.5) / f64::from(bins);
            let y = (-(x - center).powi(2) / (2.0 * width * width)).exp();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "made-up counts"
            )]
            let n = (y * members) as u64;
            n
        })
        .collect()
}

fn edges(bins: u32, low: f64, high: f64) -> Vec<f64> {
    (0..=bins).map(|i| low + (high - low) * f64::from(i) / f64::from(bins)).collect()
}

fn score(
    plugin: &str,
    output: &str,
    meaning: Words,
    unit: &str,
    distribution: Distribution,
    q: [f64; 3],
) -> ScoreRow {
    ScoreRow {
        plugin: plugin.to_owned(),
        leads: true,
        output: output.to_owned(),
        meaning,
        unit: unit.to_owned(),
        distribution,
        missing: 1_204,
        mean: (q[2] > 0.0).then_some((q[0] + q[1] + q[2]) / 3.0),
        quantiles: (q[2] > 0.0).then_some(q),
    }
}

pub(super) fn segmentation() -> Section<Vec<Segmentation>> {
    Section::Filled(vec![Segmentation {
        stage: "tier-interactions".to_owned(),
        plugin: "tier-interactions 0.1.0".to_owned(),
        segments: SEGMENTS
            .iter()
            .map(|(name, en, zh, members, before, grants, revenue)| SegmentRow {
                name: (*name).to_owned(),
                words: w(en, zh),
                members: *members,
                members_before: Some(*before),
                revenue: Some(Minor(*revenue)),
                grants: *grants,
            })
            .collect(),
        unassigned: 0,
        unassigned_grants: 0,
        effects: Vec::new(),
        flows: Section::Filled(FlowMatrix {
            from: (0..4).map(segment).chain([FlowEnd::Joined]).collect(),
            to: (0..4).map(segment).chain([FlowEnd::Left]).collect(),
            members: vec![
                vec![47_120, 6_010, 540, 30, 320],
                vec![4_210, 23_504, 2_230, 61, 110],
                vec![310, 1_740, 9_320, 590, 20],
                vec![18, 70, 340, 2_771, 2],
                vec![460, 450, 210, 16, 0],
            ],
        }),
    }])
}

pub(super) fn scores() -> Section<Vec<ScoreRow>> {
    Section::Filled(vec![
        score(
            "value-rfm",
            "value",
            w("Value of a member by recency, frequency and spend", "按近度、頻度、金額的成員價值"),
            "",
            Distribution::Bins {
                edges: edges(20, 0.0, 5.0),
                counts: bell(20, 0.42, 0.18, 12_000.0),
                outside: Outside::default(),
            },
            [0.9, 2.1, 3.8],
        ),
        score(
            "churn-7d",
            "risk",
            w("Risk of leaving within seven days", "七日流失風險"),
            "ratio",
            Distribution::Bins {
                edges: edges(20, 0.0, 1.0),
                counts: bell(20, 0.05, 0.2, 22_000.0),
                outside: Outside::default(),
            },
            [0.02, 0.16, 0.52],
        ),
        score(
            "ltv-bgnbd",
            "ltv",
            w("Expected margin of a member over its life", "成員生命週期預期毛利"),
            "minor",
            Distribution::Bins {
                edges: edges(24, 0.0, 240_000.0),
                counts: bell(24, 0.0, 0.13, 31_000.0),
                outside: Outside::default(),
            },
            [1_200.0, 18_450.0, 74_300.0],
        ),
        score(
            "kmeans",
            "cluster",
            w("Cluster of like members", "相似成員聚類"),
            "",
            Distribution::Categories(vec![
                (w("bargain hunters", "逐價客"), 41_220),
                (w("regulars", "常客"), 30_114),
                (w("readers", "讀者"), 21_050),
                (w("champions", "擁躉"), 6_412),
            ]),
            [0.0, 0.0, 0.0],
        ),
    ])
}
