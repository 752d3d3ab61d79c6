//! How the destination keeps messages, by the sizes that it tells of some appends (D8).

use crate::domain::failure::{Failure, Scope, Side};
use crate::domain::identity::{FromHeader, of_header};
use crate::domain::matching::Belief;
use crate::domain::record::is_sane;
use crate::endpoint::{Destination, FolderRef, Which};
use crate::pass::contents::traces;
use crate::pass::pulse::Measured;
use crate::pass::writer::AppendWriter;
use crate::pass::{PassResult, PassStop, SideFailure};

impl AppendWriter<'_> {
    /// Compares the sizes of some messages with what was sent, where they are the messages that were sent. Only when nothing
    /// is under way: the answers of a server come in order.
    pub(super) async fn look_at_sizes(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        for (folder, asked) in self.sizes.take() {
            match measure(to, &folder, &asked).await {
                Ok(told) => told.into_iter().for_each(|(told, sent)| self.sizes.see(told, sent)),
                Err(failure) if failure.scope <= Scope::Folder => {}
                Err(failure) => return Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure })),
            }
        }
        Ok(())
    }

    /// What is known of how the server keeps messages.
    pub(super) async fn belief(&self) -> PassResult<Belief> {
        let known = self.pass.journal.habit(Side::Destination).await?;
        Ok(Belief::from(known.and(self.sizes.so_far())))
    }

    /// Keeps what was seen of the server.
    pub(super) async fn learn(&mut self) -> PassResult<()> {
        match self.sizes.seen() {
            Some(seen) => Ok(self.pass.journal.learn(Side::Destination, seen).await?),
            None => Ok(()),
        }
    }
}

/// The sizes told of these messages, with the bytes that were sent, as far as they are these messages: a number may be told
/// that is another one's. What a server altered so much that its name is another one is known by what altering leaves.
async fn measure(to: &mut dyn Destination, folder: &FolderRef, asked: &[Measured]) -> Result<Vec<(u64, u64)>, Failure> {
    let which = Which::These(asked.iter().map(|message| message.uid).collect());
    let (mut told, mut strange) = (Vec::new(), Vec::new());
    for header in to.headers(folder, &which).await? {
        let Ok(at) = asked.binary_search_by_key(&header.uid, |message| message.uid) else { continue };
        let same = of_header(&header.header) == FromHeader::Known(asked[at].identity);
        if same {
            told.push((u64::from(header.size), asked[at].bytes));
        } else if is_sane(asked[at].bytes, header.size.into()) {
            strange.push((asked[at], header.size));
        }
    }
    if !strange.is_empty() {
        let (there, _) = traces(to, folder, strange.iter().map(|(message, _)| message.uid).collect()).await?;
        let same = |(message, _): &&(Measured, u32)| there.get(&message.uid).is_some_and(|t| t.meet(&message.traces));
        told.extend(strange.iter().filter(same).map(|(message, size)| (u64::from(*size), message.bytes)));
    }
    Ok(told)
}
