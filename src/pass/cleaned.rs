//! The cleaned form of a message that the destination calls malformed: sent where the options say so, never else, and named.
//!
//! It must have the name of the original, or it would not be known again. Messages that are too large for memory are not
//! cleaned.

use ::bytes::Bytes;

use crate::domain::cleaning::cleaned;
use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::message::Body;
use crate::pass::flight::Outgoing;
use crate::pass::resolve::spool_failed;
use crate::pass::writer::AppendWriter;
use crate::pass::{PassResult, PassStop, SideFailure, bytes};

impl AppendWriter<'_> {
    /// What is to be sent in place of a message that was refused; none where nothing is.
    pub(super) fn cleaned_form(&self, message: &Outgoing, failure: &Failure) -> PassResult<Option<Outgoing>> {
        let wanted = failure.cause == Cause::MessageMalformed && self.pass.order.options.clean_malformed;
        let Body::Memory(original) = &message.body else { return Ok(None) };
        if !wanted || message.cleaned.is_some() {
            return Ok(None);
        }
        let Some(clean) = cleaned(original) else { return Ok(None) };
        let body = Body::Memory(Bytes::from(clean));
        let spool = |error| PassStop::Fatal(SideFailure { side: Side::Source, failure: spool_failed(&error) });
        if bytes::identity(&body).map_err(spool)? != message.identity {
            return Ok(None);
        }
        let cleaned = Some(bytes::content(&body).map_err(spool)?);
        Ok(Some(Outgoing { cleaned, body, ..message.clone() }))
    }
}
