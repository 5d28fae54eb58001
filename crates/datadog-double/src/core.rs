//! Everything the double knows, and the three steps of a request on it. Synchronous: whoever holds it has the lock.

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::api::{self, Question, Scene};
use crate::auth;
use crate::config::{Behaviour, Config};
use crate::faults::{Chosen, Fault, Script};
use crate::history::Moment;
use crate::journal::{Entry, Journal, Outcome};
use crate::limits::{Allowance, Limits};
use crate::monitor::{Broken, Monitor};
use crate::refusal::Refusal;
use crate::reply::{Effect, Reply};
use crate::sources::{Clock, Ids};
use crate::state::World;

/// A request as it came.
pub(crate) struct Incoming {
    pub(crate) question: Question,
    pub(crate) raw_query: Option<String>,
    pub(crate) headers: HeaderMap,
}

/// What is known of a request once it has arrived.
pub(crate) struct Arrived {
    pub(crate) seq: u64,
    pub(crate) organization: Option<Uuid>,
    pub(crate) chosen: Option<Chosen>,
}

impl Arrived {
    pub(crate) fn faults(&self) -> &[Fault] {
        self.chosen.as_ref().map_or(&[], |chosen| &chosen.faults)
    }
}

pub(crate) struct Core {
    pub(crate) world: World,
    pub(crate) journal: Journal,
    pub(crate) script: Script,
    pub(crate) limits: Limits,
    pub(crate) monitor: Monitor,
    pub(crate) behaviour: Behaviour,
    pub(crate) ids: Ids,
    clock: Clock,
    begun: Instant,
    lists: u64,
}

