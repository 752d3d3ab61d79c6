//! A test of a Maildir, step by step. Looks at names only: no table of numbers is written, so that nothing changes.

use super::mailbox::{Mailbox, Rules, Tables, apart};
use super::{session::MaildirSession, trouble};
use crate::domain::check::{CheckStep, Finding, StepOutcome};
use crate::domain::failure::Side;
use crate::domain::server::MaildirServer;
use crate::endpoint::check::{Broken, Tested, Told, well};
use crate::endpoint::dir::Below;

/// What a test without an item leaves out.
const NO_MAILBOX: &str = "each item has a folder of its own: import items, then test one";

/// Tests it.
pub(super) async fn check(server: &MaildirServer, tested: Option<Tested>, told: &mut Told<'_>) {
    match tested {
        None => told(CheckStep::Place, StepOutcome::NotTried(NO_MAILBOX)),
        Some(tested) => {
            if let Err(broken) = steps(server, tested, told).await {
                broken.tell(told);
            }
        }
    }
}

async fn steps(server: &MaildirServer, tested: Tested, told: &mut Told<'_>) -> Result<(), Broken> {
    let Tested { mailbox, side, resources, .. } = tested;
    let nowhere =
        |error: crate::domain::maildir_path::PathError| trouble::mailbox("finding the Maildir", &error.to_string());
    let path = server.path.root(&mailbox).map_err(nowhere).map_err(Broken::at(CheckStep::Place))?;
    let tables = Tables::Apart(apart(&resources.numbers, path.as_ref()));
    let root = Below::new(path.clone().into(), server.path.trusted().as_ref());
    let session =
        MaildirSession::new(Mailbox::new(root, tables, Rules { limit: None, layout: server.layout }, resources));
    let exists = session.with(|mailbox| Ok(mailbox.is_there())).await.map_err(Broken::at(CheckStep::Place))?;
    if exists || side == Side::Destination {
        well(told, Finding::Place { path, exists });
    }
    let usable = match side {
        Side::Source => session.with(Mailbox::check_source).await,
        Side::Destination => session.with(Mailbox::check_destination).await,
    };
    usable.map_err(Broken::at(CheckStep::Mailbox))?;
    well(told, Finding::Usable(side));
    let folders = session.with(Mailbox::wires).await.map_err(Broken::at(CheckStep::Folders))?;
    well(told, Finding::Folders { own: folders.len(), foreign: 0 });
    Ok(())
}
