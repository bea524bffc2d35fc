//! The check of a tree against the layout: unknown and missing keys, types, bounds, formats.

use crate::problem::{Place, Problem, Sink, nearest};
use crate::secret::{has_password, is_secret_name};
use crate::spec::{Shape, TableSpec, one_of};
use crate::tree::{Node, Table, Value};
use crate::values;

/// Codes that a file with syntax errors may cause by what the parser had to leave out.
pub(crate) const OF_ABSENCE: &[&str] = &["missing-key"];

/// Checks a table against its description. `whole` is where a missing key is reported.
pub(crate) fn check_table(table: &Table, spec: &TableSpec, whole: Place, sink: &mut Sink) {
    // A misspelt key is one fault, not two: what it was meant to be is not reported as missing.
    let mut meant: Vec<&str> = Vec::new();
    for entry in &table.entries {
        match spec.key(&entry.key) {
            Some(key) => check(&entry.node, &key.shape, &format!("`{}`", key.name), sink),
            None if is_secret_name(&entry.key) => {
                let what = format!("`{}` in {}", entry.key, spec.title);
                sink.add(Problem::secret(entry.node.place, &what, instead_of_secret(spec)));
            }
            None => sink.add_with(|| {
                let names = spec.keys.iter().map(|key| key.name);
                meant.extend(nearest(&entry.key, names.clone()));
                Problem::new(
                    "unknown-key",
                    entry.key_place,
                    format!("unknown key `{}` in {}", entry.key, spec.title),
                )
                .expected(one_of(names.clone()))
                .nearest(&entry.key, names)
            }),
        }
    }
    for key in spec
        .keys
        .iter()
        .filter(|key| key.required && table.get(key.name).is_none() && !meant.contains(&key.name))
    {
        let place = Place { len: whole.len.min(80), ..whole };
        sink.add_with(|| {
            Problem::new(
                "missing-key",
                place,
                format!("`{}` is missing in {}", key.name, spec.title),
            )
            .expected(key.shape.words())
            .hint(format!("for example {}", example(spec, key.name, key.example)))
        });
    }
}

/// Where a secret is said instead.
fn instead_of_secret(spec: &TableSpec) -> &'static str {
    match spec.id {
        "connection" => {
            "the name of an environment variable or a file with it: `password_env`, `password_file`, `secret_env` ..."
        }
        "host" | "listen" | "service_limits" | "rate" | "kept" | "served" | "log" => {
            "nothing: the service makes the keys of its clients, and a private key stays in the file that `tls_key` names"
        }
        "webhook" => {
            "the name of an environment variable or a file with it: `secret_env`, `secret_file`"
        }
        _ => "`connection`, the name of one that the host has; the host knows its secrets",
    }
}

fn example(spec: &TableSpec, name: &str, example: &str) -> String {
    match (spec.id, name) {
        ("file", "source") => "[[source]] with `name`, `table`, `path` and `map`".to_owned(),
        ("file", _) => format!("[{name}]"),
        _ => format!("{name} = {example}"),
    }
}

