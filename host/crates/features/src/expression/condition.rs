//! Conditions on rows: comparisons of fields with values, joined by `and`, `or`, `not`. They are small enough to mean the same
//! to every engine, so that they are written as SQL for those that read SQL.

use super::compile::Typed;
use super::parse::{Comparison, Node, What};
use super::{Compiled, Expression, ExpressionError};
use crate::{quote_name, quote_text};

impl Expression {
    /// SQL of the condition that the expression is, with its names quoted.
    ///
    /// # Errors
    /// An expression that computes: arithmetic, functions, `case`.
    pub fn condition_sql(&self) -> Result<String, ExpressionError> {
        sql(&self.root)
    }
}

impl Compiled {
    /// Whether the values are flags.
    #[must_use]
    pub fn is_condition(&self) -> bool {
        matches!(self.root, Typed::Flags(_))
    }
}

fn sql(node: &Node) -> Result<String, ExpressionError> {
    let two = |left: &Node, sign: &str, right: &Node| -> Result<String, ExpressionError> {
        Ok(format!("({} {sign} {})", sql(left)?, sql(right)?))
    };
    Ok(match &node.what {
        What::Name(name) => quote_name(name),
        What::Integer(value) => value.to_string(),
        What::Real(value) => format!("CAST({value:?} AS DOUBLE)"),
        What::Text(text) => quote_text(text),
        What::Flag(flag) => flag.to_string(),
        What::Negate(one) if matches!(one.what, What::Integer(_) | What::Real(_)) => {
            format!("(- {})", sql(one)?)
        }
        What::Not(one) => format!("(NOT {})", sql(one)?),
        What::Compare(comparison, left, right) => two(left, sign(*comparison), right)?,
        What::And(left, right) => two(left, "AND", right)?,
        What::Or(left, right) => two(left, "OR", right)?,
        What::IsNull(one) => format!("({} IS NULL)", sql(one)?),
        What::Is(flag, one) => format!("({} IS {flag})", sql(one)?),
        What::In(one, list) => {
            let list: Vec<String> = list.iter().map(sql).collect::<Result<_, _>>()?;
            format!("({} IN ({}))", sql(one)?, list.join(", "))
        }
        What::Like(one, pattern) => format!("({} LIKE {})", sql(one)?, quote_text(pattern)),
        _ => {
            return Err(ExpressionError {
                at: node.at.clone(),
                message: "a condition compares fields with values and computes nothing".to_owned(),
                expected: "`=` `<>` `<` `<=` `>` `>=` `in` `between` `like` `is null`, joined by `and`, `or`, `not`"
                    .to_owned(),
            });
        }
    })
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::Unequal => "<>",
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::More => ">",
        Comparison::AtLeast => ">=",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Expression;

    #[test]
    fn conditions_become_sql_and_what_computes_is_refused() {
        let sql = |text: &str| Expression::parse(text).unwrap().condition_sql();
        assert_eq!(
            sql("field_dept in ('A', 'it''s') and not (amount_minor >= -5 or topic is null)")
                .unwrap(),
            "((\"field_dept\" IN ('A', 'it''s')) AND (NOT ((\"amount_minor\" >= -5) OR (\"topic\" IS NULL))))"
        );
        for text in ["amount_minor / 2 > 1", "lower(topic) = 'a'", "case when true then true end"] {
            assert!(sql(text).is_err(), "{text}");
        }
    }
}
