//! The form for a new hybrid project, and the fields that its settings have too.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::domain::hybrid::attributes::{Attributes, TABLE, ValueKind};
use crate::domain::ids::PoolId;
use crate::domain::project::name_problem;
use crate::domain::secret::Secret;
use crate::domain::sign_in::Cloud;
use crate::service::client::RequestId;
use crate::service::hybrid::{HybridSettings, NewHybrid};

/// An attribute that is set at finalization, as it is typed; empty is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeField {
    /// What people call it.
    pub key: &'static str,
    /// What it takes.
    pub kind: ValueKind,
    /// What was typed or chosen.
    pub value: String,
}

/// What can be changed of a project's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridFields {
    /// The migration endpoint.
    pub endpoint: String,
    /// The tenant's own domain.
    pub target_domain: String,
    /// The Microsoft license.
    pub sku: String,
    /// Where users work who have no location of their own.
    pub location: String,
    /// The Advanced Options.
    pub attributes: Vec<AttributeField>,
    base: HybridSettings,
}

impl HybridFields {
    /// The settings of a project as fields.
    pub fn of(settings: HybridSettings) -> Self {
        let value = |key| {
            let mut rows = settings.attributes.rows();
            rows.find(|(row, _)| row.key == key).map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        let field = |row: &crate::domain::hybrid::attributes::Attribute| AttributeField {
            key: row.key,
            kind: row.kind,
            value: value(row.key),
        };
        Self {
            endpoint: settings.endpoint.clone(),
            target_domain: settings.target_domain.clone(),
            sku: settings.sku.clone(),
            location: settings.location.clone(),
            attributes: TABLE.iter().map(field).collect(),
            base: settings,
        }
    }

    /// The settings as they are typed.
    ///
    /// # Errors
    /// The first that cannot be used, for people.
    pub fn settings(&self) -> Result<HybridSettings, String> {
        let mut attributes = Attributes::default();
        for field in self.attributes.iter().filter(|field| !field.value.trim().is_empty()) {
            attributes.set(&format!("{}={}", field.key, field.value.trim())).map_err(|error| error.to_string())?;
        }
        let settings = HybridSettings {
            endpoint: self.endpoint.trim().to_owned(),
            target_domain: self.target_domain.trim().to_owned(),
            sku: self.sku.trim().to_owned(),
            location: self.location.trim().to_ascii_uppercase(),
            attributes,
            ..self.base.clone()
        };
        settings.validate().map_err(|error| error.to_string())?;
        Ok(settings)
    }
}

/// The form for a new hybrid project. It holds a secret: no `Debug`.
#[derive(Clone)]
pub struct HybridForm {
    /// Its name.
    pub name: String,
    /// Which of Microsoft's clouds.
    pub cloud: Cloud,
    /// The tenant, its id or one of its domains.
    pub tenant: String,
    /// The number of the application.
    pub client_id: String,
    /// It proves itself by a certificate, not by a secret.
    pub by_certificate: bool,
    /// Its secret.
    pub secret: Zeroizing<String>,
    /// The file with its certificate and key.
    pub file: String,
    /// Everything else.
    pub fields: HybridFields,
    /// The pools that it may choose among; none while licenses are not worth a word.
    pub pools: Vec<(PoolId, String)>,
    /// The pool that was chosen.
    pub pool: PoolId,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Why it was not made.
    pub refused: Option<String>,
    /// The question that makes it.
    pub asked: Option<RequestId>,
}

impl Default for HybridForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            cloud: Cloud::Global,
            tenant: String::new(),
            client_id: String::new(),
            by_certificate: false,
            secret: Zeroizing::default(),
            file: String::new(),
            fields: HybridFields::of(HybridSettings::default()),
            pools: Vec::new(),
            pool: PoolId::FIRST,
            entered: false,
            refused: None,
            asked: None,
        }
    }
}

impl HybridForm {
    /// The project it makes.
    ///
    /// # Errors
    /// The first thing that is missing or wrong, for people.
    pub fn ask(&self) -> Result<NewHybrid, String> {
        let name = self.name.trim().to_owned();
        if name_problem(&name).is_some() {
            return Err("Enter a name: 1 to 200 characters".into());
        }
        let mut fields = self.fields.clone();
        let sign_in = &mut fields.base.sign_in;
        (sign_in.cloud, sign_in.tenant) = (self.cloud, self.tenant.trim().to_owned());
        self.client_id.trim().clone_into(&mut sign_in.client_id);
        let settings = fields.settings()?;
        let (secret, key_file) = match (self.by_certificate, self.file.trim()) {
            (true, "") => return Err("Name the file with the application's certificate and key".into()),
            (true, file) => (None, Some(PathBuf::from(file))),
            (false, _) if self.secret.trim().is_empty() => return Err("Enter the application's client secret".into()),
            (false, _) => (Some(Secret::new(self.secret.trim())), None),
        };
        Ok(NewHybrid { name, settings, pool: self.pool, secret, key_file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_project_is_asked_for_when_nothing_is_wrong() {
        let mut form = HybridForm::default();
        let why = |form: &HybridForm| form.ask().unwrap_err();
        assert!(why(&form).starts_with("Enter a name"));
        form.name = " Contoso ".into();
        assert!(why(&form).starts_with("sign-in: "), "{}", why(&form));
        (form.tenant, form.client_id) =
            ("contoso.onmicrosoft.com".into(), "11112222-3333-4444-5555-666677778888".into());
        assert!(why(&form).starts_with("endpoint: "), "{}", why(&form));
        form.fields.endpoint = "OnPrem".into();
        assert!(why(&form).starts_with("target domain: "), "{}", why(&form));
        form.fields.target_domain = "contoso.mail.onmicrosoft.com".into();
        assert_eq!(why(&form), "Enter the application's client secret");
        form.secret = "hush".to_owned().into();
        form.fields.location = "de".into();
        let quota = form.fields.attributes.iter_mut().find(|field| field.key == "quota").unwrap();
        quota.value = "much".into();
        assert!(why(&form).starts_with("attribute quota: "), "{}", why(&form));
        form.fields.attributes.iter_mut().find(|field| field.key == "quota").unwrap().value = "50GB".into();
        let new = form.ask().unwrap();
        assert_eq!((new.name.as_str(), new.settings.location.as_str()), ("Contoso", "DE"));
        assert!(new.secret.is_some() && new.key_file.is_none());
        assert_eq!(
            new.settings.attributes.rows().map(|(row, value)| (row.key, value)).collect::<Vec<_>>(),
            [("quota", "50GB")]
        );
        form.by_certificate = true;
        assert!(why(&form).starts_with("Name the file"));
        let again = HybridFields::of(new.settings.clone());
        assert_eq!(again.settings(), Ok(new.settings));
    }
}
