//! Shares of core platforms, other platforms and technology in a budget (domain RO-10).

use playbook_domain::{hold_core_share, normalise, split};
use playbook_sdk::prelude::*;

settings! {
    /// The band of the core platforms, and how technology is split.
    pub struct Settings {
        /// What the rows are.
        pub subject: String where length(1..) = "channel",
        /// Band of the core platforms together, as fractions of the budget.
        pub core_share: [f64; 2] where each(within(0.0..=1.0)) = [0.55, 0.60],
        /// Weight of a platform without one: a new one starts on trial.
        pub new_weight: f64 where within(0.0..=1.0) = 0.05,
        /// Budget of the platforms in minor units; null gives shares alone.
        pub budget_minor: Option<i64> where within(0..) = null,
        /// Splits technology too: the playbook then has rows of the subject `tool`.
        pub technology: bool = true,
        /// Share of early tools in technology.
        pub early: f64 where within(0.0..=1.0) = 0.35,
        /// Share of AI development in technology.
        pub ai_development: f64 where within(0.0..=1.0) = 0.45,
        /// Share of maintenance in technology.
        pub maintenance: f64 where within(0.0..=1.0) = 0.20,
        /// Budget of technology in minor units; null gives shares alone.
        pub technology_minor: Option<i64> where within(0..) = null,
    }
}

/// Classes of technology by maturity, in the order of their shares.
const CLASSES: [&str; 3] = ["early", "ai-development", "maintenance"];

/// Positions of the tables.
const PLATFORMS: usize = 0;
const TOOLS: usize = 1;

