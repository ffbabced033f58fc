//! `/openapi.json`: the routes, their parameters and their errors for machines (OpenAPI 3.1), from the tables that answer requests.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, response::Response};
use serde_json::{Map, Value, json};

use super::{
    frontend::HttpFrontend,
    query::AUTH_PARAMETERS,
    response,
    routes::{Endpoint, ROUTES, Route},
};
use crate::{
    error::{Error, ErrorKind},
    frontends::report_facts,
    request::{
        Options,
        options::{OPTIONS, OptionKind, OptionSpec},
    },
};

const CACHE_CONTROL: &str = "public, max-age=3600";
/// Statuses without a kind of their own: a method other than GET and HEAD, and more requests than `--rate-limit` allows.
const OTHER_ERRORS: [(u16, &str); 2] = [(405, "usage"), (429, "not_allowed")];

pub(super) async fn answer(State(frontend): State<Arc<HttpFrontend>>) -> Response {
    let document = document(frontend.settings.key.is_some(), frontend.observer.is_active());
    response::json(&document, &response::Caching::fixed(CACHE_CONTROL)).unwrap_or_else(|e: Error| response::problem(&e))
}

/// The document. `is_signed` if every request needs a signature; `has_metrics` if `/metrics` is there.
fn document(is_signed: bool, has_metrics: bool) -> Value {
    let mut paths: Map<_, _> = ROUTES.iter().map(|route| (route.path.to_owned(), path(route))).collect();
    if has_metrics {
        let metrics = json!({"get": {
            "operationId": "metrics", "summary": "Metrics in Prometheus's text format", "security": [],
            "responses": {"200": {"description": "The metrics", "content": {"text/plain": {}}}},
        }});
        paths.insert("/metrics".to_owned(), metrics);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hlsnap", "version": env!("CARGO_PKG_VERSION"), "summary": "Still pictures out of HLS streams",
            "description": "HEAD is answered wherever GET is. A switch is on by its name alone.",
            "license": {"name": "MIT", "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "security": if is_signed { json!([{"signature": []}]) } else { json!([]) },
        "paths": paths,
        "components": {
            "parameters": parameters(), "headers": headers(), "responses": responses(), "schemas": {"Problem": problem()},
            "securitySchemes": {"signature": {
                "type": "apiKey", "in": "query", "name": "sig",
                "description": "HMAC-SHA256 of path and query with the operator's key, in hexadecimal or base64url; `hlsnap sign` makes it",
            }},
        },
    })
}

fn path(route: &Route) -> Value {
    let id = route.path.trim_start_matches('/').replace(['.', '-'], "_");
    let mut operation = json!({"operationId": id, "summary": route.summary, "responses": answers(route)});
    let members = operation.as_object_mut();
    match (route.endpoint.resource(), members) {
        (Some(resource), Some(members)) => {
            let keys = resource.parameters().map(OptionSpec::key).chain(["expires".to_owned()]);
            members.insert("parameters".to_owned(), keys.map(|key| reference("parameters", &key)).collect());
        }
        // Answered without a signature
        (None, Some(members)) => _ = members.insert("security".to_owned(), json!([])),
        (_, None) => {}
    }
    json!({"get": operation})
}

/// The responses of a route, by their statuses.
fn answers(route: &Route) -> Map<String, Value> {
    let mut ok = json!({"description": route.summary, "content": {route.media_type: {}}});
    let mut answers = Map::new();
    let is_file = !matches!(route.endpoint, Endpoint::Report | Endpoint::Inspection | Endpoint::OpenApi | Endpoint::Health);
    if is_file && let Some(ok) = ok.as_object_mut() {
        let names = header_names().map(|name| (name.to_owned(), reference("headers", name)));
        ok.insert("headers".to_owned(), names.collect());
        answers.insert("304".to_owned(), json!({"description": "The client has the file already (If-None-Match)"}));
    }
    answers.insert("200".to_owned(), ok);
    if route.endpoint.resource().is_some() {
        answers.extend(errors().into_keys().map(|status| (status.to_string(), reference("responses", &status.to_string()))));
    }
    answers
}

fn reference(folder: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{folder}/{name}")})
}

/// Every option that queries may set, by its name, and `expires`.
fn parameters() -> Map<String, Value> {
    let rows = OPTIONS.iter().filter(|spec| spec.is_in_queries).map(|spec| (spec.key(), parameter(spec)));
    let expires = json!({
        "name": AUTH_PARAMETERS[1], "in": "query", "schema": {"type": "integer", "minimum": 0},
        "description": "When the signature expires, in seconds since 1970",
    });
    rows.chain([(AUTH_PARAMETERS[1].to_owned(), expires)]).collect()
}

fn parameter(spec: &OptionSpec<Options>) -> Value {
    let conflict = spec.conflicts_with.map(|other| format!(". Not together with {}", other.replace('-', "_")));
    let description = format!("{}{}", spec.help, conflict.unwrap_or_default());
    let schema = match spec.kind {
        OptionKind::Switch | OptionKind::Bool => json!({"type": "boolean"}),
        OptionKind::Integer(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        _ => json!({"type": "string"}),
    };
    let mut parameter = json!({"name": spec.key(), "in": "query", "description": description, "schema": schema});
    if let Some(members) = parameter.as_object_mut() {
        if spec.kind == OptionKind::Argument {
            members.insert("required".to_owned(), true.into());
        }
        if matches!(spec.kind, OptionKind::Switch | OptionKind::Bool | OptionKind::OptionalValue) {
            members.insert("allowEmptyValue".to_owned(), true.into());
        }
    }
    parameter
}

fn header_names() -> impl Iterator<Item = &'static str> {
    report_facts::http_header_names().chain(["etag", "cache-control"])
}

fn headers() -> Map<String, Value> {
    header_names().map(|name| (name.to_owned(), json!({"schema": {"type": "string"}}))).collect()
}

/// The statuses of failures, each with the kinds that have it.
fn errors() -> BTreeMap<u16, Vec<&'static str>> {
    let rows = ErrorKind::TABLE.iter().map(|(_, name, _, status)| (*status, *name)).filter(|(status, _)| *status >= 400);
    let mut errors = BTreeMap::<_, Vec<_>>::new();
    for (status, name) in rows.chain(OTHER_ERRORS) {
        errors.entry(status).or_default().push(name);
    }
    errors
}

fn responses() -> Map<String, Value> {
    let response = |(status, kinds): (u16, Vec<&str>)| {
        let content = json!({"application/problem+json": {"schema": reference("schemas", "Problem")}});
        (status.to_string(), json!({"description": kinds.join(", "), "content": content}))
    };
    errors().into_iter().map(response).collect()
}

fn problem() -> Value {
    let kinds: Vec<_> = ErrorKind::TABLE.iter().map(|(_, name, ..)| *name).collect();
    let text = || json!({"type": "string"});
    json!({
        "type": "object", "description": "Problem details (RFC 9457)", "required": ["type", "title", "status", "kind", "detail"],
        "properties": {
            "type": text(), "title": text(), "status": {"type": "integer"}, "kind": {"type": "string", "enum": kinds},
            "detail": text(), "url": text(), "origin_status": {"type": "integer"}, "hint": text(),
        },
    })
}
