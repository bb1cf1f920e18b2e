//! The pipes between daemon and children, and the files in memory beside them.
//!
//! What a child writes counts as read once the position behind it is in a snapshot, and what is
//! sent to it is sent once that is in a snapshot; what a daemon did after its last snapshot has
//! not happened.

use std::collections::VecDeque;
use std::sync::Arc;

/// Those of one child.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    /// All that it has written.
    written: Vec<u8>,
    // How much of that the daemon has read, and how much of it counts.
    read: usize,
    counted: usize,
    // What is on its way to it, and what will be once it counts.
    unsent: VecDeque<Delivery>,
    fresh: Vec<Delivery>,
    // The number of the last delivery that counts.
    delivered: u64,
}

/// An event on its way.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its number.
    pub number: u64,
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

impl Streams {
    /// The child writes something.
    pub fn write(&mut self, words: &[u8]) {
        self.written.extend(words);
    }

    /// How much the daemon has not read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.written.len() - self.read
    }

    /// The daemon reads so much.
    pub fn read(&mut self, length: usize) -> Vec<u8> {
        let from = self.read;
        self.read = self.written.len().min(from + length);
        self.written[from..self.read].to_vec()
    }

    /// The daemon wants to send something, unless an earlier one has done so.
    pub fn deliver(&mut self, delivery: Delivery) {
        let last = self.fresh.last().map_or(self.delivered, |last| last.number);
        if delivery.number > last {
            self.fresh.push(delivery);
        }
    }

    /// All that was done is in a snapshot.
    pub fn count(&mut self) {
        self.counted = self.read;
        self.delivered = self.fresh.last().map_or(self.delivered, |last| last.number);
        self.unsent.extend(self.fresh.drain(..));
    }

    /// The daemon has died.
    pub fn uncount(&mut self) {
        self.read = self.counted;
        self.fresh.clear();
    }

    /// Nobody knows any more what was on its way.
    pub fn forget(&mut self) {
        self.unsent.clear();
    }

    /// What is to be sent.
    pub fn unsent(&mut self) -> &mut VecDeque<Delivery> {
        &mut self.unsent
    }
}
