//! What a store of one guest holds: its memory account, its log, its last words.

use playbook_model::{escape, steers};
use wasmtime::ResourceLimiter;
use wasmtime::component::HasData;

use crate::bindings::playbook::plugin::{log, types};
use crate::engine::TABLE_ELEMENTS_MAX;
use crate::sampling::Sampling;

/// Letters of a panic's message that are kept.
const PANIC_CHARS_MAX: usize = 1_024;

/// How serious a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For the plugin's author.
    Debug,
    /// For the record.
    Info,
    /// Worth a look.
    Warn,
    /// Something went wrong.
    Error,
}

impl Severity {
    /// Lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A line that a plugin logged, control characters escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How serious.
    pub severity: Severity,
    /// The text.
    pub text: String,
}

/// Linear memory of one instance, summed over its memories, in bytes.
#[derive(Debug)]
pub(crate) struct MemoryAccount {
    pub(crate) used: u64,
    pub(crate) max: u64,
    /// What the guest would have used when growth was refused in the running call.
    pub(crate) refused: Option<u64>,
}

/// What the guest logged in the running call.
#[derive(Debug)]
pub(crate) struct LogAccount {
    pub(crate) keeps_text: bool,
    pub(crate) bytes_max: u64,
    pub(crate) lines_max: u64,
    pub(crate) lines_seen: u64,
    pub(crate) bytes_kept: u64,
    pub(crate) lines: Vec<LogLine>,
    /// Set when the call is being stopped for its log.
    pub(crate) flooded: bool,
}

/// Data of a store.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) memory: MemoryAccount,
    pub(crate) log: LogAccount,
    /// Message and place of a panic in the running call.
    pub(crate) panic: Option<String>,
    /// Stacks of the running call; `None`: nobody asks for them.
    pub(crate) sampling: Option<Sampling>,
    table_elements: usize,
}

impl HasData for State {
    type Data<'a> = &'a mut Self;
}

impl State {
    pub(crate) fn new(
        memory_bytes_max: u64,
        keeps_text: bool,
        log_bytes_max: u64,
        log_lines_max: u64,
    ) -> Self {
        Self {
            memory: MemoryAccount { used: 0, max: memory_bytes_max, refused: None },
            log: LogAccount {
                keeps_text,
                bytes_max: log_bytes_max,
                lines_max: log_lines_max,
                lines_seen: 0,
                bytes_kept: 0,
                lines: Vec::new(),
                flooded: false,
            },
            panic: None,
            sampling: None,
            table_elements: 0,
        }
    }

    /// Forgets what the call before left.
    pub(crate) fn begin_call(&mut self) {
        self.memory.refused = None;
        self.log.lines_seen = 0;
        self.log.bytes_kept = 0;
        self.panic = None;
    }
}

impl ResourceLimiter for State {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.memory.used.saturating_add((desired.saturating_sub(current)) as u64);
        let fits = wanted <= self.memory.max;
        if fits {
            self.memory.used = wanted;
        } else {
            // The guest only sees -1 and will abort in its own way; this tells why.
            self.memory.refused = Some(wanted);
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.table_elements.saturating_add(desired.saturating_sub(current));
        let fits = wanted <= TABLE_ELEMENTS_MAX;
        if fits {
            self.table_elements = wanted;
        }
        Ok(fits)
    }
}

impl LogAccount {
    /// Takes a line; an error where the call has to stop.
    fn take(&mut self, severity: Severity, message: &str) -> wasmtime::Result<()> {
        self.lines_seen += 1;
        if self.lines_seen > self.lines_max {
            self.flooded = true;
            return Err(wasmtime::Error::msg("more log lines than one call may write"));
        }
        let free = self.bytes_max.saturating_sub(self.bytes_kept);
        if self.keeps_text && free > 0 {
            let text = escaped(message, usize::try_from(free).unwrap_or(usize::MAX));
            self.bytes_kept += text.len() as u64;
            self.lines.push(LogLine { severity, text });
        }
        Ok(())
    }
}

impl log::Host for State {
    fn log(&mut self, severity: log::Severity, message: String) -> wasmtime::Result<()> {
        let severity = match severity {
            log::Severity::Debug => Severity::Debug,
            log::Severity::Info => Severity::Info,
            log::Severity::Warn => Severity::Warn,
            log::Severity::Error => Severity::Error,
        };
        self.log.take(severity, &message)
    }

    fn panicked(&mut self, message: String, file: String, line: u32) -> wasmtime::Result<()> {
        let message = escaped(&message, PANIC_CHARS_MAX);
        let file = escaped(&file, PANIC_CHARS_MAX);
        self.panic = Some(format!("{message} at {file}:{line}"));
        self.log.take(Severity::Error, "panicked")
    }
}

impl types::Host for State {}

/// Returns `text` on one line, escaped as for a terminal, cut at a letter's edge to at most `bytes_max` bytes.
pub(crate) fn escaped(text: &str, bytes_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(bytes_max));
    for letter in text.chars() {
        let before = out.len();
        if steers(letter) {
            escape(letter, &mut out);
        } else {
            out.push(letter);
        }
        if out.len() > bytes_max {
            out.truncate(before);
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn control_and_direction_letters_are_escaped() {
        assert_eq!(escaped("a\u{1b}[2J\r\nb\u{202e}", 100), "a\\u{1b}[2J\\r\\nb\\u{202e}");
        assert_eq!(escaped("積分 ok", 100), "積分 ok");
    }

    #[test]
    fn cut_falls_on_the_edge_of_a_letter() {
        assert_eq!(escaped("積分", 4), "積");
        assert_eq!(escaped("a\nb", 2), "a");
    }
}
