//! The command line: the same engine as the window's, headless.
//!
//! Each verb has its file. Verbs print and choose the exit code; they decide nothing about mail.

#[macro_use]
mod out;

mod args;
mod demo;
mod error;
mod items;
mod progress;
mod projects;
mod prompt;
mod start;
mod status;
mod stop;
mod table;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use crate::engine::desk::{Launch, VaultKind};
use args::{Arguments, ItemVerb, ProjectVerb, Verb};
pub use error::{CliError, Exit};
use workspace::Opened;

/// Runs the program with the process's arguments; without a verb, `window` is opened.
pub fn main(window: fn(Launch) -> Result<(), String>) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap prints them to the right stream.
            let wrong = error.use_stderr();
            let _ = error.print();
            return if wrong { Exit::Usage } else { Exit::Well }.into();
        }
    };
    match run(arguments, window) {
        Ok(exit) => exit.into(),
        Err(error) => {
            error.print();
            error.exit().into()
        }
    }
}

fn run(arguments: Arguments, window: fn(Launch) -> Result<(), String>) -> Result<Exit, CliError> {
    let Some(verb) = arguments.verb else {
        let vault = arguments.vault.map(VaultKind::from);
        let launch = Launch { data: arguments.data, vault, passphrase: prompt::from_environment(prompt::PASSPHRASE) };
        return window(launch).map(|()| Exit::Well).map_err(CliError::cannot);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("mailferry-engine")
        .build()
        .map_err(|error| CliError::cannot(format!("the program's threads could not be started: {error}")))?;
    if let Verb::Demo { headless } = verb {
        if arguments.data.is_some() || arguments.vault.is_some() {
            return Err(CliError::usage("the demo brings a workspace of its own: leave out --data and --vault"));
        }
        let ended = runtime.block_on(demo::demo(headless));
        runtime.shutdown_background();
        return ended;
    }
    let opened = Opened::open(arguments.data, arguments.vault)?;
    let ended = runtime.block_on(async {
        match verb {
            Verb::Project(ProjectVerb::New(new)) => projects::new(&opened, new).await,
            Verb::Project(ProjectVerb::List) => projects::list(&opened).await,
            Verb::Project(ProjectVerb::Show { name }) => projects::show(&opened, &name).await,
            Verb::Project(ProjectVerb::Delete { name }) => projects::delete(&opened, &name).await,
            Verb::Item(ItemVerb::Import { project, file, skip_bad }) => {
                items::import(&opened, &project, &file, skip_bad).await
            }
            Verb::Item(ItemVerb::List { project }) => items::list(&opened, &project).await,
            Verb::Start(start) => start::start(&opened, start).await,
            Verb::Stop { project, items } => stop::stop(&opened, &project, &items).await,
            Verb::Demo { headless } => demo::demo(headless).await,
            Verb::Status { project, json } => status::status(&opened, &project, json).await,
        }
    });
    // Nothing may keep the process alive once its verb is done, least of all a name lookup.
    runtime.shutdown_background();
    ended
}
