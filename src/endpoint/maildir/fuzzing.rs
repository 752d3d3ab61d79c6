//! Names that stand on a disk, called with anything. Panics where a promise does not hold.

use std::path::Path;

use super::names;
use crate::domain::folder::WireName;

/// A directory's name and a file's name, whatever they are.
pub fn names(data: &[u8]) {
    let wire = WireName(data.to_vec());
    let path = names::path(&wire);
    assert_eq!(names::path(&names::wire(&path)), path, "{wire:?} is read back as another folder");
    let root = Path::new("/mail/anna");
    for wire in [&wire, &names::wire(&path)] {
        if let Ok(place) = names::place(root, wire) {
            assert!(place == root || place.parent() == Some(root), "{wire:?} leads to {}", place.display());
        }
    }
    let (key, flags) = names::parts(data);
    assert!(data.starts_with(key) && data.ends_with(flags), "a name is taken apart into what is not in it");
    let _ = names::age(key);
}
