//! The one integration binary: modules by behaviour, real servers and faults in `support`.

mod arrows;
mod crash_matrix;
mod faults;
mod kills;
mod stops;
mod support;
mod support_works;
