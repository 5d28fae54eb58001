//! Kubernetes events: one object each, never a series. kube's own recorder joins what looks alike for six minutes and keeps the first text,
//! so that the second of two changes would be told as the first.

use std::sync::atomic::{AtomicU64, Ordering};

use k8s_openapi::api::events::v1::Event as KubeEvent;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Resource};
use tracing::debug;

use super::context::Context;
use super::kubernetes::within;
use crate::api::FIELD_MANAGER;
use crate::api::fields::cut;
use crate::decide::event::Event;
use crate::log::chain;
use crate::world::Key;

/// An event's note may have 1 kB.
const NOTE_BYTES: usize = 1000;
/// An event is named after its object, with 33 characters more, and a name ends at 253.
const NAME_BYTES: usize = 220;

/// Tells two events of one moment apart.
#[derive(Debug, Default)]
pub(super) struct Numbers(AtomicU64);

/// Best effort: an event that cannot be published is no reason to do anything again.
pub(super) async fn publish<K: Resource<DynamicType = ()>>(context: &Context, object: &K, event: &Event) {
    let now = (context.seams.wall_clock)();
    let number = context.events.0.fetch_add(1, Ordering::Relaxed);
    let key = Key::of(object);
    let beginning = &key.name[..key.name.floor_char_boundary(NAME_BYTES)];
    let name = format!("{}.{:x}.{number:x}", beginning.trim_end_matches(['.', '-']), now.as_microsecond());
    let event = KubeEvent {
        metadata: ObjectMeta { name: Some(name), namespace: Some(key.namespace.clone()), ..ObjectMeta::default() },
        event_time: Some(MicroTime(now)),
        type_: Some(if event.warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(event.reason.to_owned()),
        action: Some(event.reason.to_owned()),
        note: Some(cut(&event.note, NOTE_BYTES).into_owned()),
        regarding: Some(object.object_ref(&())),
        reporting_controller: Some("crossorg.dev/crossorg".to_owned()),
        reporting_instance: Some(FIELD_MANAGER.to_owned()),
        ..KubeEvent::default()
    };
    let api: Api<KubeEvent> = Api::namespaced(context.kubernetes.clone(), &key.namespace);
    let parameters = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    if let Err(error) = within(api.create(&parameters, &event)).await {
        debug!(object = %key, error = chain(&error), "the event could not be published");
    }
}
