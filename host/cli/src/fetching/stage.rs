//! The process that speaks to registries and servers. It limits itself, reads from standard input what it is to do, and a component
//! to push after that, and writes what it has fetched to standard output: a line that says how long each part is, and the parts.
//! An error is a line of its own.

use std::ffi::OsString;
use std::io::{self, BufRead, Read, Write};
use std::time::Duration;

#[cfg(feature = "registry")]
use provost_registry::Reference;
use provost_registry::{COMPONENT_BYTES_MAX, Pulled, SIGNATURE_BYTES_MAX};
use rustix::process::Resource;
use serde::{Deserialize, Serialize};

use super::failed::NotFetched;
use crate::limited::{Confines, confine, number};

/// The program name (`argv[0]`) that makes a process of this binary one that fetches.
pub(super) const STAGE_NAME: &str = "provost-fetch-stage";

/// The exit code if nothing was fetched.
pub(super) const FAILED: u8 = 4;

/// How much memory the process may take, in bytes: four times the largest component.
pub(super) const DATA_BYTES_MAX: u64 = 4 * COMPONENT_BYTES_MAX;

/// The most that it may write, in bytes: the largest component, with its signature, its manifest and the header.
pub(super) const OUTPUT_BYTES_MAX: u64 = COMPONENT_BYTES_MAX + SIGNATURE_BYTES_MAX as u64 + (8 << 20);

/// How much processor time it may take for each second that it may take in all, and at least.
const CPU_SECONDS_MIN: u64 = 10;

/// What it writes to standard error if a library panics, and nothing else: the message of the panic names a file of the machine that
/// has built this, and may repeat what a server has sent.
pub(super) const PANICKED: &str = "a library for registries panicked";

/// The longest first line of the input, in bytes: a signature, and what is said about a component.
const ORDER_BYTES_MAX: u64 = 4 << 20;

/// The first line of the input.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Fetch a component.
    Pull { reference: String },
    /// Push the component that follows.
    #[cfg(feature = "registry")]
    Push { reference: String, signature: Option<String>, about: provost_registry::About, bytes: usize },
}

/// The first line of the output.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Header {
    /// The lengths of the manifest and the signature, in bytes. The rest is the component.
    Pulled { manifest: Option<usize>, signature: Option<usize> },
    /// The digest of the manifest that was pushed.
    #[cfg(feature = "registry")]
    Pushed { digest: String },
    /// Nothing was fetched or pushed.
    Failed { what: String, hint: String },
}

/// What was done.
#[cfg_attr(not(feature = "registry"), expect(dead_code, reason = "this build fetches nothing"))]
enum Done {
    Pulled(Pulled),
    #[cfg(feature = "registry")]
    Pushed(provost_registry::Digest),
}

/// Carries out an order if the arguments are `provost-fetch-stage MILLISECONDS PARENT`, and returns the exit code; returns `None` if
/// this process is not one that does.
#[must_use]
pub fn run_if_fetcher(mut arguments: impl Iterator<Item = OsString>) -> Option<u8> {
    if arguments.next()? != STAGE_NAME {
        return None;
    }
    std::panic::set_hook(Box::new(|_| {
        // Without standard error nobody reads it.
        let _ = writeln!(io::stderr(), "{PANICKED}");
    }));
    let done = limited(arguments).map_err(broken).and_then(carried_out);
    let (header, parts, code) = match &done {
        Ok(Done::Pulled(Pulled { manifest, component, signature })) => (
            Header::Pulled {
                manifest: manifest.as_ref().map(Vec::len),
                signature: signature.as_ref().map(String::len),
            },
            [
                manifest.as_deref().unwrap_or_default(),
                signature.as_deref().unwrap_or_default().as_bytes(),
                component,
            ],
            0,
        ),
        #[cfg(feature = "registry")]
        Ok(Done::Pushed(digest)) => (Header::Pushed { digest: digest.to_string() }, [&[][..]; 3], 0),
        Err(NotFetched { what, hint }) => {
            (Header::Failed { what: what.clone(), hint: hint.clone() }, [&[][..]; 3], FAILED)
        }
    };
    // If it cannot be written, the output is incomplete, which the reader notices.
    Some(if write(&header, parts).is_ok() { code } else { FAILED })
}

fn broken(error: io::Error) -> NotFetched {
    NotFetched {
        what: format!("the process that speaks to registries cannot limit itself: {error}"),
        hint: "try again".to_owned(),
    }
}

/// Sets the limits of the process, and returns what it is to do, and within which time.
fn limited(mut arguments: impl Iterator<Item = OsString>) -> io::Result<(Order, Duration)> {
    let (milliseconds, parent) = (number(&mut arguments)?, number(&mut arguments)?);
    let limits = [
        (Resource::Data, DATA_BYTES_MAX),
        (Resource::Fsize, OUTPUT_BYTES_MAX),
        (Resource::Cpu, (milliseconds / 1_000).max(CPU_SECONDS_MIN)),
    ];
    confine(&Confines { limits: &limits, parent })?;
    let mut line = Vec::new();
    io::stdin().lock().take(ORDER_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok((serde_json::from_slice(&line)?, Duration::from_millis(milliseconds)))
}

#[cfg(feature = "registry")]
fn carried_out((order, most): (Order, Duration)) -> Result<Done, NotFetched> {
    let failed =
        |error: provost_registry::FetchError| NotFetched { what: error.to_string(), hint: error.hint() };
    let parsed = |text: &str| Reference::parse(text).map_err(|error| broken(io::Error::other(error)));
    match order {
        Order::Pull { reference } => {
            provost_registry::pull(&parsed(&reference)?, most).map(Done::Pulled).map_err(failed)
        }
        Order::Push { reference, signature, about, bytes } => {
            let mut component = Vec::with_capacity(bytes);
            io::stdin().lock().read_to_end(&mut component).map_err(broken)?;
            let reference = parsed(&reference)?;
            let pushed = provost_registry::push(&reference, component, signature.as_deref(), &about, most);
            pushed.map(Done::Pushed).map_err(failed)
        }
    }
}

#[cfg(not(feature = "registry"))]
fn carried_out((order, _): (Order, Duration)) -> Result<Done, NotFetched> {
    let Order::Pull { reference: _ } = order;
    Err(super::failed::lacking())
}

fn write(header: &Header, parts: [&[u8]; 3]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(&serde_json::to_vec(header)?)?;
    output.write_all(b"\n")?;
    parts.into_iter().try_for_each(|part| output.write_all(part))?;
    output.flush()
}
