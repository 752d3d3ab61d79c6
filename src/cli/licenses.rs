//! `mailferry license …`: pools of licenses, what they have and what became of it.

use std::io::Write;

use crate::cli::args::license::{AddLicenses, LicenseHistory, LicenseVerb};
use crate::cli::error::{CliError, Exit};
use crate::cli::table::{Table, clean};
use crate::domain::csv_writing::line;
use crate::domain::ids::PoolId;
use crate::domain::license::licenses;
use crate::domain::wording::counted;
use crate::service::licenses::{self as ledger, Account, Entry, PoolTerms};
use crate::service::{OpenWorkspace, times};

/// `license`
pub async fn license(workspace: &OpenWorkspace, verb: LicenseVerb) -> Result<Exit, CliError> {
    match verb {
        LicenseVerb::List { csv } => list(workspace, csv).await,
        LicenseVerb::Add(asked) => add(workspace, asked).await,
        LicenseVerb::History(asked) => history(workspace, asked).await,
    }
}

/// A pool as lists show it.
fn cells(account: Account) -> Vec<String> {
    let (balance, free) = (account.balance, account.free());
    let counted = |number: Option<u64>| number.map_or_else(|| "unlimited".to_owned(), |number| number.to_string());
    let added = counted((!account.pool.unlimited).then_some(balance.added));
    let PoolTerms { name, kind, client } = account.pool.terms;
    let [reserved, consumed, lost] = [balance.reserved, balance.consumed, balance.lost].map(|n| n.to_string());
    vec![name, kind, client, added, reserved, consumed, lost, counted(free)]
}

async fn list(workspace: &OpenWorkspace, csv: bool) -> Result<Exit, CliError> {
    let accounts = ledger::accounts(workspace).await?;
    let heads = ["Pool", "Kind", "Client", ">Added", ">Reserved", ">Consumed", ">Lost", ">Free"];
    if csv {
        let mut text = line(heads.map(|head| head.trim_start_matches('>')));
        accounts.into_iter().for_each(|account| text += &line(cells(account).iter().map(String::as_str)));
        // Whoever reads has seen enough.
        std::io::stdout().lock().write_all(text.as_bytes()).ok();
        return Ok(Exit::Well);
    }
    let mut table = Table::new(&heads);
    accounts.into_iter().for_each(|account| table.row(cells(account)));
    table.print();
    Ok(Exit::Well)
}

async fn add(workspace: &OpenWorkspace, asked: AddLicenses) -> Result<Exit, CliError> {
    let AddLicenses { pool, number, new, unlimited, kind, client, note } = asked;
    let (kind, client) = (kind.unwrap_or_default(), client.unwrap_or_default());
    if new {
        if number.is_none() && !unlimited {
            return Err(CliError::usage("say how many licenses it has: --number N, or --unlimited"));
        }
        ledger::new_pool(workspace, PoolTerms { name: pool.clone(), kind, client }, number).await?;
    } else {
        let number = number.ok_or_else(|| CliError::usage("say how many licenses are added: --number N"))?;
        let pool = ledger::named(workspace, &pool).await?.pool;
        ledger::add(workspace, pool.id, number, note.unwrap_or_default()).await?;
    }
    let account = ledger::named(workspace, &pool).await?;
    let free = account.free().map_or_else(|| "unlimited licenses".into(), |free| format!("{} free", licenses(free)));
    let made = if new { "made" } else { "has more" };
    say!("Pool \"{}\" {made}: {free}", clean(&account.pool.terms.name));
    if new {
        say!("A project takes its licenses there with --license-pool of `project new` or `project edit`");
    }
    Ok(Exit::Well)
}

async fn history(workspace: &OpenWorkspace, asked: LicenseHistory) -> Result<Exit, CliError> {
    let pool: Option<PoolId> = match asked.pool {
        Some(name) => Some(ledger::named(workspace, &name).await?.pool.id),
        None => None,
    };
    if asked.csv {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut written = Ok(());
        ledger::table(workspace, pool, |line| {
            if written.is_ok() {
                written = out.write_all(line.as_bytes());
            }
        })
        .await?;
        // Whoever reads has seen enough.
        written.and_then(|()| out.flush()).ok();
        return Ok(Exit::Well);
    }
    let accounts = ledger::accounts(workspace).await?;
    let name =
        |id: PoolId| accounts.iter().find(|account| account.pool.id == id).map(|account| &account.pool.terms.name);
    let zone = times::zone();
    let mut table = Table::new(&["Time", "Pool", "Entry", ">Licenses", "Project", "Item", "Note"]);
    let mut count = 0;
    ledger::each(workspace, pool, |entry| {
        count += 1;
        let Entry { at, pool, kind, number, of, note, .. } = entry;
        let (project, item) =
            of.map(|of| (of.project, format!("{}:{}", of.source, of.destination))).unwrap_or_default();
        let pool = name(pool).cloned().unwrap_or_default();
        table.row(vec![times::told(at, &zone), pool, kind.word().into(), number.to_string(), project, item, note]);
    })
    .await?;
    match count {
        0 => say!("no entries yet"),
        count => {
            table.print();
            say!("{}", counted(count, "entry"));
        }
    }
    Ok(Exit::Well)
}
