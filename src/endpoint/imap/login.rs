//! From a server that has greeted to a logged-in session: authenticate, ask what the server can do.
//!
//! Never sends a password over a connection that is not protected as asked. What a server may leave unanswered is waited for
//! no longer than for its greeting, and done without.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::time::{Instant, timeout};

use super::classify::Step;
use super::connection::{Connection, Unasked};
use super::encode::{ImapCommand, Piece};
use super::framer::Io;
use super::greeting::{Greeted, code_capabilities, connect, greet, late, or_found_out, secure, start_tls};
use super::login_by_token::TokenLogin;
use super::names::MailboxNames;
use super::pending::{Answer, Ticket};
use super::response::{Namespaces, ServerResponse};
use super::scrub::Scrub;
use super::session::{Capabilities, ImapSession};
use super::{Login, Timeouts, tls};
use crate::domain::certificate::SeenCertificate;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::secret::Secret;
use crate::domain::server::{ImapServer, Security};
use crate::endpoint::auth::Proof;
use crate::endpoint::own_network::Link;
use crate::endpoint::{Resources, Result};

/// Connects and logs in.
pub(super) async fn open(
    server: &ImapServer,
    login: &Login,
    resources: &Resources,
    timeouts: &Timeouts,
) -> Result<ImapSession> {
    // A server may repeat in its greeting what it was told on an earlier connection.
    let scrub = scrub(login);
    let tcp = connect(server, timeouts).await?;
    let local = tcp.local_addr().ok();
    let greeted = match server.security {
        Security::Plain => or_found_out(server, greet(Box::new(tcp), &scrub, timeouts)).await?,
        Security::Tls => {
            let io = secure(Box::new(tcp), server, timeouts).await?.io;
            or_found_out(server, greet(io, &scrub, timeouts)).await?
        }
        Security::StartTls => {
            let io = or_found_out(server, start_tls(Box::new(tcp), &scrub, timeouts)).await?;
            Greeted::after_tls(secure(io, server, timeouts).await?.io)
        }
    };
    log_in(Greeted { local, ..greeted }, login, resources, timeouts).await
}

/// What a login takes out of all that a server says.
pub(super) fn scrub(login: &Login) -> Scrub {
    match &login.proof {
        Proof::Password(password) => Credentials::new(login, password).scrub(),
        Proof::Bearer(bearer) => TokenLogin::new(&login.user, bearer).scrub(),
    }
}

/// The certificate that a server shows; the connection goes no further.
pub(super) async fn certificate(server: &ImapServer, timeouts: &Timeouts) -> Result<SeenCertificate> {
    let tcp = connect(server, timeouts).await?;
    let io: Box<dyn Io> = match server.security {
        Security::Plain | Security::Tls => Box::new(tcp),
        Security::StartTls => start_tls(Box::new(tcp), &Scrub::default(), timeouts).await?,
    };
    match timeout(timeouts.tls, tls::look(io, &server.host)).await {
        Ok(seen) => seen,
        Err(_) => Err(late(timeouts.tls, "looking at the certificate")),
    }
}

/// Logs in on a stream that has greeted and tells what it can do after that.
pub(super) async fn log_in(
    greeted: Greeted,
    login: &Login,
    resources: &Resources,
    timeouts: &Timeouts,
) -> Result<ImapSession> {
    let Greeted { io, ahead, known, alert, local } = greeted;
    if let Some(alert) = alert {
        resources.said.add(&alert.scrubbed(&scrub(login)).words());
    }
    let link = Link::new(&resources.network, local);
    let mut connection = Connection::new((io, &ahead), link, scrub(login), resources.clone(), timeouts);
    let capabilities = match known {
        Some(capabilities) => capabilities,
        None => {
            let ticket = connection.ask(ImapCommand::new("CAPABILITY"), Step::Ask, "asking for capabilities").await?;
            let answer = connection.answer_until(Instant::now() + timeouts.greeting, ticket).await?;
            if answer.is_none() {
                connection.is_mute();
            }
            answer.and_then(|answer| told_capabilities(&answer)).unwrap_or_default()
        }
    };
    connection.unasked = unasked(&capabilities);
    let (answer, retires) = match &login.proof {
        Proof::Password(password) => {
            (Credentials::new(login, password).log_in(&mut connection, &capabilities).await?, None)
        }
        Proof::Bearer(bearer) => {
            let answer = TokenLogin::new(&login.user, bearer).log_in(&mut connection, &capabilities).await?;
            (answer, Some(bearer.retires))
        }
    };
    connection.logged_in();
    let told = told_capabilities(&answer);
    let session = look_around(connection, capabilities, told, timeouts).await?;
    Ok(session.retiring(retires))
}

fn told_capabilities(answer: &Answer) -> Option<Capabilities> {
    let untagged = answer.untagged.iter().rev().find_map(|r| match r {
        ServerResponse::Capability(told) => Some(told.clone()),
        ServerResponse::Status(_, told) => code_capabilities(told),
        _ => None,
    });
    code_capabilities(&answer.told).or(untagged)
}

