//! One module for each command.

pub(crate) mod check_sources;
pub(crate) mod controlplane;
pub(crate) mod demo;
pub(crate) mod e2e;
pub(crate) mod generate;
pub(crate) mod helm;
mod repository;
mod screen;
mod truth;
pub(crate) mod wrong;
