//! Return per channel with tier coefficient; premium and depreciation of the brand (domain RO-1, RO-2, RO-3).

pub mod worth;

use playbook_sdk::prelude::*;
use worth::{Decay, brand_value_factor, ltv_coefficient, margin_ratio, premium};

settings! {
    /// What a unit of revenue is worth, and when brand value moves.
    pub struct Settings {
        /// What the rows are: channel, campaign, strategy, community.
        pub subject: String = "channel".to_owned(),
        /// Margin per revenue where the table has no `margin_rate` of its own.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub margin_rate: f64 = 0.30,
        /// Coefficients of revenue by tier; feature `revenue_minor.NAME` each.
        pub tiers: Vec<Tier> = standard_tiers(),
        /// Coefficient of revenue of no tier.
        #[schemars(range(min = 0.0, max = 100.0))]
        pub ordinary_coefficient: f64 = 1.0,
        /// Return below which a row is a finding.
        #[schemars(range(min = 0.0))]
        pub roi_floor: f64 = 1.5,
        /// Reads the brand table (weekly activity, closed months) for premium and depreciation.
        pub brand: bool = true,
        /// Multiplies returns by the premium too, where activity is known.
        pub apply_premium: bool = false,
        /// Weekly activity without a premium.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub premium_baseline: f64 = 0.20,
        /// Premium of ten more points of activity.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub premium_per_ten_points: f64 = 0.03,
        /// Greatest premium factor.
        #[schemars(range(min = 1.0, max = 10.0))]
        pub premium_max: f64 = 1.30,
        /// Monthly activity below which a month counts towards depreciation.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub decay_floor: f64 = 0.15,
        /// Low months in a row that pass before brand value falls.
        #[schemars(range(min = 0, max = 12))]
        pub decay_months: u32 = 3,
        /// Share of brand value that each further low month takes.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub decay_rate: f64 = 0.05,
    }
}

settings! {
    /// A tier and what its revenue counts.
    pub struct Tier {
        /// Segment name.
        pub name: String = String::new(),
        /// Multiplier of its revenue.
        pub coefficient: f64 = 1.0,
    }
}

fn standard_tiers() -> Vec<Tier> {
    [("silent", 1.0), ("prospect", 1.0), ("active", 1.4), ("core", 1.8), ("koc", 1.8)]
        .map(|(name, coefficient)| Tier { name: name.to_owned(), coefficient })
        .to_vec()
}

/// Closed months that the brand table may give.
const MONTHS: usize = 6;
/// Most tiers.
const TIERS_MAX: usize = 32;

/// Positions of the tables.
const ROWS: usize = 0;
const BRAND: usize = 1;

/// Positions of the needs of the rows; the tiers follow.
const REVENUE: usize = 0;
const COST: usize = 1;
const MARGIN_RATE: usize = 2;
const FIRST_TIER: usize = 3;

/// Positions of the needs of the brand; months follow, the last closed one first.
const WAU_RATIO: usize = 0;
const FIRST_MONTH: usize = 1;

/// Positions of the outputs of the rows.
const ROI: usize = 0;
const MARGIN_RATIO: usize = 1;
const LTV_COEFFICIENT: usize = 2;

/// Positions of the outputs of the brand.
const BRAND_ROI: usize = 0;
const PREMIUM: usize = 1;
const BRAND_VALUE_FACTOR: usize = 2;

/// Positions of the reasons.
const BELOW_FLOOR: u32 = 0;
const DEPRECIATES: u32 = 1;

/// The opened plugin.
#[derive(Debug)]
pub struct RoiBase {
    settings: Settings,
}

