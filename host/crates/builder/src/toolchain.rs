//! Finding, and where need be installing, a Rust toolchain that compiles for the sandbox.
//!
//! Order: a compiler that has the target already; Debian's packages that are already there; `rustup
//! target add`; installing Debian's packages; an error with the exact commands. Nothing is fetched
//! where something at hand does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::BuildError;
use crate::options::{Options, Preference, Progress};
use crate::process::{run, typed};

/// The target that all plugins are compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
/// Oldest compiler that the SDK compiles with.
const RUST_MIN: (u32, u32) = (1, 95);
const ASK_WITHIN: Duration = Duration::from_secs(30);
const RUSTUP_WITHIN: Duration = Duration::from_secs(180);
const APT_WITHIN: Duration = Duration::from_secs(900);
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];
const LINKERS: [&str; 5] = ["wasm-ld-19", "wasm-ld-20", "wasm-ld-21", "wasm-ld-22", "wasm-ld"];

/// A toolchain that compiles for the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// `cargo` on the search path, with the target installed.
    InstalledTarget {
        /// What the compiler calls itself.
        version: String,
    },
    /// The system's packages, with the standard library built from source.
    Debian {
        /// What the compiler calls itself.
        version: String,
        /// The linker.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// In words, for a person.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::InstalledTarget { version } => format!("{version} with target {TARGET}"),
            Self::Debian { version, linker } => format!(
                "{version} in /usr/bin, standard library from source, {}",
                linker.file_name().unwrap_or_default().to_string_lossy()
            ),
        }
    }

    pub(crate) fn cargo(&self) -> &Path {
        match self {
            Self::InstalledTarget { .. } => Path::new("cargo"),
            Self::Debian { .. } => Path::new("/usr/bin/cargo"),
        }
    }

    /// Sets what cargo must know of this toolchain.
    pub(crate) fn prepare(&self, command: &mut Command) {
        match self {
            Self::InstalledTarget { .. } => {}
            Self::Debian { linker, .. } => {
                command
                    .env("RUSTC", "/usr/bin/rustc")
                    // Another release on the search path cannot read what this compiler made.
                    .env("RUSTDOC", "/usr/bin/rustdoc")
                    // The packages hold a stable compiler; building its standard library from
                    // source is the one unstable thing that is asked of it.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("LD_LIBRARY_PATH");
            }
        }
    }

    /// Arguments of `cargo build` that this toolchain needs.
    pub(crate) fn arguments(&self) -> &'static [&'static str] {
        match self {
            Self::InstalledTarget { .. } => &[],
            Self::Debian { .. } => &["-Zbuild-std=std,panic_abort"],
        }
    }
}

/// Removes what a surrounding cargo or a person's settings for native builds would change here.
pub(crate) fn clean_environment(command: &mut Command) {
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_HTTP",
        "CARGO_NET",
        "CARGO_REGISTR",
        "CARGO_SOURCE",
        "CARGO_BUILD_JOBS",
        "CARGO_TERM",
    ];
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let of_cargo = name.starts_with("CARGO") || name.starts_with("__CARGO");
        let of_compiler = matches!(
            name,
            "RUSTFLAGS"
                | "RUSTC"
                | "RUSTDOC"
                | "RUSTC_WRAPPER"
                | "RUSTC_WORKSPACE_WRAPPER"
                | "RUSTC_BOOTSTRAP"
        );
        if of_compiler || (of_cargo && !KEPT.iter().any(|kept| name.starts_with(kept))) {
            command.env_remove(name);
        }
    }
    // Where the network is down, rustup must say so instead of fetching a toolchain unasked.
    command.env("RUSTUP_AUTO_INSTALL", "0");
}

