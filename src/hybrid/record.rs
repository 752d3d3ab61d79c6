//! Writes down what was said to a service and what it answered, so that it can be played to this program later. Addresses,
//! numbers of the directory and names are masked, the same one always in the same way; tokens never come here.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use regex::Regex;
use serde_json::{Value, json};

/// Properties whose texts are about persons or places.
const PRIVATE: [&str; 16] = [
    "Name",
    "Identity",
    "BatchId",
    "SourceEndpoint",
    "DisplayName",
    "FirstName",
    "LastName",
    "Subject",
    "Sender",
    "FolderName",
    "RemoteServer",
    "SubmittedByUser",
    "displayName",
    "NotificationEmails",
    "RemoteHostName",
    "target",
];
/// What is masked wherever it stands: addresses, numbers of the directory, the tenant's own domains.
const PATTERNS: [(&str, &str); 3] = [
    ("user", r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"),
    ("number", r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"),
    ("tenant", r"[A-Za-z0-9-]+(?:\.mail)?\.onmicrosoft\.com"),
];

/// Shorter names are not looked for within texts: they are parts of words.
const SHORTEST_NAME: usize = 4;

/// Masks texts.
pub struct Mask {
    patterns: Vec<(&'static str, Regex)>,
    known: HashMap<String, String>,
    /// Texts of private properties, with what stands for them: they come again within what a service says.
    names: Vec<(String, String)>,
}

impl Mask {
    /// Nothing is known yet.
    pub fn new() -> Option<Self> {
        let patterns = PATTERNS.iter().map(|(kind, pattern)| Some((*kind, Regex::new(pattern).ok()?)));
        Some(Self { patterns: patterns.collect::<Option<_>>()?, known: HashMap::new(), names: Vec::new() })
    }

    fn stand_in(&mut self, kind: &str, found: &str) -> String {
        let number = self.known.len() + 1;
        let made = match kind {
            "user" => format!("user{number}@masked.example"),
            "number" => format!("00000000-0000-4000-8000-{number:012}"),
            "tenant" => format!("tenant{number}.onmicrosoft.example"),
            _ => format!("masked {number}"),
        };
        self.known.entry(found.to_lowercase()).or_insert(made).clone()
    }

    fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for at in 0..self.patterns.len() {
            let Some((kind, pattern)) = self.patterns.get(at).cloned() else { continue };
            let mut out = String::new();
            let mut last = 0;
            for found in pattern.find_iter(&text) {
                out.push_str(text.get(last..found.start()).unwrap_or_default());
                // A number that says that there is none goes on saying so.
                let is_none = found.as_str().chars().all(|c| c == '0' || c == '-');
                out.push_str(&if is_none { found.as_str().to_owned() } else { self.stand_in(kind, found.as_str()) });
                last = found.end();
            }
            out.push_str(text.get(last..).unwrap_or_default());
            text = out;
        }
        self.names.iter().fold(text, |text, (name, made)| text.replace(name, made))
    }

    /// A text of a private property.
    fn private(&mut self, text: &str) -> String {
        let masked = self.text(text);
        if masked != *text {
            return masked;
        }
        let made = self.stand_in("text", text);
        if text.chars().count() >= SHORTEST_NAME {
            self.names.push((text.to_owned(), made.clone()));
        }
        made
    }

    /// The same value, masked.
    pub fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(all) => Value::Array(all.iter().map(|one| self.value(one)).collect()),
            Value::Object(fields) => {
                let masked = fields.iter().map(|(key, value)| {
                    let value = match value {
                        Value::String(text) if PRIVATE.contains(&key.as_str()) && !text.is_empty() => {
                            Value::String(self.private(text))
                        }
                        // Bytes in a cmdlet are a list of addresses.
                        Value::String(_) | Value::Array(_) if key == "Data" => Value::String("(masked bytes)".into()),
                        value => self.value(value),
                    };
                    (key.clone(), value)
                });
                Value::Object(masked.collect())
            }
            other => other.clone(),
        }
    }
}

/// Writes a file, one exchange a line.
pub struct Recorder {
    inner: Mutex<(Mask, File)>,
}

impl Recorder {
    /// Into a new file, readable by its owner only.
    ///
    /// # Errors
    /// It exists already, or cannot be made.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mask = Mask::new().ok_or_else(|| std::io::Error::other("the mask cannot be made"))?;
        Ok(Self { inner: Mutex::new((mask, options.open(path)?)) })
    }

    /// Notes one exchange. Of the address only what follows the host.
    pub(super) fn note(&self, method: &str, url: &str, body: Option<&Value>, (status, answer): (u16, &Value)) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (mask, file) = &mut *inner;
        let path = url.splitn(4, '/').nth(3).unwrap_or_default();
        let line = json!({
            "method": method,
            "path": mask.text(path),
            "body": body.map(|body| mask.value(body)),
            "status": status,
            "answer": mask.value(answer),
        });
        if let Err(error) = writeln!(file, "{line}") {
            tracing::warn!(%error, "an exchange was not recorded");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &str = "00000000-0000-0000-0000-000000000000";

    #[test]
    fn addresses_numbers_and_names_are_masked_the_same_way_each_time() {
        let mut mask = Mask::new().unwrap();
        let value = json!({"Identity": "Anna@contoso.com", "Other": "bob@fabrikam.example", "ExchangeGuid": NONE, "Guid": "b1b2b3b4-1111-2222-3333-444455556666",
            "DisplayName": "Anna Example", "Text": "anna@contoso.com at contoso.mail.onmicrosoft.com", "Count": 3,
            "CSVData": {"Data": "RW1haWw="}, "Status": "Syncing"});
        let masked = mask.value(&value).to_string();
        for secret in ["nna", "contoso", "b1b2b3b4", "RW1haWw", "fabrikam"] {
            assert!(!masked.contains(secret), "{masked}");
        }
        assert!(masked.contains(NONE));
        assert!(masked.contains("\"Syncing\"") && masked.contains("\"Count\":3"), "{masked}");
        assert_eq!(masked.matches("user3@masked.example").count(), 2, "{masked}");
    }

    #[test]
    fn a_name_is_masked_within_what_is_said_of_it() {
        let mut mask = Mask::new().unwrap();
        mask.value(&json!({"Name": "Contoso wave"}));
        let said = mask.value(&json!({"message": "Contoso wave couldn't be found."})).to_string();
        assert_eq!(said, r#"{"message":"masked 1 couldn't be found."}"#);
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.jsonl");
        std::fs::write(&path, "mine").unwrap();
        assert!(Recorder::create(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
