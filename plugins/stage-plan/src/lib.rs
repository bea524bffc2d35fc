//! Campaigns and programmes in named stages (domain CA-2, CA-3, CA-5, CA-6, CA-8, CA-10).
//!
//! The stages are data: a model is a card beside this engine. Touches are rewards of `reward-rules`, by the same code.

mod months;
mod plan;
mod settings;

use playbook_engine::rewards::{Rewarding, Rewards};
use playbook_engine::{Reading, Sources, needs, pointer};
use playbook_sdk::prelude::*;

pub use settings::{GateSetting, MilestoneSetting, PickSetting, Settings, StageSetting};

/// The weight of a row that gets money.
const WEIGHT: In<Real> = In::at(0);

/// The opened plugin.
#[derive(Debug)]
pub struct StagePlan {
    rules: plan::Rules,
    brand: Sources,
    touches: Option<Touching>,
    settings: Settings,
}

/// Touches as rows are asked.
#[derive(Debug)]
struct Touching {
    rewards: Rewarding,
    /// Of each touch: stages that have it.
    stages: Vec<Vec<u32>>,
    /// Position of the reason of the first touch.
    reason: u32,
}

/// Problems of the settings of touches, with their place in those of the plan.
fn of_touches(problems: &Problems) -> Problems {
    let mut told = Problems::new();
    for problem in problems.list() {
        let added = told.at(["/touches", &problem.path].concat(), problem.message.clone());
        if let Some(hint) = &problem.hint {
            added.hint(hint.clone());
        }
    }
    told
}

impl Plugin for StagePlan {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "stage-plan",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Campaigns and programmes in stages with gates and milestones",
            "分階段活動與項目：關卡、里程碑與觸達",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut reading = Reading::new(&settings.numbers);
        plan::read(settings, &mut reading);
        let (_, mut brand) = needs(&mut reading, &settings.columns, &[]);
        let mut problems = reading.problems;
        let mut shape = Shape::whole_tables();
        if let Some(touches) = &settings.touches {
            let (rows, of_brand, wrong) = touches.needs();
            brand.extend(of_brand);
            problems.extend(of_touches(&wrong));
            shape = Shape::rows(touches.subject.clone()).needs(rows);
        }
        let known = settings.touches.iter().flat_map(|touches| &touches.order);
        for name in known.filter(|name| settings.stage.has(name)) {
            problems.at(pointer(&["stage", name]), "is the name of a touch too");
        }
        problems.into_result()?;
        if !settings.subject.is_empty() {
            let weight = need::real("weight").unit("ratio").optional();
            shape = shape.table(table(settings.subject.clone()).need(weight));
        }
        if !brand.is_empty() {
            shape = shape.table(table("brand").needs(brand));
        }
        for (name, stage) in plan::stages(settings) {
            shape = shape.reason(name, stage.why.as_ref().unwrap_or(&stage.words));
            shape = shape.term(name, &stage.words);
        }
        for (name, milestone) in settings.milestone.iter() {
            shape = shape.reason(["milestone-", name].concat(), &milestone.words);
        }
        Ok(settings.touches.iter().fold(shape, |shape, touches| touches.announced(shape)))
    }

    fn open(settings: Settings, opening: Opening<'_>) -> Result<Self, Problems> {
        let tables = opening.tables;
        let at = usize::from(!settings.subject.is_empty());
        let table = (tables.len() > at).then(|| tables.table(at));
        let mut reading = Reading::new(&settings.numbers);
        let Some(rules) = plan::read(&settings, &mut reading) else { return Err(reading.problems) };
        let own = reading.names.columns().len();
        let brand = Sources::new(&reading.names, table, 0);
        let touches = match &settings.touches {
            Some(touches) => Some(Touching::new(&settings, touches, table, own)?),
            None => None,
        };
        Ok(Self { rules, brand, touches, settings })
    }
}

impl Touching {
    fn new(
        settings: &Settings,
        touches: &Rewards,
        brand: Option<Rows<'_>>,
        first: usize,
    ) -> Result<Self, Problems> {
        let stages = |name: &String| {
            let having = (0..).zip(plan::stages(settings));
            having.filter(|(_, (_, s))| s.touches.contains(name)).map(|(at, _)| at).collect()
        };
        Ok(Self {
            rewards: Rewarding::new(touches, brand, first).map_err(|wrong| of_touches(&wrong))?,
            stages: touches.order.iter().map(stages).collect(),
            reason: (plan::stages(settings).count() + settings.milestone.len()) as u32,
        })
    }
}

impl Campaign for StagePlan {
    fn plan(
        &self,
        context: &Context,
        tables: &Tables<'_>,
        budget: i64,
    ) -> Result<CampaignPlan, String> {
        let brand = self.brand.of_brand();
        let mut plan = self.rules.plan(&self.settings, context, &brand, budget);
        if !self.settings.subject.is_empty() {
            let rows = tables.table(0);
            let weights = rows.get(WEIGHT);
            let weights: Vec<_> = (0..rows.len()).map(|row| weights.get(row)).collect();
            plan::allocate(&mut plan, &weights);
        }
        Ok(plan)
    }

    fn touch(
        &self,
        _: &Context,
        phase: u32,
        rows: &Rows<'_>,
        out: &mut Proposals,
    ) -> Result<(), String> {
        let Some(touches) = &self.touches else { return Ok(()) };
        let may = |touch: usize| touches.stages[touch].contains(&phase);
        touches.rewards.propose(rows, touches.reason, may, out);
        Ok(())
    }
}

export!(StagePlan: campaign);
