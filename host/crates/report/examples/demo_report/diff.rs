//! A made-up comparison.

use playbook_model::Minor;
use playbook_report::{
    ActionPairRow, ChangeRow, DiffFigure, DiffReport, DiffSide, Figure, FigureRow, FlowMatrix,
    MemberRow, PairRow, Section, WinnersRow,
};

use crate::words::{SEGMENTS, currency, digest, segment, w};

pub(super) fn diff() -> DiffReport {
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
        data_findings: Vec::new(),
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
        figures: figures(),
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
        members: members(),
        actions: actions(),
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

fn figures() -> Vec<FigureRow> {
    let count =
        |what, a, b| FigureRow { what, a: Some(Figure::Count(a)), b: Some(Figure::Count(b)) };
    let money = |what, a, b| FigureRow {
        what,
        a: Some(Figure::Money(Minor(a))),
        b: Some(Figure::Money(Minor(b))),
    };
    vec![
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
    ]
}

fn members() -> Vec<MemberRow> {
    vec![
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
    ]
}

fn actions() -> Section<Vec<ActionPairRow>> {
    Section::Filled(vec![
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
    ])
}
