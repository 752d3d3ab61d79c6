//! How full a mailbox is, in words.

use super::{counted, size};
use crate::domain::failure::Room;

/// "12 messages still to copy (3.20 GB), 40.00 MB free of 5.00 GB".
pub(super) fn room(room: &Room) -> String {
    let Room { used, limit, messages, bytes } = *room;
    let free = format!("{} free of {}", size(limit.saturating_sub(used)), size(limit));
    let Some(messages) = messages else { return free };
    let messages = counted(usize::try_from(messages).unwrap_or(usize::MAX), "message");
    let large = bytes.map_or_else(String::new, |bytes| format!(" ({})", size(bytes)));
    format!("{messages} still to copy{large}, {free}")
}
