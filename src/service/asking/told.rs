//! How it reads what the owner of an item was asked for, and how that went. Pure.

use super::AskedOf;
use crate::domain::asking::{CredentialRequest, EndNotice, LinkState, MailKind, MailState, OutgoingMail, SendAttempt};
use crate::domain::failure::Side;
use crate::domain::ids::PassId;
use crate::domain::time::Timestamp;
use crate::domain::wording::{capital, counted};

/// How many tries of a mail are told.
const TRIES: usize = 20;

impl AskedOf {
    /// A line a request, a line a mail and a line a try, newest request first; of many tries the first and the last ones. `when`
    /// tells a time.
    pub fn lines(&self, when: impl Fn(Timestamp) -> String) -> Vec<String> {
        let mut lines = Vec::new();
        for request in &self.requests {
            lines.push(request_line(request, &when));
            for (mail, tries) in self.mails.iter().rev().filter(|(mail, _)| mail.request == request.id) {
                lines.push(mail_line(mail, tries, &when));
                lines.extend(try_lines(tries, &when));
            }
        }
        lines.extend(self.ends.iter().map(end_line));
        lines
    }

    /// What happened and when, in no order; of many tries of a mail the last ones. `ended` tells when a pass did.
    pub fn events(&self, ended: impl Fn(PassId) -> Option<Timestamp>) -> Vec<(Timestamp, String)> {
        let mut events: Vec<_> = self.requests.iter().flat_map(request_events).collect();
        for (mail, tries) in &self.mails {
            let of = format!("{} to {}", capital(mail_word(mail.kind)), mail.recipient);
            if tries.is_empty() {
                events.push((mail.created, format!("{of}: {}", mail.state.words())));
            }
            let last = tries.iter().skip(tries.len().saturating_sub(TRIES));
            events.extend(last.map(|tried| (tried.at, format!("{of}: {}", tried.answer))));
        }
        events.extend(self.ends.iter().filter_map(|end| Some((ended(end.pass)?, end_line(end)))));
        events
    }
}

/// What became of a request.
fn request_events(request: &CredentialRequest) -> Vec<(Timestamp, String)> {
    let sides: Vec<&str> = request.sides.iter().copied().map(Side::word).collect();
    let mut events = vec![(request.created, format!("The owner is asked for the {}", sides.join(" and the ")))];
    if let Some(at) = request.opened {
        let entries = (request.attempts > 0).then(|| counted(request.attempts as usize, "entry"));
        let unchecked = request.unchecked.as_ref().map(|why| format!("the latest could not be checked ({why})"));
        let parts = [Some("The owner opens the form".to_owned()), entries, unchecked];
        events.push((at, parts.into_iter().flatten().collect::<Vec<_>>().join(", ")));
    }
    let end = match request.state {
        LinkState::Alive => None,
        LinkState::Used => Some("The owner has answered"),
        LinkState::Dead => Some("The link is dead"),
    };
    events.extend(request.ended.zip(end).map(|(at, words)| (at, words.to_owned())));
    events
}

fn mail_word(kind: MailKind) -> &'static str {
    match kind {
        MailKind::Ask => "mail",
        MailKind::Remind => "reminder",
    }
}

fn request_line(request: &CredentialRequest, when: &impl Fn(Timestamp) -> String) -> String {
    let sides: Vec<&str> = request.sides.iter().copied().map(Side::word).collect();
    let mut line = format!("{}: asked for the {}", when(request.created), sides.join(" and the "));
    line += &match request.opened {
        Some(at) => format!(", opened {}", when(at)),
        None => ", not opened".to_owned(),
    };
    if request.attempts > 0 {
        line += &format!(", {}", counted(request.attempts as usize, "entry"));
    }
    if let Some(why) = &request.unchecked {
        line += &format!(", the latest could not be checked ({why})");
    }
    let ended = request.ended.map(when).unwrap_or_default();
    line += &match request.state {
        LinkState::Alive => ", the link can be used".to_owned(),
        LinkState::Used => format!(", answered {ended}"),
        LinkState::Dead => format!(", the link is dead since {ended}"),
    };
    line
}

fn end_line(end: &EndNotice) -> String {
    let how = if end.well { "ended well" } else { "failed" };
    let mut line = format!("{} is told that a pass {how}: {}", end.recipient, end.state.words());
    if let Some(answer) = &end.answer {
        line += &format!(" ({answer})");
    }
    line
}

fn mail_line(mail: &OutgoingMail, tries: &[SendAttempt], when: &impl Fn(Timestamp) -> String) -> String {
    let what = mail_word(mail.kind);
    let mut line = format!("  {what} to {}: {}", mail.recipient, mail.state.words());
    if mail.state == MailState::Queued && !tries.is_empty() {
        line += &format!(", next try {}", when(mail.next_try));
    }
    if let [only] = tries {
        line += &format!(" ({}: {})", when(only.at), only.answer);
    }
    line
}

