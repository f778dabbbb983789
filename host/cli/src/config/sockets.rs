//! The first stage of `sockets` and `watchdog` of a process.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_supervisor::{SocketAddress, SocketKind, SocketSpec};
use toml::Spanned;
use toml::de::DeValue;

use super::section::Section;
use super::sections::SocketSection;
use super::units::octal;

const HINT: &str = "write sockets = { http = \"127.0.0.1:8080\", admin = \"/run/app.sock\" }";

const TABLE_HINT: &str =
    "write { address = \"/run/app.sock\", type = \"stream\", mode = \"0660\", backlog = 128 }";

/// The longest name of a socket in bytes.
const NAME_BYTES_MAX: usize = 64;

/// How long a process may be silent, in milliseconds.
const WATCHDOG_MS: RangeInclusive<u64> = 10..=86_400_000;

/// Reads `sockets`: a table of names and addresses.
pub(super) fn read(process: &mut Section<'_>) -> Vec<SocketSection> {
    let Some(table) = process.table("sockets", HINT) else { return Vec::new() };
    let mut sockets: Vec<SocketSection> = Vec::new();
    // Their order is that of the file, which gives them their numbers.
    let mut entries: Vec<_> = table.entries().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let word = name.get_ref();
        let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if word.is_empty() || word.len() > NAME_BYTES_MAX || !word.chars().all(is_fit) {
            let what = format!("`{word}` cannot be the name of a socket");
            table.problem(name.span(), what, "use 1 to 64 letters, digits, `_`, `-` and `.`");
        }
        if let Some(socket) = read_socket(&table, &name, value) {
            sockets.push(SocketSection { socket, span: value.span() });
        }
    }
    if sockets.len() > SocketSpec::SOCKETS_MAX {
        let what = format!("{} sockets are more than {}", sockets.len(), SocketSpec::SOCKETS_MAX);
        table.problem(table.span.clone(), what, "open the others in the process itself");
    }
    sockets
}

fn read_socket<'t>(
    sockets: &Section<'t>,
    name: &Spanned<String>,
    value: &'t Spanned<DeValue<'t>>,
) -> Option<SocketSpec> {
    let key = name.get_ref().as_str();
    if let Some(text) = value.get_ref().as_str() {
        let address = address(sockets, &Spanned::new(value.span(), text.to_owned()))?;
        return Some(socket(key, address));
    }
    let title = format!("socket `{key}`");
    let mut table = sockets.section_of(key, value, title, HINT)?;
    let text = table.text("address");
    table.know(["type", "mode", "backlog"]);
    if table.lacks("address") {
        table.problem(value.span(), format!("socket `{key}` has no `address`"), TABLE_HINT);
    }
    let kinds = [("stream", SocketKind::Stream), ("datagram", SocketKind::Datagram)];
    let kind = table.word("type", &kinds).unwrap_or_default();
    let (mode, backlog) = (read_mode(&mut table), table.count("backlog"));
    if backlog.is_some() && kind == SocketKind::Datagram {
        let span = table.key_span("backlog");
        table.problem(span, "`backlog` does not go with `type = \"datagram\"`", "remove one of them");
    }
    let address = text.and_then(|text| address(&table, &text));
    if mode.is_some() && matches!(address, Some(SocketAddress::Ip(_))) {
        let span = table.key_span("mode");
        table.problem(span, "`mode` goes with the path of a Unix socket only", "remove `mode`");
    }
    table.finish();
    let backlog = backlog.map(|backlog| u32::try_from(backlog).unwrap_or(u32::MAX));
    Some(SocketSpec { kind, mode, backlog, ..socket(key, address?) })
}

fn socket(name: &str, address: SocketAddress) -> SocketSpec {
    SocketSpec { name: Arc::from(name), address, kind: SocketKind::default(), mode: None, backlog: None }
}

/// Reads the mode of a file: octal digits in quotes.
fn read_mode(table: &mut Section<'_>) -> Option<u32> {
    let text = table.text("mode")?;
    let mode = octal(text.get_ref());
    if mode.is_none() {
        let what = format!("`{}` is not the mode of a file", text.get_ref());
        table.problem(text.span(), what, "write octal digits such as mode = \"0660\"");
    }
    mode
}

/// Reads an address: an IP address with a port, or a path.
fn address(section: &Section<'_>, text: &Spanned<String>) -> Option<SocketAddress> {
    let word = text.get_ref().as_str();
    match parsed(word) {
        Ok(address) => Some(address),
        Err(hint) => {
            section.problem(text.span(), format!("`{word}` is not an address to listen at"), hint);
            None
        }
    }
}

fn parsed(word: &str) -> Result<SocketAddress, &'static str> {
    if word.contains('/') {
        return match !word.ends_with('/') && !word.contains('\0') {
            true => Ok(SocketAddress::Path(PathBuf::from(word))),
            false => Err("the path of a Unix socket names a file"),
        };
    }
    match word.parse::<SocketAddr>() {
        Ok(address) if address.port() == 0 => Err("write the port: 0 would be another one at each start"),
        Ok(address) => Ok(SocketAddress::Ip(address)),
        Err(_) if word.parse::<u16>().is_ok() || word.starts_with(':') || word.starts_with('*') => {
            Err("write the address too: \"127.0.0.1:8080\", or \"0.0.0.0:8080\" and \"[::]:8080\" for all")
        }
        Err(_) => Err(
            "write an IP address and a port such as \"127.0.0.1:8080\" or \"[::1]:8080\", or a path such as \"/run/app.sock\"",
        ),
    }
}

/// Returns a socket whose path starts from the directory of the config.
pub(super) fn resolved(socket: &SocketSpec, dir: &Path) -> SocketSpec {
    let address = match &socket.address {
        SocketAddress::Path(path) => SocketAddress::Path(dir.join(path)),
        ip @ SocketAddress::Ip(_) => ip.clone(),
    };
    SocketSpec { address, ..socket.clone() }
}

/// Reads `watchdog`: for how long the process may be silent, in milliseconds.
pub(super) fn read_watchdog(process: &mut Section<'_>) -> Option<u64> {
    let watchdog_ms = process.duration_ms("watchdog");
    if watchdog_ms.is_some_and(|watchdog_ms| !WATCHDOG_MS.contains(&watchdog_ms)) {
        let hint = "write watchdog = \"10s\", from 10 ms to 1 day";
        process.problem(process.key_span("watchdog"), "`watchdog` is out of its bounds", hint);
    }
    watchdog_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_address_with_a_port_or_a_path() {
        for good in ["127.0.0.1:80", "[::1]:80", "0.0.0.0:1", "/run/x.sock", "./x.sock", "run/x"] {
            assert!(parsed(good).is_ok(), "{good}");
        }
        for (bad, hint) in [
            ("127.0.0.1:0", "write the port"),
            ("8080", "write the address too"),
            (":8080", "write the address too"),
            ("*:8080", "write the address too"),
            ("localhost:80", "write an IP address"),
            ("", "write an IP address"),
            ("/run/", "the path of a Unix socket"),
        ] {
            assert!(parsed(bad).unwrap_err().starts_with(hint), "{bad}");
        }
    }
}
