//! A star that opens a picker: the uncoloured one at the far left, then the colours (R54, R55). Knows colours by number.

use egui::{Color32, Popup, Response, Role, Sense, Ui, Vec2, WidgetInfo};

use super::icon;

/// A colour to pick: its name, and how it is painted (none for the uncoloured one).
pub type StarChoice = (&'static str, Option<Color32>);

/// A star; a click opens the picker. Answers the number of what was chosen.
pub fn star(ui: &mut Ui, fill: Option<Color32>, outline: Color32, name: &str, choices: &[StarChoice]) -> Option<usize> {
    let response = button(ui, fill, outline, name, 6.5);
    picker(&response, outline, choices, |_| ())
}

/// The picker below a star; `more` adds what else the menu offers.
pub fn picker(
    response: &Response,
    outline: Color32,
    choices: &[StarChoice],
    more: impl FnOnce(&mut Ui),
) -> Option<usize> {
    let mut chosen = None;
    Popup::menu(response).show(|ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            for (at, (name, fill)) in choices.iter().enumerate() {
                if button(ui, *fill, outline, name, 8.0).clicked() {
                    chosen = Some(at);
                    ui.close();
                }
            }
        });
        more(ui);
    });
    chosen
}

/// One star to click.
pub fn button(ui: &mut Ui, fill: Option<Color32>, outline: Color32, name: &str, radius: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(24.0), Sense::click());
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 4.0, ui.visuals().widgets.hovered.weak_bg_fill);
    }
    icon::star(ui.painter(), rect.center(), radius, fill, outline);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    response.on_hover_text(name)
}
