//! The log for programs: an event is a line with a JSON object.

use std::io::Write as _;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::terminal::json_printable;

/// Writes each event as a line to what the maker makes.
pub(super) struct JsonLines<M>(pub(super) M);

/// An event.
#[derive(Serialize)]
struct Line<'a> {
    /// RFC 3339 in UTC.
    time: String,
    level: &'static str,
    /// The part of the host that tells it.
    target: &'a str,
    message: String,
    fields: Map<String, Value>,
    /// Fields of the spans that it happened in; where two have the same, that of the inner one.
    span: Map<String, Value>,
}

/// Fields of a span or an event.
#[derive(Debug, Clone, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is not finite.
        let text = || json!(value.to_string());
        self.put(field, serde_json::Number::from_f64(value).map_or_else(text, Value::Number));
    }
}

impl<S, M> Layer<S> for JsonLines<M>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    M: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = match fields.0.remove("message") {
            Some(Value::String(message)) => message,
            _ => String::new(),
        };
        let mut of_spans = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(Fields(fields)) = span.extensions().get::<Fields>() {
                of_spans.extend(fields.clone());
            }
        }
        let line = Line {
            time: jiff::Timestamp::now().to_string(),
            level: match *event.metadata().level() {
                tracing::Level::ERROR => "error",
                tracing::Level::WARN => "warn",
                tracing::Level::INFO => "info",
                tracing::Level::DEBUG => "debug",
                tracing::Level::TRACE => "trace",
            },
            target: event.metadata().target(),
            message,
            fields: fields.0,
            span: of_spans,
        };
        let Ok(text) = serde_json::to_string(&line) else { return };
        let text = format!("{}\n", json_printable(&text));
        // Nobody is left to be told that the log cannot be written.
        let _ = self.0.make_writer().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing::field::Empty;
    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::JsonLines;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(tell: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let subscriber = tracing_subscriber::registry().with(JsonLines(kept.clone()));
        tracing::subscriber::with_default(subscriber, tell);
        let text = String::from_utf8(kept.0.lock().expect("nobody panics").clone());
        let text = text.expect("it is text");
        assert!(text.ends_with('\n') && !text.contains(['\u{1b}', '\u{202e}', '\u{2028}']));
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    #[test]
    fn an_event_has_its_fields_and_those_of_its_spans() {
        let lines = logged(|| {
            let outer = tracing::info_span!("request", id = "r-1", brand = Empty, key = Empty);
            let _outer = outer.enter();
            outer.record("brand", "acme");
            let inner = tracing::info_span!("stage", id = 7);
            let _inner = inner.enter();
            tracing::warn!(
                count = 3_u64,
                share = 0.5,
                bad = f64::NAN,
                is_new = true,
                "it {}",
                "happened"
            );
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((&line["level"], &line["message"]), (&json!("warn"), &json!("it happened")));
        let fields = json!({ "count": 3, "share": 0.5, "bad": "NaN", "is_new": true });
        assert_eq!(line["fields"], fields);
        assert_eq!(line["span"], json!({ "id": 7, "brand": "acme" }));
        assert!(line["target"].as_str().is_some_and(|target| target.contains("json")));
        let time = line["time"].as_str().map(str::parse::<jiff::Timestamp>);
        assert!(matches!(time, Some(Ok(_))), "{line}");
    }

    #[test]
    fn no_text_breaks_a_line_or_steers_a_terminal() {
        let hostile = "a\nb\r\u{1b}[2J\"}\u{202e}\u{2028}{\"level\":\"error\"}\u{0}";
        let lines = logged(|| {
            let span = tracing::info_span!("request", path = hostile);
            let _span = span.enter();
            tracing::error!(value = hostile, shown = ?hostile, told = %hostile, "{hostile}");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        for said in [
            &line["message"],
            &line["fields"]["value"],
            &line["fields"]["told"],
            &line["span"]["path"],
        ] {
            assert_eq!(said, hostile);
        }
    }
}
