//! Return by scene of monetisation: floors, benchmarks, and the path to take (domain RO-6).

use std::collections::BTreeMap;

use playbook_domain::normalise_above;
use playbook_sdk::prelude::*;

settings! {
    /// Scenes and what is expected of them.
    pub struct Settings {
        /// Scenes by name, in kebab-case; the column `name` says which one a row is.
        pub scene: BTreeMap<String, Scene> where length(1..=64) = {
            "e-commerce": { "share": 0.48, "benchmark": 4.5, "floor": 2.0, "high_value": true,
                "en": "Selling goods", "zh": "電商帶貨" },
            "paid-knowledge": { "share": 0.23, "benchmark": 1.8, "floor": 1.0,
                "en": "Paid knowledge", "zh": "知識付費" },
            "membership": { "floor": 1.5, "high_value": true, "en": "Membership", "zh": "會員訂閱" },
            "advertising": { "floor": 1.5, "en": "Advertising", "zh": "廣告合作" },
            "services": { "floor": 1.5, "en": "Services", "zh": "增值服務" },
            "content": { "benchmark": 5.0, "floor": 5.0, "path": false,
                "en": "Spreading content", "zh": "內容傳播" },
            "incentives": { "benchmark": 4.0, "floor": 4.0, "path": false,
                "en": "Incentives", "zh": "激勵" }
        },
        /// Return below which the whole programme is a finding.
        pub programme_floor: f64 where within(0.0..) = 1.5,
        /// Return that whole programmes are known to have.
        pub programme_benchmark: f64 where within(0.01..) = 3.2,
        /// Share of high-value members above which the scenes for them are recommended.
        pub high_value_share: f64 where within(0.0..=1.0) = 0.40,
        /// Least weight of a scene on the path.
        pub weight_min: f64 where within(0.0..=1.0) = 0.05,
    }
}

settings! {
    /// One scene.
    pub struct Scene {
        /// Share of such scenes among those that are known; null: none is known.
        pub share: Option<f64> where within(0.0..=1.0) = null,
        /// Return that such scenes are known to have; null: none is known.
        pub benchmark: Option<f64> where within(0.01..) = null,
        /// Return below which the scene is a finding.
        pub floor: f64 where within(0.0..) = 1.5,
        /// A way to earn money, ranked against the others; else its floor alone is watched.
        pub path: bool = true,
        /// Recommended where many members are of high value.
        pub high_value: bool = false,
        /// Name in English; empty: as the scene is called.
        pub en: String = "",
        /// Name in Chinese; empty: the English one.
        pub zh: String = "",
    }
}

/// Positions of the tables.
const SCENES: usize = 0;
const BRAND: usize = 1;

/// What a return is against floor and benchmark.
const STATES: [&str; 3] = ["below-floor", "above-floor", "at-benchmark"];

declare! {
    /// What is known of a scene.
    needs Row(names: Vec<&str>) {
        NAME: category("name", names),
        ROI_ADJ: real("roi_adj").unit("ratio").optional(),
        ROI: real("roi").unit("ratio").optional(),
        REVENUE: integer("revenue_minor").unit("minor").optional(),
    }
    /// What is said of it.
    outputs Said {
        RETURN: real("return").role(Role::ReturnOnCost).unit("ratio")
            .meaning(words("Return less its risk", "風險調整後回報率")),
        STATE: category("state", STATES)
            .meaning(words("The return against floor and benchmark", "相對底線與基準的狀態")),
        TO_BENCHMARK: real("to_benchmark").unit("ratio")
            .meaning(words("Return by the benchmark of the scene", "回報÷場景基準")),
        RANK: integer("rank").unit("").at_least(1.0)
            .meaning(words("Place among the scenes by return less risk", "按風險調整後回報的排名")),
        WEIGHT: real("weight").unit("ratio").between(0.0, 1.0)
            .meaning(words("Weight of the scene on the recommended path", "建議權重")),
        SHARE: real("revenue_share").unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of the revenue of all scenes", "收入佔比")),
        USUAL_SHARE: real("usual_share").unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of such scenes among those that are known", "同類場景常見佔比")),
    }
    /// What is known of the brand.
    needs Brand {
        HIGH_VALUE: real("high_value_share").unit("ratio").optional(),
        ROI: real("brand_roi").unit("ratio").optional(),
    }
    /// What is said of the brand.
    outputs BrandSaid {
        STATE: category("programme_state", STATES)
            .meaning(words("The return of the programme against floor and benchmark", "整體狀態")),
        PATH: category("path", PATHS).meaning(words("The recommended path", "建議變現路徑")),
    }
    reasons Why {
        BELOW_FLOOR: "scene-below-floor" => words("the scene returns less than its floor", "場景回報低於底線"),
        PROGRAMME: "programme-below-floor" => words(
            "the whole programme returns less than its floor",
            "整體回報低於底線",
        ),
        HIGH_VALUE: "path-high-value" => words(
            "many members are of high value: develop what is made for them",
            "高價值成員佔比高：建議會員＋電商路徑",
        ),
        BY_RETURN: "path-by-return" => words(
            "develop the scenes in the order of their return less risk",
            "按風險調整後回報排序發展場景",
        ),
    }
}

