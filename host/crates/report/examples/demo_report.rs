//! Writes report and comparison pages of made-up figures, to look at their design: `demo_report FOLDER`.

#![expect(clippy::too_many_lines, reason = "figures, no logic")]

use std::{env, fs, path::Path};

use playbook_model::{Digest, Kind, Level, Minor, RefusalCode, Words};
use playbook_report::{
    Absence, ActionPairRow, AllocationRow, BudgetRow, Campaign, ChangeRow, ContentRow, Currency,
    DiffFigure, DiffReport, DiffSide, DimensionRow, Distribution, Evidence, Figure, FigureRow,
    FindingRow, FlowEnd, FlowMatrix, GateRow, GrantRow, Header, Health, Incentives, IndicatorRow,
    Lang, LevelMark, MemberRow, PairRow, PhaseRow, PluginRow, RefusalRow, Report, Roi, RoiRow,
    ScoreRow, Section, SegmentRow, Segmentation, SlotRow, SourceRow, Summary, WinnersRow, render,
    render_diff,
};

fn main() -> std::io::Result<()> {
    let folder = env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    for lang in [Lang::En, Lang::Zh] {
        fs::write(folder.join(format!("report-{}.html", lang.code())), render(&report(), lang))?;
        fs::write(
            folder.join(format!("first-{}.html", lang.code())),
            render(&first_cycle(), lang),
        )?;
        fs::write(folder.join(format!("diff-{}.html", lang.code())), render_diff(&diff(), lang))?;
    }
    Ok(())
}

fn w(en: &str, zh: &str) -> Words {
    Words { en: en.to_owned(), zh: Some(zh.to_owned()) }
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn currency() -> Currency {
    Currency { code: "CNY".to_owned(), digits: 2 }
}

const SEGMENTS: [(&str, &str, &str, u64, u64, u64, i64); 4] = [
    ("silent", "Silent", "沉默", 52_118, 54_020, 1_204, 41_203_300),
    ("prospect", "Prospect", "潛客", 31_774, 30_115, 9_876, 310_220_875),
    ("active", "Active", "活躍", 12_640, 11_980, 6_120, 402_118_050),
    ("core", "Core", "核心", 3_468, 3_201, 2_305, 398_470_990),
];

fn segment(index: usize) -> FlowEnd {
    FlowEnd::Segment(w(SEGMENTS[index].1, SEGMENTS[index].2))
}

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
        output: output.to_owned(),
        meaning,
        unit: unit.to_owned(),
        distribution,
        missing: 1_204,
        mean: (q[2] > 0.0).then_some((q[0] + q[1] + q[2]) / 3.0),
        quantiles: (q[2] > 0.0).then_some(q),
    }
}

