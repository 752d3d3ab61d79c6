//! Guides for the administrators of organisations whose mailboxes are moved, with a project's values filled in to be copied.
//!
//! The texts are those of `docs/guides`. Pure.

use super::failure::Side;
use super::hybrid::HybridProject;
use super::project::Project;
use super::sign_in::{Cloud, SignIn, SignInKind};

/// A guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guide {
    /// Entra and Exchange Online.
    Microsoft365,
    /// Google Cloud and Google Admin.
    GoogleWorkspace,
    /// Entra, where each person signs in.
    MicrosoftPersons,
    /// Google, where each person signs in.
    GooglePersons,
    /// An Exchange organisation and its tenant (preview).
    HybridExchange,
}

/// What is filled in; what is empty stays a placeholder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuideValues {
    /// The number of the application or service account.
    pub client_id: String,
    /// The object id of the enterprise application.
    pub object_id: String,
    /// The tenant, its id or one of its domains.
    pub tenant: String,
    /// Which of Microsoft's clouds.
    pub cloud: Cloud,
    /// The mail server.
    pub host: String,
    /// The project, and the side of it that is let in.
    pub project: (String, Option<Side>),
    /// The mailboxes: a line that names one is repeated for each.
    pub mailboxes: Vec<String>,
}

/// A part of a guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading; 1 is the title.
    Heading(usize, String),
    /// A paragraph, or a step of a list with its number.
    Text(String),
    /// Lines to be copied.
    Code(String),
}

impl Guide {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Microsoft365, Self::MicrosoftPersons, Self::GoogleWorkspace, Self::GooglePersons, Self::HybridExchange];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Microsoft365 => "Microsoft 365",
            Self::GoogleWorkspace => "Google Workspace",
            Self::MicrosoftPersons => "Microsoft 365 by person",
            Self::GooglePersons => "Google by person",
            Self::HybridExchange => "Hybrid Exchange",
        }
    }

    /// Whether it is about Microsoft, which has tenants.
    pub fn is_microsoft(self) -> bool {
        matches!(self, Self::Microsoft365 | Self::MicrosoftPersons | Self::HybridExchange)
    }

    /// For this side of a project: by how it is signed in to, else by whose server it is.
    pub fn of_side(project: &Project, side: Side) -> Option<Self> {
        let server = project.server(side);
        match server.sign_in().map(|sign_in| sign_in.kind) {
            Some(SignInKind::MicrosoftApp) => Some(Self::Microsoft365),
            Some(SignInKind::Microsoft) => Some(Self::MicrosoftPersons),
            Some(SignInKind::GoogleService) => Some(Self::GoogleWorkspace),
            Some(SignInKind::Google) => Some(Self::GooglePersons),
            Some(SignInKind::CustomApp | SignInKind::Custom) | None => match project.provider(side)?.0.name {
                "Microsoft 365" => Some(Self::Microsoft365),
                "Gmail" => Some(Self::GoogleWorkspace),
                _ => None,
            },
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Microsoft365 => include_str!("../../docs/guides/microsoft-365.md"),
            Self::GoogleWorkspace => include_str!("../../docs/guides/google-workspace.md"),
            Self::MicrosoftPersons => include_str!("../../docs/guides/microsoft-365-by-person.md"),
            Self::GooglePersons => include_str!("../../docs/guides/google-by-person.md"),
            Self::HybridExchange => include_str!("../../docs/guides/hybrid-exchange.md"),
        }
    }

    /// Its parts in order.
    pub fn blocks(self, values: &GuideValues) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = self.text().lines();
        let mut paragraph = String::new();
        while let Some(line) = lines.next() {
            let is_step = line.starts_with(|c: char| c.is_ascii_digit());
            let begins = line.is_empty() || line.starts_with('#') || line.starts_with("```") || is_step;
            if begins && !paragraph.is_empty() {
                blocks.push(Block::Text(std::mem::take(&mut paragraph)));
            }
            if let Some(kind) = line.strip_prefix("```") {
                let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
                blocks.push(Block::Code(filled(&code, kind, values)));
            } else if line.starts_with('#') {
                let words = line.trim_start_matches('#');
                blocks.push(Block::Heading(line.len() - words.len(), words.trim().to_owned()));
            } else if !line.is_empty() {
                if !paragraph.is_empty() {
                    paragraph.push(' ');
                }
                paragraph.push_str(&line.trim().replace(['`', '*'], ""));
            }
        }
        if !paragraph.is_empty() {
            blocks.push(Block::Text(paragraph));
        }
        blocks
    }
}

