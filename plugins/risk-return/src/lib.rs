//! Limits and concentration of investments, and what ten scenarios make of them (domain RO-13).

pub mod stress;

use std::collections::BTreeMap;

use playbook_domain::{FLOWS_MAX, irr, nearest, npv, roi_adjusted};
use playbook_sdk::prelude::*;
use stress::{Item, loss};

settings! {
    /// Limits, and the scenarios that investments must stand.
    pub struct Settings {
        /// What the rows are: plan, strategy, campaign.
        pub subject: String where length(1..) = "plan",
        /// Greatest share of the free pool that one investment takes.
        pub single_most: f64 where within(0.0..=1.0) = 0.20,
        /// Greatest sum of the squared shares of the investments.
        pub concentration_most: f64 where within(0.0..=1.0) = 0.35,
        /// Loss in the worst scenario, by the investment, from which on it must be reduced.
        pub loss_stop: f64 where within(0.0..=1.0) = 0.15,
        /// Days in which an investment brings its output.
        pub period_days: f64 where within(1.0..=3650.0) = 28.0,
        /// Scenarios by name, in kebab-case.
        pub scenario: BTreeMap<String, Scenario> where length(1..=64) = {
            "base": { "en": "as planned", "zh": "基準" },
            "optimistic": { "output": 1.2, "en": "better than planned", "zh": "樂觀" },
            "pessimistic": { "output": 0.8, "en": "worse than planned", "zh": "悲觀" },
            "demand-down": { "output": 0.7, "en": "demand falls by 30 %", "zh": "需求下降30%" },
            "acquisition-dear": { "acquisition_cost": 1.67,
                "en": "new members cost 67 % more", "zh": "獲客成本上升67%" },
            "reach-halved": { "output": 0.5, "en": "a platform halves the reach", "zh": "平台規則致觸達減半" },
            "koc-leaves": { "koc_lost": 1.0, "en": "the key opinion consumers leave", "zh": "關鍵KOC流失" },
            "content-freeze": { "days_lost": 7.0, "en": "7 days without content", "zh": "內容凍結7天" },
            "data-outage": { "days_lost": 1.0, "en": "24 hours without data", "zh": "數據中斷24小時" },
            "off-season": { "divided_by": 1.8, "en": "off-season", "zh": "淡季" }
        },
    }
}

settings! {
    /// What happens in a scenario; what is left out stays as it is.
    pub struct Scenario {
        /// Factor of the output.
        pub output: f64 where within(0.0..=100.0) = 1.0,
        /// What the output is divided by.
        pub divided_by: f64 where within(0.01..=100.0) = 1.0,
        /// Factor of what new members cost.
        pub acquisition_cost: f64 where within(0.0..=100.0) = 1.0,
        /// Share of the output of opinion consumers that is lost.
        pub koc_lost: f64 where within(0.0..=1.0) = 0.0,
        /// Days of the period that are lost.
        pub days_lost: f64 where within(0.0..=3650.0) = 0.0,
        /// The scenario in English; empty: its name.
        pub en: String = "",
        /// The scenario in Chinese; empty: as in English.
        pub zh: String = "",
    }
}

/// Positions of the tables.
const ITEMS: usize = 0;
const BRAND: usize = 1;

/// Whether an investment may be approved.
const APPROVALS: [&str; 2] = ["open", "stopped"];

/// Rates between which the rate of return is sought.
const RATES: [f64; 2] = [-0.99, 10.0];

