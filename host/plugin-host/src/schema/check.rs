//! Checking settings against a schema: the first mistake, at its place. The steps are counted, because a foreign schema may ask for as
//! many as it likes.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::allowed::types;
use super::document::SettingsSchema;
use super::error::SchemaError;
use super::keywords::compiled;
use super::words;

/// The largest number of steps: a step is a schema that is looked at, or a value that is compared.
const STEPS_MAX: u32 = 100_000;

/// The steps that matching a pattern counts for.
const PATTERN_STEPS: u32 = 100;

/// How deeply schemas may be nested, references included.
const DEPTH_MAX: u32 = 128;

/// A mistake in settings.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mistake {
    /// The place, such as `hooks[0].url`; empty for the settings as a whole.
    path: String,
    /// What is wrong.
    what: String,
}

/// Why checking has ended early.
#[derive(Debug)]
enum Stop {
    /// A mistake was found.
    Mistake(Mistake),
    /// It would take too long.
    TooComplex,
}

type Checked = Result<(), Stop>;

impl SettingsSchema {
    /// Returns the first mistake in settings, which are the text of a JSON object, as the SDK would say it: `settings: PLACE: WHAT`.
    ///
    /// # Errors
    /// [`SchemaError::TooComplex`] if that takes too many steps.
    pub fn mistake(&self, settings: &str) -> Result<Option<String>, SchemaError> {
        let Ok(value) = serde_json::from_str::<Value>(settings) else { return Ok(None) };
        let mut check = Check { schema: self, steps: 0 };
        match check.against(self.document(), &value, "", 0) {
            Ok(()) => Ok(None),
            Err(Stop::TooComplex) => Err(SchemaError::TooComplex(STEPS_MAX)),
            Err(Stop::Mistake(Mistake { path, what })) if path.is_empty() => {
                Ok(Some(format!("settings: {what}")))
            }
            Err(Stop::Mistake(Mistake { path, what })) => Ok(Some(format!("settings: {path}: {what}"))),
        }
    }
}

/// One check.
struct Check<'s> {
    schema: &'s SettingsSchema,
    steps: u32,
}

