//! Faults of text files as a whole.

/// Bound of decompression: how many times the size of a file may come out of it.
pub(crate) const UNPACKED_TIMES_MAX: u64 = 400;

/// Why a text file cannot be read as text; the words follow its path.
#[derive(Debug, thiserror::Error)]
pub enum TextFault {
    /// It is compressed in a format that is not read.
    #[error("is {0}, which is not read; unpack it, or pack it with gzip or zstd")]
    Packed(&'static str),
    /// It decompresses to more than its size allows.
    #[error(
        "unpacks to more than {bytes_max} bytes, {UNPACKED_TIMES_MAX} times its size; unpack it before the run"
    )]
    Unpacked {
        /// Most that may come out.
        bytes_max: u64,
    },
    /// It holds bytes that are not valid in its encoding.
    #[error(
        "is not {encoding}: line {line} has bytes that this encoding does not know; name the right one with `encoding`"
    )]
    Encoding {
        /// Encoding that was declared or seen.
        encoding: &'static str,
        /// Line, from 1.
        line: u64,
    },
    /// Its byte order mark belongs to another encoding than the declared one.
    #[error(
        "begins with the mark of {seen}, and the playbook says `encoding` is {encoding}; correct or remove that key"
    )]
    Marked {
        /// Encoding that was declared.
        encoding: &'static str,
        /// Encoding of the mark.
        seen: &'static str,
    },
    /// A row that does not end within the bound; mostly a quote that was left open.
    #[error(
        "line {line}: {what} does not end within {bytes_max} bytes; is a quote left open there, or is `format` or `delimiter` another?"
    )]
    Endless {
        /// Line on which it begins, from 1.
        line: u64,
        /// A quoted cell or a line.
        what: &'static str,
        /// Most that a row may take.
        bytes_max: usize,
    },
    /// Nothing in it, not even the header.
    #[error("is empty: it lacks even the header")]
    Empty,
}
