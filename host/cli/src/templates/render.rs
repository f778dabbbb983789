//! A template with its sections and placeholders.
//!
//! A line that has only a comment such as `// [[restart-policy usage-policy]]` begins a section, which is kept if the plugin has one
//! of these roles; `// [[]]` begins what every plugin has. `{{name}}` is a placeholder.

use provost_plugin_host::Role;

/// Returns the text of a template for a plugin with these roles, with its placeholders replaced.
pub(super) fn render(template: &str, roles: &[Role], values: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut kept = true;
    for line in template.lines() {
        match section(line) {
            Some(wanted) => {
                kept = wanted.is_empty() || roles.iter().any(|role| wanted.contains(&role.as_str()));
            }
            None if kept => {
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    for (name, value) in values {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    text
}

/// Removes the comma after the last entry of an object of JSON, which a section that is left out may have made the last one.
pub(super) fn without_last_commas(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let ends_object = lines.peek().is_some_and(|next| matches!(next.trim(), "}" | "},"));
        made.push_str(if ends_object && line.ends_with("},") { &line[..line.len() - 1] } else { line });
        made.push('\n');
    }
    made
}

/// Returns the roles of the section that this line begins, if it begins one.
pub(super) fn section(line: &str) -> Option<Vec<&str>> {
    let comment = line.trim().strip_prefix("//").or_else(|| line.trim().strip_prefix('#'))?;
    let roles = comment.trim().strip_prefix("[[")?.strip_suffix("]]")?;
    Some(roles.split_whitespace().collect())
}
