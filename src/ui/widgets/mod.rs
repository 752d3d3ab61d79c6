//! Parts of pages that know no domain: numbers, words and colours come in, a response goes out.

pub mod bars;
pub mod icon;
pub mod star;
pub mod text;
