//! The chart: what it renders is welcome at a real API server under the restricted profile, the same from both versions of Helm, and
//! whatever it does not know it refuses by name.

mod release;
mod settings;

use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::PostParams;
use serde_json::{Value, json};
use xtask::helm::Version;

use crate::harness::World;
use crate::harness::chart::{RELEASE, is_hook, is_of_people, only, render};

/// The account that somebody else makes.
const GIVEN: &str = "given";

/// A situation, and the values for it.
type Situation = (&'static str, Value);

/// All of them. `here` is a namespace that exists, beside `default`.
fn situations(here: &str) -> Vec<Situation> {
    [of_rights(here), of_the_process(), of_the_pod(), of_the_neighbours()].concat()
}

fn of_rights(here: &str) -> Vec<Situation> {
    vec![
        ("the defaults", json!({})),
        ("two namespaces", json!({"watchNamespaces": [here, "default"]})),
        ("Secrets by name, everywhere", json!({"secretNames": ["payments-datadog", "central-datadog"]})),
        ("Secrets by name, in one namespace", json!({"watchNamespaces": [here], "secretNames": ["payments-datadog"]})),
        ("nothing beyond namespaces", json!({"watchNamespaces": [here], "crds": {"enabled": false}})),
        ("one namespace, and roles for people", json!({"watchNamespaces": [here], "rbac": {"aggregate": true}})),
        ("CRDs that go with the release", json!({"crds": {"keep": false}})),
        ("roles and account of somebody else", json!({"rbac": {"create": false}, "serviceAccount": {"create": false, "name": GIVEN}})),
        ("an account that a cloud knows", json!({"serviceAccount": {"name": "known", "annotations": {"example.org/role": "reader"}}})),
    ]
}

fn of_the_process() -> Vec<Situation> {
    let digest = format!("sha256:{}", "0".repeat(64));
    vec![
        ("several pods", json!({"replicas": 3})),
        ("several pods that a drain may take at once", json!({"replicas": 2, "podDisruptionBudget": {"enabled": false}})),
        ("put to rest", json!({"replicas": 0})),
        (
            "an image by its digest, from a registry with a password",
            json!({
                "image": {"repository": "registry.example/crossorg", "digest": digest, "pullPolicy": "Always"},
                "imagePullSecrets": [{"name": "registry"}],
            }),
        ),
        ("only looking, and talkative", json!({"observeOnly": true, "metricsPerObject": true, "logFormat": "text", "logFilter": "debug"})),
        ("another name", json!({"fullnameOverride": "sharing", "replicas": 2, "networkPolicy": {"enabled": true}})),
    ]
}

fn of_the_pod() -> Vec<Situation> {
    vec![
        (
            "behind a proxy with a CA of its own",
            json!({
                "env": [{"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}, {"name": "SSL_CERT_FILE", "value": "/ca/ca.crt"}],
                "volumes": [{"name": "ca", "configMap": {"name": "ca"}}],
                "volumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": true}],
                "extraArgs": ["--listen=[::]:8080"],
            }),
        ),
        (
            "nodes of its own",
            json!({
                "priorityClassName": "system-cluster-critical",
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "tolerations": [{"key": "infra", "operator": "Exists", "effect": "NoSchedule"}],
                "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                    {"nodeSelectorTerms": [{"matchExpressions": [{"key": "infra", "operator": "Exists"}]}]}}},
                "topologySpreadConstraints": [
                    {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"},
                    {"maxSkew": 2, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                     "labelSelector": {"matchLabels": {"app": "any"}}},
                ],
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                "terminationGracePeriodSeconds": 30,
            }),
        ),
        (
            "users that the platform numbers, and labels of the company",
            json!({
                "podSecurityContext": {"runAsUser": null, "runAsGroup": null},
                "commonLabels": {"cost-center": "7"},
                "podLabels": {"team": "observability"},
                "podAnnotations": {"example.org/owner": "observability"},
            }),
        ),
    ]
}

fn of_the_neighbours() -> Vec<Situation> {
    vec![
        (
            "a closed network",
            json!({"networkPolicy": {
                "enabled": true,
                "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
                "apiServerPorts": [6443, 8443],
                "extraEgress": [{"to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}], "ports": [{"port": 3128}]}],
            }}),
        ),
        ("no Datadog Agent", json!({"datadog": {"metrics": false}})),
        ("a Prometheus", json!({"serviceMonitor": {"enabled": true, "interval": "1m", "labels": {"release": "prometheus"}}})),
    ]
}

/// A namespace that takes no pod but those of the restricted profile, with the account that pods have unless they say another.
async fn restricted(name: &str) -> World {
    let world = World::new(name).await;
    world.kubectl_text(&["label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"]).await;
    account(&world, "default").await;
    world
}

async fn account(world: &World, name: &str) {
    let _: ServiceAccount = world.apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})).await;
}

/// A pod as the Deployment would make it: the profile only warns of a Deployment, and refuses its pods.
fn pod_of(deployment: &Value) -> Value {
    let template = &deployment["spec"]["template"];
    let metadata = json!({"name": "any", "labels": template["metadata"]["labels"], "annotations": template["metadata"]["annotations"]});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// What the API server says to a new pod: nothing if it would run.
async fn refusal(world: &World, pod: Value) -> Option<String> {
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let pod: Pod = serde_json::from_value(pod).unwrap();
    world.api::<Pod>().create(&dry, &pod).await.err().map(|error| error.to_string())
}

#[tokio::test]
async fn in_every_situation_it_is_welcome_and_its_pods_keep_to_the_restricted_profile() {
    let world = restricted("chart-situations").await;
    for (situation, values) in situations(&world.namespace) {
        let objects = render(Version::V4, &world.namespace, &values).unwrap();
        // The Prometheus operator's CRDs are not here: what the chart says to it has a test of its own.
        let known: Vec<Value> = objects.into_iter().filter(|object| object["kind"] != "ServiceMonitor").collect();
        let named = only(&known, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"].as_str().unwrap();
        assert!(named == GIVEN || only(&known, "ServiceAccount")["metadata"]["name"] == named, "{situation}: nobody makes {named}");
        account(&world, named).await;
        assert_eq!(world.apply_all(&known, true).await, Ok(()), "{situation}");
        assert_eq!(refusal(&world, pod_of(only(&known, "Deployment"))).await, None, "{situation}");
    }
}

#[tokio::test]
async fn a_pod_that_gives_up_a_lock_is_refused() {
    let world = restricted("chart-locks").await;
    for values in [json!({"podSecurityContext": null}), json!({"securityContext": {"allowPrivilegeEscalation": true}})] {
        let objects = render(Version::V4, &world.namespace, &values).unwrap();
        account(&world, RELEASE).await;
        let refusal = refusal(&world, pod_of(only(&objects, "Deployment"))).await.unwrap();
        assert!(refusal.contains("violates PodSecurity"), "{refusal}");
    }
}

#[test]
fn both_versions_of_helm_render_the_same() {
    for (situation, values) in situations("any") {
        let sorted = |version| {
            let mut objects: Vec<String> = render(version, "any", &values).unwrap().iter().map(Value::to_string).collect();
            objects.sort();
            objects
        };
        assert_eq!(sorted(Version::V3), sorted(Version::V4), "{situation}");
    }
}

#[test]
fn with_namespaces_it_has_no_right_beyond_them() {
    let values = json!({"watchNamespaces": ["a", "b"]});
    for object in render(Version::V4, "home", &values).unwrap() {
        let kind = object["kind"].as_str().unwrap();
        assert!(!kind.starts_with("ClusterRole"), "{object}");
        assert!(["home", "a", "b"].iter().any(|name| object["metadata"]["namespace"] == *name) || !kind.contains("Role"), "{object}");
    }
}

#[test]
fn roles_for_people_come_with_rights_everywhere_or_when_they_are_asked_for() {
    for (values, roles) in [
        (json!({}), 3),
        (json!({"rbac": {"aggregate": false}}), 0),
        (json!({"watchNamespaces": ["a"]}), 0),
        (json!({"watchNamespaces": ["a"], "rbac": {"aggregate": true}}), 3),
    ] {
        let objects = render(Version::V4, "any", &values).unwrap();
        assert_eq!(objects.iter().filter(|object| is_of_people(object)).count(), roles, "{values}");
    }
}

#[tokio::test]
async fn a_name_that_yaml_takes_for_something_else_is_a_name() {
    let world = restricted("2024").await;
    let filter = "crossorg[{object: x}]=debug #b";
    let values = json!({
        "fullnameOverride": "true",
        "watchNamespaces": ["2024"],
        "serviceAccount": {"name": "007"},
        "priorityClassName": "1",
        "logFilter": filter,
    });
    let objects = render(Version::V4, &world.namespace, &values).unwrap();
    assert_eq!(world.apply_all(&objects, true).await, Ok(()));
    let arguments = only(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    assert!(arguments.contains(&json!(format!("--log={filter}"))), "{arguments:?}");
}

#[test]
fn common_labels_are_on_every_object_and_take_none_of_the_charts_own_away() {
    let values = json!({
        "commonLabels": {"team": "x", "app.kubernetes.io/name": "x"},
        "replicas": 2,
        "networkPolicy": {"enabled": true},
        "serviceMonitor": {"enabled": true},
    });
    for object in render(Version::V4, "any", &values).unwrap() {
        let labels = &object["metadata"]["labels"];
        assert!(labels["team"] == "x" && labels["app.kubernetes.io/name"] != "x", "{object}");
    }
}

#[test]
fn a_label_of_the_user_keeps_no_pod_from_its_deployment_and_an_annotation_replaces_the_charts() {
    let annotation = "ad.datadoghq.com/crossorg.checks";
    let values = json!({"podLabels": {"app.kubernetes.io/name": "x", "team": "y"}, "commonLabels": {"team": "x"}, "podAnnotations": {annotation: "{}"}});
    let objects = render(Version::V4, "any", &values).unwrap();
    let spec = &only(&objects, "Deployment")["spec"];
    let metadata = &spec["template"]["metadata"];
    assert_eq!(metadata["labels"]["app.kubernetes.io/name"], spec["selector"]["matchLabels"]["app.kubernetes.io/name"]);
    assert_eq!(metadata["labels"]["team"], "y");
    assert_eq!(metadata["annotations"], json!({annotation: "{}"}));
}

#[test]
fn the_service_and_the_monitor_lead_to_the_pods_and_the_test_is_not_one_of_them() {
    let objects = render(Version::V4, "any", &json!({"serviceMonitor": {"enabled": true, "labels": {"release": "prometheus"}}})).unwrap();
    let (service, monitor) = (only(&objects, "Service"), only(&objects, "ServiceMonitor"));
    let selects = |selector: &Value, labels: &Value| selector.as_object().unwrap().iter().all(|(label, value)| labels[label] == *value);
    assert!(selects(&service["spec"]["selector"], &only(&objects, "Deployment")["spec"]["template"]["metadata"]["labels"]));
    assert!(!selects(&service["spec"]["selector"], &only(&objects, "Pod")["metadata"]["labels"]));
    assert!(selects(&monitor["spec"]["selector"]["matchLabels"], &service["metadata"]["labels"]));
    assert_eq!(monitor["spec"]["endpoints"][0]["port"], service["spec"]["ports"][0]["name"]);
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    assert!(is_hook(only(&objects, "Pod")));
}

#[test]
fn the_datadog_agent_is_told_where_the_metrics_are() {
    let objects = render(Version::V4, "any", &json!({})).unwrap();
    let template = &only(&objects, "Deployment")["spec"]["template"];
    let container = &template["spec"]["containers"][0];
    let annotation = format!("ad.datadoghq.com/{}.checks", container["name"].as_str().unwrap());
    let checks: Value = serde_json::from_str(template["metadata"]["annotations"][annotation].as_str().unwrap()).unwrap();
    let endpoint = checks["openmetrics"]["instances"][0]["openmetrics_endpoint"].as_str().unwrap();
    assert_eq!(endpoint, format!("http://%%host%%:{}/metrics", container["ports"][0]["containerPort"]));
}
