//! What a person meets on the command line: help, errors with places, exit codes.

use std::fs;

use crate::bench::{Place, command, community, playbook, root, succeed};

#[test]
fn a_faulty_playbook_exits_with_3_and_names_line_and_hint() {
    let place = Place::new();
    let file = place.beside("faulty.toml");
    let text = fs::read_to_string(root().join("playbooks/club.toml")).unwrap();
    fs::write(&file, text.replacen("[budget]", "[budgte]", 1)).unwrap();
    let call = command(["check".as_ref(), file.as_os_str()]).output().unwrap();
    assert_eq!(call.status.code(), Some(3));
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(
        said.contains("budgte") && said.contains("budget") && said.contains("faulty.toml:"),
        "{said}"
    );
}

#[test]
fn a_plugin_checks_its_own_settings_and_the_place_is_the_files() {
    let place = Place::new();
    let file = place.beside("setting.toml");
    let base = place.beside("base.toml");
    fs::copy(root().join("playbooks/club.toml"), base).unwrap();
    fs::write(&file, "extends = \"base.toml\"\n\n[[stage]]\nname = \"churn-7d\"\nkind = \"scoring\"\nplugin = \"churn-7d\"\nsettings = { drop_watch = 0.9, drop_warn = 0.5 }\n").unwrap();
    let call = command(["check".as_ref(), file.as_os_str()]).arg("--json").output().unwrap();
    assert_eq!(call.status.code(), Some(3), "{}", String::from_utf8_lossy(&call.stderr));
    let said: serde_json::Value = serde_json::from_slice(&call.stdout).unwrap();
    let problem = &said["problems"][0];
    assert_eq!(problem["code"], "bad-setting", "{said}");
    assert_eq!(problem["line"], 7, "{said}");
}

/// Problems, or warnings, that `check` tells of a file: code, line, column, message, hint.
pub(crate) fn told(
    file: &std::path::Path,
    args: &[&str],
    what: &str,
) -> Vec<(String, u64, u64, String, String)> {
    let call = command(["check".as_ref(), file.as_os_str()]).args(args).arg("--json").output();
    let said: serde_json::Value = serde_json::from_slice(&call.unwrap().stdout).unwrap();
    let text = |problem: &serde_json::Value, key: &str| {
        problem[key].as_str().unwrap_or_default().to_owned()
    };
    let number = |problem: &serde_json::Value, key: &str| problem[key].as_u64().unwrap_or_default();
    let of = |p: &serde_json::Value| {
        (
            text(p, "code"),
            number(p, "line"),
            number(p, "column"),
            text(p, "message"),
            text(p, "hint"),
        )
    };
    said[what].as_array().unwrap_or_else(|| panic!("{said:#}")).iter().map(of).collect()
}

/// Adds stages to the playbook of orders.
fn with_stages(place: &Place, features: &str, stages: &str) -> std::path::PathBuf {
    let file = orders(place, features);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}{stages}")).unwrap();
    file
}

