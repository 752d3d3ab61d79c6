//! What people read: one table from failures to texts, and how numbers, sizes and durations are written.
//!
//! Headline, what happened, what to do. No blame, no jargon in the first line. The server's own words are no part of
//! these texts: they are shown beside them, from [`Failure::server_text`].

mod item_errors;
mod notices;
mod pauses;
mod room;
mod strangers;

use std::time::Duration;

pub use item_errors::{error_line, error_text};
pub use notices::{notice, notice_line, numbers, which};
pub use pauses::{daily_limit, others_wait, paused, pausing};

use super::failure::{Cause, Failure, Retry, Scope, Side};
use super::progress::Phase;
use super::project::Project;
use super::provider::MailProvider;
use super::retry::LONGEST_NAMED;

/// A failure as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// One line without jargon.
    pub headline: String,
    /// What happened; a sentence or two.
    pub what: String,
    /// What to do next.
    pub todo: String,
}

/// What the texts name. Empty strings are replaced by words ("the server", "this mailbox").
#[derive(Clone, Copy, Debug, Default)]
pub struct TextNames<'a> {
    /// Host of the side that failed.
    pub host: &'a str,
    /// Its port; 0 when unknown.
    pub port: u16,
    /// The mailbox of that side.
    pub mailbox: &'a str,
    /// The mailbox of the other side.
    pub across: &'a str,
    /// The folder, if one is meant.
    pub folder: &'a str,
    /// Whose server it is, where that is known.
    pub provider: Option<&'static MailProvider>,
}

