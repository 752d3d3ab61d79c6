//! Dialogs: what stands over the page, the last on top. The question about closing is not among them: it stands over all.

use crate::domain::start_order::StartOrder;
use crate::platform::picker::Picking;
use crate::ui::action::UserAction;
use crate::ui::model::forms::{
    AcceptForm, CheckForm, EditItemForm, EditProjectForm, GuideForm, ImportForm, Importing, OptionsForm, PaletteForm,
    PoolForm, ProjectMailForm, RemedyForm, RemoveForm, SaveForm, SignInForm, StartForm, VaultForm, WholeProjectForm,
};
use crate::ui::model::hybrid::HybridDialog;

/// What stands over the page.
pub(super) enum Dialog {
    Accept(Box<AcceptForm>),
    Import(Box<ImportDialog>),
    Save(Box<SaveDialog>),
    Start(Box<StartForm>),
    EditItem(Box<EditItemForm>),
    EditProject(Box<EditProjectForm>),
    Options(Box<OptionsForm>),
    Check(Box<CheckForm>),
    Guide(Box<GuideForm>),
    WholeProject(Box<WholeProjectForm>),
    Pool(Box<PoolForm>),
    ProjectMail(Box<ProjectMailForm>),
    Remove(Box<RemoveForm>),
    Help,
    Palette(PaletteForm),
    Hybrid(Box<HybridDialog>),
    Vault(Box<VaultDialog>),
    Remedy(Box<RemedyForm>),
    SignIn(Box<SignInForm>),
}

/// The dialog that imports items.
pub(super) struct ImportDialog {
    pub form: ImportForm,
    /// The file that a person is choosing.
    pub picking: Option<Picking>,
}

/// The dialog that saves a message.
pub(super) struct SaveDialog {
    pub form: SaveForm,
    /// The place that a person is choosing.
    pub picking: Option<Picking>,
}

/// The dialog that opens the vault.
pub(super) struct VaultDialog {
    pub form: VaultForm,
    /// What goes on when it is open.
    pub then: Option<UserAction>,
}

/// All that stand over the page.
#[derive(Default)]
pub(super) struct Dialogs(Vec<Dialog>);

impl Dialogs {
    pub fn open(&mut self, dialog: Dialog) {
        self.0.push(dialog);
    }

