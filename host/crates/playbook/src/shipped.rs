//! Files that travel with the program: `preset:NAME`, `catalogue:NAME`, `card:NAME`, and pages of models, `page:NAME`.

use std::io;
use std::path::Path;
use std::sync::OnceLock;

use playbook_model::{FeatureDef, Limits};

use crate::files::ReadFiles;
use crate::load::load_with;

/// Files by their names, in order of names.
pub type Files = &'static [(&'static str, &'static str)];

/// What the program brought along; it says so once, before it reads a playbook.
static SHIPPED: OnceLock<Files> = OnceLock::new();

/// Says which files travel with the program, in order of their names; only the first call counts.
pub fn ship(files: Files) {
    let _ = SHIPPED.set(files);
}

fn all() -> Files {
    SHIPPED.get().copied().unwrap_or_default()
}

/// Schemes that playbook files may name in `extends` and `include`.
pub(crate) const LAYERS: [&str; 2] = ["preset:", "catalogue:"];

/// Scheme of cards.
pub(crate) const CARDS: &str = "card:";

/// The text of a file that travels with the program, by a name such as `preset:beauty`.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static str> {
    let files = all();
    let at = files.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    Some(files[at].1)
}

/// Names and texts of the files of one scheme, `preset`, `catalogue`, `card` or `page`; names without it.
pub fn shipped_files(scheme: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    all().iter().filter_map(move |(name, text)| {
        let name = name.strip_prefix(scheme)?.strip_prefix(':')?;
        Some((name, *text))
    })
}

/// Whether a path is the name of a file that travels with the program.
pub(crate) fn is_shipped(path: &Path) -> bool {
    let text = path.to_str().unwrap_or_default();
    LAYERS.iter().chain([&CARDS]).any(|scheme| text.starts_with(scheme))
}

/// A playbook with a source of every table and the program's catalogue, and nothing else.
#[derive(Debug)]
struct Whole;

impl ReadFiles for Whole {
    fn read(&self, _: &Path, _: usize) -> io::Result<Vec<u8>> {
        Ok(WHOLE.as_bytes().to_vec())
    }
}

const WHOLE: &str = r#"
include = ["catalogue:standard"]
playbook = { id = "all", brand = "all", currency = "CNY", time_zone = "UTC" }

[[source]]
name = "members"
table = "members"
path = "members.csv"
map = { member = "member", joined = "joined", region = "region", age_band = "age_band", community = "community", channel = "channel", attr_followers = { from = "followers", type = "integer" } }

[[source]]
name = "events"
table = "events"
path = "events.csv"
map = { member = "member", kind = "kind", time = "time", amount_minor = "amount", cost_of_goods_minor = "goods", channel = "channel", community = "community", campaign = "campaign", topic = "topic", object = "object", severity = "severity", sentiment = "sentiment", value = "value" }

[[source]]
name = "costs"
table = "costs"
path = "costs.csv"
map = { day = "day", amount_minor = "amount", channel = "channel", delivered = "delivered", complaints = "complaints" }

[[source]]
name = "entries"
table = "entries"
path = "entries.csv"
map = { day = "day", subject = "subject", key = "key", metric = "metric", value = "value" }
"#;

/// The features of the program's catalogue that need no stage, each with what it is, in order of their subjects and names.
#[must_use]
pub fn standard_catalogue() -> Vec<(FeatureDef, String)> {
    let loaded = load_with(Path::new("all.toml"), &[], &Limits::ceiling(), &Whole);
    let Ok(loaded) = loaded else { return Vec::new() };
    let about = |name: &str| {
        let said = loaded.said(&format!("catalogue.{name}"));
        let about = said.into_iter().find(|(path, _)| path.ends_with(".about"));
        about.map(|(_, text)| text.trim_matches('"').to_owned()).unwrap_or_default()
    };
    let features = loaded.playbook.features.iter();
    let mut all: Vec<_> = features.map(|f| (f.clone(), about(&f.name))).collect();
    all.sort_by(|(a, _), (b, _)| (&a.subject.0, &a.name).cmp(&(&b.subject.0, &b.name)));
    all
}
