use super::*;

const KEY: &str = "0123456789abcdef0123456789abcde+/=";

fn blotted(text: &str) -> String {
    Forms::of([KEY]).blot_out(text)
}

#[test]
fn a_key_is_blotted_out_wherever_and_in_whatever_form_it_stands() {
    // Written by other tools than the code under test.
    for form in [
        KEY,
        "0123456789ABCDEF0123456789ABCDE+/=",
        "303132333435363738396162636465663031323334353637383961626364652b2f3d",
        "0123456789abcdef0123456789abcde%2B%2F%3D",
        "0123456789abcdef0123456789abcde%2b%2f%3d",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZSsvPQ==",
    ] {
        let text = blotted(&format!("The key {form} is not known"));
        assert!(text.starts_with("The key [key]") && text.ends_with(" is not known") && text.len() < 45, "{form}: {text}");
    }
}

#[test]
fn base64_is_found_whatever_stands_before_the_key() {
    for within in ["ODAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGUrLz0=", "ODgwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlKy89"] {
        let text = blotted(within);
        assert!(text.contains(BLOT) && text.len() < 20, "{text}");
    }
}

#[test]
fn half_a_key_is_too_much_and_a_few_letters_are_not() {
    assert_eq!(blotted("begins with 0123456789abcdef0, ends with 0123456789abcde+/="), "begins with [key], ends with [key]");
    assert_eq!(blotted("ending in bcde+/="), "ending in bcde+/=");
    assert_eq!(blotted("Forbidden: API key is not valid"), "Forbidden: API key is not valid");
}

#[test]
fn the_rest_of_a_text_stays_as_it_was() {
    assert_eq!(blotted(&format!("é{KEY}é{KEY}")), "é[key]é[key]");
    assert_eq!(Forms::of([KEY, "other-key-of-some-length"]).blot_out(&format!("{KEY} other-key-of-some-length")), "[key] [key]");
    assert_eq!(blotted(""), "");
}

#[test]
fn a_syllable_is_no_key() {
    assert_eq!(Forms::of(["abc"]).blot_out("abc is not 616263"), "abc is not 616263");
}
