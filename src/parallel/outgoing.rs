//! Messages to the few ranks that a rank has something to send to.

use rustc_hash::FxHashMap;

/// Message: the rank that it goes to or comes from, and its values.
pub type Message<T> = (usize, Vec<T>);

/// Outgoing messages of a rank, at most one to each rank.
pub struct Outgoing<T> {
    messages: Vec<Message<T>>,
    /// Position of the message to each rank.
    positions: FxHashMap<usize, usize>,
    /// Position of the message that was used last.
    last: usize,
}

impl<T> Outgoing<T> {
    /// Creates a list without messages.
    pub fn new() -> Self {
        Self { messages: Vec::new(), positions: FxHashMap::default(), last: 0 }
    }

    /// Prepares a message to each of `ranks`, with room for `width` values each time that the rank
    /// occurs. Messages that grow take up to twice the memory.
    pub fn with_capacity(ranks: impl Iterator<Item = usize>, width: usize) -> Self {
        let mut counts = Outgoing::new();
        ranks.for_each(|rank| counts.to(rank).push(()));
        let Outgoing { messages, positions, last } = counts;
        let messages = messages.into_iter().map(|(rank, items)| (rank, Vec::with_capacity(width * items.len())));
        Self { messages: messages.collect(), positions, last }
    }

    /// Returns the message to a rank.
    pub fn to(&mut self, rank: usize) -> &mut Vec<T> {
        let position = self.position(rank);
        &mut self.messages[position].1
    }

    /// Returns the position of the message to a rank: messages are in the order of their first use.
    pub fn position(&mut self, rank: usize) -> usize {
        if self.messages.get(self.last).is_none_or(|message| message.0 != rank) {
            self.last = *self.positions.entry(rank).or_insert(self.messages.len());
            if self.last == self.messages.len() {
                self.messages.push((rank, Vec::new()));
            }
        }
        self.last
    }

    /// Returns the rank and the length of each message.
    pub fn lengths(&self) -> Vec<(usize, usize)> {
        lengths(&self.messages)
    }

    /// Returns the messages.
    pub fn into_messages(self) -> Vec<Message<T>> {
        self.messages
    }
}

impl<T> Default for Outgoing<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<Vec<Message<T>>> for Outgoing<T> {
    /// Takes a list of messages to different ranks.
    fn from(messages: Vec<Message<T>>) -> Self {
        let positions = messages.iter().map(|message| message.0).zip(0..).collect();
        Self { messages, positions, last: 0 }
    }
}

/// Returns the values of all messages, one after the other.
pub(crate) fn concat<T>(messages: Vec<Message<T>>) -> Vec<T> {
    let mut messages = messages.into_iter().map(|message| message.1);
    let mut all = messages.next().unwrap_or_default();
    messages.for_each(|mut values| all.append(&mut values));
    all
}

/// Returns the rank and the length of each message.
pub(crate) fn lengths<T>(messages: &[Message<T>]) -> Vec<(usize, usize)> {
    messages.iter().map(|(rank, values)| (*rank, values.len())).collect()
}
