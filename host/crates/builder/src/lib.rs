//! Builds plugins into components, scaffolds new ones, and reads what a component says of itself.
//!
//! The steps of a build: [`find_or_install`] a toolchain that compiles for
//! `wasm32-unknown-unknown`, run cargo once for each workspace, turn each core module into a component, and check
//! that it imports nothing but the host's log. What does not change is not done again. Nothing is
//! printed: progress goes to a callback.

mod build;
mod cargo;
mod component;
mod crates;
mod error;
mod facts;
mod javascript;
mod options;
mod process;
mod project;
mod python;
mod rust_sdk;
mod scaffold;
mod sdk;
mod toolchain;
mod turn;

pub use build::{Built, NativeTests, build, build_one, test_natively};
pub use component::{check_component, componentise};
pub use error::BuildError;
pub use facts::{ComponentFacts, InterfaceName, facts};
pub use options::{Options, Preference, Progress};
pub use scaffold::{Language, Scaffold, ScaffoldedFile, SdkSource, scaffold};
pub use toolchain::{Toolchain, find_or_install};
