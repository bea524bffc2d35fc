//! From a core module to a component that the contract's host accepts.

use playbook_model::Kind;
use wasmparser::{Chunk, Parser, Payload};
use wit_component::ComponentEncoder;

use crate::BuildError;
use crate::facts::{ComponentFacts, facts};

const NO_WASI: &str = "help: build for `wasm32-unknown-unknown`, not for a wasi target, and leave out crates that \
                       read clocks, files, the environment or randomness; time and seed come with the call's context";
const NO_BINDGEN: &str = "help: a crate brings `wasm-bindgen`, which talks to a browser; switch off its `js` or `wasm-bindgen` \
                          feature (often of `getrandom`, `chrono`, `uuid` or `instant`)";
const NO_ENV: &str = "help: a C library or an `extern` block expects functions from outside; link them in or leave them out";

const NO_EXPORT: &str = "it does not export `playbook:plugin/plugin`; a crate becomes a plugin with a line such as \
                         `export!(MyPlugin: scoring);`";

fn advice(import: &str) -> &'static str {
    if import.starts_with("wasi") {
        NO_WASI
    } else if import.contains("wbindgen") || import.contains("wbg") {
        NO_BINDGEN
    } else {
        NO_ENV
    }
}

fn foreign(plugin: &str, import: &str) -> BuildError {
    BuildError::Import {
        plugin: plugin.to_owned(),
        import: import.to_owned(),
        advice: advice(import).to_owned(),
    }
}

/// Turns a core module with the SDK's metadata into a validated component.
///
/// # Errors
/// Where the module imports what no host offers, exports no complete world, or is damaged.
pub fn componentise(plugin: &str, module: &[u8]) -> Result<Vec<u8>, BuildError> {
    check_module(plugin, module)?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| BuildError::Componentise {
            plugin: plugin.to_owned(),
            // The alternate form walks the whole chain of causes.
            reason: format!("{error:#}"),
        })?;
    let component = without_names(&component).map_err(|error| damaged(plugin, &error))?;
    check_component(plugin, &component)?;
    Ok(component)
}

/// The encoder names every item of a component for people who debug the encoder: 2 KB that no host reads.
fn without_names(component: &[u8]) -> Result<Vec<u8>, wasmparser::BinaryReaderError> {
    let (mut parser, mut at) = (Parser::new(0), 0);
    let mut kept = Vec::with_capacity(component.len());
    while at < component.len() {
        // All bytes are at hand, so the parser never asks for more.
        let Chunk::Parsed { consumed, payload } = parser.parse(&component[at..], true)? else {
            break;
        };
        let end = match &payload {
            // What is nested keeps its bytes as they are.
            Payload::ModuleSection { unchecked_range, .. }
            | Payload::ComponentSection { unchecked_range, .. } => unchecked_range.end,
            _ => at + consumed,
        };
        let names = matches!(&payload, Payload::CustomSection(s) if s.name() == "component-name");
        if !names {
            kept.extend_from_slice(&component[at..end]);
        }
        at = end;
    }
    Ok(kept)
}

fn damaged(plugin: &str, error: &wasmparser::BinaryReaderError) -> BuildError {
    BuildError::Componentise { plugin: plugin.to_owned(), reason: error.to_string() }
}

/// Looks at the module's imports before the encoder does, whose words would not help an author.
fn check_module(plugin: &str, module: &[u8]) -> Result<(), BuildError> {
    let damaged = |error: wasmparser::BinaryReaderError| damaged(plugin, &error);
    let mut metadata = false;
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(damaged)? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(damaged)?;
                    if !import.module.starts_with("playbook:plugin/") {
                        return Err(foreign(plugin, &format!("{}.{}", import.module, import.name)));
                    }
                }
            }
            Payload::CustomSection(section) => {
                metadata |= section.name().starts_with("component-type");
            }
            _ => {}
        }
    }
    if metadata {
        return Ok(());
    }
    Err(BuildError::World { plugin: plugin.to_owned(), reason: NO_EXPORT.to_owned() })
}

/// Checks that a component is a plugin of the contract and imports nothing but the log.
///
/// # Errors
/// Where it is damaged, imports something else, or does not export exactly one kind.
pub fn check_component(plugin: &str, component: &[u8]) -> Result<ComponentFacts, BuildError> {
    let facts = facts(component)?;
    if let Some(import) = facts.foreign_import() {
        return Err(foreign(plugin, &import.full));
    }
    let world = |reason: String| BuildError::World { plugin: plugin.to_owned(), reason };
    if !facts.exports.iter().any(|name| name.is_of_contract() && name.interface == "plugin") {
        return Err(world(NO_EXPORT.to_owned()));
    }
    if facts.kind().is_none() {
        let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        return Err(world(format!("it must export exactly one of {}", kinds.join(", "))));
    }
    Ok(facts)
}
