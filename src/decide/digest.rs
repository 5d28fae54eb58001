//! What a status says, in a few bytes: enough for a pass on the cache to see that it has nothing to write. Pure.
//!
//! A digest may miss that two things are the same (then the pass reads live and finds out), never that they differ in what is owned or
//! said. The names of organizations that no owned connection tells are left out: they come along with the next write.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::model::{Connection, Organization};
use super::outcome::{Report, Shown};
use super::status::{shown_plan, shown_types, whole_seconds};
use crate::api::conditions::{ConnectionReason, Progress, Ready, find};
use crate::api::fields::OrganizationStatus;
use crate::api::org_connection::OrgConnectionStatus;

/// The digest of a status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digest {
    verdict: u64,
    connection: u64,
    types: u64,
    shows_types: bool,
    in_sync_with: Option<i64>,
    not_vouched_for: Option<i64>,
    /// Why it is ready or not, if this version knows the word.
    pub reason: Option<ConnectionReason>,
    /// The reconcile request that was carried out last.
    pub handled: Option<String>,
}

impl Digest {
    /// Whether it says that the brake holds the deletion.
    pub fn says_held(&self) -> bool {
        self.reason == Some(ConnectionReason::DeletionHeld)
    }

    /// Of the status that an object has; of none if nobody has looked yet.
    pub fn of_status(status: Option<&OrgConnectionStatus>) -> Self {
        let Some(status) = status else { return Self::default() };
        let ready = find(&status.conditions, "Ready");
        Self {
            verdict: ready.map_or(0, |ready| {
                let beside = [Progress::Reconciling, Progress::Stalled].into_iter().filter_map(Progress::condition_type);
                let beside = beside.filter_map(|type_| find(&status.conditions, type_)).map(|beside| (&*beside.type_, &*beside.status));
                let beside: Vec<(&str, &str)> = beside.collect();
                hash(&(status.observed_generation, &ready.status, &ready.reason, &ready.message, beside, &status.plan))
            }),
            connection: hash(&(
                &status.connection_id,
                &status.connection_types,
                status.created_at.as_ref().map(|time| time.0),
                status.created_by.as_ref().map(|by| (&by.id, by.service_account)),
                status.source.as_ref().map(words),
                status.sink.as_ref().map(words),
            )),
            types: hash(&status.connection_types),
            shows_types: !status.connection_types.is_empty(),
            in_sync_with: ready.filter(|ready| ready.status == Ready::True.text()).map(|_| status.observed_generation),
            not_vouched_for: ready.filter(|ready| ready.status == Ready::Unknown.text()).map(|_| status.observed_generation),
            reason: ready.and_then(|ready| ConnectionReason::ALL.iter().copied().find(|reason| reason.name() == ready.reason)),
            handled: status.last_handled_reconcile_at.clone(),
        }
    }

    /// Whether the status said that this generation is in sync.
    pub fn is_in_sync(&self, generation: i64) -> bool {
        self.in_sync_with == Some(generation)
    }

    /// The words of a status as one number, without what the API server or another writer adds.
    pub fn words(&self) -> u64 {
        hash(&(self.verdict, self.connection, self.shows_types, &self.handled))
    }

    /// Whether the status said so once, and now that nobody can vouch for it any more.
    pub fn is_not_vouched_for(&self, generation: i64) -> bool {
        self.not_vouched_for == Some(generation)
    }

    /// Whether the status says what the report would make it say.
    pub fn says(&self, report: &Report, generation: i64) -> bool {
        let verdict = report.verdict.as_ref().is_none_or(|verdict| {
            let beside: Vec<(&str, &str)> = verdict.progress.condition_type().map(|type_| (type_, "True")).into_iter().collect();
            let plan = report.plan.as_deref().map(shown_plan);
            self.verdict == hash(&(generation, verdict.ready.text(), verdict.reason, verdict.text(), beside, plan))
        });
        verdict
            && match &report.shown {
                Shown::Owned(connection) => self.connection == of_connection(connection),
                Shown::Observed(connection) => self.types == hash(&shown_types(&connection.types)),
                Shown::NotOurs => !self.shows_types,
                Shown::Unknown => true,
            }
    }
}

fn of_connection(connection: &Connection) -> u64 {
    hash(&(
        Some(connection.id.to_string()),
        shown_types(&connection.types),
        Some(whole_seconds(connection.created_at)),
        connection.created_by.map(|by| (by.id.to_string(), by.service_account)),
        Some(known(&connection.source)),
        Some(known(&connection.sink)),
    ))
}

fn words(organization: &OrganizationStatus) -> (String, String) {
    (organization.id.clone(), organization.name.clone().unwrap_or_default())
}

fn known(organization: &Organization) -> (String, String) {
    (organization.id.to_string(), organization.name.clone())
}

