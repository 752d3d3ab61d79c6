//! From what a server said to what it means: cause, scope and whether trying again helps.
//!
//! ServerResponse codes first, texts second; a code beats the text with the exceptions named here. Pure.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::time::Duration;

use super::echo::Echoes;
use super::response::{Status, Told};
use crate::domain::failure::{Cause, Failure, Retry, Scope};

/// What was being done when the server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its greeting.
    Greeting,
    /// A BYE at any time.
    Connection,
    /// STARTTLS.
    Tls,
    /// The login of a mailbox owner.
    Login,
    /// The login of an administrator.
    AdministratorLogin,
    /// A login by a token.
    TokenLogin,
    /// LIST, STATUS, NAMESPACE and the like.
    Ask,
    /// SELECT, EXAMINE.
    Open,
    /// FETCH.
    Read,
    /// CREATE, SUBSCRIBE.
    Create,
    /// APPEND.
    Append,
    /// STORE.
    Store,
}

type Class = (Cause, Scope, Retry);

/// The failure that a NO, BAD or BYE stands for. The text is not read for words in the names that the server repeats.
pub(super) fn failure(step: Step, status: Status, told: &Told, names: &[&Echoes], doing: &str) -> Failure {
    let text = names.iter().fold(told.text.clone(), |text, names| names.taken_from(&text));
    let (cause, scope, retry) = class(step, status, &Told { code: told.code.clone(), text });
    Failure::new(cause, scope, retry, doing).saying(told.words())
}

fn class(step: Step, status: Status, told: &Told) -> Class {
    let text = told.text.to_ascii_lowercase();
    let login = matches!(step, Step::Login | Step::AdministratorLogin | Step::TokenLogin);
    session_ended(step, &text)
        .or_else(|| pace(step, &told.code.name, &text))
        .or_else(|| login.then(|| refused_login(step, &told.code.name, &text)))
        .or_else(|| passing(step, &told.code.name, &text))
        .unwrap_or_else(|| by_step(step, status, &told.code.name, &text))
}

fn any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|w| text.contains(w))
}

/// A session that is over says nothing about the login, whatever code it is told under; a token that has ended when it is shown
/// is refused.
fn session_ended(step: Step, text: &str) -> Option<Class> {
    if text.contains("accesstokenexpired") {
        return (step != Step::TokenLogin).then_some((Cause::SessionEnded, Scope::Connection, Retry::Backoff));
    }
    // Gmail says it of a session that has grown old, and of one that has brought too much.
    text.contains("session expired").then_some((Cause::SessionEnded, Scope::Connection, Retry::Later))
}

/// Limits of pace and amount: whatever the command was.
fn pace(step: Step, code: &str, text: &str) -> Option<Class> {
    if let Some(pause) = named_pause(text) {
        return Some((Cause::Throttled, Scope::Mailbox, Retry::After(pause)));
    }
    let bandwidth = any(text, &["bandwidth limit", "exceeded command or", "daily limit", "download limit"]);
    let writing = matches!(step, Step::Append | Step::Create | Step::Store);
    if bandwidth || (code == "OVERQUOTA" && !writing) {
        return Some((Cause::ProviderLimit, Scope::Mailbox, Retry::Later));
    }
    // Of a message or its flags there may be too many as well (RFC 5530 LIMIT), and of messages in a command (RFC 9738): those
    // words then speak of connections only.
    let about_a_message = matches!(step, Step::Append | Step::Store) || code == "MESSAGELIMIT";
    let connections = ["maximum number of connections", "connection limit", "connections exceeded"];
    let many = ["too many connections", "too many simultaneous connections", "too many open connections"];
    if any(text, &connections)
        || any(text, &many)
        || (!about_a_message && (code == "LIMIT" || text.contains("too many")))
    {
        return Some((Cause::TooManyConnections, Scope::Mailbox, Retry::Backoff));
    }
    if code == "THROTTLED" || any(text, &["[throttled]", "is throttled", "rate limit", "slow down"]) {
        return Some((Cause::Throttled, Scope::Mailbox, Retry::Backoff));
    }
    None
}

