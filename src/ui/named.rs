//! What a frame shows by its names and places, for whoever drives a real window by mouse: told to the log at `named=trace`, and
//! worked out only then. Controls only: what stands on the screen to be read, or is typed, is not told.

use std::collections::HashMap;

use egui::accesskit::{Node, NodeId, Role, Toggled};
use egui::{Context, FullOutput, Plugin};
use serde_json::{Value, json};

const TARGET: &str = "named";

/// See the module.
pub struct Named;

/// Has a window tell its controls, if the log wants them.
pub fn tell(context: &Context) {
    if tracing::enabled!(target: TARGET, tracing::Level::TRACE) {
        context.enable_accesskit();
        context.add_plugin(Named);
    }
}

impl Plugin for Named {
    fn debug_name(&self) -> &'static str {
        TARGET
    }

    fn output_hook(&mut self, _context: &Context, output: &mut FullOutput) {
        let Some(update) = &output.platform_output.accesskit_update else { return };
        let names: HashMap<NodeId, &str> =
            update.nodes.iter().filter_map(|(id, node)| Some((*id, node.label().or(node.value())?))).collect();
        let controls: Value = update
            .nodes
            .iter()
            .filter_map(|(id, node)| {
                let mut told = control(node, &names)?;
                told["focus"] = Value::Bool(*id == update.focus);
                Some(told)
            })
            .collect();
        tracing::trace!(target: TARGET, %controls);
    }
}

/// A control's name, what it is, its middle, in points, and whether it can be used and is ticked.
fn control(node: &Node, names: &HashMap<NodeId, &str>) -> Option<Value> {
    let is_control = matches!(
        node.role(),
        Role::Button
            | Role::CheckBox
            | Role::RadioButton
            | Role::ComboBox
            | Role::Link
            | Role::TextInput
            | Role::PasswordInput
            | Role::MultilineTextInput
    );
    let by_label = || node.labelled_by().iter().find_map(|id| names.get(id).copied());
    let name = node.label().or_else(by_label).filter(|_| is_control)?;
    let bounds = node.bounds()?;
    let middle = [(bounds.x0 + bounds.x1) / 2.0, (bounds.y0 + bounds.y1) / 2.0].map(f64::round);
    let (role, ticked) = (format!("{:?}", node.role()), node.toggled() == Some(Toggled::True));
    Some(json!({ "name": name, "role": role, "at": middle, "on": !node.is_disabled(), "ticked": ticked }))
}
