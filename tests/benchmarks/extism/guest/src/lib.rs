//! The kernel of the sandbox's benchmark as an Extism plugin, over raw bytes in both directions.
#![allow(missing_docs, reason = "the exported function is generated")]

use extism_pdk::{Error, FnResult, plugin_fn};

/// Scores rows: takes the number of rows as a little-endian u32, then the f64 columns one after the other; gives one
/// f64 for each row.
#[plugin_fn]
pub fn score(input: Vec<u8>) -> FnResult<Vec<u8>> {
    let (head, columns) = input.split_first_chunk().ok_or_else(|| Error::msg("the number of rows is absent"))?;
    let rows = u32::from_le_bytes(*head) as usize;
    let (cells, _) = columns.as_chunks::<8>();
    let mut scores = vec![0.0_f64; rows];
    if rows > 0 {
        for column in cells.chunks_exact(rows) {
            for (score, x) in scores.iter_mut().zip(column) {
                let x = f64::from_le_bytes(*x);
                *score += libm::exp(-x * 0.01) * libm::log(1.0 + x);
            }
        }
    }
    let mut output = vec![0; 8 * rows];
    for (bytes, score) in output.as_chunks_mut::<8>().0.iter_mut().zip(&scores) {
        *bytes = score.to_le_bytes();
    }
    Ok(output)
}
