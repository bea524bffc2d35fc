//! The style and the script of the console, under names with their digests: a browser keeps them, and never an old one.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::http::header;
use axum::routing::get;
use playbook_model::Digest;

use crate::shared::Shared;

const SCRIPT: &str = include_str!("console.js");
const STYLE: &str = include_str!("console.css");
/// They never change under their name.
const KEEP: &str = "public, max-age=31536000, immutable";

/// A file of the console.
pub(super) struct File {
    pub(super) path: String,
    text: String,
}

impl File {
    fn new(ending: &str, text: String) -> Self {
        let digest = Digest::of(text.as_bytes()).hex();
        Self { path: format!("/console/files/{}.{ending}", &digest[..16]), text }
    }
}

/// The style: the report's, and what pages have beyond it.
pub(super) fn style() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| File::new("css", playbook_report::style() + STYLE))
}

/// The script. Every page works without it.
pub(super) fn script() -> &'static File {
    static FILE: OnceLock<File> = OnceLock::new();
    FILE.get_or_init(|| File::new("js", SCRIPT.to_owned()))
}

/// Everybody gets them.
pub(super) fn routes() -> Router<Arc<Shared>> {
    let file = |file: &'static File, media: &'static str| {
        let headers = [(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, KEEP)];
        (file.path.as_str(), get(move || async move { (headers, file.text.as_str()) }))
    };
    [file(style(), "text/css; charset=utf-8"), file(script(), "text/javascript; charset=utf-8")]
        .into_iter()
        .fold(Router::new(), |routes, (path, answer)| routes.route(path, answer))
}
