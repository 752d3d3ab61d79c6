//! Controls for the actions of the table: buttons that do them, or say under the pointer why they cannot be done.

use std::borrow::Cow;

use egui::{Button, Response, Role, Ui, WidgetInfo};

use super::Actions;
use crate::ui::action::{ActionName, Subject};
use crate::ui::theme::{Palette, Type};
use crate::ui::widgets::star;
use crate::ui::widgets::text::{primary, text};

/// How a control looks.
#[derive(Clone, Copy)]
enum ControlLook {
    Plain,
    /// What the page is for.
    Primary,
    /// Words without a frame.
    Quiet,
    /// Words that read like a link in a line of text.
    Link,
    /// A sign; its name is said by screen readers and under the pointer.
    Sign,
}

/// A control for an action.
pub struct Control<'a> {
    name: ActionName,
    label: Cow<'a, str>,
    look: ControlLook,
}

impl<'a> Control<'a> {
    /// A button with the action's own text.
    pub fn of(name: ActionName) -> Self {
        Self { name, label: Cow::Borrowed(name.entry().text), look: ControlLook::Plain }
    }

    /// It says more here, such as a number.
    pub fn label(self, label: impl Into<Cow<'a, str>>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// It is what the page is for.
    pub fn primary(self) -> Self {
        Self { look: ControlLook::Primary, ..self }
    }

    /// Small words without a frame.
    pub fn quiet(self) -> Self {
        Self { look: ControlLook::Quiet, ..self }
    }

    /// Words that read like a link in a line of text.
    pub fn link(self) -> Self {
        Self { look: ControlLook::Link, ..self }
    }

    /// A sign in place of words.
    pub fn sign(self, sign: &'a str) -> Self {
        Self { look: ControlLook::Sign, label: Cow::Borrowed(sign), ..self }
    }

    /// Paints it; a click does the action.
    pub fn show(self, ui: &mut Ui, subject: &Subject<'_>, actions: &mut Actions) {
        let ruling = (self.name.entry().rule)(subject);
        let response = self.paint(ui, ruling.is_ok());
        match ruling {
            Ok(action) if response.clicked() => actions.push(action),
            Ok(_) => {}
            Err(why) => drop(response.on_disabled_hover_text(why.why())),
        }
    }

    fn paint(&self, ui: &mut Ui, enabled: bool) -> Response {
        let words = self.label.as_ref();
        match self.look {
            ControlLook::Plain => ui.add_enabled(enabled, Button::new(words)),
            ControlLook::Primary => primary(ui, enabled, words),
            ControlLook::Quiet => {
                let words = text(Type::Small, words).color(Palette::of(ui).muted);
                ui.add_enabled(enabled, Button::new(words).frame(false))
            }
            ControlLook::Link => {
                let palette = Palette::of(ui);
                let words = text(Type::Small, words).color(if enabled { palette.accent } else { palette.muted });
                ui.add_enabled(enabled, Button::new(words).frame(false))
            }
            ControlLook::Sign => {
                let name = self.name.entry().text_with_key();
                let response = ui.add_enabled(enabled, Button::new(words));
                response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &name));
                response.on_hover_text(name)
            }
        }
    }
}

/// The stars of the table as a picker takes them.
pub fn star_choices(palette: &Palette) -> Vec<star::StarChoice> {
    crate::ui::action::stars().map(|(name, star)| (name, star.map(|star| palette.star(star)))).collect()
}

/// The star with this number in the picker.
pub fn star_at(at: usize) -> Option<crate::domain::star::Star> {
    crate::ui::action::stars().nth(at).and_then(|(_, star)| star)
}
