//! Reading a playbook's files, bounded, and joining them with the overrides of the command line.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use playbook_files::open_regular;
use playbook_model::CardDef;

use crate::merge;
use crate::problem::{Place, Problem, Sink, SourceText};
use crate::shipped::{LAYERS, is_shipped, shipped, shipped_files};
use crate::tree::{self, Node, Table, Value};

/// Bytes of one file.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Bytes of all files of one playbook.
pub const FILES_BYTES_MAX: usize = 4 << 20;
/// Files of one playbook.
pub const FILES_MAX: usize = 64;
const FIRST_TOO_MANY: usize = FILES_MAX + 1;
/// Files that stand on each other.
pub const EXTENDS_DEPTH_MAX: usize = 8;

/// Files that one file includes.
pub(crate) const INCLUDES_MAX: usize = 16;

/// Entries of `remove` in all files of one playbook.
const REMOVALS_MAX: usize = 256;

/// Where files are read from.
pub trait ReadFiles: Debug {
    /// Returns at most `bytes_max` + 1 bytes of the file.
    ///
    /// # Errors
    /// Where the file cannot be read, or is no plain file.
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>>;

    /// Returns the text of a file that travels with the program, by its name, such as `preset:beauty`.
    ///
    /// # Errors
    /// Where there is none of that name.
    fn shipped(&self, name: &str) -> io::Result<Vec<u8>> {
        let text = shipped(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(text.as_bytes().to_vec())
    }

    /// Whether these files may name other files of the host: components by their paths, data outside the brand's folder. What came
    /// over a network may not.
    fn may_name_files(&self) -> bool {
        true
    }
}

/// The disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl ReadFiles for Disk {
    fn read(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        let file = open_regular(path).map_err(|fault| fault.source)?;
        // A link in a brand's folder would show, line by line in problems, what the brand may not read.
        let ends_alike = |real: PathBuf| real.extension() == path.extension();
        if path.extension().is_some() && !std::fs::canonicalize(path).is_ok_and(ends_alike) {
            let what = "it is a link to a file of another kind";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let mut bytes = Vec::new();
        file.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// All files and overrides as one tree.
pub(crate) struct Joined {
    pub(crate) root: Table,
    pub(crate) sources: Vec<SourceText>,
    /// Folder of each source text, relative to the folder of the top file.
    pub(crate) folders: Vec<PathBuf>,
    /// Whether the syntax of all files was in order.
    pub(crate) sound: bool,
    /// Cards that stages took, by the names of the stages.
    pub(crate) cards: BTreeMap<String, CardDef>,
    /// Which of the source texts are those of cards.
    pub(crate) card_files: Range<usize>,
}

/// Reads playbook files with what they stand on.
pub(crate) struct Reader<'a> {
    pub(crate) files: &'a dyn ReadFiles,
    folder: PathBuf,
    pub(crate) sink: &'a mut Sink,
    sources: Vec<SourceText>,
    folders: Vec<PathBuf>,
    asked: usize,
    bytes: usize,
    values: usize,
    removals: usize,
    sound: bool,
    /// Files that are being read, outermost first, by their path from the top folder.
    chain: Vec<PathBuf>,
    cards: BTreeMap<String, CardDef>,
    card_files: Range<usize>,
}

impl<'a> Reader<'a> {
    /// A reader of files below `folder`.
    pub(crate) fn new(files: &'a dyn ReadFiles, folder: PathBuf, sink: &'a mut Sink) -> Self {
        Self {
            files,
            folder,
            sink,
            sources: Vec::new(),
            folders: Vec::new(),
            asked: 0,
            bytes: 0,
            values: 0,
            removals: 0,
            sound: true,
            chain: Vec::new(),
            cards: BTreeMap::new(),
            card_files: 0..0,
        }
    }

    /// Reads the top file with everything it stands on.
    pub(crate) fn top(&mut self, name: &Path) -> Table {
        let mut root = self.read(name, None).unwrap_or_default();
        let from = self.sources.len();
        self.cards = self.take_cards(&mut root);
        self.card_files = from..self.sources.len();
        root
    }

    /// What was read, with `root` joined of it.
    pub(crate) fn joined(self, root: Table) -> Joined {
        let Self { sources, folders, sound, cards, card_files, .. } = self;
        Joined { root, sources, folders, sound, cards, card_files }
    }

    /// Reads a file with what it extends and includes. `relative` starts at the top file's folder.
    fn read(&mut self, relative: &Path, asked_at: Option<Place>) -> Option<Table> {
        let own = self.text(relative, asked_at)?;
        let (mut table, _) = self.parse(&own);

        self.chain.push(relative.to_owned());
        let mut base = Table::default();
        for (path, place) in self.below(&mut table) {
            if let Some(relative) = self.allowed(relative, &path, place)
                && let Some(below) = self.read(&relative, Some(place))
            {
                merge::lay_over(&mut base, below);
            }
        }
        self.chain.pop();
        self.remove(&mut table, &mut base);
        merge::lay_over(&mut base, table);
        Some(base)
    }

    /// Parses the text that was registered last; the second value says whether its syntax is in order.
    pub(crate) fn parse(&mut self, text: &str) -> (Table, bool) {
        let (table, sound) = tree::parse(text, self.last_file(), &mut self.values, self.sink);
        self.sound &= sound;
        (table, sound)
    }

    /// Position of the text that was registered last.
    pub(crate) fn last_file(&self) -> usize {
        self.sources.len() - 1
    }

    /// Folder of the text at a place, relative to the top file's.
    pub(crate) fn folder_of(&self, place: Place) -> PathBuf {
        self.folders.get(place.file).cloned().unwrap_or_default()
    }

    /// Takes `extends` and `include` out of a table, in the order in which they are laid down.
    fn below(&mut self, table: &mut Table) -> Vec<(String, Place)> {
        let mut paths = Vec::new();
        if let Some(entry) = table.remove("extends") {
            self.below_path(&entry.node, "`extends`", &mut paths);
        }
        if let Some(entry) = table.remove("include") {
            match &entry.node.value {
                Value::List(items) if items.len() > INCLUDES_MAX => self.sink.add(
                    Problem::new(
                        "too-many",
                        entry.node.place,
                        format!("`include` has {} entries", items.len()),
                    )
                    .expected(format!("at most {INCLUDES_MAX}")),
                ),
                Value::List(items) => items
                    .iter()
                    .for_each(|item| self.below_path(item, "an item of `include`", &mut paths)),
                _ => self.sink.add(
                    Problem::new(
                        "wrong-type",
                        entry.node.place,
                        format!("`include` is {}", entry.node.type_words()),
                    )
                    .expected("a list of files, such as [\"features.toml\"]"),
                ),
            }
        }
        paths
    }

    fn below_path(&mut self, node: &Node, what: &str, paths: &mut Vec<(String, Place)>) {
        match node.text() {
            Some(text) => paths.push((text.to_owned(), node.place)),
            None => self.sink.add(
                Problem::new("wrong-type", node.place, format!("{what} is {}", node.type_words()))
                    .expected("the path of a file, relative to this one"),
            ),
        }
    }

    /// Returns the path from the top folder, where the file may be read at all.
    pub(crate) fn allowed(&mut self, from: &Path, path: &str, place: Place) -> Option<PathBuf> {
        let wanted = Path::new(path);
        let travels = LAYERS.iter().any(|scheme| path.starts_with(scheme));
        let is_relative = !wanted.is_absolute()
            && !path.contains('\\')
            && wanted.extension().is_some_and(|ending| ending == "toml");
        if travels {
            self.travelling(path, place)?;
        } else if !is_relative {
            self.sink.add(
                Problem::new(
                    "bad-path",
                    place,
                    format!("`{path}` cannot be read as a playbook file"),
                )
                .expected("a relative path with forward slashes that ends in .toml"),
            );
            return None;
        }
        let relative = match travels {
            true => wanted.to_owned(),
            false => tidy(&from.parent().unwrap_or(Path::new("")).join(wanted)),
        };
        if self.chain.contains(&relative) {
            let names: Vec<String> =
                self.chain.iter().map(|path| path.display().to_string()).collect();
            self.sink.add(
                Problem::new("include-loop", place, format!("`{path}` stands on itself"))
                    .expected("a file that does not lead back here")
                    .hint(format!("the way is {} -> {}", names.join(" -> "), relative.display())),
            );
            return None;
        }
        if self.chain.len() >= EXTENDS_DEPTH_MAX {
            self.sink.add(
                Problem::new("include-depth", place, "too many files stand on each other")
                    .expected(format!("at most {EXTENDS_DEPTH_MAX}")),
            );
            return None;
        }
        Some(relative)
    }

    /// Reports a file that would travel with the program, or be among those that are read, and is not; `None` then.
    fn travelling(&mut self, name: &str, place: Place) -> Option<()> {
        if self.files.shipped(name).is_ok() {
            return Some(());
        }
        let scheme = name.split(':').next().unwrap_or_default();
        self.sink.add_with(|| {
            let known: Vec<String> =
                shipped_files(scheme).map(|(name, _)| format!("{scheme}:{name}")).collect();
            Problem::new("cannot-read", place, format!("there is no `{name}`"))
                .expected(crate::spec::one_of(&known))
                .nearest(name, known.iter().map(String::as_str))
        });
        None
    }

    /// Reads the text of a file and registers it as a source text.
    pub(crate) fn text(&mut self, relative: &Path, asked_at: Option<Place>) -> Option<String> {
        let refuse = |reader: &mut Self, code, message: String, expected: Option<String>| {
            let problem = Problem::new(code, Place::default(), message);
            reader.sink.add(Problem { expected, place: asked_at, ..problem });
            None
        };
        let name = relative.display().to_string();
        // Files that are not there count too: asking for them costs as well.
        self.asked += 1;
        match self.asked {
            ..=FILES_MAX => {}
            FIRST_TOO_MANY => {
                return refuse(
                    self,
                    "too-many-files",
                    "too many files".to_owned(),
                    Some(format!("at most {FILES_MAX}")),
                );
            }
            _ => return None,
        }
        let read = if is_shipped(relative) {
            self.files.shipped(&name)
        } else {
            self.files.read(&self.folder.join(relative), FILE_BYTES_MAX)
        };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                let reason = match error.kind() {
                    io::ErrorKind::NotFound => "there is no such file".to_owned(),
                    io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                    _ => error.to_string(),
                };
                self.sound = false;
                return refuse(
                    self,
                    "cannot-read",
                    format!("cannot read `{name}`: {reason}"),
                    None,
                );
            }
        };
        self.bytes += bytes.len();
        self.sound = self.sound && bytes.len() <= FILE_BYTES_MAX && self.bytes <= FILES_BYTES_MAX;
        if bytes.len() > FILE_BYTES_MAX {
            return refuse(
                self,
                "file-too-large",
                format!("`{name}` is too large"),
                Some(format!("at most {FILE_BYTES_MAX} bytes")),
            );
        }
        if self.bytes > FILES_BYTES_MAX {
            return refuse(
                self,
                "file-too-large",
                "all files together are too large".to_owned(),
                Some(format!("at most {FILES_BYTES_MAX} bytes")),
            );
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let file = self.register(name, &text, relative);
                self.sound = false;
                self.sink.add(
                    Problem::new(
                        "not-utf8",
                        Place { file, start: at, len: '\u{fffd}'.len_utf8() },
                        "not UTF-8 from here",
                    )
                    .expected("a text file in UTF-8"),
                );
                return None;
            }
        };
        self.register(name, &text, relative);
        Some(text)
    }

    pub(crate) fn register(&mut self, name: String, text: &str, relative: &Path) -> usize {
        self.sources.push(SourceText { name, text: text.into() });
        self.folders.push(relative.parent().unwrap_or(Path::new("")).to_owned());
        self.sources.len() - 1
    }

    /// Takes what the file names under `remove` out of `base`.
    fn remove(&mut self, table: &mut Table, base: &mut Table) {
        let Some(entry) = table.remove("remove") else {
            return;
        };
        let Value::List(items) = &entry.node.value else {
            self.sink.add(
                Problem::new(
                    "wrong-type",
                    entry.node.place,
                    format!("`remove` is {}", entry.node.type_words()),
                )
                .expected("a list of dotted paths, such as [\"stage.churn-7d\"]"),
            );
            return;
        };
        self.removals += items.len();
        if self.removals > REMOVALS_MAX {
            self.sink.add(
                Problem::new("too-many", entry.node.place, "`remove` has too many entries")
                    .expected(format!("at most {REMOVALS_MAX} in all files")),
            );
            return;
        }
        for item in items {
            let path = item.text().unwrap_or_default();
            let gone = merge::split_path(path).is_some_and(|path| merge::remove(base, &path));
            if !gone && self.sound {
                self.sink.add_with(|| {
                    Problem::new(
                        "nothing-to-remove",
                        item.place,
                        format!("there is no `{path}` below this file"),
                    )
                    .expected("a dotted path that `extends` or `include` gives")
                    .nearest(path, merge::paths_of(base).iter().map(String::as_str))
                });
            }
        }
    }
}

/// Resolves `.` and `..` without asking the disk.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}
