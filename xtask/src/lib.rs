//! What development needs around the operator: the library behind the `xtask` command and the integration tests. None of it reaches
//! the product.

mod built;
pub mod controlplane;
pub mod helm;

pub use built::Error as BuildError;
