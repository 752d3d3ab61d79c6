//! What a mail about the ends of passes says, in the language of its project. Names of passes, and why one failed, stay as the
//! program shows them: whoever reads on does so there. Pure.

use crate::domain::language::Language;

/// Texts of a language; `{}` is filled in.
pub struct Words {
    /// How many passes of which project, one and more: ended well, failed.
    well: [&'static str; 2],
    failed: [&'static str; 2],
    /// From where into where.
    pub mailbox: &'static str,
    /// How many were copied, their size, how many errors.
    pub counts: &'static str,
}

const ENGLISH: Words = Words {
    well: ["{} pass of {} ended well", "{} passes of {} ended well"],
    failed: ["{} pass of {} failed", "{} passes of {} failed"],
    mailbox: "{} to {}",
    counts: "{} copied ({}), errors: {}",
};
const GERMAN: Words = Words {
    well: ["{} Durchlauf von {} ist gut zu Ende gegangen", "{} Durchläufe von {} sind gut zu Ende gegangen"],
    failed: ["{} Durchlauf von {} ist gescheitert", "{} Durchläufe von {} sind gescheitert"],
    mailbox: "{} nach {}",
    counts: "{} kopiert ({}), Fehler: {}",
};
const FRENCH: Words = Words {
    well: ["{} passe de {} s'est bien terminée", "{} passes de {} se sont bien terminées"],
    failed: ["{} passe de {} a échoué", "{} passes de {} ont échoué"],
    mailbox: "{} vers {}",
    counts: "{} copiés ({}), erreurs : {}",
};
const SPANISH: Words = Words {
    well: ["{} pasada de {} ha terminado bien", "{} pasadas de {} han terminado bien"],
    failed: ["{} pasada de {} ha fallado", "{} pasadas de {} han fallado"],
    mailbox: "{} a {}",
    counts: "{} copiados ({}), errores: {}",
};

/// Of a language.
pub fn of(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
        Language::French => &FRENCH,
        Language::Spanish => &SPANISH,
    }
}

impl Words {
    /// How so many passes of a project ended.
    pub fn ends(&self, well: bool, passes: usize, project: &str) -> String {
        let [one, more] = if well { self.well } else { self.failed };
        filled(if passes == 1 { one } else { more }, &[&passes.to_string(), project])
    }
}

/// A text with its gaps filled in, in order.
pub fn filled(text: &str, values: &[&str]) -> String {
    let mut values = values.iter();
    let mut parts = text.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + values.next().copied().unwrap_or_default() + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_how_many_of_which_project() {
        for language in Language::ALL {
            let words = of(language);
            for (well, passes) in [(true, 1), (true, 2), (false, 1), (false, 3)] {
                let text = words.ends(well, passes, "Contoso {}");
                assert!(text.contains(&passes.to_string()) && text.contains("Contoso {}"), "{text}");
            }
            assert_eq!(words.counts.matches("{}").count(), 3);
            assert_eq!(words.mailbox.matches("{}").count(), 2);
        }
        assert_eq!(of(Language::German).ends(true, 2, "X"), "2 Durchläufe von X sind gut zu Ende gegangen");
    }
}
