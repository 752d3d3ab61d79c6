//! What a browser sends, read with anything. Panics where a promise does not hold.

use super::entry::{self, Sent};
use super::page::{self, Again};
use super::{Asked, AskedSide, SignInStep, Way};
use crate::domain::failure::Side;
use crate::domain::language::Language;

fn asked(way: Way) -> Asked {
    let side = |side, way| AskedSide { side, host: "h.example".into(), user: "anna@a.example".into(), way };
    let sides = vec![side(Side::Source, way), side(Side::Destination, Way::Password)];
    Asked { mailbox: "anna@a.example".into(), project: "<p>".into(), consultant: "Kim & Co".into(), sides }
}

/// The body of a post: what comes out is bounded and has no control characters, and shown again it stays in its place.
pub fn entry(data: &[u8]) {
    let step = SignInStep::Code { page: "https://a.example/d".into(), code: "AB".into() };
    for way in [Way::Password, Way::SignIn(step)] {
        let asked = asked(way);
        let Sent { users, given, passwords, show, .. } = entry::read(data, &asked.sides);
        for given in given.iter().flatten() {
            let (user, password) = (given.user.as_str(), given.password.expose());
            assert!(!user.is_empty() && user.len() <= 512 && password.len() <= 512, "not bounded");
            assert!(!user.chars().chain(password.chars()).any(char::is_control), "a control character");
        }
        let usual = tags(&page::form(Language::English, &asked, "p", &Again { show, ..Again::default() }));
        let slip = given.err().filter(|_| show.is_none());
        let seen =
            tags(&page::form(Language::English, &asked, "p", &Again { users, passwords, show, ..Again::default() }));
        assert_eq!(seen, usual, "what was typed became markup");
        let slipped = Again { slip, ..Again::default() };
        assert!(tags(&page::form(Language::English, &asked, "p", &slipped)) >= usual, "a slip takes nothing away");
    }
    entry::only_looks(data);
    entry::proof(data);
}

fn tags(page: &str) -> usize {
    page.matches('<').count()
}
