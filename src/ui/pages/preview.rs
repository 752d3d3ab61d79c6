//! The page that shows where a pass would put every folder, and what it would leave out.

use egui::{Align, ComboBox, Layout, Ui};
use egui_extras::{Column, TableBuilder};

use super::controls::Control;
use super::keys::{self, Holder};
use super::{Actions, PageContext};
use crate::domain::preview::{FolderFate, Preview, PreviewLine};
use crate::domain::project::Project;
use crate::ui::action::{ActionName, Subject, UserAction};
use crate::ui::model::preview::{Looking, PreviewPage, as_text, cells, counts, flags, summary};
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{Palette, ROW, Tone, Type};
use crate::ui::widgets::field::drop_down;
use crate::ui::widgets::icon::{self, Icon};
use crate::ui::widgets::text::{copy, cut, cut_middle, figure, muted, text};

/// Paints it.
pub fn show(ui: &mut Ui, context: PageContext<'_>, project: &Project, page: &PreviewPage) -> Actions {
    let mut actions = Actions::new();
    let subject = Subject::Preview(page);
    keys::act(ui, Holder::before(ui), &subject, &mut actions);
    ui.horizontal(|ui| {
        if ui.link(text(Type::Body, &project.name)).clicked() {
            actions.push(UserAction::Go(Route::Project(project.id)));
        }
        ui.label("›");
        ui.label(text(Type::Page, "Preview"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            Control::of(ActionName::LookAgain).show(ui, &subject, &mut actions);
            Control::of(ActionName::StartPreviewed).show(ui, &subject, &mut actions);
            if page.unsaved.is_some() {
                Control::of(ActionName::LeavePreview).label("Back to the options…").show(ui, &subject, &mut actions);
            }
        });
    });
    ui.horizontal(|ui| choose(ui, page, &mut actions));
    let by = if page.unsaved.is_some() { "as they were typed, which are not saved" } else { "that are saved" };
    muted(ui, format!("What a Full pass would do now, by the options {by}. Nothing is changed by looking"));
    ui.add_space(8.0);
    match &page.looking {
        Looking::UnderWay(since, ..) => under_way(ui, context, (page, *since), &mut actions),
        Looking::GivenUp => drop(muted(ui, "Cancelled. Refresh looks again")),
        Looking::Failed(why) => failed(ui, why),
        Looking::Seen(preview, at) => {
            let when = words::moment(*at, context.now, context.zone);
            head(ui, (page, preview), &when, &mut actions);
            ui.add_space(4.0);
            table(ui, page);
        }
    }
    actions
}

/// Which item is shown, and the others.
fn choose(ui: &mut Ui, page: &PreviewPage, actions: &mut Actions) {
    let shown = page.names.iter().find(|(item, _)| *item == page.item).map_or("", |(_, name)| name);
    if page.among.len() < 2 {
        cut(ui, text(Type::Strong, shown));
        return;
    }
    let label = ui.label(text(Type::Small, "Item"));
    let combo = ComboBox::from_id_salt("previewed item").width(360.0).selected_text(shown);
    let names = page.names.iter().map(|(item, name)| (*item == page.item, name));
    if let Some((item, _)) = drop_down(ui, combo, label.id, names).and_then(|at| page.names.get(at)) {
        actions.push(UserAction::Look(*item));
    }
    let mut of = format!("of {}", words::counted(page.among.len(), "item"));
    if page.among.len() > page.names.len() {
        of += &format!(", the first {} of them to choose among", words::count(page.names.len() as u64));
    }
    muted(ui, of);
}

fn under_way(
    ui: &mut Ui,
    context: PageContext<'_>,
    (page, since): (&PreviewPage, crate::domain::time::Timestamp),
    actions: &mut Actions,
) {
    ui.horizontal(|ui| {
        icon::show(ui, Icon::Progress, Palette::of(ui).tone(Tone::Moving));
        let took = context.now.since(since).as_secs();
        ui.label(format!("Looking at both mailboxes… {took} s"));
        Control::of(ActionName::StopLooking).show(ui, &Subject::Preview(page), actions);
    });
    muted(ui, "With rules for dates or sizes every message is listed, which takes longer");
}