/// Checks a value against its shape.
fn check(node: &Node, shape: &Shape, what: &str, sink: &mut Sink) {
    if let Value::Text(text) = &node.value
        && has_password(text)
    {
        sink.add(Problem::secret(node.place, what, "a name or an address without a password"));
        return;
    }
    match (shape, &node.value) {
        (Shape::Any, _) | (_, Value::Unreadable) | (Shape::Flag, Value::Flag(_)) => {}
        (Shape::Text(chars_max), Value::Text(text)) => {
            if text.chars().count() > *chars_max {
                sink.add(
                    Problem::new("long-text", node.place, format!("{what} is too long"))
                        .expected(format!("at most {chars_max} characters")),
                );
            }
        }
        (Shape::Kebab, Value::Text(text)) => {
            named(values::is_kebab(text), "bad-name", node, shape, what, sink)
        }
        // Which kinds there are the reading knows, for a playbook has kinds of its own.
        (Shape::Snake | Shape::Event, Value::Text(text)) => {
            named(values::is_snake(text), "bad-name", node, shape, what, sink)
        }
        (Shape::Reference, Value::Text(text)) => {
            named(values::is_reference(text), "bad-reference", node, shape, what, sink)
        }
        (Shape::Choice(names), Value::Text(text)) => {
            if !names.contains(&text.as_str()) {
                sink.add(
                    Problem::new("bad-choice", node.place, format!("{what} cannot be `{text}`"))
                        .expected(shape.words())
                        .nearest(text, names.iter().copied()),
                );
            }
        }
        (Shape::Integer(least, most), Value::Integer(number)) => {
            if number < least || number > most {
                out_of_range(node, &number.to_string(), shape, what, sink);
            }
        }
        (Shape::Real(least, most), Value::Real(_) | Value::Integer(_)) => {
            let number = node.real().unwrap_or_default();
            if number < *least || number > *most {
                let problem = range_problem(node, &number.to_string(), shape, what);
                let percent = *most == 1.0 && number > 1.0 && number <= 100.0;
                sink.add(if percent {
                    problem.hint(format!("shares are fractions: did you mean {}?", number / 100.0))
                } else {
                    problem
                });
            }
        }
        (Shape::Duration, Value::Text(text)) => {
            let fine = values::duration_ms(text).is_some();
            named(fine, "bad-duration", node, shape, what, sink);
        }
        (Shape::Size, Value::Text(text)) => {
            named(values::size_bytes(text).is_some(), "bad-size", node, shape, what, sink)
        }
        (Shape::Size, Value::Integer(number)) if *number >= 0 => {}
        (Shape::Address, Value::Text(text)) => {
            named(values::address(text).is_some(), "bad-address", node, shape, what, sink)
        }
        // Money needs the currency's digits and an instant the zone; both are read later.
        (Shape::Money | Shape::Instant, Value::Text(_)) | (Shape::Instant, Value::Time(_)) => {}
        (Shape::Words | Shape::Currency | Shape::Events, Value::Text(_)) => {
            check(node, &Shape::Text(1_024), what, sink)
        }
        (Shape::Events, Value::List(items)) => {
            check_list(items, &Shape::Text(64), 256, node, what, sink)
        }
        (Shape::Words, Value::Table(table)) => check_words(table, node, what, sink),
        (Shape::List(item, count_max), Value::List(items)) => {
            check_list(items, item, *count_max, node, what, sink)
        }
        (Shape::Map(names, value, count_max), Value::Table(table)) => {
            check_map(table, names, value, *count_max, node, what, sink);
        }
        (Shape::Table(spec), Value::Table(table)) => check_table(table, spec, node.place, sink),
        (Shape::Either(shapes), _) => match shapes.iter().find(|shape| takes(shape, &node.value)) {
            Some(shape) => check(node, shape, what, sink),
            None => wrong_type(node, shape, what, sink),
        },
        _ => wrong_type(node, shape, what, sink),
    }
}

/// Whether a value of this TOML type can be of this shape at all.
fn takes(shape: &Shape, value: &Value) -> bool {
    match value {
        Value::Text(_) => !matches!(
            shape,
            Shape::Flag
                | Shape::Integer(..)
                | Shape::Real(..)
                | Shape::List(..)
                | Shape::Map(..)
                | Shape::Table(_)
        ),
        Value::Integer(_) => {
            matches!(shape, Shape::Integer(..) | Shape::Real(..) | Shape::Size | Shape::Any)
        }
        Value::Real(_) => matches!(shape, Shape::Real(..) | Shape::Any),
        Value::Flag(_) => matches!(shape, Shape::Flag | Shape::Any),
        Value::Time(_) => matches!(shape, Shape::Instant | Shape::Any),
        Value::List(_) => matches!(shape, Shape::List(..) | Shape::Events | Shape::Any),
        Value::Unreadable => true,
        Value::Table(_) => {
            matches!(shape, Shape::Map(..) | Shape::Table(_) | Shape::Words | Shape::Any)
        }
    }
}