impl Core {
    pub(crate) fn new(config: &Config, clock: Clock, ids: Ids) -> Self {
        Self {
            world: World::new(config, clock.now()),
            journal: Journal::default(),
            script: Script::default(),
            limits: Limits::new(config),
            monitor: Monitor::default(),
            behaviour: config.behaviour.clone(),
            ids,
            clock,
            begun: Instant::now(),
            lists: 0,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn moment(&self, seq: u64) -> Moment {
        Moment { millis: self.millis(), seq, lists: self.lists }
    }

    /// First step: into the journal, past the monitors, and what is to befall it.
    pub(crate) fn arrive(&mut self, incoming: &Incoming) -> Arrived {
        let recognised = auth::recognise(&self.world, &incoming.question.keys);
        let organization = recognised.as_ref().map(|known| known.organization);
        let (query, key_in_query) = self.redacted_query(incoming);
        let seq = self.journal.open(self.entry(incoming, recognised, query));
        self.watch(&incoming.question, organization, seq);
        if key_in_query {
            self.monitor.note(Broken::KeyInQuery, seq, &incoming.question.path);
        }
        let chosen = self.script.choose(organization, &incoming.question.method, &incoming.question.path);
        if let (Some(entry), Some(chosen)) = (self.journal.entry_mut(seq), &chosen) {
            entry.rule = Some(chosen.rule);
        }
        Arrived { seq, organization, chosen }
    }

    fn redacted_query(&self, incoming: &Incoming) -> (Option<String>, bool) {
        let (query, raw) = incoming.raw_query.as_deref().map(|query| auth::redact(&self.world, query)).unzip();
        let telling = |name: &str| ["api_key", "application_key", "app_key"].contains(&name.to_lowercase().replace('-', "_").as_str());
        let decoded = &incoming.question.query;
        let hidden = decoded.iter().any(|(name, value)| telling(name) || auth::redact(&self.world, value).1);
        let query = if hidden { Some("<key>".to_owned()) } else { query };
        (query, raw.unwrap_or_default() || hidden)
    }

    fn entry(&self, incoming: &Incoming, recognised: Option<auth::Recognised>, query: Option<String>) -> Entry {
        let (organization, credential) = recognised.map(|known| (known.organization, known.credential)).unzip();
        let question = &incoming.question;
        let body = auth::redact(&self.world, &String::from_utf8_lossy(&question.body)).0;
        Entry {
            seq: 0,
            at_millis: self.millis(),
            at: self.now(),
            organization,
            credential,
            method: question.method.clone(),
            path: auth::redact(&self.world, &question.path).0,
            query,
            user_agent: incoming.headers.get("user-agent").and_then(|agent| agent.to_str().ok()).map(str::to_owned),
            body: serde_json::from_str::<Value>(&body).ok(),
            outcome: Outcome::InProgress,
            took_effect: false,
            rule: None,
            held: None,
            ended_millis: None,
        }
    }

    fn watch(&mut self, question: &Question, organization: Option<Uuid>, seq: u64) {
        let Some(organization) = organization else { return };
        self.monitor.spends(organization, seq, self.now());
        if let (true, Some(sink)) = (question.is_create(), question.wanted_sink()) {
            self.monitor.creates(organization, sink, seq);
        }
        let writes = ["PATCH", "DELETE"].contains(&question.method.as_str());
        let Some(id) = question.connection_id().filter(|_| writes) else { return };
        match api::strict_uuid(id) {
            Some(id) if self.world.connection(id).is_some_and(|connection| connection.protected) => {
                self.monitor.note(Broken::ProtectedTouched, seq, &id);
            }
            Some(id) if self.world.ever_had(id) => {}
            Some(_) | None => self.monitor.note(Broken::UnknownId, seq, id),
        }
    }

    /// Second step: the effect and the true answer.
    pub(crate) fn perform(&mut self, question: &Question, arrived: &Arrived) -> Reply {
        let now = self.now();
        let allowance = api::payer(&self.world, question).and_then(|organization| self.limits.take(organization, now));
        let result = match &allowance {
            Some(Allowance { granted: false, limit, .. }) => Err(Refusal::Limited { limit: limit.limit, period: limit.period_seconds }),
            _ => self.answer(question, arrived, now),
        };
        let mut reply = result.unwrap_or_else(|refusal| refusal.reply());
        reply.headers.extend(allowance.iter().flat_map(Allowance::headers));
        self.account_for(&reply, arrived.seq);
        reply
    }

    fn answer(&mut self, question: &Question, arrived: &Arrived, now: Timestamp) -> Result<Reply, Refusal> {
        let moment = self.moment(arrived.seq);
        let doomed = question.connection_id().and_then(api::strict_uuid).and_then(|id| self.world.connection(id).cloned());
        let mut scene = Scene {
            world: &mut self.world,
            ids: &mut self.ids,
            behaviour: &self.behaviour,
            now,
            moment,
            list_faults: arrived.faults().iter().filter_map(Fault::of_list).collect(),
            instead_of_caller: arrived.faults().iter().find_map(Fault::stand_in),
        };
        let reply = api::answer(question, &mut scene)?;
        self.lists += u64::from(question.is_list());
        if let (Effect::Deleted, Some(gone)) = (reply.effect, doomed) {
            self.monitor.deleted(gone.source, gone.sink);
        }
        Ok(reply)
    }

    fn account_for(&mut self, reply: &Reply, seq: u64) {
        if let Some(entry) = self.journal.entry_mut(seq) {
            entry.took_effect = reply.effect != Effect::None;
        }
        if let Effect::Created { source, sink } = reply.effect {
            self.check_pair(source, sink, seq);
        }
    }

    /// The one invariant of the double itself.
    pub(crate) fn check_pair(&mut self, source: Uuid, sink: Uuid, seq: u64) {
        if self.world.has_duplicates(source, sink) {
            self.monitor.note(Broken::DuplicatePair, seq, &format!("{source}/{sink}"));
        }
    }

    /// Last step: how it ended, and what the client knows from now on.
    pub(crate) fn finish(&mut self, arrived: &Arrived, outcome: Outcome, told: Option<&Reply>) {
        let (ended, now) = (self.millis(), self.now());
        if let Some(entry) = self.journal.entry_mut(arrived.seq) {
            (entry.outcome, entry.ended_millis) = (outcome, Some(ended));
        }
        let Some(reply) = told else { return };
        if let Some(organization) = arrived.organization {
            self.monitor.told_budget(organization, reply, now);
        }
        if let Effect::Created { source, sink } = reply.effect {
            // Deleted again while the answer was delayed: what the client learns is old news, and a new POST is right.
            if self.world.connection_of_pair(source, sink).is_some() {
                self.monitor.told_created(source, sink);
            }
        }
    }
}

#[cfg(test)]
mod tests;
