//! What a pasted list looks like on the screen: its passwords are dots, one for each character.

/// The dot.
const DOT: char = '•';

/// The list as it is shown, with as many characters as it has. Dots stand in all columns but those of addresses and login
/// names; without a header, from the third on. Rather too much is hidden than too little: all from the first such column on
/// in a row with more columns than the header has, and what stands behind a quote that a row does not close.
pub fn masked(list: &str) -> String {
    let first = list.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let hidden: Option<Vec<bool>> = (!first.contains('@')).then(|| first.split(separates).map(is_secret).collect());
    let from = hidden.as_ref().and_then(|hidden| hidden.iter().position(|hidden| *hidden)).unwrap_or(usize::MAX);
    let mut shown = String::with_capacity(list.len());
    let mut header = hidden.is_some();
    for row in rows(list) {
        let columns = columns(row);
        let dots = |column: usize| match &hidden {
            Some(hidden) if columns > hidden.len() => column >= from,
            Some(hidden) => hidden.get(column).copied().unwrap_or(true),
            None => column >= 2,
        };
        // Empty lines above the header are not the header.
        let plain = header;
        header &= row.trim().is_empty();
        let (mut column, mut quoted, mut spilt) = (0, false, false);
        for character in row.chars() {
            match character {
                '"' => (quoted, spilt) = (!quoted, false),
                other if separates(other) && !quoted => column += 1,
                other => spilt |= quoted && (separates(other) || other == '\n'),
            }
            let edge = character == '\n' || (separates(character) && !quoted);
            shown.push(if plain || edge || !(spilt || dots(column)) { character } else { DOT });
        }
    }
    shown
}

/// Whether a column of this heading may hold passwords.
fn is_secret(heading: &str) -> bool {
    let heading = heading.to_lowercase();
    !["mail", "login", "user"].iter().any(|word| heading.contains(word)) || heading.contains("pass")
}

/// The rows, each with the end of its line; a quoted cell may hold ends of lines.
fn rows(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    list.split_inclusive(move |character| {
        quoted ^= character == '"';
        character == '\n' && !quoted
    })
}

fn columns(row: &str) -> usize {
    let mut quoted = false;
    let edges = row.chars().filter(|character| {
        quoted ^= *character == '"';
        separates(*character) && !quoted
    });
    edges.count() + 1
}

fn separates(character: char) -> bool {
    matches!(character, ',' | ';' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_dots_and_addresses_are_not() {
        assert_eq!(masked("a@x\tb@y\n"), "a@x\tb@y\n");
        assert_eq!(masked("a@x,b@y,s3c"), "a@x,b@y,•••");
        let header = "\nSource Email;Source Password;Destination Email\n";
        let rows = |rows: &str| masked(&format!("{header}{rows}")).strip_prefix(header).unwrap().to_owned();
        assert_eq!(rows("a@x;sé;b@y\n"), "a@x;••;b@y\n");
        assert_eq!(rows("a@x;s;é;b@y\n"), "a@x;•;•;•••\n", "a password with a separator");
        assert_eq!(rows("a@x;s\"c;b@y\n"), "a@x;•••••••\n", "one with a quote");
        assert_eq!(rows("\"a@x;s;b@y\nc@x;t;"), "\"a@x••••••\n••••••", "a quote that nobody closes");
        let quoted = "Source Email,Login Name,Kennwort\n\"a b@x\",a,\"p\nq\"\nc@x,c,r";
        assert_eq!(masked(quoted), "Source Email,Login Name,Kennwort\n\"a b@x\",a,••\n••\nc@x,c,•");
        assert_eq!(masked("Source Email,Destination Email\na@x,b@y"), "Source Email,Destination Email\na@x,b@y");
    }

    proptest::proptest! {
        #[test]
        fn as_many_characters_and_no_secret(secret in "[a-zA-Z0-9@,;\"\n\t ]{1,20}", login in "[a-z]{0,5}") {
            let list = format!("Source Email,Source Login Name,Source Password\nanna@x,{login},{secret}");
            let shown = masked(&list);
            proptest::prop_assert_eq!(shown.chars().count(), list.chars().count());
            let cell: String = secret.split(['\n', '"', ',', ';', '\t']).next().unwrap_or_default().into();
            let line = shown.lines().nth(1).unwrap_or_default();
            proptest::prop_assert!(cell.trim().is_empty() || !line[line.len().min(8 + login.len())..].contains(&cell));
        }
    }
}
