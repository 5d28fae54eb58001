//! What a scrape shows, and that docs/metrics.md says the same.

use std::collections::BTreeMap;

use super::*;

const PAGE: &str = include_str!("../../docs/metrics.md");

fn key(name: &str) -> Key {
    Key { namespace: "apps".to_owned(), name: name.to_owned() }
}

fn observation(result: &'static str) -> Observation {
    Observation { call: "list", route: "/any", class: "transient", result, elapsed: Duration::from_millis(30) }
}

/// A state in which nothing is missing.
fn state() -> State {
    let org = |name: &str| OrganizationState { key: key(name), inventory_age: Duration::from_millis(2500), unmanaged: Some(3), held: 2 };
    State {
        organizations: vec![org("payments"), org("central"), org("old")],
        organization_reasons: BTreeMap::from([("Connected", 2), ("KeyRejected", 1), ("Suspended", 0)]),
        connections: BTreeMap::from([("InSync", 7), ("Conflict", 1)]),
        ready: BTreeMap::from([(key("to-central"), true)]),
        budgets: vec![BudgetState { organization: "11111111-0000".to_owned(), bucket: "a\"\nforged 1".to_owned(), remaining: 8 }],
        watches: vec![("datadogorgs".to_owned(), Duration::from_secs(3))],
    }
}

/// Metrics of which every one has a sample.
fn full() -> Metrics {
    let metrics = Metrics::new(true);
    metrics.read_state_by(state);
    metrics.observe(&key("payments"), &observation("no_answer"));
    metrics.pass(Outcome::Quiet);
    metrics.effect(&Effect::Deleted(String::new()));
    metrics.effect(&Effect::Repaired(String::new()));
    metrics.failed(Failure::Throttled);
    metrics
}

/// The names of a sample's labels; the buckets of a histogram have one more.
fn labels(sample: &str) -> Vec<&str> {
    let inside = sample.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map_or("", |(inside, _)| inside);
    let starts = inside.split("\",").filter_map(|label| label.split_once("=\"").map(|(name, _)| name));
    starts.filter(|name| *name != "le").collect()
}

fn lines<'a>(text: &'a str, described: &Described) -> Vec<&'a str> {
    let name = described.full_name();
    let of_it = |line: &&str| {
        line.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(['{', ' ', '_']) && !rest.starts_with("_info{v"))
    };
    text.lines().filter(of_it).collect()
}

#[test]
fn every_metric_is_shown_as_it_is_described_and_no_other_is() {
    let text = full().render();
    let types: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE crossorg_")).collect();
    let mut shown: Vec<String> = types.iter().map(|line| (*line).to_owned()).collect();
    let mut described: Vec<String> = ALL.iter().map(|one| format!("{} {}", one.name, one.kind)).collect();
    shown.sort();
    described.sort();
    assert_eq!(shown, described);
    for one in ALL {
        let samples = lines(&text, one);
        assert!(!samples.is_empty(), "{} has no sample: {text}", one.full_name());
        assert!(samples.iter().all(|sample| labels(sample) == one.labels), "{samples:?}");
        assert!(text.contains(&format!("# HELP crossorg_{} {}.", one.name, one.help)), "{}", one.name);
    }
}

#[test]
fn names_are_as_prometheus_has_them() {
    for one in ALL {
        let word = |text: &str| text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        assert!(word(one.name) && one.labels.iter().all(|label| word(label)), "{one:?}");
        assert!(!one.name.ends_with("_total") && !one.name.ends_with("_count"), "{one:?}");
        assert_eq!(one.name.contains("_age_") || one.name.contains("duration"), one.name.ends_with("_seconds"), "{one:?}");
    }
}

