//! Files that chance has changed: rows that are in them, or an error that names the file (see `tests/fuzz/mod.rs`).

#[path = "../../../../../tests/fuzz/mod.rs"]
mod target;

use std::io::Write as _;

use crate::columns::corpus;
use crate::exports::{MAP, read};
use target::Target;

const KEPT: &str = env!("CARGO_TARGET_TMPDIR");

/// Reads a file; no row may come of nothing, and an error names the file.
fn whole(name: &str, bytes: &[u8], map: &str, rows_max: usize) -> Result<(), String> {
    match read(name, bytes, "", map) {
        Ok(seen) => {
            let orders = seen.members.values().map(|(orders, _)| orders.parse().unwrap_or(0));
            let rows = orders.sum::<usize>() + seen.rejects.len();
            if rows > rows_max { Err(format!("{rows} rows of {rows_max}")) } else { Ok(()) }
        }
        Err(error) if error.contains(name) => Ok(()),
        Err(error) => Err(format!("the error does not name the file: {error}")),
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1
}

#[test]
fn csv() {
    let plain = "customer,date,total\nA,2026-06-01,1.00\n\"B, b\",2026-06-02,\"2.50\"\n\"C\"\"c\",2026-06-03,\n";
    let spanning =
        "customer,date,total,note\r\nA,2026-06-01,1.00,\"two\r\nlines\"\r\nB,2026-06-02,2,x\r\n";
    let utf16: Vec<u8> =
        format!("\u{feff}{plain}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(plain.as_bytes()).unwrap();
    let corpus = [plain.into(), spanning.into(), utf16, gzip.finish().unwrap()];
    let words: [&[u8]; 9] =
        [b"\"", b"\"\"", b",", b"\n", b"\r", b"\r\n", b"\0", b"\xef\xbb\xbf", b"1e308"];
    let target = Target { name: "csv", rounds: 600, corpus: &corpus, words: &words, kept: KEPT };
    // A packed file may hold more lines than it shows.
    target.run(|bytes| {
        let rows_max = if bytes.starts_with(b"\x1f\x8b") { usize::MAX } else { lines(bytes) };
        whole("orders.csv", bytes, MAP, rows_max)
    });
}

#[test]
fn json_lines() {
    let plain = "{\"customer\":\"A\",\"date\":\"2026-06-01\",\"total\":1.00}\n{\"customer\":12345678901234567890,\"date\":\"2026-06-02\",\"total\":\"2.5\"}\n";
    let nested = "{\"customer\":\"\\u5f20\",\"date\":\"2026-06-01\",\"total\":null,\"more\":{\"a\":[1,{}]}}\n{\"customer\":true,\"date\":\"2026-06-02\",\"total\":-1e2}";
    let words: [&[u8]; 10] =
        [b"{", b"}", b"[", b"\"", b":", b",", b"null", b"\\ud800", b"1e999", b"\n"];
    let corpus = [plain.into(), nested.into()];
    let target =
        Target { name: "json-lines", rounds: 600, corpus: &corpus, words: &words, kept: KEPT };
    target.run(|bytes| {
        let rows_max = if bytes.starts_with(b"\x1f\x8b") { usize::MAX } else { lines(bytes) };
        whole("orders.jsonl", bytes, MAP, rows_max)
    });
}

#[test]
fn parquet() {
    let words: [&[u8]; 4] = [b"PAR1", b"\x15\x00", b"\x19\x1c", b"\xff\xff\xff\xff\x0f"];
    let corpus = corpus();
    let target =
        Target { name: "parquet", rounds: 1500, corpus: &corpus, words: &words, kept: KEPT };
    let map = MAP.replace("{ from = \"date\", format = \"%Y-%m-%d\" }", "\"date\"");
    target.run(|bytes| whole("orders.parquet", bytes, &map, usize::MAX));
}
