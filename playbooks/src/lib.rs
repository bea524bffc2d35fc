//! What travels with the program: presets, the catalogue of features, cards beside their engines, pages of models.

/// Every file by its name, `preset:NAME`, `catalogue:NAME`, `card:NAME` or `page:NAME`, in order of names.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));
