//! The operator as it ships, against a real API server and the double of Datadog's API. `harness` says how a test is written.

#![expect(clippy::unwrap_used, reason = "test code; only the functions marked as tests are recognised as such")]
#![expect(clippy::panic, reason = "test code; only the functions marked as tests are recognised as such")]

mod admission;
mod brake;
mod budget;
mod chart;
mod crash;
mod credentials;
mod doubt;
mod election;
mod errors;
mod examples;
mod export;
mod handover;
mod harness;
mod isolation;
mod lifecycle;
mod lists;
mod policies;
mod process;
mod proxy;
mod reasons;
mod refused;
mod rights;
mod scale;
mod secrecy;
mod stale;
mod sweep;
mod undecodable;
mod unmanaged;
