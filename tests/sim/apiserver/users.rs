//! What people and their tools do to objects. It takes effect at once, stands in no journal and suffers no faults.

use std::sync::Arc;

use k8s_openapi::ByteString;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ApiServer;
use super::kind::Kind;
use super::refusal::Refusal;
use super::rules::merge;
use super::store::{Key, Part, Written};

/// The manager of what people write.
const PEOPLE: &str = "people";

impl ApiServer {
    /// `kubectl create`.
    pub(crate) fn create(&self, manifest: Value) -> Result<Written, Refusal> {
        let key = key_of(&manifest);
        self.write(|store| store.create(&key, manifest))
    }

    /// `kubectl apply`: creates the object or gives it this spec; labels and annotations are added.
    pub(crate) fn apply(&self, manifest: Value) -> Result<Written, Refusal> {
        let key = key_of(&manifest);
        if self.read(&key).is_none() {
            return self.create(manifest);
        }
        self.write(|store| {
            store.update(&key, Part::Object, PEOPLE, |object| {
                merge(object, &json!({ "metadata": { "labels": manifest["metadata"]["labels"], "annotations": manifest["metadata"]["annotations"] } }));
                for content in ["spec", "data"].into_iter().filter(|content| !manifest[*content].is_null()) {
                    object[content] = manifest[content].clone();
                }
            })
        })
    }

    /// `kubectl replace`: whatever the manifest does not say is dropped, finalizers and annotations too.
    pub(crate) fn replace(&self, manifest: Value) -> Result<Written, Refusal> {
        let key = key_of(&manifest);
        self.write(|store| {
            store.update(&key, Part::Object, PEOPLE, |object| {
                let version = object["metadata"]["resourceVersion"].take();
                *object = manifest;
                object["metadata"]["resourceVersion"] = version;
            })
        })
    }

    /// `kubectl patch --type=merge`.
    pub(crate) fn patch<K: Resource<DynamicType = ()>>(&self, namespace: &str, name: &str, change: &Value) -> Result<Written, Refusal> {
        self.write(|store| store.update(&key::<K>(namespace, name), Part::Object, PEOPLE, |object| merge(object, change)))
    }

    /// `kubectl patch --type=merge --subresource=status`.
    pub(crate) fn patch_status<K: Resource<DynamicType = ()>>(
        &self,
        namespace: &str,
        name: &str,
        change: &Value,
    ) -> Result<Written, Refusal> {
        let change = json!({ "status": change });
        self.write(|store| store.update(&key::<K>(namespace, name), Part::Status, PEOPLE, |object| merge(object, &change)))
    }

    /// Another controller applies its part of the status, such as a condition of its own.
    pub(crate) fn apply_status<K: Resource<DynamicType = ()>>(
        &self,
        namespace: &str,
        name: &str,
        status: &Value,
    ) -> Result<Written, Refusal> {
        self.write(|store| store.apply_status(&key::<K>(namespace, name), "another-controller", &json!({ "status": status })))
    }

    /// A restore from a backup: the status is lost.
    pub(crate) fn wipe_status<K: Resource<DynamicType = ()>>(&self, namespace: &str, name: &str) -> Result<Written, Refusal> {
        self.patch_status::<K>(namespace, name, &Value::Null)
    }

    /// `kubectl annotate`; `None` takes the annotation away.
    pub(crate) fn annotate<K>(&self, namespace: &str, name: &str, annotation: &str, value: Option<&str>) -> Result<Written, Refusal>
    where
        K: Resource<DynamicType = ()>,
    {
        self.patch::<K>(namespace, name, &json!({ "metadata": { "annotations": { annotation: value } } }))
    }

    /// `kubectl label`; `None` takes the label away.
    pub(crate) fn label<K>(&self, namespace: &str, name: &str, label: &str, value: Option<&str>) -> Result<Written, Refusal>
    where
        K: Resource<DynamicType = ()>,
    {
        self.patch::<K>(namespace, name, &json!({ "metadata": { "labels": { label: value } } }))
    }

    /// Somebody takes all finalizers off, by force.
    pub(crate) fn strip_finalizers<K: Resource<DynamicType = ()>>(&self, namespace: &str, name: &str) -> Result<Written, Refusal> {
        self.patch::<K>(namespace, name, &json!({ "metadata": { "finalizers": null } }))
    }

    /// `kubectl delete`: gone, or terminating if there are finalizers.
    pub(crate) fn delete<K: Resource<DynamicType = ()>>(&self, namespace: &str, name: &str) -> Result<Written, Refusal> {
        self.write(|store| store.delete(&key::<K>(namespace, name)))
    }

    /// Makes a Secret, or gives it exactly these keys.
    pub(crate) fn secret<V: AsRef<str>>(&self, namespace: &str, name: &str, keys: &[(&str, V)]) -> Result<Written, Refusal> {
        let encoded = |value: &str| serde_json::to_value(ByteString(value.as_bytes().to_vec())).expect("bytes can be written");
        let data: Value = keys.iter().map(|(key, value)| ((*key).to_owned(), encoded(value.as_ref()))).collect();
        self.apply(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "namespace": namespace }, "data": data }))
    }

    // === Looking, past all faults ===

    /// An object as it is now.
    pub(crate) fn object<K: Resource<DynamicType = ()> + DeserializeOwned>(&self, namespace: &str, name: &str) -> Option<K> {
        let object = self.read(&key::<K>(namespace, name))?;
        Some(serde_json::from_value((*object).clone()).unwrap())
    }

    /// All objects of a kind, by namespace and name.
    pub(crate) fn objects<K: Resource<DynamicType = ()> + DeserializeOwned>(&self) -> Vec<K> {
        let all = self.look(|state| state.store.as_of(u64::MAX));
        let mine = all.into_iter().filter(|(key, _)| key.kind == Kind::of::<K>());
        mine.map(|(_, object)| serde_json::from_value((*object).clone()).unwrap()).collect()
    }
}

impl ApiServer {
    /// All objects of a kind as they are stored, also those that cannot be understood.
    pub(crate) fn stored(&self, kind: Kind) -> Vec<Arc<Value>> {
        let all = self.look(|state| state.store.as_of(u64::MAX));
        all.into_iter().filter(|(key, _)| key.kind == kind).map(|(_, object)| object).collect()
    }
}

fn key<K: Resource<DynamicType = ()>>(namespace: &str, name: &str) -> Key {
    Key::new(Kind::of::<K>(), namespace, name)
}

fn key_of(manifest: &Value) -> Key {
    let text = |name: &str| manifest["metadata"][name].as_str().unwrap_or_else(|| panic!("a manifest without metadata.{name}: {manifest}"));
    Key::new(Kind::of_manifest(manifest), text("namespace"), text("name"))
}
