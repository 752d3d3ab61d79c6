//! Reads what the form sent. Pure. What cannot be an entry is named and costs nothing: it was not sent to any server.

use crate::domain::failure::Side;
use crate::domain::secret::Secret;
use crate::intake::form::{AskedSide, Given};

/// Longest user name or password.
const LONGEST: usize = 512;

/// The names of a side's fields.
pub fn fields(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Source => ("source-user", "source-password"),
        Side::Destination => ("destination-user", "destination-password"),
    }
}

/// The field that proves that the form was seen.
pub const PROOF: &str = "form";

/// Why an entry is not looked at further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// A field is empty.
    Empty,
    /// A password begins or ends with a blank, which nobody types on purpose.
    Blanks,
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
}

/// Reads a body for these sides.
pub fn read(body: &[u8], sides: &[AskedSide]) -> Sent {
    let value = |name: &str| {
        let found = form_urlencoded::parse(body).find(|(field, _)| field == name);
        zeroize::Zeroizing::new(found.map(|(_, value)| value.into_owned()).unwrap_or_default())
    };
    let mut users = Vec::new();
    let mut given = Ok(Vec::new());
    for AskedSide { side, .. } in sides {
        let (user, password) = fields(*side);
        let (user, password) = (value(user).trim().to_owned(), value(password));
        users.push((*side, user.chars().filter(|typed| !typed.is_control()).take(LONGEST).collect()));
        let slip = slip(&user, &password);
        given = match (given, slip) {
            (Ok(mut all), None) => {
                all.push(Given { side: *side, user, password: Secret::new(password.as_str()) });
                Ok(all)
            }
            (Ok(_), Some(slip)) => Err((*side, slip)),
            (Err(first), _) => Err(first),
        };
    }
    Sent { proof: value(PROOF).to_string(), users, given }
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
        let side = |side| AskedSide { side, host: "h".into(), user: "u".into() };
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
        assert_eq!(sent.proof, "p");
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
