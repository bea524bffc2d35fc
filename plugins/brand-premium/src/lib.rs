//! Premium that the activity of the community adds to the value of a brand (domain RO-2).

use playbook_domain::{Premium, floored};
use playbook_sdk::prelude::*;

settings! {
    /// How activity becomes a premium, and what it raises.
    pub struct Settings {
        /// What the rows are: brand or community.
        pub subject: String where length(1..) = "brand",
        /// Weekly activity without a premium, as a fraction of the members.
        pub baseline: f64 where within(0.0..=1.0) = 0.20,
        /// Premium of ten more points of activity, as a fraction.
        pub per_ten_points: f64 where within(0.0..=1.0) = 0.03,
        /// Least premium factor.
        pub least: f64 where within(0.0..=1.0) = 1.0,
        /// Greatest premium factor.
        pub most: f64 where within(1.0..=10.0) = 1.30,
        /// Multiplies the return too, not the value of the brand alone.
        pub apply_premium: bool = false,
    }
}

declare! {
    /// What is known of a brand.
    needs Row {
        WAU_RATIO: real("wau_ratio").unit("ratio"),
        VALUE: integer("brand_value_minor").unit("minor").optional(),
        ROI: real("roi").unit("ratio").optional(),
    }
    /// What is said of it.
    outputs Said {
        PREMIUM: real("premium").unit("ratio").at_least(0.0)
            .meaning(words("Premium factor of the activity", "品牌溢價係數")),
        VALUE: integer("value_with_premium_minor").role(Role::Value).unit("minor").meaning(words(
            "Value of the brand with the premium, rounded down",
            "計入溢價的品牌價值（向下取整）",
        )),
        ROI: real("roi").role(Role::ReturnOnCost).unit("ratio").meaning(words(
            "Return, with the premium where the settings apply it",
            "回報率，設定允許時計入溢價",
        )),
    }
    reasons Why {
        UNKNOWN: "activity-unknown" => words(
            "without a measure of activity no premium is known",
            "活躍度未知，無法計算溢價",
        ),
        AT_MOST: "at-most" => words(
            "the activity would give more than the greatest premium",
            "活躍度對應的溢價已達上限",
        ),
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct BrandPremium {
    settings: Settings,
}

impl Plugin for BrandPremium {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "brand-premium",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Premium that activity adds to the value of the brand",
            "品牌溢價係數：活躍度帶來的品牌增值",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        let rows = table(settings.subject.clone()).needs(Row::all());
        Ok(Shape::whole_tables().table(rows).produces_in(0, Said::all()).reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Roi for BrandPremium {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let Settings { baseline, per_ten_points, least, most, apply_premium, .. } = self.settings;
        let terms = Premium { baseline, per_ten_points, least, most };
        let rows = tables.table(0);
        let (activity, value) = (rows.get(Row::WAU_RATIO), rows.get(Row::VALUE));
        let roi = rows.get(Row::ROI);
        for row in 0..rows.len() {
            let premium = activity.get(row).map(|activity| terms.factor(activity));
            match activity.get(row).map(|activity| terms.wanted(activity)) {
                None => {
                    out.finding(Finding::new(Level::Watch, Why::UNKNOWN).at(0, row as u32));
                }
                Some(wanted) if wanted > most => {
                    let finding = Finding::new(Level::Watch, Why::AT_MOST).at(0, row as u32);
                    out.finding(finding.measured(wanted, most));
                }
                Some(_) => {}
            }
            let raised = value.get(row).zip(premium);
            let lift = if apply_premium { premium } else { Some(1.0) };
            let outputs = out.table(0);
            outputs.set_or_missing(Said::PREMIUM, row, premium);
            outputs.set_or_missing(
                Said::VALUE,
                row,
                raised.map(|(value, premium)| floored(value as f64 * premium)),
            );
            outputs.set_or_missing(
                Said::ROI,
                row,
                roi.get(row).zip(lift).map(|(roi, lift)| roi * lift),
            );
        }
        Ok(())
    }
}

export!(BrandPremium: roi);
