//! Variables of the host's environment that the operator granted with `env:NAME`. Needs the feature `wasi` of this crate.

/// The value of this variable; `None` if it was not granted, or is not set.
#[must_use]
pub fn var(name: &str) -> Option<String> {
    #[cfg(target_arch = "wasm32")]
    let granted = wasip2::cli::environment::get_environment();
    #[cfg(not(target_arch = "wasm32"))]
    let granted = super::native::granted();
    granted.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

#[cfg(not(target_arch = "wasm32"))]
pub use super::native::set;

#[cfg(test)]
mod tests {
    #[test]
    fn a_variable_is_there_once_it_is_granted() {
        assert_eq!(super::var("TOKEN"), None);
        super::set("TOKEN", "abc");
        assert_eq!(super::var("TOKEN").as_deref(), Some("abc"));
    }
}
