//! Type checking: the syntax tree becomes a typed one. There is an enum of operations per type, so that no operation
//! can meet a value of another type when it is evaluated.

use std::ops::Range;

use playbook_model::{CellType, NumberMarks};

use super::parse::{Arithmetic, Comparison, Kind, Node, What};
use super::place::ExpressionError;

/// Operations that give integers.
#[derive(Debug, Clone)]
pub(super) enum Integers {
    Column(usize),
    Constant(i64),
    Missing,
    Arithmetic(Arithmetic, Box<Self>, Box<Self>),
    /// A real without its fraction.
    OfReal(Box<Reals>),
    /// 1 or 0.
    OfFlag(Box<Flags>),
    OfText(Box<Texts>),
    Any(Box<Any<Self>>),
}

/// Operations that give reals.
#[derive(Debug, Clone)]
pub(super) enum Reals {
    Column(usize),
    /// The number that a text of a column writes.
    Written(usize, NumberMarks),
    Constant(f64),
    Missing,
    Arithmetic(Arithmetic, Box<Self>, Box<Self>),
    OfInteger(Box<Integers>),
    OfText(Box<Texts>),
    Function(fn(f64) -> f64, Box<Self>),
    Any(Box<Any<Self>>),
}

/// Operations that give flags.
#[derive(Debug, Clone)]
pub(super) enum Flags {
    Constant(bool),
    Missing,
    OfInteger(Box<Integers>),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Integers(Comparison, Box<Integers>, Box<Integers>),
    Reals(Comparison, Box<Reals>, Box<Reals>),
    Texts(Comparison, Box<Texts>, Box<Texts>),
    Flags(Comparison, Box<Self>, Box<Self>),
    IsMissing(Box<Typed>),
    Is(bool, Box<Self>),
    Like(Box<Texts>, String),
    Pair(fn(&str, &str) -> bool, Box<Texts>, Box<Texts>),
    Any(Box<Any<Self>>),
}

/// Operations that give texts.
#[derive(Debug, Clone)]
pub(super) enum Texts {
    Column(usize),
    Constant(String),
    Missing,
    Of(Box<Typed>),
    Change(fn(&str) -> String, Box<Self>),
    /// The part of a text between marks, counted from 1, or from the end where the number is below 0.
    Part(Box<Self>, Box<Self>, Box<Integers>),
    Concat(Vec<Self>, bool),
    Any(Box<Any<Self>>),
}

/// Operations that every type has.
#[derive(Debug, Clone)]
pub(super) enum Any<T> {
    /// The result of the first condition that holds.
    Case(Vec<(Flags, T)>, Option<T>),
    /// The first value that is there.
    Coalesce(Vec<T>),
    /// The first value, missing where it equals the second.
    NullIf(T, T),
    /// The least (`false`) or the greatest of those that are there.
    Extreme(bool, Vec<T>),
}

/// Operations of one type.
#[derive(Debug, Clone)]
pub(super) enum Typed {
    Integers(Integers),
    Reals(Reals),
    Flags(Flags),
    Texts(Texts),
    /// A column of a file: a text as it is written, which stands for its number where a number belongs.
    Written(usize, NumberMarks),
    /// `null` alone, which fits every type.
    Missing,
}

/// What the compiler is told of a name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named {
    /// A column of typed cells.
    Cells(CellType),
    /// A column of a file.
    Written(NumberMarks),
}

/// An expression ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Compiled {
    pub(super) root: Typed,
    /// Names in the order in which columns are handed over.
    pub(super) names: Vec<String>,
}

impl Compiled {
    /// Names of the columns that it reads, in the order in which it wants them.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

pub(super) fn compile(
    root: &Node,
    named: &dyn Fn(&str) -> Option<Named>,
) -> Result<Compiled, ExpressionError> {
    let mut compiler = Compiler { named, names: Vec::new() };
    let root = match compiler.typed(root)? {
        Typed::Written(column, _) => Typed::Texts(Texts::Column(column)),
        typed => typed,
    };
    Ok(Compiled { root, names: compiler.names })
}

struct Compiler<'a> {
    named: &'a dyn Fn(&str) -> Option<Named>,
    names: Vec<String>,
}

