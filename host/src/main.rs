//! The `playbook` program: reads the command line, hands the work on, prints errors, sets the exit code.

mod cases;
mod cli;
mod clock;
mod commands;
mod conformance;
mod session;
mod terminal;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};
use playbook_app::AppError;
use playbook_batch::BatchError;
use playbook_cycle::CycleError;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::session::Session;
use crate::terminal::Terminal;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The command could not do its work.
const FAILED: u8 = 1;
/// The playbook is at fault, not the host (clap takes 2 for the command line).
const PLAYBOOK_FAULTY: u8 = 3;
/// A plugin's fault ended the run.
const PLUGIN_FAULT: u8 = 4;
/// Stopped by Ctrl-C.
const STOPPED: u8 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Compile { arguments } = &cli.command {
        let code = playbook_runtime::compile_child_main(arguments.iter().cloned());
        return ExitCode::from(u8::try_from(code).unwrap_or(FAILED));
    }
    let level = match cli.verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("PLAYBOOK_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .init();
    let terminal = Terminal::new(cli.color);
    match dispatch(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(report(terminal, &error)),
    }
}

fn dispatch(cli: &Cli) -> Result<()> {
    match &cli.command {
        Command::Schema => {
            Terminal::out(&serde_json::to_string_pretty(&playbook_toml::schema())?);
            return Ok(());
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "playbook", &mut text);
            Terminal::out(&String::from_utf8_lossy(&text));
            return Ok(());
        }
        _ => {}
    }
    let session = Session::new(cli)?;
    session.listen()?;
    match &cli.command {
        Command::Demo(args) => commands::demo::demo(&session, args),
        Command::Check(args) => commands::check::check(&session, args),
        Command::Run(args) => commands::run::run(&session, args),
        Command::Replay(args) => commands::replay::replay(&session, args),
        Command::Explain(args) => commands::explain::explain(&session, args),
        Command::Diff(args) => commands::diff::diff(&session, args),
        Command::Sample(args) => commands::sample::sample(&session, args),
        Command::Plugin(command) => commands::plugin::plugin(&session, command),
        Command::Ledger(command) => commands::ledger::ledger(&session, command),
        Command::Schema | Command::Completions { .. } | Command::Compile { .. } => Ok(()),
    }
}

/// Turns an error into words and an exit code.
fn report(terminal: Terminal, error: &anyhow::Error) -> u8 {
    let known = error.downcast_ref::<AppError>().map(AppError::inner);
    if let Some(AppError::Faulty(problems)) = known {
        terminal.problems(problems);
        return PLAYBOOK_FAULTY;
    }
    terminal.error(error);
    // A stop that was heard deep in a query comes up as the cause of another error.
    if error.chain().any(|cause| matches!(cause.downcast_ref(), Some(BatchError::Cancelled))) {
        return STOPPED;
    }
    match known {
        Some(AppError::Cycle(CycleError::Cancelled) | AppError::Batch(BatchError::Cancelled)) => {
            STOPPED
        }
        Some(AppError::Cycle(CycleError::Stage { .. })) => PLUGIN_FAULT,
        Some(AppError::Cycle(CycleError::WrongType { .. })) => PLAYBOOK_FAULTY,
        _ => FAILED,
    }
}
