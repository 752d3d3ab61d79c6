//! A session: the blocking work of a [`Mailbox`], done away from the async threads.
//!
//! Two tasks go with it: one reads messages, stream after stream, one delivers them, in order and several together. Bounded:
//! one piece of blocking work for each of them and one for everything else; [`ROOM`] messages wait in a stream, their
//! bytes in the memory budget; [`QUEUE`] requests wait for a task.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::folder::FileView;
use super::mailbox::Mailbox;
use super::read::{self, IN_MEMORY};
use super::scan::of_file;
use super::sight::{LOOKS, Lookup, MaildirSight};
use super::{names, trouble};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::flags::PermanentFlags;
use crate::domain::folder::{FolderPath, FolderState, ListedFolder, WireName};
use crate::domain::ids::Uid;
use crate::domain::message::{MessageHeader, MessageMeta, NewMessage, SourceMessage};
use crate::endpoint::{
    AppendAnswer, Appended, Destination, Fetched, FlagUpdate, FolderRef, Limits, MessageStream, NewFolder, NotAppended,
    Result, Source, Which,
};

/// Messages that wait to be taken from a stream.
const ROOM: usize = 64;
/// Requests that wait for a task.
const QUEUE: usize = 256;
/// Messages delivered together: one wait for the disk's names serves them all.
const TOGETHER: usize = 64;

/// One session.
pub(super) struct MaildirSession {
    mailbox: Arc<Mailbox>,
    reads: mpsc::Sender<ReadingFolder>,
    appends: mpsc::Sender<Delivery>,
    /// Dropping it ends both tasks.
    _tasks: JoinSet<()>,
}

impl Drop for MaildirSession {
    fn drop(&mut self) {
        self.mailbox.abandon();
    }
}

/// Blocking work on tokio's own threads for it.
async fn away<T: Send + 'static>(
    mailbox: &Arc<Mailbox>,
    work: impl FnOnce(&Mailbox) -> Result<T> + Send + 'static,
) -> Result<T> {
    let mailbox = Arc::clone(mailbox);
    let done = tokio::task::spawn_blocking(move || work(&mailbox)).await;
    done.unwrap_or_else(|error| {
        let failure = Failure::new(Cause::Internal, Scope::Connection, Retry::Never, "working on a Maildir");
        Err(failure.saying(error.to_string()))
    })
}

impl MaildirSession {
    pub fn new(mailbox: Mailbox) -> Self {
        let mailbox = Arc::new(mailbox);
        let (reads, to_read) = mpsc::channel(QUEUE);
        let (appends, to_append) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        tasks.spawn(read_all(Arc::clone(&mailbox), to_read));
        tasks.spawn(deliver_all(Arc::clone(&mailbox), to_append));
        Self { mailbox, reads, appends, _tasks: tasks }
    }

    /// Does something that blocks.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Mailbox) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        away(&self.mailbox, work).await
    }
}

/// A stream to be filled.
struct ReadingFolder {
    folder: FolderRef,
    which: Which,
    doing: String,
    room: mpsc::Sender<Fetched>,
    last: LastWord,
}

/// Room for a stream's last word: a stream that is dropped half-way must not look complete.
struct LastWord(Option<mpsc::OwnedPermit<Fetched>>, String);

impl LastWord {
    fn broken(mut self, failure: Failure) {
        if let Some(room) = self.0.take() {
            room.send(Fetched::Broken(failure));
        }
    }

    fn well(mut self) {
        self.0.take();
    }
}

impl Drop for LastWord {
    fn drop(&mut self) {
        if let Some(room) = self.0.take() {
            room.send(Fetched::Broken(trouble::closed(&self.1)));
        }
    }
}

async fn read_all(mailbox: Arc<Mailbox>, mut requests: mpsc::Receiver<ReadingFolder>) {
    while let Some(reading) = requests.recv().await {
        let ReadingFolder { folder, which, doing, room, last } = reading;
        match read_some(&mailbox, &folder, &which, &doing, &room).await {
            Ok(()) => last.well(),
            Err(failure) => last.broken(failure),
        }
    }
}