fn named(fine: bool, code: &'static str, node: &Node, shape: &Shape, what: &str, sink: &mut Sink) {
    if !fine {
        let text = node.text().unwrap_or_default();
        sink.add(
            Problem::new(code, node.place, format!("{what} cannot be `{text}`"))
                .expected(shape.words()),
        );
    }
}

fn wrong_type(node: &Node, shape: &Shape, what: &str, sink: &mut Sink) {
    let problem =
        Problem::new("wrong-type", node.place, format!("{what} is {}", node.type_words()))
            .expected(shape.words());
    let hint = match (&node.value, shape) {
        (Value::Text(text), Shape::Integer(..) | Shape::Real(..))
            if text.trim().parse::<f64>().is_ok() =>
        {
            Some("numbers stand without quotes")
        }
        (Value::Text(text), Shape::Flag) if text == "true" || text == "false" => {
            Some("true and false stand without quotes")
        }
        (Value::Integer(_), Shape::Duration) => Some("add a unit in quotes: \"30d\""),
        (Value::Table(_), Shape::List(Shape::Table(_), _)) => {
            Some("double the brackets of the header: `[[...]]`")
        }
        (Value::List(_), Shape::Table(_)) => {
            Some("this table stands once, in single brackets: `[...]`")
        }
        _ => None,
    };
    sink.add(match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    });
}

fn range_problem(node: &Node, number: &str, shape: &Shape, what: &str) -> Problem {
    Problem::new("out-of-range", node.place, format!("{what} cannot be {number}"))
        .expected(shape.words())
}

fn out_of_range(node: &Node, number: &str, shape: &Shape, what: &str, sink: &mut Sink) {
    sink.add(range_problem(node, number, shape, what));
}

fn check_words(table: &Table, node: &Node, what: &str, sink: &mut Sink) {
    for entry in &table.entries {
        if !["en", "zh"].contains(&entry.key.as_str()) {
            sink.add(
                Problem::new(
                    "unknown-key",
                    entry.key_place,
                    format!("unknown language `{}` in {what}", entry.key),
                )
                .expected("one of `en`, `zh`"),
            );
        } else {
            check(&entry.node, &Shape::Text(1_024), &format!("`{}` of {what}", entry.key), sink);
        }
    }
    if table.get("en").is_none() {
        sink.add(
            Problem::new("missing-key", node.place, format!("`en` is missing in {what}"))
                .expected("a text in English"),
        );
    }
}

fn check_list(
    items: &[Node],
    item: &Shape,
    count_max: usize,
    node: &Node,
    what: &str,
    sink: &mut Sink,
) {
    if items.len() > count_max {
        too_many(items.len(), count_max, node, what, sink);
        return;
    }
    for node in items {
        let what = if matches!(item, Shape::Table(_)) {
            what.to_owned()
        } else {
            format!("an item of {what}")
        };
        check(node, item, &what, sink);
    }
}

fn check_map(
    table: &Table,
    names: &Shape,
    value: &Shape,
    count_max: usize,
    node: &Node,
    what: &str,
    sink: &mut Sink,
) {
    if table.entries.len() > count_max {
        too_many(table.entries.len(), count_max, node, what, sink);
        return;
    }
    for entry in &table.entries {
        let fine = match names {
            Shape::Snake => values::is_snake(&entry.key),
            Shape::Kebab => values::is_kebab(&entry.key),
            _ => true,
        };
        if !fine {
            sink.add(
                Problem::new(
                    "bad-name",
                    entry.key_place,
                    format!("`{}` is no name for a key of {what}", entry.key),
                )
                .expected(names.words()),
            );
        }
        check(&entry.node, value, &format!("`{}`", entry.key), sink);
    }
}

fn too_many(count: usize, count_max: usize, node: &Node, what: &str, sink: &mut Sink) {
    sink.add(
        Problem::new(
            "too-many",
            Place { len: node.place.len.min(80), ..node.place },
            format!("{what} has {count} entries"),
        )
        .expected(format!("at most {count_max}")),
    );
}
