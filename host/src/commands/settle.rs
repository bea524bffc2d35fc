//! `playbook ledger settle` and `release`: closes grants of a run, named by their keys or by members and an action.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use playbook_app::{Recorded, read_output, read_record};
use playbook_ledger::{Booked, Closure, CycleRef, GrantState, Ledger, SettleAnswer};
use playbook_model::{Digest, Minor};
use serde_json::{Value, json};

use crate::cli::LedgerGrants;
use crate::failure::Answered;
use crate::session::Session;
use crate::terminal::{Terminal, counted, grouped};

/// Bytes of a list that are read.
const LIST_BYTES_MAX: u64 = 256 << 20;

/// Grants of the cycle by key.
type Reserved = BTreeMap<Digest, Booked>;

/// What is to be closed, and what a list names without one grant of its own.
#[derive(Default)]
struct Asked {
    closures: Vec<(Digest, Closure)>,
    /// Grants of listed members that were closed so before.
    already: u64,
    others: Vec<Other>,
}

/// A listed member without exactly one open grant.
struct Other {
    member: String,
    why: String,
}

/// What was booked.
#[derive(Default)]
struct Booking {
    done: u64,
    already: u64,
    otherwise: u64,
    spent: i64,
    free: i64,
}

/// Settles or releases grants of a run. Every row is checked before any is booked; a second time nothing is to do.
pub(crate) fn close(session: &Session, wanted: &LedgerGrants, releases: bool) -> Result<()> {
    let recorded = read_record(&wanted.run)?;
    if recorded.dry_run {
        bail!("`{}` was a dry run: it granted nothing", wanted.run.display());
    }
    let state = wanted.state.as_deref().unwrap_or(&recorded.invocation.state);
    let path = session.existing_ledger(&recorded.brand, Some(state))?;
    let ledger = Ledger::open(&path, &recorded.brand)?;
    let cycle = CycleRef { playbook: recorded.playbook.clone(), number: recorded.cycle };
    // A list may come from a person who is still typing; the ledger waits for nobody.
    let listed = wanted.members.as_deref().map(|list| members(list, wanted.column.as_deref()));
    let listed = listed.transpose()?;
    // What is checked here is booked below, and nobody else books in between.
    let turn = ledger.turn()?;
    let reserved: Reserved = turn.standing(&cycle)?.grants.into_iter().collect();
    let asked = match (&wanted.grants, listed) {
        (Some(file), _) => keyed(file, &reserved, releases)?,
        (None, Some(listed)) => {
            let action = wanted.action.as_deref().unwrap_or_default();
            matched(&listed, &granted(&wanted.run, &recorded, action)?, &reserved, releases)
        }
        (None, None) => all(&reserved, releases),
    };
    if !asked.others.is_empty() && !wanted.skip_others {
        return Err(nothing_booked(&asked));
    }
    let answers = turn
        .close_batch(&cycle, &asked.closures, crate::clock::now())
        .with_context(|| format!("nothing was booked in `{}`", path.display()))?;
    tell(wanted, releases, &asked, &booked(&asked, &answers, &reserved))
}

fn closure(releases: bool) -> Closure {
    if releases { Closure::Release } else { Closure::Settle(None) }
}

/// All grants that are still open.
fn all(reserved: &Reserved, releases: bool) -> Asked {
    let open = reserved.iter().filter(|(_, grant)| grant.state == GrantState::Open);
    let closures = open.map(|(key, _)| (*key, closure(releases))).collect();
    Asked { closures, ..Asked::default() }
}

