//! Why a certificate is not trusted, in words: the library names most reasons by their identifiers in its code.

use rustls::{CertificateError, Error, OtherError};

/// The error for people: what other errors wrap is shown by its own words.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(reason) => certificate(reason),
        Error::General(text) => text.clone(),
        other => other.to_string(),
    }
}

fn certificate(reason: &CertificateError) -> String {
    use CertificateError as Reason;
    let words = match reason {
        Reason::UnknownIssuer => "nobody whom this computer trusts has issued the certificate",
        Reason::Expired | Reason::ExpiredContext { .. } => "the certificate has expired",
        Reason::NotValidYet | Reason::NotValidYetContext { .. } => "the certificate is not valid yet",
        Reason::NotValidForName => "the certificate was made for another name",
        Reason::NotValidForNameContext { presented, .. } => {
            let others: Vec<&str> = presented.iter().map(|name| quoted(name)).take(3).collect();
            return format!("the certificate was made for another name: {}", others.join(", "));
        }
        Reason::Revoked => "the certificate was revoked",
        Reason::BadSignature => "the signature of the certificate is wrong",
        Reason::BadEncoding => "the certificate cannot be read",
        Reason::InvalidPurpose | Reason::InvalidPurposeContext { .. } => "the certificate is not meant for servers",
        Reason::Other(OtherError(inner)) => match inner.to_string().as_str() {
            "CaUsedAsEndEntity" => "it is that of an authority, for issuing others, and not one for a server",
            text => return spaced(text),
        },
        other => return format!("the certificate is not accepted: {}", spaced(&format!("{other:?}"))),
    };
    words.to_owned()
}

/// What stands between quotes in the library's own form of a name, `DnsName("mail.example")`.
fn quoted(name: &str) -> &str {
    name.split_once('"').and_then(|(_, rest)| rest.split_once('"')).map_or(name, |(name, _)| name)
}

/// An identifier as words: "UnsupportedCertVersion" becomes "unsupported cert version". A text with blanks is one already.
fn spaced(text: &str) -> String {
    if text.contains(char::is_whitespace) {
        return text.to_owned();
    }
    let mut words = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Named(&'static str);

    #[test]
    fn no_reason_reads_like_code() {
        let other = |name| CertificateError::Other(OtherError(Arc::new(Named(name))));
        let said = |reason| words(&Error::InvalidCertificate(reason));
        assert!(said(other("CaUsedAsEndEntity")).contains("that of an authority, for issuing others"));
        assert_eq!(said(other("UnsupportedCertVersion")), "unsupported cert version");
        assert_eq!(said(other("it is not the pinned certificate")), "it is not the pinned certificate");
        assert!(said(CertificateError::UnknownIssuer).contains("issued"));
        let other = rustls::pki_types::ServerName::try_from("a.example").unwrap();
        let presented = vec![r#"DnsName("b.example")"#.to_owned(), "10.0.0.1".into()];
        let name = said(CertificateError::NotValidForNameContext { expected: other, presented });
        assert_eq!(name, "the certificate was made for another name: b.example, 10.0.0.1");
        let unknown = said(CertificateError::UnhandledCriticalExtension);
        assert_eq!(unknown, "the certificate is not accepted: unhandled critical extension");
    }
}
