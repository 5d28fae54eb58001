//! The operator's real code in virtual time, against both of its APIs in this process: `make simulate`. Not part of `make test` as long as
//! some seeds still end otherwise than the oracle expects.

#![expect(clippy::unwrap_used, reason = "test code; only the functions marked as tests are recognised as such")]
#![expect(clippy::panic, reason = "test code; only the functions marked as tests are recognised as such")]

mod apiserver;
mod misfortunes;
mod oracle;
mod people;
mod processes;
mod run;
mod seeds;
mod world;
