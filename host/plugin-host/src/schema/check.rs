//! Checking settings against a schema: the first mistakes, each at its place. All steps are counted, those for making the messages as
//! well, because a foreign schema may ask for as many as it likes.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::budget::{Budget, Spent, TEXT_BYTES};
use super::document::SettingsSchema;
use super::error::SchemaError;
use super::few::Few;
use super::words;

/// How deeply schemas may be nested, references included.
const DEPTH_MAX: u32 = 128;

/// The longest message, in characters.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// The largest number of mistakes that are told. As many problems of a config are shown.
const MISTAKES_MAX: usize = 20;

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
    /// Mistakes were found, at least one.
    Mistakes(Vec<Mistake>),
    /// It would take too long.
    Unusable(SchemaError),
}

impl From<Spent> for Stop {
    fn from(spent: Spent) -> Self {
        Self::Unusable(spent.into())
    }
}

type Checked = Result<(), Stop>;

impl SettingsSchema {
    /// Returns the first mistakes in settings, which are the text of a JSON object, as the SDK would say each:
    /// `settings: PLACE: WHAT`. A value in which another one is wrong has no further mistakes itself.
    ///
    /// # Errors
    /// [`SchemaError::TooComplex`] or [`SchemaError::TooDeep`] if finding the first one, or none, takes too many steps.
    pub fn mistakes(&self, settings: &str) -> Result<Vec<String>, SchemaError> {
        self.mistakes_within(settings, &mut Budget::default())
    }

    /// Does the same within a budget.
    pub(super) fn mistakes_within(
        &self,
        settings: &str,
        budget: &mut Budget,
    ) -> Result<Vec<String>, SchemaError> {
        let Ok(value) = serde_json::from_str::<Value>(settings) else { return Ok(Vec::new()) };
        let mut check = Check { schema: self, budget, tells_all: true };
        let mistakes = match check.against(self.document(), &value, "", 0) {
            Ok(()) => return Ok(Vec::new()),
            Err(Stop::Unusable(error)) => return Err(error),
            Err(Stop::Mistakes(mistakes)) => mistakes,
        };
        let told = |Mistake { path, what }: Mistake| {
            let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
            words::cut(&format!("settings: {place}{what}"), MESSAGE_CHARS_MAX).into_owned()
        };
        Ok(mistakes.into_iter().map(told).collect())
    }
}

/// One check.
struct Check<'s, 'b> {
    schema: &'s SettingsSchema,
    budget: &'b mut Budget,
    /// Whether all mistakes are looked for. One is enough to know that a value does not fit.
    tells_all: bool,
}

/// The mistakes in the parts of a value.
#[derive(Default)]
struct InParts(Vec<Mistake>);

impl InParts {
    /// Adds what was found in one part. Returns an error if no other part is to be checked.
    fn add(&mut self, checked: Checked, tells_all: bool) -> Checked {
        match checked {
            Ok(()) => return Ok(()),
            // What was found counts more than that the rest takes too many steps.
            Err(Stop::Unusable(error)) if self.0.is_empty() => return Err(Stop::Unusable(error)),
            Err(Stop::Unusable(_)) => return Err(Stop::Mistakes(std::mem::take(&mut self.0))),
            Err(Stop::Mistakes(mistakes)) => {
                // Two schemas may say the same of one part.
                for mistake in mistakes {
                    if !self.0.contains(&mistake) {
                        self.0.push(mistake);
                    }
                }
            }
        }
        self.0.truncate(MISTAKES_MAX);
        if tells_all && self.0.len() < MISTAKES_MAX { Ok(()) } else { self.result() }
    }

    /// Returns an error if there are mistakes.
    fn result(&mut self) -> Checked {
        if self.0.is_empty() { Ok(()) } else { Err(Stop::Mistakes(std::mem::take(&mut self.0))) }
    }
}

