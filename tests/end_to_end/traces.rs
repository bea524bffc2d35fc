//! Spans that go to a collector of OpenTelemetry.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Said;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use serde_json::json;

use crate::bench::{Place, command, write};
use crate::serve::{Client, Service, T, served, until};

/// What a span of a request belongs to, as its caller says.
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Debug, Clone)]
struct Sent {
    name: String,
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    kind: i32,
    said: BTreeMap<String, String>,
}

impl Sent {
    fn of(span: Span) -> Self {
        let said = span.attributes.into_iter().filter_map(|said| {
            let text = match said.value?.value? {
                Said::StringValue(text) => text,
                Said::IntValue(number) => number.to_string(),
                other => format!("{other:?}"),
            };
            Some((said.key, text))
        });
        Self {
            name: span.name,
            trace: span.trace_id,
            id: span.span_id,
            parent: span.parent_span_id,
            kind: span.kind,
            said: said.collect(),
        }
    }
}

/// Takes spans on loopback: its port, where requests were posted to, and what came.
struct Collector {
    port: u16,
    got: Arc<Mutex<Vec<(String, Sent)>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::<Mutex<Vec<_>>>::default();
        let kept = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || while take(&stream, &kept).is_some() {});
            }
        });
        Self { port, got }
    }

    fn got(&self) -> Vec<Sent> {
        self.got.lock().unwrap().iter().map(|(_, span)| span.clone()).collect()
    }
}

/// One request of a connection.
fn take(stream: &TcpStream, kept: &Mutex<Vec<(String, Sent)>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let mut length = None;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        }
    }
    let mut body = vec![0; length?];
    reader.read_exact(&mut body).ok()?;
    let request = ExportTraceServiceRequest::decode(&*body).expect("it is OTLP");
    let scopes = request.resource_spans.into_iter().flat_map(|spans| spans.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans).map(Sent::of);
    kept.lock().unwrap().extend(spans.map(|span| (path.clone(), span)));
    (&mut &*stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()
}

#[test]
fn a_decision_is_a_trace_that_names_brand_playbook_and_plugin() {
    let place = Place::new();
    let (file, data) = served(&place);
    let collector = Collector::start();
    let host = format!(
        "[data]\nfolder = \"{}\"\n[[brand]]\nplaybook = \"{}\"\n[traces]\nendpoint = \"http://127.0.0.1:{}\"\n",
        data.display(),
        file.display(),
        collector.port
    );
    let host = write(&place, "host.toml", &host);
    let service = Service::with(&["--config", host.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let key = service.key.clone().unwrap();
    let club = Client { address: service.address.clone(), key: key.clone(), brand: "club" };
    club.welcome("m1", 60);
    // A header more, behind the one with the key.
    let traced = Client { key: format!("{key}\r\ntraceparent: {PARENT}"), ..club };
    let decision = traced.decide("m1", "first").unwrap().body;
    let version = decision["version"].as_str().unwrap();
    // What waits is sent before the program ends.
    service.stop();
    assert!(collector.got.lock().unwrap().iter().all(|(path, _)| path == "/v1/traces"));

    let got = collector.got();
    let of_trace: Vec<&Sent> =
        got.iter().filter(|span| hex(&span.trace) == PARENT[3..35]).collect();
    let named =
        |name: &str| of_trace.iter().filter(|span| span.name == name).copied().collect::<Vec<_>>();
    let [request] = named("decide")[..] else { panic!("{of_trace:#?}") };
    assert_eq!(request.kind, SpanKind::Server as i32);
    assert_eq!(hex(&request.parent), PARENT[36..52]);
    let said = |span: &Sent, name: &str| span.said.get(name).cloned().unwrap_or_default();
    assert_eq!(said(request, "http.request.method"), "POST");
    assert_eq!(said(request, "http.response.status_code"), "200");
    assert_eq!(said(request, "brand"), "club");
    let [asked] = named("decision")[..] else { panic!("{of_trace:#?}") };
    assert_eq!(
        (asked.parent.clone(), said(asked, "version")),
        (request.id.clone(), version.to_owned())
    );
    let plugins = decision["plugins"].as_array().unwrap();
    let stages = named("stage");
    assert_eq!(stages.len(), plugins.len(), "{of_trace:#?}");
    for (stage, plugin) in stages.iter().zip(plugins) {
        assert_eq!(stage.parent, asked.id);
        assert_eq!(json!(said(stage, "stage")), plugin["stage"]);
        assert_eq!(json!(said(stage, "plugin")), plugin["plugin"]);
    }
    // A commit serves several requests, so it belongs to none of them.
    assert!(got.iter().any(|span| span.name == "commit" && span.parent.is_empty()));
    for span in got.iter().filter(|span| ["decision", "stage", "commit"].contains(&&*span.name)) {
        assert_eq!(said(span, "brand"), "club");
        assert_eq!(json!(said(span, "playbook")), decision["playbook"]);
    }
    let told = format!("{got:?}");
    assert!(!told.contains(&key) && !told.contains("m1"), "no key and no member leaves: {told}");
}

#[test]
fn the_environment_says_where_spans_go_and_a_collector_that_is_gone_stops_nobody() {
    let place = Place::new();
    let (file, data) = served(&place);
    let collector = Collector::start();
    let start = |set: &[(&str, &str)]| {
        let mut call = command(["serve"]);
        call.arg(&file).arg("--data").arg(&data).args(["--listen", "127.0.0.1:0"]);
        call.envs(set.iter().copied());
        Service::called(call)
    };
    let endpoint = format!("http://127.0.0.1:{}", collector.port);
    let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
    // Port 9 takes nothing: it is that of a service long gone.
    let service = start(&[(name, "http://127.0.0.1:9"), ("OTEL_BSP_SCHEDULE_DELAY", "50")]);
    let key = service.key.clone().unwrap();
    let club = |service: &Service| Client {
        address: service.address.clone(),
        key: key.clone(),
        brand: "club",
    };
    club(&service).welcome("m1", 60);
    assert_eq!(club(&service).decide("m1", "first").unwrap().status, 200);
    service.stop();
    let off = start(&[(name, &endpoint), ("OTEL_SDK_DISABLED", "true")]);
    assert_eq!(club(&off).decide("m1", "second").unwrap().status, 200);
    off.stop();
    assert!(collector.got().is_empty());
    let none = start(&[(name, &endpoint), ("OTEL_TRACES_SAMPLER", "always_off")]);
    assert_eq!(club(&none).decide("m1", "third").unwrap().status, 200);
    none.stop();
    assert!(collector.got().is_empty());
    let service = start(&[(name, &endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "50")]);
    let preview = json!({ "member": "m1", "at": T });
    club(&service).ok("POST", "decisions/preview", "look", &preview);
    until("spans", || collector.got().iter().any(|span| span.name == "decision"));
    service.stop();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
