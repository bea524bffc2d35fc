//! What runs the program on machines of others, and what watches it there: held to the tools that will read it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::bench::{Place, root, succeed, tools};
use crate::serve::{Client, Service, made, served, until};
use crate::servers::module;
use crate::started::{free_port, listens, program, wait_until};

fn packaging(name: &str) -> PathBuf {
    root().join("host/packaging").join(name)
}

/// Exposure by the measure of systemd, from 0 to 10; what must reach the network cannot come far below 1.
const EXPOSURE_MAX: f64 = 1.5;

#[test]
fn the_unit_is_understood_and_exposes_little() {
    let unit = packaging("playbook.service");
    let mut security = Command::new("systemd-analyze");
    security.args(["security", "--offline=true", "--no-pager"]).arg(&unit);
    let said = succeed(&security.output().unwrap());
    let exposure = said.lines().last().unwrap().split_whitespace();
    let exposure: f64 = exposure.filter_map(|word| word.parse().ok()).next().unwrap();
    assert!(exposure < EXPOSURE_MAX, "{said}");
    // The program is put where this test finds it, so that all that is left to complain of is the unit.
    let place = Place::new();
    let text = fs::read_to_string(&unit).unwrap();
    let here = text.replace("/usr/local/bin/playbook", env!("CARGO_BIN_EXE_playbook"));
    assert_ne!(text, here);
    let copy = place.beside("playbook.service");
    fs::write(&copy, here).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&copy).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&verified.stderr), "", "{verified:?}");
    assert!(verified.status.success());
}

#[test]
fn the_container_file_and_the_compose_file_are_in_order() {
    let mut lint = Command::new("node");
    lint.arg(tools().join("npm/node_modules/.bin/dockerfile-utils")).arg("lint");
    let said = succeed(&lint.arg(packaging("Containerfile")).output().unwrap());
    assert_eq!(said.trim(), "");
    let mut check = module("check_jsonschema");
    check.args(["--builtin-schema", "vendor.compose-spec"]).arg(packaging("compose.yaml"));
    succeed(&check.output().unwrap());
}

#[test]
fn alerts_fire_where_they_must_and_nowhere_else() {
    for (what, file) in [("check", "alerts.yml"), ("test", "alerts_test.yml")] {
        let mut call = Command::new("promtool");
        succeed(&call.args([what, "rules"]).arg(packaging(file)).output().unwrap());
    }
}

/// A Prometheus server that watches one service.
struct Prometheus {
    url: String,
    child: Child,
}

impl Prometheus {
    /// With the files of the packaging, at another address and at shorter intervals.
    fn start(dir: &Path, service: &str, key: &str) -> Self {
        let port = free_port();
        let config = fs::read_to_string(packaging("prometheus.yml")).unwrap();
        let config = config.replace("playbook:8750", service).replace("15s", "1s");
        fs::write(dir.join("prometheus.yml"), config).unwrap();
        fs::write(dir.join("playbook-key"), key).unwrap();
        fs::copy(packaging("alerts.yml"), dir.join("alerts.yml")).unwrap();
        let log = dir.join("prometheus.log");
        let mut server = Command::new(program("prometheus", "/usr/bin"));
        server.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        server.arg("--storage.tsdb.path=metrics").arg("--config.file=prometheus.yml");
        server.current_dir(dir).stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let mut child = server.spawn().unwrap();
        wait_until(&log, &mut child, || listens(port));
        Self { url: format!("http://127.0.0.1:{port}"), child }
    }

    /// What an expression gives now, a series a line.
    fn ask(&self, expression: &str) -> String {
        let mut call = Command::new("promtool");
        let said =
            succeed(&call.args(["query", "instant", &self.url, expression]).output().unwrap());
        said.trim().to_owned()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Every expression of the dashboard, with its variables as they are where nothing was chosen.
fn expressions() -> Vec<String> {
    let text = fs::read_to_string(packaging("grafana.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let expressions = targets.map(|target| target["expr"].as_str().unwrap());
    expressions.map(|text| text.replace("$brand", ".*").replace("$__rate_interval", "1m")).collect()
}

/// Names of metrics in a text.
fn metrics_in(text: &str) -> Vec<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("playbook_")).collect()
}

#[test]
fn prometheus_reads_the_service_and_knows_all_that_the_dashboard_asks_for() {
    let place = Place::new();
    let (file, data) = served(&place);
    let service = Service::start(&file, &data);
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key: key.clone(), brand: "club" };
    let monitor = json!({ "role": "platform-monitor", "label": "prometheus" });
    let monitor = made(&service, &key, "/v1/keys", &monitor)["secret"].as_str().unwrap().to_owned();
    let prometheus = Prometheus::start(place.dir.path(), &service.address, &monitor);
    until("the service among the targets", || {
        prometheus.ask("up{job=\"playbook\"}").contains("=> 1 @")
    });
    let mut number = 0;
    until("a rate of decisions", || {
        number += 1;
        let event = json!({ "event_id": format!("e{number}"), "member": "m1", "kind": "comment",
            "time": "2026-06-20T09:00:00Z" });
        club.ok("POST", "events", "event", &event);
        let ask = json!({ "member": "m1", "at": "2026-07-01T00:00:00Z" });
        club.ok("POST", "decisions", &format!("d{number}"), &ask);
        !prometheus.ask("rate(playbook_brand_decisions_total[1m]) > 0").is_empty()
    });
    let names = prometheus.ask("count by (__name__) ({__name__=~\"playbook_.+\"})");
    let names = metrics_in(&names);
    let alerts = fs::read_to_string(packaging("alerts.yml")).unwrap();
    let expressions = expressions();
    for text in expressions.iter().map(String::as_str).chain([alerts.as_str()]) {
        // Words name a histogram without the suffixes of its series.
        let is_known =
            |metric: &str| names.contains(&metric) || names.contains(&&*format!("{metric}_count"));
        let unknown: Vec<_> = metrics_in(text).into_iter().filter(|name| !is_known(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?} of `{text}` are no metrics of the service");
    }
    for expression in expressions {
        let answer = prometheus.ask(&expression);
        // Nothing was refused, held back or at fault.
        let may_be_empty = [" > 0", "_faults_", "_held_"];
        let is_there = !answer.is_empty();
        assert!(
            is_there || may_be_empty.iter().any(|part| expression.contains(part)),
            "{expression}"
        );
    }
}
