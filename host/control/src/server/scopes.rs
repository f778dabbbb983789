//! The scopes that requests take, by method and path.

use axum::http::Method;

use crate::access::Scope;

/// The paths that anybody may read. Balancers and orchestrators ask there whether the host is alive and its processes are ready, and
/// learn nothing more.
const OPEN: [&str; 2] = ["/livez", "/readyz"];

/// Whether anybody may read this path. Its answer may say more to a caller with a scope.
pub(super) fn is_open(path: &str) -> bool {
    OPEN.contains(&path)
}

/// Whether what answers this path looks at what the caller may do, because that decides what it says or takes.
pub(super) fn looks_at_access(path: &str) -> bool {
    let is_blame = || path.starts_with("/v1/plugins/") && path.ends_with("/blame");
    is_open(path) || path == "/v1/config/difference" || is_blame()
}

/// The scopes of all routes.
#[derive(Debug, Default)]
pub(super) struct Scopes(pub(super) Vec<(Method, &'static str, Scope)>);

impl Scopes {
    /// Returns the scope that a request takes. One that the router will refuse takes as much as reading.
    pub(super) fn of(&self, method: &Method, path: &str) -> Scope {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        // If several routes match, nothing may be reached with less than the highest scope.
        let scopes = self.0.iter().filter(|(one, template, _)| one == method && matches(template, path));
        scopes.map(|(.., scope)| *scope).max().unwrap_or(Scope::Read)
    }

    /// Whether a route has this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.iter().any(|(_, template, _)| matches(template, path))
    }
}

/// Whether a path matches that of a route.
fn matches(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for expected in template.split('/') {
        match segments.next() {
            Some(_) if expected.starts_with("{*") => return true,
            Some(segment) if expected.starts_with('{') && !segment.is_empty() => {}
            Some(segment) if segment == expected => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_its_template_only() {
        for (template, path, expected) in [
            ("/v1/status", "/v1/status", true),
            ("/v1/status", "/v1/status/", false),
            ("/v1/plugins/{name}", "/v1/plugins/a", true),
            ("/v1/plugins/{name}", "/v1/plugins/", false),
            ("/v1/plugins/{name}", "/v1/plugins/a/b", false),
            ("/v1/views/{name}/{*path}", "/v1/views/a/b/c", true),
            ("/v1/views/{name}/{*path}", "/v1/views/a", false),
        ] {
            assert_eq!(matches(template, path), expected, "{template} {path}");
        }
    }
}
