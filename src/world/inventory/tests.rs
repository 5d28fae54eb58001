use std::time::Duration;

use super::*;
use crate::decide::fixtures::*;
use crate::decide::model::Organization;

fn list(began_here: Instant, rows: &[Connection]) -> Snapshot {
    let connections = rows.iter().map(|row| (row.pair(), row.clone())).collect();
    Snapshot { organization: source().id, connections, doubt: None, began: Some(at(0)), began_here }
}

fn doubtful(snapshot: Snapshot) -> Snapshot {
    Snapshot { doubt: Some("one row could not be read".to_owned()), ..snapshot }
}

fn incomplete() -> Seen {
    Seen::Unknown(Doubt::Incomplete("one row could not be read".to_owned()))
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// The connection of another pair of the same organization.
fn neighbour() -> Connection {
    Connection { id: id(8), sink: Organization { id: org(4), name: "audit".to_owned() }, ..connection() }
}

/// The same pair, made by somebody after ours had gone.
fn successor() -> Connection {
    Connection { id: id(2), ..connection() }.made_by(stranger())
}

/// A connection that the organization has no part in.
fn strange_pair() -> Pair {
    Pair { source: org(5), sink: org(6) }
}

/// Lists that show these rows, each begun a second after the one before, the first a second after now.
fn listed(inventory: &mut Inventory, lists: &[&[Connection]]) -> Vec<Changed> {
    let now = Instant::now();
    (1..).zip(lists).map(|(second, rows)| inventory.listed(list(now + seconds(second), rows))).collect()
}

/// An inventory after one list.
fn showing(rows: &[Connection]) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.listed(list(Instant::now(), rows));
    inventory
}

#[test]
fn nothing_is_known_before_the_first_list() {
    let inventory = Inventory::default();
    assert_eq!(inventory.seen(pair()), Seen::Unknown(Doubt::NotListed));
    assert_eq!(inventory.proof(pair()), None);
    assert!(inventory.listed_pairs().is_empty());
}

#[test]
fn what_we_have_deleted_is_no_longer_among_the_connections_of_a_list_and_what_came_after_is() {
    let mut inventory = showing(&[connection(), neighbour()]);
    let ids = |inventory: &Inventory| inventory.listed_connections().iter().map(|row| row.id).collect::<Vec<_>>();
    inventory.wrote(pair(), OwnWrite::Deleted(connection().id), Instant::now());
    assert_eq!(ids(&inventory), [neighbour().id]);
    inventory.listed(list(Instant::now(), &[successor(), neighbour()]));
    assert_eq!(ids(&inventory), [successor().id, neighbour().id]);
}

#[test]
fn a_complete_list_proves_what_is_there_and_what_is_not() {
    let inventory = showing(&[connection()]);
    assert_eq!(inventory.seen(pair()), Seen::Present(connection()));
    assert_eq!(inventory.seen(neighbour().pair()), Seen::Absent);
    for pair in [pair(), neighbour().pair()] {
        assert_eq!(inventory.proof(pair), Some(at(0)));
    }
}

#[test]
fn an_incomplete_list_proves_what_is_there_alone() {
    let mut inventory = Inventory::default();
    inventory.listed(doubtful(list(Instant::now(), &[connection()])));
    assert_eq!(inventory.seen(pair()), Seen::Present(connection()));
    assert_eq!(inventory.seen(neighbour().pair()), incomplete());
    assert_eq!(inventory.proof(pair()), None);
}

#[test]
fn a_list_says_nothing_of_pairs_that_its_organization_is_no_part_of() {
    let inventory = showing(&[connection()]);
    assert_eq!(inventory.seen(strange_pair()), Seen::Unknown(Doubt::OutOfView { listed: source().id, pair: strange_pair() }));
    assert_eq!(inventory.proof(strange_pair()), None);
}

#[test]
fn the_sinks_list_proves_as_much_as_the_sources() {
    let mut inventory = Inventory::default();
    inventory.listed(Snapshot { organization: sink().id, ..list(Instant::now(), &[]) });
    assert_eq!(inventory.seen(pair()), Seen::Absent);
    assert_eq!(inventory.proof(pair()), Some(at(0)));
}

#[test]
fn a_list_without_a_time_proves_nothing_to_a_release() {
    let mut inventory = Inventory::default();
    inventory.listed(Snapshot { began: None, ..list(Instant::now(), &[]) });
    assert_eq!(inventory.proof(pair()), None);
}

