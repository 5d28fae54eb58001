//! What development needs around the operator: the library behind the `xtask` command and the integration tests. None of it reaches
//! the product.

pub mod controlplane;
