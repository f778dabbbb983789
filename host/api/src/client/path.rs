//! Percent-encodes the paths and queries of requests.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};

/// All characters but the unreserved ones (RFC 3986).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The query percent-encode set of the URL Standard (<https://url.spec.whatwg.org/#query-percent-encode-set>).
const NOT_IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// Encodes a text as one path segment or one query value.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Appends those of the values that there are to a query that is not empty.
pub(super) fn push_values<const N: usize>(path: &mut String, values: [(&str, Option<&str>); N]) {
    for (key, value) in values {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", escaped(value)));
        }
    }
}

/// Returns the path of a view. The segments of `path` are plain text and are encoded; its query is encoded only where necessary.
pub(super) fn of_view(plugin: &str, path: &str) -> String {
    let path = path.trim_start_matches('/');
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut uri = format!("/v1/views/{}", escaped(plugin));
    for segment in path.split('/').filter(|_| !path.is_empty()) {
        uri.push('/');
        uri.push_str(&escaped(segment));
    }
    if !query.is_empty() {
        uri.push('?');
        uri.push_str(&query_of(query));
    }
    uri
}

/// Encodes the characters that a query cannot contain, and keeps existing escapes.
fn query_of(text: &str) -> String {
    let mut query = String::with_capacity(text.len());
    for (at, part) in text.split('%').enumerate() {
        let is_escape = part.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match at {
            0 => {}
            _ if is_escape => query.push('%'),
            _ => query.push_str("%25"),
        }
        query.extend(percent_encode(part.as_bytes(), NOT_IN_QUERY));
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_only_where_necessary() {
        for (said, sent) in [
            ("a=1&b=2", "a=1&b=2"),
            ("name=a b", "name=a%20b"),
            ("q=ä#frag", "q=%C3%A4%23frag"),
            ("done=%20&half=%2&none=%", "done=%20&half=%252&none=%25"),
            ("dir|file", "dir|file"),
            ("url=http://x/?y", "url=http://x/?y"),
            ("a=\"<>`{}^\\\u{1b}\n", "a=%22%3C%3E`{}^\\%1B%0A"),
            ("plus=a+b", "plus=a+b"),
        ] {
            assert_eq!(query_of(said), sent);
        }
    }
}
