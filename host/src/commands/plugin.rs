//! `playbook plugin`: make, build, look into, test, install.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use playbook_app::words_json;
use playbook_builder::{Built, Language, Options, Progress, Scaffold, SdkSource, build, scaffold};
use playbook_model::{ActionInfo, Shape, Source, Words};
use serde_json::{Value, json};

use crate::cli::{KindArg, LanguageArg, PluginCommand};
use crate::commands::plugin_install::Installs;
use crate::commands::{
    plugin_bench, plugin_dev, plugin_fixture, plugin_install, plugin_profile, plugin_test, publish,
};
use crate::conformance::guest;
use crate::session::Session;
use crate::terminal::{Terminal, grouped};
use crate::text::Text;

pub(crate) fn plugin(session: &Session, command: &PluginCommand) -> Result<()> {
    match command {
        PluginCommand::New { name, kind, lang, dir } => new(name, *kind, *lang, dir.as_deref()),
        PluginCommand::Build { paths, install, replace, json } => {
            let installs = install.then(|| Installs::new(*replace));
            build_all(session, paths, installs, *json)
        }
        PluginCommand::Inspect { file, settings, json } => inspect(session, file, settings, *json),
        PluginCommand::Test(args) => plugin_test::test(session, args),
        PluginCommand::Dev(args) => plugin_dev::dev(session, args),
        PluginCommand::Fixture(args) => plugin_fixture::fixture(session, args),
        PluginCommand::Bench(args) => plugin_bench::bench(session, args),
        PluginCommand::Profile(args) => plugin_profile::profile(session, args),
        PluginCommand::Install { files, replace } => {
            plugin_install::install(session, files, Installs::new(*replace))
        }
        PluginCommand::List { json } => list(session, *json),
        PluginCommand::Publish(command) => publish::publish(session, command),
    }
}

/// The SDK of a checkout that this is run in; else the copy that travels with the program.
fn sdk() -> SdkSource {
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    for start in starts.into_iter().flatten() {
        for folder in start.ancestors() {
            let sdk = folder.join("plugin-sdk");
            if sdk.join("Cargo.toml").is_file() {
                return SdkSource::Path(sdk);
            }
        }
    }
    SdkSource::Copied
}

fn new(name: &str, kind: KindArg, lang: LanguageArg, dir: Option<&Path>) -> Result<()> {
    let folder = dir.map_or_else(|| PathBuf::from(name), Path::to_path_buf);
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let language = match lang {
        LanguageArg::Rust => Language::Rust(sdk()),
        LanguageArg::Js => Language::JavaScript,
        LanguageArg::Python => Language::Python,
    };
    let (name, kind) = (name.to_owned(), kind.kind());
    let wanted = Scaffold { name, kind, language, folder: folder.clone() };
    let files = scaffold(&wanted)?;
    let mut text = format!("wrote `{}`\n", folder.display());
    for file in files {
        text.push_str(&format!("  {} ({} lines)\n", file.path, file.lines));
    }
    text.push_str(&format!(
        "next:\n  playbook plugin test {}\n  playbook plugin build {} --install\n",
        folder.display(),
        folder.display()
    ));
    Terminal::out(&text)?;
    Ok(())
}

/// Builds crates and tells on standard error what is going on.
pub(crate) fn build_noisily(paths: &[&Path]) -> Result<Vec<Built>> {
    let mut last = 0;
    let built = build(paths, &Options::of_user(), &mut |progress| match progress {
        Progress::Toolchain(toolchain) => Terminal::note(&format!("  toolchain: {toolchain}")),
        Progress::Installing(command) => Terminal::note(&format!("  installing: {command}")),
        Progress::Waiting(folder) => {
            Terminal::note(&format!("  waiting for another build in {}", folder.display()))
        }
        Progress::Compiling(crates) => {
            Terminal::note(&format!("  compiling {}", crates.join(", ")))
        }
        Progress::Compiled { package, done } => {
            if done >= last + 10 {
                last = done;
                Terminal::note(&format!("  {done} packages, now {package}"));
            }
        }
        Progress::Testing(name) => Terminal::note(&format!("  native tests of {name}")),
        Progress::Ready { plugin, bytes, fresh } => {
            let bytes = grouped(i64::try_from(bytes).unwrap_or(0));
            let how = if fresh { "unchanged" } else { "built" };
            Terminal::note(&format!("  {plugin:<20} {bytes:>9} bytes  {how}"));
        }
    })?;
    Ok(built)
}

