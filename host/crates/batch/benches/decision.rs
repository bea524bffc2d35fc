//! What one decision costs: all stages of the demo for one member, and where the time goes.
//!
//! `cargo bench --workspace --bench decision` prints medians of one run on one machine.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints")]

#[path = "../tests/decision/world.rs"]
mod world;

use std::hint::black_box;
use std::time::Instant;

use world::World;

/// Members that are decided in turn.
const MEMBERS: usize = 1_000;
/// Rounds over all of them that the median is taken of.
const ROUNDS: usize = 15;

/// Median microseconds a member of a round over all members.
fn median_us(mut round: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            round();
            started.elapsed().as_secs_f64() * 1e6 / MEMBERS as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn main() {
    let world = World::new(MEMBERS as u64);
    let evaluation = world.open();
    let members: Vec<_> = (0..MEMBERS).map(|row| world.member(row)).collect();
    let copies = median_us(|| {
        for member in &members {
            black_box(member.clone());
        }
    });
    let all = median_us(|| {
        for member in &members {
            let mut member = member.clone();
            black_box(evaluation.evaluate(&world.context, &mut member).unwrap());
        }
    });
    println!("{:<44}{:>10}", "", "us a member");
    println!("{:<44}{:>10.2}", "all stages, without copying the features", all - copies);
    println!("{:<44}{:>10.2}", "copying the features", copies);
    for (name, calls, us) in evaluation.time_in_calls() {
        println!("{:<44}{:>10.2}", format!("  {name}: in the plugin"), us / calls as f64);
    }
}
