//! Writing: CREATE, SUBSCRIBE, APPEND, STORE of flags. Nothing here deletes, moves or expunges.
//!
//! Commands are pipelined; no form is used that the server did not advertise. Bounded: [`WINDOW`] commands of one kind
//! under way, except appends, whose number the engine decides.

use std::collections::VecDeque;

use async_trait::async_trait;

use super::classify::Step;
use super::echo::Echoes;
use super::encode::{self, ImapCommand, Piece, Portion};
use super::manners::Extra;
use super::pending::{Answer, AppendForm, AppendReply, Needs, Pending, PendingReply, Ticket};
use super::session::{ImapSession, Mode, WINDOW, opened};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::flags::{Flags, PermanentFlags};
use crate::domain::folder::{FolderPath, FolderState, Role, WireName};
use crate::domain::message::NewMessage;
use crate::endpoint::{AppendAnswer, Destination, FlagUpdate, FolderRef, Limits, NewFolder, Result, Which, date};

impl ImapSession {
    async fn queue_create(
        &mut self,
        folder: &NewFolder,
        wire: &WireName,
        role: Option<Role>,
    ) -> Result<Result<Ticket>> {
        let command = match ImapCommand::new("CREATE").folder(wire) {
            Ok(command) => command,
            Err(failure) => return Ok(Err(failure)),
        };
        let command = match role {
            Some(role) => command.text(&format!(" (USE ({}))", role.attribute())),
            None => command,
        };
        let doing = format!("creating folder \"{}\"", folder.path);
        self.connection.ask(command, Step::Create, &doing).await.map(Ok)
    }

    /// How many messages may go in one append: not more than a command may be about, or may save (RFC 9738).
    fn batch(&self) -> usize {
        if !self.can("MULTIAPPEND") || !self.understands("LITERAL+", Extra::UnaskedLiterals) {
            return 1;
        }
        let saves = self.capabilities.iter().find_map(|word| word.strip_prefix("SAVELIMIT=")?.parse().ok());
        let least = [saves, self.most()].into_iter().flatten().min();
        least.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX).max(1))
    }

    /// How these are announced.
    fn form(&self, messages: &[NewMessage]) -> AppendForm {
        let unasked = |message: &NewMessage| self.connection.sends_unasked(message.body.len());
        match messages.iter().any(|message| message.plainly) {
            true => AppendForm::AskingAgain,
            false if messages.iter().any(unasked) => AppendForm::Unasked,
            false => AppendForm::Asking,
        }
    }

    /// Waits for CREATE; one refused with a role is tried without it.
    async fn created(
        &mut self,
        folder: &NewFolder,
        wire: &WireName,
        role: Option<Role>,
        ticket: Ticket,
    ) -> Result<Result<()>> {
        let answer = self.connection.answer(ticket).await?;
        let Some(failure) = refusal(answer, wire) else { return Ok(Ok(())) };
        if role.is_none() || failure.breaks_connection() {
            return Ok(Err(failure));
        }
        match self.queue_create(folder, wire, None).await? {
            Ok(ticket) => Ok(refusal(self.connection.answer(ticket).await?, wire).map_or(Ok(()), Err)),
            Err(failure) => Ok(Err(failure)),
        }
    }

    async fn create_all(&mut self, folders: &[&NewFolder]) -> Result<Vec<Result<WireName>>> {
        let mut answers = Vec::with_capacity(folders.len());
        for some in folders.chunks(WINDOW) {
            answers.extend(self.create_some(some).await?);
        }
        Ok(answers)
    }

    async fn create_some(&mut self, folders: &[&NewFolder]) -> Result<Vec<Result<WireName>>> {
        let with_roles = self.can("CREATE-SPECIAL-USE");
        let mut under_way = Vec::with_capacity(folders.len());
        for folder in folders {
            let wire = self.names.wire(&folder.path);
            let role = folder.role.filter(|_| with_roles);
            // The inbox always exists.
            let ticket = match folder.path.is_inbox() {
                true => None,
                false => Some(self.queue_create(folder, &wire, role).await?),
            };
            under_way.push((folder, wire, role, ticket));
        }
        let mut answers = Vec::with_capacity(folders.len());
        for (folder, wire, role, ticket) in under_way {
            answers.push(match ticket {
                None => Ok(wire),
                Some(Err(failure)) => Err(failure),
                Some(Ok(ticket)) => self.created(folder, &wire, role, ticket).await?.map(|()| wire),
            });
        }
        Ok(answers)
    }
}

