//! The plugin as the host calls it.
#![allow(clippy::unwrap_used, reason = "tests")]

use kmeans::{KMeans, Settings};
use playbook_sdk::serde_json::Value;
use playbook_sdk::testing::{Data, json, plugin};

/// 240 members in four clouds: quiet, talkers, buyers, and both; keys are shuffled over them.
fn members() -> Data {
    let rows = 0..240_i64;
    let wobble = |row: i64| row / 4 * 7 % 5;
    let talk = |row: i64| if row % 4 == 1 || row % 4 == 3 { 60 } else { 2 } + wobble(row);
    let buy = |row: i64| if row % 4 >= 2 { 20 } else { 0 } + wobble(row) % 2;
    Data::new()
        .integer("key", rows.clone().map(|row| row * 7_919 % 100_003))
        .integer("talk", rows.clone().map(talk))
        .integer("buy", rows.map(buy))
}

fn settings() -> Value {
    json!({ "features": ["talk", "buy"] })
}

#[test]
fn sg_9_four_clouds_become_four_clusters_with_marks() {
    let opened = plugin::<KMeans>().settings(settings()).fit_and_open(&members()).unwrap();
    let given = opened.assign(&members()).unwrap();
    let mut clusters: Vec<_> = (0..4).map(|row| given.segment(row).unwrap()).collect();
    for row in 0..240 {
        assert_eq!(given.segment(row), Some(clusters[row % 4]), "{row}");
    }
    // Key 0 is the lowest: its member starts the first cluster.
    assert_eq!(clusters[0], "cluster-1");
    clusters.sort_unstable();
    assert_eq!(clusters, ["cluster-1", "cluster-2", "cluster-3", "cluster-4"]);
    let mut marks = [given.category("mark", 3).unwrap(), given.category("second_mark", 3).unwrap()];
    marks.sort_unstable();
    assert_eq!(marks, ["high-buy", "high-talk"]);
    assert!(given.real("distance", 0).unwrap() < 1.0);
}

#[test]
fn y020_identical_input_gives_identical_clusters() {
    let opened = || plugin::<KMeans>().settings(settings()).fit_and_open(&members()).unwrap();
    let (first, second) = (opened().assign(&members()), opened().assign(&members()));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!((0..240).all(|row| first.segment(row) == second.segment(row)));
    assert!((0..240).all(|row| first.real("distance", row) == second.real("distance", row)));
}

#[test]
fn measures_tell_sizes_and_centroids() {
    let (_, measures) = plugin::<KMeans>().settings(settings()).fit(&members()).unwrap();
    let value = |name: &str| measures.iter().find(|m| m.name == name).unwrap().value;
    assert_eq!((value("members"), value("cluster-1.members")), (240.0, 60.0));
    assert!(value("explained") > 0.95);
    assert!(value("cluster-1.talk") < 0.0);
}

#[test]
fn the_best_of_several_starts_explains_more_than_one() {
    // Four clouds in a square, and two members far from all of them.
    let rows = 0..122_i64;
    let place = |row: i64, high: bool| match row {
        120 => 900,
        121 => -500,
        _ => (if high { 400 } else { 0 }) + row / 4,
    };
    let data = Data::new()
        .integer("key", rows.clone())
        .integer("talk", rows.clone().map(|row| place(row, row % 2 == 1)))
        .integer("buy", rows.map(|row| place(row, row % 4 >= 2)));
    let fit = |starts: u32| {
        let settings = json!({ "features": ["talk", "buy"], "starts": starts });
        // The model is held against those of other cuts of the data by the fit itself.
        let (_, measures) = plugin::<KMeans>().settings(settings).fit(&data).unwrap();
        measures.iter().find(|m| m.name == "explained").unwrap().value
    };
    let (one, best) = (fit(1), fit(8));
    assert!(best > one + 0.03, "{best} is not better than {one}");
}

#[test]
fn members_with_gaps_are_assigned_by_half_of_the_features_and_not_less() {
    let opened = plugin::<KMeans>().settings(settings()).fit_and_open(&members()).unwrap();
    let gaps = Data::new().integer("talk", [Some(60), None]).integer("buy", [None::<i64>, None]);
    let given = opened.assign(&gaps).unwrap();
    assert!(given.segment(0).is_some());
    assert_eq!((given.segment(1), given.reason(1)), (None, Some("too-little-known")));
}

#[test]
fn a_sample_bounds_the_fit() {
    let bounded = plugin::<KMeans>()
        .settings(json!({ "features": ["talk", "buy"], "sample_max": 100, "members_min": 100 }));
    let (_, measures) = bounded.fit(&members()).unwrap();
    let sizes: f64 =
        measures.iter().filter(|m| m.name.ends_with(".members")).map(|m| m.value).sum();
    assert_eq!(sizes, 100.0);
}

#[test]
fn too_few_or_equal_members_are_refused() {
    let few = Data::new().integer("talk", [1, 2, 3]).integer("buy", [1, 2, 3]);
    let text = plugin::<KMeans>().settings(settings()).fit(&few).unwrap_err();
    assert!(text.contains("3 members only"), "{text}");
    let of = |members: i64| {
        let data =
            Data::new().integer("talk", 0..members).integer("buy", (0..members).map(|at| at % 7));
        plugin::<KMeans>().settings(settings()).fit(&data).is_ok()
    };
    assert_eq!((of(99), of(100)), (false, true));
    let equal = Data::new().integer("talk", vec![5; 200]).integer("buy", vec![5; 200]);
    let text = plugin::<KMeans>().settings(settings()).fit(&equal).unwrap_err();
    assert!(text.contains("fewer than 4 members differ"), "{text}");
}

#[test]
fn features_that_overflow_are_refused() {
    let huge =
        (0..200).map(|row| if row % 2 == 0 { 1e308 } else { -1e308 } / f64::from(1 + row % 3));
    let data = Data::new().real("talk", huge).real("buy", vec![0.0; 200]);
    let text = plugin::<KMeans>().settings(settings()).fit(&data).unwrap_err();
    assert!(text.contains("too large") || text.contains("differ"), "{text}");
}

#[test]
fn a_model_of_other_settings_is_refused() {
    let (_, _) = plugin::<KMeans>().settings(settings()).fit(&members()).unwrap();
    let forged = plugin::<KMeans>().settings(settings()).model(vec![1, 2, 3]).open().unwrap_err();
    assert!(forged.to_string().contains("not readable"), "{forged}");
    assert!(plugin::<KMeans>().settings(settings()).open().is_err());
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    for (settings, path) in [
        (json!({ "features": [] }), "/features"),
        (json!({ "features": ["a", "a"] }), "/features/1"),
        (json!({ "clusters": 1 }), "/clusters"),
        (json!({ "starts": 0 }), "/starts"),
        (json!({ "sample_max": 10 }), "/sample_max"),
        (json!({ "members_min": 1 }), "/members_min"),
    ] {
        let problems = plugin::<KMeans>().settings(&settings).problems();
        assert!(problems.list().iter().any(|p| p.path == path), "{settings}: {problems}");
    }
}

#[test]
fn sg_9_the_standard_settings_are_those_of_the_page() {
    let standard = Settings::default();
    let features = ["interactions_30d", "active_days_30d", "orders_365d", "spend_365d_minor"];
    assert_eq!(standard.features, features);
    assert_eq!((standard.clusters, standard.starts), (4, 8));
    assert_eq!((standard.sample_max, standard.members_min), (65_536, 100));
}
