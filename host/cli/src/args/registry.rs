//! `provost plugin pull` and `push`: components in registries and on servers.

use std::path::PathBuf;

use clap::Args;

use super::when::duration_ms;

/// The examples of `plugin pull`.
pub(super) const PULL_EXAMPLES: &str = "\
Examples:
  provost plugin pull oci://ghcr.io/team/judge:1.2
  provost plugin pull oci://ghcr.io/team/judge@sha256:DIGEST --output judge.wasm
  provost plugin pull https://example.org/judge.wasm

It prints the line for the config, with the digest. The component is kept in the
cache, so that a host with that line needs no network; it is not run. The
credentials are those that `docker login` or `podman login` has written.";

/// The examples of `plugin push`.
pub(super) const PUSH_EXAMPLES: &str = "\
Examples:
  provost plugin push judge.wasm oci://ghcr.io/team/judge:1.2

It prints the line for the config, with the digest. What `plugin sign` has
written beside the component is pushed with it.";

/// What is pulled.
#[derive(Args, Debug)]
pub(crate) struct PullArgs {
    /// oci://REGISTRY/NAME with :TAG or @sha256:DIGEST, or https://HOST/PATH with or without #sha256=DIGEST.
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: String,
    /// Write it to this file, and its signature beside it, instead of into the cache.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How long it may take in all. By default a minute.
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    pub(crate) timeout: Option<u64>,
}

/// What is pushed.
#[derive(Args, Debug)]
pub(crate) struct PushArgs {
    /// The .wasm file.
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: PathBuf,
    /// oci://REGISTRY/NAME:TAG.
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: String,
    /// How long it may take in all. By default a minute.
    #[arg(long, value_name = "TIME", value_parser = duration_ms)]
    pub(crate) timeout: Option<u64>,
}
