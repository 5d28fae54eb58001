//! Three organizations of one account, for the demo and for tests that read nicely.

use std::collections::BTreeSet;

use uuid::{Uuid, uuid};

use super::{Config, Credential, Keys, MANAGE, Organization, READ, User, WRITE};

/// The organization whose telemetry is shared.
pub const PAYMENTS: Uuid = uuid!("11111111-0000-4000-8000-000000000001");
/// The organization that reads everybody's telemetry.
pub const CENTRAL: Uuid = uuid!("22222222-0000-4000-8000-000000000002");
/// A third one, so that there is a stranger to every pair.
pub const SECURITY: Uuid = uuid!("33333333-0000-4000-8000-000000000003");
/// The credential of Payments that may only read.
pub const READER: &str = "payments-reader";

impl Config {
    /// Payments, Central and Security in one account. Each has a service account whose key may read and write: credential `payments`,
    /// API key `fake-api-key-payments`, application key `fake-app-key-payments`, and so on for `central` and `security`. Payments has two
    /// more: [`READER`], which may only read, and `payments-alice`, the key of a person, with everything.
    #[must_use]
    pub fn three_organizations() -> Self {
        let mut payments = organization(PAYMENTS, "Payments");
        payments.credentials.push(credential(READER, user(PAYMENTS, 2, "Payments reader", true), &[READ]));
        payments.credentials.push(credential("payments-alice", user(PAYMENTS, 3, "Alice", false), &[READ, WRITE, MANAGE]));
        let organizations = vec![payments, organization(CENTRAL, "Central"), organization(SECURITY, "Security")];
        Self { organizations, ..Self::default() }
    }
}

fn organization(id: Uuid, name: &str) -> Organization {
    let slug = name.to_lowercase();
    let operator = credential(&slug, user(id, 1, &format!("{name} operator"), true), &[READ, WRITE]);
    Organization { id, name: name.to_owned(), public_id: None, account: "main".to_owned(), credentials: vec![operator], limit: None }
}

fn credential(id: &str, user: User, permissions: &[&str]) -> Credential {
    let keys = Keys::Pair { api_key: format!("fake-api-key-{id}"), app_key: format!("fake-app-key-{id}") };
    let permissions: BTreeSet<_> = permissions.iter().map(|&permission| permission.to_owned()).collect();
    Credential { id: id.to_owned(), keys, user, permissions, enabled: true }
}

/// The user's id is the organization's with another middle: recognisable in a log.
fn user(organization: Uuid, number: u128, name: &str, service_account: bool) -> User {
    let id = Uuid::from_u128(organization.as_u128() | (number << 80));
    User { id, name: name.to_owned(), service_account }
}
