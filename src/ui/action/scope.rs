//! Where actions belong: on which pages and dialogs each can be done.

use super::subject::Screen;

/// Where an action belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every page.
    Window,
    /// The form for a new project.
    NewProject,
    /// The items of a project.
    Items,
    /// A project as a whole: by its items, or in the list of all.
    Project,
    /// The items or users of a project.
    Rows,
    /// Items or users that are chosen.
    Marked,
    /// The users of a hybrid project.
    Users,
    /// Users of a hybrid project that are chosen.
    Movers,
    /// A batch that is chosen, or shown.
    Batches,
    /// Items that are chosen: among others, or by their page.
    Chosen,
    /// The page of an item.
    Item,
    /// Every dialog that a person may close.
    Dialog,
    /// One dialog, or what stands in place of the pages.
    Only(Screen),
}

impl Scope {
    /// Whether an action of this scope may be done in a place.
    pub fn holds(self, screen: Screen) -> bool {
        match self {
            Self::Window => {
                matches!(
                    screen,
                    Screen::Frame
                        | Screen::Projects
                        | Screen::Licenses
                        | Screen::Settings
                        | Screen::NewProject
                        | Screen::Items
                        | Screen::Item
                        | Screen::Preview
                        | Screen::NewHybrid
                        | Screen::Hybrid
                        | Screen::HybridUser
                        | Screen::HybridBatch
                )
            }
            Self::NewProject => screen == Screen::NewProject,
            Self::Items => screen == Screen::Items,
            Self::Project => matches!(screen, Screen::Items | Screen::Projects),
            Self::Rows => matches!(screen, Screen::Items | Screen::Hybrid),
            Self::Marked => {
                matches!(screen, Screen::Items | Screen::Item | Screen::Hybrid | Screen::HybridUser)
            }
            Self::Users => screen == Screen::Hybrid,
            Self::Movers => matches!(screen, Screen::Hybrid | Screen::HybridUser),
            Self::Batches => matches!(screen, Screen::Hybrid | Screen::HybridBatch),
            Self::Chosen => matches!(screen, Screen::Items | Screen::Item),
            Self::Item => screen == Screen::Item,
            Self::Dialog => matches!(
                screen,
                Screen::Start
                    | Screen::Vault
                    | Screen::Import
                    | Screen::Remedy
                    | Screen::SignIn
                    | Screen::Help
                    | Screen::Palette
                    | Screen::EditItem
                    | Screen::EditProject
                    | Screen::Options
                    | Screen::Check
                    | Screen::Guide
                    | Screen::WholeProject
                    | Screen::Pool
                    | Screen::ProjectMail
                    | Screen::Remove
                    | Screen::HybridDialog
            ),
            Self::Only(only) => screen == only,
        }
    }

    /// What it is called where actions are listed.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Window => "Every page",
            Self::NewProject => "A new project",
            Self::Items => "Items of a project",
            Self::Project => "A project",
            Self::Rows => "Items or users of a project",
            Self::Users | Self::Movers | Self::Batches => "Hybrid projects",
            Self::Marked | Self::Chosen => "What is selected, else what is at the cursor, else what is shown",
            Self::Item => "An item's page",
            Self::Only(Screen::Preview) => "The preview",
            Self::Only(Screen::HybridUser | Screen::HybridBatch) => "Hybrid projects",
            Self::Dialog | Self::Only(_) => "Dialogs",
        }
    }
}
