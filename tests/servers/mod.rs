//! Servers that tests start for themselves: as a user without rights, in a folder of their own, on loopback; each ends with
//! its value. What tests of several crates need stands here.
#![allow(dead_code, clippy::unwrap_used, reason = "tests, of which each uses a part")]

pub(crate) mod line;
pub(crate) mod oci;

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a server.
const START: Duration = Duration::from_secs(60);

/// A password that no output may show.
pub(crate) const PASSWORD: &str = "hunter2-of-the-tests";

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A user without rights: database servers refuse to run as root.
pub(crate) fn user(name: &str) -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let entry = passwd.lines().find(|line| line.split(':').next() == Some(name));
    let ids = entry.map(|line| {
        let mut parts = line.split(':').skip(2).map(|part| part.parse().unwrap());
        (parts.next().unwrap(), parts.next().unwrap())
    });
    is_root.then(|| ids.unwrap_or_else(|| panic!("there is no user `{name}`")))
}

pub(crate) fn as_user(mut command: Command, user: Option<(u32, u32)>) -> Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

pub(crate) fn folder(user: Option<(u32, u32)>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    if let Some((uid, gid)) = user {
        chown(dir.path(), Some(uid), Some(gid)).unwrap();
    }
    dir
}

/// Waits until a check holds, and fails with the server's log where it never does.
pub(crate) fn wait_until(log: &Path, child: &mut Child, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        let ended = child.try_wait().unwrap();
        let late = began.elapsed() > START;
        if ended.is_some() || late {
            panic!("no server: {ended:?}\n{}", fs::read_to_string(log).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A program of a server package, which Debian keeps out of the PATH.
pub(crate) fn program(name: &str, folders: &str) -> PathBuf {
    let found = glob::glob(&format!("{folders}/{name}")).unwrap().filter_map(Result::ok).max();
    found.unwrap_or_else(|| {
        panic!("`{name}` is not in {folders}: see the requirements in README.md")
    })
}

/// A PostgreSQL server with the superuser `admin`.
pub(crate) struct Postgres {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl Postgres {
    pub(crate) fn start(settings: &[&str]) -> Self {
        let user = user("postgres");
        let dir = folder(user);
        let (data, secret) = (dir.path().join("data"), dir.path().join("password"));
        fs::write(&secret, PASSWORD).unwrap();
        let mut init = Command::new(program("initdb", "/usr/lib/postgresql/*/bin"));
        init.arg("-D").arg(&data).args(["-U", "admin", "-A", "scram-sha-256", "-N", "-E", "UTF8"]);
        init.arg("--pwfile").arg(&secret).args(["--locale", "C.UTF-8"]).current_dir(dir.path());
        succeed(&as_user(init, user).output().unwrap());
        let port = free_port();
        let child = Self::run(dir.path(), port, settings);
        Self { dir, port, child }
    }

    /// Runs the server over the data that is there.
    fn run(dir: &Path, port: u16, settings: &[&str]) -> Child {
        let log = dir.join("log");
        let mut server = Command::new(program("postgres", "/usr/lib/postgresql/*/bin"));
        server.arg("-D").arg(dir.join("data"));
        server.args(["-p", &port.to_string(), "-h", "127.0.0.1", "-F"]);
        server.arg("-k").arg(dir).current_dir(dir);
        server.args(settings.iter().flat_map(|setting| ["-c", setting]));
        server.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let mut child = as_user(server, user("postgres")).spawn().unwrap();
        let is_up = || {
            let mut ask = Command::new("psql");
            ask.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "admin", "-c", "select 1"]);
            ask.arg("postgres").env("PGPASSWORD", PASSWORD).output().unwrap().status.success()
        };
        wait_until(&log, &mut child, is_up);
        child
    }

    /// Starts a server again that was killed.
    pub(crate) fn start_again(&mut self) {
        self.child = Self::run(self.dir.path(), self.port, &[]);
    }

    /// Runs statements as the superuser; returns what they print, without headers.
    pub(crate) fn sql(&self, text: &str) -> String {
        let mut call = Command::new("psql");
        call.args(["-h", "127.0.0.1", "-U", "admin", "-p", &self.port.to_string(), "-XqtA"]);
        call.args(["-v", "ON_ERROR_STOP=1", "postgres"]).env("PGPASSWORD", PASSWORD);
        call.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        fed(call, text)
    }

    /// Stops the server at once, as if its machine were gone.
    pub(crate) fn kill(&mut self) {
        // The server's own children end when they see that it is gone.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A fast shutdown, which ends its children too.
        let pid = self.child.id().to_string();
        drop(Command::new("kill").args(["-INT", &pid]).stderr(Stdio::null()).status());
        drop(self.child.wait());
    }
}

pub(crate) fn fed(mut call: Command, text: &str) -> String {
    let mut child = call.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    succeed(&child.wait_with_output().unwrap())
}

/// Fails the test with everything that was printed unless the call succeeded; returns standard output.
pub(crate) fn succeed(output: &Output) -> String {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "exit {:?}\n{out}\n{err}", output.status.code());
    out.into_owned()
}

/// A certificate for loopback that nobody else trusts, and its key.
pub(crate) fn certificate(dir: &Path) -> (PathBuf, PathBuf) {
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let mut call = Command::new("openssl");
    call.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    call.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    call.args(["-days", "2", "-subj", "/CN=loopback", "-addext", "subjectAltName=IP:127.0.0.1"]);
    call.arg("-keyout").arg(&key).arg("-out").arg(&cert);
    succeed(&call.output().unwrap());
    (cert, key)
}

/// Whether somebody listens on a port of loopback.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