#[test]
fn an_own_write_is_known_at_once_and_proved_by_the_next_list() {
    let changed = connection().differing();
    for (write, expected, after) in [
        (OwnWrite::Wrote(changed.clone()), Seen::Present(changed.clone()), vec![changed]),
        (OwnWrite::Deleted(id(1)), Seen::Absent, vec![]),
        (OwnWrite::InDoubt, Seen::Unknown(Doubt::CallPending), vec![connection()]),
    ] {
        let mut inventory = showing(&[connection()]);
        inventory.wrote(pair(), write.clone(), Instant::now());
        assert_eq!((inventory.seen(pair()), inventory.proof(pair())), (expected, None), "{write:?}");
        listed(&mut inventory, &[&after]);
        assert_eq!(inventory.proof(pair()), Some(at(0)), "{write:?}");
        assert_eq!(inventory.seen(pair()).present(), after.first(), "{write:?}");
    }
}

#[test]
fn a_list_begun_before_a_write_does_not_undo_it() {
    for write in [OwnWrite::Wrote(connection().differing()), OwnWrite::Deleted(id(1)), OwnWrite::InDoubt] {
        let (mut inventory, began) = (showing(&[connection()]), Instant::now());
        inventory.wrote(pair(), write.clone(), began + seconds(1));
        let seen = inventory.seen(pair());
        for early in [began, began + seconds(1)] {
            inventory.listed(list(early, &[connection()]));
            assert_eq!((inventory.seen(pair()), inventory.proof(pair())), (seen.clone(), None), "{write:?}");
        }
    }
}

#[test]
fn what_we_created_is_believed_gone_only_after_two_lists() {
    let mut inventory = showing(&[]);
    inventory.wrote(pair(), OwnWrite::Wrote(connection()), Instant::now());
    listed(&mut inventory, &[&[]]);
    assert_eq!((inventory.seen(pair()), inventory.proof(pair())), (Seen::Present(connection()), None));
    listed(&mut inventory, &[&[]]);
    assert_eq!((inventory.seen(pair()), inventory.proof(pair())), (Seen::Absent, Some(at(0))));
}

#[test]
fn what_we_deleted_is_believed_still_there_only_after_two_lists() {
    let mut inventory = showing(&[connection()]);
    inventory.wrote(pair(), OwnWrite::Deleted(id(1)), Instant::now());
    listed(&mut inventory, &[&[connection()]]);
    assert_eq!((inventory.seen(pair()), inventory.proof(pair())), (Seen::Absent, None));
    listed(&mut inventory, &[&[connection()]]);
    assert_eq!(inventory.seen(pair()), Seen::Present(connection()));
}

#[test]
fn another_connection_in_the_place_of_a_deleted_one_is_seen_at_once() {
    let mut inventory = showing(&[connection()]);
    inventory.wrote(pair(), OwnWrite::Deleted(id(1)), Instant::now());
    listed(&mut inventory, &[&[successor()]]);
    assert_eq!(inventory.seen(pair()), Seen::Present(successor()));
}

#[test]
fn an_outcome_in_doubt_is_resolved_by_one_list_that_can_tell() {
    for (rows, doubt, expected) in [
        (vec![], false, Seen::Absent),
        (vec![connection()], false, Seen::Present(connection())),
        (vec![connection()], true, Seen::Present(connection())),
        (vec![], true, Seen::Unknown(Doubt::CallPending)),
    ] {
        let mut inventory = showing(&[]);
        inventory.wrote(pair(), OwnWrite::InDoubt, Instant::now());
        let snapshot = list(Instant::now() + seconds(1), &rows);
        inventory.listed(if doubt { doubtful(snapshot) } else { snapshot });
        assert_eq!(inventory.seen(pair()), expected, "{rows:?}, in doubt: {doubt}");
    }
}

#[test]
fn a_write_does_not_touch_other_pairs() {
    let mut inventory = showing(&[connection(), neighbour()]);
    inventory.wrote(pair(), OwnWrite::InDoubt, Instant::now());
    assert_eq!(inventory.seen(neighbour().pair()), Seen::Present(neighbour()));
    assert_eq!(inventory.proof(neighbour().pair()), Some(at(0)));
}

#[test]
fn the_same_list_again_wakes_nobody() {
    let mut inventory = showing(&[connection(), neighbour()]);
    assert_eq!(listed(&mut inventory, &[&[connection(), neighbour()]]), [Changed::Pairs(BTreeSet::new())]);
}

