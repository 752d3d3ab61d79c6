//! What the first line of a list says: columns by their names, also in other words and languages, or that it is the list of
//! another program.

use super::CsvColumn;

/// Names of columns, without case, accents, blanks and signs, beside those of the template.
const OTHER_NAMES: [(CsvColumn, &[&str]); 7] = [
    (
        CsvColumn::SourceEmail,
        &[
            "sourceemailaddress",
            "sourceaddress",
            "sourcemail",
            "sourcemailbox",
            "emailsource",
            "fromemail",
            "oldemail",
            "quellemail",
            "quelleemail",
            "quellemailadresse",
            "quelladresse",
            "quellpostfach",
            "adressesource",
            "adresseemailsource",
            "courrielsource",
            "boitesource",
        ],
    ),
    (
        CsvColumn::SourceLogin,
        &[
            "sourcelogin",
            "sourceuser",
            "sourceusername",
            "loginsource",
            "quellanmeldename",
            "quellbenutzer",
            "quellbenutzername",
            "quelllogin",
            "identifiantsource",
            "utilisateursource",
            "nomdutilisateursource",
        ],
    ),
    (
        CsvColumn::SourcePassword,
        &["sourcepass", "sourcepwd", "passwordsource", "quellpasswort", "quellkennwort", "motdepassesource"],
    ),
    (
        CsvColumn::DestinationEmail,
        &[
            "destinationemailaddress",
            "destinationaddress",
            "destinationmail",
            "destinationmailbox",
            "destemail",
            "targetemail",
            "targetemailaddress",
            "emaildestination",
            "toemail",
            "newemail",
            "zielemail",
            "zielemailadresse",
            "zieladresse",
            "zielpostfach",
            "adressedestination",
            "adresseemaildestination",
            "adressedestinataire",
            "courrieldestination",
            "emailcible",
            "adressecible",
        ],
    ),
    (
        CsvColumn::DestinationLogin,
        &[
            "destinationlogin",
            "destinationuser",
            "destinationusername",
            "targetlogin",
            "targetuser",
            "targetusername",
            "zielanmeldename",
            "zielbenutzer",
            "zielbenutzername",
            "ziellogin",
            "identifiantdestination",
            "utilisateurdestination",
            "nomdutilisateurdestination",
            "identifiantcible",
        ],
    ),
    (
        CsvColumn::DestinationPassword,
        &[
            "destinationpass",
            "destinationpwd",
            "destpassword",
            "targetpassword",
            "passworddestination",
            "zielpasswort",
            "zielkennwort",
            "motdepassedestination",
            "motdepassecible",
        ],
    ),
    (
        CsvColumn::ContactEmail,
        &[
            "contact",
            "contactaddress",
            "contactemailaddress",
            "kontakt",
            "kontaktemail",
            "kontaktadresse",
            "emaildecontact",
        ],
    ),
];

/// What a list of another program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// `host1;user1;password1;host2;user2;password2`, with a line that says so, or without.
    Imapsync {
        /// The first line is a row.
        headless: bool,
    },
    /// Users of Microsoft 365, one address each.
    MicrosoftUsers,
    /// Users of Google Workspace, one address each.
    GoogleUsers,
}

impl Foreign {
    /// What to do about one that cannot be taken as it is.
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Imapsync { .. } => None,
            Self::MicrosoftUsers => Some(
                "a list of users exported from Microsoft 365, which has one address in a row: name the column with the \
                 addresses \"Source Email\" or \"Destination Email\" and add the other one",
            ),
            Self::GoogleUsers => Some(
                "a list of users exported from Google Workspace, which has one address in a row: name \"Email Address \
                 [Required]\" \"Source Email\" or \"Destination Email\" and add the other one",
            ),
        }
    }

    /// Which list this is, by its first line.
    pub fn of(cells: &[&str]) -> Option<Self> {
        let keys: Vec<String> = cells.iter().map(|cell| key(cell)).collect();
        let has = |name: &str| keys.iter().any(|key| key == name);
        if has("userprincipalname") || (has("primarysmtpaddress") && has("displayname")) {
            return Some(Self::MicrosoftUsers);
        }
        if has("emailaddressrequired") || (has("emailaddress") && has("firstname") && has("lastname")) {
            return Some(Self::GoogleUsers);
        }
        if keys.iter().take(6).eq(["host1", "user1", "password1", "host2", "user2", "password2"]) {
            return Some(Self::Imapsync { headless: false });
        }
        match cells {
            [host1, user1, _, host2, user2, _, ..] if is_host(host1) && is_host(host2) => {
                (is_word(user1) && is_word(user2)).then_some(Self::Imapsync { headless: true })
            }
            _ => None,
        }
    }

    /// The columns of imapsync's lists.
    pub const IMAPSYNC: [Option<CsvColumn>; 6] = [
        None,
        Some(CsvColumn::SourceEmail),
        Some(CsvColumn::SourcePassword),
        None,
        Some(CsvColumn::DestinationEmail),
        Some(CsvColumn::DestinationPassword),
    ];
}

