//! Spans go to a collector of OpenTelemetry, as OTLP over HTTP, in batches on a thread of their own. What a collector does not take
//! in time is dropped: nobody waits for it.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, TracerProvider as _};
use opentelemetry::{KeyValue, Value};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    Sampler, SdkTracerProvider, SpanData, SpanExporter as Exporter, Tracer,
};
use playbook_model::HostTraces;
use tokio::runtime::Runtime;
use tracing::{Level, Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Either says where spans go to, and wins over the file of the host.
const ENDPOINTS: [&str; 2] = [
    opentelemetry_otlp::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    opentelemetry_otlp::OTEL_EXPORTER_OTLP_ENDPOINT,
];
/// Where they are posted to, below the address in the file of the host.
const PATH: &str = "/v1/traces";
/// Ends the export of everything.
const DISABLED: &str = "OTEL_SDK_DISABLED";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
/// The name of the span of a request.
const REQUEST: &str = "request";
/// How long the end of the program waits for spans that are on their way.
const LAST: Duration = Duration::from_secs(5);
/// An answer of a collector says little.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Sends spans until it is dropped, which sends those that wait.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    /// Requests to the collector are made here. After the provider, which makes the last ones.
    _runtime: Runtime,
}

impl Traces {
    /// Begins to send, where somebody said where to.
    ///
    /// # Errors
    /// A collector that cannot be named like this.
    pub(super) fn begin(said: &HostTraces) -> Result<Option<(Self, Tracer)>> {
        let of_environment = ENDPOINTS.iter().any(|name| is_set(name));
        let is_off = std::env::var(DISABLED).is_ok_and(|text| text.eq_ignore_ascii_case("true"));
        if is_off || !(of_environment || said.endpoint.is_some()) {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("traces")
            .enable_all()
            .build()
            .context("no thread can be started that sends spans")?;
        // For all of the program, where nobody did it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().user_agent("playbook").build();
        let client = client.context("the certificates of the system cannot be used")?;
        let client = Client { client, runtime: runtime.handle().clone() };
        let mut exporter = SpanExporter::builder().with_http().with_http_client(client);
        if let (Some(base), false) = (&said.endpoint, of_environment) {
            exporter = exporter.with_endpoint(format!("{}{PATH}", base.trim_end_matches('/')));
        }
        let exporter = exporter.build().context("spans cannot be sent to this collector")?;
        let mut resource = Resource::builder();
        if !is_set("OTEL_SERVICE_NAME") {
            resource = resource.with_service_name("playbook");
        }
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let mut provider = SdkTracerProvider::builder()
            .with_resource(resource.with_attribute(version).build())
            .with_batch_exporter(Worded(exporter));
        if let (Some(share), false) = (said.share, is_set(SAMPLER)) {
            let of_roots = Sampler::TraceIdRatioBased(share);
            provider = provider.with_sampler(Sampler::ParentBased(Box::new(of_roots)));
        }
        let provider = provider.build();
        let tracer = provider.tracer("playbook");
        Ok(Some((Self { provider, _runtime: runtime }, tracer)))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // A collector that is gone was logged already.
        let _ = self.provider.shutdown_with_timeout(LAST);
    }
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// What is sent: what this program does, not what its libraries do, among them those that send it.
pub(super) fn is_sent(told: &Metadata<'_>) -> bool {
    told.target().starts_with("playbook") && *told.level() <= Level::INFO
}

/// Gives the span of a request the parent that its `traceparent` names (W3C Trace Context).
pub(crate) fn parent(headers: &HeaderMap, span: &Span) {
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if parent.span().span_context().is_valid() {
        // Where spans are not sent, there is nobody to tell.
        let _ = span.set_parent(parent);
    }
}

/// Makes requests to the collector on a runtime of its own: batches are sent from a thread that has none.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let answer = self.runtime.spawn(async move { answered(&client, request).await });
        answer.await?.map_err(|error| format!("{error:#}").into())
    }
}

async fn answered(client: &reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>> {
    let mut answer = client.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if body.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(anyhow!(
                "the answer of the collector is longer than {ANSWER_BYTES_MAX} bytes"
            ));
        }
        body.extend_from_slice(&part);
    }
    let mut said = Response::new(Bytes::from(body));
    (*said.status_mut(), *said.headers_mut()) = (status, headers);
    Ok(said)
}

/// Puts the span of a request into the words of OpenTelemetry's conventions for HTTP servers.
#[derive(Debug)]
struct Worded<E>(E);

impl<E: Exporter> Exporter for Worded<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().filter(|span| span.name == REQUEST).for_each(worded);
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.0.shutdown()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn worded(span: &mut SpanData) {
    span.span_kind = SpanKind::Server;
    for said in &mut span.attributes {
        match said.key.as_str() {
            "method" => said.key = "http.request.method".into(),
            "operation" => span.name = said.value.to_string().into(),
            "status" => {
                said.key = "http.response.status_code".into();
                if matches!(said.value, Value::I64(500..)) {
                    span.status = Status::error("");
                }
            }
            _ => {}
        }
    }
}
