//! `playbook explain`: why a member of a finished run stands where it stands.

use std::sync::Arc;

use anyhow::Result;
use playbook_app::{self as app, DecisionSaid, Explanation, InputSaid, OutputSaid, StageSaid};
use playbook_report::Lang;
use serde_json::Value;

use crate::cli::ExplainArgs;
use crate::commands::library::model;
use crate::progress::Shown;
use crate::session::Session;
use crate::terminal::{Terminal, grouped, money};
use crate::text::Text;

/// What stands for a missing value.
const MISSING: &str = "–";

/// Repeats the run and says what every stage read and said of the member; without a member, what a model is.
pub(crate) fn explain(session: &Session, args: &ExplainArgs) -> Result<()> {
    let Some(member) = &args.member else {
        return model(session, &args.run.to_string_lossy(), args.json);
    };
    let shown = session.shown(args.json);
    let progress = Arc::<Shown>::clone(&shown);
    let said = app::explain(&session.host, &args.run, member, progress)?;
    shown.clear();
    for difference in &said.differences {
        Terminal::note(&format!("warning: the run cannot be repeated byte by byte: {difference}"));
    }
    if args.json {
        Terminal::json(&said)?;
    } else {
        let words = Words { said: &said, lang: args.lang.lang() };
        Terminal::out(words.text(session.terminal))?;
    }
    Ok(())
}

/// Columns of one feature from which on they are told together.
const SPLIT_TOLD_MIN: usize = 7;

/// The feature of which an input is one column, where the plugin asks for it as `feature.column`.
fn stem(input: &InputSaid) -> Option<&str> {
    let is_own = input.column.as_ref() == Some(&input.name);
    input.name.split_once('.').filter(|_| is_own).map(|(stem, _)| stem)
}

/// Many columns of one feature, each with its value: those with the value that most of them have are counted, the others
/// named.
fn split(stem: &str, columns: &[(&str, String)]) -> String {
    let count = |value: &String| columns.iter().filter(|(_, other)| other == value).count();
    let values = columns.iter().map(|(_, value)| value);
    let Some(usual) = values.max_by_key(|value| count(value)) else { return stem.to_owned() };
    let named = columns.iter().filter(|(_, value)| value != usual);
    let named = named.map(|(column, value)| format!("{column} = {value}"));
    let rest = std::iter::once(format!("{} columns = {usual}", count(usual)));
    format!("{stem}: {}", named.chain(rest).collect::<Vec<_>>().join(", "))
}

/// An explanation on its way to a terminal.
struct Words<'a> {
    said: &'a Explanation,
    lang: Lang,
}

