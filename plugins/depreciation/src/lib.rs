//! Loss of brand value after months of low activity (domain RO-3).
//!
//! Closed months come as a list or as columns. What an earlier evaluation left of the value, and how many low months it
//! had counted, are read back, so that a month that falls out of the window stays lost.

use playbook_domain::{Decay, Streak, Worth, floored, local_day};
use playbook_sdk::prelude::*;

settings! {
    /// When brand value falls, and by how much.
    pub struct Settings {
        /// What the rows are: brand or community.
        pub subject: String where length(1..) = "brand",
        /// Monthly activity below which a month counts as low: mean share of weekly active members.
        pub floor: f64 where within(0.0..=1.0) = 0.15,
        /// Low months in a row that pass before value falls.
        pub months: u32 where within(1..=12) = 3,
        /// Share of the value that each further low month takes.
        pub rate: f64 where within(0.0..=1.0) = 0.05,
        /// Members in a month below which it has no measure, where the table tells them.
        pub sample_min: i64 where within(0..) = 30,
        /// Closed months that the table may tell.
        pub window: u32 where within(1..=24) = 6,
    }
}

declare! {
    /// What is known of a brand; activity and sample of each closed month follow, the last one first.
    needs Row {
        ACTIVITY: reals("activity_monthly").unit("ratio").optional(),
        VALUE: integer("brand_value_minor").unit("minor").optional(),
        FACTOR_BEFORE: real("brand_value_factor").previous(1),
        LOW_BEFORE: integer("low_months").previous(1),
        GAPS_BEFORE: integer("unmeasured_months").previous(1),
        MONTH_BEFORE: integer("closed_month").previous(1),
    }
    /// What is said of it.
    outputs Said {
        FACTOR: real("brand_value_factor").unit("ratio").between(0.0, 1.0).meaning(words(
            "What depreciation has left of the value of the brand",
            "折舊後品牌價值係數",
        )),
        VALUE: integer("value_left_minor").role(Role::Value).unit("minor").meaning(words(
            "Value of the brand after depreciation, rounded down",
            "折舊後品牌價值（向下取整）",
        )),
        LOW: integer("low_months").unit("count").at_least(0.0)
            .meaning(words("Low months in a row", "連續低活躍月數")),
        GAPS: integer("unmeasured_months").unit("count").at_least(0.0)
            .meaning(words("Months without a measure since the last one with it", "最近無有效數據的月數")),
        MONTH: integer("closed_month").unit("").meaning(words(
            "The last closed month, as months since the year 0",
            "最近結算月（自公元零年起的月數）",
        )),
    }
    reasons Why {
        NEAR: "depreciation-near" => words(
            "one more month of low activity and depreciation may start",
            "活躍度再低一個月，折舊條件即成立",
        ),
        DUE: "depreciation-due" => words(
            "activity has been low for months: the next low month takes value",
            "活躍度連月過低：再低一個月即折舊",
        ),
        FALLS: "depreciates" => words(
            "activity has been low for months: brand value falls",
            "活躍度連月過低，社群資產折舊",
        ),
        UNMEASURED: "unmeasured" => words(
            "the last closed months have no measure: two of them end a count",
            "最近月份無有效數據，連續兩月則重新計數",
        ),
    }
}

/// The column with the activity of a closed month, 0 for the last one.
fn activity(ago: usize) -> In<Real> {
    In::at(Row::COUNT + 2 * ago)
}

/// The column with the members of a closed month.
fn sample(ago: usize) -> In<Integer> {
    In::at(Row::COUNT + 2 * ago + 1)
}

/// The opened plugin.
#[derive(Debug)]
pub struct Depreciation {
    settings: Settings,
}

