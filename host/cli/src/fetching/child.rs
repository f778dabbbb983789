//! The side of the program that wants something of a registry or a server: it runs the process that speaks to them, and reads what
//! that has written. All of it is checked again where it is kept.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use provost_registry::{COMPONENT_BYTES_MAX, Pulled, Reference};

use super::failed::NotFetched;
use super::stage::{DATA_BYTES_MAX, FAILED, Header, OUTPUT_BYTES_MAX, Order, PANICKED, STAGE_NAME};
use crate::limited::{End, Job, is_out_of_memory};
use crate::render::humane::size;

/// What the process sees of the environment: proxies, root certificates, files with credentials, and how names are looked up.
const ENVIRONMENT: [&str; 14] = [
    "DOCKER_CONFIG",
    "HOME",
    "HTTPS_PROXY",
    "LOCALDOMAIN",
    "NO_PROXY",
    "REGISTRY_AUTH_FILE",
    "RES_OPTIONS",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "https_proxy",
    "no_proxy",
];

/// How much longer the process lives than its own time limit, which has the better message.
const GRACE: Duration = Duration::from_secs(5);

/// Fetches a component in a separate process, for at most this time and only as long as the pipe `wanted` is open.
pub(super) fn pull(
    reference: &Reference,
    most: Duration,
    wanted: Option<BorrowedFd<'_>>,
) -> Result<Pulled, NotFetched> {
    let order = Order::Pull { reference: reference.to_string() };
    let (header, output) = carried_out(&order, &[], most, wanted)?;
    let found = match header {
        Header::Pulled { manifest, signature } => pulled(rest(&output), manifest, signature),
        _ => None,
    };
    found.ok_or_else(|| broken(&io::ErrorKind::InvalidData.into()))
}

/// Pushes a component in a separate process within `most`, and returns the digest of its manifest.
#[cfg(feature = "registry")]
pub(super) fn push(
    order: &Order,
    component: &[u8],
    most: Duration,
) -> Result<provost_registry::Digest, NotFetched> {
    let found = match carried_out(order, component, most, None)? {
        (Header::Pushed { digest }, _) => provost_registry::Digest::parse(&digest),
        _ => None,
    };
    found.ok_or_else(|| broken(&io::ErrorKind::InvalidData.into()))
}

fn broken(error: &io::Error) -> NotFetched {
    NotFetched {
        what: format!("the process that speaks to registries cannot be run: {error}"),
        hint: "try again".to_owned(),
    }
}

/// Runs the process, and returns the header of its output, and the whole.
fn carried_out(
    order: &Order,
    component: &[u8],
    most: Duration,
    wanted: Option<BorrowedFd<'_>>,
) -> Result<(Header, Vec<u8>), NotFetched> {
    let named = |name: &'static str| std::env::var_os(name).map(|value: OsString| (name, value));
    let mut input = serde_json::to_vec(order).map_err(|error| broken(&error.into()))?;
    input.push(b'\n');
    input.extend_from_slice(component);
    let job = Job {
        name: STAGE_NAME,
        arguments: vec![most.as_millis().to_string()],
        environment: ENVIRONMENT.into_iter().filter_map(named).collect(),
        dir: ".",
        input: &input,
        most: most.saturating_add(GRACE),
        wanted,
    };
    let mut ran = job.run().map_err(|error| broken(&error))?;
    let words = ran.words();
    let output = ran.output(OUTPUT_BYTES_MAX).map_err(|error| broken(&error))?;
    match (ran.end, header(&output)) {
        (End::Exited(status), Some(Header::Failed { what, hint }))
            if status.code() == Some(i32::from(FAILED)) =>
        {
            Err(NotFetched { what, hint })
        }
        (End::Exited(status), Some(header)) if status.success() => Ok((header, output)),
        (end, _) => Err(failed(end, &words)),
    }
}

/// Returns why there is no result, where the process has not said it itself.
fn failed(end: End, words: &str) -> NotFetched {
    let (what, hint) = match end {
        End::TooLate => (
            "the process that speaks to registries had to be ended".to_owned(),
            "check the network and the name servers".to_owned(),
        ),
        End::Unwanted => {
            ("nobody waits for it any more".to_owned(), "ask for it again if it is needed".to_owned())
        }
        End::Exited(_) if is_out_of_memory(words) => (
            format!("the server sends more than a fetch may take of memory ({})", size(DATA_BYTES_MAX)),
            format!("check that this is a component of at most {}", size(COMPONENT_BYTES_MAX)),
        ),
        End::Exited(_) if words.contains(PANICKED) => (
            "it does not answer as a registry does".to_owned(),
            "check that this host is a registry".to_owned(),
        ),
        End::Exited(status) => {
            let said = if words.is_empty() { String::new() } else { format!(": {words}") };
            (
                format!("the process that speaks to registries ended with {status}{said}"),
                "try again, and report it if that does not help".to_owned(),
            )
        }
    };
    NotFetched { what, hint }
}

/// Returns where the first line of the output ends.
fn end_of_header(output: &[u8]) -> usize {
    output.iter().position(|byte| *byte == b'\n').unwrap_or(output.len())
}

/// Reads the header, which is the first line of the output.
fn header(output: &[u8]) -> Option<Header> {
    serde_json::from_slice(output.get(..end_of_header(output))?).ok()
}

/// Returns what follows the header.
fn rest(output: &[u8]) -> &[u8] {
    output.get(end_of_header(output) + 1..).unwrap_or_default()
}

fn pulled(rest: &[u8], manifest: Option<usize>, signature: Option<usize>) -> Option<Pulled> {
    let (its_manifest, rest) = rest.split_at_checked(manifest.unwrap_or(0))?;
    let (its_signature, component) = rest.split_at_checked(signature.unwrap_or(0))?;
    Some(Pulled {
        manifest: manifest.map(|_| its_manifest.to_vec()),
        signature: match signature {
            Some(_) => Some(String::from_utf8(its_signature.to_vec()).ok()?),
            None => None,
        },
        component: component.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_the_process_is_divided_as_its_header_says() {
        let written = Header::Pulled { manifest: Some(2), signature: Some(3) };
        let mut output = serde_json::to_vec(&written).unwrap();
        output.extend_from_slice(b"\n{}sigcomponent");
        let Some(Header::Pulled { manifest, signature }) = header(&output) else { panic!("{output:?}") };
        let rest = rest(&output);
        let found = pulled(rest, manifest, signature).unwrap();
        assert_eq!(found.manifest.as_deref(), Some(&b"{}"[..]));
        assert_eq!(found.signature.as_deref(), Some("sig"));
        assert_eq!(found.component, b"component");
        assert_eq!(pulled(rest, Some(100), None), None, "it is shorter than its header says");
    }

    #[test]
    fn a_panic_of_a_library_is_an_answer_that_is_none_of_a_registry_and_repeats_nothing() {
        use std::os::unix::process::ExitStatusExt;
        for status in [101 << 8, 6] {
            let end = End::Exited(std::process::ExitStatus::from_raw(status));
            let found = failed(end, PANICKED);
            assert_eq!(found.what, "it does not answer as a registry does");
        }
    }
}
