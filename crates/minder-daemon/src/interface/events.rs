//! What the page about events shows.

use std::sync::Arc;
use std::time::Duration;

use minder_core::group::full_name;
use minder_core::{Channel, Said, Wall};
use minder_page::events::{self, AskedEvents, EVENTS, Event, Kind, Listener, What};
use minder_page::{EventsPage, Look};

use super::fields::Fields;
use super::{Visitor, notice, past};
use crate::api::Api;
use crate::history::{self, Happened, Since};

/// Over how long a time the rate of events is told.
const RATE_OVER: Duration = Duration::from_secs(10 * 60);

/// What is kept: what time it is everybody knows.
const KINDS: [Kind; 6] = [
    Kind::State,
    Kind::Log,
    Kind::Communication,
    Kind::Group,
    Kind::Remote,
    Kind::Daemon,
];

/// Draws the page.
pub(super) fn draw(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> String {
    let asked = asked(fields);
    let (history, moments) = (&api.history, &visitor.moments);
    let last = history.last();
    let before = asked.before.unwrap_or(u64::MAX);
    let find = asked.find.to_lowercase();
    let wanted = |happened: &Happened| {
        let event = event(happened, visitor);
        asked.kinds.contains(&event.kind) && (find.is_empty() || is_found(&event, &find))
    };
    let mut found = history.newest(before, EVENTS + 1, wanted);
    let has_more = found.len() > EVENTS;
    found.truncate(EVENTS);
    let recent = Wall(moments.now.wall.0.saturating_sub(RATE_OVER));
    let rate = history
        .newest(u64::MAX, usize::MAX, |event| event.at >= recent)
        .len();
    #[expect(clippy::cast_precision_loss, reason = "a thousand at most")]
    let rate = rate as f64 / (RATE_OVER.as_secs_f64() / 60.0);
    let address = "events";
    events::draw(&EventsPage {
        frame: visitor.frame(api, address),
        notice: notice(fields),
        listeners: listeners(api),
        last_serial: (last > 0).then_some(last),
        rate: (last > 0).then_some(rate),
        kept: kept(api, visitor),
        older: found.last().filter(|_| has_more).map(|event| event.id),
        kinds: KINDS.to_vec(),
        events: found.iter().map(|it| event(it, visitor)).collect(),
        asked,
    })
}

fn asked(fields: &Fields) -> AskedEvents {
    let usual = AskedEvents::default();
    let kinds = fields.get("kinds").map(|list| {
        let kinds = list.split(',').filter_map(Kind::from_code);
        kinds.collect()
    });
    AskedEvents {
        find: fields.get("q").unwrap_or_default().to_owned(),
        kinds: kinds.unwrap_or(usual.kinds),
        before: fields.number("before"),
        folds: fields.get("unfold").is_none(),
    }
}

fn is_found(event: &Event, find: &str) -> bool {
    [&event.subject, &event.type_name, &event.detail]
        .iter()
        .any(|text| text.to_lowercase().contains(find))
}

/// How many events are kept, and since when.
fn kept(api: &Api, visitor: &Visitor) -> Option<(usize, minder_page::Moment)> {
    let oldest = api.history.oldest()?;
    let Since::Events(first) = api.history.since(oldest - 1, 1) else {
        return None;
    };
    let count = usize::try_from(api.history.last() + 1 - oldest).ok()?;
    Some((count, visitor.moments.moment(first.first()?.at)))
}

/// Every pool of listeners.
fn listeners(api: &Api) -> Vec<Listener> {
    let view = Arc::clone(&api.published.latest().view);
    let pools = api.history.pools().into_iter().map(|(pool, lost)| {
        let group = view
            .groups
            .iter()
            .find(|group| *group.spec.name == *pool.name);
        let state = group
            .and_then(|group| group.processes.first())
            .map(|it| it.state.name());
        Listener {
            name: pool.name.to_string(),
            state: state.unwrap_or_default().to_owned(),
            waiting: pool.waiting,
            lost,
        }
    });
    pools.collect()
}

/// An event, in the words of the page.
fn event(happened: &Happened, visitor: &Visitor) -> Event {
    let (kind, subject, type_name, what) = match &happened.what {
        history::What::Moved { key, from, change } => (
            Kind::State,
            full_name(&key.group, &key.name),
            format!("PROCESS_STATE_{}", change.state.name()),
            What::Became(Some(Look::Plain(*from)), past::look(change)),
        ),
        history::What::GroupAdded(group) => (
            Kind::Group,
            group.to_string(),
            "PROCESS_GROUP_ADDED".to_owned(),
            What::GroupAdded,
        ),
        history::What::GroupRemoved(group) => (
            Kind::Group,
            group.to_string(),
            "PROCESS_GROUP_REMOVED".to_owned(),
            What::GroupRemoved,
        ),
        history::What::Said {
            key, channel, said, ..
        } => (
            match said {
                Said::Log => Kind::Log,
                Said::Communication => Kind::Communication,
            },
            full_name(&key.group, &key.name),
            said.kind(*channel).name().to_owned(),
            match (said, channel) {
                (Said::Log, Channel::Stdout) => What::Stdout,
                (Said::Log, Channel::Stderr) => What::Stderr,
                (Said::Communication, _) => What::Told,
            },
        ),
        history::What::Remote { kind, .. } => (
            Kind::Remote,
            String::new(),
            "REMOTE_COMMUNICATION".to_owned(),
            What::Remote(kind.to_string()),
        ),
        history::What::Running => of_daemon("SUPERVISOR_STATE_CHANGE_RUNNING", What::DaemonRuns),
        history::What::Stopping => of_daemon("SUPERVISOR_STATE_CHANGE_STOPPING", What::DaemonStops),
        // Listeners are not told: to them it is one supervisor.
        history::What::TookOver => of_daemon("", What::TookOver),
    };
    let detail = match &happened.what {
        history::What::Remote { data, .. } | history::What::Said { data, .. } => data.to_string(),
        _ => String::new(),
    };
    let change = match &happened.what {
        history::What::Moved { change, .. } => Some(change),
        _ => None,
    };
    Event {
        serial: happened.id,
        at: visitor.moments.precise(happened.at),
        subject,
        is_process: matches!(kind, Kind::State | Kind::Log | Kind::Communication),
        kind,
        type_name,
        what,
        detail,
        pid: change.map(|change| change.pid).filter(|pid| *pid > 0),
        ending: change
            .and_then(|change| change.end.as_ref())
            .map(past::ending),
    }
}

fn of_daemon(type_name: &str, what: What) -> (Kind, String, String, What) {
    (Kind::Daemon, String::new(), type_name.to_owned(), what)
}
