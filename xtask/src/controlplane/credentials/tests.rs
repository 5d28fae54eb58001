use kube::config::Kubeconfig;

use super::{P256_PUBLIC_KEY_HEADER, SigningKey, kubeconfig, new_token, token_file};

#[test]
fn a_signing_key_is_two_pem_blocks_and_a_new_one_each_time() {
    let (key, other) = (SigningKey::generate(), SigningKey::generate());
    assert_eq!(pem::parse(&key.private).unwrap().tag(), "PRIVATE KEY");
    let public = pem::parse(&key.public).unwrap();
    // The second byte is the length of what follows it: header and 65 bytes of an uncompressed point.
    assert_eq!((public.tag(), public.contents().len()), ("PUBLIC KEY", P256_PUBLIC_KEY_HEADER.len() + 65));
    assert_eq!(usize::from(public.contents()[1]) + 2, public.contents().len());
    assert_ne!(key.public, other.public);
}

#[test]
fn tokens_are_long_and_never_the_same() {
    let (token, other) = (new_token(), new_token());
    assert_eq!(token.len(), 32);
    assert_ne!(token, other);
    assert_eq!(token_file("abc"), "abc,admin,admin,system:masters\n");
}

#[test]
fn a_kubeconfig_carries_its_certificate_authority() {
    let value = kubeconfig("https://127.0.0.1:20000", b"certificate", "abc", "team");
    let parsed = Kubeconfig::from_yaml(&serde_yaml::to_string(&value).unwrap()).unwrap();
    let cluster = parsed.clusters[0].cluster.clone().unwrap();
    assert_eq!(cluster.server.as_deref(), Some("https://127.0.0.1:20000"));
    assert_eq!(cluster.certificate_authority_data.as_deref(), Some("Y2VydGlmaWNhdGU="));
    assert_eq!(cluster.certificate_authority, None);
    assert_eq!(parsed.current_context.as_deref(), Some("controlplane"));
    assert_eq!(parsed.contexts[0].context.clone().unwrap().namespace.as_deref(), Some("team"));
}
