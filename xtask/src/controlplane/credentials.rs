//! Who may talk to the API server, and how: keys, tokens, kubeconfigs. Pure, but for random numbers.

use k8s_openapi::ByteString;
use pem::Pem;
use ring::rand::{self, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// What stands before the point of a P-256 public key in the form that Go reads: RFC 5480, `SubjectPublicKeyInfo` with
/// `id-ecPublicKey` and `secp256r1`.
const P256_PUBLIC_KEY_HEADER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07, 0x03, 0x42, 0x00,
];

/// The key that service-account tokens are signed with, both halves as PEM.
pub(super) struct SigningKey {
    pub(super) private: String,
    pub(super) public: String,
}

impl SigningKey {
    pub(super) fn generate() -> SigningKey {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let private = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("fails only without random numbers, and the system has them");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, private.as_ref(), &random).expect("ring reads the key that it has just written");
        let public = [&P256_PUBLIC_KEY_HEADER, pair.public_key().as_ref()].concat();
        SigningKey {
            private: pem::encode(&Pem::new("PRIVATE KEY", private.as_ref())),
            public: pem::encode(&Pem::new("PUBLIC KEY", public)),
        }
    }
}

/// A bearer token that nobody guesses, and no two control planes share: a port that changed hands is noticed.
pub(super) fn new_token() -> String {
    random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Random numbers of the operating system.
pub(super) fn random_bytes<const N: usize>() -> [u8; N]
where
    [u8; N]: rand::RandomlyConstructable,
{
    rand::generate(&SystemRandom::new()).expect("the system has random numbers").expose()
}

/// A token file that makes `token` the administrator's.
pub(super) fn token_file(token: &str) -> String {
    format!("{token},admin,admin,system:masters\n")
}

/// A kubeconfig that needs no file beside it, so that it can be copied.
pub(super) fn kubeconfig(url: &str, certificate_authority: &[u8], token: &str, namespace: &str) -> Value {
    let authority = ByteString(certificate_authority.to_vec());
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "controlplane", "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "controlplane", "context": {"cluster": "controlplane", "user": "user", "namespace": namespace}}],
        "current-context": "controlplane",
    })
}

#[cfg(test)]
mod tests;
