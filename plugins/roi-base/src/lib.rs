//! Return per channel with tier coefficient; premium and depreciation of the brand (domain RO-1, RO-2, RO-3).

pub mod worth;

use playbook_domain::{Decay, Premium, brand_value_factor};
use playbook_sdk::prelude::*;
use worth::{ltv_coefficient, margin_ratio};

settings! {
    /// What a unit of revenue is worth, and when brand value moves.
    pub struct Settings {
        /// What the rows are: channel, campaign, strategy, community.
        pub subject: String where length(1..) = "channel",
        /// Margin per revenue where the table has no `margin_rate` of its own.
        pub margin_rate: f64 where within(0.0..=1.0) = 0.30,
        /// Coefficients of revenue by tier; feature `revenue_minor.NAME` each.
        pub tiers: Vec<Tier> where length(0..=32), distinct(name) = [
            { "name": "silent" },
            { "name": "prospect" },
            { "name": "active", "coefficient": 1.4 },
            { "name": "core", "coefficient": 1.8 },
            { "name": "koc", "coefficient": 1.8 }
        ],
        /// Coefficient of revenue of no tier.
        pub ordinary_coefficient: f64 where within(0.0..=100.0) = 1.0,
        /// Return below which a row is a finding.
        pub roi_floor: f64 where within(0.0..) = 1.5,
        /// Reads the brand table (weekly activity, closed months) for premium and depreciation.
        pub brand: bool = true,
        /// Multiplies returns by the premium too, where activity is known.
        pub apply_premium: bool = false,
        /// Weekly activity without a premium.
        pub premium_baseline: f64 where within(0.0..=1.0) = 0.20,
        /// Premium of ten more points of activity.
        pub premium_per_ten_points: f64 where within(0.0..=1.0) = 0.03,
        /// Greatest premium factor.
        pub premium_max: f64 where within(1.0..=10.0) = 1.30,
        /// Monthly activity below which a month counts towards depreciation.
        pub decay_floor: f64 where within(0.0..=1.0) = 0.15,
        /// Low months in a row that pass before brand value falls.
        pub decay_months: u32 where within(0..=12) = 3,
        /// Share of brand value that each further low month takes.
        pub decay_rate: f64 where within(0.0..=1.0) = 0.05,
    }
}

settings! {
    /// A tier and what its revenue counts.
    pub struct Tier {
        /// Segment name.
        pub name: String where length(1..) = "",
        /// Multiplier of its revenue.
        pub coefficient: f64 where within(0..) = 1.0,
    }
}

/// Closed months that the brand table may give.
const MONTHS: usize = 6;

/// Positions of the tables.
const ROWS: usize = 0;
const BRAND: usize = 1;

declare! {
    /// What is known of a row; the revenue of each tier follows.
    needs Row {
        REVENUE: integer("revenue_minor").unit("minor").optional(),
        COST: integer("cost_minor").unit("minor"),
        MARGIN_RATE: real("margin_rate").unit("ratio").optional(),
    }
    /// What is said of a row.
    outputs RowSaid {
        ROI: real("roi").role(Role::ReturnOnCost).unit("ratio").meaning(words(
            "Margin per cost times tier coefficient",
            "回報率＝毛利÷成本×生命周期價值係數",
        )),
        MARGIN_RATIO: real("margin_ratio").unit("ratio").meaning(words("Margin per cost", "毛利÷成本")),
        LTV_COEFFICIENT: real("ltv_coefficient").unit("ratio").at_least(0.0)
            .meaning(words("Mean tier coefficient of the revenue", "生命周期價值係數")),
    }
    /// What is known of the brand; closed months follow, the last one first.
    needs Brand {
        WAU_RATIO: real("wau_ratio").unit("ratio").optional(),
    }
    /// What is said of the brand.
    outputs BrandSaid {
        ROI: real("brand_roi").role(Role::ReturnOnCost).unit("ratio").meaning(words("Return over all rows", "整體回報率")),
        PREMIUM: real("premium").unit("ratio").at_least(1.0)
            .meaning(words("Premium factor of the activity", "品牌溢價係數")),
        VALUE_FACTOR: real("brand_value_factor").unit("ratio").between(0.0, 1.0).meaning(words(
            "What depreciation left of brand value over the closed months at hand",
            "折舊後品牌價值係數",
        )),
    }
    reasons Why {
        BELOW_FLOOR: "below-floor" => words("the return is below the floor", "回報低於底線"),
        WITHOUT_COST: "without-cost" => words(
            "revenue without a cost: the return over all rows leaves it out",
            "有收入而無成本：未計入整體回報",
        ),
        WITHOUT_REVENUE: "without-revenue" => words(
            "cost without a known revenue: the return over all rows leaves it out",
            "有成本而收入未知：未計入整體回報",
        ),
        DEPRECIATES: "depreciates" => words(
            "activity has been low for months: brand value falls",
            "活躍度連月過低，社群資產折舊",
        ),
    }
}

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
        let tier = |tier: &Tier| {
            need::integer(format!("revenue_minor.{}", tier.name)).unit("minor").optional()
        };
        let rows = table(settings.subject.clone())
            .needs(Row::all())
            .needs(settings.tiers.iter().map(tier));
        let shape = Shape::whole_tables()
            .table(rows)
            .produces_in(ROWS as u32, RowSaid::all())
            .reasons(Why::all());
        Ok(if settings.brand { with_brand(shape) } else { shape })
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