/// Fills one stream; returns early when nobody reads it any more.
async fn read_some(
    mailbox: &Arc<Mailbox>,
    folder: &FolderRef,
    which: &Which,
    doing: &str,
    room: &mpsc::Sender<Fetched>,
) -> Result<()> {
    let (mut sight, wanted) = {
        let (folder, which, doing) = (folder.clone(), which.clone(), doing.to_owned());
        let first = move |mailbox: &Mailbox| {
            let sight = mailbox.sight(Lookup { folder: &folder, which: &which, doing: &doing })?;
            let wanted = sight.wanted(&which);
            Ok((sight, wanted))
        };
        away(mailbox, first).await?
    };
    for number in wanted {
        let mut looks = 0;
        let fetched = loop {
            let fetched = read_one(mailbox, &sight.view, number, doing).await?;
            let gone = sight.fresh && !sight.view.messages.contains_key(&number);
            if fetched.is_some() || gone {
                break fetched;
            }
            // Renamed (a flag was set) or gone.
            if looks == LOOKS {
                return Err(trouble::restless(doing));
            }
            looks += 1;
            let (folder, doing) = (folder.clone(), doing.to_owned());
            let view = away(mailbox, move |mailbox| mailbox.look(&folder, &doing)).await?;
            sight = MaildirSight { view, fresh: true };
        };
        if let Some(fetched) = fetched
            && room.send(fetched).await.is_err()
        {
            return Ok(());
        }
    }
    Ok(())
}

/// One message; none if it is not where it was.
async fn read_one(mailbox: &Arc<Mailbox>, view: &Arc<FileView>, number: u32, doing: &str) -> Result<Option<Fetched>> {
    let Some(entry) = view.messages.get(&number).cloned() else { return Ok(None) };
    let uid = Uid(i64::from(number));
    let unreadable = |failure: Failure| match failure.scope {
        Scope::Message => Ok(Some(Fetched::Unreadable(uid, failure))),
        _ => Err(failure),
    };
    let opened = {
        let (view, entry, doing) = (Arc::clone(view), entry.clone(), doing.to_owned());
        away(mailbox, move |_| read::open(&view.folder, &entry, &doing)).await
    };
    let (file, seen) = match opened {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(None),
        Err(failure) => return unreadable(failure),
    };
    let (expected, date) = (seen.len, of_file(&seen));
    // Line ends may grow.
    let share = usize::try_from(expected.min(IN_MEMORY)).unwrap_or(0) * 2;
    let hold = match expected <= IN_MEMORY {
        true => Some(mailbox.resources.budget.take(share).await),
        false => None,
    };
    let doing = doing.to_owned();
    match away(mailbox, move |mailbox| read::body(file, expected, &mailbox.resources, &doing)).await {
        Ok(Some(body)) => {
            let flags = view.flags(&entry);
            Ok(Some(Fetched::Message(SourceMessage { uid, flags, date, body, told: None, hold })))
        }
        Ok(None) => Ok(None),
        Err(failure) => unreadable(failure),
    }
}

/// A message to be delivered.
struct Delivery {
    folder: FolderRef,
    doing: String,
    message: NewMessage,
    answer: Answering,
}

/// Where the answer goes. Dropped, it says that the session is gone.
struct Answering(Option<oneshot::Sender<std::result::Result<Vec<Appended>, NotAppended>>>, String);

impl Answering {
    fn answer(mut self, answer: Result<Appended>) {
        if let Some(to) = self.0.take() {
            // Whoever asked may have gone away.
            let answer = answer.map(|appended| vec![appended]);
            to.send(answer.map_err(|failure| NotAppended { failure, answered: true, plainer: false })).ok();
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some(to) = self.0.take() {
            // Whoever asked may have gone away.
            let failure = trouble::closed(&self.1);
            to.send(Err(NotAppended { failure, answered: false, plainer: false })).ok();
        }
    }
}

async fn deliver_all(mailbox: Arc<Mailbox>, mut requests: mpsc::Receiver<Delivery>) {
    let mut next = None;
    loop {
        let Some(first) = (match next.take() {
            Some(first) => Some(first),
            None => requests.recv().await,
        }) else {
            return;
        };
        let mut group = vec![first];
        while group.len() < TOGETHER
            && let Ok(more) = requests.try_recv()
        {
            if more.folder == group[0].folder {
                group.push(more);
            } else {
                next = Some(more);
                break;
            }
        }
        let (folder, doing) = (group[0].folder.clone(), group[0].doing.clone());
        let (messages, answers): (Vec<NewMessage>, Vec<Answering>) =
            group.into_iter().map(|delivery| (delivery.message, delivery.answer)).unzip();
        let delivered = away(&mailbox, move |mailbox| Ok(mailbox.deliver(&folder, &messages, &doing))).await;
        match delivered {
            Ok(delivered) => answers.into_iter().zip(delivered).for_each(|(to, answer)| to.answer(answer)),
            Err(failure) => answers.into_iter().for_each(|to| to.answer(Err(failure.clone()))),
        }
    }
}

#[async_trait]
impl Source for MaildirSession {
    async fn list(&mut self) -> Result<Vec<ListedFolder>> {
        self.with(Mailbox::list).await
    }

