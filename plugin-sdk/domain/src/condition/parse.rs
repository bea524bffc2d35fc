//! Reads a condition or an amount: one loop over operators by how tightly they bind.
//!
//! Texts are read once: nothing is inlined here, which would double the code of a guest.

use super::node::{At, Compare, Node, Nodes, Side};
use super::word::{Word, Words};
use super::{COLUMNS_MAX, DEPTH_MAX, Fault, Kind, Names};

/// How tightly operators bind, loosest first.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const ADD: u8 = 5;
const MULTIPLY: u8 = 6;
const SIGN: u8 = 7;

const CONDITION: &str = "a condition, such as `orders_90d >= 1`";
const NUMBER: &str = "a number or a name of numbers";

/// Words that are no names.
const KEY_WORDS: [&str; 9] = ["and", "or", "not", "in", "is", "between", "null", "true", "false"];

/// What a part of the text stands for, and where it begins.
#[derive(Debug, Clone)]
struct Value {
    is: Is,
    at: usize,
}

#[derive(Debug, Clone)]
enum Is {
    Truth(At),
    Number(At),
    /// A column, of which the use decides what it holds.
    Name(At),
    Text(Box<str>),
}

pub(super) struct Parser<'t, 'p, 'n> {
    words: Words<'t>,
    names: &'p mut Names<'n>,
    nodes: Nodes,
    depth: usize,
}

impl<'t, 'p, 'n> Parser<'t, 'p, 'n> {
    pub(super) fn of(text: &'t str, names: &'p mut Names<'n>) -> Result<Self, Fault> {
        Ok(Self { words: Words::of(text)?, names, nodes: Nodes::default(), depth: 0 })
    }

    pub(super) fn condition(mut self) -> Result<Nodes, Fault> {
        let value = self.value(0)?;
        let root = self.truth(&value)?;
        self.whole(root)
    }

    pub(super) fn amount(mut self) -> Result<Nodes, Fault> {
        let value = self.value(0)?;
        let root = self.number(&value)?;
        self.whole(root)
    }

    /// The nodes, once nothing follows. `root` is the last of them: what is read later refers to what was read before.
    fn whole(self, root: At) -> Result<Nodes, Fault> {
        if self.words.word != Word::End {
            return Err(self.expected("an operator or the end"));
        }
        debug_assert_eq!(root, self.nodes.root());
        Ok(self.nodes)
    }

    #[cold]
    #[inline(never)]
    fn expected(&self, expected: &'static str) -> Fault {
        self.words.fault(self.words.start, expected)
    }

    #[inline(never)]
    fn node(&mut self, node: Node) -> At {
        self.nodes.0.push(node);
        self.nodes.root()
    }

    /// Whether the word is that key word, in any case of letters.
    #[inline(never)]
    fn is(&self, key: &str) -> bool {
        matches!(self.words.word, Word::Name(name) if name.eq_ignore_ascii_case(key))
    }

    /// Moves on where the word is that key word.
    #[inline(never)]
    fn took(&mut self, key: &str) -> Result<bool, Fault> {
        let is = self.is(key);
        if is {
            self.words.next()?;
        }
        Ok(is)
    }

    #[inline(never)]
    fn sign(&mut self, sign: &'static str, expected: &'static str) -> Result<(), Fault> {
        if self.words.word != Word::Sign(sign) {
            return Err(self.expected(expected));
        }
        self.words.next()
    }

