//! The names for completion: those of the running host, or else of the config, within 300 ms or not at all.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use provost_api::client::Client;

use crate::config::{Names, Outline, find_nearest};

/// The longest wait for names after a key press.
const LIMIT: Duration = Duration::from_millis(300);

/// The part of it that the host may take.
const HOST_LIMIT: Duration = Duration::from_millis(200);

/// Returns the names of the running host, or else of the config; none if neither is available in time.
pub(super) fn known(words: &[String]) -> Names {
    let (found, names) = mpsc::channel();
    let words = words.to_vec();
    // The thread may hang, for example on a disk, so it is never joined.
    let asking = std::thread::Builder::new().spawn(move || {
        let _ = found.send(asked(&words));
    });
    match asking {
        Ok(_) => names.recv_timeout(LIMIT).unwrap_or_default(),
        Err(_) => Names::default(),
    }
}

fn asked(words: &[String]) -> Names {
    let config = option(words, "-c", "--config")
        .or_else(|| std::env::current_dir().ok().and_then(|here| find_nearest(&here).ok()));
    // Read only when it is needed, because the disk may hang and the line may name the socket.
    let outline = LazyCell::new(|| config.as_deref().map(Outline::of));
    let socket = option(words, "--socket", "--socket")
        .or_else(|| std::env::var_os("PROVOST_SOCKET").map(PathBuf::from))
        .or_else(|| outline.as_ref().map(Outline::socket));
    let of_host = socket.and_then(of_host);
    of_host.unwrap_or_else(|| outline.clone().map(Outline::names).unwrap_or_default())
}

/// Returns the value of an option in the words of a command line, as the shell passes them.
fn option(words: &[String], short: &str, long: &str) -> Option<PathBuf> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = match word.as_str() {
            word if word == short || word == long => words.next().cloned(),
            word => word
                .strip_prefix(long)
                .and_then(|rest| rest.strip_prefix('='))
                .or_else(|| {
                    word.strip_prefix(short).filter(|rest| !rest.is_empty() && !word.starts_with("--"))
                })
                .map(str::to_owned),
        };
        if let Some(value) = value {
            let home = value.strip_prefix("~/").zip(std::env::var_os("HOME"));
            return Some(
                home.map_or_else(|| PathBuf::from(&value), |(rest, home)| Path::new(&home).join(rest)),
            );
        }
    }
    None
}

fn of_host(socket: PathBuf) -> Option<Names> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let client = Client::new(socket);
    let status =
        runtime.block_on(async { tokio::time::timeout(HOST_LIMIT, client.status(&[])).await.ok()?.ok() })?;
    let mut names = Names::default();
    names.plugins.extend(status.plugins.into_iter().map(|plugin| plugin.name));
    names.processes.extend(status.replicas.into_iter().map(|set| set.name));
    for process in status.processes {
        names.groups.extend(process.group);
        names.processes.insert(process.name);
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_of_the_line_name_the_host() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for line in ["stop -c x.toml we", "-cx.toml stop we", "--config=x.toml stop", "--config x.toml stop"]
        {
            assert_eq!(option(&words(line), "-c", "--config"), Some("x.toml".into()), "{line}");
        }
        assert_eq!(option(&words("stop we"), "-c", "--config"), None);
        assert_eq!(option(&words("stop --socket=/s we"), "--socket", "--socket"), Some("/s".into()));
    }
}
