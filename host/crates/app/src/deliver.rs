//! Results to where people work: over connections, once a cycle is booked, and again where that failed.

use std::path::Path;

use playbook_model::DeliveryDef;
use playbook_sources::{Parcel, SourcesError, Watch, check_secrets, deliver as send};
use playbook_toml::Loaded;

use crate::evidence::{Recorded, SavedFiles, read_output, read_record};
use crate::outputs::delivery_file;
use crate::taking::{Connections, place_of, stopped};
use crate::{AppError, Host, Result};

/// What became of one delivery.
#[derive(Debug)]
pub struct Delivery {
    /// Its name.
    pub name: String,
    /// Connection that it goes over.
    pub connection: String,
    /// Table or path.
    pub to: String,
    /// Rows of the table.
    pub rows: u64,
    /// Why it did not arrive.
    pub fault: Option<AppError>,
}

/// Delivers what a finished run has for others, each delivery whole or not at all; one that fails keeps no other back.
///
/// # Errors
/// Where the folder is no run's, or that of a dry run; what was altered since; a stop.
pub fn deliver(host: &Host, run: &Path) -> Result<Vec<Delivery>> {
    let recorded = read_record(run)?;
    if recorded.dry_run {
        return Err(AppError::DryDelivery { run: run.to_owned() });
    }
    let files = SavedFiles::new(run, &recorded.invocation.saved)?;
    let overrides: Vec<_> = recorded.invocation.overrides.iter().map(Into::into).collect();
    let loaded = host.load(&recorded.invocation.file, &overrides, &files)?;
    let wanted: Vec<(&DeliveryDef, &str)> = over_connections(&loaded).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let connections = Connections::read(host)?;
    let mut done = Vec::new();
    for (delivery, connection) in wanted {
        let table = read_output(run, &recorded, &delivery_file(&delivery.name))?;
        let sent = one(host, &connections, &loaded, &recorded, delivery, &table);
        if host.cancel().is_cancelled() {
            sent?;
            continue;
        }
        done.push(Delivery {
            name: delivery.name.clone(),
            connection: connection.to_owned(),
            to: delivery.to.clone(),
            rows: csv::Reader::from_reader(table.as_slice()).records().count() as u64,
            fault: sent.err(),
        });
    }
    Ok(done)
}

/// Checks, before anything is booked, that the host has what deliveries name.
pub(crate) fn check_deliveries(host: &Host, loaded: &Loaded) -> Result<()> {
    let mut connections = None;
    for (delivery, _) in over_connections(loaded) {
        if connections.is_none() {
            connections = Some(Connections::read(host)?);
        }
        let Some(connections) = &connections else { continue };
        let found = connection_of(connections, loaded, delivery)?;
        if !found.delivers {
            let fault = SourcesError::NoDelivery { connection: found.name.clone() };
            return Err(undelivered(loaded, delivery, fault));
        }
        check_secrets(found).map_err(|fault| undelivered(loaded, delivery, fault))?;
    }
    Ok(())
}

fn over_connections(loaded: &Loaded) -> impl Iterator<Item = (&DeliveryDef, &str)> {
    let all = loaded.playbook.outputs.deliveries.iter();
    all.filter_map(|delivery| Some((delivery, delivery.connection.as_deref()?)))
}

fn connection_of<'a>(
    connections: &'a Connections,
    loaded: &Loaded,
    delivery: &DeliveryDef,
) -> Result<&'a playbook_model::Connection> {
    let name = delivery.connection.as_deref().unwrap_or_default();
    let path = format!("output.deliver.{}.connection", delivery.name);
    connections.named(loaded, name, &format!("delivery `{}`", delivery.name), &path)
}

fn one(
    host: &Host,
    connections: &Connections,
    loaded: &Loaded,
    recorded: &Recorded,
    delivery: &DeliveryDef,
    table: &[u8],
) -> Result<()> {
    let connection = connection_of(connections, loaded, delivery)?;
    let parcel = Parcel {
        playbook: &recorded.playbook,
        cycle: recorded.cycle,
        delivery: &delivery.name,
        to: &delivery.to,
        csv: table,
    };
    let watch = Watch {
        cancelled: &|| host.cancel().is_cancelled(),
        advanced: &|_, _| {},
        time_ms_max: connection.time_ms_max,
        bytes_max: connection.bytes_max,
        rows_max: u64::MAX,
    };
    send(connection, &parcel, &watch).map_err(|fault| undelivered(loaded, delivery, fault))
}

fn undelivered(loaded: &Loaded, delivery: &DeliveryDef, fault: SourcesError) -> AppError {
    stopped(fault, |fault| AppError::Undelivered {
        delivery: delivery.name.clone(),
        at: place_of(loaded, &format!("output.deliver.{}", delivery.name)),
        source: Box::new(fault),
    })
}
