//! What changed between two versions: stages with their plugins, and the text of the playbook.

use std::path::Path;

use maud::{Markup, html};
use playbook_online::{Source, StageFacts, VersionFacts};
use similar::{ChangeTag, TextDiff};

use super::frame::{Say, short};

/// Lines around a change that are shown with it.
const AROUND: usize = 3;
/// Lines of a comparison at most.
const LINES_MAX: usize = 400;
/// The line of a playbook that no page shows.
const SALT: &str = "pseudonym_salt";
/// Longer texts are not compared.
const BYTES_MAX: usize = 1 << 20;

/// Stages that came, went, or have another plugin.
pub(super) fn stages(say: Say, before: &VersionFacts, after: &VersionFacts) -> Markup {
    let find = |of: &'_ VersionFacts, name: &str| -> Option<StageFacts> {
        of.stages.iter().find(|stage| stage.name == name).cloned()
    };
    let plugin = |stage: &StageFacts| html! { (stage.plugin) " " (stage.version) " " (short(&stage.component)) };
    let came = after.stages.iter().filter(|stage| find(before, &stage.name).is_none());
    let went = before.stages.iter().filter(|stage| find(after, &stage.name).is_none());
    let other = after.stages.iter().filter_map(|stage| {
        let was = find(before, &stage.name)?;
        (was.component != stage.component).then_some((was, stage))
    });
    let (came, went, other): (Vec<_>, Vec<_>, Vec<_>) =
        (came.collect(), went.collect(), other.collect());
    html! {
        @if came.is_empty() && went.is_empty() && other.is_empty() {
            p.note { (say.say("The same stages with the same plugins.", "階段與插件均未變。")) }
        } @else {
            ul.changes {
                @for stage in came { li { span.badge.good { (say.say("new", "新增")) } " " strong { (stage.name) } " " (plugin(stage)) } }
                @for stage in went { li { span.badge.critical { (say.say("gone", "移除")) } " " strong { (stage.name) } " " (plugin(stage)) } }
                @for (was, stage) in other {
                    li { span.badge.watch { (say.say("plugin", "插件變更")) } " " strong { (stage.name) } ": " (plugin(&was)) " → " (plugin(stage)) }
                }
            }
        }
    }
}

/// Lines of the playbook that differ.
pub(super) fn text(say: Say, before: &Source, after: &Source) -> Markup {
    let (before, after) = (whole(before), whole(after));
    if before == after {
        return html! { p.note { (say.say("The same text.", "文本相同。")) } };
    }
    if before.len().max(after.len()) > BYTES_MAX {
        return html! { p.note { (say.say("The texts are too long to be compared here.", "文本過長，無法在此比較。")) } };
    }
    let diff = TextDiff::from_lines(&before, &after);
    let groups = diff.grouped_ops(AROUND);
    let mut lines = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        if at > 0 {
            lines.push(("gap", "…".to_owned()));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (class, sign) = match change.tag() {
                ChangeTag::Delete => ("del", '−'),
                ChangeTag::Insert => ("ins", '+'),
                ChangeTag::Equal => ("same", ' '),
            };
            lines
                .push((class, format!("{sign} {}", change.value().trim_end_matches(['\r', '\n']))));
        }
    }
    let more = lines.len().saturating_sub(LINES_MAX);
    html! {
        pre.diff tabindex="0" {
            @for (class, line) in lines.iter().take(LINES_MAX) { span class=(class) { (line) "\n" } }
        }
        @if more > 0 { p.note { (more) " " (say.say("more lines are not shown.", "行未顯示。")) } }
    }
}

/// All files of a version as one text. Where they lie on the host is nobody's concern.
fn whole(source: &Source) -> String {
    let mut text = String::new();
    for (name, file) in &source.files {
        if source.files.len() > 1 {
            let name = Path::new(name).file_name().map_or("", |name| name.to_str().unwrap_or(""));
            text.push_str(&format!("# --- {name}\n"));
        }
        for line in file.lines() {
            // Whoever has it can find out whom a pseudonym stands for.
            let is_salt = line.trim_start().starts_with(SALT);
            text.push_str(if is_salt { "pseudonym_salt = …" } else { line });
            text.push('\n');
        }
    }
    text
}
