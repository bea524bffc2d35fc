//! Where the rows of a source are: in files, objects or a database; and where results are delivered.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use playbook_model::{Asked, Container, Delivered, DeliveryDef, Origin, SourceFormat};

use super::Reading;
use crate::merge::entry_name;
use crate::problem::{Place, Problem};
use crate::tree::{Entry, Node, Table};
use crate::values::is_relation;

/// What a reader of a source's rows needs to know before it looks at a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Nothing,
    Relation,
    Query,
}

/// Rows of a source or lookup: where they are, and how they are read.
pub(super) struct Rows {
    pub(super) origin: Origin,
    pub(super) container: Container,
    pub(super) format: SourceFormat,
}

impl Reading<'_> {
    /// Where the rows of an entry of `[[source]]` or `[[lookup]]`, which is its `list`, are before a run takes them, and how
    /// they are read.
    pub(super) fn rows(&mut self, table: &Table, list: &str, whole: Place) -> Option<Rows> {
        let ending = ending(table.text("path").unwrap_or_default());
        let origin = self.origin(table, list, &ending, whole)?;
        let container = self.container(table, &ending, whole)?;
        let is_taken = container != Container::Rows || matches!(origin, Origin::Database(..));
        let format = if is_taken { self.taken(table) } else { self.format(table, &ending)? };
        Some(Rows { origin, container, format })
    }

    fn origin(&mut self, table: &Table, list: &str, ending: &str, whole: Place) -> Option<Origin> {
        let connection = table.text("connection").map(str::to_owned);
        let asks = match (table.get("from"), table.get("query")) {
            (None, None) => Asks::Nothing,
            (_, Some(_)) => Asks::Query,
            (Some(_), None) => Asks::Relation,
        };
        if let (Some(from), Some(query)) = (table.entry("from"), table.entry("query")) {
            self.add(
                Problem::new(
                    "conflicting-keys",
                    query.key_place,
                    "`query` and `from` both say what is read",
                )
                .expected("one of them")
                .related(from.key_place, "the other one"),
            );
        }
        let is_sqlite = is_sqlite(table, ending);
        match (connection, table.entry("path")) {
            (Some(connection), None) if asks != Asks::Nothing => {
                for key in ["format", "sheet"] {
                    if let Some(entry) = table.entry(key) {
                        self.needless(entry, "what a database answers are rows");
                    }
                }
                Some(Origin::Database(connection, self.asked(table)?))
            }
            (None, None) if asks != Asks::Nothing => {
                let problem = Problem::new(
                    "missing-key",
                    whole,
                    "nothing says which database is asked",
                )
                .expected(
                    "`connection`, the name of one that the host has, or `path` to a SQLite file",
                )
                .hint("for example connection = \"warehouse\"");
                self.add(problem);
                None
            }
            (_, None) => {
                self.add(
                    Problem::new("missing-key", whole, format!("`path` is missing in [[{list}]]"))
                        .expected("a file or pattern; or `connection` with `from` or `query`")
                        .hint("for example path = \"orders/*.csv\""),
                );
                None
            }
            (connection, Some(path)) => {
                if asks != Asks::Nothing && !is_sqlite {
                    let key = if asks == Asks::Query { "query" } else { "from" };
                    self.asked_of_files(table.entry(key)?, path);
                }
                Some(connection.map_or(Origin::Files, Origin::Objects))
            }
        }
    }

    fn asked_of_files(&mut self, asked: &Entry, path: &Entry) {
        self.add(
            Problem::new(
                "conflicting-keys",
                asked.key_place,
                format!("`{}` asks a database, and `path` names files", asked.key),
            )
            .expected("one of them, or `format = \"sqlite\"`")
            .related(path.key_place, "the files"),
        );
    }

    /// What the files of a source are.
    fn container(&mut self, table: &Table, ending: &str, whole: Place) -> Option<Container> {
        if table.get("path").is_none() {
            return Some(Container::Rows);
        }
        let is_excel = match table.text("format") {
            Some(format) => format == "excel",
            None => matches!(ending, "xlsx" | "xlsm"),
        };
        if let Some(entry) = table.entry("sheet").filter(|_| !is_excel) {
            self.needless(entry, "only Excel workbooks have sheets");
        }
        if is_excel {
            return Some(Container::Excel(table.text("sheet").map(str::to_owned)));
        }
        if !is_sqlite(table, ending) {
            return Some(Container::Rows);
        }
        match self.asked(table) {
            Some(asked) => Some(Container::Sqlite(asked)),
            None => {
                if table.get("from").is_none() && table.get("query").is_none() {
                    self.add(
                        Problem::new(
                            "missing-key",
                            whole,
                            "nothing says what is read of the SQLite files",
                        )
                        .expected("`from`, a table or view, or `query`")
                        .hint("for example from = \"orders\""),
                    );
                }
                None
            }
        }
    }

    fn asked(&mut self, table: &Table) -> Option<Asked> {
        if let Some(query) = table.text("query") {
            return Some(Asked::Query(query.to_owned()));
        }
        let node = table.get("from")?;
        self.relation(node, "from").map(Asked::Relation)
    }

    /// The name of a table of a database.
    fn relation(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = node.text()?;
        if is_relation(text) {
            return Some(text.to_owned());
        }
        self.add(
            Problem::new("bad-relation", node.place, format!("`{key}` cannot be `{text}`"))
                .expected("the name of a table, its schema before a dot, like `shop.orders`"),
        );
        None
    }

    /// The tables that go to where people work.
    pub(super) fn deliveries(&mut self, output: &Table) -> Vec<DeliveryDef> {
        let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
        let mut deliveries = Vec::new();
        for node in output.list("deliver") {
            let Some(table) = node.table() else { continue };
            let Some(name) = table.text("name") else { continue };
            if let Some(first) = seen.insert(name, node.place) {
                self.add(
                    Problem::new(
                        "duplicate-name",
                        node.place,
                        format!("there are two deliveries `{name}`"),
                    )
                    .expected("a name of its own for each delivery")
                    .related(first, "the first one"),
                );
            }
            deliveries.extend(self.delivery(name, table, node.place));
        }
        deliveries
    }

    fn delivery(&mut self, name: &str, table: &Table, whole: Place) -> Option<DeliveryDef> {
        let what = match table.text("what")? {
            "segments" => Delivered::Segments(self.delivered_stage(table, whole)?),
            _ => {
                if let Some(entry) = table.entry("stage") {
                    self.undelivered(entry, "grants come of all stages");
                }
                Delivered::Grants
            }
        };
        let connection = table.text("connection").map(str::to_owned);
        match (&connection, table.entry("to")) {
            (Some(_), None) => self.add(
                Problem::new("missing-key", whole, "`to` is missing in [[output.deliver]]")
                    .expected("a table of the database, or the path of an object")
                    .hint("for example to = \"marketing.segments\""),
            ),
            (None, Some(entry)) => self.undelivered(entry, "without a connection nothing leaves"),
            _ => {}
        }
        let to = table.text("to").unwrap_or_default().to_owned();
        Some(DeliveryDef { name: name.to_owned(), what, connection, to })
    }

    fn undelivered(&mut self, entry: &Entry, why: &str) {
        self.add(
            Problem::new(
                "needless-key",
                entry.key_place,
                format!("`{}` has no effect here: {why}", entry.key),
            )
            .expected("a delivery without it"),
        );
    }

    fn delivered_stage(&mut self, table: &Table, whole: Place) -> Option<String> {
        let stages = self.root.list("stage").iter().filter_map(Node::table);
        let stages: Vec<String> = stages
            .filter(|stage| stage.text("kind") == Some("segmentation"))
            .filter_map(entry_name)
            .collect();
        match (table.get("stage"), stages.first()) {
            (Some(node), _) => {
                let name = node.text()?;
                if !stages.iter().any(|known| known == name) {
                    self.add(
                        Problem::new(
                            "unknown-stage",
                            node.place,
                            format!("there is no segmentation stage `{name}`"),
                        )
                        .expected(crate::spec::one_of(&stages))
                        .nearest(name, stages.iter().map(String::as_str)),
                    );
                }
                Some(name.to_owned())
            }
            (None, Some(first)) => Some(first.clone()),
            (None, None) => {
                self.add(
                    Problem::new("unknown-stage", whole, "no stage makes segments")
                        .expected("a stage of kind `segmentation`"),
                );
                None
            }
        }
    }
}

fn is_sqlite(table: &Table, ending: &str) -> bool {
    match table.text("format") {
        Some(format) => format == "sqlite",
        None => matches!(ending, "sqlite" | "sqlite3" | "db"),
    }
}

/// The ending of a path; of what is packed that of its format, which stands before that of the packing.
fn ending(path: &str) -> String {
    let path = Path::new(path);
    let of = |path: &Path| path.extension().and_then(OsStr::to_str).map(str::to_owned);
    let ending = match of(path).as_deref() {
        Some("gz" | "zst") => path.file_stem().map(Path::new).and_then(of),
        _ => of(path),
    };
    ending.unwrap_or_default()
}
