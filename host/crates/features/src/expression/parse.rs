//! Parsing: a parser of SQL reads the text, and its syntax tree becomes one that holds only what the language has.

use std::ops::Range;

use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, Expr, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, Spanned, UnaryOperator, Value,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::place::{ExpressionError, bytes, spot_in};

/// Functions that expressions may call.
pub const FUNCTIONS: [&str; 20] = [
    "abs",
    "btrim",
    "ceil",
    "coalesce",
    "concat",
    "contains",
    "ends_with",
    "exp",
    "floor",
    "greatest",
    "least",
    "ln",
    "log10",
    "lower",
    "nullif",
    "round",
    "split_part",
    "sqrt",
    "starts_with",
    "upper",
];

/// Levels that an expression may be nested.
const DEPTH_MAX: usize = 256;

/// Brackets that may be nested while the text is read.
const BRACKETS_MAX: usize = 64;

/// Most tokens of an expression. Its tree is walked by recursion, so this bounds the stack.
const TOKENS_MAX: usize = 512;

/// A part of an expression with its place in the text.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: Range<usize>,
    pub(super) what: What,
}

/// What a part is.
#[derive(Debug, Clone)]
pub(super) enum What {
    Name(String),
    Integer(i64),
    Real(f64),
    Text(String),
    Flag(bool),
    Null,
    Negate(Box<Node>),
    Not(Box<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    /// Concatenation; the flag says whether missing texts are skipped, or make the whole missing.
    Concat(Vec<Node>, bool),
    Compare(Comparison, Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    IsNull(Box<Node>),
    /// Whether a flag is known to have this value.
    Is(bool, Box<Node>),
    In(Box<Node>, Vec<Node>),
    Like(Box<Node>, String),
    /// Conditions with their results, then the result of `else`.
    Case(Vec<(Node, Node)>, Option<Box<Node>>),
    Cast(Box<Node>, Kind),
    Call(&'static str, Vec<Node>),
}

/// Arithmetic of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Comparison of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Real,
    Flag,
    Text,
}

impl Node {
    pub(super) fn names<'a>(&'a self, names: &mut Vec<(&'a str, Range<usize>)>) {
        if let What::Name(name) = &self.what {
            names.push((name, self.at.clone()));
        }
        self.parts().iter().for_each(|part| part.names(names));
    }

    fn parts(&self) -> Vec<&Self> {
        match &self.what {
            What::Name(_)
            | What::Integer(_)
            | What::Real(_)
            | What::Text(_)
            | What::Flag(_)
            | What::Null => vec![],
            What::Negate(one) | What::Not(one) | What::IsNull(one) | What::Is(_, one) => vec![one],
            What::Like(one, _) | What::Cast(one, _) => vec![one],
            What::Arithmetic(_, left, right) | What::Compare(_, left, right) => vec![left, right],
            What::And(left, right) | What::Or(left, right) => vec![left, right],
            What::In(one, list) => std::iter::once(&**one).chain(list).collect(),
            What::Concat(list, _) | What::Call(_, list) => list.iter().collect(),
            What::Case(branches, otherwise) => branches
                .iter()
                .flat_map(|(when, then)| [when, then])
                .chain(otherwise.as_deref())
                .collect(),
        }
    }
}

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    let fault = |error: sqlparser::parser::ParserError| {
        let said = error.to_string();
        let (words, spot) = spot_in(said.strip_prefix("sql parser error: ").unwrap_or(&said));
        // The parser names no place where the text ends too early.
        let start = spot.map_or(text.trim_end().len(), |spot| spot.byte(text));
        ExpressionError {
            at: start..text.len().min(start + 1),
            message: lower_first(&words.replace("EOF", "the end")),
            expected: "an SQL scalar expression over features".to_owned(),
        }
    };
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize();
    let is_word = |token: &&Token| !matches!(token, Token::Whitespace(_));
    if tokens.is_ok_and(|tokens| tokens.iter().filter(is_word).count() > TOKENS_MAX) {
        return Err(ExpressionError {
            at: 0..text.len(),
            message: format!("the expression has more than {TOKENS_MAX} words and signs"),
            expected: "a shorter expression, or several features".to_owned(),
        });
    }
    let parser = Parser::new(&GenericDialect {}).with_recursion_limit(BRACKETS_MAX);
    let mut parser = parser.try_with_sql(text).map_err(fault)?;
    let expression = parser.parse_expr().map_err(fault)?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        return Err(ExpressionError {
            at: bytes(text, next.span),
            message: format!("the expression goes on with `{}`", next.token),
            expected: "one expression".to_owned(),
        });
    }
    Reader { text }.node(&expression, DEPTH_MAX)
}

