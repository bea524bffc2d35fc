//! What commands share: the host, the terminal, Ctrl-C.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use playbook_app::{Home, Host, ledger_path};
use playbook_cycle::Cancel;
use playbook_model::HostTrust;
use playbook_registry::{Credentials, Login};
use playbook_runtime::Compiler;

use crate::cli::Cli;
use crate::progress::Shown;
use crate::terminal::Terminal;

/// Environment variables of a login for one registry.
const REGISTRY: &str = "PLAYBOOK_REGISTRY";
const REGISTRY_USER: &str = "PLAYBOOK_REGISTRY_USER";
const REGISTRY_PASSWORD: &str = "PLAYBOOK_REGISTRY_PASSWORD";

/// Everything a command needs of the process.
pub(crate) struct Session {
    pub(crate) host: Arc<Host>,
    pub(crate) terminal: Terminal,
}

impl Session {
    /// `trust`: the policy of a service's own file.
    pub(crate) fn new(cli: &Cli, trust: Option<HostTrust>) -> Result<Self> {
        let home = cli
            .home
            .clone()
            .or_else(user_data_dir)
            .context("no home folder is known: set PLAYBOOK_HOME, or pass --home DIR")?;
        let program =
            std::env::current_exe().context("the host does not know its own program file")?;
        let compiler = Compiler::Child { program, arguments: vec![OsString::from("__compile")] };
        let host = Host::new(Home::open(&home)?, compiler, Cancel::default())
            .with_connections(cli.connections.clone())
            .with_credentials(credentials()?)
            .with_trust(trust);
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

/// Who this user is to registries: the file of `docker login`, and over it what the environment says of one of them.
fn credentials() -> Result<Credentials> {
    let said = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let config = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let config = config.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")));
    let [host, user, password] = [said(REGISTRY), said(REGISTRY_USER), said(REGISTRY_PASSWORD)];
    let given = match (host, user, password) {
        (None, None, None) => None,
        (Some(host), Some(user), Some(password)) => {
            Some((host, Login::Password { user, password }))
        }
        _ => bail!(
            "of `{REGISTRY}`, `{REGISTRY_USER}` and `{REGISTRY_PASSWORD}` some are set and some are not; set all of them, the \
             first to the registry as HOST[:PORT], or none"
        ),
    };
    Ok(Credentials { docker_config: config.map(|folder| folder.join("config.json")), given })
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
