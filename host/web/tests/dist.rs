//! The committed files of the page: they are those of the sources, small, and served with the headers that keep the page to itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, Method, Response, StatusCode};
use provost_web::{CONTENT_SECURITY_POLICY, answer};
use sha2::{Digest as _, Sha256};

/// The most that all files together may have, compressed.
const MOST: usize = 120_000;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The names of the files below `dir`, relative to `from`, in the order of their parts.
fn names(from: &Path, dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(names(from, &path));
        } else {
            found.push(path.strip_prefix(from).unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    found
}

fn get(path: &str) -> Response<Bytes> {
    answer(&Method::GET, path, &HeaderMap::new()).unwrap()
}

#[test]
fn the_committed_files_are_made_from_the_committed_sources() {
    let mut sources: Vec<String> =
        ["build.mjs", "package-lock.json", "package.json"].map(str::to_owned).into();
    sources.extend(names(&here(), &here().join("page")));
    let mut digest = Sha256::new();
    for name in &sources {
        let content = std::fs::read(here().join(name)).unwrap();
        // The lengths mark where one file ends and the next begins.
        for part in [name.as_bytes(), &content] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    let mut expected = String::from("sha256:");
    for byte in digest.finalize() {
        write!(expected, "{byte:02x}").unwrap();
    }
    let recorded = std::fs::read_to_string(here().join("dist.sources")).unwrap();
    assert_eq!(
        recorded.trim(),
        expected,
        "the page has changed: run .ci/step web, or node host/web/build.mjs"
    );
}

#[test]
fn every_committed_file_is_served() {
    let dist = here().join("dist");
    for name in names(&dist, &dist) {
        let content = std::fs::read(dist.join(&name)).unwrap();
        assert_eq!(get(&format!("/{name}")).body(), &content, "{name}");
    }
}

#[test]
fn all_files_together_are_small() {
    let mut gzip =
        Command::new("gzip").arg("-9c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let dist = here().join("dist");
    let writer = std::thread::spawn(move || {
        for name in names(&dist, &dist) {
            input.write_all(&std::fs::read(dist.join(name)).unwrap()).unwrap();
        }
    });
    let compressed = gzip.wait_with_output().unwrap().stdout.len();
    writer.join().unwrap();
    assert!((1_000..MOST).contains(&compressed), "{compressed} bytes");
}

#[test]
fn the_page_runs_nothing_of_its_own_text_and_names_no_other_place() {
    let page = String::from_utf8(get("/").body().to_vec()).unwrap();
    for inline in ["<style", " style=", " onclick=", "javascript:", "http://", "https://"] {
        assert!(!page.contains(inline), "{inline}");
    }
    assert_eq!(page.matches("<script").count(), page.matches("<script type=\"module\" src=\"main-").count());
    let attributes = page.split(['"']).skip(1).step_by(2);
    let own: Vec<&str> =
        attributes.filter(|value| value.ends_with(".js") || value.ends_with(".css")).collect();
    assert_eq!(own.len(), 2);
    for name in own {
        assert_eq!(get(&format!("/{name}")).status(), StatusCode::OK, "a relative address: {name}");
    }
}

#[test]
fn every_answer_has_the_headers_that_keep_the_page_to_itself() {
    let posted = answer(&Method::POST, "/", &HeaderMap::new()).unwrap();
    assert_eq!(
        (posted.status(), &posted.headers()[ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD".parse().unwrap())
    );
    for response in [get("/"), get("/licenses.txt"), posted] {
        let headers = response.headers();
        assert_eq!(headers["content-security-policy"], CONTENT_SECURITY_POLICY);
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    }
    assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
}

#[test]
fn a_browser_asks_again_for_the_page_and_never_for_what_is_named_by_its_content() {
    let page = get("/");
    assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(page.headers()[CACHE_CONTROL], "no-cache");
    let text = String::from_utf8(page.body().to_vec()).unwrap();
    let script = text.split('"').find(|part| part.ends_with(".js")).unwrap();
    let script = get(&format!("/{script}"));
    assert_eq!(script.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
    assert_eq!(script.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");

    let tag = page.headers()[ETAG].to_str().unwrap();
    for (known, expected) in [
        (tag.to_owned(), StatusCode::NOT_MODIFIED),
        (format!("\"other\", W/{tag}"), StatusCode::NOT_MODIFIED),
        ("\"other\"".to_owned(), StatusCode::OK),
    ] {
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, known.parse().unwrap())]);
        let response = answer(&Method::GET, "/", &headers).unwrap();
        assert_eq!(
            (response.status(), response.body().is_empty()),
            (expected, expected != StatusCode::OK),
            "{known}"
        );
    }
}

#[test]
fn there_is_nothing_else() {
    for path in ["/v1/status", "/page/main.js", "//", "/../Cargo.toml", "/index", "*", ""] {
        assert!(answer(&Method::GET, path, &HeaderMap::new()).is_none(), "{path}");
    }
}