fn is_word(cell: &str) -> bool {
    let cell = cell.trim();
    !cell.is_empty() && !cell.contains(char::is_whitespace)
}

fn is_host(cell: &str) -> bool {
    let cell = cell.trim();
    let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    is_word(cell) && cell.chars().all(host) && (cell.contains(['.', ':']) || cell.eq_ignore_ascii_case("localhost"))
}

/// The column of this name, and whether it is the template's.
pub(super) fn column(cell: &str) -> Option<(CsvColumn, bool)> {
    let (key, exact) = (key(cell), cell.split_whitespace().collect::<Vec<_>>().join(" "));
    let template = CsvColumn::ALL.into_iter().find(|column| key == self::key(column.name()));
    let other = || OTHER_NAMES.iter().find(|(_, names)| names.contains(&key.as_str())).map(|(column, _)| *column);
    template.or_else(other).map(|column| (column, column.name().eq_ignore_ascii_case(&exact)))
}

/// A name by which columns are compared.
fn key(cell: &str) -> String {
    let plain = |c: char| match c {
        'á' | 'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        other => other,
    };
    cell.chars().take(80).flat_map(char::to_lowercase).map(plain).filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_in_other_words() {
        for (cell, wanted) in [
            ("SourceEmail", CsvColumn::SourceEmail),
            ("source_email", CsvColumn::SourceEmail),
            ("Source E-Mail", CsvColumn::SourceEmail),
            ("Quell-E-Mail-Adresse", CsvColumn::SourceEmail),
            ("Adresse e-mail source", CsvColumn::SourceEmail),
            ("Ziel-Passwort", CsvColumn::DestinationPassword),
            ("Mot de passe destination", CsvColumn::DestinationPassword),
            ("Destination Login", CsvColumn::DestinationLogin),
        ] {
            assert_eq!(column(cell), Some((wanted, false)), "{cell}");
        }
        assert_eq!(column(" source  EMAIL "), Some((CsvColumn::SourceEmail, true)));
        assert_eq!((column("Flags"), column("")), (None, None));
    }

    #[test]
    fn no_name_means_two_columns() {
        let all = OTHER_NAMES.iter().flat_map(|(_, names)| names.iter().map(|name| (*name).to_owned()));
        let mut all: Vec<String> = all.chain(CsvColumn::ALL.map(|column| key(column.name()))).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|name| *name == key(name)), "as they are compared");
    }

    #[test]
    fn lists_of_other_programs_are_known() {
        let of = |line: &str| Foreign::of(&line.split(';').collect::<Vec<_>>());
        assert_eq!(of("host1;user1;password1;host2;user2;password2"), Some(Foreign::Imapsync { headless: false }));
        assert_eq!(of("mx.a.example;a@x;pw;10.0.0.1;a@y;pw;--ssl1"), Some(Foreign::Imapsync { headless: true }));
        assert_eq!(of("a@x;anna;pw;a@y;;"), None);
        assert_eq!(of("Display name;User principal name;Licenses"), Some(Foreign::MicrosoftUsers));
        assert_eq!(
            of("First Name [Required];Last Name [Required];Email Address [Required]"),
            Some(Foreign::GoogleUsers)
        );
    }
}
