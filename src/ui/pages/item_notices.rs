//! What the latest pass of an item has to say that is no error: differences, what could not be kept.

use egui::{Align, Label, Layout, Ui};

use super::Actions;
use super::item_errors::option;
use crate::domain::ids::ItemId;
use crate::domain::remedy::option_for;
use crate::service::items::PAGE;
use crate::ui::model::errors::as_text;
use crate::ui::model::notices::NoticeGroup;
use crate::ui::model::words;
use crate::ui::theme::{Palette, Tone, Type};
use crate::ui::widgets::icon::{self, Icon};
use crate::ui::widgets::text::{copy, cut, muted, section, text};

/// Lines of one kind that are shown; *Copy text* has all of them.
const SHOWN: usize = 20;

/// Paints them; nothing where there is nothing to say. `read` is how many of the item were read.
pub fn show(ui: &mut Ui, groups: &[NoticeGroup], (item, read): (ItemId, usize), actions: &mut Actions) {
    if groups.is_empty() {
        return;
    }
    section(ui, "Notices");
    for (at, group) in groups.iter().enumerate() {
        let palette = Palette::of(ui);
        let (icon, color) = match group.asks_for_a_look() {
            true => (Icon::Warning, palette.tone(Tone::Warning)),
            false => (Icon::Dots, palette.text),
        };
        ui.horizontal(|ui| {
            icon::show(ui, icon, color);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let lines = group.lines.iter().map(String::as_str);
                copy(ui, "Copy text", || as_text(&group.words, None, lines));
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    cut(ui, text(Type::Strong, &group.words.headline).color(color));
                });
            });
        });
        ui.indent(("notices", at), |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            muted(ui, format!("{} {}", group.words.what, group.words.todo));
            for line in group.lines.iter().take(SHOWN) {
                ui.add(Label::new(text(Type::Small, line)).wrap().selectable(true));
            }
            option_for(group.of.0).iter().for_each(|key| option(ui, (item, *key), actions));
            if group.lines.len() > SHOWN {
                let more = (group.lines.len() - SHOWN) as u64;
                muted(ui, format!("and {} more lines, which Copy text has too", words::count(more)));
            }
        });
        ui.add_space(4.0);
    }
    if read >= PAGE as usize {
        muted(ui, format!("These are the first {}; `mailferry status --json` has more", words::count(read as u64)));
    }
    ui.add_space(8.0);
}
