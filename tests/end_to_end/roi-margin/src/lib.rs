//! A brand's own return: revenue times one margin, by cost. It would move money between the first channel and the last,
//! both ways: one of them is wrong.

use playbook_sdk::prelude::*;

settings! {
    /// The one margin of the brand.
    pub struct Settings {
        /// Margin per revenue.
        pub margin: f64 where within(0.0..=1.0) = 0.30,
        /// Money that it would move, minor units; 0: none.
        pub move_minor: i64 where within(0..=1_000_000_000) = 0,
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
    reasons Why {
        BEST: "best" => words("The other end of the list", "列表另一端"),
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
        Ok(Shape::whole_tables().table(channel).produces_in(0, Said::all()).reasons(Why::all()))
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
        if self.settings.move_minor > 0 && channels.len() > 1 {
            let last = channels.len() as u32 - 1;
            for (from_row, to_row) in [(0, last), (last, 0)] {
                out.transfer(Transfer {
                    table: 0,
                    from_row,
                    to_row,
                    amount: self.settings.move_minor,
                    reason: Why::BEST,
                });
            }
        }
        Ok(())
    }
}

export!(RoiMargin: roi);
