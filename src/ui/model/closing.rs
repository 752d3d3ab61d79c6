//! How the window closes: one machine that decides from what was asked for and how things stand. Who asks it does the steps.
//!
//! What an import stored is taken back first, as passwords that nothing names must not stay in a keyring; then a person is
//! asked about passes that run; then they are stopped; then the window leaves.

/// How far the window is on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    /// Nobody wants it closed.
    #[default]
    Open,
    /// An import is taken back first.
    TakingBack,
    /// The question about passes that run stands over everything else.
    Asked,
    /// It closes when nothing runs any more.
    Stopping,
    /// It has told the system to close it.
    Leaving,
}

/// What may bring the window further on its way out, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseEvent {
    /// The system wants it closed, or a person by the system's button.
    Requested,
    /// Another look at how things stand.
    Looked,
    /// The import has ended, leaving a person something to read or not.
    ImportEnded {
        /// There is nothing to read.
        well: bool,
    },
    /// Ctrl-C in the terminal; a second one is impatient.
    Interrupted,
    /// Keep the window open after all.
    Keep,
    /// Stop what runs, then leave.
    StopAndQuit,
    /// Drop the connections of what runs, then leave.
    StopAtOnce,
    /// Leave now.
    Quit,
}

/// How things stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// An import runs.
    pub importing: bool,
    /// Passes run; none in an engine that has ended.
    pub running: bool,
    /// The engine has ended: nothing can be waited for.
    pub ended: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseEffect {
    /// Tell the system that the window stays.
    Stay,
    /// Nobody shall look at a window that waits for the engine's last step.
    Hide,
    /// Tell the system to close the window.
    Close,
    /// Take back what the import stored.
    CancelImport,
    /// Start nothing new and stop what runs.
    StopAll,
    /// Drop the connections of what runs.
    AbortAll,
}

impl Closing {
    /// Whether the question stands over everything else.
    pub fn is_shown(self, now: Situation) -> bool {
        match self {
            Self::Asked => true,
            Self::Stopping => now.running,
            Self::Open | Self::TakingBack | Self::Leaving => false,
        }
    }

    /// Whether the window goes when what it waits for has ended.
    pub fn is_under_way(self) -> bool {
        match self {
            Self::TakingBack | Self::Stopping | Self::Leaving => true,
            Self::Open | Self::Asked => false,
        }
    }

    /// What follows from an event, and what is to be done.
    #[must_use]
    pub fn next(self, event: CloseEvent, now: Situation) -> (Self, Vec<CloseEffect>) {
        match event {
            CloseEvent::Requested => self.requested(now),
            CloseEvent::Looked => {
                let done = now.ended || !(now.running || now.importing);
                if self == Self::Stopping && done { (Self::Leaving, vec![CloseEffect::Close]) } else { (self, vec![]) }
            }
            // Closed as if asked for anew: passes may run besides.
            CloseEvent::ImportEnded { well: true } if self == Self::TakingBack => {
                (Self::Open, vec![CloseEffect::Close])
            }
            CloseEvent::ImportEnded { well: false } if self == Self::TakingBack => (Self::Open, vec![]),
            CloseEvent::ImportEnded { .. } => (self, vec![]),
            CloseEvent::Interrupted if self == Self::Stopping => self.stop(now, true),
            CloseEvent::Interrupted | CloseEvent::StopAndQuit => self.stop(now, false),
            CloseEvent::StopAtOnce => self.stop(now, true),
            CloseEvent::Keep if self == Self::Asked => (Self::Open, vec![]),
            CloseEvent::Keep => (self, vec![]),
            CloseEvent::Quit => (Self::Leaving, vec![CloseEffect::Close]),
        }
    }

    fn requested(self, now: Situation) -> (Self, Vec<CloseEffect>) {
        if self == Self::Leaving || now.ended {
            return (Self::Leaving, vec![CloseEffect::Hide]);
        }
        let stopping = self == Self::Stopping;
        match (now.importing, now.running) {
            (true, _) => {
                (if stopping { self } else { Self::TakingBack }, vec![CloseEffect::CancelImport, CloseEffect::Stay])
            }
            (false, true) => (if stopping { self } else { Self::Asked }, vec![CloseEffect::Stay]),
            (false, false) => (Self::Leaving, vec![CloseEffect::Hide]),
        }
    }

    fn stop(self, now: Situation, at_once: bool) -> (Self, Vec<CloseEffect>) {
        if self == Self::Leaving {
            return (self, vec![]);
        }
        let mut steps = if now.importing { vec![CloseEffect::CancelImport] } else { vec![] };
        steps.push(CloseEffect::StopAll);
        if at_once {
            steps.push(CloseEffect::AbortAll);
        }
        (Self::Stopping, steps)
    }
}

#[cfg(test)]
mod tests {
    use super::CloseEffect::{AbortAll, CancelImport, Close, Hide, Stay, StopAll};
    use super::Closing::{Asked, Leaving, Open, Stopping, TakingBack};
    use super::*;

