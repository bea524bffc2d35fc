//! `playbook plugin keygen | push | sign | pull | verify | search | compare`: plugins between authors, registries and hosts.

use std::path::Path;

use anyhow::{Context, Result, bail};
use playbook_app::{
    AppError, Offer, Weight, changes, is_compatible, named_by, next_version, weight,
};
use playbook_files::read_regular;
use playbook_model::{ArtefactRef, Shape};
use playbook_registry::{
    About, Artefact, PublicKey, Push, Registry, RegistryError, SecretKey, Signatures,
};
use playbook_runtime::{Plugin, languages};
use semver::Version;
use serde_json::json;

use crate::cli::{PublishCommand, PushArgs};
use crate::commands::plugin::{canonical, source};
use crate::commands::plugin_install::Installs;
use crate::commands::{publish_compare, publish_search};
use crate::conformance::guest;
use crate::session::Session;
use crate::terminal::{Terminal, grouped};

pub(crate) fn publish(session: &Session, command: &PublishCommand) -> Result<()> {
    match command {
        PublishCommand::Keygen { file, json } => keygen(file, *json),
        PublishCommand::Push(args) => push(session, args),
        PublishCommand::Sign { artefact, key, json } => sign(session, artefact, key, *json),
        PublishCommand::Pull { artefact, install, replace, json } => {
            pull(session, artefact, install.then(|| Installs::new(*replace)), *json)
        }
        PublishCommand::Verify { plugin, json } => verify(session, plugin, *json),
        PublishCommand::Search { words, registry, json } => {
            publish_search::search(session, words, registry.as_deref(), *json)
        }
        PublishCommand::Compare { old, new, settings, json } => {
            publish_compare::compare(session, (old, new), settings, *json)
        }
    }
}

fn keygen(file: &Path, as_json: bool) -> Result<()> {
    let (key, public_file) = SecretKey::generate(file)?;
    let public = key.public().to_string();
    if as_json {
        let said = json!({ "key": file, "public_key": public, "public_key_file": public_file });
        return Terminal::json(&said);
    }
    Terminal::out(&format!(
        "wrote `{}`, for you alone: whoever has it can publish in your name, so keep a copy where nobody else comes\n\
         wrote `{}`: give it to those who run your plugins\n  {public}\nnext:\n  playbook plugin push COMPONENT oci://HOST/REPOSITORY --key {}",
        file.display(),
        public_file.display(),
        file.display(),
    ))
}

/// A component as it is loaded, and what playbooks see of it.
pub(crate) struct Looked {
    pub(crate) plugin: Plugin,
    pub(crate) bytes: Vec<u8>,
    pub(crate) offer: Offer,
}

/// Loads a component file, an installed plugin or an artefact, and asks what it is under these settings.
pub(crate) fn look(session: &Session, named: &str, settings: &str) -> Result<Looked> {
    let path = session.host.named(named)?;
    let plugin = session.host.accepted(&path)?;
    if ArtefactRef::is_meant(named) {
        session.host.holds_what_it_says(&named_by(named)?, &plugin)?;
    }
    let bytes = read_regular(&path)?;
    let offer = offer(&plugin, named, settings, bytes.len() as u64)?;
    Ok(Looked { plugin, bytes, offer })
}

/// What playbooks see of a loaded component under these settings.
pub(crate) fn offer(plugin: &Plugin, named: &str, settings: &str, bytes: u64) -> Result<Offer> {
    let description = guest(named, plugin.describe()?)?;
    let shape =
        guest(&description.name, plugin.check(&canonical(settings)?)?).with_context(|| {
            format!(
                "`{}` takes other settings than `{settings}`; give some with --settings",
                description.name
            )
        })?;
    Ok(Offer { description, shape, contract: plugin.contract_version().to_string(), bytes })
}

/// What a manifest says of a component.
pub(crate) fn about(looked: &Looked) -> About {
    let said = &looked.offer.description;
    About {
        name: said.name.clone(),
        version: said.version.clone(),
        kind: said.kind.name().to_owned(),
        contract: looked.offer.contract.clone(),
        summary: said.summary.en.clone(),
        languages: languages(&looked.bytes),
        needs: needs(&looked.offer.shape),
    }
}

