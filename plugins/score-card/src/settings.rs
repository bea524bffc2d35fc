//! Settings of a score card.

playbook_domain::card_settings! {
    indicator {
        /// How much a broken limit matters; "none" raises no finding.
        pub alarm: Alarm = "none",
        /// A second limit on the same side, from which a broken limit is critical.
        pub critical: Option<f64> = null,
        /// Evaluations in a row in which the limit must be broken before it is a finding.
        pub periods: u32 where within(1..=52) = 1,
        /// How much it matters that the measure is missing.
        pub missing: Alarm = "none",
        /// Packages that lift it, most useful first.
        pub suggests: Vec<String> where distinct = [],
    }
    dimension {
        /// Score below which the dimension is red.
        pub red_below: Option<f64> = null,
        /// Share of its limits of which so many are broken that the dimension is red.
        pub red_broken: Option<f64> where within(0.0..=1.0) = null,
        /// How much a red dimension matters.
        pub alarm: Alarm = "warn",
        /// Packages for a red dimension, most useful first.
        pub suggests: Vec<String> where distinct = [],
    }
    total {
        /// Code of the finding that a level with an alarm raises.
        pub code: String where length(1..) = "total-low",
        /// That finding in English.
        pub alarm_en: String = "the total is low",
        /// That finding in Chinese.
        pub alarm_zh: String = "總分偏低",
    }
    level {
        /// How much it matters that the total has this level.
        pub alarm: Alarm = "none",
        /// Evaluations in a row at this level before it is a finding.
        pub periods: u32 where within(1..=52) = 1,
        /// Packages for it, most useful first.
        pub suggests: Vec<String> where distinct = [],
    }
}

settings! {
    /// A card: what is measured of each row of a table, how it adds up, and what a person should hear of.
    pub struct Settings {
        /// What the rows are: brand, community, tool, partner ...
        pub subject: String where length(1..) = "brand",
        /// Indicators in the order in which they are given; those that are left out follow by name. Dimensions stand in the
        /// order of their first indicators.
        pub order: Vec<String> where distinct = [],
        /// Indicators by name.
        pub indicator: Named<Indicator> = { "wau_ratio": { "lo": 0.05, "hi": 0.3 } },
        /// Dimensions by name.
        pub dimension: Named<Dimension> = {},
        /// The score over all.
        pub total: Total = {},
        /// Levels of the total by name; without any the card gives none.
        pub level: Named<Level> = {},
        /// Packages that findings suggest, by name.
        pub package: Named<Package> = {},
        /// The weakest indicators.
        pub weakest: Weakest = {},
        /// Dimensions of the total that fall twice in a row.
        pub fall: Option<Fall> = null,
        /// Distance of the greatest from the least dimension of the total above which they are out of balance.
        pub balance: Option<f64> where above(0) = null,
        /// One dimension that rises while another falls, twice in a row.
        pub divergence: Option<Divergence> = null,
        /// A plan that opens at a low total and stays open until it has recovered.
        pub plan: Option<Plan> = null,
    }
}

settings! {
    /// How much a person should care.
    pub enum Alarm { None = "none", Watch = "watch", Warn = "warn", Critical = "critical" }
}

settings! {
    /// Something that a finding suggests; a person approves it.
    pub struct Package {
        /// What it is called in English; the name of its table where nothing is given.
        pub en: String = "",
        /// What it is called in Chinese; the English words where nothing is given.
        pub zh: String = "",
    }
}

settings! {
    /// The weakest indicators.
    pub struct Weakest {
        /// How many are named.
        pub count: u32 where within(0..=16) = 3,
        /// Score below which one of them is a finding, and below half of which it warns.
        pub below: f64 where within(0..) = 3.0,
    }
}

settings! {
    /// A fall over the last two evaluations.
    pub struct Fall {
        /// How far a dimension must fall.
        pub by: f64 where above(0) = 1.5,
        /// Whether both steps together fall so far ("cumulative"), or each of them ("each").
        pub mode: Steps = "cumulative",
        /// How much it matters.
        pub alarm: Alarm = "warn",
        /// Packages for it, most useful first.
        pub suggests: Vec<String> where distinct = [],
    }
}

settings! {
    /// Which steps must fall so far.
    pub enum Steps {
        /// Both together; each of them falls.
        Cumulative = "cumulative",
        /// Each of them.
        Each = "each",
    }
}

settings! {
    /// One dimension that rises while another falls.
    pub struct Divergence {
        /// The dimension that rises.
        pub up: String where length(1..) = "",
        /// The dimension that falls.
        pub down: String where length(1..) = "",
        /// How much it matters.
        pub alarm: Alarm = "warn",
        /// Packages for it, most useful first.
        pub suggests: Vec<String> where distinct = [],
    }
}