/// The text for a failure.
#[expect(clippy::too_many_lines, reason = "a table: an arm for each cause")]
pub fn text(failure: &Failure, side: Option<Side>, names: &TextNames<'_>) -> Text {
    let host = or(names.host, "the server");
    let mailbox = or(names.mailbox, "this mailbox");
    let other = or(failure.other.as_deref().unwrap_or_default(), "another item");
    let folder =
        if names.folder.is_empty() { "this folder".to_owned() } else { format!("folder \"{}\"", names.folder) };
    let side_word = side.map_or(String::new(), |s| format!("{} ", s.word()));
    let the_side = side.map_or("server".to_owned(), |s| s.word().to_owned());
    let port = if names.port == 0 { String::new() } else { format!(" on port {}", names.port) };
    let (headline, what, todo) = match failure.cause {
        Cause::LoginRefused => (
            format!("Failed while checking {side_word}credentials"),
            match failure.retry {
                Retry::Backoff => format!(
                    "{host} refused the login of {mailbox} and named several reasons. It was tried once more after a pause."
                ),
                _ => format!("{host} refused the login of {mailbox}. It was tried once, so that the account is not locked."),
            },
            "Check name and password (with two-factor sign-in it is an app password), correct the login or import the item \
             again with it, then Start."
                .into(),
        ),
        Cause::AdministratorLoginRefused | Cause::AdministratorLoginHeld => (
            format!("The {side_word}administrator login was refused"),
            "One attempt was made, so that the account is not locked. The other items of this server are held.".into(),
            "Correct its password, or see to it that the server accepts it again; then Start this item and Resume the others. \
             Another login is named in the project's settings."
                .into(),
        ),
        Cause::SignInRefused | Cause::SignInHeld => (
            format!("The {side_word}sign-in was refused"),
            "The provider refused the application or its secret, and was asked once. The other items of this server are held."
                .into(),
            "Correct the sign-in in the project's settings, or see to it that the provider accepts it; then Start this item and \
             Resume the others."
                .into(),
        ),
Cause::TokenUnfit => (
            format!("The {side_word}sign-in opens no mailbox"),
            "The provider granted a token that lacks a right, or is of another tenant or for another service. It was shown to no \
             mail server."
                .into(),
            "Have what is missing granted, or correct tenant, cloud or scope in the project's settings; then Start this item and \
             Resume the others."
                .into(),
        ),
        Cause::SignInEnded => (
            format!("Sign in to the {the_side} again"),
            format!("The sign-in of {mailbox} has ended or was taken back. Nothing is lost; what was copied is recorded."),
            "Sign in again, then Start: it goes on where it stopped.".into(),
        ),
        Cause::TokenRefused => (
            format!("Signed in, but the {the_side} did not let {mailbox} in"),
            format!("{host} refused what the sign-in's provider had granted, also when it was granted anew."),
            "Check that the application may open this mailbox by IMAP, or that its owner signed in; then Start.".into(),
        ),
        Cause::SignInBusy => (
            format!("The sign-in service of the {the_side} has a passing trouble"),
            "It hands out no tokens at the moment. Nothing is lost.".into(),
            "Look whether the provider reports an outage, then Start later.".into(),
        ),
        Cause::ClockOff => (
            "This computer's clock is wrong".into(),
            format!("The sign-in service of the {the_side} takes signatures of the right time only."),
            "Set the clock of this computer, then Start this item and Resume the others.".into(),
        ),
        Cause::MailboxNotOpened => (
            "Signed in, but the mailbox did not open".into(),
            format!("Access to {mailbox} may be missing, IMAP may be off for it, or it may not exist."),
            format!("Send these lines to the administrator of {host}."),
        ),
        Cause::MaildirNotOpened => (
            "The Maildir did not open".into(),
            format!("The folder of {mailbox} is missing, is no Maildir, or may not be used."),
            "Check the path and who may use it, then Start.".into(),
        ),
        Cause::WrongSide => (
            format!("This kind of mailbox cannot be the {the_side}"),
            format!("What holds {mailbox} was not opened, and nothing was copied."),
            "Make a project with another kind of mailbox on this side.".into(),
        ),
        Cause::SameMailbox => (
            "Both sides are one mailbox".into(),
            format!(
                "{mailbox} and {} open the same mailbox. Nothing was copied: mail would come to where it lies already.",
                or(names.across, "the other side of this item")
            ),
            "Check address, login and host of both sides, and correct what is wrong; then Start.".into(),
        ),
        Cause::AdministratorStays => (
            format!("The {side_word}administrator login does not leave its own mailbox"),
            format!("{mailbox} and {other} look exactly the same, so it probably opens one mailbox for both. Nothing was copied."),
            "Find out how this server takes an administrator for other mailboxes (an authorization id, or a template such as \
             user*admin), and correct the login; then Start both again."
                .into(),
        ),
        Cause::SharedDestination => (
            "Two items write into one mailbox".into(),
            format!("The mail of {other} goes into {mailbox} too. Nothing was copied."),
            "Check address and login of both items. If both belong there, Start a Full pass: they run one after the other.".into(),
        ),
        Cause::NameUnknown | Cause::PortClosed | Cause::Unreachable | Cause::NoGreeting | Cause::ClosedUngreeted => {
            // The project may name another server since.
            let tried = failure.other.as_deref().and_then(|tried| tried.rsplit_once(':'));
            let (host, port) = tried.map_or((host, port), |(host, port)| (host, format!(" on port {port}")));
            strangers::out_of_reach(failure.cause, &side_word, host, &port)
        }
        Cause::CertificateNotTrusted | Cause::CertificateOutOfDate | Cause::CertificateOfAnother => {
            strangers::certificate(failure.cause, host)
        }
        Cause::NotTls => strangers::not_tls(host, &port),
        Cause::TlsFailed => strangers::tls_failed(host, failure.server_text.as_deref().unwrap_or_default()),
        Cause::NoImap => strangers::no_imap(host, &port, failure.server_text.as_deref().unwrap_or_default()),
        Cause::TurnedAway => (
            format!("{host} turns this computer away"),
            "It refused the connection before anybody logged in. No password was sent.".into(),
            "Ask its administrator to let this address in; it may have been blocked after many logins. Then Start.".into(),
        ),
        Cause::NoPasswords => {
            strangers::no_passwords(&the_side, host, failure.server_text.as_deref().unwrap_or_default())
        }
        Cause::ConnectionLost => (
            format!("The connection to the {the_side} was lost"),
            format!("{host} or the network closed it. Nothing is lost; what was copied is recorded."),
            "Check server and network, then Start: it goes on from there.".into(),
        ),
        Cause::TimedOut => (
            format!("The {the_side} stopped answering"),
            format!("Nothing was heard from {host} for too long. Nothing is lost; what was copied is recorded."),
            "Check that the server works, then Start: it goes on from there.".into(),
        ),
        Cause::OwnNetwork => (
            "This computer slept, or its network changed".into(),
            format!("The connection to {host} is made anew. Nothing is lost; what was copied is recorded."),
            "Nothing to do: the pass goes on by itself.".into(),
        ),
        Cause::Nonsense => (
            format!("The {the_side} gave an answer that makes no sense"),
            format!("What {host} sent does not fit the question, so the connection was closed."),
            "Check that host and port are those of the mail server; if they are, report these lines to us.".into(),
        ),
        Cause::Throttled => (
            format!("The {the_side} asked for a pause"),
            match failure.retry {
                Retry::After(pause) if pause > LONGEST_NAMED => format!(
                    "It limits how fast it may be used and named {}. It is asked again every hour; nothing is lost.",
                    duration(pause)
                ),
                Retry::After(pause) => format!("It limits how fast it may be used and named {}; nothing is lost.", duration(pause)),
                Retry::Backoff | Retry::Later | Retry::User | Retry::Never => {
                    "It limits how fast it may be used; nothing is lost.".into()
                }
            },
            match failure.retry {
                Retry::After(pause) if pause > LONGEST_NAMED => {
                    "Nothing to do: the pass goes on by itself. Stop it to give its place to other items, and Start it later.".into()
                }
                _ => "Nothing to do: the pass goes on by itself.".into(),
            },
        ),
        Cause::SessionEnded => (
            format!("The session with the {the_side} ended"),
            format!("{host} ends sessions after some time, or after too many refusals. Nothing is lost; the login is as good as before."),
            "Nothing to do: the pass goes on with a new session. If it ended the pass, Start goes on where it stopped.".into(),
        ),
        Cause::ProviderLimit => (
            format!("Paused by the provider of the {the_side}"),
            match side.and_then(|side| names.provider?.daily_limit(side)) {
                Some(limit) => format!("{limit}. Nothing is lost; the pass goes on after a long pause."),
                None => "It allows only so much in an hour or a day. Nothing is lost; the pass goes on after a long pause.".into(),
            },
            "Nothing to do. The provider's administrator may be able to raise the limit.".into(),
        ),
        Cause::OutsideHours => (
            format!("Outside the run hours of the {the_side}"),
            format!("The hours that were set leave {host} alone for now. Nothing is lost; the pass goes on by itself."),
            "Nothing to do. To go on at once, set other hours, then Stop and Start.".into(),
        ),
        Cause::TooManyConnections => (
            format!("Too many connections to the {the_side}"),
            format!("{host} allows no further connection for {mailbox} or from this address. Nothing is lost."),
            "A pass goes on by itself when one is free; a test is to be tried again then. Fewer items at once may help, or closing other \
             mail programs.".into(),
        ),
        Cause::ServerBusy if !names.folder.is_empty() && failure.doing.starts_with("opening") => (
            format!("{} could not be opened at the {the_side}", capital(&folder)),
            format!("{host} answered with a trouble of its own, again and again. Its messages wait."),
            "Start later; if it lasts, show the server's words to its administrator.".into(),
        ),
        Cause::ServerBusy => (
            format!("The {the_side} is busy"),
            format!("{host} has a passing trouble. Nothing is lost."),
            "Start later; if it lasts, ask the server's administrator.".into(),
        ),
        Cause::DestinationFull => (
            capital(&format!("{side_word}mailbox full")),
            match failure.room.as_deref().map(room::room) {
                Some(room) => format!("{host} has no room left in {mailbox}: {room}. The originals are unchanged."),
                None => format!("{host} has no room left in {mailbox}. The originals are unchanged."),
            },
            "Raise the quota, then Start: it goes on where it stopped.".into(),
        ),
        Cause::TooBig => (
            format!("Too big for the {the_side}"),
            format!("{host} does not accept messages of this size. The original is unchanged."),
            "Raise the limit there, then Retry errors; or save it as .eml for its owner, and accept that it stays behind.".into(),
        ),
        Cause::MessageRefused => (
            format!("Message refused by the {the_side}"),
            "The original is unchanged.".into(),
            "Save it as .eml for its owner and accept that it stays behind; a later Full pass tries it again otherwise.".into(),
        ),
        Cause::MessageMalformed => (
            format!("Message malformed for the {the_side}"),
            format!("{host} refused it as malformed. The original is unchanged."),
            "Save it as .eml for its owner and accept that it stays behind; or set the option clean-malformed to on, then Retry \
             errors: its cleaned form is copied, and named as such."
                .into(),
        ),
        Cause::HangsUpAtMessage => (
            format!("Message skipped: the {the_side} hangs up at it"),
            format!("{host} closed the connection again and again at this message. The original is unchanged."),
            "Start a Full pass later: it tries it again. If that fails too, look at it in the owner's mail program.".into(),
        ),
        Cause::NotStored => (
            format!("The {the_side} does not hold this message"),
            format!("{host} said that it stored it, and it is not in {folder}. The original is unchanged."),
            "Start a Full pass: it tries it again.".into(),
        ),
        Cause::NotShown => (
            format!("The {the_side} does not show whether it holds this message"),
            format!("{host} does not tell all that it holds in {folder}, and it may be there already. The original is unchanged."),
            "Start a Full pass: it looks for it again before it is sent.".into(),
        ),
        Cause::Settling => (
            format!("Waiting for the {the_side} to take in what was on its way"),
            format!("The connection broke while {host} was still storing messages. They are looked for before any is sent again."),
            "Nothing to do.".into(),
        ),
        Cause::MessageGone => (
            "The message is no longer there".into(),
            format!("It was deleted or moved at the {the_side} while the pass was running."),
            "Nothing to do. If it was moved, the next Full pass finds it in its new folder.".into(),
        ),
        Cause::FolderRefused if side == Some(Side::Source) => (
            format!("{} cannot be opened at the source", capital(&folder)),
            format!("{host} lists it and refused to open it. Its messages wait."),
            "Open it in the owner's mail program, and ask the server's administrator if that fails too; then Start.".into(),
        ),
        Cause::FolderRefused => strangers::folder_refused(&capital(&folder), &the_side, host, names.folder, failure),
        Cause::FolderGone if names.folder.eq_ignore_ascii_case("INBOX") => (
            format!("The {the_side} has no inbox"),
            format!("{host} answers that there is none, which every mailbox has: this may be no mailbox, or another login's."),
            "Check the login name, and open the mailbox in the owner's mail program; then Start.".into(),
        ),
        Cause::FolderGone => (
            format!("{} is no longer at the {the_side}", capital(&folder)),
            "It was deleted or renamed there since it was listed.".into(),
            "Start a Full pass: it reads the folders anew.".into(),
        ),
        Cause::FolderChanged => (
            format!("{} was replaced while it was read", capital(&folder)),
            "The server numbered its messages anew. What was copied is recorded.".into(),
            "Start a Full pass: messages already copied are recognised.".into(),
        ),
        Cause::ListIncomplete => (
            format!("{} is not listed completely", capital(&folder)),
            format!("{host} says that it holds more messages than it lists; what it lists was moved."),
            "Some providers show only the newest messages over IMAP: ask for their export host. Then Start a Full pass.".into(),
        ),
        Cause::MessageUnreadable => (
            format!("The {the_side} could not hand out this message"),
            format!("{host} lists it but does not give its contents."),
            "Open it in the owner's mail program; if that works, Start a Full pass again.".into(),
        ),
        Cause::NotTheSameMailbox => (
            "Not the mailbox of the earlier passes".into(),
            format!("Every folder at the {the_side} is another one than before. Nothing was copied, so that no mail is doubled."),
            "Check the address. If the mailbox was made anew, import the item into a new project and Start there: what is in \
             the mailbox already is recognised."
                .into(),
        ),
        Cause::NoFolders if failure.scope == Scope::Folder => (
            format!("The {the_side} lists no folders"),
            format!("{host} opens the inbox of {mailbox} and lists no folder, not even that one. Others, if there are any, are not moved."),
            "See in the owner's mail program whether there are other folders. If there are, ask the server's administrator, then \
             Start; if there are none, accept this error."
                .into(),
        ),
        Cause::NoFolders => (
            format!("The {the_side} shows no folders"),
            format!("{host} lists no folder of {mailbox}, not even an inbox that can be opened. Nothing was copied."),
            "Check the login name; if the owner's mail program shows mail there, ask the server's administrator.".into(),
        ),
        Cause::CredentialMissing => (
            "Credential not in this machine's keyring".into(),
            format!("That of the {the_side} was saved on another machine, was deleted, or the keyring is locked."),
            "Unlock the keyring and Start, or import the item again with its password.".into(),
        ),
        Cause::WorkspaceFailed => (
            "The workspace cannot be written".into(),
            "Copying stopped at once, so that no message is copied without a record.".into(),
            "Make room on the disk, or make its folder writable, then Start.".into(),
        ),
        Cause::TooManyErrors => (
            "Too many item errors".into(),
            "Their number reached the maximum, so the pass ended. What was copied is recorded.".into(),
            "Look at the errors and cure their cause, then Start: it tries what is missing.".into(),
        ),
        Cause::CommandRefused => (
            format!("The {the_side} refused a step"),
            format!(
                "{host} said no while Mailferry was {}; {} is affected.",
                or(&failure.doing, "asking for something"),
                match failure.scope {
                    Scope::Message => "one message",
                    Scope::Folder => folder.as_str(),
                    Scope::Connection | Scope::Mailbox | Scope::Endpoint => mailbox,
                }
            ),
            "The server's text says why. Cure the cause, then Start; what was copied is recorded.".into(),
        ),
        Cause::Internal => (
            "Mailferry itself failed".into(),
            "This pass ended; other items go on. What was copied is recorded.".into(),
            "Start it again. If it fails the same way, please report it with the log.".into(),
        ),
    };
    Text { headline: sentence(headline), what: sentence(what), todo }
}

