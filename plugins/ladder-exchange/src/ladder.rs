//! The value exchange ladder: which rung a member stands on and what it may cost (domain IN-2).

use playbook_domain::{floored, product};

use crate::settings::Settings;

/// A member as the ladder sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Points of the last 90 days.
    pub points_90d: i64,
    /// Points not yet spent; none where the balance is not known.
    pub balance: Option<i64>,
    /// Mean order value; none before the first order.
    pub aov_minor: Option<i64>,
}

/// A reward for one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// 0 for points, 1 for a coupon, 2 for a custom reward.
    pub rung: usize,
    /// Points, or 1.
    pub quantity: i64,
    /// Greatest cost to the brand.
    pub cost_minor: i64,
    /// Expected output if given.
    pub expected_minor: i64,
}

/// Returns the rung that the points of 90 days open, 0 to 2; none without points.
#[must_use]
pub fn rung(points_90d: i64, terms: &Settings) -> Option<usize> {
    playbook_domain::rung(points_90d, &[1, terms.coupon_points, terms.custom_points]).checked_sub(1)
}

/// Returns the highest reward that is open, payable from the balance and worth its cost, or none.
///
/// The face of a coupon shrinks until its expected output covers the least ratio.
#[must_use]
pub fn offer(member: Member, terms: &Settings) -> Option<Offer> {
    let top = rung(member.points_90d, terms)?;
    let order_minor = member.aov_minor.unwrap_or(terms.first_order_minor).max(0);
    (0..=top).rev().find_map(|rung| {
        let expected_minor = floored(order_minor as f64 * terms.response[rung]);
        let covered_minor = floored(expected_minor as f64 / terms.output_ratio_min);
        let payable = |price: i64| member.balance.is_some_and(|balance| balance >= price);
        let (quantity, cost_minor) = match rung {
            0 => (terms.grant_points, product(terms.grant_points, terms.point_cost_minor)),
            1 if payable(terms.coupon_points) => {
                let face = floored(member.aov_minor?.max(0) as f64 * terms.coupon_face_share);
                (1, face.min(terms.coupon_face_max_minor).min(covered_minor))
            }
            2 if payable(terms.custom_points) => (1, terms.custom_cost_minor),
            _ => return None,
        };
        let worth_giving = rung != 1 || cost_minor > 0;
        (worth_giving && quantity > 0 && cost_minor <= covered_minor).then_some(Offer {
            rung,
            quantity,
            cost_minor,
            expected_minor,
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn member(points_90d: i64, balance: i64, aov_minor: i64) -> Member {
        Member { points_90d, balance: Some(balance), aov_minor: Some(aov_minor) }
    }

    #[test]
    fn points_open_rungs_at_their_bounds() {
        for (points, want) in [
            (-1, None),
            (0, None),
            (1, Some(0)),
            (199, Some(0)),
            (200, Some(1)),
            (1_999, Some(1)),
            (2_000, Some(2)),
        ] {
            assert_eq!(rung(points, &Settings::default()), want, "{points}");
        }
    }

    #[test]
    fn a_coupon_is_a_tenth_of_the_mean_order_rounded_down() {
        let offer = offer(member(250, 250, 30_009), &Settings::default()).unwrap();
        assert_eq!(
            offer,
            Offer { rung: 1, quantity: 1, cost_minor: 3_000, expected_minor: 12_003 }
        );
    }

    #[test]
    fn a_coupon_shrinks_to_what_its_output_covers_and_to_its_most() {
        let thrifty = Settings { response: [0.01, 0.20, 0.60], ..Settings::default() };
        assert_eq!(offer(member(250, 250, 30_000), &thrifty).unwrap().cost_minor, 1_500);
        assert_eq!(
            offer(member(250, 250, 900_000), &Settings::default()).unwrap().cost_minor,
            5_000
        );
    }

    #[test]
    fn a_spent_balance_falls_back_to_a_lower_rung() {
        assert_eq!(offer(member(2_500, 1_999, 30_000), &Settings::default()).unwrap().rung, 1);
        assert_eq!(offer(member(2_500, 10, 30_000), &Settings::default()).unwrap().rung, 0);
        let unknown = Member { balance: None, ..member(2_500, 0, 30_000) };
        assert_eq!(offer(unknown, &Settings::default()).unwrap().rung, 0);
    }

    #[test]
    fn a_custom_reward_must_return_four_times_its_cost() {
        // 0.60 of 20 000 is 12 000 = 4 * 3 000; a minor unit less is not enough.
        assert_eq!(offer(member(2_000, 2_000, 20_000), &Settings::default()).unwrap().rung, 2);
        assert_eq!(offer(member(2_000, 2_000, 19_999), &Settings::default()).unwrap().rung, 1);
    }

    #[test]
    fn a_member_who_never_bought_gets_points_alone() {
        let fresh = Member { points_90d: 5_000, balance: Some(5_000), aov_minor: None };
        let dear = Settings { custom_cost_minor: 100_000, ..Settings::default() };
        assert_eq!(offer(fresh, &dear).unwrap().rung, 0);
        // 0.01 of 10 000 is 100: ten points cost 10, twenty-six would cost more than a quarter.
        assert_eq!(offer(fresh, &Settings { grant_points: 26, ..dear }), None);
    }
}
