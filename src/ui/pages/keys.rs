//! Keys: when they belong to a page, what they do there, and the overlay that names them.

use egui::{Align, Event, Key, Layout, Modifiers, Popup, ScrollArea, Ui};

use super::controls::Control;
use super::{Actions, palette};
use crate::ui::action::{
    ACTIONS, ActionIcon, ActionName, Entry, Reach, Screen, Shortcut, Subject, Unavailable, UserAction, keyed,
};
use crate::ui::theme::{ICON, Palette, Type};
use crate::ui::widgets::icon;
use crate::ui::widgets::text::{muted, section, text};

/// Who has the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A dialog or a menu that stands over this.
    Another,
    /// No control.
    Nobody,
    /// A field that is typed into.
    Field,
    /// Another control, such as a button.
    Control,
}

impl Holder {
    /// Who has it before the page or dialog here is painted: a field gives it away when it sees Enter.
    pub fn before(ui: &Ui) -> Self {
        match ui.memory(|memory| memory.focused()) {
            _ if !are_for(ui) => Self::Another,
            None => Self::Nobody,
            Some(_) if ui.ctx().text_edit_focused() => Self::Field,
            Some(_) => Self::Control,
        }
    }

    fn leaves(self, reach: Reach) -> bool {
        match (self, reach) {
            (Self::Another, _) => false,
            (_, Reach::Everything) | (Self::Nobody, Reach::Free) | (Self::Field, Reach::Fields) => true,
            (Self::Nobody | Self::Field, Reach::FreeOrFields) => true,
            (Self::Nobody | Self::Field | Self::Control, _) => false,
        }
    }
}

/// Whether keys belong to the page or dialog that is painted here: no dialog or menu stands over it.
pub fn are_for(ui: &Ui) -> bool {
    let top = ui.memory(|memory| memory.top_modal_layer());
    top.is_none_or(|top| top == ui.layer_id()) && !Popup::is_any_open(ui.ctx())
}

/// Whether it is worth while to look for what a key would act on: one was pressed, or the palette offers what they do.
pub fn is_any_wanted(ui: &Ui) -> bool {
    is_any_pressed(ui) || palette::is_asked(ui.ctx())
}

fn is_any_pressed(ui: &Ui) -> bool {
    ui.input(|input| input.events.iter().any(|event| matches!(event, Event::Key { pressed: true, .. } | Event::Copy)))
}

/// Does what keys do here, by the table; `holder` had the keyboard before the page or dialog was painted.
pub fn act(ui: &Ui, holder: Holder, subject: &Subject<'_>, actions: &mut Actions) {
    if palette::is_page(subject) && palette::is_asked(ui.ctx()) {
        palette::offer(ui.ctx(), subject);
    }
    if holder == Holder::Another || !is_any_pressed(ui) {
        return;
    }
    let here = ACTIONS.iter().filter(|entry| entry.scope.holds(subject.screen()));
    let mut keys: Vec<(&Shortcut, &Entry)> =
        here.flat_map(|entry| entry.keys.iter().map(move |key| (key, entry))).collect();
    // Those with modifiers come first: a key alone also fits when they are held.
    keys.sort_by_key(|(key, _)| key.modifiers.is_none());
    for (key, entry) in keys {
        if holder.leaves(key.reach) && is_pressed(ui, key) {
            match (entry.rule)(subject) {
                Ok(action) => {
                    ui.input_mut(|input| input.consume_key(key.modifiers, key.key));
                    actions.push(action);
                }
                Err(Unavailable::Refused(why)) => {
                    ui.input_mut(|input| input.consume_key(key.modifiers, key.key));
                    actions.push(UserAction::Explain(why));
                }
                Err(Unavailable::Nothing(_)) => {}
            }
        }
    }
}

fn is_pressed(ui: &Ui, shortcut: &Shortcut) -> bool {
    let fits = |event: &Event| match event {
        Event::Key { key, modifiers, pressed: true, .. } => {
            *key == shortcut.key && modifiers.matches_logically(shortcut.modifiers)
        }
        // What the system's key for copying becomes.
        Event::Copy => (shortcut.key, shortcut.modifiers) == (Key::C, Modifiers::COMMAND),
        _ => false,
    };
    ui.input(|input| input.events.iter().any(fits))
}

/// Room for a key's name.
const KEY: f32 = 108.0;

/// The overlay with all keys.
pub fn help(ui: &mut Ui) -> Actions {
    let mut actions = Actions::new();
    let (holder, subject) = (Holder::before(ui), Subject::Nothing(Screen::Help));
    ui.label(text(Type::Page, "Keys"));
    let mut groups = keyed();
    for (_, entries) in &mut groups {
        // What several dialogs have is told once.
        let mut told = Vec::new();
        entries.retain(|entry| {
            let line = (entry.key_names(), entry.text);
            let is_new = !told.contains(&line);
            told.push(line);
            is_new
        });
    }
    let (left, right) = groups.split_at(half(&groups));
    // Where the window is too low for all of them, they are scrolled.
    let room = (ui.ctx().content_rect().height() - 200.0).max(200.0);
    ScrollArea::vertical().max_height(room).min_scrolled_height(room).show(ui, |ui| {
        ui.columns(2, |columns| {
            for (ui, groups) in columns.iter_mut().zip([left, right]) {
                // Columns justify their texts.
                ui.with_layout(Layout::top_down(Align::Min), |ui| groups.iter().for_each(|group| list(ui, group)));
            }
        });
    });
    ui.add_space(4.0);
    muted(ui, "With the pointer, Shift selects a range and Ctrl one more");
    ui.add_space(8.0);
    Control::of(ActionName::CloseDialog).label("Close").show(ui, &subject, &mut actions);
    act(ui, holder, &subject, &mut actions);
    actions
}

/// How many groups stand in the first of two columns.
fn half(groups: &[(&str, Vec<&Entry>)]) -> usize {
    // A heading is as high as two keys.
    let high = |(_, entries): &(&str, Vec<&Entry>)| entries.len() + 2;
    let all: usize = groups.iter().map(high).sum();
    let mut above = 0;
    let first = groups.iter().take_while(|group| {
        let fits = above * 2 < all;
        above += high(group);
        fits
    });
    first.count()
}

fn list(ui: &mut Ui, (heading, entries): &(&str, Vec<&Entry>)) {
    ui.add_space(8.0);
    section(ui, heading);
    // Lines of text, not of controls.
    ui.spacing_mut().interact_size.y = 0.0;
    ui.spacing_mut().item_spacing.y = 3.0;
    for entry in entries {
        ui.horizontal(|ui| {
            let layout = Layout::left_to_right(Align::Center);
            ui.allocate_ui_with_layout(egui::vec2(KEY, ICON), layout, |ui| {
                ui.set_min_width(KEY);
                ui.label(text(Type::SmallStrong, entry.key_names()));
            });
            ui.label(text(Type::Small, entry.text).color(Palette::of(ui).muted));
            if let Some(icon) = entry.icon {
                mark(ui, icon);
            }
        });
    }
}

/// The icon of an action, as high as a line.
fn mark(ui: &mut Ui, of: ActionIcon) {
    let palette = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(ICON), egui::Sense::hover());
    match of {
        ActionIcon::Star(star) => {
            icon::star(ui.painter(), rect.center(), 5.5, star.map(|star| palette.star(star)), palette.border);
        }
        ActionIcon::Shape(shape) => icon::paint(ui.painter(), rect.shrink(1.0), shape, palette.muted, palette.page),
    }
}
