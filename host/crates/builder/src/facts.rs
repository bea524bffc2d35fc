//! What a component says of itself without being run: its exports and imports.

use playbook_model::Kind;
use wasmparser::{Encoding, Parser, Payload};

use crate::BuildError;

/// Name of an interface, "package/interface@version".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InterfaceName {
    /// The name as it stands in the component.
    pub full: String,
    /// "playbook:plugin"; empty for a plain function.
    pub package: String,
    /// "scoring"; the whole name for a plain function.
    pub interface: String,
    /// "0.1.0".
    pub version: Option<String>,
}

impl InterfaceName {
    fn parse(full: &str) -> Self {
        let (path, version) = match full.split_once('@') {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (full, None),
        };
        let (package, interface) = path.split_once('/').unwrap_or(("", path));
        Self {
            full: full.to_owned(),
            package: package.to_owned(),
            interface: interface.to_owned(),
            version,
        }
    }

    /// Whether it belongs to the contract, in whatever version.
    #[must_use]
    pub fn is_of_contract(&self) -> bool {
        self.package == "playbook:plugin"
    }
}

/// Exports and imports of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentFacts {
    /// In the order of the component.
    pub exports: Vec<InterfaceName>,
    /// In the order of the component.
    pub imports: Vec<InterfaceName>,
}

impl ComponentFacts {
    /// Version of the contract that the plugin was built against.
    #[must_use]
    pub fn contract_version(&self) -> Option<&str> {
        let mut of_contract = self.exports.iter().filter(|name| name.is_of_contract());
        of_contract.find_map(|name| name.version.as_deref())
    }

    /// Kind of the plugin; `None` unless exactly one kind is exported.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        let mut kinds = Kind::ALL.into_iter().filter(|kind| self.exports_interface(kind.name()));
        let first = kinds.next()?;
        kinds.next().is_none().then_some(first)
    }

    /// Whether the plugin can be fitted.
    #[must_use]
    pub fn is_fitted(&self) -> bool {
        self.exports_interface("fitting")
    }

    fn exports_interface(&self, interface: &str) -> bool {
        self.exports.iter().any(|name| name.is_of_contract() && name.interface == interface)
    }

    /// The first import that a host does not offer.
    #[must_use]
    pub fn foreign_import(&self) -> Option<&InterfaceName> {
        let offered = |name: &&InterfaceName| {
            name.is_of_contract() && matches!(name.interface.as_str(), "log" | "types")
        };
        self.imports.iter().find(|name| !offered(name))
    }
}

/// Reads the outermost exports and imports of a component; code is not looked at.
///
/// # Errors
/// Where the bytes are no component, or end early.
pub fn facts(bytes: &[u8]) -> Result<ComponentFacts, BuildError> {
    let mut facts = ComponentFacts { exports: Vec::new(), imports: Vec::new() };
    let (mut depth, mut component) = (0_usize, false);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding == Encoding::Module {
                    return Err(BuildError::NotAComponent(
                        "it is a core module; `playbook plugin build` makes components".to_owned(),
                    ));
                }
                component = true;
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    facts.imports.push(InterfaceName::parse(import.map_err(damaged)?.name.name));
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    facts.exports.push(InterfaceName::parse(export.map_err(damaged)?.name.name));
                }
            }
            _ => {}
        }
    }
    if component { Ok(facts) } else { Err(BuildError::NotAComponent("it is empty".to_owned())) }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn damaged(error: wasmparser::BinaryReaderError) -> BuildError {
    BuildError::NotAComponent(error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_package_interface_and_version() {
        let name = InterfaceName::parse("wasi:cli/environment@0.2.12");
        assert_eq!(name.package, "wasi:cli");
        assert_eq!(name.interface, "environment");
        assert_eq!(name.version.as_deref(), Some("0.2.12"));
        let plain = InterfaceName::parse("run");
        assert_eq!((plain.package.as_str(), plain.interface.as_str()), ("", "run"));
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        let module = b"\0asm\x01\0\0\0";
        let error = facts(module).unwrap_err().to_string();
        assert!(error.contains("core module"), "{error}");
        for bytes in [&b""[..], b"\0asm", b"hello, this is no wasm at all"] {
            assert!(matches!(facts(bytes), Err(BuildError::NotAComponent(_))), "{bytes:?}");
        }
    }

    #[test]
    fn an_empty_component_has_no_facts() {
        let facts = facts(b"\0asm\x0d\0\x01\0").unwrap();
        assert_eq!((facts.kind(), facts.contract_version()), (None, None));
        assert!(facts.foreign_import().is_none());
    }
}