fn build_all(
    session: &Session,
    paths: &[PathBuf],
    installs: Option<Installs>,
    as_json: bool,
) -> Result<()> {
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let built = build_noisily(&paths)?;
    let mut rows = Vec::new();
    for one in &built {
        let plugin = session.host.accepted(&one.component)?;
        let about = guest(&one.plugin, plugin.describe()?)?;
        let install = |how: Installs| how.install(session, &one.component, &plugin, &about);
        let installed = installs.map(install).transpose()?;
        rows.push(json!({
            "plugin": about.name, "version": about.version, "kind": about.kind.name(),
            "bytes": one.bytes, "digest": one.digest.hex(), "component": one.component,
            "contract": plugin.contract_version().to_string(), "installed": installed,
        }));
    }
    if as_json {
        Terminal::json(&rows)?;
        return Ok(());
    }
    for row in rows {
        let text = |key: &str| row[key].as_str().unwrap_or("").to_owned();
        Terminal::out(&format!(
            "{} {} ({}, contract {})\n  size    {} bytes\n  digest  {}\n  file    {}",
            text("plugin"),
            text("version"),
            text("kind"),
            text("contract"),
            grouped(row["bytes"].as_i64().unwrap_or(0)),
            text("digest"),
            row["installed"].as_str().map_or_else(|| text("component"), ToOwned::to_owned),
        ))?;
    }
    Ok(())
}

fn list(session: &Session, as_json: bool) -> Result<()> {
    let mut rows = Vec::new();
    for installed in session.host.home().installed()? {
        let plugin = session.host.accepted(&installed.path)?;
        let about = guest(&installed.name, plugin.describe()?)?;
        rows.push((installed, about, plugin.digest()));
    }
    if as_json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(i, about, digest)| {
                json!({ "name": i.name, "version": i.version.to_string(), "kind": about.kind.name(),
                        "digest": digest.hex(), "file": i.path, "summary": words_json(&about.summary) })
            })
            .collect();
        Terminal::json(&rows)?;
        return Ok(());
    }
    if rows.is_empty() {
        Terminal::out("no plugin is installed; `playbook demo` installs the reference plugins")?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(i, about, digest)| {
            vec![
                i.name.clone(),
                i.version.to_string(),
                about.kind.name().to_owned(),
                about.summary.en.clone(),
                digest.hex()[..12].to_owned(),
            ]
        })
        .collect();
    Terminal::out(session.terminal.table(
        &["plugin", "version", "kind", "what it does", "digest"],
        &[],
        &rows,
    ))?;
    Ok(())
}

/// Shows what a component says of itself, needs and gives under settings.
pub(crate) fn inspect(session: &Session, file: &str, settings: &str, as_json: bool) -> Result<()> {
    let (path, plugin) = session.host.plugin(file)?;
    let settings = canonical(settings)?;
    let name = path.to_string_lossy().into_owned();
    let about = guest(&name, plugin.describe()?)?;
    let shape = guest(&name, plugin.check(&settings)?)?;
    let schema: Value = serde_json::from_str(&about.settings_schema).with_context(|| {
        format!("plugin `{}` gives a settings schema that is no JSON", about.name)
    })?;
    let bytes = fs::metadata(&path)?.len();
    let record = json!({
        "plugin": about.name, "version": about.version, "kind": about.kind.name(), "fitted": plugin.is_fitted(),
        "summary": words_json(&about.summary), "file": path, "bytes": bytes, "digest": plugin.digest().hex(),
        "contract": plugin.contract_version().to_string(), "imports": plugin.imports(),
        "settings_schema": schema, "shape": shape_json(&shape),
    });
    if as_json {
        Terminal::json(&record)?;
        return Ok(());
    }
    Terminal::out(&format!(
        "{} {} ({}{}, contract {})\n{}\n  size    {} bytes\n  digest  {}\n  imports {}\n",
        about.name,
        about.version,
        about.kind.name(),
        if plugin.is_fitted() { ", can be fitted" } else { "" },
        plugin.contract_version(),
        about.summary.en,
        grouped(i64::try_from(bytes).unwrap_or(0)),
        plugin.digest().hex(),
        if plugin.imports().is_empty() { "none".to_owned() } else { plugin.imports().join(", ") },
    ))?;
    Terminal::out(shape_table(session, &shape))?;
    Terminal::out(settings_table(session, &schema))?;
    Ok(())
}

pub(crate) fn source(source: &Source) -> String {
    match source {
        Source::Feature(name) => name.clone(),
        Source::Output(name) => format!("output {name}"),
        Source::Previous((ago, name)) => format!("previous({ago}) {name}"),
        Source::Key => "key".to_owned(),
    }
}

