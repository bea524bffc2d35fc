//! Orders of a member: BG/NBD in time, Gamma-Gamma in value, with refunds and what follows them.

use rand::RngExt as _;
use rand_distr::{Beta, Distribution as _, Gamma};

use crate::community as c;
use crate::kinds::code;
use crate::life::{Event, Life};
use crate::person::days;

/// Orders of one member at most.
const ORDERS_MAX: u32 = 2_000;

/// Truth of a member who has bought.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Buyer {
    /// Orders a day while buying.
    pub(crate) rate_day: f64,
    /// Probability of stopping after an order that is not the first.
    pub(crate) drop: f64,
    /// Whether the member still buys at the as-of time.
    pub(crate) buying: bool,
    /// Mean value of an order, minor units.
    pub(crate) mean_minor: i64,
}

/// Draws all orders of a member; `None` where there is none in the history.
pub(crate) fn buy(life: &mut Life<'_>) -> Option<Buyer> {
    if life.draws.random::<f64>() >= c::BUYER_SHARE {
        return None;
    }
    let gamma = |shape, scale| Gamma::new(shape, scale).expect("parameters are positive");
    let rate_day: f64 = gamma(c::BGNBD_R, 1.0 / c::BGNBD_ALPHA).sample(life.draws).max(1e-9);
    let beta = Beta::new(c::BGNBD_A, c::BGNBD_B).expect("parameters are positive");
    let drop: f64 = beta.sample(life.draws);
    let spend_rate: f64 = gamma(c::SPEND_Q, 1.0 / c::SPEND_V).sample(life.draws).max(1e-6);
    let value = gamma(c::SPEND_P, 1.0 / spend_rate);
    let mean_minor = (100.0 * c::SPEND_P / spend_rate).round() as i64;
    let mut at_days = days(life.draws, c::FIRST_ORDER_MEAN_DAYS);
    let tenure = life.person.tenure_days();
    if at_days >= tenure {
        return None;
    }
    for count in 0..ORDERS_MAX {
        let at = life.person.joined_ms + (at_days * c::DAY_MS as f64) as i64;
        let at = life.awake(at);
        let minor = ((100.0 * value.sample(life.draws)).round() as i64).max(1);
        order(life, at, minor);
        if count > 0 && life.draws.random::<f64>() < drop {
            return Some(Buyer { rate_day, drop, buying: false, mean_minor });
        }
        at_days += days(life.draws, 1.0 / rate_day);
        if at_days >= tenure {
            break;
        }
    }
    Some(Buyer { rate_day, drop, buying: true, mean_minor })
}

/// Appends one order and what follows from it.
fn order(life: &mut Life<'_>, at_ms: i64, minor: i64) {
    let mut event = Event::new(code("order_paid"), at_ms);
    event.amount = minor;
    let goods_share = 0.60 + 0.12 * life.draws.random::<f64>();
    event.cost_of_goods = (minor as f64 * goods_share).round() as i64;
    let coupon = life.draws.random::<f64>();
    if coupon < 0.12 {
        life.push(Event::new(code("redeem"), at_ms - 1_000));
    }
    let id = life.push(event);
    let fate = life.draws.random::<f64>();
    if fate < c::REFUND_SHARE {
        let after = (1.0 + days(life.draws, 4.0).min(13.0)) * c::DAY_MS as f64;
        let mut refund = Event::new(code("order_refunded"), at_ms + after as i64);
        refund.original_order = id;
        // Four of five refunds are of the whole order.
        refund.amount = if fate < c::REFUND_SHARE * 0.8 { minor } else { minor / 2 };
        life.push(refund);
    }
    if fate > 0.975 {
        life.later(code("complaint"), at_ms, 3.0);
    }
    if life.draws.random::<f64>() < 0.15 {
        let mut answer = Event::new(code("csat_answer"), at_ms + 2 * c::DAY_MS);
        let luck = life.draws.random::<f64>();
        answer.value =
            (3.4 + 1.3 * life.person.sentiment + 1.4 * (luck - 0.3)).round().clamp(1.0, 5.0);
        life.push(answer);
    }
}
