//! Webhooks of brands that answer: effects of the one room, over the client of the other.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use playbook_model::HostWebhook;
use playbook_online::{Brand, Deliver, DeliveryFailed, Effect, Message, WebhookOptions};
use playbook_sources::Webhook;

use crate::{AppError, Result};

/// Messages on their way at once, where nobody says otherwise.
const IN_FLIGHT: usize = 8;
/// How long an effect is tried, where nobody says otherwise.
const GIVE_UP: Duration = Duration::from_secs(24 * 3_600);

/// The webhook of a brand as the file of the host has it. Nothing is sent.
///
/// # Errors
/// [`AppError::Serve`]: an address, secret or certificates that cannot be used; a stage that the playbook does not have.
pub fn webhook(
    brand: &Brand,
    told: &HostWebhook,
    body: fn(Effect) -> Vec<u8>,
) -> Result<WebhookOptions> {
    let fault = |why| AppError::Serve { brand: brand.name().to_owned(), why };
    let version = brand.version();
    let stages = &version.facts().stages;
    let is_known = |name: &String| stages.iter().any(|stage| stage.name == *name);
    if let Some(stage) = told.stages.iter().find(|name| !is_known(name)) {
        let known: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
        let known = known.join(", ");
        return Err(fault(
            format!("its webhook names the stage `{stage}`; the playbook has {known}").into(),
        ));
    }
    let webhook = Webhook::open(brand.name(), told).map_err(|error| fault(error.into()))?;
    Ok(WebhookOptions {
        to: webhook.host().to_owned(),
        stages: told.stages.clone(),
        in_flight_max: told.in_flight_max.unwrap_or(IN_FLIGHT),
        give_up: told.give_up.unwrap_or(GIVE_UP),
        deliver: Arc::new(Client(webhook)),
        body,
    })
}

struct Client(Webhook);

impl Deliver for Client {
    fn deliver(
        &self,
        message: Message,
    ) -> Pin<Box<dyn Future<Output = Result<(), DeliveryFailed>> + Send + '_>> {
        Box::pin(async move {
            let Message { id, at_s, body } = message;
            let sent = self.0.send(&id, at_s, body).await;
            sent.map_err(|playbook_sources::NotTaken { why, wait }| DeliveryFailed { why, wait })
        })
    }
}
