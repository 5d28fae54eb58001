//! Conditions as kstatus reads them: `Ready` always, `Reconciling` while it goes on by itself, `Stalled` when a person must act.

use std::borrow::Cow;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::fields::cut;

/// `observedGeneration` of an object that no operator has looked at. Without it kstatus takes such an object for done.
pub(crate) fn nobody_has_looked() -> i64 {
    -1
}

/// The status of the `Ready` condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ready {
    /// Datadog showed exactly this spec.
    True,
    /// It did not, or not yet.
    False,
    /// It did once, and nobody has been able to look for long.
    Unknown,
}

/// Who brings it forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Nobody needs to.
    Settled,
    /// Time, or another object: no person is needed.
    Reconciling,
    /// A person.
    Stalled,
}

/// The longest message that Kubernetes takes in a condition has as many characters; these are bytes.
const MESSAGE_BYTES: usize = 32_768;

/// The types of condition that are ours; all others are somebody else's.
const OURS: [&str; 3] = ["Ready", "Reconciling", "Stalled"];

impl Ready {
    /// As Kubernetes spells it.
    pub fn text(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl Progress {
    /// The condition that stands beside `Ready`, if any.
    pub fn condition_type(self) -> Option<&'static str> {
        match self {
            Self::Settled => None,
            Self::Reconciling => Some("Reconciling"),
            Self::Stalled => Some("Stalled"),
        }
    }
}

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$why:meta])* $variant:ident => $progress:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$why])* $variant,)* }

        impl $name {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The CamelCase word in the condition.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),* }
            }

            /// Who brings it forward.
            pub fn progress(self) -> Progress {
                match self { $(Self::$variant => Progress::$progress),* }
            }
        }
    };
}

reasons! {
    /// Why an OrgConnection is ready or not.
    ConnectionReason {
        /// Datadog shows exactly what the spec says.
        InSync => Settled,
        /// The source's DatadogOrg is missing, unproven or not connected.
        OrganizationNotReady => Reconciling,
        /// The list of the organization's connections is incomplete, so that nothing is certain.
        InventoryUnavailable => Reconciling,
        /// Datadog's rate limit is used up.
        Throttled => Reconciling,
        /// A call failed or its outcome is not known; it is looked up and tried again.
        Retrying => Reconciling,
        /// The object is being deleted, and Datadog is being cleaned up.
        Deleting => Reconciling,
        /// The deletion waits because as many were made within the hour as the source's DatadogOrg allows.
        DeletionHeld => Reconciling,
        /// A connection that this object did not make exists for the pair.
        AlreadyExists => Stalled,
        /// Another object holds the pair.
        Conflict => Stalled,
        /// The owned connection was deleted outside, and the policy is to report that.
        DeletedOutside => Stalled,
        /// Somebody else changes the connection back again and again.
        Contested => Stalled,
        /// Datadog differs, and the object is only observed.
        OutOfSync => Stalled,
        /// Datadog differs, and the object is suspended.
        Suspended => Settled,
        /// The organizations behind the references are others than the claimed ones.
        PairChanged => Stalled,
        /// Source and sink live on different Datadog sites.
        DifferentSite => Stalled,
        /// Source and sink are one organization.
        SameOrganization => Stalled,
        /// Datadog does not know the sink.
        SinkUnknown => Stalled,
        /// Datadog does not allow this connection.
        NotAllowed => Stalled,
        /// The source's key may not write connections.
        PermissionMissing => Stalled,
        /// The connection cannot be deleted at Datadog with the credentials at hand.
        DeletionBlocked => Stalled,
        /// The object cannot be understood.
        Invalid => Stalled,
    }
}

reasons! {
    /// Why a DatadogOrg is ready or not.
    OrganizationReason {
        /// Its connections can be listed.
        Connected => Settled,
        /// The credentials are being checked.
        Checking => Reconciling,
        /// The Secret does not exist.
        SecretNotFound => Reconciling,
        /// Kubernetes does not say what is in the Secret.
        SecretUnreadable => Reconciling,
        /// Datadog cannot be reached or answers with errors of its own.
        Unreachable => Reconciling,
        /// Datadog's rate limit is used up.
        Throttled => Reconciling,
        /// The object is being deleted while OrgConnections still claim through it.
        InUse => Reconciling,
        /// It is suspended by its spec.
        Suspended => Settled,
        /// The operator may not read the Secret.
        SecretForbidden => Stalled,
        /// The Secret does not hold usable credentials.
        SecretInvalid => Stalled,
        /// Datadog refuses the credentials.
        KeyRejected => Stalled,
        /// The credentials belong to another organization.
        WrongOrganization => Stalled,
        /// The credentials may not list connections.
        PermissionMissing => Stalled,
        /// The object cannot be understood.
        Invalid => Stalled,
    }
}

