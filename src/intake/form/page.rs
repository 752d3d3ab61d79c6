//! The pages of the form: no script, one style, every field with its label, what is amiss said beside it and announced. Pure.

use std::sync::LazyLock;

use base64::Engine;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::entry::{LOOK, PROOF, SHOW, SIGN_IN, Slip, fields, meant};
use super::words::{Words, filled, of};
use super::{Asked, AskedSide, SignInStep, Verdict, Way};
use crate::domain::failure::Side;
use crate::domain::language::Language;
use crate::domain::secret::Secret;

const STYLE: &str = ":root{color-scheme:light dark;--page:#fff;--ink:#1a1e24;--muted:#586270;--line:#747d8b;--accent:#1d5bc9;--on:#fff;--bad:#b3221b}\
@media(prefers-color-scheme:dark){:root{--page:#15181c;--ink:#e7eaee;--muted:#9da7b4;--line:#707b89;--accent:#82b0ff;--on:#0b1626;--bad:#ff8f86}}\
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
main{max-width:34rem;margin:0 auto;padding:24px 16px}h1{font-size:1.25rem;line-height:1.3;overflow-wrap:anywhere}\
p{margin:0 0 12px}.muted{color:var(--muted)}fieldset{border:1px solid var(--line);border-radius:4px;margin:16px 0;padding:12px 16px}\
legend{font-weight:600;padding:0 4px}label{display:block;margin-top:8px}\
input{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:4px;padding:8px 12px;min-height:44px}\
button{font:inherit;font-weight:600;color:var(--on);background:var(--accent);border:0;border-radius:4px;padding:8px 24px;min-height:44px}\
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}.bad{color:var(--bad);font-weight:600}.buttons{display:flex;flex-wrap:wrap;gap:12px}\
.plain{color:var(--accent);background:transparent;border:1px solid var(--line);font-weight:400}a{color:var(--accent);overflow-wrap:anywhere}.code{font-size:1.25rem;letter-spacing:.1em}";

/// What a page may load: its own style, and nothing else.
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = ring::digest::digest(&ring::digest::SHA256, STYLE.as_bytes());
    let hash = base64::engine::general_purpose::STANDARD.encode(hash.as_ref());
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

fn whole(language: Language, title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}

/// What is shown of an entry that was not looked at.
#[derive(Debug, Default)]
pub struct Again {
    /// User names as they were typed.
    pub users: Vec<(Side, String)>,
    /// What is amiss at a side.
    pub slip: Option<(Side, Slip)>,
    /// The page was open for too long.
    pub stale: bool,
    /// Passwords that somebody wants to see.
    pub passwords: Vec<(Side, Secret)>,
    /// They were shown, or hidden again, just now.
    pub show: Option<bool>,
    /// A sign-in is to be done first.
    pub waits: bool,
}

/// The form.
pub fn form(language: Language, asked: &Asked, proof: &str, again: &Again) -> String {
    let words = of(language);
    let Asked { mailbox, project, consultant, sides } = asked;
    let heading = filled(words.heading, &[mailbox]);
    let body = html! {
        h1 { (heading) }
        p.muted { (filled(words.project, &[project, consultant])) }
        @if again.stale { p.bad role="alert" { (words.stale) } }
        @let by_password = sides.iter().any(|side| side.way == Way::Password);
        @if again.waits { p.bad role="alert" { (words.sign_in_first) } }
        @if by_password { p { (words.intro) " " (words.app_password) } }
        form method="post" {
            input type="hidden" name=(PROOF) value=(proof);
            @for side in sides {
                @match &side.way {
                    Way::Password => (side_fields(words, side, again)),
                    Way::SignIn(step) => (sign_in(words, side, step)),
                }
            }
            @if by_password {
            p { (words.once) }
            p.buttons {
                button type="submit" { (words.send) }
                @let shown = again.show == Some(true);
                button.plain type="submit" formnovalidate name=(SHOW) value=(if shown { "no" } else { "yes" }) {
                    (if shown { words.hide } else { words.show })
                }
            }
            }
        }
        p.muted { (filled(words.kept, &[consultant])) }
    };
    whole(language, &heading, &body)
}