fn report() -> Report {
    let grant =
        |plugin: &str, action: &str, words: Words, proposed, granted, quantity, cost, output| {
            GrantRow {
                plugin: plugin.to_owned(),
                action: action.to_owned(),
                words,
                proposed,
                granted,
                granted_before: 0,
                quantity,
                cost: Minor(cost),
                expected_output: Minor(output),
            }
        };
    let refusal = |code, proposals, cost, detail: Option<Words>| RefusalRow {
        code,
        proposals,
        cost: Minor(cost),
        detail,
    };
    let budget =
        |path: &[&str], allocated: i64, before: i64, spent: i64, reserved: i64| BudgetRow {
            path: path.iter().map(|p| (*p).to_owned()).collect(),
            allocated: Minor(allocated),
            spent_before: Minor(before),
            spent: Minor(spent),
            reserved: Minor(reserved),
            available: Minor(allocated - before - spent - reserved),
        };
    let roi = |subject: &str, name: Words, revenue: i64, cost: i64, roi: Option<f64>| RoiRow {
        subject: subject.to_owned(),
        name,
        revenue: Some(Minor(revenue)),
        cost: Some(Minor(cost)),
        roi,
        floor: Some(1.5),
    };
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
    let finding =
        |level, plugin: &str, words, place: &str, value, threshold, suggests: Vec<Words>| {
            FindingRow {
                level,
                plugin: plugin.to_owned(),
                words,
                place: place.to_owned(),
                value,
                threshold,
                suggests,
            }
        };
    let phases = [
        (
            "preheat",
            w("Tell the brand's story before anything is sold", "先講品牌故事，再談銷售"),
            1,
            7,
            4_500_000,
        ),
        (
            "burst",
            w("Show what members gain while attention is highest", "在關注度最高時展示用戶價值"),
            8,
            3,
            11_250_000,
        ),
        (
            "extension",
            w("Keep those who came: replies, thanks, second orders", "留住新客：回覆、致謝、復購"),
            11,
            6,
            6_750_000,
        ),
    ];
    let channels = [
        ("WeChat group", 0.3243),
        ("Mini programme", 0.2757),
        ("Short video", 0.2203),
        ("Offline shop", 0.1797),
    ];
    let mixes = [
        ("format", "image-text", 0.3),
        ("format", "short-video", 0.4),
        ("format", "live", 0.3),
        ("layer", "base", 0.6),
        ("layer", "core", 0.25),
        ("layer", "value-added", 0.15),
    ];
    Report {
        header: header(false),
        summary: Summary {
            members: 100_000,
            active: Some(22_431),
            orders: Some(18_204),
            revenue: Some(Minor(1_152_013_215)),
            grants: 19_505,
            refused: 11_846,
            grants_cost: Minor(8_412_050),
            cost: Some(Minor(61_200_000)),
            roi: Some(1.98),
            health: Some(3.12),
            health_most: Some(5.0),
            health_level: Some(w("watch", "關注")),
        },
        findings: Section::Filled(vec![
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
        ]),
        segmentation: Section::Filled(Segmentation {
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
        }),
        scores: Section::Filled(vec![
            score(
                "value-rfm",
                "value",
                w(
                    "Value of a member by recency, frequency and spend",
                    "按近度、頻度、金額的成員價值",
                ),
                "",
                Distribution::Bins {
                    edges: edges(20, 0.0, 5.0),
                    counts: bell(20, 0.42, 0.18, 12_000.0),
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
                },
                [1_200.0, 18_450.0, 74_300.0],
            ),
            score(
                "kmeans",
                "cluster",
                w("Cluster of like members", "相似成員聚類"),
                "",
                Distribution::Categories(vec![
                    ("bargain hunters".to_owned(), 41_220),
                    ("regulars".to_owned(), 30_114),
                    ("readers".to_owned(), 21_050),
                    ("champions".to_owned(), 6_412),
                ]),
                [0.0, 0.0, 0.0],
            ),
        ]),
        incentives: Section::Filled(Incentives {
            grants: vec![
                grant(
                    "ladder-exchange",
                    "points",
                    w("Points for taking part", "參與積分"),
                    16_020,
                    12_940,
                    258_800,
                    2_588_000,
                    12_411_700,
                ),
                grant(
                    "ladder-exchange",
                    "coupon",
                    w("Coupon for the next order", "下單優惠券"),
                    11_208,
                    5_870,
                    5_870,
                    4_402_500,
                    21_030_000,
                ),
                grant(
                    "ladder-exchange",
                    "custom-gift",
                    w("Custom gift", "定制禮品"),
                    4_123,
                    695,
                    695,
                    1_421_550,
                    7_940_800,
                ),
            ],
            refusals: vec![
                refusal(
                    RefusalCode::R05,
                    3_410,
                    2_001_500,
                    Some(w("marketing consent was never given", "未曾給予營銷同意")),
                ),
                refusal(
                    RefusalCode::R06,
                    1_542,
                    790_210,
                    Some(w("global holdout of 5%", "5% 全局留出組")),
                ),
                refusal(RefusalCode::R12, 611, 120_400, None),
                refusal(
                    RefusalCode::R13,
                    2_208,
                    1_310_000,
                    Some(w("2 commercial messages in 7 days", "7 日內 2 條商業消息")),
                ),
                refusal(RefusalCode::R14, 905, 610_250, None),
                refusal(
                    RefusalCode::R15,
                    3_170,
                    5_904_400,
                    Some(w("pool “daily” is used up", "「日常」資源池已用盡")),
                ),
            ],
        }),
        budgets: Section::Filled(vec![
            budget(&["brand"], 100_000_000, 22_410_000, 8_412_050, 1_150_000),
            budget(&["brand", "base construction"], 36_000_000, 9_800_000, 0, 0),
            budget(&["brand", "daily"], 31_500_000, 12_610_000, 6_990_500, 1_150_000),
            budget(&["brand", "burst"], 22_500_000, 0, 1_421_550, 0),
            budget(&["brand", "emergency reserve"], 10_000_000, 0, 0, 0),
        ]),
        campaign: Section::Filled(Campaign {
            plugin: "phases-3 0.1.0".to_owned(),
            terms: [
                ("preheat", "預熱"),
                ("burst", "爆發"),
                ("extension", "延續"),
                ("format", "形式"),
                ("image-text", "圖文"),
                ("short-video", "短視頻"),
                ("live", "直播"),
                ("brand-story", "品牌故事"),
            ]
            .map(|(name, zh)| (name.to_owned(), w(name, zh)))
            .to_vec(),
            day_zero: 20_513,
            phases: phases
                .iter()
                .map(|(name, reason, first_day, days, money)| PhaseRow {
                    name: (*name).to_owned(),
                    reason: reason.clone(),
                    first_day: *first_day,
                    days: *days,
                    budget: Minor(*money),
                })
                .collect(),
            allocations: (0..3)
                .flat_map(|phase| {
                    let money = Minor(phases[phase].4);
                    channels.iter().map(move |(place, share)| AllocationRow {
                        phase,
                        place: (*place).to_owned(),
                        amount: money.share_down(*share),
                    })
                })
                .collect(),
            content: (0..3)
                .flat_map(|phase| {
                    mixes.iter().map(move |(mix, category, target)| ContentRow {
                        phase,
                        mix: (*mix).to_owned(),
                        category: (*category).to_owned(),
                        least: target - 0.05,
                        target: *target,
                        most: target + 0.05,
                    })
                })
                .collect(),
            slots: (0..9u32)
                .map(|i| SlotRow {
                    phase: if i < 4 {
                        0
                    } else if i < 6 {
                        1
                    } else {
                        2
                    },
                    day: 1 + i * 2 - i / 5,
                    minute: if i % 2 == 0 { 1_200 } else { 750 },
                    place: String::new(),
                    format: ["image-text", "short-video", "live"][i as usize % 3].to_owned(),
                    layer: ["base", "core"][i as usize % 2].to_owned(),
                    theme: ["How it is made", "Members' kitchens", "Ask the taster"]
                        [i as usize % 3]
                        .to_owned(),
                    commercial: i % 4 == 3,
                })
                .collect(),
            gates: vec![GateRow {
                phase: 1,
                metric: "wau_ratio".to_owned(),
                comparison: ">=".to_owned(),
                value: 0.2,
                sample_min: 1_000,
            }],
        }),
        roi: Section::Filled(Roi {
            plugin: "roi-base 0.1.0".to_owned(),
            transfers: Vec::new(),
            rows: vec![
                roi("brand", w("All channels", "全部渠道"), 1_152_013_215, 61_200_000, Some(1.98)),
                roi("channel", w("WeChat group", "微信群"), 402_118_000, 14_000_000, Some(3.41)),
                roi("channel", w("Mini programme", "小程序"), 421_880_000, 19_200_000, Some(2.76)),
                roi("channel", w("Short video", "短視頻"), 240_015_215, 18_000_000, Some(1.74)),
                roi("channel", w("Offline shop", "線下門店"), 88_000_000, 10_000_000, Some(1.12)),
                roi("channel", w("Referral", "推薦"), 0, 0, None),
                roi("segment", w("Silent", "沉默"), 41_203_300, 3_100_000, Some(1.6)),
                roi("segment", w("Core", "核心"), 398_470_990, 16_040_000, Some(3.9)),
            ],
        }),
        health: Section::Filled(vec![health()]),
        plugins: vec![
            plugin("value", "value-rfm", Kind::Scoring, 25, 100_000, 91_204_118),
            plugin("churn", "churn-7d", Kind::Scoring, 25, 100_000, 64_230_554),
            plugin("ltv", "ltv-bgnbd", Kind::Scoring, 77, 200_000, 2_104_889_310),
            plugin("tiers", "tier-interactions", Kind::Segmentation, 25, 100_000, 22_010_400),
            plugin("rewards", "ladder-exchange", Kind::Incentive, 25, 100_000, 151_330_020),
            plugin("campaign", "phases-3", Kind::Campaign, 1, 4, 812_004),
            plugin("roi", "roi-base", Kind::Roi, 1, 9, 402_771),
            plugin("health", "health-7x28", Kind::Diagnosis, 1, 1, 390_115),
        ],
        intake: vec![
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
        ],
        evidence: Evidence {
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
        },
        timings: None,
    }
}