declare! {
    /// What is known of an investment.
    needs Row {
        AMOUNT: integer("amount_minor").unit("minor"),
        ROI: real("roi").unit("ratio").optional(),
        RISK: real("risk").unit("ratio").optional(),
        KOC_SHARE: real("koc_share").unit("ratio").optional(),
        ACQUISITION_SHARE: real("acquisition_share").unit("ratio").optional(),
        FLOWS: integers("cash_flows_minor").unit("minor").optional(),
        RATE: real("discount_rate").unit("ratio").optional(),
    }
    /// What is said of it; its loss in each scenario follows.
    outputs Said {
        ROI: real("roi_adj").role(Role::ReturnOnCost).unit("ratio")
            .meaning(words("Expected return less its risk", "風險調整後預期回報")),
        NPV: integer("npv_minor").role(Role::Value).unit("minor")
            .meaning(words("Present value at the rate of its risk", "風險貼現淨現值")),
        IRR: real("irr").unit("ratio").meaning(words("Rate of return, a period", "內部回報率（每期）")),
        SHARE: real("share").unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of all investments", "佔全部投資比重")),
        OF_POOL: real("of_free_pool").unit("ratio").at_least(0.0)
            .meaning(words("Share of the free pool", "佔可用資金池比重")),
        WORST_LOSS: real("worst_loss").unit("ratio").at_least(0.0)
            .meaning(words("Loss in the worst scenario, by the investment", "最壞情景損失率")),
        APPROVAL: category("approval", APPROVALS)
            .meaning(words("Whether limits and scenarios let it be approved", "可否批准")),
    }
    /// What is known of the brand.
    needs Brand {
        FREE: integer("free_pool_minor").unit("minor").optional(),
    }
    /// What is said of the brand.
    outputs BrandSaid {
        CONCENTRATION: real("concentration").unit("ratio").between(0.0, 1.0)
            .meaning(words("Sum of the squared shares of the investments", "集中度")),
        WORST_LOSS: real("worst_loss_of_all").unit("ratio").at_least(0.0).meaning(words(
            "Loss of all investments together in the worst scenario",
            "整體最壞情景損失率",
        )),
    }
    reasons Why {
        LOSS: "stress-loss" => words(
            "ST-14: it loses too much in the worst scenario and must be reduced before approval",
            "最壞情景損失過大，批准前須縮減（ST-14）",
        ),
        TOO_LARGE: "too-large" => words(
            "it takes more of the free pool than one investment may",
            "單筆投資超過可用資金池上限",
        ),
        CONCENTRATED: "concentrated" => words("the investments are too concentrated", "投資過於集中"),
        UNTESTED: "untested" => words(
            "without an expected return no scenario can be computed",
            "預期回報未知，無法壓力測試",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct RiskReturn {
    settings: Settings,
}

fn words_of(name: &str, scenario: &Scenario) -> (String, String) {
    let en = if scenario.en.is_empty() { name } else { &scenario.en };
    let zh = if scenario.zh.is_empty() { en } else { &scenario.zh };
    (en.to_owned(), zh.to_owned())
}

impl Plugin for RiskReturn {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "risk-return",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Limits, concentration and stress of investments",
            "風險–收益平衡：限額、集中度與十情景壓力測試",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let mut problems = Problems::new();
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        for name in settings.scenario.keys() {
            let path = ["/scenario/", &playbook_sdk::settings::escaped(name)].concat();
            let is_kebab =
                name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(letters);
            let taken = APPROVALS.contains(&name.as_str());
            problems.check(
                is_kebab && name.len() <= 48 && !taken,
                path,
                "must be a kebab-case name",
            );
        }
        problems.into_result()?;
        let shape = Shape::whole_tables()
            .table(table(settings.subject.clone()).needs(Row::all()))
            .table(table("brand").needs(Brand::all()))
            .produces_in(ITEMS as u32, Said::all());
        let names = || settings.scenario.keys().map(String::as_str);
        let worst = |name: &str| {
            output::category(name, names()).meaning(words("The worst scenario", "最壞情景"))
        };
        let shape = shape.produce_in(ITEMS as u32, worst("worst_scenario"));
        let shape = settings.scenario.iter().fold(shape, |shape, (name, scenario)| {
            let (en, zh) = words_of(name, scenario);
            let meaning = (["Loss: ", &en].concat(), ["損失率：", &zh].concat());
            let loss = output::real(["loss-", name].concat()).unit("ratio").at_least(0.0);
            shape
                .produce_in(ITEMS as u32, loss.group("stress").meaning(meaning))
                .term(name.clone(), (en, zh))
        });
        Ok(shape
            .produces_in(BRAND as u32, BrandSaid::all())
            .produce_in(BRAND as u32, worst("worst_scenario_of_all"))
            .term("open", words("may be approved", "可批准"))
            .term("stopped", words("must be reduced first", "須先縮減"))
            .reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// Position of the worst scenario in declared order and its loss, at least 0; the first of equals.
fn worst(losses: &[Option<f64>]) -> Option<(usize, f64)> {
    let known = losses.iter().enumerate().filter_map(|(at, loss)| Some((at, (*loss)?)));
    known.reduce(|worst, next| if next.1 > worst.1 { next } else { worst })
}

impl RiskReturn {
    fn item(&self, rows: &Rows<'_>, row: usize) -> Option<Item> {
        let amount = rows.get(Row::AMOUNT).get(row).filter(|amount| *amount > 0)? as f64;
        let share = |column: In<Real>| rows.get(column).get(row).map(|share| share.clamp(0.0, 1.0));
        Some(Item {
            amount,
            output: rows.get(Row::ROI).get(row)? * amount,
            koc_share: share(Row::KOC_SHARE),
            acquisition_share: share(Row::ACQUISITION_SHARE),
        })
    }

    /// Money in less money out in each scenario.
    fn losses(&self, item: &Item) -> Vec<Option<f64>> {
        let days = self.settings.period_days;
        self.settings.scenario.values().map(|scenario| loss(item, scenario, days)).collect()
    }

    /// Returns the sums of losses over all items, where each is known.
    fn items(
        &self,
        rows: &Rows<'_>,
        free: Option<f64>,
        whole: f64,
        out: &mut TableAnswer<'_>,
    ) -> (Vec<Option<f64>>, f64) {
        let Settings { single_most, loss_stop, .. } = self.settings;
        let scenarios = self.settings.scenario.len();
        let mut sums = vec![Some(0.0); scenarios];
        let mut tested = 0.0;
        for row in 0..rows.len() {
            let amount = rows.get(Row::AMOUNT).get(row).map(|amount| amount.max(0) as f64);
            let of_pool = amount.zip(free.filter(|free| *free > 0.0)).map(|(own, free)| own / free);
            let item = self.item(rows, row);
            let lost = item.map(|item| self.losses(&item));
            let rates: Vec<Option<f64>> = match (&item, &lost) {
                (Some(item), Some(lost)) => {
                    lost.iter().map(|loss| loss.map(|loss| (loss / item.amount).max(0.0))).collect()
                }
                _ => vec![None; scenarios],
            };
            if let (Some(item), Some(lost)) = (&item, &lost) {
                tested += item.amount;
                for (sum, loss) in sums.iter_mut().zip(lost) {
                    *sum = sum.zip(*loss).map(|(sum, loss)| sum + loss);
                }
            }
            let worst = worst(&rates);
            // Where nothing is free, any money is too much.
            let is_large =
                amount.zip(free).is_some_and(|(own, free)| own > single_most * free.max(0.0));
            let is_lost = worst.map(|(_, loss)| loss).filter(|loss| *loss >= loss_stop);
            let mut find = |finding: Finding| out.finding(finding.at(ITEMS as u32, row as u32));
            if let Some(loss) = is_lost {
                find(Finding::new(Level::Critical, Why::LOSS).measured(loss, loss_stop));
            }
            if is_large {
                let finding = Finding::new(Level::Warn, Why::TOO_LARGE);
                find(match of_pool {
                    Some(share) => finding.measured(share, single_most),
                    None => finding,
                });
            }
            if worst.is_none() && amount.is_some_and(|amount| amount > 0.0) {
                find(Finding::new(Level::Watch, Why::UNTESTED));
            }
            self.answer(rows, row, out.table(ITEMS));
            let outputs = out.table(ITEMS);
            let share = amount.filter(|_| whole > 0.0).map(|amount| (amount / whole).min(1.0));
            outputs.set_or_missing(Said::SHARE, row, share);
            outputs.set_or_missing(Said::OF_POOL, row, of_pool);
            outputs.set_or_missing(Said::WORST_LOSS, row, worst.map(|(_, loss)| loss));
            // Nobody approves what no scenario has seen.
            let stopped = is_large || is_lost.is_some();
            let approval = (worst.is_some() || stopped).then_some(usize::from(stopped));
            outputs.set_or_missing(Said::APPROVAL, row, approval);
            let scenario = worst.map(|(at, _)| at);
            outputs.set_or_missing(Out::<Category>::at(Said::COUNT), row, scenario);
            for (at, rate) in rates.into_iter().enumerate() {
                outputs.set_or_missing(Out::<Real>::at(Said::COUNT + 1 + at), row, rate);
            }
        }
        (sums, tested)
    }

    /// What flows and risk say of an item.
    fn answer(&self, rows: &Rows<'_>, row: usize, outputs: &mut Outputs<'_>) {
        let flows = rows.get(Row::FLOWS).get(row).unwrap_or_default();
        let risk = rows.get(Row::RISK).get(row).map(|risk| risk.clamp(0.0, 1.0));
        let adjusted = rows.get(Row::ROI).get(row).zip(risk);
        let is_valued = !flows.is_empty() && flows.len() <= FLOWS_MAX;
        let rate = rows.get(Row::RATE).get(row).filter(|rate| is_valued && *rate > -0.99);
        outputs.set_or_missing(Said::ROI, row, adjusted.map(|(roi, risk)| roi_adjusted(roi, risk)));
        outputs.set_or_missing(Said::NPV, row, rate.map(|rate| nearest(npv(flows, rate))));
        outputs.set_or_missing(Said::IRR, row, irr(flows, RATES));
    }
}

impl Roi for RiskReturn {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let (rows, brand) = (tables.table(ITEMS), tables.table(BRAND));
        let Settings { concentration_most, loss_stop, .. } = self.settings;
        let amount = rows.get(Row::AMOUNT);
        let amounts = || amount.iter().flatten().map(|amount| amount.max(0) as f64);
        let whole: f64 = amounts().sum();
        let free = brand.get(Brand::FREE).get(0).map(|free| free as f64);
        let (sums, tested) = self.items(&rows, free, whole, out);
        let rates: Vec<Option<f64>> = (sums.into_iter())
            .map(|sum| sum.filter(|_| tested > 0.0).map(|sum| (sum / tested).max(0.0)))
            .collect();
        let worst = worst(&rates);
        let squares: f64 = amounts().map(|amount| (amount / whole) * (amount / whole)).sum();
        let concentration = (whole > 0.0).then(|| squares.min(1.0));
        for row in 0..brand.len() {
            let mut find = |finding: Finding| out.finding(finding.at(BRAND as u32, row as u32));
            if let Some(sum) = concentration.filter(|sum| *sum > concentration_most) {
                find(
                    Finding::new(Level::Warn, Why::CONCENTRATED).measured(sum, concentration_most),
                );
            }
            if let Some((_, loss)) = worst.filter(|(_, loss)| *loss >= loss_stop) {
                find(Finding::new(Level::Critical, Why::LOSS).measured(loss, loss_stop));
            }
            let outputs = out.table(BRAND);
            outputs.set_or_missing(BrandSaid::CONCENTRATION, row, concentration);
            outputs.set_or_missing(BrandSaid::WORST_LOSS, row, worst.map(|(_, loss)| loss));
            let scenario = worst.map(|(at, _)| at);
            outputs.set_or_missing(Out::<Category>::at(BrandSaid::COUNT), row, scenario);
        }
        Ok(())
    }
}

export!(RiskReturn: roi);
