//! What a new daemon is handed, item by item: the children, then what is held.

use std::ops::Bound;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use minder_wire::ToDaemon;

use crate::children::Children;
use crate::link::Stage;
use crate::spawn::Held;

/// The next item of an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// The first child from this id on.
    Child(u64),
    /// The first held descriptor.
    FirstHeld,
    /// The first held descriptor after this name.
    HeldAfter(Vec<u8>),
}

/// One item, what rides beside it, and how it goes on.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) message: ToDaemon,
    pub(crate) beside: Vec<Rc<OwnedFd>>,
    pub(crate) next: Stage,
}

impl Cursor {
    /// Where an inventory begins.
    pub(crate) const START: Self = Self::Child(0);

    /// The item that it stands at.
    pub(crate) fn item(&self, children: &Children, held: &Held) -> Item {
        match self {
            Self::Child(from) => match children.at_or_after(*from) {
                Some((id, child)) => {
                    let (streams, mut beside) = child.ends.list();
                    beside.extend(children.pidfd(id).map(Rc::new));
                    let message = ToDaemon::Child {
                        child: id,
                        pid: child.pid,
                        label: child.label.clone(),
                        state: child.state,
                        signals: child.signals,
                        streams,
                    };
                    let next = id.checked_add(1).map_or(Self::FirstHeld, Self::Child);
                    Item {
                        message,
                        beside,
                        next: Stage::Inventory(next),
                    }
                }
                None => Self::FirstHeld.item(children, held),
            },
            Self::FirstHeld => held_item(held.iter().next()),
            Self::HeldAfter(name) => {
                let after = (Bound::Excluded(name.as_slice()), Bound::Unbounded);
                held_item(held.range::<[u8], _>(after).next())
            }
        }
    }
}

fn held_item(found: Option<(&Vec<u8>, &Rc<OwnedFd>)>) -> Item {
    match found {
        Some((name, descriptor)) => Item {
            message: ToDaemon::Held { name: name.clone() },
            beside: vec![Rc::clone(descriptor)],
            next: Stage::Inventory(Cursor::HeldAfter(name.clone())),
        },
        None => Item {
            message: ToDaemon::InventoryEnd,
            beside: Vec::new(),
            next: Stage::Attached,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::children::Ends;

    fn walk(children: &Children, held: &Held) -> Vec<ToDaemon> {
        let mut told = Vec::new();
        let mut stage = Stage::Inventory(Cursor::START);
        while let Stage::Inventory(cursor) = stage {
            let item = cursor.item(children, held);
            assert!(item.message.descriptors() <= item.beside.len());
            told.push(item.message);
            stage = item.next;
        }
        told
    }

    #[test]
    fn children_come_by_id_then_what_is_held_by_name_then_the_end() {
        let mut children = Children::default();
        for id in [u64::MAX, 3, 0] {
            children.insert(id, 1, Vec::new(), Ends::default(), None);
        }
        let mut held = Held::new();
        for name in ["b", "a", ""] {
            let (end, _) = rustix::pipe::pipe().unwrap();
            held.insert(name.into(), Rc::new(end));
        }
        let names: Vec<String> = walk(&children, &held)
            .into_iter()
            .map(|message| match message {
                ToDaemon::Child { child, .. } => child.to_string(),
                ToDaemon::Held { name } => String::from_utf8(name).unwrap(),
                ToDaemon::InventoryEnd => "end".to_owned(),
                other => panic!("not of an inventory: {other:?}"),
            })
            .collect();
        assert_eq!(
            names,
            ["0", "3", "18446744073709551615", "", "a", "b", "end"]
        );
    }

    #[test]
    fn an_empty_inventory_is_only_an_end() {
        let told = walk(&Children::default(), &Held::new());
        assert_eq!(told, [ToDaemon::InventoryEnd]);
    }
}
