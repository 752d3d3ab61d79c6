//! What a window can ask of the service, and what it hears. Errors are typed; whoever paints makes words of them.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::hybrid::{HybridAsk, HybridTold};
use crate::domain::certificate::SeenCertificate;
use crate::domain::edit::{ItemEdit, Records};
use crate::domain::failure::Side;
use crate::domain::ids::{ItemId, PassId, PoolId, ProjectId};
use crate::domain::mapping::Mapping;
use crate::domain::overrides::{OptionKey, Overrides};
use crate::domain::preview::Preview as FolderPreview;
use crate::domain::project::Project;
use crate::domain::proposal::Proposal;
use crate::domain::secret::Secret;
use crate::domain::trace::PassTrace;
use crate::engine::command::{Command, Outcome};
use crate::platform::lock::Owner;
use crate::service::asking::{AskingState, StartMails};
use crate::service::check::{CheckOf, Checking};
use crate::service::edit::{ItemSettings, ProjectChange};
use crate::service::errors::{SaveTo, Saving, StoredError};
use crate::service::hybrid::HybridViews;
use crate::service::import::{ImportFrom, ImportSummary, Work};
use crate::service::items::{Details, FolderLine};
use crate::service::licenses::{Account, Ledger, PoolTerms, ProjectLicenses};
use crate::service::log::LogLine;
use crate::service::mail::MailSecret;
use crate::service::preview::Unsaved;
use crate::service::project_mail::ProjectMail;
use crate::service::projects::NewProject;
use crate::service::remedies::AccountOf;
use crate::service::sign_in::{Signing, Way};
use crate::service::start::{StartReport, StartRequest};
use crate::service::{ServiceError, VaultKind, WorkspaceInfo};

/// Names one request; its response carries it.
pub type RequestId = u64;

/// The id of the response that tells whether the workspace was opened.
pub const OPENING: RequestId = 0;

/// The id of responses that nobody asked for: all projects and pools, when another process changed the workspace.
pub const NEWS: RequestId = RequestId::MAX;

