//! How this process was called, so that a command that it prints reaches the same workspace when it is pasted.

use std::path::Path;
use std::sync::OnceLock;

use crate::cli::args::VaultWord;
use crate::cli::table::clean;
use crate::domain::project::Project;

static OPTIONS: OnceLock<String> = OnceLock::new();

/// Keeps what names the workspace; once, when the process starts.
pub fn with(data: Option<&Path>, vault: Option<VaultWord>) {
    OPTIONS.get_or_init(|| options(data, vault));
}

fn options(data: Option<&Path>, vault: Option<VaultWord>) -> String {
    let data = data.map(|data| format!(" --data {}", quoted(&data.to_string_lossy())));
    let vault = vault.map(|vault| format!(" --vault {}", vault.word()));
    data.into_iter().chain(vault).collect()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@\\~".contains(c);
    let word = clean(word);
    if word.chars().all(plain) { word } else { format!("\"{word}\"") }
}

/// A command of this program, to be pasted: its verb and what follows.
pub fn command(verb: &str) -> String {
    format!("mailferry{} {verb}", OPTIONS.get().map_or("", String::as_str))
}

/// A verb about a project, to be pasted.
pub fn of_project(verb: &str, project: &Project) -> String {
    command(&format!("{verb} \"{}\"", clean(&project.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_the_workspace_is_part_of_a_command() {
        assert_eq!(options(None, None), "");
        assert_eq!(
            options(Some(Path::new("/tmp/ws")), Some(VaultWord::FileKeyring)),
            " --data /tmp/ws --vault file-keyring"
        );
        assert_eq!(options(Some(Path::new("/tmp/my ws")), None), " --data \"/tmp/my ws\"");
    }
}
