//! Keys: when they belong to a page, and the overlay that names them.

use egui::{InputState, Key, Modifiers, Popup, Ui};

use super::Actions;
use super::grid_head::STARS;
use crate::domain::ids::ItemId;
use crate::ui::action::UserAction;
use crate::ui::theme::{Palette, Type};
use crate::ui::widgets::text::{section, text};

/// Whether keys belong to the page or dialog that is painted here: no dialog or menu stands over it.
pub fn are_for(ui: &Ui) -> bool {
    let top = ui.memory(|memory| memory.top_modal_layer());
    top.is_none_or(|top| top == ui.layer_id()) && !Popup::is_any_open(ui.ctx())
}

/// Whether, besides, no field has them.
pub fn are_free(ui: &Ui) -> bool {
    are_for(ui) && !ui.egui_wants_keyboard_input()
}

/// Whether Enter was pressed for the page or dialog that is painted here, in whatever field.
pub fn entered(ui: &Ui) -> bool {
    are_for(ui) && ui.input(|input| input.key_pressed(Key::Enter))
}

/// The keys that do something with items: those that `chosen` names.
pub fn act(input: &mut InputState, chosen: impl Fn() -> Vec<ItemId>, mut push: impl FnMut(UserAction)) {
    let digits = [Key::Num0, Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6];
    for (key, (_, star)) in digits.into_iter().zip(STARS) {
        if input.consume_key(Modifiers::NONE, key) {
            push(UserAction::Star(chosen(), star));
        }
    }
    if input.consume_key(Modifiers::NONE, Key::S) {
        push(UserAction::AskStart(chosen()));
    }
    if input.consume_key(Modifiers::NONE, Key::X) {
        push(UserAction::Stop(chosen()));
    }
}

/// All keys, by where they act.
const KEYS: [(&str, &[(&str, &str)]); 3] = [
    (
        "Items of a project",
        &[
            ("↑ ↓, Page up, Page down, Home, End", "Move"),
            ("Space", "Select or deselect"),
            ("Shift with ↑ ↓ or a click", "Select a range"),
            ("Ctrl A", "Select all that the filters show"),
            ("Esc", "Deselect all"),
            ("Enter", "Open the item"),
            ("/", "Search"),
            ("R", "Sort again"),
        ],
    ),
    (
        "Selected items, else the one at the cursor, else the item shown",
        &[
            ("S", "Start…"),
            ("X", "Stop"),
            ("1 to 6", "Red, orange, yellow, green, blue, purple star"),
            ("0", "No star"),
        ],
    ),
    ("An item's page", &[("← →", "Previous, next item"), ("Esc", "Back to the items")]),
];

/// The overlay with all keys.
pub fn help(ui: &mut Ui) -> Actions {
    let mut actions = Actions::new();
    let palette = Palette::of(ui);
    ui.label(text(Type::Page, "Keys"));
    for (place, keys) in KEYS {
        ui.add_space(8.0);
        section(ui, place);
        ui.spacing_mut().interact_size.y = 0.0; // lines of text, not of controls
        egui::Grid::new(place).num_columns(2).spacing([16.0, 4.0]).min_col_width(190.0).show(ui, |ui| {
            for (key, word) in keys {
                ui.label(text(Type::SmallStrong, *key));
                ui.label(text(Type::Small, *word).color(palette.muted));
                ui.end_row();
            }
        });
    }
    ui.spacing_mut().interact_size.y = 26.0;
    ui.add_space(12.0);
    if ui.button("Close").clicked() {
        actions.push(UserAction::CloseDialog);
    }
    actions
}
