//! The doors of this room for `fuzz/`: what browsers send, and what people and lists put into mails. Each target takes any bytes
//! and panics where a promise does not hold. No part of the product; its tests try what lies in `fuzz/corpus/`.

use super::form::fuzzing::entry;
use super::letter::{AskWords, Head, Letter, read_template};
use crate::domain::language::Language;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// A target: its name, which is also that of its corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this room.
pub const TARGETS: [Target; 2] = [("form_entry", entry), ("mail", mail)];

/// Lines of a head without anything that came in.
fn plain(head: &Head) -> usize {
    Letter::test(head).map_or(0, |letter| lines(&letter))
}

fn lines(letter: &Letter) -> usize {
    let text = String::from_utf8_lossy(&letter.bytes);
    let head = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
    head.split("\r\n").count()
}

/// Values of a mail, separated by lines: sender's name, recipient, consultant, client, phone, contact; the rest is a text of one's own.
fn mail(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(7, '\n').map(str::to_owned).chain(std::iter::repeat(String::new()));
    let mut next = || parts.next().unwrap_or_default();
    let [name, to, consultant, client, phone, contact, own] = std::array::from_fn(|_| next());
    let template = read_template(&own).ok();
    let link = "https://move.example/t";
    let words = AskWords {
        language: Language::French,
        template,
        address: to.clone(),
        consultant,
        client,
        phone,
        contact,
        link: Secret::new(link),
    };
    let html = words.html();
    assert_eq!(html.matches('<').count(), html.matches('>').count(), "markup came in: {html}");
    assert_eq!(html.matches("<a ").count(), 1, "the link is there once: {html}");
    assert!(!html.to_lowercase().contains("<script"), "{html}");
    let head = |from: String, to: &str| Head {
        from,
        reply_to: None,
        to: to.to_owned(),
        id: "1".into(),
        at: Timestamp::from_millis(1),
    };
    let usual = plain(&head("kim@b.example".into(), "anna@a.example"));
    for to in [to.as_str(), "anna@a.example"] {
        if let Ok(letter) = Letter::asking(&head(format!("{name} <kim@b.example>"), to), &words) {
            assert_eq!(lines(&letter), usual, "a field came in");
        }
    }
}