/// What the conditions shall say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// Status of `Ready`.
    pub ready: Ready,
    /// Reason, one word of the tables above.
    pub reason: &'static str,
    /// What happened, to what, and what to do.
    pub message: String,
    /// Whether `Reconciling` or `Stalled` stands beside it.
    pub progress: Progress,
}

impl Verdict {
    /// The message as far as a condition has room for it: Datadog's texts may be part of it.
    pub fn text(&self) -> Cow<'_, str> {
        cut(&self.message, MESSAGE_BYTES)
    }

    /// The conditions that say it, with those of others as and where they are. A condition's `lastTransitionTime` moves only when its
    /// status flips.
    pub fn conditions(&self, previous: &[Condition], generation: i64, now: Timestamp) -> Vec<Condition> {
        let mut ours = self.ours(previous, generation, now);
        let mut merged = Vec::new();
        for condition in previous {
            if !OURS.contains(&condition.type_.as_str()) {
                merged.push(condition.clone());
            } else if let Some(index) = ours.iter().position(|next| next.type_ == condition.type_) {
                merged.push(ours.remove(index));
            }
        }
        merged.extend(ours);
        merged
    }

    fn ours(&self, previous: &[Condition], generation: i64, now: Timestamp) -> Vec<Condition> {
        let beside = self.progress.condition_type().map(|type_| (type_, "True"));
        [Some(("Ready", self.ready.text())), beside]
            .into_iter()
            .flatten()
            .map(|(type_, status)| Condition {
                type_: type_.to_owned(),
                status: status.to_owned(),
                reason: self.reason.to_owned(),
                message: self.text().into_owned(),
                observed_generation: Some(generation),
                last_transition_time: previous
                    .iter()
                    .find(|condition| condition.type_ == type_ && condition.status == status)
                    .map_or_else(|| Time(now), |condition| condition.last_transition_time.clone()),
            })
            .collect()
    }
}

/// The condition of a type.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn verdict(ready: Ready, progress: Progress) -> Verdict {
        Verdict { ready, reason: "Any", message: "text".to_owned(), progress }
    }

    #[test]
    fn ready_stands_always_and_the_others_only_while_they_hold() {
        for (progress, expected) in [
            (Progress::Settled, vec!["Ready"]),
            (Progress::Reconciling, vec!["Ready", "Reconciling"]),
            (Progress::Stalled, vec!["Ready", "Stalled"]),
        ] {
            let types: Vec<_> = verdict(Ready::False, progress).conditions(&[], 3, at(1)).into_iter().map(|c| c.type_).collect();
            assert_eq!(types, expected);
        }
    }

    #[test]
    fn the_transition_time_moves_only_when_the_status_flips() {
        let first = verdict(Ready::False, Progress::Stalled).conditions(&[], 1, at(1));
        let same = Verdict { message: "another".to_owned(), ..verdict(Ready::False, Progress::Stalled) }.conditions(&first, 2, at(2));
        assert_eq!(same[0].last_transition_time.0, at(1));
        assert_eq!(same[0].observed_generation, Some(2));
        let flipped = verdict(Ready::True, Progress::Settled).conditions(&same, 2, at(3));
        assert_eq!(flipped[0].last_transition_time.0, at(3));
    }

    #[test]
    fn conditions_of_others_stay_as_and_where_they_are() {
        let mut theirs = verdict(Ready::True, Progress::Settled).conditions(&[], 1, at(1)).remove(0);
        theirs.type_ = "Theirs".to_owned();
        let first = verdict(Ready::False, Progress::Stalled).conditions(&[theirs.clone()], 1, at(1));
        assert_eq!(first.iter().map(|c| c.type_.as_str()).collect::<Vec<_>>(), ["Theirs", "Ready", "Stalled"]);
        let second = verdict(Ready::True, Progress::Settled).conditions(&first, 1, at(2));
        assert_eq!(second.iter().map(|c| c.type_.as_str()).collect::<Vec<_>>(), ["Theirs", "Ready"]);
        assert_eq!(second[0], theirs);
    }

    #[test]
    fn a_message_that_kubernetes_would_refuse_is_cut() {
        let long = Verdict { message: "é".repeat(MESSAGE_BYTES), ..verdict(Ready::False, Progress::Stalled) };
        for condition in long.conditions(&[], 1, at(1)) {
            assert!(condition.message.len() <= MESSAGE_BYTES && condition.message.ends_with("é…"));
        }
    }

    #[test]
    fn no_two_reasons_share_a_name() {
        let mut names: Vec<_> = ConnectionReason::ALL.iter().map(|reason| reason.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ConnectionReason::ALL.len());
    }
}
