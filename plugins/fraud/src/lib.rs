//! Orders to hold or to block (反欺詐, domain DG-10): a sum of rules, the amounts held against the last four weeks.

mod fit;

use playbook_domain::{is_enough, rung};
use playbook_sdk::codec::decode;
use playbook_sdk::prelude::*;

pub use fit::{Amounts, Seen};

settings! {
    /// What makes an order suspicious.
    pub struct Settings {
        /// What the rows are.
        pub subject: String where length(1..) = "order",
        /// Names of the segments whose amounts are held apart; without any all orders are one.
        pub segments: Vec<String> where length(0..=64), each(length(1..)), distinct = [],
        /// Days up to now whose orders give the limits of amounts.
        pub days: i64 where within(1..=365) = 28,
        /// Fewest orders of a segment with a limit of its own; below it the limit of all orders holds.
        pub orders_min: i64 where within(2..) = 30,
        /// Deviations above the mean amount beyond which an order is unusual.
        pub sigmas: f64 where above(0) = 3.0,
        /// Score of an unusual amount.
        pub amount_score: f64 where within(0.0..=10.0) = 0.4,
        /// Orders of the member in 10 minutes above which they are a burst.
        pub burst_above: i64 where within(1..) = 5,
        /// Score of a burst.
        pub burst_score: f64 where within(0.0..=10.0) = 0.4,
        /// Accounts that share a device or an address, from which they are suspicious.
        pub shared_from: i64 where within(2..) = 3,
        /// Score of a shared device or address.
        pub shared_score: f64 where within(0.0..=10.0) = 0.3,
        /// Hours of an account below which it is new.
        pub new_hours: i64 where within(1..) = 24,
        /// Score of a new account with a coupon.
        pub new_score: f64 where within(0.0..=10.0) = 0.2,
        /// Score of a chain of referrals that ends where it began.
        pub loop_score: f64 where within(0.0..=10.0) = 0.5,
        /// Score from which an order is held for a person.
        pub hold_from: f64 where above(0) = 0.5,
        /// Score from which an order is blocked.
        pub block_from: f64 where above(0) = 0.8,
    }
}

declare! {
    /// What is known of an order.
    needs Order(segments: &[String]) {
        AMOUNT: integer("amount_minor").unit("minor").optional(),
        DAYS_AGO: integer("days_since_order").unit("day").optional(),
        BURST: integer("orders_10min").unit("count").optional(),
        DEVICE: integer("accounts_per_device").unit("count").optional(),
        ADDRESS: integer("accounts_per_address").unit("count").optional(),
        ACCOUNT_HOURS: integer("account_age_hours").unit("hour").optional(),
        COUPON: integer("coupon").optional(),
        LOOP: integer("referral_loop").optional(),
        SEGMENT: category("segment", segments.iter().cloned()).optional(),
    }
    /// What is said of an order.
    outputs Said {
        SCORE: real("score").role(Role::Score).at_least(0.0)
            .meaning(words("Sum of the rules that fired", "欺詐風險分")),
        LEVEL: category("level", LEVELS.map(|level| level.0)).role(Role::Level)
            .alarms([Level::None, Level::Warn, Level::Critical])
            .meaning(words("What should become of the order", "處置級別")),
        LIMIT: real("amount_limit").unit("minor").meaning(words(
            "Amount above which an order of its segment is unusual",
            "該分群異常金額閾值",
        )),
        COVERAGE: real("coverage").role(Role::Coverage).unit("ratio").between(0.0, 1.0)
            .meaning(words("Part of the rules that could be asked", "可判斷規則佔比")),
    }
    reasons Why {
        AMOUNT: "amount" => words("The amount is unusual", "金額異常"),
        BURST: "burst" => words("Many orders within minutes", "短時間內多筆訂單"),
        SHARED: "shared" => words("Accounts share a device or an address", "多帳號共用設備或地址"),
        NEW: "new-account" => words("A new account with a coupon", "新帳號使用優惠券"),
        LOOP: "referral-loop" => words("Referrals end where they began", "推薦鏈閉環"),
        TOO_LITTLE_KNOWN: "too-little-known" => words("Less than half of the rules could be asked", "可判斷規則不足一半"),
    }
}

/// Rules, in the order of their reasons.
const RULES: usize = 5;
const LEVELS: [(&str, &str, &str); 3] = [
    ("pass", "pass", "放行"),
    ("hold", "hold for a person", "待人工審核"),
    ("block", "block", "攔截"),
];
/// Rounding of sums such as 0.3 + 0.2, which must reach 0.5.
const ROUNDING: f64 = 1e-9;

/// The rules with the limits of amounts.
#[derive(Debug)]
pub struct Fraud {
    settings: Settings,
    /// Limit of each segment, and then of all orders.
    limits: Vec<Option<f64>>,
}