/// `Suggested Backoff Time: N milliseconds`, as the server named it, at most a year. (How long it is obeyed the retry policy
/// decides.)
fn named_pause(text: &str) -> Option<Duration> {
    let (_, after) = text.split_once("suggested backoff time:")?;
    let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
    const YEAR: u64 = 365 * 24 * 3_600_000;
    Some(Duration::from_millis(digits.parse().unwrap_or(YEAR).min(YEAR)))
}

fn refused_login(step: Step, code: &str, text: &str) -> Class {
    if any(text, &["authenticated but not connected"]) {
        return (Cause::MailboxNotOpened, Scope::Mailbox, Retry::Backoff);
    }
    let refused = matches!(code, "AUTHENTICATIONFAILED" | "EXPIRED" | "AUTHORIZATIONFAILED" | "NOPERM");
    let busy =
        matches!(code, "UNAVAILABLE" | "INUSE" | "SERVERBUG") || is_busy(text) || text.contains("internal error");
    let unprotected = ["plaintext authentication disallowed", "cleartext", "requires encryption", "requires tls"];
    if code == "PRIVACYREQUIRED" || (code.is_empty() && any(text, &unprotected)) {
        return (Cause::NoPasswords, Scope::Mailbox, Retry::User);
    }
    // "try again" alone also stands in plain refusals ("wrong password, try again").
    if text.contains("try again later") || (busy && !refused) {
        return (Cause::ServerBusy, Scope::Connection, Retry::Backoff);
    }
    // A server that names five causes at once, two of which pass by themselves (QQ): whoever owns the mailbox waits once.
    if step == Step::Login && code.is_empty() && any(text, &["login frequency limited", "system is busy"]) {
        return (Cause::LoginRefused, Scope::Mailbox, Retry::Backoff);
    }
    match (step, code) {
        // The administrator came in; this mailbox is not for them.
        (Step::AdministratorLogin, "AUTHORIZATIONFAILED" | "NOPERM") => {
            (Cause::MailboxNotOpened, Scope::Mailbox, Retry::User)
        }
        (Step::AdministratorLogin, _) => (Cause::AdministratorLoginRefused, Scope::Endpoint, Retry::User),
        (Step::TokenLogin, _) => (Cause::TokenRefused, Scope::Mailbox, Retry::User),
        _ => (Cause::LoginRefused, Scope::Mailbox, Retry::User),
    }
}

/// Troubles that pass by themselves.
fn passing(step: Step, code: &str, text: &str) -> Option<Class> {
    if any(text, &["authenticated but not connected"]) {
        return Some((Cause::MailboxNotOpened, Scope::Mailbox, Retry::Backoff));
    }
    let code_says = matches!(code, "UNAVAILABLE" | "INUSE" | "SERVERBUG" | "CONTACTADMIN");
    // A server bug at one message is that message's trouble, not the connection's, unless it says that it will pass.
    if step == Step::Read && matches!(code, "SERVERBUG" | "CONTACTADMIN") && !is_busy(text) {
        return None;
    }
    (code_says || is_busy(text)).then_some((Cause::ServerBusy, Scope::Connection, Retry::Backoff))
}

/// Of messages that were asked for whole a server may say that it cannot get at one of them (UNAVAILABLE, RFC 5530): unless it says
/// too that this will pass, it is that message's trouble, and the others are to be had.
pub(super) fn of_messages(failure: Failure, told: &Told) -> Failure {
    let unavailable = told.code.name == "UNAVAILABLE" && failure.cause == Cause::ServerBusy;
    match unavailable && !is_busy(&told.text.to_ascii_lowercase()) {
        true => Failure { cause: Cause::MessageUnreadable, scope: Scope::Folder, retry: Retry::Never, ..failure },
        false => failure,
    }
}

/// Whether a text says that the trouble passes by itself.
fn is_busy(text: &str) -> bool {
    let later = ["later", "temporary", "temporarily", "transient"];
    let busy = ["server is busy", "server busy", "too busy", "overloaded", "server unavailable", "service unavailable"];
    any(text, &later) || any(text, &busy) || text.contains("currently unavailable")
}

