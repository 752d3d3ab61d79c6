//! What a person is shown of a certificate before trusting exactly that one: fingerprint, whose it is, who says so, until when.
//!
//! Reads as much of X.509 (DER) as that takes, and checks nothing: trust comes from the fingerprint alone.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use super::instant::days_since_1970;
use super::time::Timestamp;

/// A certificate that a server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCertificate {
    /// SHA-256 of all its bytes.
    pub fingerprint: [u8; 32],
    /// Whose it says to be; empty where it cannot be read.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The last day on which it is valid: `2027-03-01`.
    pub expires: String,
}

impl SeenCertificate {
    /// Of its bytes. What cannot be read stays empty.
    pub fn read(der: &[u8], fingerprint: [u8; 32]) -> Self {
        let (issuer, expires, subject) = fields(der).unwrap_or_default();
        Self { fingerprint, subject, issuer, expires }
    }

    /// Whole days until it ends, fewer than none after that; none where its last day cannot be read.
    pub fn days_left(&self, now: Timestamp) -> Option<i64> {
        let mut parts = self.expires.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let readable = (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        readable.then(|| days_since_1970(year, month, day) - now.millis().div_euclid(86_400_000))
    }

    /// The fingerprint as people compare it: `1f:03:…`.
    pub fn fingerprint_text(&self) -> String {
        self.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
    }
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
/// Names of the parts of a name: common name, organisation.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];

/// One element: its tag, what it holds, what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if *first & 0x80 != 0 {
        let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        length =
            digits.iter().try_fold(0_usize, |sum, digit| sum.checked_mul(256)?.checked_add(usize::from(*digit)))?;
        rest = after;
    }
    let (held, after) = rest.split_at_checked(length)?;
    Some((*tag, held, after))
}

/// What an element of this tag holds, and what follows it.
fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(bytes).filter(|(found, ..)| *found == tag).map(|(_, held, rest)| (held, rest))
}

/// Whether a certificate says that it was issued by whom it is for: no other one vouches for it.
pub fn is_its_own_issuer(der: &[u8]) -> bool {
    parts(der).is_some_and(|parts| parts.issuer == parts.subject)
}

/// Issuer, last day, subject.
fn fields(der: &[u8]) -> Option<(String, String, String)> {
    let Parts { issuer, validity, subject } = parts(der)?;
    let (_, _, until) = element(validity)?;
    let (tag, time, _) = element(until)?;
    Some((name(issuer), day(tag, time).unwrap_or_default(), name(subject)))
}

/// As they stand in a certificate.
struct Parts<'a> {
    issuer: &'a [u8],
    validity: &'a [u8],
    subject: &'a [u8],
}

fn parts(der: &[u8]) -> Option<Parts<'_>> {
    let (signed, _) = expect(der, SEQUENCE)?;
    let (signed, _) = expect(signed, SEQUENCE)?;
    let rest = expect(signed, VERSION).map_or(signed, |(_, rest)| rest);
    let (_, _, rest) = element(rest)?;
    let (_, rest) = expect(rest, SEQUENCE)?;
    let (issuer, rest) = expect(rest, SEQUENCE)?;
    let (validity, rest) = expect(rest, SEQUENCE)?;
    let (subject, _) = expect(rest, SEQUENCE)?;
    Some(Parts { issuer, validity, subject })
}

/// The common name of a name, else its organisation.
fn name(mut sets: &[u8]) -> String {
    let mut found = [None, None];
    while let Some((SET, set, rest)) = element(sets) {
        let part = expect(set, SEQUENCE).and_then(|(part, _)| {
            let (_, kind, value) = element(part)?;
            Some((kind, element(value)?.1))
        });
        let place = match part {
            Some((COMMON_NAME, _)) => found.first_mut(),
            Some((ORGANISATION, _)) => found.last_mut(),
            _ => None,
        };
        if let (Some(place), Some((_, value))) = (place, part) {
            let words =
                String::from_utf8_lossy(value).chars().filter(|c| !c.is_control()).take(100).collect::<String>();
            *place = Some(words);
        }
        sets = rest;
    }
    found.into_iter().flatten().next().unwrap_or_default()
}

/// `YYMMDD…` or `YYYYMMDD…`.
fn day(tag: u8, time: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(time).ok().filter(|text| text.is_ascii())?;
    let (year, rest) = text.split_at_checked(if tag == UTC_TIME { 2 } else { 4 })?;
    let century = match (tag, year.parse::<u32>().ok()?) {
        (UTC_TIME, 50..) => "19",
        (UTC_TIME, _) => "20",
        _ => "",
    };
    let (month, rest) = rest.split_at_checked(2)?;
    let (day, _) = rest.split_at_checked(2)?;
    Some(format!("{century}{year}-{month}-{day}"))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn a_certificate_shows_whose_it_is_and_until_when() {
        for (year, name) in [(2031, "mail.contoso.example"), (2077, "a name beyond 2050")] {
            let mut parameters = CertificateParams::new(vec!["mail.contoso.example".into()]).unwrap();
            parameters.distinguished_name.push(DnType::OrganizationName, "Contoso");
            parameters.distinguished_name.push(DnType::CommonName, name);
            parameters.not_after = date_time_ymd(year, 3, 9);
            let key = KeyPair::generate().unwrap();
            let made = parameters.self_signed(&key).unwrap();
            let seen = SeenCertificate::read(made.der(), [0x1f; 32]);
            assert_eq!((seen.subject.as_str(), seen.issuer.as_str()), (name, name));
            assert_eq!(seen.expires, format!("{year}-03-09"));
            assert!(seen.fingerprint_text().starts_with("1f:1f:"));
            // Cut anywhere, it is not read, and nothing breaks.
            for end in 0..made.der().len() {
                SeenCertificate::read(&made.der()[..end], [0; 32]);
            }
        }
    }
}
