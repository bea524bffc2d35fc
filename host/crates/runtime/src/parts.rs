//! Counts what an instance of a component would take of the pool, before anything is compiled.
//!
//! The pool refuses too large a component by itself, but only once it is compiled: seconds for an interpreter, at each load.

use wasmparser::{ComponentAlias, ComponentOuterAliasKind, Instance, Parser, Payload};

use crate::LoadError;
use crate::engine::{CORE_INSTANCES_MAX, MEMORIES_MAX};

/// What the instances of a component hold together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    core_instances: u32,
    memories: u32,
}

/// Refuses a component that no place of the pool can hold.
///
/// # Errors
/// [`LoadError::Parts`] with what is too much, or [`LoadError::Invalid`].
pub(crate) fn judge(bytes: &[u8]) -> Result<(), LoadError> {
    let parts = count(bytes).map_err(|e| LoadError::Invalid { detail: e.to_string() })?;
    for (what, found, max) in [
        ("core instances", parts.core_instances, CORE_INSTANCES_MAX),
        ("linear memories", parts.memories, MEMORIES_MAX),
    ] {
        if found > max {
            return Err(LoadError::Parts { what, found, max });
        }
    }
    Ok(())
}

/// Counts the outermost component's instances of core modules and the memories that these define. What nested components
/// instantiate is left to the pool: the tools of this contract make none that hold code.
fn count(bytes: &[u8]) -> Result<Parts, wasmparser::BinaryReaderError> {
    let mut parts = Parts::default();
    // Memories of each core module in the component's index space; `None`: one from outside, whose memories are not known here.
    let mut modules: Vec<Option<u32>> = Vec::new();
    // What is open: at the first depth the component itself, below it a module or a component.
    let (mut depth, mut in_module) = (0_usize, false);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => {
                depth = depth.saturating_sub(1);
                in_module &= depth > 1;
            }
            Payload::ModuleSection { .. } if depth == 1 => {
                modules.push(Some(0));
                in_module = true;
            }
            Payload::MemorySection(section) if in_module && depth == 2 => {
                if let Some(Some(memories)) = modules.last_mut() {
                    *memories = section.count();
                }
            }
            Payload::ComponentAliasSection(section) if depth == 1 => {
                for alias in section {
                    if let ComponentAlias::Outer {
                        kind: ComponentOuterAliasKind::CoreModule, ..
                    } = alias?
                    {
                        modules.push(None);
                    }
                }
            }
            Payload::InstanceSection(section) if depth == 1 => {
                for instance in section {
                    if let Instance::Instantiate { module_index, .. } = instance? {
                        let memories = modules.get(module_index as usize).copied().flatten();
                        parts.core_instances += 1;
                        parts.memories = parts.memories.saturating_add(memories.unwrap_or(0));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A component of one module with `memories` memories, instantiated `instances` times.
    fn component(memories: usize, instances: usize) -> Vec<u8> {
        let module = format!("(core module $m {})", "(memory 0)".repeat(memories));
        let instances = "(core instance (instantiate $m))".repeat(instances);
        wat::parse_str(format!("(component {module} (core module {}) {instances})", "(memory 1)"))
            .unwrap()
    }

    #[test]
    fn instances_are_counted_with_the_memories_of_their_modules() {
        for (memories, instances) in [(0, 0), (1, 1), (1, 3), (0, 64)] {
            let parts = count(&component(memories, instances)).unwrap();
            let wanted = Parts {
                core_instances: u32::try_from(instances).unwrap(),
                memories: u32::try_from(memories * instances).unwrap(),
            };
            assert_eq!(parts, wanted);
        }
    }

    #[test]
    fn what_no_place_can_hold_is_refused_with_both_numbers() {
        assert!(judge(&component(1, 4)).is_ok());
        let text = judge(&component(1, 5)).unwrap_err().to_string();
        assert!(text.contains("5 linear memories") && text.contains("places for 4"), "{text}");
        let text = judge(&component(0, 65)).unwrap_err().to_string();
        assert!(text.contains("65 core instances") && text.contains("places for 64"), "{text}");
    }
}