fn needs(shape: &Shape) -> Vec<String> {
    let tables = shape.rows.iter().chain(&shape.tables);
    let mut needs: Vec<String> =
        tables.flat_map(|table| &table.columns).map(|need| source(&need.source)).collect();
    needs.sort();
    needs.dedup();
    needs
}

fn push(session: &Session, args: &PushArgs) -> Result<()> {
    let repository = named_by(&args.repository)?;
    if repository.tag.is_some() || repository.digest.is_some() {
        bail!(
            "`{repository}` has a tag or a digest; name the repository alone, its tag will be the version of the plugin"
        );
    }
    let key = args.key.as_deref().map(SecretKey::read).transpose()?;
    let looked = look(session, &args.plugin, &args.settings)?;
    let about = about(&looked);
    let registry = session.host.artefacts()?.registry()?;
    if !args.breaking {
        stays_compatible(session, registry, &repository, &looked.offer, &args.settings)?;
    }
    let component = looked.bytes.as_slice();
    let push = Push {
        repository: &repository,
        component,
        about: &about,
        key: key.as_ref(),
        replace: args.replace,
    };
    let pushed = registry.push(&push)?;
    let signed = keys(&pushed.signatures);
    if args.json {
        return Terminal::json(&json!({
            "plugin": about.name, "version": about.version, "artefact": pushed.reference.to_string(),
            "digest": pushed.reference.digest.map(|digest| format!("sha256:{digest}")),
            "was_there": pushed.was_there, "signed_by": signed,
        }));
    }
    let how = if pushed.was_there { "was there already, byte for byte" } else { "is published" };
    let signed = match signed.as_slice() {
        [] => format!("  not signed: playbook plugin sign {} --key FILE", pushed.reference),
        keys => format!("  signed by {}", keys.join(", ")),
    };
    Terminal::out(&format!(
        "{} {} {how}\n{signed}\nin a playbook:\n  plugin = \"{}\"",
        about.name, about.version, pushed.reference
    ))
}

/// Refuses a version that playbooks take in place of the one before, and that breaks them.
fn stays_compatible(
    session: &Session,
    registry: &Registry,
    repository: &ArtefactRef,
    new: &Offer,
    settings: &str,
) -> Result<()> {
    let version = version(&new.description.version)?;
    let tags = match registry.tags(repository) {
        Ok(tags) => tags,
        Err(RegistryError::Absent { .. }) => return Ok(()),
        Err(other) => return Err(other.into()),
    };
    let earlier = versions(&tags).filter(|(old, _)| *old < version && is_compatible(old, &version));
    let Some((before, tag)) = earlier.max() else { return Ok(()) };
    let pinned = session.host.artefacts()?.pin(&repository.tagged(&tag))?;
    let old = look(session, &pinned.to_string(), settings).with_context(|| {
        format!("what changed since {before} cannot be told; --breaking pushes it all the same")
    })?;
    let found = changes(&old.offer, new);
    if weight(&found) < Weight::Breaking {
        return Ok(());
    }
    let breaks = found.iter().filter(|change| change.weight == Weight::Breaking);
    let breaks: Vec<String> = breaks.map(|change| format!("  {}", change.text)).collect();
    bail!(
        "{version} would break playbooks that take {before}, and they would take it:\n{}\ncall it {}, or say --breaking",
        breaks.join("\n"),
        next_version(&before, Weight::Breaking)
    )
}

pub(crate) fn version(text: &str) -> Result<Version> {
    Version::parse(text).with_context(|| format!("`{text}` is not a semantic version"))
}

/// Tags that are versions, as `push` writes them.
pub(crate) fn versions(tags: &[String]) -> impl Iterator<Item = (Version, String)> {
    tags.iter().filter_map(|tag| Some((Version::parse(&tag.replace('_', "+")).ok()?, tag.clone())))
}

fn sign(session: &Session, artefact: &str, key: &Path, as_json: bool) -> Result<()> {
    let reference = named_by(artefact)?;
    let key = SecretKey::read(key)?;
    let signatures = session.host.artefacts()?.registry()?.sign(&reference, &key)?;
    if as_json {
        return Terminal::json(
            &json!({ "artefact": reference.to_string(), "signed_by": keys(&signatures) }),
        );
    }
    Terminal::out(&format!("{reference}\n  signed by {}", keys(&signatures).join(", ")))
}

