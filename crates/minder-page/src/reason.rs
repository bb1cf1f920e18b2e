//! Why a process is as it is, in a sentence.

use crate::frame::Language;
use crate::moment::Moment;
use crate::words::{self, Word};

/// Why a process is as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// There is nothing to say.
    #[default]
    None,
    /// The daemon's own words, which are Supervisor's and are not translated.
    Said(String),
    /// It never ran.
    NotStarted,
    /// It was stopped.
    Stopped {
        /// When.
        at: Moment,
        /// By whom, if that is known.
        by: Option<String>,
    },
    /// It ended by itself.
    Exited {
        /// When.
        at: Moment,
        /// How.
        ending: Ending,
        /// Whether that was an exit code of its `exitcodes`.
        expected: bool,
    },
    /// It ended too soon after each start.
    TooQuick {
        /// How often.
        times: u32,
        /// How it ended the last time, if that is known.
        ending: Option<Ending>,
    },
    /// It will be tried again.
    Retry {
        /// How many times it has been tried.
        number: u32,
        /// How many times it may be.
        of: i64,
        /// In how many seconds, if that is known.
        in_secs: Option<u64>,
        /// How it ended the last time, if that is known.
        ending: Option<Ending>,
    },
    /// It counts as running soon.
    ReadyIn {
        /// In how many seconds.
        secs: u64,
    },
    /// It is a listener.
    Listens {
        /// How many events wait for its pool, if that is known.
        waiting: Option<usize>,
    },
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(String),
    /// By the system, for lack of memory.
    OutOfMemory,
    /// Nobody saw how.
    Unseen,
    /// It was never made, for this reason.
    NotMade(String),
}

impl Ending {
    /// In the middle of a sentence: `exit code 1`.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::Code(code) => words::exit_code(*code, language),
            Self::Signal(name) => name.clone(),
            Self::OutOfMemory => Word::OutOfMemory.to(language).to_owned(),
            Self::Unseen => Word::Unseen.to(language).to_owned(),
            Self::NotMade(why) => why.clone(),
        }
    }

    /// The same of the last of several: `last exit code 1`.
    pub(crate) fn last(&self, language: Language) -> String {
        match self {
            Self::Code(code) => words::last_exit_code(*code, language),
            Self::Signal(_) | Self::OutOfMemory | Self::Unseen | Self::NotMade(_) => {
                self.text(language)
            }
        }
    }
}

/// What is told of a change beside the state: `pid 7, exit code 1`.
pub(crate) fn detail(pid: Option<u32>, ending: Option<&Ending>, language: Language) -> String {
    let pid = pid.map(|pid| words::pid(pid, language));
    let ending = ending.map(|ending| ending.text(language));
    words::listed(&pid.into_iter().chain(ending).collect::<Vec<_>>(), language)
}

impl Reason {
    /// The sentence, without a full stop and as it stands in the middle of one.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::None => String::new(),
            Self::Said(text) => text.clone(),
            Self::NotStarted => Word::NotStarted.to(language).to_owned(),
            Self::Stopped { at, by } => {
                words::stopped_at(&at.short(language), by.as_deref(), language)
            }
            Self::Exited {
                at,
                ending,
                expected,
            } => {
                let at = at.short(language);
                match ending {
                    Ending::Code(code) => words::finished(&at, *code, *expected, language),
                    Ending::Signal(_)
                    | Ending::OutOfMemory
                    | Ending::Unseen
                    | Ending::NotMade(_) => {
                        words::ended(&at, &ending.text(language), *expected, language)
                    }
                }
            }
            Self::TooQuick { times, ending } => {
                let ending = ending.as_ref().map(|ending| ending.last(language));
                let quick = words::too_quickly(*times, language);
                words::listed(
                    &[quick].into_iter().chain(ending).collect::<Vec<_>>(),
                    language,
                )
            }
            Self::Retry {
                number,
                of,
                in_secs,
                ending,
            } => {
                let retry = match in_secs {
                    Some(secs) => words::retry_in(*number, *of, *secs, language),
                    None => words::retry(*number, *of, language),
                };
                let ending = ending.as_ref().map(|ending| ending.text(language));
                words::listed(
                    &[retry].into_iter().chain(ending).collect::<Vec<_>>(),
                    language,
                )
            }
            Self::ReadyIn { secs } => words::ready_in(*secs, language),
            Self::Listens {
                waiting: Some(events),
            } => words::waiting(*events, language),
            Self::Listens { waiting: None } => Word::ListenerName.to(language).to_owned(),
        }
    }

    /// The sentence as one of its own.
    #[must_use]
    pub fn sentence(&self, language: Language) -> String {
        let text = self.text(language);
        let stop = match language {
            _ if text.is_empty() || text.ends_with(['.', '!', '?']) => "",
            Language::English => ".",
            Language::Chinese => "。",
        };
        let mut letters = text.chars();
        let first = letters.next().map(|it| it.to_uppercase().to_string());
        format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_sentences_in_both_languages() {
        let too_quick = Reason::TooQuick {
            times: 4,
            ending: Some(Ending::Code(1)),
        };
        let retry = Reason::Retry {
            number: 2,
            of: 10,
            in_secs: Some(3),
            ending: Some(Ending::Code(255)),
        };
        let said = Reason::Said("cannot chdir.".to_owned());
        let exited = |ending, expected| Reason::Exited {
            at: Moment {
                clock: "10:05:00".to_owned(),
                is_today: true,
                ..Moment::default()
            },
            ending,
            expected,
        };
        let finished = exited(Ending::Code(0), true);
        let killed = exited(Ending::Signal("SIGKILL".to_owned()), false);
        let starved = exited(Ending::OutOfMemory, false);
        for (reason, english, chinese) in [
            (
                &too_quick,
                "Exited too quickly 4 times, last exit code 1.",
                "过快退出 4 次，最后退出码 1。",
            ),
            (
                &retry,
                "Retry 2 of 10 in 3 s, exit code 255.",
                "3 秒后第 2 次重试，共 10 次，退出码 255。",
            ),
            (
                &finished,
                "Finished 10:05:00 with code 0, as expected.",
                "10:05:00 以退出码 0 结束，符合预期。",
            ),
            (
                &killed,
                "Ended 10:05:00, unexpected: SIGKILL.",
                "10:05:00 结束，意外：SIGKILL。",
            ),
            (
                &starved,
                "Ended 10:05:00, unexpected: killed by the system, out of memory.",
                "10:05:00 结束，意外：内存不足，被系统终止。",
            ),
            (&Reason::NotStarted, "Not started.", "未启动。"),
            (&Reason::None, "", ""),
            (&said, "Cannot chdir.", "Cannot chdir."),
        ] {
            assert_eq!(reason.sentence(Language::English), english);
            assert_eq!(reason.sentence(Language::Chinese), chinese);
        }
    }
}
