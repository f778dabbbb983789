//! The side of the program that wants a component: it runs the process that fetches, and reads what that has written. All of it is
//! checked again where it is kept.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use provost_registry::{COMPONENT_BYTES_MAX, Pulled, Reference};

use super::failed::NotFetched;
use super::stage::{DATA_BYTES_MAX, FAILED, Header, OUTPUT_BYTES_MAX, STAGE_NAME};
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

/// Fetches a component in a separate process.
pub(super) fn pull(reference: &Reference, most: Duration) -> Result<Pulled, NotFetched> {
    let broken = |error: io::Error| NotFetched {
        what: format!("the process that fetches cannot be run: {error}"),
        hint: "try again".to_owned(),
    };
    let named = |name: &'static str| std::env::var_os(name).map(|value: OsString| (name, value));
    let input = reference.to_string();
    let job = Job {
        name: STAGE_NAME,
        arguments: vec![most.as_millis().to_string()],
        environment: ENVIRONMENT.into_iter().filter_map(named).collect(),
        dir: ".",
        input: input.as_bytes(),
        most: most.saturating_add(GRACE),
    };
    let mut ran = job.run().map_err(broken)?;
    let words = ran.words();
    let output = ran.output(OUTPUT_BYTES_MAX).map_err(broken)?;
    let (header, rest) = parts(&output);
    match (ran.end, header) {
        (End::Exited(status), Some(Header::Pulled { manifest, signature })) if status.success() => {
            pulled(rest, manifest, signature).ok_or_else(|| broken(io::ErrorKind::InvalidData.into()))
        }
        (End::Exited(status), Some(Header::Failed { what, hint }))
            if status.code() == Some(i32::from(FAILED)) =>
        {
            Err(NotFetched { what, hint })
        }
        (End::TooLate, _) => Err(NotFetched {
            what: "the process that fetches had to be ended".to_owned(),
            hint: "check the network and the name servers".to_owned(),
        }),
        _ if is_out_of_memory(&words) => Err(NotFetched {
            what: format!("the server sends more than a fetch may take of memory ({})", size(DATA_BYTES_MAX)),
            hint: format!("check that this is a component of at most {}", size(COMPONENT_BYTES_MAX)),
        }),
        (End::Exited(status), _) => {
            let said = if words.is_empty() { String::new() } else { format!(": {words}") };
            Err(NotFetched {
                what: format!("the process that fetches ended with {status}{said}"),
                hint: "try again, and report it if that does not help".to_owned(),
            })
        }
    }
}

/// Splits the output into its header, which is the first line, and the rest.
fn parts(output: &[u8]) -> (Option<Header>, &[u8]) {
    let end = output.iter().position(|byte| *byte == b'\n').unwrap_or(output.len());
    let (header, rest) = output.split_at(end);
    (serde_json::from_slice(header).ok(), rest.get(1..).unwrap_or_default())
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
        let header = Header::Pulled { manifest: Some(2), signature: Some(3) };
        let mut output = serde_json::to_vec(&header).unwrap();
        output.extend_from_slice(b"\n{}sigcomponent");
        let (header, rest) = parts(&output);
        let Some(Header::Pulled { manifest, signature }) = header else { panic!("{header:?}") };
        let found = pulled(rest, manifest, signature).unwrap();
        assert_eq!(found.manifest.as_deref(), Some(&b"{}"[..]));
        assert_eq!(found.signature.as_deref(), Some("sig"));
        assert_eq!(found.component, b"component");
        assert_eq!(pulled(rest, Some(100), None), None, "it is shorter than its header says");
    }
}