settings! {
    /// A plan that stays open until the total has recovered.
    pub struct Plan {
        /// What the open plan is called in English.
        pub en: String = "a repair plan is open",
        /// What the open plan is called in Chinese.
        pub zh: String = "修復計劃進行中",
        /// Total below which it opens.
        pub open_below: f64 = 80.0,
        /// Total from which on it closes.
        pub close_at: f64 = 95.0,
        /// How much an open plan matters.
        pub alarm: Alarm = "warn",
        /// Packages of the plan, most useful first.
        pub suggests: Vec<String> where distinct = [],
    }
}

/// A packed list of suggestions: positions of packages.
pub(crate) type Suggested = Vec<u32>;

impl Settings {
    /// Makes the arithmetic of the card, or tells all that is wrong with it.
    pub(crate) fn built(&self) -> Result<Built, Problems> {
        let Self { order, total, indicator, dimension, level, .. } = self;
        let (built, mut problems) = resolve(order, total, indicator, dimension, level);
        self.check_indicators(&mut problems);
        for (name, one) in dimension.iter() {
            self.check_packages("dimension", name, &one.suggests, &mut problems);
            let is_read =
                one.suggests.is_empty() || one.red_below.is_some() || one.red_broken.is_some();
            let message = "is only read where the dimension can be red: set `red_below`";
            problems.check(is_read, place("dimension", name, "suggests"), message);
        }
        for (name, one) in level.iter() {
            self.check_packages("level", name, &one.suggests, &mut problems);
        }
        if level.iter().filter(|(_, level)| level.periods > 1).count() > 1 {
            problems.at("/level", "one level alone may wait for several evaluations");
        }
        if let Some(fall) = &self.fall {
            self.check_packages("fall", "", &fall.suggests, &mut problems);
        }
        if let Some(Divergence { up, down, suggests, .. }) = &self.divergence {
            self.check_packages("divergence", "", suggests, &mut problems);
            for (key, name) in [("up", up), ("down", down)] {
                let path = place("divergence", "", key);
                problems.check(
                    dimension.position(name).is_some(),
                    path,
                    "is no dimension of the card",
                );
            }
        }
        if let Some(plan) = &self.plan {
            self.check_packages("plan", "", &plan.suggests, &mut problems);
            let opens = plan.open_below <= plan.close_at;
            problems.check(opens, "/plan/close_at", "must not lie below `open_below`");
        }
        problems.into_result()?;
        built.ok_or_else(|| Problems::one("", "is no card"))
    }

    fn check_indicators(&self, problems: &mut Problems) {
        for (name, one) in self.indicator.iter() {
            self.check_packages("indicator", name, &one.suggests, problems);
            let limit = one.limit().ok().flatten();
            let asks = one.alarm != Alarm::None || one.critical.is_some() || one.periods > 1;
            if asks && limit.is_none() {
                problems.at(place("indicator", name, "alarm"), "needs a limit, such as `at_least`");
            }
            let further = limit.zip(one.critical).is_none_or(|(limit, critical)| match limit {
                Limit::AtLeast(bound) | Limit::Above(bound) => critical < bound,
                Limit::AtMost(bound) | Limit::Below(bound) => critical > bound,
            });
            problems.check(
                further,
                place("indicator", name, "critical"),
                "must lie beyond the limit",
            );
        }
    }

    fn check_packages(&self, list: &str, name: &str, named: &[String], problems: &mut Problems) {
        for (at, package) in named.iter().enumerate() {
            if self.package.position(package).is_none() {
                let path = text(&[&place(list, name, "suggests"), "/", &at.to_string()]);
                problems.at(path, "is no package of the card");
            }
        }
    }

    /// Positions of packages, which stand by name.
    pub(crate) fn suggested(&self, names: &[String]) -> Suggested {
        let mut found = Vec::new();
        for name in names {
            found.extend(self.package.position(name).map(|at| at as u32));
        }
        found
    }

    /// Levels from the lowest up.
    pub(crate) fn levels(&self) -> Vec<(&String, &Level)> {
        ascending(&self.level)
    }

    /// The limit of an indicator and the one beyond which it is critical.
    pub(crate) fn limits(one: &Indicator) -> Option<(Limit, Option<Limit>)> {
        let limit = one.limit().ok().flatten()?;
        Some((limit, one.critical.map(|critical| limit.at(critical))))
    }

    /// Words of an indicator.
    pub(crate) fn indicator_words(&self, name: &str) -> (String, String) {
        let one = self.indicator.get(name);
        one.map_or_else(Default::default, |one| both(&one.en, &one.zh, name))
    }

    /// Words of a dimension.
    pub(crate) fn dimension_words(&self, name: &str) -> (String, String) {
        let one = self.dimension.get(name);
        one.map_or_else(Default::default, |one| both(&one.en, &one.zh, name))
    }
}