fn with_brand(shape: Shape) -> Shape {
    let month = |ago: usize| need::real(format!("activity_month_{ago}")).unit("ratio").optional();
    let brand = table("brand").needs(Brand::all()).needs((1..=MONTHS).map(month));
    shape.table(brand).produces_in(BRAND as u32, BrandSaid::all())
}

/// Sums over all rows, for the return of the brand.
#[derive(Debug, Default)]
struct Whole {
    worth: f64,
    cost_minor: i128,
}

/// Why the return over all rows leaves out money of a row.
fn left_out(revenue: Option<i64>, cost: Option<i64>) -> Option<u32> {
    match (revenue, cost.unwrap_or(0)) {
        (Some(revenue), ..=0) if revenue != 0 => Some(Why::WITHOUT_COST),
        (None, 1..) => Some(Why::WITHOUT_REVENUE),
        _ => None,
    }
}

impl RoiBase {
    fn rows(&self, rows: &Rows<'_>, premium: Option<f64>, out: &mut TableAnswer<'_>) -> Whole {
        let (revenue, cost) = (rows.get(Row::REVENUE), rows.get(Row::COST));
        let margin_rate = rows.get(Row::MARGIN_RATE);
        let tiers: Vec<(Column<'_, i64>, f64)> = (self.settings.tiers.iter().enumerate())
            .map(|(at, tier)| (rows.get(In::<Integer>::at(Row::COUNT + at)), tier.coefficient))
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
                        Finding::new(Level::Warn, Why::BELOW_FLOOR).at(ROWS as u32, row as u32);
                    out.finding(finding.measured(roi, self.settings.roi_floor));
                }
            }
            if let Some(why) = left_out(revenue, cost.get(row)).filter(|_| self.settings.brand) {
                out.finding(Finding::new(Level::Watch, why).at(ROWS as u32, row as u32));
            }
            let outputs = out.table(ROWS);
            outputs.set_or_missing(RowSaid::ROI, row, roi);
            outputs.set_or_missing(RowSaid::MARGIN_RATIO, row, ratio);
            outputs.set_or_missing(RowSaid::LTV_COEFFICIENT, row, coefficient);
        }
        whole
    }

    fn brand(&self, brand: &Rows<'_>, whole: &Whole, out: &mut TableAnswer<'_>) {
        let Settings { decay_floor, decay_months, decay_rate, .. } = self.settings;
        let decay = Decay { floor: decay_floor, months: decay_months, rate: decay_rate };
        for row in 0..brand.len() {
            let months: Vec<Option<f64>> = (0..MONTHS)
                .rev()
                .map(|ago| brand.get(In::<Real>::at(Brand::COUNT + ago)).get(row))
                .collect();
            let known = months.iter().any(Option::is_some);
            let factor = known.then(|| brand_value_factor(&months, &decay));
            let last = months.last().copied().flatten();
            if let (Some(factor), Some(last)) = (factor, last)
                && factor < 1.0
                && last < decay_floor
            {
                let finding =
                    Finding::new(Level::Critical, Why::DEPRECIATES).at(BRAND as u32, row as u32);
                out.finding(finding.measured(last, decay_floor));
            }
            let roi = (whole.cost_minor > 0).then(|| whole.worth / whole.cost_minor as f64);
            let outputs = out.table(BRAND);
            outputs.set_or_missing(BrandSaid::ROI, row, roi);
            outputs.set_or_missing(BrandSaid::PREMIUM, row, self.premium(brand, row));
            outputs.set_or_missing(BrandSaid::VALUE_FACTOR, row, factor);
        }
    }

    fn premium(&self, brand: &Rows<'_>, row: usize) -> Option<f64> {
        let Settings { premium_baseline, premium_per_ten_points, premium_max, .. } = self.settings;
        let premium = Premium {
            baseline: premium_baseline,
            per_ten_points: premium_per_ten_points,
            least: 1.0,
            most: premium_max,
        };
        Some(premium.factor(brand.get(Brand::WAU_RATIO).get(row)?))
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
