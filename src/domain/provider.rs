//! What is known of large mail providers: where their servers are, and what they allow. Public knowledge, in one table; it
//! proposes and explains, and decides nothing: what a project's options say counts.

mod names;

use names::NameRule;
use serde::{Deserialize, Serialize};

use super::failure::Side;
use super::sign_in::SignInKind;
use super::wording::{count, size};

/// A provider.
#[derive(Debug)]
pub struct MailProvider {
    /// What people call it.
    pub name: &'static str,
    /// Its IMAP server, at port 993 under TLS.
    pub host: &'static str,
    /// Hosts that are its servers too, and all below them.
    hosts: &'static [&'static str],
    /// Domains of its addresses.
    domains: &'static [&'static str],
    /// Its servers that take mail in, and all below them: domains of others that it serves.
    mail_exchangers: &'static [&'static str],
    /// A capability that only it has.
    capability: Option<&'static str>,
    /// Connections at once that it allows for a mailbox.
    pub connections: Option<u32>,
    /// Bytes a day that may be read of an account, and be written to it.
    pub a_day: Option<(u64, u64)>,
    /// How one signs in, where a password is not enough or is another one.
    pub sign_in: Option<&'static str>,
    /// How an organisation signs in, where no passwords are taken.
    pub only_by: Option<SignInKind>,
    /// Folder names that it refuses.
    refused: &'static [NameRule],
    /// Folders that it lists and that hold no mail, with all below them.
    no_mail: &'static [&'static str],
    /// More about it as a source.
    source: &'static [&'static str],
    /// More about it as a destination.
    destination: &'static [&'static str],
}

const NONE: MailProvider = MailProvider {
    name: "",
    host: "",
    hosts: &[],
    domains: &[],
    mail_exchangers: &[],
    capability: None,
    connections: None,
    a_day: None,
    sign_in: None,
    only_by: None,
    refused: &[],
    no_mail: &[],
    source: &[],
    destination: &[],
};

const MEGABYTE: u64 = 1_000_000;
const APP_PASSWORD: &str = "it wants an app password, not the one for its web pages";