/// Lines with the values, quoted where a shell reads them; `kind` says which. A line that names a mailbox comes for each.
fn filled(lines: &[&str], kind: &str, values: &GuideValues) -> String {
    let mut out = Vec::new();
    for line in lines {
        if line.contains("{mailbox}") && !values.mailboxes.is_empty() {
            out.extend(values.mailboxes.iter().map(|mailbox| filled_line(line, kind, values, mailbox)));
        } else {
            out.push(filled_line(line, kind, values, ""));
        }
    }
    out.join("\n")
}

/// In one go, so that what stands in a value is no placeholder. What is not known stays one.
fn filled_line(line: &str, kind: &str, values: &GuideValues, mailbox: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let known = after.split_once('}').and_then(|(name, after)| Some((values.of(name, mailbox)?, name, after)));
        rest = match known {
            Some((value, "side" | "environment", after)) => {
                out.push_str(&value);
                after
            }
            Some((value, _, after)) => {
                out.push_str(&quoted(&value, kind));
                after
            }
            None => {
                out.push('{');
                after
            }
        };
    }
    out + rest
}

impl GuideValues {
    /// What a side of a project says.
    pub fn of_side(project: &Project, side: Side) -> Self {
        let (server, name) = (project.server(side), project.name.clone());
        let sign_in = server.sign_in().cloned().unwrap_or_default();
        let host = if server.port().is_some() { server.name().to_owned() } else { String::new() };
        let SignIn { client_id, tenant, cloud, .. } = sign_in;
        Self { client_id, tenant, cloud, host, project: (name, Some(side)), ..Self::default() }
    }

    /// What a hybrid project says.
    pub fn of_hybrid(project: &HybridProject) -> Self {
        let SignIn { client_id, tenant, cloud, .. } = project.settings.sign_in.clone();
        Self { client_id, tenant, cloud, project: (project.name.clone(), None), ..Self::default() }
    }