/// A failure of an item of this project: named are the server and the mailbox of the side it happened on. `mailboxes` are
/// the addresses at the source and at the destination.
pub fn told(project: &Project, mailboxes: (&str, &str), folder: &str, side: Option<Side>, failure: &Failure) -> Text {
    let (at, mailbox, across) = match side {
        Some(at @ Side::Source) => (at, mailboxes.0, mailboxes.1),
        Some(at @ Side::Destination) => (at, mailboxes.1, mailboxes.0),
        None => return text(failure, None, &TextNames { folder, ..TextNames::default() }),
    };
    let (server, provider) = (project.server(at), project.provider(at).map(|(provider, _)| provider));
    let (host, port) = (server.name(), server.port().unwrap_or(0));
    text(failure, side, &TextNames { host, port, mailbox, across, folder, provider })
}

/// A sentence that may begin with one of the words that stand for a name.
fn sentence(text: String) -> String {
    if ["the ", "this "].iter().any(|word| text.starts_with(word)) { capital(&text) } else { text }
}

fn or<'a>(name: &'a str, word: &'a str) -> &'a str {
    if name.is_empty() { word } else { name }
}

/// The text with a capital at its head.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

/// A phase as people read it.
pub fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Loading => "Loading",
        Phase::Connecting => "Connecting",
        Phase::ListingSource => "Listing source folders",
        Phase::CreatingFolders => "Creating folders",
        Phase::ScanningDestination => "Scanning destination",
        Phase::Copying => "Copying",
        Phase::Finishing => "Finishing",
    }
}

