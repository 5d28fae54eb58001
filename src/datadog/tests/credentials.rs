use std::collections::HashMap;

use http::HeaderMap;

use super::super::{Credentials, InvalidSecret};
use super::{API_KEY, APP_KEY};

type Content<'a> = &'a [(&'a str, &'a [u8])];

fn read(content: Content<'_>) -> Result<Credentials, InvalidSecret> {
    let content: HashMap<&str, &[u8]> = content.iter().copied().collect();
    Credentials::from_secret(|key| content.get(key).copied())
}

fn headers(credentials: &Credentials) -> HeaderMap {
    let mut headers = HeaderMap::new();
    credentials.sign(&mut headers);
    headers
}

#[test]
fn two_keys_or_one_token_are_read_and_trimmed() {
    let keys = headers(&read(&[("api-key", b" abc\n"), ("app-key", b"def\r\n"), ("unrelated", b"x")]).unwrap());
    assert_eq!((&keys["dd-api-key"], &keys["dd-application-key"], keys.len()), (&"abc".parse().unwrap(), &"def".parse().unwrap(), 2));
    let token = headers(&read(&[("bearer-token", b"ddsat_x_y\n")]).unwrap());
    assert_eq!((&token["authorization"], token.len()), (&"Bearer ddsat_x_y".parse().unwrap(), 1));
    assert!(token["authorization"].is_sensitive());
}

#[test]
fn what_is_wrong_with_a_secret_is_named_without_its_value() {
    use InvalidSecret::{Absent, Ambiguous, Empty, Illegal, Missing};
    let rows: [(Content<'_>, InvalidSecret); 11] = [
        (&[], Absent),
        (&[("apiKey", b"canary")], Absent),
        (&[("api-key", b"canary")], Missing("app-key")),
        (&[("app-key", b"canary")], Missing("api-key")),
        (&[("api-key", b"canary"), ("app-key", b"canary"), ("bearer-token", b"canary")], Ambiguous),
        (&[("app-key", b"canary"), ("bearer-token", b"canary")], Ambiguous),
        (&[("api-key", b"canary"), ("app-key", b" \n")], Empty("app-key")),
        (&[("bearer-token", b"")], Empty("bearer-token")),
        (&[("bearer-token", b"canary\ncanary")], Illegal("bearer-token")),
        (&[("api-key", "canary\u{e9}".as_bytes()), ("app-key", b"canary")], Illegal("api-key")),
        (&[("api-key", b"canary"), ("app-key", b"canary\xff\0")], Illegal("app-key")),
    ];
    for (content, expected) in rows {
        let error = read(content).unwrap_err();
        assert!(!error.to_string().contains("canary") && !format!("{error:?}").contains("canary"), "{error}");
        assert_eq!(error, expected);
    }
}

#[test]
fn a_fingerprint_changes_with_the_content_and_only_with_it() {
    let keys = |api: &[u8], app: &[u8]| Credentials::from_keys(api, app).unwrap();
    assert_eq!(keys(b"a", b"b"), keys(b"a\n", b" b"));
    let different = [keys(b"a", b"b"), keys(b"ab", b"b"), keys(b"a", b"bb"), keys(b"b", b"a"), Credentials::from_token(b"a").unwrap()];
    for (n, one) in different.iter().enumerate() {
        assert!(different.iter().skip(n + 1).all(|other| one != other && one.fingerprint() != other.fingerprint()));
    }
}

#[test]
fn debug_shows_the_kind_of_key_and_no_more() {
    let keys = read(&[("api-key", API_KEY.as_bytes()), ("app-key", APP_KEY.as_bytes())]).unwrap();
    assert_eq!(format!("{keys:?}"), r#"Credentials("API key and application key")"#);
    let shown = format!("{:?}", headers(&keys));
    assert!(!shown.contains(API_KEY) && !shown.contains(APP_KEY), "{shown}");
}