declare! {
    /// What is known of a platform.
    needs Platform {
        WEIGHT: real("weight").unit("ratio").optional(),
        CORE: integer("core"),
        TRIAL: integer("trial").optional(),
    }
    /// What is said of a platform.
    outputs Said {
        SHARE: real("share").unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of the budget of the platforms", "平台預算佔比")),
        AMOUNT: integer("amount_minor").role(Role::Value).unit("minor").at_least(0.0)
            .meaning(words("Budget of the platform", "平台預算")),
        TRIAL: integer("on_trial").unit("").between(0.0, 1.0)
            .meaning(words("1 where the platform is on trial", "試點平台為1")),
    }
    /// What is known of a tool.
    needs Tool {
        CLASS: category("maturity", CLASSES),
        WEIGHT: real("tool_weight").unit("ratio").optional(),
    }
    /// What is said of a tool.
    outputs ToolSaid {
        SHARE: real("technology_share").unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of the budget of technology", "技術預算佔比")),
        AMOUNT: integer("technology_minor").role(Role::Value).unit("minor").at_least(0.0)
            .meaning(words("Budget of the tool", "工具預算")),
    }
    reasons Why {
        HELD: "core-held" => words(
            "the core platforms left their band: both groups are scaled to its bound",
            "核心平台合計超出區間，按比例調回邊界",
        ),
        ONE_GROUP: "one-group" => words(
            "without both core and other platforms no band can be held",
            "缺少核心或非核心平台，無法保持區間",
        ),
        NO_TOOL: "class-without-tool" => words(
            "a class of technology has no tool: its share is not given out",
            "該成熟度類別無工具，份額未分配",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct PlatformSplit {
    settings: Settings,
}

impl Plugin for PlatformSplit {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "platform-split",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Budget of core platforms, other platforms and technology",
            "平台預算分配：核心平台55–60%",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let [least, most] = settings.core_share;
        problems.check(least <= most, "/core_share", "must be a band of shares");
        let whole: f64 = settings.classes().iter().sum();
        problems.check((whole - 1.0).abs() < 1e-9, "/early", "the three classes must add up to 1");
        problems.into_result()?;
        let platforms = table(settings.subject.clone()).needs(Platform::all());
        let shape = Shape::whole_tables()
            .table(platforms)
            .produces_in(PLATFORMS as u32, Said::all())
            .reasons(Why::all())
            .term("early", words("early tools", "早期工具"))
            .term("ai-development", words("AI development", "AI開發"))
            .term("maintenance", words("maintenance", "運維"));
        if !settings.technology {
            return Ok(shape);
        }
        let tools = table("tool").needs(Tool::all());
        Ok(shape.table(tools).produces_in(TOOLS as u32, ToolSaid::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Settings {
    fn classes(&self) -> [f64; 3] {
        [self.early, self.ai_development, self.maintenance]
    }
}

/// Weights of a group without any weight become equal, so that they can be scaled.
fn spread(weights: &mut [f64], is_member: impl Fn(usize) -> bool) {
    let places = || (0..weights.len()).filter(|at| is_member(*at));
    let sum: f64 = places().map(|at| weights[at]).sum();
    if sum <= 0.0 {
        let members: Vec<usize> = places().collect();
        members.into_iter().for_each(|at| weights[at] = 1.0);
    }
}

impl PlatformSplit {
    fn platforms(&self, rows: &Rows<'_>, out: &mut TableAnswer<'_>) {
        let (weight, core) = (rows.get(Platform::WEIGHT), rows.get(Platform::CORE));
        let trial = rows.get(Platform::TRIAL);
        let is_core = |row: usize| core.get(row).is_some_and(|core| core != 0);
        let new = self.settings.new_weight;
        let mut shares: Vec<f64> =
            (0..rows.len()).map(|row| weight.get(row).unwrap_or(new).max(0.0)).collect();
        normalise(&mut shares);
        spread(&mut shares, is_core);
        spread(&mut shares, |row| !is_core(row));
        normalise(&mut shares);
        let [least, most] = self.settings.core_share;
        match hold_core_share(&mut shares, is_core, [least, most]) {
            None if rows.is_empty() => {}
            None => out.finding(Finding::new(Level::Warn, Why::ONE_GROUP)),
            Some(sum) if sum < least => {
                out.finding(Finding::new(Level::Watch, Why::HELD).measured(sum, least));
            }
            Some(sum) if sum > most => {
                out.finding(Finding::new(Level::Watch, Why::HELD).measured(sum, most));
            }
            Some(_) => {}
        }
        let amounts = self.settings.budget_minor.map(|budget| split(budget, &shares));
        for (row, share) in shares.iter().enumerate() {
            let is_new = weight.get(row).is_none();
            let on_trial = is_new || trial.get(row).is_some_and(|trial| trial != 0);
            let outputs = out.table(PLATFORMS);
            outputs.set(Said::SHARE, row, share.min(1.0));
            outputs.set_or_missing(Said::AMOUNT, row, amounts.as_ref().map(|all| all[row]));
            outputs.set(Said::TRIAL, row, i64::from(on_trial));
        }
    }

    fn tools(&self, rows: &Rows<'_>, out: &mut TableAnswer<'_>) {
        let (class, weight) = (rows.get(Tool::CLASS), rows.get(Tool::WEIGHT));
        let classes = self.settings.classes();
        let amounts = self.settings.technology_minor.map(|whole| split(whole, &classes));
        for (at, whole) in classes.into_iter().enumerate() {
            let tools: Vec<usize> =
                (0..rows.len()).filter(|row| class.get(*row) == Some(at)).collect();
            if tools.is_empty() && whole > 0.0 && !rows.is_empty() {
                out.finding(Finding::new(Level::Watch, Why::NO_TOOL).measured(whole, 0.0));
            }
            let mut shares: Vec<f64> =
                tools.iter().map(|row| weight.get(*row).unwrap_or(0.0).max(0.0)).collect();
            normalise(&mut shares);
            let amounts = amounts.as_ref().map(|all| split(all[at], &shares));
            for (nth, row) in tools.into_iter().enumerate() {
                let outputs = out.table(TOOLS);
                outputs.set(ToolSaid::SHARE, row, (whole * shares[nth]).min(1.0));
                let amount = amounts.as_ref().map(|all| all[nth]);
                outputs.set_or_missing(ToolSaid::AMOUNT, row, amount);
            }
        }
    }
}

impl Roi for PlatformSplit {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        self.platforms(&tables.table(PLATFORMS), out);
        if self.settings.technology {
            self.tools(&tables.table(TOOLS), out);
        }
        Ok(())
    }
}

export!(PlatformSplit: roi);
