//! The dialogs that duplicate and delete a project.

use egui::Ui;

use super::Actions;
use super::controls::Control;
use super::edit_item::refused;
use super::keys::{self, Holder};
use crate::domain::wording::counted;
use crate::service::edit::DELETE_PROJECT_TAKES;
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::{WholeProject, WholeProjectForm};
use crate::ui::theme::Type;
use crate::ui::widgets::field::{Field, focus_once};
use crate::ui::widgets::text::{muted, text};

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut WholeProjectForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, form.title()));
    ui.add_space(8.0);
    match form.what {
        WholeProject::Duplicate => duplicate(ui, form),
        WholeProject::Delete => delete(ui, form),
    }
    refused(ui, form.refused.as_deref());
    ui.add_space(12.0);
    let subject = Subject::WholeProject(form);
    ui.horizontal(|ui| match form.what {
        WholeProject::Duplicate => {
            Control::of(ActionName::DoWithProject).label("Duplicate").primary().show(ui, &subject, &mut actions);
            Control::of(ActionName::CloseDialog).label("Cancel").show(ui, &subject, &mut actions);
        }
        WholeProject::Delete => {
            Control::of(ActionName::DoWithProject).label("Delete project").show(ui, &subject, &mut actions);
            Control::of(ActionName::CloseDialog).label("Cancel").primary().show(ui, &subject, &mut actions);
        }
    });
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn duplicate(ui: &mut Ui, form: &mut WholeProjectForm) {
    let name = Field::new("Name of the new project").show(ui, &mut form.typed);
    focus_once(&mut form.entered, &name);
    ui.add_space(4.0);
    ui.checkbox(&mut form.with_items, format!("With its {}: addresses and login names", counted(form.items, "item")));
    ui.add_space(4.0);
    muted(ui, "It has the same servers, logins and options. Passwords and what was copied stay with this one");
}

fn delete(ui: &mut Ui, form: &mut WholeProjectForm) {
    ui.label(counted(form.items, "item"));
    ui.label(DELETE_PROJECT_TAKES);
    if form.statistics {
        ui.add_space(8.0);
        let name = Field::new("Name of the project").hint(&form.name).show(ui, &mut form.typed);
        focus_once(&mut form.entered, &name);
    }
}
