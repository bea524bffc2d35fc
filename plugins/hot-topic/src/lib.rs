//! Topics that rise (熱點監測, domain CA-11): heat, three classes, slots for those that fit the brand.

use playbook_sdk::prelude::*;

settings! {
    /// When a topic rises and what becomes of it.
    pub struct Settings {
        /// Mentions of today by the daily mean of the 7 days before, from which a topic rises.
        pub heat_min: f64 where above(0) = 2.0,
        /// Fewest mentions of today for a topic to rise.
        pub mentions_min: i64 where within(1..) = 10,
        /// Least daily mean that heat is measured by.
        pub mean_least: f64 where above(0) = 1.0,
        /// Classes of topics for which no slot is proposed.
        pub barred_classes: Vec<Class> where length(0..=3), distinct = ["politics"],
        /// Most slots that are proposed, for the hottest topics.
        pub slots_max: u32 where within(0..=16) = 3,
        /// Minute of the day of the first slot; the next ones follow by the hour.
        pub first_minute: u16 where within(0..=1439) = 720,
        /// Format of the slots.
        pub format: String where length(1..) = "short-video",
        /// Layer of the slots.
        pub layer: String where length(1..) = "base",
        /// Theme of the slots.
        pub theme: String where length(1..) = "hot-topic",
    }
}

settings! {
    /// Classes of hot topics.
    pub enum Class {
        /// Politics and society.
        Politics = "politics",
        /// Entertainment.
        Entertainment = "entertainment",
        /// The brand's own industry.
        Industry = "industry",
    }
}

/// Classes by position.
const CLASSES: [(&str, &str, &str); 3] = [
    ("politics", "politics", "時政"),
    ("entertainment", "entertainment", "娛樂"),
    ("industry", "industry", "行業"),
];

declare! {
    /// What is known of a topic.
    needs Topic {
        TODAY: integer("mentions_today").unit("count"),
        BEFORE: integer("mentions_prev7d").unit("count"),
        CLASS: category("class", CLASSES.map(|class| class.0)).optional(),
        BRAND_CHECK: integer("brand_value_ok").optional(),
        WORD_CHECK: integer("sensitive_hits").unit("count").optional(),
    }
    reasons Why {
        RISING: "rising" => words("The topic rises", "話題升溫"),
        BARRED_CLASS: "barred-class" => words("Rises, but the brand keeps away from its class", "話題升溫，但屬迴避類別"),
        BRAND_CHECK: "brand-check" => words("Rises, but does not fit the values of the brand", "話題升溫，但未通過品牌價值檢查"),
        WORD_CHECK: "word-check" => words("Rises, but holds sensitive words", "話題升溫，但含敏感詞"),
        NOT_CHECKED: "not-checked" => words("Rises, but nobody has checked it", "話題升溫，但尚未檢查"),
    }
}

/// Minutes between slots.
const SLOT_EVERY: u32 = 60;
/// Minutes of a day.
const DAY: u32 = 1440;

/// The opened plugin.
#[derive(Debug)]
pub struct HotTopic {
    settings: Settings,
}

impl Plugin for HotTopic {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "hot-topic",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Topics that rise, and slots for those that fit",
            "熱點三級監測與內容排期建議",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let _ = settings;
        let shape = Shape::whole_tables().table(table("topic").needs(Topic::all()));
        let shape = shape.reasons(Why::all()).term("today", words("today", "今日"));
        Ok(CLASSES.iter().fold(shape, |shape, (name, en, zh)| shape.term(*name, words(en, zh))))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl HotTopic {
    /// Mentions of today by the daily mean before.
    fn heat(&self, today: i64, before: i64) -> f64 {
        today as f64 / (before.max(0) as f64 / 7.0).max(self.settings.mean_least)
    }

    /// Why a topic that rises gets no slot; none where it may have one.
    fn barred(&self, rows: &Rows<'_>, row: usize) -> Option<u32> {
        let class = rows.get(Topic::CLASS).get(row);
        let is_barred =
            |class: usize| self.settings.barred_classes.iter().any(|c| *c as usize == class);
        let brand = rows.get(Topic::BRAND_CHECK).get(row);
        let hits = rows.get(Topic::WORD_CHECK).get(row);
        match (class, brand, hits) {
            (Some(class), ..) if is_barred(class) => Some(Why::BARRED_CLASS),
            (_, Some(0), _) => Some(Why::BRAND_CHECK),
            (.., Some(1..)) => Some(Why::WORD_CHECK),
            (_, Some(_), Some(_)) => None,
            _ => Some(Why::NOT_CHECKED),
        }
    }
}

impl Campaign for HotTopic {
    fn plan(&self, _: &Context, tables: &Tables<'_>, _: i64) -> Result<CampaignPlan, String> {
        let rows = tables.table(0);
        let (today, before) = (rows.get(Topic::TODAY), rows.get(Topic::BEFORE));
        let most = self.settings.slots_max as usize;
        let mut findings = Vec::new();
        // The hottest first; of equal ones the first row.
        let mut hottest: Vec<(f64, u32)> = Vec::new();
        for row in 0..rows.len() {
            let (Some(now), Some(before)) = (today.get(row), before.get(row)) else { continue };
            let heat = self.heat(now, before);
            if heat < self.settings.heat_min || now < self.settings.mentions_min {
                continue;
            }
            let at = row as u32;
            let barred = self.barred(&rows, row);
            let level = if barred.is_some() { Level::None } else { Level::Watch };
            let finding = Finding::new(level, barred.unwrap_or(Why::RISING)).at(0, at);
            findings.push(finding.measured(heat, self.settings.heat_min));
            if barred.is_none() {
                let place = hottest.iter().position(|(other, _)| heat > *other);
                hottest.insert(place.unwrap_or(hottest.len()), (heat, at));
                hottest.truncate(most);
            }
        }
        let slot = |(nth, (_, row)): (u32, &(f64, u32))| {
            let minute = (u32::from(self.settings.first_minute) + nth * SLOT_EVERY) % DAY;
            Slot {
                phase: 0,
                day: 0,
                minute: minute as u16,
                place: Some(Place { table: 0, row: *row }),
                format: self.settings.format.clone(),
                layer: self.settings.layer.clone(),
                theme: self.settings.theme.clone(),
                commercial: false,
            }
        };
        let slots = (0..).zip(&hottest).map(slot).collect();
        let name = "today".to_owned();
        let phase = Phase { name, first_day: 0, days: 1, budget: 0, reason: Why::RISING };
        Ok(CampaignPlan {
            phases: vec![phase],
            allocations: Vec::new(),
            content: Vec::new(),
            slots,
            gates: Vec::new(),
            findings,
        })
    }
}

export!(HotTopic: campaign);