#[test]
fn values_are_those_of_the_moment() {
    let text = full().render();
    for sample in [
        "crossorg_connections{reason=\"Conflict\"} 1",
        "crossorg_connection_ready{namespace=\"apps\",name=\"to-central\"} 1",
        "crossorg_organizations{reason=\"Connected\"} 2",
        "crossorg_organizations{reason=\"Suspended\"} 0",
        "crossorg_inventory_age_seconds{namespace=\"apps\",name=\"payments\"} 2.5",
        "crossorg_unmanaged_connections{namespace=\"apps\",name=\"payments\"} 3",
        "crossorg_drift_repaired_total{was=\"changed\"} 1",
        "crossorg_changes_total{change=\"deleted\"} 1",
        "crossorg_passes_total{outcome=\"quiet\"} 1",
        "crossorg_reconcile_errors_total{class=\"throttled\"} 1",
        "crossorg_datadog_requests_total{namespace=\"apps\",name=\"payments\",call=\"list\",class=\"transient\",result=\"no_answer\"} 1",
        "crossorg_datadog_request_duration_seconds_count{call=\"list\"} 1",
        "crossorg_watch_age_seconds{watch=\"datadogorgs\"} 3.0",
        "crossorg_leader 1",
        concat!("crossorg_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(text.lines().any(|line| line == sample), "{sample} is missing: {text}");
    }
}

#[test]
fn a_process_that_stands_by_says_so() {
    let metrics = full();
    metrics.stands_by(true);
    assert!(metrics.render().contains("\ncrossorg_leader 0\n"));
    metrics.stands_by(false);
    assert!(metrics.render().contains("\ncrossorg_leader 1\n"));
}

#[test]
fn a_name_from_outside_forges_no_sample() {
    let text = full().render();
    assert!(text.contains(r#"bucket="a\"\nforged 1"} 8"#), "{text}");
    assert!(text.lines().all(|line| line.starts_with("crossorg_") || line.starts_with('#')), "{text}");
}

#[test]
fn the_series_of_a_datadogorg_that_is_gone_end() {
    let metrics = full();
    metrics.observe(&key("gone"), &observation("ok"));
    let text = metrics.render();
    assert!(!text.contains("gone") && text.contains("datadog_requests_total{namespace=\"apps\",name=\"payments\""), "{text}");
    assert_eq!(metrics.requests().len(), 1, "nothing is left of it in memory");
}

#[test]
fn before_anything_is_known_a_scrape_is_sound() {
    let text = Metrics::default().render();
    assert!(text.ends_with("# EOF\n") && text.contains("crossorg_build_info"), "{text}");
}

// === docs/metrics.md ===

/// The rows of the page's tables that speak of a metric: name, type, labels.
fn rows() -> Vec<(String, String, Vec<String>)> {
    let bare = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let row = |line: &str| {
        let line = line.replace("\\|", "or");
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let [name, kind, labels, meaning, ..] = cells.as_slice() else { return None };
        assert!(meaning.trim().len() > 20, "{line}");
        let labels = labels.split(',').map(bare).filter(|label| !label.is_empty()).collect();
        Some((bare(name), bare(kind), labels))
    };
    PAGE.lines().filter(|line| line.starts_with("| `crossorg_")).filter_map(row).collect()
}

#[test]
fn every_metric_has_its_line_in_the_docs_and_every_line_its_metric() {
    let owned = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
    let expected: Vec<_> = ALL.iter().map(|one| (one.full_name(), one.kind.to_owned(), owned(one.labels))).collect();
    assert_eq!(rows(), expected, "docs/metrics.md has one line for each metric, in the order of the code");
}

#[test]
fn whatever_the_docs_query_exists() {
    let known: Vec<String> = ALL.iter().map(Described::full_name).collect();
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = PAGE.split(|letter: char| !is_word(letter)).filter(|word| word.starts_with("crossorg_"));
    for word in words {
        let base = ["_bucket", "_count", "_sum"].iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word);
        assert!(known.iter().any(|name| name == base), "{word} does not exist");
    }
}

#[test]
fn the_docs_explain_every_word_of_a_label() {
    use Failure::{Conflict, Invalid, Kubernetes, OlderCrd, Panic, Permanent, Secret, Throttled, Transient};
    let failures = [Conflict, Kubernetes, OlderCrd, Transient, Throttled, Permanent, Secret, Invalid, Panic].map(Failure::word);
    let outcomes = [Outcome::Quiet, Outcome::Unchanged, Outcome::Said, Outcome::Changed].map(Outcome::word);
    let changes = ["created", "adopted", "updated", "deleted", "released", "orphaned"];
    for word in failures.into_iter().chain(outcomes).chain(changes) {
        assert!(PAGE.contains(&format!("`{word}`")), "{word}");
    }
}
