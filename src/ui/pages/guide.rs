//! The dialog that tells an administrator what to do, with the lines to copy.

use egui::{Label, ScrollArea, Ui};

use super::Actions;
use super::controls::Control;
use super::keys::{self, Holder};
use crate::domain::failure::Side;
use crate::domain::guide::{Block, Guide};
use crate::ui::action::{ActionName, Subject};
use crate::ui::model::forms::GuideForm;
use crate::ui::theme::Type;
use crate::ui::widgets::field::Field;
use crate::ui::widgets::text::{copy, muted, section, text};

/// Lines of a part that are shown; all of them are copied.
const SHOWN: usize = 12;

/// Paints it.
pub fn show(ui: &mut Ui, form: &mut GuideForm) -> Actions {
    let mut actions = Actions::new();
    let holder = Holder::before(ui);
    ui.label(text(Type::Page, "Guide for administrators"));
    if let Some(shown) = form.side() {
        ui.horizontal_wrapped(|ui| {
            for side in [Side::Source, Side::Destination] {
                if ui.radio(shown == side, form.label(side)).clicked() {
                    form.choose(side);
                }
            }
        });
    }
    ui.horizontal_wrapped(|ui| {
        for guide in Guide::ALL {
            if ui.radio(form.guide == guide, guide.name()).clicked() {
                form.read(guide);
            }
        }
    });
    let guide = form.guide;
    let values = form.values();
    ui.columns(3, |columns| {
        Field::new("Client id").show(&mut columns[0], &mut values.client_id);
        if guide.is_microsoft() {
            Field::new("Tenant").show(&mut columns[1], &mut values.tenant);
        }
        if guide == Guide::Microsoft365 {
            Field::new("Object id of the enterprise application").show(&mut columns[2], &mut values.object_id);
        }
    });
    ui.add_space(4.0);
    let room = (ui.ctx().content_rect().height() - 300.0).max(160.0);
    let scroll = ScrollArea::vertical().max_height(room).min_scrolled_height(room).auto_shrink([false, true]);
    scroll.show(ui, |ui| {
        form.blocks().iter().enumerate().for_each(|(at, part)| block(ui, at, part));
    });
    ui.add_space(8.0);
    let subject = Subject::Guide(form);
    Control::of(ActionName::CloseDialog).label("Close").show(ui, &subject, &mut actions);
    keys::act(ui, holder, &subject, &mut actions);
    actions
}

fn block(ui: &mut Ui, at: usize, block: &Block) {
    match block {
        Block::Heading(1, _) => {}
        Block::Heading(_, words) => {
            ui.add_space(8.0);
            section(ui, words);
        }
        Block::Text(words) => drop(ui.add(Label::new(text(Type::Body, words)).wrap().selectable(true))),
        Block::Code(code) => {
            let lines: Vec<&str> = code.lines().collect();
            let shown = lines.iter().take(SHOWN).copied().collect::<Vec<_>>().join("\n");
            ui.push_id(at, |ui| {
                ui.add(Label::new(text(Type::Mono, shown)).wrap().selectable(true));
                if lines.len() > SHOWN {
                    muted(ui, format!("and {} more lines: Copy takes all", lines.len() - SHOWN));
                }
                copy(ui, "Copy", || code.clone());
            });
        }
    }
}
