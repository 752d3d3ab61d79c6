//! What can be taken back: stars, notes, columns, archiving.

use std::collections::HashSet;

use egui::Context;

use super::connection::Purpose;
use super::window::App;
use crate::domain::edit::ItemEdit;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::secret::Secret;
use crate::domain::star::Star;
use crate::engine::command::Command;
use crate::service::client::Request;
use crate::ui::action::Targets;
use crate::ui::model::grid::{Columns, GridAction};
use crate::ui::model::messages::{Offer, UserMessage};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::Tone;

/// So many changes can be taken back.
const STEPS: usize = 50;

/// What takes a change back.
pub(super) enum Undo {
    /// The stars that items of a project had.
    Stars(ProjectId, Vec<(Option<Star>, Vec<ItemId>)>),
    /// The columns that the grid of a project had.
    Columns(ProjectId, Columns),
    /// The note that an item had.
    Note(Box<ItemEdit<Secret>>),
    /// Whether a project was archived.
    Archive(ProjectId, bool),
}

impl App {
    /// Sets or removes the star of items; of several it is said, for one click may have changed a day's marks.
    pub(super) fn star(&mut self, targets: &Targets, star: Option<Star>) {
        let Some((project, items)) = self.items(targets) else { return };
        let chosen: HashSet<ItemId> = items.iter().copied().collect();
        let mut stars: Vec<(Option<Star>, Vec<ItemId>)> = Vec::new();
        for row in self.connection.snapshot.rows().filter(|row| chosen.contains(&row.item) && row.star != star) {
            match stars.iter_mut().find(|(before, _)| *before == row.star) {
                Some((_, items)) => items.push(row.item),
                None => stars.push((row.star, vec![row.item])),
            }
        }
        let changed: usize = stars.iter().map(|(_, items)| items.len()).sum();
        let undo = Undo::Stars(project, stars);
        match changed {
            0 => {}
            1 => self.remember_undo(undo),
            _ => {
                let items = words::counted(changed, "item");
                match star {
                    Some(star) => self.can_undo(undo, &format!("{items} got the {} star", star.word())),
                    None => self.can_undo(undo, &format!("{items} lost their star")),
                }
            }
        }
        self.ask(Request::Command(Command::Star { project, items, star }), Purpose::Quiet);
    }

    /// Says what was done, and offers to take it back.
    pub(super) fn can_undo(&mut self, undo: Undo, words: &str) {
        self.remember_undo(undo);
        let message = UserMessage::new(self.services.clock.now(), Tone::Quiet, words.to_owned());
        self.messages.say(message.offering(Offer::Undo));
    }

    pub(super) fn remember_undo(&mut self, undo: Undo) {
        if self.undo.len() >= STEPS {
            self.undo.remove(0);
        }
        self.undo.push(undo);
    }

    /// Takes the last change back.
    pub(super) fn undo(&mut self, context: &Context) {
        let words = match self.undo.pop() {
            None => return,
            Some(Undo::Note(edit)) => {
                self.ask(Request::EditItem(edit), Purpose::Quiet);
                "The note is as before".to_owned()
            }
            Some(Undo::Columns(project, columns)) => {
                let steps = self.undo.len();
                self.visit(Route::Project(project));
                self.act_on_grid(context, GridAction::Columns(columns));
                // That was no change of its own.
                self.undo.truncate(steps);
                "The columns are as before".to_owned()
            }
            Some(Undo::Archive(project, archived)) => {
                self.ask(Request::ArchiveProject(project, archived), Purpose::Quiet);
                let words = if archived { "The project is archived again" } else { "The project is back" };
                words.to_owned()
            }
            Some(Undo::Stars(project, stars)) => {
                let changed: usize = stars.iter().map(|(_, items)| items.len()).sum();
                for (star, items) in stars {
                    self.ask(Request::Command(Command::Star { project, items, star }), Purpose::Quiet);
                }
                format!("The stars of {} are as before", words::counted(changed, "item"))
            }
        };
        self.messages.take_back();
        self.say(Tone::Quiet, words);
    }
}
