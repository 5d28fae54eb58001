//! On doubt nothing is done: a thousand wrong answers while objects exist, and not one write.

use std::collections::BTreeMap;

use crossorg::api::{DatadogOrg, RECONCILE_REQUEST_ANNOTATION};
use datadog_double::{Counts, Fault, ListFault, OddShape, Rule, Scripted, Stale, When};
use futures::future::join_all;
use uuid::Uuid;

use crate::harness::{Conditioned, World, connection_id, many_organizations, plane, print_past_capture};

const ENOUGH: usize = 1_000;
const LISTS: &str = "/api/v2/org_connections";
const SOURCES: [&str; 24] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "omicron", "pi",
    "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
];

/// A wrong answer, and whether it can be told from a true one. What cannot is given once and followed by the truth: two equal lies in a row
/// are a truth to everybody.
struct Lie {
    fault: Fault,
    shows: bool,
    /// Whether every request is answered so, or lists alone.
    everywhere: bool,
}

impl Lie {
    fn shown(fault: Fault) -> Self {
        Self { fault, shows: true, everywhere: false }
    }

    fn hidden(list: ListFault) -> Self {
        Self { fault: Fault::list(list), shows: false, everywhere: false }
    }

    fn everywhere(self) -> Self {
        Self { everywhere: true, ..self }
    }

    fn rule(&self, organization: Uuid) -> Rule {
        let rule = Rule::new(self.fault.clone()).method("GET").organization(organization);
        let rule = if self.everywhere { rule } else { rule.path(LISTS) };
        if self.shows { rule.always() } else { rule.times(1) }
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answer = Scripted { status, content_type: "application/json".to_owned(), headers, body: body.to_owned() };
    Fault::Answer { when: When::Before, answer }
}

/// Everything that a list, or whoever stands in the way of one, was seen or is feared to answer.
fn lies(other: Uuid) -> Vec<Lie> {
    let when = When::Before;
    let short = |keep, counts| ListFault::Short { keep, counts };
    let odd = |row, shape| Fault::list(ListFault::Odd { row, shape });
    let statuses = [400, 401, 403, 404, 500, 502, 503, 504].map(|status| Lie::shown(Fault::status(when, status)));
    let shown = [
        Fault::Html { when, status: 200 },
        Fault::Html { when, status: 503 },
        Fault::Drop { when },
        Fault::Truncate { keep: 20 },
        Fault::Truncate { keep: 300 },
        Fault::EmptyBody,
        Fault::WrongGzip,
        answer(200, &[], "null"),
        answer(200, &[], "[]"),
        answer(200, &[], "{}"),
        answer(200, &[], r#"{"data": null}"#),
        answer(200, &[], r#"{"data": [], "meta": {"page": {"total_count": 2, "total_filtered_count": 2}}}"#),
        answer(200, &[], r#"{"errors": ["Forbidden"]}"#),
        answer(204, &[], ""),
        answer(302, &[("location", "/login")], ""),
        Fault::list(short(0, Counts::Full)),
        Fault::list(short(1, Counts::Full)),
        odd(0, OddShape::WithoutRelationships),
        odd(1, OddShape::WithoutData),
        Fault::OtherOrganization { organization: other },
    ];
    let hidden = [
        ListFault::Empty,
        short(0, Counts::Reduced),
        short(1, Counts::Reduced),
        ListFault::Stale { stale: Stale::Writes { count: 1 } },
        ListFault::Stale { stale: Stale::Writes { count: 100 } },
        ListFault::WithoutMeta,
        ListFault::Reversed,
    ];
    let everywhere = [Fault::status(when, 401), Fault::status(when, 403), Fault::OtherOrganization { organization: other }];
    let all = statuses.into_iter().chain(shown.map(Lie::shown)).chain(hidden.map(Lie::hidden));
    all.chain(everywhere.map(|fault| Lie::shown(fault).everywhere())).collect()
}

/// Each source shares with one sink, and somebody shares with another that an object wants.
async fn two_objects_each(world: &World, sinks: &[Uuid], ids: &BTreeMap<&str, Uuid>) {
    for source in SOURCES {
        world.datadog.create_as("Alice", ids[source], sinks[1], &["audit"]).unwrap();
        world.connection(&format!("{source}-own")).from(source).to(sinks[0]).types(&["logs"]).apply().await;
        world.connection(&format!("{source}-taken")).from(source).to(sinks[1]).types(&["logs"]).apply().await;
    }
    for source in SOURCES {
        world.ready(&format!("{source}-own")).await;
        world.reason(&format!("{source}-taken"), "AlreadyExists").await;
    }
}

/// Asks every source for a fresh look at once, and waits until all have taken it, whatever they saw.
async fn look(world: &World, round: &str) {
    join_all(SOURCES.map(|source| world.annotate::<DatadogOrg>(source, RECONCILE_REQUEST_ANNOTATION, round))).await;
    let handled = |org: &DatadogOrg| org.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
    for source in SOURCES {
        world.object(source, "the request is carried out", |org| handled(org).as_deref() == Some(round)).await;
    }
}

fn wrong_answers(world: &World) -> usize {
    world.datadog.journal().iter().filter(|entry| entry.rule.is_some()).count()
}

#[tokio::test]
async fn a_thousand_wrong_answers_lead_to_no_write() {
    let (config, sinks) = many_organizations(&SOURCES, 2);
    let ids: BTreeMap<&str, Uuid> = SOURCES.into_iter().zip(config.organizations.iter().map(|organization| organization.id)).collect();
    let world = World::with(plane::shared().await, "doubt", &config).await;
    for source in SOURCES {
        world.org(source).await;
    }
    let mut operator = world.operator().await;
    two_objects_each(&world, &sinks, &ids).await;
    look(&world, "settled").await;
    let connections = |world: &World| world.datadog.state().connections.into_iter().map(|row| (row.id, row.connection_types)).collect();
    let (before, truth): (_, Vec<_>) = (world.counts(), connections(&world));

    let (mut round, kinds) = (0, lies(sinks[0]).len());
    while wrong_answers(&world) < ENOUGH || round < kinds {
        for (number, source) in SOURCES.iter().enumerate() {
            let lies = lies(ids[SOURCES[(number + 1) % SOURCES.len()]]);
            world.datadog.script(lies[(round + number) % kinds].rule(ids[source]));
        }
        look(&world, &format!("wrong {round}")).await;
        if round % 10 == 9 {
            // The next process begins with the lie.
            operator.kill();
            operator = world.operator().await;
        }
        world.datadog.clear_script();
        look(&world, &format!("true {round}")).await;
        assert_eq!((world.counts() - before).remote_writes(), (0, 0, 0), "in round {round}");
        round += 1;
    }

    let (spent, wrong) = (world.counts() - before, wrong_answers(&world));
    print_past_capture(&format!("{wrong} wrong answers, each organization met all {kinds} kinds: no write at Datadog"));
    assert_eq!((spent.remote_writes(), connections(&world)), ((0, 0, 0), truth));
    assert!(world.datadog.violations().is_empty());
    for source in SOURCES {
        world.org_ready(source).await;
        let own = world.ready(&format!("{source}-own")).await;
        assert!(world.datadog.state().connections.iter().any(|row| row.id.to_string() == connection_id(&own)));
        assert!(world.reason(&format!("{source}-taken"), "AlreadyExists").await.has("Stalled"));
    }
}
