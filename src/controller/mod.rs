//! The loop: watches feed objects to two reconcilers, these look, decide, act and record. Effects live here and are thin; what is to be
//! done is decided in [`crate::decide`].

mod apply;
mod brake;
mod contact;
pub mod context;
mod datadog_org;
mod events;
pub mod health;
mod kubernetes;
mod org_connection;
mod poll;
mod record;
mod signals;
mod unmanaged;
mod view;
mod waking;
pub mod watch;

#[cfg(test)]
mod tests;

pub use watch::{End, run};
