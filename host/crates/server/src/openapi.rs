//! The document of the API: what the routes say of themselves, with what the table of operations and the layers add to each.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::http::Method;
use utoipa::openapi::path::{Operation as Described, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, Required, Response, ResponseBuilder, Server, Tag};
use utoipa::{OpenApi as _, PartialSchema as _};

use crate::docs;
use crate::error::{Result, ServerError};
use crate::idempotency::{IDEMPOTENCY_KEY, LETTERS_MAX};
use crate::live::{FieldFault, PlaybookFault};
use crate::operations::{Access, OPERATIONS, Operation};
use crate::problem::{PROBLEM_JSON, ProblemBody};

/// Name of the one security scheme.
const KEY: &str = "key";

/// Parts of the API, in the order in which they are shown.
const TAGS: &[(&str, &str)] = &[
    ("health", "Whether the host lives and serves."),
    ("reference", "This document."),
    ("metrics", "Numbers of the host, for whoever watches it."),
    ("keys", "Who may call."),
    ("brands", "Which brands the host serves."),
    ("events", "What members did."),
    ("decisions", "What members get, what they do not get, and why."),
    ("effects", "What was granted, for the systems that carry it out."),
    ("reviews", "What a person decides on before it goes out."),
    ("freezes", "What a person stops in a crisis, and lets go on again."),
    (
        "access",
        "Data that a role sees only by a grant: asked for, approved by somebody else, ended.",
    ),
    ("members", "What is known of members."),
    ("money", "Budgets."),
    ("alerts", "What a person should look at, and what became of it."),
    ("versions", "Playbooks and plugins: offered, tried, made the ones that decide, taken back."),
];

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Playbook Host",
    description = "Operations playbooks for customer communities, one decision at a time.\n\nEvery failure is \
        `application/problem+json` with a stable `code`; the codes stand at `/docs/api`. Every write takes the header \
        `Idempotency-Key`: a write that is repeated with the same value happens once.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Base;

/// The document as it is sent, the page that shows it, and where its operations are.
pub(crate) struct Document {
    pub(crate) text: Bytes,
    pub(crate) page: Bytes,
    pub(crate) operations: HashMap<(Method, String), &'static Operation>,
}

/// What the routes add themselves to.
pub(crate) fn base() -> OpenApi {
    let mut api = Base::openapi();
    let mut components = api.components.take().unwrap_or_default();
    // What no route names by itself: the body of failures, and what it is made of.
    components.schemas.extend([
        ("Problem".to_owned(), ProblemBody::schema()),
        ("FieldFault".to_owned(), FieldFault::schema()),
        ("PlaybookFault".to_owned(), PlaybookFault::schema()),
    ]);
    let scheme = SecurityScheme::Http(
        Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("pb_<id>_<secret>")
            .description(Some("A key of this host; the platform team makes them."))
            .build(),
    );
    components.add_security_scheme(KEY, scheme);
    api.components = Some(components);
    let tag = |(name, description): &(&str, &str)| {
        let mut tag = Tag::new(*name);
        tag.description = Some((*description).to_owned());
        tag
    };
    api.tags = Some(TAGS.iter().map(tag).collect());
    api.servers = Some(vec![Server::new("/")]);
    api
}

impl Document {
    /// Completes what the routes say, and holds it against the table of operations.
    pub(crate) fn of(mut api: OpenApi) -> Result<Self> {
        let mut operations = HashMap::new();
        for (path, item) in &mut api.paths.paths {
            for (method, described) in methods(item) {
                let operation = complete(path, &method, described)?;
                operations.insert((method, path.clone()), operation);
            }
        }
        let routed =
            |row: &Operation| operations.values().filter(|known| known.id == row.id).count();
        if let Some(row) = OPERATIONS.iter().find(|row| routed(row) != 1) {
            return Err(disagree(format!("`{}` has {} routes", row.id, routed(row))));
        }
        let text = serde_json::to_value(&api).map_err(|e| disagree(e.to_string()))?;
        let page = docs::page(&text).into();
        Ok(Self { text: text.to_string().into(), page, operations })
    }
}

fn disagree(why: String) -> ServerError {
    ServerError::Operations(why)
}

/// The operations of a path with their methods.
fn methods(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Described)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::PATCH, &mut item.patch),
    ];
    all.into_iter().filter_map(|(method, described)| Some((method, described.as_mut()?)))
}

/// Adds what is true of an operation because of its row in the table.
fn complete(path: &str, method: &Method, described: &mut Described) -> Result<&'static Operation> {
    let id = described.operation_id.clone().unwrap_or_default();
    let operation = Operation::of(&id).ok_or_else(|| disagree(format!("`{id}` is in no row")))?;
    let is_of_a_brand = matches!(operation.access, Access::Brand(_));
    if is_of_a_brand != path.contains("{brand}") {
        return Err(disagree(format!("`{id}` is of a brand, or its path {path} is, not both")));
    }
    let is_open = operation.access == Access::Open;
    let scopes: [&str; 0] = [];
    described.security =
        Some(if is_open { vec![] } else { vec![SecurityRequirement::new(KEY, scopes)] });
    let mut failures = vec![("default", "It failed; `code` says how.")];
    if !is_open {
        failures.push(("401", "The key is missing or not known."));
        failures.push(("403", "The role of the key may not do this."));
        failures
            .push(("429", "Too often or too much at once; `Retry-After` says when to come again."));
        tell_roles(described, operation);
    }
    if is_of_a_brand {
        failures.push(("404", "There is no such brand, or not for this key."));
    }
    if !method.is_safe() {
        failures.push(("400", "The request cannot be read, or has no idempotency key."));
        let parameters = described.parameters.get_or_insert_default();
        parameters.push(idempotency_key().into());
    }
    for (status, description) in failures {
        let responses = &mut described.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| failure(description).into());
    }
    Ok(operation)
}

fn tell_roles(described: &mut Described, operation: &Operation) {
    let roles: Vec<&str> = operation.access.roles().iter().map(|role| role.name()).collect();
    let description = described.description.take().unwrap_or_default();
    described.description = Some(format!("{description}\n\nRoles: {}.", roles.join(", ")));
}

fn idempotency_key() -> Parameter {
    let schema = Object::builder()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(LETTERS_MAX))
        .pattern(Some("^[!-~]+$"))
        .build();
    Parameter::builder()
        .name(IDEMPOTENCY_KEY)
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some("A new random value for each write; the same value when it is repeated."))
        .schema(Some(schema))
        .build()
}

fn failure(description: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let content = Content::builder().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build()
}
