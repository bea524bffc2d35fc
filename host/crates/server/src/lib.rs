//! The HTTP room of the host: connections, keys, who may call what, limits, errors, the document of the API.
//!
//! It knows no engine and no storage of brands. A host hands it a [`KeyStore`] and a [`Directory`] of brands that are
//! live; what they do is `playbook-online`'s. A request goes this way:
//!
//! 1. `accept` takes the connection, within [`ConnectionLimits`]; `tls` speaks TLS where a certificate is given.
//! 2. `layers/observe` gives it an id and a span, turns each failure into `application/problem+json`, and is the one place
//!    where operation, status and duration are known.
//! 3. `layers/bodies` bounds its body in size and time.
//! 4. `layers/guard` finds its operation in the table of `operations`, then checks key, brand, role, rates and the
//!    idempotency key. A handler is reached by those who may call it and by nobody else.
//! 5. A handler of `routes/` answers. Pages of `console/` come in beside: by a session in the place of a key's header, then through
//!    the same checks.

mod accept;
mod bounded;
mod brand;
mod codes;
mod console;
mod directory;
mod docs;
mod error;
mod held;
mod idempotency;
mod json;
mod keys;
mod layers;
mod limits;
mod live;
mod meters;
mod metrics;
mod openapi;
mod operations;
mod page;
mod problem;
mod role;
mod routes;
mod server;
mod settings;
mod shared;
mod sight;
mod tls;

pub use codes::{CODES, Code, CodeRow};
pub use directory::{Brand, BrandStatus, Directory};
pub use error::{Result, ServerError};
pub use keys::{Key, KeyRequest, KeyStore, NewKey, OpenedKeys, Secret, lock_data};
pub use operations::{Access, OPERATIONS, Operation};
pub use role::Role;
pub use routes::effect_body;
pub use server::{Drained, Hosted, Running, Server};
pub use settings::{BodyLimits, ConnectionLimits, Listen, Rate, Rates, Settings, TlsFiles};
pub use sight::Sight;
