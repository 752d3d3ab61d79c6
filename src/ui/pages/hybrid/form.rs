//! The fields that the form for a new hybrid project and the settings of one have in common.

use egui::{Align, Layout, Ui};

use crate::domain::hybrid::attributes::ValueKind;
use crate::ui::model::hybrid::{AttributeField, HybridFields};
use crate::ui::widgets::field::{Choice, Field};
use crate::ui::widgets::text::{muted, section};

/// Endpoint, domain, license, location.
pub fn fields(ui: &mut Ui, fields: &mut HybridFields) {
    in_two(ui, |left, right| {
        Field::new("Migration endpoint").hint("its name in the tenant").show(left, &mut fields.endpoint);
        let hint = "contoso.mail.onmicrosoft.com";
        Field::new("Target delivery domain").hint(hint).show(right, &mut fields.target_domain);
        Field::new("Microsoft license").hint("ENTERPRISEPACK; empty assigns none").show(left, &mut fields.sku);
        let hint = "two letters, for users without one";
        Field::new("Usage location").hint(hint).show(right, &mut fields.location);
    });
}

/// The Advanced Options: what is set on mailboxes at finalization.
pub fn attributes(ui: &mut Ui, fields: &mut HybridFields) {
    ui.add_space(8.0);
    section(ui, "Advanced options");
    muted(ui, "Set on each mailbox at finalization; what is empty stays as it is");
    in_two(ui, |left, right| {
        let half = fields.attributes.len().div_ceil(2);
        for (at, field) in fields.attributes.iter_mut().enumerate() {
            attribute(if at < half { left } else { right }, field);
        }
    });
}

/// Two columns whose texts are not justified.
fn in_two(ui: &mut Ui, content: impl FnOnce(&mut Ui, &mut Ui)) {
    ui.spacing_mut().item_spacing.x = 24.0;
    ui.columns(2, |columns| {
        if let [left, right] = columns {
            left.with_layout(Layout::top_down(Align::Min), |left| {
                right.with_layout(Layout::top_down(Align::Min), |right| {
                    (left.spacing_mut().item_spacing.x, right.spacing_mut().item_spacing.x) = (8.0, 8.0);
                    content(left, right);
                });
            });
        }
    });
    ui.spacing_mut().item_spacing.x = 8.0;
}

fn attribute(ui: &mut Ui, field: &mut AttributeField) {
    let hint = match field.kind {
        ValueKind::Flag => return choice(ui, field, &["", "true", "false"]),
        ValueKind::On => return choice(ui, field, &["", "true"]),
        ValueKind::Text => "",
        ValueKind::Address => "anna@contoso.example",
        ValueKind::Size => "50GB, or unlimited",
    };
    Field::new(field.key).hint(hint).show(ui, &mut field.value);
}

fn choice(ui: &mut Ui, field: &mut AttributeField, all: &[&'static str]) {
    let mut chosen = all.iter().copied().find(|one| *one == field.value).unwrap_or_default();
    let words = |one: &'static str| match one {
        "" => "stays as it is",
        "true" => "yes",
        _ => "no",
    };
    Choice { label: field.key, width: 156.0, words }.show(ui, &mut chosen, all);
    chosen.clone_into(&mut field.value);
}