type Made<T> = Result<T, ExpressionError>;

/// Converts a part to a type; the range says where to point if that cannot be done.
type Convert<T> = fn(Typed, &Range<usize>) -> Made<T>;

impl Compiler<'_> {
    fn typed(&mut self, node: &Node) -> Made<Typed> {
        let at = &node.at;
        Ok(match &node.what {
            What::Name(name) => self.column(name, at)?,
            What::Integer(value) => Typed::Integers(Integers::Constant(*value)),
            What::Real(value) => Typed::Reals(Reals::Constant(*value)),
            What::Text(text) => Typed::Texts(Texts::Constant(text.clone())),
            What::Flag(flag) => Typed::Flags(Flags::Constant(*flag)),
            What::Null => Typed::Missing,
            What::Negate(inner) => {
                let zero = Node { at: at.clone(), what: What::Integer(0) };
                self.arithmetic(Arithmetic::Subtract, &zero, inner)?
            }
            What::Arithmetic(op, left, right) => self.arithmetic(*op, left, right)?,
            What::Cast(inner, kind) => self.cast(inner, *kind)?,
            What::Concat(parts, leaves_out) => {
                let parts = parts
                    .iter()
                    .map(|part| texts_of_any(self.typed(part)?, at))
                    .collect::<Made<_>>()?;
                Typed::Texts(Texts::Concat(parts, *leaves_out))
            }
            What::Call(function, arguments) => self.call(function, arguments, at)?,
            What::Case(branches, otherwise) => self.case(branches, otherwise.as_deref(), at)?,
            _ => Typed::Flags(self.condition(node)?),
        })
    }

    fn column(&mut self, name: &str, at: &Range<usize>) -> Made<Typed> {
        let named = (self.named)(name).ok_or_else(|| ExpressionError {
            at: at.clone(),
            message: format!("there is no feature `{name}` for the same subject"),
            expected: "a feature of the same subject".to_owned(),
        })?;
        let known = self.names.iter().position(|known| known == name);
        let column = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        let cell_type = match named {
            Named::Written(marks) => return Ok(Typed::Written(column, marks)),
            Named::Cells(cell_type) => cell_type,
        };
        Ok(match cell_type {
            CellType::Integer => Typed::Integers(Integers::Column(column)),
            CellType::Real => Typed::Reals(Reals::Column(column)),
            CellType::Category | CellType::Text => Typed::Texts(Texts::Column(column)),
            wide => {
                return Err(mismatch(
                    at,
                    &format!("`{name}` holds {}", wide.name()),
                    "single values",
                ));
            }
        })
    }

    fn condition(&mut self, node: &Node) -> Made<Flags> {
        let at = &node.at;
        Ok(match &node.what {
            What::Not(inner) => Flags::Not(Box::new(self.flag(inner)?)),
            What::And(left, right) => {
                Flags::And(Box::new(self.flag(left)?), Box::new(self.flag(right)?))
            }
            What::Or(left, right) => {
                Flags::Or(Box::new(self.flag(left)?), Box::new(self.flag(right)?))
            }
            What::IsNull(inner) => Flags::IsMissing(Box::new(self.typed(inner)?)),
            What::Is(wanted, inner) => Flags::Is(*wanted, Box::new(self.flag(inner)?)),
            What::Like(inner, pattern) => {
                Flags::Like(Box::new(texts(self.typed(inner)?, at)?), pattern.clone())
            }
            What::Compare(how, left, right) => {
                let (left, right) = (self.typed(left)?, self.typed(right)?);
                comparison(*how, left, right, at)?
            }
            What::In(one, list) => {
                let mut found = Flags::Constant(false);
                for other in list {
                    let (one, other) = (self.typed(one)?, self.typed(other)?);
                    let equal = comparison(Comparison::Equal, one, other, at)?;
                    found = Flags::Or(Box::new(found), Box::new(equal));
                }
                found
            }
            _ => {
                return Err(mismatch(
                    at,
                    "this is no condition",
                    "a comparison, or and, or, not over such",
                ));
            }
        })
    }

    /// A part that must be a condition.
    fn flag(&mut self, node: &Node) -> Made<Flags> {
        flags(self.typed(node)?, &node.at)
    }

    fn arithmetic(&mut self, op: Arithmetic, left: &Node, right: &Node) -> Made<Typed> {
        let (l, r) = (self.typed(left)?, self.typed(right)?);
        let whole = |typed: &Typed| matches!(typed, Typed::Integers(_) | Typed::Missing);
        if op != Arithmetic::Divide && whole(&l) && whole(&r) {
            let (l, r) = (integers(l, &left.at)?, integers(r, &right.at)?);
            return Ok(Typed::Integers(Integers::Arithmetic(op, Box::new(l), Box::new(r))));
        }
        let (l, r) = (reals(l, &left.at)?, reals(r, &right.at)?);
        Ok(Typed::Reals(Reals::Arithmetic(op, Box::new(l), Box::new(r))))
    }

    fn cast(&mut self, inner: &Node, kind: Kind) -> Made<Typed> {
        let at = &inner.at;
        let inner = self.typed(inner)?;
        Ok(match (kind, inner) {
            (Kind::Integer, Typed::Reals(inner)) => {
                Typed::Integers(Integers::OfReal(Box::new(inner)))
            }
            (Kind::Integer, Typed::Texts(inner)) => {
                Typed::Integers(Integers::OfText(Box::new(inner)))
            }
            (Kind::Integer, written @ Typed::Written(..)) => {
                Typed::Integers(Integers::OfReal(Box::new(reals(written, at)?)))
            }
            (Kind::Integer, inner) => Typed::Integers(integers_of_flags(inner, at)?),
            (Kind::Real, Typed::Texts(inner)) => Typed::Reals(Reals::OfText(Box::new(inner))),
            (Kind::Real, Typed::Flags(inner)) => {
                Typed::Reals(Reals::OfInteger(Box::new(Integers::OfFlag(Box::new(inner)))))
            }
            (Kind::Real, inner) => Typed::Reals(reals(inner, at)?),
            (Kind::Flag, Typed::Integers(inner)) => Typed::Flags(Flags::OfInteger(Box::new(inner))),
            (Kind::Flag, inner) => Typed::Flags(flags(inner, at)?),
            (Kind::Text, inner) => Typed::Texts(texts_of_any(inner, at)?),
        })
    }

    fn call(&mut self, function: &str, arguments: &[Node], at: &Range<usize>) -> Made<Typed> {
        let of_real: fn(f64) -> f64 = match function {
            "abs" => f64::abs,
            "ceil" => f64::ceil,
            "exp" => f64::exp,
            "floor" => f64::floor,
            "ln" => f64::ln,
            "log10" => f64::log10,
            "round" => f64::round,
            "sqrt" => f64::sqrt,
            "lower" => return self.change(str::to_lowercase, arguments, at),
            "upper" => return self.change(str::to_uppercase, arguments, at),
            "btrim" => return self.change(|text| text.trim_matches(' ').to_owned(), arguments, at),
            "contains" => return self.pair(|text, part| text.contains(part), arguments, at),
            "starts_with" => return self.pair(|text, part| text.starts_with(part), arguments, at),
            "ends_with" => return self.pair(|text, part| text.ends_with(part), arguments, at),
            "split_part" => return self.part(arguments, at),
            _ => return self.choice(function, arguments, at),
        };
        let inner = reals(self.typed(&arguments[0])?, &arguments[0].at)?;
        Ok(Typed::Reals(Reals::Function(of_real, Box::new(inner))))
    }

    fn change(
        &mut self,
        change: fn(&str) -> String,
        arguments: &[Node],
        at: &Range<usize>,
    ) -> Made<Typed> {
        Ok(Typed::Texts(Texts::Change(change, Box::new(texts(self.typed(&arguments[0])?, at)?))))
    }

    fn pair(
        &mut self,
        test: fn(&str, &str) -> bool,
        arguments: &[Node],
        at: &Range<usize>,
    ) -> Made<Typed> {
        let (left, right) =
            (texts(self.typed(&arguments[0])?, at)?, texts(self.typed(&arguments[1])?, at)?);
        Ok(Typed::Flags(Flags::Pair(test, Box::new(left), Box::new(right))))
    }

    fn part(&mut self, arguments: &[Node], at: &Range<usize>) -> Made<Typed> {
        let [text, mark, number] = arguments else {
            return Err(mismatch(
                at,
                "`split_part` has other arguments",
                "a text, a mark, a number",
            ));
        };
        let text = texts(self.typed(text)?, at)?;
        let mark = texts(self.typed(mark)?, at)?;
        let number = integers(self.typed(number)?, &number.at)?;
        Ok(Typed::Texts(Texts::Part(Box::new(text), Box::new(mark), Box::new(number))))
    }

    /// Functions that give one of their arguments.
    fn choice(&mut self, function: &str, arguments: &[Node], at: &Range<usize>) -> Made<Typed> {
        let parts = arguments.iter().map(|one| self.typed(one)).collect::<Made<Vec<_>>>()?;
        unified(parts, at, Choice { function })
    }

    fn case(
        &mut self,
        branches: &[(Node, Node)],
        otherwise: Option<&Node>,
        at: &Range<usize>,
    ) -> Made<Typed> {
        let mut conditions = Vec::with_capacity(branches.len());
        let mut results = Vec::with_capacity(branches.len() + 1);
        for (when, then) in branches {
            conditions.push(self.flag(when)?);
            results.push(self.typed(then)?);
        }
        let has_otherwise = otherwise.is_some();
        results.extend(otherwise.map(|node| self.typed(node)).transpose()?);
        unified(results, at, Branches { conditions, has_otherwise })
    }
}