fn header(dry_run: bool) -> Header {
    Header {
        brand: "山茶茶業 Camellia Tea".to_owned(),
        title: w("Tea community, spring cycle", "茶友社群 · 春季週期"),
        as_of: "2026-03-01 00:00 (Asia/Shanghai)".to_owned(),
        cycle: "2026-W09".to_owned(),
        run_id: digest("run").hex(),
        playbook_digest: digest("playbook"),
        dry_run,
        currency: currency(),
    }
}

/// Level of a score where weak begins at 2, watch at 3 and healthy at 4.
fn health_level(score: f64) -> LevelMark {
    let names = [("critical", "危急"), ("weak", "偏弱"), ("watch", "關注"), ("healthy", "健康")];
    let at = [2.0, 3.0, 4.0].iter().filter(|bound| **bound <= score).count();
    let rank = [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0][at];
    LevelMark { words: w(names[at].0, names[at].1), rank }
}

fn health() -> Health {
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
        place: String::new(),
        total: Some(3.2),
        most: Some(5.0),
        level: Some(LevelMark { words: w("watch", "關注"), rank: 2.0 / 3.0 }),
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

fn first_cycle() -> Report {
    let mut report = report();
    report.header = header(true);
    if let Section::Filled(s) = &mut report.segmentation {
        s.flows = Section::Empty(Absence::FirstCycle);
        for row in &mut s.segments {
            row.members_before = None;
        }
    }
    report.findings = Section::Filled(vec![]);
    report.campaign = Section::Empty(Absence::NoStage(Kind::Campaign));
    report.budgets = Section::Empty(Absence::NoBudget);
    report.roi = Section::Empty(Absence::Skipped {
        stage: "roi".to_owned(),
        fault: "stopped at the fuel limit".to_owned(),
    });
    report
}

fn diff() -> DiffReport {
    let count =
        |what, a, b| FigureRow { what, a: Some(Figure::Count(a)), b: Some(Figure::Count(b)) };
    let money = |what, a, b| FigureRow {
        what,
        a: Some(Figure::Money(Minor(a))),
        b: Some(Figure::Money(Minor(b))),
    };
    let winner = |index: usize, win, lose, a, b| WinnersRow {
        segment: w(SEGMENTS[index].1, SEGMENTS[index].2),
        members: SEGMENTS[index].3,
        win,
        lose,
        spend_a: Minor(a),
        spend_b: Minor(b),
    };
    let pair = |en: &str, zh: &str, a, b| PairRow { name: w(en, zh), a, b };
    DiffReport {
        brand: "山茶茶業 Camellia Tea".to_owned(),
        as_of: "2026-03-01 00:00 (Asia/Shanghai)".to_owned(),
        currency: currency(),
        input_digest: digest("in"),
        a: DiffSide {
            title: w("Tea community, spring cycle", "茶友社群 · 春季週期"),
            origin: "tea.toml".to_owned(),
            playbook_digest: digest("a"),
        },
        b: DiffSide {
            title: w("Tea community, spring cycle", "茶友社群 · 春季週期"),
            origin: "tea.toml, tiers = kmeans".to_owned(),
            playbook_digest: digest("b"),
        },
        changes: vec![
            ChangeRow {
                path: "stages.tiers.plugin".to_owned(),
                a: "tier-interactions".to_owned(),
                b: "kmeans".to_owned(),
            },
            ChangeRow {
                path: "stages.tiers.settings.k".to_owned(),
                a: String::new(),
                b: "4".to_owned(),
            },
        ],
        figures: vec![
            count(DiffFigure::Members, 100_000, 100_000),
            count(DiffFigure::Moved, 0, 18_220),
            count(DiffFigure::Grants, 19_505, 21_340),
            count(DiffFigure::Refused, 11_846, 9_980),
            money(DiffFigure::Spend, 8_412_050, 9_120_400),
            money(DiffFigure::ExpectedOutput, 41_382_500, 47_991_000),
            FigureRow {
                what: DiffFigure::ExpectedReturn,
                a: Some(Figure::Ratio(4.92)),
                b: Some(Figure::Ratio(5.26)),
            },
            FigureRow {
                what: DiffFigure::Roi,
                a: Some(Figure::Ratio(1.98)),
                b: Some(Figure::Ratio(2.04)),
            },
            FigureRow { what: DiffFigure::Health, a: Some(Figure::Score(3.2)), b: None },
        ],
        migration: Section::Filled(FlowMatrix {
            from: (0..4).map(segment).collect(),
            to: (0..4).map(segment).collect(),
            members: vec![
                vec![46_318, 5_600, 200, 0],
                vec![3_000, 24_774, 4_000, 0],
                vec![0, 2_140, 9_000, 1_500],
                vec![0, 0, 480, 2_988],
            ],
        }),
        winners: Section::Filled(vec![
            winner(0, 2_104, 310, 602_000, 1_180_400),
            winner(1, 3_870, 2_950, 3_950_050, 4_010_000),
            winner(2, 1_602, 880, 2_460_000, 2_610_000),
            winner(3, 120, 642, 1_400_000, 1_320_000),
        ]),
        members: vec![
            MemberRow {
                member: "4f0c91d2a7".to_owned(),
                segment_a: w("Silent", "沉默"),
                segment_b: w("Active", "活躍"),
                spend_a: Minor(0),
                spend_b: Minor(12_000),
            },
            MemberRow {
                member: "88be02117c".to_owned(),
                segment_a: w("Core", "核心"),
                segment_b: w("Active", "活躍"),
                spend_a: Minor(20_500),
                spend_b: Minor(7_500),
            },
        ],
        actions: Section::Filled(vec![
            ActionPairRow {
                words: w("Points for taking part", "參與積分"),
                grants_a: 12_940,
                grants_b: 14_002,
                spend_a: Minor(2_588_000),
                spend_b: Minor(2_800_400),
            },
            ActionPairRow {
                words: w("Coupon for the next order", "下單優惠券"),
                grants_a: 5_870,
                grants_b: 6_600,
                spend_a: Minor(4_402_500),
                spend_b: Minor(4_950_000),
            },
            ActionPairRow {
                words: w("Custom gift", "定制禮品"),
                grants_a: 695,
                grants_b: 738,
                spend_a: Minor(1_421_550),
                spend_b: Minor(1_370_000),
            },
        ]),
        roi: Section::Filled(vec![
            pair("WeChat group", "微信群", Some(3.41), Some(3.5)),
            pair("Offline shop", "線下門店", Some(1.12), Some(1.3)),
            pair("Referral", "推薦", None, None),
        ]),
        health: Section::Filled(vec![
            pair("Activity", "活躍度", Some(3.4), Some(3.4)),
            pair("User layering", "用戶分層度", Some(3.2), Some(3.6)),
        ]),
    }
}
