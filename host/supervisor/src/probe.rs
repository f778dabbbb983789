//! Readiness: tries until a process answers.
//!
//! A failing try is no news: the process may just need longer. What it takes for an unresponsive process
//! to be restarted is a health policy's question, not this one's.

use std::sync::Arc;
use std::time::Duration;

use provost_state::Exit;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::spawn::os::OsSpawner;
use crate::spec::{Check, CommandLine, ProcessSpec, Readiness};

/// How long the rest of an answer to a readiness GET is waited for.
const FAREWELL: Duration = Duration::from_secs(1);

/// How much of an answer to a readiness GET is read.
const ANSWER_BYTES_MAX: u64 = 256 << 10;

/// Resolves with the reason once the process is ready; never if it never is.
pub(crate) async fn until_ready(
    readiness: Readiness,
    spec: Arc<ProcessSpec>,
    text_seen: Option<oneshot::Receiver<()>>,
    helpers: OsSpawner,
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
        let limit = Duration::from_millis(readiness.timeout_ms.max(1));
        if let Ok(Some(reason)) =
            tokio::time::timeout(limit, attempt(&readiness.check, &spec, &helpers)).await
        {
            return reason;
        }
    }
}

/// One try: the reason if it passed.
async fn attempt(check: &Check, spec: &Arc<ProcessSpec>, helpers: &OsSpawner) -> Option<String> {
    match check {
        Check::Tcp(address) => {
            TcpStream::connect(address).await.ok()?;
            Some(format!("ready: {address} accepts connections"))
        }
        Check::Http(url) => {
            let status = get(url).await?;
            (200..400).contains(&status).then(|| format!("ready: {url} answers {status}"))
        }
        Check::Exec(command) => exec(command, spec, helpers).await,
        Check::LogLine(_) => None,
    }
}

async fn exec(command: &CommandLine, spec: &Arc<ProcessSpec>, helpers: &OsSpawner) -> Option<String> {
    let child = helpers.run(command.clone(), spec.clone()).await.ok()?;
    let exit = Leashed { pid: child.pid, helpers, ended: false }.wait(child.exit).await;
    exit.is_success().then(|| "ready: its check exited with code 0".to_owned())
}

/// Kills the group of a check that is abandoned because it took too long.
struct Leashed<'a> {
    pid: u32,
    helpers: &'a OsSpawner,
    ended: bool,
}

impl Leashed<'_> {
    async fn wait(mut self, exit: crate::spawn::Boxed<Exit>) -> Exit {
        // The exit is driven by a task of its own, so that an abandoned check is still reaped.
        let ended = tokio::spawn(exit).await.unwrap_or(Exit::Unobserved);
        self.ended = true;
        ended
    }
}

impl Drop for Leashed<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.helpers.kill(self.pid);
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
