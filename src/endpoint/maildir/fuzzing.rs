//! Names that stand on a disk, called with anything. Panics where a promise does not hold.

use std::path::{Component, Path};

use super::names::{self, Letters, Style};
use crate::domain::folder::WireName;
use crate::domain::server::MaildirLayout;

/// What leads to a folder leads nowhere else.
fn is_below(wire: &WireName) {
    for step in names::steps(wire).unwrap_or_default() {
        let mut parts = Path::new(&step).components();
        let plain = matches!(parts.next(), Some(Component::Normal(name)) if name == step) && parts.next().is_none();
        assert!(plain, "{wire:?} leads over {}", step.display());
    }
}

/// A directory's name and a file's name, whatever they are.
pub fn names(data: &[u8]) {
    let wire = WireName(data.to_vec());
    let path = names::path(&wire);
    for layout in MaildirLayout::ALL {
        for letters in [Letters::Utf7, Letters::Utf8] {
            let back = names::wire(&path, &Style { layout, letters, ..Style::default() });
            assert_eq!(names::path(&back), path, "{wire:?} is read back as another folder");
            is_below(&back);
        }
    }
    is_below(&wire);
    let (key, flags) = names::parts(data);
    assert!(data.starts_with(key) && data.ends_with(flags), "a name is taken apart into what is not in it");
    let _ = names::age(key);
}
