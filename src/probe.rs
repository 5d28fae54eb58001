//! `crossorg probe`: asks a running operator over HTTP how it is, where nothing else can: its image has no shell.

use std::time::Duration;

use http::{StatusCode, Uri};

/// An operator that turns answers at once; what takes longer is the way there.
const DEADLINE: Duration = Duration::from_secs(5);

/// Why the answer is not good.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No answer came.
    #[error("{url} does not answer: is the operator there, and does a NetworkPolicy let this through?")]
    NoAnswer {
        /// What was asked.
        url: Uri,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// An answer came, and it says no.
    #[error("{url} answers {status}: {}", .text.trim_end())]
    Refused {
        /// What was asked.
        url: Uri,
        /// Its status.
        status: StatusCode,
        /// What it says.
        text: String,
    },
}

/// What is answered there, if that is a success. Needs the process-wide TLS provider to be installed. No proxy leads to an operator.
///
/// # Errors
/// When there is no answer within 5 s, or one that is no success.
pub async fn ask(url: &Uri) -> Result<String, Error> {
    let (status, text) = answer(url).await.map_err(|source| Error::NoAnswer { url: url.clone(), source: source.without_url() })?;
    if status.is_success() { Ok(text) } else { Err(Error::Refused { url: url.clone(), status, text }) }
}

async fn answer(url: &Uri) -> Result<(StatusCode, String), reqwest::Error> {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build()?;
    let answer = client.get(url.to_string()).send().await?;
    Ok((answer.status(), answer.text().await?))
}
