//! Recognising messages (D8): new messages at the source against messages at the destination that no watermark knows, and
//! against watermarks whose message left its place (D12) or whose folder could not be read (D29).
//!
//! An identity proposes, content decides. All are multisets: one message at the destination, or one watermark, answers for
//! one message at the source. Bounded by what the caller hands in; shapes are used up here, and what is left is small.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::content::ContentHash;
use super::content::Shape;
use super::identity::{Identity, Names};
use super::ids::{FolderId, Uid};
use super::record::{Habit, Rekey, is_sane};

/// What is known of a destination: does it keep what it is sent?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// It keeps bytes as they were sent.
    Keeps,
    /// It changes messages, and was seen to add this many bytes.
    Changes {
        /// At least. More than `most`: it was only seen to change them beyond all measure, which tells nothing.
        least: i64,
        /// At most.
        most: i64,
    },
    /// Nothing was seen of what was sent to it.
    Unknown,
}

impl Belief {
    /// Whether what the destination does may make a message of this size (0: not told) out of one of so many bytes. One that it
    /// `said` to have may have grown, and lost a little; another form of it, without what was attached, is far shorter.
    pub fn explains(self, sent: u64, size: u32, said: bool) -> bool {
        let signed = |len: u64| i64::try_from(len).unwrap_or(i64::MAX);
        let grown = signed(size.into()).saturating_sub(signed(sent));
        let sane = is_sane(sent, size.into());
        match self {
            Self::Keeps => false,
            Self::Changes { least, .. } if said => size == 0 || (sane && grown >= least.min(-MUCH)),
            Self::Changes { least, most } => sane && grown >= least && grown <= most,
            Self::Unknown => said && (size == 0 || (sane && grown >= -MUCH)),
        }
    }
}

impl From<Habit> for Belief {
    fn from(habit: Habit) -> Self {
        match habit {
            Habit { changed: 1.., least, most, .. } => Self::Changes { least, most },
            Habit { kept: 1.., .. } => Self::Keeps,
            Habit { .. } => Self::Unknown,
        }
    }
}

/// A new message at the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// Its number.
    pub uid: Uid,
    /// Without Message-ID or Date: only equal content confirms who it is.
    pub weak: bool,
    /// What it holds.
    pub shape: Shape,
}

/// A message at the destination that no watermark knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theirs {
    /// Its number.
    pub uid: Uid,
    /// It lies where our own appends may lie without a watermark (D9).
    pub appended: bool,
    /// What it holds.
    pub shape: Shape,
}

/// Messages of one identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alike {
    /// At the source, in order.
    pub ours: Vec<Ours>,
    /// At the destination, in order.
    pub theirs: Vec<Theirs>,
}

/// One message on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Its number at the source.
    pub source: Uid,
    /// Its number at the destination.
    pub destination: Uid,
    /// What it holds at the source.
    pub content: ContentHash,
    /// The destination holds the same bytes, not only the message.
    pub equal: bool,
    /// It holds the cleaned form of the message.
    pub cleaned: bool,
    /// See [`Theirs::appended`].
    pub appended: bool,
}

/// A message at the source whose content is nowhere at the destination, though its identity may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OursLeft {
    /// Its number.
    pub uid: Uid,
    /// See [`Ours::weak`].
    pub weak: bool,
    /// Its bytes.
    pub len: u64,
    /// What it holds.
    pub content: ContentHash,
}

/// A message at the destination that nobody's content equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TheirsLeft {
    /// Its number.
    pub uid: Uid,
    /// See [`Theirs::appended`].
    pub appended: bool,
    /// Its bytes.
    pub len: u64,
}

/// Messages of one identity that content did not bring together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// At the source.
    pub ours: Vec<OursLeft>,
    /// At the destination.
    pub theirs: Vec<TheirsLeft>,
}

/// Brings together what is equal, then what differs by nothing but lines that programs add, then what is the cleaned form.
pub fn match_contents(group: Alike) -> (Vec<Pair>, Left) {
    let Alike { ours, theirs } = group;
    let (mut pairs, ours, theirs) = join(ours, theirs, |shape| shape.content.0, true, |_, _| true);
    // Without lines nothing but an equal is known, however many have one body.
    let (ours, plain) = ours.into_iter().partition(|o| o.shape.has_lines());
    let (theirs, others): (_, Vec<_>) = theirs.into_iter().partition(|t| t.shape.has_lines());
    let (more, mut ours, mut theirs): (_, Vec<Ours>, Vec<Theirs>) =
        join(ours, theirs, Shape::body, false, Shape::holds);
    pairs.extend(more);
    ours.extend::<Vec<_>>(plain);
    theirs.extend(others);
    let (more, ours, theirs) = join_cleaned(ours, theirs);
    pairs.extend(more);
    pairs.sort_unstable();
    let ours =
        ours.into_iter().map(|o| OursLeft { uid: o.uid, weak: o.weak, len: o.shape.len, content: o.shape.content });
    let theirs = theirs.into_iter().map(|t| TheirsLeft { uid: t.uid, appended: t.appended, len: t.shape.len });
    (pairs, Left { ours: ours.collect(), theirs: theirs.collect() })
}

