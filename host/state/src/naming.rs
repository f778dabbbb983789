//! The rules for the names of processes, groups and plugins, in the config and in requests alike, and what a misspelt one may mean.

use crate::text;

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 100;

/// The bound on the work of finding the name that was meant, in pairs of characters. Names beyond it are not compared.
const PAIRS_COMPARED: usize = 500_000;

/// Reserved keys of `[plugins]` that cannot be plugin names.
const KEYS_OF_PLUGINS: [&str; 4] = ["cache", "compile", "keys", "require_signature"];

/// A name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// The name is empty, too long, or has characters that are not allowed in names.
    #[error("`{0}` cannot be a name")]
    Letters(String),
    /// The name is reserved.
    #[error("`{name}` is reserved: it means {meaning}")]
    Taken {
        /// The name.
        name: String,
        /// The reserved meaning.
        meaning: &'static str,
    },
}

impl BadName {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Letters(_) => {
                "use letters, digits, `_`, `.` and `-`, beginning with a letter or digit, at most 100"
            }
            Self::Taken { .. } => "choose another name",
        }
    }
}

/// Checks that `name` can be the name of a process, a group or a plugin.
///
/// # Errors
/// [`BadName`] says why it cannot.
pub fn check(name: &str) -> Result<(), BadName> {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    if !letters || !first || name.len() > NAME_BYTES_MAX {
        return Err(BadName::Letters(shown(name)));
    }
    taken(name, &["all"], "all processes on the command line")
}

/// Checks that `name` can be the name of a plugin.
///
/// # Errors
/// [`BadName`] says why it cannot.
pub fn check_plugin(name: &str) -> Result<(), BadName> {
    check(name)?;
    taken(name, &[crate::ports::failsafe::NAME], "the host's own policy of last resort")?;
    taken(name, &KEYS_OF_PLUGINS, "something else in `[plugins]`")
}

/// Returns true if `name` is a key of `[plugins]` itself and not the name of a plugin.
#[must_use]
pub fn is_key_of_plugins(name: &str) -> bool {
    KEYS_OF_PLUGINS.contains(&name)
}

/// Returns the name of a replica: `web.3` is number 3 of `web`.
#[must_use]
pub fn replica_name(base: &str, number: u32) -> String {
    format!("{base}.{number}")
}

/// Splits the name of a replica: `web.3` into `web` and `3`. Returns `None` for any other name.
#[must_use]
pub fn replica_of(name: &str) -> Option<(&str, &str)> {
    let (base, number) = name.rsplit_once('.')?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some((base, number))
}

/// Returns the known word that is the most similar to a misspelt one, if it is similar enough to be what was meant.
#[must_use]
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let far = |known: &str| known.chars().count().max(3) / 3 + 1;
    let length = word.chars().count();
    let mut pairs = 0;
    known
        .into_iter()
        .filter(|known| length.abs_diff(known.chars().count()) <= far(known))
        .take_while(|known| {
            pairs += length * known.chars().count();
            pairs <= PAIRS_COMPARED
        })
        .map(|known| (strsim::osa_distance(word, known), known))
        .filter(|(distance, known)| *distance <= far(known))
        .min()
        .map(|(_, nearest)| nearest)
}

fn taken(name: &str, those: &[&str], meaning: &'static str) -> Result<(), BadName> {
    match those.contains(&name) {
        true => Err(BadName::Taken { name: name.to_owned(), meaning }),
        false => Ok(()),
    }
}

/// Returns a bad name in a form that can be shown: its first [`NAME_BYTES_MAX`] characters, the unfit ones replaced.
#[must_use]
pub fn shown(name: &str) -> String {
    let mut letters = text::fit(name, text::REPLACEMENT);
    let mut shown: String = letters.by_ref().take(NAME_BYTES_MAX).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_only_characters_that_need_no_quotes() {
        let longest = "x".repeat(NAME_BYTES_MAX);
        for good in ["web", "web.1", "_a", "9-lives", longest.as_str()] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let longer = "x".repeat(NAME_BYTES_MAX + 1);
        for bad in ["", "-f", ".web", "a b", "a/b", "ä", "a\nb", "'", longer.as_str()] {
            assert!(matches!(check(bad), Err(BadName::Letters(_))), "{bad}");
        }
        assert_eq!(check("a\n\u{1b}b").unwrap_err().to_string(), "`a\u{fffd}\u{fffd}b` cannot be a name");
    }

    #[test]
    fn a_reserved_word_is_not_a_name() {
        assert!(check("all").is_err());
        for plugin in ["all", "failsafe", "keys", "require_signature", "compile", "cache"] {
            assert!(matches!(check_plugin(plugin), Err(BadName::Taken { .. })), "{plugin}");
        }
        assert_eq!(check("failsafe"), Ok(()), "a process may be called that");
    }

    #[test]
    fn a_misspelt_word_means_the_nearest_one_and_another_word_none() {
        for (word, known, meant) in [
            ("commnd", &["command", "cwd"][..], Some("command")),
            ("polices", &["ready", "policies"], Some("policies")),
            ("opt", &["otp", "systemd"], Some("otp")),
            ("web.3", &["web.2", "web.1"], Some("web.1")),
            ("zzzzzz", &["command", "cwd"], None),
            ("", &["otp", "command"], None),
            ("web", &[], None),
        ] {
            assert_eq!(nearest(word, known.iter().copied()), meant, "{word}");
        }
        let long = "command".repeat(100_000);
        assert_eq!(nearest(&long, ["command"]), None);
        assert_eq!(nearest(&long, [&*long]), None, "words beyond the bound are not compared");
    }

    #[test]
    fn a_replica_is_named_by_its_process_and_its_number() {
        assert_eq!(replica_of(&replica_name("web", 3)), Some(("web", "3")));
        assert_eq!(replica_of("a.b.12"), Some(("a.b", "12")));
        for other in ["web", "web.", "web.x", "web.3x", "web.-1"] {
            assert_eq!(replica_of(other), None, "{other}");
        }
    }
}
