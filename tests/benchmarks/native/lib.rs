//! Nothing: this package has one benchmark, `plugins.rs`, which knows all reference plugins.
