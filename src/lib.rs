//! Kubernetes operator for Datadog cross-organization visibility.
//!
//! Two mirrors and a diff: one mirror is the watch of our objects, the other is for each organization one recent list of its
//! connections. Pure functions compare them and yield the next step; thin effects perform it. The map:
//!
//! - [`api`]: the two kinds, as Kubernetes knows them.
//! - [`decide`]: decisions; values in, values out.
//! - [`datadog`]: the API of Datadog.
//! - [`world`]: what is known of objects and organizations.
//! - [`controller`]: the loop that puts them together; the only place with effects on both sides.
//! - [`export`]: a command that writes down as objects what is there already.
//! - [`leader`]: which of several processes works.
//! - [`config`], [`log`], [`metrics`], [`admin`]: start-up and signals to the outside.
//!
//! `docs/architecture.md` has the data path and says what wakes an object.

pub mod admin;
pub mod api;
pub mod config;
pub mod controller;
pub mod datadog;
pub mod decide;
pub mod export;
pub mod leader;
pub mod log;
pub mod metrics;
pub mod probe;
pub mod world;
