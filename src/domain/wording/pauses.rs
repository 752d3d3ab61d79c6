//! Why a pass pauses, in one line.

use super::{TextNames, count, text};
use crate::domain::failure::Cause;
use crate::domain::progress::RetryState;
use crate::domain::provider::MailProvider;

/// Why a pass pauses, in one line: the side and its server, what was being done, the server's words. Of a pause that is no try,
/// what it is.
pub fn pausing(retry: &RetryState) -> String {
    let headline = || text(&retry.failure, retry.side, &TextNames::default()).headline;
    if matches!(retry.failure.cause, Cause::Settling | Cause::OutsideHours | Cause::OwnNetwork) {
        return headline();
    }
    let host = retry.failure.other.as_deref();
    if retry.is_no_try() {
        let parts = [Some(headline()), host.map(str::to_owned), daily_limit(retry), retry.failure.server_text.clone()];
        return parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    }
    match (retry.side, host) {
        (Some(side), Some(host)) => format!("{} {host}: {}", side.word(), retry.failure),
        (Some(side), None) => format!("{}: {}", side.word(), retry.failure),
        (None, _) => retry.failure.to_string(),
    }
}

/// What is known of the limit that was reached, where its provider is known.
pub fn daily_limit(retry: &RetryState) -> Option<String> {
    let (side, host) = retry.side.zip(retry.failure.other.as_deref())?;
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let limited = retry.failure.cause == Cause::ProviderLimit;
    MailProvider::of_host(host).filter(|_| limited)?.daily_limit(side)
}

/// How many others wait for the same server: "7 others wait for this server"; none if nobody does.
pub fn others_wait(others: usize) -> Option<String> {
    match others {
        0 => None,
        1 => Some("1 other waits for this server".to_owned()),
        more => Some(format!("{} others wait for this server", count(more as u64))),
    }
}

/// A pause that is no try, in a few words: "Paused by the provider".
pub fn paused(retry: &RetryState) -> &'static str {
    match retry.failure.cause {
        Cause::OutsideHours => "Outside run hours",
        Cause::OwnNetwork => "Connecting anew, waits",
        Cause::ProviderLimit => "Paused by the provider",
        Cause::TooManyConnections => "Waits for a free connection",
        _ => "Paused",
    }
}
