//! A brand's own return: revenue times one margin, by cost.

use playbook_sdk::prelude::*;

settings! {
    /// The one margin of the brand.
    pub struct Settings {
        /// Margin per revenue.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub margin: f64 = 0.30,
    }
}

/// The opened plugin.
#[derive(Debug)]
pub struct RoiMargin {
    settings: Settings,
}

impl Plugin for RoiMargin {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "roi-margin",
        version: env!("CARGO_PKG_VERSION"),
        summary: words("Return by one margin", "單一毛利率回報"),
    };

    fn shape(_: &Settings) -> Result<Shape, Problems> {
        let channel = table("channel")
            .need(need::integer("revenue_minor").unit("minor"))
            .need(need::integer("cost_minor").unit("minor"));
        let roi = output::real("roi").unit("ratio").meaning(words("Margin by cost", "毛利÷成本"));
        Ok(Shape::whole_tables().table(channel).produce_in(0, roi))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Roi for RoiMargin {
    fn value(
        &self,
        _: &Context,
        tables: &Tables<'_>,
        out: &mut TableAnswer<'_>,
    ) -> Result<(), String> {
        let channels = tables.table(0);
        let (revenue, cost) = (channels.integer(0), channels.integer(1));
        for row in 0..channels.len() {
            let roi = match (revenue.get(row), cost.get(row)) {
                (Some(revenue), Some(cost)) if cost > 0 => {
                    Some(revenue as f64 * self.settings.margin / cost as f64)
                }
                _ => None,
            };
            out.table(0).real_or_missing(0, row, roi);
        }
        Ok(())
    }
}

export!(RoiMargin: roi);
