//! Holds the repository to its own rules: edges between crates, owners of dependencies, headers, maps, links.
//!
//! Every check is a function from a tree of texts to a list of complaints. It runs on the repository here, and in
//! `faults` on small trees with one fault each, which shows that it can fail.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "tidy/codes.rs"]
mod codes;
#[path = "tidy/crates.rs"]
mod crates;
#[path = "tidy/faults.rs"]
mod faults;
#[path = "tidy/models.rs"]
mod models;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/tree.rs"]
mod tree;

use crate::crates::{edges, edges_on_the_map, lints, natives, owners};
use crate::pages::{
    commands, folders_on_the_map, index, invariants, links, schema_lines, test_command, titles,
};
use crate::sources::{
    contract_docs, contract_files, contract_frozen, forgotten_tests, headers, leftovers, spaces,
};
use crate::tree::Tree;

#[track_caller]
fn holds(check: fn(&Tree) -> Vec<String>) {
    let complaints = check(&Tree::of_repository());
    assert!(
        complaints.is_empty(),
        "{} complaints\n  {}",
        complaints.len(),
        complaints.join("\n  ")
    );
}

#[test]
fn every_crate_inherits_the_lints() {
    holds(lints);
}

#[test]
fn only_owners_name_a_heavy_dependency() {
    holds(owners);
}

#[test]
fn crates_know_only_what_the_table_allows() {
    holds(edges);
}

#[test]
fn every_reference_plugin_is_timed_as_native_code() {
    holds(natives);
}

#[test]
fn the_map_shows_the_edges_that_are_enforced() {
    holds(edges_on_the_map);
}

#[test]
fn the_table_of_models_names_the_tests_that_hold_them() {
    if std::env::var_os("UPDATE").is_some() {
        let tree = Tree::of_repository();
        let page = tree.text(models::MODELS_PAGE);
        let (head, rest) = page.split_once(models::BEGIN).unwrap();
        let (_, foot) = rest.split_once(models::END).unwrap();
        let (begin, end, tables) = (models::BEGIN, models::END, models::tables(&tree));
        let text = format!("{head}{begin}\n\n{tables}\n{end}{foot}");
        std::fs::write(format!("../{}", models::MODELS_PAGE), text).unwrap();
    }
    holds(models::models);
}

#[test]
fn every_source_file_has_a_header() {
    holds(headers);
}

#[test]
fn every_file_has_the_one_format() {
    let root = std::env::current_dir().unwrap().join("..");
    let run = std::process::Command::new(env!("CARGO"))
        .args(["fmt", "--all", "--check", "--", "--color=never"])
        .current_dir(root)
        .output()
        .unwrap();
    let (told, error) =
        (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "run `cargo fmt --all`\n{told}{error}");
}

#[test]
fn nothing_unfinished_is_left() {
    holds(leftovers);
}

#[test]
fn every_space_of_rows_has_its_own_number() {
    holds(spaces);
}

#[test]
fn every_test_file_is_run() {
    holds(forgotten_tests);
}

#[test]
fn the_contract_folder_holds_the_contract_alone() {
    holds(contract_files);
}

#[test]
fn a_released_contract_does_not_change() {
    holds(contract_frozen);
}

#[test]
fn the_contract_is_documented() {
    holds(contract_docs);
}

#[test]
fn every_folder_is_on_the_map() {
    holds(folders_on_the_map);
}

#[test]
fn tests_that_invariants_name_are_there() {
    holds(invariants);
}

#[test]
fn every_page_has_one_title() {
    holds(titles);
}

#[test]
fn every_link_leads_to_a_file() {
    holds(links);
}

#[test]
fn codes_of_rules_are_defined() {
    holds(codes::codes);
}

#[test]
fn the_index_names_every_page() {
    holds(index);
}

#[test]
fn commands_on_pages_exist() {
    holds(commands);
}

#[test]
fn the_test_command_stands_in_the_readme_alone() {
    holds(test_command);
}

#[test]
fn ready_made_playbooks_name_their_schema() {
    holds(schema_lines);
}
