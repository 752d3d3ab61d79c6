//! Takes a password out of whatever a server says: some echo the line that carried it.
//!
//! Pure; holds secrets, shows none. Found are the password in every form that [`disguise`](super::disguise) reads, whole or
//! eight letters in a row of it, in base64, in the messages it was sent in, and inside any base64 that holds it.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::DIALOGUE;
use super::disguise::{self, Wanted};
use super::echo::Echoes;
use crate::domain::secret::Secret;

/// What stands in the place of a secret.
pub(super) const HIDDEN: &str = "<hidden>";

/// The forms a secret can be sent in.
#[derive(Clone, Default)]
pub(super) struct Scrub {
    wanted: Arc<Vec<Wanted>>,
    /// In base64.
    encoded: Vec<Secret>,
    /// The login names that go with it; they are no secret.
    pub(super) names: Echoes,
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scrub(hidden)")
    }
}

impl Scrub {
    /// For this password, alone and inside these SASL PLAIN messages.
    pub(super) fn new(secret: &Secret, messages: &[Secret]) -> Self {
        let encode = |secret: &Secret| Secret::new(STANDARD.encode(secret.expose()).trim_end_matches('='));
        let mut encoded: Vec<Secret> = messages.iter().chain([secret]).map(encode).collect();
        encoded.retain(|form| !form.expose().is_empty());
        // The longest first: a form may be part of another.
        encoded.sort_by_key(|form| std::cmp::Reverse(form.expose().len()));
        Self { wanted: Arc::new(Wanted::both(secret)), encoded, names: Echoes::default() }
    }

    /// The same, shown with these login names.
    pub(super) fn with_names<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().for_each(|name| self.names.word(name));
        self
    }

    /// The text without them, whatever the case of its letters.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.encoded {
            let form = form.expose();
            let mut from = 0;
            while let Some(at) = find(&text, form, from) {
                text.replace_range(at..at + form.len(), HIDDEN);
                from = at + HIDDEN.len();
            }
        }
        for range in disguise::find(&text, self.wanted.iter()).into_iter().rev() {
            text.replace_range(range, HIDDEN);
        }
        self.clean_base64(text)
    }

    /// The text without runs of base64 that hold one of the forms, however the run is aligned.
    fn clean_base64(&self, text: String) -> String {
        let mut clean = String::new();
        let mut kept = 0;
        let mut at = 0;
        for run in text.split(|c: char| !is_base64(c)) {
            let start = at;
            let next = text.get(at + run.len()..).and_then(|rest| rest.chars().next());
            at += run.len() + next.map_or(0, char::len_utf8);
            if run.len() >= SHORTEST_RUN && self.is_inside(run) {
                clean.push_str(text.get(kept..start).unwrap_or_default());
                clean.push_str(HIDDEN);
                kept = start + run.len();
            }
        }
        if kept == 0 {
            return text;
        }
        clean.push_str(text.get(kept..).unwrap_or_default());
        clean
    }

    fn is_inside(&self, run: &str) -> bool {
        let run = run.replace('-', "+").replace('_', "/");
        (0..4).any(|skip| {
            let Some(part) = run.get(skip..) else { return false };
            // A last character alone stands for no byte.
            let whole = part.get(..part.len() - usize::from(part.len() % 4 == 1)).unwrap_or(part);
            let Ok(bytes) = LENIENT.decode(whole).map(Zeroizing::new) else { return false };
            let long = self.wanted.iter().filter(|wanted| wanted.len() >= SHORTEST_INSIDE);
            let said = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
            let twice = || self.encoded.iter().any(|form| find(&said, form.expose(), 0).is_some());
            !disguise::find(&said, long).is_empty() || twice()
        })
    }
}

/// Shorter runs of base64 hold no password worth the name.
const SHORTEST_RUN: usize = 6;
/// Shorter passwords would be found in any random bytes.
const SHORTEST_INSIDE: usize = 4;
/// Base64 as it comes: with or without padding, and cut anywhere.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_')
}

/// Longest line shown in the log.
const SHOWN: usize = 1000;

/// Logs what a server said. Cut after the passwords are out: half a password would not be recognised.
pub(super) fn trace_line(line: &[u8], scrub: &Scrub) {
    if tracing::enabled!(target: DIALOGUE, tracing::Level::TRACE) {
        let line = String::from_utf8_lossy(line.get(..16 * SHOWN).unwrap_or(line));
        let shown: String = scrub.clean(line.trim_end()).chars().take(SHOWN).collect();
        tracing::trace!(target: DIALOGUE, "< {shown}");
    }
}

