//! The brands that a key may see.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::html;
use playbook_report::Table;

use super::frame;
use super::visit::{Visit, redirect};
use crate::directory::BrandStatus;
use crate::problem::Problem;
use crate::shared::Shared;

/// Brands of a page.
const PAGE: usize = 500;

/// A platform admin chooses a brand; who has the key of one is led to it.
pub(super) async fn list(State(shared): State<Arc<Shared>>, visit: Visit) -> Response {
    if let Some(brand) = &visit.key.brand {
        return redirect(&format!("/console/brands/{brand}"));
    }
    let say = visit.say;
    let brands = shared.directory.brands(None, PAGE);
    let mut table = Table::new(say.say("Brands", "品牌"))
        .quiet()
        .words(say.say("Brand", "品牌"))
        .words(say.say("Status", "狀態"));
    for brand in &brands {
        let (class, words) = status(say, brand.status);
        table.row(vec![
            html! { a href={ "/console/brands/" (brand.name) } { (brand.name) } },
            html! { span class={ "badge " (class) } { (words) } },
        ]);
    }
    let more = brands.len() == PAGE;
    let body = html! {
        (table.whole())
        @if more { p.note { (say.say("There may be more; the first 500 are shown.", "只列出前 500 個品牌，可能還有更多。")) } }
    };
    let title = say.say("Brands", "品牌");
    frame::page(&visit, title, &frame::section(title, "", &body))
}

/// How a brand does, as a badge.
pub(super) fn status(say: frame::Say, status: BrandStatus) -> (&'static str, &'static str) {
    match status {
        BrandStatus::Starting => ("watch", say.say("starting", "啟動中")),
        BrandStatus::Serving => ("good", say.say("serving", "服務中")),
        BrandStatus::Degraded => {
            ("warn", say.say("some plugins failed lately", "部分插件近期失敗"))
        }
        BrandStatus::Stopped => ("critical", say.say("stopped", "已停止")),
    }
}

/// Leads nowhere.
pub(super) async fn nothing() -> Problem {
    Problem::new(crate::codes::Code::PathNotFound)
}
