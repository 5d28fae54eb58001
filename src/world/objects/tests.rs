use std::collections::BTreeMap;

use super::*;
use crate::decide::fixtures::{other_pair, pair};

fn key(name: &str) -> Key {
    Key { namespace: "apps".to_owned(), name: name.to_owned() }
}

fn keys(names: &[&str]) -> Vec<Key> {
    names.iter().map(|name| key(name)).collect()
}

/// Objects that the watch has shown, and that name nobody.
fn known(names: &[&str]) -> Objects {
    let objects = Objects::default();
    keys(names).iter().for_each(|object| objects.applied(object, []));
    objects
}

/// Both objects named the same organization and claimed the same pair.
fn two_on_one_pair() -> Objects {
    let objects = Objects::default();
    for name in ["a", "b"] {
        objects.applied(&key(name), keys(&["payments"]));
        objects.claims(&key(name), Some(pair()));
    }
    objects
}

fn occasion() -> Occasion {
    Occasion { generation: 1, requested: None, epoch: 0 }
}

#[test]
fn whoever_shares_a_pair_is_beside_the_others_and_not_beside_itself() {
    let objects = two_on_one_pair();
    assert_eq!(objects.beside(&key("a")), keys(&["b"]));
    assert_eq!(objects.beside(&key("nobody")), []);
}

#[test]
fn the_end_of_an_object_is_told_to_those_who_shared_its_pair() {
    let objects = two_on_one_pair();
    assert_eq!(objects.deleted(&key("a")), keys(&["b"]));
    assert_eq!(objects.deleted(&key("a")), [], "once");
}

#[test]
fn a_pass_that_outlives_its_object_leaves_nothing_behind() {
    let objects = two_on_one_pair();
    objects.deleted(&key("a"));
    objects.resolved(&key("a"), [other_pair()]);
    objects.claims(&key("a"), Some(other_pair()));
    assert!(objects.of_pair(other_pair()).is_empty());
    assert_eq!(objects.of_pair(pair()), keys(&["b"]));
    objects.deleted(&key("b"));
    objects.org_applied(&key("payments"));
    objects.org_deleted(&key("payments"));
    for gone in [key("a"), key("payments").as_org()] {
        assert_eq!((objects.failed(&gone), objects.failed(&gone)), (0, 0));
        objects.said(&gone, 1);
        objects.pause(&gone, Instant::now() + Duration::from_secs(60), occasion());
        objects.requested_at(&gone, "now");
        objects.corrected(&gone, 1);
        objects.gave_up(&gone);
    }
    assert!(objects.lock().notes.is_empty(), "{objects:?}");
}

#[test]
fn failures_are_counted_in_a_row_and_for_each_object_alone() {
    let objects = known(&["a", "b"]);
    let counts: Vec<_> = ["a", "a", "b", "a"].iter().map(|name| objects.failed(&key(name))).collect();
    assert_eq!(counts, [0, 1, 0, 2]);
    objects.succeeded(&key("a"));
    assert_eq!((objects.failed(&key("a")), objects.failed(&key("b"))), (0, 1));
}

#[test]
fn a_datadog_org_and_an_org_connection_of_one_name_are_counted_apart() {
    let objects = known(&["payments"]);
    objects.org_applied(&key("payments"));
    objects.failed(&key("payments"));
    assert_eq!(objects.failed(&key("payments").as_org()), 0);
}

#[test]
fn a_new_object_inherits_nothing_from_a_namesake() {
    let objects = two_on_one_pair();
    objects.failed(&key("a"));
    objects.pause(&key("a"), Instant::now() + Duration::from_secs(60), occasion());
    let (first, _) = objects.requested_at(&key("a"), "now");
    objects.deleted(&key("a"));
    objects.applied(&key("a"), []);
    assert_eq!(objects.failed(&key("a")), 0);
    assert_eq!(objects.paused(&key("a"), &occasion()), None);
    let (second, new) = objects.requested_at(&key("a"), "now");
    assert!(new && second >= first);
}

#[tokio::test(start_paused = true)]
async fn a_request_counts_from_when_it_was_first_seen() {
    let objects = known(&["a"]);
    let (first, new) = objects.requested_at(&key("a"), "one");
    assert!(new);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(objects.requested_at(&key("a"), "one"), (first, false));
    assert_eq!(objects.requested_at(&key("a"), "two"), (first + Duration::from_secs(5), true));
}

