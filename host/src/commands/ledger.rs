//! `playbook ledger`: what a brand's budgets hold, and the proof that nothing was altered.

use std::path::Path;

use anyhow::{Context, Result, bail};
use playbook_ledger::{Ledger, Proof};
use serde_json::json;

use crate::cli::LedgerCommand;
use crate::commands::cycle::ledger_path;
use crate::session::Session;
use crate::terminal::{Terminal, grouped};

pub(crate) fn ledger(session: &Session, command: &LedgerCommand) -> Result<()> {
    match command {
        LedgerCommand::Show { brand, state, json } => {
            show(session, &open(session, brand, state.as_deref())?, *json)
        }
        LedgerCommand::Prove { brand, state, json } => {
            prove(&open(session, brand, state.as_deref())?, *json)
        }
    }
}

fn open(session: &Session, brand: &str, state: Option<&Path>) -> Result<Ledger> {
    let path = ledger_path(&state.map_or_else(|| session.home.state_dir(brand), Path::to_path_buf));
    if !path.is_file() {
        bail!("brand `{brand}` has no ledger at `{}`", path.display());
    }
    Ledger::read(&path, brand).with_context(|| format!("`{}` cannot be opened", path.display()))
}

fn show(session: &Session, ledger: &Ledger, as_json: bool) -> Result<()> {
    let balances = ledger.balances()?;
    if as_json {
        let rows: Vec<_> = balances
            .iter()
            .map(|b| {
                json!({
                    "account": b.path, "allocated_minor": b.allocated.0, "reserved_minor": b.reserved.0,
                    "spent_minor": b.spent.0, "available_minor": b.available().0, "frozen": b.frozen,
                })
            })
            .collect();
        Terminal::out(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = balances
        .iter()
        .map(|b| {
            let amount = |v: i64| grouped(v);
            vec![
                b.path.clone(),
                amount(b.allocated.0),
                amount(b.reserved.0),
                amount(b.spent.0),
                amount(b.available().0),
                if b.frozen { "frozen" } else { "" }.to_owned(),
            ]
        })
        .collect();
    let header = ["account", "allocated", "reserved", "spent", "free", ""];
    Terminal::out(&session.terminal.table(&header, &[1, 2, 3, 4], &rows));
    Terminal::out("amounts in minor units");
    Ok(())
}

fn prove(ledger: &Ledger, as_json: bool) -> Result<()> {
    match ledger.prove()? {
        Proof::Sound { groups, entries, seal } => {
            if as_json {
                let text = json!({ "holds": true, "groups": groups, "entries": entries, "seal": seal.hex() });
                Terminal::out(&serde_json::to_string_pretty(&text)?);
            } else {
                Terminal::out(&format!(
                    "the ledger holds: {} entries in an unbroken chain of {} commit groups, every balance is the sum \
                     of its entries\nseal {}",
                    grouped(entries),
                    grouped(groups),
                    seal.hex(),
                ));
            }
            Ok(())
        }
        Proof::Broken(flaw) => {
            if as_json {
                let text = json!({ "holds": false, "flaw": flaw.to_string() });
                Terminal::out(&serde_json::to_string_pretty(&text)?);
            }
            bail!("the ledger was altered or is damaged: {flaw}")
        }
    }
}
