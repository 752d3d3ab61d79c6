//! Takes a password out of whatever a server says: some echo the line that carried it.
//!
//! Pure; holds secrets, shows none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::secret::Secret;

/// What stands in the place of a secret.
pub(super) const HIDDEN: &str = "<hidden>";

/// The forms a secret can be sent in.
#[derive(Clone, Default)]
pub(super) struct Scrub(Vec<Secret>);

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scrub(hidden)")
    }
}

impl Scrub {
    /// For this password, alone and inside these SASL PLAIN messages.
    pub(super) fn new(secret: &Secret, messages: &[Secret]) -> Self {
        let plain = secret.expose();
        let mut forms: Vec<Secret> =
            messages.iter().map(|m| Secret::new(STANDARD.encode(m.expose()).trim_end_matches('='))).collect();
        forms.push(Secret::new(STANDARD.encode(plain).trim_end_matches('=')));
        forms.push(Secret::new(plain.replace('\\', "\\\\").replace('"', "\\\"")));
        forms.push(Secret::new(plain));
        forms.retain(|f| !f.expose().is_empty());
        // The longest first: a form may be part of another.
        forms.sort_by_key(|f| std::cmp::Reverse(f.expose().len()));
        forms.dedup();
        Self(forms)
    }

    /// The text without them, whatever the case of its letters.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.0 {
            let form = form.expose();
            let mut from = 0;
            while let Some(at) = find(&text, form, from) {
                text.replace_range(at..at + form.len(), HIDDEN);
                from = at + HIDDEN.len();
            }
        }
        text
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

    #[test]
    fn every_form_is_taken_out() {
        let scrub = Scrub::new(&Secret::new("pa\"ss\\wörd"), &[Secret::new("\0me\0pa\"ss\\wörd")]);
        let sasl = STANDARD.encode("\0me\0pa\"ss\\wörd");
        let alone = STANDARD.encode("pa\"ss\\wörd");
        let told = format!("LOGIN me \"pa\\\"ss\\\\wörd\" {sasl} {alone} PA\"SS\\Wörd end");
        let clean = scrub.clean(&told);
        assert!(clean.starts_with("LOGIN me \"<hidden>\" <hidden>") && clean.ends_with("<hidden> end"), "{clean}");
        assert_eq!(Scrub::new(&Secret::new(""), &[]).clean("nothing to hide"), "nothing to hide");
        assert_eq!(Scrub::new(&Secret::new("hidden"), &[]).clean("hidden hidden"), "<hidden> <hidden>");
    }
}
