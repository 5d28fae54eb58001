//! Decisions: values in, values out. Nothing here knows a client, a clock, chance, the environment, a log or a task; `make check`
//! looks that it stays so.

pub mod brake;
pub mod claims;
pub mod desired;
pub mod digest;
pub mod election;
pub mod event;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod model;
pub mod organization;
pub mod outcome;
pub mod plan;
pub mod poll;
pub mod release;
pub mod requeue;
pub mod status;
pub mod step;
pub mod unmanaged;
