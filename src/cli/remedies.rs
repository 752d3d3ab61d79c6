//! The verb that does what the text of a failure advises: what a button is in the window.

use crate::cli::called::command;
use crate::cli::table::clean;
use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::project::Project;
use crate::domain::remedy::{Remedy, host_in_doubt, remedy};

/// The verb for a failure of this item (its address or pair of addresses), if one may cure it.
pub fn verb(project: &Project, item: &str, side: Option<Side>, failure: &Failure) -> Option<String> {
    let (name, item) = (format!("\"{}\"", clean(&project.name)), format!("\"{}\"", clean(item)));
    let sign_in = side.and_then(|side| project.server(side).sign_in()).map(|sign_in| sign_in.kind);
    let edit = |option: String| Some(command(&format!("project edit {name} {option}")));
    let another_address = |side: Side| edit(format!("--{} URL", side.word()));
    let only_oauth = failure.server_text.as_deref().is_some_and(|said| said.to_ascii_lowercase().contains("oauth"));
    if let (Cause::NoPasswords, true, Some(side)) = (failure.cause, only_oauth, side) {
        return edit(format!("--{}-signin KIND", side.word()));
    }
    match (remedy(failure, side, sign_in), host_in_doubt(failure, side)) {
        (_, Some(side)) if failure.cause == Cause::CertificateOfAnother => another_address(side),
        (Some(Remedy::PinCertificate(side)), _) => edit(format!("--{}-cert-sha256 FINGERPRINT", side.word())),
        (_, Some(side)) => another_address(side),
        (Some(Remedy::ProjectSettings), None) => side.and_then(another_address),
        (Some(Remedy::CorrectLogin(side)), None) => match project.server(side).administrator() {
            Some(_) => edit(format!("--ask-{}-password", side.word())),
            None => Some(command(&format!("item edit {name} --item {item} --ask-{}-password", side.word()))),
        },
        (Some(Remedy::SignIn(side)), None) => {
            Some(command(&format!("signin {name} --item {item} --side {}", side.word())))
        }
        (Some(Remedy::CorrectSignIn(side)), None) => edit(format!("--ask-{}-secret", side.word())),
        (Some(Remedy::MapFolder), None) => edit("--map '^OLD->NEW'".to_owned()),
        (Some(Remedy::Option(key)), None) => Some(command(&format!("item set {name} --item {item} {}=…", key.name()))),
        (Some(Remedy::TryNow) | None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Retry, Scope};
    use crate::domain::ids::{PoolId, ProjectId};
    use crate::domain::project::{Options, Starts};
    use crate::domain::server::Server;

    #[test]
    fn each_cure_has_its_verb_and_the_advice_of_the_text_is_one_that_exists() {
        let [source, destination] =
            ["imaps://old.example", "imaps://new.example"].map(|url| Server::parse_url(url).unwrap());
        let (id, pool, starts) = (ProjectId(1), PoolId::FIRST, Starts::default());
        let (name, options) = ("move".to_owned(), Options::default());
        let project = Project { id, name, client: None, source, destination, options, starts, pool };
        let of = |cause, side| {
            let failure = Failure::new(cause, Scope::Mailbox, Retry::User, "doing");
            verb(&project, "anna@old.example", side, &failure).unwrap_or_default()
        };
        for (cause, ends) in [
            (Cause::CertificateNotTrusted, "--source-cert-sha256 FINGERPRINT"),
            (Cause::CertificateOfAnother, "--source URL"),
            (Cause::PortClosed, "--source URL"),
            (Cause::NotTls, "--source URL"),
            (Cause::NoPasswords, "--source URL"),
            (Cause::LoginRefused, "--item \"anna@old.example\" --ask-source-password"),
            (Cause::OutsideHours, "source-hours=…"),
            (Cause::ServerBusy, ""),
        ] {
            let verb = of(cause, Some(Side::Source));
            assert!(verb.ends_with(ends) && verb.is_empty() == ends.is_empty(), "{cause:?}: {verb}");
        }
        let oauth = Failure::new(Cause::NoPasswords, Scope::Mailbox, Retry::User, "doing").saying("AUTH=XOAUTH2");
        let verb = verb(&project, "anna@old.example", Some(Side::Source), &oauth).unwrap();
        assert!(verb.ends_with("--source-signin KIND"), "{verb}");
        assert_eq!(of(Cause::DestinationFull, Some(Side::Destination)), "");
    }
}
