//! Flags that a destination does not take: a message goes without them before it stays behind, and what was not kept is named.

use crate::domain::failure::{Cause, Failure, Scope, Side};
use crate::domain::flags::Flags;
use crate::domain::ids::Uid;
use crate::endpoint::{Destination, Which};
use crate::pass::flight::Outgoing;
use crate::pass::job::Job;
use crate::pass::landed::Without;
use crate::pass::writer::AppendWriter;
use crate::pass::{PassResult, PassStop, SideFailure};

/// How many of a message's flags are sent with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SentFlags {
    /// All that the folder says it takes.
    #[default]
    All,
    /// No keywords.
    System,
    /// None.
    Nothing,
}

impl SentFlags {
    /// Those of these.
    pub fn of(self, flags: &Flags) -> Flags {
        match self {
            Self::All => flags.clone(),
            Self::System => flags.without_keywords(),
            Self::Nothing => Flags::none(),
        }
    }

    /// The next plainer form of a message with these flags; none if there is none.
    fn plainer(self, flags: &Flags) -> Option<Self> {
        match self {
            Self::All if flags.has_keywords() => Some(Self::System),
            Self::All | Self::System if !flags.is_empty() => Some(Self::Nothing),
            Self::All | Self::System | Self::Nothing => None,
        }
    }
}

/// A copy with flags of which the folder did not say that it keeps them.
pub(super) struct Tried {
    pub source: Uid,
    pub at: Uid,
    pub flags: Flags,
}

/// Whether a message may have been refused for its flags.
fn may_be_for_flags(sent: SentFlags, flags: &Flags, failure: &Failure) -> bool {
    let text = failure.server_text.as_deref().unwrap_or_default().to_ascii_lowercase();
    let named = ["flag", "keyword", "label"].iter().any(|word| text.contains(word));
    failure.cause == Cause::MessageRefused && (flags.has_keywords() || sent == SentFlags::System || named)
}

impl AppendWriter<'_> {
    /// Makes the form of a message plainer that was refused, if its flags may be the reason. Whether it is to go again.
    pub(super) fn without_some_flags(job: &Job, message: &mut Outgoing, failure: &Failure) -> bool {
        let flags = message.flags.allowed_by(&job.plan.permanent);
        let plainer = message.marks.plainer(&flags).filter(|_| may_be_for_flags(message.marks, &flags, failure));
        message.marks = plainer.unwrap_or(message.marks);
        plainer.is_some()
    }

    /// Looks which flags copies have whose folder did not say that it keeps them; those that it did not keep are named.
    pub(super) async fn look_at_flags(&mut self, to: &mut dyn Destination, job: &Job) -> PassResult<()> {
        let tried = self.tried.remove(&job.id).unwrap_or_default();
        if tried.is_empty() {
            return Ok(());
        }
        let which = Which::These(tried.iter().map(|one| one.at).collect());
        let seen = match to.scan(&job.plan.destination, &which, false).await {
            Ok(seen) => seen,
            Err(failure) if failure.scope <= Scope::Folder => {
                tracing::warn!(folder = %job.path, %failure, "flags of copies not looked at");
                return Ok(());
            }
            Err(failure) => return Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure })),
        };
        let notes = self.notes.entry(job.id).or_default();
        for one in tried {
            let kept = seen.iter().find(|message| message.uid == one.at).and_then(|message| message.flags.clone());
            if let Some(kept) = kept {
                notes.flagged(one.source, &one.flags.without_keywords(), &kept);
                self.pass.landed_without(job.id, one.source, Without { flags: true, date: false });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::Retry;

    #[test]
    fn a_message_goes_without_keywords_then_without_flags() {
        let failure = |text: &str| Failure::new(Cause::MessageRefused, Scope::Message, Retry::Never, "").saying(text);
        let forms = |names: &[&str], text: &str| {
            let flags = Flags::from_names(names.iter().copied());
            let mut sent = SentFlags::All;
            let mut forms = Vec::new();
            while let Some(next) = sent.plainer(&flags).filter(|_| may_be_for_flags(sent, &flags, &failure(text))) {
                forms.push(next.of(&flags).to_string());
                sent = next;
            }
            forms
        };
        assert_eq!(forms(&[r"\Seen", "$Label1"], "no"), [r"\Seen", ""]);
        assert_eq!(forms(&["$Label1"], "no"), ["", ""]);
        assert_eq!(forms(&[r"\Seen"], "invalid flag"), [""]);
        assert_eq!(forms(&[r"\Seen"], "contains a virus"), Vec::<String>::new());
        assert_eq!(forms(&[], "invalid flag"), Vec::<String>::new());
    }
}
