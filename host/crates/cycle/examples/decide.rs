//! What one member's decision costs: arbitration alone, and with the ledger in memory and in a file.
//!
//! `cargo build --release -p playbook-host -p playbook-cycle --example decide` and `target/release/examples/decide`
#![allow(clippy::print_stdout, reason = "an example that measures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use playbook_cycle::{
    ActionFacts, Arbitration, Candidate, Desk, Laps, MemberFacts, Money, Proposal, Spender,
    StageStanding, Standing,
};
use playbook_ledger::{BudgetPlan, Ledger, PluginLimit};
use playbook_model::{ActionInfo, Context, Digest, Frequency, Guardrails, Minor, Priority, Words};

/// Members that are decided on, one call each.
const MEMBERS: u32 = 20_000;
/// Of them with a ledger in a file, which waits for the disk each time.
const MEMBERS_IN_FILE: u32 = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let proposals = |row: u32| {
        (0..3).map(move |stage| Candidate {
            stage,
            action: 0,
            row,
            quantity: 1,
            cost: 3,
            expected_output: 30 + i64::from(stage),
            reason: 0,
            after_min: 0,
            until_min: None,
        })
    };
    let rules = Guardrails { require_consent: false, ..Guardrails::default() };
    alone(&rules, &proposals);

    let actions: Vec<ActionInfo> = ["points", "coupon", "gift"].map(action).into();
    let names = ["points", "coupons", "gifts"];
    let spenders: Vec<Spender<'_>> = (0..3_u16)
        .map(|at| Spender {
            position: at,
            name: names[usize::from(at)],
            pool: Some("daily"),
            actions: std::slice::from_ref(&actions[usize::from(at)]),
        })
        .collect();
    let limit =
        |stage: &str| PluginLimit { stage: stage.to_owned(), pool: Some("daily".to_owned()) };
    let plan = BudgetPlan {
        playbook: "club".to_owned(),
        total: Minor(1 << 40),
        reserve_share: 0.1,
        pools: BTreeMap::from([("daily".to_owned(), 1.0)]),
        plugins: names.map(limit).into(),
        plugin_share_max: 1.0,
    };
    let folder = tempfile::tempdir()?;
    let file = Ledger::open_or_create(&folder.path().join("ledger.sqlite"), "aurora")?;
    let memory = Ledger::in_memory("aurora")?;
    for (what, ledger, members) in
        [("in memory", &memory, MEMBERS), ("in a file", &file, MEMBERS_IN_FILE)]
    {
        let desk = Desk::new(&rules, &spenders);
        let money = Money::open(ledger, &plan, 1, &Context::default(), Digest::of(b"run"))?;
        let begun = Instant::now();
        let mut granted = 0;
        for row in 0..members {
            let keys = [i64::from(row)];
            let facts = MemberFacts { keys: &keys, ..MemberFacts::default() };
            let own = proposals(0).collect();
            let answer = money.decide(&desk, facts, own, &mut Laps::start())?;
            granted += answer.decisions.iter().filter(|d| d.is_new()).count();
        }
        told(&format!("decided and booked {what} ({granted} grants)"), begun, members);
    }
    Ok(())
}

fn alone<I: Iterator<Item = Candidate>>(rules: &Guardrails, proposals: &impl Fn(u32) -> I) {
    let facts = |family| ActionFacts {
        priority: Priority::Promotion,
        family,
        purpose: None,
        commercial: true,
        contacts_member: true,
    };
    let actions: BTreeMap<u16, Vec<ActionFacts>> =
        (0..3_u16).map(|at| (at, vec![facts(u32::from(at))])).collect();
    let stage = StageStanding { pool: Some(0), left: Minor(i64::MAX), ..StageStanding::default() };
    let mut standing = Standing {
        pools: vec![Minor(i64::MAX)],
        stages: (0..3).map(|at| (at, stage)).collect(),
        ..Standing::default()
    };
    let begun = Instant::now();
    for row in 0..MEMBERS {
        let keys = [i64::from(row)];
        let members = MemberFacts { keys: &keys, ..MemberFacts::default() };
        let arbitration = Arbitration { guardrails: rules, actions: &actions, members };
        let own: Vec<Proposal> = proposals(0).map(Proposal::from).collect();
        std::hint::black_box(arbitration.decide(own, &mut standing));
    }
    told("arbitrated", begun, MEMBERS);
}

fn told(what: &str, begun: Instant, members: u32) {
    let each = begun.elapsed().as_secs_f64() * 1e6 / f64::from(members);
    println!("{what}: {each:.2} us a member of three proposals");
}

fn action(name: &str) -> ActionInfo {
    ActionInfo {
        name: name.to_owned(),
        priority: Priority::Promotion,
        family: name.to_owned(),
        purpose: String::new(),
        commercial: true,
        contacts_member: true,
        frequency: Frequency::OnceACycle,
        needs_approval: false,
        text: Words::default(),
    }
}