    /// Reads what binds at least as tightly as `least`.
    #[inline(never)]
    fn value(&mut self, least: u8) -> Result<Value, Fault> {
        if self.depth >= DEPTH_MAX {
            return Err(self.expected("at most 32 levels of nesting"));
        }
        self.depth += 1;
        let mut left = self.first()?;
        while let Some(binds) = self.binding().filter(|binds| *binds >= least) {
            left = match binds {
                OR | AND => self.joined(&left, binds)?,
                COMPARE => self.compared(&left)?,
                _ => self.computed(&left, binds)?,
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    /// How tightly the operator at this place binds; none where there is no operator.
    fn binding(&self) -> Option<u8> {
        match self.words.word {
            Word::Sign("+" | "-") => Some(ADD),
            Word::Sign("*" | "/") => Some(MULTIPLY),
            Word::Sign("(" | ")" | ",") => None,
            Word::Sign(_) => Some(COMPARE),
            Word::Name(_) if self.is("or") => Some(OR),
            Word::Name(_) if self.is("and") => Some(AND),
            Word::Name(_) => {
                ["in", "is", "between", "not"].iter().any(|key| self.is(key)).then_some(COMPARE)
            }
            _ => None,
        }
    }

    #[inline(never)]
    fn first(&mut self) -> Result<Value, Fault> {
        let at = self.words.start;
        let is = match self.words.word {
            Word::Number(number) => {
                self.words.next()?;
                Is::Number(self.node(Node::Number(number)))
            }
            Word::Text(text) => {
                self.words.next()?;
                Is::Text(undoubled(text).into())
            }
            Word::Sign("(") => {
                self.words.next()?;
                let inner = self.value(0)?;
                self.sign(")", "`)`")?;
                inner.is
            }
            Word::Sign("-") => {
                self.words.next()?;
                let part = self.value(SIGN)?;
                let part = self.number(&part)?;
                Is::Number(self.node(Node::Negative(part)))
            }
            Word::Name(_) if self.is("not") => {
                self.words.next()?;
                let part = self.value(NOT)?;
                let part = self.truth(&part)?;
                Is::Truth(self.node(Node::Not(part)))
            }
            Word::Name(_) if self.is("true") || self.is("false") => {
                let truth = self.is("true");
                self.words.next()?;
                Is::Truth(self.node(Node::Truth(truth)))
            }
            Word::Name(name) if !KEY_WORDS.iter().any(|key| self.is(key)) => {
                self.words.next()?;
                if self.words.word == Word::Sign("(") {
                    self.function(name, at)?
                } else if let Some(number) = self.names.number(name) {
                    Is::Number(self.node(Node::Number(number)))
                } else {
                    Is::Name(self.column(name, at)?)
                }
            }
            _ => return Err(self.expected("a name, a number or a text in single quotes")),
        };
        Ok(Value { is, at })
    }

    #[inline(never)]
    fn column(&mut self, name: &str, at: usize) -> Result<At, Fault> {
        let columns = &mut self.names.columns;
        let known = columns.iter().position(|(known, _)| known == name);
        let column = known.unwrap_or(columns.len());
        if column >= COLUMNS_MAX {
            return Err(self.words.fault(at, "at most 512 columns in all"));
        }
        if known.is_none() {
            columns.push((name.to_owned(), None));
        }
        Ok(column as At)
    }

    #[inline(never)]
    fn function(&mut self, name: &str, at: usize) -> Result<Is, Fault> {
        let make: fn(Vec<At>) -> Node = match name {
            "least" => Node::Least,
            "greatest" => Node::Greatest,
            "coalesce" => Node::First,
            _ => return Err(self.words.fault(at, "one of least, greatest, coalesce before `(`")),
        };
        self.words.next()?;
        let mut parts = Vec::new();
        loop {
            let part = self.value(ADD)?;
            parts.push(self.number(&part)?);
            if self.words.word != Word::Sign(",") {
                break;
            }
            self.words.next()?;
        }
        self.sign(")", "`,` or `)`")?;
        Ok(Is::Number(self.node(make(parts))))
    }

    /// `left and right`, `left or right`; a chain is one node.
    #[inline(never)]
    fn joined(&mut self, left: &Value, binds: u8) -> Result<Value, Fault> {
        let first = self.truth(left)?;
        let mut parts = vec![first];
        while self.binding() == Some(binds) {
            self.words.next()?;
            let right = self.value(binds + 1)?;
            parts.push(self.truth(&right)?);
        }
        let node = if binds == OR { Node::Any(parts) } else { Node::All(parts) };
        Ok(Value { is: Is::Truth(self.node(node)), at: left.at })
    }

    #[inline(never)]
    fn computed(&mut self, left: &Value, binds: u8) -> Result<Value, Fault> {
        let make = match self.words.word {
            Word::Sign("+") => Node::Sum,
            Word::Sign("-") => Node::Difference,
            Word::Sign("*") => Node::Product,
            _ => Node::Quotient,
        };
        self.words.next()?;
        let first = self.number(left)?;
        let right = self.value(binds + 1)?;
        let second = self.number(&right)?;
        Ok(Value { is: Is::Number(self.node(make(first, second))), at: left.at })
    }

    /// A comparison, `is null`, `in`, `between`, behind its left side.
    #[inline(never)]
    fn compared(&mut self, left: &Value) -> Result<Value, Fault> {
        let truth = if let Word::Sign(sign) = self.words.word {
            self.words.next()?;
            let right = self.value(ADD)?;
            let compare = match sign {
                "<" => Compare::Less,
                "<=" => Compare::LessOrEqual,
                ">" => Compare::More,
                ">=" => Compare::MoreOrEqual,
                "=" => Compare::Equal,
                _ => Compare::Unequal,
            };
            self.compare(compare, left, &right)?
        } else if self.took("is")? {
            let turned = self.took("not")?;
            if !self.took("null")? {
                return Err(self.expected("`null` or `not null`"));
            }
            let missing = match left.is {
                Is::Name(column) => Node::Missing(column),
                Is::Number(number) => Node::Unknown(number),
                _ => return Err(self.words.fault(left.at, NUMBER)),
            };
            let missing = self.node(missing);
            self.turned(turned, missing)
        } else {
            let turned = self.took("not")?;
            let listed = if self.took("between")? {
                let low = self.value(ADD)?;
                if !self.took("and")? {
                    return Err(self.expected("`and` with the upper bound"));
                }
                let high = self.value(ADD)?;
                let low = self.compare(Compare::MoreOrEqual, left, &low)?;
                let high = self.compare(Compare::LessOrEqual, left, &high)?;
                Node::All(vec![low, high])
            } else if self.took("in")? {
                Node::Any(self.listed(left)?)
            } else {
                return Err(self.expected("`in` or `between`"));
            };
            let listed = self.node(listed);
            self.turned(turned, listed)
        };
        Ok(Value { is: Is::Truth(truth), at: left.at })
    }

    #[inline(never)]
    fn listed(&mut self, left: &Value) -> Result<Vec<At>, Fault> {
        self.sign("(", "`(` with a list")?;
        let mut parts = Vec::new();
        loop {
            let item = self.value(ADD)?;
            parts.push(self.compare(Compare::Equal, left, &item)?);
            if self.words.word != Word::Sign(",") {
                break;
            }
            self.words.next()?;
        }
        self.sign(")", "`,` or `)`")?;
        Ok(parts)
    }

    fn turned(&mut self, turned: bool, part: At) -> At {
        if turned { self.node(Node::Not(part)) } else { part }
    }

    #[inline(never)]
    fn compare(&mut self, compare: Compare, left: &Value, right: &Value) -> Result<At, Fault> {
        let is_text = [left, right].iter().any(|value| match value.is {
            Is::Text(_) => true,
            Is::Name(column) => self.names.columns[usize::from(column)].1 == Some(Kind::Text),
            _ => false,
        });
        let node = if is_text {
            Node::Texts(compare, self.side(left)?, self.side(right)?)
        } else {
            Node::Numbers(compare, self.number(left)?, self.number(right)?)
        };
        Ok(self.node(node))
    }

    #[inline(never)]
    fn side(&mut self, value: &Value) -> Result<Side, Fault> {
        match &value.is {
            Is::Text(text) => Ok(Side::Text(text.clone())),
            Is::Name(column) => {
                self.holds(*column, Kind::Text, value.at)?;
                Ok(Side::Column(*column))
            }
            _ => Err(self.words.fault(value.at, "a text: the other side is one")),
        }
    }

    /// Says what a column holds; it cannot hold both.
    #[inline(never)]
    fn holds(&mut self, column: At, kind: Kind, at: usize) -> Result<(), Fault> {
        let known = &mut self.names.columns[usize::from(column)].1;
        match known.replace(kind) {
            Some(before) if before != kind => {
                *known = Some(before);
                Err(self.words.fault(
                    at,
                    match before {
                        Kind::Text => "a number: the name stands for texts elsewhere",
                        Kind::Real => "a text: the name stands for numbers elsewhere",
                    },
                ))
            }
            _ => Ok(()),
        }
    }

    #[inline(never)]
    fn number(&mut self, value: &Value) -> Result<At, Fault> {
        match value.is {
            Is::Number(number) => Ok(number),
            Is::Name(column) => {
                self.holds(column, Kind::Real, value.at)?;
                Ok(self.node(Node::Column(column)))
            }
            _ => Err(self.words.fault(value.at, NUMBER)),
        }
    }

    #[inline(never)]
    fn truth(&self, value: &Value) -> Result<At, Fault> {
        match value.is {
            Is::Truth(truth) => Ok(truth),
            _ => Err(self.words.fault(value.at, CONDITION)),
        }
    }
}

/// The text with one quote for two. `str::replace` would be 3 KB of a guest.
fn undoubled(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (at, part) in text.split('\'').enumerate() {
        // Between the two quotes of a pair there is nothing.
        plain.push_str(if at % 2 == 1 { "'" } else { part });
    }
    plain
}
