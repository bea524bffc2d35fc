//! What a member does: events of own accord, answers to questions, co-creation, in columns.

use rand::RngExt as _;
use rand_distr::{Distribution as _, Poisson, StandardNormal};

use crate::community as c;
use crate::kinds::{self, code};
use crate::orders::{Buyer, buy};
use crate::person::{Draws, Person, days, member_id, mixed, pick};
use crate::table::{Cells, NO_CODE, NO_INTEGER, Table};

/// Events of one member at most; ids leave room for 65,536.
const EVENTS_MAX: usize = 60_000;
/// How much happens in each hour of the brand's day.
const HOURS: [f64; 24] = [
    0.016, 0.008, 0.005, 0.004, 0.005, 0.010, 0.022, 0.038, 0.046, 0.046, 0.048, 0.052, 0.060,
    0.052, 0.042, 0.040, 0.042, 0.048, 0.056, 0.068, 0.084, 0.090, 0.072, 0.046,
];
const SEVERITIES: &[&str] = &["minor", "major", "fraud"];

/// One event. Fields that do not apply are missing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) kind: u8,
    pub(crate) at_ms: i64,
    pub(crate) amount: i64,
    pub(crate) cost_of_goods: i64,
    pub(crate) original_order: i64,
    pub(crate) sentiment: f64,
    pub(crate) value: f64,
    pub(crate) object: i64,
    pub(crate) severity: u8,
}

impl Event {
    pub(crate) fn new(kind: u8, at_ms: i64) -> Self {
        Self {
            kind,
            at_ms,
            amount: NO_INTEGER,
            cost_of_goods: NO_INTEGER,
            original_order: NO_INTEGER,
            sentiment: f64::NAN,
            value: f64::NAN,
            object: NO_INTEGER,
            severity: NO_CODE,
        }
    }
}

/// Columns of the events table.
#[derive(Debug, Default)]
pub(crate) struct Events {
    id: Vec<i64>,
    member: Vec<i64>,
    kind: Vec<u8>,
    time: Vec<i64>,
    channel: Vec<u8>,
    community: Vec<u8>,
    campaign: Vec<u8>,
    topic: Vec<u8>,
    amount: Vec<i64>,
    cost_of_goods: Vec<i64>,
    original_order: Vec<i64>,
    sentiment: Vec<f64>,
    value: Vec<f64>,
    object: Vec<i64>,
    severity: Vec<u8>,
}

/// What a member's events say of the truth.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Told {
    /// Interactions in the last 30 days.
    pub(crate) interactions_30d: i64,
    /// Orders and their sum before refunds.
    pub(crate) orders: i64,
    pub(crate) spend_minor: i64,
    pub(crate) refunds: i64,
}

impl Events {
    pub(crate) fn into_table(self) -> Table {
        Table::of([
            ("event_id", Cells::Integer(self.id)),
            ("member", Cells::Integer(self.member)),
            ("kind", Cells::Code(self.kind, kinds::KINDS)),
            ("time", Cells::Integer(self.time)),
            ("channel", Cells::Code(self.channel, c::CHANNELS)),
            ("community", Cells::Code(self.community, c::COMMUNITIES)),
            ("campaign", Cells::Code(self.campaign, c::CAMPAIGN_NAMES)),
            ("topic", Cells::Code(self.topic, c::TOPICS)),
            ("amount_minor", Cells::Integer(self.amount)),
            ("cost_of_goods_minor", Cells::Integer(self.cost_of_goods)),
            ("original_order", Cells::Integer(self.original_order)),
            ("sentiment", Cells::Real(self.sentiment)),
            ("value", Cells::Real(self.value)),
            ("object", Cells::Integer(self.object)),
            ("severity", Cells::Code(self.severity, SEVERITIES)),
        ])
    }

    pub(crate) fn rows(&self) -> usize {
        self.id.len()
    }
}

/// Writes the events of one member.
pub(crate) struct Life<'a> {
    pub(crate) person: &'a Person,
    pub(crate) draws: &'a mut Draws,
    events: &'a mut Events,
    first_row: usize,
    told: Told,
}

impl<'a> Life<'a> {
    /// Draws everything that `person` does and returns what it amounts to.
    pub(crate) fn live(
        person: &'a Person,
        draws: &'a mut Draws,
        events: &'a mut Events,
    ) -> (Told, Option<Buyer>) {
        let first_row = events.rows();
        let mut life = Self { person, draws, events, first_row, told: Told::default() };
        life.push(Event::new(code("join"), person.joined_ms));
        life.own_accord();
        let buyer = buy(&mut life);
        life.answers();
        (life.told, buyer)
    }

    /// Appends an event unless the member's history is full; returns its id.
    pub(crate) fn push(&mut self, event: Event) -> i64 {
        let position = self.events.rows() - self.first_row;
        let id = (i64::try_from(self.person.index).unwrap_or(0) << 16)
            + i64::try_from(position).unwrap_or(0)
            + 1;
        if position >= EVENTS_MAX || event.at_ms >= c::AS_OF_MS {
            return id;
        }
        self.count(&event);
        let away = self.draws.random::<f64>();
        let channel =
            if away < 0.12 { pick(self.draws, &c::CHANNEL_WEIGHTS) } else { self.person.channel };
        let community = if away > 0.90 {
            pick(self.draws, &c::COMMUNITY_WEIGHTS)
        } else {
            self.person.community
        };
        let topic = if self.draws.random::<f64>() < 0.45 {
            self.person.topic
        } else {
            self.draws.random_range(0..8)
        };
        let has_topic = kinds::INTERACTIONS.contains(&event.kind) || event.kind == code("view");
        let campaign = self.campaign(event.at_ms);
        let events = &mut *self.events;
        events.id.push(id);
        events.member.push(self.person.member());
        events.kind.push(event.kind);
        events.time.push(event.at_ms);
        events.channel.push(channel);
        events.community.push(community);
        events.campaign.push(campaign);
        events.topic.push(if has_topic { topic } else { NO_CODE });
        events.amount.push(event.amount);
        events.cost_of_goods.push(event.cost_of_goods);
        events.original_order.push(event.original_order);
        events.sentiment.push(event.sentiment);
        events.value.push(event.value);
        events.object.push(event.object);
        events.severity.push(event.severity);
        id
    }

