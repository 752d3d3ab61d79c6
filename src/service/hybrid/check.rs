//! Whether a hybrid project can begin: looks at the tenant, changes nothing. Each line is right, or says what to do.

use std::collections::HashMap;

use super::run::runner;
use super::{CheckLine, HybridProject, HybridUser};
use crate::domain::hybrid::remote::{Licensee, MigrationEndpoint, Recipient, RecipientKind, Sku};
use crate::domain::wording::counted;
use crate::engine::hybrid::{HybridError, Services};
use crate::hybrid::RemoteError;
use crate::service::{OpenWorkspace, ServiceError};

/// Users that are named in a line.
const NAMED: usize = 5;

/// The migration endpoints of the tenant.
///
/// # Errors
/// It cannot be asked.
pub async fn endpoints(
    workspace: &OpenWorkspace,
    project: &HybridProject,
) -> Result<Vec<MigrationEndpoint>, ServiceError> {
    let services = runner(workspace, None)?.services(project).await?;
    Ok(services.batches.endpoints().await.map_err(HybridError::from)?)
}

/// Looks at what a project needs to move these users.
///
/// # Errors
/// The database.
pub async fn check(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    users: &[HybridUser],
) -> Result<Vec<CheckLine>, ServiceError> {
    let services = match runner(workspace, None)?.services(project).await {
        Ok(services) => services,
        Err(HybridError::Remote(error)) => return Ok(vec![troubled("the application's secret", &error)]),
        Err(HybridError::Store(error)) => return Err(error.into()),
    };
    let mut lines = Vec::new();
    let mut recipients = None;
    if at_exchange(project, &services, &mut lines).await {
        recipients = of_recipients(project, &services, users, &mut lines).await;
    }
    of_licenses(project, &services, (users, recipients.as_ref()), &mut lines).await;
    Ok(lines)
}

fn troubled(what: &str, error: &RemoteError) -> CheckLine {
    match error {
        RemoteError::Denied(text) => CheckLine::wrong(
            what,
            text.clone(),
            "Grant what the guide names (`mailferry hybrid guide`), have an administrator consent, and wait up to an hour",
        ),
        RemoteError::Refused { text, .. } => {
            CheckLine::wrong(what, text.clone(), "See the service's words, and correct the setting")
        }
        RemoteError::Busy { .. } | RemoteError::Unsure(_) => CheckLine::unknown(what, error.to_string()),
    }
}

/// Sign-in, endpoint and its server; answers whether the tenant answers at all.
async fn at_exchange(project: &HybridProject, services: &Services, lines: &mut Vec<CheckLine>) -> bool {
    let signed_in = "the application may order moves (Exchange.ManageAsApp, Exchange Administrator)";
    let endpoints = match services.batches.endpoints().await {
        Ok(endpoints) => endpoints,
        Err(error) => {
            lines.push(troubled(signed_in, &error));
            return false;
        }
    };
    lines.push(CheckLine::right(signed_in));
    let name = &project.settings.endpoint;
    let what = format!("the migration endpoint {name} exists");
    if !endpoints.iter().any(|endpoint| endpoint.name.eq_ignore_ascii_case(name)) {
        let all: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        let found = if all.is_empty() { "there is none".to_owned() } else { format!("there are {}", all.join(", ")) };
        let remedy = "Create it in the Exchange admin center (Migration, Endpoints), or name one that exists";
        lines.push(CheckLine::wrong(what, found, remedy));
        return true;
    }
    lines.push(CheckLine::right(what));
    let what = format!("the server behind {name} answers and lets the service in");
    lines.push(match services.batches.validate(name).await {
        Ok(None) => CheckLine::right(what),
        Ok(Some(why)) => CheckLine::wrong(
            what,
            why,
            "Enable MRSProxy on the EWS virtual directory, open https://SERVER/EWS/mrsproxy.svc to Microsoft 365 without \
             pre-authentication, and check certificate and migration account",
        ),
        Err(error) => troubled(&what, &error),
    });
    true
}

type Known = HashMap<String, Recipient>;

