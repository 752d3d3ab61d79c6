//! The one integration binary: modules by behaviour, real servers and faults in `support`.

mod arrows;
mod bad_input;
mod crash_matrix;
mod equality;
mod faults;
mod kills;
mod later_passes;
mod mapping;
mod moves;
mod progress;
mod readme;
mod recognised;
mod refusals;
mod secrets;
mod stops;
mod support;
mod support_works;
mod wandering;
mod window;
