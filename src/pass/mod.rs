//! One pass over one item, in R15's order: connect, list the source, create the tree, scan the destination, compare, copy.
//!
//! Pipelining and several connections work *inside* a phase, never across (D18). Every step can be repeated: it starts
//! from what the journal holds, so that going on after a lost connection and starting again after a crash are the
//! same thing. A worker reaches the database only through the [`Journal`] and knows nothing of other passes.

mod across;
mod again;
mod altered;
mod answers;
mod arrivals;
mod audit;
mod backlog;
mod batch;
mod belief;
mod bytes;
mod candidates;
mod carry;
mod claims;
mod cleaned;
mod closing;
mod comparison;
mod contents;
mod copy;
mod create;
pub mod doors;
mod doubts;
mod elsewhere;
mod finish;
mod flight;
mod headers;
mod hours;
mod job;
pub mod journal;
mod kept;
mod keys;
mod known;
mod labels;
mod landed;
mod lane;
mod late;
mod likeness;
mod listing;
mod losses;
mod lost_copies;
mod measured;
mod notes;
mod number_check;
mod one_by_one;
mod places;
mod presence;
pub(crate) mod preview;
mod pulse;
mod put_back;
mod reader;
mod recognise;
mod recorder;
mod recovery;
mod refused;
mod register;
mod renamed_there;
mod resolution;
mod resolve;
mod restored;
mod room;
mod rounds;

mod same_folder;
mod sample;
mod scan;
mod scan_window;
mod sent_date;
mod sent_flags;
mod settling;
mod strangers;
mod suspects;
pub mod tally;
mod there;
pub mod throttle;
mod told_sizes;
mod tree;
mod turn;
mod twice;
mod twins;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};

use jiff::tz::TimeZone;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::clock::Clock;
use crate::domain::counts::Counts;
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::ids::{FolderId, ItemId, PassId, Uid};
use crate::domain::item_error::{EarlierErrors, FailedBefore};
use crate::domain::pass_plan::{PassPlan, Writes};
use crate::domain::progress::Phase;
use crate::domain::project::Options;
use crate::domain::retry::Pace;
use crate::domain::time::Timestamp;
use crate::endpoint::own_network::OwnNetwork;
use crate::endpoint::sayings::Sayings;
use crate::endpoint::{DestinationEndpoint, SourceEndpoint};
use crate::pass::audit::EndedFolder;
use crate::pass::closing::Finale;
use crate::pass::comparison::Comparison;
use crate::pass::copy::Copying;
use crate::pass::doors::Approach;
use crate::pass::hours::Hours;
use crate::pass::job::Job;
use crate::pass::journal::Journal;
use crate::pass::journal::JournalError;
use crate::pass::late::LateRound;
use crate::pass::listing::Preparation;
use crate::pass::number_check::NumberCheck;
use crate::pass::recorder::{Recorder, recorder};
use crate::pass::recovery::Recovery;
use crate::pass::resolution::Resolution;
use crate::pass::tally::PassStats;
use crate::pass::throttle::Throttle;

/// What a worker is told: plain data.
#[derive(Clone, Debug)]
pub struct PassOrder {
    /// The pass.
    pub pass: PassId,
    /// Its item.
    pub item: ItemId,
    /// What to do.
    pub plan: PassPlan,
    /// Of a pass that tries errors again: what an earlier one could not move.
    pub failed: FailedBefore,
    /// What earlier passes could not move, as far as this one goes by it.
    pub known_errors: EarlierErrors,
    /// The options as read when the worker took the item.
    pub options: Options,
    /// The pauses between tries.
    pub pace: Pace,
    /// Where the run hours are understood.
    pub zone: TimeZone,
    /// When an earlier attempt or pass of the item last showed a sign of life: it may have left
    /// something on its way (D28).
    pub last_seen: Option<Timestamp>,
    /// What an interrupted attempt of this pass had counted, by folder: counters never fall (D6).
    pub earlier: BTreeMap<FolderId, Counts>,
}

/// How a pass is told to end early (D23).
#[derive(Clone, Debug, Default)]
pub struct Stops {
    /// Begin nothing new, finish what has begun.
    pub stop: CancellationToken,
    /// Drop everything.
    pub abort: CancellationToken,
    /// End the pause between two tries, unless a server named it.
    pub hurry: Arc<Notify>,
}

/// What a pass works with.
pub struct Means {
    /// Where it reads.
    pub source: Arc<dyn SourceEndpoint>,
    /// Where it writes.
    pub destination: Arc<dyn DestinationEndpoint>,
    /// Where it keeps what it knows.
    pub journal: Arc<dyn Journal>,
    /// Its figures.
    pub tally: Arc<PassStats>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The data rate.
    pub throttle: Arc<Throttle>,
    /// What is known of this computer's sleep and network.
    pub network: Arc<OwnNetwork>,
    /// The servers, and how many connections they allow.
    pub approach: Approach,
    /// What the servers of both sides say to people.
    pub said: [Arc<Sayings>; 2],
    /// How it is told to end early.
    pub stops: Stops,
}

