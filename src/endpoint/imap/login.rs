//! From a host name to a logged-in session: connect, secure, greet, authenticate, ask what the server can do.
//!
//! Never sends a password over a connection that is not protected as asked. Every wait has a time-out. Up to the login
//! nothing larger than a line is read.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::classify::{self, Step};
use super::connection::{Connection, Unasked};
use super::encode::{ImapCommand, Piece};
use super::framer::{Framer, Io, SilenceWatch, WireError};
use super::login_by_token::TokenLogin;
use super::names::MailboxNames;
use super::patience::Question;
use super::pending::{Answer, Ticket};
use super::response::{self, Namespaces, ServerResponse, Status, Told};
use super::scrub::{Scrub, trace_line};
use super::session::{Capabilities, ImapSession};
use super::tls::Secured;
use super::token::Raw;
use super::{DIALOGUE, Login, Timeouts, tls};
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
        Security::Plain => greet(Box::new(tcp), &scrub, timeouts).await?,
        Security::Tls => greet(secure(Box::new(tcp), server, timeouts).await?.io, &scrub, timeouts).await?,
        Security::StartTls => {
            let io = start_tls(Box::new(tcp), &scrub, timeouts).await?;
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

/// A stream whose server has greeted.
pub(super) struct Greeted {
    io: Box<dyn Io>,
    /// What was read after the greeting.
    ahead: Vec<u8>,
    /// What the server can do, if its greeting told.
    known: Option<Capabilities>,
    /// What it says to people.
    alert: Option<Told>,
    /// Where it comes from, where that is known.
    local: Option<SocketAddr>,
}

impl Greeted {
    /// It greeted before TLS was begun; what it said then counts for nothing.
    pub(super) fn after_tls(io: Box<dyn Io>) -> Self {
        Self { io, ahead: Vec::new(), known: None, alert: None, local: None }
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
            let answer = connection.run(ImapCommand::new("CAPABILITY"), Step::Ask, "asking for capabilities").await?;
            told_capabilities(&answer).unwrap_or_default()
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

pub(super) async fn connect(server: &ImapServer, timeouts: &Timeouts) -> Result<TcpStream> {
    let doing = format!("connecting to {}:{}", server.host, server.port);
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let unreachable = |text: String| {
        let failure = Failure::new(Cause::Unreachable, Scope::Endpoint, Retry::Backoff, &doing);
        failure.saying(text).about(format!("{host}:{}", server.port))
    };
    let tcp = match timeout(timeouts.connect, TcpStream::connect((host, server.port))).await {
        Ok(Ok(tcp)) => tcp,
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Err(_) => return Err(unreachable(format!("no answer within {} seconds", timeouts.connect.as_secs()))),
    };
    // Only a matter of speed.
    drop(tcp.set_nodelay(true));
    Ok(tcp)
}

pub(super) async fn secure(io: Box<dyn Io>, server: &ImapServer, timeouts: &Timeouts) -> Result<Secured> {
    match timeout(timeouts.tls, tls::secure(io, &server.host, &server.trust)).await {
        Ok(secured) => secured,
        Err(_) => Err(late(timeouts.tls, "securing the connection")),
    }
}

fn late(limit: Duration, doing: &str) -> Failure {
    let text = format!("no answer within {} seconds", limit.as_secs());
    Failure::new(Cause::TimedOut, Scope::Connection, Retry::Backoff, doing).saying(text)
}

const GREETING: &str = "waiting for the greeting";

/// Reads the greeting.
pub(super) async fn greet(io: Box<dyn Io>, scrub: &Scrub, timeouts: &Timeouts) -> Result<Greeted> {
    let (framer, told) = greeted(io, scrub, timeouts).await?;
    let (io, ahead) = framer.into_parts();
    let known = code_capabilities(&told);
    Ok(Greeted { io, ahead, known, alert: Some(told).filter(|told| told.code.name == "ALERT"), local: None })
}

async fn greeted(io: Box<dyn Io>, scrub: &Scrub, timeouts: &Timeouts) -> Result<(Framer<Box<dyn Io>>, Told)> {
    let watch = SilenceWatch::new(timeouts.silence);
    watch.expect(Question::Small);
    let mut framer = Framer::new(io, b"", watch);
    let Ok(greeting) = timeout(timeouts.greeting, line(&mut framer, scrub)).await else {
        return Err(late(timeouts.greeting, GREETING));
    };
    match greeting.map_err(|error| lost(&error, scrub, GREETING))? {
        ServerResponse::Status(Status::Ok, told) => Ok((framer, told)),
        ServerResponse::Status(Status::PreAuth, told) => {
            let told = told.scrubbed(scrub);
            // Somebody's mailbox is open, and nothing says whose.
            let failure = Failure::new(Cause::MailboxNotOpened, Scope::Mailbox, Retry::User, GREETING);
            Err(failure.saying(format!("the server opened a mailbox without a login: {}", told.words())))
        }
        ServerResponse::Status(status, told) => {
            Err(classify::failure(Step::Connection, status, &told.scrubbed(scrub), GREETING))
        }
        _ => Err(lost(&WireError::Nonsense("the server's first line is no IMAP greeting".into()), scrub, GREETING)),
    }
}

/// One response without literals.
async fn line(framer: &mut Framer<Box<dyn Io>>, scrub: &Scrub) -> std::result::Result<ServerResponse, WireError> {
    let mut text = Vec::new();
    framer.line(&mut text).await?;
    trace_line(&text, scrub);
    response::parse(Raw { text, literals: Vec::new() }).map_err(WireError::Nonsense)
}

fn lost(error: &WireError, scrub: &Scrub, doing: &str) -> Failure {
    let cause = match error {
        WireError::Nonsense(_) => Cause::Nonsense,
        WireError::Silence(_) | WireError::Slow(_) => Cause::TimedOut,
        _ => Cause::ConnectionLost,
    };
    Failure::new(cause, Scope::Connection, Retry::Backoff, doing).saying(scrub.clean(&error.to_string()))
}

/// Greeting, CAPABILITY if it was not told, STARTTLS (RFC 9051 §6.2.1). Whatever was sent ahead of TLS is refused: it
/// would be read as if it had been protected.
pub(super) async fn start_tls(io: Box<dyn Io>, scrub: &Scrub, timeouts: &Timeouts) -> Result<Box<dyn Io>> {
    const DOING: &str = "asking for TLS";
    // An alert that anybody may have put in counts for nothing.
    let (mut framer, told) = greeted(io, scrub, timeouts).await?;
    let known = match code_capabilities(&told) {
        Some(known) => known,
        None => ask(&mut framer, 1, "CAPABILITY", scrub, timeouts).await?.1,
    };
    let failed = |text: &str| Failure::new(Cause::TlsFailed, Scope::Endpoint, Retry::User, DOING).saying(text);
    if !known.contains("STARTTLS") {
        return Err(failed("the server does not offer STARTTLS"));
    }
    let ((status, told), _) = ask(&mut framer, 2, "STARTTLS", scrub, timeouts).await?;
    if status != Status::Ok {
        return Err(classify::failure(Step::Tls, status, &told.scrubbed(scrub), DOING));
    }
    let (io, ahead) = framer.into_parts();
    if ahead.is_empty() { Ok(io) } else { Err(failed("the server sent data ahead of the TLS handshake")) }
}

/// One command before TLS: the tagged answer and the capabilities told on the way.
async fn ask(
    framer: &mut Framer<Box<dyn Io>>,
    number: u32,
    command: &str,
    scrub: &Scrub,
    timeouts: &Timeouts,
) -> Result<((Status, Told), Capabilities)> {
    const DOING: &str = "asking for TLS";
    let dialogue = async {
        let text = format!("{} {command}\r\n", response::tag(number));
        tracing::trace!(target: DIALOGUE, "> {}", text.trim_end());
        framer.io().write_all(text.as_bytes()).await?;
        framer.io().flush().await?;
        let mut known = Capabilities::new();
        loop {
            match line(framer, scrub).await? {
                ServerResponse::Capability(told) => known = told,
                ServerResponse::Tagged(n, status, told) if n == number => return Ok(((status, told), known)),
                ServerResponse::Status(Status::Bye, told) => return Err(WireError::Nonsense(told.words())),
                _ => {}
            }
        }
    };
    match timeout(timeouts.greeting, dialogue).await {
        Ok(answer) => answer.map_err(|error| lost(&error, scrub, DOING)),
        Err(_) => Err(late(timeouts.greeting, DOING)),
    }
}

fn code_capabilities(told: &Told) -> Option<Capabilities> {
    (told.code.name == "CAPABILITY").then(|| response::capabilities(&told.code.arguments))
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
        Scrub::new(&self.password, &[self.plain()])
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
            let unknown = answer.failure.as_ref().is_some_and(|f| {
                matches!(f.cause, Cause::LoginRefused | Cause::AdministratorLoginRefused)
                    && answer.told.code.name.is_empty()
            });
            // Not a refused password: a command the server could not read.
            if !unknown || !answer.told_bad {
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
            let failure = Failure::new(Cause::LoginRefused, Scope::Mailbox, Retry::User, &self.doing);
            return Err(failure.saying("the server allows no login by password on this connection (LOGINDISABLED)"));
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
    let mut spaces = Vec::new();
    if likely.contains("NAMESPACE") {
        spaces.push(connection.ask(ImapCommand::new("NAMESPACE"), Step::Ask, DOING).await?);
    }
    if likely.contains("ID") {
        tickets.push(connection.ask(introduction()?, Step::Ask, DOING).await?);
    }
    let mut untagged = answers(&mut connection, tickets).await?;
    let mut refused = false;
    for spaces in spaces {
        let answer = connection.answer(spaces).await?;
        refused = answer.failure.is_some();
        untagged.extend(answer.untagged);
    }
    let told_now =
        untagged.iter().find_map(|r| if let ServerResponse::Capability(told) = r { Some(told.clone()) } else { None });
    let capabilities = told_now.unwrap_or(likely.clone());
    let mut tickets = Vec::new();
    // Who does not tell its name spaces tells its separator at least.
    if !likely.contains("NAMESPACE") || refused {
        let command = if capabilities.contains("NAMESPACE") && !refused {
            ImapCommand::new("NAMESPACE")
        } else {
            ImapCommand::new("LIST \"\" \"\"")
        };
        tickets.push(connection.ask(command, Step::Ask, DOING).await?);
    }
    if !likely.contains("ID") && capabilities.contains("ID") {
        tickets.push(connection.ask(introduction()?, Step::Ask, DOING).await?);
    }
    untagged.extend(answers(&mut connection, tickets).await?);
    connection.unasked = unasked(&capabilities);
    Ok(ImapSession::new(connection, capabilities, MailboxNames::new(namespaces(untagged)), *timeouts))
}

/// What came in answer to these commands. A refusal of one of them only means that there is less to know.
async fn answers(connection: &mut Connection, tickets: Vec<Ticket>) -> Result<Vec<ServerResponse>> {
    let mut untagged = Vec::new();
    for ticket in tickets {
        untagged.extend(connection.answer(ticket).await?.untagged);
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