impl Check<'_> {
    fn count(&mut self, steps: u32) -> Checked {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > STEPS_MAX { Err(Stop::TooComplex) } else { Ok(()) }
    }

    /// Checks a value against one schema.
    fn against(&mut self, schema: &Value, value: &Value, path: &str, depth: u32) -> Checked {
        self.count(1)?;
        if depth > DEPTH_MAX {
            return Err(Stop::TooComplex);
        }
        let Value::Object(schema) = schema else {
            return if schema == &Value::Bool(false) { mistake(path, "nothing may be here") } else { Ok(()) };
        };
        if let Some(target) = text(schema, "$ref").and_then(|to| self.schema.resolved(to)) {
            self.against(target, value, path, depth + 1)?;
        }
        kind(schema, value, path)?;
        self.words_of(schema, value, path)?;
        match value {
            Value::Number(number) => in_range(schema, number, path)?,
            Value::String(text) => self.of_text(schema, text, path)?,
            Value::Array(items) => self.of_list(schema, items, path, depth)?,
            Value::Object(fields) => self.of_object(schema, fields, path, depth)?,
            Value::Null | Value::Bool(_) => {}
        }
        self.combined(schema, value, path, depth)
    }

    /// Checks the keywords that name the values.
    fn words_of(&mut self, schema: &Map<String, Value>, value: &Value, path: &str) -> Checked {
        let allowed = list(schema, "enum");
        self.count(u32::try_from(allowed.map_or(0, <[Value]>::len)).unwrap_or(u32::MAX))?;
        if allowed.is_some_and(|all| !all.iter().any(|one| equal(one, value)))
            || schema.get("const").is_some_and(|one| !equal(one, value))
        {
            let what = format!("{}, expected {}", words::value(value), self.expectation(schema));
            return mistake(path, &what);
        }
        Ok(())
    }

    fn of_text(&mut self, schema: &Map<String, Value>, text: &str, path: &str) -> Checked {
        let chars = text.chars().count();
        bounds(schema, ["minLength", "maxLength"], chars, "character", path)?;
        let Some(pattern) = self::text(schema, "pattern") else { return Ok(()) };
        self.count(PATTERN_STEPS)?;
        if compiled(pattern).is_ok_and(|pattern| pattern.is_match(text)) {
            return Ok(());
        }
        let value = Value::from(text);
        let unmatched = || format!("{} does not match the pattern {pattern}", words::value(&value));
        mistake(path, &invalid(schema, &value).unwrap_or_else(unmatched))
    }

    fn of_list(&mut self, schema: &Map<String, Value>, items: &[Value], path: &str, depth: u32) -> Checked {
        bounds(schema, ["minItems", "maxItems"], items.len(), "element", path)?;
        let first = list(schema, "prefixItems").unwrap_or_default();
        for (number, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(number).or_else(|| schema.get("items")) {
                self.against(schema, item, &format!("{path}[{number}]"), depth + 1)?;
            }
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut seen = BTreeSet::new();
            if let Some(number) = items.iter().position(|item| !seen.insert(item.to_string())) {
                return mistake(&format!("{path}[{number}]"), "it is in the list already");
            }
        }
        if let Some(wanted) = schema.get("contains") {
            for item in items {
                if self.fits(wanted, item, path, depth)? {
                    return Ok(());
                }
            }
            return mistake(path, "an element that has to be in the list is missing");
        }
        Ok(())
    }

    fn of_object(
        &mut self,
        schema: &Map<String, Value>,
        fields: &Map<String, Value>,
        path: &str,
        depth: u32,
    ) -> Checked {
        bounds(schema, ["minProperties", "maxProperties"], fields.len(), "key", path)?;
        let known = object(schema, "properties");
        let patterns = object(schema, "patternProperties");
        for (name, value) in fields {
            let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let mut is_known = false;
            if let Some(schema) = known.and_then(|known| known.get(name)) {
                is_known = true;
                self.against(schema, value, &place, depth + 1)?;
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                self.count(PATTERN_STEPS)?;
                if compiled(pattern).is_ok_and(|pattern| pattern.is_match(name)) {
                    is_known = true;
                    self.against(schema, value, &place, depth + 1)?;
                }
            }
            if let Some(names) = schema.get("propertyNames") {
                self.against(names, &Value::from(name.as_str()), &place, depth + 1)?;
            }
            match schema.get("additionalProperties").filter(|_| !is_known) {
                None => {}
                Some(Value::Bool(false)) => {
                    let names = known.into_iter().flat_map(|known| known.keys().map(String::as_str));
                    let what = format!("unknown field `{name}`, expected {}", words::expected(names));
                    return mistake(&place, &what);
                }
                Some(schema) => self.against(schema, value, &place, depth + 1)?,
            }
        }
        let required = list(schema, "required").into_iter().flatten().filter_map(Value::as_str);
        match required.into_iter().find(|name| !fields.contains_key(*name)) {
            Some(missing) => mistake(path, &format!("missing field `{missing}`")),
            None => Ok(()),
        }
    }

    /// Checks the keywords that combine schemas.
    fn combined(&mut self, schema: &Map<String, Value>, value: &Value, path: &str, depth: u32) -> Checked {
        for one in list(schema, "allOf").into_iter().flatten() {
            self.against(one, value, path, depth + 1)?;
        }
        if let Some(alternatives) = list(schema, "anyOf") {
            self.one_of(schema, alternatives, value, (path, depth))?;
        }
        if let Some(alternatives) = list(schema, "oneOf")
            && self.one_of(schema, alternatives, value, (path, depth))? > 1
        {
            return mistake(path, "more than one of the alternatives fits");
        }
        if let Some(denied) = schema.get("not")
            && self.fits(denied, value, path, depth)?
        {
            return mistake(path, &format!("{} is not allowed here", words::value(value)));
        }
        if let Some(condition) = schema.get("if") {
            let next = if self.fits(condition, value, path, depth)? { "then" } else { "else" };
            if let Some(schema) = schema.get(next) {
                self.against(schema, value, path, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Returns how many of the alternatives fit, at least one. If none does, the mistake is that of the alternative that was followed
    /// furthest into the value, or else what was expected.
    fn one_of(
        &mut self,
        schema: &Map<String, Value>,
        alternatives: &[Value],
        value: &Value,
        (path, depth): (&str, u32),
    ) -> Result<usize, Stop> {
        let (mut fitting, mut deepest) = (0, None::<Mistake>);
        for alternative in alternatives {
            match self.against(alternative, value, path, depth + 1) {
                Ok(()) => fitting += 1,
                Err(Stop::TooComplex) => return Err(Stop::TooComplex),
                Err(Stop::Mistake(mistake)) => {
                    let reached = deepest.as_ref().map_or(path.len(), |deepest| deepest.path.len());
                    if mistake.path.len() > reached {
                        deepest = Some(mistake);
                    }
                }
            }
        }
        if fitting > 0 {
            return Ok(fitting);
        }
        Err(Stop::Mistake(deepest.unwrap_or_else(|| Mistake {
            path: path.to_owned(),
            what: format!("{}, expected {}", words::value(value), self.expectation(schema)),
        })))
    }

    /// Whether a value fits a schema.
    fn fits(&mut self, schema: &Value, value: &Value, path: &str, depth: u32) -> Result<bool, Stop> {
        match self.against(schema, value, path, depth + 1) {
            Ok(()) => Ok(true),
            Err(Stop::Mistake(_)) => Ok(false),
            Err(Stop::TooComplex) => Err(Stop::TooComplex),
        }
    }

    /// Returns what a schema expects, in words.
    fn expectation(&self, schema: &Map<String, Value>) -> String {
        let values = self.schema.values(schema);
        if !values.is_empty() && values.iter().all(|value| value.is_string()) {
            return words::expected(values.iter().filter_map(|value| value.as_str()));
        }
        words::either(self.schema.kinds(schema))
    }
}

/// Checks the type of a value.
fn kind(schema: &Map<String, Value>, value: &Value, path: &str) -> Checked {
    let names = types(schema);
    if !schema.contains_key("type") || names.iter().any(|name| is_of_type(value, name)) {
        return Ok(());
    }
    let kinds = names.iter().filter(|name| **name != "null").map(|name| words::kind(name).to_owned());
    let other = || format!("{}, expected {}", words::value(value), words::either(kinds.collect()));
    mistake(path, &invalid(schema, value).unwrap_or_else(other))
}

/// Says that a value is not one of those that a pattern describes, by the title of the schema, which names them.
fn invalid(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let title = text(schema, "title").filter(|_| schema.contains_key("pattern"))?;
    let examples: Vec<String> = list(schema, "examples").into_iter().flatten().map(words::shown).collect();
    let such_as =
        if examples.is_empty() { String::new() } else { format!(", such as {}", words::either(examples)) };
    Some(format!("{} is not a valid {title}{such_as}", words::value(value)))
}

/// Whether a value is of the type with this name.
fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        _ => value.is_null(),
    }
}

/// Whether two values are the same: numbers by their value, so that 1 and 1.0 are.
fn equal(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|number| other.as_f64() == Some(number))
}