/// All that are known.
static PROVIDERS: [MailProvider; 11] = [
    MailProvider {
        name: "Microsoft 365",
        host: "outlook.office365.com",
        hosts: &["outlook.office365.com", "outlook.office365.us", "outlook-dod.office365.us", "partner.outlook.cn"],
        mail_exchangers: &["mail.protection.outlook.com"],
        connections: Some(20),
        sign_in: Some("it takes no passwords: the organisation registers an application for it"),
        only_by: Some(SignInKind::MicrosoftApp),
        refused: &[NameRule::Reserved("Files")],
        no_mail: &["Calendar", "Contacts", "Tasks", "Journal", "Notes", "Outbox"],
        source: &["it lists Calendar, Contacts, Tasks, Journal, Notes and Outbox as folders too: filter them"],
        destination: &[
            "it refuses a folder named Files: map it, such as ^Files->Files-1",
            "it makes one folder of names that differ only in case",
            "it takes messages up to 36 MB unless its administrator raises that, to 150 MB at most",
            "it keeps no keywords other than its own few",
        ],
        ..NONE
    },
    MailProvider {
        name: "Gmail",
        host: "imap.gmail.com",
        hosts: &["imap.gmail.com", "imap.googlemail.com"],
        domains: &["gmail.com", "googlemail.com"],
        mail_exchangers: &["aspmx.l.google.com", "smtp.google.com"],
        capability: Some("X-GM-EXT-1"),
        connections: Some(15),
        a_day: Some((2_500 * MEGABYTE, 500 * MEGABYTE)),
        sign_in: Some(
            "a service account for an organisation; an app password, with two-step verification, for one person",
        ),
        refused: &[NameRule::Blanks, NameRule::Characters("^\\\"")],
        source: &[
            "of All Mail only what lies in no other folder is copied",
            "a message with several labels is copied into the folder of one of them; the option all-labels=on copies it into each",
        ],
        destination: &[
            "it refuses folder names with blanks at an end or two in a row, and with ^, \\ or \"",
            "it keeps one copy of equal messages, and of messages marked as deleted none",
            "it takes messages up to 35.65 MB",
        ],
        ..NONE
    },
    MailProvider {
        name: "Yahoo",
        host: "imap.mail.yahoo.com",
        hosts: &["mail.yahoo.com"],
        domains: &["yahoo.com", "ymail.com", "rocketmail.com"],
        mail_exchangers: &["yahoodns.net"],
        sign_in: Some(APP_PASSWORD),
        source: &[
            "it shows the newest 10,000 messages of a folder; export.imap.mail.yahoo.com shows some 100,000, slowly",
        ],
        ..NONE
    },
    MailProvider {
        name: "AOL",
        host: "imap.aol.com",
        hosts: &["imap.aol.com"],
        domains: &["aol.com"],
        sign_in: Some(APP_PASSWORD),
        source: &["it shows the newest 10,000 messages of a folder"],
        ..NONE
    },
    MailProvider {
        name: "iCloud",
        host: "imap.mail.me.com",
        hosts: &["mail.me.com"],
        domains: &["icloud.com", "me.com", "mac.com"],
        mail_exchangers: &["mail.icloud.com"],
        sign_in: Some("it wants an app password; the login name may be what stands before the @"),
        ..NONE
    },
    MailProvider {
        name: "Zoho",
        host: "imap.zoho.com",
        hosts: &["zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zoho.jp"],
        domains: &["zoho.com", "zohomail.com"],
        mail_exchangers: &["zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zoho.jp"],
        sign_in: Some("IMAP is off until it is switched on; with two-factor sign-in it wants an app password"),
        ..NONE
    },
    MailProvider {
        name: "Yandex",
        host: "imap.yandex.com",
        hosts: &["imap.yandex.com", "imap.yandex.ru"],
        domains: &["yandex.com", "yandex.ru", "ya.ru"],
        mail_exchangers: &["mx.yandex.net"],
        sign_in: Some("it wants an app password, and IMAP switched on; the login name is what stands before the @"),
        ..NONE
    },
    MailProvider {
        name: "Mail.ru",
        host: "imap.mail.ru",
        hosts: &["imap.mail.ru"],
        domains: &["mail.ru", "inbox.ru", "list.ru", "bk.ru"],
        mail_exchangers: &["mxs.mail.ru"],
        sign_in: Some(APP_PASSWORD),
        ..NONE
    },
    MailProvider {
        name: "QQ",
        host: "imap.qq.com",
        hosts: &["imap.qq.com", "imap.exmail.qq.com"],
        domains: &["qq.com", "foxmail.com"],
        mail_exchangers: &["qq.com"],
        sign_in: Some("it wants an authorization code in place of the password"),
        ..NONE
    },
    MailProvider {
        name: "NetEase",
        host: "imap.163.com",
        hosts: &["imap.163.com"],
        domains: &["163.com"],
        mail_exchangers: &["netease.com"],
        sign_in: Some("it wants an authorization code in place of the password"),
        ..NONE
    },
    MailProvider {
        name: "GoDaddy",
        host: "imap.secureserver.net",
        hosts: &["imap.secureserver.net"],
        mail_exchangers: &["secureserver.net"],
        ..NONE
    },
];

/// Whose server a side of a project is, as its options say it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderChoice {
    /// Whose host it is known to be.
    #[default]
    Known,
    /// Nobody's of these, whatever its host is called.
    Nobody,
    /// This one's, by its name.
    Named(String),
}

impl ProviderChoice {
    /// Reads `known`, `none`, or a provider's name, with blanks or hyphens.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            known if known.eq_ignore_ascii_case("known") => Some(Self::Known),
            none if none.eq_ignore_ascii_case("none") => Some(Self::Nobody),
            name => MailProvider::of_name(name).map(|provider| Self::Named(provider.name.to_owned())),
        }
    }

    /// As it is written.
    pub fn word(&self) -> String {
        match self {
            Self::Known => "known".to_owned(),
            Self::Nobody => "none".to_owned(),
            Self::Named(name) => name.to_ascii_lowercase().replace(' ', "-"),
        }
    }
}

