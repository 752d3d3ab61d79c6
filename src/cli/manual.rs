//! `mailferry completions` and `mailferry manual`: made from the same table of arguments as `--help`.

use std::io::Write;

use clap::{Command, CommandFactory};

use crate::cli::args::Arguments;
use crate::cli::error::{CliError, Exit};

/// `completions`
pub fn completions(shell: clap_complete::Shell) -> Result<Exit, CliError> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "mailferry", &mut text);
    print(&text)
}

/// `manual`: the program's page, then those of its verbs.
pub fn manual() -> Result<Exit, CliError> {
    let mut text = Vec::new();
    let mut command = Arguments::command();
    command.build();
    pages(&command, &mut text).map_err(|error| CliError::cannot(format!("making the manual: {error}")))?;
    print(&text)
}

fn pages(command: &Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(text)?;
    let verbs = command.get_subcommands().filter(|verb| verb.get_name() != "help" && !verb.is_hide_set());
    verbs.into_iter().try_for_each(|verb| pages(verb, text))
}

fn print(text: &[u8]) -> Result<Exit, CliError> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text).and_then(|()| out.flush());
    match written {
        // `| head` has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Well),
        Err(error) => Err(CliError::cannot(format!("writing to the terminal: {error}"))),
        Ok(()) => Ok(Exit::Well),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_a_page_for_every_verb() {
        let mut text = Vec::new();
        let mut command = Arguments::command();
        command.build();
        pages(&command, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        for words in ["mailferry\\-start", "mailferry\\-project\\-new", "\\-\\-older\\-than", "Exit codes"] {
            assert!(text.contains(words), "{words}");
        }
    }
}