/// How a pass ended.
#[derive(Clone, Debug, PartialEq)]
pub enum PassEnd {
    /// To its end.
    Completed {
        /// Messages that could not be moved.
        errors: u64,
        /// Messages of differences that nothing explains (D27).
        differ: u64,
    },
    /// It was told to stop, maybe while it waited after this failure.
    Stopped(Option<SideFailure>),
    /// A fatal error.
    Failed {
        /// Which side; none when it was neither.
        side: Option<Side>,
        /// What it was.
        failure: Failure,
    },
}

/// A failure and where it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct SideFailure {
    /// The side.
    pub side: Side,
    /// What went wrong there.
    pub failure: Failure,
}

/// Says on which side an endpoint's failure happened.
pub(crate) trait OnSide<T> {
    fn on(self, side: Side) -> Result<T, SideFailure>;
}

impl<T> OnSide<T> for crate::endpoint::Result<T> {
    fn on(self, side: Side) -> Result<T, SideFailure> {
        self.map_err(|failure| SideFailure { side, failure })
    }
}

/// Why the work of a pass ends before its end.
#[derive(Debug)]
pub(crate) enum PassStop {
    /// It was told to.
    Stopped,
    /// An endpoint failed for good.
    Fatal(SideFailure),
    /// Too many item errors.
    TooManyErrors(u64),
    /// The workspace failed.
    Store(JournalError),
}

impl From<JournalError> for PassStop {
    fn from(error: JournalError) -> Self {
        Self::Store(error)
    }
}

/// Result of a piece of a pass's work.
pub(crate) type PassResult<T> = Result<T, PassStop>;

/// Everything that the lanes of a pass share.
pub struct Pass {
    order: PassOrder,
    source: Arc<dyn SourceEndpoint>,
    destination: Arc<dyn DestinationEndpoint>,
    journal: Arc<dyn Journal>,
    tally: Arc<PassStats>,
    clock: Arc<dyn Clock>,
    throttle: Arc<Throttle>,
    approach: Approach,
    said: [Arc<Sayings>; 2],
    hours: Hours,
    /// Fires on Stop and when any lane ended for good.
    quit: CancellationToken,
    recovery: Arc<Recovery>,
    recorder: Recorder,
    oddities: Oddities,
    findings: Findings,
}

/// What the source was seen to do, by which it is not believed in other things.
#[derive(Default)]
struct Oddities {
    /// HIGHESTMODSEQ is not trusted.
    modseq_stalls: AtomicBool,
    /// It tells other headers than those of its messages: names are taken from whole messages.
    headers_differ: AtomicBool,
    /// It hands out its messages in another form than when they were copied: contents say nothing.
    in_another_form: AtomicBool,
}

/// What one phase leaves for those after it.
#[derive(Default)]
struct Findings {
    /// Bytes that the plan still allows.
    bytes_left: Mutex<Option<u64>>,
    /// The largest message that the destination says it takes.
    message_limit: Mutex<Option<u64>>,
    /// Item errors so far, against the limit.
    errors: AtomicU64,
    /// Messages that became item errors in this pass: not tried again in it.
    failed: Mutex<BTreeMap<FolderId, BTreeSet<Uid>>>,
    /// What an earlier pass could not move, seen beside what the source lists now.
    failed_before: OnceLock<FailedBefore>,
    /// Messages that are copied although the destination may hold them, altered.
    twice: twice::MaybeTwice,
    /// A folder of the destination is in an earlier state, or copies were lost in it: it was put back.
    lost_there: AtomicBool,
    /// Folders whose late messages are looked at when all others are done.
    late: Mutex<BTreeMap<FolderId, Job>>,
    /// Rows whose destination numbers were seen to mean other messages.
    doubted: Mutex<BTreeSet<FolderId>>,
    /// What is to be told of lost copies.
    losses: Mutex<Vec<losses::Losses>>,
    /// Lost copies whose messages left the source.
    homeless: Mutex<Vec<lost_copies::Homeless>>,
    /// Folders that ended, to be audited.
    ended: Mutex<BTreeMap<FolderId, EndedFolder>>,
    /// Whether it takes dates.
    dates: sent_date::DateHabit,
    /// What was seen of the sizes that the source tells.
    told_sizes: told_sizes::ToldSizes,
    /// What is remembered of messages that landed.
    landed: Mutex<landed::Landed>,
    /// Destination folders that do not show all that they hold, and may hold a message of ours without a record: their intents stay
    /// open, so that the next pass looks before it sends.
    hidden: Mutex<BTreeSet<FolderId>>,
    /// Folders to be asked about at the end (D28).
    doubts: Mutex<BTreeMap<FolderId, doubts::FolderDoubt>>,
}