fn failed(ui: &mut Ui, why: &str) {
    ui.horizontal_top(|ui| {
        let color = Palette::of(ui).tone(Tone::Bad);
        icon::show(ui, Icon::Cross, color);
        ui.add(egui::Label::new(text(Type::Body, why).color(color)).wrap());
    });
}

/// What it comes to, what needs a look, what can be done with the table.
fn head(ui: &mut Ui, (page, preview): (&PreviewPage, &Preview), when: &str, actions: &mut Actions) {
    let (palette, subject) = (Palette::of(ui), Subject::Preview(page));
    ui.horizontal(|ui| {
        ui.label(text(Type::Strong, summary(preview)));
        ui.label(text(Type::Small, format!("seen {when}")).color(palette.muted));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            copy(ui, "Copy as text", || as_text(page));
            let some = page.needs_look();
            if page.only_flagged {
                let all = format!("All {}", words::counted(preview.lines.len(), "folder"));
                Control::of(ActionName::AllFolders).label(all).show(ui, &subject, actions);
            } else {
                let only = format!("Only what needs a look ({})", words::count(some as u64));
                Control::of(ActionName::OnlyFlagged).label(only).show(ui, &subject, actions);
            }
        });
    });
    let counts = counts(preview);
    if !counts.is_empty() {
        ui.horizontal(|ui| {
            icon::show(ui, Icon::Warning, palette.tone(Tone::Warning));
            cut(ui, text(Type::Small, counts.join(" · ")).color(palette.tone(Tone::Warning)));
        });
    }
}

fn table(ui: &mut Ui, page: &PreviewPage) {
    let lines = page.lines();
    if lines.is_empty() {
        muted(ui, "The source lists no folders");
        return;
    }
    let grey = Palette::of(ui).muted;
    let wide = ui.available_width();
    ui.spacing_mut().item_spacing.x = 12.0;
    let table = TableBuilder::new(ui)
        .id_salt("preview")
        .cell_layout(Layout::left_to_right(Align::Center))
        .striped(true)
        .column(Column::exact(wide * 0.27).clip(true))
        .column(Column::exact(68.0))
        .column(Column::exact(wide * 0.27).clip(true))
        .column(Column::remainder().at_least(120.0).clip(true));
    let head = table.header(ROW, |mut row| {
        for word in ["Source folder", "Messages", "Goes to", "Why"] {
            row.col(|ui| match word {
                "Messages" => figure(ui, word, Some(grey)),
                word => drop(cut(ui, text(Type::Small, word).color(grey))),
            });
        }
    });
    head.body(|body| {
        body.rows(ROW, lines.len(), |mut row| {
            let shown = lines[row.index()];
            line(&mut row, shown);
        })
    });
}

fn line(row: &mut egui_extras::TableRow<'_, '_>, line: &PreviewLine) {
    let [folder, messages, to, why] = cells(line);
    let (left_out, flagged) = (matches!(line.fate, FolderFate::LeftOut(_)), !flags(line).is_empty());
    let color = |ui: &Ui| if left_out { Palette::of(ui).muted } else { Palette::of(ui).text };
    row.col(|ui| drop(cut_middle(ui, Type::Small, &folder, color(ui))));
    row.col(|ui| figure(ui, messages, Some(color(ui))));
    row.col(|ui| {
        let to = if left_out { "left out".to_owned() } else { to };
        cut_middle(ui, Type::Small, &to, color(ui));
    });
    row.col(|ui| {
        let palette = Palette::of(ui);
        if flagged {
            icon::show(ui, Icon::Warning, palette.tone(Tone::Warning));
        }
        let color = if flagged { palette.tone(Tone::Warning) } else { palette.muted };
        cut(ui, text(Type::Small, why).color(color));
    });
}