/// Paths to take.
const PATHS: [&str; 2] = ["high-value", "by-return"];

/// The opened plugin.
#[derive(Debug)]
pub struct RoiScene {
    settings: Settings,
}

fn words_of(name: &str, scene: &Scene) -> (String, String) {
    let en = if scene.en.is_empty() { name } else { &scene.en };
    let zh = if scene.zh.is_empty() { en } else { &scene.zh };
    (en.to_owned(), zh.to_owned())
}

impl Plugin for RoiScene {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "roi-scene",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Return by scene of monetisation, with floors and a path",
            "分場景回報與變現路徑規劃",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        check(settings)?;
        let names = settings.scene.keys().map(String::as_str).collect();
        let shape = Shape::whole_tables()
            .table(table("scene").needs(Row::all(names)))
            .table(table("brand").needs(Brand::all()))
            .produces_in(SCENES as u32, Said::all())
            .produces_in(BRAND as u32, BrandSaid::all())
            .reasons(Why::all())
            .term("below-floor", words("below the floor", "低於底線"))
            .term("above-floor", words("above the floor", "高於底線"))
            .term("at-benchmark", words("at the benchmark", "達到基準"))
            .term("high-value", words("scenes for members of high value", "高價值路徑"))
            .term("by-return", words("by return less risk", "按回報排序"));
        Ok(settings.scene.iter().fold(shape, |shape, (name, scene)| {
            let text = words_of(name, scene);
            let develop = action(["develop-", name].concat(), Priority::Campaign, text.clone());
            shape.term(name.clone(), text).action(develop.needs_approval())
        }))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    for (name, scene) in &settings.scene {
        let path = ["/scene/", &playbook_sdk::settings::escaped(name)].concat();
        let is_kebab =
            name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(letters);
        problems.check(is_kebab && name.len() <= 48, path.clone(), "must be a kebab-case name");
        let taken = STATES.contains(&name.as_str()) || PATHS.contains(&name.as_str());
        problems.check(!taken, path.clone(), "is a name of the answer");
        let ordered = scene.benchmark.is_none_or(|benchmark| benchmark >= scene.floor);
        problems.check(ordered, [&path, "/benchmark"].concat(), "must be at least the floor");
    }
    let ordered = settings.programme_benchmark >= settings.programme_floor;
    problems.check(ordered, "/programme_benchmark", "must be at least the floor");
    problems.into_result()
}

/// Position in `STATES`.
fn state(measured: f64, floor: f64, benchmark: Option<f64>) -> usize {
    match benchmark {
        _ if measured < floor => 0,
        Some(benchmark) if measured >= benchmark => 2,
        _ => 1,
    }
}

/// A scene on the path.
struct OnPath {
    row: usize,
    scene: usize,
    adjusted: Option<f64>,
}

impl RoiScene {
    /// The first row of each scene that earns money.
    fn path(&self, rows: &Rows<'_>) -> Vec<OnPath> {
        let mut seen = vec![false; self.settings.scene.len()];
        let scenes: Vec<&Scene> = self.settings.scene.values().collect();
        let mut path = Vec::new();
        let (names, adjusted) = (rows.get(Row::NAME), rows.get(Row::ROI_ADJ));
        for row in 0..rows.len() {
            let Some(scene) = names.get(row) else { continue };
            if scene < seen.len()
                && !std::mem::replace(&mut seen[scene], true)
                && scenes[scene].path
            {
                path.push(OnPath { row, scene, adjusted: adjusted.get(row) });
            }
        }
        path
    }

    /// Weights of the path: of the scenes for members of high value where `high_value`, else of all, by return.
    fn weights(&self, path: &[OnPath], high_value: bool) -> Vec<f64> {
        let scenes: Vec<&Scene> = self.settings.scene.values().collect();
        let is_meant = |at: &OnPath| !high_value || scenes[at.scene].high_value;
        let mut weights: Vec<f64> = (path.iter())
            .map(|at| if is_meant(at) { at.adjusted.unwrap_or(0.0).max(0.0) } else { 0.0 })
            .collect();
        if weights.iter().all(|weight| *weight <= 0.0) {
            weights = path.iter().map(|at| f64::from(u8::from(is_meant(at)))).collect();
        }
        normalise_above(&mut weights, self.settings.weight_min);
        weights
    }

