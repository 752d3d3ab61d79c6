//! Bad input and faults.
