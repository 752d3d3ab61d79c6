//! The workspace is open: what the window takes over from it, and what a person must be told.

use egui::{Context, Theme, Vec2, ViewportCommand};

use super::window::App;
use super::workspace::{PROJECTS, SIZE, THEME, VaultInfo, ZOOM};
use crate::domain::ids::ProjectId;
use crate::service::{Trouble, WorkspaceInfo};
use crate::ui::model::forms::VaultForm;
use crate::ui::model::project_order::ProjectOrder;
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::Tone;

impl App {
    pub(super) fn opened(&mut self, context: &Context, opened: WorkspaceInfo) {
        let WorkspaceInfo { projects, pools, hybrid, settings, vault, proposed, unlocked, .. } = opened;
        let WorkspaceInfo { vault_error, resumed, held, trouble, .. } = opened;
        self.workspace.hybrid = hybrid;
        self.workspace.open((projects, pools), settings, VaultInfo { kind: vault, proposed, unlocked });
        self.dress(context);
        self.tell(resumed, held, trouble);
        if vault.or(proposed).is_some() && !unlocked {
            let form = VaultForm { refused: vault_error.map(|error| error.to_string()), ..self.workspace.vault.form() };
            self.dialogs.open_vault(form, None);
        }
        let current: Vec<ProjectId> = self.workspace.current().map(|project| project.id).collect();
        match (current.as_slice(), self.workspace.hybrid.as_slice()) {
            ([only], []) => self.go(Route::Project(*only)),
            ([], [only]) => self.go(Route::Hybrid(only.project.id)),
            _ => {}
        }
        self.begin_auto_run();
    }

    /// Theme and size as they were left.
    fn dress(&mut self, context: &Context) {
        let setting = |name| self.workspace.settings.get(name).map(String::as_str);
        match setting(THEME) {
            Some("dark") => context.set_theme(Theme::Dark),
            Some("light") => context.set_theme(Theme::Light),
            _ => {}
        }
        if let Some(zoom) = setting(ZOOM).and_then(|zoom| zoom.parse().ok()).filter(|zoom| (0.5..=3.0).contains(zoom)) {
            context.set_zoom_factor(zoom);
        }
        self.pages.list.order = setting(PROJECTS).and_then(ProjectOrder::from_text).unwrap_or_default();
        let size = setting(SIZE).and_then(|size| {
            let (x, y) = size.split_once(' ')?;
            Some(egui::vec2(x.parse().ok()?, y.parse().ok()?))
        });
        if let Some(size) = size {
            // The screen may have been a larger one then.
            let screen = context.input(|input| input.viewport().monitor_size).unwrap_or(Vec2::INFINITY);
            context.send_viewport_cmd(ViewportCommand::InnerSize(size.min(screen)));
        }
    }

    /// What became of passes that the last end of the program interrupted, and what is wrong.
    fn tell(&mut self, resumed: usize, held: usize, trouble: Vec<Trouble>) {
        if resumed > 0 {
            let passes = words::counted(resumed, "interrupted pass");
            self.say(Tone::Warning, format!("{passes} resumed: the program had ended unexpectedly a moment ago"));
        }
        if held > 0 {
            let passes = words::counted(held, "pass");
            let wait = if held == 1 { "waits" } else { "wait" };
            self.say(
                Tone::Warning,
                format!("{passes} did not come to an end last time and {wait} for your word: Resume or Stop"),
            );
        }
        for why in trouble {
            self.say(Tone::Bad, why.to_string());
        }
    }
}
