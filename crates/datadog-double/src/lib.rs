//! The Datadog organization connection API as a small HTTP server: for the operator's tests, its demo, and simulations in virtual time.
//!
//! Several organizations of one or more accounts live behind one address and are told apart by their keys. The double shares no code with
//! the operator: two readings of one contract catch a misreading.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use datadog_double::{CENTRAL, Config, Double, Fault, PAYMENTS, Rule, When};
//!
//! let running = Double::start(&Config::three_organizations()).await?;
//! let double = &running.double;
//! double.script(Rule::new(Fault::Drop { when: When::After }).method("POST"));
//! // … a client at running.url creates a connection and never hears of it …
//! double.wait(Duration::from_secs(5), |journal| journal.iter().any(|entry| entry.took_effect)).await?;
//! assert!(double.connection(PAYMENTS, CENTRAL).is_some());
//! assert!(double.violations().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # A map
//!
//! - [`Config`]: organizations, keys, budgets, and the choices of the last table. [`Config::three_organizations`] is ready to use.
//! - [`Double`]: the handle. [`Double::start`] puts it on a socket, [`Double::router`] and [`Double::service`] serve it in process.
//! - [`Rule`] and [`Fault`]: what goes wrong, for which requests, how often. The first rule that matches and is not used up decides.
//! - [`Entry`]: the journal. [`Double::wait`] waits for it, so that no test sleeps.
//! - [`Broken`]: what a well-behaved client never does, counted.
//! - [`Clock`] and [`Ids`]: the sources of chance. Every pause is by tokio's time, so a paused runtime makes a simulation.
//!
//! A request that has arrived is carried out whether or not its client waits for the answer, as a real server would.
//!
//! # Control interface
//!
//! The methods of [`Double`], as JSON over HTTP under `/_double/`. It asks for no key and is in no journal.
//!
//! | Request | What |
//! |---|---|
//! | `GET state` | [`State`] |
//! | `GET journal?since=<seq>`, `DELETE journal`, `GET tally` | [`Entry`] list, forget, [`Tally`] |
//! | `GET violations`, `DELETE violations` | counts and list of [`Violation`], forget |
//! | `GET rules`, `POST rules` ([`Rule`]), `DELETE rules`, `DELETE rules/{n}`, `POST rules/{n}/release` | the script |
//! | `POST connections` `{person, source, sink, connection_types}` | a person creates |
//! | `PATCH connections/{id}` `{connection_types?, protected?}`, `DELETE connections/{id}` | a person changes, deletes; a test protects |
//! | `POST users/{id}/deactivate` | its connections vanish |
//! | `POST organizations` ([`Organization`]), `PATCH organizations/{id}` `{name}` | add, rename |
//! | `PUT organizations/{id}/limit` ([`Limit`]), `DELETE` the same, `POST organizations/{id}/limit/use` `{requests}` | budget; other tools |
//! | `POST organizations/{id}/credentials` ([`Credential`]), `PATCH organizations/{id}/credentials/{name}` `{enabled?, permissions?}` | keys |
//!
//! A rule as JSON: `{"method": "POST", "times": 2, "faults": [{"kind": "delay", "when": "after", "millis": 50}, {"kind": "drop", "when":
//! "after"}]}`; a fault of lists: `{"kind": "list", "list": {"list": "stale", "stale": {"by": "writes", "count": 1}}}`.
//!
//! # How sure each behaviour is
//!
//! Recorded from the real server (public test recordings of Datadog's clients, 2025), answered byte for byte:
//!
//! | Request | Answer |
//! |---|---|
//! | POST | 200, the object with names, newline |
//! | POST of a pair that has a connection | 409 `connection between orgs S and D already exists`, no newline |
//! | POST with a type twice | 400 `connection between orgs S and D is not allowed`, no newline |
//! | POST with a sink that is no UUID | 404 `Not found`, newline |
//! | POST with `"name": ""` in the sink | accepted |
//! | PATCH | 200, the object **without** names, same `created_at`, types in the order sent |
//! | PATCH with a type twice | 400 `Validation failed for input.`, no newline |
//! | PATCH of an unknown id | 404 `Org connection with id:… not found not found`, no newline |
//! | DELETE | 200 `{}` and newline, `Content-Length: 3`, never compressed |
//! | DELETE of an unknown id, also the second time | 404 `org connection with id:… not found not found`, no newline |
//! | DELETE of `/malformed_id` | 400 `connection id must be a valid uuid`, no newline |
//! | GET | 200; names; `included` (organizations, then users) only if there are rows; `meta` last; newline |
//! | GET with `sink_org_id` | the matching rows |
//! | all | `Content-Type: application/json`; times in microseconds with `+00:00`; UUIDs of version 4; chunked and, if asked for, gzip (but DELETE) |
//! | 403 without the permission, 429, `GET current_user` | texts and members as seen, order of members assumed in `current_user` |
//!
//! Specified or documented by Datadog, not recorded:
//!
//! | Behaviour | |
//! |---|---|
//! | who sees what | source and sink list a connection; only the source creates and changes; both delete |
//! | `limit` (default 1000), `offset`, `source_org_id` | as their names say |
//! | permissions | `org_connections_read` to list, `org_connections_write` to write; for `/api/v2/org` `org_management` or the latter |
//! | `/api/v2/org`, `/api/v2/validate`, `/api/v2/validate_keys` | the shapes of the specification |
//! | rate limit | calendar-aligned windows, shared by the keys of an organization, reset in seconds |
//! | a deactivated user | its connections are deleted, its keys refused |
//! | a token in the place of the application key | works, the API key is then ignored |
//!
//! Assumed, because nothing is known:
//!
//! | Situation | Choice |
//! |---|---|
//! | well-formed sink of no organization, or of another account | 400 "is not allowed" ([`Behaviour::unknown_sink`]: 404) |
//! | sink is the source; more sinks than [`Behaviour::sharing_limit`] | 400 "is not allowed" |
//! | PATCH, DELETE by a stranger | 404 as if absent |
//! | PATCH by the sink | 404 as if absent ([`Behaviour::update_by_sink`]: 403) |
//! | PATCH with a malformed id | 400 as DELETE |
//! | empty list or unknown type; body that is not JSON or lacks a member; path id and body id differ; `limit` or `offset` no number | 400 `Validation failed for input.` |
//! | order of checks | key, budget, permission, form, sink, duplicates, existing pair |
//! | `total_count` | counts before the filters, `total_filtered_count` after them and before paging |
//! | order of rows | by creation; `included`: each organization and user once, in the order of the rows |
//! | a filter that is no UUID | matches nothing |
//! | PATCH that changes nothing | 200 as any other |
//! | no API key | 403 `API key required`; no application key or an unknown token: 401 `Unauthorized`; any other wrong key: 403 `Forbidden` |
//! | error answers | no newline but on the generic 404; compressed like others |
//! | a request refused for its key | draws on no budget; with a valid key any request draws one, refused ones too |
//! | `/api/v2/org` | all other organizations of the account ([`Behaviour::account_visible`]); the current one is in `included`; `filter[name]` matches parts, in any case |
//! | any other path or method | the generic 404 |
//! | `api_key_id`, handles, addresses, `created_at` of organizations and users | made up |
//!
//! Unlike the real server it answers at once unless told otherwise, and nothing limits how often keys change.

mod api;
mod auth;
mod body;
mod config;
mod control;
mod core;
mod double;
mod exchange;
mod faults;
mod history;
mod journal;
mod limits;
mod monitor;
mod refusal;
mod reply;
mod serve;
mod sources;
mod state;
mod wire;

pub use body::Dropped;
pub use config::{
    Behaviour, CENTRAL, Config, Credential, Keys, Limit, MANAGE, Organization, PAYMENTS, READ, READER, SECURITY, UnknownSink, UpdateBySink,
    User, WRITE,
};
pub use double::{ControlError, CredentialState, Double, OrganizationState, State, WaitExpired};
pub use faults::{Counts, Fault, ListFault, OddShape, Rule, Scripted, When};
pub use history::Stale;
pub use journal::{Entry, Outcome, Tally, tally};
pub use monitor::{Broken, Violation};
pub use refusal::Refusal;
pub use serve::Running;
pub use sources::{Clock, Ids};
pub use state::{Connection, KnownUser};
