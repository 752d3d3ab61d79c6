//! The one integration binary: modules by behaviour, real servers and faults in `support`.

mod arrows;
mod bad_input;
mod secrets;
mod support;
mod support_works;
