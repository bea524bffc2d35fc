//! Components that chance has changed: loaded or refused, and neighbours keep working (see `tests/fuzz/mod.rs`).

#[path = "../../../../../tests/fuzz/mod.rs"]
mod target;

use playbook_runtime::LoadOptions;

use crate::support::{Host, behaves, contract, dummy};
use target::Target;

#[test]
fn components() {
    let host = Host::new();
    let good = host.open("good", &LoadOptions::default());
    let corpus = [
        dummy(&contract(), "", "scoring-plugin"),
        dummy(&contract(), "", "fitted-segmentation-plugin"),
        b"(module)".to_vec(),
    ];
    let words: [&[u8]; 6] = [
        b"\0asm\x01\0\0\0",
        b"\0asm\x0d\0\x01\0",
        b"\xff\xff\xff\xff\x0f",
        b"\x41\0",
        b"\x0b",
        b"wasi:",
    ];
    let kept = env!("CARGO_TARGET_TMPDIR");
    let target = Target { name: "components", rounds: 400, corpus: &corpus, words: &words, kept };
    target.run(|bytes| {
        match host.runtime.load(bytes, &LoadOptions::default()) {
            Err(error) if error.to_string().is_empty() => {
                return Err("no reason is told".to_owned());
            }
            _ => {}
        }
        Ok(())
    });
    assert!(behaves(&good));
}
