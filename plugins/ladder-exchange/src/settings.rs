//! Settings of the ladder: its rungs, what they cost and what they bring.

use playbook_sdk::prelude::*;

settings! {
    /// Rungs of the ladder and what they cost.
    pub struct Settings {
        /// Points granted on rung 1, where any behaviour of 90 days earned points.
        pub grant_points: i64 where within(0..=1_000_000) = 10,
        /// Cost of one point to the brand in minor units.
        pub point_cost_minor: i64 where within(0..) = 1,
        /// Points of 90 days that open rung 2, and its price from the balance.
        pub coupon_points: i64 where within(1..) = 200,
        /// Greatest face value of a coupon as a share of the member's mean order.
        pub coupon_face_share: f64 where within(0.0..=1.0) = 0.10,
        /// Greatest face value of a coupon in minor units.
        pub coupon_face_max_minor: i64 where within(0..) = 5000,
        /// Points of 90 days that open rung 3, and its price from the balance.
        pub custom_points: i64 where within(1..) = 2000,
        /// Cost of a customised product or service to the brand in minor units.
        pub custom_cost_minor: i64 where within(0..) = 3000,
        /// Probability of an order that a reward of rung 1, 2, 3 brings.
        pub response: [f64; 3] where each(within(0.0..=1.0)) = [0.01, 0.40, 0.60],
        /// Order value in minor units that is expected of a member without an order.
        pub first_order_minor: i64 where within(0..) = 10000,
        /// Least expected output per unit of cost; a reward below it is not proposed.
        pub output_ratio_min: f64 where within(0.01..=1_000.0) = 4.0,
        /// Consent purpose of coupons and custom rewards; empty: none is asked for.
        pub purpose: String = "marketing",
    }
}
