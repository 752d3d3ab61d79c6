//! What is answered beside the engine: from the database, from files, with the vault. Each answer is a use case of the
//! service and what the engine must hear of it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::reply::Tell;
use super::{News, Preview, Request, Response};
use crate::domain::csv_import::{ParsedList, Problem};
use crate::domain::edit::Records;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::project::Project;
use crate::engine::command::{Command, CommandError, Outcome};
use crate::engine::{Orders, Traces};
use crate::service::asking::AskingHost;
use crate::service::check::{self, Checking};
use crate::service::hybrid::HybridHost;
use crate::service::import::{self, ImportError, ImportFrom, Watch};
use crate::service::items::PAGE;
use crate::service::orders::Commander;
use crate::service::preview as item_preview;
use crate::service::projects::{self, NewProject};
use crate::service::{
    OpenWorkspace, ServiceError, VaultError, edit, errors, find, items, licenses, log, options, remedies, settings,
    sign_in, times, vault,
};

/// Bad rows that are named.
const NAMED: usize = 50;

/// Answers requests. Cheap to clone; keeps neither the engine nor the workspace's lock.
#[derive(Clone)]
pub(super) struct Answers {
    pub workspace: OpenWorkspace,
    pub orders: Orders,
    /// Projects whose items the engine has in its state.
    pub known: Arc<Mutex<HashSet<ProjectId>>>,
    /// Asks owners.
    pub asking: Arc<AskingHost>,
    /// Watches hybrid projects.
    pub hybrid: Arc<HybridHost>,
    /// What is seen of passes.
    pub traces: Traces,
}

impl Answers {
    /// The response to a request; `tell` hears how far a long one is.
    pub async fn answer(self, request: Request, tell: Tell) -> Response {
        self.try_answer(request, tell).await.unwrap_or_else(Response::Refused)
    }

    async fn try_answer(&self, request: Request, tell: Tell) -> Result<Response, ServiceError> {
        let workspace = &self.workspace;
        Ok(match request {
            Request::Projects => Response::Projects(projects::all(workspace).await?),
            project @ (Request::NewProject(_)
            | Request::DuplicateProject(..)
            | Request::ArchiveProject(..)
            | Request::DeleteProject(_)) => self.whole_project(project).await?,
            list @ (Request::Preview(..) | Request::Import { .. }) => self.list(list, tell).await?,
            edit @ (Request::ItemSettings(_)
            | Request::EditItem(_)
            | Request::EditProject(_)
            | Request::Reset(..)
            | Request::ClearCredentials(..)
            | Request::Delete(..)) => self.edit(edit).await?,
            about @ (Request::ItemOptions(_) | Request::SetItemOptions(..) | Request::PreviewItem(..)) => {
                self.item_options(about).await?
            }
            afield @ (Request::Find(_) | Request::Check(..) | Request::SignIn { .. } | Request::ServiceNumber(..)) => {
                self.afield(afield).await?
            }
            owners @ (Request::StartMails(..)
            | Request::Remind(_)
            | Request::CredentialLink(_)
            | Request::AskAgain(..)
            | Request::ProjectMail(_)
            | Request::SetProjectMail(..)) => self.about_owners(owners).await?,
            settings @ (Request::SaveSettings(_)
            | Request::MailPassword(_)
            | Request::TestMail(_)
            | Request::CheckForm
            | Request::Remember(..)) => self.settings(settings).await?,
            of_item @ (Request::Details(_)
            | Request::Folders(..)
            | Request::Errors(..)
            | Request::ItemLog(_)
            | Request::ItemTrace(_)
            | Request::SaveMessage { .. }
            | Request::SaveTable { .. }) => self.of_item(of_item).await?,
            correction @ (Request::SetPassword(..)
            | Request::Certificate(..)
            | Request::Pin(..)
            | Request::AddMapping(..)) => self.correct(correction).await?,
            ledger @ (Request::Licenses(_)
            | Request::ProjectLicenses(_)
            | Request::NewPool(..)
            | Request::AddLicenses(..)
            | Request::ExportLicenses(..)) => self.licenses(ledger).await?,
            Request::Unlock(kind, passphrase) => {
                vault::unlock(workspace, kind, passphrase).await?;
                self.hybrid.look().await;
                Response::Unlocked(kind)
            }
            Request::Hybrid(ask) => Response::Hybrid(self.hybrid(ask).await?),
            Request::Reopen => return Err(ServiceError::IsOpen),
            Request::Start(_) | Request::Command(_) | Request::StopAll => return Err(ServiceError::NotAQuestion),
        })
    }

