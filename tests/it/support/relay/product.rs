//! Reads the product's direction: commands with their literals, set against the plans and written into the record.

use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::Mutex as AsyncMutex;

use super::record::{Command, Literal};
use super::server::text;
use super::wire::{End, Going, Judge, Over, Planned, READ, Speaker, Then, Waiting};
use super::{Act, At, Hit, Which, lock};

/// A literal of the product or the server that is going by.
#[derive(Default)]
pub(super) struct InLiteral {
    pub(super) left: u64,
    /// Bytes until half of it went by, and what is planned then.
    pub(super) half: Option<(u64, Act, Hit)>,
    /// It is a name or the like: it goes into the record.
    pub(super) name: Option<Vec<u8>>,
    /// The last bytes that went by, if something is looked for.
    pub(super) tail: Vec<u8>,
}

/// The product's direction.
pub(super) struct Product {
    pub(super) judge: Judge,
    pub(super) expect: Expect,
    pub(super) current: Option<Current>,
}

/// What the product's next bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// A command.
    Command,
    /// The rest of a command after a literal.
    Rest,
    /// A literal of this length, if the server says `+`; else a command.
    Literal(u64),
    /// A line that is no command (AUTHENTICATE, IDLE), if the server says `+`; else a command.
    Line,
}

/// The command in hand.
pub(super) struct Current {
    pub(super) tag: String,
    pub(super) verb: String,
    pub(super) place: usize,
    pub(super) half: Planned,
    pub(super) swallow: bool,
}

impl Product {
    pub(super) fn new(judge: Judge) -> Self {
        Product { judge, expect: Expect::Command, current: None }
    }