impl Words<'_> {
    fn text(&self, terminal: Terminal) -> Text {
        let said = self.said;
        let mut text = terminal.heading(&format!(
            "{} ({}), cycle {}, as of {}{}: member {}\n",
            said.playbook,
            said.brand,
            said.cycle,
            said.as_of,
            if said.dry_run { ", dry run" } else { "" },
            said.member,
        ));
        let rows: Vec<Vec<String>> = said.stages.iter().flat_map(|s| self.outputs(s)).collect();
        let header = ["stage", "said", "value", "before", "because"];
        text.push(&terminal.table(&header, &[2, 3], &rows));
        text.push_str("\n");
        let rows: Vec<Vec<String>> =
            said.stages.iter().map(|s| vec![s.stage.clone(), self.inputs(s)]).collect();
        text.push(&terminal.table(&["stage", "read"], &[], &rows));
        text.push_str("\n");
        if said.decisions.is_empty() {
            text.push_str("no stage proposed anything for the member\n");
            return text;
        }
        let rows: Vec<Vec<String>> = said.decisions.iter().map(|d| self.decision(d)).collect();
        let header = ["proposed", "quantity", "cost", "expected", "because", "decision"];
        text.push(&terminal.table(&header, &[1, 2, 3], &rows));
        text.push_str("\n");
        text.push_str(&format!("amounts in {}\n", said.currency));
        text
    }

    /// A row for each output of a stage; the reason beside the first.
    fn outputs(&self, stage: &StageSaid) -> Vec<Vec<String>> {
        let why = [&stage.skipped, &stage.unexplained].into_iter().flatten();
        let mut reason: Vec<String> = why.cloned().collect();
        reason.extend(stage.reason.as_ref().map(|r| self.lang_of(&r.text).to_owned()));
        let mut rows: Vec<Vec<String>> = Vec::new();
        for output in &stage.outputs {
            let mut because = std::mem::take(&mut reason);
            because.extend(factors(output));
            rows.push(vec![
                if rows.is_empty() { stage.stage.clone() } else { String::new() },
                self.lang_of(&output.meaning).to_owned(),
                match &output.text {
                    Some(words) => self.lang_of(words).to_owned(),
                    None => self.value(&output.value, &output.unit),
                },
                self.value(&output.before, &output.unit),
                because.join("; "),
            ]);
        }
        rows
    }

    fn inputs(&self, stage: &StageSaid) -> String {
        // The pseudonym is for lots and ledgers; the member was named above.
        let inputs: Vec<&InputSaid> = stage.inputs.iter().filter(|one| one.name != "key").collect();
        let same_split = |a: &&InputSaid, b: &&InputSaid| stem(a).is_some() && stem(a) == stem(b);
        let told = inputs.chunk_by(same_split).flat_map(|columns| match stem(columns[0]) {
            Some(stem) if columns.len() >= SPLIT_TOLD_MIN => {
                let column = |input: &&'_ InputSaid| self.value(&input.value, &input.unit);
                let named = columns.iter().map(|one| (&one.name[stem.len()..], column(one)));
                vec![split(stem, &named.collect::<Vec<_>>())]
            }
            _ => columns.iter().map(|input| self.input(input)).collect(),
        });
        told.collect::<Vec<_>>().join(", ")
    }

    fn input(&self, input: &InputSaid) -> String {
        let value = self.value(&input.value, &input.unit);
        match &input.column {
            Some(column) if *column != input.name => {
                format!("{} = {value} (from {column})", input.name)
            }
            Some(_) => format!("{} = {value}", input.name),
            None => format!("{}: not declared", input.name),
        }
    }

    fn decision(&self, decision: &DecisionSaid) -> Vec<String> {
        let digits = self.said.currency_digits;
        let outcome = match &decision.refusal {
            None => decision.status.to_owned(),
            Some(refusal) => {
                let lost = refusal.lost_to.as_ref();
                format!(
                    "refused: {} {} ({}){}",
                    refusal.code,
                    self.lang_of(&refusal.text),
                    refusal.rule,
                    lost.map_or_else(String::new, |winner| format!(", lost to {winner}")),
                )
            }
        };
        vec![
            format!("{}/{}", decision.stage, decision.action),
            grouped(decision.quantity),
            money(decision.cost_minor, digits),
            money(decision.expected_output_minor, digits),
            decision.reason.as_ref().map_or("", |reason| self.lang_of(&reason.text)).to_owned(),
            outcome,
        ]
    }

    fn value(&self, value: &Value, unit: &str) -> String {
        match value {
            Value::Null => MISSING.to_owned(),
            Value::String(text) => text.clone(),
            Value::Number(number) => match (number.as_i64(), unit) {
                (Some(minor), "minor") => money(minor, self.said.currency_digits),
                (Some(integer), _) => grouped(integer),
                // Four digits are what people compare scores by.
                (None, _) => format!("{:.4}", number.as_f64().unwrap_or(f64::NAN)),
            },
            other => other.to_string(),
        }
    }

    fn lang_of<'w>(&self, words: &'w playbook_model::Words) -> &'w str {
        words.in_lang(self.lang.code())
    }
}

/// The parts of an output, greatest first.
fn factors(output: &OutputSaid) -> Option<String> {
    let mut parts: Vec<_> = output.factors.iter().collect();
    parts.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    let told = parts.iter().map(|part| {
        let text = format!("{:+.4}", part.contribution);
        format!("{} {}", part.input, text.trim_end_matches('0').trim_end_matches('.'))
    });
    let text = told.collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn columns_with_the_usual_value_are_counted() {
        let columns = ["0", "2", "0", "–"].map(str::to_owned);
        let columns: Vec<_> = [".6", ".7", ".8", ".9"].into_iter().zip(columns).collect();
        assert_eq!(split("opens", &columns), "opens: .7 = 2, .9 = –, 2 columns = 0");
    }
}
