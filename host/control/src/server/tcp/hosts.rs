//! For which names the host answers. A page of a foreign server can have its own name resolve to this machine (DNS rebinding), and
//! its requests then count as its own. Their `Host` is that foreign name, by which they are refused.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::server::rules::ApiRules;

/// The names by which every machine calls itself.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The value of a `Host`: a name or an address, and perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// The text in small letters.
    pub(super) text: String,
    /// The name, or the address without brackets.
    name: String,
}

impl Authority {
    /// Parses the value of a `Host`.
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (name, rest) = match text.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']')?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = rest.strip_prefix(':').unwrap_or(rest);
        let is_port = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        let name = name.strip_suffix('.').unwrap_or(name).to_owned();
        (is_port && (rest.is_empty() || rest.starts_with(':')) && !name.is_empty())
            .then_some(Self { name, text })
    }

    /// Whether a host with these rules, which was connected to at the address `local`, is called by this name.
    fn is_own(&self, local: IpAddr, rules: &ApiRules) -> bool {
        let is_local = || self.name.parse::<IpAddr>().is_ok_and(|address| address == local.to_canonical());
        OWN_NAMES.contains(&&*self.name) || rules.hosts.contains(&self.name) || is_local()
    }
}

/// Returns by which name a request calls the host.
///
/// # Errors
/// What is wrong with it, if the host does not answer for that name.
pub(super) fn called(head: &Parts, local: IpAddr, rules: &ApiRules) -> Result<Authority, String> {
    let host = match sole(&head.headers, header::HOST) {
        Ok(Some(host)) => Authority::parse(host),
        Ok(None) => return Err("the request has no `Host`".to_owned()),
        Err(()) => None,
    };
    let host = host.ok_or("the `Host` of the request is malformed")?;
    let in_target = match head.uri.authority() {
        Some(authority) => {
            Authority::parse(authority.as_str()).ok_or("the target of the request is malformed")?
        }
        None => host.clone(),
    };
    for one in [&host, &in_target] {
        if !one.is_own(local, rules) {
            return Err(format!(
                "this host does not answer for `{}`",
                provost_state::naming::shown(&one.name)
            ));
        }
    }
    Ok(host)
}

/// Returns the text of a header that may occur once; fails if it occurs more often or is no text.
pub(super) fn sole(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<&str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn called_by(host: &[&str], target: &str) -> Result<Authority, String> {
        let mut request = Request::builder().uri(target);
        for host in host {
            request = request.header(header::HOST, *host);
        }
        let rules = ApiRules { hosts: vec!["ops.example.com".to_owned()], ..ApiRules::default() };
        let (head, ()) = request.body(()).unwrap().into_parts();
        called(&head, "10.0.0.7".parse().unwrap(), &rules)
    }

    #[test]
    fn the_host_answers_for_its_own_names_whatever_the_port() {
        for host in [
            "localhost",
            "LocalHost:9191",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:9191",
            "10.0.0.7:80",
            "ops.example.com",
            "OPS.example.com.:443",
        ] {
            assert!(called_by(&[host], "/v1/ping").is_ok(), "{host}");
        }
    }

    #[test]
    fn it_answers_for_no_other_name() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.8",
            "",
            ":80",
            "localhost:80:80",
            "localhost:x",
            "[::1",
            "[::1]x",
            "localhost@evil.example",
            "evil.example/localhost",
        ] {
            assert!(called_by(&[host], "/v1/ping").is_err(), "{host}");
        }
        assert!(called_by(&[], "/v1/ping").is_err(), "there is none");
        assert!(called_by(&["localhost", "localhost"], "/v1/ping").is_err(), "there are two");
        assert!(called_by(&["localhost"], "http://evil.example/v1/ping").is_err(), "the target counts, too");
        assert!(called_by(&["localhost"], "http://127.0.0.1:9/v1/ping").is_ok());
    }
}