impl Pass {
    /// Runs a pass to its end. Results are committed when this returns, whatever the end.
    pub async fn run(order: PassOrder, means: Means) -> PassEnd {
        let Means { source, destination, journal, tally, clock, throttle, approach, said, network, stops } = means;
        let quit = stops.stop.child_token();
        let (limit, pace, bytes_left) = (order.options.retry_limit, order.pace, order.plan.bytes);
        let recovery = Recovery::new(limit, pace, Arc::clone(&tally), Arc::clone(&clock), quit.clone())
            .hurried_by(stops.hurry)
            .knowing(Arc::clone(&network))
            .on(approach.clone());
        let recovery = Arc::new(match order.plan.writes {
            Writes::Mail => recovery,
            Writes::Nothing => recovery.looked_on(),
        });
        let progressed = {
            let recovery = Arc::clone(&recovery);
            Box::new(move || recovery.progressed())
        };
        let (recorder, committer) = recorder(Arc::clone(&journal), Arc::clone(&tally), Arc::clone(&clock), progressed);
        let hours = Hours::new(&order.options, Arc::clone(&clock), order.zone.clone());
        let pass = Self {
            order,
            source,
            destination,
            journal,
            tally,
            clock,
            throttle,
            approach,
            said,
            hours,
            quit,
            recovery,
            recorder,
            oddities: Oddities::default(),
            findings: Findings { bytes_left: Mutex::new(bytes_left), ..Findings::default() },
        };
        let work = async move {
            let ended = tokio::select! {
                biased;
                () = stops.abort.cancelled() => Err(PassStop::Stopped),
                ended = pass.work() => ended,
                never = network.watch() => match never {},
            };
            pass.conclude(ended).await
        };
        // The committer ends when the work has dropped the last recorder, so nothing handed in is left behind.
        let (end, ()) = tokio::join!(work, committer.run());
        end
    }

    /// Why nothing may be asked of the servers now: the run hours, or a pause that one of them named.
    fn closed(&self) -> Option<SideFailure> {
        self.hours.closed().or_else(|| self.recovery.held())
    }

    async fn work(&self) -> PassResult<()> {
        let mut lane = lane::Lane::new(0);
        match self.order.plan.writes {
            Writes::Nothing => self.verify(&mut lane).await,
            Writes::Mail => {
                let mut prepared = Preparation::of(self).prepare(&mut lane).await?;
                labels::sort_out(self, &mut lane, &mut prepared).await?;
                let mut lanes = lane::Lanes::new(lane, self.order.options.connections);
                NumberCheck::of(self).check_numbers(&mut lanes, &mut prepared).await?;
                Comparison::of(self).scan(&mut lanes, &mut prepared).await?;
                Resolution::of(self).resolve(&mut lanes, &mut prepared).await?;
                Copying::of(self).copy(&mut lanes, &mut prepared).await?;
                LateRound::of(self).late_round(&mut lanes, &prepared).await?;
                Finale::of(self).run(&mut lanes, &prepared).await?;
                self.tally.phase(self.clock.now(), Phase::Finishing);
                lanes.close().await;
                Ok(())
            }
        }
    }

    /// Both sides reached, login accepted, mailbox there; what would be left out; no data.
    async fn verify(&self, lane: &mut lane::Lane) -> PassResult<()> {
        Preparation::of(self).look_over(lane).await?;
        lane.close().await;
        Ok(())
    }

    /// Flushes the last figures and says how the pass ended.
    async fn conclude(self, ended: PassResult<()>) -> PassEnd {
        self.name_sayings().await;
        self.tell_losses().await;
        self.recorder.flush().await;
        self.tally.retry(None);
        let ended = match self.recorder.take_reason() {
            Some(error) => Err(PassStop::Store(error)),
            None => ended,
        };
        let flushed = self.journal.progress(self.tally.progress(), self.tally.folders()).await;
        match (ended, flushed) {
            (Ok(()), Ok(())) => {
                let Counts { errors, differ, .. } = self.tally.totals();
                PassEnd::Completed { errors, differ }
            }
            (Err(PassStop::Stopped), Ok(())) => PassEnd::Stopped(self.recovery.waited_after()),
            (Err(PassStop::Fatal(SideFailure { side, failure })), _) => PassEnd::Failed { side: Some(side), failure },
            (Err(PassStop::TooManyErrors(count)), _) => {
                let failure = Failure::new(Cause::TooManyErrors, Scope::Mailbox, Retry::User, "copying")
                    .saying(format!("{count} item errors, limit {}", self.order.options.maximum_errors));
                PassEnd::Failed { side: None, failure }
            }
            (Err(PassStop::Store(error)), _) | (_, Err(error)) => {
                let failure =
                    Failure::new(Cause::WorkspaceFailed, Scope::Mailbox, Retry::User, "writing the workspace");
                PassEnd::Failed { side: None, failure: failure.saying(error.to_string()) }
            }
        }
    }
}