/// A failure that is not about one folder is no answer about any.
fn unbroken<T>(answers: &[Result<T>]) -> Result<()> {
    match answers.iter().filter_map(|one| one.as_ref().err()).find(|failure| failure.breaks_connection()) {
        Some(failure) => Err(failure.clone()),
        None => Ok(()),
    }
}

/// The failure in an answer to CREATE; a folder that exists is none.
fn refusal(answer: Answer, wire: &WireName) -> Option<Failure> {
    let mut names = Echoes::default();
    names.folder(&wire.0);
    let text = names.taken_from(&answer.told.text).to_ascii_lowercase();
    let exists =
        answer.told.code.name == "ALREADYEXISTS" || text.contains("already exists") || text.contains("mailbox exists");
    answer.failure.filter(|_| !exists)
}

fn flag_list(flags: &Flags) -> String {
    format!("({flags})")
}

#[async_trait]
impl Destination for ImapSession {
    fn limits(&self) -> Limits {
        let limit = |c: &String| c.strip_prefix("APPENDLIMIT=").and_then(|n| n.parse().ok());
        Limits {
            message_bytes: self.capabilities.iter().find_map(limit),
            tells_uids: self.can("UIDPLUS"),
            batch: self.batch(),
            separator: self.names.separator,
        }
    }

    fn wire_name(&self, path: &FolderPath) -> WireName {
        self.names.wire(path)
    }

    async fn create(&mut self, folders: &[NewFolder]) -> Result<Vec<Result<WireName>>> {
        let (parents, wanted): (Vec<_>, Vec<_>) = folders.iter().partition(|folder| folder.plain_parent);
        let mut made = self.create_all(&wanted).await?;
        unbroken(&made)?;
        // Most servers make missing parents by themselves; one that refuses a folder may not.
        let above =
            |folder: &NewFolder, parent: &NewFolder| folder.path.components().starts_with(parent.path.components());
        let refused: Vec<usize> = (0..wanted.len())
            .filter(|at| made[*at].is_err() && parents.iter().any(|parent| above(wanted[*at], parent)))
            .collect();
        if !refused.is_empty() {
            let is_missing = |parent: &&&NewFolder| refused.iter().any(|at| above(wanted[*at], parent));
            let missing: Vec<_> = parents.iter().filter(is_missing).copied().collect();
            self.create_all(&missing).await?;
            let again: Vec<_> = refused.iter().map(|at| wanted[*at]).collect();
            for (at, answer) in refused.iter().zip(self.create_all(&again).await?) {
                made[*at] = answer;
            }
            unbroken(&made)?;
        }
        let mut made = made.into_iter();
        let answer = |folder: &NewFolder| match folder.plain_parent {
            true => Some(Ok(self.names.wire(&folder.path))),
            false => made.next(),
        };
        Ok(folders.iter().filter_map(answer).collect())
    }

    async fn subscribe(&mut self, folders: &[WireName]) -> Result<Vec<Result<()>>> {
        let mut answers = Vec::with_capacity(folders.len());
        for some in folders.chunks(WINDOW) {
            let mut tickets = Vec::with_capacity(some.len());
            for wire in some {
                tickets.push(match ImapCommand::new("SUBSCRIBE").folder(wire) {
                    Ok(command) => Ok(self.connection.ask(command, Step::Create, "subscribing a folder").await?),
                    Err(failure) => Err(failure),
                });
            }
            for ticket in tickets {
                answers.push(match ticket {
                    Ok(ticket) => self.connection.answer(ticket).await?.good().map(drop),
                    Err(failure) => Err(failure),
                });
            }
        }
        Ok(answers)
    }

    async fn open(&mut self, folders: &[FolderRef]) -> Result<Vec<Result<(FolderState, PermanentFlags)>>> {
        let mut all = Vec::with_capacity(folders.len());
        for some in folders.chunks(WINDOW) {
            let mut tickets = Vec::with_capacity(some.len());
            for folder in some {
                tickets.push(self.queue_open(folder, Mode::Write).await);
            }
            for (folder, ticket) in some.iter().zip(tickets) {
                let answer = match ticket {
                    Ok(ticket) => self.connection.answer(ticket).await?.good(),
                    Err(failure) => Err(failure),
                };
                all.push(answer.and_then(|answer| opened(folder, &answer)));
            }
        }
        unbroken(&all)?;
        Ok(all)
    }

