//! The DatadogOrg objects as they have been stored, and which keys their Secrets have held.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use serde_json::Value;

use super::text;
use crate::world::{KEY_PREFIX, SEATS, Seat};

/// `maxDeletionsPerHour` of a DatadogOrg that does not say.
const DEFAULT_LIMIT: usize = 10;

/// All seats from the beginning on.
#[derive(Debug, Default)]
pub(super) struct Seats {
    offices: BTreeMap<Seat, Vec<(Duration, Option<Office>)>>,
    /// Since when the Secret holds a key.
    secrets: BTreeMap<Seat, Duration>,
    holders: BTreeMap<String, BTreeSet<Seat>>,
}

/// One version of a DatadogOrg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Office {
    pub(super) suspended: bool,
    pub(super) terminating: bool,
    pub(super) proven: bool,
    pub(super) ready: bool,
    pub(super) uid: String,
    /// How many deletions an hour it lets through.
    pub(super) limit: usize,
    /// Until when they are approved.
    approved: Option<Timestamp>,
    interval: Duration,
}

impl Office {
    fn of(object: &Value) -> Self {
        let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        Self {
            suspended: object["spec"]["suspend"] == true,
            terminating: !object["metadata"]["deletionTimestamp"].is_null(),
            proven: object["status"]["organization"]["id"].is_string(),
            ready: conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True"),
            uid: text(&object["metadata"]["uid"]),
            limit: object["spec"]["maxDeletionsPerHour"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT),
            approved: object["metadata"]["annotations"]["crossorg.dev/approve-deletions-until"].as_str().and_then(|text| text.parse().ok()),
            interval: match object["spec"]["pollInterval"].as_str() {
                Some("10s") => Duration::from_secs(10),
                Some("5m") => Duration::from_mins(5),
                Some("1h") => Duration::from_hours(1),
                _ => Duration::from_mins(1),
            },
        }
    }

    /// Whether an approval is in force: one that ends more than a day ahead is not yet.
    pub(super) fn approves(&self, now: Timestamp) -> bool {
        self.approved.is_some_and(|until| now < until && until.duration_since(now) <= SignedDuration::from_hours(24))
    }
}

impl Seats {
    /// A DatadogOrg was written, or is gone.
    pub(super) fn see_org(&mut self, object: &Value, gone: bool, at: Duration) {
        if let Some(seat) = SEATS.into_iter().find(|seat| seat.is(&object["metadata"])) {
            self.offices.entry(seat).or_default().push((at, (!gone).then(|| Office::of(object))));
        }
    }

    /// A Secret was written, or is gone.
    pub(super) fn see_secret(&mut self, object: &Value, gone: bool, at: Duration) {
        let metadata = &object["metadata"];
        let seat = SEATS.into_iter().find(|seat| metadata["namespace"] == seat.namespace && metadata["name"] == seat.secret().as_str());
        let Some(seat) = seat else { return };
        match key_in(object).filter(|_| !gone) {
            Some(key) => {
                self.secrets.entry(seat).or_insert(at);
                self.holders.entry(key).or_default().insert(seat);
            }
            None => drop(self.secrets.remove(&seat)),
        }
    }

    /// The DatadogOrg as it is now.
    pub(super) fn office(&self, seat: Seat) -> Option<&Office> {
        self.offices.get(&seat)?.last()?.1.as_ref()
    }

    /// The longest interval that its reader may go by.
    pub(super) fn interval(&self, seat: Seat, since: Duration) -> Duration {
        self.since(seat, since).flatten().map(|office| office.interval).max().unwrap_or_default()
    }

    /// Whether it has been suspended without a break since then.
    pub(super) fn is_suspended_since(&self, seat: Seat, since: Duration) -> bool {
        self.always(seat, since, |office| office.suspended)
    }

    /// Whether it has been suspended or gone ever since then.
    pub(super) fn is_silent_since(&self, seat: Seat, since: Duration) -> bool {
        self.since(seat, since).all(|office| office.is_none_or(|office| office.suspended))
    }

    /// Whether this has held without a break since then.
    pub(super) fn always(&self, seat: Seat, since: Duration, holds: impl Fn(&Office) -> bool) -> bool {
        let mut versions = self.since(seat, since).peekable();
        versions.peek().is_some() && versions.all(|office| office.is_some_and(&holds))
    }

    /// The DatadogOrgs whose Secrets have held this key.
    pub(super) fn holders(&self, key: &str) -> impl Iterator<Item = Seat> {
        self.holders.get(key).into_iter().flatten().copied()
    }

    /// The DatadogOrgs whose Secrets have held keys that were made for this one.
    pub(super) fn with_keys_made_for(&self, seat: &str) -> BTreeSet<Seat> {
        self.holders.iter().filter(|(key, _)| made_for(key) == seat).flat_map(|(_, holders)| holders).copied().collect()
    }

    /// Whether its Secret has held keys since then.
    pub(super) fn has_secret_since(&self, seat: Seat, since: Duration) -> bool {
        self.secrets.get(&seat).is_some_and(|from| *from <= since)
    }

    /// The version of that time, and all later ones.
    pub(super) fn since(&self, seat: Seat, since: Duration) -> impl Iterator<Item = Option<&Office>> {
        let versions = self.offices.get(&seat).map(Vec::as_slice).unwrap_or_default();
        let first = versions.iter().rposition(|(from, _)| *from <= since).unwrap_or(versions.len());
        versions[first..].iter().map(|(_, office)| office.as_ref())
    }
}

/// The DatadogOrg that a key was made for.
pub(super) fn made_for(key: &str) -> &str {
    key.rsplit_once('-').map_or("", |(seat, _)| seat)
}

/// The id of the key in a Secret.
fn key_in(secret: &Value) -> Option<String> {
    let ByteString(bytes) = serde_json::from_value(secret["data"]["api-key"].clone()).ok()?;
    let key = String::from_utf8(bytes).ok()?;
    key.strip_prefix(KEY_PREFIX)?.strip_suffix("-api").map(str::to_owned)
}
