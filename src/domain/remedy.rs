//! What a person can do about a failure with one button. Pure; the wording beside it is [`super::wording`]'s.

use super::failure::{Cause, Failure, Side};
use super::notice::NoticeKind;
use super::overrides::OptionKey;
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
    /// Says anew where the server is, how it is reached, and who logs in there.
    ProjectSettings,
    /// Sets this option otherwise.
    Option(OptionKey),
}

/// Where another host may be the cure, beside what [`remedy`] says: it was mistyped, or something else answers there.
pub fn host_in_doubt(failure: &Failure, side: Option<Side>) -> Option<Side> {
    let of_tls = matches!(failure.cause, Cause::TlsFailed | Cause::NotTls | Cause::CertificateOfAnother);
    let is_it = of_tls || failure.cause.is_out_of_reach() || matches!(failure.cause, Cause::Nonsense | Cause::NoImap);
    side.filter(|_| is_it)
}

/// The remedy for a failure, where there is one. `sign_in` is how its side is signed in to, if not by password.
pub fn remedy(failure: &Failure, side: Option<Side>, sign_in: Option<SignInKind>) -> Option<Remedy> {
    match (failure.cause, side) {
        // Nobody but a person knows when there is room.
        (Cause::DestinationFull, _) => Some(Remedy::TryNow),
        (cause, _) if cause.is_out_of_reach() => Some(Remedy::TryNow),
        (cause, Some(side)) if is_of_the_login(cause) => of_the_login(cause, side, sign_in),
        (cause, Some(side)) if cause.is_of_the_certificate() => Some(Remedy::PinCertificate(side)),
        (Cause::FolderRefused, Some(Side::Destination)) => Some(Remedy::MapFolder),
        (Cause::NoPasswords | Cause::MaildirNotOpened | Cause::AdministratorStays, _) => Some(Remedy::ProjectSettings),
        (cause, side) => of_an_option(cause, side).map(Remedy::Option),
    }
}

/// The option that cures a failure.
fn of_an_option(cause: Cause, side: Option<Side>) -> Option<OptionKey> {
    match (cause, side) {
        (Cause::TooManyErrors, _) => Some(OptionKey::MaximumErrors),
        (Cause::MessageMalformed, _) => Some(OptionKey::CleanMalformed),
        (Cause::OutsideHours, Some(Side::Source)) => Some(OptionKey::SourceHours),
        (Cause::OutsideHours, Some(Side::Destination)) => Some(OptionKey::DestinationHours),
        _ => None,
    }
}

/// The option by which the next pass would do otherwise what a notice tells of.
pub fn option_for(notice: NoticeKind) -> Option<OptionKey> {
    (notice == NoticeKind::OtherLabels).then_some(OptionKey::AllLabels)
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
        for cause in [Cause::NoPasswords, Cause::MaildirNotOpened, Cause::AdministratorStays] {
            assert_eq!(of(cause, Some(Side::Source)), Some(Remedy::ProjectSettings), "{cause:?}");
        }
    }

    #[test]
    fn e8_what_an_option_cures_names_it() {
        let of = |cause, side| remedy(&Failure::new(cause, Scope::Mailbox, Retry::User, "doing"), side, None);
        let cures = [
            (Cause::TooManyErrors, None, OptionKey::MaximumErrors),
            (Cause::MessageMalformed, Some(Side::Destination), OptionKey::CleanMalformed),
            (Cause::OutsideHours, Some(Side::Source), OptionKey::SourceHours),
            (Cause::OutsideHours, Some(Side::Destination), OptionKey::DestinationHours),
        ];
        for (cause, side, key) in cures {
            assert_eq!(of(cause, side), Some(Remedy::Option(key)), "{cause:?}");
            assert!(key.is_of_items(), "an item may have its own");
        }
        assert_eq!(option_for(NoticeKind::OtherLabels), Some(OptionKey::AllLabels));
        assert_eq!(option_for(NoticeKind::Cleaned), None);
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