impl Plugin for Fraud {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "fraud",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Orders to hold or to block, by rules and the amounts of the last weeks",
            "反欺詐：異常交易識別與動態閾值",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        if settings.block_from < settings.hold_from {
            problems.at("/block_from", "must be at least `hold_from`").hint("0.8");
        }
        if settings.scores().iter().sum::<f64>() <= 0.0 {
            problems.at("/amount_score", "at least one rule must have a score").hint("0.4");
        }
        problems.into_result()?;
        let shape = Shape::rows(settings.subject.clone()).needs(settings.needs());
        let [score, level, rest @ ..] = Said::all();
        let bounds = [settings.hold_from, settings.block_from];
        let shape = shape.produces([score, level.bounds(bounds)]).produces(rest);
        let shape = shape.reasons(Why::all()).fit_passes(1);
        Ok(LEVELS.iter().fold(shape, |shape, (name, en, zh)| shape.term(*name, words(en, zh))))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let model = opening.model.ok_or_else(|| Problems::one("", "opens with a model only"))?;
        let amounts: Vec<Amounts> = decode(model)
            .map_err(|text| Problems::one("", format!("the model is not readable: {text}")))?;
        if amounts.len() != settings.segments.len() + 1 {
            return Err(Problems::one("", "the model was fitted under other settings"));
        }
        let limit = |amounts: &Amounts| amounts.limit(settings.orders_min, settings.sigmas);
        let limits = amounts.iter().map(limit).collect();
        Ok(Self { settings, limits })
    }
}

impl Settings {
    /// The segment is a need only where there are some.
    fn needs(&self) -> impl Iterator<Item = Need> {
        let count = if self.segments.is_empty() { Order::COUNT - 1 } else { Order::COUNT };
        Order::all(&self.segments).into_iter().take(count)
    }

    /// Scores of the rules, in the order of their reasons.
    fn scores(&self) -> [f64; RULES] {
        let Self { amount_score, burst_score, shared_score, new_score, loop_score, .. } = *self;
        [amount_score, burst_score, shared_score, new_score, loop_score]
    }

    /// Position of a row's segment among the limits; the last one is that of all orders.
    fn segment(&self, segments: Option<&playbook_sdk::Categories<'_>>, row: usize) -> usize {
        segments.and_then(|segments| segments.get(row)).unwrap_or(self.segments.len())
    }
}

/// The column of segments, where there is one.
fn segments<'a>(settings: &Settings, rows: &Rows<'a>) -> Option<playbook_sdk::Categories<'a>> {
    (!settings.segments.is_empty()).then(|| rows.get(Order::SEGMENT))
}

/// The greater of two numbers of which one may be missing.
fn most(left: Option<i64>, right: Option<i64>) -> Option<i64> {
    left.max(right)
}

/// Whether a new account used a coupon; without a coupon its age does not matter.
fn is_new(hours: Option<i64>, coupon: Option<i64>, new_hours: i64) -> Option<bool> {
    match (hours.map(|hours| hours < new_hours), coupon.map(|coupon| coupon != 0)) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

impl Diagnosis for Fraud {
    fn diagnose(&self, _: &Context, _: &Tables<'_>, _: &mut TableAnswer<'_>) -> Result<(), String> {
        Ok(())
    }

    fn screen(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let settings = &self.settings;
        let (amount, burst) = (rows.get(Order::AMOUNT), rows.get(Order::BURST));
        let (device, address) = (rows.get(Order::DEVICE), rows.get(Order::ADDRESS));
        let (hours, coupon) = (rows.get(Order::ACCOUNT_HOURS), rows.get(Order::COUPON));
        let (referral_loop, segments) = (rows.get(Order::LOOP), segments(settings, rows));
        let scores = settings.scores();
        let whole: f64 = scores.iter().sum();
        for row in 0..rows.len() {
            let own = self.limits[settings.segment(segments.as_ref(), row)];
            let limit = own.or(self.limits[settings.segments.len()]);
            out.set_or_missing(Said::LIMIT, row, limit);
            let fired: [Option<bool>; RULES] = [
                amount.get(row).zip(limit).map(|(amount, limit)| amount as f64 > limit),
                burst.get(row).map(|orders| orders > settings.burst_above),
                most(device.get(row), address.get(row)).map(|n| n >= settings.shared_from),
                is_new(hours.get(row), coupon.get(row), settings.new_hours),
                referral_loop.get(row).map(|flag| flag != 0),
            ];
            let (mut known, mut score, mut heaviest) = (0.0, 0.0, None);
            for (rule, (fired, weight)) in fired.into_iter().zip(scores).enumerate() {
                known += if fired.is_some() { weight } else { 0.0 };
                if fired == Some(true) {
                    score += weight;
                    if heaviest.is_none_or(|heaviest: usize| weight > scores[heaviest]) {
                        heaviest = Some(rule);
                    }
                }
            }
            out.set(Said::COVERAGE, row, (known / whole).min(1.0));
            // What fired is enough to hold an order, whatever the others would have said.
            let is_held = score + ROUNDING >= settings.hold_from;
            if !is_held && !is_enough(known, whole) {
                out.reason(row, Why::TOO_LITTLE_KNOWN);
                continue;
            }
            let bounds = [settings.hold_from, settings.block_from];
            out.set(Said::SCORE, row, score);
            out.set(Said::LEVEL, row, rung(score + ROUNDING, &bounds));
            if let Some(rule) = heaviest {
                out.reason(row, rule as u32);
            }
        }
        Ok(())
    }
}

export!(Fraud: fitted diagnosis);
