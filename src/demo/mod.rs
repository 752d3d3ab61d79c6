//! The demo: a small move to watch, from Maildir to Maildir in a temporary folder that goes when it ends.
//!
//! Everything is the real thing (store, engine, endpoints) but three: the mail is made up, the destination refuses what is
//! larger than a limit, and the source hands out only so many messages a second, so that a person can follow. This room
//! prepares it and says how it was to end; the window or the command line runs it. Knows the service only, and endpoints
//! through its seam. Blocks for a second or so while it writes three thousand messages, on a thread for that.

pub mod pace;
mod samples;
mod summary;
mod words;

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::ids::PoolId;
use crate::domain::mapping::Mapping;
use crate::domain::project::Options;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::wording::size;
use crate::service::import::{self, ImportFrom, Watch};
use crate::service::launch::{AutoRun, NotPrepared, PreparedRun};
use crate::service::projects::{self, NewProject, NewServer};
use crate::service::{DataFolder, OpenOptions, OpenWorkspace, ServiceError, VaultKind, items, vault};
use pace::Paced;

/// The project's name.
const PROJECT: &str = "Contoso to Fabrikam";
/// Largest message that the destination accepts; two of the samples are larger.
const LIMIT: u64 = 1_500_000;
/// Between two messages, of all mailboxes together.
const STEP: Duration = Duration::from_millis(11);

/// Writes the sample mailboxes and makes the project.
pub fn prepare() -> Pin<Box<dyn Future<Output = Result<PreparedRun, NotPrepared>> + Send>> {
    Box::pin(make())
}

async fn make() -> Result<PreparedRun, NotPrepared> {
    let folder = tempfile::Builder::new().prefix("mailferry-demo-").tempdir().map_err(NotPrepared::Samples)?;
    let data = DataFolder::prepare(Some(folder.path().join("workspace")))?;
    let old = folder.path().join("contoso");
    let endpoints = Arc::new(Paced::new(old.clone(), LIMIT, STEP));
    let options = OpenOptions { endpoints, ..OpenOptions::new(data.path.clone()) };
    let workspace = OpenWorkspace::open(options)?;
    vault::unlock(&workspace, VaultKind::Memory, None).await?;
    let made = tokio::task::spawn_blocking(move || samples::write(&old)).await;
    let names = made.map_err(|_| NotPrepared::SamplesDied)?.map_err(NotPrepared::Samples)?;
    let id = projects::create(&workspace, project(folder.path())?).await?;
    let list: String = names.iter().map(|name| format!("{name}@contoso.example\t{name}@fabrikam.example\n")).collect();
    let list = import::read(ImportFrom::Text(Secret::new(list))).await?;
    import::items(&workspace, id, list, None, &Watch::nobody()).await.map_err(ServiceError::from)?;
    let items = items::all(&workspace, id).await?.iter().map(|row| row.item.id).collect();
    let project = projects::named(&workspace, PROJECT).await?;
    let autorun = AutoRun { project: id, items, summary: summary::summary };
    let introduction = vec![
        format!("{} sample mailboxes move from {} into {}.", names.len(), project.source, project.destination),
        format!("The destination refuses messages above {}, to show what happens then. Ctrl-C stops.", size(LIMIT)),
    ];
    Ok(PreparedRun { title: "Mailferry demo", introduction, workspace, project, autorun, data, folder })
}

fn project(folder: &Path) -> Result<NewProject, NotPrepared> {
    let side = |name: &str| {
        let server = Server::parse_url(&format!("maildir:{}/{{email}}", folder.join(name).display()))?;
        Ok::<_, NotPrepared>(NewServer { server, authorities: None, password: None, key_file: None })
    };
    let mapping = vec![Mapping("^Old Projects->Archive/Projects".into())];
    let options = Options { mapping, concurrent: 4, ..Options::default() };
    Ok(NewProject {
        name: PROJECT.into(),
        client: None,
        source: side("contoso")?,
        destination: side("fabrikam")?,
        options,
        pool: PoolId::FIRST,
    })
}
