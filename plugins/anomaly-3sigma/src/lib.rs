//! Days that stand out from those before them (異常檢測, domain DG-8): beyond three deviations of four weeks.

use std::collections::BTreeMap;

use playbook_domain::Spread;
use playbook_sdk::prelude::*;

settings! {
    /// What is watched and when it stands out.
    pub struct Settings {
        /// What the rows are: a day each.
        pub subject: String where length(1..) = "day",
        /// Measures that are watched, a feature each.
        pub metrics: Vec<String> where length(1..=32), each(length(1..)), distinct = ["interactions"],
        /// Days before a day that it is held against.
        pub days: u32 where within(2..=365) = 28,
        /// Fewest of these days with a measure.
        pub days_min: u32 where within(2..=365) = 14,
        /// Deviations beyond which a day stands out.
        pub sigmas: f64 where above(0) = 3.0,
        /// Where all days before were equal: least difference that stands out.
        pub flat_least: f64 where within(0.0..) = 1.0,
        /// Where all days before were equal: least difference that stands out, as a share of them.
        pub flat_share: f64 where within(0.0..) = 0.1,
        /// Holds a day against the same weekday of the weeks before, for measures with a rhythm of a week.
        pub weekday: bool = false,
        /// Weeks before a day that it is held against, by weekday.
        pub weeks: u32 where within(2..=52) = 8,
        /// Fewest of these weeks with a measure.
        pub weeks_min: u32 where within(2..=52) = 6,
    }
}

declare! {
    /// What comes before the measures of a day.
    needs Day {
        DAYS_AGO: integer("days_ago").unit("day"),
        SERIES: integer("series").optional(),
    }
}

/// Outputs of a measure.
const ANOMALY: usize = 0;
const DEVIATIONS: usize = 1;
const LOW: usize = 2;
const HIGH: usize = 3;
const OUTPUTS: usize = 4;
/// Days of a week.
const WEEK: i64 = 7;

/// The opened plugin.
#[derive(Debug)]
pub struct Anomaly {
    settings: Settings,
}

/// Between which values a day is like the others.
#[derive(Debug, Clone, Copy)]
struct Limits {
    spread: Spread,
    /// How far from the mean.
    reach: f64,
}

impl Limits {
    /// Whether a value stands out: beyond the reach, and at it where all values before were equal.
    fn is_beyond(&self, value: f64) -> bool {
        let distance = (value - self.spread.mean).abs();
        if self.spread.deviation > 0.0 { distance > self.reach } else { distance >= self.reach }
    }
}

impl Plugin for Anomaly {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "anomaly-3sigma",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Days that stand out from the weeks before",
            "異常檢測：超出三倍標準差的日子",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        if settings.days_min > settings.days {
            problems.at("/days_min", "must be at most `days`");
        }
        if settings.weeks_min > settings.weeks {
            problems.at("/weeks_min", "must be at most `weeks`");
        }
        problems.into_result()?;
        let measures = settings.metrics.iter().map(|name| need::real(name).optional());
        let days = table(settings.subject.clone()).needs(Day::all()).needs(measures);
        let shape = Shape::whole_tables().table(days);
        Ok(settings.metrics.iter().fold(shape, with_metric))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// Adds what is said of a measure.
fn with_metric(shape: Shape, metric: &String) -> Shape {
    let name = metric.replace('.', "_");
    let code = name.replace('_', "-");
    let real = |what: &str, en: &str, zh: &str| {
        let meaning = (format!("{metric}: {en}"), format!("{metric}：{zh}"));
        output::real(format!("{name}_{what}")).group(name.clone()).meaning(meaning)
    };
    let meaning = (format!("{metric}: 1 where the day stands out"), format!("{metric}：異常為 1"));
    let anomaly = output::integer(format!("{name}_anomaly")).group(name.clone());
    shape
        .produce_in(0, anomaly.between(0.0, 1.0).meaning(meaning))
        .produce_in(0, real("deviations", "deviations from the mean", "偏離標準差倍數"))
        .produce_in(0, real("low", "lower limit", "下限"))
        .produce_in(0, real("high", "upper limit", "上限"))
        .reason(
            format!("{code}-low"),
            (format!("{metric} is far below the days before"), format!("{metric} 遠低於往日")),
        )
        .reason(
            format!("{code}-high"),
            (format!("{metric} is far above the days before"), format!("{metric} 遠高於往日")),
        )
}

impl Settings {
    /// Limits from the values of the days before; none where they are too few.
    fn limits(&self, before: impl Iterator<Item = f64> + Clone) -> Option<Limits> {
        let least = if self.weekday { self.weeks_min } else { self.days_min };
        let spread = Spread::of(before.clone()).filter(|_| before.count() >= least as usize)?;
        let reach = if spread.deviation > 0.0 {
            self.sigmas * spread.deviation
        } else {
            self.flat_least.max(self.flat_share * spread.mean)
        };
        Some(Limits { spread, reach })
    }
}

/// Days by series and by how long ago they were.
type Days = BTreeMap<(i64, i64), usize>;

impl Anomaly {
    /// The limits of a day, by the rows of the days before it.
    fn limits(&self, days: &Days, day: (i64, i64), values: Column<'_, f64>) -> Option<Limits> {
        let Settings { weekday, days: window, weeks, .. } = self.settings;
        let (series, ago) = day;
        let last = if weekday { WEEK * i64::from(weeks) } else { i64::from(window) };
        let step = if weekday { WEEK } else { 1 };
        let before = days.range((series, ago + 1)..=(series, ago + last));
        let before = before.filter(|((_, other), _)| (other - ago) % step == 0);
        self.settings.limits(before.filter_map(|(_, row)| values.get(*row)))
    }
}

impl Diagnosis for Anomaly {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let rows = tables.table(0);
        let (ago, series) = (rows.get(Day::DAYS_AGO), rows.get(Day::SERIES));
        let mut days = Days::new();
        for row in 0..rows.len() {
            // Bounds of days that no calendar has keep sums of days exact.
            if let Some(ago) = ago.get(row).filter(|ago| (0..=1_000_000).contains(ago)) {
                days.insert((series.get(row).unwrap_or(0), ago), row);
            }
        }
        for metric in 0..self.settings.metrics.len() {
            let values = rows.get(In::<Real>::at(Day::COUNT + metric));
            let at = OUTPUTS * metric;
            for (day, row) in &days {
                let Some(limits) = self.limits(&days, *day, values) else { continue };
                let Spread { mean, deviation } = limits.spread;
                let (low, high) = (mean - limits.reach, mean + limits.reach);
                let said = out.table(0);
                said.set(Out::<Real>::at(at + LOW), *row, low);
                said.set(Out::<Real>::at(at + HIGH), *row, high);
                let Some(value) = values.get(*row) else { continue };
                if deviation > 0.0 {
                    let deviations = (value - mean) / deviation;
                    said.set(Out::<Real>::at(at + DEVIATIONS), *row, deviations);
                }
                let is_beyond = limits.is_beyond(value);
                said.set(Out::<Integer>::at(at + ANOMALY), *row, i64::from(is_beyond));
                if is_beyond && day.1 == 0 {
                    let is_above = value > mean;
                    let reason = 2 * metric as u32 + u32::from(is_above);
                    let limit = if is_above { high } else { low };
                    let finding = Finding::new(Level::Warn, reason).at(0, *row as u32);
                    out.finding(finding.measured(value, limit));
                }
            }
        }
        Ok(())
    }
}

export!(Anomaly: diagnosis);