/// MailboxNames and password as they go out.
struct Credentials {
    /// The login name, made from the template for an administrator.
    name: String,
    /// The authorization identity, for an administrator who uses PLAIN.
    on_behalf_of: String,
    password: Secret,
    step: Step,
    doing: String,
}

impl Credentials {
    fn new(login: &Login, password: &Secret) -> Self {
        let (name, on_behalf_of) = match &login.admin {
            None => (login.user.clone(), String::new()),
            Some(admin) => {
                let names = admin.names(&login.user);
                (names.login, names.authorization.unwrap_or_default())
            }
        };
        let step = if login.admin.is_some() { Step::AdministratorLogin } else { Step::Login };
        let doing = format!("logging in as {}", if on_behalf_of.is_empty() { &name } else { &on_behalf_of });
        Self { name, on_behalf_of, password: password.clone(), step, doing }
    }

    /// The message of SASL PLAIN (RFC 4616).
    fn plain(&self) -> Secret {
        Secret::new(format!("{}\0{}\0{}", self.on_behalf_of, self.name, self.password.expose()))
    }

    fn scrub(&self) -> Scrub {
        Scrub::new(&self.password, &[self.plain()]).with_names([self.name.as_str(), &self.on_behalf_of])
    }

    async fn log_in(&self, connection: &mut Connection, capabilities: &Capabilities) -> Result<Answer> {
        let sasl = capabilities.contains("AUTH=PLAIN") && !self.plain_is_ambiguous();
        if !sasl && !self.on_behalf_of.is_empty() {
            // Only PLAIN can name another mailbox, and what is not offered is not sent (D20).
            let failure = Failure::new(Cause::CommandRefused, Scope::Endpoint, Retry::User, &self.doing);
            return Err(failure.saying(
                "the server does not offer AUTH=PLAIN, which this administrator's login needs; a login template may work",
            ));
        }
        if sasl {
            let at_once = capabilities.contains("SASL-IR");
            let ticket = connection.ask(self.authenticate(at_once), self.step, &self.doing).await?;
            let answer = connection.answer(ticket).await?;
            // Not a refused password: a command the server could not read, or a mechanism that it does not take.
            if !refuses_mechanism(&answer) {
                return answer.good();
            }
            if !self.on_behalf_of.is_empty() {
                // Some advertise that the message may come with the command, and cannot read it there.
                let plain = at_once.then(|| self.authenticate(false));
                return match plain {
                    Some(plain) => connection.run(plain, self.step, &self.doing).await,
                    None => answer.good(),
                };
            }
        }
        if capabilities.contains("LOGINDISABLED") {
            return Err(no_passwords(capabilities, &self.doing));
        }
        let mut command =
            ImapCommand::new("LOGIN").string(self.name.as_bytes())?.string(self.password.expose().as_bytes())?;
        command.secret = true;
        connection.run(command, self.step, &self.doing).await
    }

    /// NUL separates the parts of a PLAIN message and can be in none of them.
    fn plain_is_ambiguous(&self) -> bool {
        [&self.name, &self.on_behalf_of].iter().any(|n| n.contains('\0')) || self.password.expose().contains('\0')
    }

    /// The message comes with the command, or when the server asks for it.
    fn authenticate(&self, at_once: bool) -> ImapCommand {
        let message = STANDARD.encode(self.plain().expose());
        let mut command = ImapCommand::new("AUTHENTICATE PLAIN");
        command.secret = true;
        if at_once {
            return command.text(" ").text(&message);
        }
        command.pieces.push(Piece::Reply(message.into_bytes()));
        command
    }
}

/// Whether a login was refused for the way in which it came, not for its password: then a plainer way may be taken.
fn refuses_mechanism(answer: &Answer) -> bool {
    let refused = |f: &Failure| matches!(f.cause, Cause::LoginRefused | Cause::AdministratorLoginRefused);
    let no_code = matches!(answer.told.code.name.as_str(), "" | "CANNOT" | "CLIENTBUG" | "PARSE");
    if !no_code || !answer.failure.as_ref().is_some_and(refused) {
        return false;
    }
    let text = answer.told.text.to_ascii_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let way =
        ["mechanism", "not supported", "unsupported", "not implemented", "use login", "not enabled", "unrecognized"];
    answer.told_bad || (any(&way) && !any(&["account", "mailbox", "user", "password"]))
}

/// The failure of a server that takes no password on this connection: none was sent.
fn no_passwords(capabilities: &Capabilities, doing: &str) -> Failure {
    let mut offers: Vec<&str> = vec!["LOGINDISABLED"];
    offers.extend(
        capabilities.iter().filter(|word| word.starts_with("AUTH=") || *word == "STARTTLS").map(String::as_str),
    );
    let failure = Failure::new(Cause::NoPasswords, Scope::Mailbox, Retry::User, doing);
    failure.saying(format!("the server offers {}", offers.join(" ")))
}

