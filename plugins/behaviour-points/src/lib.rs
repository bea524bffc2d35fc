//! Points of a member by the interaction value table: daily capped counts and orders (domain SC-1).
//!
//! The features are net: a refunded order and an item with a violation are not counted in them, so that
//! their points vanish with them.

pub mod table;

use std::collections::BTreeMap;

use playbook_sdk::columns::Integers;
use playbook_sdk::prelude::*;
use table::{Worth, full_units};

settings! {
    /// What each behaviour is worth.
    pub struct Settings {
        /// Points and daily cap per kind of event. What is given here replaces the whole table. In the standard one
        /// adopted feedback earns on top of feedback.
        pub kinds: BTreeMap<String, KindPoints> where length(1..=128) = {
            "sign_in": { "points": 1, "daily_cap": 1 },
            "like": { "points": 1, "daily_cap": 10 },
            "vote": { "points": 1, "daily_cap": 3 },
            "comment": { "points": 3, "daily_cap": 10 },
            "topic_join": { "points": 4, "daily_cap": 3 },
            "live_interact": { "points": 3, "daily_cap": 5 },
            "survey": { "points": 5, "daily_cap": 1 },
            "task_done": { "points": 5, "daily_cap": 3 },
            "share": { "points": 5, "daily_cap": 3 },
            "answer": { "points": 6, "daily_cap": 5 },
            "review": { "points": 6, "daily_cap": 2 },
            "post": { "points": 8, "daily_cap": 3 },
            "feedback": { "points": 10, "daily_cap": 2 },
            "feedback_adopted": { "points": 15 },
            "cocreate_submit": { "points": 15, "daily_cap": 1 },
            "cocreate_accepted": { "points": 30 },
            "referral_join": { "points": 20, "daily_cap": 5 },
            "referral_purchase": { "points": 50, "daily_cap": 5 }
        },
        /// Where counts come from. `daily`: list feature `daily_KIND_30d`, 30 counts, oldest first, so that
        /// caps hold per day. `totals`: feature `KIND_30d`, without points of today; a `capped-count` with the
        /// caps of this table is exact, a plain count is capped at 30 daily caps.
        pub input: Input = "daily",
        /// Where order points come from. `units`: feature `order_units_30d`, the full units of each order as
        /// the playbook counted them. `amounts`: list feature `order_amounts_30d_minor`, one net amount an
        /// order. `none`: orders earn nothing.
        pub orders: OrderInput = "units",
        /// Points of one full unit of an order.
        pub order_points: i64 where within(0..=1_000_000) = 1,
        /// Minor units of one order unit; only read with `orders = "amounts"`.
        pub order_unit_minor: i64 where within(1..) = 1000,
    }
}

settings! {
    /// Worth of one kind of event.
    pub struct KindPoints {
        /// Points of one event.
        pub points: i64 where within(0..=1_000_000) = 1,
        /// Events of one day that count; left out: all.
        pub daily_cap: Option<i64> where within(0..) = null,
    }
}

settings! {
    /// Form of the counts.
    pub enum Input { Daily = "daily", Totals = "totals" }
}

settings! {
    /// Form of the orders.
    pub enum OrderInput { Units = "units", Amounts = "amounts", None = "none" }
}

