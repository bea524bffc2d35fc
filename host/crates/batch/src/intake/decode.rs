//! Reads text files as UTF-8 with line feeds: decompresses them, decodes their encoding, and makes line ends alike.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};
use flate2::bufread::MultiGzDecoder;
use playbook_files::open_regular;
use playbook_model::Digest;
use sha2::{Digest as _, Sha256};

use crate::error::io as io_fault;
use crate::intake::text_fault::{TextFault, UNPACKED_TIMES_MAX};
use crate::{BatchError, Result};

/// Size of the buffers before and after decompression.
const BUFFER_BYTES: usize = 1 << 18;
/// Bound of decompression, against files made to fill the memory or disk: this much is always allowed, and beyond it
/// [`UNPACKED_TIMES_MAX`] times the size of the file.
const UNPACKED_BYTES_FREE: u64 = 64 << 20;

/// Magic numbers of compressed formats, with their name and, for those that are read, their decoder.
const PACKED: [(&[u8], &str, Option<Packing>); 6] = [
    (b"\x1f\x8b", "gzip", Some(Packing::Gzip)),
    (b"\x28\xb5\x2f\xfd", "zstd", Some(Packing::Zstd)),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", None),
    (b"BZh", "bzip2", None),
    (b"\xfd7zXZ\x00", "xz", None),
    (b"7z\xbc\xaf\x27\x1c", "7z", None),
];

#[derive(Debug, Clone, Copy)]
enum Packing {
    Gzip,
    Zstd,
}

/// A text file being read. Gives UTF-8 with line feeds, and the digest of the file's own bytes.
pub(crate) struct TextFile {
    path: PathBuf,
    /// Name of the compression.
    packing: Option<&'static str>,
    /// The file's bytes after decompression, before decoding.
    unpacked: Box<dyn BufRead + Send>,
    unpacked_bytes: u64,
    /// Bound on `unpacked_bytes`; `None` for a file that is not compressed.
    unpacked_bytes_max: Option<u64>,
    hash: Arc<Mutex<Sha256>>,
    /// `None` for UTF-8, which needs no decoding.
    decoder: Option<Decoder>,
    /// Whether lone carriage returns end the lines; `None` before the first block.
    returns_end_lines: Option<bool>,
    lines: u64,
}

