//! What a pasted list looks like on the screen: its passwords are dots, one for each character.

/// The dot.
const DOT: char = '•';

/// The list as it is shown, with as many characters as it has. Dots stand from the first column on that may hold
/// passwords: by the header the first that is neither an address nor a login name; without a header the third. Rather too
/// much is hidden than too little.
pub fn masked(list: &str) -> String {
    let first = list.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let headed = !first.contains('@');
    let harmless = |cell: &str| {
        let cell = cell.to_lowercase();
        ["mail", "login", "user"].iter().any(|word| cell.contains(word)) && !cell.contains("pass")
    };
    let hidden = match headed {
        true => first.split(separates).position(|cell| !harmless(cell)).unwrap_or(usize::MAX),
        false => 2,
    };
    let mut shown = String::with_capacity(list.len());
    let (mut column, mut quoted, mut header) = (0, false, headed);
    for character in list.chars() {
        match character {
            '"' => quoted = !quoted,
            '\n' if !quoted => {
                // Empty lines above the header are not the header.
                header &= shown.trim().is_empty();
                column = 0;
            }
            other if separates(other) && !quoted => column += 1,
            _ => {}
        }
        let plain = header || column < hidden || character == '\n' || (separates(character) && !quoted);
        shown.push(if plain { character } else { DOT });
    }
    shown
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
        let list = "\nSource Email;Source Password;Destination Email\na@x;sé\"c;b@y\n";
        assert_eq!(masked(list), "\nSource Email;Source Password;Destination Email\na@x;••••••••\n");
        let quoted = "Source Email,Login Name,Kennwort\n\"a,b@x\",a,\"p\nq\"\nc@x,c,r";
        assert_eq!(masked(quoted), "Source Email,Login Name,Kennwort\n\"a,b@x\",a,••\n••\nc@x,c,•");
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
