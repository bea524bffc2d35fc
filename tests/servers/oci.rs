//! A registry of artefacts, and one that says what a test wants it to say.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{PASSWORD, free_port, listens, program, wait_until};

/// The one user of a registry with logins, with [`PASSWORD`] as bcrypt writes it.
pub(crate) const USER: &str = "partner";
const HTPASSWD: &str = "partner:$2b$04$Civ4h.paKD2B2OT8AWsTfOnKVVsxMSHc6dYw12MqmQyYqsnfQdT4C\n";

/// Debian's `docker-registry` over a folder of its own.
pub(crate) struct OciRegistry {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl OciRegistry {
    pub(crate) fn start() -> Self {
        Self::over(tempfile::tempdir().unwrap(), false)
    }

    /// One that takes nobody without a login.
    pub(crate) fn with_logins() -> Self {
        Self::over(tempfile::tempdir().unwrap(), true)
    }

    fn over(dir: tempfile::TempDir, has_logins: bool) -> Self {
        let port = free_port();
        let at = |name: &str| dir.path().join(name);
        let mut config = format!(
            "version: 0.1\nlog:\n  level: error\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    rootdirectory: {}\n  \
             delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:{port}\n",
            at("data").display()
        );
        if has_logins {
            fs::write(at("htpasswd"), HTPASSWD).unwrap();
            let path = at("htpasswd");
            config +=
                &format!("auth:\n  htpasswd:\n    realm: tests\n    path: {}\n", path.display());
        }
        fs::write(at("config.yml"), config).unwrap();
        let log = at("log");
        let mut server = Command::new(program("docker-registry", "/usr/bin"));
        server.arg("serve").arg(at("config.yml"));
        server.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let mut child = server.spawn().unwrap();
        wait_until(&log, &mut child, || listens(port));
        Self { dir, port, child }
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The file in which the registry keeps bytes of a digest, in hexadecimal.
    pub(crate) fn blob(&self, hex: &str) -> PathBuf {
        let blobs = self.dir.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }

    /// Ends it, as if its machine were gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A file of `docker login` for it.
    pub(crate) fn docker_config(&self) -> PathBuf {
        let (user, password) = (USER, PASSWORD);
        let file = self.dir.path().join("config.json");
        let host = self.host();
        let entry = format!("{{\"username\":\"{user}\",\"password\":\"{password}\"}}");
        fs::write(&file, format!("{{\"auths\":{{\"{host}\":{entry}}}}}")).unwrap();
        file
    }
}

impl Drop for OciRegistry {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A server that answers requests, by the beginning of their first line, with the bytes that a test gives it.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    /// First lines and headers of what was asked.
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Each answer is sent whole and its connection closed; whatever is not in the list is not found.
    pub(crate) fn start(answers: Vec<(&'static str, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        // It ends with the process: a test that is done asks nothing more of it.
        thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                drop(answer(stream, &answers, &told));
            }
        });
        Self { port, heard }
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn answer(
    mut stream: TcpStream,
    answers: &[(&'static str, Vec<u8>)],
    heard: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut asked = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while !asked.ends_with("\r\n\r\n") {
        if reader.read_line(&mut asked)? == 0 {
            return Ok(());
        }
    }
    let found = answers.iter().find(|(begins, _)| asked.starts_with(begins));
    heard.lock().unwrap().push(asked.clone());
    let none = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(found.map_or(none, |(_, bytes)| bytes))
}

/// An answer of HTTP with these headers and this body.
pub(crate) fn said(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}