    async fn append(&mut self, folder: &FolderRef, messages: Vec<NewMessage>) -> Result<AppendAnswer> {
        let doing = format!("adding a message to folder \"{}\"", folder.path);
        let limits = self.limits();
        let largest = messages.iter().map(|message| message.body.len()).max().unwrap_or(0);
        if let Some(limit) = limits.message_bytes.filter(|limit| largest > *limit) {
            let text = format!("not sent: {largest} bytes; the server accepts at most {limit}");
            return Err(Failure::new(Cause::TooBig, Scope::Message, Retry::Never, doing).saying(text));
        }
        let form = self.form(&messages);
        let mut command = ImapCommand::new("APPEND").folder(&folder.wire)?;
        command.asking = form == AppendForm::AskingAgain;
        let mut holds = Vec::with_capacity(messages.len());
        let (reply, answer) = AppendReply::new(limits.tells_uids, messages.len(), form);
        for message in messages {
            command = command.text(" ");
            if !message.flags.is_empty() {
                command = command.text(&flag_list(&message.flags)).text(" ");
            }
            if let Some(date) = message.date.as_ref().and_then(date::to_send) {
                command = command.text(&format!("\"{date}\" "));
            }
            command.pieces.push(Piece::Body(message.body));
            holds.push(message.hold);
        }
        self.connection.send(command, Pending::new(Step::Append, &doing, PendingReply::Append(reply))).await?;
        self.connection.flush().await?;
        drop(holds);
        Ok(answer)
    }

    async fn update_flags(&mut self, folder: &FolderRef, updates: &[FlagUpdate]) -> Result<()> {
        if !self.has_open(&folder.wire, Mode::Write) {
            drop(self.queue_open(folder, Mode::Write).await?);
        }
        let doing = format!("changing flags in folder \"{}\"", folder.path);
        let mut flight = Flight { folder, doing, under_way: VecDeque::new() };
        for update in updates {
            let changes = [("+", &update.change.add), ("-", &update.change.remove)];
            for (sign, flags) in changes.into_iter().filter(|(_, flags)| !flags.is_empty()) {
                let change = format!("{sign}FLAGS.SILENT {}", flag_list(flags));
                for portion in encode::portions_of(&update.uids, self.most()) {
                    if flight.under_way.len() >= WINDOW {
                        self.changed(&mut flight).await?;
                    }
                    self.change(&mut flight, change.clone(), portion).await?;
                }
            }
        }
        while !flight.under_way.is_empty() {
            self.changed(&mut flight).await?;
        }
        Ok(())
    }

    async fn quota(&mut self, folder: &FolderRef) -> Option<(u64, u64)> {
        if self.can("QUOTA") { self.ask_quota(&folder.wire).await.ok().flatten() } else { None }
    }
}

/// Changes of flags on their way, oldest first.
struct Flight<'a> {
    folder: &'a FolderRef,
    doing: String,
    under_way: VecDeque<(String, Which, Ticket)>,
}

impl ImapSession {
    async fn change(&mut self, flight: &mut Flight<'_>, change: String, portion: Portion) -> Result<()> {
        let (mut pending, ticket) = Pending::whole(Step::Store, &flight.doing);
        pending.needs = Needs::Folder(flight.folder.validity);
        let Portion { set, which } = portion;
        self.connection.send(ImapCommand::new(&format!("UID STORE {set} {change}")), pending).await?;
        flight.under_way.push_back((change, which, ticket));
        Ok(())
    }

    /// Takes in the oldest answer. Where the server did only a part of it, all of it goes again, in smaller portions.
    async fn changed(&mut self, flight: &mut Flight<'_>) -> Result<()> {
        let Some((change, which, ticket)) = flight.under_way.pop_front() else { return Ok(()) };
        let answer = self.connection.answer(ticket).await?;
        if answer.told.code.cut_short().is_none() {
            return stored(answer);
        }
        let portions = encode::portions(&which, self.most());
        if portions.len() < 2 {
            let failure = Failure::new(Cause::CommandRefused, Scope::Folder, Retry::Never, &flight.doing);
            return Err(failure.saying(answer.told.words()));
        }
        for portion in portions {
            self.change(flight, change.clone(), portion).await?;
        }
        Ok(())
    }
}

/// Messages that went meanwhile are no failure.
fn stored(answer: Answer) -> Result<()> {
    let gone = answer.told.code.name == "EXPUNGEISSUED";
    match answer.failure {
        Some(failure) if !gone || failure.cause != Cause::CommandRefused => Err(failure),
        _ => Ok(()),
    }
}
