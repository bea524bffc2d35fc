//! What every member of a community shares: calendar, channels, communities, parameters of the truth.

/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
/// As-of time: 2026-07-01T00:00 on the brand's clock (UTC+8), in unix milliseconds.
pub(crate) const AS_OF_MS: i64 = 20_635 * DAY_MS - 8 * HOUR_MS;
/// Days of history before the as-of time.
pub(crate) const HORIZON_DAYS: i64 = 400;
/// Id of the first member.
pub(crate) const FIRST_MEMBER: i64 = 100_000_001;

pub(crate) const CHANNELS: &[&str] =
    &["messaging", "short-video", "seeding", "microblog", "web-shop"];
/// How often members join through each channel.
pub(crate) const CHANNEL_WEIGHTS: [f64; 5] = [0.36, 0.26, 0.18, 0.08, 0.12];
/// How active members of each channel are, relative to the mean.
pub(crate) const CHANNEL_ENERGY: [f64; 5] = [1.25, 1.05, 1.1, 0.6, 0.7];

pub(crate) const COMMUNITIES: &[&str] = &[
    "newcomers",
    "core-circle",
    "deals",
    "recipes",
    "running",
    "city-north",
    "city-south",
    "parents",
    "styling",
    "readers",
    "service-desk",
    "makers",
];
pub(crate) const COMMUNITY_WEIGHTS: [f64; 12] =
    [0.18, 0.03, 0.16, 0.10, 0.08, 0.11, 0.09, 0.08, 0.07, 0.04, 0.03, 0.03];

pub(crate) const REGIONS: &[&str] = &["east", "south", "north", "west", "overseas-eu", "unknown"];
pub(crate) const REGION_WEIGHTS: [f64; 6] = [0.36, 0.24, 0.19, 0.15, 0.02, 0.04];

pub(crate) const AGE_BANDS: &[&str] = &["under_14", "14_17", "adult", "unknown"];
pub(crate) const AGE_WEIGHTS: [f64; 4] = [0.004, 0.026, 0.89, 0.08];

pub(crate) const TOPICS: &[&str] =
    &["care", "food", "sport", "travel", "craft", "family", "style", "tech"];

/// Campaigns: name, first day before the as-of time, days, share of the events in it that belong to it.
pub(crate) const CAMPAIGN_NAMES: &[&str] = &[
    "summer-start-25",
    "harvest-25",
    "members-day-25",
    "double-eleven-25",
    "winter-warmth-25",
    "new-year-26",
    "spring-26",
    "run-together-26",
    "mothers-day-26",
    "mid-year-26",
];
pub(crate) const CAMPAIGNS: [(i64, i64, f64); 10] = [
    (375, 14, 0.20),
    (290, 12, 0.18),
    (262, 5, 0.30),
    (240, 16, 0.35),
    (205, 14, 0.18),
    (165, 18, 0.28),
    (115, 14, 0.18),
    (80, 14, 0.22),
    (55, 8, 0.25),
    (24, 18, 0.32),
];

/// Truth of activity: events of a member per 30 days are log-normal.
pub(crate) const ENERGY_MEDIAN: f64 = 0.30;
/// Standard deviation of its logarithm.
pub(crate) const ENERGY_SIGMA: f64 = 2.0;
/// Greatest rate, events per 30 days.
pub(crate) const ENERGY_MAX: f64 = 400.0;
/// Mean days until a member stops taking part (exponential).
pub(crate) const ENGAGED_MEAN_DAYS: f64 = 320.0;

/// Truth of orders (BG/NBD): share of members who ever buy.
pub(crate) const BUYER_SHARE: f64 = 0.40;
/// Mean days from joining to the first order (exponential).
pub(crate) const FIRST_ORDER_MEAN_DAYS: f64 = 30.0;
/// Shape of the gamma of order rates.
pub(crate) const BGNBD_R: f64 = 0.60;
/// Rate of that gamma, days.
pub(crate) const BGNBD_ALPHA: f64 = 38.0;
/// First shape of the beta of drop-out probabilities.
pub(crate) const BGNBD_A: f64 = 0.80;
/// Second shape.
pub(crate) const BGNBD_B: f64 = 2.40;
/// Truth of order values (Gamma-Gamma), in units of the currency: shape of an order's gamma.
pub(crate) const SPEND_P: f64 = 6.25;
/// Shape of the gamma of its rate.
pub(crate) const SPEND_Q: f64 = 3.74;
/// Rate of that gamma.
pub(crate) const SPEND_V: f64 = 60.0;

/// Share of orders that are refunded.
pub(crate) const REFUND_SHARE: f64 = 0.04;
/// Share of members whose account is a second one of somebody else.
pub(crate) const SECOND_ACCOUNT_SHARE: f64 = 0.02;
/// Share of members who share a platform id with somebody whose verified phone is another.
pub(crate) const CONFLICT_SHARE: f64 = 0.002;
