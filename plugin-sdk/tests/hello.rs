//! The example of the guide's first page: it is short, and it works.
#![allow(clippy::unwrap_used, reason = "tests")]

use playbook_sdk::testing::{self, Data, json};

#[path = "../examples/hello.rs"]
mod hello;

#[test]
fn a_hello_world_plugin_has_at_most_30_lines() {
    assert!(include_str!("../examples/hello.rs").lines().count() <= 30);
}

#[test]
fn the_hello_world_plugin_scores() {
    let rows = Data::new().integer("active_days_30d", [Some(5), None]);
    let plugin = testing::plugin::<hello::Hello>().settings(json!({ "days_full": 10.0 }));
    let given = plugin.open().unwrap().score(&rows).unwrap();
    assert_eq!((given.real("score", 0), given.real("score", 1)), (Some(50.0), None));
}
