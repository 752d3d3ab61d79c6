//! How one side of a project is signed in to, as it was typed.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::sign_in::{SignIn, SignInField, SignInKind};
use crate::domain::wording::capital;

/// What was typed. The fields of other ways keep it and count for nothing.
#[derive(Clone, Default)]
pub struct SignInFields {
    /// The way; none: by password.
    pub kind: Option<SignInKind>,
    /// Tenant, client, addresses, scope.
    pub typed: SignIn,
    /// An application proves itself by a certificate, not by a client secret.
    pub by_certificate: bool,
    /// The client secret.
    pub secret: Zeroizing<String>,
    /// The file with the certificate, or with the key of a service account.
    pub file: String,
    /// The way of the server as it is: its secret need not be given again.
    known: Option<SignIn>,
}

/// What is wrong with it; no entry, no fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInFaults {
    /// With a field.
    pub field: Option<(SignInField, String)>,
    /// With the secret, or its file.
    pub secret: Option<String>,
}

impl SignInFaults {
    /// What is wrong with this field.
    pub fn of(&self, field: SignInField) -> Option<&str> {
        self.field.as_ref().filter(|(wrong, _)| *wrong == field).map(|(_, why)| why.as_str())
    }
}

impl SignInFields {
    /// Of a server as it is.
    pub fn of(server: &Server) -> Self {
        let known = server.sign_in().cloned();
        let kind = known.as_ref().map(|sign_in| sign_in.kind);
        Self { kind, typed: known.clone().unwrap_or_default(), known, ..Self::default() }
    }

    /// Whether it takes a file: a certificate with its key, or the key of a service account.
    pub fn takes_file(&self) -> bool {
        match self.kind {
            Some(SignInKind::GoogleService) => true,
            Some(SignInKind::MicrosoftApp | SignInKind::CustomApp) => self.by_certificate,
            Some(SignInKind::Microsoft | SignInKind::Google | SignInKind::Custom) | None => false,
        }
    }

    /// The way with the fields that belong to it.
    pub fn sign_in(&self) -> Option<SignIn> {
        use SignInKind::{Custom, CustomApp, GoogleService, Microsoft, MicrosoftApp};
        let kind = self.kind?;
        let typed = &self.typed;
        let own = |belongs: bool, text: &str| if belongs { text.trim().to_owned() } else { String::new() };
        let (microsoft, custom) = (matches!(kind, MicrosoftApp | Microsoft), matches!(kind, CustomApp | Custom));
        // Addresses that the command line named for another kind are not shown here, and stay.
        let same = self.known.as_ref().is_some_and(|known| known.kind == kind);
        Some(SignIn {
            kind,
            cloud: if microsoft { typed.cloud } else { Default::default() },
            tenant: own(microsoft, &typed.tenant),
            client_id: own(kind != GoogleService, &typed.client_id),
            token_url: own(custom || same, &typed.token_url),
            authorize_url: own(kind == Custom || same, &typed.authorize_url),
            device_url: own(kind == Custom || same, &typed.device_url),
            scope: own(custom || same, &typed.scope),
        })
    }

    /// Whether the secret that the project has is this one's.
    pub fn is_known(&self) -> bool {
        match (self.sign_in(), &self.known) {
            (Some(now), Some(then)) => {
                (now.kind, &now.client_id, now.token_url()) == (then.kind, &then.client_id, then.token_url())
            }
            _ => false,
        }
    }

    /// What is wrong with it.
    pub fn faults(&self) -> SignInFaults {
        let Some(sign_in) = self.sign_in() else { return SignInFaults::default() };
        let field = sign_in.validate().err().map(|problem| (problem.field, capital(problem.reason)));
        let (what, optional) = sign_in.kind.secret();
        let given = if self.takes_file() { !self.file.trim().is_empty() } else { !self.secret.trim().is_empty() };
        let missing = match (given, optional || self.is_known()) {
            (true, _) | (false, true) => None,
            (false, false) if self.takes_file() => Some("Name the file".to_owned()),
            (false, false) => Some(format!("Enter the {what}")),
        };
        SignInFaults { field, secret: missing }
    }

    /// The secret that was typed, or the file that holds it.
    pub fn secret(&self) -> (Option<Secret>, Option<PathBuf>) {
        match self.kind {
            None => (None, None),
            Some(_) if self.takes_file() => {
                (None, Some(self.file.trim()).filter(|file| !file.is_empty()).map(PathBuf::from))
            }
            Some(_) => (Some(self.secret.trim()).filter(|text| !text.is_empty()).map(Secret::new), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "11112222-3333-4444-5555-666677778888";

    fn fields(kind: SignInKind) -> SignInFields {
        let typed = SignIn { tenant: " contoso.com ".into(), client_id: CLIENT.into(), ..SignIn::of(kind) };
        SignInFields { kind: Some(kind), typed, ..SignInFields::default() }
    }

    #[test]
    fn only_the_fields_of_its_way_count_and_the_first_fault_is_told() {
        let app = fields(SignInKind::MicrosoftApp);
        assert_eq!(app.sign_in().map(|sign_in| sign_in.tenant), Some("contoso.com".into()));
        assert_eq!(app.faults().secret.as_deref(), Some("Enter the client secret"));
        let certified = SignInFields { by_certificate: true, ..app };
        assert_eq!(certified.faults().secret.as_deref(), Some("Name the file"));
        let service = fields(SignInKind::GoogleService);
        assert_eq!(service.faults().field, None, "tenant and client of another way say nothing");
        let person = fields(SignInKind::Microsoft);
        assert_eq!(person.faults(), SignInFaults::default(), "a public client has no secret");
        let custom = fields(SignInKind::CustomApp);
        assert!(custom.faults().of(SignInField::TokenUrl).is_some_and(|why| why.starts_with("It must be named")));
        assert_eq!(SignInFields::default().faults(), SignInFaults::default());
    }

    #[test]
    fn a_secret_that_is_known_need_not_be_given_again_unless_it_is_anothers() {
        let mut server = Server::parse_url("imaps://a.example").expect("an address");
        server.set_sign_in(fields(SignInKind::MicrosoftApp).sign_in()).expect("a server");
        let mut same = SignInFields::of(&server);
        assert!(same.is_known() && same.faults() == SignInFaults::default() && same.secret() == (None, None));
        same.secret = "new".to_owned().into();
        assert_eq!(same.secret().0, Some(Secret::new("new")));
        same.secret = Zeroizing::default();
        same.typed.client_id = CLIENT.replace('1', "2");
        assert!(!same.is_known() && same.faults().secret.is_some());
        let mut file = SignInFields::of(&server);
        (file.by_certificate, file.file) = (true, " /tmp/x.pem ".into());
        assert_eq!(file.secret(), (None, Some(PathBuf::from("/tmp/x.pem"))));
    }
}