/// A value as one number, to tell in little room whether it is the same again.
pub fn hash<T: Hash>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

    use super::*;
    use crate::decide::model::{ConnectionTypes, Principal};
    use crate::decide::outcome::Retry;
    use crate::decide::status;

    fn connection() -> Connection {
        let organization = |id: &str, name: &str| Organization { id: id.parse().unwrap(), name: name.to_owned() };
        Connection {
            id: "aaaaaaaa-0000-4000-8000-000000000001".parse().unwrap(),
            source: organization("11111111-0000-4000-8000-000000000001", "Payments"),
            sink: organization("22222222-0000-4000-8000-000000000002", "Central"),
            types: ["logs", "metrics"].into_iter().collect::<ConnectionTypes>(),
            created_at: "2025-01-02T03:04:05.678901+00:00".parse().unwrap(),
            created_by: Some(Principal { id: "33333333-0000-4000-8000-000000000003".parse().unwrap(), service_account: Some(true) }),
        }
    }

    fn reports() -> Vec<Report> {
        let stalled = Report::not_ready(ConnectionReason::NotAllowed, "no", Retry::Permanent);
        vec![
            Report::in_sync(connection(), None),
            stalled.clone().showing(Shown::NotOurs),
            stalled.showing(Shown::Owned(connection())),
            Report::not_ready(ConnectionReason::Retrying, "later", Retry::Backoff),
            Report::observed(connection()),
            Report::observed(Connection { types: ["logs"].into_iter().collect(), ..connection() }),
            Report::not_ready(ConnectionReason::Suspended, "no", Retry::WhenWoken).planning(Some("add audit".to_owned())),
            Report::not_ready(ConnectionReason::Suspended, "no", Retry::WhenWoken).planning(Some("remove logs".to_owned())),
            Report::not_ready(ConnectionReason::Suspended, "no", Retry::WhenWoken),
        ]
    }

    #[test]
    fn a_status_says_what_it_was_made_from_and_nothing_else() {
        for (i, report) in reports().iter().enumerate() {
            let status = status::next(None, report, 3, None, Timestamp::from_second(1).unwrap());
            let digest = Digest::of_status(status.as_ref());
            for (j, other) in reports().iter().enumerate() {
                let shows_more = i == 2 && other.verdict == report.verdict && matches!(other.shown, Shown::Unknown);
                assert_eq!(digest.says(other, 3), i == j || shows_more, "status of {i} against {j}");
            }
            assert!(!digest.says(report, 4), "another generation");
        }
    }

    #[test]
    fn a_condition_of_ours_that_somebody_else_adds_or_flips_is_noticed() {
        let report = &reports()[3];
        let status = status::next(None, report, 3, None, Timestamp::from_second(1).unwrap()).unwrap();
        assert!(Digest::of_status(Some(&status)).says(report, 3));
        let reconciling = find(&status.conditions, "Reconciling").unwrap().clone();
        let (mut added, mut flipped) = (status.clone(), status);
        added.conditions.push(Condition { type_: "Stalled".to_owned(), ..reconciling });
        flipped.conditions.iter_mut().filter(|known| known.type_ == "Reconciling").for_each(|known| known.status = "False".to_owned());
        for touched in [added, flipped] {
            assert!(!Digest::of_status(Some(&touched)).says(report, 3), "{:?}", touched.conditions);
        }
    }

    #[test]
    fn texts_that_a_status_has_no_room_for_are_known_again() {
        let report = Report::not_ready(ConnectionReason::Suspended, "no ".repeat(20_000), Retry::WhenWoken);
        let report = report.planning(Some("add logs; ".repeat(1_000)));
        let status = status::next(None, &report, 3, None, Timestamp::from_second(1).unwrap()).unwrap();
        assert!(status.plan.as_ref().is_some_and(|plan| plan.len() <= 2048 && plan.ends_with('…')));
        assert!(Digest::of_status(Some(&status)).says(&report, 3));
    }

    #[test]
    fn every_observed_fact_is_part_of_it() {
        let status = status::next(None, &Report::in_sync(connection(), None), 1, None, Timestamp::from_second(1).unwrap());
        let digest = Digest::of_status(status.as_ref());
        let changes: [fn(&mut Connection); 6] = [
            |c| c.id = "aaaaaaaa-0000-4000-8000-000000000009".parse().unwrap(),
            |c| c.types = ["logs"].into_iter().collect(),
            |c| c.created_at = "2025-01-02T03:04:06Z".parse().unwrap(),
            |c| c.created_by = None,
            |c| c.source.name = "Renamed".to_owned(),
            |c| c.sink.name = "Renamed".to_owned(),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut other = connection();
            change(&mut other);
            let report = Report { verdict: None, ..Report::in_sync(other, None) };
            assert!(!digest.says(&report, 1), "change {number}");
        }
    }

    #[test]
    fn what_is_only_looked_at_is_known_by_its_types() {
        let now = Timestamp::from_second(1).unwrap();
        let digest = Digest::of_status(status::next(None, &Report::observed(connection()), 1, None, now).as_ref());
        let looking = |shown| Report { verdict: None, ..Report::in_sync(connection(), None) }.showing(shown);
        let differing = Connection { types: ["logs"].into_iter().collect(), ..connection() };
        assert!(digest.says(&looking(Shown::Observed(connection())), 1));
        assert!(!digest.says(&looking(Shown::Observed(differing)), 1), "other types");
        assert!(!digest.says(&looking(Shown::Owned(connection())), 1), "what is owned has an id");
        assert!(!digest.says(&looking(Shown::NotOurs), 1), "what is not there has no types");
    }

    #[test]
    fn only_ready_true_of_this_generation_is_in_sync() {
        let now = Timestamp::from_second(1).unwrap();
        let ready = Digest::of_status(status::next(None, &Report::in_sync(connection(), None), 2, None, now).as_ref());
        assert!(ready.is_in_sync(2) && !ready.is_in_sync(3));
        let other = Digest::of_status(status::next(None, &reports()[3], 2, None, now).as_ref());
        assert!(!other.is_in_sync(2) && !Digest::default().is_in_sync(2));
    }
}
