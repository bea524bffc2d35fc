//! Campaign in three phases: preheat, burst, extension, with money per channel and content slots
//! (domain CA-1, CA-4, RO-9, RO-10).

mod settings;

use playbook_domain::{Channel, Mix, hold_core_share, split};
use playbook_sdk::prelude::*;
pub use settings::{GateSetting, RatioBasis, Settings};

/// The phases in order of time; each has its reason at its place.
const PHASES: usize = 3;

declare! {
    /// What is known of a channel.
    needs Known {
        WEIGHT: real("weight").unit("ratio").optional(),
        ROI: real("roi").unit("ratio").optional(),
        WAU_RATIO: real("wau_ratio").unit("ratio").optional(),
        DELIVERY_RATE: real("delivery_rate").unit("ratio").optional(),
        COMPLAINT_RATE: real("complaint_rate").unit("ratio").optional(),
        CORE: integer("core").optional(),
        TRIAL: integer("trial").optional(),
    }
    reasons Why {
        PREHEAT: "preheat" => words("tell the brand story before the offer", "預熱：品牌故事鋪墊"),
        BURST: "burst" => words("gather attention on the value for members", "爆發：集中呈現用戶價值"),
        EXTENSION: "extension" => words("keep the resonance and the buyers", "延續：情感共鳴與留存"),
        WEAK_CHANNEL: "weak-channel" => words("the channel is in poor health", "渠道健康度偏低"),
    }
}

/// Names of plans in words.
const TERMS: [(&str, &str, &str); 16] = [
    ("preheat", "preheat", "預熱"),
    ("burst", "burst", "爆發"),
    ("extension", "extension", "延續"),
    ("format", "format", "形式"),
    ("image-text", "image-text", "圖文"),
    ("short-video", "short-video", "短視頻"),
    ("live", "live", "直播"),
    ("layer", "layer", "層次"),
    ("base", "base", "基礎"),
    ("core", "core", "深度"),
    ("value-added", "value-added", "共創"),
    ("value", "value", "價值"),
    ("commercial", "commercial", "商業"),
    ("brand-story", "brand-story", "品牌故事"),
    ("user-value", "user-value", "用戶價值"),
    ("emotional-resonance", "emotional-resonance", "情感共鳴"),
];

/// Categories of the content mixes.
const FORMATS: [&str; 3] = ["image-text", "short-video", "live"];
const LAYERS: [&str; 3] = ["base", "core", "value-added"];
const PURPOSES: [&str; 2] = ["value", "commercial"];

/// The opened plugin.
#[derive(Debug)]
pub struct ThreePhases {
    settings: Settings,
}

impl Plugin for ThreePhases {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "phases-3",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Campaign of preheat, burst and extension over channels",
            "預熱–爆發–延續三段式活動",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        settings.check()?;
        let channels = table(settings.subject.clone()).needs(Known::all());
        let shape = Shape::whole_tables().table(channels).reasons(Why::all());
        Ok(TERMS.iter().fold(shape, |shape, (name, en, zh)| shape.term(*name, words(en, zh))))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

fn read(rows: &Rows<'_>) -> Vec<Channel> {
    let flag =
        |column: In<Integer>, row: usize| rows.get(column).get(row).is_some_and(|flag| flag != 0);
    (0..rows.len())
        .map(|row| Channel {
            weight: rows.get(Known::WEIGHT).get(row),
            roi: rows.get(Known::ROI).get(row),
            wau_ratio: rows.get(Known::WAU_RATIO).get(row),
            delivery_rate: rows.get(Known::DELIVERY_RATE).get(row),
            complaint_rate: rows.get(Known::COMPLAINT_RATE).get(row),
            core: flag(Known::CORE, row),
            trial: flag(Known::TRIAL, row),
        })
        .collect()
}

impl ThreePhases {
    fn phases(&self, budget: i64) -> Vec<Phase> {
        let money = split(budget, &self.settings.shares());
        let mut first_day = 0;
        let mut phases = Vec::new();
        let reasons = (0..).zip(Why::all());
        for ((days, budget), (reason, (name, _))) in
            self.settings.days().into_iter().zip(money).zip(reasons)
        {
            phases.push(Phase { name: name.to_owned(), first_day, days, budget, reason });
            first_day += days;
        }
        phases
    }