/// A question or an order.
#[derive(Debug)]
pub enum Request {
    /// All projects.
    Projects,
    /// Makes a project.
    NewProject(Box<NewProject>),
    /// What an import would bring in.
    Preview(ProjectId, ImportFrom),
    /// Imports items.
    Import {
        /// Into which project.
        project: ProjectId,
        /// From where.
        from: ImportFrom,
        /// Whether good rows count even if others are bad.
        skip_bad: bool,
        /// Whether mailboxes with another login are the same (D13), if that was said.
        records: Option<Records>,
        /// Cancels it as long as nothing is written to the database.
        cancel: CancellationToken,
    },
    /// Starts those items that can be started; the report names the others.
    Start(Box<StartRequest>),
    /// An item as it can be changed.
    ItemSettings(ItemId),
    /// Changes an item.
    EditItem(Box<ItemEdit<Secret>>),
    /// Changes a project.
    EditProject(Box<ProjectChange>),
    /// What an item has instead of its project's options.
    ItemOptions(ItemId),
    /// Sets options of an item, as they are written; `project` leaves one to the project.
    SetItemOptions(ItemId, Vec<(OptionKey, String)>),
    /// What a pass over an item would do, with these options. Given up when cancelled.
    PreviewItem(ItemId, Unsaved, CancellationToken),
    /// Settings for an e-mail address.
    Find(String),
    /// Tests connections, step by step, and changes nothing.
    Check(CheckOf, Checking),
    /// Lets the person whose mailbox it is sign in at a side.
    SignIn {
        /// Which item.
        item: ItemId,
        /// At which side.
        side: Side,
        /// How.
        way: Way,
        /// Who waits for it.
        signing: Signing,
    },
    /// The number of the service account that a side signs in with.
    ServiceNumber(ProjectId, Side),
    /// Makes another project like one, with this name, and with its items if that is said.
    DuplicateProject(ProjectId, String, bool),
    /// Archives a project, or brings it back.
    ArchiveProject(ProjectId, bool),
    /// Deletes a project with its items, and all their passwords from the vault.
    DeleteProject(ProjectId),
    /// Forgets what was copied for items.
    Reset(ProjectId, Vec<ItemId>),
    /// Clears the credentials of items at these sides.
    ClearCredentials(ProjectId, Vec<ItemId>, Vec<Side>),
    /// Deletes items, and their passwords from the vault.
    Delete(ProjectId, Vec<ItemId>),
    /// Another command to the engine.
    Command(Command),
    /// Everything the page of an item shows besides its row.
    Details(ItemId),
    /// More folders of a pass.
    Folders(PassId, u32),
    /// More errors of a pass.
    Errors(PassId, u32),
    /// What happened to an item.
    ItemLog(ItemId),
    /// What was seen of the latest pass of an item that ran here.
    ItemTrace(ItemId),
    /// Saves the message of an error as a file.
    SaveMessage {
        /// The error.
        error: Box<StoredError>,
        /// Where.
        to: SaveTo,
        /// Who hears how far it is, and may cancel.
        saving: Saving,
    },
    /// Saves rows of a list as a file.
    SaveTable {
        /// The rows as they are written.
        text: Arc<str>,
        /// Where.
        to: SaveTo,
    },
    /// Replaces a password; who waits for it goes on.
    SetPassword(AccountOf, Secret),
    /// Looks at the certificate of a side.
    Certificate(ProjectId, Side),
    /// Trusts exactly the certificate with this fingerprint at a side.
    Pin(ProjectId, Side, [u8; 32]),
    /// Adds a mapping rule to a project.
    AddMapping(ProjectId, Mapping),
    /// Pools of licenses, and the newest entries of one or of all.
    Licenses(Option<PoolId>),
    /// The licenses of a project.
    ProjectLicenses(ProjectId),
    /// Makes a pool of licenses with so many; none: no limit.
    NewPool(PoolTerms, Option<i64>),
    /// Adds licenses to a pool, with a note.
    AddLicenses(PoolId, i64, String),
    /// Saves the history of a pool or of all as a table.
    ExportLicenses(Option<PoolId>, PathBuf),
    /// Opens the vault, or makes it.
    Unlock(VaultKind, Option<Secret>),
    /// Which owners a Start of these items asks by mail.
    StartMails(ProjectId, Vec<ItemId>),
    /// Asks the owners of these items once more, with the same links.
    Remind(Vec<ItemId>),
    /// The link of an item, to be given to its owner in another way.
    CredentialLink(ItemId),
    /// Asks the owner of an item anew, with a new link.
    AskAgain(ProjectId, ItemId),
    /// How a project writes mail.
    ProjectMail(ProjectId),
    /// Changes that.
    SetProjectMail(ProjectId, Box<ProjectMail>),
    /// Changes settings, all or none.
    SaveSettings(Vec<(&'static str, String)>),
    /// Keeps what proves the login at the mail server.
    MailPassword(MailSecret),
    /// Sends a test to this address.
    TestMail(String),
    /// Whether owners can be asked: settings, form, its public address.
    CheckForm,
    /// About hybrid projects.
    Hybrid(HybridAsk),
    /// Remembers a text.
    Remember(String, String),
    /// Starts nothing new and stops what runs, because the program is about to end.
    StopAll,
    /// Opens the workspace again after somebody else had it.
    Reopen,
}

/// The response to a request.
#[derive(Debug)]
pub enum Response {
    /// The workspace is open.
    Opened(Box<WorkspaceInfo>),
    /// Another process has the workspace.
    InUse(Option<Owner>),
    /// The workspace cannot be opened.
    NotOpened(ServiceError),
    /// All projects, by name.
    Projects(Vec<Project>),
    /// All projects and pools of licenses, as another process left them.
    News(News),
    /// Somebody started the program once more: this window is to come to the front.
    Front,
    /// A project was made; all projects with it.
    Made(ProjectId, Vec<Project>),
    /// What an import would bring in.
    Previewed(Preview),
    /// What a pass over an item would do.
    ItemPreview(Box<FolderPreview>),
    /// Settings that may fit, the likeliest first.
    Found(Vec<Proposal>),
    /// Connections were tested, and told step by step; whether all steps hold.
    Checked(bool),
    /// Somebody signed in, and what is left of it is kept.
    SignedIn,
    /// See [`Request::ServiceNumber`]; none where it is not known.
    ServiceNumber(ProjectId, Side, Option<String>),
    /// What an item has instead of its project's options, now.
    ItemOptions(ItemId, Box<Overrides>),
    /// A newer preview was asked for before this one had its turn, or nobody waits for this answer any more.
    Replaced,
    /// How far an import is: done, of how many. Its last response follows.
    Importing(Work, usize, usize),
    /// An import was cancelled: nothing was imported, and what it had stored is taken back.
    Cancelled,
    /// Items were imported.
    Imported(ImportSummary),
    /// What became of a Start.
    Started(StartReport),
    /// What became of another command.
    Done(Outcome),
    /// See [`Request::ItemSettings`].
    ItemSettings(Box<ItemSettings>),
    /// An item was changed.
    Edited,
    /// A project was deleted; those that are left.
    ProjectDeleted(Vec<Project>),
    /// A project was changed; all projects as they are now.
    ProjectEdited(Vec<Project>),
    /// See [`Request::Details`].
    Details(Box<Details>),
    /// More folders of a pass.
    Folders(PassId, u32, Vec<FolderLine>),
    /// More errors of a pass.
    Errors(PassId, u32, Vec<StoredError>),
    /// See [`Request::ItemLog`]; oldest first.
    ItemLog(ItemId, Vec<LogLine>),
    /// See [`Request::ItemTrace`]; none if none ran here.
    ItemTrace(ItemId, Option<Box<PassTrace>>),
    /// A message was saved: its size, and where.
    Saved(u64, PathBuf),
    /// The certificate that a server shows.
    Certificate(SeenCertificate),
    /// A project was corrected; all projects as they are now.
    Corrected(Vec<Project>),
    /// See [`Request::Licenses`].
    Licenses(Box<Ledger>),
    /// See [`Request::ProjectLicenses`].
    ProjectLicenses(ProjectId, Box<ProjectLicenses>),
    /// All pools of licenses, after one was made or filled.
    Pools(Vec<Account>),
    /// The history of licenses was saved: so many entries, and where.
    LicensesExported(u64, PathBuf),
    /// See [`Request::StartMails`]; and why they cannot be asked, if they cannot.
    StartMails(ProjectId, Box<StartMails>, Option<String>),
    /// See [`Request::CredentialLink`].
    CredentialLink(Secret),
    /// See [`Request::ProjectMail`].
    ProjectMail(ProjectId, Box<ProjectMail>),
    /// All settings, after some were changed.
    Settings(Vec<(&'static str, String)>),
    /// The password of the mail server is kept.
    MailPasswordKept,
    /// A test was sent; what the mail server said.
    MailTested(String),
    /// About hybrid projects.
    Hybrid(HybridTold),
    /// All hybrid projects, when one of them has changed.
    HybridViews(HybridViews),
    /// Owners can be asked.
    FormReached,
    /// Whether owners are asked, when that has changed.
    Asking(AskingState),
    /// The vault is open.
    Unlocked(VaultKind),
    /// It was not done, and why.
    Refused(ServiceError),
}

/// What an import would bring in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Good rows.
    pub good: usize,
    /// Whether any of them holds a password.
    pub passwords: bool,
    /// Bad rows.
    pub bad: usize,
    /// The first bad rows: line, column, reason.
    pub problems: Vec<String>,
    /// Oddities of good rows.
    pub notes: Vec<String>,
    /// The encoding that the list was read in.
    pub encoding: &'static str,
    /// The addresses of three rows, by which that is judged.
    pub samples: Vec<String>,
}

/// What another process may have changed for the workspace as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// All projects.
    pub projects: Vec<Project>,
    /// All pools of licenses.
    pub pools: Vec<Account>,
    /// All settings by name, with their values.
    pub settings: Vec<(&'static str, String)>,
}
