//! The `playbook` program: reads the command line, hands the work on, prints errors, sets the exit code.

mod cases;
mod cli;
mod clock;
mod commands;
mod conformance;
mod failure;
mod logs;
mod made_up;
mod measure;
mod progress;
mod session;
mod terminal;
mod text;

use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser};
use playbook_model::printable;

use crate::cli::{Cli, Command, SchemaOf};
use crate::commands::serve_config::Config;
use crate::session::Session;
use crate::terminal::Terminal;
use crate::text::Text;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return refuse(&refused),
    };
    if let Command::Compile { arguments } = &cli.command {
        let code = playbook_runtime::compile_child_main(arguments.iter().cloned());
        return u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from);
    }
    playbook_toml::ship(playbook_library::FILES);
    let terminal = Terminal::new(cli.color);
    match dispatch(&cli, terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(terminal, cli.command.answers_json(), error).into(),
    }
}

/// Says what is wrong with a command line, or prints the help that was asked for.
fn refuse(refused: &clap::Error) -> ExitCode {
    let plain = refused.render().to_string();
    let escaped = printable(&plain);
    // The parser has colours of its own; it repeats what was typed as it is.
    let said =
        if *escaped == *plain { refused.print() } else { refused_plainly(refused, &escaped) };
    let as_json = std::env::args_os().any(|argument| argument == "--json");
    let code = u8::try_from(refused.exit_code()).unwrap_or(u8::MAX);
    if refused.use_stderr() && as_json {
        let error = serde_json::json!({ "message": plain.trim_end(), "causes": [], "code": code });
        drop(Terminal::json(&serde_json::json!({ "error": error })));
    }
    if said.is_ok() { code.into() } else { ExitCode::FAILURE }
}

fn refused_plainly(refused: &clap::Error, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    match refused.use_stderr() {
        true => std::io::stderr().lock().write_all(text.as_bytes()),
        false => std::io::stdout().lock().write_all(text.as_bytes()),
    }
}

fn dispatch(cli: &Cli, terminal: Terminal) -> Result<()> {
    // The file of a host says what is logged, so it is read before anything is.
    let config = match &cli.command {
        Command::Serve(args) => Some(Config::of(args)?),
        _ => None,
    };
    let (log, traces) = match &config {
        Some(config) => (config.log, config.traces.clone()),
        None => Default::default(),
    };
    let _traces = logs::begin(cli.verbose, (log, &traces), terminal.color_err)?;
    match &cli.command {
        Command::Schema { of } => {
            return Terminal::json(&match of {
                SchemaOf::Playbook => playbook_toml::schema(),
                SchemaOf::Host => playbook_toml::host_schema(),
            });
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "playbook", &mut text);
            return Terminal::out(Text::own(String::from_utf8(text)?));
        }
        _ => {}
    }
    let trust = config.as_ref().and_then(|config| config.trust.clone());
    let session = Session::new(cli, trust)?;
    session.listen()?;
    match &cli.command {
        Command::Demo(args) => commands::demo::demo(&session, args),
        Command::Profile(args) => commands::profile::profile(&session, args),
        Command::Init(args) => commands::init::init(&session, args),
        Command::Check(args) => commands::check::check(&session, args),
        Command::Run(args) => commands::run::run(&session, args),
        Command::Replay(args) => commands::replay::replay(&session, args),
        Command::Deliver(args) => commands::deliver::deliver(&session, args),
        Command::Explain(args) => commands::explain::explain(&session, args),
        Command::List(args) => commands::library::list(&session, args),
        Command::New(args) => commands::library::new(args),
        Command::Diff(args) => commands::diff::diff(&session, args),
        Command::Serve(_) => {
            config.map_or(Ok(()), |config| commands::serve::serve(&session, config))
        }
        Command::Sample(args) => commands::sample::sample(&session, args),
        Command::Plugin(command) => commands::plugin::plugin(&session, command),
        Command::Ledger(command) => commands::ledger::ledger(&session, command),
        Command::Data(command) => commands::data::data(&session, command),
        Command::Schema { .. } | Command::Completions { .. } | Command::Compile { .. } => Ok(()),
    }
}
