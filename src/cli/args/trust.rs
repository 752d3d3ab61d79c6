//! Options about certificates.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::domain::failure::Side;

/// Which certificates are believed, instead of those that the system believes.
#[derive(Debug, Args)]
pub struct TrustWords {
    /// Trust the certificates of this PEM file for the source, instead of the system's
    #[arg(long, value_name = "FILE", conflicts_with = "source_cert_sha256")]
    pub source_ca: Option<PathBuf>,
    /// Trust the certificates of this PEM file for the destination, instead of the system's
    #[arg(long, value_name = "FILE", conflicts_with = "destination_cert_sha256")]
    pub destination_ca: Option<PathBuf>,
    /// Trust exactly the source's certificate with this fingerprint
    #[arg(long, value_name = "HEX")]
    pub source_cert_sha256: Option<String>,
    /// Trust exactly the destination's certificate with this fingerprint
    #[arg(long, value_name = "HEX")]
    pub destination_cert_sha256: Option<String>,
}

impl TrustWords {
    /// What was said of this side: a file of certificates, a fingerprint.
    pub fn of(&self, side: Side) -> (Option<&Path>, Option<&str>) {
        match side {
            Side::Source => (self.source_ca.as_deref(), self.source_cert_sha256.as_deref()),
            Side::Destination => (self.destination_ca.as_deref(), self.destination_cert_sha256.as_deref()),
        }
    }
}