impl TextFile {
    /// Opens a file; `encoding` is what the playbook declares. Compression is told by the magic number, UTF-16 also by
    /// its byte order mark.
    pub(crate) fn open(path: &Path, encoding: Option<&str>) -> Result<Self> {
        let fault = || io_fault("read", path);
        let file = open_regular(path)?;
        let bytes = file.metadata().map_err(fault())?.len();
        let hash = Arc::new(Mutex::new(Sha256::new()));
        let digested = Digested { file, hash: Arc::clone(&hash) };
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, digested);
        let first = filled(&mut raw).map_err(fault())?;
        let packed = PACKED.iter().find(|(start, ..)| first.starts_with(start));
        let buffered = |inner: Box<dyn Read + Send>| BufReader::with_capacity(BUFFER_BYTES, inner);
        let unpacked: Box<dyn BufRead + Send> = match packed {
            None => Box::new(raw),
            Some((_, _, Some(Packing::Gzip))) => {
                Box::new(buffered(Box::new(MultiGzDecoder::new(raw))))
            }
            Some((_, _, Some(Packing::Zstd))) => {
                let decoder = zstd::Decoder::with_buffer(raw).map_err(fault())?;
                Box::new(buffered(Box::new(decoder)))
            }
            Some((_, name, None)) => return Err(text_fault(path, TextFault::Packed(name))),
        };
        let times = bytes.saturating_mul(UNPACKED_TIMES_MAX);
        let mut text = Self {
            path: path.to_owned(),
            packing: packed.map(|(_, name, _)| *name),
            unpacked,
            unpacked_bytes: 0,
            unpacked_bytes_max: packed.map(|_| times.max(UNPACKED_BYTES_FREE)),
            hash,
            decoder: None,
            returns_end_lines: None,
            lines: 0,
        };
        text.begin(encoding)?;
        Ok(text)
    }

    /// Name of the compression, if any.
    pub(crate) fn packing(&self) -> Option<&'static str> {
        self.packing
    }

    /// The encoding that it is read as.
    pub(crate) fn encoding(&self) -> &'static Encoding {
        self.decoder.as_ref().map_or(UTF_8, Decoder::encoding)
    }

    /// Chooses the decoder and skips the byte order mark.
    fn begin(&mut self, declared: Option<&str>) -> Result<()> {
        let fault = io_fault("read", &self.path);
        let first = filled(&mut self.unpacked).map_err(fault)?;
        let marked = Encoding::for_bom(first);
        let known = declared.and_then(|label| Encoding::for_label(label.as_bytes()));
        let encoding = match (known, marked) {
            (None, Some((seen, _))) => seen,
            (Some(known), Some((seen, _))) if known == seen || declared == Some("utf-16") => seen,
            (Some(known), Some((seen, _))) => {
                let (encoding, seen) = (known.name(), seen.name());
                return Err(text_fault(&self.path, TextFault::Marked { encoding, seen }));
            }
            (known, None) => known.unwrap_or(UTF_8),
        };
        if encoding == UTF_8 {
            let mark = marked.map_or(0, |(_, bytes)| bytes);
            self.unpacked.consume(mark);
            self.unpacked_bytes += mark as u64;
        } else {
            self.decoder = Some(encoding.new_decoder_with_bom_removal());
        }
        Ok(())
    }

    /// Appends at least `wanted` bytes of text, fewer at the end; returns whether the file has ended.
    pub(crate) fn read(&mut self, wanted: usize, text: &mut Vec<u8>) -> Result<bool> {
        let start = text.len();
        let ended = match self.decoder.take() {
            None => self.read_plain(wanted, text)?,
            Some(mut decoder) => {
                let ended = self.read_decoded(&mut decoder, wanted, text)?;
                self.decoder = Some(decoder);
                ended
            }
        };
        let new = &mut text[start..];
        let returns_end_lines = *self.returns_end_lines.get_or_insert_with(|| {
            memchr::memchr(b'\n', new).is_none() && memchr::memchr(b'\r', new).is_some()
        });
        if returns_end_lines {
            new.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
        if self.decoder.is_some() {
            self.lines += memchr::memchr_iter(b'\n', new).count() as u64;
        }
        Ok(ended)
    }

    fn read_plain(&mut self, wanted: usize, text: &mut Vec<u8>) -> Result<bool> {
        let read = (&mut self.unpacked).take(wanted as u64).read_to_end(text);
        let read = read.map_err(io_fault("read", &self.path))?;
        self.count(read)?;
        Ok(read < wanted)
    }

    fn read_decoded(
        &mut self,
        decoder: &mut Decoder,
        wanted: usize,
        text: &mut Vec<u8>,
    ) -> Result<bool> {
        let end = text.len() + wanted;
        while text.len() < end {
            let raw = filled(&mut self.unpacked).map_err(io_fault("read", &self.path))?;
            let ended = raw.is_empty();
            let mut out = String::with_capacity(
                decoder.max_utf8_buffer_length_without_replacement(raw.len()).unwrap_or(0),
            );
            let (result, read) = decoder.decode_to_string_without_replacement(raw, &mut out, ended);
            text.extend_from_slice(out.as_bytes());
            self.unpacked.consume(read);
            self.count(read)?;
            if let DecoderResult::Malformed(..) = result {
                let inside = memchr::memchr_iter(b'\n', text).count() as u64;
                let (encoding, line) = (decoder.encoding().name(), self.lines + inside + 1);
                return Err(text_fault(&self.path, TextFault::Encoding { encoding, line }));
            }
            if ended {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Counts decompressed bytes and fails beyond the bound.
    fn count(&mut self, bytes: usize) -> Result<()> {
        self.unpacked_bytes += bytes as u64;
        match self.unpacked_bytes_max {
            Some(bytes_max) if self.unpacked_bytes > bytes_max => {
                Err(text_fault(&self.path, TextFault::Unpacked { bytes_max }))
            }
            _ => Ok(()),
        }
    }

    /// The digest of the whole file, which has been read to its end.
    pub(crate) fn digest(self) -> Digest {
        let hash = self.hash.lock().unwrap_or_else(PoisonError::into_inner);
        Digest(hash.clone().finalize().into())
    }
}

/// A file whose bytes are digested as they are read.
struct Digested {
    file: File,
    hash: Arc<Mutex<Sha256>>,
}

impl Read for Digested {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..read]);
        Ok(read)
    }
}

