//! Installing components: what stands under a name and a version is not replaced unasked.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use playbook_app::{AppError, changes};
use playbook_files::read_regular;
use playbook_model::Description;
use playbook_runtime::Plugin;

use crate::commands::publish::offer;
use crate::conformance::guest;
use crate::session::Session;
use crate::terminal::Terminal;

/// What becomes of other bytes under the same name and version.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Installs {
    /// They stay; what differs is told.
    Beside,
    /// They are replaced.
    Over,
}

impl Installs {
    pub(crate) fn new(replaces: bool) -> Self {
        if replaces { Self::Over } else { Self::Beside }
    }

    /// Installs the component of a plugin; returns where it is.
    pub(crate) fn install(
        self,
        session: &Session,
        file: &Path,
        plugin: &Plugin,
        about: &Description,
    ) -> Result<PathBuf> {
        let (bytes, home) = (read_regular(file)?, session.host.home());
        let done = match self {
            Self::Over => home.replace(&bytes, &about.name, &about.version),
            Self::Beside => home.install(&bytes, &about.name, &about.version),
        };
        match done {
            Err(AppError::OtherBytes { name, version, path }) => {
                let size = bytes.len() as u64;
                let changes = what_differs(session, &path, plugin, size)
                    .unwrap_or_else(|error| format!("  what differs cannot be told: {error:#}"));
                Err(anyhow!(
                    "`{name}` {version} is installed with other bytes, and playbooks that name it would change:\n{changes}\n\
                     give the plugin a new version, or install over it with --replace"
                ))
            }
            done => Ok(done?),
        }
    }
}

pub(crate) fn install(session: &Session, files: &[PathBuf], how: Installs) -> Result<()> {
    for file in files {
        let plugin = session.host.accepted(file)?;
        let about = guest(&file.to_string_lossy(), plugin.describe()?)?;
        let path = how.install(session, file, &plugin, &about)?;
        let (name, version) = (&about.name, &about.version);
        Terminal::out(&format!("{name} {version} is installed as {}", path.display()))?;
    }
    Ok(())
}

/// What the playbooks would see of it, a line each.
fn what_differs(
    session: &Session,
    installed: &Path,
    plugin: &Plugin,
    bytes: u64,
) -> Result<String> {
    const SETTINGS: &str = "{}";
    let old = session.host.accepted(installed)?;
    let was_bytes = read_regular(installed)?.len() as u64;
    let was = offer(&old, "the installed one", SETTINGS, was_bytes)?;
    let found = changes(&was, &offer(plugin, "the new one", SETTINGS, bytes)?);
    let mut lines = vec![format!("  digest: {} -> {}", old.digest(), plugin.digest())];
    lines.extend(found.iter().map(|change| format!("  {}", change.text)));
    if found.iter().all(|change| change.what == "size") {
        lines.push("  needs, outputs and settings are the same; the code differs".to_owned());
    }
    Ok(lines.join("\n"))
}
