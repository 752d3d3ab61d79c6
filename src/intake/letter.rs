//! The mail that asks an owner: text, the same as simple HTML, and the head. Whatever stands in a value stays in its place. Pure.

use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};

use crate::domain::language::Language;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// The subject of every mail that asks (R37).
pub const SUBJECT: &str = "ACTION REQUIRED: Information required for your migration";
/// Longest value that is put into a mail.
const LONGEST: usize = 500;

/// What stands in a mail that asks.
#[derive(Clone, Debug)]
pub struct AskWords {
    /// In which language.
    pub language: Language,
    /// The text in place of the language's own, with its values in braces.
    pub template: Option<String>,
    /// The mailbox.
    pub address: String,
    /// Who moves it.
    pub consultant: String,
    /// For whom: the company whose mailbox it is; may be empty.
    pub client: String,
    /// How to reach them; may be empty.
    pub phone: String,
    /// Whom to ask whether it is genuine; may be empty.
    pub contact: String,
    /// Where the form is, with the token.
    pub link: Secret,
}

/// Who a mail is from, to whom it goes, and what tells it from others.
#[derive(Clone, Debug)]
pub struct Head {
    /// The sender: `Kim <kim@example.com>` or only an address.
    pub from: String,
    /// Where answers go, if elsewhere.
    pub reply_to: Option<String>,
    /// To whom.
    pub to: String,
    /// Before the `@` of its Message-ID: letters, digits, dots and hyphens.
    pub id: String,
    /// When it is sent.
    pub at: Timestamp,
}

/// A mail that is ready to be sent.
pub struct Letter {
    pub(super) from: Address,
    pub(super) to: Address,
    /// As it goes over the wire: the link stands in it.
    pub(super) bytes: zeroize::Zeroizing<Vec<u8>>,
}

/// Why no mail can be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// It is no address.
    #[error("\"{0}\" is no mail address")]
    Address(String),
    /// The mail could not be put together.
    #[error("the mail could not be written: {0}")]
    Mail(String),
}

/// The text that asks, with its values in braces.
pub fn template(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../assets/mail/en.txt"),
        Language::German => include_str!("../../assets/mail/de.txt"),
        Language::French => include_str!("../../assets/mail/fr.txt"),
        Language::Spanish => include_str!("../../assets/mail/es.txt"),
    }
}

/// What can stand in braces in a text.
pub const VALUES: [&str; 6] = ["address", "consultant", "client", "phone", "contact", "link"];
/// Longest text of a person's own, in bytes.
const LONGEST_TEMPLATE: usize = 16 * 1024;

/// Why a text of a person's own cannot be used. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// Nobody could answer.
    #[error("the text needs {{link}}, once")]
    Link,
    /// A name in braces that stands for nothing.
    #[error("line {line}: there is no {{{name}}}; there are {}", VALUES.map(|name| format!("{{{name}}}")).join(", "))]
    Unknown {
        /// From 1.
        line: usize,
        /// What stands there.
        name: String,
    },
    /// It is too long, or no text.
    #[error("the text must have at most {} KiB, and no control characters", LONGEST_TEMPLATE / 1024)]
    Unfit,
}

/// A text of a person's own, as it is kept: ends of lines are one character, and values are known.
///
/// # Errors
/// It cannot be used.
pub fn read_template(written: &str) -> Result<String, BadTemplate> {
    let text = written.replace("\r\n", "\n").trim().to_owned();
    if text.len() > LONGEST_TEMPLATE || text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(BadTemplate::Unfit);
    }
    for (at, line) in text.lines().enumerate() {
        for behind in line.split('{').skip(1) {
            let name = behind.split('}').next().unwrap_or_default();
            if !VALUES.contains(&name) || !behind.contains('}') {
                let name = name.chars().take(40).collect();
                return Err(BadTemplate::Unknown { line: at + 1, name });
            }
        }
    }
    if text.matches("{link}").count() == 1 { Ok(text) } else { Err(BadTemplate::Link) }
}

/// A value in one line, of bounded length.
pub fn in_one_line(value: &str) -> String {
    let line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    line.trim().to_owned()
}

