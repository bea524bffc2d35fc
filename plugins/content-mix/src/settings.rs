//! Settings of the calendar: its mixes by name, and which of them hold (domain CA-4).

use std::collections::BTreeMap;

use playbook_sdk::prelude::*;

settings! {
    /// Mixes of content, and how a calendar is filled.
    pub struct Settings {
        /// What the rows are: community or channel.
        pub subject: String where length(1..) = "community",
        /// The mixes that hold, by name.
        pub mixes: Vec<String> where length(1..=16), distinct
            = ["format", "layer", "commercial", "density", "audience"],
        /// Mixes that may hold, by name in kebab-case.
        pub mix: BTreeMap<String, Mix> where length(1..=32) = {
            "format": { "categories": [
                { "name": "image-text", "target": 0.30, "zh": "圖文" },
                { "name": "short-video", "target": 0.40, "zh": "短視頻" },
                { "name": "live", "target": 0.30, "zh": "直播" }
            ] },
            "layer": { "categories": [
                { "name": "base", "target": 0.60, "zh": "基礎" },
                { "name": "core", "target": 0.25, "zh": "深度" },
                { "name": "value-added", "target": 0.15, "zh": "共創" }
            ] },
            "commercial": { "categories": [
                { "name": "value", "target": 0.80, "zh": "價值" },
                { "name": "commercial", "target": 0.20, "zh": "商業" }
            ] },
            "soft": { "axis": "commercial", "categories": [
                { "name": "value", "target": 0.95, "zh": "價值" },
                { "name": "commercial", "target": 0.05, "zh": "硬廣" }
            ] },
            "density": { "whole": false, "categories": [
                { "name": "quality", "target": 0.60, "bound": "at-least", "zh": "優質內容" },
                { "name": "idle", "target": 0.20, "bound": "at-most", "zh": "無效社交" }
            ] },
            "quality": { "whole": false, "categories": [
                { "name": "quality", "target": 0.65, "bound": "at-least", "zh": "優質內容" }
            ] },
            "audience": { "categories": [
                { "name": "vip", "target": 0.25, "zh": "VIP專享" },
                { "name": "general", "target": 0.75, "zh": "通用" }
            ] },
            "origin": { "whole": false, "categories": [
                { "name": "ugc", "target": 0.65, "bound": "at-least", "zh": "用戶生成" }
            ] },
            "seeding": { "whole": false, "categories": [
                { "name": "seeding-ugc", "target": 0.7619, "bound": "at-least", "zh": "種草平台用戶生成" }
            ] }
        },
        /// Distance from a target that is still within the plan, as a fraction.
        pub tolerance: f64 where within(0.0..=1.0) = 0.05,
        /// Publications below which a share says nothing.
        pub sample_min: u32 where within(1..) = 20,
        /// Days that the calendar is filled for.
        pub days: u32 where within(1..=366) = 14,
        /// Minutes of the local day at which content goes out: 3 to 8 a day, ascending.
        pub slot_minutes: Vec<u16> where length(3..=8), each(within(0..=1439)) = [600, 840, 1200],
        /// Least touches of the operator a community and day: greeting, topic, answer.
        pub touches_least: f64 where within(0.0..=100.0) = 3.0,
        /// Greatest touches a community and day.
        pub touches_most: f64 where within(0.0..=100.0) = 8.0,
    }
}

settings! {
    /// One mix.
    pub struct Mix {
        /// What it divides: mixes of one axis exclude each other and read the same counts; empty: its own name.
        pub axis: String = "",
        /// Its categories are the whole and add up to 1; else each is a share of its own with a bound.
        pub whole: bool = true,
        /// Its categories; the order breaks ties.
        pub categories: Vec<Category> where length(1..=16), distinct(name) = [{}],
    }
}

settings! {
    /// One category of a mix.
    pub struct Category {
        /// Name in kebab-case, as content is classed.
        pub name: String where length(1..=48) = "all",
        /// Target, or bound, as a fraction of the content.
        pub target: f64 where within(0.0..=1.0) = 1.0,
        /// How the share is held against the target.
        pub bound: Bound = "around",
        /// The category in Chinese; empty: its name.
        pub zh: String = "",
    }
}

