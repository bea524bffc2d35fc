//! Asks a component in the sandbox what its native tests asked, and compares the answers bit for bit.
//!
//! The SDK's test harness keeps each question with its answer as a line of JSON, in the files of a folder that
//! [`Case::FOLDER`] names. What a test asserts of a native answer then holds for the component as well.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use playbook_contract::{Asked, Case, Opening as Opened};
use playbook_cycle::{CycleError, FitStart, StageUsage, fit};
use playbook_model::{Context, Fault, Minor, Outcome, Problem};
use playbook_runtime::{OpenedPlugin, Opening, Plugin, Reuse, RuntimeError, refusal};
use serde::Serialize;

use crate::conformance::Check;
use crate::made_up::AtHand;

/// Letters of an answer that a failure shows.
const SHOWN_LETTERS: usize = 300;

/// Answers of one native test.
#[derive(Default)]
struct Seen {
    answers: usize,
    failure: Option<String>,
}

/// Asks all that native tests asked the plugin of that name; one check for each test. Their cases lie in `folder`.
pub(crate) fn of_native_tests(plugin: &Plugin, name: &str, folder: &Path) -> Result<Vec<Check>> {
    let files = folder.read_dir().with_context(|| format!("cannot read `{}`", folder.display()))?;
    let files = files.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    run(plugin, name, &files, Told::Natively)
}

/// Asks all that files hold of the plugin of that name; one check for each name that their questions have.
///
/// # Errors
/// A file that cannot be read, or that asks nothing of this plugin.
pub(crate) fn of_files(plugin: &Plugin, name: &str, files: &[PathBuf]) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for file in files {
        let found = run(plugin, name, std::slice::from_ref(file), Told::Earlier)?;
        if found.is_empty() {
            bail!("`{}` asks nothing of the plugin `{name}`", file.display());
        }
        checks.extend(found);
    }
    Ok(checks)
}

/// Who gave the answers that the component is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The same plugin, built for this machine.
    Natively,
    /// A component, at an earlier time.
    Earlier,
}

fn run(plugin: &Plugin, name: &str, files: &[PathBuf], by: Told) -> Result<Vec<Check>> {
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let mut bench = Bench { plugin, by, opened: None };
    for path in files {
        let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        for line in BufReader::new(file).lines() {
            let case: Case = serde_json::from_str(&line?).with_context(|| {
                format!(
                    "`{}` holds no questions, or those of another version of the SDK",
                    path.display()
                )
            })?;
            if case.plugin != name {
                continue;
            }
            let failure = bench.ask(&case)?;
            let of_test = seen.entry(case.test).or_default();
            of_test.answers += 1;
            of_test.failure = of_test.failure.take().or(failure);
        }
    }
    let check = |(test, seen): (String, Seen)| {
        let answers = if seen.answers == 1 { "answer" } else { "answers" };
        let test = match by {
            Told::Natively => format!("the native test `{test}`"),
            Told::Earlier => test,
        };
        let name = format!("gives the {} {answers} of {test}", seen.answers);
        Check { name: name.into(), failure: seen.failure, row: None }
    };
    Ok(seen.into_iter().map(check).collect())
}

/// The component, opened as the last case opened it.
struct Bench<'a> {
    plugin: &'a Plugin,
    by: Told,
    opened: Option<(Context, Opened, OpenedPlugin)>,
}

