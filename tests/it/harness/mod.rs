//! What every integration test stands on: one real control plane for the whole run, and for each test a [`World`] of its own.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_connection_is_created_and_deleted() {
//!     let world = World::new("created-and-deleted").await;      // a namespace and a Datadog (`world.datadog`, three organizations)
//!     world.org("payments").await;                              // Secret and DatadogOrg; `world.organization(..)` to say more
//!     let operator = world.operator().await;                    // the shipping binary, ready; killed when dropped
//!     let before = world.counts();
//!     world.connection("to-central").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
//!     let object = world.ready("to-central").await;             // or world.reason("to-central", "Conflict").await
//!     assert_eq!((world.counts() - before).post, 1);            // what the operator wrote, at Datadog and in the namespace
//!     world.advance(Duration::from_secs(61));                   // Datadog's clock: a younger connection is not deleted yet
//!     world.delete::<OrgConnection>("to-central").await;
//!     world.gone::<OrgConnection>("to-central").await;
//! }
//! ```
//!
//! - Objects: [`World::organization`], [`World::connection`], [`World::secret`], [`World::apply`] (any manifest), [`World::patch`],
//!   [`World::annotate`], [`World::api`], [`World::kubectl`].
//! - Waiting: [`World::ready`], [`World::reason`], [`World::org_ready`], [`World::org_reason`], [`World::gone`], [`World::refresh`] (a
//!   fresh list now), [`World::comes_to`] for what takes long, [`World::until`] for everything else. Never a bare sleep: each has a
//!   deadline, and shows the objects and Datadog's journal when it passes. The operators' logs
//!   (`target/tmp/it/<namespace>-<n>.log`) are shown whenever a test fails.
//! - Behind the operator's back: `world.datadog` ([`datadog_double::Double`]): `create_as`, `change_types`, `delete`, `script`.
//! - The process: [`Operator::terminate`], [`Operator::kill`], [`Operator::get`], [`Operator::log`], [`World::start_operator`] (flags;
//!   does not wait until it is ready).
//! - A test that stops or hangs the API server, or wants no CRDs, takes a [`plane::private`] one and [`World::on`] it.
//!
//! No poll but the first comes by itself in a minute unless an organization says `poll_every("10s")`.

#![allow(dead_code, reason = "a vocabulary: no rule says that each word is in use at any time")]

pub(crate) mod chart;
mod counts;
mod figures;
mod manifests;
mod operator;
mod organizations;
pub(crate) mod plane;
mod report;
mod waiting;
mod watching;
mod world;

pub(crate) use counts::Counts;
pub(crate) use figures::print_past_capture;
pub(crate) use manifests::keys_of;
pub(crate) use operator::{Operator, Way};
pub(crate) use organizations::{many_organizations, payments, share_with_each};
pub(crate) use waiting::{Conditioned, connection_id};
pub(crate) use world::{Kind, OLD_ENOUGH, World};