    fn count(&mut self, event: &Event) {
        let told = &mut self.told;
        let recent = event.at_ms >= c::AS_OF_MS - 30 * c::DAY_MS;
        if recent && kinds::INTERACTIONS.contains(&event.kind) {
            told.interactions_30d += 1;
        }
        if event.kind == code("order_paid") {
            told.orders += 1;
            told.spend_minor += event.amount;
        }
        if event.kind == code("order_refunded") {
            told.refunds += 1;
        }
    }

    fn campaign(&mut self, at_ms: i64) -> u8 {
        let ago = (c::AS_OF_MS - at_ms) / c::DAY_MS;
        let running = (0_u8..)
            .zip(&c::CAMPAIGNS)
            .find(|(_, (first, length, _))| ago <= *first && ago > first - length);
        match running {
            Some((code, (_, _, share))) if self.draws.random::<f64>() < *share => code,
            _ => NO_CODE,
        }
    }

    /// Moves a moment to an hour in which people are awake, within the member's time.
    pub(crate) fn awake(&mut self, at_ms: i64) -> i64 {
        let hour = i64::from(pick(self.draws, &HOURS));
        let local = at_ms + 8 * c::HOUR_MS;
        let moved =
            at_ms - local.rem_euclid(c::DAY_MS) + hour * c::HOUR_MS + at_ms.rem_euclid(c::HOUR_MS);
        if moved < self.person.joined_ms || moved >= c::AS_OF_MS { at_ms } else { moved }
    }

    fn own_accord(&mut self) {
        let span_days = self.person.engaged_days.min(self.person.tenure_days());
        let expected = (self.person.energy / 30.0 * span_days).max(1e-9);
        let count: f64 = Poisson::new(expected).expect("rates are positive").sample(self.draws);
        let bent = self.person.contributor;
        let mut weights = [0.0; kinds::OWN.len()];
        for (weight, (_, reader, contributor)) in weights.iter_mut().zip(kinds::OWN) {
            *weight = reader * (1.0 - bent) + contributor * bent;
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        let span_ms = span_days * c::DAY_MS as f64;
        for _ in 0..count as u64 {
            let at = self.person.joined_ms + (self.draws.random::<f64>() * span_ms) as i64;
            let at = self.awake(at.min(c::AS_OF_MS - 1));
            let kind = kinds::OWN[usize::from(pick(self.draws, &weights))].0;
            self.act(kind, at);
        }
    }

    fn act(&mut self, kind: u8, at_ms: i64) {
        let mut event = Event::new(kind, at_ms);
        if [code("comment"), code("post"), code("review"), code("feedback")].contains(&kind) {
            event.sentiment = self.feeling();
        } else if kind == code("referral_join") {
            let friend = mixed(self.person.index ^ at_ms.unsigned_abs()) % (self.person.index + 1);
            event.object = member_id(friend);
        } else if kind == code("violation") {
            event.severity = pick(self.draws, &[0.85, 0.12, 0.03]);
        }
        self.push(event);
        if kind == code("feedback") && self.draws.random::<f64>() < 0.2 {
            self.later(code("feedback_adopted"), at_ms, 6.0);
        }
        if kind == code("cocreate_invited") && self.draws.random::<f64>() < 0.45 {
            let submit = self.later(code("cocreate_submit"), at_ms, 5.0);
            if self.draws.random::<f64>() < 0.28 {
                self.later(code("cocreate_accepted"), submit, 9.0);
            }
        }
    }

    /// Appends an event some days after `at_ms`; returns when.
    pub(crate) fn later(&mut self, kind: u8, at_ms: i64, mean_days: f64) -> i64 {
        let after = (days(self.draws, mean_days).min(60.0) * c::DAY_MS as f64) as i64;
        self.push(Event::new(kind, at_ms + after));
        at_ms + after
    }

    /// Sentiment of one text, two decimals.
    fn feeling(&mut self) -> f64 {
        let noise: f64 = StandardNormal.sample(self.draws);
        ((self.person.sentiment + 0.3 * noise).clamp(-1.0, 1.0) * 100.0).round() / 100.0
    }

    /// Answers to the question whether the member would recommend the brand.
    fn answers(&mut self) {
        let asked = 0.01 + 0.05 * (self.person.energy / 10.0).min(1.0);
        if !self.person.is_engaged() || self.draws.random::<f64>() >= asked {
            return;
        }
        let back = self.draws.random::<f64>() * 180.0_f64.min(self.person.tenure_days());
        let mut event =
            Event::new(code("nps_answer"), c::AS_OF_MS - 1 - (back * c::DAY_MS as f64) as i64);
        let noise: f64 = StandardNormal.sample(self.draws);
        event.value =
            (7.6 + 3.2 * (self.person.sentiment - 0.1) + 1.3 * noise).round().clamp(0.0, 10.0);
        self.push(event);
    }
}
