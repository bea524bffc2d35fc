//! `playbook deliver`: what a finished run has for others, once more.

use std::path::Path;

use anyhow::{Result, anyhow};
use playbook_app::{self as app, Delivery};
use serde_json::{Value, json};

use crate::cli::DeliverArgs;
use crate::failure::Answered;
use crate::session::Session;
use crate::terminal::{Terminal, counted};
use crate::text::Text;

/// Delivers again. Fails where a delivery does not arrive.
pub(crate) fn deliver(session: &Session, args: &DeliverArgs) -> Result<()> {
    let done = app::deliver(&session.host, &args.run)?;
    let answer = json!({ "deliveries": told(&done) });
    if let Some(fault) = fault(&args.run, &done) {
        return Err(Answered::with(answer, fault));
    }
    match args.json {
        true => Terminal::json(&answer),
        false if done.is_empty() => {
            Terminal::out("the playbook delivers nothing over a connection")
        }
        false => Terminal::out(words(&done)),
    }
}

/// Deliveries, for programs.
pub(crate) fn told(done: &[Delivery]) -> Value {
    let one = |delivery: &Delivery| {
        let Delivery { name, connection, to, rows, fault } = delivery;
        json!({
            "name": name, "connection": connection, "to": to, "rows": rows,
            "delivered": fault.is_none(), "error": fault.as_ref().map(chain),
        })
    };
    done.iter().map(one).collect()
}

/// Deliveries that arrived, for people.
pub(crate) fn words(done: &[Delivery]) -> Text {
    let mut text = Text::default();
    for delivery in done.iter().filter(|delivery| delivery.fault.is_none()) {
        let Delivery { name, connection, to, rows, .. } = delivery;
        let rows = counted(*rows);
        text.push_str(&format!("delivered {name}: {rows} rows to {to} over {connection}\n"));
    }
    text
}

/// What to do where deliveries did not arrive.
pub(crate) fn fault(run: &Path, done: &[Delivery]) -> Option<anyhow::Error> {
    let faults: Vec<String> = done.iter().filter_map(|d| d.fault.as_ref().map(chain)).collect();
    (!faults.is_empty()).then(|| {
        anyhow!(
            "the cycle is booked and its results are in `{}`, but {} of {} deliveries did not arrive; \
             `playbook deliver {}` delivers again\n{}",
            run.display(),
            faults.len(),
            done.len(),
            run.display(),
            faults.join("\n")
        )
    })
}

fn chain(fault: &app::AppError) -> String {
    let mut text = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(source) = cause {
        let words = source.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = source.source();
    }
    text
}