#[tokio::test(start_paused = true)]
async fn a_pause_lasts_its_time() {
    let objects = known(&["a", "b"]);
    objects.pause(&key("a"), Instant::now() + Duration::from_secs(30), occasion());
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(objects.paused(&key("a"), &occasion()), Some(Duration::from_secs(20)));
    assert_eq!(objects.paused(&key("b"), &occasion()), None);
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(objects.paused(&key("a"), &occasion()), None);
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_with_whatever_makes_the_call_worth_another_try() {
    let objects = known(&["a", "b"]);
    objects.pause(&key("a"), Instant::now() + Duration::from_secs(30), occasion());
    for other in [
        Occasion { generation: 2, ..occasion() },
        Occasion { requested: Some("now".to_owned()), ..occasion() },
        Occasion { epoch: 1, ..occasion() },
    ] {
        assert_eq!(objects.paused(&key("a"), &other), None, "{other:?}");
    }
    assert!(objects.paused(&key("a"), &occasion()).is_some());
}

#[test]
fn a_pair_is_reserved_by_one_at_a_time() {
    let objects = Objects::default();
    assert!(objects.reserve(pair()));
    assert!(!objects.reserve(pair()));
    assert!(objects.reserve(other_pair()), "another pair is another matter");
    objects.release(pair());
    assert!(objects.reserve(pair()));
}

/// One thing that the index is told.
#[derive(Debug, Clone)]
enum Told {
    Applied(Key, Vec<Key>),
    Claims(Key, Pair),
    Resolved(Key, Vec<Pair>),
    Deleted(Key),
}

/// The same knowledge in the plainest form: what each object names and speaks of, searched from end to end.
#[derive(Debug, Default)]
struct Plain(BTreeMap<Key, (Vec<Key>, BTreeSet<Pair>)>);

impl Plain {
    fn told(&mut self, told: &Told) {
        match told.clone() {
            Told::Applied(object, orgs) => self.0.entry(object).or_default().0 = orgs,
            Told::Claims(object, pair) => {
                self.0.entry(object).and_modify(|known| {
                    known.1.insert(pair);
                });
            }
            Told::Resolved(object, pairs) => {
                self.0.entry(object).and_modify(|known| known.1 = pairs.into_iter().collect());
            }
            Told::Deleted(object) => {
                self.0.remove(&object);
            }
        }
    }

    fn who(&self, is_meant: impl Fn(&(Vec<Key>, BTreeSet<Pair>)) -> bool) -> Vec<Key> {
        self.0.iter().filter(|(_, known)| is_meant(known)).map(|(key, _)| key.clone()).collect()
    }
}

fn tell(objects: &Objects, told: &Told) {
    match told.clone() {
        Told::Applied(object, orgs) => objects.applied(&object, orgs),
        Told::Claims(object, pair) => objects.claims(&object, Some(pair)),
        Told::Resolved(object, pairs) => objects.resolved(&object, pairs),
        Told::Deleted(object) => drop(objects.deleted(&object)),
    }
}

fn everything_to_tell() -> Vec<Told> {
    let mut all = Vec::new();
    for object in ["a", "b"] {
        all.extend([keys(&["x"]), keys(&["y"]), keys(&["x", "y"])].map(|orgs| Told::Applied(key(object), orgs)));
        all.extend([pair(), other_pair()].map(|pair| Told::Claims(key(object), pair)));
        all.extend([vec![], vec![pair()], vec![pair(), other_pair()]].map(|pairs| Told::Resolved(key(object), pairs)));
        all.push(Told::Deleted(key(object)));
    }
    all
}

fn agree(objects: &Objects, plain: &Plain, history: &[&Told]) {
    for org in keys(&["x", "y"]) {
        assert_eq!(objects.of_org(&org), plain.who(|(orgs, _)| orgs.contains(&org)), "{org} after {history:?}");
    }
    for pair in [pair(), other_pair()] {
        let who = plain.who(|(_, pairs)| pairs.contains(&pair));
        assert_eq!(objects.of_pair(pair), who, "{pair} after {history:?}");
    }
    for object in keys(&["a", "b"]) {
        let (orgs, _) = plain.0.get(&object).cloned().unwrap_or_default();
        assert_eq!(objects.orgs_of(&object), orgs, "{object} after {history:?}");
    }
}

#[test]
fn after_every_short_history_the_index_agrees_with_a_search_from_end_to_end() {
    let all = everything_to_tell();
    let known = ["a", "b"].map(|object| Told::Applied(key(object), keys(&["x"])));
    let mut open: Vec<Vec<&Told>> = vec![Vec::new(), known.iter().collect()];
    while let Some(history) = open.pop() {
        let (objects, mut plain) = (Objects::default(), Plain::default());
        for told in &history {
            tell(&objects, told);
            plain.told(told);
        }
        agree(&objects, &plain, &history);
        if history.len() < 3 || (history.len() < 5 && std::ptr::eq(history[0], &known[0])) {
            open.extend(all.iter().map(|next| history.iter().copied().chain([next]).collect::<Vec<_>>()));
        }
    }
}

#[test]
fn nothing_is_left_in_memory_once_all_objects_are_gone() {
    let objects = Objects::default();
    for told in everything_to_tell() {
        tell(&objects, &told);
    }
    for name in ["a", "b"] {
        objects.applied(&key(name), keys(&["x"]));
        objects.failed(&key(name));
        objects.pause(&key(name), Instant::now(), occasion());
        objects.requested_at(&key(name), "now");
        objects.corrected(&key(name), 1);
        objects.deleted(&key(name));
    }
    let Index { entries, by_pair, by_org, notes, busy } = &*objects.lock();
    assert!(entries.is_empty() && by_pair.is_empty() && by_org.is_empty(), "{objects:?}");
    assert!(notes.is_empty() && busy.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_generation_counts_from_when_it_was_first_seen() {
    let objects = two_on_one_pair();
    let first = objects.specified_at(&key("a"), 1);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(objects.specified_at(&key("a"), 1), first);
    assert_eq!(objects.specified_at(&key("a"), 2), first + Duration::from_secs(5));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(objects.specified_at(&key("a"), 1), first + Duration::from_secs(5), "a cache that is behind changes nothing");
    assert_eq!(objects.specified_at(&key("a"), 2), first + Duration::from_secs(5));
    objects.deleted(&key("a"));
    assert_eq!(objects.specified_at(&key("a"), 2), Instant::now(), "nothing is remembered of what is gone");
    assert!(objects.lock().entries.contains_key(&key("b")) && !objects.lock().entries.contains_key(&key("a")));
}

#[tokio::test(start_paused = true)]
async fn the_same_words_are_said_again_only_after_a_while_and_others_at_once() {
    let (objects, object) = (known(&["a"]), key("a"));
    assert_eq!(objects.repeats(&object, 1), None);
    objects.said(&object, 1);
    tokio::time::advance(Duration::from_secs(4)).await;
    assert_eq!((objects.repeats(&object, 1), objects.repeats(&object, 2)), (Some(Duration::from_secs(6)), None));
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(objects.repeats(&object, 1), None);
}

/// An object that has just been put right three times.
fn often_corrected() -> Objects {
    let objects = known(&["a", "b"]);
    (0..3).for_each(|_| objects.corrected(&key("a"), 1));
    objects
}

const WINDOW: Duration = Duration::from_mins(10);

#[tokio::test(start_paused = true)]
async fn what_is_put_right_again_and_again_is_contested_for_that_object_and_spec_alone() {
    let objects = often_corrected();
    assert!(objects.contested(&key("a"), 1, WINDOW).is_some());
    assert_eq!(objects.contested(&key("a"), 2, WINDOW), None);
    assert_eq!(objects.contested(&key("b"), 1, WINDOW), None);
}

#[tokio::test(start_paused = true)]
async fn a_contest_that_was_given_up_lasts_half_an_hour_whatever_the_window() {
    let objects = often_corrected();
    objects.gave_up(&key("a"));
    tokio::time::advance(Duration::from_mins(29)).await;
    assert_eq!(objects.contested(&key("a"), 1, WINDOW), Some(Duration::from_mins(1)));
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(objects.contested(&key("a"), 1, WINDOW), None);
}

#[tokio::test(start_paused = true)]
async fn a_person_who_asks_ends_a_contest_and_so_does_the_end_of_the_object() {
    let objects = often_corrected();
    objects.forget_corrections(&key("a"));
    assert_eq!(objects.contested(&key("a"), 1, WINDOW), None);
    let objects = often_corrected();
    objects.deleted(&key("a"));
    assert_eq!(objects.contested(&key("a"), 1, WINDOW), None);
}