/// Pairs of the same key for which the destination's shape is right, first come first served; and what is left.
fn join(
    ours: Vec<Ours>,
    theirs: Vec<Theirs>,
    key: impl Fn(&Shape) -> [u8; 16],
    equal: bool,
    right: impl Fn(&Shape, &Shape) -> bool,
) -> (Vec<Pair>, Vec<Ours>, Vec<Theirs>) {
    let mut by_key: HashMap<[u8; 16], VecDeque<Theirs>> = HashMap::new();
    theirs.into_iter().for_each(|t| by_key.entry(key(&t.shape)).or_default().push_back(t));
    let (mut pairs, mut left) = (Vec::new(), Vec::new());
    for o in ours {
        let others = by_key.get_mut(&key(&o.shape));
        let found = others.and_then(|others| {
            let at = others.iter().position(|t| right(&t.shape, &o.shape))?;
            others.remove(at)
        });
        match found {
            Some(Theirs { uid: destination, appended, .. }) => {
                let (source, content) = (o.uid, o.shape.content);
                pairs.push(Pair { source, destination, content, equal, cleaned: false, appended });
            }
            None => left.push(o),
        }
    }
    let mut others: Vec<Theirs> = by_key.into_values().flatten().collect();
    others.sort_unstable_by_key(|t| t.uid);
    (pairs, left, others)
}

/// Pairs of which the destination holds the cleaned form, first come first served; and what is left.
fn join_cleaned(ours: Vec<Ours>, mut theirs: Vec<Theirs>) -> (Vec<Pair>, Vec<Ours>, Vec<Theirs>) {
    let (mut pairs, mut left) = (Vec::new(), Vec::new());
    for o in ours {
        let is_clean = |t: &Theirs| Some(t.shape.content) == o.shape.cleaned;
        match theirs.iter().position(is_clean) {
            Some(at) => {
                let Theirs { uid: destination, appended, .. } = theirs.remove(at);
                let (source, content) = (o.uid, o.shape.content);
                pairs.push(Pair { source, destination, content, equal: false, cleaned: true, appended });
            }
            None => left.push(o),
        }
    }
    (pairs, left, theirs)
}

/// What is decided where contents differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// The destination altered these, and they are the same messages.
    pub pairs: Vec<Pair>,
    /// These are to be copied, ascending.
    pub unmatched: Vec<Uid>,
    /// Of those that are to be copied: what may be the same message, altered (source, destination).
    pub maybe_twice: Vec<(OursLeft, Uid)>,
}

/// Decides where contents differ. A destination that keeps bytes, or of which nothing is known, holds other messages. One that
/// changes them holds the same message if it has a Message-ID and a Date and grew by what that destination was seen to add.
/// Where nobody can tell which of different messages is there, all of them are copied: copying one again is the smaller harm.
pub fn decide(left: Left, belief: Belief) -> Decided {
    let Left { mut ours, mut theirs } = left;
    ours.sort_unstable_by_key(|o| (o.len, o.uid));
    theirs.sort_unstable_by_key(|t| (t.len, t.uid));
    let mut taken = assign(&ours, &theirs, belief);
    let strong = || ours.iter().filter(|o| !o.weak);
    let alike = strong().zip(strong().skip(1)).all(|(a, b)| a.content == b.content);
    if taken.len() < strong().count() && !alike {
        let only = |at: &usize| ours.iter().filter(|o| fit(belief, o, &theirs[*at]) == Fit::Yes).count() == 1;
        taken.retain(|_, at| ours.len() <= MANY && only(at));
    }
    let used: BTreeSet<usize> = taken.values().copied().collect();
    let mut free = theirs.iter().enumerate().filter(|(at, _)| !used.contains(at)).map(|(_, t)| t.uid);
    let mut found = Decided::default();
    for (at, o) in ours.iter().enumerate() {
        match taken.get(&at) {
            Some(at) => found.pairs.push(Pair {
                source: o.uid,
                destination: theirs[*at].uid,
                content: o.content,
                equal: false,
                cleaned: false,
                appended: theirs[*at].appended,
            }),
            None => {
                found.unmatched.push(o.uid);
                if belief != Belief::Keeps {
                    found.maybe_twice.extend(free.next().map(|uid| (*o, uid)));
                }
            }
        }
    }
    found.pairs.sort_unstable();
    found.unmatched.sort_unstable();
    found
}

