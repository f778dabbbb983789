//! Why a component was not fetched.

/// Why a component was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct NotFetched {
    /// What is wrong: a whole clause.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) hint: String,
}

/// Returns why this build fetches nothing.
#[cfg(not(feature = "registry"))]
pub(crate) fn lacking() -> NotFetched {
    NotFetched {
        what: "this build of provost lacks the feature `registry`".to_owned(),
        hint: "use a build with it, which is one of the default features".to_owned(),
    }
}
