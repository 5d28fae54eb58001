//! The Kubernetes API in virtual time, for simulations of the operator's real code.

#![expect(clippy::unwrap_used, reason = "test code; only the functions marked as tests are recognised as such")]
#![expect(clippy::panic, reason = "test code; only the functions marked as tests are recognised as such")]

mod apiserver;
