//! `playbook list`, `playbook new` and `playbook explain MODEL`: what there is to build a playbook of.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use playbook_app::words_json;
use playbook_files::write_new;
use playbook_model::{Words, is_kebab};
use playbook_toml::{card_facts, nearest, shipped, shipped_files, standard_catalogue};
use serde::Serialize;
use serde_json::json;

use crate::cli::{ListArgs, Listed, NewArgs};
use crate::commands::plugin;
use crate::conformance::guest;
use crate::session::Session;
use crate::terminal::Terminal;
use crate::text::Text;

/// A playbook of an industry.
#[derive(Debug, Serialize)]
struct Preset {
    name: &'static str,
    summary: serde_json::Value,
}

/// A plugin or a card.
#[derive(Debug, Serialize)]
struct Model {
    name: String,
    kind: String,
    version: String,
    /// What the card is settings of; none of a plugin.
    engine: Option<String>,
    /// Codes of the domain.
    model: String,
    /// Whether `plugin` takes it already: its component is installed.
    installed: bool,
    summary: serde_json::Value,
}

/// A feature of the catalogue.
#[derive(Debug, Serialize)]
struct Feature {
    name: String,
    subject: String,
    unit: String,
    about: String,
}

/// The first lines of a preset say what it is, in English and Chinese.
fn summary_of(text: &str) -> Words {
    let lines = text.lines().skip_while(|line| line.starts_with("#:"));
    let mut lines = lines.map_while(|line| line.strip_prefix("# "));
    let en = lines.next().unwrap_or_default().to_owned();
    Words { en, zh: lines.next().map(str::to_owned) }
}

fn presets() -> Vec<(Preset, Words)> {
    let preset = |(name, text)| {
        let words = summary_of(text);
        (Preset { name, summary: words_json(&words) }, words)
    };
    shipped_files("preset").map(preset).collect()
}

fn models(session: &Session) -> Result<Vec<(Model, Words)>> {
    let mut models = Vec::new();
    for installed in session.host.home().installed()? {
        let plugin = session.host.accepted(&installed.path)?;
        let about = guest(&installed.name, plugin.describe()?)?;
        let model = Model {
            name: installed.name,
            kind: about.kind.name().to_owned(),
            version: installed.version.to_string(),
            engine: None,
            model: String::new(),
            installed: true,
            summary: words_json(&about.summary),
        };
        models.push((model, about.summary));
    }
    for facts in card_facts() {
        let engine = facts.engine.split('@').next().unwrap_or_default();
        let model = Model {
            name: facts.card.name,
            kind: facts.kind,
            version: facts.card.version,
            installed: models.iter().any(|(model, _)| model.name == engine),
            engine: Some(facts.engine),
            model: facts.card.model,
            summary: words_json(&facts.card.summary),
        };
        models.push((model, facts.card.summary));
    }
    models.sort_by(|a, b| (&a.0.kind, &a.0.name).cmp(&(&b.0.kind, &b.0.name)));
    Ok(models)
}

fn features() -> Vec<Feature> {
    let feature = |(feature, about): (playbook_model::FeatureDef, String)| Feature {
        name: feature.name,
        subject: feature.subject.0,
        unit: feature.unit,
        about,
    };
    standard_catalogue().into_iter().map(feature).collect()
}

/// Shows presets, models and features of the catalogue.
pub(crate) fn list(session: &Session, args: &ListArgs) -> Result<()> {
    let (terminal, lang) = (session.terminal, args.lang.lang().code());
    let wants = |what: Listed| args.what.is_none_or(|wanted| wanted == what);
    let presets = if wants(Listed::Presets) { presets() } else { Vec::new() };
    let models = if wants(Listed::Models) { models(session)? } else { Vec::new() };
    let features = if args.what == Some(Listed::Features) { features() } else { Vec::new() };
    if args.json {
        let presets: Vec<_> = presets.iter().map(|(preset, _)| preset).collect();
        let models: Vec<_> = models.iter().map(|(model, _)| model).collect();
        return Terminal::json(
            &json!({ "presets": presets, "models": models, "features": features }),
        );
    }
    if wants(Listed::Presets) {
        let row = |(preset, words): &(Preset, Words)| {
            vec![preset.name.to_owned(), words.in_lang(lang).to_owned()]
        };
        let rows: Vec<_> = presets.iter().map(row).collect();
        Terminal::out(terminal.table(&["preset", "what it is for"], &[], &rows))?;
    }
    if wants(Listed::Models) {
        let row = |(model, words): &(Model, Words)| {
            let how = match (&model.engine, model.installed) {
                (Some(engine), true) => format!("card of {engine}"),
                (Some(engine), false) => format!("card of {engine}, which is not installed"),
                (None, _) => format!("plugin {}", model.version),
            };
            vec![model.name.clone(), model.kind.clone(), how, words.in_lang(lang).to_owned()]
        };
        let rows: Vec<_> = models.iter().map(row).collect();
        Terminal::out(terminal.table(&["model", "kind", "how", "what it does"], &[], &rows))?;
        if !models.iter().any(|(model, _)| model.engine.is_none()) {
            Terminal::note("no plugin is installed; `playbook demo` installs those of a checkout");
        }
    }
    if args.what == Some(Listed::Features) {
        let row = |feature: &Feature| {
            let Feature { name, subject, unit, about } = feature;
            vec![name.clone(), subject.clone(), unit.clone(), about.clone()]
        };
        let rows: Vec<_> = features.iter().map(row).collect();
        Terminal::out(terminal.table(&["feature", "subject", "unit", "what it is"], &[], &rows))?;
    }
    Ok(())
}