/// The next bytes of a reader, not yet consumed; empty at its end.
fn filled(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    reader.fill_buf()
}

/// A fault of a text file.
pub(crate) fn text_fault(path: &Path, source: TextFault) -> BatchError {
    BatchError::Text { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write as _;
    use std::path::PathBuf;

    use sha2::{Digest as _, Sha256};

    use super::TextFile;

    fn file(dir: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
        let path = dir.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The text of a file, or what is wrong with it.
    fn text(bytes: &[u8], encoding: Option<&str>) -> Result<String, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = file(&dir, bytes);
        let words = |e: crate::BatchError| {
            let source = std::error::Error::source(&e).map(ToString::to_string);
            source.unwrap_or_else(|| e.to_string())
        };
        let mut file = TextFile::open(&path, encoding).map_err(words)?;
        let mut text = Vec::new();
        while !file.read(4096, &mut text).map_err(words)? {}
        assert_eq!(file.digest().0.as_slice(), Sha256::digest(bytes).as_slice());
        Ok(String::from_utf8(text).unwrap())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_mark_tells_the_encoding_and_is_not_part_of_the_text() {
        let utf16 = |big: bool| -> Vec<u8> {
            let units = "\u{feff}a,b\n\u{5f20},\u{1f600}\n".encode_utf16();
            units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        };
        let want = "a,b\n\u{5f20},\u{1f600}\n";
        assert_eq!(text(&utf16(false), None).unwrap(), want);
        assert_eq!(text(&utf16(true), None).unwrap(), want);
        assert_eq!(text(&utf16(true), Some("utf-16")).unwrap(), want);
        assert_eq!(text(b"\xef\xbb\xbfa,b\n", None).unwrap(), "a,b\n");
        let fault = text(&utf16(true), Some("utf-8")).unwrap_err();
        assert!(fault.contains("UTF-16BE") && fault.contains("UTF-8"), "{fault}");
    }

    #[test]
    fn declared_encodings_are_read_and_a_wrong_one_is_named_with_its_line() {
        let gb18030 = b"id,name\n1,\xd5\xc5\xc8\xfd\n";
        assert_eq!(text(gb18030, Some("gb18030")).unwrap(), "id,name\n1,\u{5f20}\u{4e09}\n");
        assert_eq!(text(b"caf\xe9\n", Some("windows-1252")).unwrap(), "caf\u{e9}\n");
        let fault = text(b"id\n1\n\xff\n", Some("gb18030")).unwrap_err();
        assert!(fault.contains("gb18030") && fault.contains("line 3"), "{fault}");
        let odd = text(b"a\0\n\0b", Some("utf-16le")).unwrap_err();
        assert!(odd.contains("UTF-16LE"), "{odd}");
    }

    #[test]
    fn packed_files_are_read_by_their_content_and_bounded() {
        let plain = b"a,b\n1,2\n".repeat(1000);
        let want = String::from_utf8(plain.clone()).unwrap();
        assert_eq!(text(&gzip(&plain), None).unwrap(), want);
        let parts = [gzip(&plain[..8]), gzip(&plain[8..])].concat();
        assert_eq!(text(&parts, None).unwrap(), want, "members of one file follow each other");
        let packed = zstd::encode_all(plain.as_slice(), 1).unwrap();
        assert_eq!(text(&packed, None).unwrap(), want);
        let bomb = zstd::encode_all(vec![b'a'; 80 << 20].as_slice(), 1).unwrap();
        assert!(text(&bomb, None).unwrap_err().contains("unpacks to more than"));
        let cut = gzip(&plain);
        assert!(text(&cut[..cut.len() - 9], None).is_err());
        assert!(text(b"PK\x03\x04....", None).unwrap_err().contains("Excel"));
    }

    #[test]
    fn lone_carriage_returns_end_lines_where_no_line_feed_does() {
        assert_eq!(text(b"a,b\r1,2\r", None).unwrap(), "a,b\n1,2\n");
        assert_eq!(text(b"a\r\nb\rc\r\n", None).unwrap(), "a\r\nb\rc\r\n");
    }
}
