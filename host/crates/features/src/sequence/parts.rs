//! Counts and sums of a sequence, for one member or added up over the members of a subject.

use playbook_model::Give;

use crate::recipe::DAY_MS;
use crate::tally::Number;

const MINUTE_MS: f64 = 60_000.0;

/// Counts and sums of a sequence, which add up over members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// Of sessions.
    Sessions(SessionParts),
    /// Of a funnel.
    Funnel(FunnelParts),
    /// Of a conversion.
    Conversion(ConversionParts),
}

/// Sums over sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionParts {
    pub(super) sessions: i64,
    pub(super) events: i64,
    /// Sessions of one event.
    pub(super) singles: i64,
    pub(super) length_ms: i128,
    /// When the last one began.
    pub(super) last_begin: Option<i64>,
}

/// Sums over members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FunnelParts {
    /// Members who took each step.
    pub(super) reached: Vec<i64>,
    /// Of those who took the last one, from the first step to that, the first time.
    pub(super) time_ms: i128,
}

/// Sums over events of the first step, and over members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversionParts {
    pub(super) begun: i64,
    pub(super) followed: i64,
    /// Members with an event that was followed.
    pub(super) members: i64,
    /// Of those, from their first such event to the one that followed it.
    pub(super) time_ms: i128,
}

impl Parts {
    /// Adds the parts of other members; of the same rule.
    pub fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Sessions(all), Self::Sessions(more)) => {
                all.sessions += more.sessions;
                all.events += more.events;
                all.singles += more.singles;
                all.length_ms += more.length_ms;
                all.last_begin = all.last_begin.max(more.last_begin);
            }
            (Self::Funnel(all), Self::Funnel(more)) => {
                all.reached.iter_mut().zip(&more.reached).for_each(|(all, more)| *all += more);
                all.time_ms += more.time_ms;
            }
            (Self::Conversion(all), Self::Conversion(more)) => {
                all.begun += more.begun;
                all.followed += more.followed;
                all.members += more.members;
                all.time_ms += more.time_ms;
            }
            _ => unreachable!("parts of one rule are of one kind"),
        }
    }

    /// The value that a feature asks for. `local_ms` converts to the brand's local time, and `as_of` is T.
    #[must_use]
    pub fn value(&self, give: Give, as_of: i64, local_ms: impl Fn(i64) -> i64) -> Number<'static> {
        match self {
            Self::Sessions(parts) => parts.value(give, as_of, local_ms),
            Self::Funnel(parts) => parts.value(give),
            Self::Conversion(parts) => parts.value(give),
        }
    }
}

impl SessionParts {
    fn value(&self, give: Give, as_of: i64, local_ms: impl Fn(i64) -> i64) -> Number<'static> {
        match give {
            Give::EventsMean => mean(self.events.into(), self.sessions, 1.0),
            Give::LengthMean => mean(self.length_ms, self.sessions, MINUTE_MS),
            Give::LengthSum => mean(self.length_ms, 1, MINUTE_MS),
            Give::SingleShare => mean(self.singles.into(), self.sessions, 1.0),
            Give::Recency => self.last_begin.map_or(Number::Missing, |begin| {
                Number::Integer((local_ms(as_of) - local_ms(begin)).div_euclid(DAY_MS))
            }),
            _ => Number::Integer(self.sessions),
        }
    }
}

impl FunnelParts {
    fn value(&self, give: Give) -> Number<'static> {
        let of = |step: Option<&i64>| step.copied().unwrap_or(0);
        let last = of(self.reached.last());
        match give {
            Give::Reached(step) => {
                let at = step.and_then(|step| step.checked_sub(1));
                Number::Integer(of(at.and_then(|at| self.reached.get(at))))
            }
            Give::Complete => Number::Integer(last),
            Give::Share => mean(last.into(), of(self.reached.first()), 1.0),
            Give::Time => mean(self.time_ms, last, days()),
            _ => {
                let taken = self.reached.iter().take_while(|members| **members > 0).count();
                Number::Integer(i64::try_from(taken).unwrap_or(i64::MAX))
            }
        }
    }
}

impl ConversionParts {
    fn value(&self, give: Give) -> Number<'static> {
        match give {
            Give::Count => Number::Integer(self.followed),
            Give::Time => mean(self.time_ms, self.members, days()),
            _ => mean(self.followed.into(), self.begun, 1.0),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a day is a small number")]
fn days() -> f64 {
    DAY_MS as f64
}

/// `sum / (count * unit)`, of whole numbers below 2^53 rounded once; missing where there is nothing to divide by.
#[expect(clippy::cast_precision_loss, reason = "SQL casts the same way")]
fn mean(sum: i128, count: i64, unit: f64) -> Number<'static> {
    match count {
        0 => Number::Missing,
        count => Number::Real(sum as f64 / (count as f64 * unit)),
    }
}
