//! The codes of problems, each with what it says.

/// All codes with what they say, sorted; a code never changes its meaning.
pub const CODES: &[(&str, &str)] = &[
    (
        "bad-choice",
        "A value outside the closed list that the key has.",
    ),
    (
        "bad-delimiter",
        "A delimiter that is not one ASCII character.",
    ),
    ("bad-duration", "A length of time that cannot be read."),
    (
        "bad-expression",
        "An expression that cannot be an SQL scalar expression over features.",
    ),
    (
        "bad-money",
        "An amount that cannot be read, or has more decimals than the currency.",
    ),
    ("bad-name", "A name with other letters than names may have."),
    (
        "bad-path",
        "A path that is refused: of a file outside what may be read, or no dotted path.",
    ),
    (
        "bad-plugin",
        "A plugin reference that is neither a name nor a component file.",
    ),
    (
        "bad-reference",
        "A reference that is neither a feature nor `stage.output`.",
    ),
    ("bad-setting", "A setting that the plugin itself refuses."),
    ("bad-size", "A size in bytes that cannot be read."),
    ("bad-time", "A date or time that cannot be read."),
    (
        "bad-time-format",
        "A format of times with unknown directives, or without a date.",
    ),
    (
        "bad-unit",
        "A unit that is neither a known word nor a number above 0.",
    ),
    ("bad-version", "A version requirement that cannot be read."),
    ("cannot-read", "A file that is not there or cannot be read."),
    ("conflicting-keys", "Two keys that exclude each other."),
    ("duplicate-name", "A name that is used twice."),
    ("empty-window", "A window that ends before it starts."),
    ("feature-loop", "Expressions that lead back to themselves."),
    (
        "file-too-large",
        "A file, or all files together, over the bound.",
    ),
    ("include-depth", "Too many files that stand on each other."),
    ("include-loop", "A file that stands on itself."),
    ("long-key", "A key over the bound."),
    ("long-text", "A text over the bound."),
    (
        "loosened-guardrail",
        "A value looser than the host's guardrails.",
    ),
    ("missing-key", "A key that must be there."),
    (
        "missing-mapping",
        "A field that the table needs and the mapping does not fill.",
    ),
    ("needless-key", "A key that has no effect where it stands."),
    ("not-finite", "An infinity, or no number."),
    ("not-utf8", "Bytes that are no UTF-8 text."),
    (
        "nothing-to-remove",
        "A path under `remove` that the files below do not have.",
    ),
    ("number-range", "A whole number beyond 64 bits."),
    ("out-of-range", "A number outside the bounds of its key."),
    ("over-ceiling", "A limit over the host's ceiling."),
    ("pools-sum", "Pools whose shares do not sum to 1."),
    (
        "subject-mismatch",
        "An expression over features of another subject.",
    ),
    ("syntax", "Text that is no TOML."),
    ("too-deep", "Tables and lists nested too deeply."),
    ("too-many", "More entries than a list or table may have."),
    ("too-many-files", "More files than a playbook may have."),
    ("too-many-values", "More values than a file may have."),
    (
        "type-mismatch",
        "A type that does not fit the field, or arithmetic on texts.",
    ),
    (
        "unknown-column",
        "A source field that is not among the columns.",
    ),
    ("unknown-currency", "A code that is no ISO 4217 currency."),
    (
        "unknown-event",
        "A kind of event that the host does not know.",
    ),
    ("unknown-feature", "A feature that is not declared."),
    ("unknown-field", "A field that the table does not have."),
    ("unknown-key", "A key that the table does not have."),
    ("unknown-path", "An override at a path that does not exist."),
    ("unknown-pool", "A pool that the budget does not have."),
    ("unknown-stage", "A stage that does not exist."),
    (
        "unknown-stage-name",
        "A participation stage that does not exist.",
    ),
    (
        "unknown-subject",
        "A subject that the rows cannot be grouped by.",
    ),
    ("unknown-time-zone", "A name that is no IANA time zone."),
    ("wrong-type", "A value of another type than the key has."),
];