impl Plugin for Depreciation {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "depreciation",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Loss of brand value after months of low activity",
            "社群資產折舊：活躍度連月過低時品牌價值遞減",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let month = |ago: u32| {
            [
                need::real(format!("activity_month_{ago}")).unit("ratio").optional(),
                need::integer(format!("members_month_{ago}")).unit("count").optional(),
            ]
        };
        let rows = table(settings.subject.clone())
            .needs(Row::all())
            .needs((1..=settings.window).flat_map(month));
        Ok(Shape::whole_tables().table(rows).produces_in(0, Said::all()).reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Depreciation {
    /// Activity of the closed months, oldest first; the columns win over the list.
    fn months(&self, rows: &Rows<'_>, row: usize) -> Vec<Option<f64>> {
        let list = rows.get(Row::ACTIVITY).get(row).unwrap_or_default();
        let month = |ago: usize| {
            let listed = list.iter().rev().nth(ago).copied();
            let activity = rows.get(activity(ago)).get(row).or(listed);
            let members = rows.get(sample(ago)).get(row);
            activity.filter(|_| members.is_none_or(|members| members >= self.settings.sample_min))
        };
        (0..self.settings.window as usize).rev().map(month).collect()
    }

    /// What an earlier evaluation left, and the months that have closed since.
    fn before(&self, rows: &Rows<'_>, row: usize, closed: i64) -> Option<(Worth, usize)> {
        let factor = rows.get(Row::FACTOR_BEFORE).get(row)?;
        let count = |column: In<Integer>| u32::try_from(rows.get(column).get(row)?).ok();
        let low = Streak::resumed(count(Row::LOW_BEFORE)?, count(Row::GAPS_BEFORE)?);
        let since = closed.saturating_sub(rows.get(Row::MONTH_BEFORE).get(row)?);
        let worth = Worth { factor: factor.clamp(0.0, 1.0), low };
        Some((worth, usize::try_from(since).unwrap_or(0)))
    }

    fn finding(&self, worth: &Worth, last: Option<f64>, fell: bool) -> Option<Finding> {
        let Settings { floor, months, .. } = self.settings;
        let Some(last) = last else {
            let counts = worth.low.count() > 0;
            return counts.then(|| Finding::new(Level::Watch, Why::UNMEASURED));
        };
        let (level, why) = match worth.low.count() {
            _ if fell => (Level::Critical, Why::FALLS),
            low if low >= months => (Level::Warn, Why::DUE),
            low if low + 1 == months && low > 0 => (Level::Watch, Why::NEAR),
            _ => return None,
        };
        Some(Finding::new(level, why).measured(last, floor))
    }
}

impl Roi for Depreciation {
    fn value(
        &self,
        context: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let Settings { floor, months, rate, .. } = self.settings;
        let decay = Decay { floor, months, rate };
        let closed = local_day(context.local_min).month - 1;
        let rows = tables.table(0);
        let value = rows.get(Row::VALUE);
        for row in 0..rows.len() {
            let activity = self.months(&rows, row);
            let before = self.before(&rows, row, closed);
            if before.is_none() && activity.iter().all(Option::is_none) {
                continue;
            }
            let (mut worth, since) = before.unwrap_or((Worth::default(), activity.len()));
            // Months before the window have no measure; more than two of them say no more than two.
            for _ in activity.len()..since.min(activity.len() + 2) {
                worth.close(None, &decay);
            }
            let mut fell = false;
            for month in &activity[activity.len().saturating_sub(since)..] {
                fell = worth.close(*month, &decay);
            }
            let last = activity.last().copied().flatten();
            if let Some(finding) = self.finding(&worth, last, fell) {
                out.finding(finding.at(0, row as u32));
            }
            let left = value.get(row).map(|value| floored(value as f64 * worth.factor));
            let outputs = out.table(0);
            outputs.set(Said::FACTOR, row, worth.factor);
            outputs.set_or_missing(Said::VALUE, row, left);
            outputs.set(Said::LOW, row, i64::from(worth.low.count()));
            outputs.set(Said::GAPS, row, i64::from(worth.low.gaps()));
            outputs.set(Said::MONTH, row, closed);
        }
        Ok(())
    }
}

export!(Depreciation: roi);