#[test]
fn those_are_woken_whose_connection_came_changed_or_went() {
    let woken = |before: &[Connection], after: &[Connection]| listed(&mut showing(before), &[after]).remove(0);
    let ours = Changed::Pairs([pair()].into());
    assert_eq!(woken(&[neighbour()], &[neighbour(), connection()]), ours);
    assert_eq!(woken(&[neighbour(), connection()], &[neighbour(), connection().differing()]), ours);
    assert_eq!(woken(&[neighbour(), connection()], &[neighbour(), successor()]), ours);
    assert_eq!(woken(&[neighbour(), connection()], &[neighbour()]), ours);
}

#[test]
fn everybody_is_woken_when_what_can_be_proved_changes() {
    let mut inventory = Inventory::default();
    let now = Instant::now();
    assert_eq!(inventory.listed(list(now, &[])), Changed::Everything, "the first list");
    assert_eq!(inventory.listed(doubtful(list(now, &[]))), Changed::Everything, "a list that proves less");
    assert_eq!(inventory.listed(doubtful(list(now, &[]))), Changed::Pairs(BTreeSet::new()), "the same again");
    assert_eq!(inventory.listed(list(now, &[])), Changed::Everything, "a list that proves all");
}

#[test]
fn whoever_waits_for_a_list_is_woken_by_the_next_one_and_once() {
    let mut inventory = showing(&[connection()]);
    inventory.wake_after_list(pair(), Instant::now());
    let lists = listed(&mut inventory, &[&[connection()], &[connection()]]);
    assert_eq!(lists, [Changed::Pairs([pair()].into()), Changed::Pairs(BTreeSet::new())]);
}

#[test]
fn a_list_that_proves_an_own_write_wakes_its_pair() {
    let mut inventory = showing(&[]);
    inventory.wrote(pair(), OwnWrite::Deleted(id(1)), Instant::now());
    assert_eq!(listed(&mut inventory, &[&[]]), [Changed::Pairs([pair()].into())]);
}

/// What a list shows of the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Nothing,
    Ours,
    OursChanged,
    Another,
}

/// One event in the life of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Created,
    Deleted,
    Lost,
    List { begun: Begun, complete: bool, row: Row },
}

/// When a list began, as to the last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    Before,
    /// It may lag behind the write.
    JustAfter,
    LongAfter,
}

impl Row {
    fn connection(self) -> Option<Connection> {
        match self {
            Self::Nothing => None,
            Self::Ours => Some(connection()),
            Self::OursChanged => Some(connection().differing()),
            Self::Another => Some(successor()),
        }
    }
}

fn every_event() -> Vec<Event> {
    let mut events = vec![Event::Created, Event::Deleted, Event::Lost];
    for row in [Row::Nothing, Row::Ours, Row::OursChanged, Row::Another] {
        for begun in [Begun::Before, Begun::JustAfter, Begun::LongAfter] {
            events.extend([false, true].map(|complete| Event::List { begun, complete, row }));
        }
    }
    events
}

/// What a history comes to, told from the whole of it: the pair as it has to be seen, and whether a list proves that.
fn told(history: &[Event]) -> (Seen, bool) {
    let is_list = |event: &&Event| matches!(event, Event::List { .. });
    let last_write = history.iter().rposition(|event| !is_list(&event));
    let lists_since = history.iter().skip(last_write.map_or(0, |index| index + 1));
    if let Some(write) = last_write.map(|index| history[index])
        && stands(write, lists_since)
    {
        let seen = match write {
            Event::Created => Seen::Present(connection()),
            Event::Deleted => Seen::Absent,
            Event::Lost | Event::List { .. } => Seen::Unknown(Doubt::CallPending),
        };
        return (seen, false);
    }
    match history.iter().rfind(is_list) {
        Some(Event::List { complete, row, .. }) => match (row.connection(), complete) {
            (Some(connection), _) => (Seen::Present(connection), *complete),
            (None, true) => (Seen::Absent, true),
            (None, false) => (incomplete(), false),
        },
        _ => (Seen::Unknown(Doubt::NotListed), false),
    }
}

/// Whether no list begun after the write has spoken for it, fewer than two have spoken against it, and none begun long after it has shown
/// what we wrote changed.
fn stands<'a>(write: Event, lists_since: impl Iterator<Item = &'a Event>) -> bool {
    let mut against = 0;
    for event in lists_since {
        let Event::List { begun: begun @ (Begun::JustAfter | Begun::LongAfter), complete, row } = *event else { continue };
        let (confirms, contradicts) = match (write, row) {
            (Event::Created, Row::Ours) => (true, false),
            (Event::Created, Row::Nothing) => (false, complete),
            (Event::Deleted, Row::Nothing) => (complete, false),
            (Event::Deleted, Row::Another) => (true, false),
            (Event::Created, Row::OursChanged) if begun == Begun::LongAfter => (true, false),
            // A row that is shown is there, however much else a list may lack.
            (Event::Created, Row::OursChanged | Row::Another) | (Event::Deleted, Row::Ours | Row::OursChanged) => (false, true),
            (Event::Lost | Event::List { .. }, row) => (complete || row != Row::Nothing, false),
        };
        against += usize::from(contradicts);
        if confirms || against == 2 {
            return false;
        }
    }
    true
}

