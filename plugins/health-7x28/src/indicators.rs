//! The seven dimensions and 28 indicators with their bounds and the packages that lift them (domain DG-1).

/// One indicator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Indicator {
    /// Feature that measures it.
    pub name: &'static str,
    /// What it is called.
    pub en: &'static str,
    /// What it is called in Chinese.
    pub zh: &'static str,
    /// Measure that scores 0.
    pub low: f64,
    /// Measure that scores 5; below `low` where less is better.
    pub high: f64,
    /// "ratio", "count" or "" for minutes and points.
    pub unit: &'static str,
    /// Packages that lift it, most useful first: positions in [`PACKAGES`].
    pub packages: [u32; 2],
}

/// One dimension: four indicators.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dimension {
    /// Name of its output.
    pub name: &'static str,
    /// What it is called.
    pub en: &'static str,
    /// What it is called in Chinese.
    pub zh: &'static str,
    /// Its indicators.
    pub indicators: [Indicator; 4],
}

/// Packages of incentives and campaigns that findings suggest: plugin name, words.
pub const PACKAGES: [(&str, &str, &str); 14] = [
    ("activity-lift", "Activity lift package", "活躍度提升方案包"),
    ("interaction-levels", "Basic, deep and emotional interaction", "互動分級激勵"),
    ("content-mix", "Content calendar", "內容日曆"),
    ("cocreate", "Co-creation incubator", "共創孵化平臺"),
    ("scene-loop", "Reach, interact, convert, repurchase", "觸達–互動–轉化–復購"),
    ("stages-4", "Cultivate, test, optimise, scale", "培育–測試–優化–放量"),
    ("ladder-exchange", "Points, coupon, custom reward", "積分–優惠券–定制"),
    ("roi-floor", "Benefit mix under the output floor", "激勵產出底線"),
    ("membership", "Free, VIP and premium membership", "會員等級"),
    ("win-back", "Wake-up and win-back", "沉默喚醒／流失召回"),
    ("recommend", "Personal content ranking", "個性化推薦"),
    ("send-time", "Best hour of contact", "最佳觸達時間"),
    ("tasks-and-mall", "Tasks and points mall", "任務系統／積分商城"),
    ("hot-topic", "Hot topics", "熱點話題"),
];

const fn indicator(
    name: &'static str,
    (en, zh): (&'static str, &'static str),
    (low, high): (f64, f64),
    unit: &'static str,
    packages: [u32; 2],
) -> Indicator {
    Indicator { name, en, zh, low, high, unit, packages }
}

