//! Files of a host, which stand on no other file: read within a bound, parsed, and held against their layout.

use std::path::Path;
use std::sync::Arc;

use crate::files::{FILE_BYTES_MAX, ReadFiles};
use crate::load::keep_what_stands_alone;
use crate::problem::{Place, Problem, Sink, SourceText};
use crate::spec::TableSpec;
use crate::structure;
use crate::tree::{self, Table};

/// A file with its text, for the places of problems.
pub(crate) struct Alone {
    pub(crate) root: Table,
    pub(crate) sources: Vec<SourceText>,
    /// Whether what the tree holds is all that the file says.
    pub(crate) is_whole: bool,
}

/// Reads a file; problems of syntax and layout go to `sink`. `None` where there is no text at all.
pub(crate) fn read(
    path: &Path,
    files: &dyn ReadFiles,
    what: &str,
    layout: &TableSpec,
    sink: &mut Sink,
) -> Option<Alone> {
    let name = path.display().to_string();
    let read = match files.read(path, FILE_BYTES_MAX) {
        Ok(bytes) if bytes.len() > FILE_BYTES_MAX => Err("is too large".to_owned()),
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "is no UTF-8 text".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    let text = match read {
        Ok(text) => text,
        Err(why) => {
            let message = format!("{what} `{name}` {why}");
            let problem = Problem::new("cannot-read", Place::default(), message);
            sink.add(Problem { place: None, ..problem });
            return None;
        }
    };
    let sources = vec![SourceText { name, text: Arc::from(text.as_str()) }];
    let (root, sound) = tree::parse(&text, 0, &mut 0, sink);
    let parsed = sink.problems.len();
    structure::check_table(&root, layout, Place::default(), sink);
    if !sound {
        keep_what_stands_alone(sink, parsed, &sources);
    }
    Some(Alone { root, sources, is_whole: sound && !sink.bounds_broken() })
}
