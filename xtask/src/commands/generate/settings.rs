//! The chart's settings as a table, from the comments and the defaults of its values. Pure.

use serde_json::Value;

/// Where the settings are.
pub(super) const VALUES: &str = "charts/crossorg/values.yaml";

/// The chart's page, of which the table is generated.
pub(super) const PAGE: &str = "charts/crossorg/README.md";

/// What the table begins with, and what it ends before.
const HEAD: &str = "| Key | Default | Meaning |\n|---|---|---|\n";
const END: &str = "\n## ";

/// A setting: its key with dots, and what is said about it.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    key: Vec<String>,
    meaning: String,
}

/// The page with the settings of these values.
pub(super) fn page(before: &str, values: &str) -> Result<String, serde_yaml::Error> {
    let defaults: Value = serde_yaml::from_str(values)?;
    let rows: String = settings(values).iter().map(|setting| row(setting, &defaults)).collect();
    let (beginning, rest) = before.split_once(HEAD).unwrap_or((before, ""));
    let ending = rest.find(END).map_or("", |at| &rest[at..]);
    Ok(format!("{beginning}{HEAD}{rows}{ending}"))
}

/// Each key with a comment or a value of its own; what is below a commented key belongs to its default.
fn settings(values: &str) -> Vec<Setting> {
    let (mut found, mut comment, mut above) = (Vec::new(), Vec::new(), Vec::<(usize, String)>::new());
    let mut within = None;
    for line in values.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if within.is_some_and(|outer| !text.is_empty() && indent > outer) {
            continue;
        }
        within = None;
        if let Some(words) = text.strip_prefix("# ") {
            comment.push(words);
        } else if let Some((key, value)) = text.split_once(':') {
            above.retain(|(outer, _)| *outer < indent);
            above.push((indent, key.to_owned()));
            if !comment.is_empty() || !value.is_empty() {
                let key = above.iter().map(|(_, key)| key.clone()).collect();
                found.push(Setting { key, meaning: comment.join(" ") });
                within = Some(indent);
            }
            comment.clear();
        } else {
            comment.clear();
        }
    }
    found
}

fn row(Setting { key, meaning }: &Setting, defaults: &Value) -> String {
    let default = key.iter().fold(defaults, |value, part| &value[part.as_str()]);
    let default = default.as_str().filter(|text| !text.is_empty()).map_or_else(|| default.to_string(), str::to_owned);
    format!("| `{}` | `{}` | {} |\n", key.join("."), default, meaning.replace('|', "\\|"))
}

#[cfg(test)]
mod tests;
