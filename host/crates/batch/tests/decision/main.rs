//! One member decided alone gets what the member got in the cycle: the same outputs, the same proposals.
#![allow(clippy::unwrap_used, reason = "tests")]

mod world;

use playbook_cycle::{Candidate, CycleError, MemberRows};
use playbook_model::Column;

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