/// Lets an event happen, `step` times [`LISTED`] after the start. Answers who was woken.
fn happens(inventory: &mut Inventory, event: Event, start: Instant, step: u32, last_write: &mut Instant) -> Option<Changed> {
    let now = start + LISTED.unsigned_abs() * step;
    let write = match event {
        Event::Created => OwnWrite::Wrote(connection()),
        Event::Deleted => OwnWrite::Deleted(id(1)),
        Event::Lost => OwnWrite::InDoubt,
        Event::List { begun, complete, row } => {
            let began = match begun {
                Begun::Before => *last_write,
                Begun::JustAfter => *last_write + LISTED.unsigned_abs() - Duration::from_nanos(1),
                Begun::LongAfter => now,
            };
            let snapshot = list(began, row.connection().as_slice());
            return Some(inventory.listed(if complete { snapshot } else { doubtful(snapshot) }));
        }
    };
    *last_write = now;
    inventory.wrote(pair(), write, now);
    None
}

/// Every history of up to three events, and every one of three lists after a first list and a write.
fn every_history() -> Vec<Vec<Event>> {
    let events = every_event();
    let longer = |histories: &[Vec<Event>]| -> Vec<Vec<Event>> {
        histories.iter().flat_map(|history| events.iter().map(|event| history.iter().copied().chain([*event]).collect())).collect()
    };
    let one = longer(&[Vec::new()]);
    let two = longer(&one);
    let first = Event::List { begun: Begun::LongAfter, complete: true, row: Row::Ours };
    let written = [Event::Created, Event::Deleted, Event::Lost].map(|write| vec![first, write]);
    let looked = longer(&longer(&longer(&written)));
    [one, two.clone(), longer(&two), looked].concat()
}

#[test]
fn every_short_history_of_writes_and_lists_is_told_right_and_whoever_it_concerns_is_woken() {
    let start = Instant::now();
    for history in every_history() {
        let (mut inventory, mut last_write) = (Inventory::default(), start);
        for (step, event) in (1..).zip(&history) {
            let before = (inventory.seen(pair()), inventory.proof(pair()).is_some());
            let woken = happens(&mut inventory, *event, start, step, &mut last_write);
            let after = (inventory.seen(pair()), inventory.proof(pair()).is_some());
            if let Some(Changed::Pairs(pairs)) = woken {
                assert!(before == after || pairs.contains(&pair()), "{history:?} wakes nobody in step {step}");
            }
        }
        assert_eq!((inventory.seen(pair()), inventory.proof(pair()).is_some()), told(&history), "{history:?}");
    }
}

#[test]
fn the_next_list_should_show_what_the_last_one_did_and_what_we_wrote_since_but_not_what_we_deleted() {
    let at = Instant::now() + seconds(60);
    let written = |write| {
        let mut inventory = showing(&[connection()]);
        inventory.wrote(pair(), write, at);
        inventory.expected()
    };
    assert_eq!(Inventory::default().expected(), None);
    assert_eq!(showing(&[]).expected(), Some(BTreeSet::new()));
    assert_eq!(written(OwnWrite::Wrote(connection())), Some([pair()].into()));
    assert_eq!(written(OwnWrite::InDoubt), Some([pair()].into()), "what was there before a lost answer may be there still");
    assert_eq!(written(OwnWrite::Deleted(id(1))), Some(BTreeSet::new()));
}

#[test]
fn what_an_incomplete_list_does_not_show_is_still_to_be_expected_of_the_next() {
    let at = Instant::now();
    let mut inventory = Inventory::default();
    inventory.listed(doubtful(list(at, &[])));
    assert_eq!(inventory.expected(), None, "nothing was ever shown to be all");
    inventory.listed(list(at + seconds(1), &[connection()]));
    inventory.listed(doubtful(list(at + seconds(2), &[neighbour()])));
    assert_eq!(inventory.expected(), Some([pair(), neighbour().pair()].into()));
    inventory.listed(list(at + seconds(3), &[neighbour()]));
    assert_eq!(inventory.expected(), Some([neighbour().pair()].into()));
}
