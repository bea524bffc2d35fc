//! The events of one member as they are drawn: columns, counts and the bounds of a history.

use rand::RngExt as _;

use crate::community as c;
use crate::kinds::{self, code};
use crate::person::{Draws, Person, days, pick};
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
    /// Begins the history of `person`, after what stands in `events`.
    pub(crate) fn begin(person: &'a Person, draws: &'a mut Draws, events: &'a mut Events) -> Self {
        let first_row = events.rows();
        Self { person, draws, events, first_row, told: Told::default() }
    }

    /// What the events so far say of the truth.
    pub(crate) fn told(&self) -> Told {
        self.told
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

    /// Appends an event some days after `at_ms`; returns when.
    pub(crate) fn later(&mut self, kind: u8, at_ms: i64, mean_days: f64) -> i64 {
        let after = (days(self.draws, mean_days).min(60.0) * c::DAY_MS as f64) as i64;
        self.push(Event::new(kind, at_ms + after));
        at_ms + after
    }
}