/// After the login: capabilities anew, name spaces and mutual introduction, in one flight where possible.
async fn look_around(
    mut connection: Connection,
    before: Capabilities,
    told: Option<Capabilities>,
    timeouts: &Timeouts,
) -> Result<ImapSession> {
    const DOING: &str = "asking what the server can do";
    let likely = told.as_ref().unwrap_or(&before).clone();
    let mut tickets = Vec::new();
    if told.is_none() {
        tickets.push(connection.ask(ImapCommand::new("CAPABILITY"), Step::Ask, DOING).await?);
    }
    if likely.contains("NAMESPACE") {
        tickets.push(connection.ask(ImapCommand::new("NAMESPACE"), Step::Ask, DOING).await?);
    }
    if likely.contains("ID") {
        tickets.push(connection.ask(introduction()?, Step::Ask, DOING).await?);
    }
    let mut untagged = answers(&mut connection, tickets, timeouts).await?;
    let told_now =
        untagged.iter().find_map(|r| if let ServerResponse::Capability(told) = r { Some(told.clone()) } else { None });
    let capabilities = told_now.unwrap_or(likely.clone());
    let mut tickets = Vec::new();
    // Who does not tell its name spaces tells its separator at least.
    let tells =
        |told: &ServerResponse| matches!(told, ServerResponse::Namespace(spaces) if !spaces.personal.is_empty());
    if !untagged.iter().any(tells) {
        let asks = capabilities.contains("NAMESPACE") && !likely.contains("NAMESPACE");
        let command = ImapCommand::new(if asks { "NAMESPACE" } else { "LIST \"\" \"\"" });
        tickets.push(connection.ask(command, Step::Ask, DOING).await?);
    }
    if !likely.contains("ID") && capabilities.contains("ID") {
        tickets.push(connection.ask(introduction()?, Step::Ask, DOING).await?);
    }
    untagged.extend(answers(&mut connection, tickets, timeouts).await?);
    connection.unasked = unasked(&capabilities);
    Ok(ImapSession::new(connection, capabilities, MailboxNames::new(namespaces(untagged)), *timeouts))
}

/// What came in answer to these commands. A refusal of one of them, or none at all in good time, only means that there is less
/// to know.
async fn answers(
    connection: &mut Connection,
    tickets: Vec<Ticket>,
    timeouts: &Timeouts,
) -> Result<Vec<ServerResponse>> {
    let until = Instant::now() + timeouts.greeting;
    let mut untagged = Vec::new();
    for ticket in tickets {
        if let Some(answer) = connection.answer_until(until, ticket).await? {
            untagged.extend(answer.untagged);
        }
    }
    Ok(untagged)
}

fn introduction() -> Result<ImapCommand> {
    ImapCommand::new("ID (\"name\" \"Mailferry\" \"version\"")
        .string(env!("CARGO_PKG_VERSION").as_bytes())
        .map(|c| c.text(")"))
}

fn unasked(capabilities: &Capabilities) -> Unasked {
    if capabilities.contains("LITERAL+") {
        Unasked::All
    } else if capabilities.contains("LITERAL-") {
        Unasked::Small
    } else {
        Unasked::Nothing
    }
}

/// From NAMESPACE, or the separator from a LIST of nothing.
fn namespaces(untagged: Vec<ServerResponse>) -> Namespaces {
    let mut spaces = Namespaces::default();
    for response in untagged {
        match response {
            ServerResponse::Namespace(told) => spaces = told,
            ServerResponse::List(root) if spaces.personal.is_empty() => {
                spaces.personal.push((Vec::new(), root.separator))
            }
            _ => {}
        }
    }
    spaces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::server::AdminLogin;

    fn login(user: &str, admin: Option<AdminLogin>) -> Credentials {
        let password = Secret::new("password");
        Credentials::new(&Login { user: user.into(), admin, proof: Proof::Password(password.clone()) }, &password)
    }

    #[test]
    fn administrators_open_the_mailboxes_of_others() {
        let authzid = login("fred@example.org", Some(AdminLogin::parse("boss")));
        assert_eq!(authzid.plain(), Secret::new("fred@example.org\0boss\0password"));
        let template = login("fred@example.org", Some(AdminLogin::parse("{domain}/admin/{localpart}({user})")));
        assert_eq!(template.plain(), Secret::new("\0example.org/admin/fred(fred@example.org)\0password"));
        assert_eq!(login("fred", None).plain(), Secret::new("\0fred\0password"));
        let proof = Proof::Password(Secret::new("password"));
        let shown = format!("{:?}", Login { user: "fred".into(), admin: None, proof });
        assert!(!shown.contains("password"), "{shown}");
    }
}
