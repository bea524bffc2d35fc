//! `playbook ledger`: what a brand's budgets hold, and the proof that nothing was altered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use playbook_app::{ledger_path, read_record};
use playbook_ledger::{
    Booked, Closure, CycleRef, GrantState, Ledger, Movement, Proof, SettleAnswer,
};
use playbook_model::{Digest, Minor};
use serde_json::json;

use crate::cli::{LedgerAccount, LedgerCommand, LedgerGrants};
use crate::failure::Answered;
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
        LedgerCommand::Freeze(account) => freeze(session, account, true),
        LedgerCommand::Thaw(account) => freeze(session, account, false),
        LedgerCommand::Settle(grants) => close(session, grants, false),
        LedgerCommand::Release(grants) => close(session, grants, true),
    }
}

fn existing(session: &Session, brand: &str, state: Option<&Path>) -> Result<PathBuf> {
    let path =
        ledger_path(&state.map_or_else(|| session.host.home().state_dir(brand), Path::to_path_buf));
    if !path.is_file() {
        bail!("brand `{brand}` has no ledger at `{}`", path.display());
    }
    Ok(path)
}

/// Freezes or thaws an account; a second time it says that nothing was to do.
fn freeze(session: &Session, wanted: &LedgerAccount, stops: bool) -> Result<()> {
    let path = existing(session, &wanted.brand, wanted.state.as_deref())?;
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

/// Settles or releases grants of a run. Every row is checked before any is booked; a second time nothing is to do.
fn close(session: &Session, wanted: &LedgerGrants, releases: bool) -> Result<()> {
    let recorded = read_record(&wanted.run)?;
    if recorded.dry_run {
        bail!("`{}` was a dry run: it granted nothing", wanted.run.display());
    }
    let state = wanted.state.as_deref().unwrap_or(&recorded.invocation.state);
    let ledger = Ledger::open(&existing(session, &recorded.brand, Some(state))?, &recorded.brand)?;
    let cycle = CycleRef { playbook: recorded.playbook.clone(), number: recorded.cycle };
    // What is checked here is booked below, and nobody else books in between.
    let turn = ledger.turn()?;
    let reserved: BTreeMap<Digest, Booked> = turn.standing(&cycle)?.grants.into_iter().collect();
    let closures: Vec<(Digest, Closure)> = match &wanted.grants {
        Some(file) => read_grants(file, &reserved, releases)?,
        None => {
            let closure = if releases { Closure::Release } else { Closure::Settle(None) };
            reserved
                .iter()
                .filter(|(_, grant)| grant.state == GrantState::Open)
                .map(|(key, _)| (*key, closure))
                .collect()
        }
    };
    let (mut done, mut already, mut otherwise, mut spent, mut free) =
        (0_i64, 0_i64, 0_i64, 0_i64, 0_i64);
    for ((key, closure), answer) in
        closures.iter().zip(turn.close_batch(&cycle, &closures, crate::clock::now())?)
    {
        match answer {
            SettleAnswer::Done { .. } => {
                let bound = reserved.get(key).map_or(0, |grant| grant.cost.0);
                let paid = match closure {
                    Closure::Settle(amount) => amount.map_or(bound, |amount| amount.0),
                    Closure::Release => 0,
                };
                done += 1;
                spent += paid;
                free += bound - paid;
            }
            SettleAnswer::Already { .. } => already += 1,
            SettleAnswer::Otherwise { .. } | SettleAnswer::TooMuch { .. } => otherwise += 1,
        }
    }
    let answer = json!({
        "done": done, "already": already, "otherwise": otherwise, "spent_minor": spent, "free_minor": free,
    });
    if !wanted.json {
        let verb = if releases { "released" } else { "settled" };
        Terminal::out(&format!(
            "{} grants {verb}: {} minor units spent, {} free again; {} were so already",
            grouped(done),
            grouped(spent),
            grouped(free),
            grouped(already),
        ))?;
    }
    if otherwise > 0 {
        let told = anyhow!(
            "{otherwise} grants were settled or released otherwise before; they stay as they are"
        );
        return Err(Answered::with(answer, told));
    }
    if wanted.json { Terminal::json(&answer) } else { Ok(()) }
}

fn read_grants(
    file: &Path,
    reserved: &BTreeMap<Digest, Booked>,
    releases: bool,
) -> Result<Vec<(Digest, Closure)>> {
    let name = file.display();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .with_context(|| format!("cannot read `{name}`"))?;
    let header = reader.headers().with_context(|| format!("cannot read `{name}`"))?.clone();
    let column = |wanted: &str| header.iter().position(|column| column == wanted);
    let Some(key_at) = column("key") else {
        bail!(
            "{name}: line 1: there is no column `key`; it holds the keys of grants as in ledger.csv"
        );
    };
    let amount_at = column("amount_minor").filter(|_| !releases);
    let mut closures = Vec::new();
    let mut seen = BTreeSet::new();
    for row in reader.records() {
        let row = row.with_context(|| format!("cannot read `{name}`"))?;
        let line = row.position().map_or(0, csv::Position::line);
        let text = row.get(key_at).unwrap_or("");
        let key = Digest::from_hex(text);
        let Some((key, grant)) = key.and_then(|key| Some((key, reserved.get(&key)?))) else {
            bail!(
                "{name}: line {line}: `{text}` is no key of a grant of this run; nothing was booked"
            );
        };
        if !seen.insert(key) {
            bail!(
                "{name}: line {line}: the grant `{text}` stands in the file twice; nothing was booked"
            );
        }
        let paid = match amount_at.and_then(|at| row.get(at)).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => match text.parse() {
                Ok(paid) if (0..=grant.cost.0).contains(&paid) => Some(Minor(paid)),
                _ => bail!(
                    "{name}: line {line}: `{text}` must be an integer from 0 to {}, which is reserved; nothing was booked",
                    grant.cost.0
                ),
            },
        };
        closures.push((key, if releases { Closure::Release } else { Closure::Settle(paid) }));
    }
    Ok(closures)
}

fn open(session: &Session, brand: &str, state: Option<&Path>) -> Result<Ledger> {
    let path = existing(session, brand, state)?;
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
