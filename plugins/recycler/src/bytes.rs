//! Sizes of memory in settings: a number of bytes, or a text such as `"512MiB"`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

/// The units, from the largest. Those of 1000 are those of disks and networks.
const UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

impl Bytes {
    pub(crate) fn scaled(self, share: f64) -> Self {
        Self((self.0 as f64 * share) as u64)
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
        let bytes = number.trim_end().parse::<u64>().ok()?.checked_mul(unit)?;
        (bytes > 0).then_some(Self(bytes))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        let parsed = match Written::deserialize(deserializer) {
            Ok(Written::Number(bytes)) if bytes > 0 => Some(Self(bytes)),
            Ok(Written::Text(text)) => Self::parse(&text),
            _ => None,
        };
        parsed.ok_or_else(|| {
            D::Error::custom("a size is a text such as \"512MiB\" or \"2GB\", or a number of bytes")
        })
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = UNITS.iter().take(3).find(|(_, unit)| self.0 >= *unit);
        match binary {
            Some((name, unit)) => {
                let tenths = u128::from(self.0) * 10 / u128::from(*unit);
                write!(f, "{}.{} {name}", tenths / 10, tenths % 10)
            }
            None => write!(f, "{} B", self.0),
        }
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "title": "size",
            "description": "A text such as \"512MiB\" or \"2GB\", or a number of bytes.",
            "examples": ["512MiB", "2GB"],
            "type": ["string", "integer"],
            "pattern": "^[0-9]+\\s*([kKMG]B|[KMG]iB|B)$",
            "minimum": 1,
        })
    }
}
