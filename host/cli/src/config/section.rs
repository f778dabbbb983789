//! Reads one table of the file. The keys that the reader asks for are the known ones; every other key is a problem, and so
//! is every value of the wrong type.

use std::ops::{Range, RangeInclusive};

use provost_state::naming::BadName;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::foreign::Place;
use super::report::{Collector, choices};
use super::units;

/// A table of the file, with the keys that its reader has asked for.
#[derive(Debug)]
pub(crate) struct Section<'t> {
    /// The name of the table in messages, such as `[process.web]`.
    title: String,
    /// The context in which foreign keys are translated.
    place: Place,
    pub(crate) span: Range<usize>,
    table: &'t DeTable<'t>,
    known: Vec<&'static str>,
    problems: &'t Collector,
}

/// Keys that show, directly in `[process]`, that the name of the process was forgotten.
const KEYS_OF_PROCESSES: [&str; 6] = ["command", "cwd", "env", "group", "policies", "replicas"];

/// Keys that show the same in `[plugins]`.
const KEYS_OF_PLUGINS: [&str; 4] = ["component", "settings", "allow", "limits"];

/// Returns the type of a value, for people.
fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl<'t> Section<'t> {
    /// Creates the section for the whole file.
    pub(crate) fn top(table: &'t DeTable<'t>, problems: &'t Collector) -> Self {
        Self { title: "the file".into(), place: Place::Top, span: 0..0, table, known: Vec::new(), problems }
    }

    /// Creates the section for a whole file that is not a config.
    pub(crate) fn whole(table: &'t DeTable<'t>, problems: &'t Collector) -> Self {
        Self { title: "the file".into(), place: Place::Other, span: 0..0, table, known: Vec::new(), problems }
    }

    /// Marks keys as known that may not be read: those of the kind of thing that the table describes or, if that kind cannot be read,
    /// those of all kinds.
    pub(crate) fn know(&mut self, keys: impl IntoIterator<Item = &'static str>) {
        let new = keys.into_iter().filter(|key| !self.known.contains(key)).collect::<Vec<_>>();
        self.known.extend(new);
    }

    /// Whether the table has neither `key` nor an unknown key that may have been written for it, which is a problem itself. All keys
    /// that the table may have must be known by now.
    pub(crate) fn lacks(&self, key: &str) -> bool {
        !self.has(key) && !self.has_another_name_for(key)
    }

    /// Whether the table has an unknown key that may have been written for `key`.
    pub(crate) fn has_another_name_for(&self, key: &str) -> bool {
        let others = self.table.iter().map(|(word, _)| word.get_ref().as_ref());
        others.filter(|word| !self.known.contains(word)).any(|word| self.place.means(word, key))
    }

    /// Returns the value of `key`, whatever its type, and marks the key as known.
    pub(crate) fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table.get(key)
    }

    /// Returns all entries, for a table whose keys the user chooses.
    pub(crate) fn entries(
        &self,
    ) -> impl Iterator<Item = (Spanned<String>, &'t Spanned<DeValue<'t>>)> + use<'t> {
        self.table
            .iter()
            .map(|(key, value)| (Spanned::new(key.span(), key.get_ref().clone().into_owned()), value))
    }

    /// Returns where `key` is written, or the span of the table if it is not.
    pub(crate) fn key_span(&self, key: &str) -> Range<usize> {
        self.table.get_key_value(key).map_or_else(|| self.span.clone(), |(written, _)| written.span())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Returns the collector, for problems whose text is costly to build.
    pub(crate) fn problems(&self) -> &Collector {
        self.problems
    }

    pub(crate) fn problem(&self, span: Range<usize>, what: impl Into<String>, hint: impl Into<String>) {
        self.problems.add(span, what, hint);
    }

    /// Adds a problem if `checked`, the result of checking `name`, is an error.
    pub(crate) fn check_name(&self, name: &Spanned<String>, checked: Result<(), BadName>) {
        if let Err(error) = checked {
            self.problem(name.span(), error.to_string(), error.hint());
        }
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str, hint: &str) {
        let what = format!("`{key}` in {} must be {wanted}, not {}", self.title, kind_of(value.get_ref()));
        self.problem(value.span(), what, hint);
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        if let Some(text) = value.get_ref().as_str() {
            self.refuse_nul(key, value.span(), text);
            return Some(Spanned::new(value.span(), text.to_owned()));
        }
        self.wrong_type(key, value, "a text", &format!("write {key} = \"…\""));
        None
    }

    /// Reads a path, which must not be empty.
    pub(crate) fn path(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let path = self.text(key)?;
        if path.get_ref().trim().is_empty() {
            let hint = format!("write a path, or remove `{key}`");
            self.problem(path.span(), format!("`{key}` in {} is empty", self.title), hint);
        }
        Some(path)
    }

    /// Adds a problem if a text contains a NUL, which no program, path or name for the kernel can have.
    pub(crate) fn refuse_nul(&self, key: &str, span: Range<usize>, text: &str) {
        if text.contains('\0') {
            let hint = "the kernel takes a NUL for the end of a text: remove \\u0000";
            self.problem(span, format!("`{key}` contains a NUL character"), hint);
        }
    }

    /// Reads one of `words` and returns its meaning.
    pub(crate) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let word = text.get_ref().as_str();
        let found = words.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning);
        if found.is_none() {
            self.problems.add_with(text.span(), || {
                let what = format!("`{key}` in {} cannot be `{word}`", self.title);
                (what, choices(word, &format!("values of `{key}`"), words.iter().map(|(known, _)| *known)))
            });
        }
        found
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        if value.get_ref().as_bool().is_none() {
            self.wrong_type(key, value, "true or false", &format!("write {key} = true, without quotes"));
        }
        value.get_ref().as_bool()
    }

    /// Reads a whole number that is at least 1.
    pub(crate) fn count(&mut self, key: &'static str) -> Option<usize> {
        let value = self.value(key)?;
        let number = value.get_ref().as_integer().and_then(|number| {
            usize::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| *number > 0)
        });
        match (number, value.get_ref()) {
            (None, DeValue::Integer(number))
                if number.as_str().starts_with('-') || is_zero(number.as_str()) =>
            {
                self.problem(value.span(), format!("`{key}` must be at least 1"), "write a positive number");
            }
            (None, DeValue::Integer(_)) => {
                let what = format!("`{key}` is too large");
                self.problem(value.span(), what, "write a smaller number");
            }
            (None, _) => self.wrong_type(key, value, "a whole number", &format!("write {key} = 4")),
            (Some(_), _) => {}
        }
        number
    }

    /// Reads a whole number that is not negative.
    pub(crate) fn natural(&mut self, key: &'static str) -> Option<u64> {
        let value = self.value(key)?;
        let Some(number) = value.get_ref().as_integer() else {
            self.wrong_type(key, value, "a whole number", &format!("write {key} = 4"));
            return None;
        };
        let read = u64::from_str_radix(number.as_str(), number.radix()).ok();
        if read.is_none() {
            let what = format!("`{key}` in {} is negative or too large", self.title);
            self.problem(value.span(), what, format!("write a whole number from 0 to {}", u64::MAX));
        }
        read
    }

    /// Reads a list of tables; `title` is the name of one of them in messages.
    pub(crate) fn tables(&mut self, key: &'static str, title: &str, hint: &str) -> Vec<Section<'t>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of tables", hint);
            return Vec::new();
        };
        list.iter().filter_map(|one| self.section_of(key, one, title.to_owned(), hint)).collect()
    }

    /// Reads a whole number within bounds.
    pub(crate) fn number(&mut self, key: &'static str, bounds: RangeInclusive<i32>) -> Option<i32> {
        let value = self.value(key)?;
        let (least, most) = (bounds.start(), bounds.end());
        let Some(number) = value.get_ref().as_integer() else {
            let hint = format!("write {key} = {most}, without quotes");
            self.wrong_type(key, value, "a whole number", &hint);
            return None;
        };
        let number = i32::from_str_radix(number.as_str(), number.radix()).ok();
        let number = number.filter(|number| bounds.contains(number));
        if number.is_none() {
            let what = format!("`{key}` in {} is out of its bounds", self.title);
            self.problem(value.span(), what, format!("write a whole number from {least} to {most}"));
        }
        number
    }

    pub(crate) fn duration_ms(&mut self, key: &'static str) -> Option<u64> {
        self.unit(key, "duration", (units::duration_ms, units::not_a_duration), units::DURATION_HINT)
    }

    pub(crate) fn size_bytes(&mut self, key: &'static str) -> Option<u64> {
        self.unit(key, "size", (units::size_bytes, units::not_a_size), units::SIZE_HINT)
    }

    /// Reads a text with a unit.
    fn unit(
        &mut self,
        key: &'static str,
        kind: &str,
        (read, why_not): units::Parser,
        hint: &str,
    ) -> Option<u64> {
        let value = self.value(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, &format!("a {kind} in quotes"), hint);
            return None;
        };
        let number = read(text);
        if number.is_none() {
            self.problem(value.span(), why_not(text), hint);
        }
        number
    }

    /// Reads a list of texts.
    pub(crate) fn texts(&mut self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        let value = self.value(key)?;
        self.texts_of(key, value)
    }

    /// Reads the texts in `value`, which is the value of `key`.
    pub(crate) fn texts_of(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<Spanned<String>>> {
        let hint = format!("write {key} = [\"…\", \"…\"]");
        let Some(list) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of texts", &hint);
            return None;
        };
        let mut texts = Vec::new();
        for one in list {
            match one.get_ref().as_str() {
                Some(text) => {
                    self.refuse_nul(key, one.span(), text);
                    texts.push(Spanned::new(one.span(), text.to_owned()));
                }
                None => self.wrong_type(key, one, "a list of texts only", &hint),
            }
        }
        Some(texts)
    }

    /// Reads the table at `key`.
    pub(crate) fn table(&mut self, key: &'static str, hint: &str) -> Option<Section<'t>> {
        let value = self.value(key)?;
        let title = match self.place {
            Place::Top => format!("[{key}]"),
            _ => format!("`{key}` of {}", self.title),
        };
        self.section_of(key, value, title, hint)
    }

    /// Reads `value`, which is the value of `key`, as a table.
    pub(crate) fn section_of(
        &self,
        key: &str,
        value: &'t Spanned<DeValue<'t>>,
        title: String,
        hint: &str,
    ) -> Option<Section<'t>> {
        if let Some(table) = value.get_ref().as_table() {
            let (span, problems, place) = (value.span(), self.problems, self.place.below(key));
            return Some(Section { title, place, span, table, known: Vec::new(), problems });
        }
        let (kind, head) = match self.place {
            Place::Processes if KEYS_OF_PROCESSES.contains(&key) => ("process", "process"),
            Place::Plugins if KEYS_OF_PLUGINS.contains(&key) => ("plugin", "plugins"),
            _ => {
                self.wrong_type(key, value, "a table", hint);
                return None;
            }
        };
        let what = format!("`{key}` is in [{head}] itself, but each {kind} is a table with a name");
        self.problem(self.key_span(key), what, format!("write [{head}.NAME] on a line of its own above it"));
        None
    }

    /// Ends the reading: adds a problem for each key that was not asked for.
    pub(crate) fn finish(self) {
        for (key, _) in self.table.iter() {
            let word = key.get_ref().as_ref();
            if !self.known.contains(&word) {
                self.problems.add_with(key.span(), || {
                    self.place.translated(word, &self.known).unwrap_or_else(|| {
                        let what = format!("unknown key `{word}` in {}", self.title);
                        (what, choices(word, "keys here", self.known.iter().copied()))
                    })
                });
            }
        }
    }
}

/// Whether these digits, of any radix, are those of 0.
fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|digit| matches!(digit, b'0' | b'_' | b'+'))
}

/// Converts a TOML value to JSON, or returns the position of a value that JSON cannot represent.
pub(crate) fn json(value: &Spanned<DeValue<'_>>) -> Result<serde_json::Value, Range<usize>> {
    use serde_json::Value;
    let unrepresentable = || value.span();
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(Value::from)
            .map_err(|_| unrepresentable())?,
        DeValue::Float(number) => {
            let number: f64 = number.as_str().parse().map_err(|_| unrepresentable())?;
            serde_json::Number::from_f64(number).map(Value::Number).ok_or_else(unrepresentable)?
        }
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(when) => Value::from(when.to_string()),
        DeValue::Array(list) => Value::Array(list.iter().map(json).collect::<Result<_, _>>()?),
        DeValue::Table(table) => Value::Object(
            table
                .iter()
                .map(|(key, value)| Ok((key.get_ref().clone().into_owned(), json(value)?)))
                .collect::<Result<_, Range<usize>>>()?,
        ),
    })
}

/// Returns a whole number in decimal, whichever base it was written in.
pub(crate) fn decimal(number: &DeInteger<'_>) -> String {
    i128::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string())
}