impl AskWords {
    fn values(&self) -> [(&'static str, String); 6] {
        [
            ("address", in_one_line(&self.address)),
            ("consultant", in_one_line(&self.consultant)),
            ("client", in_one_line(&self.client)),
            ("phone", in_one_line(&self.phone)),
            ("contact", in_one_line(&self.contact)),
            ("link", in_one_line(self.link.expose())),
        ]
    }

    /// Its paragraphs, each in lines; a line that begins with `?name` is there only if that has a value.
    fn paragraphs(&self, show: impl Fn(&str, &str) -> String) -> Vec<String> {
        let values = self.values();
        let has = |name: &str| values.iter().any(|(known, value)| *known == name && !value.is_empty());
        let paragraph = |text: &str| {
            let lines = text.lines().filter_map(|line| match line.strip_prefix('?').and_then(|l| l.split_once(' ')) {
                Some((name, rest)) => has(name).then_some(rest),
                None => Some(line),
            });
            fill(&lines.collect::<Vec<_>>().join("\n"), &values, &show)
        };
        let text = self.template.as_deref().unwrap_or_else(|| template(self.language));
        text.trim_end().split("\n\n").map(paragraph).collect()
    }

    /// As plain text.
    pub fn text(&self) -> String {
        self.paragraphs(|_, value| value.to_owned()).join("\n\n") + "\n"
    }

    /// The same as simple HTML.
    pub fn html(&self) -> String {
        let paragraphs = self.paragraphs(|name, value| match (name, escaped(value)) {
            ("link", url) => format!("<a href=\"{url}\">{url}</a>"),
            (_, value) => value,
        });
        let body: String = paragraphs.iter().map(|p| format!("<p>{}</p>\n", p.replace('\n', "<br>\n"))).collect();
        let language = self.language.code();
        format!(
            "<!doctype html>\n<html lang=\"{language}\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{SUBJECT}</title><body>\
             <main style=\"overflow-wrap:anywhere\">\n\
             {body}</main></body></html>\n"
        )
    }
}

/// Puts values into a text. What they contain is not looked into again.
fn fill(text: &str, values: &[(&str, String)], show: &impl Fn(&str, &str) -> String) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled += before;
        let Some((name, behind)) = after.split_once('}') else { return filled + after };
        if let Some((name, value)) = values.iter().find(|(known, _)| *known == name) {
            filled += &show(name, value);
        }
        rest = behind;
    }
    filled + rest
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            other => safe.push(other),
        }
    }
    safe
}

/// An address with or without a name.
fn mailbox(written: &str) -> Result<Mailbox, NotWritten> {
    let wrong = || NotWritten::Address(in_one_line(written));
    if written.chars().any(char::is_control) {
        return Err(wrong());
    }
    match written.trim().rsplit_once('<') {
        Some((name, address)) => {
            let address = address.strip_suffix('>').ok_or_else(wrong)?;
            let name = in_one_line(name.trim().trim_matches('"'));
            Ok(Mailbox::new((!name.is_empty()).then_some(name), address.parse().map_err(|_| wrong())?))
        }
        None => Ok(Mailbox::new(None, written.trim().parse().map_err(|_| wrong())?)),
    }
}

/// Whether mail can be sent from or to this.
///
/// # Errors
/// It is no address.
pub fn check_address(written: &str) -> Result<(), NotWritten> {
    mailbox(written).map(|_| ())
}

impl Letter {
    /// The mail that asks.
    ///
    /// # Errors
    /// An address is none.
    pub fn asking(head: &Head, words: &AskWords) -> Result<Self, NotWritten> {
        Self::new(head, SUBJECT, words.text(), words.html())
    }

    /// A mail that shows that mails can be sent.
    ///
    /// # Errors
    /// An address is none.
    pub fn test(head: &Head) -> Result<Self, NotWritten> {
        let text = "This is a test. Mailferry can send mail with these settings.\n".to_owned();
        let html =
            format!("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><body><p>{text}</p></body></html>\n");
        Self::new(head, "Mailferry: a test", text, html)
    }

    /// A mail that tells something to those who run migrations.
    ///
    /// # Errors
    /// An address is none.
    pub fn notice(head: &Head, language: Language, subject: &str, text: String) -> Result<Self, NotWritten> {
        let html = format!(
            "<!doctype html>\n<html lang=\"{}\"><meta charset=\"utf-8\"><body><p>{}</p></body></html>\n",
            language.code(),
            escaped(text.trim_end()).replace('\n', "<br>\n")
        );
        Self::new(head, &in_one_line(subject), text, html)
    }

