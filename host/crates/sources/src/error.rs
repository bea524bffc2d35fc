//! Why data cannot be taken, or results not delivered.

use std::error::Error as StdError;

use playbook_files::FileError;

/// What taking or delivering comes to.
pub type Result<T, E = SourcesError> = std::result::Result<T, E>;

/// What another program or library said.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

/// Why data cannot be taken, or results not delivered. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourcesError {
    /// The program was built without what is asked for.
    #[error(
        "this program was built without {what}: take the released one, or build it with `--features {feature}`"
    )]
    NotBuilt {
        /// What is missing.
        what: &'static str,
        /// The feature of the program.
        feature: &'static str,
    },
    /// A connection of another kind than the source or delivery needs.
    #[error("connection `{connection}` is {is}, which needs {needs}")]
    Kind {
        /// The connection.
        connection: String,
        /// What it is.
        is: &'static str,
        /// What would fit it.
        needs: &'static str,
    },
    /// A connection that only gives.
    #[error(
        "results may not be delivered over connection `{connection}`: the platform team allows it with `deliver = true`"
    )]
    NoDelivery {
        /// The connection.
        connection: String,
    },
    /// A secret that is not where the connection says.
    #[error("connection `{connection}`: {what}")]
    Secret {
        /// The connection.
        connection: String,
        /// What is not there.
        what: String,
    },
    /// Certificates that cannot be used.
    #[error("connection `{connection}`: the certificates of {from} cannot be used")]
    Certificates {
        /// The connection.
        connection: String,
        /// The file, or the system.
        from: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A server that does not let the host in.
    #[error("connection `{connection}`: {server} does not let the host in")]
    Connect {
        /// The connection.
        connection: String,
        /// Kind and address of the server.
        server: String,
        /// What it said.
        #[source]
        source: Cause,
    },
    /// A server that is silent or slow.
    #[error(
        "connection `{connection}`: {doing} took more than {seconds} s; the connection's `{key}` is the bound"
    )]
    TimedOut {
        /// The connection.
        connection: String,
        /// What was going on.
        doing: String,
        /// The bound.
        seconds: u64,
        /// Key of the bound.
        key: &'static str,
    },
    /// What was asked is refused, or the answer breaks off.
    #[error("{doing} over connection `{connection}` failed")]
    Answer {
        /// The connection.
        connection: String,
        /// What was going on.
        doing: String,
        /// What the server said.
        #[source]
        source: Cause,
    },
    /// A fault of one source among several.
    #[error("source `{name}`")]
    OfSource {
        /// The source.
        name: String,
        /// Its fault.
        #[source]
        fault: Box<Self>,
    },
    /// More than one source may give.
    #[error(
        "it gives more than {bytes_max} bytes, which is the bound; ask for fewer rows or columns, or let the platform team raise `bytes`"
    )]
    TooLarge {
        /// The bound.
        bytes_max: u64,
    },
    /// Two columns of one name.
    #[error("what is asked has two columns `{column}`; give each a name of its own with `as`")]
    ColumnTwice {
        /// The name.
        column: String,
    },
    /// A value that no column of the host holds.
    #[error("column `{column}` holds {what}; {hint}")]
    Value {
        /// The column.
        column: String,
        /// What it holds.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// A table that no delivery goes to.
    #[error("table `{table}` of connection `{connection}` takes no delivery: {why}")]
    Target {
        /// The connection.
        connection: String,
        /// The table.
        table: String,
        /// Why not, and what to do.
        why: String,
    },
    /// No object.
    #[error("there is no object `{path}` in {place}")]
    NoObject {
        /// Path or pattern.
        path: String,
        /// Address of the place.
        place: String,
    },
    /// More objects than a source may have.
    #[error("`{path}` names more than {max} objects; name fewer")]
    TooManyObjects {
        /// The pattern.
        path: String,
        /// The bound.
        max: usize,
    },
    /// A path that leads nowhere, or out of the connection's place.
    #[error("`{path}` is no path below {place}: {why}")]
    Path {
        /// The path.
        path: String,
        /// Address of the place.
        place: String,
        /// Why not.
        why: String,
    },
    /// A file that is not what it should be.
    #[error("`{path}`: {what}")]
    Contents {
        /// The file.
        path: String,
        /// What is wrong, and what to do.
        what: String,
        /// What the reader says.
        #[source]
        source: Option<Cause>,
    },
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The columnar file cannot be written.
    #[error("what was taken cannot be written")]
    Columns(#[source] Cause),
    /// A webhook that cannot be used.
    #[error("the webhook of brand `{brand}`: {what}")]
    Webhook {
        /// The brand.
        brand: String,
        /// What is wrong, and what to do.
        what: String,
        /// What was said.
        #[source]
        source: Option<Cause>,
    },
    /// Work was asked to stop.
    #[error("stopped")]
    Cancelled,
}

/// Letters of what a server said that are told: web servers answer with whole pages.
#[cfg(any(
    feature = "postgres",
    feature = "mysql",
    feature = "object-store",
    feature = "webhooks"
))]
const SAID_LETTERS_MAX: usize = 800;

/// What a server or the way to it said, with its reasons: on one line, and no longer than anybody reads.
#[cfg(any(
    feature = "postgres",
    feature = "mysql",
    feature = "object-store",
    feature = "webhooks"
))]
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

/// Returns what a library says of a server's answer, bounded and on one line.
#[cfg(any(
    feature = "postgres",
    feature = "mysql",
    feature = "object-store",
    feature = "webhooks"
))]
pub(crate) fn said(error: &(dyn StdError + 'static)) -> Cause {
    let mut words = String::new();
    let mut next = Some(error);
    while let Some(reason) = next {
        let text = reason.to_string();
        // Some libraries repeat their cause in their own words.
        if !words.contains(&text) {
            if !words.is_empty() {
                words.push_str(": ");
            }
            words.push_str(&text);
        }
        next = reason.source();
    }
    if let Some((end, _)) = words.char_indices().nth(SAID_LETTERS_MAX) {
        let left = words[end..].chars().count();
        words.truncate(end);
        words.push_str(&format!("… and {left} more letters"));
    }
    Said(playbook_model::one_line(&words).into_owned()).into()
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
impl SourcesError {
    /// Names the source that the fault is of.
    pub(crate) fn of(self, source: &str) -> Self {
        Self::OfSource { name: source.to_owned(), fault: Box::new(self) }
    }
}

#[cfg(all(
    test,
    any(feature = "postgres", feature = "mysql", feature = "object-store", feature = "webhooks")
))]
mod tests {
    use super::{SAID_LETTERS_MAX, said};

    #[test]
    fn what_a_server_says_is_bounded_and_steers_nothing() {
        let page = format!("502\r\n\u{1b}[31m{}", "頁".repeat(1 << 20));
        let told = said(&std::io::Error::other(page)).to_string();
        assert!(told.starts_with("502\\r\\n\\u{1b}[31m頁"), "{}", &told[..40]);
        assert!(told.ends_with("… and 1047786 more letters"), "{}", &told[told.len() - 60..]);
        assert!(told.chars().count() < SAID_LETTERS_MAX + 60 && !told.contains(['\n', '\u{1b}']));
        assert_eq!(said(&std::io::Error::other("short")).to_string(), "short");
    }
}
