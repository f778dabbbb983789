//! The first stage of `[api]`: the API over TCP. What could expose the host by mistake is refused: an address that other machines
//! reach without TLS, and a list of names or pages that contains everything.

use std::net::SocketAddr;
use std::ops::Range;

use provost_control::ApiRules;
use provost_state::naming;
use toml::Spanned;

use super::section::Section;
use super::sections::ApiSection;

const LISTEN_HINT: &str = "write listen = \"127.0.0.1:9191\" for this machine alone, or \"[::1]:9191\"";

const TLS_HINT: &str = "write tls = { cert = \"api.crt\", key = \"api.key\" }";

const HOSTS_HINT: &str = "write hosts = [\"ops.example.com\"], without ports";

const ORIGINS_HINT: &str =
    "write origins = [\"https://ops.example.com\"], with the port if it is another than the usual one";

/// The most addresses to listen on, and the most entries of each list.
const ENTRIES_MAX: usize = 32;

/// The largest rate.
const RATE_MAX: usize = 1_000_000;

/// Reads the whole section.
pub(super) fn read(mut api: Section<'_>) -> ApiSection {
    let listen = read_listen(&mut api);
    let tls = read_tls(&mut api);
    let plaintext = api.flag("plaintext").unwrap_or(false);
    let tokens = api.path("tokens").map(Spanned::into_inner);
    let mut rules = ApiRules {
        hosts: read_list(&mut api, "hosts", HOSTS_HINT, host),
        origins: read_list(&mut api, "origins", ORIGINS_HINT, origin),
        read_only: api.flag("read_only").unwrap_or(false),
        ..ApiRules::default()
    };
    if let Some(rate) = api.count("requests_per_second") {
        if rate > RATE_MAX {
            let what = format!("`requests_per_second` must be at most {RATE_MAX}");
            api.problem(api.key_span("requests_per_second"), what, "the default is 100");
        }
        rules.requests_per_second = u32::try_from(rate).unwrap_or(u32::MAX);
    }
    if let Some(metrics) = api.text("metrics") {
        api.check_name(&metrics, naming::check_plugin(metrics.get_ref()));
        rules.metrics = metrics.into_inner();
    }
    for (address, span) in listen.iter().filter(|_| tls.is_none() && !plaintext) {
        if !address.ip().is_loopback() {
            let what = format!(
                "other machines reach {address}, and without TLS their tokens could be read on the way"
            );
            let hint = "write tls = { cert = \"api.crt\", key = \"api.key\" }; or plaintext = true, if the network is yours alone or a \
                        proxy in front of it does TLS";
            api.problem(span.clone(), what, hint);
        }
    }
    api.finish();
    let listen = listen.into_iter().map(|(address, _)| address).collect();
    ApiSection { listen, tls, plaintext, tokens, rules }
}

/// Reads the addresses to listen on, with their positions.
fn read_listen(api: &mut Section<'_>) -> Vec<(SocketAddr, Range<usize>)> {
    let Some(value) = api.value("listen") else { return Vec::new() };
    let texts = match value.get_ref().as_str() {
        Some(text) => vec![Spanned::new(value.span(), text.to_owned())],
        None => api.texts_of("listen", value).unwrap_or_default(),
    };
    if texts.len() > ENTRIES_MAX {
        api.problem(value.span(), format!("`listen` has more than {ENTRIES_MAX} addresses"), LISTEN_HINT);
    }
    let read = |text: &Spanned<String>| match text.get_ref().parse::<SocketAddr>() {
        Ok(address) => Some((address, text.span())),
        Err(_) => {
            let what = format!("`{}` in `listen` is not an address with a port", text.get_ref());
            api.problem(text.span(), what, LISTEN_HINT);
            None
        }
    };
    texts.iter().filter_map(read).collect()
}

fn read_tls(api: &mut Section<'_>) -> Option<(Spanned<String>, Spanned<String>)> {
    let mut tls = api.table("tls", TLS_HINT)?;
    let (cert, key) = (tls.path("cert"), tls.path("key"));
    if tls.lacks("cert") || tls.lacks("key") {
        let what = "`tls` needs the files of a certificate, `cert`, and of its private key, `key`";
        tls.problem(tls.span.clone(), what, TLS_HINT);
    }
    tls.finish();
    cert.zip(key)
}

/// Reads a list of texts, each of which `fit` brings into the form in which it is compared; `None` is a problem.
fn read_list(
    api: &mut Section<'_>,
    key: &'static str,
    hint: &str,
    fit: fn(&str) -> Option<String>,
) -> Vec<String> {
    let texts = api.texts(key).unwrap_or_default();
    if texts.len() > ENTRIES_MAX {
        api.problem(api.key_span(key), format!("`{key}` has more than {ENTRIES_MAX} entries"), hint);
    }
    let read = |text: &Spanned<String>| {
        let fitting = fit(text.get_ref());
        if fitting.is_none() {
            let kind = if key == "hosts" { "a name or an address" } else { "the origin of a page" };
            api.problem(text.span(), format!("`{}` in `{key}` is not {kind}", text.get_ref()), hint);
        }
        fitting
    };
    texts.iter().filter_map(read).collect()
}

/// Returns a name or an address in small letters, without brackets and a dot at the end.
fn host(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(&text);
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (is_address || !text.is_empty() && text.chars().all(letters)).then(|| text.to_owned())
}

/// Returns the origin of a page in small letters: `http` or `https`, a name, and perhaps a port.
fn origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (rest, None),
    };
    let fits = host(name).is_some() && port.is_none_or(|port| port.parse::<u16>().is_ok());
    fits.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_without_a_port() {
        assert_eq!(host("Ops.Example.com."), Some("ops.example.com".to_owned()));
        assert_eq!(host("[::1]"), Some("::1".to_owned()));
        for bad in ["", "*", "ops:80", "https://ops", "a b", "[x]x"] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_with_a_host_and_perhaps_a_port() {
        for good in ["https://ops.example.com", "http://localhost:3000", "http://[::1]:3000", "http://[::1]"]
        {
            assert_eq!(origin(good).as_deref(), Some(good));
        }
        for bad in ["*", "null", "ops.example.com", "https://", "https://ops/", "https://ops:x", "ftp://ops"]
        {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }
}
