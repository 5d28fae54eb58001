use super::*;

const ID: &str = "22222222-0000-4000-8000-000000000002";

fn first(source: &str, sink: &str) -> String {
    Names::taken([]).choose(source, sink, ID)
}

/// A label of RFC 1123.
fn is_label(name: &str) -> bool {
    let sound = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    name.len() <= LONGEST && name.chars().all(|letter| sound(letter) || letter == '-') && name.starts_with(sound) && name.ends_with(sound)
}

#[test]
fn a_name_is_made_of_the_letters_and_digits_of_both() {
    let rows = [
        ("payments", "Central", "payments-to-central"),
        ("payments.eu", "ACME  Corp. (EU) #2", "payments-eu-to-acme-corp-eu-2"),
        ("payments", "--- -", "payments-to-22222222-0000-4000-8000-000000000002"),
        ("payments", "\u{65e5}\u{672c}", "payments-to-22222222-0000-4000-8000-000000000002"),
        ("payments", "", "payments-to-22222222-0000-4000-8000-000000000002"),
        ("payments", "Z\u{fc}rich", "payments-to-z-rich"),
        ("7", "8", "7-to-8"),
    ];
    for (source, sink, name) in rows {
        assert_eq!(first(source, sink), name);
    }
}

#[test]
fn a_name_is_a_label_however_long_its_parts() {
    let long = |letter: &str| letter.repeat(253);
    assert_eq!(first(&long("a"), &long("b")), format!("{}-to-{}", "a".repeat(29), "b".repeat(30)));
    assert_eq!(first("pay", &long("b")), format!("pay-to-{}", "b".repeat(56)));
    assert_eq!(first(&long("a"), "hub"), format!("{}-to-hub", "a".repeat(56)));
    for length in 1..80 {
        let dashed = format!("{}-{}", "a".repeat(length), "b".repeat(80 - length));
        for name in [first(&dashed, "hub"), first("pay", &dashed), first(&dashed, &dashed)] {
            assert!(is_label(&name), "{name}");
        }
    }
}

#[test]
fn a_name_that_is_taken_is_numbered() {
    let mut names = Names::taken(["pay-to-hub", "pay-to-hub-3"].map(str::to_owned));
    let chosen: Vec<_> = (0..3).map(|_| names.choose("pay", "Hub", ID)).collect();
    assert_eq!(chosen, ["pay-to-hub-2", "pay-to-hub-4", "pay-to-hub-5"]);
}

#[test]
fn a_number_makes_no_name_too_long() {
    let mut names = Names::taken([]);
    let sink = "b".repeat(80);
    let chosen: BTreeSet<_> = (0..120).map(|_| names.choose("pay", &sink, ID)).collect();
    assert!(chosen.len() == 120 && chosen.iter().all(|name| is_label(name)), "{chosen:?}");
}
