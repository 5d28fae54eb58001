//! The control plane: one for all tests, private ones for those that harm it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossorg::api::{DatadogOrg, OrgConnection};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::await_condition;
use tokio::sync::OnceCell;
use xtask::controlplane::{ControlPlane, Options};

use super::waiting::eventually;
use super::world::Kind;

/// It takes a second at most, on a machine that does nothing else.
const SERVED_WITHIN: Duration = Duration::from_secs(30);

/// Its processes belong to no runtime: it outlives the test that happens to come first.
static SHARED: OnceCell<Arc<ControlPlane>> = OnceCell::const_new();

/// The one that all tests share, with the CRDs applied. It ends with the process.
pub(crate) async fn shared() -> Arc<ControlPlane> {
    Arc::clone(SHARED.get_or_init(private).await)
}

/// One for a single test, with the CRDs applied.
pub(crate) async fn private() -> Arc<ControlPlane> {
    let plane = bare().await;
    apply_crds(&plane).await;
    plane
}

/// One for a single test, without CRDs.
pub(crate) async fn bare() -> Arc<ControlPlane> {
    Arc::new(ControlPlane::start(Options::default()).await.unwrap())
}

/// Applies the CRDs as a user does, and waits until they are served.
pub(crate) async fn apply_crds(plane: &ControlPlane) {
    let api: Api<CustomResourceDefinition> = Api::all(plane.client().unwrap());
    for crd in crossorg::api::crds() {
        let name = crd.metadata.name.clone().unwrap();
        api.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(&crd)).await.unwrap();
        await_condition(api.clone(), &name, is_crd_established()).await.unwrap();
    }
    await_kinds(plane).await;
}

/// Waits until both kinds are served. Established is not served yet: the API server answers 429 while it fills its cache of a new kind.
pub(crate) async fn await_kinds(plane: &ControlPlane) {
    served::<DatadogOrg>(plane).await;
    served::<OrgConnection>(plane).await;
}

async fn served<K: Kind>(plane: &ControlPlane) {
    let api: Api<K> = Api::all(plane.client().unwrap());
    // Metadata alone: a test may have stored an object that its type cannot read.
    let look = async || api.list_metadata(&ListParams::default()).await.ok();
    assert!(eventually(SERVED_WITHIN, look).await.is_some(), "{} is not served within {SERVED_WITHIN:?}", K::kind(&()));
}

/// Where logs of operators are kept after the run.
pub(super) fn log_directory() -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("it");
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
