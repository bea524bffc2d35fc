//! `playbook data`: backups of what a service keeps, and a brand's log out of it and into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use playbook_app::{self as app, BackedUp, BrandMark, Exported, Imported, ServeOptions};
use playbook_cycle::Progress as _;
use playbook_online::Lanes;
use playbook_server::lock_data;
use serde_json::json;

use crate::cli::DataCommand;
use crate::progress::Shown;
use crate::session::Session;
use crate::terminal::{Terminal, grouped};

/// Memory of members' records while an export is taken in.
const RECORDS_BYTES: usize = 256 << 20;

pub(crate) fn data(session: &Session, command: &DataCommand) -> Result<()> {
    match command {
        DataCommand::Backup { data, to, json } => {
            backup(session, &folder(session, data.as_deref()), to, *json)
        }
        DataCommand::Restore { from, data, replace, json } => {
            restore(session, from, &folder(session, data.as_deref()), (*replace, *json))
        }
        DataCommand::Export { brand, data, to, json } => {
            export(session, brand, (&folder(session, data.as_deref()), to), *json)
        }
        DataCommand::Import { playbook, data, from, json } => {
            import(session, playbook, (&folder(session, data.as_deref()), from), *json)
        }
    }
}

/// The data folder of a service.
pub(crate) fn folder(session: &Session, named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| session.host.home().dir().join("serve"), Path::to_owned)
}

fn backup(session: &Session, data: &Path, to: &Path, as_json: bool) -> Result<()> {
    let at = jiff::Timestamp::from_millisecond(crate::clock::now().0)?.to_string();
    let done = app::back_up(&session.host, data, to, at, &|mark| Terminal::note(&proven(mark)))?;
    if as_json {
        return Terminal::json(&told(&done));
    }
    Terminal::out(&format!("{} in {}", held(&done), to.display()))
}

fn restore(
    session: &Session,
    from: &Path,
    data: &Path,
    (replaces, as_json): (bool, bool),
) -> Result<()> {
    // A service over the folder would go on with what stood there before.
    let lock = data.is_dir().then(|| lock_data(data)).transpose();
    let _lock = lock.context("a service runs over the data folder; stop it first")?;
    let (done, before) = app::restore(&session.host, from, data, replaces)?;
    done.brands.iter().for_each(|mark| Terminal::note(&proven(mark)));
    if let Some(before) = &before {
        Terminal::note(&format!("what stood there is `{}` now", before.display()));
    }
    if as_json {
        return Terminal::json(&told(&done));
    }
    Terminal::out(&format!("{} in {}", held(&done), data.display()))
}

fn export(session: &Session, brand: &str, (data, to): (&Path, &Path), as_json: bool) -> Result<()> {
    let Exported { events, members, consents } = app::export(&session.host, data, brand, to)?;
    if as_json {
        return Terminal::json(&json!({
            "brand": brand, "folder": to, "events": events, "members": members, "consents": consents,
        }));
    }
    let [events, members, consents] = [events, members, consents].map(rows);
    Terminal::out(&format!(
        "{events} events, {members} members and {consents} answers about consents\n\
         playbook run {}",
        to.join("playbook.toml").display()
    ))
}

fn import(
    session: &Session,
    playbook: &Path,
    (data, from): (&Path, &Path),
    as_json: bool,
) -> Result<()> {
    app::open_data(data)?;
    let _lock = lock_data(data).context("a service runs over the data folder; stop it first")?;
    let loaded = session.host.load(playbook, &[], &playbook_toml::Disk)?;
    let options = ServeOptions {
        records_bytes_max: RECORDS_BYTES,
        now: app::system_clock(),
        lanes: Arc::new(Lanes::new(1)),
        shared: None,
    };
    let state = app::brand_state(data, &loaded.playbook.brand);
    let brand = app::open_brand(&session.host, &loaded, &state, options)?;
    let shown = Shown::new(session.terminal, as_json);
    let told = |part: &str, rows| shown.advanced(part, rows, None);
    let done = app::import(&brand, from, session.host.cancel(), &told);
    shown.clear();
    let Imported { events, known, refused, reasons, members } = done?;
    reasons.iter().for_each(|reason| Terminal::note(&format!("refused: {reason}")));
    let said = json!({
        "brand": brand.name(), "events": events, "known": known, "refused": refused, "members": members,
    });
    if as_json {
        Terminal::json(&said)?;
    } else {
        let [events, known, members] = [events, known, members].map(rows);
        Terminal::out(&format!("{events} new events, {known} known ones, {members} members"))?;
    }
    match refused {
        0 => Ok(()),
        _ => bail!("{} events were refused; all others are kept", rows(refused)),
    }
}

fn proven(mark: &BrandMark) -> String {
    let BrandMark { brand, groups, entries, seal } = mark;
    let (groups, entries) = (grouped(*groups), grouped(*entries));
    format!("{brand}: the ledger holds, {entries} entries in {groups} commit groups, seal {seal}")
}

fn held(done: &BackedUp) -> String {
    let (brands, files) = (rows(done.brands.len() as u64), rows(done.files.len() as u64));
    format!("{brands} brands, {files} files, {} bytes", rows(done.bytes()))
}

fn told(done: &BackedUp) -> serde_json::Value {
    json!({
        "at": done.at, "layout": done.layout, "files": done.files.len(), "bytes": done.bytes(),
        "brands": done.brands,
    })
}

fn rows(count: u64) -> String {
    grouped(i64::try_from(count).unwrap_or(i64::MAX))
}
