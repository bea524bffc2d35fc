//! Content calendar: what was published and planned against the mixes, and the next slots (domain CA-4).

mod settings;

use playbook_domain::Mix as Filling;
use playbook_sdk::prelude::*;
pub use settings::{Bound, Category as MixCategory, Mix, Settings};

/// Most slots that a plan may have.
const SLOTS_MAX: usize = 65_536;

declare! {
    /// What is known of a community; counts and shares of the mixes follow.
    needs Row {
        TOUCHES: real("operator_touches_per_day").optional(),
    }
    /// Reasons before those of the categories.
    reasons Why {
        FEW: "few-touches" => words("the operator touches the community too rarely", "運營觸達過少"),
        MANY: "many-touches" => words(
            "the operator touches the community so often that it stays away",
            "運營觸達過多，降低黏性",
        ),
        SHORT: "calendar-short" => words(
            "there are too many communities for all days of the calendar",
            "社群過多，日曆天數縮短",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct ContentMix {
    settings: Settings,
}

/// One category of a mix that holds, in the order of needs and reasons.
struct Held<'a> {
    mix: &'a str,
    whole: bool,
    axis: &'a str,
    category: &'a MixCategory,
}

impl Settings {
    fn categories(&self) -> impl Iterator<Item = Held<'_>> {
        self.held().flat_map(|(name, mix)| {
            mix.categories.iter().map(move |category| Held {
                mix: name,
                whole: mix.whole,
                axis: mix.axis(name),
                category,
            })
        })
    }
}

/// Needs of a category: of a whole what was published and what is planned, else one share. Each category has two places.
fn needs_of(held: &Held<'_>) -> [Need; 2] {
    let (axis, name) = (held.axis, held.category.name.as_str());
    if held.whole {
        ["content_by_", "planned_by_"]
            .map(|list| need::integer([list, axis, ".", name].concat()).unit("count").optional())
    } else {
        let share = name.replace('-', "_");
        ["", "planned_"]
            .map(|list| need::real([list, &share, "_share"].concat()).unit("ratio").optional())
    }
}

impl Plugin for ContentMix {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "content-mix",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Content calendar: mixes, the next slots, touches a day",
            "內容日曆：配比檢查與下一檔內容",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        settings.check()?;
        let needs = settings.categories().flat_map(|held| needs_of(&held));
        let rows = table(settings.subject.clone()).needs(Row::all()).needs(needs);
        let shape = Shape::whole_tables().table(rows).reasons(Why::all());
        let mut named: Vec<&str> = Vec::new();
        let shape = settings.categories().fold(shape, |shape, held| {
            let (mix, name) = (held.mix, held.category.name.as_str());
            let zh = if held.category.zh.is_empty() { name } else { &held.category.zh };
            let shape = ["history", "plan"].iter().fold(shape, |shape, of| {
                let (en_of, zh_of) = match *of {
                    "history" => ("of what was published", "已發布內容"),
                    _ => ("of the plan", "計劃"),
                };
                let en = ["the share of ", name, " ", en_of, " is off"].concat();
                let text = (en, [zh_of, "中「", zh, "」佔比偏離"].concat());
                shape.reason([*of, "-", mix, "-", name].concat(), text)
            });
            if named.contains(&name) {
                return shape;
            }
            named.push(name);
            shape.term(name, (name.to_owned(), zh.to_owned()))
        });
        Ok(shape)
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// A mix that divides the whole, and where its needs begin.
struct Axis<'a> {
    mix: &'a Mix,
    first: usize,
    targets: Vec<f64>,
}

impl Axis<'_> {
    /// The mix, filled with what a community has published and planned.
    fn filling(&self, rows: &Rows<'_>, row: usize) -> Filling {
        let count = self.mix.categories.len();
        let of = |list: usize| {
            let places = (self.first..self.first + count).map(|at| Row::COUNT + 2 * at + list);
            counts(rows, row, places).unwrap_or_else(|| vec![0; count])
        };
        let before: Vec<u32> = of(0).into_iter().zip(of(1)).map(|(was, is)| was + is).collect();
        Filling::begun(&self.targets, &before)
    }
}

/// The name of the next category of an axis; empty where no mix holds there.
fn next<'a>(axis: Option<&Axis<'a>>, filling: &mut Option<Filling>) -> &'a str {
    let place = filling.as_mut().and_then(Filling::next_slot);
    let category = axis.zip(place).and_then(|(axis, at)| axis.mix.categories.get(at));
    category.map(|category| category.name.as_str()).unwrap_or_default()
}

/// Counts of the categories of a whole; none where one of them is not known.
fn counts(rows: &Rows<'_>, row: usize, places: impl Iterator<Item = usize>) -> Option<Vec<u32>> {
    places
        .map(|place| {
            let count = rows.get(In::<Integer>::at(place)).get(row)?;
            Some(u32::try_from(count.max(0)).unwrap_or(u32::MAX / 64).min(u32::MAX / 64))
        })
        .collect()
}