/// Makes one operation of several parts, once these have been brought to one type.
trait Join {
    fn join<T>(self, parts: Vec<T>) -> Any<T>;
}

struct Choice<'a> {
    function: &'a str,
}

impl Join for Choice<'_> {
    fn join<T>(self, mut parts: Vec<T>) -> Any<T> {
        match self.function {
            "greatest" => Any::Extreme(true, parts),
            "least" => Any::Extreme(false, parts),
            "nullif" => {
                let second = parts.pop();
                let first = parts.pop();
                match (first, second) {
                    (Some(first), Some(second)) => Any::NullIf(first, second),
                    _ => Any::Coalesce(Vec::new()),
                }
            }
            _ => Any::Coalesce(parts),
        }
    }
}

struct Branches {
    conditions: Vec<Flags>,
    has_otherwise: bool,
}

impl Join for Branches {
    fn join<T>(self, mut parts: Vec<T>) -> Any<T> {
        let otherwise = if self.has_otherwise { parts.pop() } else { None };
        Any::Case(self.conditions.into_iter().zip(parts).collect(), otherwise)
    }
}

/// Brings parts to the one type that fits all: reals where integers meet reals.
fn unified(parts: Vec<Typed>, at: &Range<usize>, join: impl Join) -> Made<Typed> {
    fn all<T>(parts: Vec<Typed>, at: &Range<usize>, convert: Convert<T>) -> Made<Vec<T>> {
        parts.into_iter().map(|part| convert(part, at)).collect()
    }
    let has = |test: fn(&Typed) -> bool| parts.iter().any(test);
    let is_number = has(|part| matches!(part, Typed::Reals(_) | Typed::Integers(_)));
    let is_written = has(|part| matches!(part, Typed::Written(..)));
    let is_flag = has(|part| matches!(part, Typed::Flags(_)));
    // Columns of files alone are texts.
    let is_text = is_written && !is_number && !is_flag;
    Ok(if is_text || has(|part| matches!(part, Typed::Texts(_))) {
        Typed::Texts(Texts::Any(Box::new(join.join(all(parts, at, texts)?))))
    } else if is_flag {
        Typed::Flags(Flags::Any(Box::new(join.join(all(parts, at, flags)?))))
    } else if is_written || has(|part| matches!(part, Typed::Reals(_))) {
        Typed::Reals(Reals::Any(Box::new(join.join(all(parts, at, reals)?))))
    } else {
        Typed::Integers(Integers::Any(Box::new(join.join(all(parts, at, integers)?))))
    })
}