fn by_step(step: Step, status: Status, code: &str, text: &str) -> Class {
    let gone = matches!(code, "NONEXISTENT" | "TRYCREATE")
        || any(text, &["doesn't exist", "does not exist", "no such mailbox", "unknown mailbox", "mailbox not found"]);
    match step {
        Step::Greeting if turns_away(text) => (Cause::TurnedAway, Scope::Endpoint, Retry::User),
        Step::Greeting | Step::Connection if status == Status::Bye => {
            (Cause::ConnectionLost, Scope::Connection, Retry::Backoff)
        }
        Step::Greeting | Step::Connection => (Cause::Nonsense, Scope::Connection, Retry::Backoff),
        Step::Tls => (Cause::TlsFailed, Scope::Endpoint, Retry::User),
        Step::Login | Step::AdministratorLogin | Step::TokenLogin => refused_login(step, code, text),
        Step::Ask => (Cause::CommandRefused, Scope::Mailbox, Retry::User),
        Step::Open if gone => (Cause::FolderGone, Scope::Folder, Retry::Never),
        Step::Open => (Cause::FolderRefused, Scope::Folder, Retry::User),
        Step::Read => (Cause::MessageUnreadable, Scope::Folder, Retry::Never),
        Step::Create if full(code, text) => (Cause::DestinationFull, Scope::Mailbox, Retry::User),
        Step::Create => (Cause::FolderRefused, Scope::Folder, Retry::User),
        Step::Append if too_big(code, text) => (Cause::TooBig, Scope::Message, Retry::Never),
        Step::Append if full(code, text) => (Cause::DestinationFull, Scope::Mailbox, Retry::User),
        Step::Append if gone => (Cause::FolderGone, Scope::Folder, Retry::Never),
        Step::Append if code == "NOPERM" => (Cause::FolderRefused, Scope::Folder, Retry::User),
        Step::Append if malformed(code, text) => (Cause::MessageMalformed, Scope::Message, Retry::Never),
        Step::Append => (Cause::MessageRefused, Scope::Message, Retry::Never),
        Step::Store if full(code, text) => (Cause::DestinationFull, Scope::Mailbox, Retry::User),
        Step::Store => (Cause::CommandRefused, Scope::Folder, Retry::Never),
    }
}

/// Whether a greeting says that it has something against who comes, which no waiting cures.
fn turns_away(text: &str) -> bool {
    let words = [
        "intrusion",
        "blocked",
        "blacklist",
        "blocklist",
        "denied",
        "banned",
        "not allowed",
        "not permitted",
        "prohibited",
        "rejected",
        "forbidden",
    ];
    any(text, &words)
}

fn full(code: &str, text: &str) -> bool {
    code == "OVERQUOTA" || any(text, &["quota", "mailbox is full", "mailbox full", "not enough space"])
}

/// What a cleaned form may cure.
fn malformed(code: &str, text: &str) -> bool {
    let words =
        ["invalid header", "nul character", "unable to parse", "bare newline", "bare cr", "bare lf", "malformed"];
    code == "PARSE" || any(text, &words)
}

