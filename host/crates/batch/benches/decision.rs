//! What one decision costs: a member of the demo through evaluate, decide and book, and where the time goes.
//!
//! `cargo bench --workspace --bench decision` prints medians of one run on one machine.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints")]

#[path = "../tests/decision/world.rs"]
mod world;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use playbook_cycle::{
    Candidate, FactPlan, MemberRows, Money, Part, Policy, Watch, budget_plan, decide, spenders,
};
use playbook_ledger::Ledger;
use playbook_model::{Digest, UnixMs};

use world::World;

/// Members of the community.
const COMMUNITY: u64 = 2_000;
/// Members that are decided on in turn.
const MEMBERS: usize = 1_000;
/// Of them with a ledger in a file, which waits for the disk each time.
const MEMBERS_IN_FILE: usize = 200;
/// Rounds over all of them that medians are taken of.
const ROUNDS: usize = 15;

/// Time a stage took in parts, summed over calls.
#[derive(Debug, Default, Clone, Copy)]
struct Split {
    gather: Duration,
    ask: Duration,
    scatter: Duration,
}

/// A stopwatch that runs through all stages.
struct Stages {
    last: Instant,
    splits: Vec<Split>,
}

impl Watch for Stages {
    fn ended(&mut self, stage: usize, part: Part) {
        let now = Instant::now();
        let split = &mut self.splits[stage];
        let sum = match part {
            Part::Gather => &mut split.gather,
            Part::Ask => &mut split.ask,
            Part::Scatter => &mut split.scatter,
        };
        *sum += now.duration_since(self.last);
        self.last = now;
    }
}

/// Microseconds a member.
fn each(sum: Duration, members: usize) -> f64 {
    sum.as_secs_f64() * 1e6 / members as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Median microseconds a member of a round over all of them; what is handed out is made before the clock
/// starts and dropped after it.
fn median_us<T>(mut make: impl FnMut() -> T, mut round: impl FnMut(&mut T)) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let mut made = make();
        let started = Instant::now();
        round(&mut made);
        each(started.elapsed(), MEMBERS)
    });
    median(rounds.collect())
}

fn line(what: &str, us: f64) {
    println!("{what:<44}{us:>10.2}");
}

fn main() {
    let world = World::new(COMMUNITY);
    let members: Vec<MemberRows> = (0..MEMBERS).map(|row| world.member(row)).collect();
    println!("{:<44}{:>10}", "", "us a member");
    evaluated(&world, &members);
    decided(&world, &members);
}

/// All stages about members, and each of them.
fn evaluated(world: &World, members: &[MemberRows]) {
    let evaluation = world.open();
    let evaluate = |copies: &mut Vec<MemberRows>| {
        for member in copies {
            black_box(evaluation.evaluate(&world.context, member).unwrap());
        }
    };
    line("evaluate: all stages", median_us(|| members.to_vec(), evaluate));
    let names: Vec<String> = evaluation.time_in_calls().map(|(name, ..)| name.to_owned()).collect();
    let inside = || evaluation.time_in_calls().map(|(_, _, us)| us).collect::<Vec<f64>>();
    let before = inside();
    let mut watch = Stages { last: Instant::now(), splits: vec![Split::default(); names.len()] };
    for member in (0..ROUNDS).flat_map(|_| members) {
        let mut member = member.clone();
        watch.last = Instant::now();
        evaluation.evaluate_watched(&world.context, &mut member, &mut watch).unwrap();
    }
    let asked = ROUNDS * MEMBERS;
    println!(
        "{:<44}{:>10}{:>10}{:>10}{:>10}",
        "  with a clock between", "sandbox", "call", "gather", "scatter"
    );
    for (at, name) in names.iter().enumerate() {
        let Split { gather, ask, scatter } = watch.splits[at];
        let sandbox = (inside()[at] - before[at]) / asked as f64;
        let (gather, ask, scatter) = (each(gather, asked), each(ask, asked), each(scatter, asked));
        println!(
            "{:<44}{sandbox:>10.2}{:>10.2}{gather:>10.2}{scatter:>10.2}",
            format!("  {name}"),
            ask - sandbox
        );
    }
}

/// Facts, arbitration and the ledger, for members that have proposals.
fn decided(world: &World, members: &[MemberRows]) {
    let evaluation = world.open();
    let asked: Vec<(MemberRows, Vec<Candidate>)> = members
        .iter()
        .map(|member| {
            let mut member = member.clone();
            let said = evaluation.evaluate(&world.context, &mut member).unwrap();
            (member, said.candidates)
        })
        .filter(|(_, candidates)| !candidates.is_empty())
        .collect();
    println!(
        "{:<44}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "decide and book, by ledger", "facts", "begin", "recall", "decide", "book"
    );
    let folder = tempfile::tempdir().unwrap();
    let memory = Ledger::in_memory(&world.playbook.brand).unwrap();
    let file = ledger_in(folder.path(), &world.playbook.brand);
    for (what, ledger, most) in
        [("in memory", &memory, MEMBERS), ("in a file", &file, MEMBERS_IN_FILE)]
    {
        let asked = &asked[..asked.len().min(most)];
        booked(world, what, ledger, evaluation.gives(), asked);
    }
}

fn ledger_in(folder: &Path, brand: &str) -> Ledger {
    Ledger::open_or_create(&folder.join("ledger.sqlite"), brand).unwrap()
}

fn booked(
    world: &World,
    what: &str,
    ledger: &Ledger,
    like: &playbook_model::Frame,
    asked: &[(MemberRows, Vec<Candidate>)],
) {
    let plan = budget_plan(&world.playbook);
    let policy = Policy::new(&world.playbook.guardrails, spenders(&world.stages));
    let facts = FactPlan::new(&policy, &world.stages, like);
    let money =
        Money::open(ledger, &plan, world.run.number, &world.context, Digest::of(b"run")).unwrap();
    let mut sums = [Duration::ZERO; 5];
    let (mut granted, mut refused) = (0, 0);
    for (member, candidates) in asked {
        let mut last = Instant::now();
        let mut lap = |part: usize| {
            let now = Instant::now();
            sums[part] += now.duration_since(last);
            last = now;
        };
        let columns = facts.read(&member.frame, candidates, &[], UnixMs(world.context.now));
        lap(0);
        let mut turn = money.begin().unwrap();
        lap(1);
        let (proposals, history) = turn
            .recall(&policy, &member.keys, candidates.clone(), &columns.of(&member.keys, &[]))
            .unwrap();
        let mut standing = turn.standing(&policy).unwrap();
        lap(2);
        let known = columns.of(&member.keys, &history);
        let mut decisions = decide(&policy, known, proposals, &mut standing);
        lap(3);
        turn.book(&policy, &member.keys, &mut decisions).unwrap();
        drop(turn);
        lap(4);
        granted += decisions.iter().filter(|d| d.is_new()).count();
        refused += decisions.iter().filter(|d| d.refusal.is_some()).count();
    }
    let [facts, begin, recall, decide, book] = sums.map(|sum| each(sum, asked.len()));
    let what = format!("  {what}: {granted} grants, {refused} refusals");
    println!("{what:<44}{facts:>10.2}{begin:>10.2}{recall:>10.2}{decide:>10.2}{book:>10.2}");
}
