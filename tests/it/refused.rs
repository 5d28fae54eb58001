//! A policy of the cluster refuses what the operator writes on an object: the object says so, and goes on when the policy is gone.

use crossorg::api::OrgConnection;
use datadog_double::CENTRAL;
use serde_json::json;

use crate::harness::{Conditioned, OLD_ENOUGH, World};

/// Refuses changes of this resource in this namespace for which this CEL expression is not true.
async fn forbid(world: &World, resource: &str, expression: &str) {
    let name = &world.namespace;
    let rules = json!([{
        "apiGroups": ["crossorg.dev"], "apiVersions": ["v1alpha1"], "operations": ["UPDATE"], "resources": [resource],
    }]);
    let namespace = json!({ "matchLabels": { "kubernetes.io/metadata.name": name } });
    let validations = json!([{ "expression": expression, "message": "the platform team says no." }]);
    let (version, metadata) = ("admissionregistration.k8s.io/v1", json!({ "name": name }));
    let matched = json!({ "resourceRules": rules, "namespaceSelector": namespace });
    let policy = json!({ "matchConstraints": matched, "validations": validations });
    let binding = json!({ "policyName": name, "validationActions": ["Deny"] });
    for (kind, spec) in [("ValidatingAdmissionPolicy", policy), ("ValidatingAdmissionPolicyBinding", binding)] {
        let manifest = json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec });
        let output = world.kubectl(&["apply", "-f", "-"], &manifest.to_string()).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Waits until the policy refuses this patch, which is never carried out.
async fn is_in_force(world: &World, what: &[&str], patch: &str) {
    let arguments = [&["patch"], what, &["--type=merge", "--dry-run=server", "--patch", patch]].concat();
    world.until("the policy is in force", async || (!world.kubectl(&arguments, "").await.status.success()).then_some(())).await;
}

async fn permit(world: &World) {
    for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
        world.kubectl_text(&["delete", kind, &world.namespace]).await;
    }
}

/// Waits until the object says that Kubernetes refuses this, in the words of the policy.
async fn says_that_it_is_refused(world: &World, what: &str) {
    let waiting = world.reason("shared", "Retrying").await;
    let message = waiting.message();
    assert!(waiting.has("Reconciling") && message.starts_with(&format!("Kubernetes refuses {what}: ")), "{message}");
    assert!(message.contains("the platform team says no. "), "{message}");
}

#[tokio::test]
async fn an_object_says_that_a_policy_refuses_its_claim_or_its_end() {
    let world = World::new("refused-by-policy").await;
    world.org("payments").await;
    world.connection("shared").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    forbid(&world, "orgconnections", "!('crossorg.dev/claim' in object.metadata.?annotations.orValue({}))").await;
    is_in_force(&world, &["orgconnection", "shared"], r#"{"metadata":{"annotations":{"crossorg.dev/claim":"any"}}}"#).await;
    let _operator = world.operator().await;
    says_that_it_is_refused(&world, "the claim").await;
    assert_eq!(world.counts().remote_writes(), (0, 0, 0));
    permit(&world).await;
    world.ready("shared").await;

    world.advance(OLD_ENOUGH);
    forbid(&world, "orgconnections", "'crossorg.dev/connection' in object.metadata.?finalizers.orValue([])").await;
    is_in_force(&world, &["orgconnection", "shared"], r#"{"metadata":{"finalizers":null}}"#).await;
    world.delete::<OrgConnection>("shared").await;
    says_that_it_is_refused(&world, "to remove the finalizer").await;
    permit(&world).await;
    world.gone::<OrgConnection>("shared").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 1));
}

#[tokio::test]
async fn an_object_says_that_a_policy_refuses_what_the_brake_has_to_remember() {
    let world = World::new("refused-memory").await;
    world.org("payments").await;
    let _operator = world.operator().await;
    world.connection("shared").from("payments").to(CENTRAL).types(&["logs"]).apply().await;
    world.ready("shared").await;
    world.advance(OLD_ENOUGH);
    forbid(&world, "datadogorgs/status", "!has(object.status.deletionWindowStart)").await;
    let brake = ["datadogorg", "payments", "--subresource=status"];
    is_in_force(&world, &brake, r#"{"status":{"deletionWindowStart":"2026-03-01T12:00:00Z"}}"#).await;
    world.delete::<OrgConnection>("shared").await;
    says_that_it_is_refused(&world, "what the brake has to remember in the status of the DatadogOrg").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 0));
    permit(&world).await;
    world.gone::<OrgConnection>("shared").await;
    assert_eq!(world.counts().remote_writes(), (1, 0, 1));
}
