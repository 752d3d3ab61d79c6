//! Reads the server's direction: answers, with what the product must not see taken out.

use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::Mutex as AsyncMutex;

use super::product::{InLiteral, announced};
use super::wire::{End, Going, Judge, READ, Speaker, Then};
use super::{Break, Shared, lock};

/// The server's direction.
pub(super) struct Server {
    pub(super) judge: Judge,
    /// The next line goes on after a literal.
    pub(super) continuing: bool,
    /// The rest of this answer is left out too.
    pub(super) leaving_out: bool,
}

impl Server {
    pub(super) fn new(judge: Judge) -> Self {
        Server { judge, continuing: false, leaving_out: false }
    }

    pub(super) async fn run(mut self, socket: Arc<AsyncMutex<OwnedReadHalf>>) {
        let mut socket = socket.lock_owned().await;
        let mut buffer = vec![0; READ];
        let wire = Arc::clone(&self.judge.wire);
        loop {
            let going = tokio::select! {
                read = socket.read(&mut buffer) => match read {
                    Ok(0) => {
                        let _ = self.judge.out.end().await;
                        return;
                    }
                    Ok(read) => self.bytes(&buffer[..read]).await,
                    Err(_) => return wire.finish(End::Reset),
                },
                () = wire.say.notified() => self.told().await,
            };
            if going.is_err() {
                return;
            }
        }
    }

    /// Lines from the plans of the other direction, where an answer may stand.
    pub(super) async fn told(&mut self) -> Going {
        if self.continuing || self.judge.literal.is_some() || !self.judge.line.is_empty() {
            return Ok(());
        }
        loop {
            let Some((line, close)) = lock(&self.judge.wire.state).lines.pop_front() else { break };
            self.judge.out.buffer.extend_from_slice(format!("{line}\r\n").as_bytes());
            if close {
                return Err(self.judge.broken(Break::Close, None).await);
            }
        }
        self.judge.out.flush().await
    }

    pub(super) async fn bytes(&mut self, data: &[u8]) -> Going {
        let (allowed, broken) = self.judge.wire.admit(data.len(), false).await;
        if let Some(plan) = self.judge.wire.shared.due() {
            self.judge.perform(plan, Speaker::Server("")).await?;
        }
        if std::mem::take(&mut lock(&self.judge.wire.state).product_spoke_last) {
            lock(&self.judge.wire.shared.counters).turns += 1;
        }
        let mut data = &data[..allowed];
        while !data.is_empty() {
            let taken = if let Some(literal) = &mut self.judge.literal {
                let taken = usize::try_from(literal.left).unwrap_or(usize::MAX).min(data.len());
                literal.left -= taken as u64;
                let over = literal.left == 0;
                if !self.leaving_out {
                    self.judge.out.buffer.extend_from_slice(&data[..taken]);
                }
                if over {
                    self.judge.literal = None;
                }
                taken
            } else {
                let (taken, complete) = self.judge.collect(data);
                if complete {
                    self.line().await?;
                }
                taken
            };
            data = &data[taken..];
        }
        if let Some(kind) = broken {
            let line = std::mem::take(&mut self.judge.line);
            self.judge.out.buffer.extend_from_slice(&line);
            return Err(self.judge.broken(kind, None).await);
        }
        self.judge.out.flush().await?;
        self.told().await
    }

    pub(super) async fn line(&mut self) -> Going {
        let line = std::mem::take(&mut self.judge.line);
        let end = &line[line.len().saturating_sub(24)..];
        let length = announced(text(end).trim_end_matches(['\r', '\n'])).map(|literal| literal.length);
        let began = !std::mem::replace(&mut self.continuing, length.is_some());
        self.judge.literal = length.filter(|&length| length > 0).map(|left| InLiteral { left, ..InLiteral::default() });
        if !began {
            if !self.leaving_out {
                self.judge.out.buffer.extend_from_slice(&line);
            }
            self.leaving_out &= self.continuing;
            return Ok(());
        }
        if line.starts_with(b"* ") {
            if let Some(plan) = self.judge.wire.shared.said(&line) {
                self.judge.perform(plan, Speaker::Server("")).await?;
            }
            let bent = self.judge.wire.bent(line, None);
            self.leaving_out = self.continuing && bent.is_none();
            if let Some(line) = bent.and_then(|line| self.judge.wire.shared.answer(line)) {
                self.judge.out.buffer.extend_from_slice(&line);
            }
            return Ok(());
        }
        if line.starts_with(b"+") {
            lock(&self.judge.wire.state).granted = true;
            self.judge.out.buffer.extend_from_slice(&line);
            return Ok(());
        }
        self.tagged(line).await
    }

