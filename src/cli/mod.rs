//! The command line: the same use cases as the window's, headless.
//!
//! Each verb has its file. Verbs ask, print and choose the exit code; what is done is the service's, and nothing here decides
//! about mail. The window and the demo come from `bin`: these rooms do not know each other.

#[macro_use]
mod out;

mod args;
mod called;
mod check;
mod demo;
mod edit;
mod error;
mod errors;
mod find;
mod follow;
mod hybrid;
mod intake;
mod items;
mod licenses;
mod log;
mod mail;
mod manual;
mod options;
mod preview;
mod progress;
mod project_edit;
mod projects;
mod prompt;
mod reasons;
mod remedies;
mod settings;
mod sign_in;
mod start;
mod status;
mod stop;
mod table;
mod workspace;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;

use crate::service::import::ImportFrom;
use crate::service::launch::{Launch, NoWindow, OpenWindow, PrepareRun};
use crate::service::{OpenWorkspace, VaultKind};
use args::edit::CredentialsVerb;
use args::{Arguments, HoldVerb, ItemVerb, ProjectVerb, Verb, WorkVerb};
pub use error::{CliError, Exit};

/// Runs the program with the process's arguments; without a verb, `window` is opened. `demo` prepares what `demo` runs.
pub fn main(window: OpenWindow, demo: PrepareRun) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap prints them to the right stream, read by somebody or not.
            let wrong = error.use_stderr();
            error.print().ok();
            return if wrong { Exit::Usage } else { Exit::Well }.into();
        }
    };
    match run(arguments, window, demo) {
        Ok(exit) => exit.into(),
        Err(error) => {
            error.print();
            error.exit().into()
        }
    }
}

fn run(arguments: Arguments, window: OpenWindow, demo: PrepareRun) -> Result<Exit, CliError> {
    let Arguments { data, vault, verb } = arguments;
    called::with(data.as_deref(), vault);
    match verb {
        None => {
            let passphrase = prompt::from_environment(prompt::PASSPHRASE);
            let launch = Launch::Workspace { data, vault: vault.map(VaultKind::from), passphrase };
            let hint =
                |why: NoWindow| CliError::cannot(format!("{why}; `mailferry --help` shows what the command line does"));
            window(launch).map(|()| Exit::Well).map_err(hint)
        }
        Some(Verb::Completions { shell }) => manual::completions(shell),
        Some(Verb::Manual) => manual::manual(),
        Some(Verb::Find { email }) => on_threads(|runtime| runtime.block_on(find::find(&email))),
        Some(Verb::Demo { .. }) if data.is_some() || vault.is_some() => {
            Err(CliError::usage("the demo brings a workspace of its own: leave out --data and --vault"))
        }
        Some(Verb::Demo { headless }) => on_threads(|runtime| self::demo::demo(runtime, headless, window, demo)),
        Some(Verb::Work(verb)) => {
            crate::platform::memory::close_to_others();
            let (_folder, workspace) = workspace::open(data, vault)?;
            on_threads(|runtime| runtime.block_on(work(&workspace, verb)))
        }
    }
}

fn on_threads(verb: impl FnOnce(&Runtime) -> Result<Exit, CliError>) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("mailferry-engine")
        .build()
        .map_err(|error| CliError::cannot(format!("the program's threads could not be started: {error}")))?;
    let ended = verb(&runtime);
    // Nothing may keep the process alive once its verb is done, least of all a name lookup.
    runtime.shutdown_background();
    ended
}

