//! What is known: our objects, and the organizations with the connections that they showed last. Mutexes around plain values; nothing
//! here talks to anybody.

mod corrections;
pub mod gate;
pub mod inventory;
pub mod objects;
pub mod org;
pub mod orgs;
pub mod row;

use std::fmt;

use kube::ResourceExt;

/// Namespace and name of an object of either kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Key {
    /// The key of an object.
    pub fn of<K: ResourceExt>(object: &K) -> Self {
        Self { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
    }

    /// The key of a DatadogOrg where those of OrgConnections are kept too: a name with a slash is no object's.
    pub fn as_org(&self) -> Self {
        Self { namespace: self.namespace.clone(), name: format!("datadogorg/{}", self.name) }
    }

    /// Another object of the same namespace: references never leave it.
    pub fn beside(&self, name: &str) -> Self {
        Self { namespace: self.namespace.clone(), name: name.to_owned() }
    }
}

/// Whether an object of either kind carries this finalizer.
pub fn carries(object: &impl ResourceExt, finalizer: &str) -> bool {
    object.finalizers().iter().any(|name| name == finalizer)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
