//! `playbook plugin test`: native tests, then the component held to the contract in the real sandbox.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use playbook_app::looking;
use playbook_builder::{Options, Progress, test_natively};
use playbook_model::Limits;
use playbook_runtime::{LogLine, Metering, Usage};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use crate::cases;
use crate::cli::PluginTestArgs;
use crate::commands::plugin::{build_noisily, canonical};
use crate::commands::plugin_bench::mebibytes;
use crate::conformance::{self, Check, Conformance, guest};
use crate::failure::Answered;
use crate::session::Session;
use crate::terminal::{Terminal, counted};

/// Lines of a plugin's log that are shown.
const LOG_LINES_SHOWN: usize = 20;

/// Tests a plugin and shows what holds, what its first call took, and what it logged.
pub(crate) fn test(session: &Session, args: &PluginTestArgs) -> Result<()> {
    let settings = canonical(&args.settings)?;
    let kept = tempfile::tempdir().context("cannot make a folder for the cases of native tests")?;
    let path = args.path.as_path();
    let component = if path.is_dir() {
        native_tests(path, kept.path())?;
        build_noisily(&[path])?.remove(0).component
    } else {
        path.to_path_buf()
    };
    let plugin = session.host.accepted(&component)?;
    let about = guest("under test", plugin.describe()?)?;
    let mut run = conformance::run(&plugin, &settings)?;
    let of_tests = cases::of_native_tests(&plugin, &about.name, kept.path())?;
    if of_tests.is_empty() && path.is_dir() {
        Terminal::note("  no native test asks the plugin through `playbook_sdk::testing`");
    }
    run.checks.extend(of_tests);
    run.checks.extend(cases::of_files(&plugin, &about.name, &args.cases)?);
    if let Some(file) = &args.junit {
        write_junit(file, &about.name, &run.checks)?;
    }
    let limits = looking(Metering::FuelAndEpoch).limits;
    let told = as_json(&run, &limits);
    if !args.json {
        show(&run, &limits)?;
    }
    let failed = run.checks.iter().filter(|check| check.failure.is_some()).count();
    if failed > 0 {
        let fault = anyhow!("{failed} of {} checks in the sandbox failed", run.checks.len());
        return Err(Answered::with(told, fault));
    }
    match args.json {
        true => Terminal::json(&told),
        false => Terminal::out(&format!("{} checks hold in the sandbox", run.checks.len())),
    }
}

/// Runs the native tests of a crate; what they ask its plugin is kept in `kept`.
pub(crate) fn native_tests(path: &Path, kept: &Path) -> Result<()> {
    let tests = test_natively(
        path,
        &[(playbook_contract::Case::FOLDER, kept)],
        &Options::of_user(),
        &mut |progress| {
            if let Progress::Testing(name) = progress {
                Terminal::note(&format!("  native tests of {name}"));
            }
        },
    )?;
    if !tests.passed {
        bail!("the native tests of `{}` failed:\n{}", path.display(), tests.output);
    }
    Ok(())
}

fn show(run: &Conformance, limits: &Limits) -> Result<()> {
    for check in &run.checks {
        show_check(check)?;
    }
    if let Some(usage) = &run.call {
        Terminal::out(&call(usage, limits))?;
    }
    show_log(&run.log)
}

/// Shows whether a check holds, and the made-up row on which it does not.
pub(crate) fn show_check(check: &Check) -> Result<()> {
    match &check.failure {
        None => Terminal::out(&format!("ok    {}", check.name))?,
        Some(failure) => Terminal::out(&format!("FAIL  {}: {failure}", check.name))?,
    }
    if let Some(row) = &check.row {
        Terminal::out(&format!("      the made-up row: {row}"))?;
    }
    Ok(())
}

/// Shows what a plugin logged, and how much more there is.
pub(crate) fn show_log(log: &[LogLine]) -> Result<()> {
    for line in log.iter().take(LOG_LINES_SHOWN) {
        Terminal::out(&format!("log   {}: {}", line.severity.name(), line.text))?;
    }
    let more = log.len().saturating_sub(LOG_LINES_SHOWN);
    if more > 0 {
        Terminal::out(&format!("log   {more} more lines"))?;
    }
    Ok(())
}

/// What the first call took, each figure beside what a call may take.
fn call(usage: &Usage, limits: &Limits) -> String {
    let rows = match usage.rows {
        0 => "the whole tables".to_owned(),
        rows => format!("{} rows", counted(rows)),
    };
    format!(
        "call  over {rows}: fuel {} of {}, {:.3} ms of {}, memory {} MiB of {}, {} log lines of {}",
        counted(usage.fuel),
        counted(limits.call_fuel_max(usage.rows)),
        usage.wall.as_secs_f64() * 1e3,
        counted(limits.call_ms_max),
        mebibytes(usage.memory_bytes),
        mebibytes(limits.memory_bytes_max),
        counted(usage.log_lines),
        counted(limits.log_lines_max),
    )
}

fn as_json(run: &Conformance, limits: &Limits) -> Value {
    let check = |check: &Check| {
        json!({ "check": check.name, "ok": check.failure.is_none(), "failure": check.failure,
                "row": check.row })
    };
    let line = |line: &LogLine| json!({ "severity": line.severity.name(), "text": line.text });
    let call = run.call.map(|usage| {
        json!({
            "rows": usage.rows,
            "fuel": usage.fuel, "fuel_max": limits.call_fuel_max(usage.rows),
            "ms": usage.wall.as_secs_f64() * 1e3, "ms_max": limits.call_ms_max,
            "memory_bytes": usage.memory_bytes, "memory_bytes_max": limits.memory_bytes_max,
            "log_lines": usage.log_lines, "log_lines_max": limits.log_lines_max,
        })
    });
    json!({
        "checks": run.checks.iter().map(check).collect::<Vec<_>>(),
        "call": call,
        "log": run.log.iter().map(line).collect::<Vec<_>>(),
    })
}

/// Writes the checks as a JUnit report, which servers of continuous integration read.
fn write_junit(file: &Path, plugin: &str, checks: &[Check]) -> Result<()> {
    let mut suite = TestSuite::new(plugin);
    suite.add_test_cases(checks.iter().map(|check| {
        let status = match &check.failure {
            None => TestCaseStatus::success(),
            Some(failure) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(failure.as_str());
                if let Some(row) = &check.row {
                    status.set_description(format!("{failure}\nthe made-up row: {row}"));
                }
                status
            }
        };
        TestCase::new(check.name.as_ref(), status)
    }));
    let mut report = Report::new("playbook plugin test");
    report.add_test_suite(suite);
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let out = File::create(file).with_context(|| format!("cannot write `{}`", file.display()))?;
    report.serialize(out).with_context(|| format!("cannot write `{}`", file.display()))
}