    fn of(&self, name: &str, mailbox: &str) -> Option<String> {
        let value = match name {
            "client_id" => self.client_id.as_str(),
            "object_id" => self.object_id.as_str(),
            "tenant" => self.tenant.as_str(),
            "host" => self.host.as_str(),
            "project" => self.project.0.as_str(),
            "side" => self.project.1?.word(),
            "environment" => match self.cloud {
                Cloud::Global => "O365Default",
                Cloud::Us => "O365USGovGCCHigh",
                Cloud::China => "O365China",
            },
            "mailbox" => mailbox,
            _ => return None,
        };
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

fn quoted(text: &str, kind: &str) -> String {
    match kind {
        "powershell" => powershell(text),
        "sh" => format!("'{}'", clean(text).replace('\'', "'\\''")),
        _ => clean(text),
    }
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A text that PowerShell takes as it is: in single quotes, of which each kind it knows is doubled inside.
fn powershell(text: &str) -> String {
    let quotes = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
    let doubled = |c: char| if quotes.contains(&c) { vec![c, c] } else { vec![c] };
    format!("'{}'", clean(text).chars().flat_map(doubled).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{PoolId, ProjectId};
    use crate::domain::project::Options;
    use crate::domain::server::Server;

    fn code(guide: Guide, values: &GuideValues) -> Vec<String> {
        let blocks = guide.blocks(values).into_iter();
        blocks.filter_map(|block| if let Block::Code(code) = block { Some(code) } else { None }).collect()
    }

    #[test]
    fn values_are_filled_in_and_nothing_can_break_out_of_its_quotes() {
        let values = GuideValues {
            client_id: " 11111111-2222 ".into(),
            object_id: "x'; Remove-Mailbox y #".into(),
            mailboxes: vec!["anna@contoso.example".into(), "o\u{2019}neil`$(x)\r\n@contoso.example".into()],
            tenant: "{object_id}".into(),
            host: "outlook.office365.us".into(),
            cloud: Cloud::Us,
            project: ("It's".into(), Some(Side::Destination)),
        };
        let all = code(Guide::Microsoft365, &values).join("\n");
        assert!(
            all.contains("New-ServicePrincipal -AppId '11111111-2222' -ObjectId 'x''; Remove-Mailbox y #'"),
            "{all}"
        );
        let lines: Vec<&str> = all.lines().filter(|line| line.starts_with("Add-MailboxPermission")).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("Add-MailboxPermission -Identity 'anna@contoso.example' -User 'x''; Remove-"));
        assert!(lines[1].contains("'o\u{2019}\u{2019}neil`$(x)@contoso.example'"), "{}", lines[1]);
        assert!(lines[1].ends_with("-AccessRights FullAccess"), "{all}");
        assert!(all.contains("Connect-ExchangeOnline -ExchangeEnvironmentName O365USGovGCCHigh"), "{all}");
        let terminal =
            "mailferry project edit 'It'\\''s' --destination-signin microsoft-app --destination-tenant '{object_id}'";
        assert!(all.contains(terminal) && all.contains("Server     outlook.office365.us"), "{all}");
        assert!(!all.replace("{object_id}", "").contains('{'), "{all}");
        let google = code(Guide::GoogleWorkspace, &GuideValues { client_id: "1234567890".into(), ..values });
        assert_eq!(google[0], "1234567890");
        assert!(google[1].contains("https://www.googleapis.com/auth/gmail.imap_admin"));
    }

    #[test]
    fn each_way_of_signing_in_has_its_guide() {
        let of = |kind: Option<SignInKind>| {
            let mut source = Server::parse_url("imaps://imap.contoso.example").unwrap();
            source.set_sign_in(kind.map(SignIn::of)).unwrap();
            let (destination, options) = (source.clone(), Options::default());
            let (id, pool, starts) = (ProjectId(1), PoolId::FIRST, Default::default());
            let project = Project { id, name: "p".into(), client: None, source, destination, options, starts, pool };
            Guide::of_side(&project, Side::Source)
        };
        assert_eq!(of(Some(SignInKind::MicrosoftApp)), Some(Guide::Microsoft365));
        assert_eq!(of(Some(SignInKind::Microsoft)), Some(Guide::MicrosoftPersons));
        assert_eq!(of(Some(SignInKind::GoogleService)), Some(Guide::GoogleWorkspace));
        assert_eq!(of(Some(SignInKind::Google)), Some(Guide::GooglePersons));
        assert_eq!((of(Some(SignInKind::Custom)), of(None)), (None, None));
        let values = GuideValues {
            client_id: "11112222".into(),
            tenant: "contoso.com".into(),
            project: ("Contoso".into(), Some(Side::Source)),
            mailboxes: vec!["anna@contoso.example".into(), "bob@contoso.example".into()],
            ..GuideValues::default()
        };
        let all = code(Guide::MicrosoftPersons, &values).join("\n");
        assert!(all.contains("mailferry signin 'Contoso' --item 'bob@contoso.example' --side source"), "{all}");
        assert!(all.contains("--source-signin microsoft --source-tenant 'contoso.com' --source-client-id '11112222'"));
        let all = code(Guide::GooglePersons, &values).join("\n");
        assert!(all.contains("--source-signin google --source-client-id '11112222'"), "{all}");
    }

    #[test]
    fn what_is_not_known_stays_a_placeholder() {
        for guide in Guide::ALL {
            let blocks = guide.blocks(&GuideValues::default());
            assert!(matches!(&blocks[0], Block::Heading(1, title) if title.contains(guide.name())), "{blocks:?}");
            assert!(code(guide, &GuideValues::default()).iter().any(|code| code.contains("{client_id}")));
            assert!(blocks.iter().all(|block| !matches!(block, Block::Text(text) if text.contains("```"))));
        }
        let steps = Guide::Microsoft365.blocks(&GuideValues::default());
        assert!(steps.iter().any(|block| matches!(block, Block::Text(text) if text.starts_with("3. API permissions"))));
    }
}