/// Several tries, each with its time and answer.
fn try_lines(tries: &[SendAttempt], when: &impl Fn(Timestamp) -> String) -> Vec<String> {
    let told = |(at, tried): (usize, &SendAttempt)| format!("  try {} at {}: {}", at + 1, when(tried.at), tried.answer);
    if tries.len() < 2 {
        return Vec::new();
    }
    let skipped = tries.len().saturating_sub(TRIES);
    let mut lines: Vec<String> = tries.iter().enumerate().map(told).collect();
    if skipped > 0 {
        lines.splice(1..=skipped, [format!("  and {} in between", counted(skipped, "try"))]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::asking::SendOutcome;
    use crate::domain::ids::{CredentialRequestId, ItemId, MailId};

    /// Two requests, a mail that was tried twice, a reminder, and who was told of an end.
    fn asked() -> AskedOf {
        let at = Timestamp::from_millis;
        let request = CredentialRequest {
            id: CredentialRequestId(1),
            item: ItemId(1),
            sides: vec![Side::Source, Side::Destination],
            nonce: [0; 16],
            token_hash: [0; 32],
            state: LinkState::Alive,
            created: at(10),
            opened: Some(at(20)),
            attempts: 2,
            unchecked: Some("source: connecting: refused".into()),
            ended: None,
        };
        let used = CredentialRequest {
            unchecked: None,
            id: CredentialRequestId(2),
            state: LinkState::Used,
            ended: Some(at(40)),
            ..request.clone()
        };
        let mail = OutgoingMail {
            id: MailId(1),
            request: request.id,
            kind: MailKind::Ask,
            recipient: "anna@a.example".into(),
            state: MailState::Queued,
            created: at(10),
            next_try: at(70),
            tries: 1,
        };
        let tried = SendAttempt { at: at(11), outcome: SendOutcome::Later, answer: "450 greylisted".into() };
        let reminder = OutgoingMail { id: MailId(2), kind: MailKind::Remind, state: MailState::Unsure, ..mail.clone() };
        let end = EndNotice {
            id: crate::domain::ids::EndNoticeId(1),
            pass: crate::domain::ids::PassId(1),
            item: ItemId(1),
            well: false,
            recipient: "kim@b.example".into(),
            state: MailState::Refused,
            answer: Some("550 no".into()),
        };
        let again = SendAttempt { at: at(12), answer: "connection refused".into(), ..tried.clone() };
        let mails = vec![(reminder, Vec::new()), (mail, vec![tried, again])];
        AskedOf { requests: vec![used, request], mails, ends: vec![end] }
    }

    #[test]
    fn h4_what_was_asked_and_why_a_mail_did_not_go_out_is_said() {
        let lines = asked().lines(|at| at.millis().to_string());
        assert_eq!(
            lines,
            [
                "10: asked for the source and the destination, opened 20, 2 entries, answered 40",
                "10: asked for the source and the destination, opened 20, 2 entries, the latest could not be checked (source: \
                 connecting: refused), the link can be used",
                "  mail to anna@a.example: waits to be sent, next try 70",
                "  try 1 at 11: 450 greylisted",
                "  try 2 at 12: connection refused",
                "  reminder to anna@a.example: may have been sent",
                "kim@b.example is told that a pass failed: refused by the mail server (550 no)",
            ]
        );
    }

    #[test]
    fn h4_what_the_owner_was_asked_and_did_is_told_with_its_times() {
        let end = Timestamp::from_millis(90);
        let mut events = asked().events(|pass| (pass == PassId(1)).then_some(end));
        events.sort_by_key(|(at, _)| *at);
        let told: Vec<String> = events.iter().map(|(at, text)| format!("{} {text}", at.millis())).collect();
        let opened = "20 The owner opens the form, 2 entries";
        assert_eq!(
            told,
            [
                "10 The owner is asked for the source and the destination",
                "10 The owner is asked for the source and the destination",
                "10 Reminder to anna@a.example: may have been sent",
                "11 Mail to anna@a.example: 450 greylisted",
                "12 Mail to anna@a.example: connection refused",
                opened,
                &format!("{opened}, the latest could not be checked (source: connecting: refused)"),
                "40 The owner has answered",
                "90 kim@b.example is told that a pass failed: refused by the mail server (550 no)",
            ]
        );
        assert_eq!(asked().events(|_| None).len(), events.len() - 1, "an end without its time is not told");
    }

    #[test]
    fn h4_of_many_tries_the_first_and_the_last_ones_are_told() {
        let tried = SendAttempt {
            at: Timestamp::from_millis(11),
            outcome: SendOutcome::Later,
            answer: "450 greylisted".into(),
        };
        let tries = |count: usize| try_lines(&vec![tried.clone(); count], &|at| at.millis().to_string());
        assert_eq!((tries(1).len(), tries(2).len(), tries(20).len(), tries(1000).len()), (0, 2, 20, 21));
        let many = tries(1000);
        assert_eq!(
            [many[0].as_str(), &many[1], &many[2], &many[20]],
            [
                "  try 1 at 11: 450 greylisted",
                "  and 980 tries in between",
                "  try 982 at 11: 450 greylisted",
                "  try 1000 at 11: 450 greylisted",
            ]
        );
    }
}