/// Shows the page of a model, then what its component needs, gives and can be set to.
pub(crate) fn model(session: &Session, name: &str, as_json: bool) -> Result<()> {
    let card = card_facts().into_iter().find(|facts| facts.card.name == name);
    let page = shipped(&format!("page:{name}"));
    let engine = card.as_ref().map_or(name, |card| card.engine.as_str());
    let engine_name = engine.split('@').next().unwrap_or_default();
    let installed = session.host.home().installed()?;
    let is_there = installed.iter().any(|plugin| plugin.name == engine_name);
    if page.is_none() && card.is_none() && !is_there {
        let known = shipped_files("page").map(|(known, _)| known);
        let hint = nearest(name, known).map_or_else(
            || "`playbook list models` shows what there is".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        bail!(
            "there is no model `{name}`: {hint}; a member of a finished run takes its folder and --member"
        );
    }
    if as_json {
        let card = card.as_ref().map(|facts| {
            json!({ "name": facts.card.name, "version": facts.card.version, "model": facts.card.model,
                    "kind": facts.kind, "engine": facts.engine, "summary": words_json(&facts.card.summary),
                    "text": facts.text })
        });
        return Terminal::json(&json!({ "model": name, "page": page, "card": card }));
    }
    if let Some(page) = page {
        Terminal::out(page)?;
    }
    if let Some(card) = &card {
        let mut text = session.terminal.heading(&format!("The card, of {}\n", card.engine));
        text.push_str(card.text);
        Terminal::out(text)?;
    }
    if is_there {
        let settings = card.as_ref().map(|card| card.settings.to_string());
        let settings = settings.unwrap_or_else(|| "{}".to_owned());
        return plugin::inspect(session, engine, &settings, false);
    }
    Terminal::note(&format!(
        "`{engine_name}` is not installed, so what it needs and gives is not shown; `playbook demo` installs the \
         plugins of a checkout, `playbook plugin install` a component"
    ));
    Ok(())
}

/// Writes a brand's playbook on a preset.
pub(crate) fn new(args: &NewArgs) -> Result<()> {
    let NewArgs { industry, brand, currency, time_zone, .. } = args;
    if !is_kebab(brand) {
        bail!(
            "`{brand}` is no name of a brand: lower-case words joined by hyphens, as `tea-house`"
        );
    }
    if shipped(&format!("preset:{industry}")).is_none() {
        let known: Vec<&str> = shipped_files("preset").map(|(name, _)| name).collect();
        match nearest(industry, known.iter().copied()) {
            Some(near) => bail!("there is no preset `{industry}`; did you mean `{near}`?"),
            None => bail!("there is no preset `{industry}`: {}", known.join(", ")),
        }
    }
    let name = PathBuf::from(format!("{brand}.toml"));
    let path: &Path = args.out.as_deref().unwrap_or(&name);
    let include = "include = [\"catalogue:sample-sources\"]\n";
    let (include, data) = if args.sample { (include, "") } else { ("", SOURCES) };
    let text = format!(
        "# What is not said here holds as in the preset; `playbook list` shows what there is beside it.\n\
         extends = \"preset:{industry}\"\n{include}\
         playbook = {{ id = \"{brand}\", brand = \"{brand}\", currency = \"{currency}\", time_zone = \"{time_zone}\" }}\n\
         budget = {{ total = \"200_000.00\" }}\n{data}"
    );
    if !write_new(path, text.as_bytes()).context("cannot write the playbook")? {
        bail!("`{}` is there already; name another file with --out", path.display());
    }
    let data = if args.sample { "playbook sample --out sample\n  " } else { "" };
    let folder = if args.sample { " --data sample" } else { "" };
    let shown = path.display();
    Terminal::out(Text::from(&format!(
        "wrote `{shown}` ({} lines)\nnext:\n  {data}playbook check {shown}\n  playbook run {shown}{folder} --out {brand}-run\n",
        text.lines().count()
    )))
}

/// The data of a brand: what its systems export, to be changed to what they do.
const SOURCES: &str = "
[[source]]
name = \"members\"
table = \"members\"
path = \"members.csv\"
map = { member = \"member\", joined = \"joined\", age_band = \"age_band\", channel = \"channel\", community = \"community\" }
[[source]]
name = \"events\"
table = \"events\"
path = \"events.csv\"
map = { event_id = \"event_id\", member = \"member\", kind = \"kind\", time = \"time\", amount_minor = \"amount\", channel = \"channel\", community = \"community\", campaign = \"campaign\", topic = \"topic\", object = \"object\", sentiment = \"sentiment\", value = \"value\", severity = \"severity\", cost_of_goods_minor = \"cost_of_goods\" }
[[source]]
name = \"costs\"
table = \"costs\"
path = \"costs.csv\"
map = { day = \"day\", amount_minor = \"amount\", channel = \"channel\", kind = \"kind\", delivered = \"delivered\", complaints = \"complaints\" }
[[source]]
name = \"figures\"
table = \"entries\"
path = \"figures.csv\"
map = { day = \"day\", subject = \"subject\", key = \"key\", metric = \"metric\", value = \"value\" }
";