impl Check<'_, '_> {
    /// Checks a value against one schema.
    fn against(&mut self, schema: &Value, value: &Value, path: &str, depth: u32) -> Checked {
        self.budget.count_text(path.len())?;
        if depth > DEPTH_MAX {
            return Err(Stop::Unusable(SchemaError::TooDeep(DEPTH_MAX)));
        }
        let Value::Object(schema) = schema else {
            return if schema == &Value::Bool(false) { mistake(path, "nothing may be here") } else { Ok(()) };
        };
        if let Some(to) = text(schema, "$ref")
            && let Some(target) = self.schema.resolved(to, self.budget)?
        {
            self.against(target, value, path, depth + 1)?;
        }
        self.kind(schema, value, path)?;
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

    /// Checks the type of a value.
    fn kind(&mut self, schema: &Map<String, Value>, value: &Value, path: &str) -> Checked {
        let Some(kinds) = schema.get("type") else { return Ok(()) };
        let names = kinds.as_array().map_or(std::slice::from_ref(kinds), Vec::as_slice);
        self.budget.count(names.len())?;
        if names.iter().filter_map(Value::as_str).any(|name| is_of_type(value, name)) {
            return Ok(());
        }
        if let Some(what) = self.invalid(schema, value)? {
            return mistake(path, &what);
        }
        let names = Few::of(names).filter_map(Value::as_str);
        let kinds = names.filter_map(|name| (name != "null").then(|| words::kind(name).to_owned()));
        mistake(path, &format!("{}, expected {}", words::value(value), words::either(kinds)))
    }

    /// Checks the keywords that name the values.
    fn words_of(&mut self, schema: &Map<String, Value>, value: &Value, path: &str) -> Checked {
        let allowed = [list(schema, "enum"), schema.get("const").map(std::slice::from_ref)];
        for all in allowed.into_iter().flatten() {
            // A text is compared at once, a list or a table part by part.
            let parts = if value.is_array() || value.is_object() { weight(value) } else { 1 };
            self.budget.count(all.len().saturating_mul(parts))?;
            if !all.iter().any(|one| equal(one, value)) {
                return self.unexpected(schema, value, path);
            }
        }
        Ok(())
    }

    /// Says that a value is not what a schema expects.
    fn unexpected(&mut self, schema: &Map<String, Value>, value: &Value, path: &str) -> Checked {
        let values = self.schema.values(schema, self.budget)?;
        let are_texts = !values.all.is_empty() && values.all.iter().all(|value| value.is_string());
        let expected = if are_texts {
            words::expected(values.filter_map(Value::as_str))
        } else {
            words::either(self.schema.kinds(schema, self.budget)?)
        };
        mistake(path, &format!("{}, expected {expected}", words::value(value)))
    }

    /// Says that a value is not one of those that a pattern describes, by the title of the schema, which names them.
    fn invalid(&mut self, schema: &Map<String, Value>, value: &Value) -> Result<Option<String>, Stop> {
        let title = text(schema, "title").filter(|_| schema.contains_key("pattern"));
        let Some(title) = title else { return Ok(None) };
        let examples = Few::of(list(schema, "examples").unwrap_or_default());
        self.budget.count(examples.all.len())?;
        let such_as = if examples.all.is_empty() {
            String::new()
        } else {
            format!(", such as {}", words::either(examples.map(words::shown)))
        };
        Ok(Some(format!("{} is not a valid {}{such_as}", words::value(value), words::name(title))))
    }

    fn of_text(&mut self, schema: &Map<String, Value>, text: &str, path: &str) -> Checked {
        self.budget.count_text(text.len())?;
        let chars = text.chars().count();
        bounds(schema, ["minLength", "maxLength"], chars, "character", path)?;
        let Some(pattern) = self::text(schema, "pattern") else { return Ok(()) };
        if self.schema.patterns().matches(pattern, text, self.budget)? {
            return Ok(());
        }
        let value = Value::from(words::name(text));
        let what = self.invalid(schema, &value)?.unwrap_or_else(|| {
            format!("{} does not match the pattern {}", words::value(&value), words::name(pattern))
        });
        mistake(path, &what)
    }

    fn of_list(&mut self, schema: &Map<String, Value>, items: &[Value], path: &str, depth: u32) -> Checked {
        bounds(schema, ["minItems", "maxItems"], items.len(), "element", path)?;
        let first = list(schema, "prefixItems").unwrap_or_default();
        let mut found = InParts::default();
        for (number, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(number).or_else(|| schema.get("items")) {
                let checked = self.against(schema, item, &format!("{path}[{number}]"), depth + 1);
                found.add(checked, self.tells_all)?;
            }
        }
        found.result()?;
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            self.budget.count(items.iter().map(weight).sum())?;
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
        let mut found = InParts::default();
        for field in fields {
            let checked = self.of_field(schema, field, path, depth);
            found.add(checked, self.tells_all)?;
        }
        let missing = self.missing(schema, fields, path);
        found.add(missing, self.tells_all)?;
        found.result()
    }

    /// Checks one key of a table, and its value.
    fn of_field(
        &mut self,
        schema: &Map<String, Value>,
        (name, value): (&String, &Value),
        path: &str,
        depth: u32,
    ) -> Checked {
        let known = object(schema, "properties");
        let patterns = object(schema, "patternProperties");
        self.budget.count_text(path.len() + name.len())?;
        let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let mut is_known = false;
        if let Some(schema) = known.and_then(|known| known.get(name)) {
            is_known = true;
            self.against(schema, value, &place, depth + 1)?;
        }
        for (pattern, schema) in patterns.into_iter().flatten() {
            if self.schema.patterns().matches(pattern, name, self.budget)? {
                is_known = true;
                self.against(schema, value, &place, depth + 1)?;
            }
        }
        if let Some(names) = schema.get("propertyNames") {
            self.against(names, &Value::from(name.as_str()), &place, depth + 1)?;
        }
        match schema.get("additionalProperties").filter(|_| !is_known) {
            None => Ok(()),
            Some(Value::Bool(false)) => {
                let names = Few::of(known.into_iter().flat_map(Map::keys)).map(String::as_str);
                self.budget.count(names.all.len())?;
                let (name, expected) = (words::name(name), words::expected(names));
                mistake(&place, &format!("unknown field `{name}`, expected {expected}"))
            }
            Some(schema) => self.against(schema, value, &place, depth + 1),
        }
    }

    /// Says which keys of a table are missing.
    fn missing(&mut self, schema: &Map<String, Value>, fields: &Map<String, Value>, path: &str) -> Checked {
        let required = list(schema, "required").unwrap_or_default();
        self.budget.count(required.len())?;
        let names = required.iter().filter_map(Value::as_str).filter(|name| !fields.contains_key(*name));
        let told = |name: &str| Mistake {
            path: path.to_owned(),
            what: format!("missing field `{}`", words::name(name)),
        };
        let missing: Vec<Mistake> = names.take(MISTAKES_MAX).map(told).collect();
        if missing.is_empty() { Ok(()) } else { Err(Stop::Mistakes(missing)) }
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
            match self.tried(alternative, value, path, depth) {
                Ok(()) => fitting += 1,
                Err(unusable @ Stop::Unusable(_)) => return Err(unusable),
                Err(Stop::Mistakes(mistakes)) => {
                    let reached = deepest.as_ref().map_or(path.len(), |deepest| deepest.path.len());
                    deepest = mistakes.into_iter().find(|mistake| mistake.path.len() > reached).or(deepest);
                }
            }
        }
        if fitting > 0 {
            return Ok(fitting);
        }
        match deepest {
            Some(deepest) => Err(Stop::Mistakes(vec![deepest])),
            None => self.unexpected(schema, value, path).map(|()| 0),
        }
    }

    /// Whether a value fits a schema.
    fn fits(&mut self, schema: &Value, value: &Value, path: &str, depth: u32) -> Result<bool, Stop> {
        match self.tried(schema, value, path, depth) {
            Ok(()) => Ok(true),
            Err(Stop::Mistakes(_)) => Ok(false),
            Err(unusable @ Stop::Unusable(_)) => Err(unusable),
        }
    }

    /// Checks a value against a schema that it need not fit, up to the first mistake.
    fn tried(&mut self, schema: &Value, value: &Value, path: &str, depth: u32) -> Checked {
        let tells_all = std::mem::replace(&mut self.tells_all, false);
        let checked = self.against(schema, value, path, depth + 1);
        self.tells_all = tells_all;
        checked
    }
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

/// Returns the number of steps for reading a value and all values in it.
fn weight(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(fields) => {
            1 + fields.iter().map(|(key, field)| 1 + key.len() / TEXT_BYTES + weight(field)).sum::<usize>()
        }
        Value::String(text) => 1 + text.len() / TEXT_BYTES,
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
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
    Err(Stop::Mistakes(vec![Mistake { path: path.to_owned(), what: what.to_owned() }]))
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
