//! The files that the binary carries for authors of plugins, as the build script lists them: the contract, the sources of the SDK,
//! the manifests from which that of a copied SDK is made, and the templates of projects.

/// One file.
#[derive(Debug)]
pub(super) struct Embedded {
    /// Its path in its folder, with `/`.
    pub(super) path: &'static str,
    /// Its content.
    pub(super) text: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Returns the template at `path`, such as `rust/src/lib.rs`; empty if there is none, which a test excludes.
pub(super) fn template(path: &str) -> &'static str {
    TEMPLATES.iter().find(|file| file.path == path).map_or("", |file| file.text)
}
