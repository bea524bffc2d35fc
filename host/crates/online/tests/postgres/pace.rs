//! How fast a brand decides over a database, beside a file of its own in the same run; by hand, as it prints figures that
//! depend on the machine: `cargo test --release ... --test postgres -- --ignored --nocapture pace`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use playbook_ledger::{LedgerFile, Vault};
use playbook_online::{Brand, BrandOptions, Lanes, Ledgers, Opener as _};

use crate::brand::{Demo, T, ask, source, welcome};
use crate::reached;
use crate::servers::{PASSWORD, Postgres};

/// Members who are decided on, and decisions of each measurement.
const MEMBERS: usize = 64;
const DECISIONS: usize = 4_000;

fn brand(vault: Arc<dyn Vault>) -> Arc<Brand> {
    let options = BrandOptions {
        ledgers: Ledgers::open(vault.as_ref(), "demo-club").unwrap(),
        records_bytes_max: 64 << 20,
        now: Arc::new(|| T),
        opener: Arc::new(Demo),
        lanes: Arc::new(Lanes::new(2)),
        file: None,
    };
    Arc::new(Brand::open(options, Demo.open(&source("one")).unwrap()).unwrap())
}

/// Decisions over these hosts by so many clients at once; returns those of a second, and the times of all.
async fn decided(hosts: &[Arc<Brand>], clients: usize, name: &str) -> (f64, Vec<Duration>) {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let working: Vec<_> = (0..clients)
        .map(|client| {
            let (host, next) = (Arc::clone(&hosts[client % hosts.len()]), Arc::clone(&next));
            let name = name.to_owned();
            tokio::spawn(async move {
                let mut times = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= DECISIONS {
                        return times;
                    }
                    let asked = Instant::now();
                    let member = format!("m{}", number % MEMBERS);
                    host.decide(&ask(&member), &format!("{name}{number}")).await.unwrap();
                    times.push(asked.elapsed());
                }
            })
        })
        .collect();
    let mut times = Vec::new();
    for work in working {
        times.extend(work.await.unwrap());
    }
    times.sort();
    (DECISIONS as f64 / begun.elapsed().as_secs_f64(), times)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures of this machine"]
async fn pace_over_a_database_beside_a_file() {
    // Whoever measures waits for the disk.
    let server = Postgres::start(&["fsync=on"]);
    server.sql(&format!("CREATE ROLE host LOGIN PASSWORD '{PASSWORD}'"));
    server.sql("CREATE DATABASE ledgers OWNER host");
    let folder = tempfile::tempdir().unwrap();
    let file = brand(Arc::new(LedgerFile::at(&folder.path().join("ledger.sqlite"))));
    let [one, other] = [(), ()].map(|()| brand(Arc::new(reached(server.port, "ledgers"))));
    for number in 0..MEMBERS {
        for host in [&file, &one] {
            welcome(host, &format!("m{number}")).await;
        }
    }
    let hosts = [
        ("a file", vec![file]),
        ("a database", vec![Arc::clone(&one)]),
        ("a database, two hosts", vec![one, other]),
    ];
    for clients in [1, 64, 512] {
        let mut first = None;
        for (name, hosts) in &hosts {
            let (rate, times) = decided(hosts, clients, &format!("{name}{clients}-")).await;
            let of = |share: f64| times[(times.len() as f64 * share) as usize].as_micros();
            let ratio = rate / *first.get_or_insert(rate);
            eprintln!(
                "{clients} clients, {name}: {rate:.0} decisions/s ({ratio:.2} of the file), p50 {} us, p99 {} us",
                of(0.5),
                of(0.99)
            );
        }
    }
}
