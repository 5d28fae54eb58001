//! What people and their tools do, in Kubernetes and at Datadog. Everything is a function of the seed.

mod acts;
mod behind;
mod connections;
mod organizations;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use datadog_double::{READ, WRITE};
use fastrand::Rng;
use jiff::SignedDuration;
use serde_json::{Value, json};

use self::acts::Act;
use self::behind::Quarrel;
use crate::world::{SEATS, Seat, World};

/// More deletions than a run has.
const GENEROUS: usize = 1000;
/// A time in the wall clock of a run that is less than a day ahead once the weather is fair, and later than its end.
const FOR_THE_REST_OF_THE_RUN: SignedDuration = SignedDuration::from_hours(20);

/// Everybody but the operator.
pub(crate) struct People {
    world: World,
    chance: Rng,
    /// What these people never do.
    never: Vec<Act>,
    /// What is to be created as soon as its namesake is gone, not before this time.
    wanted: Vec<(Duration, Value)>,
    /// Namespace and name of what has a successor and is to be deleted soon.
    outgoing: Vec<(String, String)>,
    suspended: BTreeSet<Seat>,
    /// How many deletions an hour each DatadogOrg lets through.
    limits: BTreeMap<Seat, usize>,
    quarrel: Option<Quarrel>,
    keys: Vec<(Seat, String)>,
    requests: usize,
}

impl People {
    /// People of this seed, with the DatadogOrgs made.
    pub(crate) fn new(world: &World) -> Self {
        let mut chance = Rng::with_seed(world.seed ^ 0x0070_656f_706c_6500);
        let never = Act::avoided(&mut chance);
        let mut people = Self {
            world: world.clone(),
            chance,
            never,
            wanted: Vec::new(),
            outgoing: Vec::new(),
            suspended: BTreeSet::new(),
            limits: BTreeMap::new(),
            quarrel: None,
            keys: Vec::new(),
            requests: 0,
        };
        for seat in SEATS {
            people.rotate(seat);
            people.limit(seat);
            people.apply_org(seat, "60s");
        }
        people
    }

    /// Does something; answers what.
    pub(crate) fn act(&mut self) -> String {
        let followed = self.follow_up();
        let act = Act::any(&mut self.chance);
        if self.never.contains(&act) {
            return format!("not {act:?}{followed}");
        }
        let done = self.perform(act);
        format!("{act:?} {}{followed}", done.unwrap_or_else(|| "in vain".to_owned()))
    }

    /// Goes on with what was begun: creates anew, deletes what has a successor, quarrels. Answers what.
    fn follow_up(&mut self) -> String {
        let created = self.create_wanted();
        let gone = if self.chance.u8(..3) == 0 { self.delete_outgoing() } else { Vec::new() };
        let quarrelled = self.quarrel_on();
        [created, gone, quarrelled].concat().into_iter().map(|what| format!("; {what}")).collect()
    }

    fn create_wanted(&mut self) -> Vec<String> {
        let now = self.world.begun.elapsed();
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.wanted).into_iter().partition(|(after, _)| *after <= now);
        self.wanted = later;
        let mut created = Vec::new();
        for (after, manifest) in due {
            let name = format!("{}/{}", manifest["metadata"]["namespace"], manifest["metadata"]["name"]);
            // What a new DatadogOrg proves first is what it is for ever.
            if let Some(seat) = SEATS.into_iter().find(|seat| manifest["kind"] == "DatadogOrg" && seat.is(&manifest["metadata"])) {
                self.world.put_key(seat, &self.key_of(seat));
            }
            match self.world.server.create(manifest.clone()) {
                Ok(_) => created.push(format!("created {name}")),
                Err(_) => self.wanted.push((after, manifest)),
            }
        }
        created
    }

    /// The weather is fair: quarrels end, some of the suspended DatadogOrgs are resumed, what is still to be done is done now, and what is to
    /// be deleted may be, by a limit or by an approval.
    pub(crate) fn calm_down(&mut self) {
        self.quarrel = None;
        let chance = &mut self.chance;
        self.suspended.retain(|_| chance.bool());
        self.wanted.iter_mut().for_each(|(after, _)| *after = Duration::ZERO);
        self.limits.values_mut().filter(|_| chance.bool()).for_each(|limit| *limit = GENEROUS);
        self.delete_outgoing();
    }

    /// Puts everything right that people alone can: keys, Secrets, misspelt objects, missing DatadogOrgs.
    pub(crate) fn mend(&mut self) {
        self.create_wanted();
        for seat in SEATS {
            let good = self.keys.iter().rev().find(|(of, id)| *of == seat && self.is_good(seat, id)).map(|(_, id)| id.clone());
            match good {
                Some(id) => {
                    self.world.datadog.set_permissions(seat.organization, &id, &[READ, WRITE]).unwrap();
                    self.world.put_key(seat, &id);
                }
                None => self.rotate(seat),
            }
            self.apply_org(seat, "60s");
            if self.limits[&seat] < GENEROUS {
                self.approve(seat, FOR_THE_REST_OF_THE_RUN);
            }
            drop(self.world.datadog.set_limit(seat.organization, None));
        }
        for object in self.world.connections() {
            if object["spec"]["deletionPolicy"] == "Bogus" {
                self.patch(&object, &json!({ "spec": { "deletionPolicy": "Delete" } }));
            }
        }
    }

    fn is_good(&self, seat: Seat, id: &str) -> bool {
        let state = self.world.datadog.state();
        let known = state.organizations.iter().find(|known| known.id == seat.organization);
        let credential = known.and_then(|known| known.credentials.iter().find(|known| known.id == id));
        credential.is_some_and(|known| known.enabled && known.user == self.world.principal(seat.organization))
    }

    fn perform(&mut self, act: Act) -> Option<String> {
        if act.is_behind_our_back() {
            return self.at_datadog(act);
        }
        if act.is_about_an_org() {
            let seat = SEATS[self.chance.usize(..SEATS.len())];
            self.with_org(act, seat)?;
            return Some(format!("{}/{}", seat.namespace, seat.name));
        }
        match act {
            Act::Create => self.create(),
            Act::DeleteFolder => Some(self.delete_folder()),
            Act::Compact => {
                self.world.server.compact();
                Some(String::new())
            }
            _ => {
                let objects = self.world.connections();
                let object = objects.get(self.chance.usize(..objects.len().max(1)))?;
                let done = self.with_connection(act, object)?;
                Some(format!("{}/{} {done}", object["metadata"]["namespace"], object["metadata"]["name"]))
            }
        }
    }

    /// One of them.
    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.chance.usize(..all.len())].clone()
    }

    fn request(&mut self) -> Value {
        self.requests += 1;
        json!({ "crossorg.dev/reconcile-requested-at": format!("request {}", self.requests) })
    }
}
