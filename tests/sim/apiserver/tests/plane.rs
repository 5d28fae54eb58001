//! The real API server: one for all pairs, started by the first.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::await_condition;
use tokio::sync::OnceCell;
use xtask::controlplane::{ControlPlane, Options};

/// Its processes belong to no runtime: it outlives the test that happens to come first.
static SHARED: OnceCell<Arc<ControlPlane>> = OnceCell::const_new();

/// A client of it for this runtime, and a namespace of that name.
pub(super) async fn client(namespace: &str) -> kube::Client {
    let client = SHARED.get_or_init(start).await.client().unwrap();
    let metadata = ObjectMeta { name: Some(namespace.to_owned()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    client
}

async fn start() -> Arc<ControlPlane> {
    let options = Options { controller_manager: false, ..Options::default() };
    let plane = ControlPlane::start(options).await.unwrap();
    let api: Api<CustomResourceDefinition> = Api::all(plane.client().unwrap());
    for crd in crossorg::api::crds() {
        let name = crd.metadata.name.clone().unwrap();
        api.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(&crd)).await.unwrap();
        await_condition(api.clone(), &name, is_crd_established()).await.unwrap();
    }
    Arc::new(plane)
}