    fn new(head: &Head, subject: &str, text: String, html: String) -> Result<Self, NotWritten> {
        let (from, to) = (mailbox(&head.from)?, mailbox(&head.to)?);
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(head.at.millis().unsigned_abs());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut builder = Message::builder()
            .from(from.clone())
            .to(to.clone())
            .subject(subject)
            .date(at)
            .message_id(Some(format!("<{}@{}>", head.id, from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()));
        if let Some(reply_to) = &head.reply_to {
            builder = builder.reply_to(mailbox(reply_to)?);
        }
        let message = builder.multipart(MultiPart::alternative_plain_html(text, html));
        let message = message.map_err(|error| NotWritten::Mail(error.to_string()))?;
        Ok(Self { from: from.email, to: to.email, bytes: zeroize::Zeroizing::new(message.formatted()) })
    }
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("to", &self.to).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(language: Language) -> AskWords {
        AskWords {
            language,
            template: None,
            address: "anna@a.example".into(),
            consultant: "Kim & Co <x>".into(),
            client: String::new(),
            phone: String::new(),
            contact: "Lee, room 7".into(),
            link: Secret::new("https://move.example/t/abc_DEF-123"),
        }
    }

    fn head() -> Head {
        Head {
            from: "Kim \u{c4}rger <kim@b.example>".into(),
            reply_to: Some("help@b.example".into()),
            to: "anna@a.example".into(),
            id: "1.2".into(),
            at: Timestamp::from_millis(784_111_777_000),
        }
    }

    fn lines(letter: &Letter) -> Vec<String> {
        let text = String::from_utf8(letter.bytes.to_vec()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn r37_the_mail_has_its_subject_and_says_the_same_as_text_and_as_html() {
        let letter = Letter::asking(&head(), &words(Language::English)).unwrap();
        let head = lines(&letter);
        assert!(head.contains(&format!("Subject: {SUBJECT}")), "{head:?}");
        assert!(head.contains(&"Message-ID: <1.2@b.example>".to_owned()), "{head:?}");
        assert!(head.contains(&"Date: Sun, 06 Nov 1994 08:49:37 +0000".to_owned()), "{head:?}");
        let strip = regex::Regex::new("<[^>]*>").unwrap();
        for language in Language::ALL {
            let words = words(language);
            let (text, html) = (words.text(), words.html());
            let link = words.link.expose();
            assert!(text.contains(&format!("\n{link}\n")), "{text}");
            assert!(html.contains(&format!("<a href=\"{link}\">{link}</a>")), "{html}");
            assert!(text.contains("Kim & Co <x>") && html.contains("Kim &amp; Co &lt;x&gt;"));
            assert!(text.contains("Lee, room 7") && !text.contains(['{', '}']), "{text}");
            let shown = html.split_once("<body>").unwrap().1.replace("<br>", "").replace("</p>", "\n");
            let shown = strip.replace_all(&shown, "").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
            let words_of = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words_of(&shown.replace("&#39;", "'")), words_of(&text), "{language:?}");
        }
        assert!(!words(Language::English).text().contains("reach"), "a line without its value is left out");
    }

    #[test]
    fn a_text_of_ones_own_has_its_link_and_only_values_that_are_known() {
        let read = |text: &str| read_template(text).map_err(|error| error.to_string());
        assert_eq!(read("Hi {address}\r\n\r\n{link}\n"), Ok("Hi {address}\n\n{link}".into()));
        assert_eq!(read("Hi {address}"), Err("the text needs {link}, once".into()));
        assert!(read("{link} {link}").is_err());
        let unknown = read("a\n{link}\n{password}").unwrap_err();
        assert!(unknown.starts_with("line 3: there is no {password}; there are {address}, "), "{unknown}");
        assert!(read("{link} {open").is_err() && read("{link}\u{7}").is_err() && read(&"x".repeat(20_000)).is_err());
        assert!(Language::ALL.into_iter().all(|language| read_template(template(language)).is_ok()));
        let template = Some(read_template("Dear {address},\n\n{link}\n?phone Call {phone}").unwrap());
        let words = AskWords { template, ..words(Language::German) };
        assert_eq!(words.text(), "Dear anna@a.example,\n\nhttps://move.example/t/abc_DEF-123\n");
        assert!(words.html().contains("lang=\"de\"") && words.html().contains("Dear anna@a.example"));
    }

    #[test]
    fn what_is_no_address_gets_no_mail() {
        for to in ["", "anna", "anna@", "a@b\r\nBcc: c@d", "<a@b", "a@b>, c@d", "a@b, c@d", "a b@c"] {
            let head = Head { to: to.into(), ..head() };
            assert!(matches!(Letter::test(&head), Err(NotWritten::Address(_))), "{to}");
        }
        assert!(check_address("Anna <anna@a.example>").is_ok() && check_address("anna@a.example").is_ok());
    }

    proptest! {
        /// Nothing that stands in a value becomes a field of the head, or markup.
        #[test]
        fn no_value_leaves_its_place(evil in "[\\x00-\\x7f\u{c4}\u{2028}]{0,60}", name in "[\\x00-\\x7f\u{c4}]{0,40}") {
            let words = AskWords { consultant: evil.clone(), phone: evil.clone(), contact: evil.clone(), ..words(Language::German) };
            let html = words.html();
            prop_assert_eq!(html.matches('<').count(), html.matches('>').count());
            prop_assert!(!html.contains("<script") && html.matches("<a ").count() == 1);
            let plain = lines(&Letter::test(&head()).unwrap()).len();
            let head = Head { from: format!("{name} <kim@b.example>"), ..head() };
            if let Ok(letter) = Letter::asking(&head, &words) {
                let lines = lines(&letter);
                prop_assert_eq!(lines.len(), plain, "{:?}", lines);
                prop_assert!(lines.iter().all(|line| !line.starts_with("Bcc")));
            }
        }
    }
}
