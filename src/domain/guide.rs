//! Guides for the administrators of organisations whose mailboxes are moved, with a project's values filled in to be copied.
//!
//! The texts are those of `docs/guides`. Pure.

/// A guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guide {
    /// Entra and Exchange Online.
    Microsoft365,
    /// Google Cloud and Google Admin.
    GoogleWorkspace,
}

/// What is filled in; what is empty stays a placeholder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuideValues {
    /// The number of the application or service account.
    pub client_id: String,
    /// The object id of the enterprise application.
    pub object_id: String,
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
    pub const ALL: [Self; 2] = [Self::Microsoft365, Self::GoogleWorkspace];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Microsoft365 => "Microsoft 365",
            Self::GoogleWorkspace => "Google Workspace",
        }
    }

    /// For a provider of this name.
    pub fn of_provider(name: &str) -> Option<Self> {
        match name {
            "Microsoft 365" => Some(Self::Microsoft365),
            "Gmail" => Some(Self::GoogleWorkspace),
            _ => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Microsoft365 => include_str!("../../docs/guides/microsoft-365.md"),
            Self::GoogleWorkspace => include_str!("../../docs/guides/google-workspace.md"),
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
                blocks.push(Block::Code(filled(&code, kind == "powershell", values)));
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

/// Lines with the values, quoted where a shell reads them.
fn filled(lines: &[&str], quoted: bool, values: &GuideValues) -> String {
    let value = |text: &str| if quoted { powershell(text) } else { clean(text) };
    let with = |line: &str, name: &str, text: &str| {
        if text.trim().is_empty() { line.to_owned() } else { line.replace(name, &value(text.trim())) }
    };
    let mut out = Vec::new();
    for line in lines {
        let line = with(&with(line, "{client_id}", &values.client_id), "{object_id}", &values.object_id);
        if line.contains("{mailbox}") && !values.mailboxes.is_empty() {
            out.extend(values.mailboxes.iter().map(|mailbox| with(&line, "{mailbox}", mailbox)));
        } else {
            out.push(line);
        }
    }
    out.join("\n")
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
        assert!(lines[1].ends_with("-AccessRights FullAccess") && !all.contains('{'), "{all}");
        let google = code(Guide::GoogleWorkspace, &GuideValues { client_id: "1234567890".into(), ..values });
        assert_eq!(google[0], "1234567890");
        assert!(google[1].contains("https://www.googleapis.com/auth/gmail.imap_admin"));
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