    /// What a list would bring in, or brings in.
    async fn list(&self, request: Request, tell: Tell) -> Result<Response, ServiceError> {
        Ok(match request {
            Request::Preview(project, from) => Response::Previewed(self.preview(project, from).await?),
            Request::Import { project, from, skip_bad, records, cancel } => {
                // Given up, it must not go on to store passwords that nothing will name.
                let _cancels = cancel.clone().drop_guard();
                let list = import::read(from).await?;
                import::admit(&list, skip_bad)?;
                self.import(project, list, records, &Watch { tell, cancel }).await?
            }
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// What the page of an item shows, and a message or list that is saved.
    async fn of_item(&self, request: Request) -> Result<Response, ServiceError> {
        let workspace = &self.workspace;
        Ok(match request {
            Request::Details(item) => Response::Details(Box::new(items::details(workspace, item).await?)),
            Request::Folders(pass, offset) => {
                Response::Folders(pass, offset, items::folders(workspace, pass, offset).await?)
            }
            Request::Errors(pass, offset) => {
                Response::Errors(pass, offset, items::errors(workspace, pass, PAGE, offset).await?)
            }
            Request::ItemLog(item) => {
                Response::ItemLog(item, log::of_item(workspace, item, self.traces.of(item).as_ref()).await?)
            }
            Request::ItemTrace(item) => Response::ItemTrace(item, self.traces.of(item).map(Box::new)),
            Request::SaveMessage { error, to, saving } => {
                let file = to.file.clone();
                Response::Saved(errors::save(workspace, &error, to, saving).await?, file)
            }
            Request::SaveTable { text, to } => {
                let file = to.file.clone();
                Response::Saved(errors::save_table(text, to).await?, file)
            }
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// What an item has of its own, and what a pass with that would do.
    async fn item_options(&self, request: Request) -> Result<Response, ServiceError> {
        let workspace = &self.workspace;
        Ok(match request {
            Request::ItemOptions(item) => {
                Response::ItemOptions(item, Box::new(options::of_item(workspace, item).await?))
            }
            Request::SetItemOptions(item, written) => {
                let written: Vec<_> = written.iter().map(|(key, text)| (*key, text.as_str())).collect();
                let own = options::set_of_item(workspace, item, &written, &times::zone()).await?;
                Response::ItemOptions(item, Box::new(own))
            }
            Request::PreviewItem(item, unsaved, cancel) => tokio::select! {
                seen = item_preview::of_item(workspace, item, &unsaved) => Response::ItemPreview(Box::new(seen?)),
                () = cancel.cancelled() => Response::Replaced,
            },
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// What waits for other machines, or for a person at a browser.
    async fn afield(&self, request: Request) -> Result<Response, ServiceError> {
        let workspace = &self.workspace;
        Ok(match request {
            Request::Find(email) => Response::Found(find::settings(&email).await?),
            Request::Check(of, Checking { tell, cancel }) => tokio::select! {
                held = check::run(workspace, of, &*tell) => Response::Checked(held?),
                () = cancel.cancelled() => Response::Replaced,
            },
            Request::ServiceNumber(project, side) => {
                Response::ServiceNumber(project, side, sign_in::service_number(workspace, project, side).await?)
            }
            Request::SignIn { item, side, way, signing } => {
                let engine = Commander::Orders(&self.orders);
                let signed = sign_in::sign_in(workspace, (item, side), way, &signing, engine).await?;
                if signed { Response::SignedIn } else { Response::Replaced }
            }
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// What makes good a failure.
    async fn correct(&self, request: Request) -> Result<Response, ServiceError> {
        let workspace = &self.workspace;
        Ok(match request {
            Request::SetPassword(account, password) => {
                remedies::set_password(workspace, account, password).await?;
                self.corrected(account.project, account.item).await?
            }
            Request::Certificate(project, side) => {
                Response::Certificate(remedies::certificate(workspace, project, side).await?)
            }
            Request::Pin(project, side, fingerprint) => {
                remedies::pin(workspace, project, side, fingerprint).await?;
                self.corrected(project, None).await?
            }
            Request::AddMapping(project, rule) => {
                remedies::add_mapping(workspace, project, rule).await?;
                self.corrected(project, None).await?
            }
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// What is asked about licenses.
    async fn licenses(&self, request: Request) -> Result<Response, ServiceError> {
        let workspace = &self.workspace;
        Ok(match request {
            Request::Licenses(pool) => Response::Licenses(Box::new(licenses::ledger(workspace, pool).await?)),
            Request::ProjectLicenses(project) => {
                Response::ProjectLicenses(project, Box::new(licenses::of_project(workspace, project).await?))
            }
            Request::NewPool(terms, number) => {
                licenses::new_pool(workspace, terms, number).await?;
                Response::Pools(licenses::accounts(workspace).await?)
            }
            Request::AddLicenses(pool, number, note) => {
                licenses::add(workspace, pool, number, note).await?;
                Response::Pools(licenses::accounts(workspace).await?)
            }
            Request::ExportLicenses(pool, file) => {
                Response::LicensesExported(licenses::export(workspace, pool, file.clone()).await?, file)
            }
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// Projects that are made, put away, and that go.
    async fn whole_project(&self, request: Request) -> Result<Response, ServiceError> {
        let workspace = &self.workspace;
        Ok(match request {
            Request::NewProject(new) => {
                let (id, all) = self.new_project(*new).await?;
                Response::Made(id, all)
            }
            Request::DuplicateProject(of, name, with_items) => {
                let id = projects::duplicate(workspace, of, &name, with_items).await?;
                self.load(id).await?;
                Response::Made(id, projects::all(workspace).await?)
            }
            Request::ArchiveProject(id, archived) => {
                projects::archive(workspace, id, archived).await?;
                Response::ProjectEdited(projects::all(workspace).await?)
            }
            Request::DeleteProject(id) => self.delete_project(id).await?,
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// What changes items and projects, and what is asked before.
    async fn edit(&self, request: Request) -> Result<Response, ServiceError> {
        let (workspace, engine) = (&self.workspace, Commander::Orders(&self.orders));
        Ok(match request {
            Request::ItemSettings(item) => Response::ItemSettings(Box::new(edit::settings(workspace, item).await?)),
            Request::EditItem(edit) => {
                edit::item(workspace, *edit, engine).await?;
                Response::Edited
            }
            Request::EditProject(change) => {
                edit::change(workspace, *change, engine).await?;
                Response::ProjectEdited(projects::all(workspace).await?)
            }
            Request::Reset(project, items) => Response::Done(edit::reset(workspace, project, items, engine).await?),
            Request::ClearCredentials(project, items, sides) => {
                Response::Done(edit::clear_credentials(workspace, (project, items), sides, engine).await?)
            }
            Request::Delete(project, items) => Response::Done(edit::delete(workspace, project, items, engine).await?),
            _ => return Err(ServiceError::NotAQuestion),
        })
    }

    /// Brings new items into the engine's state, so that whoever hears of them finds them there.
    pub async fn load(&self, project: ProjectId) -> Result<(), ServiceError> {
        let outcome = self.orders.send(Command::Open { project }).await.await;
        match outcome.unwrap_or_else(|_| Outcome::failed(CommandError::Ended)).error {
            Some(error) => Err(ServiceError::NotShown(error)),
            None => {
                self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(project);
                Ok(())
            }
        }
    }

    /// The engine hears what was corrected, and who waited for that goes on.
    async fn corrected(&self, project: ProjectId, item: Option<ItemId>) -> Result<Response, ServiceError> {
        let edited = match item {
            Some(item) => Command::Edited { project, items: vec![item] },
            None => Command::ProjectEdited { project },
        };
        self.told(edited).await?;
        let items = remedies::held_by_a_login(&self.workspace, project).await?;
        if item.is_none() && !items.is_empty() {
            self.told(Command::Resume { project, items }).await?;
        }
        Ok(Response::Corrected(projects::all(&self.workspace).await?))
    }

    async fn told(&self, command: Command) -> Result<(), ServiceError> {
        let outcome = self.orders.send(command).await.await;
        match outcome.unwrap_or_else(|_| Outcome::failed(CommandError::Ended)).error {
            Some(error) => Err(ServiceError::Engine(error)),
            None => Ok(()),
        }
    }

    /// All projects, pools and settings as another process left them, with the projects' items in the engine's state.
    pub async fn news(&self) -> Result<Response, ServiceError> {
        self.hybrid.look().await;
        let projects = projects::all(&self.workspace).await?;
        for project in &projects {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&project.id);
            if !known {
                self.load(project.id).await?;
            }
        }
        let pools = licenses::accounts(&self.workspace).await?;
        let settings = settings::all(&self.workspace).await?;
        let settings = settings.into_iter().map(|(setting, value)| (setting.name, value)).collect();
        Ok(Response::News(News { projects, pools, settings }))
    }

    async fn new_project(&self, new: NewProject) -> Result<(ProjectId, Vec<Project>), ServiceError> {
        let id = projects::create(&self.workspace, new).await?;
        if let Err(error) = self.load(id).await {
            // It has no items yet, and is loaded again with the first ones.
            tracing::warn!(project = %id, %error, "new project not loaded");
        }
        Ok((id, projects::all(&self.workspace).await?))
    }

    /// A project goes; what cannot leave the vault now is removed after an import a day later.
    async fn delete_project(&self, project: ProjectId) -> Result<Response, ServiceError> {
        let freed = projects::remove(&self.workspace, project).await?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&project);
        self.told(Command::ProjectDeleted { project }).await?;
        projects::purge(&self.workspace).await?;
        if self.workspace.vault.get_open().is_some() {
            projects::remove_secrets(&self.workspace, freed, &Watch::nobody()).await?;
        }
        Ok(Response::ProjectDeleted(projects::all(&self.workspace).await?))
    }

    async fn preview(&self, project: ProjectId, from: ImportFrom) -> Result<Preview, ServiceError> {
        let list = import::read(from).await?;
        let shared = import::shared_destinations(&self.workspace, project, &list.rows).await?;
        Ok(preview(&list, &shared))
    }

    async fn import(
        &self,
        project: ProjectId,
        list: ParsedList,
        records: Option<Records>,
        watch: &Watch,
    ) -> Result<Response, ServiceError> {
        let mut summary = match import::items(&self.workspace, project, list, records, watch).await {
            Err(ImportError::Vault(VaultError::Cancelled)) => return Ok(Response::Cancelled),
            other => other?,
        };
        let loaded = self.load(project).await;
        summary.trouble = summary.trouble.or(loaded.err());
        if !summary.reset.is_empty() {
            let items = std::mem::take(&mut summary.reset);
            summary.trouble = summary.trouble.or(self.told(Command::Edited { project, items }).await.err());
        }
        Ok(Response::Imported(summary))
    }
}

fn preview(list: &ParsedList, shared: &[Problem]) -> Preview {
    let first = |problems: &[Problem]| -> Vec<String> {
        let mut lines: Vec<String> = problems.iter().take(NAMED).map(ToString::to_string).collect();
        if problems.len() > NAMED {
            lines.push(format!("… and {} more", problems.len() - NAMED));
        }
        lines
    };
    Preview {
        good: list.rows.len(),
        passwords: import::has_passwords(list),
        bad: list.problems.len(),
        problems: first(&list.problems),
        notes: [first(&list.notes), first(shared)].concat(),
        encoding: list.encoding.name(),
        samples: list.samples(),
    }
}
