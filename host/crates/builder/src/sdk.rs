//! What travels with the program, so that plugins are written and built without a checkout: the contract, the SDKs for JavaScript
//! and Python.

/// The contract in WIT.
pub(crate) const CONTRACT: &str = include_str!("../../../../wit/v0.1/plugin.wit");

macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../plugin-sdk/", $folder, "/", $path)))),*]
    };
}

/// Files of the SDK for JavaScript, by their paths in its folder.
pub(crate) const JAVASCRIPT: &[(&str, &str)] = files!("js":
    "package.json",
    "src/cases.js",
    "src/columns.js",
    "src/faults.js",
    "src/guest.js",
    "src/index.js",
    "src/log.js",
    "src/plugin.js",
    "src/settings.js",
    "src/shape.js",
    "src/testing.js",
    "src/utf8.js",
);

/// Files of the SDK for Python, by their paths in its folder.
pub(crate) const PYTHON: &[(&str, &str)] = files!("python/playbook_sdk":
    "__init__.py",
    "cases.py",
    "columns.py",
    "faults.py",
    "guest.py",
    "log.py",
    "plugin.py",
    "records.py",
    "sandbox.py",
    "settings.py",
    "shape.py",
    "testing.py",
);
