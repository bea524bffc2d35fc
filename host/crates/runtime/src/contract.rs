//! Reads the names that a component imports and exports, and decides whether this host serves it.
//!
//! Nothing is compiled for that: a component of another contract is refused in words of our own,
//! where the engine would link a newer patch version silently.

use playbook_model::Kind;
use semver::Version;
use wasmparser::{Encoding, Parser, Payload};

use crate::LoadError;

/// Package of the contract.
const PACKAGE: &str = "playbook:plugin/";
/// Imports that are served.
const OFFERED: [&str; 2] = ["types", "log"];
/// Names of one component that are looked at; more are a fault of the component.
const NAMES_MAX: usize = 1_000;

/// Oldest contract that is served.
pub const CONTRACT_OLDEST: Version = Version::new(0, 1, 0);
/// Newest contract that is served.
pub const CONTRACT_NEWEST: Version = Version::new(0, 1, 0);

/// Reads the version of a contract. A pre-release or build part is left out: `0.1.0-rc.1` is served as 0.1.0 is,
/// where precedence would make it older.
fn contract_version(text: &str) -> Option<Version> {
    let Version { major, minor, patch, .. } = Version::parse(text).ok()?;
    Some(Version::new(major, minor, patch))
}

/// What a component is, by its names alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) version: Version,
    pub(crate) kind: Kind,
    pub(crate) fitted: bool,
    pub(crate) imports: Vec<String>,
}

/// Reads and judges the names of a component.
///
/// # Errors
/// All variants of [`LoadError`] that speak of modules, validity, contract or imports.
pub(crate) fn read(bytes: &[u8]) -> Result<Names, LoadError> {
    let (mut imports, exports) = top_level_names(bytes)?;
    imports.sort_unstable();
    let contract: Vec<&String> = exports.iter().filter(|n| n.starts_with(PACKAGE)).collect();
    if contract.is_empty() {
        refuse_imports(&imports)?;
        return Err(LoadError::Foreign { exports });
    }
    let version = one_version(contract.iter().copied().chain(own_imports(&imports)))?;
    refuse_imports(&imports)?;
    let has = |interface: &str| {
        contract.iter().any(|n| n[PACKAGE.len()..].split('@').next() == Some(interface))
    };
    let mut kinds = Kind::ALL.into_iter().filter(|k| has(k.name()));
    match (has("plugin"), kinds.next(), kinds.next()) {
        (true, Some(kind), None) => Ok(Names { version, kind, fitted: has("fitting"), imports }),
        _ => Err(LoadError::NotAPlugin { exports: contract.into_iter().cloned().collect() }),
    }
}

fn own_imports(imports: &[String]) -> impl Iterator<Item = &String> {
    imports.iter().filter(|n| n.starts_with(PACKAGE))
}

/// Refuses a component whose names of the contract are not all of one version that is served.
fn one_version<'a>(names: impl Iterator<Item = &'a String>) -> Result<Version, LoadError> {
    let mut first: Option<(&String, Version)> = None;
    for name in names {
        let version =
            name.split_once('@').and_then(|(_, v)| contract_version(v)).ok_or_else(|| {
                LoadError::ContractMismatch { detail: format!("`{name}` carries no version") }
            })?;
        match &first {
            None => first = Some((name, version)),
            Some((one, seen)) if *seen != version => {
                return Err(LoadError::ContractMixed { one: (*one).clone(), other: name.clone() });
            }
            Some(_) => {}
        }
    }
    let (_, version) = first.expect("the caller passes at least one export");
    if version < CONTRACT_OLDEST {
        return Err(LoadError::ContractTooOld {
            found: version.to_string(),
            oldest: CONTRACT_OLDEST.to_string(),
        });
    }
    if version > CONTRACT_NEWEST {
        return Err(LoadError::ContractTooNew {
            found: version.to_string(),
            newest: CONTRACT_NEWEST.to_string(),
        });
    }
    Ok(version)
}

/// Refuses WASI with a hint, then everything else that is not offered.
fn refuse_imports(imports: &[String]) -> Result<(), LoadError> {
    let wasi: Vec<String> = imports.iter().filter(|n| n.starts_with("wasi:")).cloned().collect();
    if !wasi.is_empty() {
        return Err(LoadError::Wasi { imports: wasi, how: WITHOUT_WASI });
    }
    let offered = |name: &&String| {
        name.strip_prefix(PACKAGE)
            .and_then(|rest| rest.split('@').next())
            .is_some_and(|interface| OFFERED.contains(&interface))
    };
    let unknown: Vec<String> = imports.iter().filter(|n| !offered(n)).cloned().collect();
    if unknown.is_empty() { Ok(()) } else { Err(LoadError::UnknownImport { imports: unknown }) }
}

const WITHOUT_WASI: &str = "with `playbook plugin build` (Rust: target wasm32-unknown-unknown, not wasm32-wasip1 or wasip2; \
JavaScript: jco componentize --backend qjs --backend-qjs-disable-async --backend-qjs-stub-wasi; \
Python: componentize-py componentize --stub-wasi)";

/// Returns the imports and exports of the outermost component, in order.
fn top_level_names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), LoadError> {
    let invalid = |e: wasmparser::BinaryReaderError| LoadError::Invalid { detail: e.to_string() };
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    // Modules and components nest; only what is at depth 1 belongs to the component itself.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding == Encoding::Module {
                    return Err(LoadError::CoreModule);
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            _ => {}
        }
        if imports.len() + exports.len() > NAMES_MAX {
            return Err(LoadError::Invalid {
                detail: format!("more than {NAMES_MAX} imports and exports"),
            });
        }
    }
    Ok((imports, exports))
}

#[cfg(test)]
mod tests {
    use super::{contract_version, one_version, refuse_imports};
    use crate::LoadError;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn versions_outside_the_range_are_told_apart() {
        let old = names(&["playbook:plugin/plugin@0.0.9"]);
        let new = names(&["playbook:plugin/plugin@0.1.1"]);
        let mixed = names(&["playbook:plugin/plugin@0.1.0", "playbook:plugin/roi@0.2.0"]);
        let none = names(&["playbook:plugin/plugin"]);
        assert!(matches!(one_version(old.iter()), Err(LoadError::ContractTooOld { .. })));
        assert!(matches!(one_version(new.iter()), Err(LoadError::ContractTooNew { .. })));
        assert!(matches!(one_version(mixed.iter()), Err(LoadError::ContractMixed { .. })));
        assert!(matches!(one_version(none.iter()), Err(LoadError::ContractMismatch { .. })));
    }

    #[test]
    fn version_with_pre_release_part_is_read() {
        let read = contract_version("0.1.0-rc.1").map(|v| v.to_string());
        assert_eq!(read.as_deref(), Some("0.1.0"));
        for none in ["0.1", "0.1.0.0", "00.1.0", ""] {
            assert_eq!(contract_version(none), None, "{none}");
        }
    }

    #[test]
    fn only_types_and_log_of_the_contract_may_be_imported() {
        assert!(
            refuse_imports(&names(&["playbook:plugin/types@0.1.0", "playbook:plugin/log@0.1.0"]))
                .is_ok()
        );
        for other in ["playbook:plugin/clock@0.1.0", "acme:db/query", "log"] {
            assert!(matches!(
                refuse_imports(&names(&[other])),
                Err(LoadError::UnknownImport { .. })
            ));
        }
    }
}
