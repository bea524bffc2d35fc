//! Retention of cohorts by join day (留存率, domain DG-6): exact or rolling days, and half a year.

use playbook_sdk::prelude::*;

settings! {
    /// Which days are told and of which cohorts.
    pub struct Settings {
        /// What the rows are: those who joined on one day.
        pub subject: String where length(1..) = "cohort",
        /// Days after joining on which retention is told; day 0 is the day of joining.
        pub days: Vec<u32> where length(1..=16), each(within(1..=3650)), distinct = [1, 7, 30],
        /// Whether a member counts who was active on that day, or on that day or later.
        pub mode: Mode = "exact",
        /// Fewest members of a cohort that is judged.
        pub cohort_min: i64 where within(1..) = 30,
        /// Last day of the half year: whoever is active in its last 30 days, and still a member, is retained.
        pub half_year_days: i64 where within(30..=3650) = 180,
        /// Goal of the retention of half a year, as a fraction.
        pub half_year_goal: f64 where within(0.0..=1.0) = 0.60,
        /// Tells the retention over all cohorts in the table of the brand.
        pub overall: bool = true,
    }
}

settings! {
    /// Which days count.
    pub enum Mode {
        /// Active on the day.
        Exact = "exact",
        /// Active on the day or later.
        Rolling = "rolling",
    }
}

declare! {
    /// What is known of a cohort; how many were active for each day follows.
    needs Cohort {
        SIZE: integer("cohort_size").unit("count"),
        AGE: integer("cohort_age_days").unit("day"),
        HALF_YEAR: integer("active_half_year").unit("count").optional(),
    }
    reasons Why {
        BELOW_GOAL: "half-year-below-goal" => words("Fewer than the goal stay for half a year", "半年留存低於目標"),
    }
}

/// Positions of the tables.
const COHORTS: u32 = 0;
const BRAND: u32 = 1;

/// Members and those retained, over cohorts.
#[derive(Debug, Clone, Copy, Default)]
struct Pool {
    members: i64,
    retained: i64,
}

impl Pool {
    fn add(&mut self, members: i64, retained: i64) {
        self.members = self.members.saturating_add(members);
        self.retained = self.retained.saturating_add(retained);
    }

    fn rate(self) -> Option<f64> {
        (self.members > 0).then(|| self.retained as f64 / self.members as f64)
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct Retention {
    settings: Settings,
}

impl Plugin for Retention {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "retention",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Retention of cohorts by join day", "同期群留存率：次日、7日、30日與半年"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let active = |day: &u32| {
            let name = match settings.mode {
                Mode::Exact => format!("active_d{day}"),
                Mode::Rolling => format!("active_from_d{day}"),
            };
            need::integer(name).unit("count").optional()
        };
        let cohorts = table(settings.subject.clone()).needs(Cohort::all());
        let cohorts = cohorts.needs(settings.days.iter().map(active));
        let shape = Shape::whole_tables().table(cohorts).produces_in(COHORTS, settings.rates());
        let shape = shape.reasons(Why::all());
        Ok(if settings.overall {
            shape.table(table("brand").need(need::key())).produces_in(BRAND, settings.rates())
        } else {
            shape
        })
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Settings {
    /// A rate for each day, and one for the half year.
    fn rates(&self) -> Vec<Produce> {
        let rate = |name: String, en: String, zh: String| {
            output::real(name).group("retention").unit("ratio").between(0.0, 1.0).meaning((en, zh))
        };
        let day = |day: &u32| {
            let name = format!("retention_d{day}");
            rate(name, format!("Retention of day {day}"), format!("第{day}日留存率"))
        };
        let half = rate(
            "retention_half_year".to_owned(),
            "Retention of half a year".to_owned(),
            "半年留存率".to_owned(),
        );
        self.days.iter().map(day).chain([half]).collect()
    }
}

impl Diagnosis for Retention {
    fn diagnose(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let rows = tables.table(COHORTS as usize);
        let (sizes, ages) = (rows.get(Cohort::SIZE), rows.get(Cohort::AGE));
        let days =
            self.settings.days.iter().enumerate().map(|(at, day)| {
                (rows.get(In::<Integer>::at(Cohort::COUNT + at)), i64::from(*day))
            });
        let half = (rows.get(Cohort::HALF_YEAR), self.settings.half_year_days);
        let mut pools = Vec::new();
        for (at, (active, day)) in days.chain([half]).enumerate() {
            let mut pool = Pool::default();
            for row in 0..rows.len() {
                let size = sizes.get(row).filter(|size| *size >= self.settings.cohort_min);
                // A day is known once it is over.
                let over = ages.get(row).is_some_and(|age| age > day);
                let (Some(size), true, Some(active)) = (size, over, active.get(row)) else {
                    continue;
                };
                if (0..=size).contains(&active) {
                    pool.add(size, active);
                    out.table(0).set(Out::<Real>::at(at), row, active as f64 / size as f64);
                }
            }
            pools.push(pool);
        }
        let goal = self.settings.half_year_goal;
        let half = pools.last().and_then(|pool| pool.rate());
        if let Some(rate) = half.filter(|rate| *rate < goal) {
            out.finding(Finding::new(Level::Warn, Why::BELOW_GOAL).measured(rate, goal));
        }
        if self.settings.overall {
            for row in 0..tables.table(BRAND as usize).len() {
                for (at, pool) in pools.iter().enumerate() {
                    out.table(1).set_or_missing(Out::<Real>::at(at), row, pool.rate());
                }
            }
        }
        Ok(())
    }
}

export!(Retention: diagnosis);