fn in_range(schema: &Map<String, Value>, shown: &Number, path: &str) -> Checked {
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let value = shown.as_f64().unwrap_or(f64::NAN);
    let what = if let Some(least) = bound("minimum").filter(|least| value < *least) {
        format!("the number {shown}, expected at least {least}")
    } else if let Some(most) = bound("maximum").filter(|most| value > *most) {
        format!("the number {shown}, expected at most {most}")
    } else if let Some(least) = bound("exclusiveMinimum").filter(|least| value <= *least) {
        format!("the number {shown}, expected more than {least}")
    } else if let Some(most) = bound("exclusiveMaximum").filter(|most| value >= *most) {
        format!("the number {shown}, expected less than {most}")
    } else if let Some(step) = bound("multipleOf").filter(|step| (value / step).fract() != 0.0) {
        format!("the number {shown}, expected a multiple of {step}")
    } else {
        return Ok(());
    };
    mistake(path, &what)
}

/// Checks a number of parts against the two keywords that bound it.
fn bounds(schema: &Map<String, Value>, keywords: [&str; 2], count: usize, part: &str, path: &str) -> Checked {
    let [least, most] = keywords.map(|keyword| schema.get(keyword).and_then(Value::as_u64));
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let parts = |bound: u64| if bound == 1 { format!("1 {part}") } else { format!("{bound} {part}s") };
    match (least.filter(|least| count < *least), most.filter(|most| count > *most)) {
        (Some(least), _) => mistake(path, &format!("expected at least {}, not {count}", parts(least))),
        (_, Some(most)) => mistake(path, &format!("expected at most {}, not {count}", parts(most))),
        _ => Ok(()),
    }
}

fn mistake(path: &str, what: &str) -> Checked {
    Err(Stop::Mistake(Mistake { path: path.to_owned(), what: what.to_owned() }))
}

fn text<'s>(schema: &'s Map<String, Value>, keyword: &str) -> Option<&'s str> {
    schema.get(keyword).and_then(Value::as_str)
}

fn list<'s>(schema: &'s Map<String, Value>, keyword: &str) -> Option<&'s [Value]> {
    schema.get(keyword).and_then(Value::as_array).map(Vec::as_slice)
}

fn object<'s>(schema: &'s Map<String, Value>, keyword: &str) -> Option<&'s Map<String, Value>> {
    schema.get(keyword).and_then(Value::as_object)
}
