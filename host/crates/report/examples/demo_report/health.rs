//! A made-up diagnosis.

use playbook_model::Level;
use playbook_report::{DimensionRow, Health, IndicatorRow, LevelMark};

use crate::words::w;

fn health_level(score: f64) -> LevelMark {
    let names = [("critical", "危急"), ("weak", "偏弱"), ("watch", "關注"), ("healthy", "健康")];
    let at = [2.0, 3.0, 4.0].iter().filter(|bound| **bound <= score).count();
    let alarm = [Level::Critical, Level::Warn, Level::Watch, Level::None][at];
    LevelMark { words: w(names[at].0, names[at].1), alarm: Some(alarm) }
}

pub(super) fn health() -> Health {
    let dimensions = [
        ("Activity", "活躍度", Some(3.4)),
        ("Interaction quality", "互動質量", Some(2.6)),
        ("Conversion", "轉化效率", Some(3.9)),
        ("User layering", "用戶分層度", Some(3.2)),
        ("Content innovation", "內容創新度", Some(1.8)),
        ("System support", "系統支撐度", Some(4.3)),
        ("Brand fit", "品牌契合度", None),
    ];
    let indicators = [
        (0, "WAU ratio", "周活躍佔比", "wau_ratio", "ratio", Some(0.2243), Some(3.486)),
        (0, "DAU ÷ members", "日活躍佔比", "dau_ratio", "ratio", Some(0.081), Some(1.55)),
        (
            0,
            "Interactions per member and day",
            "人均日互動",
            "interactions_per_member_day",
            "",
            Some(0.42),
            Some(0.393),
        ),
        (0, "D30 retention", "30 日留存", "retention_d30", "ratio", None, None),
        (1, "Content relevance", "內容相關度", "relevance", "", None, None),
        (
            1,
            "Median first reply",
            "首次回覆中位時間",
            "reply_median_min",
            "min",
            Some(15.0),
            Some(4.0909),
        ),
        (1, "Comment depth", "評論深度", "thread_share", "ratio", Some(0.21), Some(1.375)),
        (1, "Idle share", "無效社交佔比", "idle_share", "ratio", Some(0.31), Some(3.1667)),
        (
            2,
            "Monthly conversion",
            "月均轉化率",
            "monthly_conversion",
            "ratio",
            Some(0.061),
            Some(3.643),
        ),
        (2, "Repurchase 90 d", "90 日復購率", "repurchase_90d", "ratio", Some(0.39), Some(4.143)),
        (3, "Tag coverage", "標籤覆蓋率", "tag_coverage", "ratio", Some(0.62), Some(3.5)),
        (4, "UGC share", "UGC 佔比", "ugc_share", "ratio", Some(0.27), Some(1.2)),
        (5, "Availability", "可用性", "availability_30d", "ratio", Some(0.9995), Some(4.798)),
        (6, "NPS", "淨推薦值", "nps", "", None, None),
    ];
    Health {
        plugin: "health-7x28 0.1.0".to_owned(),
        steps: Vec::new(),
        total: Some(3.2),
        most: Some(5.0),
        level: Some(LevelMark { words: w("watch", "關注"), alarm: Some(Level::Watch) }),
        others: Vec::new(),
        dimensions: dimensions
            .iter()
            .map(|(en, zh, score)| DimensionRow {
                words: w(en, zh),
                score: *score,
                level: score.map(health_level),
                score_before: score.map(|s| s * 0.92),
            })
            .collect(),
        indicators: indicators
            .iter()
            .map(|(dimension, en, zh, feature, unit, value, score)| IndicatorRow {
                dimension: Some(*dimension),
                words: w(en, zh),
                feature: (*feature).to_owned(),
                unit: (*unit).to_owned(),
                value: *value,
                score: *score,
                level: score.map(health_level),
            })
            .collect(),
    }
}
