//! Every operation of the served document, with every role and with brands of somebody else.

use std::collections::BTreeSet;

use playbook_server::{Access, OPERATIONS, Operation, Role};
use serde_json::Value;

use crate::harness::{Answer, Call, Host, new_once};

/// An operation of the document with its place.
struct Route {
    operation: Operation,
    method: String,
    path: String,
    described: Value,
}

async fn document(host: &Host) -> Value {
    let answer = host.send(Call::get("/v1/openapi.json")).await;
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

fn routes(document: &Value) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let operation = *Operation::of(described["operationId"].as_str().unwrap()).unwrap();
            let (method, path) = (method.to_uppercase(), path.clone());
            routes.push(Route { operation, method, path, described: described.clone() });
        }
    }
    routes
}

impl Route {
    /// A call whose parts are there; what stands in them means nothing to the host.
    fn call(&self, brand: &str) -> Call {
        let path = self.path.replace("{brand}", brand).replace("{id}", "none");
        let call = Call::new(&self.method, &path);
        if self.method == "GET" { call } else { call.once(&new_once()).json("{}") }
    }
}

/// Codes of those who are not let through to a handler.
const STOPPED: [&str; 6] = [
    "key-missing",
    "key-unknown",
    "role-not-allowed",
    "brand-not-found",
    "path-not-found",
    "method-not-allowed",
];

#[tokio::test]
async fn the_document_names_every_operation_of_the_table_once() {
    let host = Host::start(|_| {}).await;
    let document = document(&host).await;
    assert_eq!(document["openapi"], "3.1.0");
    let routes = routes(&document);
    let named: BTreeSet<&str> = routes.iter().map(|route| route.operation.id).collect();
    assert_eq!(named, OPERATIONS.iter().map(|row| row.id).collect());
    assert_eq!(routes.len(), OPERATIONS.len());
    for route in routes {
        let described = &route.described;
        assert!(!described["summary"].as_str().unwrap().ends_with('.'), "{}", route.path);
        let failure = &described["responses"]["default"]["content"]["application/problem+json"];
        assert_eq!(failure["schema"]["$ref"], "#/components/schemas/Problem");
        let open = route.operation.access == Access::Open;
        assert_eq!(described["security"].as_array().unwrap().is_empty(), open, "{}", route.path);
    }
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    fn check(document: &Value, at: &Value, seen: &mut usize) {
        match at {
            Value::Object(fields) => {
                if let Some(to) = fields.get("$ref").and_then(Value::as_str) {
                    assert!(document.pointer(&to[1..]).is_some(), "{to}");
                    *seen += 1;
                }
                fields.values().for_each(|field| check(document, field, seen));
            }
            Value::Array(items) => items.iter().for_each(|item| check(document, item, seen)),
            _ => {}
        }
    }
    let host = Host::start(|_| {}).await;
    let document = document(&host).await;
    let mut seen = 0;
    check(&document, &document, &mut seen);
    assert!(seen > 10, "{seen}");
}

#[tokio::test]
async fn every_operation_answers_and_needs_a_key_unless_it_is_open() {
    let host = Host::start(|_| {}).await;
    for route in routes(&document(&host).await) {
        let without = host.send(route.call("acme")).await;
        let unknown = host.send(route.call("acme").key("pb_0_0")).await;
        if route.operation.access == Access::Open {
            assert_eq!(without.status, 200, "{}", route.path);
            assert_eq!(unknown.status, 200, "{}", route.path);
        } else {
            assert_eq!(without.code(), "key-missing", "{} {}", route.method, route.path);
            assert_eq!(unknown.code(), "key-unknown", "{} {}", route.method, route.path);
            assert!(without.header("www-authenticate").starts_with("Bearer"));
        }
    }
}

#[tokio::test]
async fn every_operation_keeps_to_the_table_for_every_role_and_brand() {
    let host = Host::start(|_| {}).await;
    let mut walked = 0;
    for route in routes(&document(&host).await) {
        for role in Role::ALL {
            let key = host.key(role, "acme");
            for brand in ["acme", "zeta", "absent"] {
                let answer = host.send(route.call(brand).key(key)).await;
                let want = expected(&route.operation, role, brand);
                let got = Some(answer.code()).filter(|code| STOPPED.contains(&code.as_str()));
                let at = format!("{} {} as {} for {brand}", route.method, route.path, role.name());
                assert_eq!(got.as_deref(), want, "{at}: {}", answer.status);
                assert_ne!(answer.status, 500, "{at}");
                walked += 1;
            }
        }
    }
    assert_eq!(walked, OPERATIONS.len() * Role::ALL.len() * 3);
}

/// What stops a caller of brand `acme`, by the table alone.
fn expected(operation: &Operation, role: Role, brand: &str) -> Option<&'static str> {
    let allowed = operation.access.roles().contains(&role);
    let sees = match role {
        Role::PlatformAdmin => brand != "absent",
        Role::PlatformMonitor => false,
        _ => brand == "acme",
    };
    match operation.access {
        Access::Open => None,
        Access::Brand(_) if !sees => Some("brand-not-found"),
        Access::Platform(_) | Access::Brand(_) => (!allowed).then_some("role-not-allowed"),
    }
}

/// An answer without what differs for each request.
fn without_id(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let mut json = answer.json();
    json["instance"] = Value::Null;
    let changing = ["x-request-id", "date", "ratelimit"];
    let headers = answer.headers.iter().filter(|(name, _)| !changing.contains(&name.as_str()));
    let shown = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
    (answer.status.as_u16(), shown, json)
}

#[tokio::test]
async fn y118_a_brand_of_somebody_else_looks_like_none_at_all() {
    let host = Host::start(|_| {}).await;
    for route in routes(&document(&host).await) {
        if !matches!(route.operation.access, Access::Brand(_)) {
            continue;
        }
        for role in Role::ALL.into_iter().filter(|role| *role != Role::PlatformAdmin) {
            let key = host.key(role, "acme");
            let other = host.send(route.call("zeta").key(key)).await;
            assert_eq!(other.status, 404);
            for absent in ["absent", "ZETA", "zeta%20", "%ff", "%2e%2e", "acme%2f"] {
                let absent = host.send(route.call(absent).key(key)).await;
                assert_eq!(without_id(&other), without_id(&absent));
            }
        }
    }
}

#[tokio::test]
async fn a_list_of_brands_holds_what_the_key_may_see() {
    let host = Host::start(|_| {}).await;
    let names = async |key: &str| {
        let page = host.send(Call::get("/v1/brands").key(key)).await.json();
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|brand| brand["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&host.admin).await, ["acme", "zeta"]);
    for role in Role::ALL.into_iter().filter(|role| role.is_of_a_brand()) {
        assert_eq!(names(host.key(role, "zeta")).await, ["zeta"]);
    }
}

#[tokio::test]
async fn head_is_guarded_like_get() {
    let host = Host::start(|_| {}).await;
    let call = || Call::new("HEAD", "/v1/brands/zeta");
    assert_eq!(host.send(call()).await.status, 401);
    let foreign = host.key(Role::BrandOperator, "acme");
    assert_eq!(host.send(call().key(foreign)).await.status, 404);
    let own = host.send(call().key(host.key(Role::BrandOperator, "zeta"))).await;
    assert_eq!((own.status.as_u16(), own.body.len()), (200, 0));
}
