//! A headless Chromium, steered over its DevTools protocol: JSON messages that end with a zero byte, through two named pipes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    send: File,
    heard: Receiver<Value>,
    /// Events that came while something else was waited for.
    events: VecDeque<String>,
    session: Option<String>,
    calls: u64,
    _folder: TempDir,
}

impl Browser {
    /// Starts one; a machine without it fails the test, as one without a database does.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipe = |name: &str| {
            let path = folder.path().join(name);
            let made = Command::new("mkfifo").arg(&path).status().unwrap();
            assert!(made.success());
            path
        };
        let (to, from) = (pipe("to"), pipe("from"));
        // Read and write, so that opening waits for nobody.
        let open = |path: &Path| File::options().read(true).write(true).open(path).unwrap();
        let (send, receive) = (open(&to), open(&from));
        let profile = folder.path().join("profile");
        let child = Command::new("sh")
            .args(["-c", "to=$1 from=$2; shift 2; exec \"$@\" 3<\"$to\" 4>\"$from\"", "sh"])
            .args([&to, &from])
            .args([
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args(["--remote-debugging-pipe", "--no-first-run", "--disable-extensions"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            let mut receive = BufReader::new(receive);
            let mut message = Vec::new();
            while receive.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let told = serde_json::from_slice(&message).unwrap();
                if tell.send(told).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let events = VecDeque::new();
        let mut browser =
            Self { child, send, heard, events, session: None, calls: 0, _folder: folder };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        browser.call("Page.enable", json!({}));
        browser
    }

    #[track_caller]
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.send.write_all(format!("{message}\0").as_bytes()).unwrap();
        let answer = self.until(method, |told, calls| told["id"] == json!(calls));
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    #[track_caller]
    fn until(&mut self, what: &str, is_it: impl Fn(&Value, u64) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(told) = self.heard.recv_timeout(left) else {
                let ended = self.child.try_wait().unwrap();
                panic!(
                    "no {what} from the browser, which ended: {ended:?}; it is Debian's package chromium"
                );
            };
            if is_it(&told, self.calls) {
                return told;
            }
            self.events.extend(told["method"].as_str().map(str::to_owned));
        }
    }

    /// Waits until a page has loaded that began to load before.
    #[track_caller]
    fn loaded(&mut self) {
        if !self.events.iter().any(|event| event == "Page.loadEventFired") {
            self.until("a page", |told, _| told["method"] == "Page.loadEventFired");
        }
        self.events.clear();
    }

    /// Goes to an address.
    #[track_caller]
    pub(crate) fn go(&mut self, url: &str) {
        self.events.clear();
        self.call("Page.navigate", json!({ "url": url }));
        self.loaded();
    }

    /// How wide the page is, in pixels.
    pub(crate) fn width(&mut self, pixels: u32) {
        let screen =
            json!({ "width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", screen);
    }

    /// The value of an expression on the page.
    #[track_caller]
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// What stands on the page.
    pub(crate) fn text(&mut self) -> String {
        self.value("document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression holds.
    #[track_caller]
    pub(crate) fn wait(&mut self, expression: &str) {
        let end = Instant::now() + PATIENCE;
        while self.value(expression) != json!(true) {
            assert!(Instant::now() < end, "{expression}\n{}", self.text());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Presses a key.
    #[track_caller]
    pub(crate) fn press(&mut self, key: &str) {
        let code = if key == "Enter" { 13 } else { 9 };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key, "text": text,
                "windowsVirtualKeyCode": code });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Types into what has the focus. A page gives it when it is first drawn, which may be after it has loaded.
    #[track_caller]
    pub(crate) fn type_in(&mut self, text: &str) {
        self.wait("document.activeElement !== document.body");
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Follows a link, or sends the form of a button, and waits for the page that it leads to.
    #[track_caller]
    pub(crate) fn follow(&mut self, selector: &str) {
        self.events.clear();
        let found = self.value(&format!(
            "(() => {{ const it = document.querySelector({}); it?.click(); return it !== null; }})()",
            json!(selector)
        ));
        assert_eq!(found, json!(true), "{selector}\n{}", self.text());
        self.loaded();
    }

    /// Presses Enter where that leads to another page.
    #[track_caller]
    pub(crate) fn enter(&mut self) {
        self.events.clear();
        self.press("Enter");
        self.loaded();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
