//! The page of a batch: where it stands, its schedule, what was ordered, what happened.

use egui::{Align, Layout, Ui};

use super::super::controls::Control;
use super::super::keys::{self, Holder};
use super::super::{Actions, PageContext};
use super::{bar, orders, preview, status};
use crate::service::hybrid::HybridView;
use crate::service::hybrid::batches::BatchLine;
use crate::ui::action::{ActionName, OneBatch, Subject, UserAction};
use crate::ui::model::hybrid::DetailsPage;
use crate::ui::model::hybrid::look::{progress, told};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{Palette, Type};
use crate::ui::widgets::text::{cut, muted, text};

/// Paints it.
pub fn show(
    ui: &mut Ui,
    context: PageContext<'_>,
    (view, line): (&HybridView, &BatchLine),
    page: &DetailsPage,
) -> Actions {
    let mut actions = Actions::new();
    let subject = Subject::HybridBatch(OneBatch { view, line });
    keys::act(ui, Holder::before(ui), &subject, &mut actions);
    ui.horizontal(|ui| {
        if ui.link(text(Type::Body, &view.project.name)).clicked() {
            actions.push(UserAction::Go(Route::Hybrid(view.project.id)));
        }
        ui.label("›");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            Control::of(ActionName::FinalizeBatch).show(ui, &subject, &mut actions);
            Control::of(ActionName::StartBatch).primary().show(ui, &subject, &mut actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                cut(ui, text(Type::Page, &line.batch.name));
                preview(ui);
            });
        });
    });
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        status(ui, line.status, Type::Section);
        bar(ui, line.status, line.progress.percent, 160.0);
        ui.label(text(Type::Small, progress(line)));
    });
    muted(ui, words::sentence(line.status.meaning()));
    ui.add_space(4.0);
    for (word, value) in facts(context, line) {
        fact(ui, word, &value);
    }
    ui.add_space(12.0);
    orders::show(ui, context, view, page.details.as_ref(), true);
    actions
}

/// A name and what is known of it.
pub(super) fn fact(ui: &mut Ui, word: &str, value: &str) {
    ui.scope(|ui| {
        // A line of text, not of controls.
        ui.spacing_mut().interact_size.y = 16.0;
        ui.horizontal(|ui| {
            let grey = Palette::of(ui).muted;
            ui.allocate_ui(egui::vec2(120.0, 16.0), |ui| {
                ui.set_min_width(120.0);
                ui.label(text(Type::Small, word).color(grey));
            });
            cut(ui, text(Type::Small, value));
        });
    });
}

fn facts(context: PageContext<'_>, line: &BatchLine) -> Vec<(&'static str, String)> {
    let batch = &line.batch;
    let moment = |at| words::moment(at, context.now, context.zone);
    let schedule = match batch.finalize_at {
        None => "no time was named: it waits for your word".to_owned(),
        Some(at) if at > context.now => format!("begins {}", words::start(at, context.zone)),
        Some(at) => format!("was ordered {}", moment(at)),
    };
    let mut facts = vec![
        ("Submitted", batch.submitted.map_or_else(|| "not yet".into(), moment)),
        ("Finalization", schedule),
        (
            "Items",
            format!("{} synced, {} skipped", told(Some(line.progress.synced)), told(Some(line.progress.skipped))),
        ),
    ];
    if let Some(word) = &batch.word {
        facts.push(("Service says", word.clone()));
    }
    if let Some(at) = batch.polled {
        facts.push(("Asked last", moment(at)));
    }
    if let Some(at) = batch.missing {
        facts.push(("Missing", format!("the service knows no such batch since {}", moment(at))));
    }
    facts.push(("Its name there", batch.remote_name.clone()));
    facts
}
