//! The seam through which a room above brings endpoints of its own: the demo its slow one, tests what they stand in with.
//!
//! Nothing but what such an endpoint is made of; the window and the command line have no business here, and the guard
//! (`tests/it/arrows.rs`) says so.

pub use crate::endpoint::auth::Authenticator;
pub use crate::endpoint::maildir::{MaildirEndpoint, directory};
pub use crate::endpoint::registry::{Endpoints, RealEndpoints};
pub use crate::endpoint::{
    DestinationEndpoint, Fetched, FolderRef, MessageStream, Resources, Result, Source, SourceEndpoint, Which,
};