impl ContentMix {
    /// Finds what is off in a community.
    fn check(&self, rows: &Rows<'_>, row: usize, findings: &mut Vec<Finding>) {
        let Settings { touches_least, touches_most, .. } = self.settings;
        let mut find = |finding: Finding| findings.push(finding.at(0, row as u32));
        if let Some(touches) = rows.get(Row::TOUCHES).get(row) {
            if touches < touches_least {
                find(Finding::new(Level::Warn, Why::FEW).measured(touches, touches_least));
            }
            if touches > touches_most {
                find(Finding::new(Level::Warn, Why::MANY).measured(touches, touches_most));
            }
        }
        let mut first = 0;
        for (_, mix) in self.settings.held() {
            let count = mix.categories.len();
            for list in 0..2 {
                let places = (first..first + count).map(|at| Row::COUNT + 2 * at + list);
                let shares: Vec<Option<f64>> = if mix.whole {
                    self.shares(rows, row, places, count)
                } else {
                    places.map(|place| rows.get(In::<Real>::at(place)).get(row)).collect()
                };
                for (at, (category, share)) in mix.categories.iter().zip(shares).enumerate() {
                    let tolerance = self.settings.tolerance;
                    if let Some(share) = share.filter(|share| category.is_off(*share, tolerance)) {
                        let reason = Why::COUNT + 2 * (first + at) + list;
                        let finding = Finding::new(Level::Warn, reason as u32);
                        find(finding.measured(share, category.target));
                    }
                }
            }
            first += count;
        }
    }

    /// Shares of the categories of a whole; none where too little was published.
    fn shares(
        &self,
        rows: &Rows<'_>,
        row: usize,
        places: impl Iterator<Item = usize>,
        count: usize,
    ) -> Vec<Option<f64>> {
        let counts = counts(rows, row, places);
        let whole: u32 = counts.iter().flatten().sum();
        match counts.filter(|_| whole >= self.settings.sample_min) {
            Some(counts) => counts.iter().map(|n| Some(f64::from(*n) / f64::from(whole))).collect(),
            None => vec![None; count],
        }
    }

    /// The mix that holds on an axis.
    fn axis(&self, axis: &str) -> Option<Axis<'_>> {
        let mix = self.settings.on_axis(axis)?;
        let first = self.settings.categories().position(|held| held.whole && held.axis == axis)?;
        Some(Axis { mix, first, targets: mix.targets() })
    }

    fn slots(&self, rows: &Rows<'_>, days: u32) -> Vec<Slot> {
        let [format, layer, audience, purpose] =
            ["format", "layer", "audience", "commercial"].map(|axis| self.axis(axis));
        let mut slots =
            Vec::with_capacity(rows.len() * self.settings.slot_minutes.len() * days as usize);
        for row in 0..rows.len() {
            let filling = |axis: &Option<Axis<'_>>| Some(axis.as_ref()?.filling(rows, row));
            let mut filled = [&format, &layer, &audience, &purpose].map(filling);
            let place = Some(Place { table: 0, row: row as u32 });
            for day in 0..days {
                for minute in &self.settings.slot_minutes {
                    slots.push(Slot {
                        phase: 0,
                        day,
                        minute: *minute,
                        place,
                        format: next(format.as_ref(), &mut filled[0]).to_owned(),
                        layer: next(layer.as_ref(), &mut filled[1]).to_owned(),
                        theme: next(audience.as_ref(), &mut filled[2]).to_owned(),
                        commercial: next(purpose.as_ref(), &mut filled[3]) == "commercial",
                    });
                }
            }
        }
        slots
    }

    /// Bounds of every category of the mixes that hold.
    fn content(&self) -> Vec<ContentShare> {
        let tolerance = self.settings.tolerance;
        let share = |held: Held<'_>| {
            let target = held.category.target;
            let (least, most) = match held.category.bound {
                Bound::Around => ((target - tolerance).max(0.0), (target + tolerance).min(1.0)),
                Bound::AtLeast => (target, 1.0),
                Bound::AtMost => (0.0, target),
            };
            let (mix, category) = (held.mix.to_owned(), held.category.name.clone());
            ContentShare { phase: 0, mix, category, least, target, most }
        };
        self.settings.categories().map(share).collect()
    }
}

impl Campaign for ContentMix {
    fn plan(&self, _: &Context, tables: &Tables<'_>, _: i64) -> Result<CampaignPlan, String> {
        let rows = tables.table(0);
        let a_day = rows.len() * self.settings.slot_minutes.len();
        let fit = u32::try_from(SLOTS_MAX / a_day.max(1)).unwrap_or(u32::MAX);
        let days = self.settings.days.min(fit);
        let mut findings = Vec::new();
        if days < self.settings.days {
            let finding = Finding::new(Level::Watch, Why::SHORT);
            findings.push(finding.measured(f64::from(days), f64::from(self.settings.days)));
        }
        for row in 0..rows.len() {
            self.check(&rows, row, &mut findings);
        }
        let phase = Phase {
            name: "calendar".to_owned(),
            first_day: 0,
            days: self.settings.days,
            budget: 0,
            reason: NONE_INDEX,
        };
        Ok(CampaignPlan {
            phases: vec![phase],
            allocations: Vec::new(),
            content: self.content(),
            slots: self.slots(&rows, days),
            gates: Vec::new(),
            findings,
        })
    }
}

export!(ContentMix: campaign);