/// Returns a toolchain for the sandbox, installing one where allowed.
///
/// # Errors
/// [`BuildError::NoToolchain`] with what was tried and the commands that would help.
pub fn find_or_install(
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Toolchain, BuildError> {
    let mut tried = Vec::new();
    let found = find(options.toolchain, &mut tried).or_else(|| {
        let install = options.may_install;
        install.then(|| install_any(options.toolchain, &mut tried, progress)).flatten()
    });
    match found {
        Some(toolchain) => {
            progress(Progress::Toolchain(toolchain.describe()));
            Ok(toolchain)
        }
        None => Err(BuildError::NoToolchain {
            target: TARGET,
            tried: tried.iter().map(|line| format!("  {line}\n")).collect(),
            commands: help(),
        }),
    }
}

fn help() -> String {
    format!(
        "  rustup target add {TARGET}\n  sudo apt-get install -y --no-install-recommends {}",
        DEBIAN_PACKAGES.join(" ")
    )
}

fn find(preference: Preference, tried: &mut Vec<String>) -> Option<Toolchain> {
    let installed = || installed_target().map_err(|why| format!("rustc on the search path: {why}"));
    let debian = || debian().map_err(|why| format!("packages in /usr/bin: {why}"));
    let mut keep = |result: Result<Toolchain, String>| match result {
        Ok(toolchain) => Some(toolchain),
        Err(why) => {
            tried.push(why);
            None
        }
    };
    match preference {
        Preference::InstalledTarget => keep(installed()),
        Preference::Debian => keep(debian()),
        Preference::Any => keep(installed()).or_else(|| keep(debian())),
    }
}

fn install_any(
    preference: Preference,
    tried: &mut Vec<String>,
    progress: &mut dyn FnMut(Progress),
) -> Option<Toolchain> {
    if preference != Preference::Debian {
        match rustup(progress).and_then(|()| installed_target()) {
            Ok(toolchain) => return Some(toolchain),
            Err(why) => tried.push(format!("rustup: {why}")),
        }
    }
    if preference != Preference::InstalledTarget {
        match apt(progress).and_then(|()| debian()) {
            Ok(toolchain) => return Some(toolchain),
            Err(why) => tried.push(format!("apt-get: {why}")),
        }
    }
    None
}

/// Asks a program something short; the reason in words where it gives no answer.
fn ask(command: &mut Command) -> Result<String, String> {
    clean_environment(command);
    let ran = run(command, ASK_WITHIN).map_err(|error| error.to_string())?;
    if ran.status.success() { Ok(ran.stdout) } else { Err(last_line(&ran.stderr)) }
}

fn last_line(text: &str) -> String {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it failed").trim().to_owned()
}

fn version_of(rustc: &str) -> Result<String, String> {
    let version = ask(Command::new(rustc).arg("--version"))?.trim().to_owned();
    match release(&version) {
        Some(release) if release >= RUST_MIN => Ok(version),
        _ => Err(format!("`{version}` is older than {}.{}", RUST_MIN.0, RUST_MIN.1)),
    }
}

/// Major and minor number of "rustc 1.95.0 (..)".
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn installed_target() -> Result<Toolchain, String> {
    let version = version_of("rustc")?;
    let libraries =
        ask(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    let has_std = std::fs::read_dir(libraries.trim()).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|f| f.file_name().to_string_lossy().starts_with("libstd-")))
    });
    if has_std {
        Ok(Toolchain::InstalledTarget { version })
    } else {
        Err(format!("`{version}` has no target {TARGET}"))
    }
}

fn debian() -> Result<Toolchain, String> {
    for program in ["/usr/bin/rustc", "/usr/bin/cargo"] {
        if !Path::new(program).is_file() {
            return Err(format!("there is no {program}"));
        }
    }
    let version = version_of("/usr/bin/rustc")?;
    let root = ask(Command::new("/usr/bin/rustc").args(["--print", "sysroot"]))?;
    let sources = Path::new(root.trim()).join("lib/rustlib/src/rust/library/std");
    if !sources.is_dir() {
        return Err("the sources of the standard library (rust-web-src) are not there".to_owned());
    }
    let linker = LINKERS.iter().map(|name| Path::new("/usr/bin").join(name)).find(|p| p.is_file());
    let linker = linker.ok_or("there is no wasm-ld (lld-19)")?;
    Ok(Toolchain::Debian { version, linker })
}

fn rustup(progress: &mut dyn FnMut(Progress)) -> Result<(), String> {
    let mut command = Command::new("rustup");
    command.args(["target", "add", TARGET]);
    clean_environment(&mut command);
    command.env("RUSTUP_MAX_RETRIES", "1");
    progress(Progress::Installing(typed(&command)));
    let ran = run(&mut command, RUSTUP_WITHIN).map_err(|error| error.to_string())?;
    if ran.status.success() { Ok(()) } else { Err(last_line(&ran.stderr)) }
}

fn apt(progress: &mut dyn FnMut(Progress)) -> Result<(), String> {
    if ask(Command::new("id").arg("-u"))?.trim() != "0" {
        return Err("only root installs packages".to_owned());
    }
    let mut install = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        progress(Progress::Installing(typed(&command)));
        let ran = run(&mut command, APT_WITHIN).map_err(|error| error.to_string())?;
        if ran.status.success() { Ok(()) } else { Err(last_line(&ran.stderr)) }
    };
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(DEBIAN_PACKAGES);
    // The distribution replaces these packages by newer releases of the compiler. Lists that are older still name an earlier
    // one, which installs without a complaint and is then too old; so the lists are made new first. Where that fails,
    // as on a machine with packages at hand and no network, installing may work all the same.
    let updated = install(&["update"]);
    install(&arguments).map_err(|why| updated.err().unwrap_or(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        assert_eq!(release("rustc 1.100.2 (abc 2027-01-01)"), Some((1, 100)));
        assert!(release("rustc 1.100.2 (abc)") > release("rustc 1.95.0 (abc)"));
        assert_eq!(release("no rustc at all"), None);
    }

    #[test]
    fn without_a_toolchain_the_exact_commands_are_told() {
        let error = BuildError::NoToolchain {
            target: TARGET,
            tried: "  rustc on the search path: it is not there\n".to_owned(),
            commands: help(),
        };
        let text = error.to_string();
        assert!(text.contains("rustup target add wasm32-unknown-unknown"), "{text}");
        assert!(text.contains("apt-get install -y --no-install-recommends rustc-web"), "{text}");
    }
}
