//! A stretch of members with everything that belongs to them: the unit that threads draw.

use std::ops::Range;

use rand::RngExt as _;

use crate::community as c;
use crate::history::live;
use crate::life::{Events, Told};
use crate::orders::Buyer;
use crate::person::{self, Draws, Person, account, member_id, mixed};
use crate::table::{Cells, NO_INTEGER, Table};
use crate::truth::Counts;

/// Members of a chunk; a chunk is a row group of each file.
pub(crate) const CHUNK_MEMBERS: u64 = 32_768;

const KEY_KINDS: &[&str] = &["phone", "email", "union-id", "card"];
const PURPOSES: &[&str] = &["service", "marketing", "profiling"];
const STATES: &[&str] = &["granted", "requested", "pending_second", "withdrawn", "expired"];
/// Per purpose: share asked at all, then shares of the states.
const CONSENTS: [(f64, [f64; 5]); 3] = [
    (0.98, [0.96, 0.01, 0.01, 0.02, 0.0]),
    (0.95, [0.80, 0.05, 0.04, 0.09, 0.02]),
    (0.85, [0.70, 0.08, 0.05, 0.13, 0.04]),
];

/// Tables of a chunk.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) members: Table,
    pub(crate) events: Table,
    pub(crate) identities: Table,
    pub(crate) consents: Table,
    pub(crate) truth: Table,
    pub(crate) counts: Counts,
}

/// Draws the members of `range`.
pub(crate) fn draw(seed: u64, range: Range<u64>) -> Chunk {
    let mut members = Members::default();
    let mut events = Events::default();
    let mut identities = Identities::default();
    let mut consents = Consents::default();
    let mut truth = Truths::default();
    let mut counts = Counts::default();
    for index in range {
        let (person, mut draws) = person::person(seed, index);
        members.push(&person);
        let before = events.rows();
        let (told, buyer) = live(&person, &mut draws, &mut events);
        identities.push(seed, &person, &mut draws, &mut counts);
        consents.push(&person, &mut draws);
        let owner = account(seed, index).owner;
        truth.push(&person, owner, &told, buyer.as_ref());
        counts.add(&person, &told, buyer.as_ref(), events.rows() - before);
    }
    Chunk {
        members: members.into_table(),
        events: events.into_table(),
        identities: identities.into_table(),
        consents: consents.into_table(),
        truth: truth.into_table(),
        counts,
    }
}

#[derive(Debug, Default)]
struct Members {
    member: Vec<i64>,
    joined: Vec<i64>,
    region: Vec<u8>,
    age_band: Vec<u8>,
    community: Vec<u8>,
    channel: Vec<u8>,
    followers: Vec<i64>,
}

impl Members {
    fn push(&mut self, person: &Person) {
        self.member.push(person.member());
        self.joined.push(person.joined_ms);
        self.region.push(person.region);
        self.age_band.push(person.age_band);
        self.community.push(person.community);
        self.channel.push(person.channel);
        self.followers.push(person.followers);
    }

    fn into_table(self) -> Table {
        Table::of([
            ("member", Cells::Integer(self.member)),
            ("joined", Cells::Integer(self.joined)),
            ("region", Cells::Code(self.region, c::REGIONS)),
            ("age_band", Cells::Code(self.age_band, c::AGE_BANDS)),
            ("community", Cells::Code(self.community, c::COMMUNITIES)),
            ("channel", Cells::Code(self.channel, c::CHANNELS)),
            ("followers", Cells::Integer(self.followers)),
        ])
    }
}

#[derive(Debug, Default)]
struct Identities {
    member: Vec<i64>,
    key_kind: Vec<u8>,
    key_hash: Vec<u64>,
    verified: Vec<bool>,
    channel: Vec<u8>,
}

impl Identities {
    fn push(&mut self, seed: u64, person: &Person, draws: &mut Draws, counts: &mut Counts) {
        let account = account(seed, person.index);
        let key =
            |owner: u64, kind: u64| mixed(mixed(seed ^ 0x6b65_7973).wrapping_add(owner * 4 + kind));
        let second = account.owner != person.index;
        let linked = second || account.conflict.is_some();
        // Accounts that are joined need the key that joins them, on both sides.
        let phone = draws.random::<f64>();
        self.row(person, 0, key(account.owner, 0), second || linked || phone < 0.96);
        if let Some(other) = account.conflict {
            self.row(person, 2, key(other, 2), true);
        } else if draws.random::<f64>() < 0.6 {
            self.row(person, 2, key(account.owner, 2), true);
        }
        if !linked && draws.random::<f64>() < 0.25 {
            self.row(person, 1, key(person.index, 1), draws.random::<f64>() < 0.7);
        }
        counts.second_accounts += u64::from(second);
        counts.conflicts += u64::from(account.conflict.is_some());
    }

