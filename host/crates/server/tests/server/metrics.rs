//! The numbers that the service tells of itself.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use playbook_server::{OPERATIONS, Rate, Role};

use crate::harness::{Call, Host};

/// Every series with its value.
async fn series(host: &Host) -> BTreeMap<String, f64> {
    let answer = host.send(Call::get("/metrics").key(&host.admin)).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("content-type").starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    let all: Vec<(String, f64)> = lines.map(read).collect();
    let count = all.len();
    let series: BTreeMap<String, f64> = all.into_iter().collect();
    assert_eq!(series.len(), count, "each series stands once");
    series
}

fn requests(operation: &str, status: &str) -> String {
    format!("playbook_requests_total{{operation=\"{operation}\",status=\"{status}\"}}")
}

#[tokio::test]
async fn y117_every_call_is_counted_by_operation_and_status_with_its_time() {
    let host = Host::start(|_| {}).await;
    let partner = host.key(Role::Partner, "acme");
    for _ in 0..3 {
        host.send(Call::get("/v1/brands").key(&host.admin)).await;
    }
    host.send(Call::get("/v1/brands")).await;
    host.send(Call::get("/v1/brands/acme").key(partner)).await;
    host.send(Call::get("/v1/brands/zeta").key(partner)).await;
    host.send(Call::get("/nowhere")).await;
    let series = series(&host).await;
    let expected = [
        (requests("list_brands", "2xx"), 3.0),
        (requests("list_brands", "4xx"), 1.0),
        (requests("list_brands", "5xx"), 0.0),
        (requests("read_brand", "2xx"), 1.0),
        (requests("read_brand", "4xx"), 1.0),
        (requests("none", "4xx"), 1.0),
        // This one is told once its answer has gone.
        (requests("read_metrics", "2xx"), 0.0),
        ("playbook_request_seconds_count{operation=\"list_brands\"}".to_owned(), 4.0),
        ("playbook_request_seconds_bucket{le=\"+Inf\",operation=\"list_brands\"}".to_owned(), 4.0),
        ("playbook_connections{state=\"waiting\"}".to_owned(), 0.0),
    ];
    for (name, value) in expected {
        let found = series.get(&name).or_else(|| {
            // Where the bound stands among the labels is the writer's matter.
            let other = name
                .replace("{le=\"+Inf\",operation", "{operation")
                .replace("\"}", "\",le=\"+Inf\"}");
            series.get(&other)
        });
        assert_eq!(found, Some(&value), "{name} in {series:#?}");
    }
    let seconds = series["playbook_request_seconds_sum{operation=\"list_brands\"}"];
    assert!(seconds > 0.0 && seconds < 60.0, "{seconds}");
    assert!(series["playbook_connections{state=\"open\"}"] >= 1.0);
}

#[tokio::test]
async fn who_is_held_back_is_counted_by_reason() {
    let number = |n| NonZeroU32::new(n).unwrap();
    let rate = Rate { per_second: number(1), burst: number(2), in_flight_max: 9 };
    let host = Host::start(|settings| settings.rates.brand = rate).await;
    for _ in 0..5 {
        host.send(Call::get("/v1/brands/acme").key(&host.admin)).await;
    }
    let series = series(&host).await;
    let held =
        |reason: &str| series[&format!("playbook_requests_held_total{{reason=\"{reason}\"}}")];
    assert_eq!(held("brand-rate-exceeded"), 3.0);
    for reason in ["key-rate-exceeded", "key-busy", "brand-busy"] {
        assert_eq!(held(reason), 0.0);
    }
}

#[tokio::test]
async fn no_label_holds_what_clients_send_and_series_do_not_grow() {
    let host = Host::start(|_| {}).await;
    let before = series(&host).await;
    for number in 0..50 {
        let strange = [
            Call::new("BREW", "/v1/brands/evil"),
            Call::get(&format!("/evil-{number}")),
            Call::get(&format!("/v1/brands/evil-{number}?evil={number}")),
            Call::get("/v1/brands").header("user-agent", &format!("evil-{number}")),
            Call::get("/v1/brands").header("x-request-id", &format!("evil-{number}")),
            Call::post("/v1/brands/acme/events", "{\"event_id\":\"evil\",\"member\":\"evil\"}"),
        ];
        for call in strange {
            host.send(call.key(&host.admin)).await;
        }
        host.send(Call::get("/v1/brands").key(&format!("pb_evil{number}_0"))).await;
    }
    let after = series(&host).await;
    let names = |series: &BTreeMap<String, f64>| series.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "the series are the same");
    assert!(after.keys().all(|name| !name.contains("evil")));
    // Five classes of statuses for each operation and for none.
    let of_requests =
        after.keys().filter(|name| name.starts_with("playbook_requests_total")).count();
    assert_eq!(of_requests, (OPERATIONS.len() + 1) * 5);
}

#[tokio::test]
async fn numbers_are_the_platform_teams_alone() {
    let host = Host::start(|_| {}).await;
    let monitor = host.key(Role::PlatformMonitor, "acme");
    assert_eq!(host.send(Call::get("/metrics").key(monitor)).await.status, 200);
    let keys = host.send(Call::get("/v1/keys").key(monitor)).await;
    assert_eq!(keys.code(), "role-not-allowed");
    for role in Role::ALL.into_iter().filter(|role| role.is_of_a_brand()) {
        let answer = host.send(Call::get("/metrics").key(host.key(role, "acme"))).await;
        assert_eq!(answer.code(), "role-not-allowed");
    }
}