fn comparison(how: Comparison, left: Typed, right: Typed, at: &Range<usize>) -> Made<Flags> {
    let either = |test: fn(&Typed) -> bool| test(&left) || test(&right);
    let is_number = either(|side| matches!(side, Typed::Reals(_) | Typed::Integers(_)));
    let is_written = either(|side| matches!(side, Typed::Written(..)));
    let is_flag = either(|side| matches!(side, Typed::Flags(_)));
    // Columns of files alone are compared as texts.
    let is_text = is_written && !is_number && !is_flag;
    Ok(if is_text || either(|side| matches!(side, Typed::Texts(_))) {
        Flags::Texts(how, Box::new(texts(left, at)?), Box::new(texts(right, at)?))
    } else if is_flag {
        Flags::Flags(how, Box::new(flags(left, at)?), Box::new(flags(right, at)?))
    } else if is_written || either(|side| matches!(side, Typed::Reals(_))) {
        Flags::Reals(how, Box::new(reals(left, at)?), Box::new(reals(right, at)?))
    } else {
        Flags::Integers(how, Box::new(integers(left, at)?), Box::new(integers(right, at)?))
    })
}

fn integers(typed: Typed, at: &Range<usize>) -> Made<Integers> {
    match typed {
        Typed::Integers(inner) => Ok(inner),
        Typed::Missing => Ok(Integers::Missing),
        other => Err(mismatch(
            at,
            &format!("{} stands where a number belongs", other.word()),
            "a number",
        )),
    }
}