    /// Asks for the vault; there is one such dialog.
    pub fn open_vault(&mut self, form: VaultForm, then: Option<UserAction>) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::Vault(_)));
        self.0.push(Dialog::Vault(Box::new(VaultDialog { form, then })));
    }

    /// Whether pages are asked what they offer.
    pub fn has_palette(&self) -> bool {
        self.0.iter().any(|dialog| matches!(dialog, Dialog::Palette(_)))
    }

    /// From below upwards.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Dialog> {
        self.0.iter_mut()
    }

    /// Closes the one on top. What runs in it is cancelled, and the dialog closes when it has ended.
    pub fn close_top(&mut self) {
        if let Some(Dialog::Import(import)) = self.0.last()
            && let Some(running) = &import.form.running
        {
            return running.cancel.cancel();
        }
        if let Some(Dialog::Save(save)) = self.0.last()
            && let Some(running) = &save.form.running
        {
            return running.cancel.cancel();
        }
        self.0.pop();
    }

    pub fn import(&mut self) -> Option<&mut ImportDialog> {
        self.0
            .iter_mut()
            .find_map(|dialog| if let Dialog::Import(import) = dialog { Some(&mut **import) } else { None })
    }

    pub fn import_form(&mut self) -> Option<&mut ImportForm> {
        self.import().map(|import| &mut import.form)
    }

    pub fn close_import(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::Import(_)));
    }

    /// The import that runs.
    pub fn importing(&self) -> Option<&Importing> {
        self.0
            .iter()
            .find_map(|dialog| if let Dialog::Import(import) = dialog { import.form.running.as_ref() } else { None })
    }

    /// What is to be started, if it can be as it stands; its dialog is closed then.
    pub fn finish_start(&mut self) -> Option<(StartForm, StartOrder)> {
        let at = self.0.iter().position(|dialog| matches!(dialog, Dialog::Start(_)))?;
        let Dialog::Start(form) = &self.0[at] else { return None };
        let (form, order) = (StartForm::clone(form), form.order().ok()?);
        self.0.remove(at);
        Some((form, order))
    }

    pub fn start_form(&mut self) -> Option<&mut StartForm> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::Start(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn item_form(&mut self) -> Option<&mut EditItemForm> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::EditItem(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn close_item(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::EditItem(_)));
    }

    pub fn project_form(&mut self) -> Option<&mut EditProjectForm> {
        self.0
            .iter_mut()
            .find_map(|dialog| if let Dialog::EditProject(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn close_project(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::EditProject(_)));
    }

    pub fn options(&mut self) -> Option<&mut OptionsForm> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::Options(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn close_options(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::Options(_)));
    }

    pub fn guide(&mut self) -> Option<&mut GuideForm> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::Guide(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn check(&mut self) -> Option<&mut CheckForm> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::Check(form) = dialog { Some(&mut **form) } else { None })
    }

    /// Those that a page replaces.
    pub fn close_for_page(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::Options(_) | Dialog::Start(_)));
    }

    pub fn whole_project(&mut self) -> Option<&mut WholeProjectForm> {
        self.0
            .iter_mut()
            .find_map(|dialog| if let Dialog::WholeProject(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn close_whole_project(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::WholeProject(_)));
    }

    pub fn pool_form(&mut self) -> Option<&mut PoolForm> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::Pool(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn close_pool(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::Pool(_)));
    }

    pub fn project_mail(&mut self) -> Option<&mut ProjectMailForm> {
        self.0
            .iter_mut()
            .find_map(|dialog| if let Dialog::ProjectMail(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn close_project_mail(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::ProjectMail(_)));
    }

    pub fn remove_form(&mut self) -> Option<&mut RemoveForm> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::Remove(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn close_remove(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::Remove(_)));
    }

    /// What is to be accepted; its dialog is closed.
    pub fn finish_accept(&mut self) -> Option<AcceptForm> {
        let at = self.0.iter().position(|dialog| matches!(dialog, Dialog::Accept(_)))?;
        if let Dialog::Accept(form) = self.0.remove(at) { Some(*form) } else { None }
    }

    pub fn save(&mut self) -> Option<&mut SaveDialog> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::Save(save) = dialog { Some(&mut **save) } else { None })
    }

    pub fn close_save(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::Save(_)));
    }

    pub fn vault_form(&mut self) -> Option<&mut VaultForm> {
        self.0
            .iter_mut()
            .find_map(|dialog| if let Dialog::Vault(vault) = dialog { Some(&mut vault.form) } else { None })
    }

    /// What is asked about hybrid users and batches.
    pub fn hybrid(&mut self) -> Option<&mut HybridDialog> {
        self.0
            .iter_mut()
            .find_map(|dialog| if let Dialog::Hybrid(dialog) = dialog { Some(&mut **dialog) } else { None })
    }

    pub fn close_hybrid(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::Hybrid(_)));
    }

    /// What is being corrected.
    pub fn remedy(&mut self) -> Option<&mut RemedyForm> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::Remedy(form) = dialog { Some(&mut **form) } else { None })
    }

    /// It was corrected: its dialog is closed.
    pub fn close_remedy(&mut self) -> Option<RemedyForm> {
        let form = self.remedy()?.clone();
        self.0.retain(|dialog| !matches!(dialog, Dialog::Remedy(_)));
        Some(form)
    }

    /// Who signs in.
    pub fn sign_in(&mut self) -> Option<&mut SignInForm> {
        self.0.iter_mut().find_map(|dialog| if let Dialog::SignIn(form) = dialog { Some(&mut **form) } else { None })
    }

    pub fn close_sign_in(&mut self) {
        self.0.retain(|dialog| !matches!(dialog, Dialog::SignIn(_)));
    }

    /// The vault is open: its dialog is closed. Answers what goes on.
    pub fn finish_vault(&mut self) -> Option<UserAction> {
        let at = self.0.iter().position(|dialog| matches!(dialog, Dialog::Vault(_)))?;
        match self.0.remove(at) {
            Dialog::Vault(vault) => vault.then,
            Dialog::Remedy(_) | Dialog::SignIn(_) | Dialog::ProjectMail(_) => None,
            Dialog::EditItem(_) | Dialog::EditProject(_) | Dialog::Options(_) => None,
            Dialog::WholeProject(_) | Dialog::Pool(_) | Dialog::Remove(_) | Dialog::Check(_) | Dialog::Guide(_) => None,
            Dialog::Accept(_) | Dialog::Import(_) | Dialog::Save(_) | Dialog::Start(_) | Dialog::Help => None,
            Dialog::Palette(_) => None,
            Dialog::Hybrid(_) => None,
        }
    }
}