    async fn examine(&mut self, folder: &FolderRef) -> Result<FolderState> {
        let folder = folder.clone();
        self.with(move |mailbox| mailbox.examine(&folder)).await
    }

    async fn scan(&mut self, folder: &FolderRef, which: &Which, dates: bool) -> Result<Vec<MessageMeta>> {
        let (folder, which) = (folder.clone(), which.clone());
        self.with(move |mailbox| mailbox.scan(&folder, &which, dates)).await
    }

    async fn headers(&mut self, folder: &FolderRef, which: &Which) -> Result<Vec<MessageHeader>> {
        let (folder, which) = (folder.clone(), which.clone());
        self.with(move |mailbox| mailbox.headers(&folder, &which)).await
    }

    async fn fetch(&mut self, folder: &FolderRef, which: &Which) -> Result<MessageStream> {
        let doing = format!("reading messages of folder \"{}\"", folder.path);
        let (room, stream) = mpsc::channel(ROOM + 1);
        let last = LastWord(room.clone().try_reserve_owned().ok(), doing.clone());
        let reading = ReadingFolder { folder: folder.clone(), which: which.clone(), doing: doing.clone(), room, last };
        // A task that is gone drops the request, which says so in the stream.
        drop(self.reads.send(reading).await);
        Ok(stream)
    }

    async fn close(self: Box<Self>) {}
}

#[async_trait]
impl Destination for MaildirSession {
    fn limits(&self) -> Limits {
        self.mailbox.limits()
    }

    fn wire_name(&self, path: &FolderPath) -> WireName {
        names::wire(path, &self.mailbox.style())
    }

    async fn create(&mut self, folders: &[NewFolder]) -> Result<Vec<Result<WireName>>> {
        let folders = folders.to_vec();
        self.with(move |mailbox| mailbox.create(&folders)).await
    }

    async fn subscribe(&mut self, folders: &[WireName]) -> Result<Vec<Result<()>>> {
        let folders = folders.to_vec();
        self.with(move |mailbox| Ok(mailbox.subscribe(&folders))).await
    }

    async fn open(&mut self, folders: &[FolderRef]) -> Result<Vec<Result<(FolderState, PermanentFlags)>>> {
        let folders = folders.to_vec();
        self.with(move |mailbox| mailbox.open(&folders)).await
    }

    async fn append(&mut self, folder: &FolderRef, mut messages: Vec<NewMessage>) -> Result<AppendAnswer> {
        let doing = format!("adding a message to folder \"{}\"", folder.path);
        let Some(message) = messages.pop().filter(|_| messages.is_empty()) else {
            let failure = Failure::new(Cause::Internal, Scope::Folder, Retry::Never, doing);
            return Err(failure.saying("one message at a time"));
        };
        let len = message.body.len();
        if let Some(limit) = self.limits().message_bytes.filter(|limit| len > *limit) {
            let text = format!("not written: {len} bytes; at most {limit} are accepted");
            return Err(Failure::new(Cause::TooBig, Scope::Message, Retry::Never, doing).saying(text));
        }
        let (to, answer) = oneshot::channel();
        let delivery =
            Delivery { folder: folder.clone(), doing: doing.clone(), message, answer: Answering(Some(to), doing) };
        drop(self.appends.send(delivery).await);
        Ok(answer)
    }

    async fn update_flags(&mut self, folder: &FolderRef, updates: &[FlagUpdate]) -> Result<()> {
        let (folder, updates) = (folder.clone(), updates.to_vec());
        self.with(move |mailbox| mailbox.update_flags(&folder, &updates)).await
    }
}
