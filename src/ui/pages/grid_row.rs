//! What a pointer does with a row of the item grid: a click selects, a double click opens, the other button offers what can be
//! done.

use egui::Response;

use super::Actions;
use super::controls::Control;
use crate::engine::snapshot::ItemRow;
use crate::ui::action::{ActionName, Items, Subject, UserAction};
use crate::ui::model::grid::GridAction;
use crate::ui::route::Route;

/// What is offered, in groups.
const OFFERED: [&[ActionName]; 4] = [
    &[ActionName::Open],
    &[ActionName::Start, ActionName::Stop, ActionName::StartNext],
    &[ActionName::EditItem, ActionName::Note, ActionName::ItemOptions, ActionName::TestItem, ActionName::Preview],
    &[ActionName::CopyRows, ActionName::ResetItems, ActionName::ClearCredentials, ActionName::DeleteItems],
];

/// A part of a row that does something else when it is clicked: with the other button it is the row.
pub(super) fn only_menu(mut part: Response) -> Response {
    if part.clicked() || part.double_clicked() {
        part.flags.remove(egui::response::Flags::CLICKED | egui::response::Flags::FAKE_PRIMARY_CLICKED);
    }
    part
}

/// Does what the pointer does with a row.
pub(super) fn act(row: &Response, items: Items<'_>, item: &ItemRow, actions: &mut Actions) {
    let grid = items.grid;
    if row.double_clicked() {
        actions.push(UserAction::Go(Route::Item(grid.project, item.item)));
    } else if row.clicked() {
        let modifiers = row.ctx.input(|input| input.modifiers);
        actions.push(UserAction::Grid(match (modifiers.shift, modifiers.command) {
            (true, _) => GridAction::Range(item.item),
            (false, true) => GridAction::Toggle(item.item),
            (false, false) => GridAction::Only(item.item),
        }));
    } else if row.secondary_clicked() && !grid.selection.selected.contains(&item.item) {
        actions.push(UserAction::Grid(GridAction::Only(item.item)));
    }
    let subject = Subject::Items(Items { cursor: Some(item.item), ..items });
    row.context_menu(|ui| {
        for (at, names) in OFFERED.into_iter().enumerate() {
            if at > 0 {
                ui.separator();
            }
            names.iter().for_each(|name| Control::of(*name).show(ui, &subject, actions));
        }
    });
}
