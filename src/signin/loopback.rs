//! Where the browser brings a person's answer: a listener on 127.0.0.1 that takes one request with the right `state`. Any
//! other is answered "not found" and changes nothing. Bounded: the request, its time, and how many come at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Result;
use super::came_back::{CameBack, Expected};
use crate::domain::failure::{Cause, Failure, Retry, Scope};

/// Longest head of a request.
const LARGEST: usize = 16 * 1024;
/// For one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at once: browsers open some that they never use.
const AT_ONCE: usize = 16;

const THANKS: &str =
    "<!doctype html><title>Mailferry</title><p>Signed in. You can close this page and go back to Mailferry.</p>";
const SENT_BACK: &str =
    "<!doctype html><title>Mailferry</title><p>Not signed in. Mailferry says why; you can close this page.</p>";
const NOT_FOUND: &str = "<!doctype html><title>Mailferry</title><p>Nothing is here.</p>";

/// Waits for one answer.
pub struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    /// On a free port.
    ///
    /// # Errors
    /// This machine gives none.
    pub async fn bind() -> Result<Self> {
        Self::bind_to(0).await
    }

    async fn bind_to(port: u16) -> Result<Self> {
        let failed = |error: std::io::Error| {
            let failure = Failure::new(Cause::Internal, Scope::Mailbox, Retry::User, "waiting for the browser");
            failure.saying(error.to_string())
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The first request with this state. `page` is where the person signs in: an answer that names another provider
    /// (RFC 9207) is none of this one.
    pub async fn answer(self, state: &str, page: &str) -> CameBack {
        let expected = Arc::new(Expected::new(state, page));
        let mut visitors = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if visitors.len() < AT_ONCE => {
                    if let Ok((visitor, _)) = accepted {
                        let expected = Arc::clone(&expected);
                        visitors.spawn(async move { timeout(PATIENCE, receive(visitor, &expected)).await.ok().flatten() });
                    }
                }
                Some(ended) = visitors.join_next() => {
                    if let Ok(Some(answer)) = ended {
                        return answer;
                    }
                }
            }
        }
    }
}

/// Reads a request and answers it.
async fn receive(mut visitor: TcpStream, expected: &Expected) -> Option<CameBack> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > LARGEST || visitor.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let answer = read(&String::from_utf8_lossy(&head), expected);
    let (status, page) = match &answer {
        Some(Ok(_)) => ("200 OK", THANKS),
        Some(Err(_)) => ("200 OK", SENT_BACK),
        None => ("404 Not Found", NOT_FOUND),
    };
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    // The answer counts, whether the page is seen or not.
    drop(visitor.write_all(text.as_bytes()).await);
    drop(visitor.shutdown().await);
    answer
}

/// The answer in a request, if it is the one that is waited for.
fn read(head: &str, expected: &Expected) -> Option<CameBack> {
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?')?;
    if method == "GET" && path == "/" { expected.read(query) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;
    use crate::signin::answers::Refused;

    const PAGE: &str = "https://login.example/authorize?x=y";

    async fn visit(port: u16, request: &str) -> String {
        let mut visitor = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        visitor.write_all(request.as_bytes()).await.unwrap();
        let mut said = String::new();
        visitor.read_to_string(&mut said).await.unwrap();
        said
    }

    fn get(target: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    }

    #[tokio::test]
    async fn one_answer_with_the_right_state_counts_and_no_other_changes_anything() {
        let loopback = Loopback::bind().await.unwrap();
        let port = loopback.port();
        let silent = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut waiting = JoinSet::new();
        waiting.spawn(async move { loopback.answer("st&te", PAGE).await });
        for wrong in [
            get("/"),
            get("/?code=c"),
            get("/?code=c&state=other"),
            get("/?code=&state=st%26te"),
            get("/?state=st%26te&state=st%26te&code=c"),
            get("/favicon.ico?code=c&state=st%26te"),
            get("/?code=%zz&state=st%26te"),
            get("/?code=c&state=st%26te&iss=https%3A%2F%2Flogin.example&iss=https%3A%2F%2Flogin.example"),
            get("/?code=c&state=st%26te").replace("GET", "POST"),
        ] {
            assert!(visit(port, &wrong).await.starts_with("HTTP/1.1 404 "), "{wrong}");
        }
        assert!(
            visit(port, &get("/?code=a%2Bb+c&state=st%26te&iss=https%3A%2F%2FLogin.example%3A443%2Ftenant"))
                .await
                .contains("Signed in.")
        );
        assert_eq!(waiting.join_next().await.unwrap().unwrap(), Ok(Secret::new("a+b c")));
        drop(silent);
        assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err(), "a second answer finds nobody");
    }

    #[tokio::test]
    async fn a_refusal_comes_back_too_and_a_request_without_end_does_not() {
        let loopback = Loopback::bind().await.unwrap();
        let port = loopback.port();
        let mut waiting = JoinSet::new();
        waiting.spawn(async move { loopback.answer("s", PAGE).await });
        let mut endless = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        drop(endless.write_all(&vec![b'x'; 3 * LARGEST]).await);
        let page = visit(port, &get("/?error=access_denied&error_description=No&state=s")).await;
        assert!(page.contains("Not signed in."), "{page}");
        assert_eq!(waiting.join_next().await.unwrap().unwrap(), Err(Refused::sent_back("access_denied", "No")));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_said() {
        let first = Loopback::bind().await.unwrap();
        assert_eq!(Loopback::bind_to(first.port()).await.err().expect("taken").cause, Cause::Internal);
    }
}