#[test]
fn optional_needs_that_nothing_fills_are_told_where_the_settings_name_them() {
    let place = Place::new();
    let points = "
[[stage]]
kind = \"scoring\"
plugin = \"behaviour-points\"
[stage.settings]
input = \"totals\"
orders = \"none\"
[stage.settings.kinds]
like = { points = 1 }
comment = { points = 3 }
share = { points = 2 }
";
    let features = "likes_30d = { count = \"like\", window = \"30d\" }
comment_30d = { count = \"comment\", window = \"30d\" }";
    let file = with_stages(&place, features, points);
    let call = command(["check".as_ref(), file.as_os_str()]).output().unwrap();
    assert!(succeed(&call).contains("in order"));
    let shown = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(shown.contains("orders.toml:") && shown.contains("3 warnings"), "{shown}");
    let warnings = told(&file, &[], "warnings");
    let lines: Vec<(&str, u64, u64)> =
        warnings.iter().map(|(code, line, column, ..)| (code.as_str(), *line, *column)).collect();
    assert_eq!(
        lines,
        [("unfilled-need", 23, 10), ("unfilled-need", 32, 1), ("unfilled-need", 34, 1)],
        "{warnings:?}"
    );
    assert!(warnings[0].3.contains("2 optional needs of subject member: `reviews_90d`"));
    assert!(warnings[1].3.contains("`like_30d` of subject member"), "{warnings:?}");
    assert!(warnings[1].4.contains("bind = { like_30d = \"likes_30d\" }"), "{warnings:?}");
    assert!(warnings[2].3.contains("`share_30d`"), "{warnings:?}");
    // With the standard table nothing of it stands in the file.
    let all = points.split("[stage.settings.kinds]").next().unwrap();
    let warnings = told(&with_stages(&place, features, all), &[], "warnings");
    assert_eq!(warnings.len(), 2);
    assert_eq!((warnings[1].1, warnings[1].2), (27, 10), "{warnings:?}");
    assert!(warnings[1].3.contains("17 optional needs") && warnings[1].3.contains("`vote_30d`"));
    // What is filled is not told.
    let filled = format!(
        "{features}\nreviews_90d = {{ count = \"review\", window = \"90d\" }}\ncoupon_shares_90d = {{ count = \"coupon_share\", window = \"90d\" }}"
    );
    assert_eq!(told(&with_stages(&place, &filled, ""), &[], "warnings"), []);
}

#[test]
fn a_feature_that_settings_name_must_be_there() {
    let place = Place::new();
    let clusters = "
[[stage]]
kind = \"segmentation\"
plugin = \"kmeans\"
settings = { features = [\"orders_365d\", \"spend_365d_minr\", \"value-rfm.score\"], clusters = 2 }
";
    let file = with_stages(&place, "", clusters);
    let call = command(["check".as_ref(), file.as_os_str()]).output().unwrap();
    assert_eq!(call.status.code(), Some(3));
    let problems = told(&file, &[], "problems");
    let places: Vec<(&str, u64, u64)> =
        problems.iter().map(|(code, line, column, ..)| (code.as_str(), *line, *column)).collect();
    assert_eq!(places, [("unknown-feature", 27, 41), ("unknown-feature", 27, 60)], "{problems:?}");
    assert_eq!(problems[0].4, "did you mean `spend_365d_minor`?");
    assert!(problems[1].3.contains("`value-rfm.score`"), "{problems:?}");
}

#[test]
fn a_plugin_that_is_not_installed_is_told_beside_the_other_faults() {
    let place = Place::new();
    let stages = "
[[stage]]
kind = \"scoring\"
plugin = \"behaviour-pionts\"

[[stage]]
kind = \"segmentation\"
plugin = \"kmeans@^7.1\"

[[stage]]
kind = \"scoring\"
plugin = \"churn-7d\"
settings = { drop_watch = 0.9, drop_warn = 0.5 }
";
    // Beside what the plugins themselves find.
    let file = with_stages(&place, "", stages);
    let problems = told(&file, &[], "problems");
    let codes = |problems: &[(String, u64, u64, String, String)]| {
        problems.iter().map(|(code, line, ..)| format!("{code} {line}")).collect::<Vec<_>>()
    };
    assert_eq!(codes(&problems), ["bad-plugin 26", "bad-plugin 30", "bad-setting 35"]);
    assert!(problems[0].3.contains("did you mean `behaviour-points`?"), "{problems:?}");
    assert!(problems[1].3.contains("none of which meets `^7.1`"), "{problems:?}");
    // Beside faults of the file, of its structure, and of its SQL.
    for (feature, code) in [
        ("a = { count = \"lik\" }", "unknown-event"),
        ("a = { cuont = \"like\" }", "unknown-key"),
        ("a = { sql = \"SELEC 1\" }", "bad-sql"),
    ] {
        let file = with_stages(&place, feature, stages);
        let found = codes(&told(&file, &[], "problems"));
        let wanted = [format!("{code} 15"), "bad-plugin 26".to_owned(), "bad-plugin 30".to_owned()];
        assert!(wanted.iter().all(|problem| found.contains(problem)), "{found:?}");
        let of_file = codes(&told(&file, &["--file-only"], "problems"));
        assert!(!of_file.iter().any(|problem| problem.starts_with("bad-plugin")), "{of_file:?}");
    }
}

#[test]
fn ready_made_playbooks_are_in_order() {
    for (name, windows) in [
        ("demo-club.toml", "dates count in whole days of Asia/Shanghai"),
        ("club.toml", "dates count in whole days of Asia/Shanghai"),
        ("cd-shop.toml", "dates (as in `orders`) count in whole days of America/New_York"),
        ("grocery.toml", "dates count in whole days of America/New_York"),
    ] {
        let call = command(["check"]).arg(root().join("playbooks").join(name)).output().unwrap();
        let told = succeed(&call);
        assert!(told.contains("in order") && told.contains(windows), "{name}: {told}");
    }
}

#[test]
fn results_never_replace_a_folder_that_is_not_a_run() {
    let place = Place::new();
    fs::create_dir_all(&place.out).unwrap();
    fs::write(place.out.join("precious.txt"), "keep me").unwrap();
    let call = command(["run"])
        .arg(root().join("playbooks/club.toml"))
        .arg("--data")
        .arg(community())
        .arg("--out")
        .arg(&place.out)
        .output()
        .unwrap();
    assert_eq!(call.status.code(), Some(1));
    assert_eq!(fs::read_to_string(place.out.join("precious.txt")).unwrap(), "keep me");
}

#[test]
fn completions_schema_and_help_are_printed() {
    assert!(succeed(&playbook(["completions", "bash"])).contains("_playbook"));
    let schema: serde_json::Value = serde_json::from_str(&succeed(&playbook(["schema"]))).unwrap();
    assert!(schema["properties"]["stage"].is_object());
    assert!(succeed(&playbook(["--help"])).contains("replay"));
}

#[test]
fn a_new_plugin_builds_and_holds_to_the_contract() {
    let place = Place::new();
    let dir = place.beside("first-score");
    let call = command(["plugin", "new", "first-score", "--kind", "scoring", "--dir"])
        .arg(&dir)
        .current_dir(root())
        .output()
        .unwrap();
    succeed(&call);
    let call = command(["plugin", "test"]).arg(&dir).output().unwrap();
    let said = succeed(&call);
    assert!(said.contains("native test `score_grows_to_100_and_no_further`"), "{said}");
    assert!(said.contains("checks hold in the sandbox"), "{said}");
    assert!(said.contains("call  over 257 rows: fuel "), "{said}");

    // In the sandbox a row is answered otherwise each time; the plugin logs a row.
    let library = dir.join("src/lib.rs");
    let whole = fs::read_to_string(&library).unwrap();
    let changed = whole.replace(
        "out.set(Said::SCORE, row, 100.0 *",
        "static CALLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);\n\
         let call = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);\n\
         let odd = if cfg!(target_arch = \"wasm32\") { f64::from(call % 2) } else { 0.0 };\n\
         if row == 3 { playbook_sdk::log::warn(\"row 3 is asked\"); }\n\
         out.set(Said::SCORE, row, (100.0 - odd) *",
    );
    assert_ne!(changed, whole);
    fs::write(&library, changed).unwrap();
    let junit = place.beside("reports/junit.xml");
    let call = command(["plugin", "test"]).arg(&dir).arg("--junit").arg(&junit).output().unwrap();
    let said = String::from_utf8_lossy(&call.stdout).into_owned();
    assert_eq!(call.status.code(), Some(1), "{said}");
    assert!(said.contains("FAIL  answers the same rows with the same bytes: row "), "{said}");
    assert!(said.contains("      the made-up row: active_days_30d = "), "{said}");
    assert!(said.contains("log   warn: row 3 is asked"), "{said}");
    let junit = fs::read_to_string(&junit).unwrap();
    assert!(
        junit.contains("<testsuite name=\"first-score\"") && junit.contains("the made-up row: ")
    );
    fs::write(&library, whole).unwrap();

    // A plugin that computes otherwise in the sandbox than its tests saw natively.
    let library = dir.join("src/lib.rs");
    let text = fs::read_to_string(&library).unwrap();
    let full = "let full = if cfg!(target_arch = \"wasm32\") { 99.5 } else { 100.0 };";
    let changed = text.replace(
        "out.set(Said::SCORE, row, 100.0 *",
        &format!("{full}\nout.set(Said::SCORE, row, full *"),
    );
    assert_ne!(changed, text);
    fs::write(&library, changed).unwrap();
    let call = command(["plugin", "test"]).arg(&dir).output().unwrap();
    let said = String::from_utf8_lossy(&call.stdout).into_owned();
    assert_eq!(call.status.code(), Some(1), "{said}");
    assert!(
        said.contains("FAIL  gives the") && said.contains("native test `score_grows"),
        "{said}"
    );
    assert!(said.contains("99.5"), "{said}");
    assert!(
        said.contains("ok    gives the 1 answer of the native test `settings_out_of_range"),
        "{said}"
    );
}

#[test]
fn every_reference_plugin_answers_in_the_sandbox_as_in_its_native_tests() {
    let folders = reference_plugins();
    let answers_alike = |folder: &std::path::Path| {
        let call = command(["plugin", "test", "--json"]).arg(folder).output().unwrap();
        let said = String::from_utf8_lossy(&call.stdout).into_owned();
        assert!(call.status.success(), "{}: {said}", folder.display());
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let checks = said["checks"].as_array().unwrap();
        let of_tests = checks
            .iter()
            .filter(|c| c["check"].as_str().unwrap().contains("of the native test"))
            .count();
        // A fit may refuse the rows that the conformance run makes up, which ends it early.
        assert!(checks.len() - of_tests >= 5 && of_tests >= 4, "{}: {said}", folder.display());
    };
    let (first, second) = folders.split_at(folders.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| first.iter().for_each(|folder| answers_alike(folder)));
        second.iter().for_each(|folder| answers_alike(folder));
    });
}

/// The crates of plugins.
fn reference_plugins() -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(root().join("plugins")).unwrap();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 50, "{}", folders.len());
    folders
}

