//! What is around every page: the bar on top, the footer, and the help about keys.

use maud::{DOCTYPE, Markup, html};

use crate::assets;
use crate::glyph::{Look, SPRITE};
use crate::words::{self, Word};
use minder_core::ProcessState;

/// The language that a page is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// What a cookie calls it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// The one that a cookie calls `code`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }

    /// The one that a browser asks for: the value of its `Accept-Language`, of which the first
    /// that there is counts. English if there is none.
    #[must_use]
    pub fn preferred(accepted: &str) -> Self {
        let mut ranked: Vec<(u32, Self)> = Vec::new();
        for part in accepted.split(',').take(20) {
            let (tag, quality) = part.split_once(";q=").unwrap_or((part, "1"));
            let tag = tag.trim().to_ascii_lowercase();
            let language = match tag.split('-').next() {
                Some("en") => Self::English,
                Some("zh") => Self::Chinese,
                _ => continue,
            };
            let quality: f64 = quality.trim().parse().unwrap_or(0.0);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "lies between 0 and 1000"
            )]
            ranked.push(((quality.clamp(0.0, 1.0) * 1000.0) as u32, language));
        }
        // Of equal ones the first: the sort keeps their order.
        ranked.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
        ranked
            .first()
            .map(|(_, language)| *language)
            .unwrap_or_default()
    }

    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What it calls itself.
    fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }
}

/// Whether a page is light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the browser wishes.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// What a cookie calls it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The one that a cookie calls `code`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.code() == code)
    }

    fn word(self) -> Word {
        match self {
            Self::Auto => Word::ThemeAuto,
            Self::Light => Word::ThemeLight,
            Self::Dark => Word::ThemeDark,
        }
    }
}

/// What a page has around it.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The language of the page.
    pub language: Language,
    /// Its theme.
    pub theme: Theme,
    /// What the server is called, briefly.
    pub host: String,
    /// Who looks at it, if the server asks for names.
    pub user: Option<String>,
    /// Whether whoever looks may change anything.
    pub may_act: bool,
    /// What every form sends along, to prove that it is from here.
    pub token: String,
    /// How many groups differ from the files.
    pub changes: usize,
    /// The version of Minder.
    pub version: String,
    /// The time of the server when the page was drawn.
    pub as_of: String,
    /// Whether the interfaces for programs are there to be linked to.
    pub has_api: bool,
    /// The address of this page, to come back to.
    pub address: String,
}

/// Which of the pages in the bar on top is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Overview,
    Events,
    Configuration,
    None,
}

/// Something that was said about the last request, in a line of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: String,
    /// More about it; may be empty.
    pub detail: String,
    /// Whether something failed.
    pub is_bad: bool,
}

impl Notice {
    pub(crate) fn draw(&self, frame: &Frame, back: &str) -> Markup {
        let state = if self.is_bad {
            ProcessState::Fatal
        } else {
            ProcessState::Exited
        };
        let look = Look::Plain(state);
        html! {
            div class={ "notice" @if self.is_bad { " bad" } } role=(if self.is_bad { "alert" } else { "status" }) {
                (look.shape())
                div {
                    b { (self.text) }
                    @if !self.detail.is_empty() { br; span.muted { (self.detail) } }
                }
                a.btn.quiet.small.end href=(back) { (Word::Dismiss.to(frame.language)) }
            }
        }
    }
}

