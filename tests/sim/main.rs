//! The operator's real code in virtual time, against both of its APIs in this process; and the Kubernetes one of them by itself.

#![expect(clippy::unwrap_used, reason = "test code; only the functions marked as tests are recognised as such")]
#![expect(clippy::panic, reason = "test code; only the functions marked as tests are recognised as such")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "acts and misfortunes are told apart by groups, and the rest of a kind is another group"
)]

mod apiserver;
mod election;
mod misfortunes;
mod oracle;
mod people;
mod processes;
mod run;
mod seeds;
mod world;
