//! What a toolchain has made: a component that is not checked yet.

use super::label::Label;

/// A component that was made, and what is known about it.
#[derive(Debug)]
pub(super) struct Made {
    /// The component.
    pub(super) component: Vec<u8>,
    /// What its manifest says about it.
    pub(super) label: Label,
    /// The digest of its sources, if it is known: `sha256:` and 64 hexadecimal digits.
    pub(super) sources: Option<String>,
    /// The toolchain that made it, for people.
    pub(super) toolchain: String,
    /// What an author in its language has to change.
    pub(super) rules: Rules,
}

/// What an author has to change, in words of one language, after a mistake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// When the component exports no role.
    pub(super) export: &'static str,
    /// When it was built against another version of the contract.
    pub(super) refresh: &'static str,
    /// When it reaches outside.
    pub(super) inside: &'static str,
}
