//! The process that fetches. It limits itself, reads a reference from standard input, and writes what it has fetched to standard
//! output: a line that says how long each part is, and the parts. An error is a line of its own.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::time::Duration;

use provost_registry::{COMPONENT_BYTES_MAX, Pulled, Reference, SIGNATURE_BYTES_MAX};
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

/// The first line of the output.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Header {
    /// The lengths of the manifest and the signature, in bytes. The rest is the component.
    Pulled { manifest: Option<usize>, signature: Option<usize> },
    /// Nothing was fetched.
    Failed { what: String, hint: String },
}

/// Fetches if the arguments are `provost-fetch-stage MILLISECONDS PARENT`, and returns the exit code; returns `None` if this process
/// is not one that fetches.
#[must_use]
pub fn run_if_fetcher(mut arguments: impl Iterator<Item = OsString>) -> Option<u8> {
    if arguments.next()? != STAGE_NAME {
        return None;
    }
    let fetched = wanted(arguments).map_err(broken).and_then(|(reference, most)| obtain(&reference, most));
    let (header, parts, code) = match &fetched {
        Ok(Pulled { manifest, component, signature }) => (
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
        Err(NotFetched { what, hint }) => {
            (Header::Failed { what: what.clone(), hint: hint.clone() }, [&[][..]; 3], FAILED)
        }
    };
    // If it cannot be written, the output is incomplete, which the reader notices.
    Some(if write(&header, parts).is_ok() { code } else { FAILED })
}

fn broken(error: io::Error) -> NotFetched {
    NotFetched {
        what: format!("the process that fetches cannot limit itself: {error}"),
        hint: "try again".to_owned(),
    }
}

/// Sets the limits of the process, and returns what it is to fetch, and within which time.
fn wanted(mut arguments: impl Iterator<Item = OsString>) -> io::Result<(Reference, Duration)> {
    let (milliseconds, parent) = (number(&mut arguments)?, number(&mut arguments)?);
    let limits = [
        (Resource::Data, DATA_BYTES_MAX),
        (Resource::Fsize, OUTPUT_BYTES_MAX),
        (Resource::Cpu, (milliseconds / 1_000).max(CPU_SECONDS_MIN)),
    ];
    confine(&Confines { limits: &limits, parent })?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let reference = Reference::parse(&text).map_err(io::Error::other)?;
    Ok((reference, Duration::from_millis(milliseconds)))
}

fn write(header: &Header, parts: [&[u8]; 3]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(&serde_json::to_vec(header)?)?;
    output.write_all(b"\n")?;
    parts.into_iter().try_for_each(|part| output.write_all(part))?;
    output.flush()
}

#[cfg(feature = "registry")]
fn obtain(reference: &Reference, most: Duration) -> Result<Pulled, NotFetched> {
    provost_registry::pull(reference, most)
        .map_err(|error| NotFetched { what: error.to_string(), hint: error.hint() })
}

#[cfg(not(feature = "registry"))]
fn obtain(_: &Reference, _: Duration) -> Result<Pulled, NotFetched> {
    Err(super::failed::lacking())
}
