//! The JSON Schema of a plugin's settings, which a component carries in a custom section. The host checks settings against it before
//! they are in force, also for a component that checks nothing; people and editors read it.
//!
//! A schema is foreign: reading and checking are bounded in bytes, depth and steps (`budget`), messages are bounded in characters, and
//! nothing outside of the schema is fetched. One that cannot be used is ignored with a warning. Of the keywords, those in `keywords` are
//! checked; the others are for editors.
//!
//! This is our own code because the crates `jsonschema` (0.61) and `boon` (0.6) do not count their steps: `jsonschema` takes twice as long
//! for each further definition that refers to the next one twice (more than a second at 20 of them, in 2 KB, without optimisation), so a
//! component could stop a host. It would also be 24 more crates, which take roughly 40 s of processor time in the first build.
//!
//! | room | owns |
//! |---|---|
//! | `section` | the custom section of a component |
//! | `reading` | reading a schema from its text |
//! | `rows` | the settings as a table for people |
//! | `check` | checking settings |
//! | `allowed` | what a schema allows |
//! | `document` | a schema that was found to be valid, with its patterns |
//! | `examine` | examining a schema |
//! | `patterns` | the regular expressions of a schema, compiled |
//! | `keywords` | the keywords, and what each has to be |
//! | `budget` | counting steps |
//! | `error` | why a schema cannot be used |
//! | `words` | values and types in words |
//! | `few` | the first few of many |

mod allowed;
mod budget;
mod check;
mod document;
mod error;
mod examine;
mod few;
mod keywords;
mod patterns;
mod reading;
mod rows;
mod section;
#[cfg(test)]
mod tests;
mod words;

pub use document::SettingsSchema;
pub use error::SchemaError;
pub use rows::Setting;
pub use section::SECTION;
