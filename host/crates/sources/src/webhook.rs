//! Messages to a webhook as Standard Webhooks has them, signed; without the feature, what to do instead.

#[cfg(feature = "webhooks")]
mod address;
#[cfg(feature = "webhooks")]
mod send;
#[cfg(feature = "webhooks")]
mod signature;

use std::time::Duration;

#[cfg(feature = "webhooks")]
pub use send::Webhook;

#[cfg(not(feature = "webhooks"))]
pub use absent::Webhook;

/// A message that the receiver did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTaken {
    /// Why, in words; nothing of the address but its host.
    pub why: String,
    /// How long the receiver asks to wait.
    pub wait: Option<Duration>,
}

#[cfg(not(feature = "webhooks"))]
mod absent {
    use playbook_model::HostWebhook;

    use super::NotTaken;
    use crate::{Result, SourcesError};

    /// No receiver: the program was built without webhooks.
    #[derive(Debug)]
    pub enum Webhook {}

    impl Webhook {
        /// Says how to have webhooks.
        ///
        /// # Errors
        /// [`SourcesError::NotBuilt`], always.
        pub fn open(_: &str, _: &HostWebhook) -> Result<Self> {
            Err(SourcesError::NotBuilt { what: "webhooks", feature: "webhooks" })
        }

        /// Where it leads.
        #[must_use]
        pub fn host(&self) -> &str {
            match *self {}
        }

        /// Sends a message.
        ///
        /// # Errors
        /// None: there is no such value.
        #[expect(clippy::unused_async, reason = "the same signature as where it is built")]
        pub async fn send(&self, _: &str, _: i64, _: Vec<u8>) -> Result<(), NotTaken> {
            match *self {}
        }
    }
}