impl Bench<'_> {
    /// What differs from the native answer, if anything.
    fn ask(&mut self, case: &Case) -> Result<Option<String>, CycleError> {
        let Case { context, opening, .. } = case;
        match &case.asked {
            Asked::Check(told) => {
                Ok(self.by.compared(told, &self.plugin.check(&opening.settings)?))
            }
            Asked::Open(told) => Ok(self.by.compared(told, &self.opened(case)?.map(|_| ()))),
            Asked::Fit(cut, told) => {
                let given = match self.plugin.check(&opening.settings)? {
                    Ok(shape) => {
                        let start = FitStart {
                            plugin: self.plugin,
                            shape: &shape,
                            context: *context,
                            settings: &opening.settings,
                            tables: &opening.tables,
                        };
                        fit(start, &AtHand(cut), &mut StageUsage::default())?.map(|end| end.fitted)
                    }
                    Err(fault) => Err(fault),
                };
                Ok(self.by.compared(told, &given))
            }
            Asked::Score(batch, told) => {
                self.call(case, told, |plugin| plugin.score(context, batch))
            }
            Asked::Explain(batch, told) => {
                self.call(case, told, |plugin| plugin.explain(context, batch))
            }
            Asked::Assign(batch, told) => {
                self.call(case, told, |plugin| plugin.assign(context, batch))
            }
            Asked::Propose(batch, told) => {
                self.call(case, told, |plugin| plugin.propose(context, batch))
            }
            Asked::Plan(budget, told) => {
                self.call(case, told, |plugin| plugin.plan(context, Minor(*budget)))
            }
            Asked::Touch(phase, batch, told) => {
                self.call(case, told, |plugin| plugin.touch(context, *phase, batch))
            }
            Asked::Value(told) => self.call(case, told, |plugin| plugin.value(context)),
            Asked::Diagnose(told) => self.call(case, told, |plugin| plugin.diagnose(context)),
            Asked::Screen(batch, told) => {
                self.call(case, told, |plugin| plugin.screen(context, batch))
            }
        }
    }

    /// Calls the component as the case opened it.
    fn call<T: Serialize>(
        &mut self,
        case: &Case,
        told: &Result<T, String>,
        ask: impl FnOnce(&OpenedPlugin) -> Result<Outcome<T>, RuntimeError>,
    ) -> Result<Option<String>, CycleError> {
        let given = match self.opened(case)? {
            Ok(plugin) => ask(plugin)?,
            Err(fault) => Err(fault),
        };
        Ok(self.by.compared(told, &given))
    }

    fn opened(&mut self, case: &Case) -> Result<Outcome<&OpenedPlugin>, RuntimeError> {
        let fits = |(context, opening, _): &(Context, Opened, OpenedPlugin)| {
            *context == case.context && *opening == case.opening
        };
        if !self.opened.as_ref().is_some_and(fits) {
            let Opened { settings, model, tables } = case.opening.clone();
            let opening = Opening {
                context: case.context,
                settings: settings.into(),
                model: model.map(Into::into),
                tables: tables.into(),
                reuse: Reuse::default(),
            };
            match self.plugin.open(opening)? {
                Ok(plugin) => self.opened = Some((case.context, case.opening.clone(), plugin)),
                Err(fault) => return Ok(Err(fault)),
            }
        }
        Ok(Ok(self.opened.as_ref().map(|(_, _, plugin)| plugin).expect("it was just opened")))
    }
}

/// What a plugin says instead of an answer, and the fault that it becomes in the sandbox.
trait Said {
    fn fault(&self) -> Fault;
}

impl Said for String {
    fn fault(&self) -> Fault {
        refusal(self)
    }
}

impl Said for Vec<Problem> {
    fn fault(&self) -> Fault {
        Fault::Settings(self.clone())
    }
}

impl Told {
    /// Compares bit for bit: numbers are written in full, so that answers with equal texts have equal bits.
    fn compared<T: Serialize, E: Said>(
        self,
        told: &Result<T, E>,
        given: &Outcome<T>,
    ) -> Option<String> {
        let text = |answer: Result<&T, Fault>| match answer {
            Ok(answer) => serde_json::to_string(answer).expect("answers are kept as JSON"),
            Err(fault) => fault.to_string(),
        };
        let told = text(told.as_ref().map_err(Said::fault));
        let given = text(given.as_ref().map_err(Fault::clone));
        if told == given {
            return None;
        }
        let same = told.bytes().zip(given.bytes()).take_while(|(a, b)| a == b).count();
        let tail = |text: &str| -> String {
            let from = (0..=same.saturating_sub(SHOWN_LETTERS / 3))
                .rev()
                .find(|at| text.is_char_boundary(*at));
            text[from.unwrap_or(0)..].chars().take(SHOWN_LETTERS).collect()
        };
        let (told, given) = (tail(&told), tail(&given));
        Some(match self {
            Self::Natively => format!(
                "natively ..{told}.., here ..{given}.. (where only last digits differ, call `playbook_sdk::libm` instead \
             of the platform's mathematics)"
            ),
            Self::Earlier => format!("then ..{told}.., now ..{given}.."),
        })
    }
}
