//! Items of the seven dimensions (DG-7).

use crate::common::{self, diagnose, dimensions, even, order};

const CARD: &str = include_str!("../../cards/monitor-7-items.toml");

#[rustfmt::skip]
const ITEMS: [(&str, f64, f64); 36] = [
    ("profile_coverage", 0.0, 0.8),
    ("tag_coverage", 0.2, 0.8),
    ("tag_accuracy", 0.5, 0.85),
    ("region_known", 0.2, 0.9),
    ("age_known", 0.2, 0.9),
    ("interest_known", 0.1, 0.7),
    ("channel_linked", 0.2, 0.8),
    ("consent_share", 0.3, 0.9),
    ("views_per_item", 100.0, 1000.0),
    ("engagement_rate", 0.02, 0.15),
    ("completion_rate", 0.2, 0.65),
    ("share_rate", 0.0, 0.05),
    ("comment_rate", 0.0, 0.05),
    ("save_rate", 0.0, 0.05),
    ("content_relevance", 2.0, 4.3),
    ("originality", 0.3, 0.8),
    ("ugc_share", 0.15, 0.65),
    ("video_share", 0.2, 0.7),
    ("themes_4w", 0.0, 4.0),
    ("near_duplicate_share_30d", 0.7, 0.2),
    ("interactions_per_member_day", 0.2, 3.0),
    ("thread_share", 0.1, 0.5),
    ("reply_median_min", 60.0, 5.0),
    ("idle_share", 0.5, 0.2),
    ("member_answer_share", 0.1, 0.6),
    ("contacts_to_first_order", 20.0, 5.0),
    ("retention_d1", 0.2, 0.6),
    ("retention_d7", 0.2, 0.6),
    ("retention_d30", 0.3, 0.68),
    ("opinion_speed", 10.0, 1.0),
    ("competitor_growth_gap", 0.2, -0.1),
    ("competitor_activity_gap", 0.1, -0.05),
    ("competitor_content_gap", 0.2, -0.1),
    ("competitor_price_gap", 0.2, -0.05),
    ("competitor_voice_gap", 0.2, -0.1),
    ("competitor_nps_gap", 20.0, -10.0),
];

#[test]
fn dg_7_thirty_six_items_make_seven_dimensions() {
    common::holds(CARD, &ITEMS);
    assert_eq!(order(CARD), ITEMS.map(|(name, ..)| name));
    #[rustfmt::skip]
    let names =
        ["profile", "content", "interaction", "conversion", "retention", "opinion", "competitors"];
    assert_eq!(dimensions(CARD), names);
    let mut first = 0;
    for (name, count) in names.iter().zip([8, 12, 5, 1, 3, 1, 6]) {
        let given = diagnose(CARD, even(CARD, &ITEMS[first..first + count], 0.8));
        assert_eq!(given.table(0).rounded(name, 0), Some(4.0), "{name}");
        first += count;
    }
    assert!(diagnose(CARD, even(CARD, &ITEMS, 0.0)).findings.is_empty());
}
