//! Lists in pages over HTTP.

use crate::harness::{Call, Host};

/// All rows of a list, page by page, by their field.
async fn walked(host: &Host, list: &str, field: &str, limit: usize) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{list}?limit={limit}{cursor}");
        let page = host.send(Call::get(&path).key(&host.admin)).await.json();
        let rows = page["items"].as_array().unwrap();
        assert!(rows.len() <= limit && !rows.is_empty(), "{page}");
        seen.extend(rows.iter().map(|row| row[field].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

#[tokio::test]
async fn pages_of_any_size_hold_every_row_once() {
    let names: Vec<String> = (0..12).map(|at| format!("brand-{at:02}")).collect();
    let brands: Vec<&str> = names.iter().map(String::as_str).collect();
    let host = Host::with_brands(&brands, |_| {}).await;
    for limit in [1, 5, 6, 11, 12, 13, 500] {
        assert_eq!(walked(&host, "/v1/brands", "name", limit).await, names);
        let keys = walked(&host, "/v1/keys", "id", limit).await;
        assert_eq!(keys.len(), host.keys_made());
        assert!(keys.is_sorted());
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let host = Host::start(|_| {}).await;
    let page = host.send(Call::get("/v1/keys?limit=1").key(&host.admin)).await.json();
    let path = format!("/v1/brands?cursor={}", page["next"].as_str().unwrap());
    assert_eq!(host.send(Call::get(&path).key(&host.admin)).await.code(), "cursor-invalid");
}
