//! What commands share: the host, the terminal, Ctrl-C.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use playbook_app::{Home, Host, ledger_path};
use playbook_cycle::Cancel;
use playbook_runtime::Compiler;

use crate::cli::Cli;
use crate::progress::Shown;
use crate::terminal::Terminal;

/// Everything a command needs of the process.
pub(crate) struct Session {
    pub(crate) host: Arc<Host>,
    pub(crate) terminal: Terminal,
}

impl Session {
    pub(crate) fn new(cli: &Cli) -> Result<Self> {
        let home = cli
            .home
            .clone()
            .or_else(user_data_dir)
            .context("no home folder is known: set PLAYBOOK_HOME, or pass --home DIR")?;
        let program =
            std::env::current_exe().context("the host does not know its own program file")?;
        let compiler = Compiler::Child { program, arguments: vec![OsString::from("__compile")] };
        let host = Host::new(Home::open(&home)?, compiler, Cancel::default())
            .with_connections(cli.connections.clone());
        Ok(Self { host: Arc::new(host), terminal: Terminal::new(cli.color) })
    }

    /// Stops cleanly on the first Ctrl-C or SIGTERM, at once on the second.
    pub(crate) fn listen(&self) -> Result<()> {
        let cancel = self.host.cancel().clone();
        ctrlc::set_handler(move || {
            if cancel.is_cancelled() {
                Terminal::note("stopped at once");
                std::process::abort();
            }
            Terminal::note("stopping; once more stops at once");
            cancel.cancel();
        })
        .context("cannot listen for Ctrl-C")
    }

    /// The ledger of a brand, which must exist, in a state folder or in that of the home folder.
    pub(crate) fn existing_ledger(&self, brand: &str, state: Option<&Path>) -> Result<PathBuf> {
        let folder = state.map_or_else(|| self.host.home().state_dir(brand), Path::to_path_buf);
        let path = ledger_path(&folder);
        if !path.is_file() {
            bail!("brand `{brand}` has no ledger at `{}`", path.display());
        }
        Ok(path)
    }

    /// What shows how far a command is.
    pub(crate) fn shown(&self, quiet: bool) -> Arc<Shown> {
        Arc::new(Shown::new(self.terminal, quiet))
    }
}

/// The home folder where none was asked for.
fn user_data_dir() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    if let Some(home) = std::env::var_os("PLAYBOOK_HOME").filter(|v| !v.is_empty()) {
        return Some(PathBuf::from(home));
    }
    let data =
        absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(data.join("playbook-host"))
}
