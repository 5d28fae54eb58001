use super::*;
use crate::decide::fixtures::{at, connection, pair};
use crate::decide::model::{OrgId, Organization};

/// The connection with this number to a sink of its own, created so many seconds after noon.
fn numbered(number: u32, second: i64) -> Connection {
    let sink: OrgId = format!("{number:08}-0000-4000-8000-0000000000ff").parse().unwrap();
    Connection {
        id: format!("{number:08}-0000-4000-8000-00000000000c").parse().unwrap(),
        sink: Organization { id: sink, name: format!("sink-{number}") },
        created_at: at(second),
        ..connection()
    }
}

fn unmanaged(connections: impl IntoIterator<Item = Connection>) -> Tally {
    Tally::of(connections.into_iter().collect(), &BTreeSet::new())
}

/// A status that shows this tally and nothing else.
fn status(tally: &Tally) -> DatadogOrgStatus {
    let mut status: DatadogOrgStatus = serde_json::from_value(serde_json::json!({"observedGeneration": 1})).unwrap();
    (status.connections, status.unmanaged) = (Some(tally.counts()), tally.shown(&[]));
    status
}

fn notes(tally: &Tally, before: Option<&DatadogOrgStatus>, known: &[&Tally]) -> Vec<String> {
    let known = known.iter().flat_map(|tally| tally.ids()).collect();
    tally.news(before, &known).into_iter().map(|event| event.note).collect()
}

#[test]
fn what_no_object_manages_is_counted_and_shown_newest_first() {
    let rows = vec![connection(), numbered(1, 10), numbered(2, 30), numbered(3, 30)];
    let tally = Tally::of(rows, &BTreeSet::from([pair()]));
    assert_eq!(tally.counts(), ConnectionCounts { managed: 1, unmanaged: 3 });
    let shown = tally.shown(&[]);
    assert_eq!(shown.iter().map(|entry| entry.sink.name.as_deref().unwrap()).collect::<Vec<_>>(), ["sink-2", "sink-3", "sink-1"]);
    assert_eq!((shown[0].source.name.as_deref(), shown[0].connection_types.join(" ").as_str()), (Some("payments"), "logs metrics"));
    assert_eq!(shown[2].created_at.0, at(10));
}

#[test]
fn nothing_personal_is_shown() {
    let text = serde_json::to_string(&unmanaged([numbered(1, 0)]).shown(&[])).unwrap();
    assert!(!text.contains("createdBy") && !text.contains(&crate::decide::fixtures::us().to_string()), "{text}");
}

#[test]
fn a_status_has_room_for_a_hundred_and_the_count_tells_the_rest() {
    let tally = unmanaged((0..250).map(|number| numbered(number, i64::from(number))));
    let shown = tally.shown(&[]);
    assert_eq!((shown.len(), tally.counts().unmanaged, shown[0].sink.name.as_deref()), (100, 250, Some("sink-249")));
}

#[test]
fn a_name_that_a_list_leaves_out_stays() {
    let before = unmanaged([numbered(1, 0)]).shown(&[]);
    assert_eq!(unmanaged([numbered(1, 0).nameless()]).shown(&before), before);
}

#[test]
fn the_first_list_tells_a_few_by_name_and_the_rest_in_one() {
    assert!(notes(&unmanaged([]), None, &[]).is_empty());
    for (rows, events) in [(1, 1), (3, 3), (4, 4), (5_000, 4)] {
        let told = notes(&unmanaged((0..rows).map(|number| numbered(number, 0))), None, &[]);
        assert_eq!(told.len(), events, "{rows} connections");
        assert!(told[0].starts_with("sink-0 (00000000-0000-4000-8000-0000000000ff) may read logs, metrics of payments (1111"), "{told:?}");
        assert_eq!(told.last().unwrap().starts_with(&format!("{} more", i64::from(rows) - 3)), rows > 3, "{told:?}");
    }
}

#[test]
fn what_the_status_or_this_process_has_shown_is_no_news() {
    let (old, both) = (unmanaged([numbered(1, 0)]), unmanaged([numbered(1, 0), numbered(2, 5)]));
    for (before, known) in [(Some(status(&old)), vec![]), (None, vec![&old]), (Some(status(&old)), vec![&old])] {
        assert!(notes(&old, before.as_ref(), &known).is_empty());
        let told = notes(&both, before.as_ref(), &known);
        assert!(told.len() == 1 && told[0].starts_with("sink-2"), "{told:?}");
    }
}

#[test]
fn after_a_restart_those_beyond_a_full_status_are_no_news_and_a_new_one_is() {
    let many = |rows| unmanaged((0..rows).map(|number| numbered(number, i64::from(number))));
    let before = status(&many(250));
    assert!(notes(&many(250), Some(&before), &[]).is_empty());
    let told = notes(&many(251), Some(&before), &[]);
    assert!(told.len() == 1 && told[0].starts_with("sink-250"), "{told:?}");
}

#[test]
fn one_that_vanished_and_came_back_is_news_again() {
    let (none, one) = (unmanaged([]), unmanaged([numbered(1, 0)]));
    assert_eq!(notes(&one, Some(&status(&none)), &[&none]).len(), 1);
}
