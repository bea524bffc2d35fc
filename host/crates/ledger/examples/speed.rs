//! temp
use playbook_ledger::*; use playbook_model::*; use std::collections::BTreeMap; use std::time::Instant;
fn main() {
    let path = std::path::PathBuf::from("/tmp/ledger-speed/ledger.db");
    let _ = std::fs::remove_dir_all("/tmp/ledger-speed"); std::fs::create_dir_all("/tmp/ledger-speed").unwrap();
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let ledger = Ledger::open(&path, "aurora").unwrap();
    let plan = BudgetPlan { playbook: "club".into(), total: Minor(10_000_000_000), reserve_share: 0.1, pools: BTreeMap::from([("daily".to_owned(), 1.0)]), plugins: vec![PluginLimit { stage: "points".into(), pool: Some("daily".into()) }], plugin_share_max: 1.0 };
    let now = UnixMs(1_782_835_200_000);
    let a = ledger.ensure_budget(&plan, now).unwrap();
    let c = CycleRef { playbook: "club".into(), number: 1 };
    ledger.begin_cycle(&c, Digest::of(b"x"), now).unwrap();
    let reqs: Vec<GrantRequest> = (0..n).map(|i| GrantRequest { key: Digest::of(&i.to_be_bytes()), account: a.plugins["points"], member: pseudonym(b"s", &i.to_string()), stage: "ladder-exchange", action: "points", family: "points", quantity: 10, cost: Minor(10), expected_output: Minor(100), priority: 4, contacts_member: true, commercial: false }).collect();
    let t = Instant::now(); let r = ledger.grant_batch(&c, now, &reqs).unwrap(); println!("grant {n}: {:?} {:?}", t.elapsed(), r[0]);
    let t = Instant::now(); ledger.grant_batch(&c, now, &reqs).unwrap(); println!("again: {:?}", t.elapsed());
    let t = Instant::now(); println!("settle {} {:?}", ledger.settle_cycle(&c, now).unwrap(), t.elapsed());
    let t = Instant::now(); ledger.close_cycle(&c, Digest::of(b"s"), now).unwrap();
    let c2 = CycleRef { playbook: "club".into(), number: 2 }; ledger.begin_cycle(&c2, Digest::of(b"x"), now).unwrap(); println!("close+begin {:?}", t.elapsed());
    let t = Instant::now(); println!("since {} {:?}", ledger.grants_since(&c2, UnixMs(0)).unwrap().grants.len(), t.elapsed());
    let t = Instant::now(); println!("{:?} {:?}", ledger.prove().unwrap(), t.elapsed());
    println!("{} MB", std::fs::metadata(&path).unwrap().len() >> 20);
}