/// The open grant of each listed member.
fn matched(
    listed: &BTreeSet<String>,
    granted: &BTreeMap<String, Vec<Digest>>,
    reserved: &Reserved,
    releases: bool,
) -> Asked {
    let mut asked = Asked::default();
    for member in listed {
        let keys = granted.get(member).map(Vec::as_slice).unwrap_or_default();
        let states: Vec<_> =
            keys.iter().filter_map(|key| Some((*key, reserved.get(key)?.state))).collect();
        let open: Vec<Digest> = states
            .iter()
            .filter(|(_, state)| *state == GrantState::Open)
            .map(|(key, _)| *key)
            .collect();
        let closed_so = |state: &GrantState| match state {
            GrantState::Settled(_) => !releases,
            GrantState::Released => releases,
            GrantState::Open => false,
        };
        let why = match open.as_slice() {
            [key] => {
                asked.closures.push((*key, closure(releases)));
                continue;
            }
            [] if !states.is_empty() && states.iter().all(|(_, state)| closed_so(state)) => {
                asked.already += 1;
                continue;
            }
            [] if states.is_empty() => "has no such grant".to_owned(),
            [] if releases => "has no open grant: it was settled".to_owned(),
            [] => "has no open grant: it was released".to_owned(),
            several => format!("has {} open grants; name them by their keys", several.len()),
        };
        asked.others.push(Other { member: member.clone(), why });
    }
    asked
}

/// Keys of the run's grants of an action, by member.
fn granted(run: &Path, recorded: &Recorded, wanted: &str) -> Result<BTreeMap<String, Vec<Digest>>> {
    let text = read_output(run, recorded, "grants.csv")?;
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let header = reader.headers().context("cannot read `grants.csv`")?.clone();
    let at = |name: &str| {
        let old = || anyhow!("`grants.csv` of an earlier host has no column `{name}`; run again");
        header.iter().position(|column| column == name).with_context(old)
    };
    let (member, stage, action, key) = (at("member")?, at("stage")?, at("action")?, at("key")?);
    let mut keys: BTreeMap<String, Vec<Digest>> = BTreeMap::new();
    let mut actions = BTreeSet::new();
    for row in reader.records() {
        let row = row.context("cannot read `grants.csv`")?;
        let cell = |at: usize| row.get(at).unwrap_or_default();
        let name = format!("{}/{}", cell(stage), cell(action));
        if name != wanted {
            actions.insert(name);
        } else if let Some(key) = Digest::from_hex(cell(key)) {
            keys.entry(cell(member).to_owned()).or_default().push(key);
        }
    }
    if keys.is_empty() {
        let known: Vec<_> = actions.into_iter().collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        bail!(
            "the run has no grants of `{wanted}`; --action takes STAGE/ACTION, and it has {known}"
        );
    }
    Ok(keys)
}

