//! The search over the item grid: a part of an address, or a pasted list of addresses.

use std::collections::HashSet;

/// What a search is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// A part of an address, in lower case.
    part: String,
    /// Whole addresses of a pasted list, in lower case.
    list: HashSet<String>,
}

impl Sought {
    /// Reads what was typed. Several words are a list: a thousand pasted addresses must not be looked for one by one in each row.
    pub fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let words = || text.split([' ', '\t', ',', ';', '<', '>', '"']).filter(|word| !word.is_empty());
        if words().nth(1).is_some() {
            return Self { part: String::new(), list: words().map(str::to_owned).collect() };
        }
        Self { part: words().next().unwrap_or_default().to_owned(), list: HashSet::new() }
    }

    /// Whether an address is sought. TextNames without a domain in a list stand for any domain.
    pub fn holds(&self, address: &str) -> bool {
        let address = address.to_ascii_lowercase();
        if self.list.is_empty() {
            return address.contains(&self.part);
        }
        let name = address.split('@').next().unwrap_or_default();
        self.list.contains(&address) || self.list.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_a_part_and_several_are_a_list() {
        let part = Sought::of("  Anna ");
        assert!(part.holds("joanna@contoso.example") && !part.holds("bob@contoso.example"));
        let list = Sought::of("Anna@Contoso.example;bob, <carl@contoso.example>\tdora@contoso.example");
        let found = |name: &str| list.holds(&format!("{name}@contoso.example"));
        assert!(["anna", "BOB", "carl", "dora"].into_iter().all(found));
        assert!(!found("joanna") && !list.holds("carl@fabrikam.example"));
        assert!(Sought::of("").holds("anyone"));
    }
}
