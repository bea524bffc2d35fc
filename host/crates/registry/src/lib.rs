//! Components in OCI registries: push and pull by digest, detached signatures, who is trusted with which names, and a cache
//! that serves without the registry. Knows components as bytes alone: what is in them is the sandbox's.

mod about;
mod authorize;
mod cache;
mod credentials;
mod error;
mod keys;
mod manifest;
mod push;
mod registry;
mod signature;
mod store;
mod transport;
mod trust;

pub use about::About;
pub use cache::Cache;
pub use credentials::{Credentials, Login};
pub use error::{RegistryError, Result};
pub use keys::{PublicKey, SecretKey};
pub use push::{Push, Pushed};
pub use registry::{Listed, Registry};
pub use signature::Signatures;
pub use store::{Artefact, Store};
pub use transport::Bounds;
pub use trust::{Trust, TrustRule, Untrusted, Verdict};
