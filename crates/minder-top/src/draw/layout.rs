//! What goes where.

use crate::model::Model;

/// Lines below each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) y: usize,
    pub(crate) height: usize,
}

/// What goes where, from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Who answers and how processes are, on the first line or the first two.
    pub(crate) head: usize,
    /// The names of the columns, if there is a table.
    pub(crate) titles: Option<usize>,
    /// The rows.
    pub(crate) table: Lines,
    /// The log, its title first.
    pub(crate) log: Option<Lines>,
    /// What else is known of what is under the cursor.
    pub(crate) detail: Option<usize>,
    /// The last line.
    pub(crate) foot: usize,
}

/// The smallest screen that something is drawn on.
pub(crate) const LEAST: (usize, usize) = (20, 5);

/// The least height of a log with its title.
const LEAST_LOG: usize = 4;

impl Layout {
    pub(crate) fn of(model: &Model) -> Self {
        let height = model.height.max(LEAST.1);
        let head = if height < 9 { 1 } else { 2 };
        let foot = height - 1;
        let detail = (height >= 12).then(|| foot - 1);
        let bottom = detail.unwrap_or(foot);
        let room = bottom - head;
        match &model.pane {
            Some(pane) if pane.whole || room < 2 * LEAST_LOG => {
                let log = Lines {
                    y: head,
                    height: room,
                };
                Self {
                    head,
                    titles: None,
                    table: Lines { y: head, height: 0 },
                    log: Some(log),
                    detail,
                    foot,
                }
            }
            pane => {
                let for_log = if pane.is_some() {
                    (room / 2).max(LEAST_LOG)
                } else {
                    0
                };
                let y = bottom - for_log;
                Self {
                    head,
                    titles: Some(head),
                    table: Lines {
                        y: head + 1,
                        height: y - head - 1,
                    },
                    log: pane.as_ref().map(|_| Lines { y, height: for_log }),
                    detail,
                    foot,
                }
            }
        }
    }

    /// The lines inside a dialog that may be as high as the screen.
    pub(crate) fn dialog_height(height: usize) -> usize {
        height.saturating_sub(2).max(1)
    }
}
