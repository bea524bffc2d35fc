//! Counts over the whole sample, and the truth in JSON beside the data.

use std::fmt::Write as _;

use crate::community as c;
use crate::life::Told;
use crate::orders::Buyer;
use crate::person::Person;

/// Tiers by interactions in the last 30 days (domain SG-1).
pub(crate) const TIERS: &[&str] = &["silent", "prospect", "active", "core"];

/// Position of the tier of a member with `interactions` in the last 30 days.
pub(crate) fn tier(interactions: i64) -> u8 {
    [1, 11, 51].iter().map(|bound| u8::from(interactions >= *bound)).sum()
}

/// Sums over members; addition in any order gives the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Member rows.
    pub members: u64,
    /// Event rows.
    pub events: u64,
    /// Members by tier: silent, prospect, active, core.
    pub tiers: [u64; 4],
    /// Members who still take part.
    pub engaged: u64,
    /// Members with an order.
    pub buyers: u64,
    /// Of those, members who still buy.
    pub buying: u64,
    /// Orders.
    pub orders: u64,
    /// Sum of orders before refunds, minor units.
    pub spend_minor: i64,
    /// Refunds.
    pub refunds: u64,
    /// Members who are a second account of another.
    pub second_accounts: u64,
    /// Members who share a platform id with somebody of another verified phone.
    pub conflicts: u64,
}

impl Counts {
    pub(crate) fn add(
        &mut self,
        person: &Person,
        told: &Told,
        buyer: Option<&Buyer>,
        events: usize,
    ) {
        self.members += 1;
        self.events += events as u64;
        self.tiers[usize::from(tier(told.interactions_30d))] += 1;
        self.engaged += u64::from(person.is_engaged());
        self.buyers += u64::from(buyer.is_some());
        self.buying += u64::from(buyer.is_some_and(|buyer| buyer.buying));
        self.orders += told.orders.unsigned_abs();
        self.spend_minor += told.spend_minor;
        self.refunds += told.refunds.unsigned_abs();
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.members += other.members;
        self.events += other.events;
        for (sum, more) in self.tiers.iter_mut().zip(other.tiers) {
            *sum += more;
        }
        self.engaged += other.engaged;
        self.buyers += other.buyers;
        self.buying += other.buying;
        self.orders += other.orders;
        self.spend_minor += other.spend_minor;
        self.refunds += other.refunds;
        self.second_accounts += other.second_accounts;
        self.conflicts += other.conflicts;
    }
}

/// Returns the parameters and counts as JSON.
pub(crate) fn json(members: u64, seed: u64, counts: &Counts) -> String {
    let mut text = String::from("{\n");
    let mut line = |key: &str, value: String| {
        writeln!(text, "  \"{key}\": {value},").expect("writing to memory cannot fail");
    };
    line("members_asked", members.to_string());
    line("seed", seed.to_string());
    line("as_of_unix_ms", c::AS_OF_MS.to_string());
    line("horizon_days", c::HORIZON_DAYS.to_string());
    line("currency", "\"CNY\"".to_owned());
    line(
        "parameters",
        format!(
            "{{ \"energy_median\": {}, \"energy_sigma\": {}, \"engaged_mean_days\": {}, \
             \"buyer_share\": {}, \"bgnbd\": {{ \"r\": {}, \"alpha_days\": {}, \"a\": {}, \"b\": {} }}, \
             \"spend\": {{ \"p\": {}, \"q\": {}, \"v\": {} }}, \"refund_share\": {} }}",
            c::ENERGY_MEDIAN,
            c::ENERGY_SIGMA,
            c::ENGAGED_MEAN_DAYS,
            c::BUYER_SHARE,
            c::BGNBD_R,
            c::BGNBD_ALPHA,
            c::BGNBD_A,
            c::BGNBD_B,
            c::SPEND_P,
            c::SPEND_Q,
            c::SPEND_V,
            c::REFUND_SHARE,
        ),
    );
    let [silent, prospect, active, core] = counts.tiers;
    line(
        "tiers",
        format!(
            "{{ \"silent\": {silent}, \"prospect\": {prospect}, \"active\": {active}, \"core\": {core} }}"
        ),
    );
    line("events", counts.events.to_string());
    line("engaged", counts.engaged.to_string());
    line("buyers", counts.buyers.to_string());
    line("buying", counts.buying.to_string());
    line("orders", counts.orders.to_string());
    line("spend_minor", counts.spend_minor.to_string());
    line("refunds", counts.refunds.to_string());
    line("second_accounts", counts.second_accounts.to_string());
    text.push_str(&format!("  \"conflicts\": {}\n}}\n", counts.conflicts));
    text
}
