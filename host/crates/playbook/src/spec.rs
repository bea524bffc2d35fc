//! How the description of the file's layout is written down: tables, keys and shapes of values.
//!
//! One description (in `layout`) drives the structural check, the JSON Schema and the reference page.

/// What a value may be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Any text of at most this many characters.
    Text(usize),
    /// Lower-case words joined by hyphens, at most 64 letters.
    Kebab,
    /// Lower-case letters, digits and underscores, at most 64.
    Snake,
    /// Name of a feature, or `stage.output`.
    Reference,
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// true or false.
    Flag,
    /// Whole number within bounds.
    Integer(i64, i64),
    /// Number within bounds.
    Real(f64, f64),
    /// "30d", "12h", "4w".
    Duration,
    /// "64MiB", or a number of bytes.
    Size,
    /// Decimal text in units of the currency.
    Money,
    /// Date, date with time, or RFC 3339.
    Instant,
    /// Text, or { en, zh }.
    Words,
    /// ISO 4217 code.
    Currency,
    /// IP address with a port.
    Address,
    /// Kind of events: one of the host's, or of the playbook's own.
    Event,
    /// Kinds and groups of events: comma-separated text, or a list.
    Events,
    /// Anything; the plugin checks it.
    Any,
    /// List with at most so many items.
    List(&'static Self, usize),
    /// Table with free keys.
    Map(&'static Self, &'static Self, usize),
    /// Table with known keys.
    Table(&'static TableSpec),
    /// One of several, told apart by their TOML type.
    Either(&'static [Self]),
}

/// A table with known keys.
#[derive(Debug)]
pub(crate) struct TableSpec {
    /// Header as it is written: `[playbook]`, `[[stage]]`, `[stage.limits]`.
    pub(crate) title: &'static str,
    /// Name among the definitions of the JSON Schema.
    pub(crate) id: &'static str,
    /// What it is for.
    pub(crate) about: &'static str,
    /// Its keys, in the order of the reference.
    pub(crate) keys: &'static [KeySpec],
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct KeySpec {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
    /// Default as a TOML value or in words; "" where there is none.
    pub(crate) default: &'static str,
    /// Unit of the value; "" where none applies.
    pub(crate) unit: &'static str,
    pub(crate) about: &'static str,
    /// A TOML value.
    pub(crate) example: &'static str,
}

impl KeySpec {
    /// A key without default and unit.
    pub(crate) const fn new(
        name: &'static str,
        shape: Shape,
        example: &'static str,
        about: &'static str,
    ) -> Self {
        Self { name, shape, required: false, default: "", unit: "", about, example }
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    pub(crate) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }
}

impl TableSpec {
    pub(crate) fn key(&self, name: &str) -> Option<&KeySpec> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Shape {
    /// What the shape accepts, in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Text(_) => "a text".to_owned(),
            Self::Kebab => {
                "a name of lower-case words joined by hyphens, like `cd-shop`".to_owned()
            }
            Self::Snake => {
                "a name of lower-case letters, digits and underscores, like `orders_365d`"
                    .to_owned()
            }
            Self::Reference => "the name of a feature, or `stage.output`".to_owned(),
            Self::Choice(names) => one_of(*names),
            Self::Flag => "true or false".to_owned(),
            Self::Integer(least, most) => match *most {
                i64::MAX => format!("a whole number, at least {least}"),
                most => format!("a whole number from {least} to {most}"),
            },
            Self::Real(least, most) => match (*least, *most) {
                (f64::MIN, _) | (_, f64::MAX) => "a number".to_owned(),
                (least, most) => format!("a number from {least} to {most}"),
            },
            Self::Duration => "a length of time like \"30d\", \"12h\" or \"4w\"".to_owned(),
            Self::Size => "a size like \"64MiB\", or a number of bytes".to_owned(),
            Self::Money => "an amount like \"1_000_000.00\" in units of the currency".to_owned(),
            Self::Instant => {
                "a date like 1998-07-01, or a time like 1998-07-01T00:00:00Z".to_owned()
            }
            Self::Words => "a text, or a table { en = \"...\", zh = \"...\" }".to_owned(),
            Self::Currency => "an ISO 4217 code in capitals, like CNY or USD".to_owned(),
            Self::Address => {
                "an IP address with a port, like \"127.0.0.1:8750\" or \"[::1]:8750\"".to_owned()
            }
            Self::Event => "a kind of events, like `order_paid`".to_owned(),
            Self::Events => {
                "kinds of events: a text like \"like,comment\", or a list of texts".to_owned()
            }
            Self::Any => "a value".to_owned(),
            Self::List(Self::Table(table), _) => format!("tables {}", table.title),
            Self::List(item, _) => format!("a list, each item {}", item.words()),
            Self::Map(_, value, _) => format!("a table whose values are {}", value.words()),
            Self::Table(table) if table.keys.len() <= 3 => {
                let keys: Vec<String> = table
                    .keys
                    .iter()
                    .map(|key| format!("{} = {}", key.name, key.example))
                    .collect();
                format!("a table such as {{ {} }}", keys.join(", "))
            }
            Self::Table(table) => format!("a table {}", table.title),
            Self::Either(shapes) => {
                let words: Vec<String> = shapes.iter().map(Self::words).collect();
                words.join(", or ")
            }
        }
    }
}

/// Names that a list in a message shows.
const SHOWN_NAMES_MAX: usize = 20;

/// Says `a`, or one of `a`, `b`, `c`; a long list is cut.
pub(crate) fn one_of<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match names.len() {
        0 => "nothing, because none is declared".to_owned(),
        1 => names[0].clone(),
        count if count > SHOWN_NAMES_MAX + 1 => {
            format!(
                "one of {} and {} more",
                names[..SHOWN_NAMES_MAX].join(", "),
                count - SHOWN_NAMES_MAX
            )
        }
        _ => format!("one of {}", names.join(", ")),
    }
}
