//! Components in registries and on servers: `plugin pull` and `plugin push`. They need no host.

use std::path::{Path, PathBuf};
use std::time::Duration;

use provost_files::Access;
use provost_plugin_host::signature_of;
use provost_registry::{Digest, Pulled, Reference, Store};

use super::context::Context;
use super::printing::print;
use crate::args::{PullArgs, PushArgs};
use crate::config::{Config, find_nearest, usual_store};
use crate::failure::Failure;
use crate::fetching::{self, NotFetched, TIME};
use crate::render::humane::size;

impl From<NotFetched> for Failure {
    fn from(NotFetched { what, hint }: NotFetched) -> Self {
        Self::failed(what, hint)
    }
}

/// Parses a reference, with or without a digest.
fn parsed(text: &str) -> Result<Reference, Failure> {
    Reference::parse(text).map_err(|error| Failure::usage(&error, error.hint()))
}

/// Returns the components that were fetched for the host of the config that is named or nearest. A config that cannot be used may
/// be so because of what is fetched now; then they are where they are without one.
fn store(context: &Context) -> Store {
    let nearest = || find_nearest(&std::env::current_dir().ok()?).ok();
    let config: Option<PathBuf> = context.config.clone().or_else(nearest);
    let read = config.and_then(|path| Config::look_at(&path).ok());
    read.map_or_else(usual_store, |(config, _)| config.store())
}

fn limit(timeout: Option<u64>) -> Duration {
    timeout.map_or(TIME, Duration::from_millis)
}

/// Returns the line for the config.
fn line(pinned: &Reference) -> String {
    format!("component = \"{pinned}\"\n")
}

pub(super) fn pull(context: &Context, args: &PullArgs) -> Result<(), Failure> {
    let reference = parsed(&args.reference)?;
    let (pulled, pinned) = fetching::pull(&reference, limit(args.timeout))?;
    let place = match &args.output {
        Some(path) => {
            write(context, path, &pulled)?;
            path.display().to_string()
        }
        None => {
            let kept = fetching::keep(&store(context), &pinned, &pulled)?;
            kept.path.display().to_string()
        }
    };
    context.note(&format!(
        "{} ({}, component {}, {})\n",
        place,
        size(pulled.component.len() as u64),
        Digest::of(&pulled.component),
        if pulled.signature.is_some() { "with a signature" } else { "without a signature" },
    ));
    print(line(&pinned))
}

/// Writes a component and its signature to files. Both are replaced as a whole.
fn write(context: &Context, path: &Path, pulled: &Pulled) -> Result<(), Failure> {
    let failed = |error: provost_files::FileError| {
        Failure::failed(format_args!("cannot write {error}"), "name another file")
    };
    let beside = signature_of(path);
    match &pulled.signature {
        Some(text) => {
            provost_files::replace_named(&beside, Access::Umask, &[text.as_bytes()]).map_err(failed)?;
        }
        None if beside.exists() => {
            context.note(&format!("{} was there before, and is not of this component\n", beside.display()));
        }
        None => {}
    }
    provost_files::replace_named(path, Access::Umask, &[&pulled.component]).map_err(failed)
}

#[cfg(not(feature = "registry"))]
pub(super) fn push(_: &Context, args: &PushArgs) -> Result<(), Failure> {
    let PushArgs { component: _, reference, timeout } = args;
    let _ = (parsed(reference)?, limit(*timeout));
    Err(fetching::lacking().into())
}

#[cfg(feature = "registry")]
pub(super) fn push(context: &Context, args: &PushArgs) -> Result<(), Failure> {
    let reference = parsed(&args.reference)?;
    let tagged = matches!(&reference, Reference::Registry(artifact) if artifact.tag.is_some());
    if !tagged || reference.digest().is_some() {
        let what = format!("`{reference}` is not a name and a tag in a registry");
        return Err(Failure::usage(what, "write oci://REGISTRY/NAME:TAG; the push makes the digest"));
    }
    let (component, about) = described(&args.component)?;
    let signature = signature(&args.component)?;
    let is_signed = signature.is_some();
    let pinned = fetching::push(&reference, &component, signature, about, limit(args.timeout))?;
    context.note(&format!(
        "pushed {reference} ({}, {})\n",
        size(component.len() as u64),
        if is_signed { "with its signature" } else { "without a signature" },
    ));
    print(line(&pinned))
}

/// Reads a component, and what is said about it where it is pushed.
#[cfg(feature = "registry")]
fn described(path: &Path) -> Result<(Vec<u8>, provost_registry::About), Failure> {
    use crate::compiling::ChildCompiler;
    use crate::config::CompileLimits;

    let source = provost_plugin_host::Source::Path(path.to_owned());
    let read = source.read(&provost_plugin_host::Nowhere);
    let bytes = read.map_err(|error| Failure::usage(error, "name a .wasm file"))?.into_owned();
    let compiler = ChildCompiler::within(CompileLimits::default());
    let found = provost_plugin_host::inspect(&bytes, &compiler).map_err(|problem| {
        let hint = "only a component is pushed; `provost plugin build` makes one of a project";
        Failure::usage(format_args!("`{}` {problem}", path.display()), hint)
    })?;
    let annotations = crate::guests::annotations(&bytes);
    let about = provost_registry::About { annotations, imports: found.imports, exports: found.exports };
    Ok((bytes, about))
}

/// Reads the signature beside a component, if there is one.
#[cfg(feature = "registry")]
fn signature(component: &Path) -> Result<Option<String>, Failure> {
    let path = signature_of(component);
    match provost_files::read_named(&path, provost_registry::SIGNATURE_BYTES_MAX as u64) {
        Err(error) if error.is_missing() => Ok(None),
        read => {
            let bytes =
                read.map_err(|error| Failure::failed(error, "correct the signature, or remove it"))?;
            let text = String::from_utf8(bytes).map_err(|_| {
                let what = format!("{} is not a minisign signature", path.display());
                Failure::usage(what, "`provost plugin sign` makes one")
            })?;
            Ok(Some(text))
        }
    }
}