async fn of_recipients(
    project: &HybridProject,
    services: &Services,
    users: &[HybridUser],
    lines: &mut Vec<CheckLine>,
) -> Option<Known> {
    if users.is_empty() {
        return None;
    }
    let all = match services.batches.recipients().await {
        Ok(all) => all,
        Err(error) => {
            lines.push(troubled("the users are known in the tenant", &error));
            return None;
        }
    };
    let mut known = Known::new();
    for recipient in all {
        for proxy in &recipient.proxies {
            known.entry(proxy.to_lowercase()).or_insert_with(|| recipient.clone());
        }
        known.insert(recipient.address.to_lowercase(), recipient);
    }
    let of = |user: &HybridUser| known.get(&user.address.to_lowercase());
    let domain = format!("@{}", project.settings.target_domain.to_lowercase());
    let at_domain = |recipient: &Recipient| {
        let is_there = |address: &String| address.to_lowercase().ends_with(&domain);
        recipient.proxies.iter().any(is_there) || is_there(&recipient.address)
    };
    let movable = |recipient: &Recipient| recipient.kind == RecipientKind::MailUser;
    lines.push(group(
        "the users are known in the tenant",
        users,
        |user| of(user).is_none(),
        "Have directory synchronization (Entra Connect) bring them in, with their mail attributes",
    ));
    lines.push(group(
        "none has a mailbox in the tenant already",
        users,
        |user| of(user).is_some_and(|one| !movable(one)),
        "They cannot be moved: take away the license that made a second mailbox, or leave them out of the batch",
    ));
    lines.push(group(
        "their mailboxes on-premises are known in the tenant (ExchangeGuid)",
        users,
        |user| of(user).is_some_and(|one| movable(one) && !one.has_guid),
        "They have no mailbox on-premises, or it is not synchronized: check directory synchronization",
    ));
    lines.push(group(
        &format!("they have an address {domain}"),
        users,
        |user| of(user).is_some_and(|one| movable(one) && !at_domain(one)),
        "Add it as a proxy address on-premises (the e-mail address policy of the Hybrid Configuration Wizard does it)",
    ));
    Some(known)
}

/// One line for all users: right if none of them is wrong.
fn group(what: &str, users: &[HybridUser], is_wrong: impl Fn(&HybridUser) -> bool, remedy: &str) -> CheckLine {
    let wrong: Vec<&str> = users.iter().filter(|user| is_wrong(user)).map(|user| user.address.as_str()).collect();
    if wrong.is_empty() {
        return CheckLine::right(what);
    }
    let mut found =
        format!("not so for {}: {}", counted(wrong.len(), "user"), wrong[..wrong.len().min(NAMED)].join(", "));
    if wrong.len() > NAMED {
        found += &format!(" and {} more", wrong.len() - NAMED);
    }
    CheckLine::wrong(what, found, remedy)
}

async fn of_licenses(
    project: &HybridProject,
    services: &Services,
    (users, known): (&[HybridUser], Option<&Known>),
    lines: &mut Vec<CheckLine>,
) {
    let name = &project.settings.sku;
    if name.is_empty() {
        return;
    }
    let what = format!("the tenant has the license {name}, with a mailbox");
    let skus = match services.licenses.skus().await {
        Ok(skus) => skus,
        Err(error) => return lines.push(troubled(&what, &error).for_later()),
    };
    let Some(sku) = skus.iter().find(|sku| sku.name.eq_ignore_ascii_case(name)).filter(|sku| sku.fits) else {
        let fitting: Vec<&str> = skus.iter().filter(|sku| sku.fits).map(|sku| sku.name.as_str()).collect();
        let found =
            format!("licenses with a mailbox: {}", if fitting.is_empty() { "none".into() } else { fitting.join(", ") });
        return lines.push(CheckLine::wrong(what, found, "Buy it, or name one that is there").for_later());
    };
    lines.push(CheckLine::right(what));
    let licensees = match services.licenses.licensees().await {
        Ok(licensees) => licensees,
        Err(error) => return lines.push(troubled("licenses of the users", &error).for_later()),
    };
    of_users(project, (sku, &licensees), (users, known), lines);
}

fn of_users(
    project: &HybridProject,
    (sku, licensees): (&Sku, &[Licensee]),
    (users, known): (&[HybridUser], Option<&Known>),
    lines: &mut Vec<CheckLine>,
) {
    let licensees: HashMap<&str, &Licensee> = licensees.iter().map(|one| (one.object.as_str(), one)).collect();
    let of = |user: &HybridUser| {
        let recipient = known.and_then(|known| known.get(&user.address.to_lowercase()))?;
        licensees.get(recipient.object.as_deref()?).copied()
    };
    let lacking = users.iter().filter(|user| !of(user).is_some_and(|one| one.skus.contains(&sku.id))).count();
    let what = format!("{} of {} free for them", counted(lacking, "license"), sku.name);
    let free = usize::try_from(sku.free).unwrap_or(usize::MAX);
    lines.push(if free >= lacking {
        CheckLine::right(what)
    } else {
        CheckLine::wrong(what, format!("{free} free"), "Buy more, or take some back, before the users reach 95 %")
            .for_later()
    });
    let has_default = !project.settings.location.is_empty();
    let nowhere = |user: &HybridUser| {
        let own = user.location.is_some() || of(user).is_some_and(|one| one.location.is_some());
        !own && !has_default
    };
    let remedy = "Set one in the tenant, in the list of users (Usage Location), or for the project";
    lines.push(group("they have a usage location", users, nowhere, remedy).for_later());
}
