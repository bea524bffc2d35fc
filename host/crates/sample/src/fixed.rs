//! Tables that do not depend on single members: channel costs by day, manual figures by month.

use rand::RngExt as _;
use rand::SeedableRng as _;

use crate::community as c;
use crate::person::{Draws, mixed};
use crate::table::{Cells, NO_CODE, NO_INTEGER, Table};

const COST_KINDS: &[&str] = &["media", "people", "reward", "platform", "tech"];
/// What channels cost by day for each 1,000 members, minor units: media, people, reward.
const CHANNEL_COSTS: [[f64; 3]; 5] = [
    [420.0, 560.0, 300.0],
    [980.0, 360.0, 180.0],
    [430.0, 250.0, 110.0],
    [330.0, 120.0, 40.0],
    [230.0, 160.0, 70.0],
];
/// Per channel: messages by day for each 1,000 members, share that arrives, complaints for each
/// 1,000 that arrive.
const CHANNEL_MESSAGES: [(f64, f64, f64); 5] = [
    (260.0, 0.985, 0.9),
    (120.0, 0.94, 2.1),
    (70.0, 0.96, 1.2),
    (40.0, 0.90, 4.5),
    (60.0, 0.97, 0.6),
];
/// What campaigns cost by day for each 1,000 members, minor units.
const CAMPAIGN_COST: f64 = 900.0;

/// Subjects of manual figures.
const SUBJECTS: &[&str] = &["brand", "channel", "reward"];
/// Keys of subjects: channels in the order of [`c::CHANNELS`], then rewards.
const KEYS: &[&str] = &[
    "messaging",
    "short-video",
    "seeding",
    "microblog",
    "web-shop",
    "welcome-coupon",
    "repeat-coupon",
    "sharing-gift",
];
/// Facts of channels: share of the budget, core platform, on trial, share of messages that arrive.
const CHANNEL_FACTS: [[f64; 4]; 5] = [
    [0.32, 1.0, 0.0, 0.985],
    [0.27, 1.0, 0.0, 0.94],
    [0.19, 0.0, 0.0, 0.96],
    [0.12, 0.0, 0.0, 0.90],
    [0.10, 0.0, 1.0, 0.97],
];
/// Records of rewards over 28 days, for each 1,000 members: output and cost in minor units, and
/// the days since the first grant.
const REWARD_RECORDS: [[f64; 3]; 3] =
    [[61_000.0, 13_500.0, 190.0], [48_000.0, 15_200.0, 120.0], [9_500.0, 3_900.0, 9.0]];
/// Manual figures that events cannot give: metric, value a year ago, value now, noise.
const FIGURES: &[(&str, f64, f64, f64)] = &[
    ("content_relevance", 3.3, 3.9, 0.10),
    ("reply_median_min", 24.0, 13.0, 1.5),
    ("thread_share", 0.21, 0.31, 0.02),
    ("idle_share", 0.41, 0.33, 0.02),
    ("contacts_to_first_order", 14.5, 10.5, 0.6),
    ("incentive_output_ratio", 2.6, 3.7, 0.2),
    ("tag_coverage", 0.46, 0.71, 0.02),
    ("tag_accuracy", 0.72, 0.81, 0.01),
    ("precise_reach", 0.24, 0.38, 0.02),
    ("near_duplicate_share_30d", 0.46, 0.34, 0.02),
    ("video_share", 0.38, 0.55, 0.02),
    ("themes_4w", 2.0, 4.0, 0.0),
    ("availability_30d", 0.9988, 0.9996, 0.0001),
    ("sync_lag_p95_min", 22.0, 9.0, 1.5),
    ("data_accuracy", 0.952, 0.974, 0.003),
    ("automation_rate", 0.44, 0.63, 0.02),
    ("brand_tag_share", 0.27, 0.41, 0.02),
    ("nps", 31.0, 44.0, 2.0),
    ("brand_consistency", 0.84, 0.92, 0.01),
    ("positive_brand_share", 0.61, 0.70, 0.02),
    ("ugc_share", 0.28, 0.43, 0.02),
    ("retention_d30", 0.46, 0.54, 0.02),
];
const METRICS: &[&str] = &[
    "content_relevance",
    "reply_median_min",
    "thread_share",
    "idle_share",
    "contacts_to_first_order",
    "incentive_output_ratio",
    "tag_coverage",
    "tag_accuracy",
    "precise_reach",
    "near_duplicate_share_30d",
    "video_share",
    "themes_4w",
    "availability_30d",
    "sync_lag_p95_min",
    "data_accuracy",
    "automation_rate",
    "brand_tag_share",
    "nps",
    "brand_consistency",
    "positive_brand_share",
    "ugc_share",
    "retention_d30",
    "weight",
    "core",
    "trial",
    "delivery_rate",
    "attributed_output_minor",
    "cost_minor",
    "age_days",
];
/// First metric of channels and of rewards in [`METRICS`].
const CHANNEL_METRIC: u8 = 22;
const REWARD_METRIC: u8 = 26;
/// Months of manual figures.
const MONTHS: i64 = 13;

