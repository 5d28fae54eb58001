//! The wrong variants: what each does wrong, how the copy is made to do it, and which net has to catch it. Pure.
//!
//! A new variant is one value. Its edits are of the operator's sources as they are; [`edits::SWITCH`](super::edits::SWITCH) stands for
//! "this process is that variant".

use super::Net;
use super::edits::Edit;

/// One way to be wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variant {
    /// Its name in tables and in `CROSSORG_WRONG`.
    pub(super) name: &'static str,
    /// What is wrong, in one sentence.
    pub(super) wrong: &'static str,
    /// How.
    pub(super) edits: &'static [Edit],
    /// What each net is shown.
    pub(super) attempts: [Attempt; 3],
}

/// What of a net runs against a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Seeds of the simulation, from the first one on.
    Seeds,
    /// This test of the simulation's program, which has seeds of its own.
    Simulated(&'static str),
    /// One scenario of the crash sweep with one fault at each of its writes.
    Sweep {
        /// The scenario.
        scenario: &'static str,
        /// The fault.
        fault: &'static str,
    },
    /// These integration tests, of which one has to fail.
    Tests(&'static [&'static str]),
    /// The net cannot see it in principle, and why.
    Blind(Net, &'static str),
}

impl Attempt {
    pub(super) fn net(self) -> Net {
        match self {
            Self::Seeds | Self::Simulated(_) => Net::Simulation,
            Self::Sweep { .. } => Net::Sweep,
            Self::Tests(_) => Net::Tests,
            Self::Blind(net, _) => net,
        }
    }
}

const BRAKE: &str = "src/controller/brake.rs";
const CLAIMS: &str = "src/decide/claims.rs";
const CONNECTION_PASS: &str = "src/controller/org_connection.rs";
const ERROR: &str = "src/datadog/error.rs";
const LEADER: &str = "src/leader.rs";
const PLAN: &str = "src/decide/plan.rs";
const POLL: &str = "src/controller/poll.rs";
const RELEASE: &str = "src/decide/release.rs";

