//! The last day of a process as a strip: height says alive, pattern says trouble.

use std::time::Duration;

use maud::{Markup, html};
use minder_core::ProcessState;

use crate::glyph::Look;

/// How long a strip is.
pub const SPAN: Duration = Duration::from_secs(24 * 60 * 60);

/// How many units wide it is drawn: a unit is a minute.
const WIDTH: u32 = 1440;

/// How narrow a stretch may be drawn, in units: two pixels, where the strip is small and where it
/// is large. Less could not be seen.
const NARROWEST_SMALL: u32 = 12;
const NARROWEST: u32 = 3;

/// A time that a process spent in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The state.
    pub look: Look,
    /// How long before now it began; longer than the strip if that is not known.
    pub began: Duration,
}

/// Draws stretches, the oldest first; each lasts until the next one begins, the last until now.
pub(crate) fn strip(stretches: &[Stretch], label: &str, small: bool) -> Markup {
    let narrowest = if small { NARROWEST_SMALL } else { NARROWEST };
    let ends = stretches
        .iter()
        .skip(1)
        .map(|next| at(next.began))
        .chain([WIDTH]);
    let parts = stretches.iter().zip(ends).map(|(stretch, end)| {
        let begin = at(stretch.began);
        let width = end.saturating_sub(begin).max(narrowest);
        (stretch.look, begin.min(WIDTH - width), width)
    });
    html! {
        svg class={ "tl" @if small { " tl-s" } } viewBox="0 0 1440 24" preserveAspectRatio="none"
            role="img" aria-label=(label) {
            rect.base x="0" y="23" width="1440" height="1" {}
            @for (look, x, width) in parts {
                @let (y, height, hatch) = shape(look.state());
                rect class=(look.class()) x=(x) y=(y) width=(width) height=(height) fill=[hatch] {}
            }
            // A start that follows a life is a restart, however short the gap; one that follows a
            // failure is part of what is hatched.
            @for pair in stretches.windows(2) {
                @if is_restart(pair[0], pair[1]) {
                    path.cut d={ "M" (at(pair[1].began)) " 0V24" } {}
                }
            }
        }
    }
}

/// Whether the second of two stretches begins another life, within the strip.
fn is_restart(before: Stretch, next: Stretch) -> bool {
    next.look.state() == ProcessState::Starting
        && before.look.state() != ProcessState::Backoff
        && at(next.began) > 0
}

/// Where something that began so long ago is drawn.
fn at(began: Duration) -> u32 {
    let minutes = u32::try_from(began.as_secs() / 60).unwrap_or(u32::MAX);
    WIDTH.saturating_sub(minutes)
}

/// Top, height, and what it is filled with unless a plain colour.
fn shape(state: ProcessState) -> (u32, u32, Option<&'static str>) {
    match state {
        ProcessState::Running => (0, 24, None),
        ProcessState::Starting | ProcessState::Stopping => (10, 14, None),
        ProcessState::Backoff => (0, 24, Some("url(#h-backoff)")),
        ProcessState::Fatal => (0, 24, Some("url(#h-fatal)")),
        ProcessState::Stopped | ProcessState::Exited | ProcessState::Unknown => (21, 3, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(state: ProcessState, minutes: u64) -> Stretch {
        Stretch {
            look: Look::Plain(state),
            began: Duration::from_secs(minutes * 60),
        }
    }

    #[test]
    fn each_stretch_lasts_until_the_next_one() {
        let drawn = strip(
            &[
                stretch(ProcessState::Running, 5000),
                stretch(ProcessState::Stopping, 60),
                stretch(ProcessState::Starting, 60),
                stretch(ProcessState::Running, 59),
            ],
            "a day",
            false,
        )
        .into_string();
        for part in [
            r#"<rect class="running" x="0" y="0" width="1380" height="24">"#,
            r#"<rect class="stopping" x="1380" y="10" width="3" height="14">"#,
            r#"<rect class="running" x="1381" y="0" width="59" height="24">"#,
            r#"<path class="cut" d="M1380 0V24">"#,
        ] {
            assert!(drawn.contains(part), "{drawn} lacks {part}");
        }
    }

    #[test]
    fn what_began_just_now_is_still_seen() {
        let drawn = strip(&[stretch(ProcessState::Fatal, 0)], "", true).into_string();
        assert!(drawn.contains(r#"x="1428" y="0" width="12""#), "{drawn}");
    }
}
