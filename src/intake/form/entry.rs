//! Reads what the form sent. Pure. What cannot be an entry is named and costs nothing: it was not sent to any server.

use crate::domain::failure::Side;
use crate::domain::secret::Secret;
use crate::intake::form::{AskedSide, Given, Way};

/// Longest user name or password.
const LONGEST: usize = 512;

/// The names of a side's fields.
pub fn fields(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Source => ("source-user", "source-password"),
        Side::Destination => ("destination-user", "destination-password"),
    }
}

/// The field that says that a user name without @ is meant so.
pub fn meant(side: Side) -> &'static str {
    match side {
        Side::Source => "source-meant",
        Side::Destination => "destination-meant",
    }
}

/// The field of the button that shows passwords, or hides them again.
pub const SHOW: &str = "show";

/// The field of the button that begins a sign-in, and of the one that looks how far it is.
pub const SIGN_IN: &str = "sign-in";

/// What that says to look how far it is.
pub const LOOK: &str = "look";

/// The field that proves that the form was seen.
pub const PROOF: &str = "form";

/// Why an entry is not looked at further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// A field is empty.
    Empty,
    /// A password begins or ends with a blank, which nobody types on purpose.
    Blanks,
    /// Only part of an address, where an address was expected: looked at if it is sent once more.
    NoAt,
    /// It cannot be a user name or password: too long, or with characters that no keyboard has.
    Unfit,
}

/// What was sent.
#[derive(Debug)]
pub struct Sent {
    /// That the form was seen.
    pub proof: String,
    /// User names as they were typed, to be shown again: never passwords.
    pub users: Vec<(Side, String)>,
    /// The entry, or what is amiss at a side.
    pub given: Result<Vec<Given>, (Side, Slip)>,
    /// Passwords are to be shown, or hidden again; then nothing is looked at further.
    pub show: Option<bool>,
    /// Passwords as they were typed, for who wants to see them.
    pub passwords: Vec<(Side, Secret)>,
    /// A sign-in is to begin there.
    pub sign_in: Option<Side>,
    /// Somebody looks how far a sign-in is.
    pub looks: bool,
}

/// Whether somebody only looks: at what was typed, or how far a sign-in is.
pub fn only_looks(body: &[u8]) -> bool {
    let looks = |field: &str, value: &str| match field {
        SHOW => value == "yes" || value == "no",
        SIGN_IN => value == LOOK,
        _ => false,
    };
    form_urlencoded::parse(body).any(|(field, value)| looks(&field, &value))
}

/// What proves that a form was seen.
pub fn proof(body: &[u8]) -> String {
    let found = form_urlencoded::parse(body).find(|(field, _)| field == PROOF);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// Reads a body for these sides.
pub fn read(body: &[u8], sides: &[AskedSide]) -> Sent {
    let value = |name: &str| {
        let found = form_urlencoded::parse(body).find(|(field, _)| field == name);
        zeroize::Zeroizing::new(found.map(|(_, value)| value.into_owned()).unwrap_or_default())
    };
    let (mut users, mut passwords) = (Vec::new(), Vec::new());
    let mut given = Ok(Vec::new());
    for AskedSide { side, user: expected, way, .. } in sides {
        if matches!(way, Way::SignIn(_)) {
            continue;
        }
        let (user, password) = fields(*side);
        let (user, password) = (value(user).trim().to_owned(), value(password));
        let part = expected.contains('@') && !user.contains('@') && *value(meant(*side)) != user;
        passwords.push((*side, Secret::new(shown(&password).as_str())));
        users.push((*side, user.chars().filter(|typed| !typed.is_control()).take(LONGEST).collect()));
        let slip = slip(&user, &password).or(part.then_some(Slip::NoAt));
        given = match (given, slip) {
            (Ok(mut all), None) => {
                all.push(Given { side: *side, user, password: Secret::new(password.as_str()) });
                Ok(all)
            }
            (Ok(_), Some(slip)) => Err((*side, slip)),
            (Err(first), _) => Err(first),
        };
    }
    let show = match value(SHOW).as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let asked = value(SIGN_IN);
    let sign_in = [Side::Source, Side::Destination].into_iter().find(|side| *asked == side.word());
    let looks = *asked == LOOK;
    Sent { proof: value(PROOF).to_string(), users, given, show, passwords, sign_in, looks }
}

/// A password as a page can hold it.
fn shown(password: &str) -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(password.chars().filter(|typed| !typed.is_control()).take(LONGEST).collect())
}