async fn work(workspace: &OpenWorkspace, verb: WorkVerb) -> Result<Exit, CliError> {
    match verb {
        WorkVerb::Project(ProjectVerb::New(new)) => projects::new(workspace, new).await,
        WorkVerb::Project(ProjectVerb::List { archived }) => projects::list(workspace, archived).await,
        WorkVerb::Project(ProjectVerb::Archive { name, undo }) => projects::archive(workspace, &name, !undo).await,
        WorkVerb::Project(ProjectVerb::Show { name }) => projects::show(workspace, &name).await,
        WorkVerb::Project(ProjectVerb::Delete { name }) => projects::delete(workspace, &name).await,
        WorkVerb::Project(ProjectVerb::Set(asked)) => options::set_project(workspace, asked).await,
        WorkVerb::Item(ItemVerb::Set(asked)) => options::set_item(workspace, asked).await,
        WorkVerb::Project(ProjectVerb::Edit(asked)) => project_edit::edit(workspace, asked).await,
        WorkVerb::Project(ProjectVerb::Duplicate { name, new, items }) => {
            project_edit::duplicate(workspace, &name, &new, items).await
        }
        WorkVerb::Item(ItemVerb::Edit(asked)) => edit::item(workspace, *asked).await,
        WorkVerb::Item(ItemVerb::Star { project, star, items }) => {
            edit::star(workspace, (&project, &items), star).await
        }
        WorkVerb::Item(ItemVerb::Delete(chosen)) => edit::delete(workspace, chosen).await,
        WorkVerb::Credentials(CredentialsVerb::Clear { project, items, source, destination }) => {
            edit::clear_credentials(workspace, (&project, &items), (source, destination)).await
        }
        WorkVerb::Credentials(CredentialsVerb::Remind { project, items }) => {
            intake::remind(workspace, &project, &items).await
        }
        WorkVerb::Credentials(CredentialsVerb::Again { project, item }) => {
            intake::again(workspace, &project, &item).await
        }
        WorkVerb::Credentials(CredentialsVerb::Link { project, item }) => {
            intake::link(workspace, &project, &item).await
        }
        WorkVerb::Reset(chosen) => edit::reset(workspace, chosen).await,
        WorkVerb::Item(ItemVerb::Import { project, file, skip_bad, encoding, records }) => {
            let from = ImportFrom::File(file, encoding);
            items::import(workspace, &project, from, (skip_bad, edit::records(records))).await
        }
        WorkVerb::Item(ItemVerb::List { project }) => items::list(workspace, &project).await,
        WorkVerb::Item(ItemVerb::Show { project, item }) => items::show(workspace, &project, &item).await,
        WorkVerb::Start(start) => start::start(workspace, start).await,
        WorkVerb::Resume(resume) => start::resume(workspace, resume).await,
        WorkVerb::Stop { project, all: true, .. } => stop::stop_all(workspace, project.as_deref()).await,
        WorkVerb::Stop { project, items, at_once, .. } => {
            stop::stop(workspace, &project.unwrap_or_default(), &items, at_once).await
        }
        WorkVerb::Hold(HoldVerb::On { project }) => stop::hold(workspace, &project, true).await,
        WorkVerb::Hold(HoldVerb::Off { project }) => stop::hold(workspace, &project, false).await,
        WorkVerb::RetryNow { project, items } => stop::retry_now(workspace, &project, &items).await,
        WorkVerb::Signin(asked) => sign_in::sign_in(workspace, asked).await,
        WorkVerb::Errors(asked) => errors::errors(workspace, asked).await,
        WorkVerb::License(verb) => licenses::license(workspace, verb).await,
        WorkVerb::Preview { project, items, set } => preview::preview(workspace, &project, (&items, &set)).await,
        WorkVerb::Check(asked) => check::check(workspace, asked).await,
        WorkVerb::Log { project, item } => log::log(workspace, &project, &item).await,
        WorkVerb::Hybrid(verb) => hybrid::hybrid(workspace, verb).await,
        WorkVerb::Intake(verb) => intake::intake(workspace, verb).await,
        WorkVerb::Mail(verb) => mail::mail(workspace, verb).await,
        WorkVerb::Vault(verb) => self::workspace::vault(workspace, verb).await,
        WorkVerb::Settings { settings } => settings::settings(workspace, &settings).await,
        WorkVerb::Status { project, json } => status::status(workspace, &project, json).await,
    }
}
