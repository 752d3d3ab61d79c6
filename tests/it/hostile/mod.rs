//! Hostile hands: owners of mailboxes who can change their Maildir while it is read, servers, and whoever touches the workspace.
//! Tests are named by the points of the page that promises them (SECURITY.md).

#[cfg(unix)]
mod maildir;
mod secrets;
#[cfg(unix)]
mod workspace;
