//! Exchange of points between communities, at a rate and within a daily limit (domain IN-11).
//!
//! One proposal is one exchange: what leaves one ledger and what comes into the other are booked together or not at all.
//! A pair that a partner funds is proposed by the stage of that partner alone, whose pool is the partner's account.

use std::collections::BTreeMap;

use playbook_domain::{floored, product};
use playbook_sdk::prelude::*;

settings! {
    /// Between which communities points may go, and at what rate.
    pub struct Settings {
        /// Pairs by name, in kebab-case.
        pub pair: BTreeMap<String, Pair> where length(1..=256) = { "exchange": {} },
        /// Partner whose pairs this stage proposes; empty: those that no partner funds.
        pub partner: String = "",
    }
}

settings! {
    /// One direction between two communities.
    pub struct Pair {
        /// Community that the points leave.
        pub from: String where length(1..=64) = "community-a",
        /// Community that they come into.
        pub to: String where length(1..=64) = "community-b",
        /// Points that come in for one that leaves.
        pub rate: f64 where within(0.0001..=10000.0) = 1.0,
        /// Most points of a member that may leave in a day.
        pub daily_points: i64 where within(1..) = 500,
        /// Cost of a point that leaves to the brand, minor units: what it owed until then.
        pub from_cost_minor: i64 where within(0..) = 1,
        /// Cost of a point that comes in, minor units.
        pub to_cost_minor: i64 where within(0..) = 1,
        /// Partner who pays the difference; empty: the brand.
        pub partner: String where length(0..=64) = "",
    }
}

declare! {
    /// What a member asks for.
    needs Member(communities: &[&str]) {
        FROM: category("exchange_from", communities.iter().copied()),
        TO: category("exchange_to", communities.iter().copied()),
        POINTS: integer("exchange_points").unit("count"),
        BALANCE: integer("points_balance").unit("count"),
        TODAY: integer("exchanged_today").unit("count"),
    }
    reasons Why {
        ASKED: "exchange-asked" => words("the member asked for the exchange", "成員申請積分互換"),
        LIMITED: "exchange-limited" => words(
            "the daily limit or the balance leaves less than was asked for",
            "受每日上限或餘額限制，少於申請數",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct PointsExchange {
    settings: Settings,
}

impl Settings {
    /// All communities, each once, in order.
    fn communities(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for name in self.pair.values().flat_map(|pair| [&pair.from, &pair.to]) {
            if !all.contains(&name.as_str()) {
                all.push(name);
            }
        }
        all
    }
}

impl Plugin for PointsExchange {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "points-exchange",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Exchange of points between communities", "跨社群積分互認"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for (name, pair) in &settings.pair {
            let path = ["/pair/", &playbook_sdk::settings::escaped(name)].concat();
            let kebab = name.len() <= 48 && name.chars().all(letters);
            problems.check(kebab, path.clone(), "must be a kebab-case name");
            let to = [&path, "/to"].concat();
            problems.check(pair.from != pair.to, to.clone(), "must be another community");
            let way = (pair.from.as_str(), pair.to.as_str());
            problems.check(!seen.contains(&way), to, "another pair has the same way");
            seen.push(way);
        }
        // What goes there and back must not grow.
        for (name, pair) in &settings.pair {
            let back =
                settings.pair.values().find(|back| back.from == pair.to && back.to == pair.from);
            let grows = back.is_some_and(|back| back.rate * pair.rate > 1.0 + 1e-9);
            let path = ["/pair/", &playbook_sdk::settings::escaped(name), "/rate"].concat();
            problems.check(!grows, path, "there and back must not make points");
        }
        problems.into_result()?;
        let shape =
            Shape::rows("member").needs(Member::all(&settings.communities())).reasons(Why::all());
        Ok(settings.pair.iter().fold(shape, |shape, (name, pair)| {
            let en = ["Points from ", &pair.from, " to ", &pair.to].concat();
            let zh = ["積分互換：", &pair.from, "至", &pair.to].concat();
            let action = action(["exchange-", name].concat(), Priority::Transaction, (en, zh));
            shape.action(action.frequency(Frequency::OnceAnEvent))
        }))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// Rounding that rates such as 0.1 carry when they are multiplied.
const ROUNDING: f64 = 1e-9;

/// Returns what leaves and what comes in for `points`: what comes in rounds down, and no point leaves for nothing.
fn exchanged(points: i64, rate: f64) -> Option<(i64, i64)> {
    let credited = floored(points as f64 * rate + ROUNDING);
    let debited = (credited as f64 / rate - ROUNDING).ceil() as i64;
    (credited > 0).then_some((debited.clamp(1, points.max(1)), credited))
}

impl Incentive for PointsExchange {
    fn propose(&self, _: &Context, rows: &Rows<'_>, out: &mut Proposals) -> Result<(), String> {
        let communities = self.settings.communities();
        let pairs: Vec<(u32, &Pair)> = (0..).zip(self.settings.pair.values()).collect();
        let (from, to) = (rows.get(Member::FROM), rows.get(Member::TO));
        let (points, balance) = (rows.get(Member::POINTS), rows.get(Member::BALANCE));
        let today = rows.get(Member::TODAY);
        for row in 0..rows.len() {
            let place = |place: Option<usize>| place.and_then(|at| communities.get(at));
            let (Some(from), Some(to)) = (place(from.get(row)), place(to.get(row))) else {
                continue;
            };
            let pair = pairs.iter().find(|(_, pair)| pair.from == **from && pair.to == **to);
            let Some((action, pair)) =
                pair.filter(|(_, pair)| pair.partner == self.settings.partner)
            else {
                continue;
            };
            // What the member has, or has exchanged today, must be known.
            let (Some(asked), Some(balance), Some(today)) =
                (points.get(row), balance.get(row), today.get(row))
            else {
                continue;
            };
            let left = pair.daily_points.saturating_sub(today.max(0));
            let open = asked.min(balance).min(left);
            if open <= 0 {
                continue;
            }
            let Some((debited, credited)) = exchanged(open, pair.rate) else { continue };
            let owed = product(debited, pair.from_cost_minor);
            let cost = product(credited, pair.to_cost_minor).saturating_sub(owed).max(0);
            let reason = if open < asked { Why::LIMITED } else { Why::ASKED };
            out.push(Proposal { quantity: debited, cost, ..Proposal::new(row, *action, reason) });
        }
        Ok(())
    }
}

export!(PointsExchange: incentive);