fn slip(user: &str, password: &str) -> Option<Slip> {
    if user.is_empty() || password.is_empty() {
        return Some(Slip::Empty);
    }
    let unfit = |text: &str| text.len() > LONGEST || text.chars().any(char::is_control);
    if unfit(user) || unfit(password) {
        return Some(Slip::Unfit);
    }
    (password.trim() != password).then_some(Slip::Blanks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sides() -> Vec<AskedSide> {
        let side = |side| AskedSide { side, host: "h".into(), user: "u".into(), way: Way::Password };
        vec![side(Side::Source), side(Side::Destination)]
    }

    fn both(user: &str, password: &str) -> String {
        let mut body = form_urlencoded::Serializer::new(String::new());
        for side in [Side::Source, Side::Destination] {
            let (user_field, password_field) = fields(side);
            body.append_pair(user_field, user).append_pair(password_field, password);
        }
        body.append_pair(PROOF, "p").finish()
    }

    #[test]
    fn slips_are_named_and_cost_nothing() {
        let slip = |user: &str, password: &str| read(both(user, password).as_bytes(), &sides()).given.unwrap_err().1;
        assert_eq!((slip("", "x"), slip("u", ""), slip("  ", "x")), (Slip::Empty, Slip::Empty, Slip::Empty));
        assert_eq!((slip("u", " x"), slip("u", "x ")), (Slip::Blanks, Slip::Blanks));
        assert_eq!((slip("u\r\nQUIT", "x"), slip("u", &"x".repeat(513))), (Slip::Unfit, Slip::Unfit));
        let sent = read(both(" anna@a ", "p w&=+%\u{e4}").as_bytes(), &sides());
        let given = sent.given.unwrap();
        assert_eq!((given.len(), given[0].user.as_str(), given[1].password.expose()), (2, "anna@a", "p w&=+%\u{e4}"));
        assert_eq!((sent.proof.as_str(), sent.show), ("p", None));
        let shown = read(format!("{}&show=yes", both("u", "x y")).as_bytes(), &sides());
        assert_eq!((shown.show, shown.passwords[1].1.expose()), (Some(true), "x y"));
    }

    #[test]
    fn part_of_an_address_is_asked_about_once() {
        let whole =
            AskedSide { side: Side::Source, host: "h".into(), user: "anna@a.example".into(), way: Way::Password };
        let slip = |body: &str| read(body.as_bytes(), std::slice::from_ref(&whole)).given.err();
        assert_eq!(slip("source-user=anna&source-password=x"), Some((Side::Source, Slip::NoAt)));
        assert_eq!(slip("source-user=anna%40a.example&source-password=x"), None);
        assert_eq!(slip("source-user=anna&source-password=x&source-meant=anna"), None);
        assert_eq!(slip("source-user=ann&source-password=x&source-meant=anna"), Some((Side::Source, Slip::NoAt)));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_an_entry_has_no_control_characters_and_a_bounded_length(
            body in proptest::collection::vec(any::<u8>(), 0..2000), user in ".{0,40}", password in ".{1,40}"
        ) {
            for body in [body, both(&user, &password).into_bytes()] {
                let sent = read(&body, &sides());
                for given in sent.given.into_iter().flatten() {
                    let (user, password) = (given.user.as_str(), given.password.expose());
                    prop_assert!(!user.is_empty() && !password.is_empty());
                    prop_assert!(user.len() <= LONGEST && password.len() <= LONGEST);
                    prop_assert!(!user.chars().chain(password.chars()).any(char::is_control));
                }
            }
        }
    }
}
