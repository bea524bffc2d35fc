//! A made-up campaign.

use playbook_model::{Minor, Words};
use playbook_report::{
    AllocationRow, Campaign, ContentRow, GateRow, PhaseRow, PlanMoneyRow, Section, SlotRow,
};

use crate::words::w;

pub(super) fn campaign() -> Section<Campaign> {
    let phases = phases();
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
    Section::Filled(Campaign {
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
        money: Some(PlanMoneyRow {
            pool: Minor(45_000_000),
            account: Minor(27_000_000),
            share: Minor(22_500_000),
        }),
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
                theme: ["How it is made", "Members' kitchens", "Ask the taster"][i as usize % 3]
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
    })
}

/// Name, reason, first day, days and money.
fn phases() -> [(&'static str, Words, u32, u32, i64); 3] {
    [
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
    ]
}
