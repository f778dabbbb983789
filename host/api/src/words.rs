//! The words of the API as enums. An unknown word of a newer host is kept, so that it is shown and serialized as the host
//! sent it.

/// Defines an enum of words. Each variant is one word in JSON; any other word is the variant `Other`.
macro_rules! words {
    (
        $(#[doc = $about:literal])*
        pub enum $name:ident {
            $($(#[doc = $doc:literal])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        pub enum $name {
            $($(#[doc = $doc])* $variant,)+
            /// A word of a newer host; empty if there is no word.
            Other(Box<str>),
        }

        impl $name {
            /// All words that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the word in JSON.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::words::schema(concat!($($about, "\n",)*), &[$(($word, concat!($($doc,)*)),)+])
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.into()),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(Box::default())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        /// Two values are equal if their words are.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl Eq for $name {}

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        /// Compares the words, so that the keys of a JSON object are in alphabetical order.
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.as_str().cmp(other.as_str())
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Ok(Self::from(&*word))
            }
        }
    };
}

pub(crate) use words;

/// Returns the schema of a word: a text, because a newer host may have more words, with the words that are known.
pub(crate) fn schema(about: &str, words: &[(&str, &str)]) -> schemars::Schema {
    let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned();
    let mut description = lines(about);
    description.push('\n');
    for (word, meaning) in words {
        description.push_str(&format!("\n- `{word}`: {}", lines(meaning)));
    }
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    schemars::json_schema!({"type": "string", "description": description, "x-extensible-enum": words})
}

#[cfg(test)]
mod tests {
    use crate::{EventKind, FaultKind, Phase};

    #[test]
    fn every_word_is_read_as_its_variant_and_an_unknown_one_is_kept() {
        for phase in Phase::ALL {
            assert_eq!(&Phase::from(phase.as_str()), phase);
        }
        assert_eq!(Phase::Other("running".into()), Phase::Running, "the word decides");
        let newer: EventKind = serde_json::from_str("\"paused\"").unwrap();
        assert_eq!(newer, EventKind::Other("paused".into()));
        assert_eq!(
            (serde_json::to_string(&newer).unwrap(), newer.to_string()),
            ("\"paused\"".into(), "paused".into())
        );
    }

    #[test]
    fn words_are_ordered_by_the_alphabet() {
        let mut kinds = FaultKind::ALL.to_vec();
        kinds.sort();
        assert!(kinds.is_sorted_by_key(|kind| kind.to_string()), "{kinds:?}");
    }
}