    const STATES: [Closing; 5] = [Open, TakingBack, Asked, Stopping, Leaving];
    const ENDED: CloseEvent = CloseEvent::ImportEnded { well: true };
    const TROUBLED: CloseEvent = CloseEvent::ImportEnded { well: false };
    const EVENTS: [CloseEvent; 9] = [
        CloseEvent::Requested,
        CloseEvent::Looked,
        ENDED,
        TROUBLED,
        CloseEvent::Interrupted,
        CloseEvent::Keep,
        CloseEvent::StopAndQuit,
        CloseEvent::StopAtOnce,
        CloseEvent::Quit,
    ];
    /// None stands for the state as it was.
    type Row = (&'static [Closing], CloseEvent, &'static str, Option<Closing>, &'static [CloseEffect]);

    /// In which states, what happens, how things stand (importing, running, ended; a dot stands for both), what follows.
    const TABLE: &[Row] = &[
        (&[Open, TakingBack, Asked], CloseEvent::Requested, "000", Some(Leaving), &[Hide]),
        (&[Open, TakingBack, Asked], CloseEvent::Requested, "010", Some(Asked), &[Stay]),
        (&[Open, TakingBack, Asked], CloseEvent::Requested, "1.0", Some(TakingBack), &[CancelImport, Stay]),
        (&[Open, TakingBack, Asked], CloseEvent::Requested, "..1", Some(Leaving), &[Hide]),
        (&[Stopping], CloseEvent::Requested, "000", Some(Leaving), &[Hide]),
        (&[Stopping], CloseEvent::Requested, "010", None, &[Stay]),
        (&[Stopping], CloseEvent::Requested, "1.0", None, &[CancelImport, Stay]),
        (&[Stopping], CloseEvent::Requested, "..1", Some(Leaving), &[Hide]),
        (&[Leaving], CloseEvent::Requested, "...", None, &[Hide]),
        (&[Stopping], CloseEvent::Looked, "000", Some(Leaving), &[Close]),
        (&[Stopping], CloseEvent::Looked, "..1", Some(Leaving), &[Close]),
        (&[Stopping], CloseEvent::Looked, "1.0", None, &[]),
        (&[Stopping], CloseEvent::Looked, "010", None, &[]),
        (&[Open, TakingBack, Asked, Leaving], CloseEvent::Looked, "...", None, &[]),
        (&[TakingBack], ENDED, "...", Some(Open), &[Close]),
        (&[TakingBack], TROUBLED, "...", Some(Open), &[]),
        (&[Open, Asked, Stopping, Leaving], ENDED, "...", None, &[]),
        (&[Open, Asked, Stopping, Leaving], TROUBLED, "...", None, &[]),
        (&[Open, TakingBack, Asked], CloseEvent::Interrupted, "0..", Some(Stopping), &[StopAll]),
        (&[Open, TakingBack, Asked], CloseEvent::Interrupted, "1..", Some(Stopping), &[CancelImport, StopAll]),
        (&[Stopping], CloseEvent::Interrupted, "0..", None, &[StopAll, AbortAll]),
        (&[Stopping], CloseEvent::Interrupted, "1..", None, &[CancelImport, StopAll, AbortAll]),
        (&[Open, TakingBack, Asked, Stopping], CloseEvent::StopAndQuit, "0..", Some(Stopping), &[StopAll]),
        (
            &[Open, TakingBack, Asked, Stopping],
            CloseEvent::StopAndQuit,
            "1..",
            Some(Stopping),
            &[CancelImport, StopAll],
        ),
        (&[Open, TakingBack, Asked, Stopping], CloseEvent::StopAtOnce, "0..", Some(Stopping), &[StopAll, AbortAll]),
        (
            &[Open, TakingBack, Asked, Stopping],
            CloseEvent::StopAtOnce,
            "1..",
            Some(Stopping),
            &[CancelImport, StopAll, AbortAll],
        ),
        (&[Leaving], CloseEvent::Interrupted, "...", None, &[]),
        (&[Leaving], CloseEvent::StopAndQuit, "...", None, &[]),
        (&[Leaving], CloseEvent::StopAtOnce, "...", None, &[]),
        (&[Asked], CloseEvent::Keep, "...", Some(Open), &[]),
        (&[Open, TakingBack, Stopping, Leaving], CloseEvent::Keep, "...", None, &[]),
        (&STATES, CloseEvent::Quit, "...", Some(Leaving), &[Close]),
    ];

    fn situations() -> impl Iterator<Item = (String, Situation)> {
        let all = (0..8).map(|bits| [bits & 4 > 0, bits & 2 > 0, bits & 1 > 0]);
        all.map(|[importing, running, ended]| {
            let name = [importing, running, ended].map(|on| if on { '1' } else { '0' }).iter().collect();
            (name, Situation { importing, running, ended })
        })
    }

    fn fits(pattern: &str, name: &str) -> bool {
        pattern.chars().zip(name.chars()).all(|(pattern, is)| pattern == '.' || pattern == is)
    }

    #[test]
    fn each_event_in_each_state_and_situation_is_in_the_table_once() {
        for (state, event) in STATES.into_iter().flat_map(|state| EVENTS.map(|event| (state, event))) {
            for (name, now) in situations() {
                let of = |row: &&Row| row.0.contains(&state) && row.1 == event && fits(row.2, &name);
                let rows: Vec<&Row> = TABLE.iter().filter(of).collect();
                let [row] = rows.as_slice() else { panic!("{state:?} {event:?} {name}: {} rows", rows.len()) };
                let expected = (row.3.unwrap_or(state), row.4.to_vec());
                assert_eq!(state.next(event, now), expected, "{state:?} {event:?} {name}");
            }
        }
    }

    #[test]
    fn whatever_happened_before_a_window_in_which_nothing_runs_closes_when_it_is_asked_to() {
        for state in STATES {
            let (after, steps) = state.next(CloseEvent::Requested, Situation::default());
            assert_eq!((after, steps.as_slice()), (Leaving, &[Hide][..]), "{state:?}");
        }
    }
}
