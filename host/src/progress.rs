//! How far a command is: bars on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use playbook_cycle::Progress;
use playbook_model::one_line;

use crate::terminal::{Terminal, grouped};

/// Shows progress as bars on a terminal, as plain lines elsewhere, and keeps times of parts.
pub(crate) struct Shown {
    bars: Option<MultiProgress>,
    quiet: bool,
    parts: Mutex<BTreeMap<String, Part>>,
}

struct Part {
    bar: Option<ProgressBar>,
    rows: u64,
    began: Instant,
    printed: bool,
}

impl Shown {
    pub(crate) fn new(terminal: Terminal, quiet: bool) -> Self {
        let bars = (terminal.bars && !quiet).then(MultiProgress::new);
        Self { bars, quiet, parts: Mutex::new(BTreeMap::new()) }
    }

    fn with<T>(&self, part: &str, f: impl FnOnce(&mut Part) -> T) -> T {
        let mut parts = self.parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let entry = parts.entry(part.to_owned()).or_insert_with(|| Part {
            bar: self.bars.as_ref().map(|bars| {
                let bar = bars.add(ProgressBar::new_spinner());
                bar.set_style(style(
                    "{spinner} {msg:28} {human_pos:>12} rows {per_sec:>16} {elapsed:>6}",
                ));
                bar.set_message(one_line(part).into_owned());
                bar
            }),
            rows: 0,
            began: Instant::now(),
            printed: false,
        });
        f(entry)
    }

    /// Leaves the terminal clean.
    pub(crate) fn clear(&self) {
        if let Some(bars) = &self.bars {
            drop(bars.clear());
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Progress for Shown {
    fn advanced(&self, part: &str, rows: u64, total: Option<u64>) {
        self.with(part, |p| {
            p.rows += rows;
            if let Some(bar) = &p.bar {
                if let (Some(total), None) = (total, bar.length()) {
                    bar.set_length(total);
                    bar.set_style(style(
                        "  {msg:28} {bar:24} {human_pos:>12}/{human_len} {per_sec:>16} {eta:>5}",
                    ));
                }
                bar.inc(rows);
            }
        });
    }

    fn finished(&self, part: &str) {
        let quiet = self.quiet;
        self.with(part, |p| {
            let seconds = p.began.elapsed().as_secs_f64();
            if let Some(bar) = &p.bar {
                bar.finish_and_clear();
            }
            if !quiet && !p.printed {
                p.printed = true;
                let rows = i64::try_from(p.rows).unwrap_or(i64::MAX);
                let part = one_line(part);
                let line = format!("  {part:<28} {:>12} rows {seconds:>7.2} s", grouped(rows));
                match &self.bars {
                    Some(bars) => drop(bars.println(line)),
                    None => Terminal::note(&line),
                }
            }
        });
    }
}
