//! Arithmetic that models share, one copy of each rule (docs/domain.md 0.1, 0.3, and the models).
//!
//! Plain functions over plain numbers: nothing here knows columns, settings or the host, and what runs
//! once a row allocates nothing. A plugin of a partner may use it like the reference plugins do.

mod brand;
pub mod buyers;
mod calendar;
pub mod card;
mod channels;
pub mod condition;
mod cosine;
#[cfg(not(target_arch = "wasm32"))]
pub mod draws;
pub mod fit;
mod gap;
mod invest;
mod ladder;
mod lexicon;
mod mean;
mod mix;
mod quintiles;
mod scale;
mod share;
pub mod special;
pub mod spend;
mod spread;

pub use brand::{Decay, Premium, Worth, brand_value_factor};
pub use calendar::{Day, local_day};
pub use channels::{Channel, HealthTerms, WeightTerms, hold_core_share};
pub use cosine::cosine;
pub use gap::Streak;
pub use invest::{FLOWS_MAX, forecast_error, irr, nearest, next_need, npv, payback, roi_adjusted};
pub use ladder::{Stood, rung, settle};
pub use lexicon::{Lexicon, folded, is_han};
pub use mean::{Known, is_enough, mean};
pub use mix::Mix;
pub use quintiles::quintiles;
pub use scale::{held, map, reached};
pub use share::{floored, normalise, normalise_above, product, split};
pub use spread::Spread;
