//! A file of the page.

/// A file of the page.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Its name, without a folder.
    pub(crate) name: &'static str,
    /// The value of its `Content-Type`.
    pub(crate) media_type: &'static str,
    /// The value of its `ETag`, made from its content.
    pub(crate) tag: &'static str,
    /// Whether its name is made from its content, so that a browser never has to ask for it again.
    pub(crate) is_immutable: bool,
    pub(crate) content: &'static [u8],
}
