//! `playbook ledger`: what a brand's budgets hold, and the proof that nothing was altered.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use playbook_ledger::{Ledger, Movement, Proof};
use playbook_model::Digest;
use serde_json::json;

use crate::cli::{LedgerAccount, LedgerCommand};
use crate::commands::settle::close;
use crate::failure::Answered;
use crate::session::Session;
use crate::terminal::{Terminal, grouped};

pub(crate) fn ledger(session: &Session, command: &LedgerCommand) -> Result<()> {
    match command {
        LedgerCommand::Show { brand, state, over, json } => {
            show(session, &open(session, brand, (state.as_deref(), over.as_deref()))?, *json)
        }
        LedgerCommand::Prove { brand, state, over, json } => {
            prove(&open(session, brand, (state.as_deref(), over.as_deref()))?, *json)
        }
        LedgerCommand::Freeze(account) => freeze(session, account, true),
        LedgerCommand::Thaw(account) => freeze(session, account, false),
        LedgerCommand::Settle(grants) => close(session, grants, false),
        LedgerCommand::Release(grants) => close(session, grants, true),
    }
}

/// Freezes or thaws an account; a second time it says that nothing was to do.
fn freeze(session: &Session, wanted: &LedgerAccount, stops: bool) -> Result<()> {
    let path = session.existing_ledger(&wanted.brand, wanted.state.as_deref())?;
    let ledger = Ledger::open(&path, &wanted.brand)?;
    let balances = ledger.balances()?;
    let Some(account) = balances.iter().find(|b| b.path == wanted.account) else {
        let known: Vec<&str> = balances.iter().map(|b| b.path.as_str()).collect();
        bail!("there is no account `{}`; the brand has {}", wanted.account, known.join(", "));
    };
    let is = if stops { "frozen" } else { "open" };
    if account.frozen == stops {
        Terminal::out(&format!("`{}` is {is} already", account.path))?;
        return Ok(());
    }
    // A decision of its own each time: the head of the chain tells it from the one before.
    let (group, seal) = ledger.head()?;
    let movement = if stops { Movement::Freeze(account.id) } else { Movement::Thaw(account.id) };
    let key =
        Digest::of_parts([is.as_bytes(), account.path.as_bytes(), &group.to_be_bytes(), &seal.0]);
    ledger.move_money(movement, key, crate::clock::now())?;
    Terminal::out(&format!("`{}` is {is}", account.path))?;
    Ok(())
}

/// The ledger to look at: in a state folder, or over a connection.
fn open(
    session: &Session,
    brand: &str,
    (state, over): (Option<&Path>, Option<&str>),
) -> Result<Ledger> {
    if let Some(connection) = over {
        return Ok(playbook_app::shared_ledgers(&session.host, connection)?.read(brand)?);
    }
    let path = session.existing_ledger(brand, state)?;
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
        Terminal::json(&rows)?;
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
    Terminal::out(session.terminal.table(&header, &[1, 2, 3, 4], &rows))?;
    Terminal::out("amounts in minor units")?;
    Ok(())
}

fn prove(ledger: &Ledger, as_json: bool) -> Result<()> {
    match ledger.prove()? {
        Proof::Sound { groups, entries, seal } => {
            if as_json {
                let text = json!({ "holds": true, "groups": groups, "entries": entries, "seal": seal.hex() });
                Terminal::json(&text)?;
            } else {
                Terminal::out(&format!(
                    "the ledger holds: {} entries in an unbroken chain of {} commit groups, every balance is the sum \
                     of its entries\nseal {}",
                    grouped(entries),
                    grouped(groups),
                    seal.hex(),
                ))?;
            }
            Ok(())
        }
        Proof::Broken(flaw) => {
            let told = anyhow!("the ledger was altered or is damaged: {flaw}");
            Err(Answered::with(json!({ "holds": false, "flaw": flaw.to_string() }), told))
        }
    }
}