impl Frame {
    fn t(&self, word: Word) -> &'static str {
        word.to(self.language)
    }

    /// A whole page. `name` is what it is about, in front of the host in the title.
    pub(crate) fn draw(&self, name: &str, tab: Tab, main: &Markup) -> String {
        let title = match name {
            "" => format!("{} · Minder", self.host),
            name => format!("{name} · {} · Minder", self.host),
        };
        let theme = (self.theme != Theme::Auto).then(|| self.theme.code());
        let page = html! {
            (DOCTYPE)
            html lang=(self.language.tag()) data-theme=[theme] {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) }
                    link rel="icon" href=(assets::address("favicon.svg")) type="image/svg+xml";
                    link rel="stylesheet" href=(assets::address("app.css"));
                    script type="module" src=(assets::address("app.js")) {}
                }
                (self.body(tab, main))
            }
        };
        page.into_string()
    }

    fn body(&self, tab: Tab, main: &Markup) -> Markup {
        let t = |word| self.t(word);
        html! {
            // The script has no words of its own.
            body data-live=(t(Word::Live)) data-reconnecting=(t(Word::Reconnecting))
                data-not-answering=(t(Word::NotAnswering)) data-restarting=(t(Word::DaemonRestarts))
                data-no-answer=(t(Word::NoAnswerFor)) data-following=(t(Word::Following))
                data-not-following=(t(Word::NotFollowing)) data-paused=(t(Word::Paused))
                data-held=(t(Word::PausedHeld)) data-cancel=(t(Word::Cancel))
                data-ask-stop=(t(Word::AskStop)) data-ask-restart=(t(Word::AskRestart))
                data-doing-start=(t(Word::DoingStart)) data-doing-stop=(t(Word::DoingStop))
                data-doing-restart=(t(Word::DoingRestart)) data-new-events=(t(Word::NewEvents)) data-copied=(t(Word::LinkCopied)) data-not-copied=(t(Word::LinkInAddress))
                data-dismiss=(t(Word::Dismiss)) data-wrong=(t(Word::WentWrong))
                data-as-of=(self.as_of) {
                (SPRITE)
                a.skip href="#main" { (t(Word::SkipToContent)) }
                (self.top(tab))
                main #main { div #said data-own="" {} (main) }
                (self.bottom())
                (self.keys())
            }
        }
    }

    fn top(&self, tab: Tab) -> Markup {
        let t = |word| self.t(word);
        let current = |it: Tab| (it == tab).then_some("page");
        let title = words::groups_differ(self.changes, self.language);
        html! {
            header.top { div {
                a.brand href="./" { svg aria-hidden="true" { use href="#s-mark" {} } (self.host) }
                nav.nav aria-label="Minder" {
                    a href="./" aria-current=[current(Tab::Overview)] { (t(Word::Overview)) }
                    a href="events" aria-current=[current(Tab::Events)] { (t(Word::Events)) }
                    a href="configuration" aria-current=[current(Tab::Configuration)] {
                        (t(Word::Configuration))
                        @if self.changes > 0 {
                            span.tag title=(title) {
                                (self.changes) span.sr { " " (t(Word::Changes)) }
                            }
                        }
                    }
                }
                div.end {
                    span.live.js role="status" data-live="live" data-own="" hidden {
                        svg aria-hidden="true" { use href="#s-live" {} } span { (t(Word::Live)) }
                    }
                    @if let Some(user) = &self.user { span.user { (user) } }
                }
            } }
        }
    }

    /// What stands in the place of the facts where nothing updates by itself.
    pub(crate) fn not_live(&self) -> Markup {
        html! {
            noscript {
                p.facts {
                    span.num { (words::as_of(&self.as_of, self.language)) }
                    span { (self.t(Word::NotLive)) " " a.link href=(self.address) { (self.t(Word::Refresh)) } }
                }
            }
        }
    }

    fn bottom(&self) -> Markup {
        let t = |word| self.t(word);
        html! {
            footer.bottom { div {
                span { "Minder " (self.version) }
                @if self.has_api {
                    a href="api/v1" { "API" }
                    a href="api/v1/openapi.json" { "OpenAPI" }
                    a href="metrics" { (t(Word::Metrics)) }
                }
                a href="ok.html" { (t(Word::HealthCheck)) }
                a href="daemon" { (t(Word::DaemonLog)) }
                span.end {
                    button.quiet.small.js type="button" data-do="keys" { (t(Word::Keys)) " " kbd { "?" } }
                    form.looks method="post" action="look" data-look="" {
                        input type="hidden" name="csrf" value=(self.token);
                        input type="hidden" name="back" value=(self.address);
                        label { (t(Word::Theme)) " "
                            select name="theme" data-do="submit" {
                                @for theme in Theme::ALL {
                                    option value=(theme.code()) selected[theme == self.theme] { (t(theme.word())) }
                                }
                            }
                        }
                        label { (t(Word::LanguageName)) " "
                            select name="language" data-do="submit" {
                                @for language in Language::ALL {
                                    option value=(language.code()) selected[language == self.language]
                                        lang=(language.tag()) { (language.own_name()) }
                                }
                            }
                        }
                        button.small.plain { (t(Word::Apply)) }
                    }
                }
            } }
        }
    }

    fn keys(&self) -> Markup {
        const KEYS: [(&[&str], Word); 12] = [
            (&["/"], Word::KeyFilter),
            (&["j", "k"], Word::KeyRows),
            (&["Enter"], Word::KeyOpen),
            (&["x"], Word::KeySelect),
            (&["l"], Word::KeyLog),
            (&["s", "r", "t"], Word::KeyActions),
            (&["g o", "g e", "g c", "g d"], Word::KeyPages),
            (&["f", "p", "w"], Word::KeyLogTools),
            (&["n", "N"], Word::KeyMatches),
            (&["1", "2"], Word::KeyStreams),
            (&["[", "]"], Word::KeyFiles),
            (&["Esc"], Word::KeyLeave),
        ];
        html! {
            dialog #keys aria-labelledby="keys-t" data-own="" {
                h2 #keys-t { (self.t(Word::Keys)) }
                dl.keys {
                    @for (keys, word) in KEYS {
                        dt { @for key in keys { kbd { (key) } " " } }
                        dd { (self.t(word)) }
                    }
                }
                form.acts method="dialog" {
                    label { input type="checkbox" checked data-do="single"; " " (self.t(Word::SingleKeys)) }
                    button.primary { (self.t(Word::Close)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_the_browser_likes_best() {
        for (accepted, language) in [
            ("", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-GB,en;q=0.9,zh;q=0.8", Language::English),
            ("de,zh;q=0.5,en;q=0.7", Language::English),
            ("fr;q=0.9, zh-TW;q=0.3", Language::Chinese),
            ("zh;q=x,en;q=0.1", Language::English),
            ("de", Language::English),
        ] {
            assert_eq!(Language::preferred(accepted), language, "{accepted}");
        }
    }
}
