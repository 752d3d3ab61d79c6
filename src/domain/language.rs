//! The languages in which owners are written to. Pure.

/// One of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    /// Its code, as browsers and settings have it.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// The language of a code, with or without a country.
    pub fn parse(code: &str) -> Option<Self> {
        let code = code.trim();
        let code = code.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(code))
    }

    /// The one that a browser likes best (`Accept-Language`); English if it names none of ours.
    pub fn accepted(header: &str) -> Self {
        let mut best = (Self::default(), 0.0);
        for part in header.split(',').take(32) {
            let (code, weight) = part.split_once(';').unwrap_or((part, "q=1"));
            let weight: f32 = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0);
            if let Some(language) = Self::parse(code).filter(|_| weight > best.1 && weight <= 1.0) {
                best = (language, weight);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_language_that_it_likes_best_of_ours() {
        for (header, language) in [
            ("de-CH,de;q=0.9,en;q=0.8", Language::German),
            ("nl, fr;q=0.5, en;q=0.4", Language::French),
            ("en;q=0.1, es;q=0.9", Language::Spanish),
            ("nl", Language::English),
            ("", Language::English),
            ("de;q=0", Language::English),
            ("fr;q=nan, de;q=99, es;q=-1", Language::English),
            (";;;,,q=1", Language::English),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }
}
