//! Parts of pages that know no domain: numbers, words and colours come in, a response goes out.

pub mod bars;
pub mod field;
pub mod icon;
pub mod star;
pub mod text;
