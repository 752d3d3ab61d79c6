//! The reading half of a lane: streams the messages of folder after folder, a little ahead of the writing half.
//!
//! The channel between the halves is bounded, and so is the memory of the messages in it (the endpoint's budget).

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::domain::failure::Failure;
use crate::endpoint::{Fetched, MessageStream, Source};
use crate::engine::pass::copy::Backlog;
use crate::engine::pass::job::Job;

/// Messages between the halves of a lane.
pub(super) const AHEAD: usize = 64;
/// When so few messages of a folder are left to come, the next folder is asked for behind them, so that the source is
/// never idle for a round trip.
const ASK_NEXT_AT: u64 = 100;

/// What the reading half hands to the writing half.
pub(super) enum Piece {
    /// A folder begins.
    Begin(Arc<Job>),
    /// A message of it, or why one could not be read.
    Fetched(Fetched),
    /// The folder could not be opened or ended early; the connection goes on.
    Refused(Failure),
    /// It ended.
    End,
}

/// Reads folder after folder until the backlog is empty or the connection breaks; the last piece tells why it broke.
pub(super) async fn read(source: &mut dyn Source, backlog: &Backlog<'_>, pieces: mpsc::Sender<Piece>) {
    let mut ahead = None;
    while let Some((job, stream)) = begin(source, backlog, ahead.take()).await {
        // A closed channel means that the writing half ended: so does this one.
        if pieces.send(Piece::Begin(Arc::clone(&job))).await.is_err() {
            return;
        }
        let mut left = job.expected();
        let mut parts = job.parts().into_iter().skip(1);
        let mut next = Some(stream);
        while let Some(asked) = next.take() {
            let mut refused = false;
            match asked {
                Err(failure) if failure.breaks_connection() => {
                    // The last piece: whether anybody takes it makes no difference.
                    let _ = pieces.send(Piece::Fetched(Fetched::Broken(failure))).await;
                    return;
                }
                Err(failure) => {
                    refused = true;
                    if pieces.send(Piece::Refused(failure)).await.is_err() {
                        return;
                    }
                }
                Ok(mut stream) => loop {
                    // Nothing travels behind a suspect.
                    if ahead.is_none() && left <= ASK_NEXT_AT && job.suspect.is_none() {
                        ahead = ask(source, backlog).await;
                    }
                    let piece = match stream.recv().await {
                        None => break,
                        Some(Fetched::Broken(failure)) if !failure.breaks_connection() => {
                            refused = true;
                            Piece::Refused(failure)
                        }
                        Some(fetched) => Piece::Fetched(fetched),
                    };
                    left = left.saturating_sub(1);
                    let broken = matches!(piece, Piece::Fetched(Fetched::Broken(_)));
                    if pieces.send(piece).await.is_err() || broken {
                        return;
                    }
                },
            }
            if !refused && let Some(part) = parts.next() {
                next = Some(source.fetch(&job.source, &part).await);
            }
        }
        if pieces.send(Piece::End).await.is_err() {
            return;
        }
    }
}

type Asked = (Arc<Job>, Result<MessageStream, Failure>);

async fn begin(source: &mut dyn Source, backlog: &Backlog<'_>, ahead: Option<Asked>) -> Option<Asked> {
    match ahead {
        Some(asked) => Some(asked),
        None => ask(source, backlog).await,
    }
}

async fn ask(source: &mut dyn Source, backlog: &Backlog<'_>) -> Option<Asked> {
    let job = backlog.next()?;
    let first = job.parts().into_iter().next()?;
    let stream = source.fetch(&job.source, &first).await;
    Some((job, stream))
}
