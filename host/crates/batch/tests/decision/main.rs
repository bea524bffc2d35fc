//! One member decided alone gets what the member got in the cycle: the same outputs, the same proposals, the same
//! checks.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use playbook_cycle::{
    Candidate, CycleError, Decision, FactPlan, MemberRows, Money, Policy, Refusal, budget_plan,
    decide, spenders,
};
use playbook_ledger::Ledger;
use playbook_model::{Column, Digest, RefusalCode, UnixMs};

use world::World;

/// A value with its validity, so that equal texts mean equal bits.
fn shown(column: &Column, row: usize) -> String {
    match column.real(row) {
        Some(value) => format!("{:x}", value.to_bits()),
        None => format!("{:?}", column.text(row)),
    }
}

#[test]
fn a_member_alone_gets_what_the_member_gets_in_the_cycle() {
    let world = World::new(2_000);
    let evaluation = world.open();
    let members = &world.run.members;
    assert!(members.columns().len() > world.features + 10, "stages have answered");
    let mut proposals = 0;
    for row in (0..members.rows()).step_by(7) {
        let mut alone = world.member(row);
        let evaluated = evaluation.evaluate(&world.context, &mut alone).unwrap();
        assert!(evaluated.skipped.is_empty());
        for column in members.columns() {
            let own = alone.frame.column(&column.name);
            let own = own.unwrap_or_else(|| panic!("`{}` is absent", column.name));
            assert_eq!(shown(own, 0), shown(column, row), "`{}` of row {row}", column.name);
        }
        let row = u32::try_from(row).unwrap();
        let mut there: Vec<Candidate> = world
            .run
            .decisions
            .iter()
            .map(|decision| Candidate { row: 0, ..decision.candidate })
            .zip(&world.run.decisions)
            .filter(|(_, decision)| decision.candidate.row == row)
            .map(|(candidate, _)| candidate)
            .collect();
        let mut here = evaluated.candidates;
        let order = |c: &Candidate| (c.stage, c.action, c.cost);
        there.sort_by_key(order);
        here.sort_by_key(order);
        proposals += here.len();
        assert_eq!(here, there, "row {row}");
    }
    assert!(proposals > 50, "{proposals} proposals");
}

#[test]
fn rows_of_other_columns_are_refused_in_words() {
    let world = World::new(1_000);
    let mut other = MemberRows { frame: world.run.members.row(0, 3), ..world.member(0) };
    let error = world.open().evaluate(&world.context, &mut other).unwrap_err();
    assert!(matches!(error, CycleError::OtherColumns { found: 3, .. }), "{error}");
}

/// Refusals that look at the member alone: R04 to R11.
fn of_the_member_alone(refusal: Option<Refusal>) -> Option<(RefusalCode, &'static str)> {
    let of_member = |r: &Refusal| (RefusalCode::R04..=RefusalCode::R11).contains(&r.code);
    refusal.filter(of_member).map(|refusal| (refusal.code, refusal.rule))
}

#[test]
fn a_member_alone_goes_through_the_same_four_steps_and_a_second_time_takes_nothing() {
    let world = World::new(2_000);
    let evaluation = world.open();
    let ledger = Ledger::in_memory(&world.playbook.brand).unwrap();
    let plan = budget_plan(&world.playbook);
    let policy = Policy::new(&world.playbook.guardrails, spenders(&world.stages));
    let facts = FactPlan::new(&policy, &world.stages, evaluation.gives());
    let run_key = Digest([9; 32]);
    let money = Money::open(&ledger, &plan, world.run.number, &world.context, run_key).unwrap();
    let decided = |row: usize| {
        let mut member = world.member(row);
        let said = evaluation.evaluate(&world.context, &mut member).unwrap();
        let left_out: Vec<usize> = said.skipped.iter().map(|(stage, _)| *stage).collect();
        let columns =
            facts.read(&member.frame, &said.candidates, &left_out, UnixMs(world.context.now));
        let mut turn = money.begin().unwrap();
        let (proposals, history) = turn
            .recall(&policy, &member.keys, said.candidates, &columns.of(&member.keys, &[]))
            .unwrap();
        let known = columns.of(&member.keys, &history);
        let mut decisions = decide(&policy, known, proposals, &mut turn.standing(&policy).unwrap());
        turn.book(&policy, &member.keys, &mut decisions).unwrap();
        decisions
    };
    let (mut granted, mut refused) = (0, 0);
    for row in (0..world.run.members.rows()).step_by(5) {
        let there = world.run.decisions.iter().filter(|d| d.candidate.row as usize == row);
        let mut there: Vec<_> = there
            .map(|d| (d.candidate.stage, d.candidate.action, of_the_member_alone(d.refusal)))
            .collect();
        let first = decided(row);
        let own =
            |d: &Decision| (d.candidate.stage, d.candidate.action, of_the_member_alone(d.refusal));
        let mut here: Vec<_> = first.iter().map(own).collect();
        there.sort();
        here.sort();
        assert_eq!(here, there, "row {row}");
        granted += first.iter().filter(|d| d.is_new()).count();
        refused += here.iter().filter(|(.., refusal)| refusal.is_some()).count();
        let again = decided(row);
        assert!(again.iter().all(|d| !d.is_new()), "row {row} is granted twice");
    }
    assert!(granted > 20 && refused > 5, "{granted} grants, {refused} refusals");
}
