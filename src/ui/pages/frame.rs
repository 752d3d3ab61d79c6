//! What stands around every page: projects at the left, the line at the foot, messages.

use std::sync::Arc;

use egui::{Align, Frame, Layout, Margin, Panel, RichText, ScrollArea, Sense, Ui, Vec2};

use super::Actions;
use super::controls::Control;
use crate::domain::project::Project;
use crate::domain::time::Timestamp;
use crate::domain::wording;
use crate::service::hybrid::HybridView;
use crate::ui::action::{ActionName, Screen, Subject, UserAction};
use crate::ui::model::hybrid::look;
use crate::ui::model::messages::{Messages, Offer, UserMessage};
use crate::ui::model::projects::Projects;
use crate::ui::model::words;
use crate::ui::route::Route;
use crate::ui::theme::{Palette, SIDE, SIDE_SMALL, SMALL, Tone, Type};
use crate::ui::widgets::icon::{self, Icon};
use crate::ui::widgets::text::{copy, muted, section, text};

/// What stands around the pages has nothing of its own to act on.
const FRAME: Subject<'_> = Subject::Nothing(Screen::Frame);

/// The panel at the left; `licenses` tells whether they are worth a word.
pub fn side(
    ui: &mut Ui,
    (route, licenses): (Route, bool),
    (projects, hybrid): (&[Project], &[Arc<HybridView>]),
    sums: &Projects,
    actions: &mut Actions,
) {
    let palette = Palette::of(ui);
    let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 16));
    let wide = if ui.available_width() < SMALL { SIDE_SMALL } else { SIDE };
    Panel::left("side").exact_size(wide).resizable(false).frame(frame).show(ui, |ui| {
        ui.label(text(Type::Page, "Mailferry"));
        ui.add_space(12.0);
        let all = matches!(route, Route::Projects | Route::NewProject | Route::NewHybrid);
        if entry(ui, "All projects", all, None).clicked() {
            actions.push(UserAction::Go(Route::Projects));
        }
        if licenses && entry(ui, "Licenses", route == Route::Licenses, None).clicked() {
            actions.push(UserAction::Go(Route::Licenses));
        }
        if entry(ui, "Settings", route == Route::Settings, None).clicked() {
            actions.push(UserAction::Go(Route::Settings));
        }
        ui.add_space(8.0);
        let below = 102.0;
        ScrollArea::vertical().max_height(ui.available_height() - below).auto_shrink([false, false]).show(ui, |ui| {
            for project in projects.iter().filter(|project| !project.starts.archived) {
                let here =
                    matches!(route, Route::Project(id) | Route::Item(id, _) | Route::Preview(id) if id == project.id);
                let sum = sums.of(project.id);
                let dot = (sum.running > 0).then_some(palette.accent);
                if entry(ui, &project.name, here, dot).clicked() {
                    actions.push(UserAction::Go(Route::Project(project.id)));
                }
            }
            for view in hybrid {
                let dot = (look::summary(view).running > 0).then_some(palette.accent);
                let id = view.project.id;
                // Marked wherever it shows (R36).
                let name = format!("{} (preview)", view.project.name);
                if entry(ui, &name, route.hybrid() == Some(id), dot).clicked() {
                    actions.push(UserAction::Go(Route::Hybrid(id)));
                }
            }
        });
        ui.with_layout(Layout::bottom_up(Align::Min), |ui| foot(ui, sums, actions));
    });
}

/// From below upwards.
fn foot(ui: &mut Ui, sums: &Projects, actions: &mut Actions) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        let theme = if ui.visuals().dark_mode { "Light theme" } else { "Dark theme" };
        Control::of(ActionName::Theme).label(theme).quiet().show(ui, &FRAME, actions);
        let key = ActionName::Help.entry().key_names();
        Control::of(ActionName::Help).label(format!("Keys ({key})")).quiet().show(ui, &FRAME, actions);
    });
    ui.horizontal(|ui| {
        Control::of(ActionName::Messages).label("Activity").quiet().show(ui, &FRAME, actions);
    });
    if sums.all.speed > 0 {
        ui.label(text(Type::Small, format!("{}/s", wording::size(sums.all.speed))).color(palette.muted));
    }
    ui.label(text(Type::Small, foot_line(sums)).color(palette.muted));
}

/// "12 migrating · 40 submitted".
fn foot_line(sums: &Projects) -> String {
    let all = &sums.all;
    if all.running + all.waiting == 0 {
        return "Nothing is running".into();
    }
    let mut line = format!("{} migrating", words::count(all.running as u64));
    if all.waiting > 0 {
        line += &format!(" · {} submitted", words::count(all.waiting as u64));
    }
    line
}