/// Largest component of a reference plugin.
const COMPONENT_BYTES_MAX: u64 = 150_000;
/// Largest component of an engine, which reads what its cards say.
const ENGINE_BYTES_MAX: u64 = 230_000;

#[test]
fn every_reference_plugin_is_a_small_component() {
    let folders = reference_plugins();
    let call = command(["plugin", "build", "--json"]).args(&folders).output().unwrap();
    let said = String::from_utf8_lossy(&call.stdout).into_owned();
    assert!(call.status.success(), "{said}");
    let built: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    let is_large = |one: &&serde_json::Value| {
        let cards = root().join("plugins").join(one["plugin"].as_str().unwrap()).join("cards");
        let most = if cards.is_dir() { ENGINE_BYTES_MAX } else { COMPONENT_BYTES_MAX };
        one["bytes"].as_u64().unwrap() > most
    };
    let large: Vec<_> = built.iter().filter(is_large).collect();
    assert!(built.len() == folders.len() && large.is_empty(), "{large:?} of {said}");
}

/// A playbook over one file of orders with these features.
pub(crate) fn orders(place: &Place, features: &str) -> std::path::PathBuf {
    fs::write(
        place.beside("orders.csv"),
        "customer,date,total\nA,2026-06-01,1.00\nB,2026-06-02,2.00\n",
    )
    .unwrap();
    let file = place.beside("orders.toml");
    let text = format!(
        r#"[playbook]
id = "orders"
brand = "orders"
currency = "USD"
time_zone = "UTC"

[[source]]
name = "orders"
table = "events"
path = "orders.csv"
event = "order_paid"
map = {{ member = "customer", time = {{ from = "date", format = "%Y-%m-%d" }}, amount_minor = "total" }}

[features]
{features}
orders_365d = {{ count = "order_paid", window = "365d" }}
spend_365d_minor = {{ sum = "amount_minor", events = "order_paid", window = "365d" }}
days_since_last_order = {{ recency = "order_paid" }}

[[stage]]
kind = "scoring"
plugin = "value-rfm"
"#
    );
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn sql_that_could_answer_otherwise_is_refused_at_its_place() {
    let place = Place::new();
    let features = r#"a = { sql = "SELECT member AS subject, random() AS value FROM events" }
b = { sql = '''
SELECT member AS subject, max(amount) AS value
FROM events
GROUP BY member''' }
c = { sql = "SELEC member FROM events" }
d = { sql = "SELECT member AS subject, nothing(1) AS value FROM events" }
e = { sql = "SELECT member AS subject FROM events" }
x = { expression = "a + now()" }"#;
    let file = orders(&place, &features.lines().take(8).collect::<Vec<_>>().join("\n"));
    let call = command(["check".as_ref(), file.as_os_str()]).arg("--json").output().unwrap();
    assert_eq!(call.status.code(), Some(3), "{}", String::from_utf8_lossy(&call.stderr));
    let said: serde_json::Value = serde_json::from_slice(&call.stdout).unwrap();
    let found: Vec<_> = said["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            let text = p["message"].as_str().unwrap().to_owned();
            (p["line"].as_u64().unwrap(), p["column"].as_u64().unwrap(), text)
        })
        .collect();
    let wanted = [
        (15, 40, "random"),
        (17, 31, "amount"),
        (20, 14, "SELEC"),
        (21, 40, "nothing"),
        (22, 13, "subject"),
    ];
    assert_eq!(found.len(), wanted.len(), "{said:#}");
    for ((line, column, text), (at_line, at_column, part)) in found.iter().zip(wanted) {
        assert_eq!((*line, *column), (at_line, at_column), "{said:#}");
        assert!(text.contains(part), "{text}");
    }
    let file = orders(
        &place,
        &features.lines().skip(8).collect::<Vec<_>>().join("\n").replace("a +", "1 +"),
    );
    let call =
        command(["run".as_ref(), file.as_os_str()]).arg("--out").arg(&place.out).output().unwrap();
    assert_eq!(call.status.code(), Some(3));
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(said.contains("now") && said.contains("orders.toml:15:25"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_query_of_the_playbook_stops_at_once_with_130() {
    let place = Place::new();
    let file = orders(
        &place,
        "x = { sql = \"SELECT 'A' AS subject, (SELECT count(*) FROM generate_series(1, 1000000000000) AS s(n) WHERE n % 7 = 9) AS value\" }",
    );
    let mut child = command(["run".as_ref(), file.as_os_str()])
        .arg("--out")
        .arg(&place.out)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "the query has ended before it was stopped");
    let started = std::time::Instant::now();
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(!place.out.exists());
}

#[test]
fn sums_beyond_64_bits_end_a_run_and_name_the_member() {
    let place = Place::new();
    let file = orders(&place, "x = { sum = \"amount_minor\", events = \"order_paid\" }");
    let rows: String =
        (1..=20).map(|day| format!("A,2026-06-{day:02},6901234567890123\n")).collect();
    fs::write(
        place.beside("orders.csv"),
        format!("customer,date,total\n{rows}B,2026-06-01,1.00\n"),
    )
    .unwrap();
    let call =
        command(["run".as_ref(), file.as_os_str()]).arg("--out").arg(&place.out).output().unwrap();
    assert_eq!(call.status.code(), Some(1));
    let said = String::from_utf8_lossy(&call.stderr).into_owned();
    assert!(said.contains("`x`") && said.contains("`A`") && said.contains("64 bits"), "{said}");
}
