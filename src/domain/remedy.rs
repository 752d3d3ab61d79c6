//! What a person can do about a failure with one button. Pure; the wording beside it is [`super::wording`]'s.

use super::failure::{Cause, Failure, Side};
use super::sign_in::SignInKind;

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Tries it again now: a server that could not be reached, a mailbox that was full.
    TryNow,
    /// Takes another password for whoever logs in at this side.
    CorrectLogin(Side),
    /// Lets the person whose mailbox it is sign in at this side.
    SignIn(Side),
    /// Says anew how the project is signed in to at this side.
    CorrectSignIn(Side),
    /// Trusts exactly the certificate that the server of this side shows.
    PinCertificate(Side),
    /// Gives a folder another name at the destination.
    MapFolder,
}

/// Where another host may be the cure, beside what [`remedy`] says: it was mistyped, or something else answers there.
pub fn host_in_doubt(failure: &Failure, side: Option<Side>) -> Option<Side> {
    side.filter(|_| matches!(failure.cause, Cause::Unreachable | Cause::TlsFailed | Cause::Nonsense | Cause::NoImap))
}

/// The remedy for a failure, where there is one. `sign_in` is how its side is signed in to, if not by password.
pub fn remedy(failure: &Failure, side: Option<Side>, sign_in: Option<SignInKind>) -> Option<Remedy> {
    match (failure.cause, side) {
        // Nobody but a person knows when there is room.
        (Cause::Unreachable | Cause::DestinationFull, _) => Some(Remedy::TryNow),
        (cause, Some(side)) if is_of_the_login(cause) => of_the_login(cause, side, sign_in),
        (Cause::CertificateNotTrusted, Some(side)) => Some(Remedy::PinCertificate(side)),
        (Cause::FolderRefused, Some(Side::Destination)) => Some(Remedy::MapFolder),
        _ => None,
    }
}

fn is_of_the_login(cause: Cause) -> bool {
    use Cause::{
        AdministratorLoginHeld, AdministratorLoginRefused, CredentialMissing, LoginRefused, SignInEnded, SignInHeld,
        SignInRefused, TokenRefused, TokenUnfit,
    };
    let by_password = matches!(cause, LoginRefused | AdministratorLoginRefused | AdministratorLoginHeld);
    let by_token = matches!(cause, SignInRefused | SignInHeld | TokenUnfit | SignInEnded | TokenRefused);
    by_password || by_token || cause == CredentialMissing
}

/// Where tokens are taken a password would be kept for nothing.
fn of_the_login(cause: Cause, side: Side, sign_in: Option<SignInKind>) -> Option<Remedy> {
    let of_the_project = matches!(cause, Cause::SignInRefused | Cause::SignInHeld);
    match sign_in.map(SignInKind::is_app) {
        None if of_the_project => None,
        None if matches!(cause, Cause::TokenUnfit | Cause::SignInEnded | Cause::TokenRefused) => None,
        None => Some(Remedy::CorrectLogin(side)),
        Some(_) if of_the_project => Some(Remedy::CorrectSignIn(side)),
        Some(false) => Some(Remedy::SignIn(side)),
        Some(true) if matches!(cause, Cause::TokenUnfit | Cause::CredentialMissing) => {
            Some(Remedy::CorrectSignIn(side))
        }
        Some(true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Retry, Scope};

    #[test]
    fn e8_what_a_person_can_cure_has_its_remedy_on_its_side() {
        let of = |cause, side| remedy(&Failure::new(cause, Scope::Mailbox, Retry::User, "doing"), side, None);
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

    #[test]
    fn where_tokens_are_taken_nobody_is_asked_for_a_password() {
        let of = |cause, kind| {
            let failure = Failure::new(cause, Scope::Mailbox, Retry::User, "doing");
            assert_eq!(remedy(&failure, None, Some(kind)), None);
            remedy(&failure, Some(Side::Source), Some(kind))
        };
        let (person, project) = (Some(Remedy::SignIn(Side::Source)), Some(Remedy::CorrectSignIn(Side::Source)));
        for kind in SignInKind::ALL {
            let is_app = kind.is_app();
            for cause in [Cause::SignInEnded, Cause::TokenRefused, Cause::LoginRefused] {
                assert_eq!(of(cause, kind), person.filter(|_| !is_app), "{cause:?} {kind:?}");
            }
            for cause in [Cause::CredentialMissing, Cause::TokenUnfit] {
                assert_eq!(of(cause, kind), if is_app { project } else { person }, "{cause:?} {kind:?}");
            }
            for cause in [Cause::SignInRefused, Cause::SignInHeld] {
                assert_eq!(of(cause, kind), project, "{cause:?} {kind:?}");
            }
        }
    }
}
