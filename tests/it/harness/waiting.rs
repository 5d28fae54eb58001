//! Waiting: a condition, a deadline, and everything that helps when it passes.

use std::time::Duration;

use crossorg::api::conditions::find;
use crossorg::api::{DatadogOrg, OrgConnection, RECONCILE_REQUEST_ANNOTATION};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::report;
use super::world::{Kind, World};

/// Long against the second that most things take, for a machine that compiles beside the tests.
const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What the look finds, as soon as it finds something; `None` when the time has passed.
pub(super) async fn eventually<T>(within: Duration, look: impl AsyncFn() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + within;
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(found) = look().await {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
    }
}

/// A kind whose status has conditions.
pub(crate) trait Conditioned: Kind {
    /// `observedGeneration` and the conditions.
    fn told(&self) -> (Option<i64>, &[Condition]);

    /// The condition `Ready`, if it speaks of the newest spec.
    fn verdict(&self) -> Option<&Condition> {
        let (observed, conditions) = self.told();
        let current = self.meta().generation;
        find(conditions, "Ready").filter(|ready| observed == current && ready.observed_generation == current)
    }

    /// The message of `Ready`.
    fn message(&self) -> &str {
        self.verdict().map_or("", |ready| &ready.message)
    }

    /// Whether a condition stands.
    fn has(&self, condition: &str) -> bool {
        find(self.told().1, condition).is_some_and(|condition| condition.status == "True")
    }
}

impl Conditioned for OrgConnection {
    fn told(&self) -> (Option<i64>, &[Condition]) {
        self.status.as_ref().map_or((None, &[]), |status| (Some(status.observed_generation), &status.conditions))
    }
}

impl Conditioned for DatadogOrg {
    fn told(&self) -> (Option<i64>, &[Condition]) {
        self.status.as_ref().map_or((None, &[]), |status| (Some(status.observed_generation), &status.conditions))
    }
}

impl World {
    /// Waits until the look finds something.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        self.within(LIMIT, what, look).await
    }

    /// The same with another deadline.
    pub(crate) async fn within<T>(&self, deadline: Duration, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        match eventually(deadline, look).await {
            Some(found) => found,
            None => panic!("not within {deadline:?}: {what}\n{}", report::objects(self).await),
        }
    }

    /// Waits until an object is as it should be.
    pub(crate) async fn object<K: Kind>(&self, name: &str, what: &str, is: impl Fn(&K) -> bool) -> K {
        let what = format!("{} {name}: {what}", K::kind(&()));
        self.until(&what, async || self.api::<K>().get_opt(name).await.unwrap().filter(&is)).await
    }

    async fn verdict<K: Conditioned>(&self, name: &str, status: &str, reason: &str) -> K {
        let is = |ready: &Condition| ready.status == status && ready.reason == reason;
        self.object(name, &format!("Ready={status} {reason}"), |object: &K| object.verdict().is_some_and(is)).await
    }

    /// Waits until the newest spec of an OrgConnection is in force.
    pub(crate) async fn ready(&self, name: &str) -> OrgConnection {
        self.verdict(name, "True", "InSync").await
    }

    /// Waits until an OrgConnection is not ready, for this reason.
    pub(crate) async fn reason(&self, name: &str, reason: &str) -> OrgConnection {
        self.verdict(name, "False", reason).await
    }

    /// Waits until a DatadogOrg is connected.
    pub(crate) async fn org_ready(&self, name: &str) -> DatadogOrg {
        self.verdict(name, "True", "Connected").await
    }

    /// Waits until a DatadogOrg is not ready, for this reason.
    pub(crate) async fn org_reason(&self, name: &str, reason: &str) -> DatadogOrg {
        self.verdict(name, "False", reason).await
    }

    /// Waits until an object has gone.
    pub(crate) async fn gone<K: Kind>(&self, name: &str) {
        let what = format!("{} {name} is gone", K::kind(&()));
        self.until(&what, async || self.api::<K>().get_opt(name).await.unwrap().is_none().then_some(())).await;
    }

    /// Asks a DatadogOrg for a fresh list, as a person does, and waits until the operator says that it has one.
    pub(crate) async fn refresh(&self, org: &str) -> DatadogOrg {
        let request = format!("request {}", uuid::Uuid::new_v4());
        self.annotate::<DatadogOrg>(org, RECONCILE_REQUEST_ANNOTATION, &request).await;
        let handled = |object: &DatadogOrg| object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
        self.object(org, "the request is carried out", |object| handled(object).as_ref() == Some(&request)).await
    }

    /// Asks for a fresh look at an OrgConnection, and waits until the operator says that it has looked.
    pub(crate) async fn look_again(&self, name: &str) -> OrgConnection {
        let request = format!("request {}", uuid::Uuid::new_v4());
        self.annotate::<OrgConnection>(name, RECONCILE_REQUEST_ANNOTATION, &request).await;
        let handled = |object: &OrgConnection| object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
        self.object(name, "the request is carried out", |object| handled(object).as_ref() == Some(&request)).await
    }

    /// Waits until the operator has published this event about an object, and returns its note.
    pub(crate) async fn event(&self, object: &str, reason: &str) -> String {
        let is = |event: &k8s_openapi::api::events::v1::Event| {
            event.reason.as_deref() == Some(reason) && event.regarding.as_ref().and_then(|to| to.name.as_deref()) == Some(object)
        };
        let what = format!("event {reason} about {object}");
        let look = async || self.api::<k8s_openapi::api::events::v1::Event>().list(&Default::default()).await.unwrap();
        self.until(&what, async || look().await.into_iter().find(is)).await.note.unwrap_or_default()
    }
}

/// The id of the connection that the status remembers.
pub(crate) fn connection_id(object: &OrgConnection) -> String {
    let id = object.status.as_ref().and_then(|status| status.connection_id.clone());
    id.unwrap_or_else(|| panic!("{} has no connection id", object.name_any()))
}
