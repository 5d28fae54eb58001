//! One module for each command.

pub(crate) mod check_sources;
pub(crate) mod controlplane;
pub(crate) mod demo;
pub(crate) mod generate;
pub(crate) mod helm;
mod repository;
pub(crate) mod wrong;