fn integers_of_flags(typed: Typed, at: &Range<usize>) -> Made<Integers> {
    match typed {
        Typed::Flags(inner) => Ok(Integers::OfFlag(Box::new(inner))),
        other => integers(other, at),
    }
}

fn reals(typed: Typed, at: &Range<usize>) -> Made<Reals> {
    match typed {
        Typed::Reals(inner) => Ok(inner),
        // A constant is turned once, here.
        #[expect(clippy::cast_precision_loss, reason = "integers beside reals are read as reals")]
        Typed::Integers(Integers::Constant(value)) => Ok(Reals::Constant(value as f64)),
        Typed::Integers(inner) => Ok(Reals::OfInteger(Box::new(inner))),
        Typed::Written(column, marks) => Ok(Reals::Written(column, marks)),
        Typed::Missing => Ok(Reals::Missing),
        other => Err(mismatch(
            at,
            &format!("{} stands where a number belongs", other.word()),
            "a number",
        )),
    }
}

fn flags(typed: Typed, at: &Range<usize>) -> Made<Flags> {
    match typed {
        Typed::Flags(inner) => Ok(inner),
        Typed::Missing => Ok(Flags::Missing),
        other => {
            let found = format!("{} stands where a condition belongs", other.word());
            Err(mismatch(at, &found, "a comparison such as `orders > 0`"))
        }
    }
}

fn texts(typed: Typed, at: &Range<usize>) -> Made<Texts> {
    match typed {
        Typed::Texts(inner) => Ok(inner),
        Typed::Written(column, _) => Ok(Texts::Column(column)),
        Typed::Missing => Ok(Texts::Missing),
        other => {
            let found = format!("{} stands where a text belongs", other.word());
            Err(mismatch(at, &found, "a text; `cast(x as varchar)` makes one of a number"))
        }
    }
}

fn texts_of_any(typed: Typed, at: &Range<usize>) -> Made<Texts> {
    match typed {
        Typed::Texts(_) | Typed::Written(..) | Typed::Missing => texts(typed, at),
        other => Ok(Texts::Of(Box::new(other))),
    }
}

impl Typed {
    fn word(&self) -> &'static str {
        match self {
            Self::Integers(_) => "an integer",
            Self::Reals(_) => "a real",
            Self::Flags(_) => "a condition",
            Self::Texts(_) | Self::Written(..) => "a text",
            Self::Missing => "null",
        }
    }
}

fn mismatch(at: &Range<usize>, message: &str, expected: &str) -> ExpressionError {
    ExpressionError { at: at.clone(), message: message.to_owned(), expected: expected.to_owned() }
}
