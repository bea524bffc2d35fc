//! The console: pages of a brand for people. Rendered here, with a style and a script of their own and nothing from elsewhere;
//! every page works without the script.
//!
//! Who may see and do what is the table of operations: each page is one of an operation, and goes through the checks of a call
//! ([`visit`]). What a page does, it does by the functions of the API's handlers. Failures are pages too ([`failure`]).

mod alerts;
mod brands;
mod candidate;
mod changes;
mod cookies;
mod decisions;
mod failure;
mod files;
mod forms;
mod frame;
mod language;
mod ledger;
mod login;
mod member;
mod overview;
mod recent;
mod reviews;
mod session;
mod tail;
mod told;
mod versions;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

pub(crate) use self::session::Sessions;
use crate::operations::Operation;
use crate::shared::Shared;

/// All pages of the console.
pub(crate) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let of = |operation: &str, page: MethodRouter<Arc<Shared>>| {
        let operation = Operation::of(operation).expect("pages are of operations of the table");
        page.layer(from_fn_with_state((Arc::clone(shared), operation), visit::admitted))
    };
    // Where a form was sent to, a reload or another language asks for the page itself.
    let act =
        |operation: &str, page: MethodRouter<Arc<Shared>>| of(operation, page).get(login::home);
    let brand = |page: &str| format!("/console/brands/{{brand}}{page}");
    Router::new()
        .route("/console/login", get(login::show).post(login::enter))
        .route("/console/logout", act("list_brands", post(login::leave)))
        .route("/console", of("list_brands", get(brands::list)))
        .route("/console/", of("list_brands", get(brands::list)))
        .route(&brand(""), of("read_brand", get(overview::show)))
        .route(&brand("/decisions"), of("list_decisions", get(decisions::list)))
        .route(&brand("/decisions/{id}"), of("read_decision", get(decisions::one)))
        .route(&brand("/members"), of("read_member", get(member::show)))
        .route(&brand("/members/part"), act("part_account", post(member::part)))
        .route(
            &brand("/versions"),
            of("list_activations", get(versions::list))
                .merge(of("offer_version", post(versions::take))),
        )
        .route(&brand("/versions/rollback"), act("roll_back", post(versions::roll_back)))
        .route(&brand("/versions/{version}"), of("list_activations", get(versions::one)))
        .route(&brand("/versions/{version}/trial"), act("try_version", post(versions::try_it)))
        .route(
            &brand("/versions/{version}/activate"),
            act("activate_version", post(versions::activate)),
        )
        .route(&brand("/versions/{version}/shadow"), act("shadow_version", post(candidate::shadow)))
        .route(&brand("/versions/{version}/share"), act("share_version", post(candidate::some)))
        .route(&brand("/versions/withdraw"), act("withdraw_candidate", post(candidate::withdraw)))
        .route(&brand("/alerts"), of("list_alerts", get(alerts::list)))
        .route(
            &brand("/alerts/{number}/acknowledge"),
            act("acknowledge_alert", post(alerts::acknowledge)),
        )
        .route(&brand("/alerts/{number}/close"), act("close_alert", post(alerts::close)))
        .route(&brand("/reviews"), of("list_reviews", get(reviews::list)))
        .route(&brand("/reviews/{number}/decide"), act("approve_review", post(reviews::decide)))
        .route(
            &brand("/money/{number}/decide"),
            act("approve_money_request", post(reviews::answer)),
        )
        .route(&brand("/ledger"), of("list_entries", get(ledger::list)))
        .route(&brand("/live"), of("list_decisions", get(tail::show)))
        .route(&brand("/live/stream"), of("list_decisions", get(tail::stream)))
        .route("/console/{*rest}", get(brands::nothing))
        .layer(from_fn_with_state(Arc::clone(shared), language::speak))
        .merge(files::routes())
}
