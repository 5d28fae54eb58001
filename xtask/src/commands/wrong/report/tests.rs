use super::*;
use crate::commands::wrong::variants::VARIANTS;

fn line(variant: Option<&'static str>, attempt: Attempt, verdict: Verdict) -> Line {
    Line { variant, attempt, verdict }
}

fn caught(by: &str) -> Verdict {
    Verdict::Caught { after: "seed 4".to_owned(), by: by.to_owned() }
}

#[test]
fn a_line_tells_by_what_a_variant_was_caught() {
    let text = line(Some("posts-again"), Attempt::Seeds, caught("I1 no duplicate")).to_string();
    assert_eq!(text, "posts-again             simulation    caught by seed 4: I1 no duplicate");
}

#[test]
fn a_line_shouts_what_must_not_be() {
    let passed = Verdict::Passed { after: "100 seeds".to_owned() };
    assert!(line(Some("posts-again"), Attempt::Seeds, passed.clone()).to_string().contains("NOT CAUGHT by 100 seeds"));
    assert!(line(None, Attempt::Seeds, caught("x")).to_string().contains("FAILS although nothing is wrong"));
    assert!(line(None, Attempt::Seeds, passed).to_string().contains("passes: 100 seeds"));
}

#[test]
fn a_long_violation_is_cut() {
    let text = line(Some("posts-again"), Attempt::Seeds, caught(&"ä".repeat(500))).to_string();
    assert!(text.ends_with('…') && text.chars().count() < 300, "{text}");
}

#[test]
fn the_table_has_the_variants_in_their_order_with_what_is_wrong_and_the_controls_last() {
    let variants: Vec<&Variant> = VARIANTS.iter().collect();
    let [first, second] = [variants[0], variants[1]];
    let blind = Attempt::Blind(Net::Sweep, "its lists are true");
    let text = table(
        &variants,
        &[
            line(None, Attempt::Tests(&["a"]), Verdict::Passed { after: "a".to_owned() }),
            line(Some(second.name), Attempt::Seeds, caught("x")),
            line(Some(first.name), blind, Verdict::Blind("its lists are true")),
            line(Some(first.name), Attempt::Seeds, caught("x")),
        ],
    );
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
    let order = [first.wrong, "simulation", "crash sweep", second.wrong, "passes: a"].map(place);
    assert!(order.is_sorted(), "{text}");
}