/// The parser's words begin with a capital; messages do not.
fn lower_first(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn node(&self, expression: &Expr, depth: usize) -> Result<Node, ExpressionError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(ExpressionError {
                at: 0..self.text.len(),
                message: format!("the expression is nested more than {DEPTH_MAX} levels"),
                expected: "a shorter expression, or several features".to_owned(),
            });
        };
        let at = bytes(self.text, expression.span());
        let boxed = |inner: &Expr| self.node(inner, depth).map(Box::new);
        let not = |negated: bool, what: What| {
            if negated { What::Not(Box::new(Node { at: at.clone(), what })) } else { what }
        };
        let what = match expression {
            Expr::Nested(inner) => return self.node(inner, depth),
            Expr::Identifier(name) if name.quote_style.is_some() => What::Name(name.value.clone()),
            Expr::Identifier(name) => What::Name(name.value.to_lowercase()),
            Expr::CompoundIdentifier(parts) => {
                let part = |part: &Ident| match part.quote_style {
                    Some(_) => part.value.clone(),
                    None => part.value.to_lowercase(),
                };
                What::Name(parts.iter().map(part).collect::<Vec<_>>().join("."))
            }
            Expr::Value(value) => self.literal(&value.value, &at)?,
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => negated(*boxed(expr)?),
            Expr::UnaryOp { op: UnaryOperator::Plus, expr } => return self.node(expr, depth),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => What::Not(boxed(expr)?),
            Expr::BinaryOp { left, op, right } => {
                self.binary(op, boxed(left)?, boxed(right)?, &at)?
            }
            Expr::IsNull(inner) => What::IsNull(boxed(inner)?),
            Expr::IsNotNull(inner) => not(true, What::IsNull(boxed(inner)?)),
            Expr::IsTrue(inner) => What::Is(true, boxed(inner)?),
            Expr::IsNotTrue(inner) => not(true, What::Is(true, boxed(inner)?)),
            Expr::IsFalse(inner) => What::Is(false, boxed(inner)?),
            Expr::IsNotFalse(inner) => not(true, What::Is(false, boxed(inner)?)),
            Expr::InList { expr, list, negated } => {
                let list =
                    list.iter().map(|one| self.node(one, depth)).collect::<Result<_, _>>()?;
                not(*negated, What::In(boxed(expr)?, list))
            }
            Expr::Between { expr, negated, low, high } => {
                let bound = |bound: &Expr, how| {
                    Ok(Box::new(Node {
                        at: at.clone(),
                        what: What::Compare(how, boxed(expr)?, boxed(bound)?),
                    }))
                };
                let both =
                    What::And(bound(low, Comparison::AtLeast)?, bound(high, Comparison::AtMost)?);
                not(*negated, both)
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                match &**pattern {
                    Expr::Value(pattern) => match &pattern.value {
                        Value::SingleQuotedString(pattern) => {
                            not(*negated, What::Like(boxed(expr)?, pattern.clone()))
                        }
                        _ => return Err(self.unknown(&at)),
                    },
                    _ => return Err(self.unknown(&at)),
                }
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                let mut branches = Vec::with_capacity(conditions.len());
                for branch in conditions {
                    let mut when = self.node(&branch.condition, depth)?;
                    if let Some(operand) = operand {
                        let at = when.at.clone();
                        let what =
                            What::Compare(Comparison::Equal, boxed(operand)?, Box::new(when));
                        when = Node { at, what };
                    }
                    branches.push((when, self.node(&branch.result, depth)?));
                }
                What::Case(branches, else_result.as_deref().map(boxed).transpose()?)
            }
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr,
                data_type,
                format: None,
                ..
            } => What::Cast(boxed(expr)?, self.kind(data_type, &at)?),
            Expr::Floor {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => What::Call("floor", vec![self.node(expr, depth)?]),
            Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                What::Call("ceil", vec![self.node(expr, depth)?])
            }
            Expr::Floor { .. } | Expr::Ceil { .. } => {
                return Err(ExpressionError {
                    at,
                    message: "`floor` and `ceil` have one argument".to_owned(),
                    expected: "the number alone".to_owned(),
                });
            }
            Expr::Function(function) => self.call(function, depth)?,
            _ => return Err(self.unknown(&at)),
        };
        Ok(Node { at, what })
    }

    fn literal(&self, value: &Value, at: &Range<usize>) -> Result<What, ExpressionError> {
        Ok(match value {
            Value::Number(digits, _) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                What::Integer(digits.parse().map_err(|_| ExpressionError {
                    at: at.clone(),
                    message: format!("{digits} goes beyond 64 bits"),
                    expected: "an integer below 2^63, or a real with a point".to_owned(),
                })?)
            }
            Value::Number(digits, _) => match digits.parse::<f64>() {
                Ok(real) if real.is_finite() => What::Real(real),
                _ => return Err(self.unknown(at)),
            },
            Value::SingleQuotedString(text) => What::Text(text.clone()),
            Value::Boolean(flag) => What::Flag(*flag),
            Value::Null => What::Null,
            _ => return Err(self.unknown(at)),
        })
    }

    fn binary(
        &self,
        op: &BinaryOperator,
        left: Box<Node>,
        right: Box<Node>,
        at: &Range<usize>,
    ) -> Result<What, ExpressionError> {
        use BinaryOperator as B;
        Ok(match op {
            B::Plus => What::Arithmetic(Arithmetic::Add, left, right),
            B::Minus => What::Arithmetic(Arithmetic::Subtract, left, right),
            B::Multiply => What::Arithmetic(Arithmetic::Multiply, left, right),
            B::Divide => What::Arithmetic(Arithmetic::Divide, left, right),
            B::Modulo => What::Arithmetic(Arithmetic::Remainder, left, right),
            B::Eq => What::Compare(Comparison::Equal, left, right),
            B::NotEq => What::Compare(Comparison::Unequal, left, right),
            B::Lt => What::Compare(Comparison::Less, left, right),
            B::LtEq => What::Compare(Comparison::AtMost, left, right),
            B::Gt => What::Compare(Comparison::More, left, right),
            B::GtEq => What::Compare(Comparison::AtLeast, left, right),
            B::And => What::And(left, right),
            B::Or => What::Or(left, right),
            B::StringConcat => What::Concat(vec![*left, *right], false),
            _ => return Err(self.unknown(at)),
        })
    }

    fn kind(&self, data_type: &DataType, at: &Range<usize>) -> Result<Kind, ExpressionError> {
        Ok(match data_type {
            DataType::BigInt(None) | DataType::Int(None) | DataType::Integer(None) => Kind::Integer,
            DataType::Double(_)
            | DataType::DoublePrecision
            | DataType::Real
            | DataType::Float(_) => Kind::Real,
            DataType::Boolean => Kind::Flag,
            DataType::Varchar(None) | DataType::Text => Kind::Text,
            _ => return Err(self.unknown(at)),
        })
    }

    fn call(
        &self,
        function: &sqlparser::ast::Function,
        depth: usize,
    ) -> Result<What, ExpressionError> {
        let name = function.name.to_string().to_lowercase();
        let at = bytes(self.text, function.name.span());
        let Ok(known) = FUNCTIONS.binary_search(&name.as_str()) else {
            return Err(ExpressionError {
                at,
                message: format!("expressions have no function `{name}`"),
                expected: format!(
                    "one of {}; nothing that reads a clock or draws a number",
                    FUNCTIONS.join(", ")
                ),
            });
        };
        let plain = function.over.is_none()
            && function.filter.is_none()
            && function.within_group.is_empty()
            && function.null_treatment.is_none();
        let arguments = match &function.args {
            FunctionArguments::List(list)
                if plain && list.duplicate_treatment.is_none() && list.clauses.is_empty() =>
            {
                let one = |argument: &FunctionArg| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(one)) => self.node(one, depth),
                    _ => Err(self.unknown(&at)),
                };
                list.args.iter().map(one).collect::<Result<Vec<_>, _>>()?
            }
            _ => return Err(self.unknown(&at)),
        };
        let (least, most) = match FUNCTIONS[known] {
            "coalesce" | "concat" | "greatest" | "least" => (1, usize::MAX),
            "contains" | "ends_with" | "nullif" | "starts_with" => (2, 2),
            "split_part" => (3, 3),
            _ => (1, 1),
        };
        if !(least..=most).contains(&arguments.len()) {
            let wanted =
                if most == least { least.to_string() } else { format!("at least {least}") };
            return Err(ExpressionError {
                at,
                message: format!("`{name}` has {} arguments", arguments.len()),
                expected: wanted,
            });
        }
        Ok(match FUNCTIONS[known] {
            "concat" => What::Concat(arguments, true),
            function => What::Call(function, arguments),
        })
    }

    fn unknown(&self, at: &Range<usize>) -> ExpressionError {
        let text = &self.text[at.clone()];
        ExpressionError {
            at: at.clone(),
            message: format!("expressions do not have `{text}`"),
            expected: "numbers, texts, features, arithmetic, comparisons, and, or, not, case, cast and functions"
                .to_owned(),
        }
    }
}

/// The least integer has no positive counterpart, so a sign is taken into the literal.
fn negated(inner: Node) -> What {
    match inner.what {
        What::Integer(value) => What::Integer(-value),
        What::Real(value) => What::Real(-value),
        _ => What::Negate(Box::new(inner)),
    }
}