/// With separators: `1,204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes as people read them, decimal: "112.18 MB", "999 bytes".
pub fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    }
    let mut value = bytes as f64 / 1000.0;
    let mut units = ["KB", "MB", "GB", "TB"].into_iter().peekable();
    loop {
        let unit = units.next().unwrap_or("PB");
        if value < 999.995 || unit == "PB" {
            return format!("{value:.2} {unit}");
        }
        value /= 1000.0;
    }
}

/// A time as people read them, in the unit that fits: "45 seconds", "5 minutes", "3 hours", "4 days". Seconds and
/// minutes are rounded up, hours (up to two days) and days to the nearest.
pub fn duration(time: Duration) -> String {
    const MINUTE: u64 = 60_000;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (number, unit) = if ms < MINUTE {
        (ms.div_ceil(1000), "second")
    } else if ms <= 59 * MINUTE {
        (ms.div_ceil(MINUTE), "minute")
    } else if ms < 2 * DAY {
        ((ms + HOUR / 2) / HOUR, "hour")
    } else {
        (ms.saturating_add(DAY / 2) / DAY, "day")
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// So many of something: "1 item", "2 items", "3 entries", "4 passes", "5 batches", "6 days".
pub fn counted(number: usize, one: &str) -> String {
    match (number, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{number} {stem}ies"),
        _ if one.ends_with('s') || one.ends_with("ch") => format!("{number} {one}es"),
        _ => format!("{number} {one}s"),
    }
}

/// Messages that could not be moved, and how many of them a person has accepted: "6 errors, 2 accepted".
pub fn errors(all: u64, accepted: u64) -> String {
    let words = counted(usize::try_from(all).unwrap_or(usize::MAX), "error");
    if accepted == 0 { words } else { format!("{words}, {accepted} accepted") }
}

#[cfg(test)]
mod tests;
