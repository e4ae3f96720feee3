//! Tests of the embedded catalog.

use super::*;

#[test]
fn the_embedded_catalog_loads() {
    let catalog = Catalog::embedded();
    assert!(catalog.len() > 20_000);
}
