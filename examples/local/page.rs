//! Serves the status page to a browser: what CloudWatch does for a custom widget, on this machine.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::error::Error;
use crate::input::without_number;
use crate::scenes::Scene;

/// How often a browser loads the page anew, in seconds.
const RELOAD: u32 = 2;

/// Browsers open connections that they then do not use.
const PATIENCE: Duration = Duration::from_secs(5);

/// The scenes by their paths; the live one is at `/`.
pub struct Pages {
    scenes: Vec<Scene>,
}

/// What a browser asks for.
struct Request {
    scene: String,
    theme: Option<String>,
}

impl Pages {
    /// Pages of these scenes.
    pub fn new(live: Scene, others: Vec<Scene>) -> Self {
        Self { scenes: std::iter::once(live).chain(others).collect() }
    }

    /// Listens, and says where.
    pub async fn listen(address: SocketAddr) -> Result<(TcpListener, String), Error> {
        let listen = async {
            let listener = TcpListener::bind(address).await?;
            let url = format!("http://{}/", listener.local_addr()?);
            Ok((listener, url))
        };
        listen.await.map_err(|error: io::Error| {
            Error::Failed(format!("cannot listen on {address}: {}", without_number(&error)))
        })
    }

    /// Serves the pages until the process is ended.
    pub async fn serve(self, listener: TcpListener) -> Result<(), Error> {
        let pages = Rc::new(self);
        let connections = tokio::task::LocalSet::new();
        connections
            .run_until(async {
                loop {
                    let Ok((stream, _)) = listener.accept().await else { continue };
                    let pages = pages.clone();
                    // An error here is the browser's hang-up.
                    tokio::task::spawn_local(async move { pages.answer(stream).await.ok() });
                }
            })
            .await
    }

    async fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < 16_384 {
            let read = timeout(PATIENCE, stream.read_buf(&mut head)).await;
            if read.unwrap_or(Ok(0))? == 0 {
                return Ok(());
            }
        }
        let (status, body) = match Request::read(&String::from_utf8_lossy(&head)) {
            Some(request) => self.page(&request).await,
            None => ("405 Method Not Allowed", "only GET".to_owned()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
             content-security-policy: default-src 'none'; img-src data:; style-src 'unsafe-inline'\r\n\
             cache-control: no-store\r\nconnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await
    }

    async fn page(&self, request: &Request) -> (&'static str, String) {
        let Some(scene) = self.scenes.iter().find(|scene| scene.name == request.scene) else {
            return ("404 Not Found", "no such scene".to_owned());
        };
        let theme = request.theme.as_deref().filter(|theme| ["dark", "light"].contains(theme));
        match scene.page(theme).await {
            Ok(page) => ("200 OK", self.around(scene, theme, &page)),
            Err(_) => ("500 Internal Server Error", "the function failed".to_owned()),
        }
    }

    /// What CloudWatch has around a widget: a document.
    fn around(&self, scene: &Scene, theme: Option<&str>, page: &str) -> String {
        let is_live = scene.name.is_empty();
        let reload = is_live.then(|| format!("<meta http-equiv=refresh content={RELOAD}>"));
        let scheme = theme.unwrap_or("light dark");
        let query = theme.map(|theme| format!("?theme={theme}")).unwrap_or_default();
        let links = self.scenes.iter().map(|other| {
            let name = if other.name.is_empty() { "live" } else { other.name };
            let current = if other.name == scene.name { " aria-current=page" } else { "" };
            format!("<a href=\"/{}{query}\"{current}>{name}</a>", other.name)
        });
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
             content=\"width=device-width\"><link rel=icon href=\"data:,\">{}\
             <title>IPv6 targets</title><style>html{{color-scheme:{scheme};background:\
             light-dark(#fff,#141a21)}}body{{margin:0;font:13px system-ui,sans-serif}}nav{{display:\
             flex;flex-wrap:wrap;gap:4px 16px;padding:12px 24px}}nav a{{color:light-dark(#0759b3,\
             #7dbcff)}}nav [aria-current]{{color:inherit;text-decoration:none}}main .e6{{\
             color-scheme:inherit}}</style><main>{page}\
             </main><nav aria-label=\"Simulated scenes\">{}</nav></html>",
            reload.unwrap_or_default(),
            links.collect::<Vec<_>>().join(" "),
        )
    }
}

impl Request {
    /// Reads `GET /scene?theme=dark HTTP/1.1`.
    fn read(head: &str) -> Option<Self> {
        let target = head.strip_prefix("GET /")?.split(' ').next()?;
        let (scene, query) = target.split_once('?').unwrap_or((target, ""));
        let theme = query.split('&').find_map(|pair| pair.strip_prefix("theme="));
        Some(Self { scene: scene.to_owned(), theme: theme.map(str::to_owned) })
    }
}