/// Messages of one identity beyond which it is not asked for each who else it may be.
const MANY: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    /// Nor does it fit a longer message.
    Never,
    /// A longer message it may fit.
    TooLong,
}

/// Whether a message at the destination may be this one, altered.
fn fit(belief: Belief, o: &OursLeft, t: &TheirsLeft) -> Fit {
    let signed = |len: u64| i64::try_from(len).unwrap_or(i64::MAX);
    let grown = signed(t.len).saturating_sub(signed(o.len));
    match belief {
        Belief::Keeps | Belief::Unknown => Fit::Never,
        Belief::Changes { least, .. } if grown < least => Fit::Never,
        Belief::Changes { most, .. } if grown > most => Fit::TooLong,
        Belief::Changes { .. } if is_sane(o.len, t.len) => Fit::Yes,
        Belief::Changes { .. } if grown < 0 => Fit::Never,
        Belief::Changes { .. } => Fit::TooLong,
    }
}

/// So many messages that grew alike are the server's doing; fewer may be anybody's.
const ALIKE: usize = 3;
/// Bytes by which what a server adds to its messages may differ.
const MUCH: i64 = 256;

/// What those tell that content did not bring together, where nothing else is known of the destination: a server that changes
/// messages changed all that an interrupted pass sent there, and much alike. A single one may be another message.
pub fn guess<'a>(left: impl IntoIterator<Item = &'a Left>) -> Belief {
    let (mut least, mut most, mut count) = (i64::MAX, i64::MIN, 0);
    for left in left {
        let ([o], [t]) = (left.ours.as_slice(), left.theirs.as_slice()) else { continue };
        if o.weak || !t.appended {
            continue;
        }
        let Some(grown) = t.len.checked_sub(o.len).and_then(|grown| i64::try_from(grown).ok()) else {
            return Belief::Unknown;
        };
        (least, most, count) = (least.min(grown), most.max(grown), count + 1);
    }
    let alike = count >= ALIKE && most.saturating_sub(least) <= MUCH && most <= 8192;
    if alike { Belief::Changes { least, most } } else { Belief::Unknown }
}

/// As many as can be: both sides ascend by length, and what fits is a range of lengths that moves along.
fn assign(ours: &[OursLeft], theirs: &[TheirsLeft], belief: Belief) -> BTreeMap<usize, usize> {
    let mut taken = BTreeMap::new();
    let mut next = 0;
    for (at, o) in ours.iter().enumerate().filter(|(_, o)| !o.weak) {
        while let Some(t) = theirs.get(next) {
            match fit(belief, o, t) {
                Fit::TooLong => break,
                Fit::Never => next += 1,
                Fit::Yes => {
                    taken.insert(at, next);
                    next += 1;
                    break;
                }
            }
        }
    }
    taken
}

/// A watermark whose source message is no longer where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gone {
    /// Who the message was, in the form that goes with `content`.
    pub identity: Identity,
    /// What it held; none in watermarks of older versions.
    pub content: Option<ContentHash>,
    /// The source folder's row.
    pub folder: FolderId,
    /// The message's number there.
    pub uid: Uid,
    /// The row in whose destination folder the copy lies.
    pub at: FolderId,
}

/// Watermarks whose source message is no longer where it was, of the whole mailbox. Each answers for one message.
#[derive(Clone, Debug, Default)]
pub struct GoneMarks(BTreeSet<Gone>);

