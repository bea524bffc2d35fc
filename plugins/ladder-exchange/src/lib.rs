//! Value exchange ladder: points, coupon, custom reward, by the points of 90 days (domain IN-2).

pub mod ladder;
pub mod settings;

use ladder::{Member, offer, rung};
use playbook_sdk::prelude::*;
pub use settings::Settings;

declare! {
    /// What is known of a member.
    needs Known {
        POINTS: integer("points_90d"),
        BALANCE: integer("points_balance").optional(),
        AOV: integer("aov_minor").unit("minor").optional(),
    }
    /// The reward of each rung, lowest first.
    actions Reward(settings: &Settings) {
        POINTS: action("points", Priority::Retention, words("Points on the account", "積分入帳")),
        COUPON: offer_of(settings, "coupon", words("Coupon for the next order", "下單優惠券")),
        CUSTOM: offer_of(settings, "custom", words("Customised product or service", "定制產品或服務"))
            .needs_approval(),
    }
    /// Why a reward is proposed: each rung has its reason at its place.
    reasons Why {
        POINTS: "rung-points" => words("any behaviour earns points", "任意互動行為可得積分"),
        COUPON: "rung-coupon" => words("points of 90 days open a coupon", "90日積分達優惠券檔"),
        CUSTOM: "rung-custom" => words("points of 90 days open a custom reward", "90日積分達定制檔"),
        FELL_BACK: "fell-back" => words(
            "a higher rung is not payable or not worth its cost",
            "高檔積分餘額不足或產出不抵成本，降檔",
        ),
    }
}

/// A reward that is offered in a message.
fn offer_of(settings: &Settings, name: &str, text: Words) -> Action {
    action(name, Priority::Promotion, text)
        .purpose(settings.purpose.clone())
        .commercial()
        .contacts_member()
}

/// The opened plugin.
#[derive(Debug)]
pub struct LadderExchange {
    settings: Settings,
}

impl Plugin for LadderExchange {
    type Settings = Settings;

    const ABOUT: About = About {
        name: "ladder-exchange",
        version: env!("CARGO_PKG_VERSION"),
        summary: words(
            "Value exchange ladder: points, coupon, custom reward",
            "價值交換階梯：積分、優惠券、定制",
        ),
    };

    fn shape(settings: &Settings) -> Result<Shape, Problems> {
        if settings.coupon_points >= settings.custom_points {
            let mut problems = Problems::new();
            problems.at("/custom_points", "must be above `coupon_points`").hint("2000");
            return Err(problems);
        }
        let shape = Shape::rows("member").needs(Known::all());
        Ok(shape.actions(Reward::all(settings)).reasons(Why::all()))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        Ok(Self { settings })
    }
}

impl Incentive for LadderExchange {
    fn propose(&self, _: &Context, rows: &Rows<'_>, out: &mut Proposals) -> Result<(), String> {
        let points = rows.get(Known::POINTS);
        let (balance, aov) = (rows.get(Known::BALANCE), rows.get(Known::AOV));
        for row in 0..rows.len() {
            let Some(points_90d) = points.get(row) else { continue };
            let member = Member { points_90d, balance: balance.get(row), aov_minor: aov.get(row) };
            let Some(offer) = offer(member, &self.settings) else { continue };
            let top = rung(points_90d, &self.settings);
            let stands_higher = top.is_some_and(|top| top > offer.rung);
            let reason = if stands_higher { Why::FELL_BACK } else { offer.rung as u32 };
            out.push(Proposal {
                quantity: offer.quantity,
                cost: offer.cost_minor,
                expected_output: offer.expected_minor,
                ..Proposal::new(row, offer.rung as u32, reason)
            });
        }
        Ok(())
    }
}

export!(LadderExchange: incentive);