/// Whether a host is one of these, or lies below one.
fn is_below(host: &str, any: &[&str]) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    any.iter().any(|top| host.strip_suffix(top).is_some_and(|head| head.is_empty() || head.ends_with('.')))
}

fn first(fits: impl Fn(&&'static MailProvider) -> bool) -> Option<&'static MailProvider> {
    PROVIDERS.iter().find(fits)
}

impl MailProvider {
    /// Whose name this is, with blanks or hyphens.
    pub fn of_name(name: &str) -> Option<&'static Self> {
        first(|provider| provider.name.eq_ignore_ascii_case(&name.replace('-', " ")))
    }

    /// The names of all, as options name them.
    pub fn names() -> String {
        let word = |provider: &Self| ProviderChoice::Named(provider.name.to_owned()).word();
        PROVIDERS.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    /// Whose server a choice makes of a host, and why.
    pub fn chosen(choice: &ProviderChoice, host: Option<&str>) -> Option<(&'static Self, String)> {
        match (choice, host) {
            (ProviderChoice::Named(name), Some(_)) => Some((Self::of_name(name)?, "as its option says".to_owned())),
            (ProviderChoice::Known, Some(host)) => Some((Self::of_host(host)?, format!("by its host {host}"))),
            (ProviderChoice::Nobody, _) | (_, None) => None,
        }
    }

    /// Whose server this is.
    pub fn of_host(host: &str) -> Option<&'static Self> {
        first(|provider| is_below(host, provider.hosts))
    }

    /// Whose addresses are in this domain.
    pub fn of_domain(domain: &str) -> Option<&'static Self> {
        first(|provider| provider.domains.iter().any(|own| own.eq_ignore_ascii_case(domain)))
    }

    /// Who takes in the mail of a domain, by the host that does.
    pub fn of_mail_exchanger(host: &str) -> Option<&'static Self> {
        first(|provider| is_below(host, provider.mail_exchangers))
    }

    /// Whose server can do this.
    pub fn of_capabilities(words: &[String]) -> Option<&'static Self> {
        first(|provider| provider.capability.is_some_and(|own| words.iter().any(|word| word == own)))
    }

    /// The server for a domain whose mail this host takes in: some have servers by region, told by the end of its name.
    pub fn host_by(&self, mail_exchanger: &str) -> String {
        let region = mail_exchanger.trim_end_matches('.').to_ascii_lowercase();
        match region.rsplit_once("zoho.") {
            Some((_, region)) if self.host == "imap.zoho.com" => format!("imappro.zoho.{region}"),
            _ => self.host.to_owned(),
        }
    }

    /// What it lets be read of a mailbox in a day, or be written to it, where that is known: "Gmail allows 2.50 GB a day to be read of
    /// each mailbox".
    pub fn daily_limit(&self, side: Side) -> Option<String> {
        let (read, written) = self.a_day?;
        let (bytes, what) = if side == Side::Source { (read, "read of") } else { (written, "written to") };
        Some(format!("{} allows {} a day to be {what} each mailbox", self.name, size(bytes)))
    }

    /// What a person should know of it as this side, one line each. What the project's options say counts.
    pub fn advice(&self, side: Side) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.sign_in.map(|how| format!("Sign-in: {how}")));
        if let Some(most) = self.connections {
            lines.push(format!(
                "Connections: it allows {most} for a mailbox, kept to by all items together (mailbox-connections)"
            ));
        }
        if let Some((read, written)) = self.a_day {
            let (bytes, what) = if side == Side::Source { (read, "read") } else { (written, "written") };
            let days = 10_000 * MEGABYTE / bytes;
            lines.push(format!(
                "Daily limit: {} are {what} of each mailbox, so that 10 GB take {} days; passes wait and go on by themselves",
                size(bytes),
                count(days)
            ));
        }
        let more = if side == Side::Source { self.source } else { self.destination };
        lines.extend(more.iter().map(|line| super::wording::capital(line)));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(found: Option<&'static MailProvider>) -> Option<&'static str> {
        found.map(|provider| provider.name)
    }

    #[test]
    fn providers_are_known_by_host_domain_mail_exchanger_and_capability() {
        for (host, expected) in [
            ("outlook.office365.com", Some("Microsoft 365")),
            ("IMAP.Gmail.com.", Some("Gmail")),
            ("export.imap.mail.yahoo.com", Some("Yahoo")),
            ("notimap.gmail.com", None),
            ("imap.gmail.com.evil.example", None),
            ("", None),
        ] {
            assert_eq!(name(MailProvider::of_host(host)), expected, "{host}");
        }
        assert_eq!(name(MailProvider::of_domain("GoogleMail.com")), Some("Gmail"));
        assert_eq!(name(MailProvider::of_domain("mail.gmail.com")), None);
        for (exchanger, expected) in [
            ("contoso-com.mail.protection.outlook.com.", Some("Microsoft 365")),
            ("aspmx.l.google.com", Some("Gmail")),
            ("alt1.aspmx.l.google.com", Some("Gmail")),
            ("mx.zoho.eu", Some("Zoho")),
            ("mx.contoso.example", None),
        ] {
            assert_eq!(name(MailProvider::of_mail_exchanger(exchanger)), expected, "{exchanger}");
        }
        let zoho = MailProvider::of_mail_exchanger("mx.zoho.eu").unwrap();
        assert_eq!((zoho.host_by("mx2.zoho.eu."), zoho.host), ("imappro.zoho.eu".to_owned(), "imap.zoho.com"));
        assert_eq!(name(MailProvider::of_capabilities(&["IDLE".into(), "X-GM-EXT-1".into()])), Some("Gmail"));
    }

    #[test]
    fn each_provider_has_a_host_of_its_own_and_nobody_is_found_twice() {
        for provider in &PROVIDERS {
            assert_eq!(name(MailProvider::of_host(provider.host)), Some(provider.name));
            let all = [provider.hosts, provider.domains, provider.mail_exchangers].concat();
            assert!(all.iter().all(|host| *host == host.to_ascii_lowercase()), "{}", provider.name);
        }
    }

    #[test]
    fn a_provider_is_chosen_by_name_or_by_host_or_not_at_all() {
        let chosen = |text: &str, host| {
            let choice = ProviderChoice::parse(text).unwrap();
            assert_eq!(ProviderChoice::parse(&choice.word()), Some(choice.clone()));
            MailProvider::chosen(&choice, host).map(|(provider, why)| (provider.name, why))
        };
        let (gmail, other) = (Some("imap.gmail.com"), Some("imap.b.example"));
        assert_eq!(chosen("known", gmail), Some(("Gmail", "by its host imap.gmail.com".into())));
        assert_eq!((chosen("Known", other), chosen("none", gmail), chosen("gmail", None)), (None, None, None));
        for name in ["Microsoft 365", "microsoft-365"] {
            assert_eq!(chosen(name, other), Some(("Microsoft 365", "as its option says".into())));
        }
        assert_eq!(ProviderChoice::parse("Googol"), None);
        assert!(MailProvider::names().starts_with("microsoft-365, gmail, yahoo"));
    }

    #[test]
    fn advice_is_about_the_side() {
        let gmail = MailProvider::of_host("imap.gmail.com").unwrap();
        let (source, destination) = (gmail.advice(Side::Source), gmail.advice(Side::Destination));
        assert!(source.iter().any(|line| line.starts_with("Connections: it allows 15 for a mailbox")));
        let daily = |lines: &[String]| lines.iter().find(|line| line.starts_with("Daily")).cloned().unwrap();
        assert!(daily(&source).contains("2.50 GB are read of each mailbox, so that 10 GB take 4 days"));
        assert!(daily(&destination).contains("500.00 MB are written of each mailbox, so that 10 GB take 20 days"));
        assert!(source.iter().any(|line| line.starts_with("Of All Mail")));
    }
}
