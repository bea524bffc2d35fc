//! Where logs go: standard error, an event a line, escaped as a whole; as text with the level in colour where colour is shown,
//! or as JSON. And where spans go: to a collector, if anywhere.

mod json;
mod traces;

use std::io::{self, Write};

use anyhow::Result;
use playbook_model::{HostLog, HostTraces, LogFormat, LogLevel, one_line};
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::terminal::Terminal;
use crate::text::Text;

pub(crate) use self::traces::{Traces, parent};

/// Begins logging at what was asked for: by PLAYBOOK_LOG, else by counting `--verbose`, else by the file of the host. Spans are
/// sent until what is returned is dropped.
///
/// # Errors
/// A collector of spans that cannot be named like this.
pub(crate) fn begin(
    verbose: u8,
    (log, traces): (HostLog, &HostTraces),
    color: bool,
) -> Result<Option<Traces>> {
    let level = match verbose {
        0 => log.level.unwrap_or(LogLevel::Warn).name(),
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("PLAYBOOK_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    if log.format == Some(LogFormat::Json) {
        Terminal::notes_to_log();
        return with_traces(json::JsonLines(io::stderr).with_filter(filter), traces);
    }
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Lines { color })
        // Styles are added after escaping, below.
        .with_ansi(false)
        .without_time();
    with_traces(lines.with_filter(filter), traces)
}

fn with_traces<L>(lines: L, said: &HostTraces) -> Result<Option<Traces>>
where
    L: Layer<Registry> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::registry().with(lines);
    let Some((traces, tracer)) = Traces::begin(said)? else {
        lines.init();
        return Ok(None);
    };
    let filter = FilterFn::new(traces::is_sent).with_max_level_hint(LevelFilter::INFO);
    lines.with(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter)).init();
    Ok(Some(traces))
}

#[derive(Debug, Clone, Copy)]
struct Lines {
    color: bool,
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl Write for Lines {
    /// Takes one event, as the subscriber gives it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let line = shown(&String::from_utf8_lossy(event), self.color);
        io::stderr().lock().write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shown(event: &str, color: bool) -> String {
    let event = one_line(event.strip_suffix('\n').unwrap_or(event));
    let (level, rest) = event.trim_start().split_once(' ').unwrap_or((&event, ""));
    let style = match level {
        "ERROR" => "31",
        "WARN" => "33",
        "INFO" => "32",
        _ => "34",
    };
    format!("{} {rest}\n", Text::styled(&format!("{level:>5}"), style, color).as_str())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn an_event_is_one_line_and_nothing_in_it_steers_the_terminal() {
        let event = " WARN playbook: file=a\u{1b}[2Jb\nWARN forged\u{202e}\n";
        let plain = " WARN playbook: file=a\\u{1b}[2Jb\\nWARN forged\\u{202e}\n";
        assert_eq!(shown(event, false), plain);
        let colored = plain.replacen(" WARN", "\u{1b}[33m WARN\u{1b}[0m", 1);
        assert_eq!(shown(event, true), colored);
    }
}
