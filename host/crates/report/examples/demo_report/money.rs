//! Made-up grants, budgets and returns.

use playbook_model::{Minor, RefusalCode, Words};
use playbook_report::{BudgetRow, GrantRow, Incentives, RefusalRow, Roi, RoiRow, Section};

use crate::words::w;

pub(super) fn incentives() -> Section<Incentives> {
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
    Section::Filled(Incentives {
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
    })
}

pub(super) fn budgets() -> Section<Vec<BudgetRow>> {
    let budget =
        |path: &[&str], allocated: i64, before: i64, granted: i64, reserved: i64| BudgetRow {
            path: path.iter().map(|p| (*p).to_owned()).collect(),
            allocated: Minor(allocated),
            taken_before: Minor(before),
            granted: Minor(granted),
            reserved: Minor(reserved),
            settled: Minor(before + granted - reserved),
            available: Minor(allocated - before - granted),
        };
    Section::Filled(vec![
        budget(&["brand"], 100_000_000, 22_410_000, 8_412_050, 1_150_000),
        budget(&["brand", "base construction"], 36_000_000, 9_800_000, 0, 0),
        budget(&["brand", "daily"], 31_500_000, 12_610_000, 6_990_500, 1_150_000),
        budget(&["brand", "burst"], 22_500_000, 0, 1_421_550, 0),
        budget(&["brand", "emergency reserve"], 10_000_000, 0, 0, 0),
    ])
}

pub(super) fn roi() -> Section<Roi> {
    let roi = |subject: &str, name: Words, revenue: i64, cost: i64, roi: Option<f64>| RoiRow {
        plugin: "roi-base 0.1.0".to_owned(),
        meaning: w("Output by input", "產出投入比"),
        subject: subject.to_owned(),
        name,
        revenue: Some(Minor(revenue)),
        cost: Some(Minor(cost)),
        roi,
        floor: Some(1.5),
    };
    Section::Filled(Roi {
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
    })
}