    pub(super) async fn run(mut self, socket: Arc<AsyncMutex<OwnedReadHalf>>) {
        let mut socket = socket.lock_owned().await;
        let mut buffer = vec![0; READ];
        loop {
            match socket.read(&mut buffer).await {
                Ok(0) => {
                    let _ = self.judge.out.end().await;
                    return;
                }
                Ok(read) => {
                    if self.bytes(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
                Err(_) => return self.judge.wire.finish(End::Reset),
            }
        }
    }

    pub(super) async fn bytes(&mut self, data: &[u8]) -> Going {
        let (allowed, broken) = self.judge.wire.admit(data.len(), true).await;
        if let Some(plan) = self.judge.wire.shared.due() {
            self.judge.perform(plan, Speaker::Product("")).await?;
        }
        self.pieces(&data[..allowed]).await?;
        if let Some(kind) = broken {
            // Also the beginning of a line goes out: a real cut knows no lines.
            let line = std::mem::take(&mut self.judge.line);
            self.judge.out.buffer.extend_from_slice(&line);
            return Err(self.judge.broken(kind, None).await);
        }
        self.judge.out.flush().await
    }

    pub(super) async fn pieces(&mut self, mut data: &[u8]) -> Going {
        while !data.is_empty() {
            if let Expect::Literal(length) = self.expect {
                if std::mem::take(&mut lock(&self.judge.wire.state).granted) {
                    self.expect = Expect::Rest;
                    self.begin_literal(length);
                } else {
                    self.expect = Expect::Command;
                }
            }
            let taken = if self.judge.literal.is_some() {
                self.literal(data).await?
            } else {
                let (taken, complete) = self.judge.collect(data);
                if complete {
                    self.line().await?;
                }
                taken
            };
            data = &data[taken..];
        }
        Ok(())
    }

    pub(super) fn begin_literal(&mut self, length: u64) {
        let mut literal = InLiteral { left: length, ..InLiteral::default() };
        if let Some(current) = &mut self.current {
            let record = lock(&self.judge.wire.shared.record);
            let command = &record.commands[current.place];
            let is_message = command.verb == "APPEND" && command.arguments.trim_start().find('{') != Some(0);
            if is_message {
                literal.half = current.half.take().map(|(act, hit)| (length / 2, act, hit));
            } else if length <= 4096 {
                literal.name = Some(Vec::new());
            }
        }
        self.judge.literal = (length > 0).then_some(literal);
    }

    /// Forwards literal bytes; tells how many it dealt with.
    pub(super) async fn literal(&mut self, data: &[u8]) -> Result<usize, Over> {
        let (tag, swallow) =
            self.current.as_ref().map_or((String::new(), false), |current| (current.tag.clone(), current.swallow));
        let literal = self.judge.literal.as_mut().expect("a literal");
        let mut taken = usize::try_from(literal.left).unwrap_or(usize::MAX).min(data.len());
        if let Some((to_go, ..)) = &literal.half {
            taken = taken.min(usize::try_from(*to_go).unwrap_or(usize::MAX));
        }
        let piece = &data[..taken];
        let memory = self.judge.wire.shared.memory();
        if memory > 0 {
            let mut looked_at = std::mem::take(&mut literal.tail);
            looked_at.extend_from_slice(piece);
            let found = self.judge.wire.shared.containing(&looked_at);
            let keep = looked_at.len().saturating_sub(memory - 1);
            literal.tail = looked_at.split_off(keep);
            if let Some(plan) = found {
                self.judge.perform(plan, Speaker::Product(&tag)).await?;
            }
        }
        let judge = &mut self.judge;
        if !swallow {
            judge.out.buffer.extend_from_slice(piece);
        }
        let literal = judge.literal.as_mut().expect("a literal");
        literal.left -= taken as u64;
        if let Some(name) = &mut literal.name {
            name.extend_from_slice(piece);
        }
        if let Some((to_go, ..)) = &mut literal.half {
            *to_go -= taken as u64;
        }
        if literal.half.as_ref().is_some_and(|(to_go, ..)| *to_go == 0)
            && let Some((_, act, hit)) = literal.half.take()
        {
            judge.perform((act, hit), Speaker::Product(&tag)).await?;
        }
        if judge.literal.as_ref().is_some_and(|literal| literal.left == 0)
            && let Some(InLiteral { name: Some(name), .. }) = judge.literal.take()
            && let Some(current) = &self.current
        {
            // A name is shown as if it had been quoted.
            let mut record = lock(&judge.wire.shared.record);
            let arguments = &mut record.commands[current.place].arguments;
            if let Some(open) = arguments.rfind('{') {
                arguments.truncate(open);
            }
            arguments.push_str(&format!("\"{}\"", text(&name).replace('\\', "\\\\").replace('"', "\\\"")));
        }
        Ok(taken)
    }

    pub(super) async fn line(&mut self) -> Going {
        let line = std::mem::take(&mut self.judge.line);
        let shown = text(&line).trim_end_matches(['\r', '\n']).to_owned();
        if self.expect == Expect::Line {
            if std::mem::take(&mut lock(&self.judge.wire.state).granted) {
                self.judge.out.buffer.extend_from_slice(&line);
                return Ok(());
            }
            self.expect = Expect::Command;
        }
        let announced = announced(&shown);
        if self.expect == Expect::Command {
            self.begin_command(&shown).await?;
        }
        let Some(current) = &self.current else { return Ok(()) };
        {
            let mut record = lock(&self.judge.wire.shared.record);
            let command = &mut record.commands[current.place];
            if self.expect == Expect::Rest {
                command.arguments.push_str(&shown);
            }
            command.literals.extend(announced.clone());
        }
        let mut state = lock(&self.judge.wire.state);
        state.product_spoke_last = true;
        state.granted = false;
        drop(state);
        if !current.swallow {
            self.judge.out.buffer.extend_from_slice(&line);
        }
        self.expect = match (&announced, current.verb.as_str()) {
            (Some(literal), _) if literal.non_synchronising => Expect::Rest,
            (Some(literal), _) => Expect::Literal(literal.length),
            (None, "AUTHENTICATE" | "IDLE") => Expect::Line,
            (None, _) => Expect::Command,
        };
        if let Some(literal) = announced.filter(|literal| literal.non_synchronising) {
            self.begin_literal(literal.length);
        }
        Ok(())
    }

    pub(super) async fn begin_command(&mut self, shown: &str) -> Going {
        let mut words = shown.splitn(3, ' ');
        let tag = words.next().unwrap_or_default().to_owned();
        let mut verb = words.next().unwrap_or_default().to_uppercase();
        let mut arguments = words.next().unwrap_or_default().to_owned();
        if verb == "UID" {
            let (second, rest) = arguments.split_once(' ').unwrap_or((&arguments, ""));
            verb = format!("UID {}", second.to_uppercase());
            arguments = rest.to_owned();
        }
        let shared = Arc::clone(&self.judge.wire.shared);
        let place = {
            let mut record = lock(&shared.record);
            let connection = self.judge.wire.id;
            let (tag, verb) = (tag.clone(), verb.clone());
            record.commands.push(Command { connection, tag, verb, arguments, literals: Vec::new(), answer: None });
            record.commands.len() - 1
        };
        let pick = |place: fn(&At) -> Option<&Which>| shared.matching(&verb, shown, place);
        let at_once = pick(|at| if let At::Command(which) = at { Some(which) } else { None });
        let half = pick(|at| if let At::HalfLiteral(which) = at { Some(which) } else { None });
        let answer = pick(|at| if let At::Answer(which) = at { Some(which) } else { None });
        let answered = pick(|at| if let At::Answered(which) = at { Some(which) } else { None });
        lock(&self.judge.wire.state).waiting.insert(tag.clone(), Waiting { place, answer, answered });
        self.current = Some(Current { tag: tag.clone(), verb, place, half, swallow: false });
        if let Some(plan) = at_once {
            let then = self.judge.perform(plan, Speaker::Product(&tag)).await?;
            if let Some(current) = &mut self.current {
                current.swallow = then == Then::Swallow;
            }
        }
        Ok(())
    }
}

/// The literal that a line of the product announces at its end.
pub(super) fn announced(line: &str) -> Option<Literal> {
    let (_, inside) = line.strip_suffix('}')?.rsplit_once('{')?;
    let number = inside.trim_end_matches(['+', '-']);
    Some(Literal { length: number.parse().ok()?, non_synchronising: inside.ends_with('+') })
}
