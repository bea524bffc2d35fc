//! What holds of a ledger wherever it is kept. Whoever runs these says how a ledger is opened: `crate::fresh` makes one that
//! nobody else has, `crate::Home` is a place where one is kept.

mod budgets;
mod crashes;
mod history;
mod model;
mod races;
mod recoveries;
