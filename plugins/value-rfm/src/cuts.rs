//! Cut points and the three digits they give.

use playbook_sdk::codec;
use playbook_sdk::prelude::*;

use crate::Settings;

/// Days after which an order no longer counts: its member is the least of all, and in no fit.
pub(crate) const YEAR_DAYS: i64 = 365;

/// Cut points for the scores 5, 4, 3 and 2 of each digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuts {
    /// Most days since the last order.
    pub days: [i64; 4],
    /// Fewest orders.
    pub orders: [i64; 4],
    /// Least spend in minor units.
    pub spend: [i64; 4],
}

codec!(Cuts { days, orders, spend });

/// The three digits of a member who has bought, each 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// Recency.
    pub recency: i64,
    /// Frequency.
    pub frequency: i64,
    /// Spend.
    pub monetary: i64,
}

impl Digits {
    /// All codes: "000" for a member who never bought, then "111" to "555" in order.
    pub fn codes() -> impl Iterator<Item = String> {
        let digits =
            (1..=5).flat_map(|r| (1..=5).flat_map(move |f| (1..=5).map(move |m| (r, f, m))));
        std::iter::once("000".to_owned()).chain(digits.map(|(r, f, m)| format!("{r}{f}{m}")))
    }

    /// Position of the code in [`Digits::codes`].
    #[must_use]
    pub fn position(self) -> usize {
        let at = 25 * (self.recency - 1) + 5 * (self.frequency - 1) + self.monetary;
        usize::try_from(at).unwrap_or_default()
    }

    /// Sum of the three, 3 to 15.
    #[must_use]
    pub fn sum(self) -> i64 {
        self.recency + self.frequency + self.monetary
    }
}

/// 5 minus the number of cut points that are missed.
fn score(missed: impl Fn(i64) -> bool, cuts: &[i64; 4]) -> i64 {
    5 - cuts.iter().map(|&cut| i64::from(missed(cut))).sum::<i64>()
}

impl Cuts {
    /// The cut points of the settings.
    #[must_use]
    pub fn fixed(settings: &Settings) -> Self {
        Self { days: settings.r_days, orders: settings.f_orders, spend: settings.m_minor }
    }

    /// The cut points of a fit.
    ///
    /// # Errors
    /// Where the bytes are no model of this plugin.
    pub fn from_model(model: &[u8]) -> Result<Self, Problems> {
        codec::decode(model)
            .map_err(|text| Problems::one("", format!("the model is damaged: {text}")))
    }

    /// The digits of a member whose last order is `days` ago.
    #[must_use]
    pub fn digits(&self, days: i64, orders: Option<i64>, spend: Option<i64>) -> Digits {
        if days > YEAR_DAYS {
            return Digits { recency: 1, frequency: 1, monetary: 1 };
        }
        let (orders, spend) = (orders.unwrap_or(0), spend.unwrap_or(0));
        Digits {
            recency: score(|cut| days > cut, &self.days),
            frequency: score(|cut| orders < cut, &self.orders),
            monetary: score(|cut| spend < cut, &self.spend),
        }
    }
}
