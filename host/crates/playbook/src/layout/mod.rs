//! The layout of a playbook file, and of the files of a host: every table and key with type, default, unit, example.

mod bounds;
mod connections;
mod data;
mod events;
mod file;
mod goals;
mod host;
mod law;
mod money;
mod stages;
mod trade;

pub(crate) use self::bounds::{FEATURES_MAX, SOURCES_MAX, STAGES_MAX};
pub(crate) use self::connections::CONNECTIONS;
pub use self::events::EVENT_KINDS;
pub(crate) use self::events::{EVENT_GROUPS, INTERACTION_KINDS, ORDER_KINDS};
pub(crate) use self::file::FILE;
pub(crate) use self::host::HOST;
pub(crate) use self::stages::CARD_FILE;
