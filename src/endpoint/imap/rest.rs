//! What is left of a command of which the server did only a part and said so (MESSAGELIMIT, RFC 9738). Pure.

use std::collections::BTreeSet;

use super::response::Told;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::ids::Uid;
use crate::endpoint::{Result, Which};

/// The part of `asked` that is still to be asked for, after an answer that ends like this and told these messages; none if
/// nothing is left. Servers go from the newest message down; one that told nothing above the last number goes up.
///
/// # Errors
/// The server did nothing of it: asking again would have no end.
pub(super) fn rest(asked: &Which, told: &Told, answered: &BTreeSet<Uid>, doing: &str) -> Result<Option<Which>> {
    let Some((_, last)) = told.code.cut_short() else { return Ok(None) };
    let stuck = || Failure::new(Cause::MessageUnreadable, Scope::Folder, Retry::Never, doing).saying(told.words());
    let last = last.or_else(|| answered.first().copied()).ok_or_else(stuck)?;
    let upwards = answered.first().is_some_and(|first| *first < last) && answered.last() <= Some(&last);
    let rest = if upwards { above(asked, last) } else { below(asked, last) };
    match rest {
        // It must become less each time.
        Some(rest) if rest == *asked || answered.is_empty() => Err(stuck()),
        rest => Ok(rest),
    }
}

fn range(first: Uid, end: Uid) -> Option<Which> {
    (first < end).then_some(Which::Range(first, end))
}

fn these(uids: &[Uid], left: impl Fn(&Uid) -> bool) -> Option<Which> {
    let left: Vec<Uid> = uids.iter().copied().filter(left).collect();
    (!left.is_empty()).then_some(Which::These(left))
}

fn below(asked: &Which, last: Uid) -> Option<Which> {
    match asked {
        Which::All => range(Uid(1), last),
        Which::From(first) => range(*first, last),
        Which::Before(end) => range(Uid(1), last.min(*end)),
        Which::Range(first, end) => range(*first, last.min(*end)),
        Which::These(uids) => these(uids, |uid| *uid < last),
    }
}

fn above(asked: &Which, last: Uid) -> Option<Which> {
    let next = Uid(last.0 + 1);
    match asked {
        Which::All => Some(Which::From(next)),
        Which::From(first) => Some(Which::From(next.max(*first))),
        Which::Before(end) => range(next, *end),
        Which::Range(first, end) => range(next.max(*first), *end),
        Which::These(uids) => these(uids, |uid| *uid > last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::imap::response::Code;

    fn told(arguments: &str) -> Told {
        let code = Code { name: "MESSAGELIMIT".into(), arguments: arguments.into() };
        Told { code, text: "too many".into() }
    }

    fn left(asked: &Which, arguments: &str, answered: &[i64]) -> Result<Option<Which>> {
        rest(asked, &told(arguments), &answered.iter().copied().map(Uid).collect(), "reading")
    }

    #[test]
    fn what_was_not_come_to_is_asked_for_again_downwards_or_upwards() {
        let uids = |numbers: &[i64]| Which::These(numbers.iter().copied().map(Uid).collect());
        let range = |first, end| Which::Range(Uid(first), Uid(end));
        for (asked, arguments, answered, expected) in [
            (Which::All, "2 7", &[9, 7][..], Some(range(1, 7))),
            (Which::From(Uid(4)), "2 7", &[9, 7], Some(range(4, 7))),
            (Which::Before(Uid(10)), "2 7", &[9, 7], Some(range(1, 7))),
            (range(3, 10), "2 7", &[9, 7], Some(range(3, 7))),
            (uids(&[2, 5, 7, 9]), "2 7", &[9, 7], Some(uids(&[2, 5]))),
            (uids(&[7, 9]), "2 7", &[9, 7], None),
            (range(7, 10), "2 7", &[9, 7], None),
            // No number told: the lowest that came.
            (range(3, 10), "2", &[9, 7], Some(range(3, 7))),
            // A server that goes upwards.
            (Which::All, "2 4", &[2, 4], Some(Which::From(Uid(5)))),
            (Which::From(Uid(2)), "2 4", &[2, 4], Some(Which::From(Uid(5)))),
            (range(1, 10), "2 4", &[2, 4], Some(range(5, 10))),
            (Which::Before(Uid(5)), "2 4", &[2, 4], None),
            (uids(&[2, 4, 6]), "2 4", &[2, 4], Some(uids(&[6]))),
        ] {
            assert_eq!(left(&asked, arguments, answered).unwrap(), expected, "{asked:?} {arguments} {answered:?}");
        }
        let whole = Told { text: "done".into(), ..Told::default() };
        assert_eq!(rest(&Which::All, &whole, &BTreeSet::from([Uid(1)]), "reading").unwrap(), None);
    }

    #[test]
    fn a_server_that_does_nothing_is_not_asked_for_ever() {
        for (asked, arguments, answered) in [
            (Which::All, "1000", &[][..]),
            (Which::All, "1000 7", &[]),
            (Which::Range(Uid(1), Uid(7)), "1000 7", &[8]),
            (Which::These(vec![Uid(3)]), "0 9", &[10]),
        ] {
            let failure = left(&asked, arguments, answered).unwrap_err();
            assert_eq!((failure.cause, failure.scope), (Cause::MessageUnreadable, Scope::Folder), "{arguments}");
        }
    }
}
