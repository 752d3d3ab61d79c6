//! The one integration binary: modules by behaviour, real servers and faults in `support`.

mod arrows;
mod bad_input;
mod contract;
mod crash_matrix;
mod demo;
mod equality;
mod faults;
mod keyring;
mod kills;
mod later_passes;
mod maildir;
mod mapping;
mod moves;
mod odd_sources;
mod progress;
mod readme;
mod real_window;
mod recognised;
mod refusals;
mod secrets;
mod stops;
mod support;
mod support_works;
mod trust;
mod wandering;
mod window;
