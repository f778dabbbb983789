//! Environment variables of the host that the operator granted with `env:NAME`. Needs the feature `wasi` of this crate.

/// Returns the value of a variable; `None` if it is not granted or not set.
///
/// ```
/// use provost_guest::env;
///
/// assert_eq!(env::var("TOKEN"), None);
/// env::set("TOKEN", "abc"); // only in native tests
/// assert_eq!(env::var("TOKEN").as_deref(), Some("abc"));
/// ```
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
    fn a_variable_has_a_value_once_it_is_granted() {
        assert_eq!(super::var("TOKEN"), None);
        super::set("TOKEN", "abc");
        assert_eq!(super::var("TOKEN").as_deref(), Some("abc"));
    }
}