fn find(text: &str, form: &str, from: usize) -> Option<usize> {
    let windows = text.as_bytes().get(from..)?.windows(form.len());
    windows
        .enumerate()
        .find(|(_, w)| w.eq_ignore_ascii_case(form.as_bytes()))
        .map(|(at, _)| from + at)
        .filter(|at| text.is_char_boundary(*at) && text.is_char_boundary(at + form.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in a quoted string of IMAP, and in JSON.
    fn escape(text: &str) -> String {
        text.replace('\\', "\\\\").replace('"', "\\\"")
    }

    #[test]
    fn every_form_is_taken_out() {
        let scrub = Scrub::new(&Secret::new("pa\"ss\\wörd"), &[Secret::new("\0me\0pa\"ss\\wörd")]);
        let sasl = STANDARD.encode("\0me\0pa\"ss\\wörd");
        let alone = STANDARD.encode("pa\"ss\\wörd");
        let told = format!("LOGIN me \"pa\\\"ss\\\\wörd\" {sasl} {alone} PA\"SS\\Wörd end");
        let clean = scrub.clean(&told);
        assert!(clean.starts_with("LOGIN me \"<hidden>\" <hidden>") && clean.ends_with("<hidden> end"), "{clean}");
        for secret in ["pa\"ss\\word", "Grüße", "seekrit"] {
            let scrub = Scrub::new(&Secret::new(secret), &[]);
            for shift in ["", "x", "xy", "xyz"] {
                let line = format!("{shift}A1 LOGIN me \"{}\"", escape(secret));
                let urlsafe = STANDARD.encode(&line).replace('+', "-").replace('/', "_");
                for run in [STANDARD.encode(&line), urlsafe, format!("ab{}", STANDARD.encode(&line))] {
                    let clean = scrub.clean(&format!("echo: {run} end"));
                    assert!(clean.starts_with("echo: <hidden>") && clean.ends_with(" end"), "{clean}");
                }
                let twice = format!("{:?}", line);
                assert!(scrub.clean(&twice).contains(HIDDEN), "{twice}");
            }
        }
        let innocent = "OK [APPENDUID 1588347600 17] bWFpbGZlcnJ5 done-and_dusted/ü";
        assert_eq!(Scrub::new(&Secret::new("seekrit"), &[]).clean(innocent), innocent);
        assert_eq!(Scrub::new(&Secret::new(""), &[]).clean("nothing to hide"), "nothing to hide");
        assert_eq!(Scrub::new(&Secret::new("hidden"), &[]).clean("hidden hidden"), "<hidden> <hidden>");
    }
    /// A secret in the forms in which servers were seen to repeat it.
    fn disguises(secret: &str) -> Vec<String> {
        let each = |form: &dyn Fn(char) -> String| secret.chars().map(form).collect::<String>();
        let bytes = |mark: &str| secret.bytes().map(|b| format!("{mark}{b:02X}")).collect::<String>();
        let units = |c: char| {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>()
        };
        let wide = |c: char, form: &dyn Fn(char) -> String| if c.is_ascii_alphanumeric() { c.into() } else { form(c) };
        let letters: Vec<char> = secret.chars().collect();
        let nfd = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd();
        vec![
            secret.to_owned(),
            secret.to_uppercase(),
            nfd.normalize(secret).into_owned(),
            bytes("%"),
            bytes("="),
            each(&|c| wide(c, &|c| c.to_string().bytes().map(|b| format!("%{b:02x}")).collect())),
            each(&|c| wide(c, &|c| if u32::from(c) < 256 { format!("%{:02X}", u32::from(c)) } else { "%3F".into() })),
            each(&|c| wide(c, &units)),
            each(&units),
            each(&|c| wide(c, &|c| format!("&#{};", u32::from(c)))),
            each(&|c| wide(c, &|c| format!("&#x{:x};", u32::from(c)))),
            secret.replace('&', "&amp;").replace('"', "&quot;").replace('ü', "&uuml;").replace('ß', "&szlig;"),
            crate::endpoint::utf7::encode_but(secret, |c| (' '..='~').contains(&c)),
            secret.bytes().map(char::from).collect(),
            letters.iter().map(|c| if u32::from(*c) < 128 { *c } else { '\u{fffd}' }).collect(),
            letters[..letters.len() - 2].iter().collect(),
            letters[2..].iter().collect(),
            escape(&escape(secret)),
            format!("{:?}", escape(secret)),
        ]
    }

    #[test]
    fn k6_a_password_is_taken_out_in_whatever_form_it_is_repeated() {
        let long = "Tür & Tor \"7\" ".repeat(36);
        for secret in ["Grüße-aus-Köln", "pä\"ss\\wört 12", "Zq&Tür=%41+x!", "blank in it 9", "🗝️schlüssel🗝️", &long]
        {
            let scrub = Scrub::new(&Secret::new(secret), &[]);
            for (number, form) in disguises(secret).into_iter().enumerate() {
                let clean = scrub.clean(&format!("NO [X] said {form} end"));
                assert!(clean.contains(HIDDEN) && clean.ends_with("end"), "{secret:?} {number} {form:?}: {clean}");
                let left = clean.replace(HIDDEN, "");
                assert!(left.chars().count() < 48, "{secret:?} {number} {form:?}: {left}");
                let inside = STANDARD.encode(format!("A1 LOGIN me {form}"));
                assert!(!scrub.clean(&format!("echo {inside}")).contains(&inside), "{secret:?} {number} {form:?}");
            }
        }
        let scrub = Scrub::new(&Secret::new("Grüße-aus-Köln"), &[]);
        for innocent in ["NO Login failed for gruss@koeln.example", "&amp; %41 \\u0041 =41 \u{fffd}\u{fffd}\u{fffd}"] {
            assert_eq!(scrub.clean(innocent), innocent);
        }
    }
}
