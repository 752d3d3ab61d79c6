//! Looks for passwords where none may be: plain, escaped as in IMAP and JSON (once and twice), and inside base64.

use std::path::Path;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Everything in which to look.
#[derive(Default)]
pub struct Haystack {
    parts: Vec<(String, Vec<u8>)>,
}

impl Haystack {
    /// Adds a text.
    pub fn add(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.parts.push((name.to_owned(), bytes.into()));
    }

    /// Adds every file below a folder, as it is now.
    pub fn add_folder(&mut self, when: &str, folder: &Path) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.add_folder(when, &path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                // A file may go while it is looked for.
                self.add(&format!("{when}: {}", path.display()), bytes);
            }
        }
    }

    /// Whether a part of this name is there and holds something.
    pub fn holds(&self, name: &str) -> bool {
        self.parts.iter().any(|(part, bytes)| part.ends_with(name) && !bytes.is_empty())
    }

    /// Where these secrets stand.
    pub fn find(&self, secrets: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for (name, bytes) in &self.parts {
            for secret in secrets {
                found.extend(forms_in(bytes, secret).into_iter().map(|form| format!("{secret} {form} in {name}")));
            }
        }
        found
    }

    /// None of them stands anywhere.
    pub fn assert_clean(&self, secrets: &[&str]) {
        let found = self.find(secrets);
        assert!(found.is_empty(), "passwords were found:\n{}", found.join("\n"));
    }
}

/// As in quoted strings of IMAP and JSON.
pub fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn forms_in(bytes: &[u8], secret: &str) -> Vec<&'static str> {
    let once = escape(secret);
    let wide: String =
        once.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) }).collect();
    let forms =
        [("plain", secret.to_owned()), ("escaped", once.clone()), ("escaped twice", escape(&once)), ("as \\u", wide)];
    let mut found: Vec<&'static str> = forms
        .iter()
        .filter(|(_, form)| memmem::find(bytes, form.as_bytes()).is_some())
        .map(|(name, _)| *name)
        .collect();
    if inside_base64(bytes, &forms) {
        found.push("in base64");
    }
    found
}

fn inside_base64(bytes: &[u8], forms: &[(&'static str, String)]) -> bool {
    let digit = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
    bytes.split(|b| !digit(b)).filter(|run| run.len() >= 8).any(|run| {
        let run: Vec<u8> = run
            .iter()
            .map(|b| {
                if *b == b'-' {
                    b'+'
                } else if *b == b'_' {
                    b'/'
                } else {
                    *b
                }
            })
            .collect();
        (0..4).any(|skip| {
            let part = &run[skip..];
            let whole = &part[..part.len() - usize::from(part.len() % 4 == 1)];
            let decoded = BASE64.decode(whole).expect("base64 digits only");
            forms.iter().any(|(_, form)| memmem::find(&decoded, form.as_bytes()).is_some())
        })
    })
}

#[test]
fn planted_passwords_are_found_in_every_form() {
    let secret = "Zq\"wïd\\9Vö";
    let folder = tempfile::tempdir().expect("a folder");
    let once = escape(secret);
    let mut planted = vec![secret.to_owned(), once.clone(), escape(&once), "Zq\\\"w\\u00efd\\\\9V\\u00f6".to_owned()];
    for shift in ["", "a", "ab", "abc"] {
        planted.push(BASE64.encode(format!("{shift}{secret}")));
        planted.push(format!("{shift}{}", BASE64.encode(format!("\0me\0{secret}")).trim_end_matches('=')));
        planted.push(BASE64.encode(format!("{shift}LOGIN me \"{once}\"")).replace('+', "-").replace('/', "_"));
    }
    for (at, form) in planted.iter().enumerate() {
        let inner = folder.path().join(format!("{at}/deep"));
        std::fs::create_dir_all(&inner).expect("a folder");
        std::fs::write(inner.join("file"), format!("\0\u{1}noise {form}{{more\n")).expect("written");
        let mut hay = Haystack::default();
        hay.add_folder("now", &folder.path().join(at.to_string()));
        assert!(!hay.find(&[secret]).is_empty(), "not found: {form}");
    }
    let mut hay = Haystack::default();
    hay.add("innocent", "QUJDREVGR0hJSktMTU5PUA== \"Zq\" wïd\\9");
    hay.assert_clean(&[secret]);
}
