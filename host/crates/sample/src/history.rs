//! What a member does: events of own accord, orders, answers to questions, co-creation.

use rand::RngExt as _;
use rand_distr::{Distribution as _, Poisson, StandardNormal};

use crate::community as c;
use crate::kinds::{self, code};
use crate::life::{Event, Events, Life, Told};
use crate::orders::{Buyer, buy};
use crate::person::{Draws, Person, member_id, mixed, pick};

/// Draws everything that `person` does and returns what it amounts to.
pub(crate) fn live(
    person: &Person,
    draws: &mut Draws,
    events: &mut Events,
) -> (Told, Option<Buyer>) {
    let mut life = Life::begin(person, draws, events);
    life.push(Event::new(code("join"), person.joined_ms));
    life.own_accord();
    let buyer = buy(&mut life);
    life.answers();
    (life.told(), buyer)
}

impl Life<'_> {
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
