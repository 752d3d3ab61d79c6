//! Stars: six colours and one uncoloured, no meaning imposed.

use serde::{Deserialize, Serialize};

/// A star's colour; no star is `Option::None`, the uncoloured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Star {
    /// Red, key 1.
    Red,
    /// Orange, key 2.
    Orange,
    /// Yellow, key 3.
    Yellow,
    /// Green, key 4.
    Green,
    /// Blue, key 5.
    Blue,
    /// Purple, key 6.
    Purple,
}

impl Star {
    /// All colours in the picker's order.
    pub const ALL: [Self; 6] = [Self::Red, Self::Orange, Self::Yellow, Self::Green, Self::Blue, Self::Purple];

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Orange => "orange",
            Self::Yellow => "yellow",
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Purple => "purple",
        }
    }
}