    fn row(&mut self, person: &Person, kind: u8, hash: u64, verified: bool) {
        self.member.push(person.member());
        self.key_kind.push(kind);
        self.key_hash.push(hash);
        self.verified.push(verified);
        self.channel.push(person.channel);
    }

    fn into_table(self) -> Table {
        Table::of([
            ("member", Cells::Integer(self.member)),
            ("key_kind", Cells::Code(self.key_kind, KEY_KINDS)),
            ("key_hash", Cells::Hash(self.key_hash)),
            ("verified", Cells::Flag(self.verified)),
            ("channel", Cells::Code(self.channel, c::CHANNELS)),
        ])
    }
}

#[derive(Debug, Default)]
struct Consents {
    member: Vec<i64>,
    purpose: Vec<u8>,
    state: Vec<u8>,
    time: Vec<i64>,
}

impl Consents {
    fn push(&mut self, person: &Person, draws: &mut Draws) {
        for (purpose, (asked, states)) in (0_u8..).zip(&CONSENTS) {
            if draws.random::<f64>() >= *asked {
                continue;
            }
            let state = person::pick(draws, states);
            let after = (person::days(draws, 2.0) * c::DAY_MS as f64) as i64;
            self.member.push(person.member());
            self.purpose.push(purpose);
            self.state.push(state);
            self.time.push((person.joined_ms + after).min(c::AS_OF_MS - 1));
        }
    }

    fn into_table(self) -> Table {
        Table::of([
            ("member", Cells::Integer(self.member)),
            ("purpose", Cells::Code(self.purpose, PURPOSES)),
            ("state", Cells::Code(self.state, STATES)),
            ("time", Cells::Integer(self.time)),
        ])
    }
}

#[derive(Debug, Default)]
struct Truths {
    member: Vec<i64>,
    person: Vec<i64>,
    energy: Vec<f64>,
    engaged: Vec<bool>,
    contributor: Vec<f64>,
    sentiment: Vec<f64>,
    interactions: Vec<i64>,
    tier: Vec<u8>,
    rate: Vec<f64>,
    drop: Vec<f64>,
    buying: Vec<bool>,
    mean: Vec<i64>,
    orders: Vec<i64>,
    spend: Vec<i64>,
}

impl Truths {
    fn push(&mut self, person: &Person, owner: u64, told: &Told, buyer: Option<&Buyer>) {
        self.member.push(person.member());
        self.person.push(member_id(owner));
        self.energy.push(person.energy);
        self.engaged.push(person.is_engaged());
        self.contributor.push(person.contributor);
        self.sentiment.push(person.sentiment);
        self.interactions.push(told.interactions_30d);
        self.tier.push(crate::truth::tier(told.interactions_30d));
        self.rate.push(buyer.map_or(f64::NAN, |buyer| buyer.rate_day));
        self.drop.push(buyer.map_or(f64::NAN, |buyer| buyer.drop));
        self.buying.push(buyer.is_some_and(|buyer| buyer.buying));
        self.mean.push(buyer.map_or(NO_INTEGER, |buyer| buyer.mean_minor));
        self.orders.push(told.orders);
        self.spend.push(told.spend_minor);
    }

    fn into_table(self) -> Table {
        Table::of([
            ("member", Cells::Integer(self.member)),
            ("person", Cells::Integer(self.person)),
            ("events_per_30d", Cells::Real(self.energy)),
            ("engaged", Cells::Flag(self.engaged)),
            ("contributor", Cells::Real(self.contributor)),
            ("sentiment", Cells::Real(self.sentiment)),
            ("interactions_30d", Cells::Integer(self.interactions)),
            ("tier", Cells::Code(self.tier, crate::truth::TIERS)),
            ("orders_per_day", Cells::Real(self.rate)),
            ("drop_probability", Cells::Real(self.drop)),
            ("buying", Cells::Flag(self.buying)),
            ("mean_order_minor", Cells::Integer(self.mean)),
            ("orders", Cells::Integer(self.orders)),
            ("spend_minor", Cells::Integer(self.spend)),
        ])
    }
}
