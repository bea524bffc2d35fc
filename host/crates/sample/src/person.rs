//! One member: generator, attributes, traits, accounts.

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand_distr::{Distribution as _, Exp, StandardNormal};
use rand_pcg::Pcg64Mcg;

use crate::community as c;

/// Generator of one member; nothing else draws from it.
pub(crate) type Draws = Pcg64Mcg;

/// Purposes of generators, so that accounts can be looked at without drawing the whole member.
const LIFE: u64 = 1;
const ACCOUNTS: u64 = 2;

/// Traits of a member: the truth that data only shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Person {
    /// Position, from 0.
    pub(crate) index: u64,
    pub(crate) joined_ms: i64,
    pub(crate) region: u8,
    pub(crate) age_band: u8,
    pub(crate) community: u8,
    pub(crate) channel: u8,
    pub(crate) followers: i64,
    /// Events of own accord per 30 days while engaged.
    pub(crate) energy: f64,
    /// Days from joining until the member stops taking part.
    pub(crate) engaged_days: f64,
    /// 0 reads, 1 contributes.
    pub(crate) contributor: f64,
    /// -1..1.
    pub(crate) sentiment: f64,
    /// Topic that the member likes best.
    pub(crate) topic: u8,
}

/// Keys of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    /// Member whose account this is; the account's own member as a rule.
    pub(crate) owner: u64,
    /// Member whose platform id this account carries too, though the phones differ.
    pub(crate) conflict: Option<u64>,
}

/// Returns the generator of member `index` for one purpose.
fn generator(seed: u64, index: u64, purpose: u64) -> Draws {
    Draws::seed_from_u64(mixed(seed ^ mixed(index.wrapping_mul(4) + purpose)))
}

/// Spreads the bits of `value` over all 64.
pub(crate) fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Draws a position with the given weights, which sum to about 1.
pub(crate) fn pick(draws: &mut Draws, weights: &[f64]) -> u8 {
    let mut left: f64 = draws.random();
    for (position, weight) in (0_u8..).zip(weights) {
        left -= weight;
        if left < 0.0 {
            return position;
        }
    }
    u8::try_from(weights.len() - 1).unwrap_or(0)
}

fn is_second_account(seed: u64, index: u64) -> (bool, Draws) {
    let mut draws = generator(seed, index, ACCOUNTS);
    let second = draws.random::<f64>() < c::SECOND_ACCOUNT_SHARE;
    (second && index > 0, draws)
}

/// Returns whose account member `index` is.
pub(crate) fn account(seed: u64, index: u64) -> Account {
    let own = Account { owner: index, conflict: None };
    let (second, mut draws) = is_second_account(seed, index);
    if index == 0 {
        return own;
    }
    let other = draws.random_range(index.saturating_sub(5_000)..index);
    if is_second_account(seed, other).0 {
        return own;
    }
    if second {
        return Account { owner: other, conflict: None };
    }
    let conflict = draws.random::<f64>() < c::CONFLICT_SHARE;
    Account { owner: index, conflict: conflict.then_some(other) }
}

/// Draws member `index` and returns its generator for what follows.
pub(crate) fn person(seed: u64, index: u64) -> (Person, Draws) {
    let mut draws = generator(seed, index, LIFE);
    // The community grows: more members joined lately than long ago.
    let ago_days = c::HORIZON_DAYS as f64 * (1.0 - draws.random::<f64>().sqrt()) + 0.04;
    let ago_ms = (ago_days * c::DAY_MS as f64) as i64;
    let channel = pick(&mut draws, &c::CHANNEL_WEIGHTS);
    let normal: f64 = StandardNormal.sample(&mut draws);
    let spread = (c::ENERGY_SIGMA * normal).exp();
    let energy = c::ENERGY_MEDIAN * spread * c::CHANNEL_ENERGY[usize::from(channel)];
    let bent: f64 = draws.random();
    // Who is busy also contributes rather than reads.
    let contributor = (0.75 * bent * bent + 0.25 * (energy / 40.0).min(1.0)).clamp(0.0, 1.0);
    let mood: f64 = StandardNormal.sample(&mut draws);
    let fame: f64 = StandardNormal.sample(&mut draws);
    let person = Person {
        index,
        joined_ms: c::AS_OF_MS - ago_ms.min(c::HORIZON_DAYS * c::DAY_MS),
        region: pick(&mut draws, &c::REGION_WEIGHTS),
        age_band: pick(&mut draws, &c::AGE_WEIGHTS),
        community: pick(&mut draws, &c::COMMUNITY_WEIGHTS),
        channel,
        followers: ((4.0 + 1.6 * fame + 3.0 * contributor).exp() as i64).min(8_000_000),
        energy: energy.min(c::ENERGY_MAX),
        engaged_days: days(&mut draws, c::ENGAGED_MEAN_DAYS),
        contributor,
        sentiment: (0.35 + 0.35 * mood).clamp(-1.0, 1.0),
        topic: draws.random_range(0..8),
    };
    (person, draws)
}

/// Draws exponential days.
pub(crate) fn days(draws: &mut Draws, mean: f64) -> f64 {
    Exp::new(1.0 / mean).expect("means are positive").sample(draws)
}

impl Person {
    /// Id that data carries.
    pub(crate) fn member(&self) -> i64 {
        member_id(self.index)
    }

    /// Days from joining to the as-of time.
    pub(crate) fn tenure_days(&self) -> f64 {
        (c::AS_OF_MS - self.joined_ms) as f64 / c::DAY_MS as f64
    }

    /// Whether the member still takes part at the as-of time.
    pub(crate) fn is_engaged(&self) -> bool {
        self.engaged_days >= self.tenure_days()
    }
}

/// Id of the member at `index`.
pub(crate) fn member_id(index: u64) -> i64 {
    c::FIRST_MEMBER + i64::try_from(index).unwrap_or(0)
}
