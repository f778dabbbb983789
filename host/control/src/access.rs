//! What a caller may do. The listener that accepted a request knows it: callers on the Unix socket may do everything.

use std::fmt;
use std::str::FromStr;

/// What a request takes. Each scope includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Reading: everything that changes nothing.
    Read,
    /// Starting, stopping, restarting, signalling and scaling processes, and clearing their logs.
    Operate,
    /// Everything: also the config, plugins, the state core and the end of the host.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Admin];

    /// Returns the word of a scope.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope `{0}` (expected `read`, `operate` or `admin`)")]
pub struct NoSuchScope(String);

impl FromStr for Scope {
    type Err = NoSuchScope;

    fn from_str(word: &str) -> Result<Self, NoSuchScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == word);
        found.ok_or_else(|| NoSuchScope(word.to_owned()))
    }
}

/// What the caller of a request may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(Option<Scope>);

impl Access {
    /// The access of a caller that has not said who it is: only what is public.
    pub const NOBODY: Self = Self(None);
    /// The access of the user of the host, and of root.
    pub const ADMIN: Self = Self(Some(Scope::Admin));

    /// Returns the access of a caller with a scope.
    #[must_use]
    pub const fn of(scope: Scope) -> Self {
        Self(Some(scope))
    }

    /// Returns the scope of the caller; `None` if it has not said who it is.
    #[must_use]
    pub const fn scope(self) -> Option<Scope> {
        self.0
    }

    /// Returns the same access without what exceeds `most`.
    #[must_use]
    pub fn up_to(self, most: Scope) -> Self {
        Self(self.0.map(|scope| scope.min(most)))
    }

    /// Whether the caller may do what takes `scope`.
    #[must_use]
    pub fn allows(self, scope: Scope) -> bool {
        self.0 >= Some(scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_includes_those_before_it_and_nobody_has_one() {
        for (at, scope) in Scope::ALL.into_iter().enumerate() {
            let allowed = Scope::ALL.iter().filter(|it| Access::of(scope).allows(**it)).count();
            assert_eq!(allowed, at + 1, "{}", scope.as_str());
            assert!(!Access::NOBODY.allows(scope) && Access::ADMIN.allows(scope));
        }
        assert_eq!(Access::ADMIN.up_to(Scope::Read), Access::of(Scope::Read));
        assert_eq!(Access::NOBODY.up_to(Scope::Read), Access::NOBODY);
    }
}
