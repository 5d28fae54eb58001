use serde_json::Value;

use super::{HEAD, PAGE, Setting, VALUES, page, settings};
use crate::commands::repository;

const SCHEMA: &str = "charts/crossorg/values.schema.json";

fn repository_file(path: &str) -> String {
    repository::read(&repository::root(), path).unwrap().unwrap_or_else(|| panic!("{path} is missing"))
}

#[test]
fn a_table_says_key_default_and_meaning_and_the_rest_of_the_page_stays() {
    let values = "# A file.\n\nimage:\n  # Which one,\n  # exactly.\n  tag: \"\"\n\n# Either|or.\nlimits:\n  memory: 1Mi\nplain: {}\n";
    let rows = "| `image.tag` | `\"\"` | Which one, exactly. |\n\
                | `limits` | `{\"memory\":\"1Mi\"}` | Either\\|or. |\n\
                | `plain` | `{}` |  |\n";
    let before = format!("# Title\n\n{HEAD}| old |\n\n## More\n\ntext\n");
    assert_eq!(page(&before, values).unwrap(), format!("# Title\n\n{HEAD}{rows}\n## More\n\ntext\n"));
}

#[test]
fn every_setting_says_what_it_means() {
    let silent: Vec<Setting> = settings(&repository_file(VALUES)).into_iter().filter(|setting| setting.meaning.is_empty()).collect();
    assert_eq!(silent, []);
}

#[test]
fn the_page_has_a_place_for_the_table() {
    assert!(repository_file(PAGE).contains(HEAD));
}

/// The keys that a schema knows, with dots.
fn keys(schema: &Value, path: &str) -> Vec<String> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let below = |(name, schema): (&String, &Value)| {
        let path = format!("{path}{name}");
        if schema["properties"].is_object() { keys(schema, &format!("{path}.")) } else { vec![path] }
    };
    properties.flat_map(below).collect()
}

#[test]
fn the_schema_and_the_values_know_the_same_keys() {
    let schema: Value = serde_json::from_str(&repository_file(SCHEMA)).unwrap();
    let of_helm = ["enabled", "global"];
    let mut known: Vec<String> = keys(&schema, "").into_iter().filter(|key| !of_helm.contains(&key.as_str())).collect();
    let mut set: Vec<String> = settings(&repository_file(VALUES)).into_iter().map(|setting| setting.key.join(".")).collect();
    known.sort();
    set.sort();
    assert_eq!(known, set);
}

#[test]
fn the_schema_refuses_unknown_keys_wherever_it_knows_some() {
    fn closed(schema: &Value) -> bool {
        let open = schema["properties"].is_object() && schema["additionalProperties"] != false;
        !open && schema["properties"].as_object().into_iter().flatten().all(|(_, schema)| closed(schema))
    }
    assert!(closed(&serde_json::from_str(&repository_file(SCHEMA)).unwrap()));
}
