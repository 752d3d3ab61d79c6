//! Names that a server repeats, against a scripted peer.

use super::Login;
use super::script::{EXAMINED, ScriptStep, drain, folder, hear, log_in_as, say, session, welcome};
use crate::domain::failure::Cause;
use crate::domain::secret::Secret;
use crate::endpoint::auth::Proof;
use crate::endpoint::{Source, Which};

#[tokio::test]
async fn the_name_of_a_folder_or_of_a_login_is_no_word_of_the_server() {
    for (name, text, cause) in [
        ("Later", "Mailbox doesn't exist: Later", Cause::FolderGone),
        ("A/Later", "No such mailbox: A.Later", Cause::FolderGone),
        ("Too many connections", "No such mailbox: Too many connections (0.001 secs)", Cause::FolderGone),
        ("Session expired", "'Session expired' is not for you", Cause::FolderRefused),
        ("Daily limit", "[NOPERM] Daily limit", Cause::FolderRefused),
        ("Later", "Later: try again later", Cause::ServerBusy),
    ] {
        let mut steps = welcome("");
        steps.extend([hear("A3 EXAMINE"), say(format!("A3 NO {text}\r\n")), ScriptStep::Stall]);
        let (opened, _peer) = session(steps).await;
        let failure = opened.expect("logged in").examine(&folder(name)).await.expect_err("refused");
        assert_eq!((failure.cause, failure.server_text.as_deref()), (cause, Some(text)), "{name}");
    }
    for (user, text, cause) in [
        ("temporary@x.example", "No login for temporary@x.example", Cause::LoginRefused),
        ("server busy", "[AUTHENTICATIONFAILED] server busy: wrong password", Cause::LoginRefused),
        ("anna", "Server busy, anna", Cause::ServerBusy),
    ] {
        let steps = vec![
            say("* OK [CAPABILITY IMAP4rev1] hello\r\n"),
            hear("A1 LOGIN"),
            say(format!("A1 NO {text}\r\n")),
            ScriptStep::Stall,
        ];
        let login = Login { user: user.into(), admin: None, proof: Proof::Password(Secret::new("password")) };
        let (opened, _peer) = log_in_as(steps, login).await;
        assert_eq!(opened.err().map(|failure| failure.cause), Some(cause), "{user}");
    }
}

#[tokio::test]
async fn the_open_folder_s_name_is_no_word_either() {
    let mut steps = welcome("");
    steps.extend([hear("A3 EXAMINE"), say(EXAMINED), hear("A4"), say("A4 NO Rate limit holds no such message\r\n")]);
    let (opened, _peer) = session(steps).await;
    let mut source = opened.expect("logged in");
    let stream = source.fetch(&folder("Rate limit"), &Which::All).await.expect("asked");
    assert_eq!(drain(stream).await, ["MessageUnreadable Folder"]);
}
