//! A project: two servers and the options its items share.

use serde::{Deserialize, Serialize};

use super::ids::ProjectId;
use super::mapping::Mapping;
use super::server::Server;

/// Options of a project (product.md §4). A worker reads them once, when it takes an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Passes running at once.
    pub concurrent: u32,
    /// Connections per mailbox and side, 1 to 4.
    pub connections: u32,
    /// Item errors that end a pass as Failed.
    pub maximum_errors: u64,
    /// Tries in a row without a newly recorded message (D22).
    pub retry_limit: u32,
    /// Folders to skip: a regular expression, case-insensitive, over the name with `/`.
    pub folder_filter: Option<String>,
    /// Folder mapping, first match wins.
    pub mapping: Vec<Mapping>,
    /// Match special-use folders by role.
    pub roles: bool,
    /// Subscribe at the destination what the source subscribes.
    pub subscribe: bool,
    /// Copy only messages with an INTERNALDATE at or after this, UTC epoch milliseconds.
    pub earliest: Option<i64>,
    /// Copy only messages with an INTERNALDATE before this, UTC epoch milliseconds.
    pub latest: Option<i64>,
    /// Skip messages larger than this many bytes.
    pub largest: Option<u64>,
    /// Search the destination for messages that arrived some other way.
    pub search_duplicates: bool,
    /// Carry flag changes of the source on later passes (D10).
    pub carry_flags: bool,
    /// Keep subjects of failed messages.
    pub log_subjects: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrent: 8,
            connections: 2,
            maximum_errors: 100,
            retry_limit: 8,
            folder_filter: None,
            mapping: Vec::new(),
            roles: true,
            subscribe: true,
            earliest: None,
            latest: None,
            largest: None,
            search_duplicates: true,
            carry_flags: true,
            log_subjects: true,
        }
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// The row.
    pub id: ProjectId,
    /// Unique, ignoring case.
    pub name: String,
    /// Where mail is read.
    pub source: Server,
    /// Where mail is written.
    pub destination: Server,
    /// Options.
    pub options: Options,
}
