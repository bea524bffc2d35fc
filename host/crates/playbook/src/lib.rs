//! Playbook files: TOML text to a checked [`Playbook`](playbook_model::Playbook), every problem with line, column and hint.

mod alone;
mod canonical;
mod cards;
mod codes;
mod connections;
mod files;
mod host;
mod layout;
mod load;
mod merge;
mod outside;
mod overrides;
mod problem;
mod reading;
mod reference;
mod schema;
mod secret;
mod shipped;
mod spec;
mod structure;
mod syntax;
mod tree;
mod values;

pub use cards::{CardFacts, card_facts};
pub use codes::CODES;
pub use connections::connections;
pub use files::{Disk, EXTENDS_DEPTH_MAX, FILE_BYTES_MAX, FILES_BYTES_MAX, FILES_MAX, ReadFiles};
pub use host::host_file;
pub use layout::EVENT_KINDS;
pub use load::{Loaded, SettingPlace, load, load_with};
pub use overrides::Override;
pub use problem::{
    Level, NamedPlugin, PROBLEMS_MAX, Place, Problem, Problems, SourceText, nearest,
};
pub use reading::host_tables::{closed_values, host_fields};
pub use reference::{host_reference, reference};
pub use schema::{host_schema, schema};
pub use shipped::{Files, ship, shipped, shipped_files, standard_catalogue};
pub use values::{currency_digits, is_relation, parse_instant};
