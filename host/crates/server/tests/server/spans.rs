//! What the log has of a request.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use playbook_server::Role;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{Call, Host};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_request_is_told_with_its_id_key_brand_operation_status_and_time_and_no_secret() {
    let log = Log::default();
    // For the whole process: one for a thread alone may miss what another thread reached first. So this sees the secrets of
    // all tests that run meanwhile, too.
    tracing_subscriber::fmt()
        .with_env_filter("playbook_server=debug")
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let host = Host::start(|_| {}).await;
    let key = host.key(Role::Partner, "acme").to_owned();
    host.send(Call::get("/v1/brands/acme").key(&key).header("x-request-id", "told-1")).await;
    host.send(Call::get("/v1/brands/panics").key(&host.admin).header("x-request-id", "told-2"))
        .await;
    host.send(Call::get("/none").header("x-request-id", "told-3")).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = |id: &str| {
        let told = |line: &&str| line.contains(id) && line.contains("answered");
        text.lines().find(told).unwrap_or_else(|| panic!("{id}: {text}")).to_owned()
    };
    let id = key.split('_').nth(1).unwrap();
    let first = line("told-1");
    for part in [
        "request{id=told-1 method=GET",
        "operation=\"read_brand\"",
        &format!("key=\"{id}\""),
        "brand=\"acme\"",
        "status=200",
        "micros=",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    let second = line("told-2");
    assert!(second.contains("status=500") && second.contains("read_brand"), "{second}");
    assert!(text.contains("a handler panicked") && text.contains("/secret/path"), "{text}");
    assert!(line("told-3").contains("status=404"));
    let (secret, admin) = (&key[20..], &host.admin[20..]);
    assert!(!text.contains(secret) && !text.contains(admin));
}