fn too_big(code: &str, text: &str) -> bool {
    let words = [
        "maximum size of appendable",
        "maximum message size",
        "message too large",
        "message too big",
        "too large",
        "larger than the maximum size", // Dovecot's, with the code LIMIT
    ];
    code == "TOOBIG" || any(text, &words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::imap::response::Code;

    fn told(words: &str) -> Told {
        let (code, text) = words.strip_prefix('[').and_then(|w| w.split_once("] ")).unwrap_or(("", words));
        Told { code: Code { name: code.into(), arguments: String::new() }, text: text.into() }
    }

    #[test]
    fn p4_a_message_that_is_unavailable_is_its_own_trouble_unless_that_will_pass() {
        let of = |words: &str| {
            let told = told(words);
            let failure = failure(Step::Read, Status::No, &told, &[], "");
            let Failure { cause, scope, retry, .. } = of_messages(failure, &told);
            (cause, scope, retry)
        };
        let its_own = (Cause::MessageUnreadable, Scope::Folder, Retry::Never);
        let passes = (Cause::ServerBusy, Scope::Connection, Retry::Backoff);
        for words in ["[UNAVAILABLE] cannot get at it", "[UNAVAILABLE] not now", "no", "[SERVERBUG] oops"] {
            assert_eq!(of(words), its_own, "{words}");
        }
        for words in ["[UNAVAILABLE] come back later", "[UNAVAILABLE] Server is busy", "[INUSE] locked", "too busy"] {
            assert_eq!(of(words), passes, "{words}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table: a line for each text")]
    fn every_known_answer_has_its_class() {
        use {Cause::*, Retry::*, Scope::*, Status::*};
        let after = |ms| After(Duration::from_millis(ms));
        #[rustfmt::skip]
        let table = [
            (Step::Append, Bad, "Request is throttled. Suggested Backoff Time: 300000 milliseconds", (Throttled, Mailbox, after(300_000))),
            (Step::Login, No, "Request is throttled. Suggested Backoff Time: 99999999999999999999 milliseconds", (Throttled, Mailbox, after(31_536_000_000))),
            (Step::Open, No, "Request is throttled. Suggested Backoff Time: 604800000 milliseconds", (Throttled, Mailbox, after(604_800_000))),
            (Step::Connection, Bye, "Request is throttled. Suggested Backoff Time: 5000 milliseconds", (Throttled, Mailbox, after(5000))),
            (Step::Read, No, "[OVERQUOTA] Account exceeded command or bandwidth limits.", (ProviderLimit, Mailbox, Later)),
            (Step::Connection, Bye, "[OVERQUOTA] Account exceeded command or bandwidth limits.", (ProviderLimit, Mailbox, Later)),
            (Step::Append, No, "[OVERQUOTA] Account exceeded command or bandwidth limits.", (ProviderLimit, Mailbox, Later)),
            (Step::Open, No, "[OVERQUOTA] slower", (ProviderLimit, Mailbox, Later)),
            (Step::Login, No, "[OVERQUOTA] Account exceeded command or bandwidth limits.", (ProviderLimit, Mailbox, Later)),
            (Step::Ask, No, "[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", (ProviderLimit, Mailbox, Later)),
            (Step::Login, No, "[UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=3)", (TooManyConnections, Mailbox, Backoff)),
            (Step::Read, No, "[ALERT] Too many simultaneous connections. (Failure)", (TooManyConnections, Mailbox, Backoff)),
            (Step::Login, No, "[ALERT] Too many simultaneous connections. (Failure)", (TooManyConnections, Mailbox, Backoff)),
            (Step::Login, No, "[AUTHENTICATIONFAILED] Too many login attempts", (TooManyConnections, Mailbox, Backoff)),
            (Step::Login, No, "[LIMIT] no", (TooManyConnections, Mailbox, Backoff)),
            (Step::Connection, Bye, "Too many connections", (TooManyConnections, Mailbox, Backoff)),
            (Step::Append, No, "slow [THROTTLED]", (Throttled, Mailbox, Backoff)),
            (Step::Login, No, "[AUTHENTICATIONFAILED] Authentication failed.", (LoginRefused, Mailbox, User)),
            (Step::Login, No, "Invalid password, please try again", (LoginRefused, Mailbox, User)),
            (Step::Login, No, "[AUTHENTICATIONFAILED] Server busy, try again later", (ServerBusy, Connection, Backoff)),
            (Step::Login, No, "[UNAVAILABLE] Temporary authentication failure.", (ServerBusy, Connection, Backoff)),
            (Step::Login, Bad, "User is authenticated but not connected.", (MailboxNotOpened, Mailbox, Backoff)),
            (Step::Login, No, "[EXPIRED] password expired", (LoginRefused, Mailbox, User)),
            (Step::Login, No, "[PRIVACYREQUIRED] Connection isn't protected", (NoPasswords, Mailbox, User)),
            (Step::Login, Bad, "Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", (NoPasswords, Mailbox, User)),
            (Step::Login, No, "Temporary unavailable", (ServerBusy, Connection, Backoff)),
            (Step::Append, No, "Temporary unavailable", (ServerBusy, Connection, Backoff)),
            (Step::Create, No, "Mailbox is currently unavailable", (ServerBusy, Connection, Backoff)),
            (Step::Read, No, "[UNAVAILABLE] cannot get at it", (ServerBusy, Connection, Backoff)),
            (Step::Read, No, "[UNAVAILABLE] come back later", (ServerBusy, Connection, Backoff)),
            (Step::Read, No, "[UNAVAILABLE] Service temporarily down", (ServerBusy, Connection, Backoff)),
            (Step::Greeting, Bye, "Intrusion prevention active", (TurnedAway, Endpoint, User)),
            (Step::Greeting, Bye, "Server shutting down", (ConnectionLost, Connection, Backoff)),
            (Step::Greeting, Bye, "[UNAVAILABLE] down", (ServerBusy, Connection, Backoff)),
            (Step::Connection, Bye, "blocked", (ConnectionLost, Connection, Backoff)),
            (Step::Login, No, "AUTHENTICATE failed.", (LoginRefused, Mailbox, User)),
            (Step::Login, No, "[ALERT] Please log in via your web browser: https://support.example (Failure)", (LoginRefused, Mailbox, User)),
            (Step::Login, No, "[ALERT] Application-specific password required (Failure)", (LoginRefused, Mailbox, User)),
            (Step::Login, No, "[CONTACTADMIN] locked", (LoginRefused, Mailbox, User)),
            (Step::Login, No, "Server Unavailable. 15", (ServerBusy, Connection, Backoff)),
            (Step::Login, No, "Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy", (LoginRefused, Mailbox, Backoff)),
            (Step::AdministratorLogin, No, "Login fail. password is incorrect, login frequency limited, or system is busy", (AdministratorLoginRefused, Endpoint, User)),
            (Step::Login, No, "[AUTHENTICATIONFAILED] login frequency limited", (LoginRefused, Mailbox, User)),
            (Step::AdministratorLogin, No, "[AUTHENTICATIONFAILED] no", (AdministratorLoginRefused, Endpoint, User)),
            (Step::AdministratorLogin, No, "[AUTHORIZATIONFAILED] no", (MailboxNotOpened, Mailbox, User)),
            (Step::Open, Bad, "User is authenticated but not connected.", (MailboxNotOpened, Mailbox, Backoff)),
            (Step::Open, No, "[NONEXISTENT] Unknown Mailbox: [Gmail] (Failure)", (FolderGone, Folder, Never)),
            (Step::Open, No, "Mailbox doesn't exist: x", (FolderGone, Folder, Never)),
            (Step::Open, No, "[NOPERM] Permission denied", (FolderRefused, Folder, User)),
            (Step::Open, No, "[INUSE] locked", (ServerBusy, Connection, Backoff)),
            (Step::Open, No, "SELECT Unsafe Login. Please contact kefu@188.com for help", (FolderRefused, Folder, User)),
            (Step::Read, No, "[CONTACTADMIN] this message is broken", (MessageUnreadable, Folder, Never)),
            (Step::Append, No, "[SERVERBUG] Internal error occurred", (ServerBusy, Connection, Backoff)),
            (Step::Append, No, "[CONTACTADMIN] no", (ServerBusy, Connection, Backoff)),
            (Step::Append, No, "[UNAVAILABLE] later", (ServerBusy, Connection, Backoff)),
            (Step::Create, No, "Server is busy", (ServerBusy, Connection, Backoff)),
            (Step::Create, No, "Folder name is reserved", (FolderRefused, Folder, User)),
            (Step::Read, No, "[SERVERBUG] Internal error", (MessageUnreadable, Folder, Never)),
            (Step::Read, No, "some messages could not be fetched", (MessageUnreadable, Folder, Never)),
            (Step::Read, No, "Temporary System Problem. Try again later. (Failure)", (ServerBusy, Connection, Backoff)),
            (Step::Create, No, "[CANNOT] Folder contains excess whitespace", (FolderRefused, Folder, User)),
            (Step::Create, No, "[OVERQUOTA] Quota exceeded", (DestinationFull, Mailbox, User)),
            (Step::Append, No, "[OVERQUOTA] Quota exceeded (mailbox for user is full)", (DestinationFull, Mailbox, User)),
            (Step::Append, No, "Maximum size of appendable message has been exceeded", (TooBig, Message, Never)),
            (Step::Append, No, "[TOOBIG] no", (TooBig, Message, Never)),
            (Step::Append, No, "maximum message size exceeded", (TooBig, Message, Never)),
            (Step::Append, No, "[OVERQUOTA] Not enough disk quota", (DestinationFull, Mailbox, User)),
            (Step::Append, No, "[PARSE] Unable to parse message", (MessageMalformed, Message, Never)),
            (Step::Append, No, "Message contains invalid header", (MessageMalformed, Message, Never)),
            (Step::Append, No, "Message contains bare newlines", (MessageMalformed, Message, Never)),
            (Step::Append, Bad, "[CLIENTBUG] APPEND Missing terminating CRLF", (MessageRefused, Message, Never)),
            (Step::Append, No, "[NOPERM] no", (FolderRefused, Folder, User)),
            (Step::Append, No, "[LIMIT] Mail size is larger than the maximum size allowed by server configuration", (TooBig, Message, Never)),
            (Step::Append, No, "[TRYCREATE] No such folder", (FolderGone, Folder, Never)),
            (Step::Append, No, "Message contains NUL characters", (MessageMalformed, Message, Never)),
            (Step::Append, Bad, "ImapCommand Argument Error. 11", (MessageRefused, Message, Never)),
            (Step::Append, No, "Server Unavailable. 15", (ServerBusy, Connection, Backoff)),
            (Step::Append, No, "contains a virus", (MessageRefused, Message, Never)),
            (Step::Connection, Bye, "Session invalidated - AccessTokenExpired", (SessionEnded, Connection, Backoff)),
            (Step::Login, No, "[AUTHENTICATIONFAILED] Session invalidated - AccessTokenExpired", (SessionEnded, Connection, Backoff)),
            (Step::Open, No, "Session invalidated - AccessTokenExpired", (SessionEnded, Connection, Backoff)),
            (Step::Read, Bad, "Session invalidated - AccessTokenExpired", (SessionEnded, Connection, Backoff)),
            (Step::Append, No, "Session invalidated - AccessTokenExpired", (SessionEnded, Connection, Backoff)),
            (Step::Connection, Bye, "Session expired, please login again", (SessionEnded, Connection, Later)),
            (Step::Append, No, "[AUTHENTICATIONFAILED] Session expired, please login again", (SessionEnded, Connection, Later)),
            (Step::Connection, Bye, "Connection closed.", (ConnectionLost, Connection, Backoff)),
            (Step::TokenLogin, No, "AccessTokenExpired", (TokenRefused, Mailbox, User)),
            (Step::TokenLogin, No, "[AUTHENTICATIONFAILED] Authentication failed.", (TokenRefused, Mailbox, User)),
            (Step::TokenLogin, No, "[UNAVAILABLE] Temporary authentication failure.", (ServerBusy, Connection, Backoff)),
            (Step::TokenLogin, Bad, "User is authenticated but not connected.", (MailboxNotOpened, Mailbox, Backoff)),
            (Step::Connection, Bye, "Connection closed. 14", (ConnectionLost, Connection, Backoff)),
            (Step::Tls, No, "no TLS here", (TlsFailed, Endpoint, User)),
            (Step::Store, No, "[CANNOT] keyword", (CommandRefused, Folder, Never)),
            (Step::Store, No, "[OVERQUOTA] Quota exceeded", (DestinationFull, Mailbox, User)),
            (Step::Store, No, "Mailbox is full", (DestinationFull, Mailbox, User)),
            (Step::Store, No, "[OVERQUOTA] Account exceeded command or bandwidth limits.", (ProviderLimit, Mailbox, Later)),
            (Step::Create, No, "[OVERQUOTA] Account exceeded command or bandwidth limits.", (ProviderLimit, Mailbox, Later)),
            (Step::Create, No, "Not enough space for another folder", (DestinationFull, Mailbox, User)),
            (Step::Ask, Bad, "what?", (CommandRefused, Mailbox, User)),
        ];
        for (step, status, words, expected) in table {
            assert_eq!(class(step, status, &told(words)), expected, "{step:?} {words}");
        }
    }
}
