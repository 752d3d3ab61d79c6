//! Why a use case was not carried out, in one type. Its `Display` is what people read, in the window and in a terminal.

use std::path::PathBuf;

use super::asking::NoForm;
use super::errors::{NoSuchError, NotSaved};
use super::import::{FileError, ImportError, NotRemoved};
use super::items::NotSelected;
use super::licenses::NotExported;
use super::mail::NoMail;
use super::options::SetError;
use super::settings::SettingError;
use super::sign_in::NoSignIn;
use super::times::TimeError;
use crate::domain::edit::EditRefusal;
use crate::domain::failure::{Failure, Side};
use crate::domain::hybrid::attributes::BadAttribute;
use crate::domain::hybrid::settings::BadSetting;
use crate::domain::hybrid::users_csv::BadUsers;
use crate::domain::mapping::RuleError;
use crate::domain::readiness::NotReady;
use crate::domain::server::Unfit;
use crate::domain::wording::counted;
use crate::engine::command::{CommandError, LeftAlone};
use crate::engine::hybrid::HybridError;
use crate::find::NoAddress;
use crate::intake::letter::BadTemplate;
use crate::platform::PlatformError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The workspace's database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The vault of this kind has none that could be changed.
    #[error("the passwords of this workspace are not in an encrypted file that a passphrase opens (its vault: {0})")]
    NoPassphrase(&'static str),
    /// The machine.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// Items or a project with their passwords did not come in.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Passwords that nothing uses are still in the vault.
    #[error(transparent)]
    NotRemoved(#[from] NotRemoved),
    /// Items that were named cannot be told.
    #[error(transparent)]
    NotSelected(#[from] NotSelected),
    /// Errors that were named cannot be told.
    #[error(transparent)]
    NoSuchError(#[from] NoSuchError),
    /// A message was not saved as a file.
    #[error(transparent)]
    NotSaved(#[from] NotSaved),
    /// A file that a person named.
    #[error("{}: {error}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is amiss.
        error: FileError,
    },
    /// A file with what an application signs in with.
    #[error("{}: {error}", file.display())]
    KeyFile {
        /// Which.
        file: PathBuf,
        /// What is amiss.
        error: std::io::Error,
    },
    /// A side of a new project is of a kind that it cannot be, or lacks what it was given.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A project cannot be signed in to like this.
    #[error(transparent)]
    NoSignIn(#[from] NoSignIn),
    /// A server did not do what it was asked for.
    #[error(transparent)]
    Server(#[from] Failure),
    /// An address of which settings were to be found.
    #[error(transparent)]
    NoAddress(#[from] NoAddress),
    /// A rule for folders.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// There is none of this name.
    #[error("there is no project \"{0}\"")]
    NoProject(String),
    /// There is no hybrid project of this name.
    #[error("there is no hybrid project \"{0}\"")]
    NoHybridProject(String),
    /// A hybrid project has no such batch.
    #[error("there is no batch \"{0}\" in this project")]
    NoBatch(String),
    /// A hybrid project has no such user.
    #[error("{0} is no user of this project")]
    NoHybridUser(String),
    /// A setting of a hybrid project.
    #[error(transparent)]
    HybridSetting(#[from] BadSetting),
    /// An attribute to be set on mailboxes.
    #[error(transparent)]
    Attribute(#[from] BadAttribute),
    /// A list of users.
    #[error("{}: {error}", file.display())]
    Users {
        /// Which.
        file: PathBuf,
        /// What is amiss; nothing of it came in.
        error: BadUsers,
    },
    /// The service that moves mailboxes.
    #[error(transparent)]
    Hybrid(#[from] HybridError),
    /// There is no pool of licenses of this name.
    #[error("there is no pool of licenses \"{0}\"")]
    NoPool(String),
    /// The history of licenses was not saved.
    #[error(transparent)]
    NotExported(#[from] NotExported),
    /// The engine did nothing at all; in its words.
    #[error("{0}")]
    Engine(CommandError),
    /// New items are in, and the engine could not take them into its state.
    #[error("the items of the project could not be shown: {0}")]
    NotShown(CommandError),
    /// With what was typed an item that waits could not run.
    #[error("{address}: {why}; nothing was changed")]
    CannotRun {
        /// Its address at the source.
        address: String,
        /// Why not.
        why: NotReady,
    },
    /// What was asked for is done, and whoever runs the passes does not show it yet.
    #[error("it was changed, but the process that runs the passes does not show it yet: {0}")]
    NotShownYet(Box<ServiceError>),
    /// The process that has the workspace does not take commands.
    #[error("the process that runs the passes does not answer; nothing was changed. Try again, or close it")]
    OwnerSilent,
    /// It took the command and is still at it.
    #[error("the process that runs the passes took the command but has not answered yet")]
    OwnerSlow,
    /// No mail can be sent, or one was not.
    #[error(transparent)]
    NoMail(#[from] NoMail),
    /// The form for owners is not open.
    #[error(transparent)]
    NoForm(#[from] NoForm),
    /// Owners would have to be asked, and cannot be.
    #[error(
        "{} would be asked for a password by mail, but {why}; nothing was started", counted(*owners, "owner")
    )]
    CannotAsk {
        /// How many.
        owners: usize,
        /// Why not.
        why: Box<ServiceError>,
    },
    /// What a project's mails say.
    #[error(transparent)]
    Template(#[from] BadTemplate),
    /// A setting that a person wrote.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// An item that was meant was left alone, and why.
    #[error("{0}")]
    LeftAlone(LeftAlone),
    /// A time that a person wrote.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// A mailbox was not looked at.
    #[error("the {} could not be looked at: {_1}", _0.word())]
    NotLooked(Side, Failure),
    /// An option that a person wrote.
    #[error(transparent)]
    Set(#[from] SetError),
    /// Mail would be moved for the first time in this project, and nobody has said that the direction is right.
    #[error("the direction was never confirmed: this copies FROM {from} INTO {into}")]
    DirectionNotConfirmed {
        /// The source.
        from: String,
        /// The destination.
        into: String,
    },
    /// Nothing starts in an archived project.
    #[error("project \"{0}\" is archived, and nothing starts in it: bring it back first")]
    Archived(String),
    /// What passes between two processes cannot be read.
    #[error("{0}")]
    Message(#[from] serde_json::Error),
    /// Asked too early.
    #[error("the workspace is not open")]
    NotOpen,
    /// Asked too late.
    #[error("the workspace is open")]
    IsOpen,
    /// An order, where only questions are answered.
    #[error("not a question")]
    NotAQuestion,
    /// Too much waits already.
    #[error("too many questions wait for an answer already; try again when one has come")]
    TooMany,
    /// The work on a request panicked.
    #[error("the program failed while it worked on this, and the log tells where; try again")]
    BrokeOff,
    /// A thread of ours ended without a word.
    #[error("{0} failed")]
    Died(&'static str),
}

fn of_who_unlocks(error: &VaultError) -> bool {
    use VaultError::{Cancelled, ShortPassphrase, TooLong, WrongPassphrase};
    matches!(error, WrongPassphrase | ShortPassphrase | TooLong { .. } | Cancelled)
}

impl ServiceError {
    /// Whether something else would be done if it was asked for: nothing was changed, and the machine is not to blame.
    pub fn blames_the_request(&self) -> bool {
        match self {
            Self::Store(error) | Self::Import(ImportError::Store(error)) => of_the_request(error),
            Self::Vault(error)
            | Self::NotRemoved(NotRemoved::Vault(error))
            | Self::Import(ImportError::Vault(error)) => of_who_unlocks(error),
            Self::Import(ImportError::LeftBehind { .. }) => false,
            Self::Import(ImportError::SharedMaildir(_) | ImportError::NoRows { .. } | ImportError::BadRows { .. })
            | Self::NotRemoved(NotRemoved::Cancelled(_))
            | Self::NotSelected(_)
            | Self::NoSuchError(_)
            | Self::File { .. }
            | Self::KeyFile { .. }
            | Self::Unfit(_)
            | Self::NoSignIn(_)
            | Self::Rule(_)
            | Self::NoAddress(_)
            | Self::NoPassphrase(_)
            | Self::NoProject(_)
            | Self::NoPool(_)
            | Self::NoHybridProject(_)
            | Self::NoBatch(_)
            | Self::NoHybridUser(_)
            | Self::HybridSetting(_)
            | Self::Attribute(_)
            | Self::Users { .. }
            | Self::NotExported(_)
            | Self::NoForm(_)
            | Self::CannotAsk { .. }
            | Self::Template(_)
            | Self::Setting(_)
            | Self::LeftAlone(_)
            | Self::Time(_)
            | Self::Set(_)
            | Self::DirectionNotConfirmed { .. }
            | Self::Archived(_)
            | Self::CannotRun { .. }
            | Self::NotOpen
            | Self::IsOpen => true,
            Self::NotSaved(why) => matches!(why, NotSaved::Exists(_) | NotSaved::NoMessage | NotSaved::File { .. }),
            Self::NoMail(why) => !matches!(why, NoMail::NotTaken(_) | NoMail::Unsure(_)),
            Self::Hybrid(HybridError::Store(error)) => of_the_request(error),
            Self::Hybrid(HybridError::Remote(_))
            | Self::NotLooked(..)
            | Self::Platform(_)
            | Self::Server(_)
            | Self::Engine(_)
            | Self::NotShown(_)
            | Self::NotShownYet(_)
            | Self::OwnerSilent
            | Self::OwnerSlow
            | Self::Message(_)
            | Self::TooMany
            | Self::NotAQuestion
            | Self::BrokeOff
            | Self::Died(_) => false,
        }
    }

    /// The sides of which it must be said whether their mailboxes are still the ones they were (D13), if that is all.
    pub fn asks_which_mailbox(&self) -> Option<&[Side]> {
        match self {
            Self::Store(StoreError::Edit(EditRefusal::WhichMailbox(sides)))
            | Self::Import(ImportError::Store(StoreError::Edit(
                EditRefusal::WhichMailbox(sides) | EditRefusal::WhichMailboxes { at: sides, .. },
            ))) => Some(sides),
            _ => None,
        }
    }

    /// Whether what was asked for was done all the same.
    pub fn comes_after(&self) -> bool {
        matches!(self, Self::NotShownYet(_) | Self::NotRemoved(_))
    }

    /// Whether another kind of vault would help. Never used unasked.
    pub fn is_of_the_keyring(&self) -> bool {
        match self {
            Self::Vault(error)
            | Self::NotRemoved(NotRemoved::Vault(error))
            | Self::Import(ImportError::Vault(error)) => error.is_of_the_keyring(),
            _ => false,
        }
    }
}

fn of_the_request(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::NameTaken(_)
            | StoreError::Missing(_)
            | StoreError::Active(_)
            | StoreError::Archived(_)
            | StoreError::OtherVault(_)
            | StoreError::Edit(_)
            | StoreError::Pool(_)
            | StoreError::Move { .. }
            | StoreError::OrderOpen
            | StoreError::LicensesShort(_)
    )
}
