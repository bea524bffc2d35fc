//! A brand's own return: revenue times one margin, by cost.

use playbook_sdk::prelude::*;

settings! {
    /// The one margin of the brand.
    pub struct Settings {
        /// Margin per revenue.
        pub margin: f64 where within(0.0..=1.0) = 0.30,
    }
}

declare! {
    /// What is known of a channel.
    needs Channel {
        REVENUE: integer("revenue_minor").unit("minor"),
        COST: integer("cost_minor").unit("minor"),
    }
    /// What is said of a channel.
    outputs Said {
        ROI: real("roi").role(Role::ReturnOnCost).unit("ratio")
            .meaning(words("Margin by cost", "毛利÷成本")),
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
        let channel = table("channel").needs(Channel::all());
        Ok(Shape::whole_tables().table(channel).produces_in(0, Said::all()))
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
        let (revenue, cost) = (channels.get(Channel::REVENUE), channels.get(Channel::COST));
        for row in 0..channels.len() {
            let roi = match (revenue.get(row), cost.get(row)) {
                (Some(revenue), Some(cost)) if cost > 0 => {
                    Some(revenue as f64 * self.settings.margin / cost as f64)
                }
                _ => None,
            };
            out.table(0).set_or_missing(Said::ROI, row, roi);
        }
        Ok(())
    }
}

export!(RoiMargin: roi);
