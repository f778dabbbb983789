//! Checks: tries until a process answers (readiness), or once (health).
//!
//! For readiness a failing try is no news: the process may just need longer. What a failed check of health means is
//! the question of a health policy, not this one's.

use std::sync::Arc;
use std::time::Duration;

use provost_state::Exit;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::children::LifeEnv;
use crate::children::Spawner;
use crate::children::os::OsSpawner;
use crate::spec::{Check, CommandLine, ProcessSpec, Readiness};

/// How long the rest of an answer to a GET is waited for.
const FAREWELL: Duration = Duration::from_secs(1);

/// How much of an answer to a GET is read.
const ANSWER_BYTES_MAX: u64 = 256 << 10;

/// Whose check it is.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) spec: Arc<ProcessSpec>,
    pub(crate) env: LifeEnv,
    pub(crate) helpers: OsSpawner,
}

/// Resolves with the reason once the process is ready; never if it never is.
pub(crate) async fn until_ready(
    readiness: Readiness,
    text_seen: Option<oneshot::Receiver<()>>,
    of: Checked,
) -> String {
    if let (Check::LogLine(text), Some(seen)) = (&readiness.check, text_seen) {
        return match seen.await {
            Ok(()) => format!("ready: it said `{text}`"),
            Err(_) => std::future::pending().await,
        };
    }
    let mut every = tokio::time::interval(Duration::from_millis(readiness.every_ms.max(1)));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Ok(found) = once(&readiness.check, readiness.timeout_ms, &of).await {
            return format!("ready: {found}");
        }
    }
}

/// One try of at most so many milliseconds: what it found, or what is wrong.
pub(crate) async fn once(check: &Check, timeout_ms: u64, of: &Checked) -> Result<String, String> {
    let limit = Duration::from_millis(timeout_ms.max(1));
    match tokio::time::timeout(limit, attempt(check, of)).await {
        Ok(found) => found,
        Err(_) => Err(format!("no answer within {} ms", limit.as_millis())),
    }
}

async fn attempt(check: &Check, of: &Checked) -> Result<String, String> {
    match check {
        Check::Tcp(address) => match TcpStream::connect(address).await {
            Ok(_) => Ok(format!("{address} accepts connections")),
            Err(error) => Err(format!("cannot connect to {address}: {error}")),
        },
        Check::Http(url) => match get(url).await {
            Some(status) if (200..400).contains(&status) => Ok(format!("{url} answers {status}")),
            Some(status) => Err(format!("{url} answers {status}")),
            None => Err(format!("{url} does not answer by HTTP")),
        },
        Check::Exec(command) => exec(command, of).await,
        Check::LogLine(_) => Err("a line of the log can only tell that it is ready".to_owned()),
    }
}

async fn exec(command: &CommandLine, of: &Checked) -> Result<String, String> {
    let child = of.helpers.run(command.clone(), of.spec.clone(), of.env.clone()).await;
    let child = child.map_err(|error| format!("its check could not be started: {error}"))?;
    let exit = Leashed { pid: child.pid, helpers: &of.helpers, ended: false }.wait(child.exit).await;
    if exit.is_success() {
        Ok("its check exited with code 0".to_owned())
    } else {
        Err(format!("its check {exit}"))
    }
}

/// Kills the group of a check that is abandoned because it took too long.
struct Leashed<'a> {
    pid: u32,
    helpers: &'a OsSpawner,
    ended: bool,
}

impl Leashed<'_> {
    async fn wait(mut self, exit: crate::children::Boxed<Exit>) -> Exit {
        // The exit is driven by a task of its own, so that an abandoned check is still reaped.
        let ended = tokio::spawn(exit).await.unwrap_or(Exit::Unobserved);
        self.ended = true;
        ended
    }
}

impl Drop for Leashed<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.helpers.kill(self.pid);
        }
    }
}

/// The status of a GET of `http://host[:port][/path]`.
async fn get(url: &str) -> Option<u16> {
    let (authority, path) = split_url(url)?;
    let has_port = authority.rsplit(']').next().is_some_and(|end| end.contains(':'));
    let address = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    let mut stream = TcpStream::connect(&address).await.ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: provost\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < 1024 {
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            break;
        }
    }
    // Many servers complain of a connection that breaks before they have said all; a kept-alive one never ends.
    tokio::spawn(tokio::time::timeout(FAREWELL, async move {
        let mut rest = Vec::new();
        let _ = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut rest).await;
    }));
    status_of(&answer)
}

/// Host (and port) and path (and query) of an `http://` URL; `None` if it is none.
fn split_url(url: &str) -> Option<(&str, String)> {
    let rest = url.strip_prefix("http://")?;
    let rest = rest.split('#').next()?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (!authority.is_empty()).then_some((authority, path))
}

fn status_of(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        assert_eq!(
            split_url("http://127.0.0.1:8731/health?x=1"),
            Some(("127.0.0.1:8731", "/health?x=1".into()))
        );
        assert_eq!(split_url("http://localhost"), Some(("localhost", "/".into())));
        assert_eq!(split_url("http://[::1]:80?x=1#y"), Some(("[::1]:80", "/?x=1".into())));
        assert_eq!(split_url("https://localhost/"), None);
        assert_eq!(split_url("http:///x"), None);
    }

    #[test]
    fn only_a_status_line_has_a_status() {
        assert_eq!(status_of(b"HTTP/1.0 204 No Content\r\n"), Some(204));
        assert_eq!(status_of(b"SSH-2.0-OpenSSH\r\n"), None);
        assert_eq!(status_of(b""), None);
    }
}