settings! {
    /// How a share is held against a target.
    pub enum Bound { Around = "around", AtLeast = "at-least", AtMost = "at-most" }
}

impl Settings {
    /// The mixes that hold, with their names and axes.
    pub(crate) fn held(&self) -> impl Iterator<Item = (&str, &Mix)> {
        self.mixes.iter().filter_map(|name| Some((name.as_str(), self.mix.get(name)?)))
    }

    /// The mix that holds on an axis.
    pub(crate) fn on_axis(&self, axis: &str) -> Option<&Mix> {
        self.held().find(|(name, mix)| mix.whole && mix.axis(name) == axis).map(|(_, mix)| mix)
    }

    /// Every problem at once.
    pub(crate) fn check(&self) -> Result<(), Problems> {
        let mut problems = Problems::new();
        for (at, name) in self.mixes.iter().enumerate() {
            let path = ["/mixes/", &at.to_string()].concat();
            problems.check(self.mix.contains_key(name), path.clone(), "is no mix of `mix`");
            let earlier = self.held().take_while(|(other, _)| other != name);
            let own = self.mix.get(name);
            let clashes = earlier.filter_map(|(other, mix)| own.map(|own| (other, mix, own))).any(
                |(other, mix, own)| {
                    let same_share = |mix: &Mix, own: &Mix| {
                        let names = |mix: &Mix| {
                            mix.categories.iter().map(|c| c.name.clone()).collect::<Vec<_>>()
                        };
                        names(mix).iter().any(|name| names(own).contains(name))
                    };
                    mix.whole == own.whole
                        && if own.whole {
                            mix.axis(other) == own.axis(name)
                        } else {
                            same_share(mix, own)
                        }
                },
            );
            problems.check(!clashes, path, "excludes another mix that holds");
        }
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        for (name, mix) in &self.mix {
            let path = ["/mix/", &playbook_sdk::settings::escaped(name)].concat();
            problems.check(name.chars().all(letters), path.clone(), "must be a kebab-case name");
            let kebab = mix.categories.iter().all(|category| category.name.chars().all(letters));
            let path = [&path, "/categories"].concat();
            problems.check(kebab, path.clone(), "must have kebab-case names");
            let sum: f64 = mix.categories.iter().map(|category| category.target).sum();
            let adds_up = !mix.whole || (sum - 1.0).abs() < 1e-9;
            problems.check(adds_up, path.clone(), "must be targets that add up to 1");
            let around = mix.categories.iter().all(|c| mix.whole == (c.bound == Bound::Around));
            problems.check(around, path, "a whole has targets, a share of its own a bound");
        }
        if !self.slot_minutes.is_sorted_by(|left, right| left < right) {
            problems.at("/slot_minutes", "must ascend").hint("[600, 840, 1200]");
        }
        let ordered = self.touches_least <= self.touches_most;
        problems.check(ordered, "/touches_most", "must be at least `touches_least`");
        problems.into_result()
    }
}

impl Mix {
    /// What the mix divides.
    pub(crate) fn axis<'a>(&'a self, name: &'a str) -> &'a str {
        if self.axis.is_empty() { name } else { &self.axis }
    }

    /// The targets in order.
    pub(crate) fn targets(&self) -> Vec<f64> {
        self.categories.iter().map(|category| category.target).collect()
    }
}

impl Category {
    /// Whether a share is off, with a tolerance around targets.
    pub(crate) fn is_off(&self, share: f64, tolerance: f64) -> bool {
        // Shares such as 0.35 - 0.30 carry rounding; the tolerance itself is still within.
        match self.bound {
            Bound::Around => (share - self.target).abs() > tolerance + 1e-9,
            Bound::AtLeast => share < self.target,
            Bound::AtMost => share > self.target,
        }
    }
}
