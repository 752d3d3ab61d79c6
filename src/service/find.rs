//! Finds settings for an address. Needs no workspace, and knows no password.

use super::ServiceError;
use crate::domain::proposal::Proposal;
use crate::find::{Network, find};

/// Settings that may fit, the likeliest first; none where nobody says anything.
///
/// # Errors
/// It is no address.
pub async fn settings(email: &str) -> Result<Vec<Proposal>, ServiceError> {
    Ok(find(Network::system, email).await?)
}