    /// Shares of every mix in every phase, with the tolerance around them.
    fn content(&self) -> Vec<ContentShare> {
        let Settings { format_shares, layer_shares, commercial_share, content_tolerance, .. } =
            self.settings;
        let purposes = [1.0 - commercial_share, commercial_share];
        let mixes: [(&str, &[&str], &[f64]); 3] = [
            ("format", &FORMATS, &format_shares),
            ("layer", &LAYERS, &layer_shares),
            ("commercial", &PURPOSES, &purposes),
        ];
        let mut shares = Vec::new();
        for phase in 0..PHASES as u32 {
            for (mix, categories, targets) in mixes {
                for (category, target) in categories.iter().zip(targets) {
                    shares.push(ContentShare {
                        phase,
                        mix: mix.to_owned(),
                        category: (*category).to_owned(),
                        least: (target - content_tolerance).max(0.0),
                        target: *target,
                        most: (target + content_tolerance).min(1.0),
                    });
                }
            }
        }
        shares
    }

    /// Slots of every day, each mix and the channels filled by what lags most over the whole plan.
    fn slots(&self, phases: &[Phase], weights: &[f64]) -> Vec<Slot> {
        let commercial = self.settings.commercial_share;
        let mut formats = Mix::new(&self.settings.format_shares);
        let mut layers = Mix::new(&self.settings.layer_shares);
        let mut purposes = Mix::new(&[1.0 - commercial, commercial]);
        let mut places = Mix::new(weights);
        let mut slots = Vec::new();
        for ((at, phase), theme) in (0..).zip(phases).zip(&self.settings.themes) {
            for day in phase.first_day..phase.first_day + phase.days {
                for minute in &self.settings.slot_minutes {
                    slots.push(Slot {
                        phase: at,
                        day,
                        minute: *minute,
                        place: places.next_slot().map(|row| Place { table: 0, row: row as u32 }),
                        format: FORMATS[formats.next_slot().unwrap_or_default()].to_owned(),
                        layer: LAYERS[layers.next_slot().unwrap_or_default()].to_owned(),
                        theme: theme.clone(),
                        commercial: purposes.next_slot() == Some(1),
                    });
                }
            }
        }
        slots
    }

    fn gates(&self) -> Vec<Gate> {
        let gate = |gate: &GateSetting| Gate {
            phase: gate.phase,
            metric: gate.metric.clone(),
            comparison: gate.comparison,
            value: gate.value,
            sample_min: gate.sample_min,
        };
        self.settings.gates.iter().map(gate).collect()
    }
}

impl Campaign for ThreePhases {
    fn plan(&self, _: &Context, tables: &Tables<'_>, budget: i64) -> Result<CampaignPlan, String> {
        let channels = read(&tables.table(0));
        let terms = self.settings.health_terms();
        let healths: Vec<Option<f64>> =
            channels.iter().map(|channel| terms.health(channel).mean(1.0)).collect();
        let terms = self.settings.weight_terms();
        let mut weights = terms.old(&channels);
        terms.reweigh(&mut weights, &channels, &healths);
        hold_core_share(&mut weights, |at| channels[at].core, self.settings.core_share);
        let phases = self.phases(budget);
        let mut allocations = Vec::new();
        for (phase, facts) in (0..).zip(&phases) {
            for (row, amount) in (0..).zip(split(facts.budget, &weights)) {
                if amount > 0 {
                    allocations.push(Allocation { phase, place: Place { table: 0, row }, amount });
                }
            }
        }
        let weak = self.settings.weak_health;
        let findings = (0..).zip(&healths).filter_map(|(row, health)| {
            let health = health.filter(|health| *health < weak)?;
            Some(Finding::new(Level::Watch, Why::WEAK_CHANNEL).at(0, row).measured(health, weak))
        });
        Ok(CampaignPlan {
            allocations,
            content: self.content(),
            slots: self.slots(&phases, &weights),
            gates: self.gates(),
            findings: findings.collect(),
            phases,
        })
    }
}

export!(ThreePhases: campaign);
