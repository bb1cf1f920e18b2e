//! What a start has to ask the system about: users and their groups, and the names of hosts.
//!
//! The answer may come from a directory or a name server on the network, and may take as long as
//! that likes. So it is asked on a thread of its own, one question after the other; the driver goes
//! on meanwhile. Starts stay in their order: once one waits for an answer, those after it wait too.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Sender};

use minder_core::{ChildId, GroupSpec, ProcessSpec};
use minder_http::bind::{self, BindError};
use minder_os::users;
use minder_wire::Credentials;

use crate::fastcgi::{host_of, socket_of};
use crate::mailbox::{Command, Post};

/// What is asked for one start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Question {
    /// Whom the program is to become, if that is somebody else.
    uid: Option<u32>,
    /// The host and port of a socket that may have to be made.
    host: Option<(String, u16)>,
}

/// What is known for one start.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Whom the program becomes.
    pub(crate) credentials: Credentials,
    /// Where its socket is to listen; `None` if that was not asked.
    pub(crate) address: Result<Option<SocketAddr>, BindError>,
}

/// The starts that wait.
pub(crate) struct Lookups {
    post: Post,
    /// Made when there is something to ask for the first time.
    questions: Option<Sender<(ChildId, Question)>>,
    waiting: VecDeque<ChildId>,
}

impl Question {
    /// What has to be asked before a process of `group` can be started.
    pub(crate) fn of(spec: &ProcessSpec, group: &GroupSpec) -> Self {
        let own = rustix::process::geteuid();
        Self {
            uid: spec.uid.filter(|uid| *uid != own.as_raw()),
            host: socket_of(group).and_then(host_of),
        }
    }

    /// Asks, and waits for the answer.
    fn ask(self) -> Answer {
        let address = self
            .host
            .map(|(host, port)| bind::resolve(&host, port))
            .transpose();
        Answer {
            credentials: self.uid.map_or(Credentials::Keep, credentials),
            address,
        }
    }
}

impl Lookups {
    /// Answers go to `post`.
    pub(crate) fn new(post: Post) -> Self {
        Self {
            post,
            questions: None,
            waiting: VecDeque::new(),
        }
    }

    /// The answer for a start, if it can be had at once; otherwise it comes by
    /// [`Command::LookedUp`].
    pub(crate) fn ask(&mut self, child: ChildId, question: Question) -> Option<Answer> {
        if self.waiting.is_empty() && question == Question::default() {
            return Some(question.ask());
        }
        let Some(questions) = self.questions() else {
            // Without a thread it takes as long as it takes.
            return Some(question.ask());
        };
        match questions.send((child, question)) {
            Ok(()) => {
                self.waiting.push_back(child);
                None
            }
            Err(refused) => Some(refused.0.1.ask()),
        }
    }

    /// Takes note that the answer for `child` has come.
    pub(crate) fn answered(&mut self, child: ChildId) {
        self.waiting.retain(|waiting| *waiting != child);
    }

    fn questions(&mut self) -> Option<&Sender<(ChildId, Question)>> {
        if self.questions.is_none() {
            let (sender, receiver) = mpsc::channel::<(ChildId, Question)>();
            let post = self.post.clone();
            let thread = std::thread::Builder::new().name("lookups".to_owned());
            let answer = move || {
                for (child, question) in receiver {
                    let answer = question.ask();
                    post.send(Command::LookedUp { child, answer });
                }
            };
            thread.spawn(answer).ok()?;
            self.questions = Some(sender);
        }
        self.questions.as_ref()
    }
}

/// What it takes to become a user. That it cannot be done is told by the child, as Supervisor's
/// does.
fn credentials(uid: u32) -> Credentials {
    let refuse = |why: String| Credentials::Refuse {
        uid,
        why: why.into_bytes(),
    };
    let user = match users::user_by_uid(uid) {
        Ok(Some(user)) => user,
        Ok(None) => return refuse(format!("Can't find uid {uid}")),
        Err(error) => return refuse(error.to_string()),
    };
    if !rustix::process::geteuid().is_root() {
        return refuse("Can't drop privilege as nonroot user".to_owned());
    }
    match users::groups_of(&user) {
        Ok(groups) => Credentials::Become {
            uid,
            gid: user.gid,
            groups,
        },
        Err(_) => refuse("Could not set groups of effective user".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{Mailbox, mailbox};
    use rustix::event::{PollFd, PollFlags, poll};

    /// Who is told of in the next message.
    fn answered(mailbox: &Mailbox) -> Vec<(ChildId, Credentials)> {
        let fd = mailbox.fd();
        poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).unwrap();
        let told = mailbox.take().into_iter().map(|command| match command {
            Command::LookedUp { child, answer } => (child, answer.credentials),
            _ => panic!("nobody else has this post"),
        });
        told.collect()
    }

    #[test]
    fn what_needs_no_answer_waits_for_nobody() {
        let (post, _mailbox) = mailbox().unwrap();
        let mut lookups = Lookups::new(post);
        let answer = lookups.ask(ChildId(1), Question::default()).unwrap();
        assert_eq!(answer.credentials, Credentials::Keep);
        assert!(answer.address.unwrap().is_none());
        assert!(lookups.questions.is_none());
    }

    #[test]
    fn starts_stay_in_their_order() {
        let (post, mailbox) = mailbox().unwrap();
        let mut lookups = Lookups::new(post);
        let nobody = Question {
            uid: Some(u32::MAX - 7),
            host: None,
        };
        assert!(lookups.ask(ChildId(1), nobody).is_none());
        assert!(lookups.ask(ChildId(2), Question::default()).is_none());
        let mut told = Vec::new();
        while told.len() < 2 {
            told.extend(answered(&mailbox));
        }
        let (children, credentials): (Vec<_>, Vec<_>) = told.into_iter().unzip();
        assert_eq!(children, [ChildId(1), ChildId(2)]);
        assert!(matches!(credentials[0], Credentials::Refuse { .. }));
        assert_eq!(credentials[1], Credentials::Keep);
        for child in children {
            lookups.answered(child);
        }
        assert!(lookups.ask(ChildId(3), Question::default()).is_some());
    }
}
