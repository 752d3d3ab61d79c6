//! A peer that speaks from a script, for what real servers do not do on demand.