impl Plugin for RoiBase {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "roi-base",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Return per channel by tier, with brand premium and depreciation",
            "分層回報、品牌溢價與社群資產折舊",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        check(settings)?;
        let revenue = |name: String| need::integer(name).unit("minor").optional();
        let rows = table(settings.subject.clone())
            .need(revenue("revenue_minor".to_owned()))
            .need(need::integer("cost_minor").unit("minor"))
            .need(need::real("margin_rate").unit("ratio").optional())
            .needs(
                settings.tiers.iter().map(|tier| revenue(format!("revenue_minor.{}", tier.name))),
            );
        let shape = Shape::whole_tables()
            .table(rows)
            .produce_in(
                0,
                output::real("roi").unit("ratio").meaning(words(
                    "Margin per cost times tier coefficient",
                    "回報率＝毛利÷成本×生命周期價值係數",
                )),
            )
            .produce_in(
                0,
                output::real("margin_ratio")
                    .unit("ratio")
                    .meaning(words("Margin per cost", "毛利÷成本")),
            )
            .produce_in(
                0,
                output::real("ltv_coefficient")
                    .unit("ratio")
                    .at_least(0.0)
                    .meaning(words("Mean tier coefficient of the revenue", "生命周期價值係數")),
            )
            .reason("below-floor", words("the return is below the floor", "回報低於底線"))
            .reason(
                "depreciates",
                words(
                    "activity has been low for months: brand value falls",
                    "活躍度連月過低，社群資產折舊",
                ),
            );
        Ok(if settings.brand { with_brand(shape) } else { shape })
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

fn with_brand(shape: Shape) -> Shape {
    let month = |ago: usize| need::real(format!("activity_month_{ago}")).unit("ratio").optional();
    let brand = table("brand")
        .need(need::real("wau_ratio").unit("ratio").optional())
        .needs((1..=MONTHS).map(month));
    shape
        .table(brand)
        .produce_in(
            1,
            output::real("brand_roi")
                .unit("ratio")
                .meaning(words("Return over all rows", "整體回報率")),
        )
        .produce_in(
            1,
            output::real("premium")
                .unit("ratio")
                .at_least(1.0)
                .meaning(words("Premium factor of the activity", "品牌溢價係數")),
        )
        .produce_in(
            1,
            output::real("brand_value_factor").unit("ratio").between(0.0, 1.0).meaning(words(
                "What depreciation left of brand value over the closed months at hand",
                "折舊後品牌價值係數",
            )),
        )
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    let shares = [
        ("/margin_rate", settings.margin_rate),
        ("/premium_baseline", settings.premium_baseline),
        ("/premium_per_ten_points", settings.premium_per_ten_points),
        ("/decay_floor", settings.decay_floor),
        ("/decay_rate", settings.decay_rate),
    ];
    for (path, share) in shares {
        problems.check((0.0..=1.0).contains(&share), path, "must lie between 0 and 1");
    }
    problems.check(settings.premium_max >= 1.0, "/premium_max", "must be at least 1");
    problems.check(!settings.subject.is_empty(), "/subject", "must name the rows");
    problems.check(
        settings.tiers.len() <= TIERS_MAX,
        "/tiers",
        format!("names more than {TIERS_MAX} tiers"),
    );
    for (i, tier) in settings.tiers.iter().enumerate() {
        let twice = settings.tiers[..i].iter().any(|other| other.name == tier.name);
        problems.check(
            !tier.name.is_empty() && !twice,
            format!("/tiers/{i}/name"),
            "must be a name of its own",
        );
        problems.check(
            tier.coefficient >= 0.0,
            format!("/tiers/{i}/coefficient"),
            "must not be below 0",
        );
    }
    problems.into_result()
}

/// Sums over all rows, for the return of the brand.
#[derive(Debug, Default)]
struct Whole {
    worth: f64,
    cost_minor: i128,
}

impl RoiBase {
    fn rows(&self, rows: &Rows<'_>, premium: Option<f64>, out: &mut TableAnswer<'_>) -> Whole {
        let (revenue, cost, margin_rate) =
            (rows.integer(REVENUE), rows.integer(COST), rows.real(MARGIN_RATE));
        let tiers: Vec<(Column<'_, i64>, f64)> = (self.settings.tiers.iter().enumerate())
            .map(|(at, tier)| (rows.integer(FIRST_TIER + at), tier.coefficient))
            .collect();
        let lift = if self.settings.apply_premium { premium.unwrap_or(1.0) } else { 1.0 };
        let mut whole = Whole::default();
        for row in 0..rows.len() {
            let split: Vec<(i64, f64)> = (tiers.iter())
                .filter_map(|(column, coefficient)| Some((column.get(row)?, *coefficient)))
                .collect();
            let tiered = (!split.is_empty())
                .then(|| split.iter().fold(0_i64, |sum, (part, _)| sum.saturating_add(*part)));
            let revenue = revenue.get(row).or(tiered);
            let rate = margin_rate.get(row).unwrap_or(self.settings.margin_rate);
            let coefficient = revenue.and_then(|minor| {
                ltv_coefficient(minor, &split, self.settings.ordinary_coefficient)
            });
            let ratio = revenue
                .zip(cost.get(row))
                .and_then(|(minor, cost)| margin_ratio(minor, rate, cost));
            // Without revenue no coefficient is known and none is needed: nothing was earned.
            let roi = ratio.map(|ratio| ratio * coefficient.unwrap_or(1.0) * lift);
            if let (Some(roi), Some(cost)) = (roi, cost.get(row)) {
                whole.worth += roi * cost as f64;
                whole.cost_minor += i128::from(cost);
                if roi < self.settings.roi_floor {
                    let finding =
                        Finding::new(Level::Warn, BELOW_FLOOR).at(ROWS as u32, row as u32);
                    out.finding(finding.measured(roi, self.settings.roi_floor));
                }
            }
            let outputs = out.table(ROWS);
            outputs.real_or_missing(ROI, row, roi);
            outputs.real_or_missing(MARGIN_RATIO, row, ratio);
            outputs.real_or_missing(LTV_COEFFICIENT, row, coefficient);
        }
        whole
    }

    fn brand(&self, brand: &Rows<'_>, whole: &Whole, out: &mut TableAnswer<'_>) {
        let Settings { decay_floor, decay_months, decay_rate, .. } = self.settings;
        let decay = Decay { floor: decay_floor, months: decay_months, rate: decay_rate };
        for row in 0..brand.len() {
            let months: Vec<Option<f64>> =
                (0..MONTHS).rev().map(|ago| brand.real(FIRST_MONTH + ago).get(row)).collect();
            let known = months.iter().any(Option::is_some);
            let factor = known.then(|| brand_value_factor(&months, &decay));
            let last = months.last().copied().flatten();
            if let (Some(factor), Some(last)) = (factor, last)
                && factor < 1.0
                && last < decay_floor
            {
                let finding =
                    Finding::new(Level::Critical, DEPRECIATES).at(BRAND as u32, row as u32);
                out.finding(finding.measured(last, decay_floor));
            }
            let roi = (whole.cost_minor > 0).then(|| whole.worth / whole.cost_minor as f64);
            let outputs = out.table(BRAND);
            outputs.real_or_missing(BRAND_ROI, row, roi);
            outputs.real_or_missing(PREMIUM, row, self.premium(brand, row));
            outputs.real_or_missing(BRAND_VALUE_FACTOR, row, factor);
        }
    }

    fn premium(&self, brand: &Rows<'_>, row: usize) -> Option<f64> {
        let Settings { premium_baseline, premium_per_ten_points, premium_max, .. } = self.settings;
        let activity = brand.real(WAU_RATIO).get(row)?;
        Some(premium(activity, premium_baseline, premium_per_ten_points, premium_max))
    }
}

impl Roi for RoiBase {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let brand = self.settings.brand.then(|| tables.table(BRAND));
        let premium = brand.as_ref().and_then(|brand| self.premium(brand, 0));
        let whole = self.rows(&tables.table(ROWS), premium, out);
        if let Some(brand) = brand {
            self.brand(&brand, &whole, out);
        }
        Ok(())
    }
}

export!(RoiBase: roi);