/// Returns the costs of channels and campaigns by day.
pub(crate) fn costs(seed: u64, members: u64) -> Table {
    let mut draws = Draws::seed_from_u64(mixed(seed ^ 0x636f_7374));
    let thousands = members as f64 / 1_000.0;
    let mut rows = Costs::default();
    for ago in (1..=c::HORIZON_DAYS).rev() {
        let day = c::AS_OF_MS - ago * c::DAY_MS;
        // The community grew: costs grew with it.
        let size = 0.25 + 0.75 * (1.0 - ago as f64 / c::HORIZON_DAYS as f64);
        for (channel, (costs, messages)) in (0_u8..).zip(CHANNEL_COSTS.iter().zip(CHANNEL_MESSAGES))
        {
            for (kind, cost) in (0_u8..).zip(costs) {
                let amount = cost * thousands * size * (0.85 + 0.3 * draws.random::<f64>());
                rows.push(day, channel, kind, NO_CODE, amount);
            }
            let sent = messages.0 * thousands * size * (0.9 + 0.2 * draws.random::<f64>());
            let complaints = (sent * messages.2 / 1_000.0 + draws.random::<f64>()).floor();
            rows.messages(sent * messages.1, complaints);
        }
        for (campaign, (first, length, _)) in (0_u8..).zip(&c::CAMPAIGNS) {
            if ago <= *first && ago > first - length {
                let channel = campaign % 3;
                rows.push(day, channel, 0, campaign, CAMPAIGN_COST * thousands * size);
            }
        }
    }
    rows.into_table()
}

#[derive(Debug, Default)]
struct Costs {
    day: Vec<i64>,
    channel: Vec<u8>,
    kind: Vec<u8>,
    campaign: Vec<u8>,
    amount: Vec<i64>,
    delivered: Vec<i64>,
    complaints: Vec<i64>,
}

impl Costs {
    fn push(&mut self, day: i64, channel: u8, kind: u8, campaign: u8, amount: f64) {
        self.day.push(day);
        self.channel.push(channel);
        self.kind.push(kind);
        self.campaign.push(campaign);
        self.amount.push(amount.round() as i64);
        self.delivered.push(NO_INTEGER);
        self.complaints.push(NO_INTEGER);
    }

    /// Messages of the channel whose row came last.
    fn messages(&mut self, delivered: f64, complaints: f64) {
        if let (Some(last), Some(complained)) =
            (self.delivered.last_mut(), self.complaints.last_mut())
        {
            *last = delivered.round() as i64;
            *complained = complaints as i64;
        }
    }

    fn into_table(self) -> Table {
        Table::of([
            ("day", Cells::Integer(self.day)),
            ("channel", Cells::Code(self.channel, c::CHANNELS)),
            ("kind", Cells::Code(self.kind, COST_KINDS)),
            ("campaign", Cells::Code(self.campaign, c::CAMPAIGN_NAMES)),
            ("amount_minor", Cells::Integer(self.amount)),
            ("delivered", Cells::Integer(self.delivered)),
            ("complaints", Cells::Integer(self.complaints)),
        ])
    }
}

/// Returns the manual figures: of the brand by month, of channels and rewards the last ones.
pub(crate) fn entries(seed: u64, members: u64) -> Table {
    let mut draws = Draws::seed_from_u64(mixed(seed ^ 0x656e_7472));
    let mut rows = Entries::default();
    for back in (0..MONTHS).rev() {
        let progress = 1.0 - back as f64 / (MONTHS - 1) as f64;
        for (metric, (_, before, now, noise)) in (0_u8..).zip(FIGURES) {
            let drawn =
                before + (now - before) * progress + noise * (2.0 * draws.random::<f64>() - 1.0);
            let day = c::AS_OF_MS - (back * 30 + 1) * c::DAY_MS;
            rows.push(day, 0, NO_CODE, metric, (drawn * 10_000.0).round() / 10_000.0);
        }
    }
    let yesterday = c::AS_OF_MS - c::DAY_MS;
    for (channel, facts) in (0_u8..).zip(CHANNEL_FACTS) {
        for (metric, fact) in (CHANNEL_METRIC..).zip(facts) {
            rows.push(yesterday, 1, channel, metric, fact);
        }
    }
    for (reward, [output, cost, days]) in (5_u8..).zip(REWARD_RECORDS) {
        let thousands = members as f64 / 1_000.0;
        let record = [(output * thousands).round(), (cost * thousands).round(), days];
        for (metric, figure) in (REWARD_METRIC..).zip(record) {
            rows.push(yesterday, 2, reward, metric, figure);
        }
    }
    rows.into_table()
}

#[derive(Debug, Default)]
struct Entries {
    day: Vec<i64>,
    subject: Vec<u8>,
    key: Vec<u8>,
    metric: Vec<u8>,
    value: Vec<f64>,
}

impl Entries {
    fn push(&mut self, day: i64, subject: u8, key: u8, metric: u8, value: f64) {
        self.day.push(day);
        self.subject.push(subject);
        self.key.push(key);
        self.metric.push(metric);
        self.value.push(value);
    }

    fn into_table(self) -> Table {
        Table::of([
            ("day", Cells::Integer(self.day)),
            ("subject", Cells::Code(self.subject, SUBJECTS)),
            ("key", Cells::Code(self.key, KEYS)),
            ("metric", Cells::Code(self.metric, METRICS)),
            ("value", Cells::Real(self.value)),
        ])
    }
}
