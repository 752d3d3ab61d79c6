//! Which destination numbers are taken: one message at the destination answers for one at the source (D26).
//!
//! An index would cost each of millions of watermarks a third of its size, so that the numbers of a folder are read when
//! the first one is asked for, and kept as ranges while the folder is worked on. Bounded by the folders of running passes;
//! some bytes for each gap between numbers.

use std::collections::HashMap;

use rusqlite::Connection;

use super::error::Result;
use super::folders::numbers_at;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::ranges::Ranges;

/// Taken numbers by destination folder.
#[derive(Default)]
pub(super) struct Taken {
    /// The first of the rows that share a destination folder, by each of them.
    places: HashMap<FolderId, FolderId>,
    numbers: HashMap<FolderId, Ranges>,
}

impl Taken {
    /// Takes a number of the destination folder of this row; false when another watermark has it.
    pub fn take(&mut self, connection: &Connection, folder: FolderId, number: Uid) -> Result<bool> {
        let place = match self.places.get(&folder) {
            Some(place) => *place,
            None => {
                let (place, known) = numbers_at(connection, folder)?;
                let numbers = self.numbers.entry(place).or_default();
                for number in known {
                    numbers.insert(number.0);
                }
                self.places.insert(folder, place);
                place
            }
        };
        Ok(self.numbers.entry(place).or_default().insert(number.0))
    }

    /// The destination folder of this row is no longer worked on, or its numbers changed.
    pub fn forget(&mut self, folder: FolderId) {
        if let Some(place) = self.places.remove(&folder) {
            self.places.retain(|_, other| *other != place);
            self.numbers.remove(&place);
        }
    }

    /// Nothing is known any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