/// Members of a list, each as `grants.csv` writes it: a text with an id a line, or a column of a CSV file.
fn members(list: &Path, column: Option<&str>) -> Result<BTreeSet<String>> {
    let name =
        if list == Path::new("-") { "standard input".into() } else { list.to_string_lossy() };
    let text = text_of(list).with_context(|| format!("cannot read `{name}`"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    // An id of a file that this host wrote is neutral already.
    let as_written = |id: &str| match id.trim() {
        id if playbook_files::plain_cell(id) != id => id.to_owned(),
        id => playbook_files::neutral_cell(id).into_owned(),
    };
    let ids: BTreeSet<String> = match column {
        None => text.lines().map(as_written).filter(|id| !id.is_empty()).collect(),
        Some(column) => {
            let mut reader =
                csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
            let header = reader.headers().with_context(|| format!("cannot read `{name}`"))?.clone();
            let Some(at) = header.iter().position(|known| known == column) else {
                let known: Vec<&str> = header.iter().collect();
                bail!("{name}: line 1: there is no column `{column}`; it has {}", known.join(", "));
            };
            let mut ids = BTreeSet::new();
            for row in reader.records() {
                let row = row.with_context(|| format!("cannot read `{name}`"))?;
                ids.extend(row.get(at).filter(|id| !id.is_empty()).map(as_written));
            }
            ids
        }
    };
    if ids.is_empty() {
        bail!("{name} names no member");
    }
    Ok(ids)
}

fn text_of(list: &Path) -> Result<String> {
    let mut text = String::new();
    let read = if list == Path::new("-") {
        std::io::stdin().lock().take(LIST_BYTES_MAX + 1).read_to_string(&mut text)?
    } else {
        playbook_files::open_regular(list)?.take(LIST_BYTES_MAX + 1).read_to_string(&mut text)?
    };
    if read as u64 > LIST_BYTES_MAX {
        bail!("it has more than {LIST_BYTES_MAX} bytes; cut it into parts");
    }
    Ok(text)
}

/// Grants by their keys, and what was paid for them.
fn keyed(file: &Path, reserved: &Reserved, releases: bool) -> Result<Asked> {
    let name = file.display();
    let text = text_of(file).with_context(|| format!("cannot read `{name}`"))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().with_context(|| format!("cannot read `{name}`"))?.clone();
    let column = |wanted: &str| header.iter().position(|column| column == wanted);
    let Some(key_at) = column("key") else {
        bail!(
            "{name}: line 1: there is no column `key`; it holds the keys of grants as in grants.csv, or name members \
             with --members and --action"
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
    Ok(Asked { closures, ..Asked::default() })
}

fn booked(asked: &Asked, answers: &[SettleAnswer], reserved: &Reserved) -> Booking {
    let mut sum = Booking { already: asked.already, ..Booking::default() };
    for ((key, closure), answer) in asked.closures.iter().zip(answers) {
        match answer {
            SettleAnswer::Done { .. } => {
                let bound = reserved.get(key).map_or(0, |grant| grant.cost.0);
                let paid = match closure {
                    Closure::Settle(amount) => amount.map_or(bound, |amount| amount.0),
                    Closure::Release => 0,
                };
                sum.done += 1;
                sum.spent += paid;
                sum.free += bound - paid;
            }
            SettleAnswer::Already { .. } => sum.already += 1,
            SettleAnswer::Otherwise { .. } | SettleAnswer::TooMuch { .. } => sum.otherwise += 1,
        }
    }
    sum
}

fn others_json(others: &[Other]) -> Vec<Value> {
    others.iter().map(|o| json!({ "member": o.member, "why": o.why })).collect()
}

/// The failure of a list that names members without exactly one open grant; it says each of them.
fn nothing_booked(asked: &Asked) -> anyhow::Error {
    let lines: Vec<_> = asked.others.iter().map(|o| format!("`{}` {}", o.member, o.why)).collect();
    let told = anyhow!(
        "{} members of the list have no open grant of the action, or several; nothing was booked (--skip-others books \
         the others)\n{}",
        counted(asked.others.len() as u64),
        lines.join("\n"),
    );
    Answered::with(json!({ "done": 0, "others": others_json(&asked.others) }), told)
}

/// Says what was booked.
fn tell(wanted: &LedgerGrants, releases: bool, asked: &Asked, booking: &Booking) -> Result<()> {
    let Booking { done, already, otherwise, spent, free } = booking;
    let answer = json!({
        "done": done, "already": already, "otherwise": otherwise, "spent_minor": spent, "free_minor": free,
        "others": others_json(&asked.others),
    });
    for other in &asked.others {
        Terminal::note(&format!("left out: `{}` {}", other.member, other.why));
    }
    if !wanted.json {
        let verb = if releases { "released" } else { "settled" };
        Terminal::out(&format!(
            "{} grants {verb}: {} minor units spent, {} free again; {} were so already",
            counted(*done),
            grouped(*spent),
            grouped(*free),
            counted(*already),
        ))?;
    }
    if *otherwise > 0 {
        let told = anyhow!(
            "{otherwise} grants were settled or released otherwise before; they stay as they are"
        );
        return Err(Answered::with(answer, told));
    }
    if wanted.json { Terminal::json(&answer) } else { Ok(()) }
}