fn side_fields(words: &Words, asked: &AskedSide, again: &Again) -> Markup {
    let AskedSide { side, host, user, .. } = asked;
    let (user_field, password_field) = fields(*side);
    let legend = if *side == Side::Source { words.source } else { words.destination };
    let typed = again.users.iter().find(|(of, _)| of == side).map_or(user, |(_, typed)| typed);
    let found = again.slip.filter(|(of, _)| of == side).map(|(_, slip)| slip);
    let slip = found.map(|slip| match slip {
        Slip::Empty => words.empty.to_owned(),
        Slip::Blanks => words.blanks.to_owned(),
        Slip::Unfit => words.unfit.to_owned(),
        Slip::NoAt => filled(words.no_at, &[user]),
    });
    let of_name = found == Some(Slip::NoAt);
    let password = again.passwords.iter().find(|(of, _)| of == side).map(|(_, password)| password.expose());
    let shown = again.show == Some(true);
    let noted = format!("{}-slip", side.word());
    let noted = slip.as_ref().map(|_| noted.as_str());
    html! {
        fieldset {
            legend { (filled(legend, &[host])) }
            @if let (Some(slip), Some(id)) = (&slip, noted) { p.bad role="alert" id=(id) { (slip) } }
            label for=(user_field) { (words.user) }
            input id=(user_field) name=(user_field) value=(typed) type="text" required maxlength="512"
                autocomplete="username" autocapitalize="none" spellcheck="false" aria-describedby=[noted]
                aria-invalid=[of_name.then_some("true")];
            @if of_name { input type="hidden" name=(meant(*side)) value=(typed); }
            label for=(password_field) { (words.password) }
            input id=(password_field) name=(password_field) type=(if shown { "text" } else { "password" }) required
                maxlength="512" value=[password] autocomplete="current-password" autocapitalize="none" spellcheck="false"
                aria-describedby=[noted] aria-invalid=[(slip.is_some() && !of_name).then_some("true")];
        }
    }
}

/// What a side shows where its owner signs in with a provider.
fn sign_in(words: &Words, asked: &AskedSide, step: &SignInStep) -> Markup {
    let legend = if asked.side == Side::Source { words.source } else { words.destination };
    let begin = |label: &str| {
        html! {
            button type="submit" formnovalidate name=(SIGN_IN) value=(asked.side.word()) { (label) }
        }
    };
    html! {
        fieldset {
            legend { (filled(legend, &[&asked.host])) }
            @match step {
                SignInStep::NotYet => { p { (words.sign_in) } p { (begin(words.begin)) } }
                SignInStep::Code { page, code } => {
                    p { (words.open_page) " " a href=(page) target="_blank" rel="noopener noreferrer" { (page) } }
                    p { (words.enter_code) " " strong.code { (code) } }
                    p { button type="submit" formnovalidate name=(SIGN_IN) value=(LOOK) { (words.signed_in) } }
                }
                SignInStep::Page(page) => {
                    p { (words.open_page) " " a href=(page) target="_blank" rel="noopener noreferrer" { (filled(words.at_provider, &[&asked.host])) } }
                    p { button type="submit" formnovalidate name=(SIGN_IN) value=(LOOK) { (words.signed_in) } }
                }
                SignInStep::Done => p role="status" { (words.done) },
                SignInStep::Failed => { p.bad role="alert" { (words.not_signed_in) } p { (begin(words.begin)) } }
            }
        }
    }
}

/// What was entered, or signed in with, is right.
fn right(language: Language, when: Option<&str>) -> String {
    let words = of(language);
    match when {
        Some(when) => said(language, &filled(words.right_at, &[when])),
        None => said(language, words.right),
    }
}

fn said(language: Language, text: &str) -> String {
    let body = html! {
        h1 { "Mailferry" }
        p role="status" { (text) }
    };
    whole(language, "Mailferry", &body)
}

/// What an entry was worth.
pub fn verdict(language: Language, verdict: &Verdict) -> String {
    let words = of(language);
    match verdict {
        Verdict::Right(when) => right(language, when.as_deref()),
        Verdict::Wrong { host, consultant } => said(language, &filled(words.wrong, &[host, consultant])),
        Verdict::NotChecked => not_checked(language),
        Verdict::Gone => gone(language),
    }
}

/// A link that leads nowhere: unknown, used and dead ones look the same.
pub fn gone(language: Language) -> String {
    said(language, of(language).gone)
}

/// The browser came back from the provider.
pub fn came_back(language: Language) -> String {
    said(language, of(language).came_back)
}

/// Nothing could be asked.
pub fn not_checked(language: Language) -> String {
    said(language, of(language).not_checked)
}

/// Too many requests.
pub fn too_often(language: Language) -> String {
    said(language, of(language).too_often)
}

/// No request that the form makes.
pub fn unfit(language: Language) -> String {
    said(language, of(language).unfit_request)
}