impl GoneMarks {
    /// Those of all folders, in any order; one named twice counts once.
    pub fn new(gone: impl IntoIterator<Item = Gone>) -> Self {
        Self(gone.into_iter().collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These are missing no longer, unless they were used.
    pub fn take_back(&mut self, marks: &[Gone]) {
        for mark in marks {
            self.0.remove(mark);
        }
    }

    /// The unused ones, by folder.
    pub fn by_folder(&self) -> BTreeMap<FolderId, Vec<Uid>> {
        let mut folders: BTreeMap<FolderId, Vec<Uid>> = BTreeMap::new();
        self.0.iter().for_each(|gone| folders.entry(gone.folder).or_default().push(gone.uid));
        folders
    }

    /// The unused ones of these folders belong to other rows from now on.
    pub fn rehome(&mut self, rows: &BTreeMap<FolderId, FolderId>) {
        let of = |folder| rows.get(&folder).copied().unwrap_or(folder);
        self.0 = self.0.iter().map(|gone| Gone { folder: of(gone.folder), ..*gone }).collect();
    }

    /// The unused ones for which this holds are no part of it any more.
    pub fn take(&mut self, which: impl Fn(&Gone) -> bool) -> BTreeSet<Gone> {
        self.0.extract_if(.., which).collect()
    }

    /// The unused ones.
    pub fn iter(&self) -> impl Iterator<Item = &Gone> {
        self.0.iter()
    }

    /// More of them.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Gone>) {
        self.0.extend(more);
    }

    /// The unused ones that have the name of this message.
    pub fn named(&self, names: &Names) -> impl Iterator<Item = Gone> + use<'_> {
        let range = |identity, from, to| self.0.range(bound(identity, from, i64::MIN)..=bound(identity, to, i64::MAX));
        let older = range(names.before, None, None);
        older.chain(range(names.now, Some(ContentHash([0; 16])), Some(ContentHash([0xff; 16])))).copied()
    }

    /// Whether an unused one has the name of this message.
    pub fn has(&self, names: &Names) -> bool {
        self.named(names).next().is_some()
    }

    /// A new message of the folder row `to` that is a missing one (D12): its watermark moves along, and nothing is copied. Its
    /// content must be that of the watermark, if the watermark has one. Marks of the same folder are used first, then by
    /// folder and number. None is used twice.
    pub fn moved(&mut self, to: FolderId, uid: Uid, names: &Names, content: ContentHash) -> Option<Rekey> {
        let mark = [(names.now, Some(content)), (names.before, None)]
            .into_iter()
            .find_map(|(identity, content)| self.first(identity, content, to))?;
        self.0.remove(&mark);
        Some(Rekey { from_folder: mark.folder, from: mark.uid, to_folder: to, to: uid })
    }

    fn first(&self, identity: Identity, content: Option<ContentHash>, own: FolderId) -> Option<Gone> {
        let within = |low: FolderId, high: FolderId| {
            let from = Gone { identity, content, folder: low, uid: Uid(i64::MIN), at: FolderId(i64::MIN) };
            let to = Gone { identity, content, folder: high, uid: Uid(i64::MAX), at: FolderId(i64::MAX) };
            self.0.range(from..=to).next().copied()
        };
        within(own, own).or_else(|| within(FolderId(i64::MIN), FolderId(i64::MAX)))
    }
}

fn bound(identity: Identity, content: Option<ContentHash>, at: i64) -> Gone {
    Gone { identity, content, folder: FolderId(at), uid: Uid(at), at: FolderId(at) }
}

/// What stands for messages of folders that could not be read in a pass (D29): they may have moved elsewhere at the source, and
/// then they have a copy already.
#[derive(Clone, Debug, Default)]
pub struct AwayMarks {
    /// Names with the content that must be equal, and how many.
    exact: BTreeMap<(Identity, ContentHash), u32>,
    /// Names that answer by themselves: of older watermarks, and of messages at the destination.
    by_name: BTreeMap<Identity, u32>,
}

impl AwayMarks {
    /// Adds a watermark, or a message at the destination (which has no content here).
    pub fn add(&mut self, identity: Identity, content: Option<ContentHash>) {
        match content {
            Some(content) => *self.exact.entry((identity, content)).or_default() += 1,
            None => *self.by_name.entry(identity).or_default() += 1,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.by_name.is_empty()
    }

    /// Whether one has the name of this message.
    pub fn has(&self, names: &Names) -> bool {
        let exact = (names.now, ContentHash([0; 16]))..=(names.now, ContentHash([0xff; 16]));
        self.exact.range(exact).next().is_some()
            || self.by_name.contains_key(&names.now)
            || self.by_name.contains_key(&names.before)
    }

    /// Uses up one that answers for this message; false if there is none.
    pub fn take(&mut self, names: &Names, content: ContentHash) -> bool {
        use_up(&mut self.exact, &(names.now, content))
            || use_up(&mut self.by_name, &names.now)
            || use_up(&mut self.by_name, &names.before)
    }
}

fn use_up<K: Ord + Copy>(marks: &mut BTreeMap<K, u32>, key: &K) -> bool {
    match marks.get_mut(key) {
        None => false,
        Some(1) => marks.remove(key).is_some(),
        Some(left) => {
            *left -= 1;
            true
        }
    }
}

#[cfg(test)]
mod tests;
