//! The web interface: from what is known to what is drawn, and from forms to what is done.
//!
//! Each address has a module that gathers what its page shows, in the words of `minder-page`,
//! which draws it; [`deed`] does what forms ask for. Nothing is decided here that is not decided
//! for other clients as well: what changes something becomes a call like any other.
//!
//! A form is answered only if it brings the token that the browser keeps in a cookie: a page of
//! another site can have a browser send the cookie, and cannot read it.

mod daemon;
mod deed;
mod events;
mod fields;
mod host;
mod logs;
mod moments;
mod options;
mod overview;
mod past;
mod plan;
mod process;

use std::sync::Arc;

use minder_core::plan::changes;
use minder_http::server::site::{Content, Keep, Shown, Site, Status, Visit};
use minder_page::{Frame, Language, Notice, Theme, assets};

use self::fields::Fields;
use self::moments::Moments;
use crate::api::Api;

/// The cookies that a browser keeps for us.
const TOKEN: &str = "minder-token";
const LANGUAGE: &str = "minder-language";
const THEME: &str = "minder-theme";

const HTML: &str = "text/html;charset=utf-8";
const TEXT: &str = "text/plain;charset=utf-8";

impl Site for Api {
    async fn visit(self: Arc<Self>, visit: Visit) -> Option<Shown> {
        if let Some((asset, is_current)) = assets::find(&visit.path) {
            return (!visit.acts).then(|| self::asset(asset, is_current, &visit));
        }
        let visitor = Visitor::of(&visit);
        let fields = Fields::new(visit.fields);
        let shown = match (&*visit.path, visit.acts) {
            ("" | "index.html", false) if fields.get("action").is_some() => {
                deed::old_link(&self, &visitor, &fields)
            }
            ("" | "index.html", false) => page(overview::draw(&self, &visitor, &fields).await),
            ("process", false) => process::draw(&self, &visitor, &fields).await,
            ("process", true) => process::reveal(&self, &visitor, &fields).await,
            ("events", false) => page(events::draw(&self, &visitor, &fields)),
            ("configuration", false) => page(plan::draw(&self, &visitor, &fields).await),
            ("daemon", false) => daemon::draw(&self, &visitor, &fields).await,
            ("lines", false) => logs::lines(&self, &visitor, &fields).await,
            ("raw", false) => logs::raw(&self, &fields).await,
            ("act" | "" | "index.html", true) => deed::run(&self, &visitor, &fields).await,
            ("look", true) => look(&visitor, &fields),
            _ => return None,
        };
        Some(visitor.with_token(shown))
    }
}

/// Who asks, and how the answer is to look.
struct Visitor {
    language: Language,
    theme: Theme,
    user: Option<String>,
    token: String,
    /// Whether the browser has the token already.
    has_token: bool,
    by_script: bool,
    moments: Moments,
}

impl Visitor {
    fn of(visit: &Visit) -> Self {
        let cookie = |wanted: &str| {
            let found = visit.cookies.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| &**value)
        };
        let language = cookie(LANGUAGE).and_then(Language::from_code);
        let kept = cookie(TOKEN).filter(|token| is_token(token));
        Self {
            language: language.unwrap_or_else(|| Language::preferred(&visit.languages)),
            theme: cookie(THEME).and_then(Theme::from_code).unwrap_or_default(),
            user: visit.user.clone(),
            has_token: kept.is_some(),
            token: kept.map_or_else(new_token, str::to_owned),
            by_script: visit.by_script,
            moments: Moments::now(),
        }
    }

    /// Whether a form is from a page that this browser was shown.
    fn is_genuine(&self, fields: &Fields) -> bool {
        self.has_token && fields.get("csrf") == Some(&*self.token)
    }

    /// What is around the page at `address`.
    fn frame(&self, api: &Api, address: &str) -> Frame {
        let view = Arc::clone(&api.published.latest().view);
        let active: Vec<_> = view.groups.iter().map(|group| &group.spec).collect();
        let changes = changes(&active, &view.candidate);
        let host = host::name();
        Frame {
            language: self.language,
            theme: self.theme,
            host: host.split('.').next().unwrap_or_default().to_owned(),
            user: self.user.clone(),
            may_act: true,
            token: self.token.clone(),
            changes: changes.added.len() + changes.changed.len() + changes.removed.len(),
            version: crate::api::VERSION.to_owned(),
            as_of: self.moments.clock(),
            has_api: true,
            address: address.to_owned(),
        }
    }

    /// An answer, with which the browser keeps the token.
    fn with_token(&self, mut shown: Shown) -> Shown {
        if !self.has_token && shown.kind == HTML {
            shown.cookies.push((TOKEN, self.token.clone()));
        }
        shown
    }
}

/// What was said about the last request, as the address brings it.
fn notice(fields: &Fields) -> Option<Notice> {
    Some(Notice {
        text: fields.get("message")?.to_owned(),
        detail: fields.get("detail").unwrap_or_default().to_owned(),
        is_bad: fields.get("bad").is_some(),
    })
}

/// Keeps how pages are to look, and leads back.
fn look(visitor: &Visitor, fields: &Fields) -> Shown {
    if !visitor.is_genuine(fields) {
        return refused();
    }
    let mut shown = elsewhere(fields.back());
    let theme = fields.get("theme").and_then(Theme::from_code);
    shown
        .cookies
        .extend(theme.map(|it| (THEME, it.code().to_owned())));
    let language = fields.get("language").and_then(Language::from_code);
    shown
        .cookies
        .extend(language.map(|it| (LANGUAGE, it.code().to_owned())));
    shown
}

fn asset(asset: &'static assets::Asset, is_current: bool, visit: &Visit) -> Shown {
    let tag = format!("\"{}\"", assets::version());
    let is_known = visit.known.as_ref() == Some(&tag);
    Shown {
        status: if is_known {
            Status::Unchanged
        } else {
            Status::Fine
        },
        kind: asset.kind,
        content: Content::Static(if is_known { b"" } else { asset.bytes }),
        // A page of an earlier version may still ask for what belonged to it.
        keep: if is_current {
            Keep::Forever
        } else {
            Keep::Ask(tag)
        },
        cookies: Vec::new(),
        file_name: None,
    }
}

fn page(html: String) -> Shown {
    answer(Status::Fine, HTML, html)
}

fn text(status: Status, text: String) -> Shown {
    answer(status, TEXT, text)
}

fn elsewhere(address: String) -> Shown {
    answer(Status::Elsewhere(address), TEXT, String::new())
}

fn refused() -> Shown {
    const WHY: &str = "This form is not from a page that this browser was shown, or it keeps no \
                       cookies. Load the page again.\n";
    text(Status::Forbidden, WHY.to_owned())
}

fn answer(status: Status, kind: &'static str, content: String) -> Shown {
    Shown {
        status,
        kind,
        content: Content::Text(content),
        keep: Keep::No,
        cookies: Vec::new(),
        file_name: None,
    }
}

/// How many letters a token has: 128 bits.
const TOKEN_LETTERS: usize = 32;

fn is_token(text: &str) -> bool {
    text.len() == TOKEN_LETTERS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A token that nobody can guess.
fn new_token() -> String {
    let mut bytes = [0; size_of::<u128>()];
    // Without randomness there is no token, and the form will be refused.
    let flags = rustix::rand::GetRandomFlags::empty();
    match rustix::rand::getrandom(&mut bytes, flags) {
        Ok(count) if count == bytes.len() => {
            format!("{:032x}", u128::from_be_bytes(bytes))
        }
        Ok(_) | Err(_) => String::new(),
    }
}
