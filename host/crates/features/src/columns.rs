//! Columns of the host's tables as the mappings of sources give them.

use std::collections::BTreeMap;

use playbook_model::{MapType, SourceDef};

use crate::rows::FieldType;

/// Mapped columns of a source with their types; a source's event kind is a column too.
#[must_use]
pub fn mapped_fields(source: &SourceDef) -> BTreeMap<String, MapType> {
    let mut fields: BTreeMap<_, _> =
        source.mapping.iter().map(|row| (row.to.clone(), row.map_type)).collect();
    if source.event.is_some() {
        fields.entry("kind".to_owned()).or_insert(MapType::Text);
    }
    fields
}

/// Type of a mapped column in queries.
#[must_use]
pub fn field_type(map_type: MapType) -> FieldType {
    match map_type {
        MapType::Text => FieldType::Text,
        MapType::Real => FieldType::Real,
        MapType::Integer | MapType::Money | MapType::Time | MapType::Flag => FieldType::Integer,
    }
}

/// One type per column over all sources: the common one, else real for numbers, else text.
#[must_use]
pub fn merged_columns<'a>(
    sources: impl Iterator<Item = &'a BTreeMap<String, MapType>>,
    member_is_integer: bool,
) -> BTreeMap<String, MapType> {
    let mut columns: BTreeMap<String, MapType> = BTreeMap::new();
    for (name, map_type) in sources.flatten() {
        let merged = match columns.get(name) {
            None => *map_type,
            Some(known) if known == map_type => *map_type,
            Some(known) => match (field_type(*known), field_type(*map_type)) {
                (FieldType::Text, _) | (_, FieldType::Text) => MapType::Text,
                (FieldType::Integer, FieldType::Integer) => MapType::Integer,
                _ => MapType::Real,
            },
        };
        columns.insert(name.clone(), merged);
    }
    if let Some(member) = columns.get_mut("member") {
        *member = if member_is_integer { MapType::Integer } else { MapType::Text };
    }
    columns
}