    pub(super) async fn tagged(&mut self, line: Vec<u8>) -> Going {
        let shown = text(&line).trim_end().to_owned();
        let (tag, answer) = shown.split_once(' ').unwrap_or((&shown, ""));
        let waiting = lock(&self.judge.wire.state).waiting.remove(tag);
        let (mut planned, mut after) = (None, None);
        let place = waiting.as_ref().map(|waiting| waiting.place);
        if let Some(waiting) = waiting {
            lock(&self.judge.wire.shared.record).commands[waiting.place].answer = Some(answer.to_owned());
            (planned, after) = (waiting.answer, waiting.answered);
        }
        let then = match planned {
            Some(plan) => self.judge.perform(plan, Speaker::Server(tag)).await?,
            None => Then::Forward,
        };
        if then == Then::Forward
            && let Some(line) = self.judge.wire.bent(line, place).and_then(|line| self.judge.wire.shared.answer(line))
        {
            self.judge.out.buffer.extend_from_slice(&line);
        }
        if let Some(plan) = after {
            self.judge.out.written().await?;
            self.judge.perform(plan, Speaker::Server(tag)).await?;
        }
        Ok(())
    }
}

impl Shared {
    pub(super) fn hides(&self, capability: &str) -> bool {
        capability.eq_ignore_ascii_case("STARTTLS")
            || self.rules.hide.iter().any(|hidden| hidden.eq_ignore_ascii_case(capability))
    }

    /// The capability list the product sees instead of this one.
    pub(super) fn capabilities(&self, list: &str) -> String {
        let mut left: Vec<&str> = list.split_whitespace().filter(|word| !self.hides(word)).collect();
        left.extend(self.rules.show.iter().map(String::as_str));
        lock(&self.offered).extend(left.iter().map(|word| word.to_uppercase()));
        left.join(" ")
    }

    /// The answer the product sees instead of this one; nothing if it is left out altogether.
    pub(super) fn answer(&self, line: Vec<u8>) -> Option<Vec<u8>> {
        let upper = line[..line.len().min(200)].to_ascii_uppercase();
        if let Some(list) = upper.strip_prefix(b"* CAPABILITY ").map(|_| &line[13..]) {
            return Some(format!("* CAPABILITY {}\r\n", self.capabilities(&text(list))).into_bytes());
        }
        let Some(open) = upper.iter().position(|&byte| byte == b'[') else { return Some(line) };
        let mut words = upper[..open].split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        let (first, status) = (words.next(), words.next());
        if words.next().is_some() || !matches!(status, Some(b"OK" | b"NO" | b"PREAUTH" | b"BYE" | b"BAD")) {
            return Some(line);
        }
        let Some(close) = line.iter().position(|&byte| byte == b']') else { return Some(line) };
        let code = text(&line[open + 1..close]);
        let name = code.split(' ').next().unwrap_or_default().to_uppercase();
        let before = text(&line[..open]);
        let after = text(&line[close + 1..]);
        if name == "CAPABILITY" {
            return Some(format!("{before}[CAPABILITY {}]{after}", self.capabilities(&code[10..])).into_bytes());
        }
        let owners: &[&str] = match name.as_str() {
            "APPENDUID" | "COPYUID" => &["UIDPLUS"],
            "HIGHESTMODSEQ" | "NOMODSEQ" | "MODIFIED" => &["CONDSTORE"],
            "CLOSED" => &["QRESYNC"],
            "MAILBOXID" => &["OBJECTID"],
            _ => return Some(line),
        };
        if !owners.iter().any(|owner| self.hides(owner)) {
            return Some(line);
        }
        (first != Some(b"*")).then(|| format!("{before}{}", after.trim_start_matches(' ')).into_bytes())
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