/// All of them.
pub(super) const VARIANTS: [Variant; 10] = [
    Variant {
        name: "trusts-the-status",
        wrong: "takes the id in the status for a connection that is there, whatever the list shows",
        edits: &[Edit {
            file: PLAN,
            text: "return Plan::Refuse(Refusal::Conflict(name.clone()));\n    }\n",
            wrong: "return Plan::Refuse(Refusal::Conflict(name.clone()));
    }
    if $WRONG && memory.recorded.is_some_and(|id| seen.present().is_none_or(|row| row.id != id)) {
        return Plan::Keep;
    }
",
        }],
        attempts: [
            Attempt::Seeds,
            Attempt::Sweep { scenario: "vanished", fault: "killed before" },
            Attempt::Tests(&["lifecycle::a_connection_deleted_outside_is_created_again_in_the_poll_that_sees_it"]),
        ],
    },
    Variant {
        name: "plans-from-the-cache",
        wrong: "reads live, but decides on the cache: on an old spec, old memory and the rivals of a moment ago",
        edits: &[
            Edit {
                file: CONNECTION_PASS,
                text: "let subject = Subject::of(&live.object);",
                wrong: "let subject = if $WRONG && !claimed { cached.clone() } else { Subject::of(&live.object) };",
            },
            Edit {
                file: CONNECTION_PASS,
                text: "live_rivals(context, &subject, &live)",
                wrong: "if $WRONG { cached_rivals(context, &subject) } else { live_rivals(context, &subject, &live) }",
            },
        ],
        attempts: [
            Attempt::Seeds,
            Attempt::Blind(Net::Sweep, "its watches are never behind"),
            Attempt::Tests(&[
                "stale::an_old_list_with_an_old_spec_changes_nothing_back",
                "stale::an_object_whose_deletion_went_unseen_is_not_written_for_any_more_and_then_released",
            ]),
        ],
    },
    Variant {
        name: "lets-go-on-5xx",
        wrong: "takes the finalizer away although the DELETE was answered with a 5xx",
        edits: &[Edit {
            file: CONNECTION_PASS,
            text: "let report = target.delete(connection).await;",
            wrong: "let report = target.delete(connection).await;
                let is_5xx = |verdict: &crate::api::conditions::Verdict| verdict.message.contains(\"Datadog is in trouble\");
                if $WRONG && report.verdict.as_ref().is_some_and(is_5xx) {
                    return let_go(context, object).await;
                }",
        }],
        attempts: [
            Attempt::Seeds,
            Attempt::Blind(Net::Sweep, "its 5xx come after the effect, and then nothing is left behind"),
            Attempt::Blind(Net::Tests, "no test answers a DELETE with a 5xx before the effect"),
        ],
    },
    Variant {
        name: "believes-an-empty-list",
        wrong: "takes one empty list for the truth, without asking whom the key belongs to and without a second list",
        edits: &[
            Edit {
                file: POLL,
                text: "if listing.connections.is_empty() && !org.listed_pairs().is_empty() {",
                wrong: "if !$WRONG && listing.connections.is_empty() && !org.listed_pairs().is_empty() {",
            },
            Edit {
                file: POLL,
                text: "if lacks(&listing, is_first, &expected) {",
                wrong: "if !($WRONG && listing.connections.is_empty()) && lacks(&listing, is_first, &expected) {",
            },
        ],
        attempts: [
            Attempt::Seeds,
            Attempt::Blind(Net::Sweep, "its lists are true"),
            Attempt::Tests(&[
                "lists::one_wrong_list_changes_nothing",
                "lists::an_object_deleted_while_no_operator_ran_is_not_let_go_on_an_empty_first_list",
            ]),
        ],
    },
    Variant {
        name: "posts-again",
        wrong: "takes a POST whose answer did not come for one that did nothing, and sends it again before any list",
        edits: &[Edit {
            file: ERROR,
            text: "Self::NoAnswer { .. } | Self::ServerError { .. } | Self::Unreadable { .. } | Self::RedirectRefused { .. } => Outcome::Unknown,",
            wrong: "Self::NoAnswer { call: Call::Create, .. } if $WRONG => Outcome::NotDone,
            Self::NoAnswer { .. } | Self::ServerError { .. } | Self::Unreadable { .. } | Self::RedirectRefused { .. } => Outcome::Unknown,",
        }],
        attempts: [
            Attempt::Seeds,
            Attempt::Blind(Net::Sweep, "Datadog answers the second POST with 409, which changes nothing"),
            Attempt::Tests(&["crash::answers::a_request_lost_on_its_way_is_repeated_but_not_before_a_list"]),
        ],
    },
    Variant {
        name: "deletes-by-pair",
        wrong: "deletes the connection that the pair has when the object goes, whosever it is",
        edits: &[Edit {
            file: RELEASE,
            text: "if !memory.owns(connection, *us) {",
            wrong: "if !$WRONG && !memory.owns(connection, *us) {",
        }],
        attempts: [
            Attempt::Seeds,
            Attempt::Sweep { scenario: "foreign", fault: "killed before" },
            Attempt::Tests(&["crash::answers::a_connection_that_appears_before_the_creation_arrives_stays_its_makers"]),
        ],
    },
    Variant {
        name: "ignores-rivals",
        wrong: "holds every pair that it wants, whoever else claims it",
        edits: &[Edit { file: CLAIMS, text: "match best_rival {", wrong: "match best_rival.filter(|_| !$WRONG) {" }],
        attempts: [
            Attempt::Seeds,
            Attempt::Sweep { scenario: "conflict", fault: "killed before" },
            Attempt::Tests(&["lifecycle::pairs::the_later_of_two_objects_for_one_pair_touches_nothing_also_when_deleted"]),
        ],
    },
    Variant {
        name: "ignores-heirs",
        wrong: "deletes its connection with itself, whoever is there to hold it",
        edits: &[Edit {
            file: RELEASE,
            text: "let next = heir(others, connection).or(maker);",
            wrong: "let next = heir(others, connection).or(maker).filter(|_| !$WRONG);",
        }],
        attempts: [
            Attempt::Seeds,
            Attempt::Sweep { scenario: "renamed", fault: "killed before" },
            Attempt::Tests(&["handover::a_renamed_object_keeps_its_connection_whatever_its_adoption_policy"]),
        ],
    },
    Variant {
        name: "forgets-its-brake",
        wrong: "lets a deletion through without writing down that it did",
        edits: &[Edit {
            file: BRAKE,
            text: "match remember(context, &api, object, &first).await {",
            wrong: "if $WRONG { return Ok(None); }
        match remember(context, &api, object, &first).await {",
        }],
        attempts: [
            Attempt::Seeds,
            Attempt::Sweep { scenario: "window-full", fault: "killed before" },
            Attempt::Tests(&["brake::of_two_hundred_objects_deleted_at_once_ten_go_and_the_rest_waits_for_approval"]),
        ],
    },
    Variant {
        name: "leads-from-the-reply",
        wrong: "counts its term from the moment at which it hears that it leads, not from the one at which it asked",
        edits: &[Edit {
            file: LEADER,
            text: "Ok(_) => Ok(Attempt::Ours(sent + RENEW_DEADLINE)),",
            wrong: "Ok(_) => Ok(Attempt::Ours(if $WRONG { self.now() } else { sent } + RENEW_DEADLINE)),",
        }],
        attempts: [
            Attempt::Simulated("election::no_two_processes_lead_at_the_same_time_and_in_fair_weather_somebody_does"),
            Attempt::Blind(Net::Sweep, "its operators stand for no lease"),
            Attempt::Blind(Net::Tests, "no test freezes a process between its write and the answer"),
        ],
    },
];
