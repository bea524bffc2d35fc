//! Value exchange ladder: points, coupon, custom reward, by the points of 90 days (domain IN-2).

pub mod ladder;

use ladder::{Member, Terms, offer, rung};
use playbook_sdk::prelude::*;

settings! {
    /// Rungs of the ladder and what they cost.
    pub struct Settings {
        /// Points granted on rung 1, where any behaviour of 90 days earned points.
        #[schemars(range(min = 0, max = 1_000_000))]
        pub grant_points: i64 = 10,
        /// Cost of one point to the brand in minor units.
        #[schemars(range(min = 0))]
        pub point_cost_minor: i64 = 1,
        /// Points of 90 days that open rung 2, and its price from the balance.
        #[schemars(range(min = 1))]
        pub coupon_points: i64 = 200,
        /// Greatest face value of a coupon as a share of the member's mean order.
        #[schemars(range(min = 0.0, max = 1.0))]
        pub coupon_face_share: f64 = 0.10,
        /// Greatest face value of a coupon in minor units.
        #[schemars(range(min = 0))]
        pub coupon_face_max_minor: i64 = 5_000,
        /// Points of 90 days that open rung 3, and its price from the balance.
        #[schemars(range(min = 1))]
        pub custom_points: i64 = 2_000,
        /// Cost of a customised product or service to the brand in minor units.
        #[schemars(range(min = 0))]
        pub custom_cost_minor: i64 = 3_000,
        /// Probability of an order that a reward of rung 1, 2, 3 brings.
        pub response: [f64; 3] = [0.01, 0.40, 0.60],
        /// Order value in minor units that is expected of a member without an order.
        #[schemars(range(min = 0))]
        pub first_order_minor: i64 = 10_000,
        /// Least expected output per unit of cost; a reward below it is not proposed.
        #[schemars(range(min = 0.01, max = 1_000.0))]
        pub output_ratio_min: f64 = 4.0,
        /// Consent purpose of coupons and custom rewards; empty: none is asked for.
        pub purpose: String = "marketing".to_owned(),
    }
}

/// Positions of the needs.
const POINTS: usize = 0;
const BALANCE: usize = 1;
const AOV: usize = 2;

/// Position of the reason "a higher rung was not payable or not worth its cost"; rung r has reason r.
const FELL_BACK: u32 = 3;

/// The opened plugin.
#[derive(Debug)]
pub struct LadderExchange {
    terms: Terms,
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
        check(settings)?;
        let coupon =
            action("coupon", Priority::Promotion, words("Coupon for the next order", "下單優惠券"));
        let custom = action(
            "custom",
            Priority::Promotion,
            words("Customised product or service", "定制產品或服務"),
        );
        let offer = |action: Action| {
            action.purpose(settings.purpose.clone()).commercial().contacts_member()
        };
        Ok(Shape::rows("member")
            .need(need::integer("points_90d"))
            .need(need::integer("points_balance").optional())
            .need(need::integer("aov_minor").unit("minor").optional())
            .action(action(
                "points",
                Priority::Retention,
                words("Points on the account", "積分入帳"),
            ))
            .action(offer(coupon))
            .action(offer(custom).needs_approval())
            .reason("rung-points", words("any behaviour earns points", "任意互動行為可得積分"))
            .reason("rung-coupon", words("points of 90 days open a coupon", "90日積分達優惠券檔"))
            .reason(
                "rung-custom",
                words("points of 90 days open a custom reward", "90日積分達定制檔"),
            )
            .reason(
                "fell-back",
                words(
                    "a higher rung is not payable or not worth its cost",
                    "高檔積分餘額不足或產出不抵成本，降檔",
                ),
            ))
    }

    fn open(settings: Settings, _: Opening<'_>) -> Result<Self, Problems> {
        let Settings { grant_points, point_cost_minor, coupon_points, coupon_face_share, .. } =
            settings;
        let Settings { coupon_face_max_minor, custom_points, custom_cost_minor, response, .. } =
            settings;
        let Settings { first_order_minor, output_ratio_min, .. } = settings;
        Ok(Self {
            terms: Terms {
                grant_points,
                point_cost_minor,
                coupon_points,
                coupon_face_share,
                coupon_face_max_minor,
                custom_points,
                custom_cost_minor,
                response,
                first_order_minor,
                output_ratio_min,
            },
        })
    }
}

fn check(settings: &Settings) -> Result<(), Problems> {
    let mut problems = Problems::new();
    if settings.coupon_points >= settings.custom_points {
        problems.at("/custom_points", "must be above `coupon_points`").hint("2000");
    }
    for (i, response) in settings.response.iter().enumerate() {
        problems.check(
            (0.0..=1.0).contains(response),
            format!("/response/{i}"),
            "must lie between 0 and 1",
        );
    }
    problems.check(settings.output_ratio_min > 0.0, "/output_ratio_min", "must be above 0");
    problems.check(
        (0.0..=1.0).contains(&settings.coupon_face_share),
        "/coupon_face_share",
        "must lie between 0 and 1",
    );
    for (path, number) in [
        ("/grant_points", settings.grant_points),
        ("/point_cost_minor", settings.point_cost_minor),
        ("/coupon_points", settings.coupon_points),
        ("/coupon_face_max_minor", settings.coupon_face_max_minor),
        ("/custom_cost_minor", settings.custom_cost_minor),
        ("/first_order_minor", settings.first_order_minor),
    ] {
        problems.check(number >= 0, path, "must not be below 0");
    }
    problems.into_result()
}

impl Incentive for LadderExchange {
    fn propose(&self, _: &Context, rows: &Rows<'_>, out: &mut Proposals) -> Result<(), String> {
        let (points, balance, aov) =
            (rows.integer(POINTS), rows.integer(BALANCE), rows.integer(AOV));
        for row in 0..rows.len() {
            let Some(points_90d) = points.get(row) else { continue };
            let member = Member { points_90d, balance: balance.get(row), aov_minor: aov.get(row) };
            let Some(offer) = offer(member, &self.terms) else { continue };
            let stands_higher = rung(points_90d, &self.terms).is_some_and(|top| top > offer.rung);
            let reason = if stands_higher { FELL_BACK } else { offer.rung as u32 };
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
