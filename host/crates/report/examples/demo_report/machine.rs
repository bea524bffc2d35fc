//! Made-up findings, plugins, sources and evidence.

use playbook_model::{Kind, Level, Words};
use playbook_report::{DataFindingRow, Evidence, FindingRow, PluginRow, Section, SourceRow};

use crate::words::{digest, w};

pub(super) fn data_findings() -> Vec<DataFindingRow> {
    let row =
        |source: &str, count, words| DataFindingRow { source: source.to_owned(), count, words };
    vec![
        row(
            "orders",
            2,
            w(
                "2 files of the source are empty; the first is `orders/2026-02-11.csv`",
                "該來源有 2 個空檔案，第一個是 `orders/2026-02-11.csv`",
            ),
        ),
        row(
            "",
            18_204,
            w(
                "None of the 18,204 members with events is among the 100,000 listed members; look at how both sources write ids",
                "18,204 位有事件的成員均不在 100,000 位已列成員之中；請核對兩個來源的編號寫法",
            ),
        ),
    ]
}

pub(super) fn findings() -> Section<Vec<FindingRow>> {
    let finding =
        |level, plugin: &str, words, place: &str, value, threshold, suggests: Vec<Words>| {
            FindingRow {
                level,
                plugin: plugin.to_owned(),
                rule: "below-floor".to_owned(),
                words,
                place: place.to_owned(),
                value,
                threshold,
                suggests,
            }
        };
    Section::Filled(vec![
        finding(
            Level::Watch,
            "health-7x28",
            w("Near-duplicate content is above its bound", "近似重複內容超出上限"),
            "community east",
            Some(0.74),
            Some(0.7),
            vec![],
        ),
        finding(
            Level::Critical,
            "churn-7d",
            w(
                "Interaction of the core fell by more than half in seven days",
                "核心用戶互動七日內下降過半",
            ),
            "core",
            Some(0.46),
            Some(0.5),
            vec![
                w(
                    "Wake-up messages for members silent for 14 days",
                    "對沉默 14 天的成員發送喚醒消息",
                ),
                w("Expert question hour in the core group", "核心群專家答疑"),
            ],
        ),
        finding(
            Level::Warn,
            "roi-base",
            w("A channel returns less than its floor", "某渠道回報低於下限"),
            "Offline shop",
            Some(1.12),
            Some(1.5),
            vec![w(
                "Move 20% of its unspent budget to the mini programme",
                "將其未用預算的 20% 移至小程序",
            )],
        ),
        finding(
            Level::None,
            "tier-interactions",
            w("1,034 members were seen for the first time", "本週期首次出現 1,034 位成員"),
            "",
            None,
            None,
            vec![],
        ),
    ])
}

pub(super) fn plugins() -> Vec<PluginRow> {
    let plugin = |stage: &str, plugin: &str, kind, calls, rows, fuel| PluginRow {
        stage: stage.to_owned(),
        plugin: plugin.to_owned(),
        version: "0.1.0".to_owned(),
        kind,
        digest: digest(plugin),
        calls,
        rows,
        fuel: Some(fuel),
        faults: 0,
        wall_ms: None,
    };
    vec![
        plugin("value", "value-rfm", Kind::Scoring, 25, 100_000, 91_204_118),
        plugin("churn", "churn-7d", Kind::Scoring, 25, 100_000, 64_230_554),
        plugin("ltv", "ltv-bgnbd", Kind::Scoring, 77, 200_000, 2_104_889_310),
        plugin("tiers", "tier-interactions", Kind::Segmentation, 25, 100_000, 22_010_400),
        plugin("rewards", "ladder-exchange", Kind::Incentive, 25, 100_000, 151_330_020),
        plugin("campaign", "phases-3", Kind::Campaign, 1, 4, 812_004),
        plugin("roi", "roi-base", Kind::Roi, 1, 9, 402_771),
        plugin("health", "health-7x28", Kind::Diagnosis, 1, 1, 390_115),
    ]
}

pub(super) fn intake() -> Vec<SourceRow> {
    vec![
        SourceRow {
            source: "events".to_owned(),
            format: "parquet".to_owned(),
            read: 1_002_310,
            kept: 1_000_118,
            rejected: 84,
            duplicates: 2_108,
            reasons: vec![
                ("amount is not a number".to_owned(), 61),
                ("time lies after the as-of time".to_owned(), 23),
            ],
        },
        SourceRow {
            source: "members".to_owned(),
            format: "csv".to_owned(),
            read: 104_512,
            kept: 104_512,
            rejected: 0,
            duplicates: 0,
            reasons: vec![],
        },
    ]
}

pub(super) fn evidence() -> Evidence {
    Evidence {
        digests: vec![
            ("input: events".to_owned(), digest("e")),
            ("input: members".to_owned(), digest("m")),
            ("model: ltv-bgnbd".to_owned(), digest("l")),
            ("members.parquet".to_owned(), digest("o")),
        ],
        host_version: "0.1.0".to_owned(),
        engine: "wasmtime 48, fuel on, 64 MiB".to_owned(),
        seed: 20_260_301,
        replay_command: "playbook replay out/2026-03-01".to_owned(),
    }
}
