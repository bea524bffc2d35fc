//! Direct, indirect and potential return; gates read the direct one alone (domain RO-4).

use playbook_domain::nearest;
use playbook_sdk::prelude::*;

settings! {
    /// What counts, and what it is held against.
    pub struct Settings {
        /// What the rows are: campaign, strategy, channel.
        pub subject: String where length(1..) = "campaign",
        /// Reads the brand table with the change of brand value, and answers for all rows together.
        pub brand: bool = true,
        /// Price of a profile that became complete, minor units.
        pub profile_price_minor: i64 where within(0..) = 0,
        /// Weight of the potential return in the total.
        pub potential_weight: f64 where within(0.0..=1.0) = 0.0,
        /// Direct return below which a row is a finding.
        pub roi_floor: f64 where within(0.0..) = 1.5,
        /// Share of direct return that programmes are known to have.
        pub direct_share: f64 where within(0.0..=1.0) = 0.52,
        /// Distance from that share from which on it is a finding.
        pub share_tolerance: f64 where within(0.0..=1.0) = 0.15,
    }
}

/// Positions of the tables.
const ROWS: usize = 0;
const BRAND: usize = 1;

declare! {
    /// What is known of a row.
    needs Row {
        COST: integer("cost_minor").unit("minor"),
        COMMISSION: integer("commission_minor").unit("minor").optional(),
        MARGIN: integer("sales_margin_minor").unit("minor").optional(),
        AD_FEES: integer("ad_fees_minor").unit("minor").optional(),
        BRAND_SHARE: real("brand_share").unit("ratio").optional(),
        EXPANSION: integer("channel_expansion_minor").unit("minor").optional(),
        PROFILES: integer("complete_profiles_new").unit("count").optional(),
    }
    /// What is said of a row.
    outputs Said {
        DIRECT_ROI: real("roi_direct").role(Role::ReturnOnCost).unit("ratio").meaning(words(
            "Commission, margin and fees per cost: what gates read",
            "直接回報率（佣金、毛利、廣告費÷成本），門檻僅看此項",
        )),
        TOTAL_ROI: real("roi_total").unit("ratio")
            .meaning(words("Direct, indirect and weighted potential return per cost", "總回報率")),
        DIRECT: integer("direct_minor").role(Role::Value).group("return").unit("minor")
            .meaning(words("Direct return", "直接回報")),
        INDIRECT: integer("indirect_minor").role(Role::Value).group("return").unit("minor")
            .meaning(words("Indirect return: brand lift and new channels", "間接回報：品牌提升與渠道拓展")),
        POTENTIAL: integer("potential_minor").role(Role::Value).group("return").unit("minor")
            .meaning(words("Potential return: profiles that became complete", "潛在回報：數據沉澱")),
        DIRECT_SHARE: real("share_direct").unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of direct return in the total", "直接回報佔比")),
        INDIRECT_SHARE: real("share_indirect").unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of indirect return in the total", "間接回報佔比")),
    }
    /// What is known of the brand.
    needs Brand {
        VALUE_CHANGE: integer("brand_value_change_minor").unit("minor").optional(),
    }
    /// What is said of the brand.
    outputs BrandSaid {
        DIRECT_ROI: real("all_direct").role(Role::ReturnOnCost).unit("ratio")
            .meaning(words("Direct return of all rows per their cost", "整體直接回報率")),
        TOTAL_ROI: real("all_total").unit("ratio")
            .meaning(words("Total return of all rows per their cost", "整體總回報率")),
        DIRECT_SHARE: real("all_share_direct").unit("ratio").between(0.0, 1.0)
            .meaning(words("Share of direct return over all rows", "整體直接回報佔比")),
    }
    reasons Why {
        BELOW_FLOOR: "below-floor" => words("the direct return is below the floor", "直接回報低於底線"),
        UNPRICED: "indirect-unknown" => words(
            "no indirect return is known: there is no total",
            "間接回報未知，無法計算總回報",
        ),
        OTHER_SHARE: "direct-share-differs" => words(
            "the share of direct return is far from what programmes are known to have",
            "直接回報佔比偏離基準",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct RoiThree {
    settings: Settings,
}

impl Plugin for RoiThree {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "roi-three",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Direct, indirect and potential return", "直接／間接／潛在回報"),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let rows = table(settings.subject.clone()).needs(Row::all());
        let shape = Shape::whole_tables()
            .table(rows)
            .produces_in(ROWS as u32, Said::all())
            .reasons(Why::all());
        if !settings.brand {
            return Ok(shape);
        }
        let brand = table("brand").needs(Brand::all());
        Ok(shape.table(brand).produces_in(BRAND as u32, BrandSaid::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

/// What came of a row, in minor units; none where nothing of it is known.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    direct: Option<f64>,
    indirect: Option<f64>,
    potential: Option<f64>,
}

/// Sum of what is known; none where nothing is.
fn sum<const N: usize>(parts: [Option<f64>; N]) -> Option<f64> {
    let known = parts.iter().flatten();
    (known.clone().count() > 0).then(|| known.sum())
}

impl Parts {
    /// The total under a weight of the potential; none where a part that counts is not known.
    fn total(&self, potential_weight: f64) -> Option<f64> {
        let potential = if potential_weight > 0.0 { self.potential? } else { 0.0 };
        Some(self.direct? + self.indirect? + potential_weight * potential)
    }
}

/// Share of a part in a total of which nothing is negative.
fn share(part: Option<f64>, parts: &Parts, total: Option<f64>) -> Option<f64> {
    let positive = [parts.direct, parts.indirect].iter().flatten().all(|part| *part >= 0.0);
    let total = total.filter(|total| *total > 0.0 && positive)?;
    Some((part? / total).min(1.0))
}

/// Sums over all rows whose cost and parts are known.
#[derive(Debug, Default)]
struct Whole {
    direct: f64,
    direct_cost: f64,
    total: f64,
    total_cost: f64,
    direct_of_total: f64,
    is_negative: bool,
}

impl RoiThree {
    fn parts(&self, rows: &Rows<'_>, row: usize, value_change: Option<i64>) -> Parts {
        let minor = |column: In<Integer>| rows.get(column).get(row).map(|minor| minor as f64);
        let lift = rows.get(Row::BRAND_SHARE).get(row).zip(value_change);
        Parts {
            direct: sum([minor(Row::COMMISSION), minor(Row::MARGIN), minor(Row::AD_FEES)]),
            indirect: sum([
                lift.map(|(share, change)| share * change as f64),
                minor(Row::EXPANSION),
            ]),
            potential: minor(Row::PROFILES).map(|n| n * self.settings.profile_price_minor as f64),
        }
    }

    fn rows(&self, rows: &Rows<'_>, value_change: Option<i64>, out: &mut TableAnswer<'_>) -> Whole {
        let mut whole = Whole::default();
        for row in 0..rows.len() {
            let parts = self.parts(rows, row, value_change);
            let total = parts.total(self.settings.potential_weight);
            let cost =
                rows.get(Row::COST).get(row).filter(|cost| *cost > 0).map(|cost| cost as f64);
            let per_cost = |amount: Option<f64>| Some(amount? / cost?);
            let direct_roi = per_cost(parts.direct);
            if let (Some(direct), Some(cost)) = (parts.direct, cost) {
                whole.direct += direct;
                whole.direct_cost += cost;
            }
            if let (Some(total), Some(direct), Some(cost)) = (total, parts.direct, cost) {
                whole.total += total;
                whole.total_cost += cost;
                whole.direct_of_total += direct;
                whole.is_negative |= direct < 0.0 || total < direct;
            }
            let at = |finding: Finding| finding.at(ROWS as u32, row as u32);
            if let Some(roi) = direct_roi.filter(|roi| *roi < self.settings.roi_floor) {
                let finding = at(Finding::new(Level::Warn, Why::BELOW_FLOOR));
                out.finding(finding.measured(roi, self.settings.roi_floor));
            }
            if parts.direct.is_some() && parts.indirect.is_none() {
                out.finding(at(Finding::new(Level::Watch, Why::UNPRICED)));
            }
            let outputs = out.table(ROWS);
            outputs.set_or_missing(Said::DIRECT_ROI, row, direct_roi);
            outputs.set_or_missing(Said::TOTAL_ROI, row, per_cost(total));
            outputs.set_or_missing(Said::DIRECT, row, parts.direct.map(nearest));
            outputs.set_or_missing(Said::INDIRECT, row, parts.indirect.map(nearest));
            outputs.set_or_missing(Said::POTENTIAL, row, parts.potential.map(nearest));
            outputs.set_or_missing(Said::DIRECT_SHARE, row, share(parts.direct, &parts, total));
            outputs.set_or_missing(Said::INDIRECT_SHARE, row, share(parts.indirect, &parts, total));
        }
        whole
    }

    fn brand(&self, brands: usize, whole: &Whole, out: &mut TableAnswer<'_>) {
        let Settings { direct_share, share_tolerance, .. } = self.settings;
        let ratio = |sum: f64, cost: f64| (cost > 0.0).then(|| sum / cost);
        let share = ratio(whole.direct_of_total, whole.total).filter(|_| !whole.is_negative);
        for row in 0..brands {
            if let Some(share) = share.filter(|own| (own - direct_share).abs() >= share_tolerance) {
                let finding = Finding::new(Level::Watch, Why::OTHER_SHARE);
                out.finding(finding.at(BRAND as u32, row as u32).measured(share, direct_share));
            }
            let outputs = out.table(BRAND);
            let direct = ratio(whole.direct, whole.direct_cost);
            outputs.set_or_missing(BrandSaid::DIRECT_ROI, row, direct);
            outputs.set_or_missing(BrandSaid::TOTAL_ROI, row, ratio(whole.total, whole.total_cost));
            outputs.set_or_missing(BrandSaid::DIRECT_SHARE, row, share.map(|share| share.min(1.0)));
        }
    }
}

impl Roi for RoiThree {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let brand = self.settings.brand.then(|| tables.table(BRAND));
        let change = brand.as_ref().and_then(|brand| brand.get(Brand::VALUE_CHANGE).get(0));
        let whole = self.rows(&tables.table(ROWS), change, out);
        if let Some(brand) = brand {
            self.brand(brand.len(), &whole, out);
        }
        Ok(())
    }
}

export!(RoiThree: roi);
