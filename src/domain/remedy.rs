//! What a person can do about a failure with one button. Pure; the wording beside it is [`super::wording`]'s.

use super::failure::{Cause, Failure, Side};

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Tries it again now: a server that could not be reached, a mailbox that was full.
    TryNow,
    /// Takes another password for whoever logs in at this side.
    CorrectLogin(Side),
    /// Trusts exactly the certificate that the server of this side shows.
    PinCertificate(Side),
    /// Gives a folder another name at the destination.
    MapFolder,
}

/// Where another host may be the cure, beside what [`remedy`] says: it was mistyped, or something else answers there.
pub fn host_in_doubt(failure: &Failure, side: Option<Side>) -> Option<Side> {
    side.filter(|_| matches!(failure.cause, Cause::Unreachable | Cause::TlsFailed | Cause::Nonsense))
}

/// The remedy for a failure, where there is one.
pub fn remedy(failure: &Failure, side: Option<Side>) -> Option<Remedy> {
    match (failure.cause, side) {
        // Nobody but a person knows when there is room.
        (Cause::Unreachable | Cause::DestinationFull, _) => Some(Remedy::TryNow),
        (
            Cause::LoginRefused
            | Cause::AdministratorLoginRefused
            | Cause::AdministratorLoginHeld
            | Cause::CredentialMissing,
            Some(side),
        ) => Some(Remedy::CorrectLogin(side)),
        (Cause::CertificateNotTrusted, Some(side)) => Some(Remedy::PinCertificate(side)),
        (Cause::FolderRefused, Some(Side::Destination)) => Some(Remedy::MapFolder),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Retry, Scope};

    #[test]
    fn e8_what_a_person_can_cure_has_its_remedy_on_its_side() {
        let of = |cause, side| remedy(&Failure::new(cause, Scope::Mailbox, Retry::User, "doing"), side);
        for side in [Side::Source, Side::Destination] {
            assert_eq!(of(Cause::LoginRefused, Some(side)), Some(Remedy::CorrectLogin(side)));
            assert_eq!(of(Cause::AdministratorLoginHeld, Some(side)), Some(Remedy::CorrectLogin(side)));
            assert_eq!(of(Cause::CertificateNotTrusted, Some(side)), Some(Remedy::PinCertificate(side)));
            assert_eq!(of(Cause::Unreachable, Some(side)), Some(Remedy::TryNow));
            assert_eq!(of(Cause::DestinationFull, Some(side)), Some(Remedy::TryNow));
        }
        let doubted = |cause, side| host_in_doubt(&Failure::new(cause, Scope::Endpoint, Retry::User, "doing"), side);
        assert_eq!(doubted(Cause::Unreachable, Some(Side::Destination)), Some(Side::Destination));
        assert_eq!(doubted(Cause::LoginRefused, Some(Side::Source)), None);
        assert_eq!(of(Cause::FolderRefused, Some(Side::Destination)), Some(Remedy::MapFolder));
        assert_eq!(of(Cause::FolderRefused, Some(Side::Source)), None);
        assert_eq!(of(Cause::MessageRefused, Some(Side::Destination)), None);
    }
}