/// The seven dimensions in the order of the model.
pub const DIMENSIONS: [Dimension; 7] = [
    Dimension {
        name: "activity",
        en: "activity",
        zh: "活躍度",
        indicators: [
            indicator(
                "wau_ratio",
                ("weekly active share", "周活躍佔比"),
                (0.05, 0.30),
                "ratio",
                [0, 9],
            ),
            indicator(
                "dau_ratio",
                ("daily active share", "日活躍佔比"),
                (0.05, 0.15),
                "ratio",
                [0, 12],
            ),
            indicator(
                "interactions_per_member_day",
                ("interactions per member and day", "人均日互動"),
                (0.2, 3.0),
                "",
                [1, 0],
            ),
            indicator(
                "retention_d30",
                ("day-30 retention", "30日留存率"),
                (0.30, 0.68),
                "ratio",
                [9, 12],
            ),
        ],
    },
    Dimension {
        name: "interaction_quality",
        en: "interaction quality",
        zh: "互動質量",
        indicators: [
            indicator(
                "content_relevance",
                ("content relevance", "內容相關度"),
                (2.0, 4.3),
                "",
                [2, 13],
            ),
            indicator(
                "reply_median_min",
                ("median first reply in minutes", "首次回覆中位時長"),
                (60.0, 5.0),
                "",
                [11, 1],
            ),
            indicator(
                "thread_share",
                ("comment depth", "評論深度"),
                (0.10, 0.50),
                "ratio",
                [1, 13],
            ),
            indicator(
                "idle_share",
                ("idle chatter share", "無效社交佔比"),
                (0.50, 0.20),
                "ratio",
                [2, 1],
            ),
        ],
    },
    Dimension {
        name: "conversion_efficiency",
        en: "conversion efficiency",
        zh: "轉化效率",
        indicators: [
            indicator(
                "monthly_conversion",
                ("monthly conversion", "月均轉化率"),
                (0.01, 0.08),
                "ratio",
                [4, 5],
            ),
            indicator(
                "repurchase_90d",
                ("repurchase in 90 days", "90日復購率"),
                (0.10, 0.45),
                "ratio",
                [6, 4],
            ),
            indicator(
                "contacts_to_first_order",
                ("contacts to the first order", "首單觸達次數"),
                (20.0, 5.0),
                "",
                [11, 4],
            ),
            indicator(
                "incentive_output_ratio",
                ("incentive output per cost", "激勵產出比"),
                (1.0, 4.0),
                "ratio",
                [7, 6],
            ),
        ],
    },
    Dimension {
        name: "user_layering",
        en: "user layering",
        zh: "用戶分層度",
        indicators: [
            indicator(
                "tag_coverage",
                ("tag coverage", "標籤覆蓋率"),
                (0.20, 0.80),
                "ratio",
                [12, 10],
            ),
            indicator(
                "tag_accuracy",
                ("tag match accuracy", "標籤匹配準確率"),
                (0.50, 0.85),
                "ratio",
                [10, 12],
            ),
            indicator(
                "high_value_share",
                ("high-value and KOC share", "高價值用戶佔比"),
                (0.01, 0.20),
                "ratio",
                [8, 6],
            ),
            indicator(
                "precise_reach",
                ("precise reach", "精準觸達率"),
                (0.18, 0.60),
                "ratio",
                [11, 10],
            ),
        ],
    },
    Dimension {
        name: "content_innovation",
        en: "content innovation",
        zh: "內容創新度",
        indicators: [
            indicator(
                "ugc_share",
                ("member content share", "UGC佔比"),
                (0.15, 0.65),
                "ratio",
                [3, 1],
            ),
            indicator(
                "near_duplicate_share_30d",
                ("near-duplicate share", "內容重複率"),
                (0.70, 0.20),
                "ratio",
                [2, 3],
            ),
            indicator("video_share", ("video share", "視頻佔比"), (0.20, 0.70), "ratio", [2, 13]),
            indicator("themes_4w", ("themes in four weeks", "四周主題數"), (0.0, 4.0), "", [13, 2]),
        ],
    },
    Dimension {
        name: "system_support",
        en: "system support",
        zh: "系統支撐度",
        indicators: [
            indicator(
                "availability_30d",
                ("availability", "可用性"),
                (0.99, 0.9999),
                "ratio",
                [11, 5],
            ),
            indicator(
                "sync_lag_p95_min",
                ("sync lag in minutes", "同步延遲"),
                (60.0, 5.0),
                "",
                [11, 5],
            ),
            indicator(
                "data_accuracy",
                ("data accuracy", "數據準確率"),
                (0.90, 0.98),
                "ratio",
                [5, 11],
            ),
            indicator(
                "automation_rate",
                ("automation rate", "自動化率"),
                (0.20, 0.89),
                "ratio",
                [11, 12],
            ),
        ],
    },
    Dimension {
        name: "brand_fit",
        en: "brand fit",
        zh: "品牌契合度",
        indicators: [
            indicator(
                "brand_tag_share",
                ("brand-value content share", "品牌價值內容佔比"),
                (0.10, 0.60),
                "ratio",
                [2, 3],
            ),
            indicator("nps", ("net promoter score", "淨推薦值"), (0.0, 60.0), "", [1, 8]),
            indicator(
                "brand_consistency",
                ("value and visual consistency", "品牌一致性"),
                (0.70, 1.00),
                "ratio",
                [2, 5],
            ),
            indicator(
                "positive_brand_share",
                ("positive brand sentiment share", "品牌正面情感佔比"),
                (0.40, 0.80),
                "ratio",
                [1, 3],
            ),
        ],
    },
];

/// Number of indicators.
pub const INDICATORS: usize = 28;

/// Returns all indicators in the order of the model.
pub fn all() -> impl Iterator<Item = &'static Indicator> {
    DIMENSIONS.iter().flat_map(|dimension| &dimension.indicators)
}
