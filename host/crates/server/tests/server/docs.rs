//! The page that tries calls: complete, and nothing of it from elsewhere.

use playbook_server::{CODES, OPERATIONS};

use crate::harness::{Call, Host};

#[tokio::test]
async fn the_page_lists_every_operation_and_every_code() {
    let host = Host::start(|_| {}).await;
    let answer = host.send(Call::get("/docs/api")).await;
    assert_eq!(answer.status, 200);
    let page = String::from_utf8(answer.body).unwrap();
    for operation in OPERATIONS {
        assert!(page.contains(&format!("<details id=\"{}\"", operation.id)), "{}", operation.id);
    }
    for row in CODES {
        assert!(page.contains(&format!("<tr id=\"{}\"", row.name)), "{}", row.name);
    }
    assert!(page.contains("data-path=\"/v1/brands/{brand}\""));
    assert!(page.contains("name=\"idempotency-key\""));
    assert!(page.contains("&quot;role&quot;: &quot;brand-operator&quot;"), "a body to begin with");
}

#[tokio::test]
async fn the_page_runs_its_own_script_and_nothing_else() {
    let host = Host::start(|_| {}).await;
    let answer = host.send(Call::get("/docs/api")).await;
    let policy = answer.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|part| part == rule), "{rule} in {policy}");
    }
    assert!(!policy.contains("unsafe"));
    let page = String::from_utf8(answer.body).unwrap();
    assert_eq!(page.matches("<script").count(), 1);
    for inline in ["<style", " style=", " onclick", "javascript:", "http://", "https://"] {
        assert!(!page.contains(inline), "{inline}");
    }
    for (path, media) in [("/docs/api.js", "text/javascript"), ("/docs/api.css", "text/css")] {
        assert!(page.contains(&format!("\"{path}\"")));
        let file = host.send(Call::get(path)).await;
        assert_eq!(file.status, 200);
        assert!(file.header("content-type").starts_with(media));
        assert_eq!(file.header("x-content-type-options"), "nosniff");
    }
}
