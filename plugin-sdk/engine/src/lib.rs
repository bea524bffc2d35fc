//! What engines share: plugins whose rules are settings, so that a model is a card of data (docs/domain.md 0.4).
//!
//! [`Named`] holds settings by name, [`Text`] words of them. [`Reading`] reads the conditions and amounts that they hold, [`needs`]
//! tells which columns those ask for, [`Sources`] where the columns lie, and [`Facts`] is a row of them. [`rewards`] are rewards by
//! conditions, which a plan of stages gives as touches too.
//!
//! ```
//! use playbook_engine::{ColumnSetting, Named, Reading, Sources, needs};
//! use playbook_sdk::prelude::*;
//!
//! settings! {
//!     pub struct Settings {
//!         /// Condition under which a row is flagged.
//!         pub when: String where length(1..=1000) = "orders_30d >= enough",
//!         /// Numbers that the condition uses by name.
//!         pub numbers: Named<f64> = { "enough": 2 },
//!         /// What is said of columns that the condition names.
//!         pub columns: Named<ColumnSetting> = {},
//!     }
//! }
//!
//! // What `shape` asks for ...
//! let settings = Settings::default();
//! let mut reading = Reading::new(&settings.numbers);
//! let when = reading.condition(&["when"], &settings.when).ok_or("no condition")?;
//! let (rows, _) = needs(&mut reading, &settings.columns, &[]);
//! assert!(reading.problems.is_empty() && rows == [need::real("orders_30d")]);
//!
//! // ... and how `open` and every batch find it again.
//! let sources = Sources::new(&reading.names, None, 0);
//! let flagged = |rows: &Rows<'_>| {
//!     let mut facts = sources.of(rows);
//!     (0..rows.len()).filter(|row| { facts.row = *row; when.holds(&facts) }).count()
//! };
//! # let _ = flagged;
//! # Ok::<(), &str>(())
//! ```

mod check;
mod facts;
mod named;
pub mod rewards;

pub use check::{check, check_name, pointer};
pub use facts::{ColumnSetting, Facts, Reading, Sources, needs};
pub use named::{Named, Text};
