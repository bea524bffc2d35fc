//! `playbook plugin profile`: in which functions a plugin spends its time, by a sampling profiler inside the sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufWriter;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use inferno::flamegraph;
use playbook_app::looking;
use playbook_builder::{Options, build};
use playbook_files::write_whole;
use playbook_runtime::{LoadOptions, Metering, Stacks};
use serde_json::json;

use crate::cli::PluginProfileArgs;
use crate::commands::plugin::canonical;
use crate::conformance::guest;
use crate::made_up::Trial;
use crate::measure::Subject;
use crate::session::Session;
use crate::terminal::{Terminal, counted};

/// Functions that are told; the flame graph has them all.
const FUNCTIONS_TOLD: usize = 12;
/// Stacks below which the shares of functions say little.
const STACKS_FEW: u64 = 200;

/// A function with how often it was seen.
struct Function<'a> {
    name: &'a str,
    /// As the one that ran.
    own: u64,
    /// As that one, or as one that waits for it.
    whole: u64,
}

pub(crate) fn profile(session: &Session, args: &PluginProfileArgs) -> Result<()> {
    let path = Path::new(&args.plugin);
    let component = if path.is_dir() {
        Terminal::note("  building with the names of functions, in a folder of its own");
        let options = Options::of_user().with_names();
        build(&[path], &options, &mut |_| {})?.remove(0).component
    } else {
        session.host.named(&args.plugin)?
    };
    let options = LoadOptions { samples: true, ..looking(Metering::FuelAndEpoch) };
    let plugin = session.host.accepted_with(&component, &options)?;
    let about = guest(&args.plugin, plugin.describe()?)?;
    let settings = canonical(&args.settings)?;
    let shape = guest(&about.name, plugin.check(&settings)?)?;
    let trial = Trial { plugin: &plugin, settings: &settings, shape: &shape };
    let subject = Subject { trial, name: &about.name, limits: &options.limits };
    let time = Duration::from_secs(args.seconds);
    let stacks = guest(&about.name, subject.sampled(args.rows as usize, time)?)?;
    let all: u64 = stacks.values().sum();
    if all == 0 {
        bail!(
            "no call of `{}` over {} rows lasted long enough to be seen; try more --rows or --seconds",
            about.name,
            args.rows
        );
    }
    let out = args.out.clone().unwrap_or_else(|| format!("{}.svg", about.name).into());
    let title = format!("{} {}, {} rows a call", about.name, about.version, args.rows);
    write_whole(&out, &drawn(&stacks, &title)?)
        .with_context(|| format!("cannot write `{}`", out.display()))?;
    let functions = functions(&stacks);
    #[expect(clippy::cast_precision_loss, reason = "numbers of stacks")]
    let share = |seen: u64| seen as f64 / all as f64;
    if args.json {
        let functions = functions.iter().map(|function| {
            json!({ "function": function.name, "own": share(function.own), "whole": share(function.whole) })
        });
        return Terminal::json(&json!({
            "plugin": about.name, "version": about.version, "rows": args.rows, "stacks": all, "flame_graph": out,
            "functions": functions.collect::<Vec<_>>(),
        }));
    }
    let percent = |seen: u64| format!("{:.1}%", share(seen) * 100.0);
    let rows: Vec<Vec<String>> = functions
        .iter()
        .take(FUNCTIONS_TOLD)
        .map(|of| vec![of.name.to_owned(), percent(of.own), percent(of.whole)])
        .collect();
    Terminal::out(session.terminal.table(
        &["function", "own time", "with callees"],
        &[1, 2],
        &rows,
    ))?;
    if all < STACKS_FEW {
        Terminal::note(&format!(
            "  only {} stacks were seen; with more --seconds the shares are surer",
            counted(all)
        ));
    }
    Terminal::out(&format!("{} stacks; open {} in a browser", counted(all), out.display()))
}

/// The flame graph of the stacks.
fn drawn(stacks: &Stacks, title: &str) -> Result<Vec<u8>> {
    // A frame ends at a semicolon in the folded form.
    let frame = |name: &String| name.replace(';', ",");
    let folded = stacks.iter().map(|(stack, seen)| {
        format!("{} {seen}", stack.iter().map(frame).collect::<Vec<_>>().join(";"))
    });
    let folded: Vec<String> = folded.collect();
    let mut options = flamegraph::Options::default();
    options.title = title.to_owned();
    options.count_name = "stacks".to_owned();
    options.deterministic = true;
    let mut svg = Vec::new();
    let lines = folded.iter().map(String::as_str);
    flamegraph::from_lines(&mut options, lines, BufWriter::new(&mut svg))
        .context("the flame graph cannot be drawn")?;
    Ok(svg)
}

/// Functions by the time that they took themselves, the greatest first.
fn functions(stacks: &Stacks) -> Vec<Function<'_>> {
    let mut seen: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (stack, count) in stacks {
        if let Some(top) = stack.last() {
            seen.entry(top).or_default().0 += count;
        }
        // A function that calls itself is there once.
        for name in stack.iter().collect::<BTreeSet<_>>() {
            seen.entry(name).or_default().1 += count;
        }
    }
    let mut all: Vec<Function<'_>> =
        seen.into_iter().map(|(name, (own, whole))| Function { name, own, whole }).collect();
    all.sort_by(|a, b| b.own.cmp(&a.own).then_with(|| b.whole.cmp(&a.whole)));
    all
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_its_own_time_and_that_of_what_it_calls_once() {
        let stack = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let stacks =
            Stacks::from([(stack(&["score", "fold", "fold"]), 3), (stack(&["score", "exp;2"]), 5)]);
        let told: Vec<_> = functions(&stacks).iter().map(|f| (f.name, f.own, f.whole)).collect();
        assert_eq!(told, [("exp;2", 5, 5), ("fold", 3, 3), ("score", 0, 8)]);
        let svg = String::from_utf8(drawn(&stacks, "title <&>").unwrap()).unwrap();
        assert!(svg.contains("exp,2") && svg.contains("title &lt;&amp;&gt;"), "{svg}");
    }
}