fn shape_json(shape: &Shape) -> Value {
    let need = |n: &playbook_model::Need| {
        json!({ "source": source(&n.source), "type": n.cell_type.name(), "unit": n.unit,
                "required": n.required, "categories": n.categories })
    };
    let table = |t: &playbook_model::TableNeed| json!({ "subject": t.subject, "columns": t.columns.iter().map(need).collect::<Vec<_>>() });
    json!({
        "rows": shape.rows.as_ref().map(table),
        "tables": shape.tables.iter().map(table).collect::<Vec<_>>(),
        "produces": shape.produces.iter().map(|p| json!({
            "name": p.name, "role": p.role.name(), "group": p.group, "type": p.cell_type.name(), "unit": p.unit,
            "least": p.least, "most": p.most, "categories": p.categories, "bounds": p.bounds, "table": p.table,
            "meaning": words_json(&p.meaning),
        })).collect::<Vec<_>>(),
        "segments": shape.segments.iter().map(|s| json!({ "name": s.name, "text": words_json(&s.text) })).collect::<Vec<_>>(),
        "actions": shape.actions.iter().map(|a| json!({
            "name": a.name, "priority": a.priority.name(), "family": a.family, "purpose": a.purpose,
            "commercial": a.commercial, "contacts_member": a.contacts_member,
            "frequency": a.frequency.name(),
            "needs_approval": a.needs_approval, "text": words_json(&a.text),
        })).collect::<Vec<_>>(),
        "reasons": shape.reasons.iter().map(|r| json!({ "code": r.code, "text": words_json(&r.text) })).collect::<Vec<_>>(),
        "fit_passes_max": shape.fit_passes_max,
    })
}

/// What holds of the grants of an action.
fn flags(action: &ActionInfo) -> Vec<String> {
    let is = |holds: bool, flag: &str| holds.then(|| flag.to_owned());
    let named = |what: &str, name: &str| is(!name.is_empty(), &format!("{what} {name}"));
    [
        Some(action.priority.name().to_owned()),
        Some(action.frequency.name().replace('-', " ")),
        named("family", &action.family),
        named("purpose", &action.purpose),
        is(action.commercial, "commercial"),
        is(action.contacts_member, "contacts the member"),
        is(action.needs_approval, "needs approval"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn shape_table(session: &Session, shape: &Shape) -> Text {
    let mut rows = Vec::new();
    for table in shape.rows.iter().chain(&shape.tables) {
        for need in &table.columns {
            rows.push(vec![
                "needs".to_owned(),
                table.subject.clone(),
                source(&need.source),
                need.cell_type.name().to_owned(),
                need.unit.clone(),
                if need.required { "" } else { "optional" }.to_owned(),
            ]);
        }
    }
    for produce in &shape.produces {
        let table = match produce.table {
            None => shape.rows.as_ref(),
            Some(at) => shape.tables.get(at as usize),
        };
        rows.push(vec![
            "gives".to_owned(),
            table.map_or_else(String::new, |t| t.subject.clone()),
            produce.name.clone(),
            produce.cell_type.name().to_owned(),
            produce.unit.clone(),
            produce.meaning.en.clone(),
        ]);
    }
    let words = |words: &Words| words.en.clone();
    let segments = shape.segments.iter().map(|s| ("segment", &s.name, words(&s.text)));
    let actions = shape.actions.iter().map(|a| {
        let told = format!("{} ({})", a.text.en, flags(a).join(", "));
        ("action", &a.name, told)
    });
    let reasons = shape.reasons.iter().map(|r| ("reason", &r.code, words(&r.text)));
    for (what, name, told) in segments.chain(actions).chain(reasons) {
        let (what, none) = (what.to_owned(), String::new);
        rows.push(vec![what, none(), name.clone(), none(), none(), told]);
    }
    session.terminal.table(&["", "subject", "name", "type", "unit", ""], &[], &rows)
}

fn settings_table(session: &Session, schema: &Value) -> Text {
    let rows: Vec<Vec<String>> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, property)| {
            let default = &property["default"];
            vec![
                name.clone(),
                if default.is_null() { String::new() } else { default.to_string() },
                property["description"].as_str().unwrap_or("").to_owned(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "no settings".into();
    }
    session.terminal.table(&["setting", "default", "meaning"], &[], &rows)
}

pub(crate) fn canonical(settings: &str) -> Result<String> {
    let value: Value = serde_json::from_str(settings).context("--settings is not JSON")?;
    Ok(playbook_model::canonical_json(&value))
}