fn entry(ui: &mut Ui, words: &str, here: bool, dot: Option<egui::Color32>) -> egui::Response {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 28.0), Sense::click());
    let fill = match (here, response.hovered() || response.has_focus()) {
        (true, _) => Some(palette.selected),
        (false, true) => Some(palette.hover),
        (false, false) => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, 4.0, fill);
    }
    let galley = egui::WidgetText::from(text(if here { Type::Strong } else { Type::Body }, words)).into_galley(
        ui,
        Some(egui::TextWrapMode::Truncate),
        rect.width() - 28.0,
        egui::TextStyle::Body,
    );
    let at = egui::pos2(rect.left() + 8.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, palette.text);
    if let Some(dot) = dot {
        ui.painter().circle_filled(egui::pos2(rect.right() - 12.0, rect.center().y), 4.0, dot);
    }
    let name = if dot.is_some() { format!("{words}, running") } else { words.to_owned() };
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    response
}

/// Colour is never alone.
fn shape(tone: Tone) -> Icon {
    match tone {
        Tone::Bad => Icon::Cross,
        Tone::Warning | Tone::Asking => Icon::Warning,
        Tone::Good => Icon::Check,
        Tone::Quiet | Tone::Waiting | Tone::Moving | Tone::Partial => Icon::Empty,
    }
}

/// The last message, and on demand all of them.
pub fn messages(
    ui: &mut Ui,
    messages: &mut Messages,
    (now, zone): (Timestamp, &jiff::tz::TimeZone),
    actions: &mut Actions,
) {
    let palette = Palette::of(ui);
    let last = messages.shown(now).cloned();
    if last.is_none() && !messages.open {
        return;
    }
    let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(16, 8));
    let tall = (ui.available_height() * 0.3).min(240.0); // the page keeps most of the window
    Panel::bottom("messages").resizable(false).frame(frame).show(ui, |ui| {
        if messages.open {
            activity(ui, messages, tall, zone);
        }
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                Control::of(ActionName::Dismiss).show(ui, &FRAME, actions);
                let more = if messages.open { "Less" } else { ActionName::Messages.entry().text };
                Control::of(ActionName::Messages).label(more).show(ui, &FRAME, actions);
                let last = last.as_ref().filter(|_| !messages.open);
                if let Some(offer) = last.and_then(|last| last.offer) {
                    offered(ui, offer, actions);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    if let Some(last) = last {
                        icon::show(ui, shape(last.tone), palette.tone(last.tone));
                        ui.add(egui::Label::new(RichText::new(&last.words).color(palette.tone(last.tone))).wrap());
                    }
                });
            });
        });
    });
}

/// What a message offers to do.
fn offered(ui: &mut Ui, offer: Offer, actions: &mut Actions) {
    match offer {
        Offer::Undo => Control::of(ActionName::Undo).show(ui, &FRAME, actions),
        Offer::See(project, problems) => {
            if ui.button("See").clicked() {
                actions.push(UserAction::SeeProject(project, problems));
            }
        }
    }
}

/// All messages, or those with the words that are sought.
fn activity(ui: &mut Ui, messages: &mut Messages, tall: f32, zone: &jiff::tz::TimeZone) {
    ui.horizontal(|ui| {
        section(ui, "Activity");
        let label = ui.label(text(Type::Small, "Find").color(Palette::of(ui).muted));
        let find = egui::TextEdit::singleline(&mut messages.search).hint_text("words").desired_width(160.0);
        ui.add(find).labelled_by(label.id);
        copy(ui, "Copy these", || {
            let line = |message: &UserMessage| format!("{}  {}\n", words::second(message.at, zone), message.words);
            messages.found().map(line).collect()
        });
    });
    ScrollArea::vertical().max_height(tall).auto_shrink([false, true]).stick_to_bottom(true).show(ui, |ui| {
        messages.found().for_each(|message| kept(ui, message, zone));
        if messages.found().next().is_none() {
            muted(ui, if messages.all.is_empty() { "Nothing happened yet" } else { "No message has these words" });
        }
    });
}

/// One of all messages, with its time.
fn kept(ui: &mut Ui, message: &UserMessage, zone: &jiff::tz::TimeZone) {
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(words::second(message.at, zone)).color(palette.muted));
        icon::show(ui, shape(message.tone), palette.tone(message.tone));
        ui.label(RichText::new(&message.words).color(palette.tone(message.tone)));
    });
}
