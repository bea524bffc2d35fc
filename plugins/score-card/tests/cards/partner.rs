//! Partners by grade (SC-12), content of a community (SC-8).

use playbook_sdk::testing::{Data, TablesGiven};
use playbook_sdk::types::Level;

use crate::common::{self, diagnose, level, suggested};

const PARTNER: &str = include_str!("../../cards/partner-score.toml");
const CONTENT: &str = include_str!("../../cards/content-health.toml");

/// A partner by its return alone, everything else at its worst or best.
fn partner(roi: f64, others: f64) -> Data {
    Data::new()
        .real("roi", [roi])
        .real("contribution_revenue_share", [0.1 * others])
        .real("on_time_rate", [others])
        .real("complaint_rate", [0.01 * (1.0 - others)])
}

fn with_run(roi: f64, runs: [Option<i64>; 2]) -> TablesGiven {
    let data = partner(roi, 0.0)
        .integer("previous.1.d_run", [runs[0]])
        .integer("previous.2.d_run", [runs[1]]);
    diagnose(PARTNER, data)
}

#[test]
fn sc_12_points_add_up_to_a_hundred() {
    #[rustfmt::skip]
    let parts =
        [("roi", 0.0, 3.2), ("revenue_share", 0.0, 0.1), ("on_time", 0.0, 1.0), ("complaints", 0.01, 0.0)];
    common::holds(PARTNER, &parts);
    let score = |data| diagnose(PARTNER, data).table(0).rounded("score", 0);
    assert_eq!([score(partner(0.0, 0.0)), score(partner(9.0, 1.0))], [Some(0.0), Some(100.0)]);
    assert_eq!([score(partner(3.2, 0.0)), score(partner(1.6, 0.0))], [Some(40.0), Some(20.0)]);
    let only = |name: &str, x: f64| score(partner(0.0, 0.0).real(name, [x]));
    assert_eq!(only("contribution_revenue_share", 0.1), Some(30.0));
    assert_eq!((only("on_time_rate", 1.0), only("complaint_rate", 0.0)), (Some(20.0), Some(10.0)));
}

#[test]
fn sc_12_grades_begin_at_40_60_and_80() {
    let grade = |score: f64| {
        // 60 points of everything but the return, or none of it.
        let (others, rest) = if score >= 60.0 { (1.0, score - 60.0) } else { (0.0, score) };
        let given = diagnose(PARTNER, partner(3.2 * rest / 40.0, others));
        given.table(0).category("grade", 0).map(str::to_owned)
    };
    for (score, want) in [(39.9, "d"), (60.1, "b"), (79.9, "b"), (80.1, "a")] {
        assert_eq!(grade(score).as_deref(), Some(want), "{score}");
    }
    let c = |share: f64| {
        let data = partner(3.2, 0.0).real("on_time_rate", [share]);
        diagnose(PARTNER, data).table(0).category("grade", 0).map(str::to_owned)
    };
    assert_eq!((c(0.001).as_deref(), c(0.999).as_deref()), (Some("c"), Some("c")));
}

#[test]
fn y012_grade_d_twice_proposes_the_end() {
    let once = with_run(1.0, [None, None]);
    assert_eq!((once.table(0).integer("d_run", 0), once.findings.len()), (Some(1), 0));
    let twice = with_run(1.0, [Some(1), None]);
    assert_eq!(twice.table(0).integer("d_run", 0), Some(2));
    let finding = twice.findings_of("grade-d-again").next().unwrap();
    assert_eq!(
        (finding.level, suggested(PARTNER, finding)),
        (Level::Warn, vec!["end-cooperation".to_owned()])
    );
    // A quarter without a grade between them counts as none; a better one starts over.
    assert_eq!(with_run(1.0, [None, Some(1)]).findings.len(), 1);
    assert_eq!(with_run(1.0, [Some(0), Some(1)]).findings.len(), 0);
    let better = diagnose(PARTNER, partner(3.2, 0.5).integer("previous.1.d_run", [1]));
    assert_eq!((better.table(0).integer("d_run", 0), better.findings.len()), (Some(0), 0));
    let unknown =
        diagnose(PARTNER, Data::new().real("on_time_rate", [1.0]).integer("previous.1.d_run", [1]));
    assert_eq!((unknown.table(0).integer("d_run", 0), unknown.findings.len()), (None, 0));
}

#[test]
fn y008_the_homogeneity_alarm_fires() {
    common::holds(CONTENT, &[("mean_score", 0.0, 5.0), ("homogeneous", 0.7, 0.2)]);
    common::limits(CONTENT, &[("homogeneous", 0.4, true, false)]);
    let alarm = |share: f64| {
        level(
            &diagnose(CONTENT, Data::new().real("near_duplicate_share_30d", [share])),
            "limit-homogeneous",
        )
    };
    assert_eq!(
        [0.4, 0.41, 0.7, 0.71].map(alarm),
        [None, Some(Level::Warn), Some(Level::Warn), Some(Level::Critical)]
    );
}
