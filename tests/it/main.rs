//! The one integration binary: modules by behaviour, real servers and faults in `support`.

mod support;
mod support_works;