    fn scenes(&self, rows: &Rows<'_>, out: &mut TableAnswer<'_>) {
        let scenes: Vec<&Scene> = self.settings.scene.values().collect();
        let (names, rois) = (rows.get(Row::NAME), rows.get(Row::ROI));
        let (adjusted, revenue) = (rows.get(Row::ROI_ADJ), rows.get(Row::REVENUE));
        let whole: f64 = revenue.iter().flatten().map(|minor| minor.max(0) as f64).sum();
        for row in 0..rows.len() {
            let adjusted = adjusted.get(row);
            let outputs = out.table(SCENES);
            outputs.set_or_missing(Said::RETURN, row, adjusted);
            let share = revenue.get(row).filter(|_| whole > 0.0);
            let share = share.map(|minor| (minor.max(0) as f64 / whole).min(1.0));
            outputs.set_or_missing(Said::SHARE, row, share);
            let scene = names.get(row).and_then(|at| scenes.get(at));
            let Some(scene) = scene else { continue };
            outputs.set_or_missing(Said::USUAL_SHARE, row, scene.share);
            let Some(measured) = rois.get(row).or(adjusted) else { continue };
            outputs.set(Said::STATE, row, state(measured, scene.floor, scene.benchmark));
            let ratio = scene.benchmark.map(|benchmark| measured / benchmark);
            outputs.set_or_missing(Said::TO_BENCHMARK, row, ratio);
            if measured < scene.floor {
                let finding = Finding::new(Level::Warn, Why::BELOW_FLOOR);
                out.finding(finding.at(SCENES as u32, row as u32).measured(measured, scene.floor));
            }
        }
    }

    fn brand(&self, rows: &Rows<'_>, path: &[OnPath], high_value: bool, out: &mut TableAnswer<'_>) {
        let Settings { programme_floor, programme_benchmark, .. } = self.settings;
        let rois = rows.get(Brand::ROI);
        for row in 0..rows.len() {
            let roi = rois.get(row);
            let state = roi.map(|roi| state(roi, programme_floor, Some(programme_benchmark)));
            if let Some(roi) = roi.filter(|roi| *roi < programme_floor) {
                let finding = Finding::new(Level::Warn, Why::PROGRAMME);
                out.finding(finding.at(BRAND as u32, row as u32).measured(roi, programme_floor));
            }
            let outputs = out.table(BRAND);
            outputs.set_or_missing(BrandSaid::STATE, row, state);
            let known = (!path.is_empty()).then_some(usize::from(!high_value));
            outputs.set_or_missing(BrandSaid::PATH, row, known);
        }
    }
}

impl Roi for RoiScene {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let (rows, brand) = (tables.table(SCENES), tables.table(BRAND));
        let path = self.path(&rows);
        let scenes: Vec<&Scene> = self.settings.scene.values().collect();
        let bound = self.settings.high_value_share;
        let share = brand.get(Brand::HIGH_VALUE).get(0);
        let high_value = share.is_some_and(|share| share > bound)
            && path.iter().any(|at| scenes[at.scene].high_value);
        self.scenes(&rows, out);
        self.brand(&brand, &path, high_value, out);
        let weights = self.weights(&path, high_value);
        let mut ranked = Vec::new();
        for (at, weight) in path.iter().zip(weights) {
            let better = |other: &&OnPath| match (other.adjusted, at.adjusted) {
                (Some(other_roi), Some(own)) => {
                    other_roi > own || (other_roi == own && other.row < at.row)
                }
                _ => false,
            };
            let outputs = out.table(SCENES);
            outputs.set(Said::WEIGHT, at.row, weight.min(1.0));
            if at.adjusted.is_some() {
                let before = path.iter().filter(better).count();
                outputs.set(Said::RANK, at.row, before as i64 + 1);
                ranked.push((before, at.scene as u32));
            }
        }
        if high_value {
            let meant = path.iter().filter(|at| scenes[at.scene].high_value);
            let finding = Finding::new(Level::Watch, Why::HIGH_VALUE);
            let finding = share.map_or(finding.clone(), |share| finding.measured(share, bound));
            out.finding(finding.suggests(meant.map(|at| at.scene as u32)));
        } else if !ranked.is_empty() {
            let order = (0..ranked.len())
                .filter_map(|place| ranked.iter().find(|(before, _)| *before == place));
            let finding = Finding::new(Level::Watch, Why::BY_RETURN);
            out.finding(finding.suggests(order.map(|(_, scene)| *scene)));
        }
        Ok(())
    }
}

export!(RoiScene: roi);
