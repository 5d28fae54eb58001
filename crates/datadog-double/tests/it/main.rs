//! The double from outside: over a real socket unless a test says otherwise.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod binary;
mod changes;
mod client;
mod control;
mod faults;
mod identity;
mod in_process;
mod limits;
mod listing;
mod monitors;
mod recorded;