declare! {
    /// What is said of a member.
    outputs Said {
        POINTS: integer("points_30d").role(Role::Score).unit("count").at_least(0.0)
            .meaning(words("Points of the last 30 days", "近30日行為積分")),
        TODAY: integer("points_today").unit("count").at_least(0.0).meaning(words(
            "Points of the last day; missing where only totals are known",
            "當日所得積分",
        )),
    }
    reasons Why {
        NOTHING_KNOWN: "nothing-known" => words("no behaviour is measured", "無可用行為數據"),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct BehaviourPoints {
    /// In the order of the needs.
    worths: Vec<Worth>,
    settings: Settings,
}

impl Plugin for BehaviourPoints {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "behaviour-points",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Points per behaviour with daily caps, over 30 days and today",
            "互動行為價值評分表：按日封頂的行為積分",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        check(settings)?;
        let mut shape = Shape::rows("member");
        for kind in settings.kinds.keys() {
            shape = shape.need(match settings.input {
                Input::Daily => need::integers(format!("daily_{kind}_30d")).optional(),
                Input::Totals => need::integer(format!("{kind}_30d")).unit("count").optional(),
            });
        }
        shape = match settings.orders {
            OrderInput::None => shape,
            OrderInput::Units => shape
                .need(need::integer("order_units_30d").optional())
                .need(need::integer("order_units_1d").optional()),
            OrderInput::Amounts => shape
                .need(need::integers("order_amounts_30d_minor").unit("minor").optional())
                .need(need::integers("order_amounts_1d_minor").unit("minor").optional()),
        };
        Ok(shape.produces(Said::all()).reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        let worths = settings
            .kinds
            .values()
            .map(|kind| Worth { points: kind.points, daily_cap: kind.daily_cap });
        Ok(Self { worths: worths.collect(), settings })
    }
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    for kind in settings.kinds.keys() {
        problems.check(
            (1..=64).contains(&kind.len()) && kind.chars().all(letters),
            format!("/kinds/{}", playbook_sdk::settings::escaped(kind)),
            "must be a kind of event in small letters, digits and `_`",
        );
    }
    problems.into_result()
}

/// Points so far: none until anything was measured.
#[derive(Clone, Copy, Default)]
struct Tally(Option<i64>);

impl Tally {
    fn add(&mut self, points: i64) {
        self.0 = Some(self.0.unwrap_or(0).saturating_add(points));
    }
}

/// Rows that hold a value, with it.
fn known<T>(
    rows: &Rows<'_>,
    value: impl Fn(usize) -> Option<T>,
) -> impl Iterator<Item = (usize, T)> {
    (0..rows.len()).filter_map(move |row| Some((row, value(row)?)))
}

impl BehaviourPoints {
    /// Gives the points of 30 days of the kind at `at`, row by row where they are known.
    fn kind_points(&self, rows: &Rows<'_>, at: usize, mut give: impl FnMut(usize, i64)) {
        let worth = self.worths[at];
        match self.settings.input {
            Input::Daily => {
                let column = rows.get(In::<Integers>::at(at));
                known(rows, |row| column.get(row))
                    .for_each(|(row, counts)| give(row, worth.of_days(counts)));
            }
            Input::Totals => {
                let column = rows.get(In::<Integer>::at(at));
                known(rows, |row| column.get(row))
                    .for_each(|(row, count)| give(row, worth.of_total(count)));
            }
        }
    }

    /// Gives the points of the last day of the kind at `at`; totals tell nothing of it.
    fn kind_points_today(&self, rows: &Rows<'_>, at: usize, mut give: impl FnMut(usize, i64)) {
        if self.settings.input == Input::Daily {
            let column = rows.get(In::<Integers>::at(at));
            known(rows, |row| column.get(row)).for_each(|(row, counts)| {
                give(row, counts.last().map_or(0, |count| self.worths[at].of_day(*count)));
            });
        }
    }

    /// Gives the points of the orders in the column `at`.
    fn order_points(&self, rows: &Rows<'_>, at: usize, mut give: impl FnMut(usize, i64)) {
        let worth = Worth { points: self.settings.order_points, daily_cap: None };
        match self.settings.orders {
            OrderInput::None => {}
            OrderInput::Units => {
                let column = rows.get(In::<Integer>::at(at));
                known(rows, |row| column.get(row))
                    .for_each(|(row, units)| give(row, worth.of_day(units)));
            }
            OrderInput::Amounts => {
                let column = rows.get(In::<Integers>::at(at));
                known(rows, |row| column.get(row)).for_each(|(row, amounts)| {
                    give(row, worth.of_day(full_units(amounts, self.settings.order_unit_minor)));
                });
            }
        }
    }
}

impl Scoring for BehaviourPoints {
    fn score(&self, _: &Context, rows: &Rows<'_>, out: &mut Answer<'_>) -> Result<(), String> {
        let kinds = self.worths.len();
        let mut month = vec![Tally::default(); rows.len()];
        let mut today = month.clone();
        // Column by column: what a kind is worth is looked up once, not once a member.
        for at in 0..kinds {
            self.kind_points(rows, at, |row, points| month[row].add(points));
            self.kind_points_today(rows, at, |row, points| today[row].add(points));
        }
        self.order_points(rows, kinds, |row, points| month[row].add(points));
        if self.settings.input == Input::Daily {
            self.order_points(rows, kinds + 1, |row, points| today[row].add(points));
        }
        for (row, (month, today)) in month.iter().zip(&today).enumerate() {
            out.set_or_missing(Said::POINTS, row, month.0);
            out.set_or_missing(Said::TODAY, row, today.0);
            if month.0.is_none() {
                out.reason(row, Why::NOTHING_KNOWN);
            }
        }
        Ok(())
    }

    fn explain(&self, _: &Context, rows: &Rows<'_>) -> Result<Vec<Factor>, String> {
        let kinds = self.worths.len();
        let mut factors = Vec::new();
        for at in 0..=kinds {
            let mut given = 0;
            if at < kinds {
                self.kind_points(rows, at, |_, points| given = points);
            } else {
                self.order_points(rows, at, |_, points| given = points);
            }
            if given > 0 {
                factors.push(factor(In::<Integer>::at(at), Said::POINTS, given as f64));
            }
        }
        Ok(factors)
    }
}

export!(BehaviourPoints: scoring);
