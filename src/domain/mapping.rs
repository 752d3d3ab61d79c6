//! Folder mapping (product.md §4): `^Source->Destination`, first match wins.

use serde::{Deserialize, Serialize};

/// One mapping rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub String);
