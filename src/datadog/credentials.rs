//! The key of an organization, from the Secret to the request header and nowhere else.

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::blot::Forms;

/// The Secret's key that holds the API key.
pub const API_KEY: &str = "api-key";
/// The Secret's key that holds the application key.
pub const APP_KEY: &str = "app-key";
/// The Secret's key that holds a personal or service access token.
pub const BEARER_TOKEN: &str = "bearer-token";

const DD_API_KEY: HeaderName = HeaderName::from_static("dd-api-key");
const DD_APPLICATION_KEY: HeaderName = HeaderName::from_static("dd-application-key");

/// What the operator proves itself with. `Debug` shows the kind alone; two are equal if their [`fingerprint`](Self::fingerprint)s are.
#[derive(Clone)]
pub struct Credentials(Form);

#[derive(Clone)]
enum Form {
    Keys { api_key: SecretString, app_key: SecretString },
    Token(SecretString),
}

/// Why the content of a Secret is no key. Names the Secret's keys, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Neither form is there.
    #[error("the Secret holds no key: it needs `{API_KEY}` and `{APP_KEY}`, or `{BEARER_TOKEN}`")]
    Absent,
    /// Half of the two keys is there.
    #[error("the Secret has no `{0}`: `{API_KEY}` and `{APP_KEY}` go together")]
    Missing(&'static str),
    /// It cannot be told which one is meant.
    #[error("the Secret holds two kinds of key: keep `{API_KEY}` and `{APP_KEY}`, or `{BEARER_TOKEN}`, and remove the other")]
    Ambiguous,
    /// Nothing but white space.
    #[error("`{0}` of the Secret is empty")]
    Empty(&'static str),
    /// A line break in the middle, a quotation from a document, binary data.
    #[error("`{0}` of the Secret holds a character that no key has (white space within, not ASCII, or binary): store the bare key")]
    Illegal(&'static str),
}

impl Credentials {
    /// Reads the content of a Secret through `value`, which answers a key's bytes. White space around a value is dropped: editors and
    /// `echo` leave a line break.
    ///
    /// # Errors
    /// [`InvalidSecret`] tells which key of the Secret to mend.
    pub fn from_secret<'a>(value: impl Fn(&str) -> Option<&'a [u8]>) -> Result<Self, InvalidSecret> {
        match (value(API_KEY), value(APP_KEY), value(BEARER_TOKEN)) {
            (None, None, None) => Err(InvalidSecret::Absent),
            (None, None, Some(token)) => Self::from_token(token),
            (Some(api_key), Some(app_key), None) => Self::from_keys(api_key, app_key),
            (Some(_), None, None) => Err(InvalidSecret::Missing(APP_KEY)),
            (None, Some(_), None) => Err(InvalidSecret::Missing(API_KEY)),
            (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => Err(InvalidSecret::Ambiguous),
        }
    }

    /// An API key with an application key.
    ///
    /// # Errors
    /// [`InvalidSecret`] if one of them cannot be a key.
    pub fn from_keys(api_key: &[u8], app_key: &[u8]) -> Result<Self, InvalidSecret> {
        Ok(Self(Form::Keys { api_key: checked(API_KEY, api_key)?, app_key: checked(APP_KEY, app_key)? }))
    }

    /// A personal or service access token.
    ///
    /// # Errors
    /// [`InvalidSecret`] if it cannot be a token.
    pub fn from_token(token: &[u8]) -> Result<Self, InvalidSecret> {
        Ok(Self(Form::Token(checked(BEARER_TOKEN, token)?)))
    }

    /// A digest that tells whether a Secret has changed, and from which nothing can be read back.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut digest = Sha256::new_with_prefix(self.kind());
        for secret in self.secrets() {
            // No value contains a zero byte, so it keeps two values apart.
            digest.update([0]);
            digest.update(secret.expose_secret());
        }
        digest.finalize().into()
    }

    /// Puts the key where it belongs, marked as sensitive so that nobody down the line prints or indexes it.
    pub(super) fn sign(&self, headers: &mut HeaderMap) {
        match &self.0 {
            Form::Keys { api_key, app_key } => {
                headers.insert(DD_API_KEY, sensitive(api_key.expose_secret()));
                headers.insert(DD_APPLICATION_KEY, sensitive(app_key.expose_secret()));
            }
            Form::Token(token) => {
                headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose_secret())));
            }
        }
    }

    /// The forms in which an answer may repeat the key.
    pub(super) fn forms(&self) -> Forms {
        Forms::of(self.secrets().into_iter().map(ExposeSecret::expose_secret))
    }

    fn kind(&self) -> &'static str {
        match &self.0 {
            Form::Keys { api_key: _, app_key: _ } => "API key and application key",
            Form::Token(_) => "bearer token",
        }
    }

    fn secrets(&self) -> Vec<&SecretString> {
        match &self.0 {
            Form::Keys { api_key, app_key } => vec![api_key, app_key],
            Form::Token(token) => vec![token],
        }
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint()
    }
}

impl Eq for Credentials {}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.kind()).finish()
    }
}

fn checked(key: &'static str, value: &[u8]) -> Result<SecretString, InvalidSecret> {
    let value = value.trim_ascii();
    if value.is_empty() {
        return Err(InvalidSecret::Empty(key));
    }
    match str::from_utf8(value) {
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(SecretString::from(text)),
        Ok(_) | Err(_) => Err(InvalidSecret::Illegal(key)),
    }
}

fn sensitive(value: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(value).expect("`checked` lets visible ASCII through and nothing else");
    value.set_sensitive(true);
    value
}
