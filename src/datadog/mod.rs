//! The API of Datadog, as far as connections need it: who am I, which organizations are there, list, create, update, delete.
//!
//! Talks to the network, decides nothing. A call has one of three outcomes ([`Outcome`]) and an error has a class ([`Class`]); nobody
//! has to look into an error any deeper to know what to do next. Keys travel in request headers and appear nowhere else. Every request
//! passes the organization's [`Budget`] first and ends within [`DEADLINE`].
//!
//! ```text
//! Client ──► Budget (closed? then nothing is sent) ──► Transport (reqwest, or a double) ──► answer
//!    ▲                                                                                        │
//!    └── value or Error ◄── wire (lenient reading, strict turning into values) ◄── clock, Budget
//! ```

mod blot;
mod budget;
mod budgets;
mod call;
mod client;
mod clock;
mod credentials;
mod error;
mod listing;
mod text;
pub mod transport;
mod wire;

#[cfg(test)]
mod tests;

pub use budgets::{Budget, Budgets};
pub use call::{Call, Observation, Observer};
pub use client::{Client, DEADLINE, Deleted};
pub use credentials::{API_KEY, APP_KEY, BEARER_TOKEN, Credentials, InvalidSecret};
pub use error::{Class, Error, Outcome, Unreadable};
pub use listing::{Incomplete, Listing};
pub use text::Texts;
pub(crate) use text::is_unprintable;
pub use transport::{Transport, TransportError};
pub use wire::Patched;