pub(crate) fn keys(signatures: &Signatures) -> Vec<String> {
    signatures.keys().map(|key: PublicKey| key.to_string()).collect()
}

/// Fetches an artefact, and holds what it says against what it is.
fn checked(session: &Session, artefact: &str) -> Result<(Artefact, Plugin)> {
    let store = session.host.artefacts()?;
    let pinned = store.pin(&named_by(artefact)?)?;
    let artefact = store.fetch(&pinned)?;
    let plugin = session.host.accepted(&artefact.component)?;
    session.host.holds_what_it_says(&artefact.reference, &plugin)?;
    Ok((artefact, plugin))
}

fn pull(
    session: &Session,
    artefact: &str,
    installs: Option<Installs>,
    as_json: bool,
) -> Result<()> {
    let (artefact, plugin) = checked(session, artefact)?;
    let about = &artefact.about;
    let install = |how: Installs| {
        let described = guest(&about.name, plugin.describe()?)?;
        how.install(session, &artefact.component, &plugin, &described)
    };
    let installed = installs.map(install).transpose()?;
    if as_json {
        let mut said = artefact_json(&artefact);
        said["installed"] = json!(installed);
        return Terminal::json(&said);
    }
    let from = if artefact.was_cached {
        "was here already"
    } else {
        "is here now, and works without the registry"
    };
    let mut text = format!(
        "{} {} ({}) {from}\n  {}\n  digest  {}\n  file    {}\n",
        about.name,
        about.version,
        about.kind,
        artefact.verdict,
        artefact.component_digest,
        artefact.component.display()
    );
    if let Some(path) = installed {
        text.push_str(&format!("  installed as {}\n", path.display()));
    }
    text.push_str(&format!("in a playbook:\n  plugin = \"{}\"", artefact.reference));
    Terminal::out(&text)
}

fn artefact_json(artefact: &Artefact) -> serde_json::Value {
    let about = &artefact.about;
    json!({
        "plugin": about.name, "version": about.version, "kind": about.kind, "summary": about.summary,
        "artefact": artefact.reference.to_string(), "component": artefact.component,
        "component_digest": artefact.component_digest.hex(), "signed_by": keys(&artefact.signatures),
        "verdict": artefact.verdict.to_string(), "was_cached": artefact.was_cached,
    })
}

fn verify(session: &Session, named: &str, as_json: bool) -> Result<()> {
    if ArtefactRef::is_meant(named) {
        let (artefact, _) = checked(session, named)?;
        let moved = moved(session, &artefact.reference);
        if as_json {
            let mut said = artefact_json(&artefact);
            said["tag_leads_to"] = json!(moved.as_ref().map(ToString::to_string));
            return Terminal::json(&said);
        }
        let about = &artefact.about;
        let mut text = format!(
            "{} {}: {}\n  {}",
            about.name, about.version, artefact.verdict, artefact.reference
        );
        if let Some(moved) = moved {
            text.push_str(&format!(
                "\n  its tag leads to other bytes now, {moved}; what counts is the digest, which is as it was"
            ));
        }
        return Terminal::out(&text);
    }
    let path = session.host.named(named)?;
    let plugin = session.host.accepted(&path)?;
    let said = guest(named, plugin.describe()?)?;
    let verdict =
        session.host.artefacts()?.judge(&said.name, plugin.digest()).map_err(AppError::from)?;
    if as_json {
        return Terminal::json(&json!({
            "plugin": said.name, "version": said.version, "kind": said.kind.name(), "component": path,
            "component_digest": plugin.digest().hex(), "verdict": verdict.to_string(),
        }));
    }
    Terminal::out(&format!(
        "{} {}: {verdict}\n  {} ({} bytes)",
        said.name,
        said.version,
        path.display(),
        grouped(i64::try_from(read_regular(&path)?.len()).unwrap_or(i64::MAX))
    ))
}

/// Where the tag of a reference leads to now, if that is elsewhere; a registry that is away says nothing.
fn moved(session: &Session, reference: &ArtefactRef) -> Option<ArtefactRef> {
    let tag = reference.tagged(reference.tag.as_deref()?);
    let now = session.host.artefacts().ok()?.pin(&tag).ok()?;
    (now.digest != reference.digest).then_some(now)
}
